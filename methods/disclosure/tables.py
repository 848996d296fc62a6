"""Tables of counts with margins: cells, and which cells add up to which."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats

Relation = tuple[int, tuple[int, ...]]  # a total, and the cells that add up to it


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of people, margins among them, and every sum that a reader of the table knows."""

    values: Floats  # (cells,) whole numbers, 0 or more
    relations: tuple[Relation, ...]


def table(values: ArrayLike, relations: Sequence[tuple[int, Sequence[int]]]) -> Table:
    """A table of cells in any order, totals among them.

    Parameters
    ----------
    values : (cells,)
        Counts.
    relations
        For each total its position and those of its parts.

    Raises
    ------
    ValueError
        When a value is no count, a position is not there, or parts do not add up to their total.

    Examples
    --------
    >>> table([12, 5, 7], [(0, (1, 2))]).relations
    ((0, (1, 2)),)
    """
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not np.isfinite(found).all() or np.any(found < 0) or np.any(found != np.round(found)):
        raise ValueError("values: whole numbers from 0 are expected, one for each cell")
    known = []
    for number, (whole, parts) in enumerate(relations):
        one = (int(whole), tuple(int(part) for part in parts))
        cells = (one[0], *one[1])
        if not one[1] or len(set(cells)) < len(cells) or min(cells) < 0 or max(cells) >= len(found):
            raise ValueError(f"relations[{number}]: a total and its parts must be different cells of {len(found)}")
        if found[one[0]] != found[list(one[1])].sum():
            raise ValueError(
                f"relations[{number}]: the parts add up to {found[list(one[1])].sum():g}, not to their total"
            )
        known.append(one)
    return Table(found, tuple(known))


def crossed(counts: ArrayLike, *parents: Sequence[int]) -> tuple[Table, tuple[int, ...]]:
    """A table of one or more dimensions, each of them a tree, with all its margins.

    Parameters
    ----------
    counts
        One axis a dimension; along each stand the leaves of its tree, in the order in which `parents` names them.
    parents
        For each dimension the parent of each node, -1 for the top: the tree of units, the strata under their total.

    Returns
    -------
    table
        Cells in the order of all combinations of nodes, the last dimension running fastest.
    shape
        Number of nodes of each dimension: `table.values.reshape(shape)`.

    Raises
    ------
    ValueError
        When `counts` does not fit the leaves, or a tree is none.

    Examples
    --------
    >>> found, shape = crossed([[3, 20], [15, 40]], [2, 2, -1], [2, 2, -1])
    >>> found.values.reshape(shape).tolist()
    [[3.0, 20.0, 23.0], [15.0, 40.0, 55.0], [18.0, 60.0, 78.0]]
    >>> len(found.relations)
    6
    """
    found = np.asarray(counts, np.float64)
    if found.ndim != len(parents) or not parents:
        raise ValueError(f"counts has {found.ndim} dimensions; {len(parents)} trees are given")
    children: list[dict[int, list[int]]] = []
    for axis, tree in enumerate(parents):
        below: dict[int, list[int]] = {}
        for node, parent in enumerate(tree):
            if parent != -1:
                below.setdefault(int(parent), []).append(node)
        leaves = [node for node in range(len(tree)) if node not in below]
        if found.shape[axis] != len(leaves):
            raise ValueError(
                f"counts has {found.shape[axis]} places along dimension {axis}; its tree has {len(leaves)}"
            )
        rows = np.zeros((len(tree), len(leaves)))
        for place, leaf in enumerate(leaves):
            node, steps = leaf, 0
            while node != -1:
                if not 0 <= node < len(tree) or steps > len(tree):
                    raise ValueError(f"parents[{axis}] is no tree: the way up from node {leaf} does not end")
                rows[node, place] = 1.0
                node, steps = int(tree[node]), steps + 1
        found = np.moveaxis(np.tensordot(rows, found, axes=(1, axis)), 0, axis)
        children.append(below)
    shape = found.shape
    relations: list[Relation] = []
    for axis, below in enumerate(children):
        others = [range(size) for k, size in enumerate(shape) if k != axis]
        for across in itertools.product(*others):
            for parent, nodes in below.items():
                whole, *some = (
                    int(np.ravel_multi_index((*across[:axis], node, *across[axis:]), shape))
                    for node in (parent, *nodes)
                )
                relations.append((whole, tuple(some)))
    return table(found.ravel(), relations), shape
