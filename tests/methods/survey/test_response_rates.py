"""Response rates by hand, and the R-indicator by closed form and by repetition."""

import numpy as np
import pytest

from methods.survey.representativeness import partial_r_indicators, r_indicator
from methods.survey.response_rates import response_rates, sample_rates


def test_rates_are_the_fractions_of_the_standard():
    # AAPOR (2023), Standard Definitions: I / ((I + P) + (R + NC + O) + (UH + UO)) and so on
    found = response_rates([400], [50], [200], [100], [50], [200], eligible=0.25)
    assert found.rr1.item() == pytest.approx(400 / 1000)
    assert found.rr2.item() == pytest.approx(450 / 1000)
    assert found.rr3.item() == pytest.approx(400 / 850)
    assert found.rr4.item() == pytest.approx(450 / 850)
    assert found.rr5.item() == pytest.approx(400 / 800)
    assert found.rr6.item() == pytest.approx(450 / 800)


def test_where_nobody_was_invited_there_is_no_rate():
    found = response_rates([0, 1], refused=[0, 1])
    assert np.isnan(found.rr1[0])
    assert found.rr1[1] == 0.5
    plain, weighted = sample_rates([10, 100], [0, 50], [0, 20], [0, 1], 3)
    assert np.isnan([plain[0], weighted[0], plain[2]]).all()
    assert plain[1] == weighted[1] == 0.4


def test_weighted_rates_stand_for_the_frame():
    _, weighted = sample_rates([900, 100], [90, 50], [45, 50])
    assert weighted.item() == pytest.approx(0.9 * 0.5 + 0.1 * 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: response_rates([-1]), "complete"),
        (lambda: response_rates([1], refused=[np.nan]), "refused"),
        (lambda: response_rates([1], eligible=1.5), "eligible"),
        (lambda: sample_rates([10], [20], [5]), "invited"),
        (lambda: sample_rates([30], [20], [25]), "responded"),
        (lambda: r_indicator([10, 10], [5, 11], [[0], [1]]), "responded"),
        (lambda: r_indicator([10, 10], [10, 10], [[0], [1]]), "all or nobody"),
        (lambda: r_indicator([10, 10], [0, 5], [[0], [1]]), "for sure"),
        (lambda: r_indicator([10, 10], [5, 5], [[0], [np.nan]]), "auxiliaries"),
        (lambda: partial_r_indicators([0.5], [0.0], [0]), "people"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_propensities_of_groups_are_their_rates():
    # one factor with a category each: S^2 is the variance of the rates, its chance part the mean of their variances
    n, came, weight = np.array([200.0, 300, 500]), np.array([60.0, 120, 300]), 10.0
    found = r_indicator(n, came, np.eye(3)[:, 1:], weight)
    rate, persons = came / n, weight * n.sum()
    squared = np.sum(weight * n * (rate - 0.48) ** 2) / (persons - 1)
    chance = np.sum(n / n.sum() * rate * (1 - rate) / n)
    assert found.propensity == pytest.approx(rate)
    assert found.mean == pytest.approx(0.48)
    assert found.unadjusted == pytest.approx(1 - 2 * np.sqrt(squared))
    assert found.r == pytest.approx(1 - 2 * np.sqrt((1 + 1 / 1000 - 1 / persons) * squared - chance))


def test_the_indicator_is_right_on_average_and_its_standard_error_too():
    rng = np.random.default_rng(8)
    share, propensity = np.array([0.2, 0.3, 0.5]), np.array([0.35, 0.45, 0.6])
    truth = 1 - 2 * np.sqrt(np.sum(share * (propensity - share @ propensity) ** 2))
    found = []
    for _ in range(400):
        n = rng.multinomial(3000, share)
        one = r_indicator(n, rng.binomial(n, propensity), np.eye(3)[:, 1:], 100.0)
        found.append((one.r, one.unadjusted, one.standard_error))
    r, unadjusted, error = np.array(found).T
    assert r.mean() == pytest.approx(truth, abs=0.003)
    assert unadjusted.mean() < r.mean() - 0.002  # what the adjustment is for
    assert np.median(error) == pytest.approx(r.std(), rel=0.15)


def test_equal_propensities_are_representative():
    found = r_indicator([100.0, 100], [50, 50], [[0], [1]])
    assert found.r == found.unadjusted == 1.0
    assert np.isnan(found.standard_error)


def test_splitting_a_row_changes_nothing():
    one = r_indicator([100.0, 100], [30, 50], [[0], [1]], 5.0)
    two = r_indicator([40.0, 60, 100], [20, 10, 50], [[0], [0], [1]], 5.0)
    assert two.r == pytest.approx(one.r, rel=1e-10)
    assert two.standard_error == pytest.approx(one.standard_error, rel=1e-10)


def test_partial_indicators_say_who_is_missing():
    whole, parts = partial_r_indicators([0.2, 0.4, 0.6], [100.0, 200.0, 100.0], [0, 1, 2])
    assert parts.tolist() == pytest.approx([-0.1, 0.0, 0.1])
    assert whole == pytest.approx(np.sqrt(0.02))
