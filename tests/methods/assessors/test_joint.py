"""What estimates share, against Henderson's equations written out."""

from __future__ import annotations

import numpy as np
import pytest
from assessed_designs import PENICILLIN, dense, grid, small

from methods.assessors import joint as joint_module
from methods.assessors.crossed import crossed
from methods.assessors.joint import difference, joint_errors
from methods.assessors.scores import Scores, connected_groups, scores_of


@pytest.mark.parametrize("assessors_larger", [False, True])
def test_estimates_and_their_joint_errors_are_those_of_the_dense_equations(assessors_larger: bool) -> None:
    scores = small()
    if assessors_larger:  # the sides swapped: units become the dense side of the fit
        scores = Scores(scores.assessor, scores.unit, scores.criterion, scores.mean, scores.score)
    fit = crossed(scores)
    joint = joint_errors(scores, fit, max_factors=100, kept=1.0)
    estimate, covariance, direct, direct_covariance = dense(scores, fit)
    assert fit.estimate == pytest.approx(estimate, abs=1e-8)
    assert fit.variance == pytest.approx(np.diag(covariance), abs=1e-8)
    same_unit = fit.unit[:, None] == fit.unit
    own = same_unit * np.outer(joint.own, joint.own)
    assert joint.shared @ joint.shared.T + own + np.diag(joint.independent**2) == pytest.approx(covariance, abs=1e-7)
    assert joint.direct == pytest.approx(direct, abs=1e-8)
    # the error of an unshrunken estimate: its assessors' errors and the residuals, taken as independent
    known = joint.direct_shared @ joint.direct_shared.T + np.diag(joint.direct_independent**2)
    assert np.diag(known) == pytest.approx(np.diag(direct_covariance), abs=1e-7)
    i, j = 0, len(estimate) - 1
    expected = covariance[i, i] + covariance[j, j] - 2 * covariance[i, j]
    assert difference(joint, i, j).standard_error == pytest.approx(np.sqrt(expected), abs=1e-7)
    assert difference(joint, 0, 1).standard_error == pytest.approx(
        np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]), abs=1e-7
    )


def test_many_assessors_leave_units_dense_with_the_same_joint_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = small()
    scores = Scores(scores.assessor, scores.unit, scores.criterion, scores.mean, scores.score)
    fit = crossed(scores)
    _, covariance, direct, direct_covariance = dense(scores, fit)
    monkeypatch.setattr(joint_module, "_levels", lambda scores: 10**6)
    joint = joint_errors(scores, fit, max_factors=100, kept=1.0)
    own = (fit.unit[:, None] == fit.unit) * np.outer(joint.own, joint.own)
    assert joint.shared @ joint.shared.T + own + np.diag(joint.independent**2) == pytest.approx(covariance, abs=1e-7)
    assert joint.direct == pytest.approx(direct, abs=1e-8)
    assert joint.direct_independent**2 == pytest.approx(np.diag(direct_covariance), abs=1e-7)


def test_few_factors_keep_every_variance_and_most_covariance() -> None:
    scores = small()
    fit = crossed(scores)
    whole, few = (joint_errors(scores, fit, max_factors=m, kept=k) for m, k in ((100, 1.0), (3, 1.0)))
    assert few.shared.shape[1] == 3
    total = np.sum(few.shared**2, axis=1) + few.own**2 + few.independent**2
    assert total == pytest.approx(fit.variance, abs=1e-9)
    off = ~np.eye(len(total), dtype=bool)
    left = (whole.shared @ whole.shared.T - few.shared @ few.shared.T)[off]
    assert np.abs(left).max() < 0.35 * np.abs((whole.shared @ whole.shared.T)[off]).max()
    none = joint_errors(scores, fit, max_factors=0)
    assert none.own**2 + none.independent**2 == pytest.approx(fit.variance, abs=1e-9)


def test_units_of_one_assessor_are_told_apart_better_than_units_of_different_ones() -> None:
    # 20 units, each seen once by one of two assessors who overlap on some
    rng = np.random.default_rng(3)
    unit = np.concatenate([np.arange(20), np.arange(6), np.arange(6)])
    assessor = np.concatenate([np.repeat([0, 1], 10), np.full(6, 2), np.full(6, 1)])
    y = rng.normal(0, 1, 20)[unit] + np.array([-1.0, 1.0, 0.0])[assessor] + rng.normal(0, 0.3, len(unit))
    scores, *_ = scores_of(unit, assessor, y)
    joint = joint_errors(scores, crossed(scores), kept=1.0)
    same, other = difference(joint, 7, 8), difference(joint, 7, 15)  # 7, 8 by assessor 0; 15 by assessor 1
    assert same.standard_error < other.standard_error


def test_units_without_a_common_assessor_are_in_different_groups_and_not_compared() -> None:
    pairs = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 0), (3, 3), (3, 4), (4, 4), (4, 3)]
    unit, assessor = np.array(pairs).T
    zero = np.zeros(len(pairs), np.int64)
    scores = Scores(unit, assessor, zero, zero, np.array([5.0, 5.2, 7, 7.1, 4.8, 4, 4.3, 6.5, 6.1]))
    fit = crossed(scores)
    assert fit.component.tolist() == [0, 0, 0, 1, 1]
    assert fit.assessors.tolist() == [2, 2, 1, 2, 2]
    assert connected_groups(unit, assessor)[1].tolist() == [0, 0, 0, 1, 1]
    joint = joint_errors(scores, fit)
    assert difference(joint, 0, 2).standard_error > 0
    with pytest.raises(ValueError, match="units 1 and 3 have no assessor in common"):
        difference(joint, 1, 3)


def test_what_is_no_pair_of_targets_is_refused() -> None:
    scores = grid(PENICILLIN, 24, 6)
    fit = crossed(scores)
    joint = joint_errors(scores, fit)
    with pytest.raises(ValueError, match="second is 24; there are 24"):
        difference(joint, 0, 24)
    with pytest.raises(ValueError, match="both 3"):
        difference(joint, 3, 3)
    with pytest.raises(ValueError, match="kept"):
        joint_errors(scores, fit, kept=0.0)
    with pytest.raises(ValueError, match="those of the fit"):
        joint_errors(small(), fit)
    with pytest.raises(ValueError, match="one of each"):
        connected_groups(np.array([0, 1]), np.array([0]))
