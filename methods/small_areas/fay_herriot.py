"""Area-level small area model: direct estimates borrow from a regression over the units of a level.

y_i = theta_i + e_i, Var(e_i) = D_i known; theta_i = x_i'b + v_i, Var(v_i) = A.
Fay and Herriot (1979), Journal of the American Statistical Association 74, 269-277; mean squared errors of Prasad and
Rao (1990), same journal 85, 163-171; adjusted likelihood of Yoshimori and Lahiri (2014), Journal of Multivariate
Analysis 124, 281-294, whose estimate of A is always positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from methods.inputs import Floats

_Function = Callable[[float], float]
GRID = 121  # evaluations that bracket the highest point of an adjusted likelihood with more than one


@dataclass(frozen=True, slots=True)
class FayHerriot:
    """A fitted model; every per-unit array is in the order of `y`."""

    theta: Floats  # (units,) empirical best linear unbiased predictor
    mse: Floats  # (units,) its mean squared error: g1 + g2 + 2 g3
    g3: Floats  # (units,) the part of the mean squared error due to estimating the variance, once
    synthetic: Floats  # (units,) x_i'b
    shrinkage: Floats  # (units,) B_i = D_i / (A + D_i)
    variance: float  # A, variance between units about the regression
    variance_se: float  # asymptotic standard error of A: sqrt(2 / sum (A + D_i)^-2)
    coefficients: Floats  # (p,)
    covariance: Floats  # (p, p) of the coefficients


def fay_herriot(y: Floats, X: Floats, D: Floats, method: Literal["adjusted", "reml"] = "adjusted") -> FayHerriot:
    """Fit by Yoshimori and Lahiri's adjusted residual likelihood, or by residual maximum likelihood.

    Parameters
    ----------
    y
        (units,) direct estimates.
    X
        (units, p) covariates, the intercept included; of full column rank.
    D
        (units,) sampling variances, squared units of `y`, positive.
    method
        "adjusted": the residual likelihood times arctan(sum A / (A + D_i))^(1/units), never at A = 0;
        "reml": A = 0 when the likelihood is highest there.

    Raises
    ------
    ValueError
        When there are not more units than covariates, a sampling variance is not positive, or X is not of full rank.

    Examples
    --------
    >>> y = np.array([60.0, 64.0, 71.0, 55.0, 68.0, 73.0])
    >>> fit = fay_herriot(y, np.ones((6, 1)), np.full(6, 9.0), "reml")
    >>> round(fit.variance, 3), round(float(fit.coefficients[0]), 3)   # sample variance 46.967 less 9; mean
    (37.967, 65.167)
    """
    y, X, D = (np.asarray(value, np.float64) for value in (y, X, D))
    m, p = X.shape
    if m <= p:
        raise ValueError(f"{m} units cannot carry {p} coefficients; give fewer covariates")
    if not np.all(D > 0):
        raise ValueError("sampling variances must be positive")
    if np.linalg.matrix_rank(X) < p:
        raise ValueError("the covariates are linearly dependent; leave out those that repeat others")

    def parts(A: float) -> tuple[Floats, Floats, Floats]:
        v = 1.0 / (A + D)
        Q = np.asarray(np.linalg.inv((X.T * v) @ X), np.float64)
        return v, Q, Q @ (X.T @ (v * y))

    def score(A: float) -> float:
        """Derivative of the residual log likelihood, plus that of the adjustment."""
        v, Q, b = parts(A)
        r = v * (y - X @ b)
        trace = v.sum() - np.sum((X @ Q) * X * (v**2)[:, None])
        value = 0.5 * (r @ r - trace)
        if method == "adjusted":
            total = np.sum(A * v)
            value += np.sum(D * v**2) / ((1.0 + total**2) * np.arctan(total) * m)
        return float(value)

    def likelihood(A: float) -> float:
        v, Q, b = parts(A)
        r = y - X @ b
        value = 0.5 * (np.sum(np.log(v)) + np.linalg.slogdet(Q)[1] - np.sum(v * r * r))
        if method == "adjusted":
            value += np.log(np.arctan(np.sum(A * v))) / m
        return float(value)

    A = _highest(score, likelihood, float(D.min()), float(np.var(y) + D.max()), method)
    v, Q, b = parts(A)
    B = D * v
    fitted = X @ b
    g1 = A * B
    g2 = B**2 * np.sum((X @ Q) * X, axis=1)
    variance_of_A = 2.0 / np.sum(v**2)
    g3 = B**2 * v * variance_of_A
    return FayHerriot(
        theta=fitted + (1.0 - B) * (y - fitted),
        mse=g1 + g2 + 2.0 * g3,
        g3=g3,
        synthetic=fitted,
        shrinkage=B,
        variance=A,
        variance_se=float(np.sqrt(variance_of_A)),
        coefficients=b,
        covariance=Q,
    )


def _highest(
    score: _Function, likelihood: _Function, least: float, spread: float, method: Literal["adjusted", "reml"]
) -> float:
    """The A of the highest likelihood: every sign change of the score on a grid is polished and compared."""
    grid = np.concatenate([[0.0] if method == "reml" else [], np.geomspace(1e-6 * least, 10.0 * spread, GRID)])
    while score(float(grid[-1])) > 0:
        grid = np.append(grid, 4.0 * grid[-1])
    slopes = np.array([score(float(A)) for A in grid])
    falls = np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0))
    tops = [float(brentq(score, grid[k], grid[k + 1], xtol=1e-13 * spread, rtol=1e-13)) for k in falls]
    if slopes[0] <= 0:
        tops.append(float(grid[0]))
    return max(tops, key=likelihood)
