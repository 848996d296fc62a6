"""Who moves when a choice is changed: the same draws under both choices, draw by draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Moves:
    """Of each unit, and of all together."""

    up: Floats  # (units,) probability of a better place than before
    down: Floats  # (units,) probability of a worse one
    expected: float  # how many units move
    lower: float  # limits of how many move
    upper: float


def moves(before: NDArray[np.integer], after: NDArray[np.integer], interval: float = 0.95) -> Moves:
    """Probabilities that units move, from places under two choices in the same draws.

    Parameters
    ----------
    before, after
        (units, draws) places, smaller is better: ranks, positions of grades, tiers.
    interval
        Share of the draws between the limits.

    Returns
    -------
    Moves
        What is uncertain in both choices is the same in both, so it does not hide what the change does.

    Raises
    ------
    ValueError
        Shapes that differ, no draws, an interval that is not between 0 and 1.

    Examples
    --------
    >>> found = moves(np.array([[1, 1, 2], [2, 2, 1]]), np.array([[1, 2, 2], [2, 1, 1]]))
    >>> found.up.round(2).tolist(), found.down.round(2).tolist(), round(found.expected, 2)
    ([0.0, 0.33], [0.33, 0.0], 0.67)
    """
    if before.shape != after.shape or before.ndim != 2 or not before.shape[1]:
        raise ValueError(f"before has shape {before.shape}, after {after.shape}; both must be (units, draws)")
    if not 0 < interval < 1:
        raise ValueError(f"interval is {interval}; it must lie between 0 and 1")
    better, worse = after < before, after > before
    moving = (better | worse).sum(axis=0)
    lower, upper = np.quantile(moving, ((1 - interval) / 2, (1 + interval) / 2), method="inverted_cdf")
    return Moves(better.mean(axis=1), worse.mean(axis=1), float(moving.mean()), float(lower), float(upper))


def block_of(places: NDArray[np.integer], sizes: Integers) -> Integers:
    """Which block of successive places each place is in, such as the tiers that a list was cut into.

    Parameters
    ----------
    places
        From 1, any shape; a place beyond the last block counts to it.
    sizes
        (blocks,) how many places each block has, the best first.

    Returns
    -------
    NDArray
        From 0, the same shape.

    Raises
    ------
    ValueError
        No blocks, or one without a place.

    Examples
    --------
    >>> block_of(np.array([1, 2, 3, 4, 5]), np.array([1, 3])).tolist()
    [0, 1, 1, 1, 1]
    """
    if not sizes.size or (sizes < 1).any():
        raise ValueError("sizes must be whole numbers of 1 or more, one a block")
    return np.minimum(np.searchsorted(np.cumsum(sizes), places, side="left"), sizes.size - 1).astype(np.int64)
