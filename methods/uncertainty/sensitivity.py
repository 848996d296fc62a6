"""What the choices of a scheme do to the index: alternatives one at a time, and Sobol indices of all at once.

Choices are no uncertainty about a unit and never enter its interval; here the index is deterministic, at the point
values, and only the recipe changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from methods.index.tree import Booleans, lower_from, power_mean, raise_to
from methods.inputs import Floats, Integers

CHUNK = 32  # recipes at a time: bounds memory


@dataclass(frozen=True, slots=True)
class Choices:
    """An index under all recipes. The first option of each choice is the scheme's own."""

    scores: Floats  # (normalisations, screenings, units, indicators) normalised scores
    usable: Booleans  # (units, indicators) carries weight
    scored: Booleans  # (units, dimensions)
    dimension: Integers  # (indicators,)
    level: Integers  # (units,)
    weight: Floats  # (weightings, levels, indicators)
    dimension_weight: Floats  # (weightings, levels, dimensions)
    within: float  # exponent of the power mean of indicators
    across: tuple[float, ...]  # exponents of the power mean of dimensions
    floor: float  # least score under exponents at or below 0

    @property
    def options(self) -> tuple[int, int, int, int]:
        """How many options weights, aggregation, normalisation and screening have."""
        return self.weight.shape[0], len(self.across), self.scores.shape[0], self.scores.shape[1]


def index_under(choices: Choices, recipes: Integers) -> Floats:
    """The index of every unit under every recipe.

    Parameters
    ----------
    recipes
        (recipes, 4) positions of the options of weights, aggregation, normalisation and screening.

    Returns
    -------
    NDArray
        (recipes, units); NaN where nothing is scored.
    """
    units = choices.level.size
    result = np.full((recipes.shape[0], units), np.nan)
    for kind in np.unique(recipes[:, 1:], axis=0):
        same = np.flatnonzero((recipes[:, 1:] == kind).all(axis=1))
        across, scores = choices.across[kind[0]], choices.scores[kind[1], kind[2]]
        for level in np.unique(choices.level):
            members = np.flatnonzero(choices.level == level)
            live = choices.usable[members]
            columns = [j for j in range(choices.dimension.size) if live[:, j].any()]
            raised = {
                j: raise_to(np.where(live[:, j], scores[members, j], 1.0), choices.within, choices.floor)
                for j in columns
            }
            for first in range(0, same.size, CHUNK):
                chunk = same[first : first + CHUNK]
                inner = choices.weight[recipes[chunk, 0], level]  # (chunk, indicators)
                outer = choices.dimension_weight[recipes[chunk, 0], level]
                result[np.ix_(chunk, members)] = _combine(choices, members, columns, raised, inner, outer, across)
    return result


def _combine(
    choices: Choices,
    members: Integers,
    columns: list[int],
    raised: dict[int, Floats],
    inner: Floats,
    outer: Floats,
    across: float,
) -> Floats:
    shape = (inner.shape[0], members.size)
    means, weights = [], []
    whole = np.zeros(shape)
    for d in range(choices.dimension_weight.shape[2]):
        total, held = np.zeros(shape), np.zeros(shape)
        for j in columns:
            if choices.dimension[j] == d:
                w = inner[:, j, None] * choices.usable[members, j]
                total += w * raised[j]
                held += w
        scored = choices.scored[members, d] & (held > 0)
        means.append(lower_from(np.divide(total, held, out=np.zeros(shape), where=scored), choices.within))
        weights.append(outer[:, d, None] * scored)
        whole += weights[-1]
    weights = [np.divide(w, whole, out=np.zeros(shape), where=whole > 0) for w in weights]
    return power_mean(means, weights, across, choices.floor)


def dirichlet(weight: Floats, node: Integers, concentration: float, number: int, rng: np.random.Generator) -> Floats:
    """Weights drawn around given ones, at every node on its own.

    Each node's weights, made to sum to one, are the means of a Dirichlet distribution; their standard deviation is
    sqrt(w (1 - w) / (concentration + 1)). Leaving items out and renormalising gives a Dirichlet distribution again.

    Parameters
    ----------
    weight
        (items,) zero stays zero.
    node
        (items,) the node that each item belongs to.

    Returns
    -------
    NDArray
        (number, items), summing to one over each node that carries weight.
    """
    if concentration <= 0:
        raise ValueError(f"concentration {concentration}; it must be above 0")
    total = np.zeros(int(node.max(initial=-1)) + 1)
    np.add.at(total, node, weight)
    mean = np.divide(weight, total[node], out=np.zeros_like(weight), where=total[node] > 0)
    draws = rng.standard_gamma(concentration * mean, size=(number, weight.size))
    sums = np.zeros((number, total.size))
    for i in range(weight.size):
        sums[:, node[i]] += draws[:, i]
    return np.divide(draws, sums[:, node], out=np.zeros_like(draws), where=sums[:, node] > 0)


