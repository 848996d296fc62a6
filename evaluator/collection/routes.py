"""Public pages of collection: choose a unit, the form in two modes, the notice; for operators the campaigns' counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.collection import (
    account_routes,
    admission,
    batch_routes,
    behind,
    change_routes,
    choosing,
    dashboard_routes,
    drafts,
    form,
    life_routes,
    poster_routes,
    receipt_pages,
    screens,
    steps,
)
from evaluator.collection.campaigns import Campaigns, LiveCampaign, check_open, right_now
from evaluator.collection.dashboard import Counted
from evaluator.collection.epochs import seal_for_ever
from evaluator.collection.first_screen import FirstScreens
from evaluator.collection.intake import Intake
from evaluator.collection.keeping import forget_for_ever
from evaluator.collection.screen_counts import ScreenCounts
from evaluator.collection.steering import watch_for_ever
from evaluator.collection.storing import Sink, sink_for
from evaluator.collection.throttle import Throttle
from evaluator.collection.writer_process import WriterProcess
from evaluator.problems import Problem
from evaluator.settings import Settings
from questionnaires.loading import is_shipped

Ask = Request[Any, Any, Any]
SEND_BYTES = form.MOST_BYTES


def _(message: str) -> str:
    return message


async def _sink(settings: Settings) -> Sink:
    """Where this process stores answers: through a process of its own, which is started now."""
    if not settings.writer_process:
        return sink_for(settings)
    process = WriterProcess(settings)
    await process.start()
    return process


@contextlib.asynccontextmanager
async def writer(app: Litestar) -> AsyncIterator[None]:
    """The process's writer and its memory of campaigns; closing stores what waits."""
    settings = app.state.settings
    sink = await _sink(settings)
    app.state.intake = Intake(sink, batch=settings.batch_size, depth=settings.queue_depth)
    app.state.throttle = Throttle()
    app.state.campaigns = Campaigns()
    app.state.screen_counts, app.state.counted = ScreenCounts(), Counted()
    app.state.first_screens = FirstScreens()
    upkeep = [
        asyncio.create_task(work)
        for work in (
            forget_for_ever(settings.zone), seal_for_ever(settings), app.state.screen_counts.store_for_ever(),
            watch_for_ever(),
        )
    ]  # fmt: skip
    try:
        yield
    finally:
        for task in upkeep:
            task.cancel()
        await app.state.intake.close()
        await app.state.screen_counts.close()


# --- the form -------------------------------------------------------------------------------------------------------


