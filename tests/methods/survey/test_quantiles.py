"""Quantiles against R's survey 4.1-1 on its api data, and where they have no answer."""

import numpy as np
import pytest

from methods.survey.designs import simple, stratified
from methods.survey.quantiles import quantiles


def test_quantiles_and_their_intervals_are_those_of_survey(sample, oracle):
    # svyquantile(~api00, design, c(.25, .5, .75)): qrule "math", interval.type "mean"
    found = quantiles(sample.design, sample.columns["api00"], (0.25, 0.5, 0.75))
    for k, p in enumerate((0.25, 0.5, 0.75)):
        one = [v[0, k] for v in (found.estimate, found.lower, found.upper, found.standard_error)]
        assert one == pytest.approx(oracle[f"{sample.name} quantile {p}"], rel=1e-8)


def test_cells_of_equal_values_give_the_quantiles_of_their_responses():
    rng = np.random.default_rng(1)
    value, domain = rng.integers(0, 11, 300), rng.integers(0, 3, 300)
    single = quantiles(simple(np.full(300, 2.0)), value.astype(float), (0.3, 0.5), domain)
    cells, n = np.unique(np.stack([value, domain]), axis=1, return_counts=True)
    found = quantiles(simple(np.full(len(n), 2.0), n), cells[0].astype(float), (0.3, 0.5), cells[1])
    for name in ("estimate", "lower", "upper", "standard_error"):
        assert getattr(found, name).tolist() == getattr(single, name).tolist()


def test_a_domain_in_which_nobody_answered_has_no_median():
    found = quantiles(simple([1.0] * 4), [1.0, 2.0, np.nan, np.nan], domain=[0, 0, 1, 1], domains=3)
    assert found.n.tolist() == [2.0, 0.0, 0.0]
    assert np.isnan(found.estimate[1:]).all()
    assert found.estimate[0, 0] == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"value": [1.0, 2.0]}, "value"),
        ({"value": [1.0, 2.0, np.inf]}, "value"),
        ({"probability": [0.0]}, "probability"),
        ({"probability": [np.nan]}, "probability"),
        ({"level": 1.0}, "level"),
        ({"domain": [0, 1, 5], "domains": 2}, "domain"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        quantiles(simple([1.0] * 3), **({"value": [1.0, 2.0, 3.0]} | given))


def test_a_design_without_degrees_of_freedom_is_refused():
    with pytest.raises(ValueError, match="degrees of freedom"):
        quantiles(stratified([1.0, 1.0], [0, 1], lonely="adjust"), [1.0, 2.0])
