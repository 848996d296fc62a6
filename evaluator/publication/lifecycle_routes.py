"""Staff pages on the life of editions: the operator's steps, each confirmed; a unit's own page before the public."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath

from evaluator import pages
from evaluator.language import gettext
from evaluator.problems import Problem, not_found
from evaluator.publication import lifecycle, registered, replies, shelf
from evaluator.publication.registered_wording import sentences
from evaluator.publication.review_changes import prepare
from evaluator.publication.routes import unit_shown
from evaluator.rating.tables import EditionReply, PublishedEdition

Staff = Request[Any, Any, Any]
OPERATOR = {"roles": {"operator"}}
REPRESENTATIVE = {"roles": {"representative"}}
STEPS = ("reply", "publish", "withdraw")


def _now(request: Staff) -> datetime:
    return datetime.now(request.app.state.settings.zone)


def _today(request: Staff) -> date:
    return _now(request).date()


def _words(problem: Problem | None) -> str:
    """Why something was refused, in the reader's language."""
    if problem is None:
        return ""
    return gettext(problem.detail) % problem.values if problem.values else gettext(problem.detail)


def possible(row: PublishedEdition) -> tuple[str, ...]:
    """The steps that an edition can take from where it is."""
    if row.state == "draft":
        return ("reply", "publish", "withdraw") if row.reply_days else ("publish", "withdraw")
    if row.state == "under_reply":
        return ("publish", "withdraw")
    return ("withdraw",) if row.state in ("published", "superseded") else ()


def early(row: PublishedEdition, today: date) -> bool:
    """Whether publishing now would cut the units' days short."""
    return bool(row.reply_days) and not (row.state == "under_reply" and today > row.reply_until)


@get("/editions", opt=OPERATOR)
async def edition_states(request: Staff) -> Response[Any]:
    """All editions and what state each is in, those that wait first."""
    rows = await PublishedEdition.objects()
    rows = sorted(rows, key=lambda row: (row.state in shelf.NOT_PUBLIC, row.published_on, row.period_to), reverse=True)
    return pages.page(
        request, "publication/lifecycle_list.html", rows=rows, today=_today(request),
        simulated=bool(rows) and all(row.simulated for row in rows),
    )  # fmt: skip


@get("/editions/{edition_id:str}", opt=OPERATOR)
async def edition_state(request: Staff, edition_id: FromPath[str]) -> Response[Any]:
    """One edition: where it stands, what can be done, and what the units replied."""
    row = await lifecycle.edition_row(edition_id)
    edition = None if row.files_removed else await shelf.opened_row(request.app.state.settings, row)
    written = await replies.replies_to(row.identifier)
    registration = await registered.of_note(edition.note) if edition else None
    done = {
        "reply": gettext("Each rated unit sees its own page now."),
        "publish": gettext("The edition is published."),
        "withdraw": gettext("The edition is withdrawn."),
        "answer": gettext("The answer is kept."),
    }
    return pages.page(
        request, "publication/lifecycle_edition.html", row=row, edition=edition, written=written,
        steps=possible(row), today=_today(request), longest=replies.LONGEST, simulated=row.simulated,
        registration=registration, registration_words=sentences(registration) if registration else (),
        done=done.get(request.query_params.get("done", ""), ""),
    )  # fmt: skip


async def _step_page(
    request: Staff, row: PublishedEdition, step: str, values: Mapping[str, str], problem: Problem | None = None
) -> Response[Any]:
    return pages.page(
        request, "publication/lifecycle_step.html", status=problem.status if problem else 200, row=row, step=step,
        early=early(row, _today(request)), values=values, problem=problem, refused=_words(problem),
        simulated=row.simulated,
    )  # fmt: skip


@get("/editions/{edition_id:str}/{step:str}", opt=OPERATOR)
async def ask(request: Staff, edition_id: FromPath[str], step: FromPath[str]) -> Response[Any]:
    """What a step does, before it is done."""
    row = await lifecycle.edition_row(edition_id)
    if step not in STEPS:
        raise not_found(step[:40])
    if step not in possible(row):
        return pages.redirect(f"/staff/editions/{quote(edition_id, safe='')}")
    return await _step_page(request, row, step, {})


@post("/editions/{edition_id:str}/{step:str}", opt=OPERATOR)
async def take_step(request: Staff, edition_id: FromPath[str], step: FromPath[str]) -> Response[Any]:
    """Take a step; where it is refused, the page says why."""
    if step not in STEPS:
        raise not_found(step[:40])
    row = await lifecycle.edition_row(edition_id)
    form = await request.form()
    why = str(form.get("why", "")).replace("\x00", "")[: lifecycle.LONGEST]
    remove = form.get("remove") == "yes"
    settings, today = request.app.state.settings, _today(request)
    try:
        if step == "reply":
            await lifecycle.open_reply(settings, edition_id, today)
        elif step == "publish":
            await lifecycle.release(settings, edition_id, today, why)
        else:
            await lifecycle.withdraw(settings, edition_id, why, today, remove_files=remove)
    except Problem as problem:
        return await _step_page(request, row, step, {"why": why, "remove": "yes" if remove else ""}, problem)
    answer = pages.redirect(f"/staff/editions/{quote(edition_id, safe='')}?done={step}")
    if step == "publish":
        answer.background = BackgroundTask(prepare, settings, edition_id)
    return answer


