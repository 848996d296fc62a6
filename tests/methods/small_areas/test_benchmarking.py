"""Benchmarking: groups, sums, and a variance that makes a group's mean as uncertain as its pooled direct estimate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.small_areas.benchmarking import difference_benchmark, pooling_groups
from methods.small_areas.two_fold import two_fold


def _level(seed: int, m: int = 60, areas: int = 10, unseen: int = 4) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    area = rng.permutation(np.arange(m) % areas)
    X = np.column_stack([np.ones(m), rng.normal(size=m)])
    D = rng.uniform(5, 60, m)
    theta = X @ [60.0, 3.0] + rng.normal(0, 4, areas)[area] + rng.normal(0, 6, m)
    y = theta + np.sqrt(D) * rng.normal(size=m)
    y[:unseen] = np.nan
    weight = np.where(np.isfinite(y), rng.uniform(0.5, 2, m), 0.0)
    return y, X, D, area, weight, theta


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9))
def test_benchmarked_means_add_up_to_the_pooled_direct_estimates(seed: int, groups: int) -> None:
    y, X, D, area, weight, _ = _level(seed)
    fit = two_fold(y, X, D, area)
    group = area % (groups + 1) - 1  # some units have no benchmark
    moved = difference_benchmark(fit, y, X, D, area, group, weight)
    for g in range(groups):
        mine = (group == g) & np.isfinite(y)
        direct = np.sum(weight[mine] * y[mine]) / np.sum(weight[mine])
        after = np.sum(weight[mine] * (fit.theta + moved.difference)[mine]) / np.sum(weight[mine])
        assert moved.pooled[g] == pytest.approx(direct)
        assert after == pytest.approx(direct)
    assert not moved.difference[group < 0].any()
    for g in range(groups):
        assert np.ptp(moved.difference[group == g]) == 0.0


def test_the_variance_of_the_difference_is_that_of_full_matrices() -> None:
    y, X, D, area, weight, _ = _level(5)
    fit = two_fold(y, X, D, area)
    group = np.where(area < 4, area, 4)  # a group of several areas too
    moved = difference_benchmark(fit, y, X, D, area, group, weight)
    seen = np.isfinite(y)
    A, U, same = fit.unit_variance, fit.area_variance, area[seen][:, None] == area[seen]
    V = np.diag(A + D[seen]) + U * same
    K = (U * same + A * np.eye(len(V))) @ np.linalg.inv(V)
    for g in range(5):
        share = np.where(group[seen] == g, weight[seen], 0.0)
        h = (share / share.sum()) @ (np.eye(len(V)) - K)
        Xh = X[seen].T @ h
        assert moved.variance[g] == pytest.approx(h @ V @ h - Xh @ fit.covariance @ Xh, rel=1e-9)


def test_draws_make_a_groups_mean_as_uncertain_as_its_pooled_direct_estimate() -> None:
    y, X, D, area, weight, _ = _level(6, unseen=0)
    fit = two_fold(y, X, D, area)
    moved = difference_benchmark(fit, y, X, D, area, area, weight)
    B = fit.shrinkage
    for g in range(10):
        mine = area == g
        share = weight[mine] / weight[mine].sum()
        # of the predictions: units' own, the area's effect, the coefficients
        of_mean = np.sum(share**2 * fit.unit_variance * B[mine]) + (share @ B[mine]) ** 2 * fit.area_error[g]
        direction = share @ fit.direction[mine]
        of_mean += direction @ fit.covariance @ direction
        assert of_mean + moved.variance[g] == pytest.approx(np.sum(share**2 * D[mine]), rel=1e-9)


def test_the_mean_squared_error_after_benchmarking_is_that_of_repeated_sampling() -> None:
    errors, said = [], []
    for seed in range(300):
        y, X, D, area, weight, theta = _level(2000 + seed)
        fit = two_fold(y, X, D, area)
        moved = difference_benchmark(fit, y, X, D, area, area, weight)
        errors.append(np.mean((fit.theta + moved.difference - theta) ** 2))
        said.append(np.mean(fit.mse + moved.variance[area]))
    assert np.mean(said) == pytest.approx(np.mean(errors), rel=0.04)


def test_a_parent_with_too_few_respondents_is_pooled_with_its_like_under_the_grandparent() -> None:
    #                county, city
    above = np.array([[0, 8], [0, 8], [1, 8], [2, 8], [3, 9], [3, 9], [4, 9]])
    effective = np.array([150.0, 60.0, 120.0, 90.0, 30.0, 40.0, 50.0])
    found = pooling_groups(above, effective)
    assert found.group.tolist() == [0, 0, 1, 1, -1, -1, -1]  # city 9 has 120 in all, and so has all that is left
    assert found.ancestor.tolist() == [0, 8]
    assert found.generation.tolist() == [0, 1]
    everywhere = pooling_groups(above, effective, enough=110.0)
    assert everywhere.group.tolist() == [0, 0, 1, -1, 2, 2, 2]
    assert everywhere.ancestor.tolist() == [0, 1, 9]


def test_what_is_left_of_a_level_is_pooled_last_and_units_without_a_parent_go_with_it() -> None:
    found = pooling_groups(np.array([[0], [1], [-1]]), np.array([90.0, 80.0, 70.0]))
    assert (found.group.tolist(), found.ancestor.tolist()) == ([0, 0, 0], [-1])
    none = pooling_groups(np.zeros((2, 0), int), np.array([10.0, 20.0]))
    assert none.group.tolist() == [-1, -1]


def test_a_group_nobody_answered_in_is_not_moved() -> None:
    y, X, D, area, weight, _ = _level(7)
    fit = two_fold(y, X, D, area)
    group = np.where(np.isfinite(y), 0, 1)
    moved = difference_benchmark(fit, y, X, D, area, group, weight)
    assert np.isnan(moved.pooled[1])
    assert not moved.difference[group == 1].any()
    assert moved.variance[1] == 0.0


def test_wrong_input_is_refused_by_name() -> None:
    y, X, D, area, weight, _ = _level(8)
    fit = two_fold(y, X, D, area)
    with pytest.raises(ValueError, match="weight must be finite"):
        difference_benchmark(fit, y, X, D, area, area, -weight)
    with pytest.raises(ValueError, match="a value for each unit"):
        difference_benchmark(fit, y, X, D, area, area[:-1], weight)
    with pytest.raises(ValueError, match="effective must be"):
        pooling_groups(np.zeros((1, 1), int), np.array([np.nan]))
    with pytest.raises(ValueError, match="above must be"):
        pooling_groups(np.zeros(2, int), np.ones(2))
