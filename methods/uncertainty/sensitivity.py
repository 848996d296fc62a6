"""What the choices of a scheme do to the index: alternatives one at a time, and Sobol indices of all at once.

Choices are no uncertainty about a unit and never enter its interval; here the index is deterministic, at the point
values, and only the recipe changes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from methods.index.aggregation import Rule, combine
from methods.index.tree import Booleans, lower_from, raise_to, upwards
from methods.inputs import Floats, Integers

CHUNK = 128  # recipes at a time: bounds memory


@dataclass(frozen=True, slots=True)
class Choices:
    """An index under all recipes. The first option of each choice is the scheme's own."""

    scores: Floats  # (normalisations, screenings, units, indicators) normalised scores
    usable: Booleans  # (units, indicators) carries weight
    scored: Booleans  # (units, groups)
    dimension: Integers  # (indicators,) the group that each belongs to
    level: Integers  # (units,)
    weight: Floats  # (weightings, levels, indicators)
    dimension_weight: Floats  # (weightings, levels, groups)
    within: Rule  # how groups are made of their members, where `rules` do not say
    across: tuple[Rule, ...]  # how the index is made of its members
    floor: float  # least score under exponents at or below 0
    belongs: Integers | None = None  # (groups,) the group that each group belongs to, -1: the index
    rules: tuple[Rule, ...] = ()  # (groups,) how each group is made of its members

    @property
    def parents(self) -> Integers:
        """(groups,) the group that each group belongs to; -1: the index."""
        return np.full(self.dimension_weight.shape[2], -1) if self.belongs is None else self.belongs

    @property
    def rule_of(self) -> tuple[Rule, ...]:
        """(groups,) how each group is made of its members."""
        return self.rules or (self.within,) * self.dimension_weight.shape[2]

    @property
    def options(self) -> tuple[int, int, int, int]:
        """How many options weights, aggregation, normalisation and screening have."""
        return self.weight.shape[0], len(self.across), self.scores.shape[0], self.scores.shape[1]


def index_under(choices: Choices, recipes: Integers, threads: int = 1) -> Floats:
    """The index of every unit under every recipe.

    Parameters
    ----------
    choices
        The options.
    recipes
        (recipes, 4) positions of the options of weights, aggregation, normalisation and screening.
    threads
        Changes no figure.

    Returns
    -------
    NDArray
        (recipes, units); NaN where nothing is scored.

    Raises
    ------
    ValueError
        A recipe with an option that does not exist.

    Examples
    --------
    Two indicators in a dimension each, and two weightings of dimensions:

    >>> yes = np.ones((1, 2), bool)
    >>> weight, outer = np.ones((2, 1, 2)), np.array([[[1.0, 1.0]], [[3.0, 1.0]]])
    >>> scores, first = np.array([[[[80.0, 40.0]]]]), np.array([0])
    >>> made = Choices(scores, yes, yes, np.array([0, 1]), first, weight, outer, 1.0, (1.0,), 1.0)
    >>> index_under(made, np.array([[0, 0, 0, 0], [1, 0, 0, 0]]))
    array([[60.],
           [70.]])
    """
    if recipes.ndim != 2 or recipes.shape[1] != 4:
        raise ValueError(f"recipes have shape {recipes.shape}; it must be (recipes, 4)")
    wrong = np.argwhere((recipes < 0) | (recipes >= np.array(choices.options)))
    if wrong.size:
        r, k = wrong[0]
        raise ValueError(f"recipe {r}: option {recipes[r, k]} of choice {k}; it must be 0 to {choices.options[k] - 1}")
    result = np.full((recipes.shape[0], choices.level.size), np.nan)
    for kind in np.unique(recipes[:, 1:], axis=0):
        same = np.flatnonzero((recipes[:, 1:] == kind).all(axis=1))
        across, scores = choices.across[kind[0]], choices.scores[kind[1], kind[2]]
        for level in np.unique(choices.level):
            members = np.flatnonzero(choices.level == level)
            live = choices.usable[members].T
            plain = np.where(live, scores[members].T, 1.0)
            raised = {
                how: raise_to(plain, how, choices.floor) * live
                for how in dict.fromkeys(choices.rule_of)
                if not isinstance(how, str)
            }
            chunks = [same[first : first + CHUNK] for first in range(0, same.size, CHUNK)]
            whole = _Level(choices, int(level), members, live.astype(np.float64), plain, raised, across)
            result[np.ix_(same, members)] = np.concatenate(_each(whole, [recipes[c, 0] for c in chunks], threads))
    return result


