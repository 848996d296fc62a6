"""Scores that assessors gave to units, in positions, and which of them can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Scores:
    """Who gave what to whom on which criterion, in positions; checked when it is made.

    Raises
    ------
    ValueError
        When there is no score, lengths differ, a position is negative or no integer, a mean is not used, or a score is
        not finite.
    """

    unit: Integers  # (scores,)
    assessor: Integers  # (scores,)
    criterion: Integers  # (scores,)
    mean: Integers  # (scores,) which fixed mean the score is about: 0 .. means - 1, every one used
    score: Floats  # (scores,)

    def __post_init__(self) -> None:
        score = np.asarray(self.score)
        if score.ndim != 1:
            raise ValueError(f"score has {score.ndim} dimensions; give one row a score")
        if len(score) == 0:
            raise ValueError("no scores; give at least two assessors of one unit")
        for name in ("unit", "assessor", "criterion", "mean"):
            index = np.asarray(getattr(self, name))
            if index.shape != score.shape:
                raise ValueError(f"{name} has shape {index.shape}, score {score.shape}; give one for each score")
            if not np.issubdtype(index.dtype, np.integer):
                raise ValueError(f"{name} is of type {index.dtype}; give positions (integers from 0)")
            if index.min() < 0:
                raise ValueError(f"{name} has negative positions; count from 0")
        if not np.issubdtype(score.dtype, np.number) or not np.all(np.isfinite(score)):
            raise ValueError("score holds values that are not finite numbers; leave such rows out")
        unused = np.flatnonzero(np.bincount(self.mean) == 0)
        if len(unused):
            raise ValueError(f"mean {int(unused[0])} is of no score; number the means that are used, from 0")

    @property
    def criteria(self) -> int:
        return int(self.criterion.max()) + 1

    @property
    def means(self) -> int:
        return int(self.mean.max()) + 1


def scores_of(
    unit: Sequence[Any] | NDArray[Any],
    assessor: Sequence[Any] | NDArray[Any],
    score: Sequence[float] | Floats,
    criterion: Sequence[Any] | NDArray[Any] | None = None,
) -> tuple[Scores, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Scores by labels, brought to positions, each criterion with a mean of its own.

    Parameters
    ----------
    unit, assessor, score
        (scores,) labels and numbers.
    criterion
        (scores,) labels; without: all on one.

    Returns
    -------
    The scores and the sorted labels of units, assessors and criteria: position k is label k.

    Raises
    ------
    ValueError
        As `Scores`.

    Examples
    --------
    >>> scores, units, assessors, _ = scores_of(["b", "a", "a"], ["x", "x", "y"], [5.0, 7.0, 6.0])
    >>> scores.unit.tolist(), units.tolist()
    ([1, 0, 0], ['a', 'b'])
    """
    values = np.asarray(score, np.float64)
    what = np.zeros(values.shape, np.int64) if criterion is None else np.asarray(criterion)
    units, unit_at = np.unique(np.asarray(unit), return_inverse=True)
    assessors, assessor_at = np.unique(np.asarray(assessor), return_inverse=True)
    criteria, criterion_at = np.unique(what, return_inverse=True)
    return Scores(unit_at, assessor_at, criterion_at, criterion_at, values), units, assessors, criteria


def what_is_confounded(unit: Integers, assessor: Integers) -> str | None:
    """Why units cannot be estimated from these scores at all, or None.

    Parameters
    ----------
    unit, assessor
        (scores,) positions.

    Examples
    --------
    >>> what_is_confounded(np.array([0, 1, 2]), np.array([0, 0, 1]))
    'no unit has a second score, so that units cannot be told from chance; give at least two assessors of one unit'
    >>> what_is_confounded(np.array([0, 0, 1]), np.array([0, 1, 1]))
    """
    if np.bincount(unit).max() < 2:
        return (
            "no unit has a second score, so that units cannot be told from chance; "
            "give at least two assessors of one unit"
        )
    pairs = len(np.unique(np.stack([unit, assessor]), axis=1)[0])
    if pairs == len(np.unique(unit)) == len(np.unique(assessor)) and pairs > 1:
        return "each unit has an assessor of its own; give at least two assessors of one unit"
    return None


def connected_groups(unit: Integers, assessor: Integers) -> tuple[Integers, Integers]:
    """Which units and assessors hang together: a unit with its assessors, these with their other units, and so on.

    Two units of different groups cannot be told apart from their assessors: a difference between their scores may be
    one of severity.

    Parameters
    ----------
    unit, assessor
        (scores,) positions.

    Returns
    -------
    The group of each unit and of each assessor. Group 0 has the most units; of equals, the one of the lower unit.

    Raises
    ------
    ValueError
        When the lengths differ or there is no score.

    References
    ----------
    Weeks, Williams (1964), Technometrics 6, 319-324: connected designs.

    Examples
    --------
    >>> connected_groups(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]))
    (array([0, 0, 1]), array([0, 0, 1]))
    """
    unit, assessor = np.asarray(unit), np.asarray(assessor)
    if unit.shape != assessor.shape or unit.ndim != 1 or len(unit) == 0:
        raise ValueError(f"unit has shape {unit.shape}, assessor {assessor.shape}; give one of each for every score")
    units, assessors = int(unit.max()) + 1, int(assessor.max()) + 1
    graph = sparse.coo_array(
        (np.ones(len(unit)), (unit, units + assessor)), shape=(units + assessors, units + assessors)
    )
    found: NDArray[Any] = connected_components(graph, directed=False)[1]
    labels, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    size = np.bincount(inverse[:units], minlength=len(labels))
    place = np.empty(len(labels), np.int64)
    place[np.lexsort((first, -size))] = np.arange(len(labels))
    of = place[inverse]
    return of[:units], of[units:]
