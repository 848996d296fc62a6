"""An index over any tree: indicators in groups, groups in groups, as deep and as uneven as it needs to be.

Everything takes arrays of shape ``(..., units, indicators)``. Each group has its own rule of aggregation and its own
least share of weight that must be present. Sums run over a fixed order, one at a time (`methods.index.aggregation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from methods.index.aggregation import TOLERANCE, Booleans, Rule, combine, last, rule
from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Which node belongs to which, with what weight, and how a group is made of its members.

    Nodes are numbered: indicators first, then groups, in any order. Weights need not sum to one; a zero weight means
    "does not apply here".
    """

    parent: Integers  # (nodes,) position of the group that each node belongs to; -1: the root
    weight: Floats  # (levels, nodes) within the parent; the root's is not used
    rules: tuple[Rule, ...]  # (groups,) how each group is made of its members
    least_present: Floats  # (groups,) share of the applicable weight with numbers of its own, below it: not scored
    floor: float = 1.0  # least score that power means with exponents at or below 0 see
    names: tuple[str, ...] = ()  # (nodes,) or none

    def __post_init__(self) -> None:
        nodes, groups = self.parent.size, len(self.rules)
        if self.weight.ndim != 2 or self.weight.shape[1] != nodes:
            raise ValueError(f"weight has shape {self.weight.shape}; it must be (levels, {nodes}), one a node")
        if not ((self.weight >= 0).all() and np.isfinite(self.weight).all()):
            raise ValueError("weight is negative or not a finite number; weights must be 0 or more")
        if self.least_present.shape != (groups,) or not ((self.least_present >= 0) & (self.least_present <= 1)).all():
            raise ValueError(f"least_present must be {groups} shares from 0 to 1, one a group")
        if self.names and len(self.names) != nodes:
            raise ValueError(f"names has {len(self.names)} entries; it must have {nodes}, one a node, or none")
        roots = np.flatnonzero(self.parent == -1)
        if roots.size != 1 or roots[0] < nodes - groups:
            raise ValueError(f"parent: nodes {roots.tolist()} have none; exactly one group must have none, the index")
        wrong = np.flatnonzero((self.parent != -1) & ((self.parent < nodes - groups) | (self.parent >= nodes)))
        if wrong.size:
            raise ValueError(
                f"parent of {self.called(int(wrong[0]))} is {self.parent[wrong[0]]}; "
                f"it must be a group, {nodes - groups} to {nodes - 1}"
            )
        for how in self.rules:
            if not isinstance(how, str) and how <= 0 and not self.floor > 0:
                raise ValueError(f"floor is {self.floor}; with exponents at or below 0 it must be above 0")
        if len(self.upwards) < groups:
            circling = sorted(set(range(nodes - groups, nodes)) - set(self.upwards))
            raise ValueError(f"parent: {self.called(circling[0])} belongs to itself, by a circle of groups")

    @property
    def indicators(self) -> int:
        """How many nodes are indicators."""
        return self.parent.size - len(self.rules)

    @property
    def root(self) -> int:
        """The position of the index."""
        return int(np.flatnonzero(self.parent == -1)[0])

    @property
    def upwards(self) -> tuple[int, ...]:
        """Positions of the groups, members before what they belong to."""
        order, waiting = [self.root], [self.root]
        while waiting:
            group = waiting.pop()
            below = [int(n) for n in np.flatnonzero(self.parent == group) if n >= self.indicators]
            order.extend(below)
            waiting.extend(below)
        return tuple(reversed(order))

    def members(self, group: int) -> Integers:
        """Positions of the nodes that belong to a group."""
        return np.flatnonzero(self.parent == group)

    def called(self, node: int) -> str:
        """The node's name, or its number."""
        return self.names[node] if self.names else f"node {node}"


