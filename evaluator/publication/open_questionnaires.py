"""What can be answered now: who asks, about whom, until when, how one takes part, and every question beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.collection.account_routes import offers
from evaluator.collection.campaigns import LiveCampaign, Place, right_now, state
from evaluator.library.forms import Form, form_of
from evaluator.library.lasting import between
from evaluator.publication import rendered, shelf

Web = Request[Any, Any, Any]
Way = Literal["open", "sign_in", "invitation"]
KEPT = 64  # forms in memory, each in one language


class Asked(msgspec.Struct, frozen=True):
    """A campaign as somebody sees it who thinks of taking part."""

    campaign: LiveCampaign
    ways: tuple[Way, ...]  # how one can answer it
    units: int
    only: Place | None  # the unit, where it is about one
    questions: int
    time: str  # blank where it cannot be told


Forms = dict[tuple[int, str], Form]  # by version in the database, and language: neither ever changes


def forms_of(request: Web) -> Forms:
    """The forms that this site has in memory."""
    state = request.app.state
    if "forms_asked" not in state:
        state.forms_asked = {}
    found: Forms = state.forms_asked
    return found


def form_asked(forms: Forms, campaign: LiveCampaign) -> Form:
    """All questions of the version that a campaign asks now."""
    key = (campaign.version, language.current.get())
    if key not in forms:
        if len(forms) >= KEPT:
            forms.clear()
        forms[key] = form_of(campaign.questionnaire)
    return forms[key]


def asked(forms: Forms, campaign: LiveCampaign, *, by_account: bool) -> Asked:
    """What a visitor is told of a campaign."""
    ways: list[Way] = [*(["open"] if campaign.open_link else []), *(["sign_in"] if by_account else []), "invitation"]
    form = form_asked(forms, campaign)
    only = next(iter(campaign.units.values())) if len(campaign.units) == 1 else None
    return Asked(campaign, tuple(ways), len(campaign.units), only, form.questions, between(form.paths))


def now_and_next(
    campaigns: Iterable[LiveCampaign], now: Any, zone: ZoneInfo
) -> tuple[list[LiveCampaign], list[LiveCampaign], list[LiveCampaign]]:
    """Those that take answers now, the first to close first; those that will; those that are paused."""
    by_state: dict[str, list[LiveCampaign]] = {"open": [], "not_yet": [], "paused": []}
    for campaign in campaigns:
        found = by_state.get(state(campaign, now, zone))
        if found is not None:
            found.append(campaign)
    ends: dict[str, Any] = {"open": _closes, "not_yet": _opens, "paused": _closes}
    return tuple(sorted(found, key=ends[name]) for name, found in by_state.items())  # type: ignore[return-value]


def _closes(campaign: LiveCampaign) -> tuple[date, str]:
    return campaign.closes, campaign.code


def _opens(campaign: LiveCampaign) -> tuple[date, str]:
    return campaign.opens, campaign.code


@get("/questionnaires")
async def open_questionnaires(request: Web) -> Response[str]:
    """The campaigns that take answers now or soon."""
    memory, zone = request.app.state.campaigns, request.app.state.settings.zone
    running, coming, paused = now_and_next(await memory.all_shown(), right_now(), zone)
    forms = forms_of(request)
    told = await asyncio.to_thread(
        lambda: [
            [asked(forms, one, by_account=offers(request, one)) for one in some] for some in (running, coming, paused)
        ]
    )
    rendered.keep(request)
    shown = [one for some in told for one in some]
    return pages.page(
        request, "publication/questionnaires.html", running=told[0], coming=told[1], paused=told[2],
        latest=next(iter(shelf.current(await shelf.published())), None),
        simulated=bool(shown) and all(one.campaign.simulated for one in shown),
    )  # fmt: skip


@get("/questionnaires/{campaign:str}")
async def every_question(request: Web, campaign: FromPath[str]) -> Response[str]:
    """All questions of a campaign, also of one that only the invited can answer."""
    found = await request.app.state.campaigns.shown(campaign)
    form = await asyncio.to_thread(form_asked, forms_of(request), found)
    rendered.keep(request)
    return pages.page(request, "library/form.html", form=form, campaign=found, simulated=found.simulated)


public: list[Any] = [open_questionnaires, every_question]
