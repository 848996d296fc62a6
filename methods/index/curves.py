"""One indicator's way from raw number to score, found from the units' point values and then held fixed.

What the data decide (where winsorising cuts, least and greatest value, mean, spread, ranks) is a scale like goalposts
are: found once, at the point values, and the same for every draw. A draw then says where this unit would stand on the
published scale. Found anew in every draw, the noise of the extreme units would move the scale under all others, and
the greatest of many noisy numbers lies too high: centre and interval would not belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from methods.index.moments import power_sums, skewness_of
from methods.index.transformation import TRANSFORMS, Transform, best_power, box_cox
from methods.index.treatment import Limits, treat
from methods.inputs import Floats

Method = Literal["goalposts", "min_max", "z_score", "rank", "percentile", "target", "share_of_best", "none"]

GRID = 512  # points between least and greatest value at which a transformation is told, beside the units' own


@dataclass(frozen=True, slots=True)
class Way:
    """How one indicator is treated and normalised, before any data."""

    method: Method = "goalposts"
    direction: int = 1  # -1: less is better
    scale: tuple[float, float] = (0.0, 100.0)
    clip: bool = True  # scores beyond the ends of the scale get the end
    worst: float = np.nan  # goalposts: value at the lower end; NaN: the number is the score
    best: float = np.nan  # goalposts: value at the upper end
    target: float = np.nan  # target: value at the upper end
    mean: float = 0.0  # z_score: what the mean becomes
    sd: float = 1.0  # z_score: what the standard deviation becomes
    winsorise: Limits | None = None  # move extreme points, transform where that does not do
    transform: Transform = "none"  # transform whatever the distribution

    @property
    def fixed(self) -> bool:
        """Whether no data are needed to find the scale."""
        return self.method in ("goalposts", "none") and self.winsorise is None and self.transform == "none"


@dataclass(frozen=True, slots=True)
class Curve:
    """From raw number to score. Rising or falling, never both."""

    low: float = -np.inf  # numbers below are moved here
    high: float = np.inf  # numbers above are moved here
    knots: Floats | None = None  # (2, n) number and what it becomes; straight lines between, flat beyond
    worst: float = np.nan  # what scores scale[0]; NaN: no scale, what came so far is the score
    best: float = np.nan
    scale: tuple[float, float] = (0.0, 100.0)
    clip: bool = True


def treated(curve: Curve, raw: Floats) -> Floats:
    """Numbers after treatment, before normalisation.

    Parameters
    ----------
    curve
        As `find` gives it.
    raw
        Any shape; NaN stays NaN.

    Returns
    -------
    NDArray
        The same shape.

    Examples
    --------
    >>> treated(Curve(low=1.0, high=5.0), np.array([0.0, 3.0, 9.0])).tolist()
    [1.0, 3.0, 5.0]
    """
    moved = np.clip(raw, curve.low, curve.high) if np.isfinite(curve.low) or np.isfinite(curve.high) else raw
    return moved if curve.knots is None else np.asarray(np.interp(moved, *curve.knots), np.float64)


def score(curve: Curve, raw: Floats, widened: float = 0.0) -> Floats:
    """Scores of raw numbers.

    Parameters
    ----------
    curve
        As `find` gives it.
    raw
        Any shape; NaN stays NaN.
    widened
        Both ends of the scale moved out by this share of their distance.

    Returns
    -------
    NDArray
        The same shape.

    Examples
    --------
    >>> score(Curve(worst=10.0, best=0.0), np.array([4.0, 12.0])).tolist()
    [60.0, 0.0]
    """
    value = treated(curve, raw)
    if np.isnan(curve.worst):
        return value
    distance = curve.best - curve.worst
    made = (value - (curve.worst - widened * distance)) / (distance * (1 + 2 * widened))
    made *= curve.scale[1] - curve.scale[0]
    made += curve.scale[0]
    return np.clip(made, *curve.scale) if curve.clip else made


def find(values: Floats, way: Way) -> Curve:
    """The curve of one indicator, from the numbers of the units that are compared.

    Parameters
    ----------
    values
        (units,) point values; NaN: none.
    way
        How to treat and normalise.

    Returns
    -------
    Curve
        With the data decided; `way.fixed` needs none.

    Raises
    ------
    ValueError
        Numbers that do not vary, a target that is not better than the worst unit, a best of 0 or less for shares of it,
        values that a transformation does not take. Says what would be right.

    Examples
    --------
    >>> find(np.array([1.0, 5.0, 3.0]), Way("min_max", direction=-1))
    Curve(low=-inf, high=inf, knots=None, worst=5.0, best=1.0, scale=(0.0, 100.0), clip=True)
    """
    x = values[~np.isnan(values)]
    if way.fixed:
        return Curve(worst=way.worst, best=way.best, scale=way.scale, clip=way.clip)
    low, high, knots = _treatment(x, way) if x.size else (-np.inf, np.inf, None)
    y = treated(Curve(low, high, knots), x)
    if way.method == "goalposts":
        return Curve(low, high, knots, way.worst, way.best, way.scale, way.clip)
    if way.method == "none" or not x.size:
        return Curve(low, high, knots)
    least, most = float(y.min()), float(y.max())
    if way.method in ("rank", "percentile"):
        if way.method == "percentile" and x.size < 2:
            raise ValueError("only one unit has a number; a percentile needs two")
        place = _places(y, way.direction)
        at, first = np.unique(np.clip(x, low, high), return_index=True)
        steps = place[first] if way.method == "rank" else (place[first] - 1) / (x.size - 1)
        ends = (np.nan, np.nan) if way.method == "rank" else (0.0, 1.0)
        return Curve(low, high, np.stack([at, steps]), *ends, way.scale, way.clip)
    if way.method == "share_of_best":
        if not most > 0:
            raise ValueError(f"the greatest value is {most:g}; a share of it needs one above 0")
        return Curve(low, high, knots, 0.0, most, way.scale, way.clip)
    if least == most:
        raise ValueError(f"all {x.size} numbers are {least:g}; a scale made from them needs two that differ")
    worst, best = (least, most) if way.direction > 0 else (most, least)
    if way.method == "target":
        if (way.target - worst) * way.direction <= 0:
            raise ValueError(f"the target {way.target:g} is not better than the worst unit, {worst:g}")
        best = way.target
    if way.method == "z_score":
        middle = float(y.mean())
        spread = float(y.std(ddof=1))
        ends = (middle, middle + way.direction * spread)
        return Curve(low, high, knots, *ends, (way.mean, way.mean + way.sd), False)
    return Curve(low, high, knots, worst, best, way.scale, way.clip)


def _treatment(x: Floats, way: Way) -> tuple[float, float, Floats | None]:
    """Where numbers are cut, and what they become."""
    if way.winsorise is not None:
        done = treat(x[:, None], way.winsorise)
        if done.transformed[0]:
            mirrored = bool(skewness_of(power_sums(x[:, None]))[0] < 0)
            return -np.inf, np.inf, _knots(x, way.winsorise.otherwise, mirrored)
        low = float(done.values.min()) if done.low[0] else -np.inf
        high = float(done.values.max()) if done.high[0] else np.inf
        return low, high, None
    return -np.inf, np.inf, None if way.transform == "none" else _knots(x, way.transform, False)


def _knots(x: Floats, transform: Transform, mirrored: bool) -> Floats:
    """A transformation told at the units' numbers and at points between: it depends on least and greatest value."""
    at = np.unique(np.concatenate([x, np.linspace(x.min(), x.max(), GRID)]))
    turned = -at if mirrored else at
    if transform == "box_cox":
        made = box_cox(turned, best_power(-x if mirrored else x))
    else:
        made = TRANSFORMS[transform](turned)
    return np.stack([at, -made if mirrored else made])


def _places(y: Floats, direction: int) -> Floats:
    """(units,) ranks, 1 the worst; equal values get the lowest of their ranks."""
    turned = y * direction
    return np.asarray(1.0 + np.searchsorted(np.sort(turned), turned, side="left"), np.float64)
