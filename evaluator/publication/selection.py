"""What a visitor of a ranking asks for: which units, in which order, read from the address so that it can be shared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from evaluator import language
from evaluator.language import gettext as _
from evaluator.problems import not_found
from evaluator.publication import ranking, wording
from evaluator.publication.editions import Edition, Rating, Unit

STANDING, NAME, INDEX, RELIABILITY = "standing", "name", "index", "reliability"
LONGEST = 80  # characters of a search
NAN = math.nan


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters, blank where everything is wanted, and the order."""

    within: str = ""
    tier: str = ""
    grade: str = ""
    state: str = ""
    query: str = ""
    sort: str = STANDING
    whole: bool = False  # all on one page

    def address(self, **other: object) -> str:
        """The query that asks for this, or for it with something else; blank parts are left out."""
        parts = {
            "in": self.within, "tier": self.tier, "grade": self.grade, "state": self.state, "q": self.query,
            "sort": "" if self.sort == STANDING else self.sort, "show": "all" if self.whole else "", **other,
        }  # fmt: skip
        return urlencode({name: value for name, value in parts.items() if value})

    @property
    def filtered(self) -> bool:
        return bool(self.within or self.tier or self.grade or self.state or self.query)


def read(edition: Edition, level: str, given: Mapping[str, str]) -> Selection:
    """The selection that an address asks for; what cannot be asked for is not found.

    Raises
    ------
    Problem
        404: no such unit, tier, grade, state or order.
    """
    found = Selection(
        within=given.get("in", ""), tier=given.get("tier", ""), grade=given.get("grade", ""),
        state=given.get("state", ""), query=given.get("q", "").strip()[:LONGEST],
        sort=given.get("sort", "") or STANDING, whole=given.get("show", "") == "all",
    )  # fmt: skip
    known = (
        (found.within, edition.units),
        (found.tier, {str(tier) for tier in range(1, edition.tiers_at(level) + 1)}),
        (found.grade, [letter for letter, _limit in edition.scheme.grades.bands]),
        (found.state, states(edition, level)),
        (found.sort, orders(edition)),
    )
    for value, allowed in known:
        if value and value not in allowed and value != STANDING:
            raise not_found(value[:80])
    return found


def states(edition: Edition, level: str) -> tuple[str, ...]:
    """The states that ratings of a level have."""
    return tuple(dict.fromkeys(edition.ratings[code].state for code in edition.order.get(level, ())))


def orders(edition: Edition) -> dict[str, str]:
    """What a ranking can be ordered by, in words."""
    dimensions = {d.code: language.said(d.name) for d in edition.scheme.dimensions}
    return {
        STANDING: _("tier, then index"),
        INDEX: _("index"),
        **dimensions,
        RELIABILITY: _("reliability"),
        NAME: _("name"),
    }


def codes(edition: Edition, level: str, wanted: Selection) -> tuple[str, ...]:
    """Codes of the units that are wanted, in the order that is wanted."""
    found = [code for code in ranking.codes(edition, level, wanted.within) if _fits(edition, code, wanted)]
    if wanted.sort == NAME:
        found.sort(key=lambda code: name_key(edition.units[code]))
    elif wanted.sort != STANDING:
        values = {code: _value(edition, code, wanted.sort) for code in found}
        found.sort(key=lambda code: math.inf if math.isnan(values[code]) else -values[code])
    return tuple(found)


def _fits(edition: Edition, code: str, wanted: Selection) -> bool:
    rating = edition.ratings[code]
    return (
        (not wanted.tier or rating.tier == int(wanted.tier))
        and (not wanted.grade or rating.grade == wanted.grade)
        and (not wanted.state or rating.state == wanted.state)
        and (not wanted.query or matches(edition.units[code], wanted.query))
    )


def matches(unit: Unit, query: str) -> bool:
    """Whether every word of a search is in the unit's names or begins its code."""
    names = f"{unit.name.zh} {unit.name.en}".casefold()
    return all(word in names or unit.code.startswith(short(word)) for word in query.casefold().split())


def short(code: str) -> str:
    """A code without the zeros that 6- and 12-digit forms end with."""
    return (code.rstrip("0") or code) if code.isdigit() and len(code) in (6, 12) and code.endswith("00") else code


def name_key(unit: Unit) -> object:
    """Names in the order of a dictionary: Chinese as GB 18030 has them, which for common characters is by pinyin."""
    name = wording.unit_name(unit)
    return name.casefold() if language.current.get() == "en" else name.encode("gb18030")


def _value(edition: Edition, code: str, sort: str) -> float:
    rating = edition.ratings[code]
    if sort == INDEX:
        return rating.index
    if sort == RELIABILITY:
        return rating.reliability
    found = edition.score(code, sort)
    return found.score if found else NAN


def found_by_name(edition: Edition, query: str, most: int) -> tuple[list[tuple[Unit, Rating]], int]:
    """Units of all levels that a search finds, the best matches first, and how many there are."""
    every = (edition.units[code] for level in edition.levels for code in edition.order[level])
    found = [unit for unit in every if matches(unit, query)]
    places = {level: number for number, level in enumerate(edition.levels)}
    found.sort(key=lambda unit: (not is_exactly(unit, query), places.get(unit.level, len(places)), unit.code))
    return [(unit, edition.ratings[unit.code]) for unit in found[:most]], len(found)


def is_exactly(unit: Unit, query: str) -> bool:
    """Whether a text is a unit's code or one of its whole names."""
    return query.casefold() in (unit.name.zh.casefold(), unit.name.en.casefold()) or short(query) == unit.code
