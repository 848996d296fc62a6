"""The operator's workbench: runs, what they are made of, and what becomes of them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from evaluator import pages
from evaluator.accounts.tables import Account
from evaluator.collection.tables import Campaign
from evaluator.editing.uploading import file_name
from evaluator.problems import FieldProblem, Problem, forbidden, not_found
from evaluator.publication import shelf
from evaluator.rating import registering
from evaluator.rating.defects import InputError
from evaluator.sent_forms import upload_in
from evaluator.workbench import asking, look_routes, places, runs, schemes, wording
from evaluator.workbench.asking import Asked, Asker
from evaluator.workbench.look_routes import HOME, OPERATOR, YAML_TYPE, Staff
from evaluator.workbench.tables import WorkbenchRun

SHOWN = 200  # mistakes of a scheme on a page
LONGEST = 10_000
LISTED = 200  # runs on the page


def _(message: str) -> str:
    return message


def asker(request: Staff) -> Asker:
    """Who works here: an operator of the whole tree."""
    account = request.scope["state"]["account"]
    if account.unit is not None:
        raise forbidden(_("A rating is of all units; an operator bound to some of them cannot start or change one."))
    return Asker(account.id, f"{account.role} {account.id}")


@get("/workbench", sync_to_thread=False)
def short_address() -> Response[bytes]:
    """The address that people type."""
    return pages.redirect(HOME)


@get("/workbench", opt=OPERATOR)
async def list_runs(request: Staff) -> Response[Any]:
    """All runs, the latest first."""
    rows = await WorkbenchRun.objects().order_by(WorkbenchRun.asked_at, ascending=False).limit(LISTED)
    offered = {one.sha256: one for one in await schemes.offered()}
    names = {row["id"]: row["name"] for row in await Account.select(Account.id, Account.name)}
    done = [row for row in rows if row.kind == "rating" and row.state == "done"]
    return pages.page(
        request, "workbench/list.html", rows=rows, schemes=offered, names=names, words=wording, done=done,
        editions=await shelf.published(), zone=request.app.state.settings.zone, said=_outcome(request),
    )  # fmt: skip


def _outcome(request: Staff) -> str:
    return next((word for word in ("deleted", "cancelled") if word in request.query_params), "")


async def _fields(request: Staff) -> Asked:
    form = await request.form()
    texts = {
        name: value.replace("\x00", "").strip()[:LONGEST] for name, value in form.items() if isinstance(value, str)
    }
    return Asked(texts, tuple(str(value)[:64] for value in form.getall("campaign", [])))


# --- a rating


@get("/workbench/new", opt=OPERATOR)
async def rating_form(request: Staff) -> Response[Any]:
    """The form for a rating."""
    asker(request)
    chosen = {name: request.query_params.get(name, "")[:64] for name in ("snapshot", "scheme")}
    return await _rating_page(request, Asked(chosen), [])


async def _rating_page(request: Staff, asked: Asked, wrong: list[FieldProblem]) -> Response[Any]:
    return pages.page(
        request, "workbench/new.html", status=422 if wrong else 200, asked=asked, errors=wrong,
        error_of={one.pointer: one.detail for one in wrong}, editions=await shelf.published(),
        snapshots=await asyncio.to_thread(places.snapshots, request.app.state.settings),
        schemes=await schemes.offered(),
    )  # fmt: skip


@post("/workbench/new", opt=OPERATOR)
async def start_rating(request: Staff) -> Response[Any]:
    """Keep a rating for the worker."""
    who, asked = asker(request), await _fields(request)
    run, wrong = await asking.rating(request.app.state.settings, asked, who)
    return pages.redirect(f"{HOME}/runs/{run.id}") if run else await _rating_page(request, asked, wrong)


# --- a snapshot


@get("/workbench/snapshot", opt=OPERATOR)
async def snapshot_form(request: Staff) -> Response[Any]:
    """The form for a snapshot."""
    asker(request)
    return await _snapshot_page(request, Asked(), [])


async def _snapshot_page(request: Staff, asked: Asked, wrong: list[FieldProblem]) -> Response[Any]:
    campaigns = await Campaign.select(
        Campaign.code, Campaign.title_zh, Campaign.title_en, Campaign.opens, Campaign.closes
    ).order_by(Campaign.opens, ascending=False)
    return pages.page(
        request, "workbench/snapshot.html", status=422 if wrong else 200, asked=asked, errors=wrong,
        error_of={one.pointer: one.detail for one in wrong}, campaigns=campaigns,
    )  # fmt: skip


@post("/workbench/snapshot", opt=OPERATOR)
async def start_snapshot(request: Staff) -> Response[Any]:
    """Keep the making of a snapshot for the worker."""
    who, asked = asker(request), await _fields(request)
    run, wrong = await asking.snapshot(request.app.state.settings, asked, who)
    return pages.redirect(f"{HOME}/runs/{run.id}") if run else await _snapshot_page(request, asked, wrong)


# --- schemes


@get("/workbench/schemes", opt=OPERATOR)
async def list_schemes(request: Staff) -> Response[Any]:
    """All schemes, and the form for a file."""
    return await _schemes_page(request)


async def _schemes_page(request: Staff, error: str = "", name: str = "", defects: Any = ()) -> Response[Any]:
    registered = {one.row.sha256: one.row.registered_on for one in await registering.registrations()}
    return pages.page(
        request, "workbench/schemes.html", status=422 if error or defects else 200, schemes=await schemes.offered(),
        registered=registered,
        error=error, name=name, defects=defects[:SHOWN], total=len(defects), kept=request.query_params.get("kept", ""),
    )  # fmt: skip


@post("/workbench/schemes", opt=OPERATOR, request_max_body_size=registering.MOST_BYTES + 65536)
async def bring_scheme(request: Staff) -> Response[Any]:
    """Keep a scheme, or show everything that is wrong in it and keep nothing."""
    who = asker(request)
    upload = await upload_in(await request.form())
    content = upload.content
    if not content:
        if not pages.wants_page(request):
            raise Problem(422, _("There is no file"), _("Choose a file that is not empty."))
        return await _schemes_page(request, error=pages.language.gettext(_("Choose a file that is not empty.")))
    name = file_name(upload.name)
    try:
        await asyncio.to_thread(registering.checked, content, name)
    except InputError as error:
        if not pages.wants_page(request):
            errors = [FieldProblem(name, defect) for defect in error.defects]
            raise Problem(422, _("The scheme has mistakes"), _("Nothing was stored."), errors=errors) from None
        return await _schemes_page(request, name=name, defects=error.defects)
    digest = await schemes.keep(request.app.state.settings, content, name, who.account, who.by)
    return pages.redirect(f"{HOME}/schemes?kept={digest}")


@get("/workbench/schemes/{digest:str}/scheme.yaml", opt=OPERATOR)
async def download_scheme(request: Staff, digest: FromPath[str]) -> Response[Any]:
    """A scheme's file as it is kept."""
    content = await schemes.content_of(digest)
    if content is None:
        raise not_found(digest[:20])
    return pages.data_response(request, content, YAML_TYPE, file_name=f"scheme-{digest[:12]}.yaml", public=False)


