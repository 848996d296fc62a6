"""What is shown more than once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.disclosure.releases import rounded_down


@given(counts=st.lists(st.integers(0, 200), min_size=1, max_size=40))
def test_rounding_down_does_so_without_remembering(counts: list[int]) -> None:
    seen = np.unique(rounded_down(counts))
    assert (np.diff(seen) >= 10).all()
    assert (np.array(counts) - rounded_down(counts) < 10).all()
    assert (rounded_down(counts) <= counts).all()


def test_what_is_no_count_is_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        rounded_down([1.5])
    with pytest.raises(ValueError, match="base is 0"):
        rounded_down([1], 0)
