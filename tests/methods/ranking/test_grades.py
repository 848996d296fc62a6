"""Bands, caps, moves between editions, reliability."""

import numpy as np
import pytest

from methods.ranking.grades import assign, band, band_shares, capped, reliability

LIMITS = np.array([85.0, 70.0, 55.0, 0.0])
A, B, C, D, NONE = 0, 1, 2, 3, -1


def test_a_band_begins_at_its_limit_and_the_last_holds_all_below():
    index = np.array([100, 85, 84.999999, 70, 55, 54, 0, -3, np.nan])
    assert band(index, LIMITS).tolist() == [A, A, B, B, C, D, D, D, NONE]


def test_without_bands_there_are_no_grades():
    assert band(np.array([50.0]), np.zeros(0)).tolist() == [NONE]


def test_bands_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="they must fall from the best grade to the worst"):
        band(np.array([50.0]), np.array([0.0, 50.0]))


def test_shares_of_bands_are_counted_and_sum_to_one():
    draws = np.array([[90, 85, 71, 10.0], [54, 55, 55, -1.0]])
    shares = band_shares(draws, LIMITS)
    assert shares.tolist() == [[0.5, 0.25, 0, 0.25], [0, 0, 0.5, 0.5]]
    np.testing.assert_array_equal(shares.argmax(axis=1), [A, C])


@pytest.mark.parametrize(
    ("index", "previous", "shares", "grade", "held"),
    [
        (72, NONE, (0.1, 0.6, 0.3, 0.0), B, 0),
        (72, B, (0.1, 0.6, 0.3, 0.0), B, 0),
        (72, C, (0.1, 0.6, 0.3, 0.0), C, 1),  # 0.7 above the boundary: not sure enough
        (72, C, (0.1, 0.7, 0.2, 0.0), B, 0),  # 0.8
        (69, B, (0.0, 0.3, 0.7, 0.0), B, 1),
        (69, B, (0.0, 0.2, 0.8, 0.0), C, 0),
        (86, D, (0.6, 0.3, 0.1, 0.0), B, 1),  # 0.9 above C, but only 0.6 above B: it stops on the way
        (86, D, (0.85, 0.1, 0.05, 0.0), A, 0),
        (50, A, (0.0, 0.1, 0.4, 0.5), C, 1),
        (72, D, (0.0, 0.9, 0.05, 0.05), B, 0),  # never past the index's own band
    ],
)
def test_a_grade_moves_only_over_boundaries_that_are_crossed_for_sure(index, previous, shares, grade, held):
    found = assign(np.array([index]), np.array([shares]), LIMITS, np.array([previous]), 0.8)
    assert found.grade.tolist() == [grade]
    assert found.held.tolist() == [held]
    assert found.probability.tolist() == [shares[grade]]


def test_a_cap_lowers_a_grade_and_never_raises_one():
    grade, caps = np.array([A, B, C, D, NONE, A]), np.array([C, C, C, C, C, -1])
    assert capped(grade, caps).tolist() == [C, C, C, D, NONE, A]


@pytest.mark.parametrize("error_variance", [1.0, 4.0, 16.0])
def test_reliability_is_the_same_from_shrunken_and_from_unshrunken_values(error_variance):
    rng = np.random.default_rng(1)
    truth = rng.normal(60, 2, 20_000)  # A = 4
    x = truth + rng.normal(0, np.sqrt(error_variance), truth.size)
    expected = 4 / (4 + error_variance)
    direct = reliability(x, np.full(x.size, error_variance), shrunken=False)
    posterior = reliability(60 + expected * (x - 60), np.full(x.size, 4 * (1 - expected)), shrunken=True)
    assert direct[0] == pytest.approx(expected, abs=0.03)
    assert posterior[0] == pytest.approx(expected, abs=0.03)


def test_the_more_is_unknown_of_a_unit_the_less_reliable_it_is():
    found = reliability(np.array([50.0, 60, 70]), np.array([0.0, 4, 90]), shrunken=True)
    assert found[0] == 1
    assert 1 > found[1] > found[2] >= 0
    assert (reliability(np.array([5.0, 5]), np.array([1.0, 1]), shrunken=False) == 0).all()
    assert np.isnan(reliability(np.array([5.0]), np.array([1.0]), shrunken=True)).all()


def test_what_cannot_be_graded_is_refused_by_name():
    shares = np.array([[0.5, 0.5, 0.0, 0.0]])
    with pytest.raises(ValueError, match="a lower limit of the bands is not a number"):
        band(np.array([50.0]), np.array([np.nan, 0.0]))
    with pytest.raises(ValueError, match="draws of unit 1 are not numbers"):
        band_shares(np.array([[1.0], [np.nan]]), LIMITS)
    with pytest.raises(ValueError, match="at least one draw"):
        band_shares(np.zeros((2, 0)), LIMITS)
    with pytest.raises(ValueError, match=r"shares have shape \(1, 4\); it must be \(2, 4\)"):
        assign(np.array([50.0, 60]), shares, LIMITS, np.array([-1, -1]))
    with pytest.raises(ValueError, match="each unit's shares must sum to 1"):
        assign(np.array([50.0]), shares / 2, LIMITS, np.array([-1]))
    with pytest.raises(ValueError, match="previous grade 4; it must be -1 to 3"):
        assign(np.array([50.0]), shares, LIMITS, np.array([4]))
    with pytest.raises(ValueError, match="variance 0 or more"):
        reliability(np.array([50.0, 60]), np.array([1.0, -1]), shrunken=True)
