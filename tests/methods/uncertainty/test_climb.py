"""Aggregating draws by a sparse product against the lines that aggregate anything."""

import numpy as np
import pytest

from methods.index.hierarchy import aggregate as hierarchical
from methods.index.hierarchy import presence
from methods.index.tree import Tree, aggregate, standing, storeys, upwards
from methods.uncertainty.climb import aggregate_draws, climb


@pytest.mark.parametrize(
    ("within", "across"), [(1.0, 1.0), (1.0, 0.5), (0.0, 1.0), (0.5, 0.0), (-1.0, -1.0), (2.0, 2.0)]
)
def test_draws_are_aggregated_to_the_last_bit_as_the_tree_does(within, across):
    rng = np.random.default_rng(4)
    none = np.full(7, np.nan)
    tree = Tree(
        np.array([0, 1, 0, 2, 1, 0, 2]),
        rng.random((2, 7)),
        rng.random((2, 3)),
        none,
        none,
        within=within,
        across=across,
    )
    applies = rng.random((9, 7)) < 0.8
    own = applies & (rng.random((9, 7)) < 0.7)
    has = standing(tree, rng.integers(0, 2, 9), applies, own, np.zeros_like(own), 0.4)
    assert (has.dimension_weight == 0).any()
    scores = np.where(has.weight > 0, rng.uniform(0, 100, (40, 9, 7)), 0.0)
    for laid in (scores, np.moveaxis(np.ascontiguousarray(np.moveaxis(scores, 0, 2)), 2, 0)):
        for got, expected in zip(aggregate_draws(climb(tree, has), laid), aggregate(tree, has, scores), strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("rules", [(), (1.0, 0.0, "median", 0.5, -1.0)])
def test_a_deeper_tree_comes_out_of_draws_as_of_point_values_and_of_a_hierarchy(rules):
    rng = np.random.default_rng(6)
    none = np.full(6, np.nan)
    tree = Tree(
        np.array([2, 2, 3, 3, 1, 4]),
        rng.random((2, 6)) + 0.1,
        rng.random((2, 5)) + 0.1,
        none,
        none,
        across=0.5,
        belongs=np.array([-1, -1, 0, 0, 3]),
        rules=rules,
    )
    level, own = rng.integers(0, 2, 20), rng.random((20, 6)) < 0.8
    yes = np.ones_like(own)
    has = standing(tree, level, yes, own, ~yes, 0.3)
    scores = rng.uniform(1, 100, (3, 20, 6))
    groups, index = aggregate(tree, has, scores)
    for got, expected in zip(aggregate_draws(climb(tree, has), scores), (groups, index), strict=True):
        np.testing.assert_array_equal(got, expected)
    whole = storeys(tree, 0.3)
    found = hierarchical(whole, presence(whole, own, level=level), np.where(own, scores, 50.0))
    np.testing.assert_array_equal(found, np.concatenate([groups, index[..., None]], axis=2))
    assert tree.under[0].tolist() == [True, True, True, True, False, True]


def test_a_circle_of_groups_is_refused():
    with pytest.raises(ValueError, match="circle"):
        upwards(np.array([1, 0]))
