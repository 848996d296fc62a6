"""Dimensions and index of draws: what `methods.index.tree.aggregate` does, as a sparse product for a tile of units.

Trees of more storeys, or with several kinds of means, go through `aggregate` itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from methods.index.tree import Standing, Tree, aggregate, lower_from, power_mean, raise_to
from methods.inputs import Floats


@dataclass(frozen=True, slots=True)
class Climb:
    """How some units' scores become dimensions and index."""

    tree: Tree
    within: sparse.csr_array[np.float64]  # (units * dimensions, units * indicators)
    across: tuple[Floats, ...]  # by dimension (units,)
    unscored: NDArray[np.bool_] | None  # (units, dimensions); None: all are scored
    has: Standing | None = None  # of the units, where the tree is not plain: nothing of the above is used then


def climb(tree: Tree, has: Standing) -> Climb:
    """Prepare the aggregation of some units.

    Parameters
    ----------
    tree
        Of the indicators that are drawn.
    has
        Of the units, with their weights.

    Examples
    --------
    >>> from methods.index.tree import standing
    >>> none, there = np.full(2, np.nan), np.ones((1, 2), bool)
    >>> tree = Tree(np.array([0, 0]), np.array([[1.0, 3.0]]), np.ones((1, 1)), none, none)
    >>> how = climb(tree, standing(tree, np.array([0]), there, there, ~there))
    >>> how.within.toarray()
    array([[0.25, 0.75]])
    """
    units, indicators = has.weight.shape
    dimensions = has.dimension_weight.shape[1]
    u, j = np.nonzero(has.weight > 0)
    cell, node = u * indicators + j, u * dimensions + tree.dimension[j]
    matrix = sparse.csr_array((has.weight[u, j], (node, cell)), shape=(units * dimensions, units * indicators))
    scored = np.zeros((units, dimensions), bool)
    scored[u, tree.dimension[j]] = True
    across = tuple(np.ascontiguousarray(has.dimension_weight[:, d]) for d in range(dimensions))
    return Climb(tree, matrix, across, None if scored.all() else ~scored, None if tree.plain else has)


def aggregate_draws(how: Climb, scores: Floats) -> tuple[Floats, Floats]:
    """Dimension and index scores of draws, the same to the last bit as `methods.index.tree.aggregate` gives them.

    Parameters
    ----------
    how
        As `climb` prepares it.
    scores
        (draws, units, indicators), fastest with draws last in memory.

    Returns
    -------
    dimensions, index
        (draws, units, dimensions) and (draws, units); NaN where nothing is scored.

    Examples
    --------
    >>> from methods.index.tree import standing
    >>> none, there = np.full(2, np.nan), np.ones((1, 2), bool)
    >>> tree = Tree(np.array([0, 1]), np.ones((1, 2)), np.array([[1.0, 3.0]]), none, none)
    >>> how = climb(tree, standing(tree, np.array([0]), there, there, ~there))
    >>> aggregate_draws(how, np.array([[[60.0, 80.0]]]))[1]
    array([[75.]])
    """
    tree, draws = how.tree, scores.shape[0]
    if how.has is not None or isinstance(tree.within, str) or isinstance(tree.across, str):
        assert how.has is not None  # rules that are no power means are not plain
        return aggregate(tree, how.has, scores)
    cells = np.moveaxis(scores, 0, -1).reshape(-1, draws)
    means = np.asarray(how.within @ raise_to(cells, tree.within, tree.floor))
    if how.unscored is not None:
        means[how.unscored.ravel()] = 1.0
    dimensions = lower_from(means, tree.within).reshape(scores.shape[1], -1, draws)
    columns = [dimensions[:, d].T for d in range(dimensions.shape[1])]
    index = power_mean(columns, how.across, tree.across, tree.floor)
    if how.unscored is not None:
        dimensions[how.unscored] = np.nan
    return np.moveaxis(dimensions, 2, 0), index
