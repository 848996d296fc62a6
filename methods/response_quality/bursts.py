"""Bursts: more responses on a unit in a day than its own rate explains. Only the day of a response is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Bursts:
    """Counts of responses by unit and day, and how surprising they are."""

    count: Integers  # (units, days)
    expected: Floats  # (units, days) from the unit's other days
    p: Floats  # (units, days) chance of so many or more, given the unit's total; 1 without a response


def bursts(unit: ArrayLike, day: ArrayLike, units: int, days: int, pattern: ArrayLike | str = "equal") -> Bursts:
    """Test each day of each unit against the unit's own other days.

    If a unit's responses come at a steady rate, its count of a day given its total is binomial with the day's share
    (the exact comparison of two Poisson rates). Nothing is estimated, so it holds for a unit with three responses too.
    What it does not say: a newspaper, a visit or an office that asks its visitors to answer make bursts as well, and
    honest responses of that day are flagged with the others.

    Parameters
    ----------
    unit, day
        (responses,) whole numbers: 0 .. units - 1, and days since the campaign began, 0 .. days - 1.
    units, days
        How many there are.
    pattern
        The day's share of a campaign: "equal"; "others", as the responses on all other units fell (weekends,
        reminders); or (days,) weights.

    Returns
    -------
    Bursts

    Notes
    -----
    Under honest counts at most `p` of the unit-days fall below `p`; with 2,000 units and 60 days a threshold of 1e-6
    flags 0.1 of them. Register it with that in mind.

    References
    ----------
    Przyborowski, Wilenski (1940), Homogeneity of results in testing samples from Poisson series, Biometrika 31,
    313-323.

    Examples
    --------
    >>> day = [0, 1, 2, 3, 4, 4, 4, 4, 4, 4]
    >>> found = bursts([0] * 10, day, units=1, days=5)
    >>> found.count[0].tolist(), found.p[0].round(4).tolist()   # 6 or more of 10 where each has 1 in 5
    ([1, 1, 1, 1, 6], [0.8926, 0.8926, 0.8926, 0.8926, 0.0064])
    """
    from scipy.stats import binom  # slow to load, and few ask for it

    of_unit, of_day = _whole(unit, "unit", units), _whole(day, "day", days)
    if of_unit.shape != of_day.shape:
        raise ValueError(f"unit has {of_unit.size} rows and day {of_day.size}; they must be as many")
    count = np.bincount(of_unit * days + of_day, minlength=units * days).reshape(units, days)
    total = count.sum(axis=1)
    if isinstance(pattern, str):
        if pattern == "equal":
            share = np.full((units, days), 1.0 / days)
        elif pattern == "others":
            others = count.sum(axis=0) - count + 1.0  # one more on each day: a day without any is no certainty
            share = others / others.sum(axis=1, keepdims=True)
        else:
            raise ValueError(f"pattern is {pattern!r}; it must be 'equal', 'others' or weights of the days")
    else:
        weights = np.asarray(pattern, np.float64)
        if weights.shape != (days,) or not (np.isfinite(weights) & (weights >= 0)).all() or weights.sum() <= 0:
            raise ValueError(f"pattern must be {days} weights of days, each 0 or more, not all 0")
        share = np.broadcast_to(weights / weights.sum(), (units, days))
    p = np.where(count > 0, binom.sf(count - 1, total[:, None], share), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(share < 1, (total[:, None] - count) * share / (1.0 - share), count.astype(np.float64))
    return Bursts(count.astype(np.int64), expected, p)


def _whole(values: ArrayLike, name: str, count: int) -> Integers:
    found = np.asarray(values)
    if count < 1:
        raise ValueError(f"{name}s is {count}; there must be at least one")
    if found.ndim != 1 or (found.size and not np.issubdtype(found.dtype, np.integer)):
        raise ValueError(f"{name} must be whole numbers, one for each response")
    outside = found[(found < 0) | (found >= count)]
    if outside.size:
        raise ValueError(f"{name} holds {outside[0]}; it must be from 0 to {count - 1}")
    return found.astype(np.int64)
