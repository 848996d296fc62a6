"""What is shown more than once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.disclosure.releases import release, rounded_down


@given(steps=st.lists(st.lists(st.integers(-15, 25), min_size=3, max_size=3), min_size=1, max_size=30))
def test_no_two_showings_of_a_cell_differ_by_fewer_than_ten(steps: list[list[int]]) -> None:
    count, shown = np.zeros(3), [np.full(3, np.nan)]
    for step in steps:
        count = np.maximum(count + step, 0)
        shown.append(release(count, np.array(shown)))
    for cell in np.array(shown).T:
        seen = np.unique(cell[~np.isnan(cell)])
        assert (np.diff(seen) >= 10).all()
        assert ((seen == 0) | (seen >= 10)).all()


@given(counts=st.lists(st.integers(0, 200), min_size=1, max_size=40))
def test_rounding_down_does_so_without_remembering(counts: list[int]) -> None:
    seen = np.unique(rounded_down(counts))
    assert (np.diff(seen) >= 10).all()
    assert (np.array(counts) - rounded_down(counts) < 10).all()
    assert (rounded_down(counts) <= counts).all()


def test_a_count_below_the_threshold_is_never_shown_first() -> None:
    assert np.isnan(release([9], [np.nan])).all()
    assert release([10], [np.nan]).tolist() == [10.0]
    assert release([4], [12.0]).tolist() == [12.0]


def test_what_is_no_count_is_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        release([-1], [np.nan])
    with pytest.raises(ValueError, match="each of 2 cells"):
        release([1, 2], [np.nan])
    with pytest.raises(ValueError, match="whole numbers"):
        rounded_down([1.5])
    with pytest.raises(ValueError, match="base is 0"):
        rounded_down([1], 0)
