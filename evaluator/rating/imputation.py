"""What nobody reported is filled in from other units, in the way that the scheme says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.defects import InputError
from evaluator.rating.rated import Rated, States
from evaluator.rating.rows import Block, filled
from methods.index.imputation import Imputed, impute_by_group, impute_nearest
from methods.inputs import BETA, GAMMA, NORMAL, Floats, Integers


def imputed_rows(units: Rated, state: States, blocks: list[Block]) -> Iterable[Block]:
    """What nobody reported, with the variance of one unit's true value about what is filled in."""
    unit, indicator, mean, variance = (np.concatenate(parts) for parts in _centres(blocks))
    known, unsure = np.full(state.shape, np.nan), np.zeros(state.shape)
    known[unit, indicator], unsure[unit, indicator] = mean, variance
    filled_in = _filled(units, known, unsure)
    u, j = np.nonzero((state == "missing") & filled_in.imputed)
    state[u, j] = "imputed"
    around, nothing = filled_in.variance[u, j], np.full(u.size, np.nan)
    if u.size:
        exact = units.scheme.missing.impute != "predictive"
        values = filled_in.values[u, j]
        yield Block(
            u, j, filled(u, NORMAL), values, np.sqrt(around), around, nothing, nothing, nothing, exact=exact
        )  # fmt: skip


def _filled(units: Rated, known: Floats, unsure: Floats) -> Imputed:
    """Gaps filled: `predictive` is the mean of the level, beside what the citizens' model predicts by itself."""
    rules = units.scheme.missing
    if rules.impute == "predictive":
        return impute_by_group(known, units.level, variance=unsure)
    group = _group(units, rules.by)
    if rules.impute == "nearest":
        return impute_nearest(known, group, rules.neighbours, unsure)
    return impute_by_group(known, group, "median" if rules.impute == "median" else "mean", unsure)


def _group(units: Rated, by: str) -> NDArray[Any]:
    """(units,) which units fill in for each other: never those of another level."""
    if by == "level":
        return units.level
    columns = units.table("units") or {}
    if by not in columns:
        raise InputError(
            [f"units has no column {by}, by which the scheme imputes; bring the column, or write by: level"]
        )
    labels = np.array([f"{level}\x1f{label}" for level, label in zip(units.level, columns[by].tolist(), strict=True)])
    return np.unique(labels, return_inverse=True)[1].ravel()


def _centres(blocks: list[Block]) -> tuple[list[Integers], list[Integers], list[Floats], list[Floats]]:
    """Units, indicators, means and variances of the rows that say what a level is like."""
    unit, indicator, means, variances = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0)]
    for block in blocks:
        if block.usual:
            with np.errstate(divide="ignore", invalid="ignore"):
                beta, gamma = block.a / (block.a + block.b), block.a / block.b
            means.append(np.select([block.family == BETA, block.family == GAMMA], [beta, gamma], block.a))
            unit.append(block.unit)
            indicator.append(block.indicator)
            variances.append(block.variance)
    return unit, indicator, means, variances
