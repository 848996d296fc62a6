"""Weights of the items of a group: given, from judgements, or from the data.

Every function gives weights that sum to 1. Weights from data say how the numbers vary, not what matters; a scheme that
uses them says so, and its weights change with every data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares, linprog

from methods.index.correlations import correlation, importance
from methods.inputs import Floats

# mean consistency index of random matrices of judgements, by their size (Saaty 1980, table 1-1 with 1 to 15)
RANDOM = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)


def given(weight: Sequence[float] | Floats) -> Floats:
    """Weights as they are given, made to sum to 1.

    Parameters
    ----------
    weight
        (items,) 0 or more, not all 0.

    Returns
    -------
    NDArray
        (items,).

    Raises
    ------
    ValueError
        Negative or infinite weights, gaps, or all 0.

    Examples
    --------
    >>> given([2, 1, 1]).tolist()
    [0.5, 0.25, 0.25]
    """
    w = np.asarray(weight, np.float64)
    if w.ndim != 1 or not w.size or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ValueError("weight must be one finite number of 0 or more an item, not all 0")
    return np.asarray(w / w.sum(), np.float64)


def equal(items: int) -> Floats:
    """The same weight for all.

    Parameters
    ----------
    items
        How many, at least 1.

    Returns
    -------
    NDArray
        (items,).

    Examples
    --------
    >>> equal(4).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    if items < 1:
        raise ValueError(f"items is {items}; it must be at least 1")
    return np.full(items, 1 / items)


@dataclass(frozen=True, slots=True)
class Judged:
    """Weights from pairwise judgements and how well these agree with each other."""

    weight: Floats  # (items,)
    largest_eigenvalue: float  # the number of items if judgements agree perfectly
    consistency_index: float
    consistency_ratio: float  # to that of random judgements; above 0.1 Saaty asks to judge again. NaN: over 15 items


def analytic_hierarchy(judgements: Floats) -> Judged:
    """Saaty's analytic hierarchy process: how many times more important is each item than each other?

    Parameters
    ----------
    judgements
        (items, items) row compared with column, from 1/9 to 9; the other way round is the reciprocal.

    Returns
    -------
    Judged
        The principal eigenvector, and the consistency ratio.

    Raises
    ------
    ValueError
        No square matrix of positive numbers, or entries that are not reciprocal (to 1 %, as 0.33 for 1/3).

    References
    ----------
    Saaty, The Analytic Hierarchy Process (1980).

    Examples
    --------
    >>> found = analytic_hierarchy(np.array([[1, 2, 6], [1 / 2, 1, 3], [1 / 6, 1 / 3, 1]]))
    >>> found.weight.round(6).tolist(), round(found.consistency_ratio, 10) + 0.0
    ([0.6, 0.3, 0.1], 0.0)
    """
    items = judgements.shape[0]
    if judgements.ndim != 2 or judgements.shape[1] != items or not items:
        raise ValueError(f"judgements has shape {judgements.shape}; it must be (items, items)")
    if not (np.isfinite(judgements).all() and (judgements > 0).all()):
        raise ValueError("judgements must be finite numbers above 0")
    odd = np.argwhere(np.abs(judgements * judgements.T - 1) > 0.01)
    if odd.size:
        i, j = odd[0]
        raise ValueError(
            f"judgements of items {i} and {j} are {judgements[i, j]:g} and {judgements[j, i]:g}; "
            "one must be the reciprocal of the other"
        )
    values, vectors = np.linalg.eig(judgements)
    k = int(np.argmax(values.real))
    vector = np.abs(vectors[:, k].real)
    index = (float(values[k].real) - items) / (items - 1) if items > 1 else 0.0
    random = RANDOM[items - 1] if items <= len(RANDOM) else np.nan
    ratio = 0.0 if random == 0 else index / random
    return Judged(vector / vector.sum(), float(values[k].real), index, ratio)


