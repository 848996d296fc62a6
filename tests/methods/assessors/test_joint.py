"""What estimates share, against Henderson's equations written out."""

from __future__ import annotations

import numpy as np
import pytest
from assessed_designs import PENICILLIN, dense, grid, small
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.assessors import joint as joint_module
from methods.assessors.crossed import crossed
from methods.assessors.joint import difference, joint_errors, settled
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


def complete(rng: np.random.Generator) -> Scores:
    """Every assessor scores every unit by every criterion: what criteria have apart is alike in all directions."""
    unit, assessor, criterion = (one.ravel() for one in np.meshgrid(range(7), range(5), range(4), indexing="ij"))
    score = rng.normal(size=7)[unit] + rng.normal(size=(5, 4))[assessor, criterion] + rng.normal(0, 0.4, unit.size)
    return Scores(unit, assessor, criterion, criterion, score)


@pytest.mark.parametrize("units_dense", [False, True])
@pytest.mark.parametrize("most", [100, 6, 3])
def test_factors_do_not_hang_on_which_of_equal_eigenvectors_came_out(
    monkeypatch: pytest.MonkeyPatch, most: int, units_dense: bool
) -> None:
    rng = np.random.default_rng(5)
    scores = complete(rng)
    fit = crossed(scores)
    if units_dense:
        monkeypatch.setattr(joint_module, "_levels", lambda scores: 10**6)
    real, turned = joint_module.linalg.eigh, []

    def another(matrix: np.ndarray, **named: object) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = real(matrix, **named)
        for value in np.unique(values.round(9)):  # another processor: any turn of those that are alike
            alike = np.flatnonzero(np.abs(values - value) < 1e-8)
            turn = np.linalg.qr(rng.normal(size=(len(alike), len(alike))))[0]
            vectors[:, alike] = vectors[:, alike] @ turn
            turned.append(len(alike))
        return values, vectors

    first = joint_errors(scores, fit, max_factors=most, kept=0.99)
    monkeypatch.setattr(joint_module.linalg, "eigh", another)
    for _ in range(3):
        again = joint_errors(scores, fit, max_factors=most, kept=0.99)
        assert first.shared.shape[1] == again.shared.shape[1] <= most
        assert again.shared == pytest.approx(first.shared, abs=1e-9)
        assert again.direct_shared == pytest.approx(first.direct_shared, abs=1e-9)
        assert again.independent == pytest.approx(first.independent, abs=1e-9)
    assert max(turned) > 1


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_settled_vectors_are_decided_by_their_spaces_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, size=3)
    values = np.repeat([3.0, 2.0, 0.0], sizes)
    vectors = np.linalg.qr(rng.normal(size=(14, len(values))))[0]
    found = settled(values, vectors)
    assert found.T @ found == pytest.approx(np.eye(len(values)), abs=1e-9)
    turned = vectors.copy()
    for value in set(values.tolist()):
        mine = np.flatnonzero(values == value)
        turned[:, mine] = turned[:, mine] @ np.linalg.qr(rng.normal(size=(len(mine), len(mine))))[0]
        assert found[:, mine] @ found[:, mine].T == pytest.approx(vectors[:, mine] @ vectors[:, mine].T, abs=1e-9)
    noise = 1e-13 * rng.normal(size=turned.shape)
    assert settled(values + 1e-12 * np.arange(len(values))[::-1], turned + noise) == pytest.approx(found, abs=1e-8)
