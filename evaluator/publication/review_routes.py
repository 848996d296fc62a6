"""The superior's review: pages and files, of its own jurisdiction only."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from evaluator import pages
from evaluator.problems import forbidden, not_found
from evaluator.publication import exports, ranking, review, shelf
from evaluator.publication.editions import Edition
from evaluator.publication.routes import TYPES, Web, page_number, shown

FORMATS = ("csv", "xlsx", "parquet", "json")


async def reviewed(request: Web) -> Edition | None:
    """The edition that is reviewed: the one asked for, else the latest; None before there is any."""
    if wanted := request.query_params.get("edition", ""):
        return await shelf.opened(request, wanted)
    latest = next(iter(shelf.current(await shelf.published())), None)
    return await shelf.opened(request, latest.identifier) if latest else None


def reviewed_codes(edition: Edition, root: str, level: str = "") -> tuple[str, ...]:
    """Rated units under `root` (all when blank), best tier first within each level."""
    under = set(edition.below(root)) if root else set(edition.units)
    levels = [level] if level else edition.levels
    return tuple(code for one in levels for code in edition.order.get(one, ()) if code in under)


async def review_page(request: Web, root: str) -> Response[str]:
    edition = await reviewed(request)
    if edition is None:
        return pages.page(request, "publication/review_none.html")
    root = root or (tops[0] if len(tops := edition.children.get("", ())) == 1 else "")
    if root and root not in edition.units:
        raise not_found(root[:80])
    codes = reviewed_codes(edition, root)
    levels = [level for level in edition.levels if any(edition.units[code].level == level for code in codes)]
    level = request.query_params.get("level", "") or next(iter(levels), "")
    if level and level not in edition.scheme.levels:
        raise not_found(level)
    chosen = reviewed_codes(edition, root, level) if level else ()
    listing = ranking.listing(edition, chosen, page_number(request))
    if listing is None:
        raise not_found(request.query_params.get("page", ""))
    here = [unit.code for unit, _rating in listing.rows]
    standings = await asyncio.to_thread(review.standings, edition, here, chosen)
    return shown(
        request, edition, "review.html", root=edition.units.get(root), levels=levels, level=level, listing=listing,
        standings=standings, named=review.listed,
        by_tiers=review.by_tiers(edition, chosen), editions=await shelf.published(),
        wide=ranking.picture(edition, listing.rows, narrow=False),
        narrow=ranking.picture(edition, listing.rows, narrow=True),
    )  # fmt: skip


@get("/review", opt={"roles": {"superior", "operator"}})
async def own_review(request: Web) -> Response[str]:
    """One's own subordinates; an operator without a unit sees those of the whole edition."""
    account = request.scope["state"]["account"]
    if account.unit is None and account.role != "operator":
        raise forbidden()
    return await review_page(request, account.unit or "")


@get("/review/{unit:str}", opt={"roles": {"superior", "operator"}})
async def unit_review(request: Web, unit: FromPath[str]) -> Response[str]:
    """The subordinates of a unit within one's own subtree (checked where all staff routes are)."""
    return await review_page(request, unit)


@get("/review/{unit:str}/{name:str}", opt={"roles": {"superior", "operator"}})
async def review_file(request: Web, unit: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """The subordinates' ratings as ratings.csv, .xlsx, .parquet or .json, of one `level` or of all."""
    edition = await reviewed(request)
    stem, _dot, suffix = name.partition(".")
    level = request.query_params.get("level", "")
    if edition is None or stem != "ratings" or suffix not in FORMATS or (level and level not in edition.order):
        raise not_found(name[:80])
    if unit not in edition.units:
        raise not_found(unit[:80])
    codes = reviewed_codes(edition, unit, level)
    stem = "-".join(filter(None, (edition.identifier, unit, level)))
    return await asyncio.to_thread(review_data, request, edition, codes, f".{suffix}", stem)


def review_data(request: Web, edition: Edition, codes: tuple[str, ...], suffix: str, stem: str) -> Response[bytes]:
    """The review's rows: ratings, dimensions, and which peers of the same level are surely better or worse."""
    if suffix == ".xlsx":
        return pages.data_response(
            request, exports.xlsx_of(edition, codes), TYPES[suffix], file_name=f"{stem}.xlsx", public=False
        )
    columns = review.columns(exports.rating_columns(edition))
    rows = []
    for level in edition.levels:
        peers = [code for code in codes if edition.units[code].level == level]
        for row, standing in zip(
            exports.rating_rows(edition, peers), review.standings(edition, peers, peers), strict=True
        ):
            rows.append([*row, *review.extra(edition, standing)])
    if suffix == ".json":
        return pages.json_response(
            request, {**exports.about(edition), "ratings": exports.objects(columns, rows)}, public=False
        )
    body = exports.csv_of(edition, columns, rows) if suffix == ".csv" else exports.parquet_of(edition, columns, rows)
    return pages.data_response(request, body, TYPES[suffix], file_name=f"{stem}{suffix}", public=False)


staff: list[Any] = [own_review, unit_review, review_file]
