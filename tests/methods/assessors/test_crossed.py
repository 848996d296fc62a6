"""The crossed model: what must hold whatever the scores, what is refused, and how well its intervals hold."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from assessed_designs import PENICILLIN, grid, small
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.assessors.crossed import Crossed, crossed
from methods.assessors.scores import Scores, scores_of


def test_the_answer_does_not_depend_on_which_side_is_larger() -> None:
    plates = crossed(grid(PENICILLIN, 24, 6))
    turned = crossed(grid(PENICILLIN.reshape(24, 6).T.ravel(), 6, 24))
    assert turned.reml == pytest.approx(plates.reml, abs=1e-8)
    assert turned.variance_unit == pytest.approx(plates.variance_assessor, rel=1e-5)
    assert turned.assessor_effect == pytest.approx(plates.estimate - plates.means[0], abs=1e-6)
    assert turned.assessor_variance == pytest.approx(plates.unit_variance, rel=1e-5)


def test_prediction_errors_of_assessors_are_those_of_the_dense_equations() -> None:
    scores = grid(PENICILLIN, 24, 6)
    fit = crossed(scores)
    X, Zu, Za = np.ones((144, 1)), np.eye(24)[scores.unit], np.eye(6)[scores.assessor]
    W = np.hstack([X, Zu, Za])
    ratios = [fit.variance_residual / fit.variance_unit] * 24 + [fit.variance_residual / fit.variance_assessor] * 6
    C = fit.variance_residual * np.linalg.inv(W.T @ W + np.diag([0.0, *ratios]))
    assert fit.assessor_variance == pytest.approx(np.diag(C)[25:], abs=1e-9)
    assert fit.unit_variance == pytest.approx(np.diag(C)[1:25], abs=1e-9)


def test_one_criterion_has_no_interactions() -> None:
    fit = crossed(grid(PENICILLIN, 24, 6))
    assert fit.variance_unit_criterion == 0.0
    assert fit.variance_assessor_criterion == 0.0


def test_assessors_who_all_agree_give_their_common_score() -> None:
    fit = crossed(grid(np.full(12, 8.0), 4, 3))
    assert fit.estimate == pytest.approx(np.full(4, 8.0))
    assert np.all(fit.variance < 1e-6)


def test_assessors_who_all_agree_about_units_that_differ_leave_no_doubt() -> None:
    fit = crossed(grid(np.repeat([1.0, 2.0, 5.0, 3.0], 3), 4, 3))
    assert fit.estimate == pytest.approx([1.0, 2.0, 5.0, 3.0], abs=1e-4)
    assert fit.reliability == pytest.approx(np.ones(4), abs=1e-5)
    assert fit.variance_residual < 1e-5


@st.composite
def _designs(draw: st.DrawFn) -> Scores:
    seed = draw(st.integers(0, 10_000))
    units, assessors, criteria = draw(st.integers(3, 9)), draw(st.integers(3, 6)), draw(st.integers(1, 3))
    rng = np.random.default_rng(seed)
    u, a, c = (index.ravel() for index in np.meshgrid(range(units), range(assessors), range(criteria), indexing="ij"))
    kept = rng.random(len(u)) < 0.8
    kept[: 2 * criteria] = True
    u, a, c = u[kept], a[kept], c[kept]
    y = rng.normal(0, 1, units)[u] + rng.normal(0, 1, (units, criteria))[u, c] + rng.normal(0, 0.7, assessors)[a]
    scores, *_ = scores_of(u, a, y + rng.normal(0, 0.6, len(u)), c)
    return scores


def _same(one: Crossed, other: Crossed, scale: float = 1.0, shift: float = 0.0) -> None:
    assert other.estimate == pytest.approx(one.estimate * scale + shift, abs=2e-3 * scale)
    assert other.variance == pytest.approx(one.variance * scale**2, rel=1e-2, abs=1e-4 * scale**2)
    assert other.variance_residual == pytest.approx(one.variance_residual * scale**2, rel=1e-2)


@settings(max_examples=25, deadline=None)
@given(_designs(), st.sampled_from([0.01, 1.0, 1000.0]), st.sampled_from([0.0, -5.0, 1e4]))
def test_scores_on_another_scale_give_the_same_on_that_scale(scores: Scores, scale: float, shift: float) -> None:
    other = Scores(scores.unit, scores.assessor, scores.criterion, scores.mean, scores.score * scale + shift)
    _same(crossed(scores), crossed(other), scale, shift)


@settings(max_examples=25, deadline=None)
@given(_designs(), st.integers(0, 1000))
def test_neither_the_order_of_rows_nor_names_matter(scores: Scores, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(scores.score))
    names = rng.permutation(int(scores.assessor.max()) + 1)
    parts = scores.unit, names[scores.assessor], scores.criterion, scores.mean, scores.score
    other = crossed(Scores(*(part[order] for part in parts)))
    fit = crossed(scores)
    _same(fit, other)
    assert other.assessor_effect[names] == pytest.approx(fit.assessor_effect, abs=2e-3)


def test_progress_is_told_at_every_evaluation() -> None:
    told: list[int] = []
    assert crossed(small(), progress=told.append).evaluations == sum(told) > 0


# --- what is refused

NONE = np.zeros(0, np.int64)
TWO = np.array([0, 1])
ZERO = np.zeros(2, np.int64)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((NONE, NONE, NONE, NONE, np.zeros(0)), "at least two assessors"),
        ((TWO, TWO[:1], ZERO, ZERO, np.ones(2)), "assessor has shape"),
        ((TWO, TWO, ZERO, ZERO, np.array([1.0, np.nan])), "score holds values that are not finite"),
        ((TWO, TWO, ZERO, ZERO, np.array([1.0, np.inf])), "score holds values that are not finite"),
        ((TWO - 1, TWO, ZERO, ZERO, np.ones(2)), "unit has negative positions"),
        ((TWO * 1.0, TWO, ZERO, ZERO, np.ones(2)), "unit is of type float64"),
        ((TWO, TWO, ZERO, TWO * 2, np.ones(2)), "mean 1 is of no score"),
        ((TWO, TWO, ZERO, ZERO, np.ones((2, 1))), "score has 2 dimensions"),
    ],
)
def test_scores_that_make_no_sense_are_refused_by_name(parts: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scores(*parts)


def test_units_that_cannot_be_told_from_chance_or_from_their_assessors_are_refused() -> None:
    with pytest.raises(ValueError, match="no unit has a second score"):
        crossed(scores_of([0, 1, 2, 3], [0, 0, 1, 1], [1.0, 2.0, 3.0, 4.0])[0])
    with pytest.raises(ValueError, match="an assessor of its own"):
        crossed(scores_of([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], [1.0, 2.0, 3.0, 4.0, 2.0, 1.0])[0])
    with pytest.raises(ValueError, match="3 scores cannot carry 2 means"):
        crossed(scores_of([0, 0, 0], [0, 1, 0], [1.0, 2.0, 3.0], [0, 0, 1])[0])


def test_one_unit_is_its_mean_without_a_variance_between_units() -> None:
    fit = crossed(scores_of(["x"] * 6, list("abcabc"), [4.0, 5.0, 6.0, 4.2, 5.1, 6.2])[0])
    assert fit.variance_unit == 0.0
    assert fit.estimate == pytest.approx([61 / 12], abs=1e-9)
    assert fit.variance[0] > fit.variance_assessor / 4  # of a mean over three assessors
    assert fit.reliability.tolist() == [0.0]


def test_one_assessor_has_no_severity_and_leaves_units_to_their_scores() -> None:
    fit = crossed(scores_of([0, 0, 1, 1, 2, 2], [0] * 6, [4.0, 4.2, 6.0, 6.1, 8.0, 8.3])[0])
    assert fit.variance_assessor == 0.0
    assert fit.estimate == pytest.approx([4.1, 6.05, 8.15], abs=0.05)


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
