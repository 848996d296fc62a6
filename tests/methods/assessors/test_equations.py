"""The likelihood's derivatives against differences, and how the search for its top behaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from assessed_designs import PENICILLIN, grid, small

from methods.assessors import equations
from methods.assessors.equations import Equations, quadratic_forms
from methods.assessors.reml import Search


def _differences(eq: Equations, ratios: np.ndarray, step: float = 1e-4) -> np.ndarray:
    found = np.zeros(4)
    for k in np.flatnonzero(ratios > 0):
        up, down = ratios.copy(), ratios.copy()
        up[k] *= np.exp(step)
        down[k] *= np.exp(-step)
        found[k] = (eq.solve(up).deviance - eq.solve(down).deviance) / (2 * step)
    return found


@pytest.mark.parametrize("units_eliminated", [True, False])
@pytest.mark.parametrize("ratios", [(2.0, 1.5, 0.4, 0.8), (0.05, 0.3, 3.0, 0.02), (1.0, 0.0, 0.5, 0.2)])
def test_the_gradient_is_that_of_finite_differences(units_eliminated: bool, ratios: tuple[float, ...]) -> None:
    eq = Equations.of(small(), units_eliminated)
    at = np.array(ratios)
    assert eq.solve(at).gradient == pytest.approx(_differences(eq, at), abs=1e-6)


@pytest.mark.parametrize("ratios", [(2.0, 0.0, 12.0, 0.0), (0.1, 0.0, 0.3, 0.0)])
def test_the_gradient_without_interactions_is_that_of_finite_differences(ratios: tuple[float, ...]) -> None:
    eq = Equations.of(grid(PENICILLIN, 24, 6))
    at = np.array(ratios)
    assert eq.solve(at).gradient == pytest.approx(_differences(eq, at), abs=1e-6)


def test_listed_pairs_and_products_of_matrices_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    at = np.array([2.0, 0.0, 12.0, 0.0])
    scores = replace(grid(PENICILLIN, 24, 6), unit=np.repeat(np.arange(12), 12))  # some scored twice by one assessor
    listed = Equations.of(scores).solve(at)
    monkeypatch.setattr(equations, "MAX_PAIRS", 0)
    plain = Equations.of(scores).solve(at)
    assert plain.equations.pairs is None
    assert listed.equations.pairs is not None
    assert listed.deviance == pytest.approx(plain.deviance, abs=1e-10)
    assert listed.gradient == pytest.approx(plain.gradient, abs=1e-9)
    assert listed.variance_p()[0] == pytest.approx(plain.variance_p()[0], abs=1e-12)


def test_average_information_is_near_the_second_derivatives() -> None:
    eq = Equations.of(small())
    best = Search(eq).fit()
    step = 1e-4
    second = np.zeros((4, 4))
    for k in range(4):
        up, down = best.ratios.copy(), best.ratios.copy()
        up[k] *= np.exp(step)
        down[k] *= np.exp(-step)
        second[k] = (eq.solve(up).gradient - eq.solve(down).gradient) / (2 * step)
    assert best.curvature == pytest.approx(second, rel=0.15, abs=0.1)


def test_the_top_is_found_in_few_evaluations_from_anywhere() -> None:
    eq = Equations.of(small())
    search = Search(eq)
    best = search.fit()
    assert search.evaluations < 12
    assert np.abs(best.gradient).max() < 1e-4
    for start in ((1e-2, 1e-2, 1e-2, 1e-2), (30.0, 30.0, 30.0, 30.0), (1.0, 0.0, 0.0, 1.0)):
        assert Search(eq).fit(np.array(start)).deviance == pytest.approx(best.deviance, abs=1e-7)


def test_leverages_add_up_to_the_effective_number_of_parameters() -> None:
    eq = Equations.of(small())
    solved = eq.solve(np.array([2.0, 1.5, 0.4, 0.8]))
    # trace of W C^-1 W' = rank of X and what each effect is not shrunken: levels - trace of the inverse's block
    shrunken = np.sum(solved.variance_p()) + np.sum(solved.variance_q())
    assert solved.leverage().sum() == pytest.approx(3 + eq.P.levels + eq.Q.levels - shrunken, abs=1e-8)


def test_a_quadratic_form_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="square matrix"):
        quadratic_forms(Equations.of(small()).PQ, np.eye(3))