@dataclass(frozen=True, slots=True)
class Changes:
    """What an alternative changes, over units."""

    mean: Floats  # (alternatives,) mean absolute change of the index
    largest: Floats  # (alternatives,)
    kept: Floats  # (alternatives,) share of units that keep their band; NaN without bands


def changes(main: Floats, other: Floats, main_band: Integers, other_band: Integers) -> Changes:
    """Summarise alternatives over units.

    Parameters
    ----------
    main, main_band
        (units,); units without a number are left out.
    other, other_band
        (alternatives, units). A band of -1 is none.
    """
    here = ~np.isnan(main)
    if not here.any():
        blank = np.full(other.shape[0], np.nan)
        return Changes(blank, blank, blank)
    change = np.abs(other[:, here] - main[here])
    graded = main_band >= 0
    same = other_band[:, graded] == main_band[graded]
    kept = same.mean(axis=1) if graded.any() else np.full(other.shape[0], np.nan)
    return Changes(change.mean(axis=1), change.max(axis=1), kept)


@dataclass(frozen=True, slots=True)
class Sobol:
    """Shares of the variance of the output that choices explain, alone and with all their interactions."""

    first: Floats  # (factors,)
    first_lower: Floats
    first_upper: Floats
    total: Floats
    total_lower: Floats
    total_upper: Floats


def sobol_design(number: int, factors: int, rng: np.random.Generator) -> Floats:
    """Points at which a function must be evaluated for Sobol indices.

    A Sobol' sequence, moved by one random shift (Cranley, Patterson 1976): even, and free of the zero point.

    Parameters
    ----------
    number
        A power of two.

    Returns
    -------
    NDArray
        (factors + 2, number, factors) in [0, 1): matrices A, B and, for each factor i, A with column i from B.
    """
    if number < 2 or number & (number - 1):
        raise ValueError(f"{number} points; a power of two is needed")
    points = qmc.Sobol(2 * factors, scramble=False).random(number)
    points = (points + rng.random(2 * factors)) % 1.0
    a, b = points[:, :factors], points[:, factors:]
    mixed = np.repeat(a[None], factors, axis=0)
    for i in range(factors):
        mixed[i, :, i] = b[:, i]
    return np.concatenate([a[None], b[None], mixed])


def sobol(values: NDArray[np.float64], bootstrap: int, interval: float, rng: np.random.Generator) -> Sobol:
    """First-order indices by Saltelli (2010), total ones by Jansen (1999), over several outputs at once.

    With several outputs the index is the mean of their indices weighted by their variances (Lamboni, Monod, Makowski
    2011): S_i = sum_u mean(f_B (f_ABi - f_A)) / sum_u Var(f), T_i = sum_u mean((f_A - f_ABi)^2) / 2 / sum_u Var(f).

    Parameters
    ----------
    values
        (factors + 2, number) or (factors + 2, number, outputs): the function at the points of `sobol_design`.
    bootstrap
        How many times the points are resampled for the limits; 0: the limits are NaN.
    interval
        Probability between the limits.

    References
    ----------
    Saltelli et al., Computer Physics Communications 181 (2010) 259, table 2, (b) and (f).
    """
    values = values.reshape(*values.shape[:2], -1)
    factors, number = values.shape[0] - 2, values.shape[1]
    nothing = 1e-20 * float((values * values).mean()) * values.shape[2]  # variances below this are rounding
    centred = values - values[:2].mean(axis=(0, 1))
    a, b, mixed = centred[0], centred[1], centred[2:]
    # one number a point: sums over outputs come first, so that the bootstrap only resamples points
    variance = (a * a + b * b).sum(axis=1) / 2
    first = np.stack([(b * (m - a)).sum(axis=1) for m in mixed])
    total = np.stack([((a - m) ** 2).sum(axis=1) / 2 for m in mixed])

    def indices(rows: Integers) -> tuple[Floats, Floats]:
        whole = variance[rows].mean()
        if whole <= nothing:
            return np.full(factors, np.nan), np.full(factors, np.nan)
        return first[:, rows].mean(axis=1) / whole, total[:, rows].mean(axis=1) / whole

    s, t = indices(np.arange(number))
    if bootstrap < 1:
        blank = np.full(factors, np.nan)
        return Sobol(s, blank, blank, t, blank, blank)
    again = [indices(rng.integers(0, number, size=(number,))) for _ in range(bootstrap)]
    tails = ((1 - interval) / 2, (1 + interval) / 2)
    s_low, s_high = np.quantile(np.stack([x for x, _ in again]), tails, axis=0)
    t_low, t_high = np.quantile(np.stack([x for _, x in again]), tails, axis=0)
    return Sobol(s, s_low, s_high, t, t_low, t_high)
