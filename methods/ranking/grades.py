"""Grades: bands of the index, their probabilities, caps, and moves from one edition to the next.

Grades are positions in the list of bands, best first; -1 is "no grade".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Grades:
    """Grades of units before any cap."""

    grade: Integers  # (units,)
    probability: Floats  # (units,) share of draws inside the grade's band
    held: Integers  # (units,) 1 where the last grade stands because a move was not sure enough


def band(index: Floats, limits: Floats) -> Integers:
    """Position of the band that holds each value; the last band holds everything below it too.

    Parameters
    ----------
    index
        Any shape; NaN gives -1.
    limits
        (bands,) lower limits, best first; a value at a limit is inside.

    Raises
    ------
    ValueError
        Limits that do not fall.

    Examples
    --------
    >>> band(np.array([90.0, 70.0, 69.9, np.nan]), np.array([85.0, 70.0, 0.0]))
    array([ 0,  1,  2, -1])
    """
    if np.isnan(limits).any():
        raise ValueError("a lower limit of the bands is not a number")
    if (np.diff(limits) >= 0).any():
        raise ValueError(
            f"lower limits {limits.tolist()} of the bands; they must fall from the best grade to the worst"
        )
    if not limits.size:
        return np.full(np.shape(index), -1, np.int64)
    position = limits.size - np.searchsorted(limits[::-1], index, side="right")
    return np.where(np.isnan(index), -1, np.minimum(position, limits.size - 1)).astype(np.int64)


def band_shares(draws: Floats, limits: Floats) -> Floats:
    """Share of draws in each band.

    Parameters
    ----------
    draws
        (units, draws).

    Returns
    -------
    NDArray
        (units, bands).

    Raises
    ------
    ValueError
        Draws that are not numbers, or none.

    Examples
    --------
    >>> band_shares(np.array([[90.0, 80.0, 60.0, 72.0]]), np.array([85.0, 70.0, 0.0]))
    array([[0.25, 0.5 , 0.25]])
    """
    if draws.ndim != 2 or draws.shape[1] < 1:
        raise ValueError(f"draws have shape {draws.shape}; it must be (units, draws), at least one draw")
    if np.isnan(draws).any():
        raise ValueError(f"draws of unit {np.argwhere(np.isnan(draws))[0, 0]} are not numbers; leave such units out")
    at_least = np.full((draws.shape[0], limits.size), draws.shape[1])
    for g, limit in enumerate(limits[:-1]):
        at_least[:, g] = (draws >= limit).sum(axis=1)
    return np.asarray(np.diff(at_least, axis=1, prepend=0) / draws.shape[1])


def assign(index: Floats, shares: Floats, limits: Floats, previous: Integers, move_probability: float = 0.8) -> Grades:
    """Grades of an edition.

    Without a previous grade, the band of the index. With one, the grade moves towards that band one boundary at a time,
    and only over boundaries beyond which the unit lies with at least `move_probability`.

    Parameters
    ----------
    index
        (units,) published index, without NaN.
    shares
        (units, bands) as `band_shares` gives them.
    previous
        (units,) grade of the last edition before any cap; -1: none.
    move_probability
        Probability of lying beyond a boundary from which it is crossed.

    Raises
    ------
    ValueError
        Arrays that do not fit each other, an index that is not a number, shares that do not sum to one.

    Examples
    --------
    An index of 71 lies in the second of three bands, with 0.6; the last edition gave the third:

    >>> limits, shares = np.array([85.0, 70.0, 0.0]), np.array([[0.0, 0.6, 0.4]])
    >>> assign(np.array([71.0]), shares, limits, np.array([-1]))
    Grades(grade=array([1]), probability=array([0.6]), held=array([0]))
    >>> assign(np.array([71.0]), shares, limits, np.array([2]))
    Grades(grade=array([2]), probability=array([0.4]), held=array([1]))
    """
    if shares.shape != (index.size, limits.size) or previous.shape != index.shape:
        raise ValueError(
            f"shares have shape {shares.shape}; it must be {(index.size, limits.size)}, previous one a unit"
        )
    if np.isnan(index).any() or not np.allclose(shares.sum(axis=1), 1):
        raise ValueError("index must be numbers, and each unit's shares must sum to 1")
    if (previous >= limits.size).any():
        raise ValueError(f"previous grade {previous.max()}; it must be -1 to {limits.size - 1}")
    grade = band(index, limits)
    target = grade.copy()
    better = np.cumsum(shares, axis=1)  # [g]: share in band g or better
    for i in np.flatnonzero((previous >= 0) & (previous != target)):
        g = int(previous[i])
        while g > target[i] and better[i, g - 1] >= move_probability - 1e-12:
            g -= 1
        while g < target[i] and 1 - better[i, g] >= move_probability - 1e-12:
            g += 1
        grade[i] = g
    probability = np.take_along_axis(shares, grade[:, None], axis=1)[:, 0]
    return Grades(grade, probability, (grade != target).astype(np.int64))


def capped(grade: Integers, caps: Integers) -> Integers:
    """The worse of a grade and its cap; no grade stays none.

    Parameters
    ----------
    caps
        (units,) the best grade still open; -1: no cap.

    Examples
    --------
    >>> capped(np.array([0, 2, -1]), np.array([1, 1, 1]))
    array([ 1,  2, -1])
    """
    return np.where(grade < 0, -1, np.maximum(grade, caps))


def reliability(centre: Floats, variance: Floats, shrunken: bool) -> Floats:
    """How much of the differences between units is real: 1 - error variance / total variance, per unit.

    Shrunken values are posterior means: the true variance between units is the variance of the means plus the mean
    posterior variance, and what is unknown of a unit is its posterior variance: 1 - V_u / (Var(m) + mean V). (Shrinkage
    with prior variance A and error variance D gives A / (A + D).) Unshrunken values carry their error: the true
    variance between units is A = Var(x) - mean V, and the reliability A / (A + V_u), the same seen from the other side.

    Parameters
    ----------
    centre, variance
        (units,) mean and variance of each unit's draws.

    Returns
    -------
    NDArray
        (units,) between 0 and 1; 1 where nothing is unknown; NaN with fewer than two units.

    Raises
    ------
    ValueError
        A centre that is not a number, a variance below 0.

    Examples
    --------
    >>> reliability(np.array([50.0, 60.0, 70.0]), np.array([25.0, 25.0, 100.0]), shrunken=True).round(2)
    array([0.83, 0.83, 0.33])
    """
    if centre.shape != variance.shape or not np.isfinite(centre).all() or not (variance >= 0).all():
        raise ValueError("centre must be finite and variance 0 or more, one a unit each")
    if centre.size < 2:
        return np.full(centre.size, np.nan)
    between = float(centre.var(ddof=1))
    mean = float(variance.mean())
    if shrunken:
        total = between + mean
        share = 1 - variance / total if total > 0 else np.ones_like(variance)
    else:
        true = max(between - mean, 0.0)
        share = np.divide(true, true + variance, out=np.ones_like(variance), where=variance > 0)
    return np.where(variance > 0, np.clip(share, 0.0, 1.0), 1.0)
