"""The index of a scheme: indicators in groups, groups in groups or in the index, and its goalposts.

The case of `methods.index.hierarchy` that a scheme describes; mostly two storeys, where the groups are the dimensions
of the index. Everything takes arrays of shape ``(..., units, indicators)``, so that point values, a block of draws and
a column of alternatives go through the same lines. Sums run over a fixed order of indicators, one at a time: the
result of a unit is the same to the last bit however units and draws are cut into pieces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from methods.index.aggregation import Booleans, Rule, last, lower_from, power_mean, raise_to
from methods.index.hierarchy import Hierarchy, climb, presence
from methods.inputs import Floats, Integers

__all__ = [
    "Booleans",
    "Standing",
    "Tree",
    "aggregate",
    "lower_from",
    "normalise",
    "power_mean",
    "raise_to",
    "standing",
    "storeys",
    "upwards",
]


@dataclass(frozen=True, slots=True)
class Tree:
    """How raw numbers become an index. Weights need not sum to one; a zero weight means "does not apply here"."""

    dimension: Integers  # (indicators,) position of the group that each indicator belongs to
    weight: Floats  # (levels, indicators) within the group
    dimension_weight: Floats  # (levels, groups) of each group within what it belongs to
    worst: Floats  # (indicators,) raw value that scores scale[0]; NaN: the raw value is the score
    best: Floats  # (indicators,) raw value that scores scale[1]; below `worst` when less is better
    scale: tuple[float, float] = (0.0, 100.0)
    clip: bool = True
    within: Rule = 1.0  # how a group is made of its members, where `rules` do not say
    across: Rule = 1.0  # how the index is made of its members
    belongs: Integers | None = None  # (groups,) position of the group that each group belongs to, -1: the index
    rules: tuple[Rule, ...] = ()  # (groups,) how each group is made of its members

    def __post_init__(self) -> None:
        groups = self.dimension_weight.shape[-1]
        if self.belongs is not None and self.belongs.shape != (groups,):
            raise ValueError(f"belongs has shape {self.belongs.shape}; it must be ({groups},), one a group")
        if self.rules and len(self.rules) != groups:
            raise ValueError(f"rules has {len(self.rules)} entries; it must have {groups}, one a group")
        if self.weight.ndim != 2 or self.weight.shape[1] != self.dimension.size:
            raise ValueError(
                f"weight has shape {self.weight.shape}; it must be (levels, indicators), "
                f"with {self.dimension.size} indicators"
            )
        if self.dimension_weight.ndim != 2 or self.dimension_weight.shape[0] != self.weight.shape[0]:
            raise ValueError(
                f"dimension_weight has shape {self.dimension_weight.shape}; it must be (levels, dimensions)"
            )
        if not ((self.weight >= 0).all() and (self.dimension_weight >= 0).all()):
            raise ValueError("a weight is negative or not a number; weights must be 0 or more")
        flat = np.flatnonzero(self.worst == self.best)
        if flat.size:
            raise ValueError(f"indicator {flat[0]}: both goalposts are {self.worst[flat[0]]}; they must differ")

    @property
    def floor(self) -> float:
        """Least score that a geometric mean sees: 1 on a scale of 0 to 100."""
        return max(self.scale[0], (self.scale[1] - self.scale[0]) / 100)

    @property
    def parents(self) -> Integers:
        """(groups,) position of the group that each group belongs to; -1: the index."""
        if self.belongs is not None:
            return self.belongs
        return np.full(self.dimension_weight.shape[1], -1)

    @property
    def rule_of(self) -> tuple[Rule, ...]:
        """(groups,) how each group is made of its members."""
        return self.rules or (self.within,) * self.dimension_weight.shape[1]

    @property
    def upwards(self) -> tuple[int, ...]:
        """Positions of the groups, members before what they belong to; those of one height in their order."""
        return upwards(self.parents)

    @property
    def plain(self) -> bool:
        """Two storeys, one kind of power mean in all groups and one across them."""
        same = all(one == self.within for one in self.rule_of)
        return (
            bool((self.parents == -1).all()) and same and not (isinstance(self.within, str) or self.across == "median")
        )

    @property
    def under(self) -> Booleans:
        """(groups, indicators) whether the indicator belongs to the group or to a group below it."""
        found: Booleans = np.equal(self.dimension, np.arange(self.dimension_weight.shape[1])[:, None])
        for group in self.upwards:
            if self.parents[group] >= 0:
                found[self.parents[group]] |= found[group]
        return found

    def only(self, indicators: Integers) -> Tree:
        """The tree of some indicators, in that order, under the same groups."""
        return replace(
            self,
            dimension=self.dimension[indicators],
            weight=self.weight[:, indicators],
            worst=self.worst[indicators],
            best=self.best[indicators],
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What each unit has of the tree, and the weights that follow."""

    weight: Floats  # (units, indicators) sum to 1 within a scored dimension; 0: not used
    dimension_weight: Floats  # (units, dimensions) sum to 1; 0: not used
    indicator_present: Floats  # (units, indicators) 1: a number of its own, 0: imputed or none, NaN: not applicable
    dimension_present: (
        Floats  # (units, dimensions) share of applicable weight with numbers of its own, NaN: not applicable
    )
    index_present: Floats  # (units,) the same over the whole tree; a dimension that is not scored counts as absent
    own: Integers  # (units,) indicators with a number of their own

    def only(self, units: Integers, indicators: Integers) -> Standing:
        """The rows of some units and the columns of some indicators."""
        return Standing(
            weight=self.weight[np.ix_(units, indicators)],
            dimension_weight=self.dimension_weight[units],
            indicator_present=self.indicator_present[np.ix_(units, indicators)],
            dimension_present=self.dimension_present[units],
            index_present=self.index_present[units],
            own=self.own[units],
        )


