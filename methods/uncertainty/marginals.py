"""The exact distribution of one number between its limits: what draws of it approach, without their noise.

Scores of single indicators are clipped, straight-line functions of normal, beta and gamma inputs, so that their limits
and standard deviations have closed forms, and a hundred thousand of them need no stored draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from methods.inputs import BETA, GAMMA, NORMAL, Factors, Floats, Inputs

Real = NDArray[np.floating[Any]]


def spread(inputs: Inputs, factors: Factors) -> Floats:
    """Standard deviation of each normal input: its independent part and its factors together; NaN for other families.

    Returns
    -------
    NDArray
        (rows,).

    Examples
    --------
    >>> one, nan = np.zeros(1, np.int64), np.full(1, np.nan)
    >>> given = Inputs(one, one, np.array([NORMAL]), np.array([60.0]), np.array([3.0]), nan, nan, nan)
    >>> spread(given, Factors(("assessor",), one, one, one, np.array([4.0]), np.zeros(1)))
    array([5.])
    """
    normal = inputs.family == NORMAL
    variance = np.where(normal, inputs.b * inputs.b, np.nan)
    width = 1 + int(max([-1, *inputs.indicator, *factors.indicator]))
    key = inputs.unit * width + inputs.indicator
    order = np.argsort(key, kind="stable")
    wanted = factors.unit * width + factors.indicator
    at = np.minimum(np.searchsorted(key[order], wanted), max(key.size - 1, 0))
    found = (key[order][at] == wanted) if key.size else np.zeros(wanted.size, bool)
    # a factor may be given in several triplets of one cell: those add up before they are squared
    triplets = np.lexsort((factors.loading, factors.factor, wanted))
    triplets = triplets[found[triplets]]
    if triplets.size:
        cell, factor = wanted[triplets], factors.factor[triplets]
        first = np.flatnonzero(np.r_[True, (cell[1:] != cell[:-1]) | (factor[1:] != factor[:-1])])
        loading = np.add.reduceat(np.nan_to_num(factors.loading[triplets]), first)
        np.add.at(variance, order[at[triplets[first]]], loading * loading)
    return np.sqrt(variance)


def limits(inputs: Inputs, sd: Floats, interval: float) -> tuple[Floats, Floats]:
    """Central limits of each input, before any clipping.

    Parameters
    ----------
    sd
        (rows,) as `spread` gives it.
    interval
        Probability between the limits.

    Returns
    -------
    lower, upper
        (rows,).

    Raises
    ------
    ValueError
        An interval that is no probability.

    Examples
    --------
    >>> one, nan = np.zeros(1, np.int64), np.full(1, np.nan)
    >>> given = Inputs(one, one, np.array([NORMAL]), np.array([60.0]), np.array([5.0]), nan, nan, nan)
    >>> lower, upper = limits(given, np.array([5.0]), 0.95)
    >>> lower.round(1), upper.round(1)
    (array([50.2]), array([69.8]))
    """
    if not 0 < interval < 1:
        raise ValueError(f"interval is {interval}; it must lie between 0 and 1")
    found = []
    for p in ((1 - interval) / 2, (1 + interval) / 2):
        value = inputs.a.astype(np.float64, copy=True)
        for family in (NORMAL, BETA, GAMMA):
            rows = np.flatnonzero((inputs.family == family) & ~np.isnan(inputs.a))
            a, b = inputs.a[rows], inputs.b[rows]
            if family == NORMAL:
                value[rows] = a + sd[rows] * special.ndtri(p)
            elif family == BETA:
                value[rows] = special.betaincinv(a, b, p)
            else:
                value[rows] = special.gammaincinv(a, p) / b
        found.append(value)
    return found[0], found[1]


def clipped_sd(inputs: Inputs, sd: Floats, lower: Floats, upper: Floats) -> Floats:
    """Standard deviation of each input after clipping to [lower, upper].

    Parameters
    ----------
    sd
        (rows,) as `spread` gives it.
    lower, upper
        (rows,) may be infinite.

    Returns
    -------
    NDArray
        (rows,) 0 for points.

    Raises
    ------
    ValueError
        A lower limit above the upper one.

    Examples
    --------
    >>> one, nan = np.zeros(1, np.int64), np.full(1, np.nan)
    >>> given = Inputs(one, one, np.array([NORMAL]), np.array([100.0]), np.array([5.0]), nan, nan, nan)
    >>> clipped_sd(given, np.array([5.0]), np.array([0.0]), np.array([100.0])).round(2)  # half of it is cut off
    array([2.92])
    """
    if (lower > upper).any():
        raise ValueError(f"lower limit of row {np.flatnonzero(lower > upper)[0]} is above the upper one")
    result = np.zeros(inputs.a.size)
    for family in (NORMAL, BETA, GAMMA):
        rows = np.flatnonzero((inputs.family == family) & ~np.isnan(inputs.a))
        a, b, low, high = inputs.a[rows], inputs.b[rows], lower[rows], upper[rows]
        if family == NORMAL:
            result[rows] = _normal(a, sd[rows], low, high)
        elif family == BETA:
            low, high, mean = np.clip(low, 0, 1), np.clip(high, 0, 1), a / (a + b)
            share = [special.betainc(a + k, b, high) - special.betainc(a + k, b, low) for k in range(3)]
            ends = special.betainc(a, b, low), special.betaincc(a, b, high)
            result[rows] = _from_moments(share, (mean, mean * (a + 1) / (a + b + 1)), (low, high), ends)
        else:
            low, high = np.maximum(low, 0), np.maximum(high, 0)
            share = [special.gammainc(a + k, b * high) - special.gammainc(a + k, b * low) for k in range(3)]
            ends = special.gammainc(a, b * low), special.gammaincc(a, b * high)
            result[rows] = _from_moments(share, (a / b, a * (a + 1) / (b * b)), (low, high), ends)
    return result


def _normal(mean: Floats, sd: Floats, lower: Floats, upper: Floats) -> Floats:
    """Censored normal, moments about its mean."""
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha, beta = (lower - mean) / sd, (upper - mean) / sd
    alpha, beta = np.where(sd > 0, alpha, -np.inf), np.where(sd > 0, beta, np.inf)
    below, above = special.ndtr(alpha), special.ndtr(-beta)
    a, b = np.where(np.isfinite(alpha), alpha, 0.0), np.where(np.isfinite(beta), beta, 0.0)
    density_a = np.where(np.isfinite(alpha), np.exp(-0.5 * a * a), 0.0) / np.sqrt(2 * np.pi)
    density_b = np.where(np.isfinite(beta), np.exp(-0.5 * b * b), 0.0) / np.sqrt(2 * np.pi)
    first = a * below + density_a - density_b + b * above
    second = a * a * below + (1 - below - above) + a * density_a - b * density_b + b * b * above
    return sd * _root(second, first)


def _from_moments(
    share: Sequence[Real], moments: tuple[Real, Real], limits: tuple[Real, Real], ends: tuple[Real, Real]
) -> Floats:
    """Standard deviation after clipping.

    Parameters
    ----------
    share
        Of the raw moments of order 0, 1 and 2, what lies between the limits.
    moments
        Raw moments of order 1 and 2.
    ends
        Probability below the lower and above the upper limit.
    """
    low, high = (np.where(end > 0, limit, 0.0) for limit, end in zip(limits, ends, strict=True))
    first = moments[0] * share[1] + low * ends[0] + high * ends[1]
    return _root(moments[1] * share[2] + low * low * ends[0] + high * high * ends[1], first)


def _root(second: Floats, first: Floats) -> Floats:
    """Square root of a variance; differences lost in rounding are 0."""
    variance = second - first * first
    return np.sqrt(np.where(variance > 1e-12 * second, variance, 0.0))
