"""Every normalisation by its definition (COINr 1.1, ?n_minmax and the others) and by base R."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.index.normalisation import (
    borda,
    distance_to_max,
    distance_to_reference,
    distance_to_target,
    fraction_of_max,
    goalposts,
    minmax,
    percentile_ranks,
    ranks,
    scaled,
    z_scores,
)
from methods.index.tree import Tree, normalise

NAN = np.nan
X = np.array([[4.0, 10.0], [7.0, 20.0], [7.0, NAN], [12.0, 40.0]])
BOTH = np.array([1, -1])
ALL = [
    minmax,
    z_scores,
    ranks,
    borda,
    percentile_ranks,
    distance_to_max,
    fraction_of_max,
    scaled,
    lambda x, direction=1: distance_to_reference(x, 1, direction),
]


def test_each_normalisation_gives_what_its_formula_says():
    third = 100 / 3
    np.testing.assert_allclose(minmax(X, BOTH), [[0, 100], [37.5, 2 * third], [37.5, NAN], [100, 0]])
    np.testing.assert_allclose(minmax(X, BOTH, (1, 5))[:, 0], [1, 2.5, 2.5, 5])
    np.testing.assert_allclose(scaled(X, (2.0, 12.0))[:, 0], [20, 50, 50, 100])
    # R 4.2.2: scale(c(4, 7, 7, 12)), rank(c(4, 7, 7, 12), ties.method = "min")
    np.testing.assert_allclose(z_scores(X)[:, 0], [-1.05528971, -0.15075567, -0.15075567, 1.35680105], atol=1e-8)
    np.testing.assert_allclose(z_scores(X, -1, 10, 2)[:, 1], [11.74574312, 10.43643578, NAN, 7.81782110], atol=1e-8)
    np.testing.assert_array_equal(ranks(X, BOTH), [[1, 3], [2, 2], [2, NAN], [4, 1]])
    np.testing.assert_array_equal(ranks(X, ties="average")[:, 0], [1, 2.5, 2.5, 4])
    np.testing.assert_array_equal(borda(X, BOTH), [[0, 2], [1, 1], [1, NAN], [3, 0]])
    np.testing.assert_allclose(percentile_ranks(X, BOTH), [[0, 1], [1 / 3, 0.5], [1 / 3, NAN], [1, 0]])
    np.testing.assert_allclose(distance_to_max(X, BOTH), [[0, 1], [0.375, 2 / 3], [0.375, NAN], [1, 0]])
    np.testing.assert_allclose(distance_to_reference(X, 1), [[0, 0], [1, 1], [1, NAN], [8 / 3, 3]])
    np.testing.assert_allclose(distance_to_reference(X, 1, cap=True)[3], [1, 1])
    # (x - min)/(target - min) where more is better, (max - x)/(max - target) where less is (?n_dist2targ)
    np.testing.assert_allclose(
        distance_to_target(X, np.array([9.0, 15.0]), BOTH), [[0, 30 / 25], [0.6, 20 / 25], [0.6, NAN], [1.6, 0]]
    )
    assert distance_to_target(X, np.array([9.0, 15.0]), BOTH, cap=True).max(where=~np.isnan(X), initial=0) == 1
    np.testing.assert_allclose(fraction_of_max(X)[:, 0], [1 / 3, 7 / 12, 7 / 12, 1])
    posts = np.array([2, 50]), np.array([10, 10])
    np.testing.assert_allclose(goalposts(X, *posts), [[25, 100], [62.5, 75], [62.5, NAN], [100, 25]])
    np.testing.assert_allclose(goalposts(X, 2, 10, clip=False)[3, 0], 125)
    np.testing.assert_allclose(goalposts(X, 2, 10, scale=(5, 1))[:, 0], [4, 2.5, 2.5, 1])


def test_goalposts_are_those_of_the_scheme():
    tree = Tree(np.array([0, 0]), np.ones((1, 2)), np.ones((1, 1)), np.array([2.0, 50.0]), np.array([10.0, 10.0]))
    np.testing.assert_allclose(goalposts(X, tree.worst, tree.best), normalise(tree, X), atol=1e-12)


@pytest.mark.parametrize("function", ALL)
def test_draws_are_normalised_each_by_itself(function):
    draws = np.random.default_rng(2).lognormal(size=(4, 9, 3))
    draws[:, 1] += 9  # the reference is not the worst
    together = function(draws)
    for r in range(4):
        np.testing.assert_array_equal(function(draws[r]), together[r])
    np.testing.assert_array_equal(function(np.asfortranarray(draws)), together)
    order = np.array([1, 0, 2])
    np.testing.assert_array_equal(function(draws[..., order]), together[..., order])


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=12, unique=True), st.integers(-9, 9), st.integers(1, 9))
def test_scores_relative_to_the_data_do_not_depend_on_the_unit_of_measurement(values, shift, factor):
    x = np.array(values, float)[:, None]
    for function in (minmax, z_scores, ranks, borda, percentile_ranks, distance_to_max):
        np.testing.assert_allclose(function(x * factor + shift), function(x), atol=1e-9)
        assert (np.argsort(function(x)[:, 0]) == np.argsort(x[:, 0])).all()
        np.testing.assert_allclose(function(-x, -1), function(x), atol=1e-9)
    np.testing.assert_allclose(minmax(x) + minmax(x, -1), 100, atol=1e-9)


@pytest.mark.parametrize("function", [minmax, z_scores, distance_to_max])
def test_an_indicator_that_does_not_vary_is_refused_by_its_position(function):
    with pytest.raises(ValueError, match="indicator 1 does not vary"):
        function(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, NAN]]))


@pytest.mark.parametrize("function", [minmax, z_scores, distance_to_max, fraction_of_max])
def test_an_indicator_without_any_number_is_refused(function):
    with pytest.raises(ValueError, match="indicator 0 has no number at all; leave it out"):
        function(np.array([[NAN, 5.0], [NAN, 6.0]]))


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize(
    ("values", "direction", "message"),
    [
        (X, 0, "direction must be 1 or -1"),
        (X, np.array([1, 1, 1]), "one each of 2 indicators"),
        (np.array([[1.0], [np.inf], [3.0]]), 1, "infinite"),
        (np.array([1.0, 2.0]), 1, r"it must be \(\.\.\., units, indicators\)"),
    ],
)
def test_bad_directions_infinities_and_shapes_are_refused(function, values, direction, message):
    with pytest.raises(ValueError, match=message):
        function(values, direction=direction)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scaled(X, (3.0, 3.0)), "they must be finite and differ"),
        (lambda: z_scores(X, sd=0.0), "sd is 0.0; it must be above 0"),
        (lambda: z_scores(X[:1]), "does not vary"),
        (lambda: ranks(X, ties="first"), "ties is 'first'; it must be min, max"),
        (lambda: percentile_ranks(X[:1]), "indicator 0 has fewer than two units"),
        (lambda: distance_to_reference(X, 4), "unit 4; it must be 0 to 3"),
        (lambda: distance_to_reference(X, 2), "unit 2 has no number for indicator 1"),
        (lambda: distance_to_reference(X, 0), "unit 0 is the worst in indicator 0"),
        (lambda: distance_to_target(X, NAN), "target is not finite"),
        (lambda: distance_to_target(X, 4.0), "target of indicator 0 is not better than the worst unit"),
        (lambda: distance_to_target(X, 50.0, -1), "target of indicator 0 is not better"),
        (lambda: fraction_of_max(-X), "best of indicator 0 is -10"),
        (lambda: goalposts(X, 3.0, 3.0), "worst and best are equal"),
        (lambda: goalposts(X, NAN, 3.0), "must be finite"),
        (lambda: minmax(np.zeros((0, 2))), "no units"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
