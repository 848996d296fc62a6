"""Change from one edition to another: which units changed, by how much, and how sure that is.

Change is measured on direct estimates. Shrunken ones are drawn towards the mean of their level in both editions, so
that their differences are drawn towards zero. Nothing here says why a unit changed, and nothing may be compared across
schemes: a chain links editions whose schemes differ only through pairs that were rated by one scheme each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from methods.inputs import Floats


@dataclass(frozen=True, slots=True)
class Change:
    """Differences of units, with limits that hold for those that were picked out because they changed."""

    difference: Floats  # (units,) after less before; NaN where one of them is missing
    standard_error: Floats  # (units,)
    p: Floats  # (units,) two-sided, of no change
    adjusted: Floats  # (units,) Benjamini-Hochberg: the least false discovery rate at which the unit is found
    changed: NDArray[np.bool_]  # (units,) found at the level
    lower: Floats  # (units,)
    upper: Floats  # (units,)
    confidence: Floats  # (units,) of the limits: 1 - level R / m where changed, 1 - level elsewhere


def discoveries(p: Floats, level: float = 0.05) -> tuple[Floats, NDArray[np.bool_]]:
    """Adjusted p-values of Benjamini and Hochberg, and which are found at a false discovery rate.

    Parameters
    ----------
    p
        (units,) NaN: no test, and no part of the family.
    level
        Expected share of false ones among the found, at most.

    Returns
    -------
    adjusted, found
        (units,) each; NaN stays NaN and is not found.

    Raises
    ------
    ValueError
        A p-value or a level that is no probability.

    Notes
    -----
    Holds for independent tests and for those with positive dependence (Benjamini, Yekutieli 2001).

    References
    ----------
    Benjamini, Hochberg, Journal of the Royal Statistical Society B 57 (1995), 289-300.

    Examples
    --------
    >>> adjusted, found = discoveries(np.array([0.01, 0.02, 0.5]))
    >>> adjusted, found
    (array([0.03, 0.03, 0.5 ]), array([ True,  True, False]))
    """
    from scipy.stats import false_discovery_control  # slow to load, and few ask for it

    _check_level(level)
    there = ~np.isnan(p)
    wrong = np.flatnonzero(there & ~((p >= 0) & (p <= 1)))
    if wrong.size:
        raise ValueError(f"p of unit {wrong[0]} is {p[wrong[0]]}; it must lie between 0 and 1")
    adjusted = np.full(p.shape, np.nan)
    if there.any():
        adjusted[there] = false_discovery_control(p[there], method="bh")
    return adjusted, there & (np.nan_to_num(adjusted, nan=1.0) <= level)


def change(
    before: Floats,
    before_error: Floats,
    after: Floats,
    after_error: Floats,
    covariance: Floats | float = 0.0,
    level: float = 0.05,
) -> Change:
    """Which units changed, and by how much, with the false coverage rate under control.

    Units are tested against no change and picked by Benjamini-Hochberg. Limits of ordinary confidence around the picked
    differences would miss the truth too often, because the large ones were picked: with R of m units picked, limits of
    confidence 1 - level R / m keep the expected share of picked intervals that miss below `level`. The limits of units
    that were not picked are ordinary ones, each on its own.

    Parameters
    ----------
    before, after
        (units,) direct estimates under one scheme; NaN where there is none.
    before_error, after_error
        (units,) their standard errors, 0 or more.
    covariance
        (units,) of the two errors, for instance of a panel; 0 where the samples are independent.
    level
        False discovery rate and false coverage rate.

    Raises
    ------
    ValueError
        Arrays of different lengths, a negative standard error, a covariance beyond what the errors allow.

    Notes
    -----
    Errors are taken as normal. A difference without any error is a certain change unless it is 0. Leaving a positive
    covariance out makes intervals too wide, never too narrow.

    References
    ----------
    Benjamini, Yekutieli, Journal of the American Statistical Association 100 (2005), 71-81.

    Examples
    --------
    >>> two = np.full(3, 2.0)
    >>> found = change(np.array([60.0, 70.0, 80.0]), two, np.array([75.0, 71.0, np.nan]), two)
    >>> found.changed
    array([ True, False, False])
    >>> found.difference[0], found.lower[0].round(1), found.upper[0].round(1), found.confidence[0]
    (np.float64(15.0), np.float64(8.7), np.float64(21.3), np.float64(0.975))
    """
    arrays = (before, before_error, after, after_error)
    if len({np.shape(x) for x in arrays}) > 1 or np.ndim(before) != 1:
        raise ValueError(
            f"before, after and their errors have shapes {[np.shape(x) for x in arrays]}; all are (units,)"
        )
    _check_level(level)
    difference = after - before
    there = np.isfinite(difference)
    for name, error in (("before_error", before_error), ("after_error", after_error)):
        wrong = np.flatnonzero(there & ~((error >= 0) & np.isfinite(error)))
        if wrong.size:
            raise ValueError(f"{name} of unit {wrong[0]} is {error[wrong[0]]}; it must be a finite number, 0 or more")
    shared = np.broadcast_to(np.asarray(covariance, dtype=np.float64), difference.shape)
    wrong = np.flatnonzero(there & ~(np.abs(shared) <= before_error * after_error * (1 + 1e-9)))
    if wrong.size:
        raise ValueError(
            f"covariance of unit {wrong[0]} is {shared[wrong[0]]}; the errors allow at most "
            f"{before_error[wrong[0]] * after_error[wrong[0]]}"
        )
    variance = np.maximum(before_error * before_error + after_error * after_error - 2 * shared, 0.0)
    error = np.where(there, np.sqrt(variance), np.nan)
    difference = np.where(there, difference, np.nan)
    certain = there & (error == 0)
    z = np.divide(difference, error, out=np.zeros_like(difference), where=there & ~certain)
    p = np.where(there, 2 * ndtr(-np.abs(z)), np.nan)
    p[certain] = np.where(difference[certain] == 0, 1.0, 0.0)
    adjusted, changed = discoveries(p, level)
    family, picked = int(there.sum()), int(changed.sum())
    confidence = np.where(there, np.where(changed, 1 - level * picked / max(family, 1), 1 - level), np.nan)
    width = ndtri((1 + confidence) / 2) * error
    return Change(difference, error, p, adjusted, changed, difference - width, difference + width, confidence)


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of editions, linked pair by pair."""

    level: Floats  # (editions, units) the first edition's value and what was added since
    cumulative: Floats  # (editions, units) change since the first edition
    standard_error: Floats  # (editions, units) of the cumulative change


