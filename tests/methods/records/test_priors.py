"""Beta-binomial and gamma-Poisson models: published numbers, independent optimisation, simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import beta, betabinom, gamma

from methods.records.posteriors import Posterior, match_gamma, rate_posterior, share_posterior, weighted_rate
from methods.records.priors import (
    beta_binomial,
    fixed_prior,
    gamma_poisson,
)

# Gaver, O'Muircheartaigh (1987), Technometrics 29, 1-15: failures of 10 pumps, thousand hours
FAILURES = np.array([5.0, 1, 5, 14, 3, 19, 1, 1, 4, 22])
HOURS = np.array([94.3, 15.7, 62.9, 126, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5])


def test_pumps_give_the_published_maximum_likelihood_prior() -> None:
    # George, Makov, Smith (1993), Scandinavian Journal of Statistics 20: .8230 and 1.2617
    prior = gamma_poisson(FAILURES, HOURS)
    assert prior.a == pytest.approx(0.8230, abs=1e-4)
    assert prior.b == pytest.approx(1.2617, abs=1e-4)


def test_the_posterior_of_a_pump_adds_counts_and_exposure_to_the_prior() -> None:
    prior = gamma_poisson(FAILURES, HOURS)
    plain = rate_posterior(prior, FAILURES, HOURS, whole=False)
    assert plain.a / plain.b == pytest.approx((FAILURES + prior.a) / (HOURS + prior.b))


def test_the_prior_does_not_depend_on_the_unit_of_exposure() -> None:
    by_thousand, by_one = gamma_poisson(FAILURES, HOURS), gamma_poisson(FAILURES, HOURS * 1000)
    assert by_one.a == pytest.approx(by_thousand.a, rel=1e-5)
    assert by_one.b == pytest.approx(by_thousand.b * 1000, rel=1e-5)


def test_the_beta_prior_is_where_scipy_finds_the_highest_likelihood() -> None:
    rng = np.random.default_rng(11)
    n = rng.integers(5, 60, 80)
    y = rng.binomial(n, rng.beta(9, 3, 80))
    found = minimize(
        lambda x: -np.sum(betabinom.logpmf(y, n, *np.exp(x))), [1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8}
    )
    prior = beta_binomial(y.astype(float), n.astype(float))
    assert [prior.a, prior.b] == pytest.approx(np.exp(found.x), rel=1e-4)


def test_units_without_a_denominator_do_not_move_the_prior() -> None:
    y, n = np.array([3.0, 9, 4, 8, 7, 2, 6, 5]), np.full(8, 10.0)
    with_empty = beta_binomial(np.append(y, 0.0), np.append(n, 0.0))
    assert with_empty.a == pytest.approx(beta_binomial(y, n).a)


def test_taking_in_that_the_prior_is_estimated_widens_most_posteriors() -> None:
    prior = gamma_poisson(FAILURES, HOURS)
    plain = rate_posterior(prior, FAILURES, HOURS, whole=False)
    whole = rate_posterior(prior, FAILURES, HOURS)
    assert np.median(np.sqrt(whole.a) / whole.b / (np.sqrt(plain.a) / plain.b)) > 1.0


@pytest.mark.parametrize("m", [12, 16, 60])
def test_intervals_of_shares_hold_the_truth_as_often_as_they_promise(m: int) -> None:
    rng = np.random.default_rng(100 + m)
    held = []
    for _ in range(600 // m):
        n, share = rng.integers(5, 60, m).astype(float), rng.beta(9, 3, m)
        y = rng.binomial(n.astype(int), share).astype(float)
        at = share_posterior(beta_binomial(y, n), y, n)
        held.append(np.mean((beta.ppf(0.025, at.a, at.b) <= share) & (share <= beta.ppf(0.975, at.a, at.b))))
    assert 0.93 < np.mean(held) < 0.975


@pytest.mark.parametrize("m", [12, 16, 60])
def test_intervals_of_rates_hold_the_truth_as_often_as_they_promise(m: int) -> None:
    rng = np.random.default_rng(200 + m)
    held = []
    for _ in range(600 // m):
        t, rate = rng.uniform(0.3, 6, m), rng.gamma(2, 1, m)
        y = rng.poisson(rate * t).astype(float)
        at = rate_posterior(gamma_poisson(y, t), y, t)
        low, high = gamma.ppf(0.025, at.a, scale=1 / at.b), gamma.ppf(0.975, at.a, scale=1 / at.b)
        held.append(np.mean((low <= rate) & (rate <= high)))
    assert 0.93 < np.mean(held) < 0.975


@pytest.mark.parametrize("m", [8, 150])
def test_a_level_without_any_event_still_allows_for_some(m: int) -> None:
    y, t = np.zeros(m), np.full(m, 5.0)
    at = rate_posterior(gamma_poisson(y, t), y, t)
    mean, sd = at.a[0] / at.b[0], np.sqrt(at.a[0]) / at.b[0]
    assert 0.1 / (5.0 * m) < mean < 1.0 / (5.0 * m)
    assert sd > mean


def test_weighted_rates_add_means_and_squared_variances() -> None:
    whole, half = Posterior(np.array([4.0]), np.array([2.0])), Posterior(np.array([3.0]), np.array([1.5]))
    both = weighted_rate(np.array([1.0, 0.5]), (whole, half))
    # means 2 + .5 x 2, variances 1 + .25 x 4/3
    assert both.a / both.b == pytest.approx([3.0])
    assert both.a / both.b**2 == pytest.approx([1.0 + 1.0 / 3.0])


def test_matching_moments_gives_them_back() -> None:
    at = match_gamma(np.array([2.0]), np.array([0.5]))
    assert (at.a / at.b)[0] == pytest.approx(2.0)
    assert (at.a / at.b**2)[0] == pytest.approx(0.5)


def test_a_fixed_prior_is_not_spread_over_others() -> None:
    at = share_posterior(fixed_prior(0.5, 0.5), np.array([3.0]), np.array([10.0]))
    assert (at.a[0], at.b[0]) == (3.5, 7.5)


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="numerators"):
        beta_binomial(np.array([5.0, 2.0]), np.array([4.0, 4.0]))


def test_a_level_without_denominators_is_refused() -> None:
    with pytest.raises(ValueError, match="denominator"):
        gamma_poisson(np.zeros(3), np.zeros(3))


def test_large_counts_and_small_ones_are_fitted_alike() -> None:
    # above three times as many counts as units the likelihood is computed another way; a unit count more changes it
    rng = np.random.default_rng(12)
    n = np.full(40, 118.0)
    y = rng.binomial(118, rng.beta(9, 3, 40)).astype(float)
    few, many = beta_binomial(y, n), beta_binomial(np.append(y, 100.0), np.append(n, 130.0))
    found = minimize(
        lambda x: -np.sum(betabinom.logpmf(np.append(y, 100.0), np.append(n, 130.0), *np.exp(x))),
        np.log([many.a, many.b]),
        method="Nelder-Mead",
        options={"xatol": 1e-8},
    )
    assert [many.a, many.b] == pytest.approx(np.exp(found.x), rel=1e-4)
    assert few.a != many.a


@pytest.mark.parametrize("fit", [beta_binomial, gamma_poisson])
@pytest.mark.parametrize(
    ("counts", "sizes", "message"),
    [
        ([1.0, np.nan], [2.0, 2.0], "holds values that are not finite"),
        ([1.0, 1.0], [2.0, np.inf], "holds values that are not finite"),
        ([-1.0, 1.0], [2.0, 2.0], "holds negative values"),
        ([0.0, 1.0], [-2.0, 2.0], "holds negative values"),
        ([1.0], [2.0, 2.0], "has shape"),
        ([0.0, 0.0], [0.0, 0.0], "denominator"),
        ([], [], "denominator"),
    ],
)
def test_counts_that_make_no_sense_are_refused(
    fit: object, counts: list[float], sizes: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit(np.array(counts), np.array(sizes))  # type: ignore[operator]


def test_posteriors_refuse_what_their_priors_would() -> None:
    one = np.ones(1)
    with pytest.raises(ValueError, match="numerators"):
        share_posterior(fixed_prior(0.5, 0.5), 2 * one, one)
    with pytest.raises(ValueError, match="improper"):
        rate_posterior(fixed_prior(0.5, 0.0), one, 0 * one)
    with pytest.raises(ValueError, match="events holds"):
        rate_posterior(fixed_prior(0.5, 0.0), np.array([np.nan]), one)
    with pytest.raises(ValueError, match="a is 0"):
        fixed_prior(0.0, 1.0)
    with pytest.raises(ValueError, match="weights has shape"):
        weighted_rate(np.ones(2), (Posterior(one, one),))
    with pytest.raises(ValueError, match="not above 0"):
        weighted_rate(np.zeros(1), (Posterior(one, one),))
    with pytest.raises(ValueError, match="variance holds"):
        match_gamma(one, 0 * one)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_neither_the_order_of_units_nor_the_unit_of_exposure_moves_a_posterior(seed: int) -> None:
    rng = np.random.default_rng(seed)
    t = rng.uniform(1, 9, 15)
    y = rng.poisson(rng.gamma(2, 1, 15) * t).astype(float)
    order = rng.permutation(15)
    one = rate_posterior(gamma_poisson(y, t), y, t)
    other = rate_posterior(gamma_poisson(y[order], 100 * t[order]), y[order], 100 * t[order])
    assert other.a / other.b * 100 == pytest.approx((one.a / one.b)[order], rel=2e-3)
    assert other.a == pytest.approx(one.a[order], rel=2e-2)


def test_shares_of_successes_and_of_failures_mirror_each_other() -> None:
    y, n = np.array([3.0, 9, 4, 8, 7, 2, 6, 5]), np.full(8, 10.0)
    plus, minus = beta_binomial(y, n), beta_binomial(n - y, n)
    assert (minus.a, minus.b) == pytest.approx((plus.b, plus.a), rel=1e-4)


def test_one_unit_with_a_denominator_still_has_a_posterior_between_its_share_and_nothing_known() -> None:
    at = share_posterior(beta_binomial(np.array([4.0]), np.array([10.0])), np.array([4.0]), np.array([10.0]))
    assert np.isfinite(at.a).all()
    assert 0.2 < (at.a / (at.a + at.b))[0] < 0.6
