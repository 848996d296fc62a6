"""The draws of a rating: indices and dimensions are kept, indicators pass through."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.case import Case
from evaluator.rating.recipe import after_deductions, lines
from methods.index.curves import Curve, score
from methods.index.tree import Standing
from methods.inputs import Floats, Integers
from methods.uncertainty.climb import aggregate_draws, climb
from methods.uncertainty.draws import Block, run
from methods.uncertainty.layout import Group, Tile, lay_out

ROWS = 64  # summarised at a time


@dataclass(frozen=True, slots=True)
class Part:
    """The draws of one level."""

    group: Group
    has: Standing  # of its units and the indicators that they use
    dimensions: dict[int, NDArray[np.float32]]  # (members, draws) by dimension: 7 digits do, in half the memory
    direct: Floats | None  # (members, draws) index at the unshrunken estimates, after deductions
    curves: tuple[Curve, ...]  # of the indicators that they use, where scales are made from the data


@dataclass(frozen=True, slots=True)
class Drawn:
    """Draws of all units."""

    index: Floats  # (units, draws) after deductions; NaN rows: no index
    parts: tuple[Part, ...]

    def direct_of(self, members: Integers) -> Floats:
        """(members, draws) of the unshrunken index.

        `members` are ascending and of one level that is neither too small nor too large for rank sets.
        """
        for part in self.parts:
            if part.direct is not None and np.isin(members, part.group.units).all():
                return np.asarray(part.direct[np.searchsorted(part.group.units, members)])
        raise ValueError("these units were drawn without their unshrunken estimates")


def draw(case: Case, seed: int, draws: int, threads: int, progress: Callable[[float], None]) -> Drawn:
    """Draw all inputs jointly and keep what the tables need."""
    tree = case.recipe.tree
    parts = []
    for number in range(len(case.recipe.levels)):
        members = np.flatnonzero(case.level == number)
        used = np.flatnonzero((case.has.weight[members] > 0).any(axis=0))
        if not (members.size and used.size):
            continue
        direct = not (case.small[number] or case.credible[number])
        reached = np.flatnonzero(tree.under[:, used].any(axis=1))
        parts.append(
            Part(
                Group(members, used, direct),
                case.has.only(members, used),
                {int(d): np.empty((members.size, draws), np.float32) for d in reached},
                np.empty((members.size, draws)) if direct else None,
                tuple(case.curves[number][j] for j in used) if case.curves else (),
            )
        )
    index = np.full((case.codes.size, draws), np.nan)
    groups = [part.group for part in parts]
    straight = None if case.curves else lines(case.recipe)
    layout = lay_out(case.inputs, case.factors, groups, case.recipe.limits, straight)
    trees = [tree.only(group.indicators) for group in groups]
    ways = {
        (tile.group, tile.members.start): climb(trees[tile.group], _some(parts[tile.group].has, tile.members))
        for tile in layout.tiles
    }

    def consume(tile: Tile, where: slice, block: Block) -> None:
        part, members = parts[tile.group], tile.members
        units, way = part.group.units[members], ways[tile.group, members.start]
        deductions = case.taken.deductions[units]
        dimensions, plain = aggregate_draws(way, _scored(part.curves, block.estimate))
        for d, kept in part.dimensions.items():
            kept[members, where] = dimensions[..., d].T
        index[units, where] = after_deductions(case.recipe, plain, deductions).T
        if block.direct is not None and part.direct is not None:
            _, plain = aggregate_draws(way, _scored(part.curves, block.direct))
            part.direct[members, where] = after_deductions(case.recipe, plain, deductions).T

    run(layout, seed, draws, consume, threads=threads, progress=progress)
    return Drawn(index, tuple(parts))


def _scored(curves: tuple[Curve, ...], draws: Floats) -> Floats:
    """Scores of raw draws (draws, units, indicators); without curves they are scores already."""
    if not curves:
        return draws
    scores = np.empty_like(draws)
    for k, curve in enumerate(curves):
        scores[..., k] = score(curve, draws[..., k])
    return scores


def _some(has: Standing, members: slice) -> Standing:
    return has.only(np.arange(members.start, members.stop), np.arange(has.weight.shape[1]))


@dataclass(frozen=True, slots=True)
class Summary:
    """Of each row of draws; NaN where there are none."""

    mean: Floats
    sd: Floats
    lower: Floats
    upper: Floats


def summarise(draws: NDArray[np.floating[Any]], interval: float, threads: int) -> Summary:
    """Mean, standard deviation and central limits of each row (rows, draws)."""
    found = np.full((4, draws.shape[0]), np.nan)
    tails = ((1 - interval) / 2, (1 + interval) / 2)

    def work(first: int) -> None:
        rows = np.arange(first, min(first + ROWS, draws.shape[0]))
        rows = rows[~np.isnan(draws[rows, 0])]
        if rows.size:
            part = draws[rows].astype(np.float64)
            found[0, rows] = part.mean(axis=1)
            found[1, rows] = part.std(axis=1, ddof=1) if part.shape[1] > 1 else 0.0
            found[2:, rows] = np.quantile(part, tails, axis=1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(0, draws.shape[0], ROWS)))
    return Summary(*found)


def summarise_dimensions(case: Case, drawn: Drawn, threads: int) -> Summary:
    """The same for dimensions, each array (units, dimensions)."""
    found = np.full((4, case.codes.size, len(case.recipe.dimensions)), np.nan)
    for part in drawn.parts:
        for d, values in part.dimensions.items():
            each = summarise(values, case.scheme.uncertainty.interval, threads)
            found[:, part.group.units, d] = each.mean, each.sd, each.lower, each.upper
    return Summary(*found)