@dataclass(frozen=True, slots=True)
class Presence:
    """What each unit has of the hierarchy, and the weights that follow."""

    weight: Floats  # (units, nodes) sum to 1 over the used members of a scored group; the root's is 1; 0: not used
    present: Floats  # (units, nodes) share of applicable weight with numbers of its own; NaN: does not apply
    scored: Booleans  # (units, nodes) has a score
    own: Integers  # (units,) indicators that apply and have a number of their own


def hierarchy(
    codes: Sequence[str],
    parents: Sequence[str | None],
    weight: Sequence[float] | None = None,
    rules: str | float | dict[str, str | float] = "arithmetic",
    least_present: float = 0.0,
    floor: float = 1.0,
) -> Hierarchy:
    """A hierarchy from the table that describes it, as COINr's iMeta does.

    Parameters
    ----------
    codes
        One a node; indicators and groups in any order. A node that is some node's parent is a group.
    parents
        The code of the group that each belongs to; None: the index.
    weight
        Within the parent; all 1 if not given.
    rules
        One rule for all groups, or rules by group (others arithmetic).
    least_present
        For all groups.
    floor
        Least score that power means with exponents at or below 0 see.

    Returns
    -------
    Hierarchy
        With one level; nodes are named, indicators in the order given, then groups in the order given.

    Raises
    ------
    ValueError
        A code twice, an unknown parent, a rule for something that is no group, no root or a circle.

    Examples
    --------
    >>> h = hierarchy(["a", "b", "c", "ab", "all"], ["ab", "ab", "all", "all", None], [1, 3, 1, 1, 1])
    >>> aggregate(h, presence(h, np.ones((1, 3), bool)), np.array([[20.0, 60.0, 30.0]])).tolist()
    [[50.0, 40.0]]
    """
    if len(set(codes)) < len(codes):
        raise ValueError(f"codes: {max(codes, key=list(codes).count)!r} stands twice; a node has one parent")
    if len(parents) != len(codes) or (weight is not None and len(weight) != len(codes)):
        raise ValueError(f"parents and weight must have {len(codes)} entries, one a code")
    unknown = [p for p in parents if p is not None and p not in codes]
    if unknown:
        raise ValueError(f"parents: {unknown[0]!r} is none of the codes")
    groups = [code for code in codes if code in parents]
    names = tuple([code for code in codes if code not in parents] + groups)
    given: dict[str, str | float] = dict.fromkeys(groups, "arithmetic" if isinstance(rules, dict) else rules)
    given |= rules if isinstance(rules, dict) else {}
    odd = sorted(set(given) - set(groups))
    if odd:
        raise ValueError(f"rules: {odd[0]!r} is no group; groups are {', '.join(groups)}")
    parent_of = dict(zip(codes, parents, strict=True))
    weight_of = dict(zip(codes, weight if weight is not None else [1.0] * len(codes), strict=True))
    position: dict[str | None, int] = {None: -1} | {name: n for n, name in enumerate(names)}
    return Hierarchy(
        parent=np.array([position[parent_of[name]] for name in names], np.int64),
        weight=np.array([[weight_of[name] for name in names]], np.float64),
        rules=tuple(rule(given[group]) for group in groups),
        least_present=np.full(len(groups), least_present),
        floor=floor,
        names=names,
    )


