"""Which units changed between two editions of one scheme, from what both published.

Compared are direct estimates of the indicators that both editions have of a unit, with weights renormalised over them.
Errors of the two editions are taken as independent: what they share (a panel, an assessor) would make changes surer.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.case import Measured, Texts
from evaluator.rating.recipe import Recipe, after_deductions, lines, recipe
from evaluator.rating.results import UNSHRUNKEN, rounded
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_diff import rates_alike
from evaluator.rating.scores import INDEX
from evaluator.rating.tabular import Table
from methods.change import change
from methods.index.tree import Booleans, Standing, aggregate, normalise, standing
from methods.inputs import NO_FACTORS, Factors, Floats, Inputs, Integers
from methods.uncertainty.climb import aggregate_draws, climb
from methods.uncertainty.draws import BLOCK, Block, run
from methods.uncertainty.form import point_values
from methods.uncertainty.layout import Group, Tile, lay_out


@dataclass(frozen=True, slots=True)
class Side:
    """What an edition published, as read back."""

    scheme: Scheme
    units: Table  # unit, level, and where units were replaced: successor
    estimates: Measured
    deductions: Floats  # (units,)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Units of the later edition and what they were in the earlier one."""

    before: Integers  # (pairs,) row of the earlier edition
    after: Integers  # (pairs,) row of the later one
    refused: dict[str, str]  # units of the later edition that are not compared, and why: new, merged, level_changed


def changes(before: Side, after: Side, seed: int, draws: int, level: float = 0.05, threads: int | None = None) -> Table:
    """Changes of the index and of dimensions, unit by unit.

    Parameters
    ----------
    before, after
        Two editions by the same scheme, or by schemes that rate alike.
    seed, draws
        Of the draws that give standard errors.
    level
        False discovery and false coverage rate, over the units of one level and node.

    Returns
    -------
    Table
        A row for every unit and node that can be compared: unit, predecessor, level, node, before, after, difference,
        standard_error, changed (1 or 0), lower, upper, confidence, weight_compared.

    Raises
    ------
    ValueError
        The editions were rated by different schemes.
    """
    if not rates_alike(before.scheme, after.scheme):
        one, other = (f"{s.code} {s.version}" for s in (before.scheme, after.scheme))
        raise ValueError(
            f"the editions were rated by {one} and by {other}; only editions of the same scheme are compared"
        )
    made = recipe(after.scheme)
    if not made.fixed:
        code = next(c for c, way in zip(made.indicators, made.ways, strict=True) if not way.fixed)
        raise ValueError(
            f"scheme {after.scheme.code} makes the scale of {code} from the data of each edition; scores of two "
            "editions are not on one scale: only goalposts, and numbers as they are, can be compared over time"
        )
    pairs = succession(before.units, after.units)
    sides = (_Half(before, pairs.before), _Half(after, pairs.after))
    unit_level = made.level_of(after.units["level"][pairs.after])
    applies = made.applies[unit_level] & ~sides[0].state("not_applicable") & ~sides[1].state("not_applicable")
    common = applies & sides[0].direct & sides[1].direct
    least = after.scheme.missing
    has = standing(made.tree, unit_level, applies, common, np.zeros_like(common), least.dimension_min)
    values, errors = zip(
        *(
            half.measure(made, has, common, seed + k, draws, threads or os.cpu_count() or 1)
            for k, half in enumerate(sides)
        ),
        strict=True,
    )
    enough = (has.index_present >= least.min_weight_present - 1e-9) & (has.own >= least.min_present)
    names, rows = after.units["unit"][pairs.after], []
    nodes = [INDEX, *made.dimensions]
    for node, code in enumerate(nodes):
        there = ~np.isnan(values[0][:, node]) & ~np.isnan(values[1][:, node])
        there &= enough if node == 0 else has.dimension_weight[:, node - 1] > 0
        present = has.index_present if node == 0 else has.dimension_present[:, node - 1]
        for number, level_code in enumerate(made.levels):
            here = np.flatnonzero(there & (unit_level == number))
            if not here.size:
                continue
            pair = [x[here, node] for side in zip(values, errors, strict=True) for x in side]
            found = change(*pair, level=level)
            text = {"unit": names[here], "predecessor": before.units["unit"][pairs.before[here]]}
            fixed = {"level": level_code, "node": code}
            rows.append(
                text
                | {name: np.full(here.size, value, object) for name, value in fixed.items()}
                | {
                    "before": rounded(pair[0]),
                    "after": rounded(pair[2]),
                    "difference": rounded(found.difference),
                    "standard_error": rounded(found.standard_error),
                    "changed": found.changed.astype(np.float64),
                    "lower": rounded(found.lower),
                    "upper": rounded(found.upper),
                    "confidence": rounded(found.confidence),
                    "weight_compared": rounded(present[here]),
                }
            )
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]} if rows else {}


