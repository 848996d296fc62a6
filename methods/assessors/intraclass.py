"""Intraclass correlations: how far scores of a complete table agree, in all six forms, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtri

from methods.inputs import Floats

FORMS = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


@dataclass(frozen=True, slots=True)
class Intraclass:
    """The six forms, in the order of `forms`."""

    forms: tuple[str, ...]
    estimate: Floats  # (6,)
    lower: Floats  # (6,)
    upper: Floats  # (6,)
    F: Floats  # (6,) of the hypothesis that units do not differ
    degrees: Floats  # (6, 2) its degrees of freedom
    units: int
    assessors: int


@dataclass(frozen=True, slots=True)
class _Squares:
    """Mean squares of a units x assessors table."""

    between: float  # units
    within: float  # within units
    assessors: float
    error: float


def intraclass_correlations(scores: Floats, confidence: float = 0.95) -> Intraclass:
    """Intraclass correlations of a complete table of scores.

    ICC1: each unit has other assessors, taken at random. ICC2: the same assessors, taken at random, who may differ in
    severity (agreement). ICC3: these very assessors, severity left out (consistency). With k: of the mean of all k
    assessors instead of one.

    Parameters
    ----------
    scores
        (units, assessors), complete.
    confidence
        Of the intervals, between 0 and 1.

    Returns
    -------
    Estimates with exact F intervals (ICC2 and ICC2k: Satterthwaite's approximation). Estimates may be negative. Where
    all assessors agree, everything is 1.

    Raises
    ------
    ValueError
        For fewer than two units or assessors, values that are not finite, or a table without any difference. For an
        incomplete table use `crossed` and `generalizability`.

    References
    ----------
    Shrout, Fleiss (1979), Psychological Bulletin 86, 420-428. McGraw, Wong (1996), Psychological Methods 1, 30-46 and
    390: ICC(1), ICC(A,1), ICC(C,1) and their k forms.

    Examples
    --------
    Table 2 of Shrout and Fleiss:

    >>> scores = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> intraclass_correlations(scores).estimate.round(2)
    array([0.17, 0.29, 0.71, 0.44, 0.62, 0.91])
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        raise ValueError(f"scores has shape {table.shape}; give at least two units (rows) by two assessors (columns)")
    if not np.all(np.isfinite(table)):
        raise ValueError("scores holds values that are not finite; give a complete table, or use `crossed`")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; give a number between 0 and 1")
    n, k = table.shape
    ms = _mean_squares(table)
    if max(ms.between, ms.within) <= 0:
        raise ValueError("scores are all the same; agreement needs units that differ")
    tail = 0.5 * (1.0 + confidence)
    one = _one_way(ms, n, k, tail)
    two = _agreement(ms, n, k, tail)
    three = _consistency(ms, n, k, tail)
    singles = np.array([one, two, three])
    means = np.array([_of_mean(*one, k), _of_mean(*two, k), _of_mean(*three, k)])
    values = np.concatenate([singles, means])
    F = np.array([_ratio(ms.between, ms.within), _ratio(ms.between, ms.error), _ratio(ms.between, ms.error)])
    degrees = np.array([[n - 1, n * (k - 1)], [n - 1, (n - 1) * (k - 1)], [n - 1, (n - 1) * (k - 1)]], np.float64)
    return Intraclass(FORMS, values[:, 0], values[:, 1], values[:, 2], np.tile(F, 2), np.tile(degrees, (2, 1)), n, k)


def _mean_squares(table: Floats) -> _Squares:
    n, k = table.shape
    centred = table - table.mean()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    within = np.sum((centred - rows[:, None]) ** 2) / (n * (k - 1))
    error = np.sum((centred - rows[:, None] - columns) ** 2) / ((n - 1) * (k - 1))
    negligible = 1e-24 * max(float(np.sum(table**2)), 1e-300)  # rounding
    found = (k * np.sum(rows**2) / (n - 1), within, n * np.sum(columns**2) / (k - 1), error)
    return _Squares(*(float(value) if value > negligible else 0.0 for value in found))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else np.inf


def _one_way(ms: _Squares, n: int, k: int, tail: float) -> tuple[float, float, float]:
    if ms.within == 0:
        return 1.0, 1.0, 1.0
    estimate = (ms.between - ms.within) / (ms.between + (k - 1) * ms.within)
    return estimate, *_from_f(ms.between / ms.within, n - 1, n * (k - 1), k, tail)


def _consistency(ms: _Squares, n: int, k: int, tail: float) -> tuple[float, float, float]:
    if ms.error == 0:
        return 1.0, 1.0, 1.0
    estimate = (ms.between - ms.error) / (ms.between + (k - 1) * ms.error)
    return estimate, *_from_f(ms.between / ms.error, n - 1, (n - 1) * (k - 1), k, tail)


def _from_f(F: float, above: int, below: int, k: int, tail: float) -> tuple[float, float]:
    low, high = F / fdtri(above, below, tail), F * fdtri(below, above, tail)
    return float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1))


def _agreement(ms: _Squares, n: int, k: int, tail: float) -> tuple[float, float, float]:
    if ms.within == 0:
        return 1.0, 1.0, 1.0
    estimate = (ms.between - ms.error) / (ms.between + (k - 1) * ms.error + k * (ms.assessors - ms.error) / n)
    if ms.error == 0:
        degrees = float(k - 1)  # only the assessors' severity is left to chance
    else:
        severity = k * estimate * ms.assessors / ms.error
        rest = n * (1 + (k - 1) * estimate) - k * estimate
        degrees = (k - 1) * (n - 1) * (severity + rest) ** 2 / ((n - 1) * severity**2 + rest**2)
    above, below = fdtri(n - 1, degrees, tail), fdtri(degrees, n - 1, tail)
    spread = k * ms.assessors + (k * n - k - n) * ms.error
    lower = n * (ms.between - above * ms.error) / (above * spread + n * ms.between)
    upper = n * (below * ms.between - ms.error) / (spread + n * below * ms.between)
    return estimate, float(lower), float(upper)


def _of_mean(estimate: float, lower: float, upper: float, k: int) -> tuple[float, float, float]:
    """Of the mean of k assessors, by Spearman-Brown: a lower limit may fall beyond where it is defined."""
    estimate, lower, upper = (
        k * r / (1 + (k - 1) * r) if r > -1 / (k - 1) else -np.inf for r in (estimate, lower, upper)
    )
    return estimate, lower, upper
