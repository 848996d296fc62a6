"""A two-storey index: indicators in dimensions, dimensions in the index.

Everything takes arrays of shape ``(..., units, indicators)``, so that point values, a block of draws and a column of
alternatives go through the same lines. Sums run over a fixed order of indicators, one at a time: the result of a unit
is the same to the last bit however units and draws are cut into pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers

Booleans = NDArray[np.bool_]

TOLERANCE = 1e-9  # a share of 0.67 made of thirds must not fail a threshold of 0.67 by rounding


@dataclass(frozen=True, slots=True)
class Tree:
    """How raw numbers become an index. Weights need not sum to one; a zero weight means "does not apply here"."""

    dimension: Integers  # (indicators,) position of each indicator's dimension
    weight: Floats  # (levels, indicators) within the dimension
    dimension_weight: Floats  # (levels, dimensions)
    worst: Floats  # (indicators,) raw value that scores scale[0]; NaN: the raw value is the score
    best: Floats  # (indicators,) raw value that scores scale[1]; below `worst` when less is better
    scale: tuple[float, float] = (0.0, 100.0)
    clip: bool = True
    within: float = 1.0  # exponent of the power mean of indicators
    across: float = 1.0  # exponent of the power mean of dimensions

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.weight.shape[1] != self.dimension.size:
            raise ValueError(
                f"weight has shape {self.weight.shape}; it must be (levels, indicators), "
                f"with {self.dimension.size} indicators"
            )
        if self.dimension_weight.ndim != 2 or self.dimension_weight.shape[0] != self.weight.shape[0]:
            raise ValueError(
                f"dimension_weight has shape {self.dimension_weight.shape}; it must be (levels, dimensions)"
            )
        if not ((self.weight >= 0).all() and (self.dimension_weight >= 0).all()):
            raise ValueError("a weight is negative or not a number; weights must be 0 or more")
        flat = np.flatnonzero(self.worst == self.best)
        if flat.size:
            raise ValueError(f"indicator {flat[0]}: both goalposts are {self.worst[flat[0]]}; they must differ")

    @property
    def floor(self) -> float:
        """Least score that a geometric mean sees: 1 on a scale of 0 to 100."""
        return max(self.scale[0], (self.scale[1] - self.scale[0]) / 100)

    def only(self, indicators: Integers) -> Tree:
        """The tree of some indicators, in that order, under the same dimensions."""
        return replace(
            self,
            dimension=self.dimension[indicators],
            weight=self.weight[:, indicators],
            worst=self.worst[indicators],
            best=self.best[indicators],
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What each unit has of the tree, and the weights that follow."""

    weight: Floats  # (units, indicators) sum to 1 within a scored dimension; 0: not used
    dimension_weight: Floats  # (units, dimensions) sum to 1; 0: not used
    indicator_present: Floats  # (units, indicators) 1: a number of its own, 0: imputed or none, NaN: not applicable
    dimension_present: (
        Floats  # (units, dimensions) share of applicable weight with numbers of its own, NaN: not applicable
    )
    index_present: Floats  # (units,) the same over the whole tree; a dimension that is not scored counts as absent
    own: Integers  # (units,) indicators with a number of their own

    def only(self, units: Integers, indicators: Integers) -> Standing:
        """The rows of some units and the columns of some indicators."""
        return Standing(
            weight=self.weight[np.ix_(units, indicators)],
            dimension_weight=self.dimension_weight[units],
            indicator_present=self.indicator_present[np.ix_(units, indicators)],
            dimension_present=self.dimension_present[units],
            index_present=self.index_present[units],
            own=self.own[units],
        )


def standing(
    tree: Tree, level: Integers, applies: Booleans, own: Booleans, imputed: Booleans, dimension_min: float = 0.0
) -> Standing:
    """Renormalise weights over what applies and is there.

    The weight of an indicator that does not apply passes to the others of its dimension. A dimension with less than
    `dimension_min` of its applicable weight in numbers of its own is not scored, and its weight passes to the other
    dimensions. Imputed numbers carry weight but are not a unit's own.

    Parameters
    ----------
    level
        (units,) row of `tree.weight`.
    applies, own, imputed
        (units, indicators).
    """
    if applies.shape != (level.size, tree.dimension.size):
        raise ValueError(f"applies has shape {applies.shape}; it must be {(level.size, tree.dimension.size)}")
    dimensions = tree.dimension_weight.shape[1]
    applicable = tree.weight[level] * applies
    usable = applicable * (own | imputed)
    total, held, used = (np.zeros((level.size, dimensions)) for _ in range(3))
    for j, d in enumerate(tree.dimension):
        total[:, d] += applicable[:, j]
        held[:, d] += applicable[:, j] * own[:, j]
        used[:, d] += usable[:, j]
    applicable_dimension = np.where(total > 0, tree.dimension_weight[level], 0.0)
    present = np.divide(held, total, out=np.full_like(total, np.nan), where=applicable_dimension > 0)
    scored = (used > 0) & (applicable_dimension > 0) & (np.nan_to_num(present) >= dimension_min - TOLERANCE)
    weight = np.divide(
        usable,
        used[:, tree.dimension],
        out=np.zeros_like(usable),
        where=scored[:, tree.dimension] & (usable > 0),
    )
    outer, counted, kept = np.zeros(level.size), np.zeros(level.size), np.zeros(level.size)
    for d in range(dimensions):
        outer += applicable_dimension[:, d]
        counted += applicable_dimension[:, d] * scored[:, d] * np.nan_to_num(present[:, d])
        kept += applicable_dimension[:, d] * scored[:, d]
    dimension_weight = np.divide(
        applicable_dimension, kept[:, None], out=np.zeros_like(applicable_dimension), where=scored
    )
    used_here = (applicable > 0) & (applicable_dimension > 0)[:, tree.dimension]
    return Standing(
        weight=weight,
        dimension_weight=dimension_weight,
        indicator_present=np.where(used_here, own.astype(float), np.nan),
        dimension_present=present,
        index_present=np.divide(counted, outer, out=np.zeros_like(outer), where=outer > 0),
        own=(own & used_here).sum(axis=1).astype(np.int64),
    )


