"""Priors of the units of a level: of shares (beta-binomial) and of rates (gamma-Poisson), from their own counts.

The prior of a level is that of highest marginal likelihood. A level of few units gets Jeffreys' prior, weak and fixed.
Pooling: Clayton and Kaldor (1987), Biometrics 43, 671-681 (gamma-Poisson); Griffiths (1973), Biometrics 29, 637-648
(beta-binomial); uncertainty of an estimated prior: Kass and Steffey (1989), Journal of the American Statistical
Association 84, 717-726.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import gammaln

from methods.inputs import Floats

JEFFREYS_SHARE = (0.5, 0.5)  # Beta(1/2, 1/2)
JEFFREYS_RATE = (0.5, 0.0)  # Gamma(1/2, rate 0): improper, its posterior is proper for any exposure above 0
LEAST_SHRINKAGE = 0.05  # see _explore
GRID = 25  # points in each direction over the priors that the data leave possible
LOG_SIZE_LIMITS = (-6.0, 14.0)  # of a prior's size: successes and failures, or exposure in units of the mean exposure


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior of two parameters: Beta(a, b) of a share, or Gamma(shape a, rate b) of a rate."""

    a: float
    b: float
    estimated: bool  # by maximum marginal likelihood; False: fixed and weak
    points: Floats  # (points, 2) priors that the data leave possible, around the best
    weights: Floats  # (points,) how plausible each is; sum 1


def fixed_prior(a: float, b: float) -> Prior:
    """A prior that is given, not estimated.

    Parameters
    ----------
    a, b
        Of Beta(a, b), both above 0; or of Gamma(shape a, rate b), b 0 or more (0: improper, its posterior is proper).

    Raises
    ------
    ValueError
        When a is not above 0, or b is negative.

    Examples
    --------
    >>> fixed_prior(*JEFFREYS_SHARE).estimated
    False
    """
    if not (np.isfinite(a) and a > 0 and np.isfinite(b) and b >= 0):
        raise ValueError(f"a is {a}, b {b}; give a above 0 and b of 0 or more")
    return Prior(a, b, False, np.array([[a, b]]), np.ones(1))


def beta_binomial(successes: Floats, trials: Floats) -> Prior:
    """The beta prior of highest marginal likelihood.

    Parameters
    ----------
    successes, trials
        (units,) counts; units without trials say nothing.

    Returns
    -------
    The best prior, and around it others that the data leave possible, each with its plausibility.

    Raises
    ------
    ValueError
        When no unit has trials, a count lies outside 0 .. trials, or a number is not finite.

    References
    ----------
    Griffiths (1973), Biometrics 29, 637-648.

    Examples
    --------
    >>> prior = beta_binomial(np.array([9.0, 7.0, 10.0, 3.0, 8.0, 9.0]), np.full(6, 10.0))
    >>> round(prior.a / (prior.a + prior.b), 2), round(prior.a + prior.b, 1)
    (0.76, 4.7)
    """
    y, n = _counts(successes, trials, ("successes", "trials"))
    if np.any(y > n):
        raise ValueError("successes exceed trials; numerators must not exceed denominators")

    rising = [_rising(counts) for counts in (y, n - y, n)]

    def log_likelihood(mean: Floats, log_size: Floats) -> Floats:
        size = np.exp(log_size)
        share = 1.0 / (1.0 + np.exp(-mean))
        successes, failures, trials = rising
        return successes(share * size) + failures((1.0 - share) * size) - trials(size)

    def log_location(logit: Floats) -> Floats:
        return np.asarray(-0.5 * np.logaddexp(0.0, logit) - 0.5 * np.logaddexp(0.0, -logit), np.float64)

    raw = (y.sum() + 0.5) / (n.sum() + 1.0)
    start = np.array([np.log(raw / (1.0 - raw)), np.log(20.0)])
    best, points, weights = _explore(log_likelihood, log_location, start, (-14.0, 14.0), float(np.log(np.median(n))))

    def natural(x: Floats) -> Floats:
        share, size = 1.0 / (1.0 + np.exp(-x[..., 0])), np.exp(x[..., 1])
        return np.stack([share * size, (1.0 - share) * size], axis=-1)

    a, b = natural(best)
    return Prior(float(a), float(b), True, natural(points), weights)