@get("/workbench/schemes/{digest:str}/register", opt=OPERATOR)
async def ask_to_register(request: Staff, digest: FromPath[str]) -> Response[Any]:
    """What registering does, and the form for the reason; a registered scheme's own page where it is one."""
    asker(request)
    if await registering.registrations(digest):
        return pages.redirect(f"/schemes/{digest[:64]}")
    return await _register_page(request, digest, "", "")


async def _register_page(request: Staff, digest: str, why: str, error: str) -> Response[Any]:
    content = await schemes.content_of(digest)
    if content is None:
        raise not_found(digest[:20])
    scheme = await asyncio.to_thread(registering.checked, content, "scheme.yaml")
    return pages.page(
        request, "workbench/register.html", status=422 if error else 200, scheme=scheme, digest=digest, why=why,
        error=error, most=registering.LONGEST,
    )  # fmt: skip


@post("/workbench/schemes/{digest:str}/register", opt=OPERATOR)
async def register_scheme(request: Staff, digest: FromPath[str]) -> Response[Any]:
    """Register a scheme that is kept here, or say why that cannot be."""
    who, content = asker(request), await schemes.content_of(digest)
    if content is None:
        raise not_found(digest[:20])
    why, settings = (await _fields(request)).text("why"), request.app.state.settings
    today = datetime.now(settings.zone).date()
    try:
        await registering.register(settings, content, "scheme.yaml", why, today, who.by)
    except InputError as error:
        said = error.defects[0] if why else pages.language.gettext(_("Say why this scheme; everybody can read it."))
        return await _register_page(request, digest, why, said)
    return pages.redirect(f"/schemes/{digest[:64]}")


