"""A review, put together: each subordinate's rating, comparison, change, rectifications and points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from scipy.special import ndtr

from evaluator import pages
from evaluator.language import gettext as _
from evaluator.language import ngettext
from evaluator.publication import wording
from evaluator.publication.editions import Edition, Rating, Unit
from evaluator.publication.review import Standing, standings
from evaluator.publication.review_changes import Change, Since
from evaluator.publication.review_rule import Points, points_of
from evaluator.publication.review_rules import InForce
from evaluator.rating.scores import INDEX
from evaluator.records.outstanding import Outstanding

LIKELY = 0.5  # a unit more likely than this in the lowest grade is looked at
FIRST = 10  # so many units are named on the page as those to look at first


@dataclass(frozen=True, slots=True)
class Line:
    """A subordinate in a review."""

    unit: Unit
    rating: Rating
    change: Change | None
    waiting: tuple[Outstanding, ...]
    overdue: int
    points: Points
    lowest: float  # probability of the lowest grade; NaN where there are no grades or no index


@dataclass(frozen=True, slots=True)
class Review:
    """What a superior sees of an edition, by its rule."""

    edition: Edition
    in_force: InForce
    since: Since | None  # None: no edition before under the same scheme
    today: date
    lines: Mapping[str, Line]  # by code

    def of(self, codes: Sequence[str]) -> tuple[Line, ...]:
        return tuple(self.lines[code] for code in codes)


def build(
    edition: Edition,
    codes: Sequence[str],
    in_force: InForce,
    since: Since | None,
    waiting: Mapping[str, tuple[Outstanding, ...]],
    today: date,
) -> Review:
    """The lines of the units `codes`."""
    lines = {}
    for code in codes:
        rating = edition.ratings[code]
        change = since.change(code) if since else None
        held = waiting.get(code, ())
        overdue = sum(one.overdue(today, in_force.rule.overdue_days) for one in held)
        points = points_of(in_force.rule, edition, rating, change, overdue)
        lines[code] = Line(edition.units[code], rating, change, held, overdue, points, lowest_grade(edition, rating))
    return Review(edition, in_force, since, today, lines)


def lowest_grade(edition: Edition, rating: Rating) -> float:
    """Probability that the index lies in the lowest grade, from its published value and standard error."""
    bands = edition.scheme.grades.bands
    if len(bands) < 2 or math.isnan(rating.index) or not rating.grade:
        return math.nan
    score, limit = edition.score(rating.unit, INDEX), bands[-2][1]
    error = score.standard_error if score else math.nan
    if math.isnan(error) or error <= 0:
        return float(rating.index < limit)
    return float(ndtr((limit - rating.index) / error))


def reasons(line: Line) -> tuple[str, ...]:
    """Why a unit should be looked at first, in words; none for most."""
    found = []
    if line.rating.vetoes:
        count = len(line.rating.vetoes.split())
        found.append(ngettext("%(num)d veto in force", "%(num)d vetoes in force", count) % {"num": count})
    if line.change is not None and line.change.real and line.change.difference < 0:
        found.append(_("really fell since the edition before"))
    if line.lowest >= LIKELY:
        found.append(
            _("in the lowest grade with %(percent)s probability") % {"percent": wording.probability(line.lowest)}
        )
    if line.overdue:
        found.append(
            ngettext("%(num)d overdue rectification", "%(num)d overdue rectifications", line.overdue)
            % {"num": line.overdue}
        )
    return tuple(found)


def look_first(review: Review, codes: Sequence[str]) -> tuple[Line, ...]:
    """Units with a reason to look at them, in the order of docs/review.md.

    Vetoes, then real falls, then the probability of the lowest grade where it is likely, then overdue rectifications.
    """

    def order(line: Line) -> tuple[float, ...]:
        fell = line.change.difference if line.change is not None and line.change.real else 0.0
        return (
            -len(line.rating.vetoes.split()), min(fell, 0.0), -(line.lowest if line.lowest >= LIKELY else 0.0),
            -line.overdue,
        )  # fmt: skip

    found = [line for line in review.of(codes) if any(order(line))]
    return tuple(sorted(found, key=lambda line: (*order(line), line.unit.code)))


def change_words(change: Change | None, decimals: int) -> str:
    """A change in a phrase: only what is real has a direction."""
    if change is None:
        return _("not compared")
    if not change.real:
        return _("no change that is sure")
    size = pages.shown(abs(change.difference), decimals)
    return (_("rose by %(size)s") if change.difference > 0 else _("fell by %(size)s")) % {"size": size}


EXTRA: dict[str, str] = {
    "better_than": "whole", "worse_than": "whole", "not_told_apart_from": "whole", "better_than_units": "codes",
    "worse_than_units": "codes", "not_told_apart_from_units": "codes", "rank_in_words": "text",
    "change": "number", "change_lower": "number", "change_upper": "number", "change_is_real": "code",
    "lowest_grade_probability": "number", "open_records": "whole", "overdue_records": "whole",
    "points": "number", "points_base": "number", "points_change": "number", "points_vetoes": "number",
    "points_rectifications": "number", "why_no_points": "code",
}  # fmt: skip


def extra(line: Line) -> list[object]:
    """The columns of a line that follow the comparison with its peers."""
    change, points = line.change, line.points
    return [
        change.difference if change else math.nan,
        change.lower if change and change.lower is not None else math.nan,
        change.upper if change and change.upper is not None else math.nan,
        "" if change is None else "yes" if change.real else "no",
        line.lowest, float(len(line.waiting)), float(line.overdue),
        points.total, points.base, points.change, points.vetoes, points.rectifications, points.why_none,
    ]  # fmt: skip


def compared(edition: Edition, codes: Sequence[str]) -> dict[str, Standing]:
    """Each unit against those of its level among `codes`."""
    found: dict[str, Standing] = {}
    for level in edition.levels:
        peers = [code for code in codes if edition.units[code].level == level]
        if peers:
            found |= {one.unit.code: one for one in standings(edition, peers, peers)}
    return found
