"""The `sensitivity` table: the index under each alternative that the scheme registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.case import Case
from evaluator.rating.recipe import after_deductions
from evaluator.rating.tabular import Table
from methods.index.aggregation import Rule
from methods.index.tree import Booleans
from methods.inputs import Floats, Integers
from methods.ranking.grades import band
from methods.uncertainty import sensitivity
from methods.uncertainty.draws import stream
from methods.uncertainty.form import point_values

WEIGHTINGS = 1024  # weights drawn at every node; fixed, since figures must come out again
POINTS = 512  # of the Sobol design
STREAM = 2**63  # weights, shift and bootstrap have streams of their own, far from the blocks of draws

COLUMNS = ("choice", "unit", "statistic", "value", "lower", "upper")
FACTORS = ("weights", "aggregation", "goalposts", "screening")


def alternatives(case: Case, graded: Booleans, seed: int, progress: Callable[[float], None], threads: int = 1) -> Table:
    """Compute the table.

    Parameters
    ----------
    graded
        (units,) with a grade: only they can keep it.
    seed
        Of weights, of the Sobol design and of its bootstrap.
    """
    rows = _Rows()
    recipe, codes, settings = case.recipe, case.codes, case.scheme.sensitivity
    exponents: list[Rule] = list(
        dict.fromkeys((recipe.tree.across, *settings.aggregation))
    )  # the scheme's own option comes first
    widened = list(dict.fromkeys((0.0, *settings.goalposts_widened)))
    if np.isnan(recipe.tree.worst).all():
        widened = widened[:1]  # without goalposts there is nothing to widen
    screenings = list(dict.fromkeys(("main", *(s for s in settings.screening if s in case.screened))))
    choices = _choices(case, seed, exponents, widened, screenings)
    if max(choices.options) == 1 or not case.enough.any():
        progress(1.0)
        return rows.table()

    def index(recipes: Integers) -> Floats:
        return _index(case, choices, recipes, threads)

    main = index(np.zeros((1, 4), np.int64))[0]
    main_band = np.where(graded, band(main, recipe.bands), -1)
    ranked = np.where(graded, case.level, -1)
    named: list[tuple[str, tuple[int, int, int, int]]] = [
        *((f"aggregation {_name(p)}", (0, i, 0, 0)) for i, p in enumerate(exponents) if i),
        *((f"goalposts widened {_name(w)}", (0, 0, i, 0)) for i, w in enumerate(widened) if i),
        *((f"screening {s}", (0, 0, 0, i)) for i, s in enumerate(screenings) if i),
    ]
    tails = ((1 - case.scheme.uncertainty.interval) / 2, (1 + case.scheme.uncertainty.interval) / 2)
    here = ~np.isnan(main)
    if named:
        values = index(np.array([r for _, r in named], dtype=np.int64))
        bands = band(values, recipe.bands)
        found = sensitivity.changes(main, values, main_band, bands, ranked)
        for i, (choice, _) in enumerate(named):
            rows.add_changes(choice, found, i, bool(recipe.grades))
            rows.add_units(choice, codes[here], "index", values[i, here])
            if recipe.grades:
                rows.add_units(choice, codes[graded], "keeps_grade", (bands[i] == main_band)[graded].astype(float))
    progress(0.2)
    if choices.options[0] > 1:
        recipes = np.zeros((WEIGHTINGS, 4), np.int64)
        recipes[:, 0] = np.arange(1, WEIGHTINGS + 1)
        values = index(recipes)
        bands = band(values, recipe.bands)
        found = sensitivity.changes(main, values, main_band, bands, ranked)
        for statistic, each in _statistics(found, bool(recipe.grades)):
            rows.add("weights", "", statistic, each.mean(), *np.quantile(each, tails))
        low, high = np.quantile(values[:, here], tails, axis=0)
        rows.add_units("weights", codes[here], "index", values[:, here].mean(axis=0), low, high)
        if recipe.grades:
            rows.add_units("weights", codes[graded], "keeps_grade", (bands == main_band).mean(axis=0)[graded])
    progress(0.4)
    _leave_one_out(rows, case, choices, main, main_band, ranked, threads)
    progress(0.5)
    if settings.sobol is not None:
        _sobol(rows, choices, index, here, settings.sobol.bootstrap, case.scheme.uncertainty.interval, seed)
    progress(1.0)
    return rows.table()


def _index(case: Case, choices: sensitivity.Choices, recipes: Integers, threads: int) -> Floats:
    """(recipes, units) index after deductions, of the units that have one."""
    values = after_deductions(case.recipe, sensitivity.index_under(choices, recipes, threads), case.taken.deductions)
    values[:, ~case.enough] = np.nan
    return values


def _leave_one_out(
    rows: _Rows,
    case: Case,
    choices: sensitivity.Choices,
    main: Floats,
    main_band: Integers,
    ranked: Integers,
    threads: int,
) -> None:
    """How index, ranks and grades move when an indicator or a dimension is left out; over all units only."""
    recipe = case.recipe
    weight, outer = sensitivity.leave_one_out(recipe.tree.weight, recipe.tree.dimension_weight)
    names = [*(f"without indicator {code}" for code in recipe.indicators)]
    names += [f"without dimension {code}" for code in recipe.dimensions]
    used = np.any((weight != weight[0]).any(axis=2) | (outer != outer[0]).any(axis=2), axis=1)
    kept = np.flatnonzero(used)
    recipes = np.zeros((kept.size, 4), np.int64)
    recipes[:, 0] = kept
    values = _index(case, replace(choices, weight=weight, dimension_weight=outer), recipes, threads)
    found = sensitivity.changes(main, values, main_band, band(values, recipe.bands), ranked)
    for i, k in enumerate(kept):
        rows.add_changes(names[k - 1], found, i, bool(recipe.grades))


def _statistics(found: sensitivity.Changes, graded: bool) -> list[tuple[str, Floats]]:
    """What is told of changes, by name."""
    return [
        ("mean_absolute_change", found.mean),
        ("largest_change", found.largest),
        *([("share_keeping_grade", found.kept)] if graded else []),
        ("mean_rank_change", found.mean_ranks),
        ("largest_rank_change", found.largest_ranks),
    ]


def _choices(
    case: Case, seed: int, exponents: list[Rule], widened: list[float], screenings: Sequence[str]
) -> sensitivity.Choices:
    tree, has = case.recipe.tree, case.has
    raw = []
    for screening in screenings:
        other = point_values(case.screened[screening], case.codes.size, case.recipe.limits)
        raw.append(np.where(np.isnan(other), case.raw, other))
    concentration = case.scheme.sensitivity.dirichlet_concentration
    weight, outer = tree.weight[None], tree.dimension_weight[None]
    if concentration is not None:
        rng = stream(seed, STREAM)
        # one draw of indicators' weights for all levels, renormalised over those that apply
        whole = np.array([i.weight for i in case.scheme.indicators], dtype=np.float64)
        inner = sensitivity.dirichlet(whole, tree.dimension, concentration, WEIGHTINGS, rng)
        weight = np.concatenate([weight, np.where(case.recipe.applies, inner[:, None, :], 0.0)])
        levels, dimensions = tree.dimension_weight.shape
        above = np.repeat(np.arange(levels), dimensions) * (dimensions + 1) + np.tile(tree.parents + 1, levels)
        node = np.unique(above, return_inverse=True)[1].ravel()
        drawn = sensitivity.dirichlet(tree.dimension_weight.ravel(), node, concentration, WEIGHTINGS, rng)
        outer = np.concatenate([outer, drawn.reshape(WEIGHTINGS, levels, dimensions)])
    return sensitivity.Choices(
        scores=np.stack([np.stack([case.scored(r, w) for r in raw]) for w in widened]),
        usable=has.weight > 0,
        scored=has.dimension_weight > 0,
        dimension=tree.dimension,
        level=case.level,
        weight=weight,
        dimension_weight=outer,
        within=tree.within,
        across=tuple(exponents),
        floor=tree.floor,
        belongs=tree.belongs,
        rules=tree.rules,
    )


def _sobol(
    rows: _Rows,
    choices: sensitivity.Choices,
    index: Callable[[Integers], Floats],
    here: NDArray[np.bool_],
    bootstrap: int,
    interval: float,
    seed: int,
) -> None:
    """All choices at once, each option of a choice as likely as the next, summed over units by variance."""
    active = [f for f, options in enumerate(choices.options) if options > 1]
    rng = stream(seed, STREAM + 1)
    points = sensitivity.sobol_design(POINTS, len(active), rng)
    recipes = np.zeros((*points.shape[:2], 4), np.int64)
    for column, f in enumerate(active):
        options = choices.options[f] - (1 if f == 0 else 0)  # weights: drawn ones only
        recipes[..., f] = (points[..., column] * options).astype(np.int64) + (1 if f == 0 else 0)
    values = np.stack([index(block)[:, here] for block in recipes])
    found = sensitivity.sobol(values, bootstrap, interval, rng)
    for column, f in enumerate(active):
        rows.add(
            FACTORS[f], "", "sobol_first", *(x[column] for x in (found.first, found.first_lower, found.first_upper))
        )
        rows.add(
            FACTORS[f], "", "sobol_total", *(x[column] for x in (found.total, found.total_lower, found.total_upper))
        )


def _name(value: Rule) -> str:
    return value if isinstance(value, str) else f"{value:g}"


class _Rows:
    """Rows of the table as they come."""

    def __init__(self) -> None:
        self.parts: list[tuple[NDArray[Any], ...]] = []

    def add(
        self, choice: str, unit: str, statistic: str, value: float, lower: float = np.nan, upper: float = np.nan
    ) -> None:
        self.add_units(
            choice, np.array([unit], dtype=object), statistic, *(np.array([x]) for x in (value, lower, upper))
        )

    def add_changes(self, choice: str, found: sensitivity.Changes, i: int, graded: bool) -> None:
        """What alternative `i` changes, over all units."""
        for statistic, each in _statistics(found, graded):
            self.add(choice, "", statistic, each[i])

    def add_units(
        self,
        choice: str,
        units: NDArray[np.object_],
        statistic: str,
        value: Floats,
        lower: Floats | None = None,
        upper: Floats | None = None,
    ) -> None:
        blank = np.full(units.size, np.nan)
        text = (np.full(units.size, choice, dtype=object), units, np.full(units.size, statistic, dtype=object))
        numbers = (value, blank if lower is None else lower, blank if upper is None else upper)
        self.parts.append((*text, *numbers))

    def table(self) -> Table:
        if not self.parts:
            return {name: np.zeros(0, dtype=object if i < 3 else np.float64) for i, name in enumerate(COLUMNS)}
        return {name: np.concatenate([part[i] for part in self.parts]) for i, name in enumerate(COLUMNS)}
