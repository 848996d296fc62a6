"""The tree of a scheme: the index, its dimensions, what lies below them, and the indicators."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evaluator.rating.scheme import Dimension, Indicator, Scheme

EMPTY: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Branch:
    """A dimension or a node below one, with what belongs to it."""

    node: Dimension
    depth: int  # 1: a dimension
    branches: tuple[Branch, ...]
    indicators: tuple[Indicator, ...]  # its own, not those of its branches


def groups(scheme: Scheme) -> tuple[Dimension, ...]:
    """All nodes between the index and the indicators: dimensions first, then those below them."""
    return (*scheme.dimensions, *scheme.nodes)


def parent_of(indicator: Indicator) -> str:
    """The code of the node that the indicator belongs to."""
    return indicator.parent or indicator.dimension


def tree(scheme: Scheme) -> tuple[Branch, ...]:
    """The dimensions, each with everything below it, in the order of the file."""

    def branch(node: Dimension, depth: int) -> Branch:
        below = tuple(branch(one, depth + 1) for one in scheme.nodes if one.parent == node.code)
        return Branch(node, depth, below, tuple(i for i in scheme.indicators if parent_of(i) == node.code))

    return tuple(branch(one, 1) for one in scheme.dimensions)


def below(branch: Branch) -> tuple[Indicator, ...]:
    """All indicators under a node: its own first, then those of its branches."""
    return (*branch.indicators, *(one for inside in branch.branches for one in below(inside)))


def within(scheme: Scheme, level: str) -> dict[str, float]:
    """What every node and indicator of a level weighs within the node it belongs to; siblings sum to one."""
    here = [one for one in scheme.indicators if not one.levels or level in one.levels]
    given = scheme.weights_by_level.get(level, {})
    weight = {one.code: one.weight for one in here}
    above = {one.code: parent_of(one) for one in here}
    waiting = set(above.values())
    nodes = {one.code: one for one in groups(scheme)}
    while waiting:
        node = nodes[waiting.pop()]
        top = not node.parent
        weight[node.code] = given.get(node.code, 0.0 if top and given else node.weight)
        above[node.code] = node.parent
        if node.parent and node.parent not in above:
            waiting.add(node.parent)
    total: dict[str, float] = {}
    for code, parent in above.items():
        total[parent] = total.get(parent, 0.0) + weight[code]
    return {code: weight[code] / total[parent] if total[parent] else 0.0 for code, parent in above.items()}


def shares(scheme: Scheme, level: str) -> dict[str, float]:
    """What share of the index every node and indicator of a level carries, when all are there and means arithmetic."""
    inside = within(scheme, level)
    parents = {one.code: one.parent for one in groups(scheme)} | {i.code: parent_of(i) for i in scheme.indicators}

    def share(code: str) -> float:
        return inside[code] * (share(parents[code]) if parents[code] else 1.0)

    return {code: share(code) for code in inside}


def passed_on(branch: Branch, carrying: Collection[str], given: Mapping[str, float] = EMPTY) -> dict[str, float]:
    """What share of a dimension each of some indicators carries; the weight of the others passes on as in the index.

    `given` are the weights of nodes at the level, where the scheme gives the level its own.
    """
    parts: list[tuple[float, dict[str, float]]] = []
    for below in branch.branches:
        inside = passed_on(below, carrying, given)
        if inside:
            parts.append((given.get(below.node.code, below.node.weight), inside))
    parts += [(one.weight, {one.code: 1.0}) for one in branch.indicators if one.code in carrying]
    whole = sum(weight for weight, _ in parts)
    return {code: weight / whole * share for weight, inside in parts for code, share in inside.items()}
