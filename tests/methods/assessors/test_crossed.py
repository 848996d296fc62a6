"""The crossed model against lme4 1.1-31 (R 4.2.2) and against dense mixed model equations."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from methods.assessors.crossed import Crossed, Scores, crossed

# lme4::Penicillin: diameters of 24 plates (rows) by 6 samples
PENICILLIN = np.array(
    [
        *(27, 23, 26, 23, 23, 21, 27, 23, 26, 23, 23, 21, 25, 21, 25, 24, 24, 20, 26, 23, 25, 23, 23, 20),
        *(25, 22, 26, 22, 23, 20, 24, 22, 25, 23, 22, 19, 24, 20, 23, 21, 22, 19, 26, 22, 26, 24, 24, 21),
        *(24, 21, 24, 22, 22, 20, 24, 21, 24, 23, 22, 19, 26, 23, 26, 24, 24, 21, 25, 22, 26, 24, 24, 20),
        *(26, 24, 26, 24, 25, 22, 26, 23, 26, 23, 23, 20, 26, 23, 25, 24, 24, 22, 25, 22, 25, 23, 23, 20),
        *(25, 21, 24, 23, 23, 20, 25, 22, 24, 23, 23, 19, 24, 21, 23, 21, 21, 19, 26, 23, 26, 24, 24, 21),
        *(25, 21, 24, 22, 22, 18, 25, 22, 25, 22, 22, 20, 24, 21, 24, 22, 24, 19, 24, 21, 24, 22, 21, 18),
    ],
    float,
)
# lme4::Dyestuff2: yields of 6 batches (rows) by 5 repetitions
DYESTUFF2 = np.array(
    [
        *(7.298, 3.846, 2.434, 9.566, 7.99, 5.22, 6.556, 0.608, 11.788, -0.892, 0.11, 10.386, 13.434, 5.51, 8.166),
        *(2.212, 4.852, 7.092, 9.288, 4.98, 0.282, 9.014, 4.458, 9.446, 7.198, 1.722, 4.782, 8.106, 0.758, 3.758),
    ]
)
# 12 units, 5 assessors, 3 criteria, some scores missing: unit-assessor-criterion:score
SMALL = """
0-3-0:3.9 0-3-1:4.0 0-3-2:5.0 0-1-1:3.1 0-1-2:6.4 0-0-1:4.5 0-0-2:6.2 1-4-0:4.5 1-4-1:7.3 1-4-2:8.6 1-1-0:4.2 1-1-2:7.2
1-3-0:6.1 1-3-1:5.8 1-3-2:8.2 2-3-0:8.1 2-3-1:8.2 2-3-2:9.9 2-2-0:9.6 2-2-1:7.6 2-2-2:11.2 2-0-0:8.0 2-0-1:8.1
2-0-2:9.6 3-0-0:7.1 3-1-0:5.1 3-1-1:5.6 3-1-2:10.1 3-3-0:6.6 3-3-1:6.7 3-3-2:9.1 4-2-0:6.1 4-2-1:6.6 4-2-2:8.6
4-1-0:4.7 4-1-1:5.3 4-1-2:7.6 4-3-0:4.7 4-3-1:6.8 4-3-2:5.7 5-4-1:5.7 5-4-2:8.8 5-1-0:3.8 5-1-1:6.2 5-1-2:7.7
5-0-0:6.3 5-0-1:5.6 6-4-0:7.0 6-4-1:4.9 6-4-2:8.2 6-2-0:8.5 6-2-2:9.8 6-0-0:6.2 6-0-1:6.6 6-0-2:8.2 7-3-0:7.6 7-3-1:5.0
7-3-2:8.3 7-1-0:5.9 7-1-1:5.5 7-1-2:9.7 7-0-0:6.3 7-0-1:5.5 7-0-2:10.1 8-0-0:6.9 8-0-1:8.4 8-0-2:7.4 8-4-0:6.0 8-4-1:8.9
8-4-2:9.6 8-3-0:7.3 8-3-1:9.1 8-3-2:7.3 9-1-0:4.6 9-1-1:7.0 9-4-1:6.2 9-4-2:9.2 9-0-0:5.6 9-0-1:7.5 9-0-2:8.2 10-1-0:7.0
10-1-1:7.0 10-1-2:7.8 10-4-1:9.2 10-4-2:8.4 10-2-0:8.6 10-2-1:8.0 10-2-2:8.9 11-4-0:4.9 11-4-1:8.3 11-4-2:9.9 11-0-0:5.5
11-0-1:8.8 11-0-2:9.2 11-1-0:5.0 11-1-1:7.9 11-1-2:8.9
"""


def _grid(values: np.ndarray, rows: int, columns: int) -> Scores:
    unit, assessor = np.divmod(np.arange(rows * columns), columns)
    zero = np.zeros(rows * columns, np.int64)
    return Scores(unit, assessor, zero, zero, values)


def _small() -> Scores:
    keys, scores = zip(*(pair.split(":") for pair in SMALL.split()), strict=True)
    unit, assessor, criterion = np.array([[int(part) for part in key.split("-")] for key in keys]).T
    return Scores(unit, assessor, criterion, criterion, np.array([float(score) for score in scores]))


def test_penicillin_gives_the_numbers_of_lme4() -> None:
    # lmer(diameter ~ 1 + (1|plate) + (1|sample), Penicillin, control = lmerControl("bobyqa", list(rhoend = 1e-10))):
    # REMLcrit, VarCorr, fixef and its standard error; the default optimiser stops at .716905, 3.731132
    fit = crossed(_grid(PENICILLIN, 24, 6))
    assert fit.reml == pytest.approx(330.860589, abs=1e-6)
    assert fit.variance_unit == pytest.approx(0.716908340, abs=1e-6)
    assert fit.variance_assessor == pytest.approx(3.730919014, abs=2e-5)
    assert fit.variance_residual == pytest.approx(0.302415445, abs=1e-7)
    assert fit.means[0] == pytest.approx(22.9722222)
    assert np.sqrt(fit.means_covariance[0, 0]) == pytest.approx(0.8085735, abs=1e-6)
    assert fit.estimate[:3] - fit.means[0] == pytest.approx([0.8045469, 0.8045469, 0.1816719], abs=2e-6)


def test_the_answer_does_not_depend_on_which_side_is_larger() -> None:
    plates = crossed(_grid(PENICILLIN, 24, 6))
    turned = crossed(_grid(PENICILLIN.reshape(24, 6).T.ravel(), 6, 24))
    assert turned.reml == pytest.approx(plates.reml, abs=1e-7)
    assert turned.variance_unit == pytest.approx(plates.variance_assessor, rel=1e-3)
    assert turned.assessor_effect == pytest.approx(plates.estimate - plates.means[0], abs=1e-4)


def test_a_variance_that_vanishes_is_exactly_zero() -> None:
    # lmer(Yield ~ 1 + (1|Batch) + (1|rep), Dyestuff2), rep the place within the batch
    fit = crossed(_grid(DYESTUFF2, 6, 5))
    assert fit.reml == pytest.approx(161.405896866, abs=1e-6)
    assert fit.variance_unit == 0.0
    assert fit.variance_assessor == pytest.approx(1.269418, abs=2e-4)
    assert fit.variance_residual == pytest.approx(12.755757, abs=2e-4)
    assert np.all(fit.reliability == 0.0)


def test_criteria_with_interactions_give_the_numbers_of_lme4() -> None:
    # lmer(score ~ 0 + criterion + (1|unit) + (1|unit:criterion) + (1|assessor) + (1|assessor:criterion))
    fit = crossed(_small())
    assert fit.reml == pytest.approx(279.311496151, abs=1e-6)
    assert fit.variance_unit == pytest.approx(0.8431443, rel=2e-4)
    assert fit.variance_unit_criterion == pytest.approx(0.6486964, rel=2e-4)
    assert fit.variance_assessor == pytest.approx(0.1383592, rel=2e-3)
    assert fit.variance_assessor_criterion == pytest.approx(0.2924545, rel=5e-4)
    assert fit.variance_residual == pytest.approx(0.3734552, rel=2e-4)
    assert fit.means == pytest.approx([6.140775076, 6.680951778, 8.571822785], abs=2e-4)


def _dense(scores: Scores, fit: Crossed) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Targets by Henderson's equations written out: estimates, errors' covariance, and both for the direct ones."""
    u, a, c = scores.unit, scores.assessor, scores.criterion
    K = int(c.max()) + 1
    blocks = [(u, fit.variance_unit), (u * K + c, fit.variance_unit_criterion), (a, fit.variance_assessor)]
    blocks.append((a * K + c, fit.variance_assessor_criterion))
    X = np.eye(int(scores.mean.max()) + 1)[scores.mean]
    Z = [np.eye(int(index.max()) + 1)[index] for index, _ in blocks]
    W = np.hstack([X, *Z])
    penalty = np.concatenate(
        [
            np.zeros(X.shape[1]),
            *(np.full(z.shape[1], fit.variance_residual / v) for z, (_, v) in zip(Z, blocks, strict=True)),
        ]
    )
    C = np.linalg.inv(W.T @ W + np.diag(penalty))
    solution = C @ (W.T @ scores.score)
    starts = np.cumsum([X.shape[1], *(z.shape[1] for z in Z)])
    T, back = np.zeros((len(fit.unit), W.shape[1])), np.zeros((len(fit.unit), len(u)))
    for k, (i, j) in enumerate(zip(fit.unit, fit.criterion, strict=True)):
        rows = np.flatnonzero((u == i) & (c == j))
        T[k, scores.mean[rows[0]]] = T[k, starts[0] + i] = T[k, starts[1] + i * K + j] = 1.0
        back[k, rows] = 1.0 / len(rows)
    A = W.copy()
    A[:, : starts[2]] = 0.0  # the assessors' part of each score
    direct = back @ (scores.score - A @ solution)
    direct_covariance = fit.variance_residual * ((back @ A) @ C @ (back @ A).T + back @ back.T)
    return T @ solution, fit.variance_residual * T @ C @ T.T, direct, direct_covariance