def gamma_poisson(events: Floats, exposure: Floats) -> Prior:
    """The gamma prior (shape, rate) of highest marginal likelihood of counts with exposure.

    Parameters
    ----------
    events
        (units,) counts.
    exposure
        (units,) what they are counted over; units without exposure say nothing.

    Returns
    -------
    The best prior, and around it others that the data leave possible, each with its plausibility.

    Raises
    ------
    ValueError
        When no unit has exposure, a count or an exposure is negative, or a number is not finite.

    References
    ----------
    Clayton, Kaldor (1987), Biometrics 43, 671-681.

    Examples
    --------
    Failures of ten pumps in thousand hours (Gaver, O'Muircheartaigh 1987): .8230 and 1.2617 by maximum likelihood.

    >>> failures = np.array([5.0, 1, 5, 14, 3, 19, 1, 1, 4, 22])
    >>> hours = np.array([94.3, 15.7, 62.9, 126, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5])
    >>> prior = gamma_poisson(failures, hours)
    >>> round(prior.a, 4), round(prior.b, 4)
    (0.823, 1.2617)
    """
    y, t = _counts(events, exposure, ("events", "exposure"))
    scale = float(t.mean())
    t = t / scale
    rising = _rising(y)

    def log_likelihood(log_mean: Floats, log_size: Floats) -> Floats:
        rate = np.exp(log_size)[:, None]
        shape = np.exp(log_mean)[:, None] * rate
        value = shape * np.log(rate / (rate + t)) - y * np.log(rate + t)
        return np.asarray(np.sum(value, axis=1), np.float64) + rising(shape[:, 0])

    start = np.array([np.log((y.sum() + 0.5) / t.sum()), 0.0])
    best, points, weights = _explore(
        log_likelihood,
        lambda log_mean: 0.5 * log_mean,
        start,
        (start[0] - 12.0, start[0] + 12.0),
        float(np.log(np.median(t))),
    )

    def natural(x: Floats) -> Floats:
        rate = np.exp(x[..., 1])
        return np.stack([np.exp(x[..., 0]) * rate, rate * scale], axis=-1)

    a, b = natural(best)
    return Prior(float(a), float(b), True, natural(points), weights)


def _counts(counts: Floats, sizes: Floats, names: tuple[str, str]) -> tuple[Floats, Floats]:
    y, n = np.asarray(counts, np.float64), np.asarray(sizes, np.float64)
    if y.ndim != 1 or y.shape != n.shape:
        raise ValueError(f"{names[0]} has shape {y.shape}, {names[1]} {n.shape}; give one of each for every unit")
    for name, values in zip(names, (y, n), strict=True):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} holds values that are not finite; leave such units out")
        if np.any(values < 0):
            raise ValueError(f"{name} holds negative values; counts and their denominators are 0 or more")
    some = n > 0
    if not some.any():
        raise ValueError(f"no unit has {names[1]}: every denominator is 0, so that nothing can be estimated")
    return y[some], n[some]


def _rising(counts: Floats) -> Callable[[Floats], Floats]:
    """The sum over units of log Gamma(count + x) / Gamma(x), as a function of several x.

    For whole counts it is the sum over i of log(x + i) times the units that count more than i: as many logarithms as
    the largest count, however many units there are.
    """
    if np.all(counts == np.floor(counts)) and counts.max(initial=0.0) < 3 * len(counts):
        size = int(counts.max(initial=0.0))
        more = len(counts) - np.cumsum(np.bincount(counts.astype(np.int64), minlength=size + 1))[:size]
        steps = np.arange(size, dtype=np.float64)
        return lambda x: np.asarray(np.sum(more * np.log(x[:, None] + steps), axis=1), np.float64)
    return lambda x: np.asarray(np.sum(gammaln(counts + x[:, None]) - gammaln(x)[:, None], axis=1), np.float64)


