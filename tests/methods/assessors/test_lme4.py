"""The crossed model gives the numbers of lme4 1.1-31 (R 4.2.2), with its standard errors.

All by lmer(..., control = lmerControl("bobyqa", optCtrl = list(rhoend = 1e-10))); the default optimiser stops early:
REMLcrit, VarCorr, fixef with standard error, ranef(condVar = TRUE) with roots of `postVar`.
"""

from __future__ import annotations

import numpy as np
import pytest
from assessed_designs import DYESTUFF, DYESTUFF2, PENICILLIN, grid, one_side, small

from methods.assessors.crossed import crossed


def test_penicillin() -> None:
    # lmer(diameter ~ 1 + (1|plate) + (1|sample), Penicillin)
    fit = crossed(grid(PENICILLIN, 24, 6))
    assert fit.reml == pytest.approx(330.860588991, abs=1e-8)
    assert fit.variance_unit == pytest.approx(0.716908340186, abs=1e-6)
    assert fit.variance_assessor == pytest.approx(3.730919014113, abs=1e-5)
    assert fit.variance_residual == pytest.approx(0.302415445058, abs=1e-7)
    assert fit.means[0] == pytest.approx(22.9722222222)
    assert np.sqrt(fit.means_covariance[0, 0]) == pytest.approx(0.808573511676, abs=1e-6)
    plates = [0.80454705625, 0.80454705625, 0.18167191593, 0.33739070101, 0.02595313085, -0.44120322440]
    samples = [2.18705797001, -1.01047615071, 1.93789946710, -0.09689497336, -0.01384213906, -3.00374417402]
    assert fit.unit_effect[:6] == pytest.approx(plates, abs=1e-7)
    assert fit.assessor_effect == pytest.approx(samples, abs=1e-6)
    assert np.sqrt(fit.unit_variance_given_means) == pytest.approx(np.full(24, 0.2713595398), abs=1e-7)
    assert np.sqrt(fit.assessor_variance_given_means) == pytest.approx(np.full(6, 0.2021708179), abs=1e-7)


def test_dyestuff_whose_batches_have_one_assessor() -> None:
    # lmer(Yield ~ 1 + (1|Batch), Dyestuff)
    fit = crossed(one_side(DYESTUFF, 6, 5))
    assert fit.reml == pytest.approx(319.654276842, abs=1e-8)
    assert fit.variance_unit == pytest.approx(1764.04994927, abs=0.01)
    assert fit.variance_residual == pytest.approx(2451.25001099, abs=0.01)
    assert fit.variance_assessor == 0.0  # one assessor: cannot be told from the mean
    assert fit.means[0] == pytest.approx(1527.5)
    batches = [-17.6068512235, 0.3912633605, 28.5622253181, -23.0845382708, 56.7331872756, -44.9952864600]
    assert fit.unit_effect == pytest.approx(batches, abs=1e-4)
    assert np.sqrt(fit.unit_variance_given_means) == pytest.approx(np.full(6, 19.58657006), abs=1e-5)


def test_dyestuff2_whose_batches_do_not_differ() -> None:
    # lmer(Yield ~ 1 + (1|Batch), Dyestuff2): singular
    fit = crossed(one_side(DYESTUFF2, 6, 5))
    assert fit.reml == pytest.approx(161.828277812, abs=1e-8)
    assert fit.variance_unit == 0.0
    assert fit.variance_residual == pytest.approx(13.8063096276, rel=1e-9)
    assert fit.unit_effect.tolist() == [0.0] * 6
    assert fit.unit_variance_given_means.tolist() == [0.0] * 6


def test_one_of_two_crossed_variances_vanishes() -> None:
    # lmer(Yield ~ 1 + (1|Batch) + (1|rep), Dyestuff2), rep the place within the batch
    fit = crossed(grid(DYESTUFF2, 6, 5))
    assert fit.reml == pytest.approx(161.405896866, abs=1e-8)
    assert fit.variance_unit == 0.0
    assert fit.variance_assessor == pytest.approx(1.269418, abs=1e-5)
    assert fit.variance_residual == pytest.approx(12.755757, abs=1e-5)
    assert np.all(fit.reliability == 0.0)


def test_criteria_with_both_interactions() -> None:
    # lmer(score ~ 0 + criterion + (1|unit) + (1|unit:criterion) + (1|assessor) + (1|assessor:criterion))
    fit = crossed(small())
    assert fit.reml == pytest.approx(279.311496151, abs=1e-8)
    assert fit.variance_unit == pytest.approx(0.843144307863, rel=1e-5)
    assert fit.variance_unit_criterion == pytest.approx(0.648696418567, rel=1e-5)
    assert fit.variance_assessor == pytest.approx(0.138359167651, rel=1e-4)
    assert fit.variance_assessor_criterion == pytest.approx(0.292454489774, rel=1e-5)
    assert fit.variance_residual == pytest.approx(0.373455181450, rel=1e-5)
    assert fit.means == pytest.approx([6.14077507609, 6.68095178007, 8.57182278522], abs=1e-5)
    errors = np.sqrt(np.diag(fit.means_covariance))
    assert errors == pytest.approx([0.474524673660, 0.473125976310, 0.472177661253], abs=1e-5)
    units = [-1.86646488757, -0.35217265845, 1.23999695267, 0.40184560763, -0.68531934152, -0.47125901416]
    assert fit.unit_effect[:6] == pytest.approx(units, abs=1e-5)
    spread = [0.4810554757, 0.4706288485, 0.4665607237, 0.4752519580, 0.4666949966, 0.4751302845]
    assert np.sqrt(fit.unit_variance_given_means)[:6] == pytest.approx(spread, abs=1e-5)
    assessors = [-0.003643817700, -0.311732558823, 0.424825308305, -0.118454210742, 0.009005278961]
    assert fit.assessor_effect == pytest.approx(assessors, abs=1e-4)
    spread = [0.2701737797, 0.2697646541, 0.2800051654, 0.2713285206, 0.2735219439]
    assert np.sqrt(fit.assessor_variance_given_means) == pytest.approx(spread, abs=5e-5)
    # ranef: unit -1.86646488757 and unit:criterion -.3696783491706, -.7312884633612, -.3350496281385 of unit 0
    inner = np.array([-0.3696783491706, -0.7312884633612, -0.3350496281385])
    assert fit.estimate[:3] == pytest.approx(fit.means - 1.86646488757 + inner, abs=2e-5)
