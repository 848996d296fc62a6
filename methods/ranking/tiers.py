"""Tiers: groups of units that the data tell apart, with an error that is kept (Kline, Rose, Walters 2024).

Placing unit i above unit j earns (1 + lambda) Pr(i above j) - 1, so that only pairs likelier than 1 / (1 + lambda) are
worth separating. Probabilities come from joint draws: deconvolving scores that are shrunken already shrinks twice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers

# The probability from which a pair is worth separating, 1 / (1 + lambda): tried from the finest tiers to the coarsest.
# It begins at 0.8, the lambda of 0.25 that the authors use: below it, pairs far apart would buy the separation of pairs
# that nobody can tell apart, and tiers would become the point ranks that are never published.
THRESHOLDS = tuple(t / 200 for t in range(160, 200))


AT_ONCE = 128  # units compared with one at a time: what fits the processor's cache


@dataclass(frozen=True, slots=True)
class Tiers:
    """Units in tiers, and how sure their order is."""

    tier: Integers  # (units,) 1 is the best
    threshold: float  # probability from which a pair was worth separating, 1 / (1 + lambda)
    separated: int  # pairs in different tiers
    misordered: float  # share of them expected in the wrong order


def pairwise_counts(
    ranks: NDArray[np.integer], *, threads: int = 1, progress: Callable[[float], None] | None = None
) -> Integers:
    """In how many draws each unit is strictly above each other one.

    Exact: comparisons are packed into bits and the bits are counted.

    Parameters
    ----------
    ranks
        (units, draws), less is better, as `ranks.rank_draws` gives them.

    Returns
    -------
    NDArray
        (units, units): [i, j] draws with i above j. A draw with a tie counts for neither.

    Examples
    --------
    >>> from methods.ranking.ranks import rank_draws
    >>> pairwise_counts(rank_draws(np.array([[9.0, 9.0, 1.0], [5.0, 5.0, 5.0]])))
    array([[0, 2],
           [1, 0]])
    """
    if ranks.ndim != 2:
        raise ValueError(f"ranks have shape {ranks.shape}; it must be (units, draws)")
    units, draws = ranks.shape
    words = -(-draws // 64)
    padded = np.zeros((units, words * 64), ranks.dtype)  # padding is equal, hence above nothing
    padded[:, :draws] = ranks
    ordered = np.sort(padded[:, :draws], axis=0)
    ties = bool((ordered[1:] == ordered[:-1]).any())
    counts = np.zeros((units, units), np.int32)

    def bits(comparison: NDArray[np.bool_]) -> NDArray[np.int32]:
        packed = np.packbits(comparison, axis=1).view(np.uint64)
        return np.asarray(np.bitwise_count(packed).sum(axis=1, dtype=np.int32))

    def row(i: int) -> None:
        for first in range(i + 1, units, AT_ONCE):
            those = slice(first, min(first + AT_ONCE, units))
            counts[i, those] = bits(padded[i] < padded[those])
            counts[those, i] = bits(padded[i] > padded[those]) if ties else draws - counts[i, those]

    with ThreadPoolExecutor(threads) as pool:
        for i, _ in enumerate(pool.map(row, range(units))):
            if progress is not None:
                progress((i + 1) / units)
    return counts.astype(np.int64)


def _check(counts: Integers, draws: int, threshold: float) -> None:
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"counts have shape {counts.shape}; it must be (units, units)")
    if draws < 1 or (counts < 0).any() or (counts + counts.T > draws).any():
        raise ValueError(f"counts must be 0 or more, those of a pair at most the {draws} draws together")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must be above 0, at most 1")


def separate(counts: Integers, order: Integers, draws: int, threshold: float) -> Integers:
    """The best tiers that are contiguous in `order`, by dynamic programming.

    Parameters
    ----------
    counts
        (units, units) as `pairwise_counts` gives them.
    order
        (units,) positions, best first.

    Returns
    -------
    NDArray
        (units,) tier of each unit, from 0.

    Examples
    --------
    In 100 draws unit 0 is always first, and the others change places:

    >>> counts = np.array([[0, 100, 100], [0, 0, 55], [0, 45, 0]])
    >>> separate(counts, np.array([0, 1, 2]), 100, 0.8)
    array([0, 1, 1])
    """
    _check(counts, draws, threshold)
    return _contiguous(_prefix(counts, order), order, draws, threshold)


def _prefix(counts: Integers, order: Integers) -> Integers:
    """Sums of counts over pairs (i above j in `order`) that begin before a and end before b: exact whole numbers."""
    upper = np.triu(counts[np.ix_(order, order)], 1)
    sums = np.zeros((order.size + 1, order.size + 1), np.int64)
    sums[1:, 1:] = upper.cumsum(axis=0).cumsum(axis=1)
    return sums


def _contiguous(prefix: Integers, order: Integers, draws: int, threshold: float) -> Integers:
    units = order.size
    position = np.arange(units + 1)
    best = np.zeros(units + 1)
    cut = np.zeros(units + 1, np.int64)
    for b in range(1, units + 1):
        # a block [a, b) forgoes what separating its pairs would earn; columns before a hold nothing in rows from a on
        held = prefix[b, b] - prefix[:b, b]
        size = b - position[:b]
        forgone = held / threshold - draws * (size * (size - 1) / 2)
        value = best[:b] - forgone
        cut[b] = int(np.argmax(value))
        best[b] = value[cut[b]]
    tier = np.zeros(units, np.int64)
    bounds = [units]
    while bounds[-1] > 0:
        bounds.append(int(cut[bounds[-1]]))
    for number, (a, b) in enumerate(zip(bounds[::-1][:-1], bounds[::-1][1:], strict=True)):
        tier[order[a:b]] = number
    return tier


def objective(counts: Integers, tier: Integers, draws: int, threshold: float) -> float:
    """What the tiers earn, in draws: sum over separated pairs of counts / threshold - draws.

    Examples
    --------
    >>> objective(np.array([[0, 90], [10, 0]]), np.array([0, 1]), 100, 0.75)
    20.0
    """
    above = tier[:, None] < tier[None, :]
    return float(counts[above].sum() / threshold - draws * above.sum())


def improve(counts: Integers, tier: Integers, draws: int, threshold: float, passes: int = 20) -> Integers:
    """Move single units to other tiers, or to new ones between them, while that earns more.

    Parameters
    ----------
    tier
        (units,) from 0, without gaps.

    Returns
    -------
    NDArray
        (units,) tiers from 0, without gaps.

    Examples
    --------
    >>> counts = np.array([[0, 100, 100], [0, 0, 55], [0, 45, 0]])
    >>> improve(counts, np.array([0, 0, 0]), 100, 0.8)
    array([0, 1, 1])
    """
    _check(counts, draws, threshold)
    tier = tier.copy()
    for _ in range(passes):
        tiers = int(tier.max(initial=-1)) + 1
        size = np.bincount(tier, minlength=tiers)
        by_tier, first = np.argsort(tier, kind="stable"), np.concatenate([[0], np.cumsum(size)[:-1]])
        beats = np.add.reduceat(counts[:, by_tier], first, axis=1)  # (units, tiers): i above those in t
        beaten = np.ascontiguousarray(np.add.reduceat(counts[by_tier], first, axis=0).T)
        moved = False
        for i in range(tier.size):
            old = tier[i]
            size[old] -= 1  # without i; counts of a unit with itself are 0
            over = beats[i] / threshold - draws * size
            under = beaten[i] / threshold - draws * size
            below = np.concatenate([np.cumsum(over[::-1])[::-1], [0.0]])  # [t]: i above tiers t, t + 1, ...
            ahead = np.concatenate([[0.0], np.cumsum(under)])  # [t]: i below tiers 0 ... t - 1
            into = ahead[:-1] + below[1:]  # joins tier t
            between = ahead + below  # a tier of its own before tier t
            join, alone = int(np.argmax(into)), int(np.argmax(between))
            least = into[old] + 1e-6 * draws
            if between[alone] > max(least, into[join]):
                size[old] += 1
                tier[tier >= alone] += 1  # room for the new tier; the tables are made again
                tier[i] = alone
                tier = np.unique(tier, return_inverse=True)[1].astype(np.int64)
                moved = True
                break
            if into[join] > least:
                tier[i] = join
                size[join] += 1
                beats[:, old] -= counts[:, i]
                beats[:, join] += counts[:, i]
                beaten[:, old] -= counts[i]
                beaten[:, join] += counts[i]
                moved = True
            else:
                size[old] += 1
        tier = np.unique(tier, return_inverse=True)[1].astype(np.int64)
        if not moved:
            break
    return tier


def misordered(counts: Integers, tier: Integers, draws: int) -> tuple[int, float]:
    """How many pairs are separated, and the share of them expected in the wrong order.

    Examples
    --------
    >>> misordered(np.array([[0, 90], [10, 0]]), np.array([0, 1]), 100)
    (1, 0.1)
    """
    above = tier[:, None] < tier[None, :]
    separated = int(above.sum())
    return separated, float(counts.T[above].sum()) / draws / separated if separated else 0.0


def tiers(counts: Integers, centre: Floats, draws: int, max_misordered: float = 0.05) -> Tiers:
    """The finest tiers that keep the promise: of pairs in different tiers at most `max_misordered` are misordered.

    The higher the threshold, the fewer pairs are separated and the surer they are, so that the lowest threshold that
    keeps the promise is found by bisection. It may leave all units in one tier; higher ones are then tried in turn.

    Parameters
    ----------
    counts
        (units, units) as `pairwise_counts` gives them.
    centre
        (units,) posterior means; their order is where the search starts.
    draws
        How many draws were counted.
    max_misordered
        Share of the separated pairs that may be expected in the wrong order, from 0 to 1.

    Raises
    ------
    ValueError
        Counts of another shape or beyond the number of draws; a centre that is not a number; a share out of range.

    Notes
    -----
    Contiguous tiers are exact, by dynamic programming; single moves from there are not sure to reach the best of all
    tierings, but did in every case that was compared with an integer programme.

    References
    ----------
    Kline, Rose, Walters, American Economic Review 114 (2024), 2, section 5.

    Examples
    --------
    >>> from methods.ranking.ranks import rank_draws
    >>> centre = np.array([90.0, 89.9, 60.0])
    >>> draws = centre[:, None] + np.random.default_rng(1).normal(size=(3, 1000))
    >>> tiers(pairwise_counts(rank_draws(draws)), centre, 1000).tier
    array([1, 1, 2])
    """
    _check(counts, draws, 1.0)
    if centre.shape != counts.shape[:1] or np.isnan(centre).any():
        raise ValueError(f"centre must hold {counts.shape[0]} numbers, one a unit")
    if not 0 <= max_misordered <= 1:
        raise ValueError(f"max_misordered is {max_misordered}; it must lie between 0 and 1")
    order = np.argsort(-centre, kind="stable").astype(np.int64)
    prefix = _prefix(counts, order)
    together = Tiers(np.ones(order.size, np.int64), 1.0, 0, 0.0)

    def at(threshold: float) -> tuple[Integers, int, float] | None:
        """The best contiguous tiers at a threshold; None when they break the promise."""
        tier = _contiguous(prefix, order, draws, threshold)
        separated, wrong = misordered(counts, tier, draws)
        return None if wrong > max_misordered else (tier, separated, wrong)

    best: tuple[float, tuple[Integers, int, float]] | None = None
    low, high = 0, len(THRESHOLDS)
    while low < high:
        middle = (low + high) // 2 if best or low else 0  # first the finest: often it is good enough
        found = at(THRESHOLDS[middle])
        if found is None:
            low = middle + 1
        else:
            best, high = (THRESHOLDS[middle], found), middle
    for threshold in THRESHOLDS[high + 1 :]:
        if best is not None and best[1][1]:
            break
        found = at(threshold)
        best = best if found is None else (threshold, found)
    if best is None or not best[1][1]:
        return together
    threshold, (tier, separated, wrong) = best
    moved = improve(counts, tier, draws, threshold)
    after = misordered(counts, moved, draws)
    if after[1] <= max_misordered:
        return Tiers(moved + 1, threshold, *after)
    return Tiers(tier + 1, threshold, separated, wrong)
