"""The registered rules of a campaign, and the flags that its responses get by them.

Rules are frozen and have a digest, so that they can be published before the first response: a threshold that is chosen
after the answers were seen chooses the result.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from methods.inputs import Floats
from methods.response_quality.answers import checked_codes, checked_items, reverse
from methods.response_quality.bursts import bursts
from methods.response_quality.contradictions import Contradiction, contradictions
from methods.response_quality.distance import mahalanobis
from methods.response_quality.duplicates import near_duplicates
from methods.response_quality.patterns import even_odd, individual_variability, longstring


@dataclass(frozen=True, slots=True)
class Longstring:
    """Flagged from so many answers in a row at the same position."""

    items: tuple[int, ...]
    at_least: int


@dataclass(frozen=True, slots=True)
class Variability:
    """Flagged where the standard deviation of the codes is at most this, over at least so many answers."""

    items: tuple[int, ...]
    at_most: float
    min_answered: int = 5


@dataclass(frozen=True, slots=True)
class EvenOdd:
    """Flagged where even-odd consistency is below this. `reversed` items, of top code `highest`, are turned round."""

    scales: tuple[tuple[int, ...], ...]
    below: float
    reversed: tuple[int, ...] = ()
    highest: int = 0


@dataclass(frozen=True, slots=True)
class Mahalanobis:
    """Flagged where the chance of a greater distance is below this. Items that all answered alike are left out."""

    items: tuple[int, ...]
    p_below: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Flagged in this class of duration and every quicker one; classes are numbered from the quickest, 0."""

    slowest: int


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Flagged where a response of the same unit (and day) matches on at least this share of the items."""

    items: tuple[int, ...]
    share: float
    min_answered: int
    within: tuple[Literal["unit", "day"], ...] = ("unit",)


@dataclass(frozen=True, slots=True)
class Burst:
    """Flagged where the unit's count of the day has less than this chance at the unit's own rate."""

    p_below: float
    pattern: Literal["equal", "others"] = "equal"


@dataclass(frozen=True, slots=True)
class Rules:
    """What is registered before a campaign. A rule that is None flags nobody."""

    speed: Speed | None = None
    longstring: Longstring | None = None
    variability: Variability | None = None
    even_odd: EvenOdd | None = None
    mahalanobis: Mahalanobis | None = None
    contradictions: tuple[Contradiction, ...] = ()
    near_duplicate: NearDuplicate | None = None
    burst: Burst | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the rules: what can be published before the campaign."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    @property
    def registered(self) -> tuple[str, ...]:
        """Names of the rules that are there."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) not in (None, ()))


# rules that look at what was answered, and so select on the outcome; the others look at how it was answered
CONTENT = ("longstring", "variability", "even_odd", "mahalanobis", "contradictions", "near_duplicate")


@dataclass(frozen=True, slots=True)
class Flags:
    """Flags of a campaign's responses."""

    names: tuple[str, ...]  # rules, in the order of `Rules`
    content: tuple[bool, ...]  # the rule looks at the content of answers
    raised: NDArray[np.bool_]  # (responses, rules)
    figure: Floats  # (responses, rules) what was compared with the threshold; NaN where there was nothing to compare
    rules: str  # digest of the rules

    def texts(self) -> list[str]:
        """Each response's flags joined by one space, as the column `flags` of a snapshot holds them."""
        return [" ".join(name for name, up in zip(self.names, row, strict=True) if up) for row in self.raised.tolist()]


