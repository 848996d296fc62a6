"""What all numbers of a unit share in the errors of their shrinkage."""

from __future__ import annotations

import numpy as np
import pytest

from methods.uncertainty.common_level import Numbers, common_level

UNITS, INDICATORS = 3000, 8


def shrunken(across: float, within: float, seed: int = 3) -> tuple[Numbers, np.ndarray]:
    """Posteriors of numbers with true correlations `across` and `within` four dimensions; and their errors."""
    rng = np.random.default_rng(seed)
    dimension = np.arange(INDICATORS) // 2
    v = np.sqrt(across) * rng.standard_normal((UNITS, 1))
    v = v + np.sqrt(within - across) * rng.standard_normal((UNITS, 4))[:, dimension]
    v = v + np.sqrt(1 - within) * rng.standard_normal((UNITS, INDICATORS))
    sign = np.where(np.arange(INDICATORS) % 2 == 0, 1.0, -1.0)
    scale = 3.0
    D = rng.uniform(0.3, 2.0, (UNITS, INDICATORS))
    B = D / (1 + D)
    y = v + np.sqrt(D) * rng.standard_normal((UNITS, INDICATORS))
    mean, variance = 10 + scale * sign * (1 - B) * y, scale**2 * (1 - B) * D
    unit, indicator = (k.ravel() for k in np.indices((UNITS, INDICATORS)))
    rows = Numbers(
        unit, indicator, np.zeros(unit.size, np.int64), dimension[indicator], np.full(unit.size, -1), sign[indicator],
        mean.ravel(), variance.ravel(),
    )  # fmt: skip
    return rows, mean - (10 + scale * sign * v)


def test_correlations_of_true_values_are_found_from_the_shrunken_ones() -> None:
    found = common_level(shrunken(0.3, 0.5)[0])
    assert found.across[0] == pytest.approx(0.3, abs=0.03)
    assert found.within[0] == pytest.approx(0.5, abs=0.06)


def test_the_factors_reproduce_the_variance_of_a_units_mean_error() -> None:
    rows, error = shrunken(0.3, 0.5)
    found = common_level(rows)
    shape = (UNITS, INDICATORS)
    weight = rows.sign.reshape(shape) / INDICATORS  # an index: every number the better way round
    first, second = (weight * part.reshape(shape) for part in (found.unit, found.dimension))
    rest = rows.variance - found.unit**2 - found.dimension**2
    pairs = second.reshape(UNITS, 4, 2).sum(axis=2)
    variance = first.sum(axis=1) ** 2 + (pairs**2).sum(axis=1) + (weight**2 * rest.reshape(shape)).sum(axis=1)
    assert variance.mean() == pytest.approx(((weight * error).sum(axis=1) ** 2).mean(), rel=0.06)
    independent = (weight**2 * rows.variance.reshape(shape)).sum(axis=1).mean()
    assert variance.mean() > 1.5 * independent  # what was missed before


def test_uncorrelated_numbers_share_next_to_nothing() -> None:
    found = common_level(shrunken(0.0, 0.0)[0])
    assert found.across[0] < 0.02
    assert found.within[0] < 0.05


def test_numbers_that_share_sampling_errors_say_nothing_of_each_other() -> None:
    rows, _ = shrunken(0.3, 0.5)
    noisy = Numbers(
        rows.unit, rows.indicator, rows.level, rows.dimension, np.zeros_like(rows.noise), rows.sign, rows.mean,
        rows.variance,
    )  # fmt: skip
    assert common_level(noisy).across[0] == 0.0


def test_a_level_of_few_units_takes_the_correlations_of_all() -> None:
    rows, _ = shrunken(0.3, 0.5)
    level = (rows.unit < 10).astype(np.int64)
    found = common_level(
        Numbers(rows.unit, rows.indicator, level, rows.dimension, rows.noise, rows.sign, rows.mean, rows.variance)
    )
    assert found.across[1] == pytest.approx(0.3, abs=0.03)
