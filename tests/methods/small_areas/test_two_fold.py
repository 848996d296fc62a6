"""The two-fold model against lme4, sae, dense matrices and simulation."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from methods.small_areas.two_fold import TwoFold, two_fold
from tests.methods.small_areas import milk

# Davies, Goldsmith (1972): yield of dyestuff by batch, five preparations each (lme4's Dyestuff)
DYESTUFF = np.array([
    1545, 1440, 1440, 1520, 1580, 1540, 1555, 1490, 1560, 1495, 1595, 1550, 1605, 1510, 1560, 1445, 1440, 1595,
    1465, 1545, 1595, 1630, 1515, 1635, 1625, 1520, 1455, 1450, 1480, 1445
], float)  # fmt: skip
BATCH = np.repeat(np.arange(6), 5)


def _province(
    seed: int, m: int = 60, areas: int = 12, unseen: int = 5, unit: float = 36.0, between: float = 16.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    area = rng.permutation(np.arange(m) % areas)
    X = np.column_stack([np.ones(m), rng.normal(size=m)])
    D = rng.uniform(5, 60, m)
    theta = X @ [60.0, 3.0] + rng.normal(0, np.sqrt(between), areas)[area] + rng.normal(0, np.sqrt(unit), m)
    y = theta + np.sqrt(D) * rng.normal(size=m)
    y[:unseen] = np.nan
    return y, X, D, area, theta


class _Dense:
    """The same model written out with full matrices, for given variances."""

    def __init__(self, y: np.ndarray, X: np.ndarray, D: np.ndarray, area: np.ndarray) -> None:
        self.seen = np.isfinite(y)
        self.y, self.X, self.D, self.area = y[self.seen], X[self.seen], D[self.seen], area[self.seen]
        self.all_X = X
        self.same = (area[:, None] == self.area).astype(float)
        self.self = (np.arange(len(y))[:, None] == np.flatnonzero(self.seen)).astype(float)

    def inverse(self, unit: float, between: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        V = np.diag(unit + self.D) + between * (self.area[:, None] == self.area)
        Vi = np.linalg.inv(V)
        return V, Vi, np.linalg.inv(self.X.T @ Vi @ self.X)

    def likelihood(self, unit: float, between: float, adjusted: bool) -> float:
        V, Vi, Q = self.inverse(unit, between)
        r = self.y - self.X @ (Q @ self.X.T @ Vi @ self.y)
        value = -0.5 * (np.linalg.slogdet(V)[1] - np.linalg.slogdet(Q)[1] + r @ Vi @ r)
        if adjusted:  # Yoshimori, Lahiri (2014), for units and once more for areas
            w = 1 / (unit + self.D)
            sums = np.array([w[self.area == a].sum() for a in np.unique(self.area)])
            value += np.log(np.arctan(unit * w.sum())) / len(w)
            value += np.log(np.arctan(np.sum(between / (between + 1 / sums)))) / len(sums)
        return float(value)

    def weights(self, unit: float, between: float) -> np.ndarray:
        return (between * self.same + unit * self.self) @ self.inverse(unit, between)[1]


def test_the_dyestuff_batches_are_those_of_lme4() -> None:
    # With all D equal, Var(v) + D is the residual variance of a one-way model. lme4 1.1-31, R 4.2:
    # VarCorr(lmer(Yield ~ 1 + (1 | Batch), Dyestuff)) gives 1764.05 and 2451.25
    fit = two_fold(DYESTUFF, np.ones((30, 1)), np.full(30, 1000.0), BATCH, "reml")
    assert fit.area_variance == pytest.approx(1764.05, rel=1e-6)
    assert fit.unit_variance == pytest.approx(2451.25 - 1000.0, rel=1e-6)
    # ranef(): the batch's mean less 1527.5, times 1764.05 / (1764.05 + 2451.25 / 5)
    means = DYESTUFF.reshape(6, 5).mean(axis=1) - 1527.5
    assert fit.area_effect == pytest.approx(means * 1764.05 / (1764.05 + 490.25), rel=1e-6)
    assert np.sqrt(fit.covariance[0, 0]) == pytest.approx(19.3834, abs=1e-4)  # standard error of the intercept


def test_without_areas_to_tell_apart_it_is_the_model_of_fay_and_herriot_in_sae() -> None:
    fit = two_fold(milk.Y, milk.X, milk.SD**2, np.arange(43), "reml")
    assert fit.unit_variance == pytest.approx(milk.VARIANCE, abs=2e-7)
    assert fit.area_variance == 0.0
    assert fit.theta == pytest.approx(milk.EBLUP, abs=1e-6)
    assert fit.mse == pytest.approx(milk.MSE, abs=1e-7)


@pytest.mark.parametrize("adjusted", [True, False])
def test_the_variances_maximise_the_likelihood_written_out_densely(adjusted: bool) -> None:
    y, X, D, area, _ = _province(1)
    dense = _Dense(y, X, D, area)
    best = minimize(
        lambda x: -dense.likelihood(*np.exp(x), adjusted),
        [3.0, 3.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13},
    )
    fit = two_fold(y, X, D, area, "adjusted" if adjusted else "reml")
    assert [fit.unit_variance, fit.area_variance] == pytest.approx(np.exp(best.x), rel=1e-5)


def test_predictors_and_errors_are_those_of_full_matrices_for_units_without_an_estimate_too() -> None:
    y, X, D, area, _ = _province(2)
    area[0] = 12  # an area nobody answered in
    fit = two_fold(y, X, D, area)
    A, U = fit.unit_variance, fit.area_variance
    dense = _Dense(y, X, D, area)
    V, Vi, Q = dense.inverse(A, U)
    b = Q @ dense.X.T @ Vi @ dense.y
    r = dense.y - dense.X @ b
    K = dense.weights(A, U)
    assert fit.theta == pytest.approx(X @ b + K @ r, rel=1e-10)
    g1 = A + U - np.sum(K * (U * dense.same + A * dense.self), axis=1)
    assert fit.g1 == pytest.approx(g1, rel=1e-9)
    d = X - K @ dense.X
    assert fit.direction == pytest.approx(d, abs=1e-10)
    h = 1e-4
    steps = [
        (dense.weights(A + h, U) - dense.weights(A - h, U)) / (2 * h),
        (dense.weights(A, U + h) - dense.weights(A, U - h)) / (2 * h),
    ]
    assert fit.slope == pytest.approx(np.column_stack([step @ r for step in steps]), abs=1e-8)
    parts = (np.eye(len(V)), (dense.area[:, None] == dense.area).astype(float))
    information = 0.5 * np.array([[np.trace(Vi @ a @ Vi @ c) for a in parts] for c in parts])
    assert fit.variances_covariance == pytest.approx(np.linalg.inv(information), rel=1e-9)
    g3 = sum(
        fit.variances_covariance[i, j] * np.sum((steps[i] @ V) * steps[j], axis=1) for i in range(2) for j in range(2)
    )
    assert fit.g3 == pytest.approx(g3, rel=1e-6)
    assert fit.mse == pytest.approx(g1 + np.sum((d @ Q) * d, axis=1) + 2 * g3, rel=1e-8)
    assert fit.theta[0] == pytest.approx(X[0] @ b)


def test_mean_squared_errors_are_those_of_repeated_sampling() -> None:
    errors, said, held = [], [], []
    for seed in range(200):
        y, X, D, area, theta = _province(1000 + seed, m=90, areas=15, unseen=9)
        fit = two_fold(y, X, D, area)
        errors.append(np.mean((fit.theta - theta) ** 2))
        said.append(np.mean(fit.mse))
        held.append(np.mean(np.abs(fit.theta - theta) < 1.96 * np.sqrt(fit.mse)))
    assert np.mean(said) == pytest.approx(np.mean(errors), rel=0.05)
    assert 0.935 < np.mean(held) < 0.965


def test_neither_variance_is_zero_by_the_adjusted_likelihood() -> None:
    # all direct estimates equal: the likelihood is highest at 0
    y, X, D, area = np.full(24, 50.0), np.ones((24, 1)), np.full(24, 9.0), np.arange(24) % 6
    plain, adjusted = two_fold(y, X, D, area, "reml"), two_fold(y, X, D, area)
    assert (plain.unit_variance, plain.area_variance) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert adjusted.unit_variance > 0.0
    assert adjusted.area_variance > 0.0
    assert adjusted.theta == pytest.approx(y)
    assert np.isfinite(adjusted.mse).all()


@pytest.mark.parametrize("area", [np.zeros(20, int), np.arange(20), np.arange(20) % 4])
def test_one_area_few_areas_or_one_unit_in_each_have_no_area_effect(area: np.ndarray) -> None:
    y, X, D, _, _ = _province(3, m=20, areas=5, unseen=2)
    fit = two_fold(y, X, D, area)
    assert fit.area_variance == 0.0
    assert not fit.area_effect.any()
    assert not fit.slope[:, 1].any()
    assert np.isfinite(fit.mse).all()


def _same(one: TwoFold, other: TwoFold, order: np.ndarray, scale: float = 1.0) -> None:
    power = {"theta": 1, "mse": 2, "synthetic": 1, "shrinkage": 0, "g1": 2}
    for name, k in power.items():
        assert getattr(other, name) == pytest.approx(getattr(one, name)[order] * scale**k, rel=1e-5, abs=1e-8)
    assert [other.unit_variance, other.area_variance] == pytest.approx(
        [one.unit_variance * scale**2, one.area_variance * scale**2], rel=1e-5, abs=1e-8
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 20.0))
def test_neither_order_nor_the_areas_names_nor_scale_matter(seed: int, scale: float) -> None:
    y, X, D, area, _ = _province(seed, m=40, areas=8, unseen=3)
    rng = np.random.default_rng(seed)
    order, name = rng.permutation(40), rng.permutation(8)
    one = two_fold(y, X, D, area)
    _same(one, two_fold(y[order], X[order], D[order], name[area][order]), order)
    _same(one, two_fold(y * scale, X, D * scale**2, area), np.arange(40), scale)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"D": np.zeros(12)}, "D must be positive"),
        ({"D": np.full(12, np.nan)}, "D must be positive"),
        ({"X": np.full((12, 1), np.inf)}, "X must be finite"),
        ({"X": np.ones((12, 2))}, "linearly dependent"),
        ({"X": np.ones((11, 1))}, "row for each unit"),
        ({"y": np.full(12, np.inf)}, "y must be finite"),
        ({"y": np.full(12, np.nan)}, "cannot carry"),
        ({"area": np.full(12, -1)}, "area must be"),
        ({"area": np.full(12, 0.5)}, "area must be"),
    ],
)
def test_wrong_input_is_refused_by_name(change: dict[str, np.ndarray], said: str) -> None:
    right = {"y": np.arange(12.0), "X": np.ones((12, 1)), "D": np.ones(12), "area": np.arange(12) % 6}
    with pytest.raises(ValueError, match=said):
        two_fold(**(right | change))  # type: ignore[arg-type]


def test_every_array_of_the_result_is_finite() -> None:
    y, X, D, area, _ = _province(4)
    fit = two_fold(y, X, D, area)
    assert all(np.isfinite(np.asarray(getattr(fit, field.name))).all() for field in fields(fit))
