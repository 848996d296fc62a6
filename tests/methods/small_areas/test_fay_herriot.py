"""Fay-Herriot against an independent dense computation and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from methods.small_areas.fay_herriot import fay_herriot
from tests.methods.small_areas import milk


def _level(seed: int, m: int = 40, A: float = 30.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(m), rng.normal(size=m)])
    D = rng.uniform(5, 80, m)
    theta = X @ [60.0, 3.0] + np.sqrt(A) * rng.normal(size=m)
    return theta + np.sqrt(D) * rng.normal(size=m), X, D, theta


def _residual_likelihood(A: float, y: np.ndarray, X: np.ndarray, D: np.ndarray) -> float:
    """log|V| + log|X'V^-1 X| + y'Py, by dense matrices; minus twice the residual log likelihood."""
    V = np.diag(A + D)
    Vi = np.linalg.inv(V)
    information = X.T @ Vi @ X
    P = Vi - Vi @ X @ np.linalg.inv(information) @ X.T @ Vi
    return float(np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1] + y @ P @ y)


def test_milk_expenditure_gives_the_numbers_of_the_r_package_sae() -> None:
    fit = fay_herriot(milk.Y, milk.X, milk.SD**2, "reml")
    # sae stops at a relative change of 1e-4, hence the sixth digit
    assert fit.variance == pytest.approx(milk.VARIANCE, abs=2e-7)
    assert fit.coefficients == pytest.approx(milk.COEFFICIENTS, abs=5e-7)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(milk.STANDARD_ERRORS, abs=5e-7)
    assert fit.theta == pytest.approx(milk.EBLUP, abs=1e-6)
    assert fit.mse == pytest.approx(milk.MSE, abs=1e-7)


@pytest.mark.parametrize("method", ["reml", "adjusted"])
def test_the_variance_maximises_the_likelihood_written_out_densely(method: str) -> None:
    y, X, D, _ = _level(3)
    m = len(y)

    def depth(log_A: float) -> float:
        A = np.exp(log_A)
        # Yoshimori, Lahiri (2014): h(A) = {arctan(tr(I - B))}^(1/m)
        adjustment = np.log(np.arctan(np.sum(A / (A + D)))) / m if method == "adjusted" else 0.0
        return _residual_likelihood(A, y, X, D) - 2.0 * adjustment

    best = minimize_scalar(depth, bounds=(-5, 8), method="bounded", options={"xatol": 1e-10})
    fit = fay_herriot(y, X, D, method)  # type: ignore[arg-type]
    assert fit.variance == pytest.approx(np.exp(best.x), rel=1e-5)


def test_predictors_and_their_errors_follow_from_the_mixed_model_equations() -> None:
    y, X, D, _ = _level(3)
    fit = fay_herriot(y, X, D, "reml")
    A, m = fit.variance, len(y)
    # Henderson's equations for y = Xb + v + e
    C = np.block([[X.T @ (X / D[:, None]), (X / D[:, None]).T], [X / D[:, None], np.diag(1 / D + 1 / A)]])
    Ci = np.linalg.inv(C)
    solution = Ci @ np.concatenate([X.T @ (y / D), y / D])
    T = np.hstack([X, np.eye(m)])
    assert fit.theta == pytest.approx(T @ solution, rel=1e-9)
    assert fit.coefficients == pytest.approx(solution[:2], rel=1e-9)
    known = np.diag(T @ Ci @ T.T)  # g1 + g2
    assert fit.mse - 2 * fit.g3 == pytest.approx(known, rel=1e-9)
    v = 1 / (A + D)
    # Prasad, Rao (1990): g3 = D^2 (A + D)^-3 Var(A), Var(A) = 2 / sum v^2
    assert fit.g3 == pytest.approx(D**2 * v**3 * 2 / np.sum(v**2), rel=1e-9)
    assert fit.variance_se == pytest.approx(np.sqrt(2 / np.sum(v**2)))


def test_equal_variances_give_the_variance_of_the_means_less_theirs() -> None:
    # with equal D and only an intercept the REML estimate is s^2 - D
    y = np.array([61.0, 55.0, 70.0, 66.0, 58.0, 73.0, 64.0, 49.0])
    fit = fay_herriot(y, np.ones((8, 1)), np.full(8, 12.0), "reml")
    assert fit.variance == pytest.approx(np.var(y, ddof=1) - 12.0)


def test_the_adjusted_variance_stays_positive_where_reml_is_zero() -> None:
    y, D = np.array([60.0, 61, 59, 60, 60.5, 59.5, 60, 60.2, 59.8, 60.1]), np.full(10, 40.0)
    X = np.ones((10, 1))
    assert fay_herriot(y, X, D, "reml").variance == 0.0
    adjusted = fay_herriot(y, X, D)
    assert adjusted.variance > 0
    assert np.all((adjusted.shrinkage > 0) & (adjusted.shrinkage < 1))


def test_a_unit_measured_without_error_keeps_its_own_number() -> None:
    y, X, D, _ = _level(9)
    D = D.copy()
    D[4] = 1e-9
    fit = fay_herriot(y, X, D)
    assert fit.theta[4] == pytest.approx(y[4], abs=1e-6)


@pytest.mark.parametrize("m", [16, 100])
def test_intervals_hold_the_truth_as_often_as_they_promise(m: int) -> None:
    held = []
    for seed in range(60):
        y, X, D, theta = _level(1000 + seed, m)
        fit = fay_herriot(y, X, D)
        held.append(np.mean(np.abs(fit.theta - theta) < 1.96 * np.sqrt(fit.mse)))
    assert 0.93 < np.mean(held) < 0.97


def test_more_coefficients_than_units_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer covariates"):
        fay_herriot(np.ones(2), np.ones((2, 2)), np.ones(2))


def test_dependent_covariates_are_refused() -> None:
    X = np.column_stack([np.ones(6), np.full(6, 2.0)])
    with pytest.raises(ValueError, match="linearly dependent"):
        fay_herriot(np.arange(6.0), X, np.ones(6))


def test_a_sampling_variance_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        fay_herriot(np.arange(6.0), np.ones((6, 1)), np.zeros(6))
