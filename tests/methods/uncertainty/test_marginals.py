"""Closed forms of single scores against large samples and textbook values."""

import numpy as np
import pytest
from scipy import stats

from methods.inputs import BETA, GAMMA, NORMAL, POINT, Factors, Inputs
from methods.uncertainty.marginals import clipped_sd, limits, spread

NAN = np.nan
NO_FACTORS = Factors((), *(np.zeros(0, np.int64) for _ in range(3)), np.zeros(0), np.zeros(0))


def inputs(*rows):
    """Rows (family, a, b), one unit each."""
    family, a, b = np.array(rows, dtype=float).T
    n = len(rows)
    blank = np.full(n, NAN)
    return Inputs(np.arange(n), np.zeros(n, np.int64), family.astype(np.int64), a, b, blank, blank, blank)


def test_the_spread_of_a_normal_input_adds_its_factors_to_its_own_part():
    given = inputs((NORMAL, 50, 3), (NORMAL, 50, 3), (BETA, 2, 2))
    shared = Factors(
        ("f", "g"),
        np.array([0, 1, 0]),
        np.array([0, 0, 1]),
        np.zeros(3, np.int64),
        np.array([4.0, 12.0, NAN]),
        np.zeros(3),
    )
    np.testing.assert_allclose(spread(given, shared), [13.0, 3.0, NAN])


def test_parts_of_one_loading_add_up_and_loadings_on_nothing_are_ignored():
    given = inputs((NORMAL, 50, 0))
    shared = Factors(
        ("f",),
        np.zeros(3, np.int64),
        np.array([0, 0, 5]),
        np.zeros(3, np.int64),
        np.array([1.0, 2.0, 9.0]),
        np.zeros(3),
    )
    assert spread(given, shared).tolist() == [3.0]
    empty = Inputs(*(np.zeros(0, np.int64) for _ in range(3)), *(np.zeros(0) for _ in range(5)))
    assert spread(empty, shared).size == 0


def test_limits_are_the_quantiles_of_the_families():
    given = inputs((NORMAL, 50, 2), (BETA, 8, 3), (GAMMA, 3, 2), (POINT, 7, 0))
    low, high = limits(given, spread(given, NO_FACTORS), 0.9)
    np.testing.assert_allclose(
        low, [stats.norm.ppf(0.05, 50, 2), stats.beta.ppf(0.05, 8, 3), 0.8176914 / 2, 7], rtol=1e-6
    )
    np.testing.assert_allclose(
        high, [stats.norm.ppf(0.95, 50, 2), stats.beta.ppf(0.95, 8, 3), 6.2957936 / 2, 7], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("row", "lower", "upper", "distribution"),
    [
        ((NORMAL, 50, 10), 45, 70, stats.norm(50, 10)),
        ((NORMAL, 50, 10), -np.inf, 40, stats.norm(50, 10)),
        ((NORMAL, 50, 10), 55, np.inf, stats.norm(50, 10)),
        ((BETA, 8, 3), 0.7, 0.9, stats.beta(8, 3)),
        ((BETA, 0.4, 0.6), -1, 0.5, stats.beta(0.4, 0.6)),
        ((GAMMA, 3, 2), 0.5, 2, stats.gamma(3, scale=0.5)),
        ((GAMMA, 0.5, 2), 0, np.inf, stats.gamma(0.5, scale=0.5)),
    ],
)
def test_the_standard_deviation_after_clipping_is_that_of_a_fine_grid_of_quantiles(row, lower, upper, distribution):
    given = inputs(row)
    found = clipped_sd(given, spread(given, NO_FACTORS), np.array([float(lower)]), np.array([float(upper)]))
    grid = np.clip(distribution.ppf((np.arange(400_000) + 0.5) / 400_000), lower, upper)
    assert found[0] == pytest.approx(grid.std(), rel=1e-3)


def test_without_limits_the_standard_deviation_is_the_families_own():
    given = inputs((NORMAL, 50, 2), (BETA, 8, 3), (GAMMA, 3, 2), (POINT, 7, 0), (NORMAL, 50, 0))
    wide = np.full(5, np.inf)
    found = clipped_sd(given, spread(given, NO_FACTORS), -wide, wide)
    np.testing.assert_allclose(found, [2, stats.beta.std(8, 3), np.sqrt(3) / 2, 0, 0], rtol=1e-9)


def test_what_lies_wholly_beyond_a_limit_has_no_spread():
    given = inputs((NORMAL, 500, 2), (BETA, 5000, 3), (GAMMA, 3e6, 2))
    found = clipped_sd(given, spread(given, NO_FACTORS), np.array([0, 0, 0.0]), np.array([100, 0.5, 20.0]))
    assert found.tolist() == [0, 0, 0]
