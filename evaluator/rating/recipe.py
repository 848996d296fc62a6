"""A scheme as arrays: the tree, the limits of draws, where each indicator applies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.nodes import groups, parent_of
from evaluator.rating.scheme import Indicator, Scheme, Treatment
from methods.index.aggregation import Rule
from methods.index.curves import Way
from methods.index.transformation import Transform
from methods.index.treatment import Limits
from methods.index.tree import Tree
from methods.inputs import Floats, Integers
from methods.uncertainty.layout import Lines


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the arithmetic needs of a scheme, in the scheme's order of levels, nodes and indicators."""

    tree: Tree
    levels: tuple[str, ...]
    dimensions: tuple[str, ...]  # all nodes below the index: dimensions first, then those below them
    indicators: tuple[str, ...]
    applies: NDArray[np.bool_]  # (levels, indicators)
    limits: Floats  # (indicators, 2) scale to which draws are clipped; NaN: none
    grades: tuple[str, ...]  # best first
    bands: Floats  # (grades,) lower limits
    ways: tuple[Way, ...]  # (indicators,) how each is treated and normalised

    @property
    def fixed(self) -> bool:
        """Whether no scale is made from the data: goalposts, or numbers as they are, without treatment."""
        return all(way.fixed for way in self.ways)

    @property
    def bounded(self) -> bool:
        """Whether some indicator is cut to the ends of the scale, so that the index has a foot."""
        scaled = [w for w in self.ways if w.method not in ("none", "z_score", "rank")]
        return self.tree.clip and any(w.method != "goalposts" or not np.isnan(w.worst) for w in scaled)

    def level_of(self, levels: NDArray[np.object_]) -> Integers:
        """(units,) positions of the units' levels; ValueError names a level that the scheme does not have."""
        position = {code: i for i, code in enumerate(self.levels)}
        unknown = sorted({str(code) for code in levels} - set(position))
        if unknown:
            raise ValueError(f"units: level {unknown[0]!r} is not in the scheme; it has {', '.join(self.levels)}")
        return np.array([position[code] for code in levels], dtype=np.int64)


def recipe(scheme: Scheme) -> Recipe:
    """Turn a scheme into arrays."""
    nodes = groups(scheme)
    levels, codes = tuple(scheme.levels), tuple(one.code for one in nodes)
    ways = tuple(_way(scheme, one) for one in scheme.indicators)
    applies = np.array([[not i.levels or code in i.levels for i in scheme.indicators] for code in levels], dtype=bool)
    weight = np.array([i.weight for i in scheme.indicators], dtype=np.float64)
    outer = np.array(
        [
            [scheme.weights_by_level[code].get(one.code, one.weight if one.parent else 0.0) for one in nodes]
            if code in scheme.weights_by_level
            else [one.weight for one in nodes]
            for code in levels
        ],
        dtype=np.float64,
    )
    within = scheme.aggregation.within_dimension
    rules: tuple[Rule, ...] = tuple(within if one.aggregation is None else one.aggregation for one in nodes)
    return Recipe(
        tree=Tree(
            dimension=np.array([codes.index(parent_of(i)) for i in scheme.indicators], dtype=np.int64),
            weight=np.where(applies, weight, 0.0),
            dimension_weight=outer,
            worst=np.array([way.worst for way in ways]),
            best=np.array([way.best for way in ways]),
            scale=scheme.normalisation.scale,
            clip=scheme.normalisation.clip,
            within=within,
            across=scheme.aggregation.across_dimensions,
            belongs=np.array([codes.index(one.parent) if one.parent else -1 for one in nodes], dtype=np.int64)
            if scheme.nodes
            else None,
            rules=() if set(rules) <= {within} else rules,
        ),
        levels=levels,
        dimensions=codes,
        indicators=tuple(i.code for i in scheme.indicators),
        applies=applies,
        limits=np.array(
            [i.scale if i.scale is not None else (np.nan, np.nan) for i in scheme.indicators], dtype=np.float64
        ),
        grades=tuple(grade for grade, _ in scheme.grades.bands),
        bands=np.array([limit for _, limit in scheme.grades.bands], dtype=np.float64),
        ways=ways,
    )


def _way(scheme: Scheme, indicator: Indicator) -> Way:
    """How an indicator is treated and normalised."""
    rules = scheme.normalisation
    method = indicator.normalisation or rules.method
    goal = indicator.goal if method == "goalposts" and indicator.goal is not None else (np.nan, np.nan)
    treatment = indicator.treatment or scheme.treatment
    return Way(
        method=method,
        direction=indicator.direction,
        scale=rules.scale,
        clip=rules.clip,
        worst=goal[0],
        best=goal[1],
        target=np.nan if indicator.target is None else indicator.target,
        mean=rules.mean,
        sd=rules.sd,
        winsorise=_limits(treatment),
        transform=treatment.transform if treatment.method == "transform" else "none",
    )


def _limits(treatment: Treatment) -> Limits | None:
    if treatment.method != "winsorise":
        return None
    otherwise: Transform = treatment.transform
    return Limits(treatment.skewness, treatment.kurtosis, treatment.most, otherwise)


def lines(recipe: Recipe) -> Lines:
    """Normalisation as a straight line of each indicator, clipped: what `normalise` does, as draws need it."""
    tree, (low, high) = recipe.tree, recipe.tree.scale
    goal = ~(np.isnan(tree.worst) | np.isnan(tree.best))
    distance = np.where(goal, tree.best - tree.worst, 1.0)
    slope = np.where(goal, (high - low) / distance, 1.0)
    offset = np.where(goal, low - np.where(goal, tree.worst, 0.0) * slope, 0.0)
    clipped = goal & tree.clip
    return Lines(offset, slope, np.where(clipped, low, -np.inf), np.where(clipped, high, np.inf))


def after_deductions(recipe: Recipe, index: Floats, deductions: Floats) -> Floats:
    """The index less the points taken off, not below the foot of a bounded scale.

    Parameters
    ----------
    index
        (..., units).
    deductions
        (units,).
    """
    left = index - deductions
    return np.maximum(left, recipe.tree.scale[0]) if recipe.bounded else left