def entropy(values: Floats) -> Floats:
    """Shannon's entropy: an item weighs more, the more unevenly units share its total.

    Parameters
    ----------
    values
        (units, items) 0 or more, the higher the better, without gaps; on a ratio scale (a shift changes the weights).

    Returns
    -------
    NDArray
        (items,) in proportion to 1 - entropy / log(units); an item that does not vary gets 0.

    Raises
    ------
    ValueError
        Gaps, negative values, an item that is 0 throughout, fewer than two units, or no item that varies.

    References
    ----------
    Hwang, Yoon, Multiple Attribute Decision Making (1981), section 2.3.

    Examples
    --------
    >>> entropy(np.array([[1.0, 5.0], [3.0, 5.0]])).round(10).tolist()
    [1.0, 0.0]
    """
    _complete(values)
    if (values < 0).any():
        raise ValueError(f"values holds {values.min()}; entropy needs shares of a total, so values of 0 or more")
    total = values.sum(axis=0)
    if (total == 0).any():
        raise ValueError(f"values: item {np.flatnonzero(total == 0)[0]} is 0 throughout; leave it out")
    share = values / total
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    divergence = np.maximum(0.0, 1 + (share * logs).sum(axis=0) / np.log(values.shape[0]))
    divergence[np.ptp(values, axis=0) == 0] = 0.0
    return _of_one(divergence)


def critic(values: Floats) -> Floats:
    """CRITIC: an item weighs more, the more it varies and the less it goes with the others.

    Parameters
    ----------
    values
        (units, items) the higher the better, without gaps.

    Returns
    -------
    NDArray
        (items,) in proportion to the standard deviation, on a scale from the worst to the best unit, times the sum of
        1 - correlation with each other item.

    Raises
    ------
    ValueError
        Gaps, an item that does not vary, or fewer than two units.

    References
    ----------
    Diakoulaki, Mavrotas, Papayannakis, Computers & Operations Research 22 (1995) 763.

    Examples
    --------
    >>> critic(np.array([[0.0, 0.0, 9.0], [1.0, 1.0, 5.0], [2.0, 2.0, 1.0]])).round(10).tolist()
    [0.25, 0.25, 0.5]
    """
    _complete(values)
    low, high = values.min(axis=0), values.max(axis=0)
    flat = np.flatnonzero(low == high)
    if flat.size:
        raise ValueError(f"values: item {flat[0]} does not vary; leave it out")
    scaled = (values - low) / (high - low)
    conflict = (1 - correlation(values)).sum(axis=0)
    return _of_one(scaled.std(axis=0, ddof=1) * conflict)


@dataclass(frozen=True, slots=True)
class Components:
    """Principal components of standardised items."""

    weight: Floats  # (items,)
    variance: Floats  # (components,) eigenvalues of the correlation matrix, largest first; they sum to the items
    loading: Floats  # (items, components) correlation of item and component


def principal_components(values: Floats, how: Literal["first", "squared"] = "first") -> Components:
    """Weights from a principal component analysis.

    Parameters
    ----------
    values
        (units, items) the higher the better, without gaps; standardised here.
    how
        ``first``: in proportion to the first component, which explains the most variance (COINr's `get_PCA`).
        ``squared``: squared loadings on the components with variance above 1, each component in proportion to its
        variance (OECD handbook, without rotation).

    Returns
    -------
    Components
        Weights and what they come from.

    Raises
    ------
    ValueError
        Gaps, an item that does not vary, fewer than three units; with ``first``, items that pull in opposite
        directions on the first component, so that some weights would be negative.

    References
    ----------
    OECD, JRC, Handbook on Constructing Composite Indicators (2008), section 6.1.

    Examples
    --------
    >>> principal_components(np.array([[1.0, 1.0], [2.0, 3.0], [4.0, 2.0], [5.0, 6.0]])).weight.round(10).tolist()
    [0.5, 0.5]
    """
    _complete(values, 3)
    matrix = correlation(values)
    if np.isnan(matrix).any():
        raise ValueError(f"values: item {np.flatnonzero(np.ptp(values, axis=0) == 0)[0]} does not vary; leave it out")
    variance, vectors = np.linalg.eigh(matrix)
    variance, vectors = np.maximum(variance[::-1], 0.0), vectors[:, ::-1]
    vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
    loading = vectors * np.sqrt(variance)
    if how == "squared":
        kept = variance > 1 + 1e-12
        kept[0] = True
        weight = (loading[:, kept] ** 2).sum(axis=1)
    else:
        weight = vectors[:, 0]
        against = np.flatnonzero(weight < -1e-12)
        if against.size:
            raise ValueError(
                f"values: item {against[0]} pulls against the others on the first component; "
                "its weight would be negative: check its direction, leave it out, or take how='squared'"
            )
        weight = np.maximum(weight, 0.0)
    return Components(_of_one(weight), variance, loading)


