"""Krippendorff's alpha: agreement of any number of assessors on any scale, with scores missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import krippendorff
import numpy as np

from methods.inputs import Floats

Level = Literal["nominal", "ordinal", "interval", "ratio"]
LEVELS = ("nominal", "ordinal", "interval", "ratio")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Krippendorff's alpha with a percentile interval over resampled units."""

    estimate: float
    lower: float
    upper: float
    units: int  # with at least two scores; others say nothing about agreement
    replicates: int  # that could be computed: in the others all scores were equal


def krippendorff_alpha(
    scores: Floats,
    level: Level,
    generator: np.random.Generator,
    replicates: int = 1000,
    confidence: float = 0.95,
) -> Agreement:
    """How far assessors agree beyond chance: 1 fully, 0 as by chance, below 0 worse.

    Parameters
    ----------
    scores
        (units, assessors), NaN where there is none.
    level
        How far two scores differ: nominal, ordinal, interval, ratio.
    generator
        For the resampled units.
    replicates
        At least 100.
    confidence
        Of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        For an unknown level, infinite scores, fewer than two units with two scores each, scores that are all equal, or
        a ratio scale with negative scores.

    Notes
    -----
    The point is computed by the package `krippendorff`. The interval resamples units, since scores of one unit hang
    together; below some 20 units it is too narrow.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability; Hayes, Krippendorff (2007), Communication Methods
    and Measures 1, 77-89.

    Examples
    --------
    >>> scores = np.array([[1, 1], [2, 2], [3, 3], [1, 2], [3, 3], [2, 2.0]])
    >>> found = krippendorff_alpha(scores, "ordinal", np.random.default_rng(1), replicates=200)
    >>> round(found.estimate, 3), found.units
    (0.884, 6)
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"scores has shape {table.shape}; give units (rows) by at least two assessors (columns)")
    if np.any(np.isinf(table)):
        raise ValueError("scores holds infinite values; give NaN where there is no score")
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}; give one of {', '.join(LEVELS)}")
    if level == "ratio" and np.nanmin(table, initial=0.0) < 0:
        raise ValueError("scores holds negative values; a ratio scale starts at 0")
    if replicates < 100 or not 0.0 < confidence < 1.0:
        raise ValueError(f"replicates is {replicates}, confidence {confidence}; give at least 100, and one below 1")
    table = table[np.count_nonzero(~np.isnan(table), axis=1) >= 2]
    if len(table) < 2:
        raise ValueError("scores has fewer than two units with two scores each; agreement cannot be seen")
    values, at = np.unique(table[~np.isnan(table)], return_inverse=True)
    if len(values) < 2:
        raise ValueError("scores are all the same; agreement needs units that differ")
    counts = np.zeros((len(table), len(values)))
    np.add.at(counts, (np.nonzero(~np.isnan(table))[0], at), 1.0)
    estimate = _alpha(counts, values, level)
    size = len(counts)
    weights = np.array([np.bincount(generator.integers(0, size, size), minlength=size) for _ in range(replicates)])
    drawn = _alphas(weights.astype(np.float64), counts, values, level)
    drawn = drawn[np.count_nonzero(weights @ counts, axis=1) > 1]  # of scores that are all the same there is none
    tail = 50.0 * (1.0 - confidence)
    lower, upper = np.percentile(drawn, [tail, 100.0 - tail])
    return Agreement(estimate, float(lower), float(upper), len(table), len(drawn))


def _alpha(counts: Floats, values: Floats, level: Level) -> float:
    found = krippendorff.alpha(value_counts=counts, value_domain=values.tolist(), level_of_measurement=level)
    return float(found)


def _alphas(weights: Floats, counts: Floats, values: Floats, level: Level) -> Floats:
    """Alpha of each resample; NaN where all scores are the same.

    Parameters
    ----------
    weights
        (resamples, units), how often each unit is in it.
    counts
        (units, values), how many assessors gave each value.
    values
        In ascending order.

    Notes
    -----
    The sums over pairs of scores are worked out unit by unit, once for all resamples. Squared differences add up from
    sums and sums of squares; an ordinal difference is that of the resample's mid-ranks.
    """
    n = weights @ counts
    total, scored = n.sum(axis=1), counts.sum(axis=1)
    if level in ("interval", "ordinal"):
        place = np.cumsum(n, axis=1) - n / 2.0 if level == "ordinal" else np.broadcast_to(values, n.shape)
        place = place - place.mean(axis=1, keepdims=True)  # large numbers must not hide small differences
        first, second = place @ counts.T, (place * place) @ counts.T
        observed = (weights * (2.0 * (scored * second - first * first) / (scored - 1.0))).sum(axis=1)
        expected = 2.0 * (total * (n * place * place).sum(axis=1) - (n * place).sum(axis=1) ** 2)
    else:
        apart = _nominal(values) if level == "nominal" else _ratio(values)
        observed = weights @ (((counts @ apart) * counts).sum(axis=1) / (scored - 1.0))
        expected = ((n @ apart) * n).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1.0 - (total - 1.0) * observed / expected, np.float64)


def _nominal(values: Floats) -> Floats:
    return 1.0 - np.eye(len(values))


def _ratio(values: Floats) -> Floats:
    both = values[:, None] + values
    return np.asarray(((values[:, None] - values) / np.where(both == 0.0, 1.0, both)) ** 2, np.float64)
