"""Two to five units of one level beside each other: which of their differences are real."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import FromPath

from evaluator import language
from evaluator.language import gettext as _
from evaluator.problems import not_found
from evaluator.publication import comparison, ranking, selection, shelf, wording
from evaluator.publication.comparison import Difference
from evaluator.publication.editions import Edition, Score, Unit
from evaluator.publication.routes import shown

Web = Request[Any, Any, Any]
MOST = 5
OFFERED = 200  # units of a level that are offered by name


@dataclass(frozen=True, slots=True)
class Line:
    """A dimension in a comparison: the units' scores, and what is told apart."""

    name: str
    scores: tuple[Score | None, ...]
    told: tuple[str, ...]  # sentences: who is really better than whom


@get("/editions/{edition_id:str}/compare")
async def compare(request: Web, edition_id: FromPath[str]) -> Response[Any]:
    """The units named in the address, `u=` each by code or name; a form to name them."""
    edition = await shelf.opened(request, edition_id)
    typed = [text.strip()[: selection.LONGEST] for text in request.query_params.getall("u", []) if text.strip()][:MOST]
    level = request.query_params.get("level", "")
    if level and level not in edition.order:
        raise not_found(level[:80])
    units, errors = found_units(edition, level, typed)
    level = units[0].level if units else level or edition.levels[-1]
    rated = [unit for unit in units if edition.ratings[unit.code].index == edition.ratings[unit.code].index]
    enough = len(rated) > 1 and not errors
    codes = tuple(unit.code for unit in rated)
    differences = await asyncio.to_thread(comparison.differences, edition, codes) if enough else ()
    sure = edition.scheme.uncertainty.interval
    rows = [(unit, edition.ratings[unit.code]) for unit in rated]
    pictures = []
    for node, name in [("", _("Index")), *((d.code, language.said(d.name)) for d in edition.scheme.dimensions)]:
        if enough and (not node or any(has_score(edition, code, node) for code in codes)):
            draw = (lambda small, n=node: ranking.of_a_node(edition, rows, n, narrow=small)) if node else (
                lambda small: ranking.picture(edition, rows, narrow=small))  # fmt: skip
            pictures.append((node or "index", name, draw(False), draw(True)))
    return shown(
        request, edition, "compare.html", level=level, units=units, rated=rated, errors=errors, most=MOST,
        typed=[*(unit.code for unit in units), *errors][:MOST] if errors else [unit.code for unit in units],
        overall=[(one, verdict(edition, one, sure)) for one in differences if one.node == "index"],
        lines=lines(edition, rated, differences, sure), pictures=pictures, sure=sure,
        offered=[edition.units[code] for code in edition.order[level]] if len(edition.order[level]) <= OFFERED else [],
        query=urlencode([("u", unit.code) for unit in units]),
    )  # fmt: skip


def found_units(edition: Edition, level: str, typed: Sequence[str]) -> tuple[list[Unit], dict[str, str]]:
    """The units that texts name, all of the first one's level; and for each text that names none or several, why."""
    found: list[Unit] = []
    errors: dict[str, str] = {}
    for text in typed:
        here = found[0].level if found else level
        rows, _number = selection.found_by_name(edition, text, 200)
        exact = [unit for unit, _rating in rows if selection.is_exactly(unit, text)]
        fitting = exact or [unit for unit, _rating in rows]
        inside = [unit for unit in fitting if not here or unit.level == here]
        if len(inside) == 1:
            found += [inside[0]] if inside[0] not in found else []
        elif not fitting:
            errors[text] = _("No unit is called “%(text)s”. Write a name or a code.") % {"text": text}
        elif not inside:
            errors[text] = _("“%(text)s” is of another level. Only units of one level are compared.") % {"text": text}
        else:
            some = ", ".join(f"{wording.unit_name(unit)} {unit.code}" for unit in inside[:6])
            errors[text] = _("“%(text)s” fits %(number)d units: %(some)s. Write the code.") % {
                "text": text, "number": len(inside), "some": some + (" …" if len(inside) > 6 else ""),
            }  # fmt: skip
    return found, errors


def has_score(edition: Edition, code: str, node: str) -> bool:
    found = edition.score(code, node)
    return found is not None and found.score == found.score


def verdict(edition: Edition, one: Difference, sure: float) -> str:
    """What may be said of a pair."""
    first, second = (wording.unit_name(edition.units[code]) for code in (one.first, one.second))
    real = one.real(sure)
    if not real:
        return _("%(first)s and %(second)s are not told apart") % {"first": first, "second": second}
    better, worse = (first, second) if real > 0 else (second, first)
    return _("%(better)s is really better than %(worse)s") % {"better": better, "worse": worse}


def lines(edition: Edition, units: Sequence[Unit], differences: Sequence[Difference], sure: float) -> tuple[Line, ...]:
    """Every dimension that one of the units is scored in."""
    found = []
    for dimension in edition.scheme.dimensions:
        scores = tuple(edition.score(unit.code, dimension.code) for unit in units)
        real = [one for one in differences if one.node == dimension.code and one.real(sure)]
        if any(has_score(edition, unit.code, dimension.code) for unit in units):
            told = tuple(verdict(edition, one, sure) for one in real)
            found.append(Line(language.said(dimension.name), scores, told))
    return tuple(found)


public: list[Any] = [compare]