@pytest.mark.parametrize("assessors_larger", [False, True])
def test_estimates_and_their_joint_errors_are_those_of_the_dense_equations(assessors_larger: bool) -> None:
    scores = _small()
    if assessors_larger:  # the sides swapped: units become the dense side of the fit
        scores = Scores(scores.assessor, scores.unit, scores.criterion, scores.mean, scores.score)
    fit = crossed(scores, max_factors=100, kept=1.0)
    estimate, covariance, direct, direct_covariance = _dense(scores, fit)
    assert fit.estimate == pytest.approx(estimate, abs=1e-8)
    assert fit.variance == pytest.approx(np.diag(covariance), abs=1e-8)
    same_unit = fit.unit[:, None] == fit.unit
    from_factors = fit.shared @ fit.shared.T + same_unit * np.outer(fit.own, fit.own) + np.diag(fit.independent**2)
    assert from_factors == pytest.approx(covariance, abs=1e-7)
    assert fit.direct == pytest.approx(direct, abs=1e-8)
    # the error of an unshrunken estimate: its assessors' errors and the residuals, taken as independent
    known = fit.direct_shared @ fit.direct_shared.T + np.diag(fit.direct_independent**2)
    assert np.diag(known) == pytest.approx(np.diag(direct_covariance), abs=1e-7)


