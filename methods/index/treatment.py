"""Outliers: what is done about indicators that a few units stretch, as COINr's `Treat` does it.

An indicator is in order unless its absolute skewness *and* its kurtosis pass their limits. Then its most extreme points
are moved to the next one (winsorised) until it is; where the allowed number of points does not do, the untouched
indicator is transformed. Everything takes ``(..., units, indicators)`` and treats every draw by itself; sums over units
always add in the same order, so that a draw comes out the same to the last bit alone and among others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from methods.index.aggregation import Booleans
from methods.index.moments import (
    CENTRE,
    FIRST,
    FOURTH,
    N,
    checked,
    kurtosis_of,
    moved_sums,
    power_sums,
    skewness_of,
    units_first,
)
from methods.index.transformation import TRANSFORMS, Transform
from methods.inputs import Floats, Integers

ENOUGH = 1e-6  # of a sum of fourth powers must be left (ten digits are right then), or sums are taken anew


@dataclass(frozen=True, slots=True)
class Limits:
    """When an indicator is in order, and how many points may be moved to bring it there. Defaults are COINr's."""

    skewness: float = 2.0
    kurtosis: float = 3.5  # excess kurtosis: 0 for a normal distribution
    most: int | None = 5  # points moved; None: as many as it takes
    otherwise: Transform = "log_CT"  # where moving points does not do; "none": they stay moved

    def __post_init__(self) -> None:
        if not (self.skewness >= 0 and np.isfinite(self.skewness) and np.isfinite(self.kurtosis)):
            raise ValueError(f"skewness {self.skewness}, kurtosis {self.kurtosis}; both must be finite, skewness >= 0")
        if self.most is not None and self.most < 0:
            raise ValueError(f"most is {self.most}; it must be 0 or more, or None for as many as it takes")
        if self.otherwise not in TRANSFORMS and self.otherwise != "none":
            raise ValueError(f"otherwise is {self.otherwise!r}; it must be none, {', '.join(TRANSFORMS)}")


@dataclass(frozen=True, slots=True)
class Treated:
    """Treated values and what was done to each indicator of each draw."""

    values: Floats  # (..., units, indicators)
    high: Integers  # (..., indicators) points moved down from the top
    low: Integers  # (..., indicators) points moved up from the bottom
    transformed: Booleans  # (..., indicators)
    passed: Booleans  # (..., indicators) within the limits now


def in_order(values: Floats, limits: Limits | None = None) -> Booleans:
    """Whether each indicator is within the limits: not both skewed and heavy-tailed.

    Parameters
    ----------
    values
        (..., units, indicators); NaN: left out.
    limits
        Default: COINr's.

    Returns
    -------
    NDArray of bool
        (..., indicators); constant indicators and those of fewer than 4 units are in order.

    Examples
    --------
    >>> in_order(np.array([[*range(1, 11), 30, 100.0], [*range(12)]]).T).tolist()
    [False, True]
    """
    return ~_outside(power_sums(units_first(checked(values))), limits or Limits())


def winsorise(values: Floats, limits: Limits | None = None) -> Treated:
    """Move the most extreme points to the next, one after the other, until the indicator is in order.

    The side is that of the skewness, looked at anew after every step. Points that stand at the same value move
    together, so that the last step may move more points than allowed, as in COINr.

    Parameters
    ----------
    values
        (..., units, indicators); NaN stays NaN and is left out.
    limits
        Default: COINr's; `otherwise` is not used.

    Returns
    -------
    Treated
        Indicators that are in order stay as they are.

    Raises
    ------
    ValueError
        Infinite values, or fewer than two axes.

    Examples
    --------
    >>> done = winsorise(np.array([[*range(1, 11), 30.0, 100.0]]).T)
    >>> done.values[-3:, 0].tolist(), done.high.tolist(), done.passed.tolist()
    ([10.0, 30.0, 30.0], [1], [True])
    """
    return _treat(values, limits or Limits(), None)


def treat(values: Floats, limits: Limits | None = None) -> Treated:
    """Winsorise, and transform what winsorising does not bring within the limits (COINr's `Treat`, `qTreat`).

    Parameters
    ----------
    values
        (..., units, indicators); NaN stays NaN and is left out.
    limits
        Default: COINr's, with `log_CT` for what stays outside.

    Returns
    -------
    Treated
        A transformed indicator is transformed from its untouched values, all of its units.

    Raises
    ------
    ValueError
        Infinite values, fewer than two axes, or values that the transformation does not take.

    Notes
    -----
    Departs from COINr in one point: where the skewness is negative, the mirror image is transformed and mirrored
    back. A logarithm of the values themselves would stretch the long tail further.

    Examples
    --------
    >>> x = np.array([[*range(1, 11), 30.0, 100.0]]).T
    >>> done = treat(x, Limits(most=0))
    >>> done.transformed.tolist(), done.values[[0, -1], 0].round(4).tolist()
    ([True], [-0.0101, 4.6051])
    """
    limits = limits or Limits()
    return _treat(values, limits, None if limits.otherwise == "none" else TRANSFORMS[limits.otherwise])


