"""Tiers against enumeration of all partitions, and the error that they promise."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from methods.ranking.ranks import rank_draws
from methods.ranking.tiers import improve, misordered, objective, pairwise_counts, separate, tiers


def simulated(units, draws, sd=1.0, seed=0):
    rng = np.random.default_rng(seed)
    centre = rng.normal(0, 2, units)
    return centre, centre[:, None] + rng.normal(0, sd, (units, draws)) * rng.uniform(0.3, 1.5, (units, 1))


@pytest.mark.parametrize("draws", [1, 63, 64, 100, 257])
def test_pairs_are_counted_exactly(draws):
    _, values = simulated(9, draws)
    expected = (values[:, None, :] > values[None, :, :]).sum(axis=2)
    np.testing.assert_array_equal(pairwise_counts(rank_draws(values), threads=2), expected)


def test_a_tied_draw_counts_for_neither():
    values = np.random.default_rng(1).integers(0, 4, (7, 130)).astype(float)
    expected = (values[:, None, :] > values[None, :, :]).sum(axis=2)
    np.testing.assert_array_equal(pairwise_counts(rank_draws(values)), expected)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_contiguous_tiers_are_the_best_of_all_cuts(seed, threshold):
    units, draws = 8, 200
    centre, values = simulated(units, draws, 2.0, seed)
    counts = pairwise_counts(rank_draws(values))
    order = np.argsort(-centre)
    best = -np.inf
    for cuts in product((0, 1), repeat=units - 1):
        tier = np.empty(units, int)
        tier[order] = np.cumsum((0, *cuts))
        best = max(best, objective(counts, tier, draws, threshold))
    found = separate(counts, order, draws, threshold)
    assert objective(counts, found, draws, threshold) == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_local_moves_reach_the_best_of_all_tierings_from_a_good_start(seed):
    units, draws, threshold = 6, 100, 0.65
    centre, values = simulated(units, draws, 2.5, seed)
    counts = pairwise_counts(rank_draws(values))
    start = separate(counts, np.argsort(-centre), draws, threshold)
    moved = improve(counts, start, draws, threshold)
    best = max(objective(counts, np.array(t), draws, threshold) for t in product(range(units), repeat=units))
    assert objective(counts, moved, draws, threshold) == pytest.approx(best, rel=1e-12)
    assert sorted(set(moved.tolist())) == list(range(moved.max() + 1))


def test_local_moves_mend_a_bad_start():
    draws = 100
    values = np.array([3.0, 2.0, 1.0])[:, None] + np.zeros((1, draws))
    counts = pairwise_counts(rank_draws(values))
    assert improve(counts, np.array([1, 0, 0]), draws, 0.8).tolist() == [0, 1, 2]
    assert improve(counts, np.array([0, 0, 0]), draws, 0.8).tolist() == [0, 1, 2]


@pytest.mark.parametrize("sd", [0.1, 1.0, 2.0])
def test_the_promised_share_of_misordered_pairs_is_kept(sd):
    draws = 1000
    centre, values = simulated(60, draws, sd, 3)
    counts = pairwise_counts(rank_draws(values))
    found = tiers(counts, centre, draws, 0.05)
    above = found.tier[:, None] < found.tier[None, :]
    share = (values[:, None, :] < values[None, :, :]).mean(axis=2)[above].mean()
    assert found.misordered == pytest.approx(share, abs=1e-12)
    assert found.misordered <= 0.05
    assert found.separated == above.sum() > 0
    assert misordered(counts, found.tier, draws) == (found.separated, found.misordered)
    stricter = tiers(counts, centre, draws, 0.005)
    assert stricter.misordered <= 0.005
    assert stricter.separated < found.separated


def test_the_promise_is_kept_about_the_truth():
    rng = np.random.default_rng(12)
    wrong = separated = 0
    for _ in range(60):
        truth = rng.normal(0, 2, 40)
        x = truth + rng.normal(0, 1, 40)
        posterior = 0.8 * x[:, None] + np.sqrt(0.8) * rng.normal(size=(40, 500))
        found = tiers(pairwise_counts(rank_draws(posterior)), 0.8 * x, 500, 0.05).tier
        above = found[:, None] < found[None, :]
        wrong += (above & (truth[:, None] < truth[None, :])).sum()
        separated += above.sum()
    assert 0.03 <= wrong / separated <= 0.06


def test_units_that_nothing_tells_apart_share_one_tier():
    values = np.random.default_rng(0).normal(size=(20, 500))
    found = tiers(pairwise_counts(rank_draws(values)), values.mean(axis=1), 500, 0.05)
    assert found.tier.tolist() == [1] * 20
    assert (found.separated, found.misordered) == (0, 0.0)


def test_values_without_error_have_a_tier_each_and_ties_share_one():
    values = np.repeat(np.array([[5.0], [9.0], [5.0], [7.0]]), 64, axis=1)
    assert tiers(pairwise_counts(rank_draws(values)), values[:, 0], 64).tier.tolist() == [3, 1, 3, 2]


def test_pairs_far_apart_do_not_buy_the_separation_of_pairs_that_nobody_can_tell_apart() -> None:
    rng = np.random.default_rng(3)
    centre = np.array([90.0, 89.95, 60.0, 59.9, 30.0, 29.9])
    draws = centre[:, None] + rng.standard_normal((6, 4096))
    found = tiers(pairwise_counts(rank_draws(draws)), centre, 4096)
    assert found.tier.tolist() == [1, 1, 2, 2, 3, 3]
    assert found.misordered < 1e-6


def best_by_integer_programme(counts, draws, threshold):
    """What the best of all tierings earns: d_ij = 1 where i stands above j, a weak order by its constraints."""
    units = counts.shape[0]
    pairs = [(i, j) for i in range(units) for j in range(units) if i != j]
    at = {pair: k for k, pair in enumerate(pairs)}
    gain = np.array([counts[i, j] / threshold - draws for i, j in pairs])
    rows, columns, values, upper = [], [], [], []

    def at_most(limit, *terms):
        for pair, value in terms:
            rows.append(len(upper))
            columns.append(at[pair])
            values.append(value)
        upper.append(limit)

    for i, j in pairs:
        if i < j:
            at_most(1, ((i, j), 1), ((j, i), 1))
        for k in range(units):
            if k not in (i, j):  # i above j puts k below i or above j
                at_most(0, ((i, j), 1), ((i, k), -1), ((k, j), -1))
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(upper), len(pairs)))
    found = milp(
        -gain,
        integrality=np.ones(len(pairs)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, -np.inf, upper),
    )
    assert found.success
    return -found.fun


@pytest.mark.parametrize("seed", range(6))
def test_tiers_of_eighteen_units_equal_an_exact_integer_programme(seed):
    units, draws, threshold = 18, 400, 0.8
    centre, values = simulated(units, draws, 0.8, 20 + seed)
    counts = pairwise_counts(rank_draws(values))
    found = improve(counts, separate(counts, np.argsort(-centre), draws, threshold), draws, threshold)
    expected = best_by_integer_programme(counts, draws, threshold)
    assert objective(counts, found, draws, threshold) == pytest.approx(expected, rel=1e-9)
    assert found.max() >= 2


def test_what_cannot_be_counted_is_refused_by_name():
    counts = np.array([[0, 6], [4, 0]])
    with pytest.raises(ValueError, match=r"ranks have shape \(3,\)"):
        pairwise_counts(np.array([1, 2, 3]))
    with pytest.raises(ValueError, match=r"counts have shape \(2, 1\)"):
        tiers(counts[:, :1], np.zeros(2), 10)
    with pytest.raises(ValueError, match="at most the 9 draws together"):
        tiers(counts, np.zeros(2), 9)
    with pytest.raises(ValueError, match="centre must hold 2 numbers"):
        tiers(counts, np.array([1.0, np.nan]), 10)
    with pytest.raises(ValueError, match=r"max_misordered is 1\.5"):
        tiers(counts, np.zeros(2), 10, 1.5)
    with pytest.raises(ValueError, match="threshold is 0"):
        separate(counts, np.array([0, 1]), 10, 0)


def test_one_unit_and_no_unit_have_one_tier_and_none():
    assert tiers(np.zeros((1, 1), np.int64), np.array([50.0]), 10).tier.tolist() == [1]
    assert tiers(np.zeros((0, 0), np.int64), np.zeros(0), 10).tier.tolist() == []