def upwards(parents: Integers) -> tuple[int, ...]:
    """Groups in an order in which members come before what they belong to, the deepest first.

    Parameters
    ----------
    parents
        (groups,) position of the group that each belongs to; -1: the index.

    Returns
    -------
    tuple of int
        Groups of the same depth stand in their own order.

    Raises
    ------
    ValueError
        A group that belongs to itself, by a circle of groups, or to one that does not exist.

    Examples
    --------
    >>> upwards(np.array([-1, -1, 0, 0, 3]))
    (4, 2, 3, 0, 1)
    """
    depth = np.zeros(parents.size, np.int64)
    for group in range(parents.size):
        above = int(parents[group])
        while above != -1:
            if not 0 <= above < parents.size or depth[group] > parents.size:
                raise ValueError(f"group {group} belongs to a group that does not exist, or to itself by a circle")
            depth[group] += 1
            above = int(parents[above])
    return tuple(int(group) for group in np.argsort(-depth, kind="stable"))


def storeys(tree: Tree, dimension_min: float = 0.0) -> Hierarchy:
    """The same tree as a hierarchy: indicators, then groups, then the index.

    Parameters
    ----------
    tree
        Of any number of storeys.
    dimension_min
        Least share of a group's applicable weight that must be present.

    Returns
    -------
    Hierarchy
        With the tree's levels.

    Examples
    --------
    >>> none = np.full(2, np.nan)
    >>> tree = Tree(np.array([0, 1]), np.ones((1, 2)), np.array([[1.0, 3.0]]), none, none, across=0.0)
    >>> storeys(tree).parent.tolist(), storeys(tree).rules
    ([2, 3, 4, 4, -1], (1.0, 1.0, 0.0))
    """
    levels, dimensions = tree.dimension_weight.shape
    indicators = tree.dimension.size
    return Hierarchy(
        parent=np.concatenate(
            [
                tree.dimension + indicators,
                np.where(tree.parents < 0, dimensions, tree.parents) + indicators,
                [-1],
            ]
        ),
        weight=np.concatenate([tree.weight, tree.dimension_weight, np.ones((levels, 1))], axis=1),
        rules=(*tree.rule_of, tree.across),
        least_present=np.append(np.full(dimensions, dimension_min), 0.0),
        floor=tree.floor,
    )


