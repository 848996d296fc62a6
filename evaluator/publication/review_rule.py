"""The rule by which a rating becomes points of a performance review; docs/review.md says why it is so.

Points follow what is known, never what is not: a unit's tier (or grade, where sure), a change that is real, vetoes,
rectifications that are overdue. Units of one tier differ in points by the last three only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from evaluator.language import gettext as _
from evaluator.problems import FieldProblem
from evaluator.publication.editions import Edition, Rating
from evaluator.publication.review_changes import Change

Basis = Literal["tier", "grade"]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What earns and costs how many points. The fields are the columns of the page and of `rule.json`."""

    basis: Basis = "tier"  # what the base points follow
    best: float = 100.0  # of the first tier or grade
    worst: float = 60.0  # of the last one; those between are evenly apart
    sure: float = 0.8  # a grade less probable earns the mean of its points and those of the grade next to it
    improvement: float = 5.0  # added where the index really rose since the edition before
    decline: float = 5.0  # taken off where it really fell
    veto: float = 10.0  # taken off for each veto in force
    overdue: float = 2.0  # taken off for each record that is overdue for rectification
    overdue_most: float = 10.0  # taken off for all of them together, at most
    overdue_days: int = 180  # a record that is final for more days than this, and not rectified, is overdue
    least: float = 0.0  # nobody gets fewer points
    most: float = 100.0  # nobody gets more


SHIPPED = Rule()
LARGEST = 1000.0
DAYS = 3660
TAKEN_OFF = ("improvement", "decline", "veto", "overdue", "overdue_most")


def names() -> dict[str, str]:
    """What each field of a rule is called, in the page's order."""
    return {
        "basis": _("Base points follow"),
        "best": _("Points of the best tier or grade"),
        "worst": _("Points of the last tier or grade"),
        "sure": _("A grade counts whole from this probability"),
        "improvement": _("Added for a real improvement"),
        "decline": _("Taken off for a real fall"),
        "veto": _("Taken off for each veto in force"),
        "overdue": _("Taken off for each overdue rectification"),
        "overdue_most": _("Taken off for overdue rectifications at most"),
        "overdue_days": _("Days after which an open record is overdue"),
        "least": _("Fewest points"),
        "most": _("Most points"),
    }


def basis_words(basis: str) -> str:
    return {"tier": _("the tier"), "grade": _("the grade")}.get(basis, basis)


def canonical(rule: Rule) -> str:
    """The rule as it is kept and hashed."""
    return msgspec.json.encode(rule).decode()


def digest(rule: Rule) -> str:
    return hashlib.sha256(canonical(rule).encode()).hexdigest()


def from_form(sent: Mapping[str, Any]) -> tuple[Rule, tuple[FieldProblem, ...]]:
    """The rule of a form, and everything that is wrong with it; a wrong field has the shipped value."""
    found: dict[str, Any] = {}
    wrong: list[FieldProblem] = []
    for field in Rule.__struct_fields__:
        text = str(sent.get(field, "")).strip()
        if field == "basis":
            if text in get_args(Basis):
                found[field] = text
            else:
                wrong.append(FieldProblem(field, _("Choose the tier or the grade.")))
            continue
        number = _number(text)
        if number is None:
            wrong.append(FieldProblem(field, _("Write a number, such as 5 or 2.5.")))
        else:
            found[field] = int(number) if field == "overdue_days" and number.is_integer() else number
    limits: dict[str, tuple[float, float]] = dict.fromkeys(Rule.__struct_fields__, (-LARGEST, LARGEST))
    limits |= dict.fromkeys(TAKEN_OFF, (0.0, LARGEST)) | {"sure": (0.5, 1.0), "overdue_days": (0, DAYS)}
    for field in [name for name in found if name != "basis"]:
        low, high = limits[field]
        if not low <= found[field] <= high or (field == "overdue_days" and not isinstance(found[field], int)):
            kind = _("Write a whole number from %(low)s to %(high)s.") if field == "overdue_days" else _(
                "Write a number from %(low)s to %(high)s."
            )  # fmt: skip
            wrong.append(FieldProblem(field, kind % {"low": f"{low:g}", "high": f"{high:g}"}))
            del found[field]
    rule = msgspec.structs.replace(SHIPPED, **found)
    if not wrong:
        wrong += _contradictions(rule)
    return rule, tuple(wrong)


def _number(text: str) -> float | None:
    if not text.isascii() or len(text) > 12 or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _contradictions(rule: Rule) -> list[FieldProblem]:
    found = []
    if rule.worst > rule.best:
        found.append(FieldProblem("worst", _("The last tier or grade cannot have more points than the best.")))
    if rule.least > rule.most:
        found.append(FieldProblem("least", _("The fewest points cannot be more than the most.")))
    elif not (rule.least <= rule.worst and rule.best <= rule.most):
        found.append(
            FieldProblem("best", _("Base points lie outside the fewest and the most: units would all get the same."))
        )
    return found


