"""Posters for operators: a list of the units with a file to print for each, or all of a page in one ZIP."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import pages
from evaluator.collection import posters
from evaluator.collection.campaigns import LiveCampaign
from evaluator.problems import Problem, not_found
from evaluator.units.tree import subtree

Ask = Request[Any, Any, Any]
PAGE = 50  # units; drawing a square takes milliseconds


def _(message: str) -> str:
    return message


async def _units(request: Ask, campaign: LiveCampaign) -> list[str]:
    """The units of a campaign that this account may see."""
    within = request.scope["state"]["account"].unit
    if within is None:
        return list(campaign.units)
    allowed = set(await subtree(within))
    return [unit for unit in campaign.units if unit in allowed]


def _page(request: Ask, units: list[str]) -> tuple[int, int, list[str]]:
    """Number of the page, how many there are, and its units."""
    text = str(request.query_params.get("page", "1"))
    of = max(1, -(-len(units) // PAGE))
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= of:
        raise not_found(f"page {text[:6]}")
    return number, of, units[(number - 1) * PAGE : number * PAGE]


def _paper(text: str) -> posters.Paper:
    if text not in posters.PAPERS:
        raise Problem(404, _("No such paper"), _("Posters are made for A4 and A5."))
    return cast(posters.Paper, text)


@get("/campaigns/{campaign:str}/posters", opt={"roles": {"operator"}})
async def staff_posters(request: Ask, campaign: FromPath[str]) -> Response[str]:
    """The units, and what can be printed for each."""
    found = await request.app.state.campaigns.get(campaign)
    number, of, units = _page(request, await _units(request, found))
    return pages.page(
        request, "collection/posters.html", campaign=found, units=[found.units[unit] for unit in units],
        number=number, of=of, papers=posters.PAPERS, simulated=found.simulated,
    )  # fmt: skip


@get("/campaigns/{campaign:str}/posters/{file:str}", opt={"roles": {"operator"}})
async def posters_zip(request: Ask, campaign: FromPath[str], file: FromPath[str]) -> Response[bytes]:
    """The posters of the units of one page of the list: a4.zip or a5.zip."""
    found = await request.app.state.campaigns.get(campaign)
    size = _paper(file.removesuffix(".zip") if file.endswith(".zip") else "")
    number, of, units = _page(request, await _units(request, found))
    body = await asyncio.to_thread(posters.packed, request.app.state.settings, found, size, units)
    name = f"posters-{found.code}-{size}{f'-{number}' if of > 1 else ''}.zip"
    return pages.data_response(request, body, "application/zip", file_name=name, public=False)


@get("/campaigns/{campaign:str}/posters/{paper:str}/{unit:str}", opt={"roles": {"operator"}})
async def poster(request: Ask, campaign: FromPath[str], paper: FromPath[str], unit: FromPath[str]) -> Response[bytes]:
    """A unit's poster, as a file: it has its own style, which no page of this site may have."""
    found = await request.app.state.campaigns.get(campaign)
    size = _paper(paper)
    if unit not in found.units:  # `staff_only` has seen to it that the account may see the unit
        raise Problem(404, _("Not in this survey"), _("This survey does not ask about “%(unit)s”."), unit=unit[:40])
    body = posters.posters_page(request.app.state.settings, found, [unit], size)
    name = f"poster-{found.code}-{unit}-{size}.html"
    return pages.data_response(request, body.encode(), "text/html", file_name=name, public=False)


staff: list[Any] = [staff_posters, posters_zip, poster]
