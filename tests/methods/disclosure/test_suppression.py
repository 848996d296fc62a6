"""What a reader can work out of a table, asked of linear programming for every hidden cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from methods.disclosure.suppression import intervals, suppress
from methods.disclosure.tables import Table, crossed, table

TREE = [6, 6, 6, 7, 7, 7, 8, 8, -1]  # a province, two counties, three townships each
STRATA = [3, 3, 3, -1]


def attacked(of: Table, hidden: np.ndarray, cell: int) -> tuple[float, float]:
    """The attacker's interval, written anew on a dense matrix of every sum that a reader knows."""
    rows, right = [], []
    for whole, parts in of.relations:
        row = np.zeros(len(of.values))
        row[list(parts)], row[whole] = 1.0, -1.0
        rows.append(row)
        right.append(0.0)
    for at in np.flatnonzero(~hidden):
        row = np.zeros(len(of.values))
        row[at] = 1.0
        rows.append(row)
        right.append(of.values[at])
    goal = np.zeros(len(of.values))
    goal[cell] = 1.0
    found = []
    for sign in (1.0, -1.0):
        answer = linprog(sign * goal, A_eq=np.array(rows), b_eq=right, bounds=(0, None))
        assert answer.status in (0, 3)
        found.append(sign * answer.fun if answer.status == 0 else np.inf)
    return found[0], found[1]


def check(of: Table, threshold: int, zeros: bool = False, tidy: bool = True) -> np.ndarray:
    found = suppress(of, threshold, zeros=zeros, tidy=tidy)
    small = (of.values < threshold) & ((of.values > 0) | zeros)
    assert (found.primary == small).all()
    assert (found.hidden | ~small).all()
    lower, upper = intervals(of, found.hidden)
    for cell, low, high in zip(np.flatnonzero(found.hidden), lower, upper, strict=True):
        low_again, high_again = attacked(of, found.hidden, cell)
        assert high_again - low_again >= threshold - 1e-6, (cell, low_again, high_again)
        assert low == pytest.approx(low_again, abs=1e-6)
        assert high == pytest.approx(high_again, abs=1e-6)
    return found.hidden


@settings(max_examples=15, deadline=None)
@given(
    counts=st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=6, max_size=6),
    threshold=st.sampled_from([3, 10]),
    zeros=st.booleans(),
    tidy=st.booleans(),
)
def test_no_hidden_cell_of_a_tree_by_strata_is_known_to_within_less_than_the_threshold(
    counts: list[list[int]], threshold: int, zeros: bool, tidy: bool
) -> None:
    of, _shape = crossed(counts, TREE, STRATA)
    check(of, threshold, zeros, tidy)


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_nor_one_of_a_list(counts: list[int]) -> None:
    check(table([sum(counts), *counts], [(0, tuple(range(1, len(counts) + 1)))]), 10)


def test_hiding_the_small_cell_alone_gives_it_away() -> None:
    of, shape = crossed([[3, 20, 31], [15, 40, 60]], [2, 2, -1], STRATA)
    hidden = np.zeros(shape, bool)
    hidden[0, 0] = True
    assert attacked(of, hidden.ravel(), 0) == (3.0, 3.0)
    hidden[0, 1] = True  # and one of its row alone: the columns give both away
    assert attacked(of, hidden.ravel(), 0) == (3.0, 3.0)
    assert check(of, 10).sum() == 4  # a rectangle is the least that protects one cell of a table with two margins


def test_two_small_cells_that_add_up_to_less_than_the_threshold_take_a_third_with_them() -> None:
    hidden = check(table([50, 2, 3, 15, 30], [(0, (1, 2, 3, 4))]), 10)
    assert hidden.tolist() == [False, True, True, True, False]


def test_a_table_of_fewer_than_the_threshold_is_hidden_whole_and_one_without_small_cells_not_at_all() -> None:
    assert check(table([7, 3, 4], [(0, (1, 2))]), 10).all()
    assert not check(table([70, 30, 40], [(0, (1, 2))]), 10).any()
    assert not check(table([70, 0, 70], [(0, (1, 2))]), 10).any()


def test_tidying_hides_no_more_than_not_tidying() -> None:
    counts = np.random.default_rng(7).integers(0, 40, (6, 3))
    of, _shape = crossed(counts, TREE, STRATA)
    assert check(of, 10).sum() <= check(of, 10, tidy=False).sum()


def test_the_same_table_is_hidden_in_the_same_way_again() -> None:
    counts = np.random.default_rng(8).integers(0, 40, (6, 3))
    of, _shape = crossed(counts, TREE, STRATA)
    assert (suppress(of).hidden == suppress(of).hidden).all()


@pytest.mark.parametrize(
    ("values", "relations", "words"),
    [
        ([5, 2, 2], [(0, (1, 2))], "add up to 4"),
        ([5, 2.5, 2.5], [(0, (1, 2))], "whole numbers"),
        ([5, -1, 6], [(0, (1, 2))], "whole numbers"),
        ([5, 2, 3], [(0, (1, 3))], "different cells of 3"),
        ([5, 2, 3], [(0, ())], "different cells of 3"),
    ],
)
def test_what_is_no_table_is_refused(
    values: list[float], relations: list[tuple[int, tuple[int, ...]]], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        table(values, relations)


def test_a_tree_that_goes_round_and_counts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="does not end"):
        crossed([1], [1, 2, 1])
    with pytest.raises(ValueError, match="its tree has 2"):
        crossed([1, 2, 3], [2, 2, -1])
    with pytest.raises(ValueError, match="threshold is 0"):
        suppress(table([1], []), 0)
