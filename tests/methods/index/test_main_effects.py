"""Effective weights against what they are in theory, and the paper's point: weights are not importance."""

from __future__ import annotations

import numpy as np
import pytest

from methods.index.main_effects import main_effects


def test_of_independent_items_the_main_effect_is_the_item_s_share_of_the_variance() -> None:
    """Var(sum w x) = sum w^2 s^2, so S_i = w_i^2 s_i^2 / sum: Paruolo, Saisana, Saltelli 2013, section 3."""
    rng, sd, weight = np.random.default_rng(5), np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.3, 0.2])
    x = rng.normal(size=(200_000, 3)) * sd
    found = main_effects(x, x @ weight, weight)
    share = (weight * sd) ** 2 / ((weight * sd) ** 2).sum()
    assert np.allclose(found.main_effect, share, atol=0.005)
    assert np.allclose(found.effective, share, atol=0.005)
    assert np.allclose(found.ratio, share / weight, atol=0.03)


def test_two_normal_items_that_correlate() -> None:
    """y = w1 x1 + w2 x2 with correlation r: E(y|x1) = (w1 + r w2) x1, so S_1 = (w1 + r w2)^2 / Var(y)."""
    rng, r, weight = np.random.default_rng(6), 0.6, np.array([0.8, 0.2])
    x = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], 200_000)
    found = main_effects(x, x @ weight, weight)
    variance = weight @ np.array([[1, r], [r, 1]]) @ weight
    assert np.allclose(found.main_effect, (weight + r * weight[::-1]) ** 2 / variance, atol=0.005)
    assert found.ratio[1] > 1.5  # the lighter item leans on the heavier one and matters more than its weight says


def test_an_item_that_does_not_vary_is_left_out_of_the_comparison() -> None:
    x = np.random.default_rng(7).normal(size=(50, 3))
    x[:, 2] = 4.0
    found = main_effects(x, x @ [1.0, 1.0, 2.0], [1, 1, 2])
    assert found.nominal.tolist() == [0.25, 0.25, 0.5]
    assert np.isnan([found.main_effect[2], found.effective[2], found.ratio[2]]).all()
    assert found.effective[:2].sum() == pytest.approx(1)
    assert np.allclose(found.ratio[:2], found.effective[:2] / 0.5)


def test_an_item_without_weight_may_have_an_effect_but_no_ratio() -> None:
    x = np.random.default_rng(8).normal(size=(50, 2))
    found = main_effects(x, x[:, 0], [1, 0])
    assert found.effective[0] > 0.9
    assert np.isnan(found.ratio[1])


def test_an_index_that_does_not_vary_has_no_effects() -> None:
    x = np.random.default_rng(9).normal(size=(20, 2))
    assert np.isnan(main_effects(x, np.ones(20), [1, 1]).effective).all()


@pytest.mark.parametrize("weight", [[1.0], [1.0, -1.0], [0.0, 0.0]])
def test_weights_that_do_not_fit_are_refused(weight: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        main_effects(np.zeros((5, 2)), np.zeros(5), weight)
