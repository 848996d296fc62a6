"""Rank sets against a plain reading of the paper, against exact cases, and by how often they hold the truth."""

from itertools import permutations
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.ranking.ranks import credible_ranks, rank_draws, rank_sets


def by_the_paper(x, z, family, coverage):
    """Pairs (j, k) for which j is found above k, testing `family` step by step with plain loops."""
    z = z - z.mean(axis=0)

    def sigma(j, k):
        return np.sqrt(np.mean((z[:, j] - z[:, k]) ** 2))

    open_pairs, found = set(family), set()
    while open_pairs:
        maxima = sorted(max((row[j] - row[k]) / sigma(j, k) for j, k in open_pairs) for row in z)
        c = maxima[min(len(maxima), ceil(coverage * (len(maxima) + 1))) - 1]
        new = {(j, k) for j, k in open_pairs if (x[j] - x[k]) / sigma(j, k) > c}
        if not new:
            break
        found |= new
        open_pairs -= new
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_rank_sets_are_those_of_the_paper(seed, units):
    rng = np.random.default_rng(seed)
    sd = rng.uniform(0.3, 3, units)
    x = rng.normal(0, 4, units)
    z = rng.normal(size=(120, units)) * sd + rng.normal(size=(120, 1))
    sets = rank_sets(x, z, 0.9)
    everything = set(permutations(range(units), 2))
    simultaneous = by_the_paper(x, z, everything, 0.9)
    for j in range(units):
        marginal = by_the_paper(x, z, {p for p in everything if j in p}, 0.9)
        assert sets.lower[j] == 1 + sum(k != j for k, i in marginal if i == j)
        assert sets.upper[j] == units - sum(i == j for i, _ in marginal)
        assert sets.simultaneous_lower[j] == 1 + sum(i == j for _, i in simultaneous)
        assert sets.simultaneous_upper[j] == units - sum(i == j for i, _ in simultaneous)


def test_sets_hold_the_truth_as_often_as_promised_and_are_not_idle():
    rng = np.random.default_rng(11)
    truth, sd = np.array([10.0, 9.5, 8.0, 5.0, 4.8, 4.7, 0.0, -3.0]), np.linspace(0.3, 1.2, 8)
    rank = 1 + (truth[:, None] < truth[None, :]).sum(axis=1)
    marginal, simultaneous, width = [], [], []
    for _ in range(400):
        sets = rank_sets(truth + sd * rng.normal(size=8), sd * rng.normal(size=(500, 8)), 0.95)
        marginal.append((sets.lower <= rank) & (rank <= sets.upper))
        simultaneous.append(((sets.simultaneous_lower <= rank) & (rank <= sets.simultaneous_upper)).all())
        width.append((sets.upper - sets.lower).mean())
    assert np.mean(marginal, axis=0).min() >= 0.94
    assert np.mean(simultaneous) >= 0.94
    assert np.mean(width) < 3  # of 7


def test_simultaneous_sets_contain_marginal_ones():
    rng = np.random.default_rng(2)
    sets = rank_sets(rng.normal(0, 2, 30), rng.normal(size=(800, 30)))
    assert (sets.simultaneous_lower <= sets.lower).all()
    assert (sets.simultaneous_upper >= sets.upper).all()
    assert (sets.simultaneous_upper - sets.simultaneous_lower).sum() > (sets.upper - sets.lower).sum()


@pytest.mark.filterwarnings("error")
def test_values_without_error_have_their_ranks_and_ties_share_them():
    sets = rank_sets(np.array([50.0, 70.0, 60.0, 70.0]), np.zeros((100, 4)))
    assert sets.lower.tolist() == sets.simultaneous_lower.tolist() == [4, 1, 3, 1]
    assert sets.upper.tolist() == sets.simultaneous_upper.tolist() == [4, 2, 3, 2]


@pytest.mark.filterwarnings("error")
def test_certain_and_uncertain_values_are_compared_together():
    z = np.random.default_rng(5).normal(size=(500, 4)) * [0, 0, 1, 1]
    sets = rank_sets(np.array([50.0, 20.0, 50.5, 90.0]), z)
    assert (sets.lower.tolist(), sets.upper.tolist()) == ([2, 4, 2, 1], [3, 4, 3, 1])