@dataclass(frozen=True, slots=True)
class _Level:
    """The units of one level under one aggregation, normalisation and screening."""

    choices: Choices
    level: int
    members: Integers
    live: Floats  # (indicators, members) 1 where an indicator carries weight
    plain: Floats  # (indicators, members) scores, anything where none carries weight
    raised: dict[float, Floats]  # by exponent: (indicators, members) what means are taken of, 0 elsewhere
    across: Rule


def _each(whole: _Level, options: list[Integers], threads: int) -> list[Floats]:
    if threads == 1 or len(options) == 1:
        return [_combine(whole, one) for one in options]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda one: _combine(whole, one), options))


def _combine(whole: _Level, options: Integers) -> Floats:
    """(recipes, members) under some weightings. Sparse products: SciPy's own loops, always in the same order."""
    choices, members = whole.choices, whole.members
    inner, outer = choices.weight[options, whole.level], choices.dimension_weight[options, whole.level]
    parents, shape = choices.parents, (options.size, members.size)
    made: dict[int, tuple[Floats, Booleans]] = {}  # group -> its scores, and where there are any
    for d in (*upwards(parents), -1):
        columns = np.flatnonzero((choices.dimension == d) & whole.live.any(axis=1)) if d >= 0 else np.zeros(0, np.int64)
        below = [g for g in np.flatnonzero(parents == d).tolist() if g in made]
        if not (columns.size or below):
            continue
        how = choices.rule_of[d] if d >= 0 else whole.across
        weights = [outer[:, g, None] * made[g][1] for g in below]
        if isinstance(how, str):
            leaves = [np.broadcast_to(whole.plain[j], shape) for j in columns]
            carried = [inner[:, j, None] * whole.live[j] for j in columns]
            held = sum([*carried, *weights], np.zeros(shape))
            score = combine([*leaves, *(made[g][0] for g in below)], [*carried, *weights], how, choices.floor)
        else:
            total, held = _leaves(whole, inner, columns, how) if columns.size else (np.zeros(shape), np.zeros(shape))
            for g, share in zip(below, weights, strict=True):
                held += share
                total += share * raise_to(made[g][0], how, choices.floor)
        there = held > 0 if d < 0 else choices.scored[members, d] & (held > 0)
        if isinstance(how, str):
            score = np.where(there, score, 1.0)
        else:
            score = lower_from(np.divide(total, held, out=np.ones(shape), where=there), how)
        made[d] = score, there
    if -1 not in made:
        return np.full(shape, np.nan)
    index, there = made[-1]
    return np.where(there, index, np.nan)


def _leaves(whole: _Level, inner: Floats, columns: Integers, how: float) -> tuple[Floats, Floats]:
    """(recipes, members) each: sum of what a mean is taken of over some indicators, and of their weights."""
    options = inner.shape[0]
    pointers = np.arange(0, options * columns.size + 1, columns.size, dtype=np.int32)
    places = np.tile(np.arange(columns.size, dtype=np.int32), options)
    weights = sparse.csr_array((inner[:, columns].ravel(), places, pointers), shape=(options, columns.size))
    return np.asarray(weights @ whole.raised[how][columns]), np.asarray(weights @ whole.live[columns])


