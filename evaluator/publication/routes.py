"""Home, editions, rankings, map, units, method, downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import File

from evaluator import pages
from evaluator.collection.campaigns import LiveCampaign, right_now
from evaluator.problems import Problem, not_found
from evaluator.publication import (
    api_data,
    charts,
    citation,
    exports,
    maps,
    method_view,
    outlines,
    over_time,
    ranking,
    registered,
    registered_wording,
    rendered,
    review_changes,
    selection,
    shelf,
    unit_view,
    wording,
)
from evaluator.publication.api_answers import split
from evaluator.publication.editions import SUMS, Edition, listed
from evaluator.publication.questions import question_words
from evaluator.publication.replies import reply_of
from evaluator.rating.tables import PublishedEdition
from evaluator.records.told import told_of

Web = Request[Any, Any, Any]
TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
}
THUMBNAIL, LISTED = 300, 200  # width of the overview's map; most rows of the map's table
FOUND = 50  # units that a search shows


def shown(request: Web, edition: Edition, template: str, **context: Any) -> Response[str]:
    """A page on an edition; simulated ones carry the mark on the page and in every picture."""
    rendered.keep(request, edition)
    return pages.page(
        request, f"publication/{template}", edition=edition, scheme=edition.scheme, words=wording,
        base=f"/editions/{quote(edition.identifier, safe='')}",
        decimals=edition.scheme.publication.decimals, stamp=exports.stamp(edition),
        simulated=edition.simulated, standing=getattr(request.state, "edition_row", None),
        standing_successor=getattr(request.state, "edition_successor", None), **context,
    )  # fmt: skip


async def registration(edition: Edition) -> dict[str, Any]:
    """What the mark on a page says of the scheme's registration."""
    standing = await registered.of_note(edition.note)
    return {"registration": standing, "registration_words": registered_wording.sentences(standing)}


def page_number(request: Web) -> int:
    text = request.query_params.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


@get("/")
async def home(request: Web) -> Response[str]:
    """What this is, the latest edition at a glance, which surveys are open, and what one can do here."""
    editions = await shelf.published()
    latest = next(iter(shelf.current(editions)), None)
    simulated = bool(editions) and all(row.simulated for row in editions)
    settings = request.app.state.settings
    surveys = await request.app.state.campaigns.open_now(right_now(), settings.zone)
    edition, picture, drawn = None, None, ()
    if latest is not None:
        try:
            edition = await shelf.opened_row(settings, latest)
        except Problem:  # its own pages say what is wrong with it
            edition = None
    if edition is not None:
        path = outlines.outline_file(settings.data_dir, edition.identifier)
        drawn = maps.levels_drawn(edition, path) if path else ()
        if path and drawn:
            codes = edition.order[drawn[0]]
            picture = await asyncio.to_thread(maps.choropleth, edition, path, codes, THUMBNAIL, names=False)
    rendered.keep(request, edition)
    return pages.page(
        request, "publication/home.html", latest=latest,
        before=await before_of(edition) if edition else None, simulated=simulated, edition=edition, surveys=surveys,
        picture=picture, map_level=drawn[0] if drawn else "", words=wording,
        stamp=exports.stamp(edition) if edition else "",
        ranked=[(level, *sentence_figures(edition, level)) for level in edition.levels] if edition else [],
    )  # fmt: skip


def sentence_figures(edition: Edition, level: str) -> tuple[int, int]:
    """How many units of a level are ranked, and into how many tiers they fall."""
    return edition.ranked_at(level), edition.tiers_at(level)


@get("/find")
async def find(request: Web) -> Response[Any]:
    """Units of the latest edition by name or code; straight to the page where only one fits exactly."""
    query = request.query_params.get("q", "").replace("\x00", "").strip()[: selection.LONGEST]
    latest = next(iter(shelf.current(await shelf.published())), None)
    edition = await shelf.opened_row(request.app.state.settings, latest) if latest else None
    found, number = selection.found_by_name(edition, query, FOUND) if edition and query else ([], 0)
    exact = [unit for unit, _rating in found if selection.is_exactly(unit, query)]
    if edition and (number == 1 or len(exact) == 1):
        unit = exact[0] if len(exact) == 1 else found[0][0]
        return pages.redirect(f"/editions/{quote(edition.identifier, safe='')}/units/{quote(unit.code, safe='')}")
    rendered.keep(request, edition)
    return pages.page(
        request, "publication/find.html", query=query, edition=edition, found=found, number=number, words=wording,
        simulated=bool(edition and edition.simulated), decimals=edition.scheme.publication.decimals if edition else 1,
        scheme=edition.scheme if edition else None,
    )  # fmt: skip


async def before_of(edition: Edition) -> PublishedEdition | None:
    """The edition that this one's changes are shown against, where its files are still there."""
    row = review_changes.compared_with(edition, await shelf.published())
    return None if row is None or row.files_removed else row


