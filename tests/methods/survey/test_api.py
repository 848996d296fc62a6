"""Every estimate of R's survey 4.1-1 on its api data, to 1e-8 (mostly 1e-12). The calls are in data/api.R."""

import numpy as np
import pytest

from methods.survey.calibration import calibrate
from methods.survey.estimation import design_effect, limits, means, moments, ratios, shares, totals
from methods.survey.raking import post_stratify, rake

CALIBRATED = ("linear", "raking", "logit", "linear bounded", "raking bounded")
BOUNDS = {"logit": (0.4, 2.5), "linear bounded": (0.6, 1.7), "raking bounded": (0.6, 1.7)}


def agree(estimates, expected):
    found = np.concatenate([estimates.estimate.ravel(), estimates.standard_error.ravel()])
    # a standard error of 0 is one of sums that cancel to 16 digits
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-8)


def check(sample, oracle, name, calibration=None, residuals="design"):
    t, given = sample.columns, {"calibration": calibration, "residuals": residuals}
    y, api = moments(np.column_stack([t["api00"], t["enroll"]])), moments(t["api00"])
    mean = means(sample.design, y, **given)
    agree(mean, oracle[f"{name} mean"])
    agree(totals(sample.design, y, **given), oracle[f"{name} total"])
    over = ratios(sample.design, moments(t["api.stu"]), moments(t["enroll"]), t["api.stu"] * t["enroll"], **given)
    agree(over, oracle[f"{name} ratio"])
    for by in ("awards", "stype"):
        agree(means(sample.design, api, sample.codes(by), **given), oracle[f"{name} by {by}"])
    assert design_effect(mean).ravel() == pytest.approx(oracle[f"{name} deff"], rel=1e-8)
    return mean


def auxiliaries(sample, last):
    kind = sample.codes("stype")
    return np.column_stack([np.ones(len(kind)), kind == 1, kind == 2, last])


def test_a_design_gives_the_numbers_of_survey(sample, oracle):
    name, t = sample.name, sample.columns
    mean = check(sample, oracle, name)
    y = moments(np.column_stack([t["api00"], t["enroll"]]))
    assert design_effect(mean, replacement=True).ravel() == pytest.approx(oracle[f"{name} deff replace"], rel=1e-8)
    assert design_effect(totals(sample.design, y)).ravel() == pytest.approx(oracle[f"{name} deff total"], rel=1e-8)
    agree(shares(sample.design, np.eye(2)[sample.codes("awards")]), oracle[f"{name} share"])
    agree(totals(sample.design, moments(t["enroll"]), sample.codes("awards")), oracle[f"{name} total by awards"])
    assert mean.degrees_of_freedom == oracle[f"{name} degf"]
    assert np.concatenate(limits(mean)).ravel() == pytest.approx(oracle[f"{name} limits"], rel=1e-8)


def test_post_stratification_gives_the_numbers_of_survey(sample, oracle):
    check(sample, oracle, f"{sample.name} poststratified", post_stratify(sample.design, sample.margin("awards")))


def test_raking_gives_the_numbers_of_survey_by_option(sample, oracle):
    # rake() of survey takes residuals over unweighted respondents; calibrate(calfun = "raking") over weighted ones
    raked = rake(sample.design, [sample.margin("stype"), sample.margin("sch.wide")])
    check(sample, oracle, f"{sample.name} raked", raked, residuals="respondents")
    check(sample, oracle, f"{sample.name} raking margins", raked)


@pytest.mark.parametrize("kind", CALIBRATED)
def test_calibration_gives_the_numbers_of_survey(sample, oracle, kind):
    name = f"{sample.name} {kind}"
    X = auxiliaries(sample, sample.columns["api99"])
    found = calibrate(sample.design, X, [6194, 755, 1018, 3914069], kind.split()[0], BOUNDS.get(kind))
    g = found.factor
    assert [g.min(), g.max(), np.sum(g**2)] == pytest.approx(oracle[f"{name} factors"], rel=1e-8)
    check(sample, oracle, name, found)


def test_raking_is_calibration_to_indicators_in_the_raking_distance(sample):
    raked = rake(sample.design, [sample.margin("stype"), sample.margin("sch.wide")])
    X = auxiliaries(sample, sample.codes("sch.wide"))
    assert calibrate(sample.design, X, [6194, 755, 1018, 5122], "raking").factor == pytest.approx(
        raked.factor, rel=1e-9
    )


# Where a paper or the specification names a number, it stands here in so many digits
NAMED = {
    "srs mean": (656.585, 584.61, 9.24972, 27.36837),
    "strat mean": (662.2874, 595.2821, 9.40894, 18.50851),
    "clus1 mean": (644.1694, 549.7158, 23.54224, 45.19137),
    "clus1 total": (3989985.466, 3404940.135, 898363.644, 932235.027),
}


def test_the_oracle_says_what_the_documentation_of_survey_prints(oracle):
    # example(svymean), example(svytotal), vignette "survey"
    for name, values in NAMED.items():
        assert oracle[name] == pytest.approx(values, rel=1e-6)


def test_the_total_of_enrolment_by_post_stratified_clusters(samples):
    # svytotal(~enroll, postStratify(svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc), ~stype, pop)),
    # example(postStratify): 3680893 (406293); more digits by survey 4.1-1
    clus1 = samples["clus1"]
    calibration = post_stratify(clus1.design, clus1.margin("stype"))
    found = totals(clus1.design, moments(clus1.columns["enroll"]), calibration=calibration)
    assert [found.estimate.item(), found.standard_error.item()] == pytest.approx([3680892.945119048, 406292.636294802])