def presence(
    over: Hierarchy,
    own: Booleans,
    applies: Booleans | None = None,
    imputed: Booleans | None = None,
    level: Integers | None = None,
) -> Presence:
    """Renormalise weights over what applies and is there, group by group.

    The weight of a node that does not apply passes to the others of its group. A group with less than its
    `least_present` of applicable weight in numbers of its own is not scored, and its weight passes on in the group
    above. Imputed numbers carry weight but are not a unit's own.

    Parameters
    ----------
    over
        The hierarchy.
    own, applies, imputed
        (units, indicators) the unit has a number of its own; the indicator applies to it (default: all do); the number
        is imputed (default: none is).
    level
        (units,) row of `over.weight`; default: the first.

    Returns
    -------
    Presence
        A group that is left out counts as absent in the groups above.

    Raises
    ------
    ValueError
        Wrong shapes, or a level that the hierarchy does not have.

    Examples
    --------
    >>> h = hierarchy(["a", "b", "c", "all"], ["all", "all", "all", None], [1, 3, 4, 1])
    >>> has = presence(h, np.array([[True, False, True]]))
    >>> has.weight[0].tolist(), has.present[0, h.root].item()
    ([0.2, 0.0, 0.8, 1.0], 0.625)
    """
    units, nodes, leaves = own.shape[0], over.parent.size, over.indicators
    applies = np.ones_like(own) if applies is None else applies
    imputed = np.zeros_like(own) if imputed is None else imputed
    level = np.zeros(units, np.int64) if level is None else level
    for name, array, right in (
        ("own", own, (units, leaves)),
        ("applies", applies, (units, leaves)),
        ("imputed", imputed, (units, leaves)),
        ("level", level, (units,)),
    ):
        if array.shape != right:
            raise ValueError(f"{name} has shape {array.shape}; it must be {right}")
    if level.size and not (level.min() >= 0 and level.max() < over.weight.shape[0]):
        raise ValueError(f"level must be 0 to {over.weight.shape[0] - 1}, the rows of the hierarchy's weights")
    applicable = over.weight[level]  # becomes 0 where a node does not apply
    applicable[:, :leaves] *= applies
    applicable[:, over.root] = 1.0
    share, scored = np.full((units, nodes), np.nan), np.zeros((units, nodes), bool)
    share[:, :leaves], scored[:, :leaves] = own, own | imputed
    used = np.zeros((units, nodes))
    for group in over.upwards:
        total, held = np.zeros(units), np.zeros(units)
        for n in over.members(group):
            counted = applicable[:, n] * scored[:, n]
            total += applicable[:, n]
            held += counted * np.where(scored[:, n], share[:, n], 0.0)
            used[:, group] += counted
        applicable[:, group] *= total > 0
        here = applicable[:, group] > 0
        share[:, group] = np.divide(held, total, out=np.full(units, np.nan), where=here)
        enough = np.nan_to_num(share[:, group]) >= over.least_present[group - leaves] - TOLERANCE
        scored[:, group] = (used[:, group] > 0) & here & enough
    weight, reached = np.zeros((units, nodes)), applicable > 0
    weight[:, over.root] = scored[:, over.root]
    for group in reversed(over.upwards):
        for n in over.members(group):
            reached[:, n] &= reached[:, group]
            counted = applicable[:, n] * scored[:, n]
            where = scored[:, group] & (counted > 0)
            np.divide(counted, used[:, group], out=weight[:, n], where=where)
    return Presence(
        weight=weight,
        present=np.where(reached, share, np.nan),
        scored=scored & reached,
        own=(own & reached[:, :leaves]).sum(axis=1).astype(np.int64),
    )


def aggregate(over: Hierarchy, has: Presence, scores: Floats) -> Floats:
    """The scores of all groups.

    Parameters
    ----------
    over
        The hierarchy.
    has
        As `presence` gives it, for the same units.
    scores
        (..., units, indicators) normalised, the higher the better; what stands where the weight is 0 does not matter.

    Returns
    -------
    NDArray
        (..., units, groups) in the order of the groups; NaN where a group is not scored. The index stands at
        ``over.root - over.indicators``.

    Raises
    ------
    ValueError
        Shapes that do not fit, or no number where the unit is said to have one.

    Examples
    --------
    >>> h = hierarchy(["a", "b", "c", "bc", "all"], ["all", "bc", "bc", "all", None], rules={"bc": "geometric"})
    >>> scores = np.array([[30.0, 20.0, 80.0], [30.0, np.nan, 80.0]])
    >>> aggregate(h, presence(h, ~np.isnan(scores)), scores).round(10).tolist()
    [[40.0, 35.0], [80.0, 55.0]]
    """
    right = (has.weight.shape[0], over.indicators)
    if scores.ndim < 2 or scores.shape[-2:] != right:
        raise ValueError(f"scores has shape {scores.shape}; it must be (..., units, indicators) with {right}")
    gone = np.isnan(scores)
    if gone.any():
        lacking = np.argwhere(gone & (has.weight[:, : over.indicators] > 0))
        if lacking.size:
            u, j = lacking[0][-2:]
            raise ValueError(
                f"scores: unit {u} has no number for {over.called(int(j))}, but carries weight there; "
                "say in `presence` what is there"
            )
    made = climb(
        [scores[..., j] for j in range(over.indicators)],
        [(group, over.members(group), over.rules[group - over.indicators]) for group in over.upwards],
        has.weight,
        over.floor,
    )
    return last([made[group] for group in range(over.indicators, over.parent.size)])


