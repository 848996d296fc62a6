"""Ranks that the data can bear: confidence sets for ranks, and credible intervals of ranks for large groups.

Rank 1 is the highest value.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers

Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RankSets:
    """Confidence sets of ranks, as intervals."""

    lower: Integers  # (units,) best rank of the marginal set
    upper: Integers  # (units,) worst
    simultaneous_lower: Integers  # (units,) best rank of the set that holds for all units at once
    simultaneous_upper: Integers  # (units,)


def rank_sets(
    x: Floats,
    errors: Floats,
    coverage: float = 0.95,
    *,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> RankSets:
    """Marginal and simultaneous confidence sets for ranks (Mogstad, Romano, Shaikh, Wilhelm 2024).

    For a pair, T_jk = (x_j - x_k) / sigma_jk tests that j is not above k. The critical value is a quantile of
    max (Z_j - Z_k) / sigma_jk over the family of pairs not yet rejected; rejected pairs leave and the test is repeated
    until nothing new is found. The family is all ordered pairs (simultaneous), or those that contain j, in both
    directions (marginal set of j). A pair whose difference has no variance is known, and is no test.

    Parameters
    ----------
    x
        (units,) unshrunken estimates.
    errors
        (draws, units) draws of the estimates; only deviations from their means are used.
    coverage
        Probability that a set holds the rank.
    threads
        Changes no set.
    progress
        Called in the caller's thread with the share done.

    Raises
    ------
    ValueError
        Errors of another shape or fewer than two draws of them; values that are not finite; a coverage out of range.

    Notes
    -----
    The critical value is the smallest of the drawn maxima that at least ``coverage (draws + 1)`` of them do not exceed.
    Sets are about one edition's errors; that a scheme could be another one is no part of them.

    References
    ----------
    Review of Economic Studies 91 (2024), 476-518, section 3.

    Examples
    --------
    >>> errors = np.random.default_rng(1).normal(size=(2000, 3)) * [1.0, 1.0, 1.0]
    >>> sets = rank_sets(np.array([80.0, 60.0, 61.0]), errors)
    >>> sets.lower, sets.upper
    (array([1, 2, 2]), array([1, 3, 3]))
    """
    units = x.size
    if errors.ndim != 2 or errors.shape[1] != units:
        raise ValueError(f"errors have shape {errors.shape}; they must be (draws, {units})")
    if errors.shape[0] < 2:
        raise ValueError(f"errors hold {errors.shape[0]} draws; at least 2 are needed")
    if not np.isfinite(x).all():
        raise ValueError(f"x of unit {np.flatnonzero(~np.isfinite(x))[0]} is not finite; leave such units out")
    if not np.isfinite(errors).all():
        wrong = np.flatnonzero(~np.isfinite(errors).all(axis=0))[0]
        raise ValueError(f"errors of unit {wrong} are not finite; every unit needs its draws")
    _check_coverage(coverage)
    z = np.ascontiguousarray((errors - errors.mean(axis=0)).T)
    tiny = 1e-9 * max(1.0, float(np.abs(x).max(initial=0.0)))
    sigma = np.zeros((units, units))
    for j in range(units):
        gap = z[j + 1 :] - z[j]
        sigma[j, j + 1 :] = sigma[j + 1 :, j] = np.sqrt((gap * gap).mean(axis=1))
    difference = x[:, None] - x[None, :]
    known = sigma <= tiny
    above = known & (difference > tiny)  # pairs (j, k): j found above k
    t = np.divide(difference, sigma, out=np.full_like(sigma, -np.inf), where=~known)
    position = min(z.shape[1], ceil(coverage * (z.shape[1] + 1))) - 1  # of the critical value among sorted maxima

    def critical(maxima: Floats) -> float:
        return float(np.partition(maxima, position)[position])

    def marginal(j: int) -> tuple[int, int, Floats]:
        others = np.flatnonzero(~known[j])
        better, worse = int(above[:, j].sum()), int(above[j].sum())
        largest = np.full(z.shape[1], -np.inf)
        if others.size:
            scaled = (z[j] - z[others]) / sigma[j, others][:, None]
            up, down = t[j, others], t[others, j]  # j above k, k above j
            open_up, open_down = np.ones(others.size, bool), np.ones(others.size, bool)
            maxima = largest = np.abs(scaled).max(axis=0)
            while True:
                c = critical(maxima)
                new_up, new_down = open_up & (up > c), open_down & (down > c)
                if not (new_up.any() or new_down.any()):
                    break
                open_up &= ~new_up
                open_down &= ~new_down
                maxima = np.maximum(
                    scaled[open_up].max(axis=0, initial=-np.inf), -scaled[open_down].min(axis=0, initial=np.inf)
                )
            worse += int((~open_up).sum())
            better += int((~open_down).sum())
        return 1 + better, units - worse, largest

    lower, upper = np.ones(units, np.int64), np.full(units, units, np.int64)
    maxima = np.full(z.shape[1], -np.inf)  # over all pairs: the largest of the marginal families' maxima
    with ThreadPoolExecutor(threads) as pool:
        for j, (low, high, largest) in enumerate(pool.map(marginal, range(units))):
            lower[j], upper[j] = low, high
            np.maximum(maxima, largest, out=maxima)
            if progress is not None:
                progress((j + 1) / (units + 1))

    untested = ~known
    while (new := untested & (t > critical(maxima))).any():
        above |= new
        untested = untested & ~new
        part = untested

        def row(j: int, part: Booleans = part) -> Floats:
            members = np.flatnonzero(part[j])
            scaled = z[j] - z[members]
            scaled /= sigma[j, members][:, None]
            return np.asarray(scaled.max(axis=0, initial=-np.inf))

        maxima.fill(-np.inf)
        with ThreadPoolExecutor(threads) as pool:
            for found in pool.map(row, range(units)):
                np.maximum(maxima, found, out=maxima)
    if progress is not None:
        progress(1.0)
    return RankSets(lower, upper, 1 + above.sum(axis=0), units - above.sum(axis=1))


def _check_coverage(coverage: float) -> None:
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is {coverage}; it must lie between 0 and 1")


def rank_draws(values: Floats) -> Integers:
    """Rank of every unit in every draw: 1 + the number of units strictly above.

    Parameters
    ----------
    values
        (units, draws).

    Returns
    -------
    NDArray
        (units, draws) of int16, or int32 above 32,767 units; tied units share the best of their ranks.

    Raises
    ------
    ValueError
        A value that is not a number.

    Examples
    --------
    >>> rank_draws(np.array([[5.0, 1.0], [4.0, 2.0], [5.0, 3.0]])).tolist()
    [[1, 3], [3, 2], [1, 1]]
    """
    if values.ndim != 2:
        raise ValueError(f"values have shape {values.shape}; it must be (units, draws)")
    if np.isnan(values).any():
        raise ValueError(f"values of unit {np.argwhere(np.isnan(values))[0, 0]} are not numbers; leave such units out")
    units, draws = values.shape
    kind = np.int16 if units <= np.iinfo(np.int16).max else np.int32
    ranks = np.empty((units, draws), kind)
    for first in range(0, draws, 256):
        part = np.ascontiguousarray(values[:, first : first + 256].T)  # (draws, units)
        order = np.argsort(-part, axis=1, kind="stable")
        ordered = np.take_along_axis(part, order, axis=1)
        place = np.broadcast_to(np.arange(1, units + 1, dtype=kind), ordered.shape).copy()
        tied = np.zeros(ordered.shape, bool)
        tied[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
        place[tied] = 0
        np.maximum.accumulate(place, axis=1, out=place)
        back = np.empty_like(place)
        np.put_along_axis(back, order, place, axis=1)
        ranks[:, first : first + 256] = back.T
    return ranks


def credible_ranks(ranks: Integers, coverage: float = 0.95) -> tuple[Integers, Integers]:
    """Credible intervals of ranks from joint draws, widened to whole ranks.

    Tied units share all the ranks of their tie: the lower limit takes the best of them, the upper limit the worst.

    Parameters
    ----------
    ranks
        (units, draws) as `rank_draws` gives them.

    Returns
    -------
    lower, upper
        (units,).

    Notes
    -----
    They say where the rank lies given the model behind the draws, unit by unit, and not for all units at once.

    Examples
    --------
    >>> draws = np.array([[9.0], [5.0], [5.2]]) + np.random.default_rng(0).normal(size=(3, 1000))
    >>> credible_ranks(rank_draws(draws))
    (array([1, 2, 2]), array([1, 3, 3]))
    """
    _check_coverage(coverage)
    draws = ranks.shape[1]
    if draws < 1:
        raise ValueError("ranks hold no draws; at least 1 is needed")
    low = max(0, floor((1 - coverage) / 2 * draws))
    high = min(draws - 1, ceil((1 + coverage) / 2 * draws) - 1)
    ordered = np.sort(ranks, axis=1)
    lower = ordered[:, low].astype(np.int64)
    worst = ordered[:, high]
    best_first = np.sort(ranks, axis=0)
    if (best_first[1:] == best_first[:-1]).any():  # ties: the worst rank of a tie is the next rank given less one
        last = np.empty_like(ranks)
        for r in range(draws):
            following = np.searchsorted(best_first[:, r], ranks[:, r], side="right")
            last[:, r] = following
        worst = np.sort(last, axis=1)[:, high]
    return lower, worst.astype(np.int64)
