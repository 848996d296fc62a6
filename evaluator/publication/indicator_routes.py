"""Pages of single indicators and dimensions."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator.language import gettext as _
from evaluator.problems import not_found
from evaluator.publication import api_data, indicator_view, ranking, shelf
from evaluator.publication.api_answers import split
from evaluator.publication.editions import Edition
from evaluator.publication.questions import question_words
from evaluator.publication.routes import page_number, shown
from evaluator.rating.nodes import groups
from evaluator.rating.scheme import Dimension, Indicator

Web = Request[Any, Any, Any]


@get("/editions/{edition_id:str}/indicators/{code:str}")
async def indicator(request: Web, edition_id: FromPath[str], code: FromPath[str]) -> Response[Any]:
    """What an indicator is, where it comes from, and how the units of a level stand in it; its scores as data."""
    edition = await shelf.opened(request, edition_id)
    code, suffix = _split(code, edition.indicators)
    found = edition.indicators.get(code)
    if found is None:
        raise not_found(code[:80])
    if suffix:
        return await asyncio.to_thread(_data, request, edition, found, suffix)
    items = {found.item} if found.item else set()
    question = (await question_words(items, _("the unit"))).get(found.item or "")
    return _page(request, edition, code, "indicators", indicator=found, question=question)


@get("/editions/{edition_id:str}/dimensions/{code:str}")
async def dimension(request: Web, edition_id: FromPath[str], code: FromPath[str]) -> Response[Any]:
    """A dimension or a node below one, its members, and how the units of a level stand in it; its scores as data."""
    edition = await shelf.opened(request, edition_id)
    known = {one.code: one for one in groups(edition.scheme)}
    code, suffix = _split(code, known)
    if code not in known:
        raise not_found(code[:80])
    if suffix:
        return await asyncio.to_thread(_data, request, edition, known[code], suffix)
    return _page(request, edition, code, "dimensions", indicator=None, question=None)


def _split(name: str, known: Container[str]) -> tuple[str, str]:
    """A code and the suffix that asks for data; codes may hold points, and one that is known is no data."""
    return (name, "") if name in known else split(name)


def _data(request: Web, edition: Edition, node: Indicator | Dimension, suffix: str) -> Response[bytes]:
    """Of one level, or of all."""
    levels = [line.level for line in indicator_view.levels_of(edition, node.code)]
    if level := request.query_params.get("level", ""):
        if level not in levels:
            raise not_found(level[:80])
        levels = [level]
    rows = [row for level in levels for row in indicator_view.standing(edition, level, node.code)]
    return api_data.node(request, edition, node.code, node.name, rows, suffix)


def _page(request: Web, edition: Edition, code: str, kind: str, **context: Any) -> Response[str]:
    levels = indicator_view.levels_of(edition, code)
    level = request.query_params.get("level", "") or next(
        (line.level for line in sorted(levels, key=lambda line: line.units < 2)), ""
    )  # the first level at which there is something to compare
    if level not in {line.level for line in levels} and (level or levels):
        raise not_found(level[:80])
    rows = indicator_view.standing(edition, level, code)
    last, page = max(1, -(-len(rows) // ranking.PAGE)), page_number(request)
    if not 1 <= page <= last:
        raise not_found(str(page))
    here = rows[(page - 1) * ranking.PAGE : page * ranking.PAGE]
    drawn = [(unit, edition.ratings[unit.code]) for unit, score in here if score.score == score.score]
    dimensions = {one.code: one for one in groups(edition.scheme)}
    found = context["indicator"]
    return shown(
        request, edition, "indicator.html", code=code, kind=kind, levels=levels, level=level, rows=here, page=page,
        last=last, total=len(rows), node=found or dimensions[code],
        above=indicator_view.above(edition.scheme, found or dimensions[code]),
        members=indicator_view.members(edition.scheme, code) if not found else (),
        wide=ranking.of_a_node(edition, drawn, code, narrow=False) if drawn else None,
        narrow=ranking.of_a_node(edition, drawn, code, narrow=True) if drawn else None, told=indicator_view.told,
        **context,
    )  # fmt: skip


public: list[Any] = [indicator, dimension]
