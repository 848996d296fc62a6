"""Pages of the operator: all campaigns, and one with its units, strata, drop-off and signals, as page, CSV and XLSX."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import language, pages
from evaluator.collection import campaigns, dashboard, dashboard_files, life_routes, screen_counts, steering
from evaluator.collection.campaigns import LiveCampaign, right_now, today
from evaluator.problems import Problem, not_found
from evaluator.units.tree import is_within
from questionnaires.loading import is_shipped
from questionnaires.screens import screens

Ask = Request[Any, Any, Any]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _(message: str) -> str:
    return message


FLAGS = {
    "too_fast": _("answered faster than it can be read"),
    "speed": _("answered faster than it can be read"),
    "prompted": _("told how to answer, or rated by somebody else"),
    "straight_lining": _("the same position again and again"),
    "longstring": _("the same position again and again"),
    "variability": _("hardly any difference between answers"),
    "even_odd": _("halves of the questions contradict each other"),
    "mahalanobis": _("an unusual combination of answers"),
    "near_duplicate": _("the same answers as another response of that unit and day"),
    "burst": _("a day with more responses on a unit than its other days explain"),
}


@get("/campaigns", opt={"roles": {"operator"}})
async def staff_campaigns(request: Ask) -> Response[str]:
    """All campaigns with how many answered, by mode, in the same rounded numbers as their own pages."""
    settings, rows = request.app.state.settings, []
    within = request.scope["state"]["account"].unit
    for campaign in await request.app.state.campaigns.all():
        found = await _overview(request, campaign, within)
        rows.append((campaign, campaigns.state(campaign, right_now(), settings.zone), found.by_mode))
    return pages.page(request, "collection/staff_campaigns.html", rows=rows)


async def _overview(request: Ask, campaign: LiveCampaign, within: str | None) -> dashboard.Overview:
    state = request.app.state
    return await dashboard.overview(state.counted, campaign, today(right_now(), state.settings.zone), within)


async def _chosen(request: Ask, campaign: LiveCampaign) -> tuple[str, str | None]:
    """The unit that the viewer filters by ("" for none), and the one under which units are shown."""
    own = request.scope["state"]["account"].unit
    wanted = str(request.query_params.get("unit", ""))[:32].strip()
    if not wanted:
        return "", own
    tree = await request.app.state.campaigns.tree()
    if wanted not in tree.places or (own is not None and not await is_within(wanted, own)):
        raise Problem(404, _("No such unit"), _("There is no unit “%(unit)s” that you can see."), unit=wanted)
    return wanted, wanted


@get(
    ["/campaigns/{campaign:str}", "/campaigns/{campaign:str}/counts.csv", "/campaigns/{campaign:str}/counts.xlsx"],
    opt={"roles": {"operator"}},
)
async def staff_campaign(request: Ask, campaign: FromPath[str]) -> Response[Any]:
    """How far a campaign is. No answers, and no number of people that tells of single ones."""
    found = await request.app.state.campaigns.get(campaign)
    unit, within = await _chosen(request, found)
    shown = await _overview(request, found, within)
    path = request.scope["path"]
    if path.endswith((".csv", ".xlsx")):
        names, rows = dashboard_files.table(found, shown)
        name = f"{found.code}-counts.{path.rpartition('.')[2]}"
        if path.endswith(".csv"):
            return pages.data_response(request, pages.csv_bytes(names, rows), "text/csv", file_name=name, public=False)
        body = await asyncio.to_thread(dashboard_files.sheet, names, rows)
        return pages.data_response(request, body, XLSX, file_name=name, public=False)
    number = request.query_params.get("page", "1")
    page = dashboard.page_of(shown.units, int(number) if number.isdigit() and len(number) < 6 else 1)
    if page is None:
        raise not_found(f"page {number[:6]}")
    whole = not unit and request.scope["state"]["account"].unit is None
    tree = await request.app.state.campaigns.tree()
    return pages.page(
        request, "collection/staff_campaign.html", campaign=found, page=page, shown=shown, unit=unit,
        life=await life_routes.life(request, found),
        parents=_parents(found, tree, request.scope["state"]["account"].unit),
        screens=dashboard.drop_off(_names(found), await screen_counts.visits(found.id)) if whole else (),
        signals=await steering.signals(found.id) if whole else None, whole=whole, simulated=found.simulated,
        flags={name: language.gettext(text) for name, text in FLAGS.items()},
        shipped=is_shipped(found.questionnaire),
    )  # fmt: skip


def _parents(campaign: LiveCampaign, tree: campaigns.Tree, own: str | None) -> list[campaigns.Place]:
    """Units above several of the campaign's, of the viewer's own if there is one: what the list can be filtered by."""
    below: dict[str, int] = {}
    for code in campaign.units:
        path = [place.code for place in tree.path(code)]
        for above in path[path.index(own) :] if own in path else path if own is None else ():
            below[above] = below.get(above, 0) + 1
    return [tree.places[code] for code, n in sorted(below.items()) if 1 < n < len(campaign.units)]


def _names(campaign: LiveCampaign) -> Mapping[str, str]:
    """The screens of a form in their order, each by its section's title or its first question."""
    found: dict[str, str] = {}
    words = language.current.get().partition("-")[0]
    for screen in screens(campaign.questionnaire):
        asked = screen.questions
        text = asked[0].text.fill(words, language.gettext("this office")) if asked else screen.code
        found[screen.code] = text if len(text) <= 80 else text[:79] + "…"
    return found


staff: list[Any] = [staff_campaigns, staff_campaign]