def succession(before: Table, after: Table) -> Pairs:
    """Which unit of the earlier edition each unit of the later one was.

    A unit is compared with itself, or with the one unit whose duties it took over and which is no more. One that took
    over duties beside its own, or of several units, is another unit than before; so is one whose level changed.
    """
    earlier = {code: row for row, code in enumerate(before["unit"])}
    later = set(after["unit"])
    heirs: dict[str, set[str]] = {}
    for table in (before, after):
        for code, heir in zip(table["unit"], table.get("successor", np.full(table["unit"].size, "")), strict=True):
            if heir and code in earlier and (code not in later or table is after):
                heirs.setdefault(heir, set()).add(code)
    found: list[tuple[int, int]] = []
    refused = {}
    for row, code in enumerate(after["unit"]):
        sources = heirs.get(code, set()) | ({code} & earlier.keys())
        if len(sources) != 1:
            refused[code] = "merged" if sources else "new"
            continue
        was = earlier[next(iter(sources))]
        if before["level"][was] != after["level"][row]:
            refused[code] = "level_changed"
            continue
        found.append((was, row))
    rows = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Pairs(rows[:, 0], rows[:, 1], refused)


class _Half:
    """One edition's estimates of the pairs."""

    def __init__(self, side: Side, rows: Integers) -> None:
        self._side, self._rows = side, rows
        self._position = np.full(side.units["unit"].size, -1)
        self._position[rows] = np.arange(rows.size)
        self._inputs = side.estimates.inputs["main"]

    def state(self, which: str) -> NDArray[np.bool_]:
        """(pairs, indicators) cells of a state."""
        states: Texts = self._side.estimates.state[self._rows]
        return np.asarray(states == which)

    @property
    def direct(self) -> Booleans:
        """(pairs, indicators) cells with a number of their own that is not shrunken."""
        inputs = self._inputs
        plain = np.array([one.source in UNSHRUNKEN for one in self._side.scheme.indicators])
        given = ~(np.isnan(inputs.direct) | np.isnan(inputs.direct_sd)) | plain[inputs.indicator]
        cells = np.zeros((self._position.size, plain.size), bool)
        cells[inputs.unit, inputs.indicator] = given & ~np.isnan(inputs.a)
        return cells[self._rows] & self.state("ok")

    def measure(
        self, made: Recipe, has: Standing, common: Booleans, seed: int, draws: int, threads: int
    ) -> tuple[Floats, Floats]:
        """(pairs, 1 + dimensions) each: index and dimensions at the direct estimates, and their standard errors."""
        inputs, factors = self._of(common)
        deductions = self._side.deductions[self._rows]
        raw = point_values(inputs, self._rows.size, made.limits, direct=True)
        dimensions, plain = aggregate(made.tree, has, normalise(made.tree, raw))
        centre = np.concatenate([after_deductions(made, plain, deductions)[:, None], dimensions], axis=1)
        sums = np.zeros((-(-draws // BLOCK), 2, *centre.shape))
        group = Group(np.arange(self._rows.size), np.arange(made.tree.dimension.size), True)
        layout = lay_out(inputs, factors, [group], made.limits, lines(made))

        def consume(tile: Tile, where: slice, block: Block) -> None:
            if block.direct is None:
                return
            members = np.arange(tile.members.start, tile.members.stop)
            way = climb(made.tree, has.only(members, group.indicators))
            inner, outer = aggregate_draws(way, block.direct)
            outer = after_deductions(made, outer, deductions[members])
            off = np.concatenate([outer[..., None], inner], axis=2) - centre[members]
            sums[where.start // BLOCK, 0, members] = off.sum(axis=0)
            sums[where.start // BLOCK, 1, members] = (off * off).sum(axis=0)

        if self._rows.size:
            run(layout, seed, draws, consume, threads=threads)
        total, squares = sums.sum(axis=0)
        variance = np.maximum(squares - total * total / draws, 0.0) / max(draws - 1, 1)
        return centre, np.sqrt(variance)

    def _of(self, common: Booleans) -> tuple[Inputs, Factors]:
        """Inputs and factors of the compared cells, at the positions of pairs."""

        def kept(unit: Integers, indicator: Integers) -> Integers:
            at = self._position[unit]
            return np.flatnonzero((at >= 0) & common[np.maximum(at, 0), indicator])

        inputs, factors = self._inputs, self._side.estimates.factors.get("main", NO_FACTORS)
        if not common.size:
            return Inputs(*(getattr(inputs, f.name)[:0] for f in fields(Inputs))), NO_FACTORS
        rows, loads = kept(inputs.unit, inputs.indicator), kept(factors.unit, factors.indicator)
        columns = [getattr(inputs, f.name)[rows] for f in fields(Inputs)]
        columns[0] = self._position[columns[0]]
        return Inputs(*columns), Factors(
            factors.names,
            factors.factor[loads],
            self._position[factors.unit[loads]],
            factors.indicator[loads],
            factors.loading[loads],
            factors.direct_loading[loads],
        )