def _treat(values: Floats, limits: Limits, transform: Callable[[Floats], Floats] | None) -> Treated:
    lines = units_first(checked(values))
    sums = power_sums(lines)
    failing = _outside(sums, limits)
    high, low = np.zeros(failing.shape, np.int64), np.zeros(failing.shape, np.int64)
    transformed = np.zeros(failing.shape, bool)
    if not failing.any():
        return Treated(values, high, low, transformed, ~failing)
    result = values.copy(order="K")
    x = lines[:, failing]  # (units, lines): only what needs treatment
    ends = _winsorise_lines(x, sums[:, failing], limits)
    done = ~ends.outside
    changed = np.zeros(x.shape[1], bool)
    if transform is not None and not done.all():
        changed = ends.outside
        old = x[:, changed]
        mirrored = skewness_of(power_sums(old)) < 0
        new = transform(np.where(mirrored, -old, old))
        done[changed] = ~_outside(power_sums(new), limits)
    np.clip(x, ends.bottom, ends.top, out=x)
    if changed.any():
        x[:, changed] = np.where(mirrored, -new, new)
    units_first(result)[:, failing] = x
    high[failing], low[failing] = np.where(changed, 0, ends.high), np.where(changed, 0, ends.low)
    transformed[failing] = changed
    passed = ~failing
    passed[failing] = done
    return Treated(result, high, low, transformed, passed)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Between which values lines are kept."""

    bottom: Floats  # (lines,)
    top: Floats
    low: Integers  # (lines,) points moved up
    high: Integers  # (lines,) points moved down
    outside: Booleans  # (lines,) outside the limits still


def _winsorise_lines(x: Floats, sums: Floats, limits: Limits) -> _Ends:
    """Where to cut lines (units, lines) that are outside the limits.

    Lines are sorted once; a step then changes sums of powers by what the moved points add and take away. Where little
    is left of a sum, so that digits would be lost, it is taken anew.
    """
    y = np.sort(x, axis=0)  # gaps last
    lines = np.arange(x.shape[1])
    count = sums[N].astype(np.int64)
    value = np.stack([y[0], y[count - 1, lines]])  # (bottom and top, lines): what lies beyond is moved here
    tied = np.ones(value.shape, np.int64)  # points that stand there
    for end in (0, 1):
        tied[end] = _tied(y, count, value[end], tied[end], np.full(lines.size, bool(end)), lines)
    moved = np.zeros(value.shape, np.int64)
    centre, powers, whole = sums[CENTRE].copy(), sums[FIRST:].copy(), sums[FOURTH].copy()
    skewed = skewness_of(sums)
    outside = np.ones(lines.size, bool)
    at = lines  # still at work
    while at.size:
        if limits.most is not None:
            at = at[moved[0, at] + moved[1, at] < limits.most]
        top = skewed[at] >= 0
        side = top.astype(np.int64)
        k, old, other = tied[side, at], value[side, at], value[1 - side, at]
        new = y[np.where(top, count[at] - 1 - k, k), at]
        new = np.where(top, np.maximum(new, other), np.minimum(new, other))
        moved[side, at], value[side, at] = k, new
        tied[side, at] = _tied(y, count, new, k + 1, top, at)
        a, b = old - centre[at], new - centre[at]
        part, a_power, b_power = powers[:, at], a, b
        for p in range(4):
            part[p] += k * (b_power - a_power)
            a_power, b_power = a_power * a, b_power * b
        now = moved_sums(count[at].astype(np.float64), centre[at], part)
        lost = np.flatnonzero(now[FOURTH] < ENOUGH * whole[at])
        if lost.size:
            which = at[lost]
            again = power_sums(np.clip(y[:, which], value[0, which], value[1, which]))
            now[:, lost], part[:, lost] = again, again[FIRST:]
            centre[which], whole[which] = again[CENTRE], again[FOURTH]
        powers[:, at] = part
        skewed[at] = skewness_of(now)
        outside[at] = still = _outside(now, limits)
        at = at[still]
    return _Ends(value[0], value[1], moved[0], moved[1], outside)


def _tied(y: Floats, count: Integers, value: Floats, k: Integers, top: Booleans, at: Integers) -> Integers:
    """How many sorted points stand at a value or beyond, of which `k` are known."""
    while True:
        place = np.clip(np.where(top, count[at] - 1 - k, k), 0, count[at] - 1)
        more = (k < count[at]) & (y[place, at] == value)
        if not more.any():
            return k
        k = k + more


def _outside(sums: Floats, limits: Limits) -> Booleans:
    """Which lines are outside the limits; those of too few units, with NaN, are not."""
    return (np.abs(skewness_of(sums)) > limits.skewness) & (kurtosis_of(sums) > limits.kurtosis)


def told(done: Treated, indicators: Sequence[str]) -> tuple[str, ...]:
    """What was done, in words, of one data set.

    Parameters
    ----------
    done
        Of values (units, indicators).
    indicators
        Their names.

    Returns
    -------
    tuple of str
        One an indicator that was touched or is still outside the limits.

    Examples
    --------
    >>> told(winsorise(np.array([[*range(1, 11), 30.0, 100.0]]).T), ["debt"])
    ('debt: 1 point moved down',)
    """
    lines = []
    for name, high, low, changed, passed in zip(
        indicators, done.high, done.low, done.transformed, done.passed, strict=True
    ):
        parts = [f"{_points(high)} moved down"] if high else []
        parts += [f"{_points(low)} moved up"] if low else []
        parts += ["transformed"] if changed else []
        parts += [] if passed else ["still outside the limits"]
        if parts:
            lines.append(f"{name}: {', '.join(parts)}")
    return tuple(lines)


def _points(number: int) -> str:
    return "1 point" if number == 1 else f"{number} points"