# --- a run


@get("/workbench/runs/{run:str}", opt=OPERATOR)
async def show_run(request: Staff, run: FromPath[str]) -> Response[Any]:
    """A run: how far it is, or what came of it."""
    return await look_routes.run_page(request, await runs.find(run))


@post("/workbench/runs/{run:str}/cancel", opt=OPERATOR)
async def cancel_run(request: Staff, run: FromPath[str]) -> Response[Any]:
    """Stop a run."""
    who, row = asker(request), await runs.find(run)
    if row.state in runs.UNDER_WAY:
        await runs.cancel(request.app.state.settings, row, who.by)
    return pages.redirect(f"{HOME}/runs/{row.id}")


@get("/workbench/runs/{run:str}/delete", opt=OPERATOR)
async def ask_to_delete(request: Staff, run: FromPath[str]) -> Response[Any]:
    """The question whether to delete a run."""
    asker(request)
    return pages.page(request, "workbench/delete.html", run=await runs.find(run), words=wording)


@post("/workbench/runs/{run:str}/delete", opt=OPERATOR)
async def delete_run(request: Staff, run: FromPath[str]) -> Response[Any]:
    """Delete a run with what it made."""
    who = asker(request)
    await runs.delete(request.app.state.settings, await runs.find(run), who.by)
    return pages.redirect(f"{HOME}?deleted")


@get("/workbench/runs/{run:str}/take", opt=OPERATOR)
async def ask_to_take(request: Staff, run: FromPath[str]) -> Response[Any]:
    """The form for the decision."""
    asker(request)
    return await _take_page(request, await _rated(run), "", [])


async def _rated(run: str) -> WorkbenchRun:
    row = await runs.find(run, "rating")
    if row.state != "done":
        raise Problem(409, _("This run is not done"), _("Only a finished rating can be taken."))
    return row


async def _take_page(request: Staff, run: WorkbenchRun, decision: str, wrong: list[FieldProblem]) -> Response[Any]:
    return pages.page(
        request, "workbench/take.html", status=422 if wrong else 200, run=run, decision=decision, errors=wrong,
        taken=await asking.taken(run.id), most=asking.DECISION[1],
    )  # fmt: skip


@post("/workbench/runs/{run:str}/take", opt=OPERATOR)
async def take_run(request: Staff, run: FromPath[str]) -> Response[Any]:
    """Write the decision into the edition and hand it to publishing, in the background."""
    who, row = asker(request), await _rated(run)
    decision = (await _fields(request)).text("decision")
    handing, wrong = await asking.publication(request.app.state.settings, row, decision, who)
    return pages.redirect(f"{HOME}/runs/{handing.id}") if handing else await _take_page(request, row, decision, wrong)


public: list[Any] = [short_address]
staff: list[Any] = [
    list_runs, rating_form, start_rating, snapshot_form, start_snapshot, list_schemes, bring_scheme, download_scheme,
    ask_to_register, register_scheme, show_run, cancel_run, ask_to_delete, delete_run, ask_to_take, take_run,
    *look_routes.staff,
]  # fmt: skip