@get("/rate/{campaign:str}/{unit:str}")
async def start(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """The form by open link: a step that was kept, or the first screen. Where people may sign in they choose first."""
    found = await steps.campaign_and_unit(request, campaign, unit)
    draft = await steps.draft_of(request, found) if found.open_link else None
    if draft is not None:  # who has begun may go on for a while after the close
        return await steps.kept(request, found, draft)
    check_open(found, right_now(), request.app.state.settings.zone)
    offered = account_routes.offers(request, found)
    if not found.open_link and not offered:
        raise by_invitation_only()
    if offered and not (found.open_link and "step" in request.query_params):
        return account_routes.door(request, found, unit)
    return await steps.begin(request, found, form.new_visit(found.id, unit, right_now()))


def by_invitation_only() -> Problem:
    return Problem(
        403,
        _("By invitation only"),
        _("This survey asks a random sample of people. If you were invited, enter your code."),
    )


@post("/rate/{campaign:str}/{unit:str}", status_code=200, request_max_body_size=SEND_BYTES)
async def step(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """The next screen."""
    return await steps.step(request, *await steps.form_of(request, campaign, unit, "open"))


@post("/rate/{campaign:str}/{unit:str}/send", status_code=303, request_max_body_size=SEND_BYTES)
async def send(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """Count the answers of an open link."""
    return await steps.send(request, *await steps.form_of(request, campaign, unit, "open"))


@post("/rate/{campaign:str}/{unit:str}/forget", status_code=303, request_max_body_size=4096)
async def start_over(request: Ask, campaign: FromPath[str], unit: FromPath[str]) -> Response[Any]:
    """Delete what was kept and begin again."""
    found = await steps.campaign_and_unit(request, campaign, unit)
    address = f"/rate/{found.code}/{unit}"
    return pages.redirect(address, await steps.forget(request, address))


# --- invitation codes -------------------------------------------------------------------------------------------------


@get("/code")
async def enter_code(request: Ask) -> Response[str]:
    """The form for a code."""
    return _code_page(request, headers=steps.key_header(request, "/code"))


def _code_page(
    request: Ask, typed: str = "", error: str = "", *, status: int = 200, headers: dict[str, str] | None = None
) -> Response[str]:
    return pages.page(
        request, "collection/code.html", status=status, headers=headers, typed=typed[:64], error=error,
        script=pages.code_script(),
    )  # fmt: skip


@post("/code", status_code=200, request_max_body_size=4096)
async def take_code(request: Ask) -> Response[Any]:
    """The form in invitation mode, for a code that was sent out and not used. A mistyped one asks no database."""
    typed = form.read_code_form(await request.body())
    code = admission.read_code(typed)
    if code is None:
        mistyped = _("This code is mistyped. It has 16 letters and digits; compare it with your letter, one by one.")
        message = language.gettext(mistyped if typed.strip() else _("Enter the code from your letter or message."))
        return _code_page(request, typed, message, status=422)
    invitation = await admission.find_invitation(request.app.state.settings, code)
    found = await request.app.state.campaigns.by_number(invitation.campaign) if invitation else None
    if invitation is None or found is None or invitation.unit not in found.units:
        return _unknown(request, typed)
    hashed = invitation.code_hash
    if await admission.is_used(hashed):
        raise steps.already_counted()
    check_open(found, right_now(), request.app.state.settings.zone)
    visit = form.new_visit(
        found.id, invitation.unit, right_now(), code_hash=hashed,
        design_stratum=invitation.design_stratum, psu=invitation.psu,
    )  # fmt: skip
    if (kept := await steps.draft_of(request, found)) is not None:
        before = form.read_visit(request.app.state.secret, kept.visit)
        if before.code_hash == hashed:  # the same code again on the same device: where it was left
            return pages.redirect(f"/code/form?step={len(kept.trail)}")
        await drafts.forget(drafts.read_key(request.cookies))
    return await steps.begin(request, found, visit)


def _unknown(request: Ask, typed: str) -> Response[str]:
    """A well-formed code of no invitation: many of them are guesses, and then a program is asked to stop."""
    address = request.client.host if request.client else ""
    if wait := request.app.state.throttle.unknown(address):
        message = language.gettext(
            "Too many codes that belong to no invitation were tried. A code from a letter still works: compare it with "
            "yours, or try again in %(minutes)s minutes."
        ) % {"minutes": -(-wait // 60)}
        return _code_page(request, typed, message, status=429, headers={"Retry-After": str(wait)})
    message = language.gettext(
        "There is no invitation with this code. Compare it with your letter; if it is the same, ask the office that is "
        "named in it."
    )
    return _code_page(request, typed, message, status=422)


@get(["/code/form", "/code/send"])
async def code_again(request: Ask) -> Response[Any]:
    """A step that was kept; without one the code has to be entered again. What was sent is never shown again."""
    kept = await drafts.find(drafts.read_key(request.cookies))
    if kept is None:
        return pages.redirect("/code")
    visit = form.read_visit(request.app.state.secret, kept[1].visit)
    found = await request.app.state.campaigns.by_number(kept[0])
    if found is None or form.mode(visit) != "invitation" or visit.unit not in found.units:
        return pages.redirect("/code", await steps.forget(request, "/code"))
    if await admission.is_used(visit.code_hash):
        await drafts.forget(drafts.read_key(request.cookies))
        raise steps.already_counted()
    return await steps.kept(request, found, kept[1])


@post("/code/form/forget", status_code=303, request_max_body_size=4096)
async def code_start_over(request: Ask) -> Response[Any]:
    """Delete what was kept and begin with the code."""
    return pages.redirect("/code", await steps.forget(request, "/code"))


async def _invited_form(request: Ask) -> tuple[LiveCampaign, form.Visit, form.Sent]:
    sent = form.read_form(await request.body())
    visit = form.read_visit(request.app.state.secret, sent.visit)
    found = await request.app.state.campaigns.by_number(visit.campaign)
    if form.mode(visit) != "invitation" or found is None or visit.unit not in found.units:
        raise form.tampered()
    return found, visit, sent


@post("/code/form", status_code=200, request_max_body_size=SEND_BYTES)
async def code_step(request: Ask) -> Response[Any]:
    """The next screen of somebody who was invited."""
    return await steps.step(request, *await _invited_form(request))


@post("/code/send", status_code=303, request_max_body_size=SEND_BYTES)
async def code_send(request: Ask) -> Response[Any]:
    """Count the answers of somebody who was invited, once."""
    return await steps.send(request, *await _invited_form(request))


# --- choosing, and the notice -----------------------------------------------------------------------------------------


@get("/rate")
async def choose(request: Ask) -> Response[Any]:
    """Choose a survey and a unit: a search box, and the tree."""
    settings, memory = request.app.state.settings, request.app.state.campaigns
    open_ones = await memory.open_now(right_now(), settings.zone)
    open_ones = [c for c in open_ones if c.open_link or account_routes.offers(request, c)]
    query = request.query_params
    wanted = str(query.get("campaign", ""))
    if wanted and wanted not in {campaign.code for campaign in open_ones}:
        check_open(await memory.shown(wanted), right_now(), settings.zone)
        raise by_invitation_only()
    found = next((c for c in open_ones if c.code == wanted), open_ones[0] if len(open_ones) == 1 else None)
    if found is None:
        simulated = bool(open_ones) and all(c.simulated for c in open_ones)
        return pages.page(request, "collection/campaigns.html", campaigns=open_ones, simulated=simulated)
    picked = choosing.pick(
        await memory.tree(), found.units, str(query.get("q", ""))[:80], str(query.get("parent", ""))[:32]
    )
    return pages.page(
        request, "collection/choose.html", campaign=found, picked=picked, several=len(open_ones) > 1,
        shipped=is_shipped(found.questionnaire), simulated=found.simulated,
    )  # fmt: skip


@get("/notice")
async def notices(request: Ask) -> Response[str]:
    """What is kept of a visit and of an answer, for every campaign."""
    found = await request.app.state.campaigns.all_shown()
    return pages.page(
        request, "collection/notices.html", campaigns=found, operator=request.app.state.settings.operator,
        simulated=bool(found) and all(c.simulated for c in found),
    )  # fmt: skip


@get("/notice/{campaign:str}")
async def notice(request: Ask, campaign: FromPath[str]) -> Response[str]:
    """Who is responsible for a campaign, what for, what is kept and how long, whom to ask."""
    found = await request.app.state.campaigns.shown(campaign)
    return pages.page(
        request, "collection/notice.html", campaign=found, told=await life_routes.told(found),
        operator=request.app.state.settings.operator,
        shipped=is_shipped(found.questionnaire),
        strata=[
            screens.say(q.text, language.gettext("this office"))
            for q in found.questionnaire.questions if q.role == "stratum"
        ],
        simulated=found.simulated,
    )  # fmt: skip


public: list[Any] = [
    choose, start, step, send, start_over, enter_code, take_code, code_again, code_start_over, code_step,
    code_send, notices, notice,
    *account_routes.public, *receipt_pages.public, *life_routes.public,
]  # fmt: skip
staff: list[Any] = [
    *dashboard_routes.staff, *life_routes.staff, *poster_routes.staff, *batch_routes.staff, *change_routes.staff,
]  # fmt: skip
lifespan: list[Any] = [writer, behind.watching, *account_routes.lifespan]
