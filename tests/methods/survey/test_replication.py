"""The bootstrap agrees with linearisation, which it checks."""

from dataclasses import replace

import numpy as np
import pytest

from methods.survey.designs import simple, stratified
from methods.survey.estimation import means, moments, ratios
from methods.survey.quantiles import quantiles
from methods.survey.raking import rake
from methods.survey.replication import bootstrap_factors, replicate_variance

REPLICATES = 500  # a variance is then right to about 6 %


def test_replicates_of_a_raked_sample_give_its_linearised_variance(sample):
    # the clusters' ratio of post-stratified totals is far from linear in 15 clusters: 25 %
    t, design = sample.columns, sample.design
    margins = [sample.margin("stype"), sample.margin("sch.wide")]
    y, x = moments(t["api.stu"]), moments(t["enroll"])

    def estimate(of):
        raked = rake(of, margins)
        mean = means(of, moments(t["api00"]), sample.codes("awards"), calibration=raked)
        over = ratios(of, y, x, t["api.stu"] * t["enroll"], calibration=raked)
        return np.append(mean.estimate[:, 0], over.estimate), np.append(mean.variance[:, 0], over.variance)

    whole, variance = estimate(design)
    factors = bootstrap_factors(design, REPLICATES if "clus" not in sample.name else 300, np.random.default_rng(3))
    found = []
    for factor in factors:
        drawn = replace(design, weight=design.weight * factor)
        try:
            found.append(estimate(drawn)[0])
        except ValueError:  # a replicate of 15 clusters in which a type of school is missing
            assert "clus" in sample.name
    tolerance = 0.3 if "clus" in sample.name else 0.2
    assert len(found) > 0.9 * len(factors)
    assert replicate_variance(found, whole) == pytest.approx(variance, rel=tolerance)


def test_replicates_give_the_standard_error_of_a_median():
    rng = np.random.default_rng(5)
    y = rng.normal(0, 1, 400)
    design = simple(np.full(400, 5.0))
    whole = quantiles(design, y)
    found = [
        quantiles(replace(design, weight=design.weight * f), y).estimate
        for f in bootstrap_factors(design, 300, np.random.default_rng(6))
    ]
    assert np.sqrt(replicate_variance(found, whole.estimate)) == pytest.approx(whole.standard_error, rel=0.3)


def test_factors_keep_the_number_of_units_and_narrow_with_the_fraction():
    design = stratified([2.0] * 10 + [5.0] * 10, [0] * 10 + [1] * 10, population=[10, 100])
    factors = bootstrap_factors(design, 500, np.random.default_rng(1))
    assert (factors[:, :10] == 1).all()  # sampled whole
    assert factors[:, 10:].sum(axis=1) == pytest.approx(np.full(500, 10.0))
    assert factors[:, 10:].std() == pytest.approx(np.sqrt(0.9 * 1.0), rel=0.05)


def test_cells_of_several_respondents_cannot_be_drawn_in_parts():
    with pytest.raises(ValueError, match="single responses"):
        bootstrap_factors(simple([1.0, 1.0], n=[1, 2]), 3, np.random.default_rng(1))


def test_a_single_unit_cannot_be_drawn_again():
    design = stratified([1.0, 1.0, 1.0], [0, 0, 1], lonely="adjust")
    with pytest.raises(ValueError, match="single sampled unit"):
        bootstrap_factors(design, 3, np.random.default_rng(1))


@pytest.mark.parametrize("values", [[[np.nan]], [[1.0, 2.0]], []])
def test_replicates_without_an_estimate_are_refused(values):
    with pytest.raises(ValueError, match="replicated"):
        replicate_variance(values, [1.0])
