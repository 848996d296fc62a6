"""Outliers: what is done about indicators that a few units stretch, as COINr's `Treat` does it.

An indicator is in order unless its absolute skewness *and* its kurtosis pass their limits. Then its most extreme points
are moved to the next one (winsorised) until it is; where the allowed number of points does not do, the untouched
indicator is transformed. Everything takes ``(..., units, indicators)`` and treats every draw by itself; sums run over
units in their order, so that a draw comes out the same to the last bit alone and among others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, stats

from methods.index.aggregation import Booleans
from methods.inputs import Floats, Integers

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
    return _skewness(_moments(_lines(values), fourth=False))


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
    return _kurtosis(_moments(_lines(values), fourth=True))


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
    return ~_failing(_lines(_checked(values)), limits or Limits())


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
    failing = _failing(lines, limits)
    high, low = np.zeros(failing.shape, np.int64), np.zeros(failing.shape, np.int64)
    transformed = np.zeros(failing.shape, bool)
    if not failing.any():
        return Treated(values, high, low, transformed, ~failing)
    result = values.copy(order="K")
    before = lines[:, failing]  # (units, lines): only what needs treatment
    x = before.copy()
    up, down = np.zeros(x.shape[1], np.int64), np.zeros(x.shape[1], np.int64)
    active = np.arange(x.shape[1])
    while active.size:
        if limits.most is not None:
            active = active[(up + down)[active] < limits.most]
            if not active.size:
                break
        part = x[:, active]
        top = _skewness(_moments(part, fourth=False)) >= 0
        part, moved = _step(part, top)
        x[:, active] = part
        up[active] = np.where(top, moved, up[active])
        down[active] = np.where(top, down[active], moved)
        active = active[_failing(part, limits)]
    done = ~_failing(x, limits)
    changed = np.zeros(x.shape[1], bool)
    if transform is not None and not done.all():
        changed = ~done
        old = before[:, changed]
        mirrored = _skewness(_moments(old, fourth=False)) < 0
        new = transform(np.where(mirrored, -old, old))
        x[:, changed] = np.where(mirrored, -new, new)
        up[changed], down[changed] = 0, 0
        done[changed] = ~_failing(x[:, changed], limits)
    _lines(result)[:, failing] = x
    high[failing], low[failing], transformed[failing] = up, down, changed
    passed = ~failing
    passed[failing] = done
    return Treated(result, high, low, transformed, passed)


def _step(x: Floats, top: Booleans) -> tuple[Floats, Integers]:
    """Move the extreme points of each line (units, lines) to the next; how many stand there."""
    sign = np.where(top, 1.0, -1.0)
    y = x * sign
    highest = np.fmax.reduce(y, axis=0)
    at = y == highest
    following = np.fmax.reduce(np.where(at, -np.inf, y), axis=0)
    y = np.minimum(y, np.where(np.isfinite(following), following, highest))
    return y * sign, at.sum(axis=0)


@dataclass(frozen=True, slots=True)
class _Moments:
    n: Floats
    second: Floats  # sums of powers of deviations from the mean
    third: Floats
    fourth: Floats | None


def _lines(values: Floats) -> Floats:
    """Units first: a view (units, ..., indicators)."""
    return np.moveaxis(values, -2, 0)


def _checked(values: Floats) -> Floats:
    if values.ndim < 2:
        raise ValueError(f"values has shape {values.shape}; it must be (..., units, indicators)")
    if np.isinf(values).any():
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
    return values


def _moments(lines: Floats, fourth: bool) -> _Moments:
    """Sums run over units in their order, so that lines do not depend on each other."""
    units = lines.shape[0]
    total = np.zeros_like(lines[0]) if units else np.zeros(lines.shape[1:])
    missing = np.isnan(lines).any()
    there: Floats | None = None
    if missing:
        here = ~np.isnan(lines)
        lines, there = np.where(here, lines, 0.0), here.astype(np.float64)
    for x in lines:
        total += x
    n = np.full_like(total, units) if there is None else there.sum(axis=0)
    mean = np.divide(total, n, out=np.zeros_like(total), where=n > 0)
    second, third = np.zeros_like(total), np.zeros_like(total)
    quartic = np.zeros_like(total) if fourth else None
    d, power = np.empty_like(total), np.empty_like(total)
    for u in range(units):
        np.subtract(lines[u], mean, out=d)
        if there is not None:
            d *= there[u]
        np.multiply(d, d, out=power)
        second += power
        if quartic is None:
            power *= d
            third += power
        else:
            d *= power
            third += d
            power *= power
            quartic += power
    # a spread within rounding of the mean is none
    flat = second <= n * (1e-14 * np.abs(mean)) ** 2
    return _Moments(n, np.where(flat, 0.0, second), third, quartic)


def _skewness(m: _Moments) -> Floats:
    n = m.n
    with np.errstate(divide="ignore", invalid="ignore"):
        g1 = np.sqrt(n) * m.third / m.second**1.5
        adjusted = np.where(m.second > 0, g1 * np.sqrt(n * (n - 1)) / (n - 2), 0.0)
    return np.where(n >= 3, adjusted, np.nan)


def _kurtosis(m: _Moments) -> Floats:
    if m.fourth is None:
        raise ValueError("the fourth moment was not summed")
    n = m.n
    with np.errstate(divide="ignore", invalid="ignore"):
        g2 = n * m.fourth / m.second**2 - 3
        adjusted = np.where(m.second > 0, ((n + 1) * g2 + 6) * (n - 1) / ((n - 2) * (n - 3)), 0.0)
    return np.where(n >= 4, adjusted, np.nan)


def _failing(lines: Floats, limits: Limits) -> Booleans:
    """Which lines (units, ...) are outside; the fourth moment is summed only where the third says so."""
    skewed = np.abs(np.nan_to_num(_skewness(_moments(lines, fourth=False)))) > limits.skewness
    if skewed.any():
        skewed[skewed] = np.nan_to_num(_kurtosis(_moments(lines[:, skewed], fourth=True))) > limits.kurtosis
    return skewed


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
