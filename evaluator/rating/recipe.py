"""A scheme as arrays: the tree, the limits of draws, where each indicator applies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.scheme import Scheme
from methods.index.tree import Tree
from methods.inputs import Floats, Integers
from methods.uncertainty.layout import Lines


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the arithmetic needs of a scheme, in the scheme's order of levels, dimensions and indicators."""

    tree: Tree
    levels: tuple[str, ...]
    dimensions: tuple[str, ...]
    indicators: tuple[str, ...]
    applies: NDArray[np.bool_]  # (levels, indicators)
    limits: Floats  # (indicators, 2) scale to which draws are clipped; NaN: none
    grades: tuple[str, ...]  # best first
    bands: Floats  # (grades,) lower limits

    def level_of(self, levels: NDArray[np.object_]) -> Integers:
        """(units,) positions of the units' levels; ValueError names a level that the scheme does not have."""
        position = {code: i for i, code in enumerate(self.levels)}
        unknown = sorted({str(code) for code in levels} - set(position))
        if unknown:
            raise ValueError(f"units: level {unknown[0]!r} is not in the scheme; it has {', '.join(self.levels)}")
        return np.array([position[code] for code in levels], dtype=np.int64)


def recipe(scheme: Scheme) -> Recipe:
    """Turn a scheme into arrays."""
    levels, dimensions = tuple(scheme.levels), tuple(d.code for d in scheme.dimensions)
    applies = np.array([[not i.levels or code in i.levels for i in scheme.indicators] for code in levels], dtype=bool)
    weight = np.array([i.weight for i in scheme.indicators], dtype=np.float64)
    outer = np.array(
        [
            [scheme.weights_by_level[code].get(d.code, 0.0) for d in scheme.dimensions]
            if code in scheme.weights_by_level
            else [d.weight for d in scheme.dimensions]
            for code in levels
        ],
        dtype=np.float64,
    )
    goalposts = scheme.normalisation.method == "goalposts"
    goals = np.array(
        [i.goal if goalposts and i.goal is not None else (np.nan, np.nan) for i in scheme.indicators], dtype=np.float64
    )
    return Recipe(
        tree=Tree(
            dimension=np.array([dimensions.index(i.dimension) for i in scheme.indicators], dtype=np.int64),
            weight=np.where(applies, weight, 0.0),
            dimension_weight=outer,
            worst=goals[:, 0],
            best=goals[:, 1],
            scale=scheme.normalisation.scale,
            clip=scheme.normalisation.clip,
            within=scheme.aggregation.within_dimension,
            across=scheme.aggregation.across_dimensions,
        ),
        levels=levels,
        dimensions=dimensions,
        indicators=tuple(i.code for i in scheme.indicators),
        applies=applies,
        limits=np.array(
            [i.scale if i.scale is not None else (np.nan, np.nan) for i in scheme.indicators], dtype=np.float64
        ),
        grades=tuple(grade for grade, _ in scheme.grades.bands),
        bands=np.array([limit for _, limit in scheme.grades.bands], dtype=np.float64),
    )


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
    bounded = recipe.tree.clip and not np.isnan(recipe.tree.worst).all()
    return np.maximum(left, recipe.tree.scale[0]) if bounded else left