def climb(
    leaves: Sequence[Floats],
    groups: Sequence[tuple[int, Integers, Rule]],
    weight: Floats,
    floor: float,
) -> list[Floats]:
    """All nodes of a tree from its leaves, unchecked: what `aggregate` and the two-storey tree share.

    Parameters
    ----------
    leaves
        One array (..., units) a leaf; they are nodes 0, 1, ...
    groups
        (node, its members, its rule), members before what they belong to; with the leaves they are all nodes.
    weight
        (units, nodes) sum to 1 over the used members of a group.
    floor
        Least score that power means with exponents at or below 0 see.

    Returns
    -------
    list of NDArray
        One array (..., units) a node.

    Examples
    --------
    >>> weight = np.array([[0.25, 0.75, 1.0]])
    >>> climb([np.array([20.0]), np.array([80.0])], [(2, np.array([0, 1]), 1.0)], weight, 1.0)[2].tolist()
    [65.0]
    """
    nodes: list[Floats] = list(leaves)
    nodes.extend(np.zeros(0) for _ in groups)
    for node, members, how in groups:
        if members.size:
            nodes[node] = combine([nodes[n] for n in members], [weight[:, n] for n in members], how, floor)
        else:
            nodes[node] = np.full(leaves[0].shape if leaves else weight.shape[:1], np.nan)
    return nodes


def effective_weights(over: Hierarchy, level: int = 0) -> Floats:
    """What share of the index each node carries when everything is there and all groups are arithmetic means.

    Weights of siblings are made to sum to one, then multiplied from the node up to the index (COINr's
    `get_eff_weights`).

    Parameters
    ----------
    over
        The hierarchy.
    level
        Row of its weights.

    Returns
    -------
    NDArray
        (nodes,) 1 at the root; those of the indicators sum to 1.

    Notes
    -----
    A weight is a rate of exchange, not an importance: see `methods.index.correlations.importance`.

    Examples
    --------
    >>> h = hierarchy(["a", "b", "c", "ab", "all"], ["ab", "ab", "all", "all", None], [1, 3, 1, 1, 1])
    >>> effective_weights(h).tolist()
    [0.125, 0.375, 0.5, 0.5, 1.0]
    """
    weight = np.zeros(over.parent.size)
    weight[over.root] = 1.0
    for group in reversed(over.upwards):
        members = over.members(group)
        total = over.weight[level, members].sum()
        if total > 0:
            weight[members] = weight[group] * over.weight[level, members] / total
    return weight


def levels_of(over: Hierarchy) -> NDArray[np.int64]:
    """How far above the indicators each node stands: 1 an indicator, a group one more than its highest member.

    Parameters
    ----------
    over
        The hierarchy.

    Returns
    -------
    NDArray
        (nodes,) as COINr's `Level`.

    Examples
    --------
    >>> levels_of(hierarchy(["a", "b", "c", "ab", "all"], ["ab", "ab", "all", "all", None])).tolist()
    [1, 1, 1, 2, 3]
    """
    height = np.ones(over.parent.size, np.int64)
    for group in over.upwards:
        height[group] = 1 + height[over.members(group)].max(initial=0)
    return height
