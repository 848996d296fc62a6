"""Near-duplicates: exactly those that comparing all pairs finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.response_quality.duplicates import near_duplicates, percent_match


def all_pairs(codes: np.ndarray, group: np.ndarray, least: int) -> np.ndarray:
    """The definition, pair by pair: equal answers over items that either answered."""
    best = np.full(len(codes), np.nan)
    for i, a in enumerate(codes):
        for j, b in enumerate(codes):
            if i == j or group[i] != group[j] or min((a >= 0).sum(), (b >= 0).sum()) < least:
                continue
            either = (a >= 0) | (b >= 0)
            share = ((a == b) & either).sum() / either.sum()
            best[i] = np.nanmax([best[i], share])
    return best


def made(seed: int, rows: int, items: int, codes: int, missing: float, copies: int) -> np.ndarray:
    """Random answers in which some rows are copies of others with a few answers changed or left out."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, codes, (rows, items))
    found[rng.random(found.shape) < missing] = -1
    for _ in range(min(copies, rows // 2)):
        source, target = rng.integers(0, rows, 2)
        found[target] = found[source]
        changed = rng.integers(0, items, rng.integers(0, 4))
        found[target, changed] = rng.integers(-1, codes, len(changed))
    return found


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.integers(1, 14),
    st.sampled_from([2, 3, 5, 40]),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.sampled_from([0.51, 0.7, 0.8, 0.85, 0.9, 1.0]),
    st.integers(1, 6),
    st.integers(1, 3),
)
def test_exactly_the_responses_that_all_pairs_find_are_found(
    seed: int, rows: int, items: int, codes: int, missing: float, share: float, least: int, groups: int
) -> None:
    matrix = made(seed, rows, items, codes, missing, copies=rows // 3)
    group = np.random.default_rng(seed).integers(0, groups, rows)
    highest = all_pairs(matrix, group, least)
    np.testing.assert_allclose(percent_match(matrix, group, least), highest)
    found = near_duplicates(matrix, share, group, least)
    np.testing.assert_array_equal(found.flagged, np.nan_to_num(highest, nan=-1.0) >= share - 1e-9)
    for row in np.flatnonzero(found.flagged):
        other = int(found.partner[row])
        assert other != row
        assert group[other] == group[row]
        either = (matrix[row] >= 0) | (matrix[other] >= 0)
        assert ((matrix[row] == matrix[other]) & either).sum() >= share * either.sum() - 1e-9
    assert (found.partner[~found.flagged] == -1).all()


def test_a_larger_sample_with_planted_copies_and_many_items_agrees_with_all_pairs() -> None:
    for items, seed in ((20, 1), (45, 2), (70, 3)):  # one, three and more words of 64 bits
        matrix = made(seed, 3000, items, 5, 0.05, copies=200)
        found = near_duplicates(matrix, 0.85, min_answered=8)
        np.testing.assert_array_equal(found.flagged, percent_match(matrix, None, 8) >= 0.85 - 1e-9)
        assert found.flagged.sum() > 200
        assert found.compared < 3000 * 3000 / 20


def test_a_crowd_that_agrees_on_almost_everything_is_found_whole() -> None:
    """One bucket holds all: skewed answers, where keys tell little apart."""
    rng = np.random.default_rng(5)
    matrix = np.where(rng.random((2500, 16)) < 0.9, 0, rng.integers(1, 4, (2500, 16)))
    found = near_duplicates(matrix, 0.85)
    np.testing.assert_array_equal(found.flagged, percent_match(matrix) >= 0.85 - 1e-9)


def test_a_route_that_leaves_out_half_of_the_items_is_compared_on_the_others() -> None:
    matrix = made(8, 2500, 16, 5, 0.0, copies=0)
    matrix[::2, 8:] = -1
    found = near_duplicates(matrix, 0.85, min_answered=8)
    np.testing.assert_array_equal(found.flagged, percent_match(matrix, None, 8) >= 0.85 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_order_of_responses_order_of_items_and_names_of_codes_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = made(seed, 80, 10, 4, 0.1, copies=20)
    group = rng.integers(0, 2, 80)
    plain = near_duplicates(matrix, 0.8, group, 3).flagged
    order, items = rng.permutation(80), rng.permutation(10)
    np.testing.assert_array_equal(near_duplicates(matrix[order], 0.8, group[order], 3).flagged, plain[order])
    np.testing.assert_array_equal(near_duplicates(matrix[:, items], 0.8, group, 3).flagged, plain)
    renamed = np.where(matrix < 0, -1, np.array([7, 100, 0, 3, 0])[matrix])
    np.testing.assert_array_equal(near_duplicates(renamed, 0.8, 1 - group, 3).flagged, plain)


def test_few_or_no_responses_are_no_trouble() -> None:
    assert not near_duplicates(np.zeros((0, 3), int), 0.9).flagged.size
    assert not near_duplicates([[0, 1]], 0.9).flagged.any()
    assert not near_duplicates([[-1, -1], [-1, -1]], 0.9).flagged.any()
    assert np.isnan(percent_match([[0, 1]])).all()


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"share": 0.5}, "share is 0.5"),
        ({"share": np.nan}, "share is nan"),
        ({"share": 0.9, "min_answered": 0}, "min_answered is 0"),
        ({"share": 0.9, "group": [0]}, "group must be whole numbers, one for each of the 2"),
        ({"share": 0.9, "group": [0.0, 1.0]}, "group must"),
    ],
)
def test_wrong_arguments_are_refused(given_: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        near_duplicates([[0, 1], [0, 1]], **given_)  # type: ignore[arg-type]
