"""The generalised variance function: what it pools, and that it is right on average."""

from __future__ import annotations

import numpy as np
import pytest

from methods.small_areas.variance_function import variance_function


def _level(seed: int, m: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Yes-or-no scores (0, 100) of few respondents a unit: means, variances within, numbers, true means."""
    rng = np.random.default_rng(seed)
    n = rng.integers(2, 40, m).astype(float)
    p = np.clip(0.7 + 0.06 * rng.normal(size=m), 0.05, 0.95)
    y = rng.binomial(n.astype(int), p)
    share = y / n
    within = 1e4 * n * share * (1 - share) / (n - 1)
    return 100 * share, within, n, 100 * p


def test_yes_or_no_scores_have_the_shape_of_a_coin() -> None:
    mean, within, n, p = _level(1)
    found = variance_function(mean, within / n, within, n, n, n / np.maximum(n - 1, 1), np.ones((len(n), 1)))
    # c = (mu (100 - mu) - A) / (mu (100 - mu)): units differ by A = 36 around 70
    assert found.shape == pytest.approx((2100 - 36) / 2100, abs=0.03)
    assert found.design_effect == pytest.approx(1.0, abs=0.01)
    assert np.mean(found.variance * n) == pytest.approx(np.mean(p * (100 - p)), rel=0.03)


def test_a_unit_whose_respondents_agree_gets_the_variance_of_its_level() -> None:
    mean, within, n, _ = _level(2)
    mean[0], within[0], n[0] = 100.0, 0.0, 3.0
    found = variance_function(mean, within / n, within, n, n, n / np.maximum(n - 1, 1), np.ones((len(n), 1)))
    assert found.variance[0] == pytest.approx(found.variance[1] * n[1] / 3.0)
    assert found.variance[0] > 500


def test_clustering_is_pooled_into_one_design_effect() -> None:
    mean, within, n, _ = _level(3)
    found = variance_function(mean, 1.8 * within / n, within, n, n, n / np.maximum(n - 1, 1), np.ones((len(n), 1)))
    assert found.design_effect == pytest.approx(1.8, rel=0.02)


def test_an_item_that_few_answered_is_not_taken_for_a_better_design() -> None:
    mean, within, n, _ = _level(5)
    everybody = np.full(len(n), 200.0)  # respondents, of whom n answered
    linearised = within / n * (n - 1) / n * everybody / (everybody - 1)
    found = variance_function(mean, linearised, within, n, n, everybody / (everybody - 1), np.ones((len(n), 1)))
    assert found.design_effect == pytest.approx(1.0, abs=0.01)


def test_few_scores_leave_the_design_effect_at_one() -> None:
    mean, n = np.array([60.0, 70.0, 80.0]), np.array([4.0, 5.0, 3.0])
    within = np.array([900.0, 1200.0, 800.0])
    found = variance_function(mean, 3 * within / n, within, n, n, n / (n - 1), np.ones((3, 1)))
    assert found.design_effect == 1.0


def test_a_unit_without_respondents_is_infinitely_unsure() -> None:
    mean, within, n, _ = _level(4)
    mean[5], within[5], n[5] = np.nan, np.nan, 0.0
    found = variance_function(
        mean, within / np.maximum(n, 1), within, n, n, n / np.maximum(n - 1, 1), np.ones((len(n), 1))
    )
    assert np.isinf(found.variance[5])
    assert np.isfinite(np.delete(found.variance, 5)).all()


def test_all_in_agreement_still_leaves_some_variance() -> None:
    n = np.full(4, 6.0)
    found = variance_function(np.full(4, 100.0), np.zeros(4), np.zeros(4), n, n, n / (n - 1), np.ones((4, 1)))
    assert np.all(found.variance > 0)