def chain(
    before: Floats,
    before_error: Floats,
    after: Floats,
    after_error: Floats,
    middle: Floats | None = None,
) -> Chain:
    """Link editions: the changes of successive pairs, each measured on what the pair has in common.

    Link t compares edition t with edition t + 1, both by one scheme and on the indicators that both have. The edition
    in the middle of two links is measured twice, once for each. Where it is measured in the same way, its errors cancel
    and the cumulative change is the last value less the first.

    Parameters
    ----------
    before, after
        (links, units) direct estimates of the two editions of each link; NaN breaks a unit's chain from there on.
    before_error, after_error
        (links, units) their standard errors.
    middle
        (links - 1, units) covariance of ``after[t]`` and ``before[t + 1]``, two measures of the same edition. If not
        given, they are taken as perfectly correlated, which is exact where both are measured in the same way.

    Raises
    ------
    ValueError
        Arrays of different shapes, a negative standard error, a covariance beyond what the errors allow.

    Notes
    -----
    Editions are independent of each other: V = sum (V_before + V_after) - 2 sum middle. A chain drifts where indicators
    come and go with the unit's standing; it says how a unit changed on what could be compared, not where it would stand
    had the first scheme stayed.

    Examples
    --------
    >>> two = np.full((2, 1), 2.0)
    >>> linked = chain(np.array([[60.0], [63.0]]), two, np.array([[64.0], [70.0]]), two)
    >>> linked.level[:, 0], linked.standard_error[:, 0].round(2)
    (array([60., 64., 71.]), array([0.  , 2.83, 2.83]))
    """
    shapes = {np.shape(x) for x in (before, before_error, after, after_error)}
    if len(shapes) > 1 or np.ndim(before) != 2 or before.shape[0] < 1:
        raise ValueError(f"before, after and their errors have shapes {sorted(shapes)}; all are (links, units)")
    links, units = before.shape
    there = np.isfinite(after - before)
    for name, error in (("before_error", before_error), ("after_error", after_error)):
        wrong = np.argwhere(there & ~((error >= 0) & np.isfinite(error)))
        if wrong.size:
            t, u = wrong[0]
            raise ValueError(f"{name} of link {t}, unit {u} is {error[t, u]}; it must be a finite number, 0 or more")
    most = after_error[:-1] * before_error[1:]
    shared = most if middle is None else middle
    if shared.shape != (links - 1, units):
        raise ValueError(f"middle has shape {shared.shape}; it must be {(links - 1, units)}")
    wrong = np.argwhere(there[1:] & there[:-1] & ~(np.abs(shared) <= most * (1 + 1e-9)))
    if wrong.size:
        t, u = wrong[0]
        raise ValueError(f"middle of link {t}, unit {u} is {shared[t, u]}; the errors allow at most {most[t, u]}")
    cumulative, variance = np.zeros((links + 1, units)), np.zeros((links + 1, units))
    for t in range(links):
        cumulative[t + 1] = cumulative[t] + (after[t] - before[t])
        variance[t + 1] = variance[t] + before_error[t] ** 2 + after_error[t] ** 2
        if t:
            variance[t + 1] -= 2 * shared[t - 1]
    start = np.where(np.isfinite(before[0]), before[0], np.nan)
    cumulative[0] = np.where(np.isnan(start), np.nan, 0.0)
    cumulative = np.where(np.isfinite(cumulative), cumulative, np.nan)
    error = np.where(np.isnan(cumulative), np.nan, np.sqrt(np.maximum(variance, 0.0)))
    return Chain(start + cumulative, cumulative, error)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1")
