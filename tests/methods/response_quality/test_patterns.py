"""Longstring, variability, even-odd consistency, distance and contradictions, against their definitions in R.

The matrix is made up; R 4.2.2 gave the numbers, by base functions as `careless` (1.2.2) defines the figures:
apply(x, 1, function(r) max(rle(r)$lengths)); apply(x, 1, sd, na.rm = TRUE); halves by mean(), cor(), 2 r / (1 + r).
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from methods.response_quality.answers import encode, reverse
from methods.response_quality.contradictions import Contradiction, contradictions
from methods.response_quality.distance import mahalanobis
from methods.response_quality.patterns import even_odd, individual_variability, longstring

X = np.array(
    [
        [1, 2, 3, 4, 5, 5, 1, 1],
        [2, 2, 2, 2, 2, 3, 1, 5],
        [5, 4, 3, 2, 1, 1, 5, 5],
        [1, -1, 3, 3, 3, 3, 2, 2],
        [4, 4, 4, 1, 2, 5, 5, 5],
        [3, 1, 4, 1, 5, 9, 2, 6],
        [-1, -1, 2, 2, -1, 2, 2, 1],
        [3, 3, 3, 3, 3, 3, 3, 3],
        [5, 1, 5, 2, 4, 1, 3, 3],
        [2, 3, 2, 4, 4, 4, 1, 2],
        [1, 5, 2, 5, 3, 3, 4, 4],
        [4, 2, 2, 3, 1, 5, 3, 1],
    ]
)
PAIRS = [(0, 1), (2, 3), (4, 5), (6, 7)]
MATRICES = arrays.arrays(np.int64, st.tuples(st.integers(1, 12), st.integers(2, 8)), elements=st.integers(-1, 4))


def test_longstring_is_that_of_careless_where_a_missing_answer_breaks_the_run() -> None:
    assert longstring(X, missing="break").tolist() == [2, 5, 2, 4, 3, 1, 2, 8, 2, 3, 2, 2]


def test_longstring_passes_over_items_that_were_not_asked() -> None:
    assert longstring(X)[6] == 4
    assert longstring([[-1, -1]]).tolist() == [0]


def test_variability_is_that_of_careless() -> None:
    oracle = [1.7525491638, 1.1877349392, 1.7525491638, 0.7867957925, 1.4880476183, 2.7483761439, 0.4472135955, 0.0,
              1.6035674515, 1.1649647450, 1.4078859532, 1.4078859532]  # fmt: skip
    np.testing.assert_allclose(individual_variability(X), oracle, rtol=1e-9)


def test_even_odd_consistency_is_that_of_careless_with_its_sign_turned() -> None:
    nan = np.nan
    oracle = [
        0.9761769634,
        -1.0,
        0.9761769634,
        1.0,
        -0.4240304527,
        0.4548007666,
        nan,
        nan,
        -1.0,
        0.8642080737,
        -1.0,
        -1.0,
    ]
    np.testing.assert_allclose(even_odd(X, PAIRS), oracle, rtol=1e-9)


def test_distance_is_that_of_base_r() -> None:
    """mahalanobis(y, colMeans(y), cov(y)) on the ten complete rows of three columns."""
    oracle = [2.85048923679, 1.86125244618, 3.53150684932, 3.04716242661, 2.19001956947, 0.05988258317, 4.05988258317,
              0.94931506849, 4.22524461840, 4.22524461840]  # fmt: skip
    complete = X[(X[:, :3] >= 0).all(axis=1), :3]
    np.testing.assert_allclose(mahalanobis(complete).squared, oracle, rtol=1e-9)


def test_distance_with_missing_answers_is_that_of_base_r_within_what_was_answered() -> None:
    """S <- cov(z, use = "pairwise.complete.obs"); mahalanobis(z[i, k], m[k], S[k, k]); pchisq(, lower.tail = FALSE)."""
    found = mahalanobis(X[:, :4])
    np.testing.assert_allclose(found.squared, ORACLE_SQUARED, rtol=1e-9)
    np.testing.assert_allclose(found.p, ORACLE_P, rtol=1e-9)


ORACLE_SQUARED = [3.0421922736, 3.3825563458, 3.5980202817, 2.2806625980, 5.9871922969, 3.6015658457, 2.3876246207,
                  0.2780926855, 6.4402123967, 1.6684558412, 4.8621139631, 5.2495370524]  # fmt: skip
ORACLE_P = [0.5507896215, 0.4959590407, 0.4631314725, 0.5162355588, 0.2001068044, 0.4626039783, 0.3030636861,
            0.9911841179, 0.1685966834, 0.7964393650, 0.3017402865, 0.2626381382]  # fmt: skip


def test_distance_by_many_patterns_at_once_is_that_of_one_at_a_time() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 5, (3000, 6))
    codes[rng.random(codes.shape) < 0.2] = -1
    codes[:200, 2:] = -1
    found = mahalanobis(codes)
    for row in (0, 150, 700, 1500, 2999):
        k = np.flatnonzero(codes[row] >= 0)
        away = codes[row, k] - found.mean[k]
        if k.size:
            one = away @ np.linalg.solve(found.covariance[np.ix_(k, k)], away)
            assert found.squared[row] == pytest.approx(one, rel=1e-10)


def test_a_flat_or_repeated_item_is_refused_a_distance() -> None:
    with pytest.raises(ValueError, match="item 1 has the same answer"):
        mahalanobis([[0, 1], [1, 1], [2, 1]])
    with pytest.raises(ValueError, match="not positive definite"):
        mahalanobis([[0, 0], [1, 1], [2, 2]])
    with pytest.raises(ValueError, match="fewer than two responses answered both item 0 and item 1"):
        mahalanobis([[0, -1], [-1, 1], [2, 2]])
    with pytest.raises(ValueError, match="come together"):
        mahalanobis([[0, 1]], mean=np.zeros(2))


def test_contradictions_are_counted_and_missing_answers_contradict_nothing() -> None:
    rules = [Contradiction("a", ((0, (0,)), (1, (3, 4)))), Contradiction("b", ((0, (0,)), (2, (1,)), (1, (4,))))]
    assert contradictions([[0, 4, 1], [0, 3, 1], [0, -1, 1], [1, 4, 1]], rules).tolist() == [2, 1, 0, 0]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Contradiction("one", ((0, (1,)),)), "'one' must name at least two"),
        (Contradiction("away", ((0, (1,)), (9, (1,)))), "names item 9"),
        (Contradiction("void", ((0, (1,)), (1, ()))), "needs codes of item 1"),
    ],
)
def test_a_contradiction_that_cannot_be_checked_is_refused(rule: Contradiction, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        contradictions([[0, 1]], [rule])


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([1, 2], "1 dimensions"),
        ([[0.5, 1.0]], "whole numbers"),
        ([[np.nan, 1.0]], "whole numbers"),
        ([[-2, 0]], "holds -2"),
    ],
)
def test_wrong_codes_are_refused(codes: list[object], said: str) -> None:
    for figure in (longstring, individual_variability, mahalanobis):
        with pytest.raises(ValueError, match=said):
            figure(codes)  # type: ignore[operator]


def test_wrong_scales_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 are needed"):
        even_odd(X, PAIRS[:2])
    with pytest.raises(ValueError, match=r"scales\[1\] has one item"):
        even_odd(X, [(0, 1), (2,), (4, 5)])
    with pytest.raises(ValueError, match=r"scales\[0\] holds 8"):
        even_odd(X, [(0, 8), (2, 3), (4, 5)])


def test_codes_are_positions_and_an_unknown_answer_is_named() -> None:
    assert encode(np.array(["b", "a", "", "b"], object), ["a", "b"]).tolist() == [1, 0, -1, 1]
    with pytest.raises(ValueError, match="'c'"):
        encode(["c"], ["a", "b"])
    with pytest.raises(ValueError, match="item 1 holds the code 5"):
        reverse([[0, 5]], [1], 4)


@settings(max_examples=60, deadline=None)
@given(MATRICES)
def test_the_order_of_responses_changes_no_figure(codes: np.ndarray) -> None:
    order = np.arange(len(codes))[::-1]
    np.testing.assert_array_equal(longstring(codes)[order], longstring(codes[order]))
    np.testing.assert_array_equal(individual_variability(codes)[order], individual_variability(codes[order]))


@settings(max_examples=60, deadline=None)
@given(MATRICES)
def test_renaming_codes_changes_no_longstring_and_shifting_them_no_variability(codes: np.ndarray) -> None:
    renamed = np.where(codes < 0, -1, np.array([3, 0, 4, 1, 2, 9])[codes])
    np.testing.assert_array_equal(longstring(codes), longstring(renamed))
    shifted = np.where(codes < 0, -1, codes + 7)
    np.testing.assert_allclose(individual_variability(codes), individual_variability(shifted), atol=1e-12)
    turned = reverse(codes, range(codes.shape[1]), 4)
    np.testing.assert_allclose(individual_variability(codes), individual_variability(turned), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_a_distance_knows_no_units(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, (60, 4))
    codes[rng.random(codes.shape) < 0.1] = -1
    turned = reverse(codes, [0, 2], 4)
    np.testing.assert_allclose(mahalanobis(codes).squared, mahalanobis(turned).squared, rtol=1e-8)
