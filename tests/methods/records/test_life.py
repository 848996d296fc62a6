"""The life of a record: days in force, weights by chance, what is taken off."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from methods.records.life import even_counts, months_after, relative_exposure, saturated, share_in_force
from methods.records.posteriors import rate_posterior
from methods.records.priors import gamma_poisson

YEAR = date(2026, 1, 1), date(2026, 12, 31)


def _days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]")


def test_a_record_counts_from_its_document_for_its_months() -> None:
    documents = _days("2026-01-01", "2025-01-01", "2025-01-02", "2025-12-31", "2026-12-31", "2027-01-01", "2020-05-05")
    held = share_in_force(documents, 12, *YEAR) * 365
    # 2025-01-01 is over on 2026-01-01; 2025-01-02 counts that one day; 2025-12-31 counts to 2026-12-30
    assert held == pytest.approx([365, 0, 1, 364, 1, 0, 0])


def test_months_end_where_the_calendar_does() -> None:
    later = months_after(_days("2026-01-31", "2024-02-29", "2026-03-15", "2026-11-30"), 1)
    assert [str(day) for day in later] == ["2026-03-01", "2024-03-29", "2026-04-15", "2026-12-30"]
    assert str(months_after(_days("2024-02-29"), 12)[0]) == "2025-03-01"
    assert str(months_after(_days("2026-05-05"), 0)[0]) == "2026-05-05"


@settings(max_examples=60, deadline=None)
@given(st.integers(-900, 900), st.integers(1, 40))
def test_days_in_force_of_following_periods_add_up_to_the_whole_term(offset: int, months: int) -> None:
    document = _days("2026-01-01") + np.timedelta64(offset, "D")
    days = 0.0
    for year in range(2020, 2040):
        length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
        days += float(share_in_force(document, months, date(year, 1, 1), date(year, 12, 31))[0]) * length
    term = (months_after(document, months) - document)[0] / np.timedelta64(1, "D")
    assert days == pytest.approx(term)


def test_events_that_are_as_frequent_before_the_period_count_as_many_as_come_up_in_it() -> None:
    # in force 12 months: of one event a day from 2025 on, 365 days of events count 1 in sum over the year 2026
    documents = np.arange(np.datetime64("2025-01-01"), np.datetime64("2027-01-01"))
    assert share_in_force(documents, 12, *YEAR).sum() == pytest.approx(365, abs=1)


def test_even_counts_have_the_same_rate_and_a_poisson_variance() -> None:
    rng = np.random.default_rng(4)
    exposure, rate = np.full(4000, 5.0), 0.6
    number = rng.poisson(rate * exposure * 2)  # documents of two years
    share = [np.minimum(u, 2 - u) for u in (rng.uniform(0, 2, n) for n in number)]
    total, squares = (np.array([np.sum(one**p) for one in share]) for p in (1, 2))
    counts, even = even_counts(total, squares, exposure)
    assert counts.sum() / even.sum() == pytest.approx(rate, rel=0.03)
    assert counts.var() == pytest.approx(counts.mean(), rel=0.06)
    assert total.var() == pytest.approx(total.mean() * 2 / 3, rel=0.06)  # E w^2 / E w of a triangle


def test_intervals_of_rates_from_weighted_events_hold_what_they_promise() -> None:
    rng = np.random.default_rng(9)
    held = []
    for _ in range(25):
        exposure, rate = rng.uniform(1, 8, 40), rng.gamma(2, 0.5, 40)
        number = rng.poisson(rate * exposure * 2)
        share = [np.minimum(u, 2 - u) for u in (rng.uniform(0, 2, n) for n in number)]
        total, squares = (np.array([np.sum(one**p) for one in share]) for p in (1, 2))
        counts, even = even_counts(total, squares, exposure)
        at = rate_posterior(gamma_poisson(counts, even), counts, even)
        low, high = (gamma.ppf(q, at.a, scale=1 / at.b) for q in (0.025, 0.975))
        held.append(np.mean((low <= rate) & (rate <= high)))
    assert 0.93 < np.mean(held) < 0.97


def test_events_of_weight_one_stay_as_they_are() -> None:
    counts, exposure = even_counts(np.array([2.0, 0.0]), np.array([2.0, 0.0]), np.array([5.0, 7.0]))
    assert counts.tolist() == [2.0, 0.0]
    assert exposure.tolist() == [5.0, 7.0]
    nothing, exposure = even_counts(np.zeros(2), np.zeros(2), np.array([5.0, 7.0]))
    assert nothing.tolist() == [0.0, 0.0]
    assert exposure.tolist() == [5.0, 7.0]


def test_deductions_saturate_and_are_lighter_for_large_bodies_only() -> None:
    exposure = np.array([100.0, 400.0, 25.0, np.nan, 100.0, 7.0, 0.0])
    relative = relative_exposure(exposure, np.array([0, 0, 0, 0, 0, 1, 1]))
    assert relative.tolist() == [1.0, 0.25, 4.0, 1.0, 1.0, 1.0, 1.0]
    found = saturated(np.full(7, 8.0), relative)
    large, whole = 15 * (1 - np.exp(-2 / 15)), 15 * (1 - np.exp(-8 / 15))
    assert found == pytest.approx([whole, large, whole, whole, whole, whole, whole])
    assert saturated(np.array([1e9]), np.ones(1))[0] == pytest.approx(15.0)
    assert saturated(np.array([0.5]), np.ones(1))[0] == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: share_in_force(_days("2026-01-01"), 0, *YEAR), "months is 0"),
        (lambda: share_in_force(_days("2026-01-01"), 12, *YEAR[::-1]), "has no day"),
        (lambda: share_in_force(_days("NaT"), 12, *YEAR), "document holds days"),
        (lambda: months_after(_days("2026-01-01"), -1), "months is -1"),
        (lambda: even_counts(np.ones(2), np.ones(3), np.ones(2)), "squares"),
        (lambda: even_counts(np.ones(2), np.full(2, 2.0), np.ones(2)), "squares exceed total"),
        (lambda: even_counts(np.array([np.nan]), np.ones(1), np.ones(1)), "total holds"),
        (lambda: even_counts(np.ones(1), np.ones(1), -np.ones(1)), "exposure holds"),
        (lambda: relative_exposure(np.array([-1.0]), np.zeros(1)), "exposure holds"),
        (lambda: relative_exposure(np.ones(2), np.zeros(1)), "group"),
        (lambda: saturated(np.array([-1.0]), np.ones(1)), "points holds"),
        (lambda: saturated(np.ones(1), np.array([np.nan])), "relative holds"),
        (lambda: saturated(np.ones(2), np.ones(1)), "relative"),
        (lambda: saturated(np.ones(1), np.ones(1), 0.0), "limit is 0.0"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