def test_few_factors_keep_every_variance_and_most_covariance() -> None:
    scores = _small()
    whole, few = crossed(scores, max_factors=100, kept=1.0), crossed(scores, max_factors=3, kept=1.0)
    total = np.sum(few.shared**2, axis=1) + few.own**2 + few.independent**2
    assert few.shared.shape[1] == 3
    assert total == pytest.approx(whole.variance, abs=1e-9)
    off = ~np.eye(len(total), dtype=bool)
    left = (whole.shared @ whole.shared.T - few.shared @ few.shared.T)[off]
    assert np.abs(left).max() < 0.35 * np.abs((whole.shared @ whole.shared.T)[off]).max()


def test_prediction_errors_of_assessors_are_those_of_the_dense_equations() -> None:
    scores = _grid(PENICILLIN, 24, 6)
    fit = crossed(scores)
    X, Zu, Za = np.ones((144, 1)), np.eye(24)[scores.unit], np.eye(6)[scores.assessor]
    W = np.hstack([X, Zu, Za])
    ratios = [fit.variance_residual / fit.variance_unit] * 24 + [fit.variance_residual / fit.variance_assessor] * 6
    C = fit.variance_residual * np.linalg.inv(W.T @ W + np.diag([0.0, *ratios]))
    assert fit.assessor_variance == pytest.approx(np.diag(C)[25:], abs=1e-9)


def test_units_without_a_common_assessor_are_in_different_components() -> None:
    pairs = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 0), (3, 3), (3, 4), (4, 4), (4, 3)]
    unit, assessor = np.array(pairs).T
    zero = np.zeros(len(pairs), np.int64)
    fit = crossed(Scores(unit, assessor, zero, zero, np.array([5.0, 6, 7, 5, 8, 4, 6, 5, 7])))
    assert fit.component.tolist() == [0, 0, 0, 1, 1]
    assert fit.assessors.tolist() == [2, 2, 1, 2, 2]


def test_one_criterion_has_no_interactions() -> None:
    fit = crossed(_grid(PENICILLIN, 24, 6))
    assert fit.variance_unit_criterion == 0.0
    assert fit.variance_assessor_criterion == 0.0


def test_assessors_who_all_agree_give_their_common_score() -> None:
    fit = crossed(_grid(np.full(12, 8.0), 4, 3))
    assert fit.estimate == pytest.approx(np.full(4, 8.0))
    assert np.all(fit.variance < 1e-6)


def test_no_scores_are_refused_with_what_would_help() -> None:
    none = np.zeros(0, np.int64)
    with pytest.raises(ValueError, match="at least two assessors"):
        crossed(Scores(none, none, none, none, np.zeros(0)))


def test_intervals_hold_the_truth_as_often_as_they_promise() -> None:
    rng = np.random.default_rng(7)
    U, A, K = 150, 15, 3
    held = []
    for _ in range(6):
        truth = 6 + rng.normal(0, 0.8, U)[:, None] + rng.normal(0, 0.6, (U, K))
        strict, habit = rng.normal(0, 0.6, A), rng.normal(0, 0.4, (A, K))
        who = np.argsort(rng.random((U, A)), axis=1)[:, :3]
        u, a, c = np.array([(u, a, c) for u, c in product(range(U), range(K)) for a in who[u]]).T
        y = truth[u, c] + strict[a] + habit[a, c] + rng.normal(0, 0.7, len(u))
        fit = crossed(Scores(u, a, c, c, y))
        error = fit.estimate - truth[fit.unit, fit.criterion]
        held.append(np.mean(np.abs(error) < 1.96 * np.sqrt(fit.variance)))
    assert 0.93 < np.mean(held) < 0.97
