"""Who moves when a choice is changed, draw by draw."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from methods.ranking.grades import band
from methods.ranking.ranks import rank_draws
from methods.uncertainty.moves import block_of, moves


def test_the_same_choice_moves_nobody_however_uncertain_it_is() -> None:
    ranks = rank_draws(np.random.default_rng(1).normal(size=(30, 200)))
    found = moves(ranks, ranks)
    assert not found.up.any()
    assert not found.down.any()
    assert (found.expected, found.lower, found.upper) == (0, 0, 0)


def test_probabilities_are_those_of_the_normal_distribution() -> None:
    """A score N(70, 2) raised by 1 passes the limit of 71 if it lay between 70 and 71."""
    x = 70 + 2 * np.random.default_rng(2).normal(size=(3, 200_000))
    limits = np.array([71.0, 0.0])
    found = moves(band(x, limits), band(x + 1, limits))
    passes = norm.cdf(0.5) - 0.5
    assert np.allclose(found.up, passes, atol=0.004)
    assert not found.down.any()
    assert found.expected == pytest.approx(3 * passes, abs=0.01)


def test_limits_are_numbers_of_units_that_some_draw_has() -> None:
    before, after = np.zeros((4, 100), int), np.zeros((4, 100), int)
    after[:2, :60] = 1  # two units in 60 draws of 100, none in the others
    found = moves(before, after, 0.5)
    assert (found.expected, found.lower, found.upper) == (1.2, 0, 2)


def test_blocks_are_cut_as_their_sizes_say() -> None:
    assert block_of(np.array([[1, 4], [2, 9]]), np.array([2, 2, 1])).tolist() == [[0, 1], [0, 2]]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        moves(np.zeros((2, 3), int), np.zeros((2, 4), int))
    with pytest.raises(ValueError, match="interval"):
        moves(np.zeros((2, 3), int), np.zeros((2, 3), int), 1.0)
    with pytest.raises(ValueError, match="sizes"):
        block_of(np.array([1]), np.array([0]))
