"""What if weights were others: who would move, and how surely, before anything is decided."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from evaluator.language import gettext
from evaluator.problems import FieldProblem
from evaluator.rating.nodes import groups
from evaluator.rating.scheme import Dimension, Scheme
from evaluator.workbench.opened import Opened, drawn_index, index_of
from methods.index.aggregation import Booleans
from methods.inputs import Floats, Integers
from methods.ranking.grades import band
from methods.ranking.ranks import rank_draws
from methods.uncertainty.moves import Moves, block_of, moves

MOST = 1e6  # of a weight
MOVED = 0.5  # from this probability on a unit is said to move


def _(message: str) -> str:
    return message


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight that can be changed."""

    field: str  # its name in an address: i:CODE, d:CODE or d:LEVEL:CODE
    code: str
    level: str  # of a weight that holds for one level
    now: float


Changes = Mapping[str, float]  # by field


def weights(scheme: Scheme) -> tuple[Weight, ...]:
    """All weights of a scheme: nodes, their weights by level, indicators."""
    found = [Weight(f"d:{node.code}", node.code, "", node.weight) for node in groups(scheme)]
    found += [
        Weight(f"d:{level}:{code}", code, level, weight)
        for level, given in scheme.weights_by_level.items()
        for code, weight in given.items()
        if weight > 0
    ]
    return (*found, *(Weight(f"i:{one.code}", one.code, "", one.weight) for one in scheme.indicators))


def read_changes(scheme: Scheme, asked: Iterable[tuple[str, str]]) -> tuple[dict[str, float], list[FieldProblem]]:
    """Weights that an address names and that differ from the scheme's, and what is wrong with the others."""
    known = {weight.field: weight.now for weight in weights(scheme)}
    changes: dict[str, float] = {}
    wrong: list[FieldProblem] = []
    for field, text in asked:
        if field not in known or not text.strip():
            continue
        try:
            value = float(text.strip().replace("\uff0e", "."))
        except ValueError:
            value = math.nan
        if not 0 < value <= MOST:
            right = gettext(_("“%(given)s” is no weight; write a number above 0, such as 0.25."))
            wrong.append(FieldProblem(field, right % {"given": text.strip()[:40]}))
        elif value != known[field]:
            changes[field] = value
    return {field: changes[field] for field in known if field in changes}, wrong  # one order, so one address


def changed(scheme: Scheme, changes: Changes) -> Scheme:
    """The scheme with other weights."""

    def of_node(node: Dimension) -> Dimension:
        return msgspec.structs.replace(node, weight=changes.get(f"d:{node.code}", node.weight))

    return msgspec.structs.replace(
        scheme,
        dimensions=tuple(map(of_node, scheme.dimensions)),
        nodes=tuple(map(of_node, scheme.nodes)),
        indicators=tuple(
            msgspec.structs.replace(one, weight=changes.get(f"i:{one.code}", one.weight)) for one in scheme.indicators
        ),
        weights_by_level={
            level: {code: changes.get(f"d:{level}:{code}", weight) for code, weight in given.items()}
            for level, given in scheme.weights_by_level.items()
        },
    )


@dataclass(frozen=True, slots=True)
class Level:
    """What the change does to the units of a level that have an index; grades move of those that have one."""

    level: str
    unit: Sequence[str]
    before: Floats  # (units,) index at the point estimates
    after: Floats
    grade_before: Integers  # (units,) position of the band of the index, best first; -1: no grades
    grade_after: Integers
    rank: Moves
    grade: Moves
    tier: Moves | None  # None: the level has no tiers
    graded: int  # how many of the units have a grade
    mean_shift: Floats  # (units,) mean change of the rank over the draws; negative: up

    @property
    def order(self) -> Integers:
        """Those that move most first: by grade, then by rank."""
        surest = np.maximum(self.grade.up, self.grade.down)
        return np.lexsort((-np.abs(self.mean_shift), -np.round(surest, 2)))


def look_ahead(run: Opened, changes: Changes) -> tuple[Level, ...]:
    """Every level of a run under other weights, from the same draws."""
    case = run.under(changed(run.scheme, changes))
    before, after = index_of(run), drawn_index(case, run.note.seed)
    there = run.case.enough & case.enough
    return tuple(found for level in run.levels if (found := _level(run, level, there, (before, after), case.index)))


def _level(run: Opened, level: str, there: Booleans, draws: tuple[Floats, Floats], index: Floats) -> Level | None:
    here = run.members(level)
    here = here[there[here]]
    if here.size < 2:
        return None
    old, new = (values[here] for values in draws)
    ranks = rank_draws(old), rank_draws(new)
    bands, tier = run.case.recipe.bands, run.ratings["tier"][here]
    interval = run.scheme.uncertainty.interval
    ok = run.ok[here] if bands.size else np.zeros(here.size, bool)
    graded = tuple(np.where(ok[:, None], band(one, bands) if bands.size else 0, -1) for one in (old, new))
    points = tuple(np.where(ok, band(one[here], bands) if bands.size else 0, -1) for one in (run.case.index, index))
    sizes = np.unique(tier, return_counts=True)[1] if not np.isnan(tier).any() else None
    return Level(
        level=level,
        unit=run.units["unit"][here].tolist(),
        before=run.case.index[here],
        after=index[here],
        grade_before=points[0],
        grade_after=points[1],
        rank=moves(*ranks, interval),
        grade=moves(*graded, interval),
        tier=moves(*(block_of(one, sizes) for one in ranks), interval) if sizes is not None else None,
        graded=int(ok.sum()),
        mean_shift=(ranks[1].astype(np.float64) - ranks[0]).mean(axis=1),
    )
