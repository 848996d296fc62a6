"""What nobody reported is predicted from the level, where the scheme says so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evaluator.rating.rated import Rated, States
from evaluator.rating.rows import Block, filled
from methods.index.imputation import impute_by_group
from methods.inputs import BETA, GAMMA, NORMAL, Floats, Integers


def imputed_rows(units: Rated, state: States, blocks: list[Block]) -> Iterable[Block]:
    """What nobody reported, from the level: its mean, with the variance of one unit's true value about it."""
    unit, indicator, mean, variance = (np.concatenate(parts) for parts in _centres(blocks))
    known, unsure = np.full(state.shape, np.nan), np.zeros(state.shape)
    known[unit, indicator], unsure[unit, indicator] = mean, variance
    filled_in = impute_by_group(known, units.level, variance=unsure)
    u, j = np.nonzero((state == "missing") & filled_in.imputed)
    state[u, j] = "imputed"
    around, nothing = filled_in.variance[u, j], np.full(u.size, np.nan)
    if u.size:
        yield Block(u, j, filled(u, NORMAL), filled_in.values[u, j], np.sqrt(around), around, nothing, nothing, nothing)


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