@get("/editions")
async def edition_list(request: Web) -> Response[str]:
    """All published editions, the latest first."""
    editions = await shelf.published()
    replaced = {row.supersedes: row for row in editions if row.supersedes}
    simulated = bool(editions) and all(row.simulated for row in editions)
    rendered.keep(request)
    standings = await registered.standings(request.app.state.settings, editions)
    return pages.page(
        request, "publication/editions.html", editions=editions, replaced=replaced, simulated=simulated,
        with_changes=_with_changes(editions),
        registered={name: registered_wording.short(standing) for name, standing in standings.items()},
    )  # fmt: skip


def _with_changes(rows: Sequence[PublishedEdition]) -> set[str]:
    """Identifiers of the editions whose changes can be shown, as far as the list alone tells."""
    here = [row for row in rows if not row.files_removed]
    known = {row.identifier for row in here}
    return {
        row.identifier
        for row in here
        if row.supersedes in known or any(o.period_to < row.period_from and o.state == "published" for o in here)
    }


@get("/editions.json")
async def edition_list_data(request: Web) -> Response[bytes]:
    """The same for programs."""
    rows = await shelf.published()
    return api_data.editions(request, rows, await registered.standings(request.app.state.settings, rows))


@get("/editions/{edition_id:str}")
async def overview(request: Web, edition_id: FromPath[str]) -> Response[Any]:
    """An edition at a glance."""
    name, suffix = split(edition_id)
    edition = await shelf.opened(request, name)
    if suffix == ".json":
        return api_data.overview(request, edition, request.state.edition_row, await registered.of_note(edition.note))
    if suffix:
        raise not_found(edition_id)
    path = outlines.outline_file(request.app.state.settings.data_dir, edition.identifier)
    drawn = maps.levels_drawn(edition, path) if path else ()
    picture = (
        maps.choropleth(edition, path, edition.order[drawn[0]], THUMBNAIL, names=False) if path and drawn else None
    )
    return shown(
        request, edition, "overview.html", before=await before_of(edition), picture=picture,
        map_level=drawn[0] if drawn else "",
        **await registration(edition),
    )  # fmt: skip


@get("/editions/{edition_id:str}/ranking/{level:str}")
async def level_ranking(request: Web, edition_id: FromPath[str], level: FromPath[str]) -> Response[Any]:
    """The units of a level, filtered and ordered as the address says, each with its interval; also .json and .csv."""
    edition = await shelf.opened(request, edition_id)
    level, suffix = split(level)
    if level not in edition.order:
        raise not_found(level[:80])
    wanted = selection.read(edition, level, request.query_params)
    codes = selection.codes(edition, level, wanted)
    if suffix:
        return await asyncio.to_thread(api_data.ratings, request, edition, codes, suffix, level)
    listing = ranking.listing(edition, codes, page_number(request), len(codes) or 1 if wanted.whole else ranking.PAGE)
    if listing is None:
        raise not_found(request.query_params.get("page", ""))
    node = wanted.sort if wanted.sort in {d.code for d in edition.scheme.dimensions} else ""
    # a picture of a thousand lines tells nothing that the table does not, nor one without a figure
    drawn = len(listing.rows) <= 2 * ranking.PAGE and ranking.has_figures(edition, listing.rows, node)
    wide, narrow = (
        (ranking.of_a_node(edition, listing.rows, node, narrow=small) if node else
         ranking.picture(edition, listing.rows, narrow=small)) if drawn else None
        for small in (False, True)
    )  # fmt: skip
    return await asyncio.to_thread(
        shown, request, edition, "ranking.html", level=level, wanted=wanted, listing=listing, wide=wide, narrow=narrow,
        parents=ranking.parents(edition, level), orders=selection.orders(edition), node=node,
        node_name=selection.orders(edition).get(node, ""), page_size=ranking.PAGE,
        states=selection.states(edition, level), tiers=edition.tiers_at(level),
        figures=ranking.has_figures(edition, listing.rows),
    )  # fmt: skip


@get("/editions/{edition_id:str}/map")
async def edition_map(request: Web, edition_id: FromPath[str]) -> Response[str]:
    """The units of a level in their colours; the table beside says the same."""
    edition = await shelf.opened(request, edition_id)
    path = outlines.outline_file(request.app.state.settings.data_dir, edition.identifier)
    drawn = maps.levels_drawn(edition, path) if path else ()
    level, within = request.query_params.get("level", ""), request.query_params.get("in", "")
    if (level and level not in edition.order) or (within and within not in edition.units):
        raise not_found(within or level)
    level = level or next(iter(drawn), "")
    wide, narrow = None, None
    codes: tuple[str, ...] = ()
    if path and level in drawn:
        known = outlines.codes_in(path)
        codes = tuple(code for code in ranking.codes(edition, level, within) if code in known)
        wide = await asyncio.to_thread(maps.choropleth, edition, path, codes, charts.WIDE)
        narrow = await asyncio.to_thread(maps.choropleth, edition, path, codes, charts.NARROW)
    rows = [(edition.units[code], edition.ratings[code]) for code in codes[:LISTED]]
    return shown(
        request, edition, "map.html", wide=wide, narrow=narrow, level=level, within=within, levels=drawn, rows=rows,
        total=len(codes), parents=ranking.parents(edition, level) if level else (),
    )  # fmt: skip


