"""Margins beside parts, held against everything that could be behind what is shown."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from methods.disclosure.margins import margins_tell_nothing

BASE, MARGIN = 3, 5


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.integers(0, 7), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 28), min_size=0, max_size=2),
)
def test_margins_are_shown_only_where_every_part_keeps_its_whole_range(parts: list[int], cuts: list[int]) -> None:
    total = sum(parts)
    edges = [0, *sorted(min(cut, total) for cut in cuts), total]
    margins = [after - before for before, after in itertools.pairwise(edges)]
    shown = [n // BASE * BASE for n in parts]
    over = [n // MARGIN * MARGIN for n in margins]
    least, most = sum(over), sum(n + MARGIN - 1 for n in over)
    possible = [
        choice
        for choice in itertools.product(*[range(n, n + BASE) for n in shown])
        if least <= sum(choice) <= most  # there are margins that round to those shown and add up to this
    ]
    whole = all({choice[k] for choice in possible} == set(range(n, n + BASE)) for k, n in enumerate(shown))
    assert margins_tell_nothing(shown, over, BASE, MARGIN) == whole


def test_nothing_is_told_where_nothing_is_shown() -> None:
    assert margins_tell_nothing([], [100])
    assert margins_tell_nothing([10], [])