@dataclass(frozen=True, slots=True)
class Points:
    """A unit's points and where they come from. `total` is NaN where there are none: no points is not zero."""

    total: float
    base: float
    change: float
    vetoes: float
    rectifications: float
    why_none: str = ""  # a rating's state, or `no_tier`, `no_grade`

    @property
    def given(self) -> bool:
        return not math.isnan(self.total)


def points_of(rule: Rule, edition: Edition, rating: Rating, change: Change | None, overdue: int) -> Points:
    """The points of a unit.

    Parameters
    ----------
    change
        Of its index since the edition before; None where there is nothing to compare.
    overdue
        How many of its records are overdue for rectification.
    """
    nan = math.nan
    base = nan if rating.state != "ok" else _base(rule, edition, rating)
    if math.isnan(base):
        why = rating.state if rating.state != "ok" else f"no_{rule.basis}"
        return Points(nan, nan, nan, nan, nan, why)
    moved = 0.0
    if change is not None and change.real:
        moved = rule.improvement if change.difference > 0 else -rule.decline
    vetoes = -rule.veto * len(rating.vetoes.split()) + 0.0
    rectifications = -min(rule.overdue * overdue, rule.overdue_most) + 0.0
    total = min(max(base + moved + vetoes + rectifications, rule.least), rule.most)
    return Points(round(total, 6), round(base, 6), moved, vetoes, rectifications)


def _base(rule: Rule, edition: Edition, rating: Rating) -> float:
    if rule.basis == "tier":
        if math.isnan(rating.tier):
            return math.nan
        return _placed(rule, int(rating.tier) - 1, edition.tiers_at(rating.level))
    bands = edition.scheme.grades.bands
    letters = [letter for letter, _limit in bands]
    if rating.grade not in letters:
        return math.nan
    at = letters.index(rating.grade)
    points = _placed(rule, at, len(bands))
    if rating.grade_probability >= rule.sure or len(bands) < 2:
        return points
    return (points + _placed(rule, _neighbour(bands, at, rating.index), len(bands))) / 2


def _neighbour(bands: tuple[tuple[str, float], ...], at: int, index: float) -> int:
    """The grade whose limit lies nearest to the index, on either side of its own."""
    if at == 0:
        return 1
    if at == len(bands) - 1:
        return at - 1
    above, below = abs(bands[at - 1][1] - index), abs(index - bands[at][1])
    return at - 1 if above < below else at + 1


def _placed(rule: Rule, at: int, of: int) -> float:
    """Points of the place `at` of `of` from the best; the middle where all stand in one place."""
    if of < 2:
        return (rule.best + rule.worst) / 2
    return rule.best - (rule.best - rule.worst) * at / (of - 1)


def said(rule: Rule, edition: Edition) -> tuple[str, ...]:
    """The rule in sentences, as every page and file prints it."""
    lines = []
    if rule.basis == "tier":
        lines.append(
            _(
                "Base points follow the tier: %(best)s for the best tier of the level, %(worst)s for the last, evenly "
                "apart between; %(middle)s where a level has one tier only. Units of one tier, whom the data do not "
                "tell apart, have the same base."
            )
            % {"best": f"{rule.best:g}", "worst": f"{rule.worst:g}", "middle": f"{(rule.best + rule.worst) / 2:g}"}
        )
    else:
        letters = [letter for letter, _limit in edition.scheme.grades.bands]
        values = _(", ").join(f"{x} {_placed(rule, k, len(letters)):g}" for k, x in enumerate(letters))
        lines.append(
            _(
                "Base points follow the grade before any cap: %(values)s. A grade less probable than %(sure)s earns "
                "the mean of its points and those of the grade next to it, on the side where the index lies."
            )
            % {"values": values, "sure": f"{rule.sure:.0%}"}
        )
    lines.append(
        _(
            "%(improvement)s points more where the index really rose since the edition before under the same scheme, "
            "%(decline)s fewer where it really fell; none for a change that may be noise."
        )
        % {"improvement": f"{rule.improvement:g}", "decline": f"{rule.decline:g}"}
    )
    lines.append(_("%(points)s points fewer for each veto in force.") % {"points": f"{rule.veto:g}"})
    lines.append(
        _(
            "%(points)s points fewer for each record that is final for more than %(days)s days and not rectified, "
            "%(most)s at most."
        )
        % {"points": f"{rule.overdue:g}", "days": rule.overdue_days, "most": f"{rule.overdue_most:g}"}
    )
    lines.append(
        _("Never fewer than %(least)s nor more than %(most)s points.")
        % {"least": f"{rule.least:g}", "most": f"{rule.most:g}"}
    )
    lines.append(_("A unit with insufficient evidence, or without a tier or grade, gets no points; that is not zero."))
    return tuple(lines)


def why_none(code: str) -> str:
    """Why a unit has no points."""
    return {
        "insufficient_evidence": _("no points: insufficient evidence"),
        "too_few_units": _("no points: too few units at this level to compare"),
        "no_tier": _("no points: no tier"),
        "no_grade": _("no points: no grade"),
    }.get(code, code)
