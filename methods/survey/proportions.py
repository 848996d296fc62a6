"""Confidence intervals of shares: binomial ones, and one for complex samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri, stdtrit

from methods.inputs import Floats


def wilson(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's score interval of a binomial share; for display, as it is short and never leaves 0 to 1.

    Parameters
    ----------
    successes : array
        Respondents of whom it holds; need not be whole (an effective number).
    n : array
        Respondents, more than 0.
    level
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : arrays

    Raises
    ------
    ValueError
        When n is not positive, successes do not lie between 0 and n, or the level not between 0 and 1.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212; Newcombe (1998), Statistics in Medicine
    17, 857-872, method 3.

    Examples
    --------
    >>> low, high = wilson(81, 263)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2553, 0.3662)
    """
    x, m, z = *_counts(successes, n), float(ndtri(0.5 + _level(level) / 2.0))
    p = x / m
    center = (p + z**2 / (2.0 * m)) / (1.0 + z**2 / m)
    half = z / (1.0 + z**2 / m) * np.sqrt(p * (1.0 - p) / m + z**2 / (4.0 * m**2))
    return np.where(x == 0, 0.0, center - half), np.where(x == m, 1.0, center + half)


def clopper_pearson(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """The exact binomial interval: it holds the truth at least as often as it says.

    Parameters
    ----------
    successes, n, level
        See `wilson`.

    Returns
    -------
    lower, upper : arrays

    Raises
    ------
    ValueError
        As `wilson`.

    References
    ----------
    Clopper, Pearson (1934), Biometrika 26, 404-413; Newcombe (1998), method 5.

    Examples
    --------
    >>> low, high = clopper_pearson(81, 263)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2527, 0.3676)
    """
    x, m = _counts(successes, n)
    outside = (1.0 - _level(level)) / 2.0
    low = betaincinv(np.where(x > 0, x, 1.0), m - x + 1.0, outside)
    high = betaincinv(x + 1.0, np.where(x < m, m - x, 1.0), 1.0 - outside)
    return np.where(x > 0, low, 0.0), np.where(x < m, high, 1.0)


def korn_graubard(
    share: ArrayLike,
    variance: ArrayLike,
    n: ArrayLike,
    degrees_of_freedom: float,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """The exact interval at the effective number of respondents of a complex sample.

    Parameters
    ----------
    share : array
        Estimated shares, 0 to 1 (`estimation.shares`).
    variance : array
        Their design variances.
    n : array
        Respondents with an answer.
    degrees_of_freedom
        Sampled units less strata.
    level
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : arrays
        NaN where n is 0 (nobody answered).

    Raises
    ------
    ValueError
        When shares, variances or numbers are impossible, or there are no degrees of freedom.

    Notes
    -----
    n_eff = share (1 - share) / variance, times (t_{n-1} / t_df)^2 for few degrees of freedom, at most n: a sample that
    by luck looks better than simple is not believed. Shares of 0 or 1 have no variance and keep n. R's `svyciprop` with
    method "beta" has no cap.

    References
    ----------
    Korn, Graubard (1998), Survey Methodology 24, 193-201.

    Examples
    --------
    >>> low, high = korn_graubard(0.3, 0.004, 100, 12)
    >>> low.round(4).item(), high.round(4).item()
    (0.1707, 0.4577)
    """
    p, v, m = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (share, variance, n)))
    none = m == 0
    if np.any(~none & ~((p >= 0) & (p <= 1))):
        raise ValueError("share: numbers from 0 to 1 are expected")
    if np.any(~none & ~(np.isfinite(v) & (v >= 0))):
        raise ValueError("variance: finite numbers, 0 or more, are expected")
    if np.any(~(np.isfinite(m) & (m >= 0))):
        raise ValueError("n: finite numbers, 0 or more, are expected")
    if not degrees_of_freedom > 0:
        raise ValueError(f"degrees_of_freedom: {degrees_of_freedom:g}; more sampled units than strata are needed")
    outside = (1.0 - _level(level)) / 2.0
    spread = np.where(none, 0.0, p * (1.0 - p))
    effective = np.divide(spread, v, out=np.array(m), where=(v > 0) & (spread > 0))
    t = stdtrit(np.maximum(m - 1.0, 1.0), outside) / stdtrit(degrees_of_freedom, outside)
    effective = np.where(m > 1, np.minimum(effective * t**2, m), m)
    safe = np.where(none, 1.0, effective)
    # rounding must not carry the successes beyond all
    low, high = clopper_pearson(np.clip(np.where(none, 0.0, p) * safe, 0.0, safe), safe, level)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level: {level}; a number between 0 and 1 is expected")
    return level


def _counts(successes: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, m = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(n, np.float64))
    if np.any(~(np.isfinite(m) & (m > 0))):
        raise ValueError("n: numbers above 0 are expected")
    if np.any(~((x >= 0) & (x <= m))):
        raise ValueError("successes: numbers from 0 to n are expected")
    return x, m
