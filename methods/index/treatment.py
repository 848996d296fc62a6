"""Outliers: what is done about indicators that a few units stretch, as COINr's `Treat` does it.

An indicator is in order unless its absolute skewness *and* its kurtosis pass their limits. Then its most extreme points
are moved to the next one (winsorised) until it is; where the allowed number of points does not do, the untouched
indicator is transformed. Everything takes ``(..., units, indicators)`` and treats every draw by itself; sums over units
always add in the same order, so that a draw comes out the same to the last bit alone and among others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, stats

from methods.index.aggregation import Booleans
from methods.inputs import Floats, Integers

PIECE = 32_768  # numbers at a time: what is at work stays in the processor's cache
ENOUGH = 1e-6  # of a sum of fourth powers must be left (ten digits are right then), or sums are taken anew
Transform = Literal["none", "log", "log_CT", "log_CT_orig", "log_GII", "box_cox"]


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


def skewness(values: Floats) -> Floats:
    """Adjusted Fisher-Pearson skewness of each indicator over units (G1 of Joanes and Gill 1998, COINr's `skew`).

    Parameters
    ----------
    values
        (..., units, indicators); NaN: left out.

    Returns
    -------
    NDArray
        (..., indicators); 0 for a constant indicator, NaN for fewer than 3 units.

    Examples
    --------
    >>> skewness(np.array([[1.0], [2.0], [3.0], [10.0]])).round(6).tolist()
    [1.763633]
    """
    return _skewness(_sums(_lines(_checked(values))))


def kurtosis(values: Floats) -> Floats:
    """Adjusted excess kurtosis of each indicator over units (G2 of Joanes and Gill 1998, COINr's `kurt`).

    Parameters
    ----------
    values
        (..., units, indicators); NaN: left out.

    Returns
    -------
    NDArray
        (..., indicators); 0 for a constant indicator, NaN for fewer than 4 units.

    Examples
    --------
    >>> kurtosis(np.array([[1.0], [2.0], [3.0], [10.0]])).round(6).tolist()
    [3.228]
    """
    return _kurtosis(_sums(_lines(_checked(values))))


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
    return ~_outside(_sums(_lines(_checked(values))), limits or Limits())


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
    lines = _lines(_checked(values))
    sums = _sums(lines)
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
        mirrored = _skewness(_sums(old)) < 0
        new = transform(np.where(mirrored, -old, old))
        done[changed] = ~_outside(_sums(new), limits)
    np.clip(x, ends.bottom, ends.top, out=x)
    if changed.any():
        x[:, changed] = np.where(mirrored, -new, new)
    _lines(result)[:, failing] = x
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
    skewed = _skewness(sums)
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
        now = _central(count[at].astype(np.float64), centre[at], part)
        lost = np.flatnonzero(now[FOURTH] < ENOUGH * whole[at])
        if lost.size:
            which = at[lost]
            again = _sums(np.clip(y[:, which], value[0, which], value[1, which]))
            now[:, lost], part[:, lost] = again, again[FIRST:]
            centre[which], whole[which] = again[CENTRE], again[FOURTH]
        powers[:, at] = part
        skewed[at] = _skewness(now)
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


N, CENTRE, FIRST, SECOND, THIRD, FOURTH = range(6)  # rows of sums: numbers, where powers are taken from, their sums


def _lines(values: Floats) -> Floats:
    """Units first: a view (units, ..., indicators)."""
    return np.moveaxis(values, -2, 0)


def _checked(values: Floats) -> Floats:
    if values.ndim < 2:
        raise ValueError(f"values has shape {values.shape}; it must be (..., units, indicators)")
    if np.isinf(values).any():
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
    return values


def _sums(lines: Floats) -> Floats:
    """(6, ...) of each line (units, ...): see `N`. Sums of powers are about the mean, in pieces that fit a cache."""
    found = np.zeros((6, *lines.shape[1:]))
    if not found.size:
        return found
    strides = [abs(s) if n > 1 else 0 for s, n in zip(lines.strides[1:], lines.shape[1:], strict=True)]
    order = [int(i) for i in np.argsort(strides, kind="stable")[::-1]]  # axes as they lie in memory
    step = max(1, PIECE * lines.shape[1 + order[0]] // max(1, lines.size))
    for first in range(0, lines.shape[1 + order[0]], step):
        piece = (slice(None),) * (1 + order[0]) + (slice(first, first + step),)
        part, into = (x[piece].transpose(0, *(1 + i for i in order)) for x in (lines, found))
        into[...] = _sums_side_by_side(part.reshape(part.shape[0], math.prod(part.shape[1:]))).reshape(into.shape)
    return found


def _sums_side_by_side(lines: Floats) -> Floats:
    """Sums of lines (units, lines), laid out so that NumPy adds units one after the other, for all lines at once.

    With one line it would add in another order; with two or more a line has the same bits whatever lies beside it.
    """
    units, number = lines.shape
    x = np.empty((units, max(2, number)))
    x[:] = lines
    found = np.zeros((6, x.shape[1]))
    gone: Booleans | None = None
    total = np.add.reduce(x, axis=0)
    n: Floats | float = float(units)
    if np.isnan(total).any():
        gone = np.isnan(x)
        x[gone] = 0.0
        total, n = np.add.reduce(x, axis=0), np.asarray(units - np.count_nonzero(gone, axis=0), np.float64)
    found[N] = n
    mean = np.divide(total, n, out=found[CENTRE], where=found[N] > 0)
    x -= mean
    if gone is not None:
        x[gone] = 0.0
    power = x * x
    np.add.reduce(power, axis=0, out=found[SECOND])
    x *= power
    np.add.reduce(x, axis=0, out=found[THIRD])
    power *= power
    np.add.reduce(power, axis=0, out=found[FOURTH])
    rounding = 1e-14 * np.abs(mean) * np.sqrt(n)
    found[SECOND][np.sqrt(found[SECOND]) <= rounding] = 0.0  # does not vary
    return found[:, :number]


def _central(n: Floats, centre: Floats, powers: Floats) -> Floats:
    """Sums of powers about another point than the mean, as `_sums` has them."""
    first, second, third, fourth = powers
    m = first / n
    return np.stack(
        [
            n,
            centre + m,
            np.zeros_like(n),
            second - n * m * m,
            third - 3 * m * second + 2 * n * m * m * m,
            fourth - 4 * m * third + 6 * m * m * second - 3 * n * m * m * m * m,
        ]
    )


def _skewness(sums: Floats) -> Floats:
    n, second = sums[N], sums[SECOND]
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.sqrt(n) * sums[THIRD] / (second * np.sqrt(second)) * (np.sqrt(n * (n - 1)) / (n - 2))
    found[~(second > 0)] = 0.0
    found[n < 3] = np.nan
    return found


def _kurtosis(sums: Floats) -> Floats:
    n, second = sums[N], sums[SECOND]
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = n * sums[FOURTH] / (second * second) - 3
        found: Floats = ((n + 1) * excess + 6) * ((n - 1) / ((n - 2) * (n - 3)))
    found[~(second > 0)] = 0.0
    found[n < 4] = np.nan
    return found


def _outside(sums: Floats, limits: Limits) -> Booleans:
    """Which lines are outside the limits; those of too few units, with NaN, are not."""
    return (np.abs(_skewness(sums)) > limits.skewness) & (_kurtosis(sums) > limits.kurtosis)


def log(values: Floats) -> Floats:
    """Natural logarithm, of positive values only.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        A value of 0 or less.

    Examples
    --------
    >>> log(np.array([1.0, np.e])).tolist()
    [0.0, 1.0]
    """
    if (values <= 0).any():
        raise ValueError(f"values holds {np.nanmin(values)}; a logarithm needs values above 0 (log_CT takes any)")
    return np.log(values)


def log_ct(values: Floats) -> Floats:
    """COINr's `log_CT`: log(x - min + 0.01 (max - min)), over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.

    Returns
    -------
    NDArray
        The same shape. Does not depend on units of measurement, but for a shift.

    Raises
    ------
    ValueError
        A constant line.

    Examples
    --------
    >>> log_ct(np.array([0.0, 50.0, 100.0])).round(4).tolist()
    [0.0, 3.9318, 4.6151]
    """
    low, high = _range(values)
    return np.log(values - low + 0.01 * (high - low))


def log_ct_orig(values: Floats) -> Floats:
    """The COIN Tool's logarithm, COINr's `log_CT_orig`: log(x - min + 1), over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.

    Returns
    -------
    NDArray
        The same shape. Depends on the unit of measurement: values far below 1 are hardly changed.

    Examples
    --------
    >>> log_ct_orig(np.array([3.0, 10.0])).round(4).tolist()
    [0.0, 2.0794]
    """
    low: Floats = np.fmin.reduce(values, axis=0)
    return np.log(values - low + 1)


def log_gii(values: Floats) -> Floats:
    """The Global Innovation Index's logarithm (2020): log((max - 1)(x - min)/(max - min) + 1), over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        A constant line, or a maximum of 1 or less, where the formula turns the order round.

    Examples
    --------
    >>> log_gii(np.array([0.0, 10.0, 100.0])).round(4).tolist()
    [0.0, 2.3888, 4.6052]
    """
    low, high = _range(values)
    if (high <= 1).any():
        raise ValueError(
            f"values has a maximum of {np.min(high)}; log_GII needs one above 1, below it turns the order round"
        )
    return np.log((high - 1) * (values - low) / (high - low) + 1)


def box_cox(values: Floats, power: float | None = None) -> Floats:
    """Box and Cox's (1964) power transformation after a shift to a least value of 1, over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.
    power
        ((x - min + 1)^power - 1) / power, the logarithm at 0, as COINr's `boxcox`. None: of each line the power between
        -5 and 5 that makes it most like a normal sample, by maximum likelihood.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        A power that is not finite; a constant line where the power is to be estimated.

    Examples
    --------
    >>> box_cox(np.array([4.0, 5.0, 6.0]), 2.0).tolist()
    [0.0, 1.5, 4.0]
    """
    if power is not None and not np.isfinite(power):
        raise ValueError(f"power {power}; it must be finite, or None to be estimated")
    if power is None:
        _range(values)
        flat = values.reshape(values.shape[0], -1)
        columns = [box_cox(x, best_power(x)) for x in flat.T]
        return np.stack(columns, axis=-1).reshape(values.shape)
    shifted: Floats = values - np.fmin.reduce(values, axis=0) + 1
    return np.log(shifted) if power == 0 else (shifted**power - 1) / power


def best_power(values: Floats) -> float:
    """Box and Cox's power by maximum likelihood, after a shift to a least value of 1.

    Parameters
    ----------
    values
        (units,); NaN is left out.

    Returns
    -------
    float
        Between -5 and 5.

    Examples
    --------
    >>> x = np.exp(np.linspace(-2, 2, 41))
    >>> round(best_power(x - x.min() + 1), 2)
    -0.58
    """
    x = values[~np.isnan(values)]
    x = x - x.min() + 1
    found = optimize.minimize_scalar(lambda p: -stats.boxcox_llf(p, x), bounds=(-5, 5), method="bounded")
    return float(found.x)


def _range(values: Floats) -> tuple[Floats, Floats]:
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    if (low == high).any():
        raise ValueError("values has a constant indicator; a logarithm over its range needs two different values")
    return low, high


TRANSFORMS: dict[str, Callable[[Floats], Floats]] = {
    "log": log,
    "log_CT": log_ct,
    "log_CT_orig": log_ct_orig,
    "log_GII": log_gii,
    "box_cox": box_cox,
}


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
