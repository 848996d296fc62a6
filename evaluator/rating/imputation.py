"""What nobody reported is predicted from the level, where the scheme says so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evaluator.rating.rated import Rated, States
from evaluator.rating.rows import Block, filled
from methods.inputs import BETA, GAMMA, NORMAL, Floats, Integers


def imputed_rows(units: Rated, state: States, blocks: list[Block]) -> Iterable[Block]:
    """What nobody reported, from the level: its mean, with the variance of one unit's true value about it."""
    unit, indicator, mean, variance = (np.concatenate(parts) for parts in _centres(blocks))
    for j in range(state.shape[1]):
        for level in units.scheme.levels:
            at = np.flatnonzero((state[:, j] == "missing") & (units.level == level))
            here = (indicator == j) & (units.level[unit] == level)
            m = int(here.sum())
            if len(at) == 0 or m < 2:
                continue
            # the variance of true values is that of the estimates and what these leave unknown (total variance)
            spread = (1.0 + 1.0 / m) * (np.var(mean[here], ddof=1) + np.mean(variance[here]))
            state[at, j] = "imputed"
            nothing = np.full(len(at), np.nan)
            full = np.full(len(at), float(np.mean(mean[here])))
            sd = np.full(len(at), float(np.sqrt(spread)))
            yield Block(at, filled(at, j), filled(at, NORMAL), full, sd, sd**2, nothing, nothing, nothing)


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