@pytest.mark.filterwarnings("error")
def test_errors_that_two_units_share_wholly_leave_their_order_known():
    z = np.repeat(np.random.default_rng(5).normal(0, 9, (500, 1)), 3, axis=1)
    sets = rank_sets(np.array([50.0, 50.1, 50.2]), z)
    assert (sets.lower.tolist(), sets.upper.tolist()) == ([3, 2, 1], [3, 2, 1])


def test_one_unit_is_first_and_threads_change_nothing():
    assert rank_sets(np.array([3.0]), np.ones((50, 1))).upper.tolist() == [1]
    rng = np.random.default_rng(8)
    x, z = rng.normal(0, 2, 20), rng.normal(size=(300, 20))
    one, two = rank_sets(x, z), rank_sets(x, z, threads=2)
    np.testing.assert_array_equal(one.lower, two.lower)
    np.testing.assert_array_equal(one.simultaneous_upper, two.simultaneous_upper)


def test_errors_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="errors have shape \\(3, 10\\); they must be \\(draws, 3\\)"):
        rank_sets(np.zeros(3), np.zeros((3, 10)))


def test_ranks_of_draws_count_what_is_strictly_above():
    rng = np.random.default_rng(4)
    values = rng.integers(0, 9, (12, 700)).astype(float)  # many ties
    expected = 1 + (values[None, :, :] > values[:, None, :]).sum(axis=1)
    np.testing.assert_array_equal(rank_draws(values), expected)
    assert rank_draws(values).dtype == np.int16


def test_credible_ranks_are_quantiles_of_ranks():
    rng = np.random.default_rng(6)
    values = np.array([9.0, 5, 5.3, 1])[:, None] + rng.normal(0, 1, (4, 4000))
    lower, upper = credible_ranks(rank_draws(values), 0.95)
    assert (lower.tolist(), upper.tolist()) == ([1, 2, 2, 4], [1, 3, 3, 4])


def test_credible_ranks_hold_the_truth_as_often_as_promised():
    rng = np.random.default_rng(9)
    held = []
    for _ in range(200):
        truth = rng.normal(0, 2, 25)  # the prior from which posteriors below follow
        x = truth + rng.normal(0, 1, 25)
        posterior = 0.8 * x[:, None] + np.sqrt(0.8) * rng.normal(size=(25, 600))
        lower, upper = credible_ranks(rank_draws(posterior), 0.9)
        rank = 1 + (truth[:, None] < truth[None, :]).sum(axis=1)
        held.append((lower <= rank) & (rank <= upper))
    assert 0.89 <= np.mean(held) <= 0.97  # whole ranks: a little more than 0.9


def test_tied_units_share_all_ranks_of_the_tie():
    values = np.repeat(np.array([[70.0], [60.0], [70.0], [10.0]]), 50, axis=1)
    lower, upper = credible_ranks(rank_draws(values), 0.95)
    assert (lower.tolist(), upper.tolist()) == ([1, 3, 1, 4], [2, 3, 2, 4])


def test_what_cannot_be_ranked_is_refused_by_name():
    x, z = np.array([1.0, 2.0]), np.ones((9, 2))
    with pytest.raises(ValueError, match="x of unit 1 is not finite"):
        rank_sets(np.array([1.0, np.nan]), z)
    with pytest.raises(ValueError, match="errors of unit 0 are not finite"):
        rank_sets(x, np.where(np.arange(2) == 0, np.inf, z))
    with pytest.raises(ValueError, match="errors hold 1 draws; at least 2"):
        rank_sets(x, z[:1])
    with pytest.raises(ValueError, match=r"coverage is 1\.0; it must lie between 0 and 1"):
        rank_sets(x, z, 1.0)
    with pytest.raises(ValueError, match="values of unit 1 are not numbers"):
        rank_draws(np.array([[1.0], [np.nan]]))
    with pytest.raises(ValueError, match=r"values have shape \(2,\)"):
        rank_draws(x)
    with pytest.raises(ValueError, match="ranks hold no draws"):
        credible_ranks(np.zeros((3, 0), np.int16))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(-50, 50))
def test_sets_do_not_depend_on_order_unit_of_measurement_or_origin(seed, scale, origin):
    rng = np.random.default_rng(seed)
    x, z, order = rng.normal(0, 3, 7), rng.normal(size=(200, 7)), rng.permutation(7)
    plain = rank_sets(x, z, 0.9)
    other = rank_sets((scale * x + origin)[order], scale * z[:, order], 0.9)
    np.testing.assert_array_equal(plain.lower[order], other.lower)
    np.testing.assert_array_equal(plain.simultaneous_upper[order], other.simultaneous_upper)
