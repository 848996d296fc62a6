"""An indicator's own page: what it is, what it weighs, how units stand in it, and of whom nothing is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evaluator import pages
from evaluator.publication import wording
from evaluator.publication.editions import Edition, Score, Unit
from evaluator.rating.nodes import Branch, groups, parent_of, shares, tree
from evaluator.rating.scheme import Dimension, Indicator, Scheme

STATES = ("ok", "imputed", "suppressed", "missing", "not_applicable")


@dataclass(frozen=True, slots=True)
class LevelLine:
    """A level in an indicator or dimension."""

    level: str
    weight: float  # nominal share of the index, 0 to 1
    units: int
    states: tuple[tuple[str, int], ...]  # state, how many units
    low: float  # tenth, half and nine tenths of the units' scores
    median: float
    high: float
    reliability: float  # share of the differences that is no noise


def levels_of(edition: Edition, node: str) -> tuple[LevelLine, ...]:
    """The levels at which an indicator or a dimension applies."""
    found = []
    for level in edition.levels:
        weight = shares(edition.scheme, level).get(node)
        if weight is None:
            continue
        rows = [row for _unit, row in standing(edition, level, node)]
        states = [row.state for row in rows]
        scores = np.array([row.score for row in rows if row.score == row.score])
        low, median, high = np.quantile(scores, (0.1, 0.5, 0.9)).tolist() if scores.size else (np.nan,) * 3
        counted = tuple((state, states.count(state)) for state in STATES if state in states)
        reliability = edition.nodes.get((level, node), (np.nan, np.nan))[1]
        found.append(LevelLine(level, weight, len(rows), counted, low, median, high, reliability))
    return tuple(found)


def standing(edition: Edition, level: str, node: str) -> list[tuple[Unit, Score]]:
    """The units of a level with their scores of a node, the highest first, those without a score last."""
    found = []
    for code in edition.order.get(level, ()):
        score = edition.score(code, node)
        if score is not None:
            found.append((edition.units[code], score))
    found.sort(
        key=lambda pair: (pair[1].score != pair[1].score, -pair[1].score if pair[1].score == pair[1].score else 0)
    )
    return found


def above(scheme: Scheme, node: Indicator | Dimension) -> tuple[Dimension, ...]:
    """The nodes over an indicator or a node, the dimension first."""
    known = {one.code: one for one in groups(scheme)}
    code = parent_of(node) if isinstance(node, Indicator) else node.parent
    found: list[Dimension] = []
    while code in known:
        found.append(known[code])
        code = known[code].parent
    return tuple(reversed(found))


def members(scheme: Scheme, code: str) -> tuple[tuple[int, Dimension | None, Indicator | None], ...]:
    """What lies below a node, depth first: how far below, and a node or an indicator."""

    def walk(branches: Sequence[Branch], deep: int) -> Iterator[tuple[int, Dimension | None, Indicator | None]]:
        for one in branches:
            inside = deep + 1 if deep or one.node.code == code else 0
            if deep:
                yield deep, one.node, None
            for indicator in one.indicators if inside else ():
                yield inside, None, indicator
            yield from walk(one.branches, inside)

    return tuple(walk(tree(scheme), 0))


def told(states: Sequence[tuple[str, int]]) -> str:
    """How many units are in which state, as a list of words."""
    return "; ".join(f"{wording.entry_state_short(state)}: {pages.shown(number, 0)}" for state, number in states)