@dataclass(frozen=True, slots=True)
class Balanced:
    """Weights under which items matter as much as they should."""

    weight: Floats  # (items,)
    wanted: Floats  # (items,) shares of importance
    reached: Floats  # (items,) shares of importance under these weights
    converged: bool  # every share within 1e-6 of what is wanted


def balanced(
    values: Floats,
    wanted: Sequence[float] | Floats | None = None,
    measure: Literal["correlation", "correlation_ratio"] = "correlation",
) -> Balanced:
    """Weights of an arithmetic mean, optimised so that items are as important as wanted (COINr's `get_opt_weights`).

    Parameters
    ----------
    values
        (units, items) normalised, the higher the better, without gaps.
    wanted
        (items,) importance in proportion; default: equal.
    measure
        Importance is an item's ``correlation`` with the mean, or its ``correlation_ratio`` (the share of the mean's
        variance that a smooth curve of the item explains).

    Returns
    -------
    Balanced
        The weights nearest to the aim; it cannot always be reached, for instance by an item that goes against the
        others.

    Raises
    ------
    ValueError
        Gaps, an item that does not vary, `wanted` that is not above 0.

    Notes
    -----
    COINr stops at a relative change of 0.1 of the logarithm of the squared distance; this goes on to the optimum.

    References
    ----------
    Becker, Saisana, Paruolo, Vandecasteele, Ecological Indicators 80 (2017) 12; Paruolo, Saisana, Saltelli, Journal of
    the Royal Statistical Society A 176 (2013) 609.

    Examples
    --------
    >>> x = np.array([[1.0, 20.0], [2.0, 60.0], [3.0, 40.0], [4.0, 90.0]])
    >>> balanced(x).weight.round(4).tolist()
    [0.9586, 0.0414]
    """
    _complete(values, 3)
    items = values.shape[1]
    aim = equal(items) if wanted is None else given(wanted)
    if aim.shape != (items,) or (aim <= 0).any():
        raise ValueError(f"wanted must be {items} numbers above 0, one an item")
    flat = np.flatnonzero(np.ptp(values, axis=0) == 0)
    if flat.size:
        raise ValueError(f"values: item {flat[0]} does not vary; leave it out")
    if items == 1:
        return Balanced(np.ones(1), aim, np.ones(1), True)

    def weight_of(free: Floats) -> Floats:
        w = np.exp(np.append(free, 0.0) - max(0.0, float(free.max())))
        return np.asarray(w / w.sum(), np.float64)

    def reached(w: Floats) -> Floats:
        found = importance(values, np.asarray(values @ w), measure)
        total = found.sum()
        return found / total if total > 0 else np.zeros(items)

    def short_of(free: Floats) -> Floats:
        return reached(weight_of(free)) - aim

    spread = values.std(axis=0)
    best: Floats | None = None
    for start in (aim / spread, aim, np.ones(items)):
        free = np.log(start[:-1] / start[-1])
        bounds = (free - 12, free + 12)  # a weight of e^-12 of the last is as good as none
        done = least_squares(short_of, free, bounds=bounds, xtol=1e-14, ftol=1e-14, gtol=1e-14)
        w = weight_of(done.x)
        if best is None or np.abs(reached(w) - aim).max() < np.abs(reached(best) - aim).max():
            best = w
        if np.abs(reached(best) - aim).max() < 1e-9:
            break
    assert best is not None
    got = reached(best)
    return Balanced(best, aim, got, bool(np.abs(got - aim).max() < 1e-6))


@dataclass(frozen=True, slots=True)
class BenefitOfTheDoubt:
    """Each unit in the light of the weights that suit it best."""

    score: Floats  # (units,) 0 to 1; 1: no unit does better under this unit's weights
    weight: Floats  # (units, items) on the items' own scales: score = sum of weight x value
    share: Floats  # (units, items) of the score that each item makes up; sums to 1


