"""An edition beside the one it is compared with, unit by unit: pure, from what both published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.language import gettext as _
from evaluator.publication.editions import Edition, Rating, Unit
from evaluator.publication.review_changes import Change, Since
from evaluator.rating.changes import succession
from evaluator.rating.scheme_diff import rates_alike
from evaluator.rating.scheme_words import in_words
from evaluator.rating.tabular import Table

COMPARED, ADDED, GONE = "compared", "added", "gone"
SHOWN = ("real", "standing", "added_or_gone")  # what a visitor can look at alone


@dataclass(frozen=True, slots=True)
class Line:
    """A unit in both editions, or in one of them."""

    unit: Unit  # as the later edition names it, where that one has it
    was: Unit | None  # who it was in the earlier one
    before: Rating | None
    after: Rating | None
    change: Change | None  # of the index, over what both measured
    why_not: str  # why there is no change: a code of `why_words`; blank where there is one

    @property
    def status(self) -> str:
        if self.before is None:
            return ADDED
        return COMPARED if self.after else GONE

    @property
    def real(self) -> bool:
        return self.change is not None and self.change.real

    @property
    def other_standing(self) -> bool:
        """Whether tier, grade, capped grade or state is another one."""
        if self.before is None or self.after is None:
            return False
        return _standing(self.before) != _standing(self.after)


@dataclass(frozen=True, slots=True)
class Summary:
    """How many units of a level moved."""

    level: str
    compared: int
    up: int
    down: int
    unsure: int
    not_compared: int
    other_grade: int
    added: int
    gone: int


def _standing(rating: Rating) -> tuple[object, ...]:
    return rating.state, None if math.isnan(rating.tier) else rating.tier, rating.grade, rating.capped_grade


def lines(before: Edition, after: Edition, since: Since | None) -> tuple[Line, ...]:
    """A line a unit: those of the later edition by level, tier and index, then those that are gone."""
    then, now = (_table(edition) for edition in (before, after))
    pairs = succession(then, now)
    names, codes = then["unit"].tolist(), now["unit"].tolist()
    was_of = {codes[b]: names[a] for a, b in zip(pairs.before.tolist(), pairs.after.tolist(), strict=True)}
    found = []
    for level in after.levels:
        for code in after.order[level]:
            was = was_of.get(code, code if code in before.ratings and code in before.units else "")
            change = since.change(code) if since else None
            why = "" if change else _why_not(before, after, since, pairs.refused.get(code, ""))
            found.append(
                Line(
                    after.units[code], before.units.get(was), before.ratings.get(was), after.ratings[code], change, why
                )
            )
    there = {line.was.code for line in found if line.was} | set(codes)
    for level in before.levels:
        found += [
            Line(before.units[code], before.units[code], before.ratings[code], None, None, "gone")
            for code in before.order[level]
            if code not in there
        ]
    return tuple(found)


def _why_not(before: Edition, after: Edition, since: Since | None, refused: str) -> str:
    if refused:
        return refused
    if not rates_alike(before.scheme, after.scheme):
        return "other_scheme"
    return "too_little" if since else "scale"


def _table(edition: Edition) -> Table:
    """The rated units as `succession` takes them."""
    units = [edition.units[code] for code in edition.ratings if code in edition.units]
    return {
        name: np.array([value(unit) for unit in units], dtype=object)
        for name, value in (
            ("unit", lambda unit: unit.code),
            ("level", lambda unit: unit.level),
            ("successor", lambda unit: unit.successor),
        )
    }


def levels(before: Edition, after: Edition) -> tuple[str, ...]:
    """Levels that have units in either edition."""
    return tuple(dict.fromkeys([*after.levels, *before.levels]))


def summaries(made: Iterable[Line]) -> tuple[Summary, ...]:
    """How many moved, by level."""
    by_level: dict[str, list[Line]] = {}
    for line in made:
        by_level.setdefault(line.unit.level, []).append(line)
    return tuple(_summary(level, members) for level, members in by_level.items())


def _summary(level: str, members: Sequence[Line]) -> Summary:
    moved = [line.change for line in members if line.change]
    return Summary(
        level,
        compared=len(moved),
        up=sum(one.real and one.difference > 0 for one in moved),
        down=sum(one.real and one.difference < 0 for one in moved),
        unsure=sum(not one.real for one in moved),
        not_compared=sum(line.status == COMPARED and line.change is None for line in members),
        other_grade=sum(
            line.before is not None and line.after is not None and line.before.grade != line.after.grade
            for line in members
        ),
        added=sum(line.status == ADDED for line in members),
        gone=sum(line.status == GONE for line in members),
    )


def chosen(made: Iterable[Line], level: str = "", only: str = "") -> tuple[Line, ...]:
    """The lines of a level, and of those what is asked for alone."""
    wanted = {
        "": lambda line: True,
        "real": lambda line: line.real,
        "standing": lambda line: line.other_standing,
        "added_or_gone": lambda line: line.status != COMPARED,
    }[only]
    return tuple(line for line in made if (not level or line.unit.level == level) and wanted(line))


def scheme_words(before: Edition, after: Edition) -> tuple[str, ...]:
    """What the later edition's scheme does otherwise, a sentence each; none where it is the same."""
    return tuple(in_words(before.scheme, after.scheme))


def why_words(code: str) -> str:
    """Why a unit's difference is not judged."""
    return {
        "new": _("not in the edition before"),
        "merged": _("took over other units since"),
        "level_changed": _("its level changed"),
        "gone": _("not in this edition any more"),
        "other_scheme": _("rated by another scheme"),
        "scale": _("the scheme makes its scale from each edition's data"),
        "too_little": _("too little was measured in both editions"),
    }.get(code, code)


def only_words(code: str) -> str:
    """What a visitor can look at alone."""
    return {
        "real": _("real differences of the index"),
        "standing": _("another tier, grade or state"),
        "added_or_gone": _("added or gone"),
    }[code]


COLUMNS: Mapping[str, str] = {
    "unit": "code", "name_zh": "text", "name_en": "text", "level": "code", "status": "code", "predecessor": "code",
    "index_before": "number", "lower_before": "number", "upper_before": "number",
    "index_after": "number", "lower_after": "number", "upper_after": "number",
    "grade_before": "code", "grade_after": "code", "tier_before": "whole", "tier_after": "whole",
    "state_before": "code", "state_after": "code",
    "difference": "number", "difference_lower": "number", "difference_upper": "number", "real": "code",
    "why_not_compared": "code", "weight_compared": "number",
}  # fmt: skip


def rows(made: Iterable[Line]) -> Iterable[list[object]]:
    """Lines as rows of `COLUMNS`."""
    for line in made:
        pair = (line.before, line.after)
        numbers = [getattr(one, name) if one else math.nan for one in pair for name in ("index", "lower", "upper")]
        grades = [one.grade if one else "" for one in pair]
        tiers = [one.tier if one else math.nan for one in pair]
        states = [one.state if one else "" for one in pair]
        one = line.change
        moved: list[object] = [math.nan, math.nan, math.nan, "", line.why_not, math.nan]
        if one:
            limits = [math.nan if limit is None else limit for limit in (one.lower, one.upper)]
            moved = [one.difference, *limits, "yes" if one.real else "no", "", one.weight_compared]
        was = line.was.code if line.was and line.was.code != line.unit.code else ""
        name = line.unit.name
        yield [
            line.unit.code, name.zh, name.en, line.unit.level, line.status, was, *numbers, *grades, *tiers, *states,
            *moved,
        ]  # fmt: skip
