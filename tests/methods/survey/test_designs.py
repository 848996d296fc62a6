"""Designs: what their numbers are, and what is refused."""

import numpy as np
import pytest

from methods.survey.designs import clustered, multipliers, simple, stratified
from methods.survey.estimation import means, moments


def test_fractions_and_degrees_of_freedom_come_from_sampled_units():
    design = clustered([1.0] * 6, [0, 0, 1, 2, -1, -1], [0, 0, 0, 1, 1, 1], n=[2, 1, 1, 3, 2, 2], population=[4, 50])
    # stratum 0: two clusters of 4; stratum 1: one cluster and four single respondents of 50
    assert design.sampled.tolist() == [2.0, 5.0]
    assert design.fraction.tolist() == [0.5, 0.1]
    assert design.degrees_of_freedom == 5


def test_a_stratum_with_one_unit_is_refused_by_number_or_treated_as_said():
    y = moments([1.0, 3.0, 9.0])

    def variance(lonely, population=None):
        design = stratified([1.0, 1.0, 1.0], [0, 0, 1], population=population, lonely=lonely)
        return means(design, y).variance.item()

    with pytest.raises(ValueError, match="stratum: 1 has a single sampled unit"):
        variance("refuse")
    u = (np.array([1.0, 3.0, 9.0]) - 13 / 3) / 3
    known = 2 * np.var(u[:2], ddof=1)
    # options(survey.lonely.psu = "certainty" and "adjust") of R's survey, by their definitions
    assert variance("certainty") == pytest.approx(known)
    assert variance("adjust") == pytest.approx(known + u[2] ** 2)


def test_a_stratum_sampled_whole_is_no_lonely_one():
    design = stratified([5.0, 5.0, 1.0], [0, 0, 1], population=[10, 1])
    c, k = multipliers(design)
    assert c[1] == k[1] == 0


def test_an_empty_design_has_no_estimates_and_no_error():
    found = means(simple([]), moments(np.zeros((0, 2))))
    assert np.isnan(found.estimate).all()
    assert found.n.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simple([1.0, np.nan]), "weight"),
        (lambda: simple([1.0, np.inf]), "weight"),
        (lambda: simple([1.0, -1.0]), "weight"),
        (lambda: simple([[1.0, 1.0]]), "weight"),
        (lambda: simple([1.0, 1.0], n=[1.0]), "n:"),
        (lambda: simple([1.0, 1.0], n=[1.0, 0.0]), "n:"),
        (lambda: simple([1.0, 1.0], population=1), "population"),
        (lambda: stratified([1.0, 1.0], [0, -1]), "stratum"),
        (lambda: stratified([1.0, 1.0], [0.5, 1.0]), "stratum"),
        (lambda: stratified([1.0, 1.0], [0]), "stratum"),
        (lambda: stratified([1.0, 1.0], [0, 1], population=[5]), "population"),
        (lambda: stratified([1.0, 1.0], [0, 1], population=[5, np.nan]), "population"),
        (lambda: stratified([1.0, 1.0], [0, 1], lonely="average"), "lonely"),
        (lambda: clustered([1.0, 1.0], [0, -2]), "psu"),
        (lambda: clustered([1.0, 1.0], [0, 0], [0, 1]), "psu: 0 lies in strata 0 and 1"),
    ],
)
def test_what_is_no_design_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