@get("/editions/{edition_id:str}/units/{unit:str}", opt=OPERATOR)
async def preview(request: Staff, edition_id: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """A unit's page as the unit sees it."""
    row = await lifecycle.edition_row(edition_id)
    return await _own_page(request, row, unit, mine=False)


@post("/editions/{edition_id:str}/units/{unit:str}", opt=OPERATOR)
async def answer(request: Staff, edition_id: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """Answer a unit's reply."""
    form = await request.form()
    await replies.answer_reply(
        request.app.state.settings, edition_id, unit, str(form.get("answer", "")), form.get("corrected") == "yes",
        _now(request),
    )  # fmt: skip
    return pages.redirect(f"/staff/editions/{quote(edition_id, safe='')}?done=answer")


async def _own_page(
    request: Staff, row: PublishedEdition, unit: str, *, mine: bool, text: str | None = None,
    problem: Problem | None = None,
) -> Response[Any]:  # fmt: skip
    edition = await shelf.opened_row(request.app.state.settings, row)
    if unit not in edition.units or unit not in edition.ratings:
        raise not_found(unit[:80])
    written = await replies.reply_of(row.identifier, unit)
    shown = await unit_shown(
        request, edition, unit, "lifecycle_unit.html", own=True, mine=mine, row=row, written=written,
        text=text if text is not None else written.text if written else "", problem=problem, refused=_words(problem),
        open=lifecycle.reply_open(row, _today(request)), longest=replies.LONGEST,
        done=request.query_params.get("done", ""),
    )  # fmt: skip
    if problem:
        shown.status_code = problem.status
    return shown


def _own_unit(request: Staff) -> str:
    return str(request.scope["state"]["account"].unit or "")


@get("/own-ratings", opt=REPRESENTATIVE)
async def own_ratings(request: Staff) -> Response[Any]:
    """The editions that this account's unit is in: under reply first, and what it replied to each."""
    rows = await PublishedEdition.objects().where(
        PublishedEdition.state != "draft", PublishedEdition.files_removed.eq(False)
    )
    rows = sorted(rows, key=lambda row: (row.state == "under_reply", row.published_on), reverse=True)
    written = await EditionReply.objects().where(EditionReply.unit == _own_unit(request))
    return pages.page(
        request, "publication/lifecycle_own.html", rows=rows, unit=_own_unit(request), today=_today(request),
        replied={one.edition for one in written}, simulated=bool(rows) and all(row.simulated for row in rows),
        open=lifecycle.reply_open,
    )  # fmt: skip


async def _under_reply(request: Staff, edition_id: str) -> PublishedEdition:
    """The edition whose own page the account's unit may see."""
    row = await lifecycle.edition_row(edition_id)
    if row.state == "draft" or row.files_removed:
        raise not_found(edition_id[:80])
    return row


@get("/own-ratings/{edition_id:str}", opt=REPRESENTATIVE)
async def own_rating(request: Staff, edition_id: FromPath[str]) -> Response[Any]:
    """What the edition says of this account's unit, before the public sees it, and the form for a reply."""
    row = await _under_reply(request, edition_id)
    if row.state not in shelf.NOT_PUBLIC:
        unit = quote(_own_unit(request), safe="")
        return pages.redirect(f"/editions/{quote(edition_id, safe='')}/units/{unit}")
    return await _own_page(request, row, _own_unit(request), mine=True)


@post("/own-ratings/{edition_id:str}", opt=REPRESENTATIVE)
async def reply(request: Staff, edition_id: FromPath[str]) -> Response[Any]:
    """Keep the reply; blank takes it back."""
    row = await _under_reply(request, edition_id)
    edition = await shelf.opened_row(request.app.state.settings, row)
    if _own_unit(request) not in edition.ratings:
        raise not_found(edition_id[:80])
    text = str((await request.form()).get("text", ""))
    try:
        kept = await replies.write_reply(
            request.app.state.settings, edition_id, _own_unit(request), text, request.scope["state"]["account"],
            _now(request),
        )  # fmt: skip
    except Problem as problem:
        return await _own_page(request, row, _own_unit(request), mine=True, text=text, problem=problem)
    return pages.redirect(f"/staff/own-ratings/{quote(edition_id, safe='')}?done={'kept' if kept else 'gone'}")


staff: list[Any] = [
    edition_states, edition_state, ask, take_step, preview, answer, own_ratings, own_rating, reply,
]  # fmt: skip
