"""What shrinkage takes away from all of a unit's numbers together: the unit's own level, over all sources.

Each number is drawn towards the mean of its level by itself. A unit that is truly good in most of them is then pulled
down in most of them at once: the errors -B v of a unit's numbers share its true standing v. Taken as independent, they
make dimensions and index far too sure: in the simulated province, whose true values correlate by 0.3 (0.5 within
dimensions), 95 % intervals of the index held the truth for 65 % of units, and with the two factors from here for 96 %.

With m the posterior mean less the level's, V its variance and A = mean(m^2) + mean(V) the variance of true values, the
weight of the level's mean is B = V / A, and what was pulled away has the variance A B^2 = V B. Posterior means carry
sampling errors of their own source only, so that over pairs of different sources E[m_i m_j] =
(1 - B_i)(1 - B_j) rho sqrt(A_i A_j) gives the correlation rho of true values by moments: one for pairs of different
dimensions, one for pairs within a dimension.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from methods.inputs import Floats, Integers

MOST = 0.9  # of a correlation
ENOUGH = 30  # units of a level whose own moments are trusted; smaller levels take those of all levels together


@dataclass(frozen=True, slots=True)
class Numbers:
    """A row a unit x indicator, each on any scale of its own."""

    unit: Integers
    indicator: Integers
    level: Integers  # (rows,) of the unit
    dimension: Integers  # (rows,) of the indicator
    noise: Integers  # (rows,) indicators of equal noise share sampling errors; each of -1 has its own
    sign: Floats  # (rows,) 1 where more is better, else -1
    mean: Floats  # (rows,) of the posterior
    variance: Floats  # (rows,)


@dataclass(frozen=True, slots=True)
class CommonLevel:
    """Loadings of two factors of a unit on the errors of its numbers, and the correlations behind them."""

    unit: Floats  # (rows,) loading on the unit's factor
    dimension: Floats  # (rows,) on that of the unit in the dimension
    across: Floats  # (levels,) correlation of true values of different dimensions
    within: Floats  # (levels,) of one dimension


def common_level(rows: Numbers) -> CommonLevel:
    """What a unit's numbers have in common in the errors of their shrinkage.

    Raises
    ------
    ValueError
        Arrays of different sizes, a mean that is not finite, a variance below 0.

    Examples
    --------
    Two indicators of different dimensions and sources that agree wholly about sixty units:

    >>> unit, number = np.repeat(np.arange(60), 2), np.tile([0, 1], 60)
    >>> standing = np.repeat(np.random.default_rng(0).normal(size=60), 2)
    >>> none, ones = np.full(120, -1), np.ones(120)
    >>> rows = Numbers(unit, number, 0 * unit, number, none, ones, standing, 0.5 * ones)
    >>> common_level(rows).across  # nearly one, and kept below it
    array([0.9])
    """
    sizes = {getattr(rows, field.name).shape for field in fields(Numbers)}
    if len(sizes) > 1:
        raise ValueError(f"arrays of Numbers have shapes {sorted(sizes)}; they must all be (rows,)")
    if not np.isfinite(rows.mean).all() or not ((rows.variance >= 0) & np.isfinite(rows.variance)).all():
        raise ValueError("mean must be finite and variance a finite number, 0 or more")
    levels = int(rows.level.max(initial=-1)) + 1
    units, indicators = int(rows.unit.max(initial=-1)) + 1, int(rows.indicator.max(initial=-1)) + 1
    key, cells = rows.level * indicators + rows.indicator, levels * indicators
    count = np.maximum(np.bincount(key, minlength=cells), 1)
    m = rows.sign * (rows.mean - (np.bincount(key, rows.mean, cells) / count)[key])
    true = ((np.bincount(key, m * m, cells) + np.bincount(key, rows.variance, cells)) / count)[key]
    positive = true > 0
    B = np.where(positive, np.minimum(rows.variance / np.where(positive, true, 1.0), 1.0), 0.0)
    z = m / np.sqrt(np.where(positive, true, 1.0))
    dimension, noise = np.full(indicators, -1), np.full(indicators, -1)
    dimension[rows.indicator], noise[rows.indicator] = rows.dimension, rows.noise
    same = dimension[:, None] == dimension[None, :]
    apart = ((noise[:, None] != noise[None, :]) | (noise[:, None] < 0)) & ~np.eye(indicators, dtype=bool)
    top, bottom = np.zeros((levels, 2)), np.zeros((levels, 2))
    members = np.zeros(levels)
    for level in range(levels):
        mine = rows.level == level
        members[level] = len(np.unique(rows.unit[mine]))
        standing, kept = np.zeros((units, indicators)), np.zeros((units, indicators))
        standing[rows.unit[mine], rows.indicator[mine]] = z[mine]
        kept[rows.unit[mine], rows.indicator[mine]] = 1.0 - B[mine]
        product, weight = standing.T @ standing, kept.T @ kept
        for k, pairs in enumerate((apart & ~same, apart & same)):
            top[level, k], bottom[level, k] = product[pairs].sum(), weight[pairs].sum()
    pooled = top.sum(axis=0) / np.maximum(bottom.sum(axis=0), 1e-12)
    own = (members[:, None] >= ENOUGH) & (bottom > 0)
    rho = np.where(own, top / np.where(bottom > 0, bottom, 1.0), pooled)
    across = np.clip(rho[:, 0], 0.0, MOST)
    within = np.clip(np.maximum(rho[:, 1], across), 0.0, MOST)
    pulled = rows.sign * np.sqrt(rows.variance * B)
    return CommonLevel(
        pulled * np.sqrt(across[rows.level]), pulled * np.sqrt((within - across)[rows.level]), across, within
    )