def flag_responses(
    codes: ArrayLike,
    rules: Rules,
    *,
    speed: ArrayLike | None = None,
    unit: ArrayLike | None = None,
    day: ArrayLike | None = None,
) -> Flags:
    """Flags of all responses of one campaign under its registered rules.

    What cannot be told (too few answers, a duration that is not known) raises no flag.

    Parameters
    ----------
    codes
        (responses, items) positions of the chosen codes, -1 where there is no answer; as shown, not turned round.
    rules
        As registered before the campaign.
    speed
        (responses,) classes of duration from the quickest, 0; -1 unknown. Needed by the rule `speed`.
    unit, day
        (responses,) whole numbers: the unit, and the day since the campaign began. Needed by `near_duplicate` as far as
        it says so, and by `burst`.

    Raises
    ------
    ValueError
        When a rule needs what is not given, names an item that is not there, or cannot be computed.

    Examples
    --------
    >>> rules = Rules(speed=Speed(0), longstring=Longstring((0, 1, 2, 3), at_least=4))
    >>> found = flag_responses([[1, 1, 1, 1], [0, 1, 2, 3]], rules, speed=[2, 0])
    >>> found.names, found.texts()
    (('speed', 'longstring'), ['longstring', 'speed'])
    """
    answers = checked_codes(codes)
    figures: list[Floats] = []
    raised: list[NDArray[np.bool_]] = []

    def add(figure: ArrayLike, flagged: NDArray[np.bool_]) -> None:
        figures.append(np.asarray(figure, np.float64))
        raised.append(np.asarray(flagged, bool))

    def of(items: tuple[int, ...], rule: str) -> np.ndarray:
        return answers[:, checked_items(items, answers.shape[1], f"rules.{rule}.items")]

    if rules.speed is not None:
        quick = _positions(speed, "speed", "speed", len(answers), -1)
        add(np.where(quick < 0, np.nan, quick), (quick >= 0) & (quick <= rules.speed.slowest))
    if rules.longstring is not None:
        run = longstring(of(rules.longstring.items, "longstring"))
        add(run, run >= rules.longstring.at_least)
    if rules.variability is not None:
        part = of(rules.variability.items, "variability")
        spread = np.where(
            (part >= 0).sum(axis=1) >= rules.variability.min_answered, individual_variability(part), np.nan
        )
        add(spread, spread <= rules.variability.at_most)
    if rules.even_odd is not None:
        rule = rules.even_odd
        turned = reverse(answers, rule.reversed, rule.highest) if rule.reversed else answers
        consistency = even_odd(turned, rule.scales)
        add(consistency, consistency < rule.below)
    if rules.mahalanobis is not None:
        part = of(rules.mahalanobis.items, "mahalanobis")
        varies = np.array([len(np.unique(column[column >= 0])) > 1 for column in part.T], bool)
        p = mahalanobis(part[:, varies]).p if varies.any() else np.full(len(answers), np.nan)
        add(p, p < rules.mahalanobis.p_below)
    if rules.contradictions:
        held = contradictions(answers, rules.contradictions)
        add(held, held > 0)
    if rules.near_duplicate is not None:
        same = rules.near_duplicate
        group = np.zeros(len(answers), np.int64)
        for name, values in (("unit", unit), ("day", day)):
            if name in same.within:
                place = _positions(values, name, "near_duplicate", len(answers), 0)
                group = np.unique(group * (int(place.max(initial=0)) + 1) + place, return_inverse=True)[1].ravel()
        found = near_duplicates(of(same.items, "near_duplicate"), same.share, group, same.min_answered)
        add(np.where(found.flagged, 1.0, 0.0), found.flagged)
    if rules.burst is not None:
        at = _positions(unit, "unit", "burst", len(answers), 0)
        on = _positions(day, "day", "burst", len(answers), 0)
        chance = np.full(len(answers), np.nan)
        if len(answers):
            units, at = np.unique(at, return_inverse=True)
            chance = bursts(at, on, len(units), int(on.max()) + 1, rules.burst.pattern).p[at, on]
        add(chance, chance < rules.burst.p_below)
    names = rules.registered
    return Flags(
        names,
        tuple(name in CONTENT for name in names),
        np.stack(raised, axis=1) if raised else np.zeros((len(answers), 0), bool),
        np.stack(figures, axis=1) if figures else np.zeros((len(answers), 0)),
        rules.digest,
    )


def _positions(values: ArrayLike | None, name: str, rule: str, rows: int, least: int) -> NDArray[np.int64]:
    if values is None:
        raise ValueError(f"the rule {rule} needs {name}; give it for each response")
    found = np.asarray(values)
    if found.shape != (rows,) or (rows and not np.issubdtype(found.dtype, np.integer)):
        raise ValueError(f"{name} must be whole numbers, one for each of the {rows} responses")
    if rows and found.min() < least:
        raise ValueError(f"{name} holds {found.min()}; it must be {least} or more")
    return found.astype(np.int64)
