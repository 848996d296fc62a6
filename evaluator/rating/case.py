"""A rating before any draw: the scheme at the point values, and what each unit has of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.defects import InputError
from evaluator.rating.recipe import Recipe, after_deductions, recipe
from evaluator.rating.scheme import Scheme
from evaluator.rating.tabular import Table
from methods.index.curves import Curve, find, score
from methods.index.tree import Booleans, Standing, aggregate, normalise, standing
from methods.inputs import NO_FACTORS, Factors, Floats, Inputs, Integers
from methods.uncertainty.form import check, in_order, point_values

Texts = NDArray[np.object_]


class NoScale(InputError, ValueError):
    """Numbers from which the scheme's way makes no scale: they do not vary, or go beyond what it takes."""


class Measured(Protocol):
    """What is needed of the estimates, fresh or read back from an edition."""

    @property
    def inputs(self) -> Mapping[str, Inputs]: ...  # by screening; main always
    @property
    def factors(self) -> Mapping[str, Factors]: ...  # by screening
    @property
    def state(self) -> NDArray[np.object_]: ...  # (units, indicators): ok, imputed, not_applicable, suppressed, missing


@dataclass(frozen=True, slots=True)
class Taken:
    """Facts beside the index, taken as they are."""

    deductions: Floats  # (units,) points, 0 or more
    vetoes: Sequence[tuple[str, ...]]  # (units,) codes of vetoes in force
    previous_grade: Sequence[str]  # (units,) grade of the edition before, blank: none


@dataclass(frozen=True, slots=True)
class Case:
    """One rating, in arrays. Everything here is deterministic."""

    scheme: Scheme
    recipe: Recipe
    codes: Texts  # (units,)
    level: Integers  # (units,) position in recipe.levels
    taken: Taken
    inputs: Inputs  # main screening, in order
    screened: Mapping[str, Inputs]  # by screening
    factors: Factors
    state: Texts  # (units, indicators)
    imputed: Booleans  # (units, indicators) where the indicator applies
    has: Standing
    curves: tuple[tuple[Curve, ...], ...]  # (levels, indicators) scales made from the data; empty: all are fixed
    raw: Floats  # (units, indicators) point values
    scores: Floats  # (units, indicators)
    dimensions: Floats  # (units, dimensions)
    plain: Floats  # (units,) index before deductions
    few: Booleans  # (units,) too few indicators of its own
    light: Booleans  # (units,) too little weight present
    small: Booleans  # (levels,) too few units to grade and rank
    credible: Booleans  # (levels,) too many units for rank sets

    @property
    def index(self) -> Floats:
        """(units,) after deductions."""
        return after_deductions(self.recipe, self.plain, self.taken.deductions)

    @property
    def enough(self) -> Booleans:
        """(units,) enough is present for an index."""
        return ~self.few & ~self.light & ~np.isnan(self.plain)

    def index_at(self, raw: Floats) -> Floats:
        """(..., units) index after deductions at other raw values (..., units, indicators)."""
        plain = aggregate(self.recipe.tree, self.has, self.scored(raw))[1]
        return after_deductions(self.recipe, plain, self.taken.deductions)

    def scored(self, raw: Floats, widened: float = 0.0) -> Floats:
        """Scores of other raw values (..., units, indicators) on the same scales."""
        if not self.curves:
            return normalise(self.recipe.tree, raw, widened)
        return scores_on(self.curves, self.level, raw, widened)

    @property
    def direct_index(self) -> Floats:
        """(units,) index at the unshrunken estimates."""
        return self.index_at(point_values(self.inputs, self.codes.size, self.recipe.limits, direct=True))


def open_case(scheme: Scheme, units: Table, estimates: Measured, taken: Taken) -> Case:
    """Put a rating's parts together and apply the scheme's rules on missing numbers.

    Raises
    ------
    ValueError
        A level that the scheme does not have; inputs that do not fit their states or cannot be drawn.
    """
    made = recipe(scheme)
    codes = units["unit"]
    level = made.level_of(units["level"])
    inputs, factors = estimates.inputs["main"], estimates.factors.get("main", NO_FACTORS)
    for screening in estimates.inputs.values():
        check(screening, factors if screening is inputs else NO_FACTORS, codes.size, len(made.indicators))
    inputs, factors = in_order(inputs, factors)
    raw = point_values(inputs, codes.size, made.limits)
    applies, own, imputed = _states(made, codes, level, estimates.state, raw)
    has = standing(made.tree, level, applies, own, imputed, scheme.missing.dimension_min)
    curves = () if made.fixed else _curves(made, level, raw)
    scores = scores_on(curves, level, raw) if curves else normalise(made.tree, raw)
    dimensions, plain = aggregate(made.tree, has, scores)
    level_units = np.bincount(level, minlength=len(made.levels))
    return Case(
        scheme=scheme,
        recipe=made,
        codes=codes,
        level=level,
        taken=taken,
        inputs=inputs,
        screened=estimates.inputs,
        factors=factors,
        state=estimates.state,
        imputed=imputed,
        has=has,
        curves=curves,
        raw=raw,
        scores=scores,
        dimensions=dimensions,
        plain=plain,
        few=has.own < scheme.missing.min_present,
        light=has.index_present < scheme.missing.min_weight_present - 1e-9,
        small=level_units < scheme.publication.min_level_units,
        credible=level_units > scheme.ranks.credible_above,
    )


def scores_on(curves: Sequence[Sequence[Curve]], level: Integers, raw: Floats, widened: float = 0.0) -> Floats:
    """Scores of raw values (..., units, indicators) on the scales of the units' levels."""
    scores = np.empty_like(raw)
    for number in np.unique(level).tolist():
        members = np.flatnonzero(level == number)
        for j, curve in enumerate(curves[number]):
            scores[..., members, j] = score(curve, raw[..., members, j], widened)
    return scores


def _curves(made: Recipe, level: Integers, raw: Floats) -> tuple[tuple[Curve, ...], ...]:
    """The scales that the point values of each level's units make."""
    found = []
    for number in range(len(made.levels)):
        members, curves = np.flatnonzero(level == number), []
        for j, way in enumerate(made.ways):
            values = raw[members, j] if made.applies[number, j] else np.zeros(0)
            try:
                curves.append(find(values, way))
            except ValueError as error:
                code = made.indicators[j]
                told = f"indicator {code} at level {made.levels[number]} makes no scale by {way.method}: {error}"
                raise NoScale([f"{told}; give goalposts, or leave the level out of the indicator"]) from error
        found.append(tuple(curves))
    return tuple(found)


def _states(
    made: Recipe, codes: Texts, level: Integers, state: Texts, raw: Floats
) -> tuple[Booleans, Booleans, Booleans]:
    """(units, indicators) each: the indicator applies, has a number of its own, has an imputed one."""
    at_level = made.applies[level]
    given = ~np.isnan(raw)
    own, imputed = at_level & (state == "ok"), at_level & (state == "imputed")
    wrong = np.argwhere(at_level & ((own | imputed) != given))
    if wrong.size:
        u, i = wrong[0]
        number = f"the number {raw[u, i]}" if given[u, i] else "no number"
        raise ValueError(
            f"inputs: unit {codes[u]}, indicator {made.indicators[i]} has state {state[u, i]!r} and {number}; "
            "ok and imputed have a number, other states have none"
        )
    return at_level & (state != "not_applicable"), own, imputed