def _explore(
    log_likelihood: Callable[[Floats, Floats], Floats],
    log_location: Callable[[Floats], Floats],
    start: Floats,
    limits: tuple[float, float],
    log_typical: float,
) -> tuple[Floats, Floats, Floats]:
    """The (location, log size) of highest likelihood, and a grid of others with their plausibility.

    Plausible is what the likelihood leaves under Jeffreys' prior of the mean and, for the shrinkage
    B = size / (size + typical), the density (B + LEAST_SHRINKAGE)^-2, nearly a uniform variance of the units' true
    values, which keeps the size finite where counts vary no more than chance; with it intervals of levels of 8 to 40
    units hold what they promise. Christiansen, Morris (1997), Journal of the American Statistical Association 92,
    618-632.
    """
    low, high = np.array([limits[0], LOG_SIZE_LIMITS[0]]), np.array([limits[1], LOG_SIZE_LIMITS[1]])

    def likelihood(x: Floats) -> float:
        z = np.clip(x, low, high)
        return float(log_likelihood(z[:1], z[1:])[0])

    def plausibility(x: Floats) -> float:
        return likelihood(x) + float(log_location(x[0]) + _log_shrinkage(x[1], log_typical))

    best = _top(likelihood, (start, start + np.array([0.0, 4.0])), low, high, 1e-7)
    centre = _top(plausibility, (best,), low, high, 1e-2)  # only the middle of a grid
    reach = (6.0 * _spread(plausibility, centre, 0), min(6.0 * _spread(plausibility, centre, 1), 6.0))
    axes = [np.clip(centre[k] + np.linspace(-reach[k], reach[k], GRID), low[k], high[k]) for k in range(2)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    log_prior = log_location(grid[:, 0]) + _log_shrinkage(grid[:, 1], log_typical)
    log_plausible = log_likelihood(grid[:, 0], grid[:, 1]) + log_prior
    plausible = np.exp(log_plausible - log_plausible.max())
    kept = plausible > 1e-4
    return best, grid[kept], plausible[kept] / plausible[kept].sum()


def _log_shrinkage(log_size: Floats, log_typical: float) -> Floats:
    """Log density of log size, up to a constant, when B = size / (size + typical) has that density."""
    away = log_size - log_typical
    log_shrinkage, log_rest = -np.logaddexp(0.0, -away), -np.logaddexp(0.0, away)
    density = -2.0 * np.log(np.exp(log_shrinkage) + LEAST_SHRINKAGE)
    return np.asarray(density + log_rest + log_shrinkage, np.float64)


def _top(
    height: Callable[[Floats], float], starts: tuple[Floats, ...], low: Floats, high: Floats, tolerance: float
) -> Floats:
    """Where `height` is highest, from some starts; within the limits."""

    def depth(x: NDArray[np.float64]) -> float:
        return -height(x)

    best, top = starts[0], -np.inf
    for start in starts:
        first = np.clip(start, low, high)
        corners = first + np.array([[0.0, 0.0], [0.5, 0.0], [0.0, -1.0]])
        found = optimize.minimize(
            depth,
            first,
            method="Nelder-Mead",
            options={"xatol": tolerance, "fatol": 1e-3 * tolerance, "initial_simplex": corners},
        )
        if -float(found.fun) > top + 1e-9:
            best, top = np.clip(np.asarray(found.x, np.float64), low, high), -float(found.fun)
    return np.asarray(best, np.float64)


def _spread(height: Callable[[Floats], float], best: Floats, axis: int, step: float = 1e-2) -> float:
    """Standard deviation along one axis, the other known, from the second difference."""
    move = np.zeros(2)
    move[axis] = step
    second = (height(best + move) - 2.0 * height(best) + height(best - move)) / step**2
    return float(1.0 / np.sqrt(max(-second, 1e-4)))
