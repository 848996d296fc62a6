"""A generalised variance function: the sampling variance of a mean of bounded scores from few, pooled numbers.

A unit's own estimate of variance fails with few respondents (it is 0 when they agree), so
D_i = deff c (mu_i - low)(high - mu_i) / n_i with mu_i the synthetic mean and deff and c pooled over the level.
Wolter (2007), Introduction to Variance Estimation, chapter 7; the binomial shape is that of the largest variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats

LIMITS = (0.3, 10.0)  # of the pooled design effect
LEAST_FREEDOM = 30.0  # degrees of freedom below which the design effect is taken as 1
EDGE = 0.02  # synthetic means keep this share of the scale from its ends


@dataclass(frozen=True, slots=True)
class VarianceFunction:
    """Smoothed sampling variances of one item over the units of one level."""

    variance: Floats  # (units,) D_i; infinite without a respondent
    synthetic: Floats  # (units,) mu_i
    shape: float  # c: variance of a score over that of an all-or-nothing score with the same mean
    design_effect: float  # what clusters, strata and calibration do beyond unequal weights


def variance_function(
    mean: Floats,
    variance: Floats,
    within: Floats,
    n: Floats,
    effective: Floats,
    correction: Floats,
    X: Floats,
    scale: tuple[float, float] = (0.0, 100.0),
) -> VarianceFunction:
    """Pool shape and design effect over a level and give every unit its variance.

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
    """
    low, high = scale
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
    c = (np.sum(freedom * np.where(known, within, 0.0)) + one) / (np.sum(freedom * bernoulli) + one)
    deff = 1.0
    pooled = known & np.isfinite(variance)
    if np.sum(freedom[pooled]) >= LEAST_FREEDOM:
        expected = c * bernoulli * (n - 1.0) / np.maximum(n, 1.0) * correction
        ratio = np.sum((freedom * variance * effective)[pooled]) / np.sum((freedom * expected)[pooled])
        deff = float(np.clip(ratio, *LIMITS))
    with np.errstate(divide="ignore"):
        D = np.where(effective > 0, deff * c * bernoulli / np.maximum(effective, 1e-300), np.inf)
    return VarianceFunction(D, mu, float(c), deff)
