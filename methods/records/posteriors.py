"""Posteriors of shares and rates, one a unit, in the family of their prior; weighted sums of rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats
from methods.records.priors import Prior


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posteriors of the same family as the prior, one a unit."""

    a: Floats  # (units,) alpha, or shape
    b: Floats  # (units,) beta, or rate


def share_posterior(prior: Prior, successes: Floats, trials: Floats, whole: bool = True) -> Posterior:
    """Beta posteriors of the units' shares.

    Parameters
    ----------
    prior
        Of the level.
    successes, trials
        (units,) counts; without trials the posterior is the prior.
    whole
        Take in that the prior is estimated: the beta of equal mean and variance.

    Raises
    ------
    ValueError
        When a count lies outside 0 .. trials or is not finite.

    Notes
    -----
    The share behind the count, not the count: show the raw share beside it.

    References
    ----------
    Kass, Steffey (1989), Journal of the American Statistical Association 84, 717-726.

    Examples
    --------
    >>> from methods.records.priors import fixed_prior
    >>> at = share_posterior(fixed_prior(0.5, 0.5), np.array([3.0]), np.array([10.0]))
    >>> float(at.a[0]), float(at.b[0])
    (3.5, 7.5)
    """
    y, n = _pair(successes, trials, ("successes", "trials"))
    if np.any(y > n):
        raise ValueError("successes exceed trials; numerators must not exceed denominators")
    if not (whole and prior.estimated):
        return Posterior(y + prior.a, n - y + prior.b)
    a, b = y[:, None] + prior.points[:, 0], (n - y)[:, None] + prior.points[:, 1]
    m = a / (a + b)
    mean, variance = _mixture(m, m * (1.0 - m) / (a + b + 1.0), prior.weights)
    size = np.maximum(mean * (1.0 - mean) / variance - 1.0, 1e-3)
    return Posterior(mean * size, (1.0 - mean) * size)


def rate_posterior(prior: Prior, events: Floats, exposure: Floats, whole: bool = True) -> Posterior:
    """Gamma posteriors of the units' rates.

    Parameters
    ----------
    prior
        Of the level.
    events, exposure
        (units,) counts and what they are counted over; without exposure the posterior is the prior.
    whole
        Take in that the prior is estimated: the gamma of equal mean and variance.

    Raises
    ------
    ValueError
        When a number is negative or not finite, or a unit without exposure meets an improper prior.

    References
    ----------
    Kass, Steffey (1989), Journal of the American Statistical Association 84, 717-726.

    Examples
    --------
    >>> from methods.records.priors import fixed_prior
    >>> pumps = fixed_prior(0.8230, 1.2617)
    >>> at = rate_posterior(pumps, np.array([5.0]), np.array([94.32]))
    >>> round(float(at.a[0] / at.b[0]), 5)   # (5 + .8230) / (94.32 + 1.2617)
    0.06092
    """
    y, t = _pair(events, exposure, ("events", "exposure"))
    if prior.b <= 0 and np.any(t == 0):
        raise ValueError("exposure is 0 for a unit, and the prior improper; leave such units out")
    if not (whole and prior.estimated):
        return Posterior(y + prior.a, t + prior.b)
    a, b = y[:, None] + prior.points[:, 0], t[:, None] + prior.points[:, 1]
    return match_gamma(*_mixture(a / b, a / b**2, prior.weights))


def match_gamma(mean: Floats, variance: Floats) -> Posterior:
    """The gamma distributions (shape, rate) of these means and variances.

    Parameters
    ----------
    mean, variance
        (units,) above 0.

    Raises
    ------
    ValueError
        When one is not above 0.

    Examples
    --------
    >>> at = match_gamma(np.array([2.0]), np.array([0.5]))
    >>> float(at.a[0]), float(at.b[0])
    (8.0, 4.0)
    """
    m, v = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    for name, values in (("mean", m), ("variance", v)):
        if not np.all(values > 0) or not np.all(np.isfinite(values)):
            raise ValueError(f"{name} holds values that are not above 0; a gamma distribution has none such")
    return Posterior(np.asarray(m**2 / v, np.float64), np.asarray(m / v, np.float64))


def weighted_rate(weights: Floats, posteriors: tuple[Posterior, ...]) -> Posterior:
    """A weighted sum of independent rates, one a weight class: gamma of the same mean and variance.

    Records of unequal weight are not Poisson, so each class is fitted by itself: mean sum w rate, variance sum w^2 Var.

    Parameters
    ----------
    weights
        (classes,) above 0.
    posteriors
        One a class, over the same units.

    Raises
    ------
    ValueError
        For no class, another number of weights than posteriors, or a weight that is not above 0.

    Examples
    --------
    >>> whole, half = Posterior(np.array([4.0]), np.array([2.0])), Posterior(np.array([3.0]), np.array([1.5]))
    >>> both = weighted_rate(np.array([1.0, 0.5]), (whole, half))
    >>> float(both.a[0] / both.b[0])   # 2 + .5 x 2
    3.0
    """
    w = np.asarray(weights, np.float64)
    if w.shape != (len(posteriors),) or len(w) == 0:
        raise ValueError(f"weights has shape {w.shape}, posteriors {len(posteriors)}; give one of each for every class")
    if not np.all(w > 0) or not np.all(np.isfinite(w)):
        raise ValueError("weights holds values that are not above 0; leave classes that do not count out")
    mean = sum(one * p.a / p.b for one, p in zip(w.tolist(), posteriors, strict=True))
    variance = sum(one**2 * p.a / p.b**2 for one, p in zip(w.tolist(), posteriors, strict=True))
    return match_gamma(np.asarray(mean, np.float64), np.asarray(variance, np.float64))


def _pair(counts: Floats, sizes: Floats, names: tuple[str, str]) -> tuple[Floats, Floats]:
    y, n = np.asarray(counts, np.float64), np.asarray(sizes, np.float64)
    if y.ndim != 1 or y.shape != n.shape:
        raise ValueError(f"{names[0]} has shape {y.shape}, {names[1]} {n.shape}; give one of each for every unit")
    for name, values in zip(names, (y, n), strict=True):
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise ValueError(f"{name} holds values that are negative or not finite; leave such units out")
    return y, n


def _mixture(means: Floats, variances: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """(units,) mean and variance of a mixture with (units, points) means and variances."""
    mean = np.sum(means * weights, axis=1)
    variance = np.sum((variances + (means - mean[:, None]) ** 2) * weights, axis=1)
    return np.asarray(mean, np.float64), np.asarray(variance, np.float64)
