"""The robust option: nearly the ordinary fit on normal scores, and little moved by wild ones."""

from __future__ import annotations

import numpy as np
import pytest
from assessed_designs import PENICILLIN, grid, small
from scipy.stats import norm

from methods.assessors.crossed import crossed
from methods.assessors.joint import joint_errors
from methods.assessors.robust import LEVERAGES, Bounded
from methods.assessors.scores import Scores

TRUE = (0.64, 0.25, 0.49)  # unit, assessor, residual


def _simulated(seed: int, wild: float, size: float) -> tuple[Scores, np.ndarray]:
    rng = np.random.default_rng(seed)
    units, assessors = 120, 12
    truth, strict = 6 + rng.normal(0, 0.8, units), rng.normal(0, 0.5, assessors)
    u = np.repeat(np.arange(units), 5)
    a = np.argsort(rng.random((units, assessors)), axis=1)[:, :5].ravel()
    y = truth[u] + strict[a] + rng.normal(0, 0.7, len(u))
    y += np.where(rng.random(len(u)) < wild, size, 0.0)
    zero = np.zeros(len(u), np.int64)
    return Scores(u, a, zero, zero, y), truth


def test_the_bound_is_hubers() -> None:
    # Huber (1981), Robust Statistics, exhibit 4.2.1 of his efficiencies: c = 1.345 has 95 % on normal data
    bounded = Bounded.of(1.345)
    assert bounded.slope**2 / bounded.square == pytest.approx(0.95, abs=5e-4)
    assert bounded.slope == pytest.approx(norm.cdf(1.345) - norm.cdf(-1.345))
    assert bounded.sizes[0] == pytest.approx(1.0, abs=2e-3)
    assert Bounded.of(8.0).sizes == pytest.approx(np.sqrt(1 - LEVERAGES), abs=1e-3)  # nothing is bounded


def test_a_wide_bound_is_the_ordinary_fit() -> None:
    scores = small()
    plain, wide = crossed(scores), crossed(scores, robust=50.0)
    assert wide.estimate == pytest.approx(plain.estimate, abs=1e-4)
    assert wide.variance_residual == pytest.approx(plain.variance_residual, rel=1e-4)
    assert np.all(wide.weight == 1.0)


def test_normal_scores_lose_little() -> None:
    found = []
    for seed in range(8):
        scores, truth = _simulated(seed, 0.0, 0.0)
        plain, robust = crossed(scores), crossed(scores, robust=1.345)
        error = [np.sqrt(np.mean((fit.estimate - truth) ** 2)) for fit in (plain, robust)]
        found.append([*error, robust.variance_unit, robust.variance_assessor, robust.variance_residual])
    plain, robust, *variances = np.mean(found, axis=0)
    assert robust < 1.06 * plain
    assert variances == pytest.approx(TRUE, rel=0.2)


def test_wild_scores_move_little_and_are_found() -> None:
    found = []
    for seed in range(8):
        scores, truth = _simulated(seed, 0.08, -8.0)
        plain, robust = crossed(scores), crossed(scores, robust=1.345)
        error = [
            np.sqrt(np.mean((fit.estimate - fit.estimate.mean() - truth + truth.mean()) ** 2))
            for fit in (plain, robust)
        ]
        held = np.mean(np.abs(robust.estimate - truth) < 1.96 * np.sqrt(robust.variance))
        found.append([*error, held, robust.variance_residual, plain.variance_residual])
        wild = scores.score < 1.0
        assert np.mean(robust.weight[wild] < 0.35) > 0.9  # a unit with most of its scores wild believes them
    plain, robust, held, residual, inflated = np.mean(found, axis=0)
    assert robust < 0.7 * plain
    assert held > 0.88
    assert residual == pytest.approx(TRUE[2], rel=0.5)
    assert inflated > 5 * TRUE[2]


@pytest.mark.parametrize("by", [100.0, 1e6])
def test_one_score_however_wild_moves_estimates_by_a_bounded_amount(by: float) -> None:
    plain = crossed(grid(PENICILLIN, 24, 6), robust=1.345)
    wild = PENICILLIN.copy()
    wild[10] += by
    moved = crossed(grid(wild, 24, 6), robust=1.345)
    assert np.abs(moved.estimate - plain.estimate).max() < 0.5
    assert moved.weight[10] < 0.1
    assert np.argmin(moved.weight) == 10


def test_joint_errors_of_a_robust_fit_add_up_to_its_variances() -> None:
    scores, _ = _simulated(1, 0.08, 8.0)
    fit = crossed(scores, robust=1.345)
    joint = joint_errors(scores, fit)
    total = np.sum(joint.shared**2, axis=1) + joint.own**2 + joint.independent**2
    assert total == pytest.approx(fit.variance, rel=1e-8)


@pytest.mark.parametrize("bound", [0.0, -1.0, np.nan, np.inf])
def test_a_bound_that_makes_no_sense_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match="robust is"):
        crossed(small(), robust=bound)
