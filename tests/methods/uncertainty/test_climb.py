"""Aggregating draws by a sparse product against the lines that aggregate anything."""

import numpy as np
import pytest

from methods.index.tree import Tree, aggregate, standing
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
