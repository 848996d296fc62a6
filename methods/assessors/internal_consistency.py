"""How far several items (criteria, questions) of a sum measure one thing: Cronbach's alpha, McDonald's omega."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import fdtri

from methods.inputs import Floats

FLAT = 1e-6  # slope of the discrepancy, which is of the order of 1, below which it is at its least
LEAST_UNIQUE = 0.005  # of a standardised item's variance


@dataclass(frozen=True, slots=True)
class Alpha:
    """Cronbach's alpha with Feldt's interval."""

    estimate: float
    lower: float
    upper: float
    if_dropped: Floats  # (items,) alpha without the item; NaN of two items


@dataclass(frozen=True, slots=True)
class Omega:
    """McDonald's omega of one common factor."""

    estimate: float
    loadings: Floats  # (items,) of the standardised items
    uniquenesses: Floats  # (items,) of the standardised items
    converged: bool


def cronbach_alpha(items: Floats, confidence: float = 0.95) -> Alpha:
    """The share of a sum's variance that its items have in common, if they load alike (else a lower bound).

    Parameters
    ----------
    items
        (units, items), complete, all pointing the same way.
    confidence
        Of the interval, between 0 and 1.

    Returns
    -------
    Alpha may be negative: items that contradict each other. High alpha does not say that items measure one thing.

    Raises
    ------
    ValueError
        For fewer than two units or items, values that are not finite, or a sum without variance.

    References
    ----------
    Cronbach (1951), Psychometrika 16, 297-334; Feldt (1965), Psychometrika 30, 357-370: (1 - alpha) / (1 - estimate)
    is F distributed.

    Examples
    --------
    >>> found = cronbach_alpha(np.array([[1, 2, 2], [3, 3, 4], [2, 2, 3], [5, 4, 5], [4, 4, 4]]))
    >>> round(found.estimate, 3)
    0.959
    """
    table = _complete(items, 2)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; give a number between 0 and 1")
    n, k = table.shape
    covariance = np.asarray(np.cov(table, rowvar=False), np.float64)
    estimate = alpha_of(covariance)
    degrees = n - 1, (n - 1) * (k - 1)
    tail = 0.5 * (1.0 - confidence)
    lower, upper = (1.0 - (1.0 - estimate) * fdtri(*degrees, q) for q in (1.0 - tail, tail))
    return Alpha(estimate, float(lower), float(upper), alpha_if_dropped(covariance))


def alpha_of(covariance: Floats) -> float:
    """Cronbach's alpha from the covariances of two items or more: k/(k - 1) (1 - sum of variances / that of the sum).

    NaN where the sum has no variance.

    Examples
    --------
    >>> round(alpha_of(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)
    0.6667
    """
    k, total = covariance.shape[0], float(covariance.sum())
    if total <= 1e-12 * float(np.abs(covariance).sum()):
        return float("nan")
    return float(k / (k - 1) * (1.0 - np.trace(covariance) / total))


def alpha_if_dropped(covariance: Floats) -> Floats:
    """(items,) Cronbach's alpha without each item; NaN of two items, and where the rest's sum has no variance.

    Examples
    --------
    >>> alpha_if_dropped(np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])).round(4).tolist()
    [0.0, 0.0, 0.6667]
    """
    k = covariance.shape[0]
    if k < 3:
        return np.full(k, np.nan)
    rest = [np.delete(np.delete(covariance, j, axis=0), j, axis=1) for j in range(k)]
    return np.array([alpha_of(one) for one in rest])


def omega_total(items: Floats, standardised: bool = False) -> Omega:
    """The share of a sum's variance that comes from one common factor, items loading as they may.

    Parameters
    ----------
    items
        (units, items), complete.
    standardised
        Of the sum of standardised items, instead of the sum as it is.

    Returns
    -------
    Omega from a factor fitted by maximum likelihood to the correlations. Items that load negatively lower it: turn them
    before.

    Raises
    ------
    ValueError
        For fewer than three items, no more units than items, values that are not finite, or an item without variance.

    References
    ----------
    McDonald (1999), Test Theory, ch. 6; Joreskog (1967), Psychometrika 32, 443-482.

    Examples
    --------
    >>> t = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    >>> items = np.stack([t, t + [0.5, -0.5] * 4, t + [0.5, 0.5, -0.5, -0.5] * 2], axis=1)
    >>> round(omega_total(items).estimate, 3)
    0.99
    """
    table = _complete(items, 3)
    n, k = table.shape
    deviation = table.std(axis=0, ddof=1)
    if np.any(deviation <= 1e-12 * np.maximum(np.abs(table).max(axis=0), 1e-300)):
        raise ValueError(f"items has a column without variance ({int(np.argmin(deviation))}); leave it out")
    if n <= k:
        raise ValueError(f"items has {n} units of {k} items; a factor needs more units than items")
    R = np.asarray(np.corrcoef(table, rowvar=False), np.float64)
    found = optimize.minimize(
        _misfit,
        (1.0 - 0.5 / k) / np.diag(np.linalg.pinv(R)),
        args=(R,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_UNIQUE, 1.0)] * k,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )
    unique = np.asarray(found.x, np.float64)
    loadings = _loadings(unique, R)
    loadings = loadings if loadings.sum() >= 0 else -loadings
    scale = np.ones(k) if standardised else deviation
    common = float((loadings * scale).sum()) ** 2
    # the optimiser's own word depends on the machine: at the last digit a line search may fail where nothing is to gain
    slope = np.asarray(found.jac, np.float64)
    downhill = np.where(((unique <= LEAST_UNIQUE) & (slope > 0)) | ((unique >= 1.0) & (slope < 0)), 0.0, slope)
    converged = bool(np.abs(downhill).max() <= FLAT)
    return Omega(common / (common + float(np.sum(unique * scale**2))), loadings, unique, converged)


def _complete(items: Floats, least: int) -> Floats:
    table = np.asarray(items, np.float64)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < least:
        raise ValueError(f"items has shape {table.shape}; give at least 2 units (rows) by {least} items (columns)")
    if not np.all(np.isfinite(table)):
        raise ValueError("items holds values that are not finite; leave such units out")
    if np.ptp(table.sum(axis=1)) <= 1e-12 * np.abs(table).sum(axis=1).max():
        raise ValueError("items add up to the same sum for every unit; there is no variance to share")
    return table


def _loadings(unique: Floats, R: Floats) -> Floats:
    """Of one factor, given uniquenesses."""
    root = np.sqrt(unique)
    values, vectors = np.linalg.eigh(R / np.outer(root, root))
    return np.asarray(root * vectors[:, -1] * np.sqrt(max(values[-1] - 1.0, 0.0)), np.float64)


def _misfit(unique: NDArray[np.float64], R: Floats) -> tuple[float, Floats]:
    """The likelihood's discrepancy and its gradient, loadings profiled out."""
    root = np.sqrt(unique)
    values = np.maximum(np.linalg.eigvalsh(R / np.outer(root, root))[:-1], 1e-12)
    loadings = _loadings(unique, R)
    excess = loadings**2 + unique - np.diag(R)
    return float(np.sum(values - np.log(values) - 1.0)), np.asarray(excess / unique**2, np.float64)
