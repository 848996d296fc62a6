"""Skewness and kurtosis of many indicators at once, from sums of powers that are the same to the last bit always.

Everything takes ``(..., units, indicators)``; sums over units add in the same order whatever lies beside a line, so
that a draw comes out the same alone and among others.
"""

from __future__ import annotations

import math

import numpy as np

from methods.index.aggregation import Booleans
from methods.inputs import Floats

PIECE = 32_768  # numbers at a time: what is at work stays in the processor's cache
N, CENTRE, FIRST, SECOND, THIRD, FOURTH = range(6)  # rows of sums: numbers, where powers are taken from, their sums


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
    return skewness_of(power_sums(units_first(checked(values))))


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
    return kurtosis_of(power_sums(units_first(checked(values))))


def units_first(values: Floats) -> Floats:
    """A view (units, ..., indicators) of values (..., units, indicators).

    Examples
    --------
    >>> units_first(np.zeros((7, 3, 2))).shape
    (3, 7, 2)
    """
    return np.moveaxis(values, -2, 0)


def checked(values: Floats) -> Floats:
    """The values themselves, if they are (..., units, indicators) and none is infinite.

    Raises
    ------
    ValueError
        Fewer than two axes, or an infinite number.

    Examples
    --------
    >>> checked(np.array([[1.0], [np.nan]])).shape
    (2, 1)
    """
    if values.ndim < 2:
        raise ValueError(f"values has shape {values.shape}; it must be (..., units, indicators)")
    if np.isinf(values).any():
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
    return values


def power_sums(lines: Floats) -> Floats:
    """(6, ...) of each line (units, ...): see `N`. Sums of powers are about the mean, in pieces that fit a cache.

    Examples
    --------
    >>> power_sums(np.array([[1.0], [2.0], [6.0]]))[[N, CENTRE, SECOND, THIRD], 0].tolist()
    [3.0, 3.0, 14.0, 18.0]
    """
    found = np.zeros((6, *lines.shape[1:]))
    if not found.size:
        return found
    strides = [abs(s) if n > 1 else 0 for s, n in zip(lines.strides[1:], lines.shape[1:], strict=True)]
    order = [int(i) for i in np.argsort(strides, kind="stable")[::-1]]  # axes as they lie in memory
    step = max(1, PIECE * lines.shape[1 + order[0]] // max(1, lines.size))
    for first in range(0, lines.shape[1 + order[0]], step):
        piece = (slice(None),) * (1 + order[0]) + (slice(first, first + step),)
        part, into = (x[piece].transpose(0, *(1 + i for i in order)) for x in (lines, found))
        into[...] = _side_by_side(part.reshape(part.shape[0], math.prod(part.shape[1:]))).reshape(into.shape)
    return found


def _side_by_side(lines: Floats) -> Floats:
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


def moved_sums(n: Floats, centre: Floats, powers: Floats) -> Floats:
    """What `power_sums` gives, from sums of the first four powers about any point.

    Parameters
    ----------
    n, centre
        (lines,) numbers, and the point.
    powers
        (4, lines) sums of powers about it.

    Examples
    --------
    >>> one = np.ones(1)                                                   # 1, 2 and 6 about 2
    >>> moved_sums(3 * one, 2 * one, np.array([[3.0], [17.0], [63.0], [257.0]]))[[CENTRE, SECOND, THIRD], 0].tolist()
    [3.0, 14.0, 18.0]
    """
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


def skewness_of(sums: Floats) -> Floats:
    """Skewness from `power_sums`; see `skewness`.

    Examples
    --------
    >>> skewness_of(power_sums(np.array([1.0, 2.0, 3.0, 10.0])[:, None])).round(6).tolist()
    [1.763633]
    """
    n, second = sums[N], sums[SECOND]
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.sqrt(n) * sums[THIRD] / (second * np.sqrt(second)) * (np.sqrt(n * (n - 1)) / (n - 2))
    found[~(second > 0)] = 0.0
    found[n < 3] = np.nan
    return found


def kurtosis_of(sums: Floats) -> Floats:
    """Excess kurtosis from `power_sums`; see `kurtosis`.

    Examples
    --------
    >>> kurtosis_of(power_sums(np.array([1.0, 2.0, 3.0, 10.0])[:, None])).round(6).tolist()
    [3.228]
    """
    n, second = sums[N], sums[SECOND]
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = n * sums[FOURTH] / (second * second) - 3
        found: Floats = ((n + 1) * excess + 6) * ((n - 1) / ((n - 2) * (n - 3)))
    found[~(second > 0)] = 0.0
    found[n < 4] = np.nan
    return found
