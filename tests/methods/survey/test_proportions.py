"""Intervals of shares against Newcombe (1998) and R's survey 4.1-1."""

import numpy as np
import pytest

from methods.survey.proportions import clopper_pearson, korn_graubard, wilson


# Newcombe (1998), Statistics in Medicine 17, 857-872, Table I, methods 3 and 5
@pytest.mark.parametrize(
    ("x", "n", "by_wilson", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_binomial_intervals_are_those_of_newcombe(x, n, by_wilson, exact):
    assert np.array(wilson(x, n)) == pytest.approx(by_wilson, abs=5e-5)
    assert np.array(clopper_pearson(x, n)) == pytest.approx(exact, abs=5e-5)


def test_the_interval_of_a_complex_sample_is_that_of_survey(sample, oracle):
    # svyciprop(~I(api00 >= 700), design, method = "beta")
    p, error = oracle[f"{sample.name} high"]
    share, low, high = oracle[f"{sample.name} proportion beta"]
    assert share == pytest.approx(p)
    n, df = len(sample.columns["pw"]), oracle[f"{sample.name} degf"].item()
    if p * (1 - p) / error**2 > n:  # the finite simple sample: survey goes beyond n respondents, we do not
        low, high = clopper_pearson(p * n, n)
    assert np.array(korn_graubard(p, error**2, n, df)) == pytest.approx(np.array([low, high]), rel=1e-8)


def test_shares_of_nothing_and_of_all_are_clopper_pearsons():
    low, high = korn_graubard([0.0, 1.0], [0.0, 0.0], 20, 19)
    exact = clopper_pearson([0, 20], 20)
    assert low.tolist() == exact[0].tolist()
    assert high.tolist() == exact[1].tolist()
    assert (low[0], high[1]) == (0.0, 1.0)


def test_where_nobody_answered_there_is_no_interval():
    low, high = korn_graubard([np.nan, 0.5], [np.nan, 0.01], [0, 30], 10)
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()


def test_intervals_hold_the_share_and_narrow_with_respondents():
    n = np.array([10, 100, 1000])
    for interval in (wilson, clopper_pearson):
        low, high = interval(0.3 * n, n)
        assert np.all((low < 0.3) & (high > 0.3))
        assert np.all(np.diff(high - low) < 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wilson(1, 0), "n:"),
        (lambda: wilson(5, 4), "successes:"),
        (lambda: wilson(-1, 4), "successes:"),
        (lambda: wilson(np.nan, 4), "successes:"),
        (lambda: clopper_pearson(1, 4, 1.5), "level:"),
        (lambda: korn_graubard(1.2, 0.1, 10, 9), "share:"),
        (lambda: korn_graubard(np.nan, 0.1, 10, 9), "share:"),
        (lambda: korn_graubard(0.2, -0.1, 10, 9), "variance:"),
        (lambda: korn_graubard(0.2, 0.1, -1, 9), "n:"),
        (lambda: korn_graubard(0.2, 0.1, 10, 0), "degrees_of_freedom:"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
