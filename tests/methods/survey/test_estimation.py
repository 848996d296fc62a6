"""Estimation beyond the numbers of survey: what is refused, and what has no answer."""

import numpy as np
import pytest

from methods.survey.designs import simple, stratified
from methods.survey.estimation import (
    Moments,
    design_effect,
    effective_n,
    limits,
    means,
    moments,
    ratios,
    shares,
    totals,
)
from methods.survey.margins import margin
from methods.survey.raking import post_stratify, rake


def test_a_domain_without_answers_has_no_estimate():
    found = means(simple([2.0] * 4), moments([1.0, 2.0, np.nan, np.nan]), [0, 0, 1, 1], 3)
    assert found.n.ravel().tolist() == [2, 0, 0]
    assert np.isnan(found.estimate[1:]).all()
    assert np.isnan(found.variance[1:]).all()
    assert np.isnan(design_effect(found, replacement=True)[1:]).all()
    assert found.kish.ravel().tolist() == [2, 0, 0]


def test_unequal_weights_cost_respondents():
    # Kish: (10 + 30)^2 / (10 + 90)
    found = means(simple([1.0, 3.0], n=[10, 10]), Moments(*(np.full((2, 1), v) for v in (10.0, 5.0, 5.0))))
    assert found.kish.item() == pytest.approx(16.0)
    assert effective_n(found).item() == pytest.approx(16.0)


def test_equal_answers_have_no_variance_and_no_design_effect():
    found = means(simple([2.0, 3.0, 4.0]), moments([5.0, 5.0, 5.0]))
    assert found.variance.item() == 0
    assert np.isnan(design_effect(found, replacement=True)).all()


def test_one_respondent_tells_nothing_of_the_variance():
    with pytest.raises(ValueError, match="single sampled unit"):
        means(simple([2.0]), moments([5.0]))


def test_respondents_in_no_domain_belong_to_the_sample():
    y, domain = np.array([1.0, 2, 4, 9, 7, 3]), np.array([0, 0, 0, -1, -1, -1])
    outside = means(simple([1.0] * 6), moments(y), domain, 1)
    other = means(simple([1.0] * 6), moments(y), np.maximum(domain + 1, 0), 2)
    assert outside.estimate.item() == other.estimate[1].item()
    assert outside.variance.item() == pytest.approx(other.variance[1].item())


def test_totals_of_calibrated_counts_are_known_for_sure():
    design = simple([3.0] * 6)
    found = totals(
        design, moments(np.ones(6)), calibration=post_stratify(design, margin("a", [0, 0, 1, 1, 1, 1], [9, 11]))
    )
    assert found.estimate.item() == pytest.approx(20)
    assert found.variance.item() == pytest.approx(0, abs=1e-12)


def test_a_stratum_in_two_calibration_groups_is_refused():
    design = stratified([1.0] * 4, [0, 0, 0, 0])
    raked = rake(design, [margin("a", [0, 1, 2, 3], [1, 1, 1, 1], [0, 0, 1, 1])], [0, 0, 1, 1])
    with pytest.raises(ValueError, match="stratum: 0 has respondents of two calibration groups"):
        means(design, moments([1.0, 2, 3, 4]), calibration=raked)


ONE = moments([1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: moments([1.0, np.inf]), "values"),
        (lambda d: moments(np.zeros((2, 2, 2))), "values"),
        (lambda d: means(d, moments([1.0])), "of: shapes"),
        (lambda d: means(d, Moments(np.full((2, 1), 2.0), ONE.sum, ONE.sumsq)), "of: 2 respondents"),
        (lambda d: means(d, Moments(ONE.n, ONE.sum * np.nan, ONE.sumsq)), "of: a sum is not finite"),
        (lambda d: means(d, Moments(ONE.n, ONE.sum, -ONE.sumsq)), "of: a negative"),
        (lambda d: means(d, ONE, [0, 3], 2), "domain"),
        (lambda d: means(d, ONE, [0.0, 1.0]), "domain"),
        (lambda d: means(d, ONE, residuals="other"), "residuals"),
        (lambda d: means(d, ONE, calibration=post_stratify(simple([1.0]), margin("a", [0], [1]))), "calibration"),
        (lambda d: shares(d, [0.0, 1.0]), "counts"),
        (lambda d: shares(d, [[1.0, 1.0], [0.0, 1.0]]), "of: 2 respondents"),
        (lambda d: ratios(d, ONE, moments([1.0, -1.0]), [1.0, -2.0]), "denominator: its total is 0"),
        (lambda d: ratios(d, ONE, moments([1.0, np.nan]), [1.0, 0.0]), "denominator: its n differs"),
        (lambda d: ratios(d, ONE, ONE, [1.0]), "product"),
        (lambda d: design_effect(means(d, ONE)), "weights add up to no more"),
        (lambda d: limits(means(d, ONE), 0.0), "level"),
        (lambda d: limits(means(stratified([1.0, 1.0], [0, 1], lonely="adjust"), ONE)), "degrees of freedom"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(simple([1.0, 1.0]))