def standing(
    tree: Tree, level: Integers, applies: Booleans, own: Booleans, imputed: Booleans, dimension_min: float = 0.0
) -> Standing:
    """Renormalise weights over what applies and is there.

    The weight of an indicator that does not apply passes to the others of its dimension. A dimension with less than
    `dimension_min` of its applicable weight in numbers of its own is not scored, and its weight passes to the other
    dimensions. Imputed numbers carry weight but are not a unit's own.

    Parameters
    ----------
    tree
        Of any number of storeys.
    level
        (units,) row of `tree.weight`.
    applies, own, imputed
        (units, indicators).
    dimension_min
        Share, 0 to 1.

    Returns
    -------
    Standing
        Weights and what is present.

    Raises
    ------
    ValueError
        Wrong shapes, or a level that the tree does not have.

    Examples
    --------
    >>> none, yes = np.full(2, np.nan), np.ones((1, 2), bool)
    >>> tree = Tree(np.array([0, 1]), np.ones((1, 2)), np.array([[1.0, 3.0]]), none, none)
    >>> has = standing(tree, np.array([0]), yes, np.array([[True, False]]), ~yes)
    >>> has.dimension_weight.tolist(), has.index_present.tolist()
    ([[1.0, 0.0]], [0.25])
    """
    has = presence(storeys(tree, dimension_min), own, applies, imputed, level)
    indicators = tree.dimension.size
    return Standing(
        weight=has.weight[:, :indicators],
        dimension_weight=has.weight[:, indicators:-1],
        indicator_present=has.present[:, :indicators],
        dimension_present=has.present[:, indicators:-1],
        index_present=np.nan_to_num(has.present[:, -1]),
        own=has.own,
    )


def normalise(tree: Tree, raw: Floats, widened: float = 0.0) -> Floats:
    """Scores of raw numbers between goalposts, on `tree.scale`.

    Parameters
    ----------
    tree
        Its goalposts, scale and whether scores beyond are clipped.
    raw
        (..., units, indicators); NaN stays NaN.
    widened
        Both goalposts moved out by this share of their distance (an alternative for `sensitivity`).

    Returns
    -------
    NDArray
        The same shape and memory order.

    Examples
    --------
    >>> tree = Tree(np.array([0]), np.ones((1, 1)), np.ones((1, 1)), np.array([10.0]), np.array([0.0]))
    >>> normalise(tree, np.array([[4.0], [12.0]])).tolist()
    [[60.0], [0.0]]
    """
    scores = np.empty_like(raw)  # keeps the memory order: draws lie last in memory
    low, high = tree.scale
    for j in range(tree.dimension.size):
        if np.isnan(tree.worst[j]) or np.isnan(tree.best[j]):
            scores[..., j] = raw[..., j]
            continue
        distance = tree.best[j] - tree.worst[j]
        worst = tree.worst[j] - widened * distance
        score = (raw[..., j] - worst) / (distance * (1 + 2 * widened))
        score *= high - low
        score += low
        if tree.clip:
            np.clip(score, low, high, out=score)
        scores[..., j] = score
    return scores


def aggregate(tree: Tree, has: Standing, scores: Floats) -> tuple[Floats, Floats]:
    """Scores of groups and of the index.

    Parameters
    ----------
    tree
        Of any number of storeys.
    has
        As `standing` gives it, for the same units.
    scores
        (..., units, indicators) as `normalise` gives them.

    Returns
    -------
    dimensions, index
        (..., units, dimensions) and (..., units); NaN where nothing is scored.

    Examples
    --------
    >>> none, yes = np.full(2, np.nan), np.ones((1, 2), bool)
    >>> tree = Tree(np.array([0, 1]), np.ones((1, 2)), np.array([[1.0, 3.0]]), none, none)
    >>> aggregate(tree, standing(tree, np.array([0]), yes, yes, ~yes), np.array([[20.0, 60.0]]))[1].tolist()
    [50.0]
    """
    indicators, dimensions = tree.dimension.size, tree.dimension_weight.shape[1]
    parents, rules = tree.parents, tree.rule_of

    def members(group: int) -> Integers:
        return np.concatenate([
            np.flatnonzero(tree.dimension == group), indicators + np.flatnonzero(parents == group)
        ])  # fmt: skip

    nodes = climb(
        [scores[..., j] for j in range(indicators)],
        [
            *((indicators + d, members(d), rules[d]) for d in tree.upwards),
            (indicators + dimensions, indicators + np.flatnonzero(parents == -1), tree.across),
        ],
        np.concatenate([has.weight, has.dimension_weight], axis=1),
        tree.floor,
    )
    return last(nodes[indicators:-1]), nodes[-1]
