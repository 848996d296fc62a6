"""A generalised variance function: the sampling variance of a mean of bounded scores from few, pooled numbers.

A unit's own estimate of variance fails with few respondents (it is 0 when they agree), so
D_i = deff c (mu_i - low)(high - mu_i) / n_i with mu_i the synthetic mean and deff and c pooled by county and level.
Wolter (2007), Introduction to Variance Estimation, chapter 7; the binomial shape is that of the largest variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats, Integers

LIMITS = (0.3, 10.0)  # of the pooled design effect
LEAST_FREEDOM = 30.0  # degrees of freedom below which the design effect is taken as 1
PRIOR_FREEDOM = 100.0  # degrees of freedom with which the level's numbers enter those of a county
EDGE = 0.02  # synthetic means keep this share of the scale from its ends


@dataclass(frozen=True, slots=True)
class VarianceFunction:
    """Smoothed sampling variances of one item over the units of one level."""

    variance: Floats  # (units,) D_i; infinite without a respondent
    synthetic: Floats  # (units,) mu_i
    shape: float  # c of the level: variance of a score over that of an all-or-nothing score with the same mean
    design_effect: float  # of the level: what clusters, strata and calibration do beyond unequal weights
    area_shape: Floats  # (areas,) c of each area, drawn to that of the level
    area_design_effect: Floats  # (areas,)


def variance_function(
    mean: Floats,
    variance: Floats,
    within: Floats,
    n: Floats,
    effective: Floats,
    correction: Floats,
    X: Floats,
    scale: tuple[float, float] = (0.0, 100.0),
    area: Integers | None = None,
) -> VarianceFunction:
    """Pool shape and design effect over a level and its areas and give every unit its variance.

    Parameters
    ----------
    mean
        (units,) direct means; NaN without a respondent.
    variance
        (units,) their linearised variances; NaN where unknown.
    within
        (units,) variance of a score within the unit; NaN with fewer than two scores.
    n, effective
        (units,) respondents with a score, and the same after the loss by unequal weights.
    correction
        (units,) n / (n - 1) of the design, which `variance` holds already. It is that of all respondents, while the
        mean of an item loses a degree of freedom of those who answered it: left alone, rarely answered items would
        seem to have small design effects.
    X
        (units, p) covariates of the synthetic mean, the intercept included.
    scale
        Lowest and highest possible score.
    area
        (units,) county of each unit: 0, 1, ...; the level is one when left out. A county's pooled numbers are a mean of
        its own and the level's, weighted by its degrees of freedom and 100.

    Raises
    ------
    ValueError
        When the lengths differ, a count is negative, the scale is empty, or X is not finite.

    Examples
    --------
    >>> mean, n = np.array([40.0, 60.0, 50.0]), np.array([11.0, 11.0, 0.0])
    >>> within = np.array([2400.0, 2400.0, np.nan])          # nearly all-or-nothing: (50 * 50 - 10 * 10) 11 / 11
    >>> found = variance_function(mean, within / 11, within, n, n, np.full(3, 1.1), np.ones((3, 1)))
    >>> round(found.shape, 3), found.variance.round(1).tolist()
    (0.962, [218.6, 218.6, inf])
    """
    low, high = scale
    arrays = (mean, variance, within, n, effective, correction)
    if X.ndim != 2 or any(len(one) != len(X) for one in arrays) or (area is not None and len(area) != len(X)):
        raise ValueError(f"every argument must have a value for each of the {len(X)} rows of X")
    if not np.isfinite(X).all():
        raise ValueError("X must be finite; leave out covariates that are not known of every unit")
    if not high > low:
        raise ValueError(f"scale must rise: {scale}")
    if not (np.isfinite(n) & (n >= 0) & np.isfinite(effective) & (effective >= 0)).all():
        raise ValueError("n and effective must be finite and at least 0")
    place = np.zeros(len(X), np.int64) if area is None else np.asarray(area, np.int64)
    areas = int(place.max(initial=0)) + 1
    seen = (effective > 0) & np.isfinite(mean)
    root = np.sqrt(effective[seen])[:, None]
    coefficients = np.linalg.lstsq(X[seen] * root, mean[seen] * root[:, 0], rcond=None)[0]
    margin = EDGE * (high - low)
    mu = np.clip(X @ coefficients, low + margin, high - margin)
    bernoulli = (mu - low) * (high - mu)
    known = seen & (n >= 2) & np.isfinite(within)
    freedom = np.where(known, n - 1.0, 0.0)
    # one score's worth of the largest variance keeps c positive when all agree
    one = float(np.mean(bernoulli[seen])) if seen.any() else 1.0
    found, possible = freedom * np.where(known, within, 0.0), freedom * bernoulli
    c = (np.sum(found) + one) / (np.sum(possible) + one)
    prior = PRIOR_FREEDOM * one
    of_area = (_by(place, areas, found) + prior * c) / (_by(place, areas, possible) + prior)
    shape = of_area[place] if area is not None else np.full(len(X), c)
    deff, deff_of_area = 1.0, np.ones(areas)
    pooled = known & np.isfinite(variance)
    if np.sum(freedom[pooled]) >= LEAST_FREEDOM:
        expected = shape * bernoulli * (n - 1.0) / np.maximum(n, 1.0) * correction
        top = np.where(pooled, freedom * np.nan_to_num(variance) * effective, 0.0)
        bottom = np.where(pooled, freedom * expected, 0.0)
        deff = float(np.clip(np.sum(top) / np.sum(bottom), *LIMITS))
        prior = PRIOR_FREEDOM * float(np.sum(bottom) / np.sum(freedom[pooled]))
        ratio = (_by(place, areas, top) + prior * deff) / (_by(place, areas, bottom) + prior)
        deff_of_area = np.clip(ratio, *LIMITS) if area is not None else np.full(areas, deff)
    with np.errstate(divide="ignore"):
        D = deff_of_area[place] * shape * bernoulli / np.maximum(effective, 1e-300)
    return VarianceFunction(
        np.where(effective > 0, D, np.inf),
        mu,
        float(c),
        deff,
        of_area if area is not None else np.full(1, c),
        deff_of_area,
    )


def _by(place: Integers, areas: int, values: Floats) -> Floats:
    return np.asarray(np.bincount(place, values, minlength=areas), np.float64)