def normalise(tree: Tree, raw: Floats, widened: float = 0.0) -> Floats:
    """Scores of raw numbers between goalposts, on `tree.scale`.

    Parameters
    ----------
    raw
        (..., units, indicators); NaN stays NaN.
    widened
        Both goalposts moved out by this share of their distance (an alternative for `sensitivity`).
    """
    scores = np.empty_like(raw)  # keeps the memory order: draws lie last in memory
    low, high = tree.scale
    for j in range(tree.dimension.size):
        if np.isnan(tree.worst[j]) or np.isnan(tree.best[j]):
            scores[..., j] = raw[..., j]
            continue
        distance = tree.best[j] - tree.worst[j]
        worst = tree.worst[j] - widened * distance
        score = (raw[..., j] - worst) / (distance * (1 + 2 * widened))
        score *= high - low
        score += low
        if tree.clip:
            np.clip(score, low, high, out=score)
        scores[..., j] = score
    return scores


def raise_to(scores: Floats, exponent: float, floor: float) -> Floats:
    """What a power mean sums: scores, their logarithms (exponent 0) or powers.

    Exponents at or below 0 see scores of at least `floor`, others of at least 0; exponent 1 takes them as they are.
    """
    if exponent == 1:
        return scores
    if exponent <= 0:
        scores = np.maximum(scores, floor)
        return np.log(scores) if exponent == 0 else scores**exponent
    scores = np.maximum(scores, 0.0)
    return np.sqrt(scores) if exponent == 0.5 else scores**exponent


def lower_from(mean: Floats, exponent: float) -> Floats:
    """The inverse of `raise_to`."""
    if exponent == 1:
        return mean
    if exponent == 0:
        return np.exp(mean)
    return mean * mean if exponent == 0.5 else mean ** (1 / exponent)


def power_mean(scores: Sequence[Floats], weight: Sequence[Floats], exponent: float, floor: float) -> Floats:
    """Weighted power mean of items; weights sum to 1 where an item carries any, else the mean is NaN.

    Parameters
    ----------
    scores
        One array (..., units) an item; what stands where its weight is 0 does not matter.
    weight
        One array that broadcasts to it an item.
    """
    total: Floats | None = None
    some: Floats | None = None
    for x, w in zip(scores, weight, strict=True):
        if not (w > 0).any():
            continue
        if not (w > 0).all():
            x = np.where(w > 0, x, 1.0)
        term = raise_to(x, exponent, floor) * w
        if total is None or some is None:
            total, some = term, w
        else:
            total += term
            some = some + w
    if total is None or some is None:
        shape = np.broadcast_shapes(*(np.shape(x) for x in scores)) if scores else ()
        return np.full(shape, np.nan)
    if (some > 0).all():
        return lower_from(total, exponent)
    return np.where(some > 0, lower_from(np.where(some > 0, total, 1.0), exponent), np.nan)


def aggregate(tree: Tree, has: Standing, scores: Floats) -> tuple[Floats, Floats]:
    """Dimension and index scores.

    Parameters
    ----------
    scores
        (..., units, indicators) as `normalise` gives them.

    Returns
    -------
    dimensions, index
        (..., units, dimensions) and (..., units); NaN where nothing is scored.
    """
    columns: list[Floats] = []
    for d in range(tree.dimension_weight.shape[1]):
        members = np.flatnonzero(tree.dimension == d)
        if not members.size:
            columns.append(np.full(scores.shape[:-1], np.nan))
            continue
        columns.append(
            power_mean([scores[..., j] for j in members], [has.weight[:, j] for j in members], tree.within, tree.floor)
        )
    weights = [has.dimension_weight[:, d] for d in range(len(columns))]
    return np.stack(columns, axis=-1), power_mean(columns, weights, tree.across, tree.floor)
