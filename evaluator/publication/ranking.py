"""The units of a level, filtered and cut into pages, and their picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluator import pages
from evaluator.language import gettext as _
from evaluator.publication import charts, wording
from evaluator.publication.editions import Edition, Rating, Unit

PAGE = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a level's units, best tier first."""

    rows: tuple[tuple[Unit, Rating], ...]
    page: int
    pages: int
    total: int


def codes(edition: Edition, level: str, within: str = "") -> tuple[str, ...]:
    """Codes of a level's units by tier, then index; of those under `within` when it is given."""
    found = edition.order.get(level, ())
    if not within:
        return found
    under = set(edition.below(within))
    return tuple(code for code in found if code in under)


def listing(edition: Edition, chosen: Sequence[str], page: int, size: int = PAGE) -> Listing | None:
    """A page of units; None when there is no such page."""
    last = max(1, -(-len(chosen) // size))
    if not 1 <= page <= last:
        return None
    here = chosen[(page - 1) * size : page * size]
    return Listing(tuple((edition.units[code], edition.ratings[code]) for code in here), page, last, len(chosen))


def parents(edition: Edition, level: str) -> tuple[Unit, ...]:
    """Units that have some, but not all, of a level's units under them: what a visitor can filter by."""
    members = edition.order.get(level, ())
    found: dict[str, int] = {}
    for code in members:
        for unit in edition.above(code):
            found[unit.code] = found.get(unit.code, 0) + 1
    order = {level: number for number, level in enumerate(edition.scheme.levels)}
    kept = [edition.units[code] for code, count in found.items() if count < len(members)]
    return tuple(sorted(kept, key=lambda unit: (order.get(unit.level, 99), unit.code)))


def tier_name(rating: Rating) -> str:
    """The heading of a tier's units."""
    if rating.tier != rating.tier:
        return wording.state(rating.state)
    return _("Tier %(number)d") % {"number": int(rating.tier)}


def said(edition: Edition, unit: Unit, rating: Rating) -> str:
    """A unit's rating in one sentence, for a pointer and a screen reader."""
    decimals = wording.decimals(rating, edition.scheme)
    name = wording.unit_name(unit)
    if rating.index != rating.index:
        return f"{name}: {wording.state(rating.state)}"
    figures = (
        f"{name}: {pages.shown(rating.index, decimals)} ({wording.interval(rating.lower, rating.upper, decimals)})"
    )
    parts = [figures]
    if rating.grade:
        parts.append(_("grade %(grade)s") % {"grade": wording.grade(rating)})
    parts.append(wording.rank(edition, rating) if rating.ranked else wording.state(rating.state))
    return ", ".join(parts)


def has_figures(edition: Edition, rows: Sequence[tuple[Unit, Rating]], node: str = "") -> bool:
    """Whether any of some units has an index, or a score of a node."""
    if not node:
        return any(not math.isnan(rating.index) for _unit, rating in rows)
    scores = (edition.score(unit.code, node) for unit, _rating in rows)
    return any(score is not None and not math.isnan(score.score) for score in scores)


def of_a_node(edition: Edition, rows: Sequence[tuple[Unit, Rating]], node: str, *, narrow: bool) -> charts.Chart:
    """Score and interval of a dimension or an indicator, unit by unit; a tick marks the level's median."""
    decimals = edition.scheme.publication.decimals
    found = []
    for unit, _rating in rows:
        score = edition.score(unit.code, node)
        value, low, high = (score.score, score.lower, score.upper) if score else (math.nan,) * 3
        text, name = pages.shown(value, decimals), wording.unit_name(unit)
        title = f"{name}: {text} ({wording.interval(low, high, decimals)})"
        reference = edition.nodes.get((unit.level, node), (math.nan, math.nan))[0]
        found.append(charts.Row(name, value, low, high, text, title, reference=reference))
    return charts.dots(found, narrow=narrow, scale=edition.scheme.normalisation.scale)


def picture(edition: Edition, rows: Sequence[tuple[Unit, Rating]], *, narrow: bool, own: str = "") -> charts.Chart:
    """Index and interval of each unit; units of one tier stand on one background. `own` is pointed at."""
    return charts.dots(
        [
            charts.Row(
                name=("▸ " if unit.code == own else "") + wording.unit_name(unit),
                value=rating.index,
                low=rating.lower,
                high=rating.upper,
                text=" ".join(filter(None, (index_shown(edition, rating), rating.grade))),
                title=said(edition, unit, rating),
                group=tier_name(rating),
            )
            for unit, rating in rows
        ],
        narrow=narrow,
        bands=edition.scheme.grades.bands if any(rating.grade for _unit, rating in rows) else (),
        scale=edition.scheme.normalisation.scale,
    )


def index_shown(edition: Edition, rating: Rating) -> str:
    return pages.shown(rating.index, wording.decimals(rating, edition.scheme))
