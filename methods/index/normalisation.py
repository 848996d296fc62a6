"""Indicators on one scale: every normalisation of COINr, and fixed goalposts.

All take ``(..., units, indicators)`` and normalise each indicator of each draw over its units; NaN stays NaN and counts
for nothing. `direction` is 1 where more is better and -1 where less is: the indicator is turned round first. An
indicator that does not vary cannot be placed on a scale of its own and is refused by its position.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats

Ties = Literal["min", "max", "average", "dense", "ordinal"]
Direction = int | NDArray[Any]  # 1 or -1, one for all or (indicators,)


def minmax(values: Floats, direction: Direction = 1, scale: tuple[float, float] = (0.0, 100.0)) -> Floats:
    """The worst unit gets the lower end of the scale, the best the upper (COINr's `n_minmax`).

    Parameters
    ----------
    values
        (..., units, indicators).
    direction
        1 or -1, one for all or one an indicator.
    scale
        Lower and upper end.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        An indicator that does not vary, infinite values, a direction that is neither 1 nor -1.

    Notes
    -----
    One outlier presses all others together: treat first. Scores of two editions are not comparable: goalposts are.

    Examples
    --------
    >>> minmax(np.array([[1.0, 7.0], [3.0, 9.0], [5.0, 11.0]]), np.array([1, -1])).tolist()
    [[0.0, 100.0], [50.0, 50.0], [100.0, 0.0]]
    """
    turned = _directions(values, direction)
    low, high = _ends(values)
    width = _wide(high - low)
    # x times -1 would be one more pass over all draws
    worst, width = (low, width) if (turned > 0).all() else (np.where(turned > 0, low, high), width * turned)
    result = values - worst
    result /= width
    result *= scale[1] - scale[0]
    result += scale[0]  # also makes -0 a 0
    return result


def scaled(values: Floats, limits: tuple[float, float] = (0.0, 100.0), direction: Direction = 1) -> Floats:
    """A straight line that takes the limits to 0 and 100, whatever the data (COINr's `n_scaled`).

    Parameters
    ----------
    values
        (..., units, indicators).
    limits
        Raw values that become 0 and 100; with direction -1, of the turned indicator.
    direction
        1 or -1, one for all or one an indicator.

    Returns
    -------
    NDArray
        The same shape; may lie outside 0 to 100.

    Raises
    ------
    ValueError
        Limits that are equal or not finite, infinite values, a direction that is neither 1 nor -1.

    Examples
    --------
    >>> scaled(np.array([[1.0], [7.0]]), (1.0, 5.0)).tolist()
    [[0.0], [150.0]]
    """
    if not np.isfinite(limits).all() or limits[0] == limits[1]:
        raise ValueError(f"limits are {limits}; they must be finite and differ")
    return (_turned(values, direction) - limits[0]) / (limits[1] - limits[0]) * 100


def z_scores(values: Floats, direction: Direction = 1, mean: float = 0.0, sd: float = 1.0) -> Floats:
    """Standardised to a mean and a standard deviation over units (COINr's `n_zscore`).

    Parameters
    ----------
    values
        (..., units, indicators).
    direction
        1 or -1, one for all or one an indicator.
    mean, sd
        What each indicator gets; the sample standard deviation (units - 1).

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        An indicator that does not vary, sd not above 0, infinite values, a direction that is neither 1 nor -1.

    Examples
    --------
    >>> z_scores(np.array([[1.0], [2.0], [3.0]]), mean=10, sd=2).tolist()
    [[8.0], [10.0], [12.0]]
    """
    if not sd > 0:
        raise ValueError(f"sd is {sd}; it must be above 0")
    x = _turned(values, direction)
    _wide(np.subtract(*reversed(_ends(x))))
    there = ~np.isnan(x)
    n = there.sum(axis=-2, keepdims=True)
    centred = x - _over_units(np.where(there, x, 0.0)) / n
    spread = np.sqrt(_over_units(np.where(there, centred * centred, 0.0)) / (n - 1))
    return np.asarray(centred / spread * sd + mean, np.float64)


def ranks(values: Floats, direction: Direction = 1, ties: Ties = "min") -> Floats:
    """Ranks over units, 1 the worst (COINr's `n_rank`).

    Parameters
    ----------
    values
        (..., units, indicators).
    direction
        1 or -1, one for all or one an indicator.
    ties
        What equal values get: min, max, average, dense or ordinal, as `scipy.stats.rankdata` says.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        Another way with ties, infinite values, a direction that is neither 1 nor -1.

    Examples
    --------
    >>> ranks(np.array([[5.0], [2.0], [5.0], [np.nan]])).tolist()
    [[2.0], [1.0], [2.0], [nan]]
    """
    from scipy.stats import rankdata  # slow to load, and few ask for it

    if ties not in get_args(Ties):
        raise ValueError(f"ties is {ties!r}; it must be {', '.join(get_args(Ties))}")
    x = _turned(values, direction)
    gone = np.isnan(x)
    found = np.asarray(rankdata(np.where(gone, np.inf, x), method=ties, axis=-2), np.float64)
    return np.where(gone, np.nan, found) if gone.any() else found


def borda(values: Floats, direction: Direction = 1, ties: Ties = "min") -> Floats:
    """Borda scores: how many units each one beats (COINr's `n_borda`, rank less 1).

    Parameters
    ----------
    values
        (..., units, indicators).
    direction
        1 or -1, one for all or one an indicator.
    ties
        As in `ranks`.

    Returns
    -------
    NDArray
        The same shape.

    Examples
    --------
    >>> borda(np.array([[5.0], [2.0], [9.0]]), direction=-1).tolist()
    [[1.0], [2.0], [0.0]]
    """
    return ranks(values, direction, ties) - 1


def percentile_ranks(values: Floats, direction: Direction = 1, ties: Ties = "min") -> Floats:
    """Ranks from 0, the worst, to 1, the best (COINr's `n_prank`): (rank - 1) / (units - 1).

    Parameters
    ----------
    values
        (..., units, indicators).
    direction
        1 or -1, one for all or one an indicator.
    ties
        As in `ranks`; COINr always takes min.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        An indicator that fewer than two units have, infinite values, a direction that is neither 1 nor -1.

    Examples
    --------
    >>> percentile_ranks(np.array([[5.0], [2.0], [9.0]])).tolist()
    [[0.5], [0.0], [1.0]]
    """
    _directions(values, direction)
    n = (~np.isnan(values)).sum(axis=-2, keepdims=True)
    if (n < 2).any():
        raise ValueError(f"values: indicator {_first(n < 2)} has fewer than two units; a percentile rank needs two")
    return np.asarray(borda(values, direction, ties) / (n - 1), np.float64)


def distance_to_max(values: Floats, direction: Direction = 1) -> Floats:
    """1 less the distance to the best unit, as a share of the range (COINr's `n_dist2max`).

    Parameters
    ----------
    values
        (..., units, indicators).
    direction
        1 or -1, one for all or one an indicator.

    Returns
    -------
    NDArray
        The same shape, 0 to 1.

    Raises
    ------
    ValueError
        As in `minmax`.

    Examples
    --------
    >>> distance_to_max(np.array([[1.0], [3.0], [5.0]])).tolist()
    [[0.0], [0.5], [1.0]]
    """
    x = _turned(values, direction)
    low, high = _ends(x)
    return 1 - (high - x) / _wide(high - low)


def distance_to_reference(values: Floats, unit: int, direction: Direction = 1, cap: bool = False) -> Floats:
    """1 less the distance to one unit, as a share of its own distance to the worst (COINr's `n_dist2ref`).

    Parameters
    ----------
    values
        (..., units, indicators).
    unit
        Position of the unit of reference.
    direction
        1 or -1, one for all or one an indicator.
    cap
        Units beyond the reference get 1.

    Returns
    -------
    NDArray
        The same shape; 1 at the reference, 0 at the worst.

    Raises
    ------
    ValueError
        No such unit; a reference without a number, or that is itself the worst; a direction that is neither 1 nor -1.

    Examples
    --------
    >>> distance_to_reference(np.array([[1.0], [3.0], [5.0]]), 1).tolist()
    [[0.0], [1.0], [2.0]]
    """
    x = _turned(values, direction)
    if not 0 <= unit < values.shape[-2]:
        raise ValueError(f"unit {unit}; it must be 0 to {values.shape[-2] - 1}")
    reference = x[..., unit : unit + 1, :]
    if np.isnan(reference).any():
        raise ValueError(f"unit {unit} has no number for indicator {_first(np.isnan(reference))}; it cannot be one")
    distance = reference - _ends(x)[0]
    if (distance == 0).any():
        raise ValueError(f"unit {unit} is the worst in indicator {_first(distance == 0)}; it cannot be the reference")
    score = 1 - (reference - x) / distance
    return np.minimum(score, 1.0) if cap else score


def distance_to_target(values: Floats, target: float | Floats, direction: Direction = 1, cap: bool = False) -> Floats:
    """How far each unit has come from the worst unit to a target (COINr's `n_dist2targ`).

    (x - min) / (target - min) where more is better, (max - x) / (max - target) where less is.

    Parameters
    ----------
    values
        (..., units, indicators).
    target
        One for all or (indicators,), on the scale of the raw values.
    direction
        1 or -1, one for all or one an indicator.
    cap
        Units beyond the target get 1.

    Returns
    -------
    NDArray
        The same shape; 1 at the target, 0 at the worst.

    Raises
    ------
    ValueError
        A target that is not finite or not better than the worst unit; a direction that is neither 1 nor -1.

    Examples
    --------
    >>> distance_to_target(np.array([[1.0, 8.0], [3.0, 4.0]]), np.array([5.0, 2.0]), np.array([1, -1])).tolist()
    [[0.0, 0.0], [0.5, 0.6666666666666666]]
    """
    goal = np.asarray(target, np.float64)
    if not np.isfinite(goal).all():
        raise ValueError("target is not finite; every indicator needs one")
    turned = _directions(values, direction)
    x, goal = values * turned, goal * turned
    low = _ends(x)[0]
    distance = goal - low
    if (distance <= 0).any():
        raise ValueError(
            f"target of indicator {_first(distance <= 0)} is not better than the worst unit; the score would turn round"
        )
    score = (x - low) / distance
    return np.minimum(score, 1.0) if cap else score


def fraction_of_max(values: Floats, direction: Direction = 1) -> Floats:
    """Each value as a share of the largest (COINr's `n_fracmax`).

    Parameters
    ----------
    values
        (..., units, indicators).
    direction
        1 or -1, one for all or one an indicator; with -1 values are turned first, as COINr does.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        A largest value that is not above 0 (below 0 for direction -1 gives shares above 1 for the worse, which is
        refused too); infinite values.

    Examples
    --------
    >>> fraction_of_max(np.array([[1.0], [4.0]])).tolist()
    [[0.25], [1.0]]
    """
    x = _turned(values, direction)
    high = _ends(x)[1]
    if (high <= 0).any():
        raise ValueError(
            f"values: the best of indicator {_first(high <= 0)} is {high.min()}; a fraction of it needs one above 0"
        )
    return x / high


def goalposts(
    values: Floats,
    worst: float | Floats,
    best: float | Floats,
    scale: tuple[float, float] = (0.0, 100.0),
    clip: bool = True,
) -> Floats:
    """Scores between two fixed raw values (COINr's `n_goalposts`; what a scheme's `goal` says).

    Parameters
    ----------
    values
        (..., units, indicators).
    worst, best
        Raw values at the lower and upper end of the scale, one for all or (indicators,); best below worst where less
        is better.
    scale
        Lower and upper end.
    clip
        Values beyond a goalpost get its score.

    Returns
    -------
    NDArray
        The same shape. Depends on no other unit, so that editions can be compared.

    Raises
    ------
    ValueError
        Goalposts that are equal or not finite.

    Examples
    --------
    >>> goalposts(np.array([[1.0, 8.0], [3.0, 4.0]]), np.array([0.0, 10.0]), np.array([2.0, 0.0])).tolist()
    [[50.0, 20.0], [100.0, 60.0]]
    """
    low, high = np.asarray(worst, np.float64), np.asarray(best, np.float64)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("worst and best must be finite, one for all or one an indicator")
    if (low == high).any():
        raise ValueError("worst and best are equal; goalposts must differ")
    score = (values - low) / (high - low) * (scale[1] - scale[0]) + scale[0]
    return np.clip(score, min(scale), max(scale)) if clip else score


def _directions(values: Floats, direction: Direction) -> NDArray[np.float64]:
    """(indicators,) or scalar of 1.0 and -1.0, after a look at the values."""
    if values.ndim < 2:
        raise ValueError(f"values has shape {values.shape}; it must be (..., units, indicators)")
    turned = np.asarray(direction, np.float64)
    if turned.shape not in ((), values.shape[-1:]) or not (np.abs(turned) == 1).all():
        raise ValueError(f"direction must be 1 or -1, one for all or one each of {values.shape[-1]} indicators")
    return turned


def _turned(values: Floats, direction: Direction) -> Floats:
    turned = _directions(values, direction)
    if np.isinf(values).any():
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
    return values * turned


def _ends(values: Floats) -> tuple[Floats, Floats]:
    """(..., 1, indicators) least and largest value; refuses an indicator that nobody has, and infinite values."""
    if not values.shape[-2]:
        raise ValueError("values has no units; at least one is needed")
    low, high = values.min(axis=-2, keepdims=True), values.max(axis=-2, keepdims=True)
    if np.isnan(low).any():  # gaps: a slower way round them
        low, high = np.fmin.reduce(values, axis=-2, keepdims=True), np.fmax.reduce(values, axis=-2, keepdims=True)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        if np.isnan(low).any():
            raise ValueError(f"values: indicator {_first(np.isnan(low))} has no number at all; leave it out")
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
    return low, high


def _wide(width: Floats) -> Floats:
    if (width == 0).any():
        raise ValueError(f"values: indicator {_first(width == 0)} does not vary; it has no scale of its own")
    return width


def _first(wrong: NDArray[np.bool_]) -> int:
    """Position of the first indicator (last axis) that is wrong."""
    return int(np.argwhere(wrong.any(axis=tuple(range(wrong.ndim - 1))))[0][0])


def _over_units(values: Floats) -> Floats:
    """Sums over units in their order, (..., 1, indicators)."""
    total = np.zeros_like(values[..., :1, :])
    for u in range(values.shape[-2]):
        total[..., 0, :] += values[..., u, :]
    return total
