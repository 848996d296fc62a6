"""Samples against what can be worked out on paper: allocations, and probabilities of every row."""

from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.survey.sampling import cluster_inclusion, draw, draw_clusters, inclusion, neyman, proportional, stands_for

SIZES = st.lists(st.integers(0, 5000), min_size=1, max_size=12)


def hamilton(sizes, total):
    """Largest remainders in exact fractions; of equal remainders the first."""
    quotas = [Fraction(size * total, sum(sizes)) for size in sizes]
    seats = [int(quota) for quota in quotas]
    order = sorted(range(len(sizes)), key=lambda k: (seats[k] - quotas[k], k))
    for k in order[: total - sum(seats)]:
        seats[k] += 1
    return seats


@given(SIZES.filter(lambda sizes: sum(sizes) > 0), st.data())
def test_without_bounds_it_is_the_method_of_largest_remainders(sizes, data):
    total = data.draw(st.integers(0, sum(sizes)))
    assert proportional(sizes, total).tolist() == hamilton(sizes, total)


@given(SIZES, st.integers(0, 40), st.data())
def test_an_allocation_adds_up_within_its_bounds(sizes, least, data):
    left = [data.draw(st.integers(0, size)) for size in sizes]
    lower = [min(least, one) for one in left]
    total = data.draw(st.integers(sum(lower), sum(left)))
    found = proportional(sizes, total, least, left)
    assert found.sum() == total
    assert all(low <= n <= most for low, n, most in zip(lower, found.tolist(), left, strict=True))
    # in proportion: a stratum that is no smaller gets no fewer, unless a bound holds it down or lifts the other one
    for i, j in permutations(range(len(sizes)), 2):
        if sizes[i] >= sizes[j] and found[i] < left[i] and found[j] > lower[j]:
            assert found[i] >= found[j] - 1


def test_neyman_is_proportional_where_all_deviations_are_equal():
    assert neyman([700, 200, 100], [3, 3, 3], 101).tolist() == proportional([700, 200, 100], 101).tolist()


def test_neyman_has_the_least_variance_of_all_allocations():
    size, deviation, total = np.array([40, 30, 30]), np.array([1.0, 5.0, 2.0]), 12
    variance = {
        (a, b, total - a - b): float(
            (size**2 * deviation**2 / np.array([a, b, total - a - b])).sum()  # up to terms that no allocation changes
        )
        for a in range(1, total - 1)
        for b in range(1, total - a)
    }
    best = min(variance, key=variance.__getitem__)
    found = tuple(neyman(size, deviation, total, least=1).tolist())
    assert variance[found] <= 1.01 * variance[best]  # rounding may miss the best whole numbers by one
    assert max(abs(a - b) for a, b in zip(found, best, strict=True)) <= 1


def test_a_stratum_without_any_deviation_gets_its_least():
    assert neyman([100, 100], [0, 4], 50, least=2).tolist() == [2, 48]


def test_every_set_of_rows_is_as_likely_as_any_other():
    # all orders of the numbers are equally likely: each pair of 4 rows must come up equally often
    pairs = [tuple(draw([0] * 4, [2], order)) for order in permutations([0.1, 0.2, 0.3, 0.4])]
    assert {pair: pairs.count(pair) for pair in combinations(range(4), 2)} == dict.fromkeys(
        combinations(range(4), 2), 4
    )


def test_a_second_draw_takes_others_and_both_together_are_one_draw_of_all():
    for order in permutations([0.1, 0.2, 0.3, 0.4, 0.5]):
        numbers = np.array(order)
        first = draw([0] * 5, [2], numbers)
        second = draw([0] * 5, [2], numbers, after=[numbers[first].max()])
        assert not set(first) & set(second)
        assert sorted([*first, *second]) == draw([0] * 5, [4], numbers).tolist()


def test_rows_are_in_with_the_probability_that_was_promised():
    rng, rows, times = np.random.default_rng(8), 30, 4000
    stratum, sample = np.repeat([0, 1, 2], [20, 8, 2]), [5, 4, 2]
    counts = np.zeros(rows)
    for _ in range(times):
        counts[draw(stratum, sample, rng.random(rows))] += 1
    promised = inclusion([20, 8, 2], sample)[stratum]
    sd = np.sqrt(promised * (1 - promised) / times)
    assert np.all(np.abs(counts / times - promised) <= 4.5 * sd)  # the seed is fixed
    assert promised.tolist()[-2:] == [1.0, 1.0]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=9), st.data())
@settings(deadline=None, max_examples=40)
def test_clusters_come_with_probabilities_in_proportion_to_size(sizes, data):
    clusters = data.draw(st.integers(1, len(sizes)))
    share = cluster_inclusion(sizes, clusters)
    assert share.sum() == pytest.approx(clusters)
    free = share < 1
    if free.any():
        ratio = share[free] / np.array(sizes)[free]
        assert ratio == pytest.approx(np.full(free.sum(), ratio[0]))
    number = data.draw(st.permutations(range(len(sizes))))
    # systematic: over the whole range of starts each cluster is taken for exactly its share of it
    steps = 997
    counts = np.zeros(len(sizes))
    for step in range(steps):
        found = draw_clusters(sizes, clusters, number, (step + 0.5) / steps)
        assert len(set(found.tolist())) == clusters
        counts[found] += 1
    assert np.abs(counts / steps - share).max() <= 2 / steps


def test_two_stages_with_equal_takes_give_everybody_the_same_probability():
    # 3 of the clusters by size, 4 persons of each: 3 M_j / M times 4 / M_j
    sizes = np.array([50, 80, 120, 70, 60])
    assert cluster_inclusion(sizes, 3) * 4 / sizes == pytest.approx(np.full(5, 12 / sizes.sum()))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=9), st.data())
def test_clusters_stand_for_everybody_and_for_no_fewer_than_they_have(sizes, data):
    clusters = data.draw(st.integers(1, len(sizes)))
    share = cluster_inclusion(sizes, clusters)
    taken = draw_clusters(sizes, clusters, np.arange(len(sizes)), data.draw(st.floats(0, 1, exclude_max=True)))
    found = stands_for(np.array(sizes)[taken], share[taken])
    # by size each cluster that is not certain stands for the same share of those that are not
    assert found.sum() == sum(sizes)
    assert np.all(found >= np.array(sizes)[taken])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: proportional([10, 10], 30), "total: 30"),
        (lambda: proportional([10, 10], 3, least=2), "total: 3"),
        (lambda: proportional([1.5], 1), "whole numbers"),
        (lambda: neyman([10], [-1], 1), "deviation"),
        (lambda: inclusion([3], [4]), "sample: 4 of stratum 0"),
        (lambda: draw([0, 0], [3], [0.1, 0.2]), "sample: 3 of stratum 0"),
        (lambda: draw([0, 0], [2], [0.1, 0.2], after=[0.1]), "which has 1"),
        (lambda: draw([0, 1], [1], [0.1, 0.2]), "there are only 1"),
        (lambda: cluster_inclusion([3, 4], 3), "3 of 2"),
        (lambda: cluster_inclusion([3, 0], 1), "size"),
        (lambda: draw_clusters([3, 4], 1, [1, 2], 1.0), "start"),
        (lambda: stands_for([3, 4], [0, 1]), "share"),
    ],
)
def test_what_cannot_be_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