def benefit_of_the_doubt(
    values: Floats, least_share: float | Floats = 0.0, most_share: float | Floats = 1.0
) -> BenefitOfTheDoubt:
    """Score each unit by the weights that are best for it, no unit scoring above 1 under them.

    A linear programme for each unit: data envelopment analysis with one input that is 1 everywhere.

    Parameters
    ----------
    values
        (units, items) 0 or more, the higher the better, without gaps.
    least_share, most_share
        One for all or (items,): bounds on the share of a unit's own score that an item makes up. Without bounds a unit
        may stand on its single best item.

    Returns
    -------
    BenefitOfTheDoubt
        A unit whose values are 0 throughout scores 0.

    Raises
    ------
    ValueError
        Gaps, negative values, an item that is 0 throughout, bounds outside 0 to 1 or that no shares can meet, or a unit
        whose zeros make a least share impossible.

    Notes
    -----
    Weights differ between units, so scores say how good a case each unit can make, and rank nobody under one standard.

    References
    ----------
    Melyn, Moesen (1991); Cherchye, Moesen, Rogge, Van Puyenbroeck, Social Indicators Research 82 (2007) 111.

    Examples
    --------
    >>> found = benefit_of_the_doubt(np.array([[4.0, 3.0], [4.0, 6.0], [6.0, 2.0], [5.0, 5.0]]))
    >>> found.score.round(6).tolist()
    [0.75, 1.0, 1.0, 1.0]
    """
    _complete(values, 1)
    units, items = values.shape
    if (values < 0).any():
        raise ValueError(f"values holds {values.min()}; benefit of the doubt needs values of 0 or more")
    scale = values.max(axis=0)
    if (scale == 0).any():
        raise ValueError(f"values: item {np.flatnonzero(scale == 0)[0]} is 0 throughout; leave it out")
    low = np.broadcast_to(np.asarray(least_share, np.float64), (items,))
    high = np.broadcast_to(np.asarray(most_share, np.float64), (items,))
    if not ((low >= 0) & (high <= 1) & (low <= high)).all() or low.sum() > 1 + 1e-12 or high.sum() < 1 - 1e-12:
        raise ValueError("least_share and most_share must be 0 to 1, least below most, and leave shares that sum to 1")
    x = values / scale
    score, weight, share = np.zeros(units), np.zeros((units, items)), np.full((units, items), np.nan)
    for u in range(units):
        if not x[u].any():
            continue
        if ((x[u] == 0) & (low > 0)).any():
            raise ValueError(
                f"values: unit {u} has 0 in an item with a least share, and no weight makes it up; drop the bound"
            )
        own = np.eye(items) * x[u]
        rows, limits = [x], [np.ones(units)]
        if (low > 0).any():  # low (w . x) - w_j x_j <= 0
            rows.append(low[:, None] * x[u] - own)
            limits.append(np.zeros(items))
        if (high < 1).any():
            rows.append(own - high[:, None] * x[u])
            limits.append(np.zeros(items))
        done = linprog(-x[u], A_ub=np.concatenate(rows), b_ub=np.concatenate(limits), method="highs")
        best = -float(done.fun) if done.status == 0 and done.fun is not None else 0.0
        if best < 1e-12:
            raise ValueError(f"values: for unit {u} no weights meet the bounds on shares; widen them")
        score[u] = min(1.0, best)
        weight[u] = done.x / scale
        share[u] = done.x * x[u] / best
    return BenefitOfTheDoubt(score, weight, share)


def _complete(values: Floats, least: int = 2) -> None:
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"values has shape {values.shape}; it must be (units, items)")
    if values.shape[0] < least:
        raise ValueError(f"values has {values.shape[0]} units; at least {least} are needed")
    if not np.isfinite(values).all():
        raise ValueError("values has gaps or infinite numbers; impute or leave out what is missing first")


def _of_one(weight: Floats) -> Floats:
    total = weight.sum()
    if not total > 0:
        raise ValueError("values: no item varies apart from the others; there is nothing to weigh by")
    return np.asarray(weight / total, np.float64)