@get("/editions/{edition_id:str}/units/{code:str}")
async def unit_page(request: Web, edition_id: FromPath[str], code: FromPath[str]) -> Response[Any]:
    """All that an edition tells of a unit; the same as .json, its scores as .csv."""
    edition = await shelf.opened(request, edition_id)
    code, suffix = split(code)
    if code not in edition.units or code not in edition.ratings:
        raise not_found(code[:80])
    if suffix:
        return await asyncio.to_thread(api_data.unit, request, edition, code, suffix)
    return await unit_shown(
        request, edition, code, reply=await reply_of(edition.identifier, code), records=await told_of(code),
        past=await over_time.history(request.app.state.settings, edition, code),
        surveys=await surveys_about(request, code),
    )  # fmt: skip


async def surveys_about(request: Web, code: str) -> list[LiveCampaign]:
    """The surveys in which anybody can rate a unit now."""
    found = await request.app.state.campaigns.open_now(right_now(), request.app.state.settings.zone)
    return [one for one in found if one.open_link and code in one.units]


async def unit_shown(
    request: Web, edition: Edition, code: str, template: str = "unit.html", **context: Any
) -> Response[str]:
    """A unit's page, public or as the unit itself sees it before."""
    unit = edition.units[code]
    items = {answer.item for answer in edition.distributions.of(code)}
    said = unit_view.said_by_citizens(edition, unit, await question_words(items, wording.unit_name(unit)))
    blocks = unit_view.blocks(edition, unit)
    peers = unit_view.peers(edition, unit)
    past = context.get("past")
    context["timeline"] = (
        [over_time.picture(edition, past, narrow=small) for small in (False, True)]
        if past and len(past.points) > 1 else None
    )  # fmt: skip
    below: dict[str, list[Any]] = {}
    for child in edition.children.get(code, ()):
        if child in edition.ratings:
            below.setdefault(edition.units[child].level, []).append((edition.units[child], edition.ratings[child]))
    return shown(
        request, edition, template, unit=unit, rating=edition.ratings[code], blocks=blocks, said=said,
        apart=unit_view.apart(edition, unit), above=edition.above(code), below=below,
        choices=unit_view.choices(edition, unit), peers=peers, found=unit_view.by_assessors(blocks),
        beside=[ranking.picture(edition, peers.rows, narrow=small, own=code) for small in (False, True)],
        wide=unit_view.profile(edition, blocks, narrow=False), narrow=unit_view.profile(edition, blocks, narrow=True),
        **context,
    )  # fmt: skip


@get("/editions/{edition_id:str}/method")
async def method(request: Web, edition_id: FromPath[str]) -> Response[str]:
    """How the figures come about, from the edition's own scheme."""
    edition = await shelf.opened(request, edition_id)
    scheme = edition.scheme
    return shown(
        request, edition, "method.html", chapters=method_view.chapters(scheme), tasks=method_view.tasks(scheme),
        dimension_weights=method_view.dimension_weights(scheme),
        records=method_view.records(scheme, edition.scheme_source), deduction_rule=method_view.deduction_rule(scheme),
        overall=method_view.overall(edition), summary=method_view.summary(edition), **await registration(edition),
    )  # fmt: skip


@get(["/editions/{edition_id:str}/downloads", "/editions/{edition_id:str}/data"])
async def downloads(request: Web, edition_id: FromPath[str]) -> Response[str]:
    """All files of the edition, how to check them, how to cite them."""
    edition = await shelf.opened(request, edition_id)
    sizes = {name: (edition.folder / name).stat().st_size for name in (*listed(edition.folder), SUMS)}
    address = citation.address(request.app.state.settings, edition)
    row = request.state.edition_row
    return shown(
        request, edition, "downloads.html", before=await before_of(edition), contents=exports.contents(sizes),
        published_sums=edition.sums,
        apa=citation.sentence(request.app.state.settings, edition, row.published_on),
        bibtex=citation.bibtex(request.app.state.settings, edition, row.published_on), address=address,
        dataset=citation.dataset(request.app.state.settings, edition, row.published_on, sizes),
        **await registration(edition),
    )  # fmt: skip


@get("/editions/{edition_id:str}/files/{name:str}")
async def file(request: Web, edition_id: FromPath[str], name: FromPath[str]) -> File | Response[bytes]:
    """A file of the folder as it was published; or the workbook, which is made from it."""
    edition = await shelf.opened(request, edition_id)
    if name == f"{edition.identifier}.xlsx":
        folder = request.app.state.settings.data_dir / "workbooks"
        path = await asyncio.to_thread(exports.kept_xlsx, folder, edition)
    elif name in {*listed(edition.folder), SUMS}:
        path = edition.folder / name
    else:
        raise not_found(name[:80])
    # under its own name, so that what was downloaded verifies as it is
    media_type = TYPES.get(path.suffix, "text/plain")
    return File(path, filename=name, media_type=media_type, content_disposition_type="attachment")


public: list[Any] = [
    home, find, edition_list, edition_list_data, overview, level_ranking, edition_map, unit_page, method, downloads,
    file,
]  # fmt: skip
