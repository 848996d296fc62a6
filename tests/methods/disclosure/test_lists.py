"""The closed form for lists, held against linear programming and against enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.disclosure.lists import hide_in_lists, hide_in_nested_lists
from methods.disclosure.suppression import intervals
from methods.disclosure.tables import crossed, table

COUNTS = st.integers(0, 45)


@settings(max_examples=80, deadline=None)
@given(counts=st.lists(COUNTS, min_size=2, max_size=7))
def test_no_hidden_part_of_a_list_is_known_to_within_less_than_the_threshold(counts: list[int]) -> None:
    hidden = hide_in_lists([counts])[0]
    of = table([sum(counts), *counts], [(0, tuple(range(1, len(counts) + 1)))])
    away = np.concatenate([[0 < sum(counts) < 10], hidden])  # the caller hides a sum that is small itself
    assert not any(0 < n < 10 and not gone for n, gone in zip(counts, hidden, strict=True))
    lower, upper = intervals(of, away)
    assert (upper - lower >= 10 - 1e-6).all()


@settings(max_examples=50, deadline=None)
@given(both=st.lists(st.tuples(COUNTS, st.integers(0, 20)), min_size=2, max_size=5))
def test_nor_one_of_two_lists_of_which_one_is_a_part_of_the_other(both: list[tuple[int, int]]) -> None:
    kept, left = np.array(both).T
    hidden, withheld = hide_in_nested_lists([kept + left], [kept])
    codes = len(both)
    # three lists that are linked: kept + left = whole, each with its sum
    of, shape = crossed(np.stack([kept, left]), [2, 2, -1], [*[codes] * codes, -1])
    away = np.zeros(shape, bool)
    away[:, :codes] = hidden[0]
    if withheld[0]:
        away[:2] = True
    if of.values.reshape(shape)[2, codes] < 10:
        away[2] = True
    lower, upper = intervals(of, away.ravel())
    known_to_be_none = of.values[away.ravel()] == 0  # nobody among the hidden of this list: nothing to protect
    assert ((upper - lower >= 10 - 1e-6) | known_to_be_none).all()
    shown = of.values.reshape(shape)[~away]
    assert not ((shown > 0) & (shown < 10)).any()


def test_a_unanimous_list_is_hidden_and_nobody_need_be_hidden_where_nothing_is_small() -> None:
    assert hide_in_lists([[0, 55], [25, 30]]).tolist() == [[True, True], [False, False]]


def test_no_more_is_hidden_than_needed() -> None:
    """Every proper subset that holds the small ones leaves less than the threshold, or is as long."""
    for counts in np.random.default_rng(3).integers(0, 30, (200, 5)):
        hidden = hide_in_lists([counts])[0]
        small = (counts > 0) & (counts < 10)
        if not small.any() or counts.sum() < 10 or counts.max() == counts.sum():
            continue
        assert counts[hidden].sum() >= 10
        others = np.flatnonzero(hidden & ~small)
        if others.size:  # without the greatest of them it would not be enough
            assert counts[hidden].sum() - counts[others].max() < 10


def test_the_list_without_a_few_is_withheld_for_it_would_tell_what_they_said() -> None:
    hidden, withheld = hide_in_nested_lists([[50, 40]], [[45, 40]])
    assert withheld.tolist() == [True]
    assert not hidden.any()
    hidden, withheld = hide_in_nested_lists([[50, 40]], [[50, 40]])  # nobody is left out
    assert not withheld.any()
    assert not hidden.any()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no more people"):
        hide_in_nested_lists([[5, 5]], [[6, 5]])
    with pytest.raises(ValueError, match="shape"):
        hide_in_lists([1, 2])
