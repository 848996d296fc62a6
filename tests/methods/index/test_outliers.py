"""Outliers by a rule that outliers do not bend, against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import median_abs_deviation, norm

from methods.index.outliers import outliers


def test_scores_are_distances_from_the_median_in_robust_standard_deviations() -> None:
    x = np.random.default_rng(3).gamma(2.0, size=(200, 3))
    found = outliers(x)
    expected = (x - np.median(x, axis=0)) / median_abs_deviation(x, scale="normal")  # SciPy 1.17
    assert np.allclose(found.z, expected, rtol=1e-6)
    assert (found.outside == (np.abs(expected) > 3.5)).all()


def test_the_far_value_does_not_hide_itself() -> None:
    """Among n values no usual z-score can be beyond (n - 1)/sqrt(n), 1.79 for five: Shiffler 1988."""
    x = np.array([[1.0], [2.0], [3.0], [4.0], [1e6]])
    assert abs((x - x.mean()) / x.std(ddof=1)).max() < 1.79
    assert outliers(x).outside[:, 0].tolist() == [False] * 4 + [True]


def test_of_a_normal_sample_about_one_in_two_thousand_is_outside() -> None:
    share = outliers(np.random.default_rng(1).normal(size=(400_000, 1))).outside.mean()
    assert share == pytest.approx(2 * norm.sf(3.5), abs=1e-4)


def test_where_most_values_are_equal_the_mean_deviation_takes_over() -> None:
    x = np.array([[0.0]] * 8 + [[1.0], [30.0]])
    found = outliers(x)
    assert found.z[-1, 0] == pytest.approx(30 * np.sqrt(2 / np.pi) / 3.1)  # mean deviation: (1 + 30) / 10
    assert found.outside[:, 0].tolist() == [False] * 9 + [True]


def test_gaps_short_columns_and_constants_are_no_outliers() -> None:
    x = np.full((6, 3), np.nan)
    x[:4, 0], x[:, 1], x[:5, 2] = (1, 2, 3, 900), 7.0, (1, 2, 3, 4, 900)
    found = outliers(x)
    assert np.isnan(found.z[:, :2]).all()
    assert found.outside.sum(axis=0).tolist() == [0, 0, 1]
    assert np.isnan(found.z[5, 2])


@pytest.mark.parametrize(
    ("values", "most", "message"),
    [(np.zeros(3), 3.5, "shape"), (np.full((6, 1), np.inf), 3.5, "finite"), (np.zeros((6, 1)), 0.0, "most is 0")],
)
def test_what_is_no_table_or_no_limit_is_refused(values: np.ndarray, most: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        outliers(values, most)