def leave_one_out(weight: Floats, dimension_weight: Floats) -> tuple[Floats, Floats]:
    """Weightings that leave out one indicator, then one dimension, at a time.

    What is left out passes its weight on, as what does not apply does.

    Parameters
    ----------
    weight
        (levels, indicators) within the dimension.
    dimension_weight
        (levels, dimensions).

    Returns
    -------
    weight, dimension_weight
        (1 + indicators + dimensions, levels, indicators) and the same with dimensions, for `Choices`; the first are
        those given.

    Examples
    --------
    >>> inner, outer = leave_one_out(np.ones((1, 2)), np.array([[0.4, 0.6]]))
    >>> inner[:, 0].tolist()
    [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
    >>> outer[:, 0].tolist()
    [[0.4, 0.6], [0.4, 0.6], [0.4, 0.6], [0.0, 0.6], [0.4, 0.0]]
    """
    indicators, dimensions = weight.shape[1], dimension_weight.shape[1]
    inner = np.repeat(weight[None], 1 + indicators + dimensions, axis=0)
    outer = np.repeat(dimension_weight[None], 1 + indicators + dimensions, axis=0)
    for j in range(indicators):
        inner[1 + j, :, j] = 0.0
    for d in range(dimensions):
        outer[1 + indicators + d, :, d] = 0.0
    return inner, outer


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

    Raises
    ------
    ValueError
        A concentration that is not above 0, a weight below 0.

    Examples
    --------
    >>> drawn = dirichlet(np.array([1.0, 3.0]), np.array([0, 0]), 60.0, 5000, np.random.default_rng(1))
    >>> drawn.mean(axis=0).round(2)
    array([0.25, 0.75])
    """
    if not 0 < concentration < np.inf:
        raise ValueError(f"concentration {concentration}; it must be above 0")
    if not (weight >= 0).all():
        raise ValueError("a weight is negative or not a number; weights must be 0 or more")
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
    mean_ranks: Floats  # (alternatives,) mean absolute change of the rank within the group; NaN without groups
    largest_ranks: Floats  # (alternatives,)


def changes(main: Floats, other: Floats, main_band: Integers, other_band: Integers, group: Integers) -> Changes:
    """Summarise alternatives over units.

    Parameters
    ----------
    main, main_band
        (units,); units without a number are left out.
    other, other_band
        (alternatives, units). A band of -1 is none.
    group
        (units,) units of one group are ranked together; -1: the unit is not ranked.

    Examples
    --------
    >>> none = np.full(2, -1)
    >>> found = changes(np.array([70.0, 60.0]), np.array([[61.0, 66.0]]), none, none[None], np.zeros(2, int))
    >>> found.mean, found.largest, found.mean_ranks
    (array([7.5]), array([9.]), array([1.]))
    """
    from scipy.stats import rankdata  # slow to load, and few ask for it

    here = ~np.isnan(main)
    blank = np.full(other.shape[0], np.nan)
    if not here.any():
        return Changes(blank, blank, blank, blank, blank)
    change = np.abs(other[:, here] - main[here])
    there = ~np.isnan(change)  # an alternative may leave nothing of a unit
    count = there.sum(axis=1)
    change[~there] = 0.0
    mean = np.divide(change.sum(axis=1), count, out=blank.copy(), where=count > 0)
    largest = np.where(count > 0, change.max(axis=1), np.nan)
    graded = main_band >= 0
    same = other_band[:, graded] == main_band[graded]
    kept = same.mean(axis=1) if graded.any() else blank
    moved, worst, ranked = np.zeros(other.shape[0]), np.zeros(other.shape[0]), 0
    for g in np.unique(group[here & (group >= 0)]):
        members = np.flatnonzero((group == g) & here)
        shift = np.abs(rankdata(other[:, members], axis=1, nan_policy="omit") - rankdata(main[members]))
        shift = np.nan_to_num(shift)
        moved += shift.sum(axis=1)
        worst = np.maximum(worst, shift.max(axis=1))
        ranked += members.size
    ranks = (moved / ranked, worst) if ranked else (blank, blank)
    return Changes(mean, largest, kept, *ranks)


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

    Examples
    --------
    >>> sobol_design(8, 2, np.random.default_rng(0)).shape
    (4, 8, 2)
    """
    from scipy.stats import qmc  # slow to load, and few ask for it

    if factors < 1:
        raise ValueError(f"{factors} factors; at least 1 is needed")
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

    Examples
    --------
    Twice the first factor and once the second: variances of 4 to 1.

    >>> rng = np.random.default_rng(0)
    >>> points = sobol_design(1024, 2, rng)
    >>> sobol(2 * points[..., 0] + points[..., 1], 100, 0.95, rng).first.round(2)
    array([0.8, 0.2])
    """
    if values.ndim < 2 or values.shape[0] < 3 or values.shape[1] < 1:
        raise ValueError(f"values have shape {values.shape}; it must be (factors + 2, number), outputs last")
    if not np.isfinite(values).all():
        raise ValueError("values hold NaN or infinities; every point must have a number")
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
