"""Samples: how many to take of each stratum, and which.

Nothing here makes random numbers: each row brings one. Fresh ones (`rng.random(rows)`) give an ordinary random sample.
Permanent ones, the same for the same row at every draw, also let a second draw begin where the first one ended, so that
nobody is taken twice although nobody remembers who was (Ohlsson 1995).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers
from methods.survey.columns import checked, coded

HALVINGS = 200  # of the search for the factor; doubles are exhausted before
NOISE = 9  # decimals of a share: what lies beyond is rounding, and must not decide between equal remainders


def proportional(size: ArrayLike, total: int, least: int = 0, left: ArrayLike | None = None) -> Integers:
    """Sizes of the samples of strata in proportion to the strata, rounded by largest remainders.

    Parameters
    ----------
    size : (strata,)
        Persons of each stratum.
    total
        Persons to take of all strata together.
    least
        Persons to take of each stratum at least; of one that has fewer, all.
    left : (strata,), optional
        Persons of each stratum who can still be taken; `size` when left out.

    Returns
    -------
    (strata,)
        Persons to take of each stratum. They add up to `total`, and are never more than `left`.

    Raises
    ------
    ValueError
        When that cannot be: more are wanted than are left, or fewer than the least of all strata.

    Notes
    -----
    Shares are c size within [least, left], with the c at which they add up to `total`. Where no bound holds this is
    Hamilton's method: every stratum gets its quota rounded down or up.

    Examples
    --------
    >>> proportional([700, 200, 100], 101).tolist(), proportional([700, 200, 10], 100, least=5).tolist()
    ([71, 20, 10], [74, 21, 5])
    """
    persons = _counts("size", size)
    room = persons if left is None else np.minimum(_counts("left", left, len(persons)), persons)
    return _allocated(persons.astype(np.float64), total, least, room)


def neyman(
    size: ArrayLike, deviation: ArrayLike, total: int, least: int = 0, left: ArrayLike | None = None
) -> Integers:
    """Sizes of the samples of strata with the least variance of the overall mean.

    Parameters
    ----------
    size : (strata,)
        Persons of each stratum.
    deviation : (strata,)
        Standard deviation of what is asked, within each stratum.
    total, least, left
        As for `proportional`.

    Returns
    -------
    (strata,)
        Persons to take of each stratum: in proportion to size times deviation.

    Raises
    ------
    ValueError
        As `proportional`.

    References
    ----------
    Neyman (1934), Journal of the Royal Statistical Society 97, 558-625.

    Examples
    --------
    >>> neyman([500, 500], [10, 30], 100).tolist()
    [25, 75]
    """
    persons = _counts("size", size)
    room = persons if left is None else np.minimum(_counts("left", left, len(persons)), persons)
    return _allocated(persons * checked("deviation", deviation, len(persons)), total, least, room)


def inclusion(size: ArrayLike, sample: ArrayLike) -> Floats:
    """Probability of a person to be in a stratified random sample without replacement.

    Parameters
    ----------
    size, sample : (strata,)
        Persons of each stratum, and persons taken of it.

    Returns
    -------
    (strata,)
        sample / size; 0 for a stratum without persons.

    Raises
    ------
    ValueError
        When more are taken than there are.

    Examples
    --------
    >>> inclusion([200, 50], [20, 50]).tolist()
    [0.1, 1.0]
    """
    persons = _counts("size", size)
    taken = _counts("sample", sample, len(persons))
    _refuse_more(taken, persons)
    return np.divide(taken, persons, out=np.zeros(len(persons)), where=persons > 0)


def draw(stratum: ArrayLike, sample: ArrayLike, number: ArrayLike, after: ArrayLike | None = None) -> Integers:
    """A stratified random sample without replacement.

    Parameters
    ----------
    stratum : (rows,)
        Stratum of each row of the frame, 0 .. strata - 1.
    sample : (strata,)
        Rows to take of each stratum.
    number : (rows,)
        A random number of each row, independent and of one continuous distribution.
    after : (strata,), optional
        Only rows with a greater number are taken: the greatest number that was taken before.

    Returns
    -------
    (rows taken,)
        Positions of the rows, rising: of each stratum those with the smallest numbers.

    Raises
    ------
    ValueError
        When a stratum has fewer rows than are to be taken, or shapes do not fit.

    Notes
    -----
    The ranks of independent numbers of one distribution are a random permutation: every set of n rows is as likely as
    any other, so each row is in with probability n / N. Given which rows came first, the ranks of the others are one
    again, so that a draw `after` another one is a random sample of those who are left, and both together are a random
    sample of the frame.

    References
    ----------
    Ohlsson (1995), Coordination of samples using permanent random numbers, in: Business Survey Methods, Wiley, 153-169.

    Examples
    --------
    >>> numbers = np.random.default_rng(1).random(6).round(2)
    >>> numbers.tolist()
    [0.51, 0.95, 0.14, 0.95, 0.31, 0.42]
    >>> draw([0, 0, 0, 1, 1, 1], [2, 1], numbers).tolist()
    [0, 2, 4]
    >>> draw([0, 0, 0, 1, 1, 1], [1, 1], numbers, after=[0.51, 0.31]).tolist()
    [1, 5]
    """
    wanted = _counts("sample", sample)
    numbers = checked("number", number, least=None)
    of_row = coded("stratum", stratum, len(numbers), size=len(wanted))
    eligible = np.arange(len(numbers))
    if after is not None:
        eligible = np.flatnonzero(numbers > checked("after", after, len(wanted), least=None)[of_row])
    there = np.bincount(of_row[eligible], minlength=len(wanted))
    _refuse_more(wanted, there)
    order = eligible[np.lexsort((numbers[eligible], of_row[eligible]))]
    place = np.arange(len(order)) - np.repeat(np.cumsum(there) - there, there)  # within its stratum
    return np.sort(order[place < wanted[of_row[order]]])


def cluster_inclusion(size: ArrayLike, clusters: int) -> Floats:
    """Probabilities in proportion to size, those that would exceed 1 being certain.

    Parameters
    ----------
    size : (clusters there are,)
        Persons of each cluster (primary sampling unit), at least 1.
    clusters
        How many to take.

    Returns
    -------
    (clusters there are,)
        Probability of each to be taken; they add up to `clusters`.

    Raises
    ------
    ValueError
        When more are to be taken than there are, or one has no persons.

    Examples
    --------
    >>> cluster_inclusion([100, 100, 200, 1600], 2).tolist()
    [0.25, 0.25, 0.5, 1.0]
    """
    persons = checked("size", size, least=1)
    if not 1 <= clusters <= len(persons):
        raise ValueError(f"clusters: {clusters} of {len(persons)}; take 1 to {len(persons)}")
    certain = np.zeros(len(persons), np.bool_)
    while True:
        rest = clusters - int(certain.sum())
        share = np.where(certain, 1.0, persons * (rest / max(persons[~certain].sum(), 1.0)))
        more = ~certain & (share >= 1.0)
        if not more.any():
            return share
        certain |= more


def stands_for(size: ArrayLike, share: ArrayLike) -> Integers:
    """How many persons each cluster in the sample stands for: size / share, in whole numbers.

    Parameters
    ----------
    size, share : (clusters taken,)
        Persons of each cluster, and its probability to be taken.

    Returns
    -------
    (clusters taken,)
        By largest remainders, with the total rounded. With a random sample within each cluster, this over the persons
        in it is the design weight of both stages.

    Raises
    ------
    ValueError
        When a probability is not above 0 and at most 1.

    Examples
    --------
    >>> stands_for([100, 1600], [0.25, 1.0]).tolist()
    [400, 1600]
    """
    probability = checked("share", share)
    persons = checked("size", size, len(probability))
    if np.any((probability <= 0) | (probability > 1)):
        raise ValueError("share: a probability above 0, at most 1, is expected")
    exact = (persons / probability).round(NOISE)
    found = np.floor(exact).astype(np.int64)
    found[np.argsort(found - exact, kind="stable")[: round(float(exact.sum())) - int(found.sum())]] += 1
    return found


def draw_clusters(size: ArrayLike, clusters: int, number: ArrayLike, start: float) -> Integers:
    """Clusters with probabilities in proportion to size: systematic, in random order.

    Parameters
    ----------
    size : (clusters there are,)
        Persons of each.
    clusters
        How many to take.
    number : (clusters there are,)
        A random number of each, which gives their order.
    start
        A random number, uniform from 0 to 1 (without 1).

    Returns
    -------
    (clusters,)
        Positions of those taken, rising. Each is in with the probability that `cluster_inclusion` gives.

    Raises
    ------
    ValueError
        As `cluster_inclusion`, and for a start outside [0, 1).

    References
    ----------
    Madow (1949), Annals of Mathematical Statistics 20, 333-354.

    Examples
    --------
    >>> draw_clusters([100, 100, 200, 1600], 2, [0.3, 0.1, 0.2, 0.9], start=0.5).tolist()
    [2, 3]
    """
    share = cluster_inclusion(size, clusters)
    if not 0 <= start < 1:
        raise ValueError(f"start: {start:g}; a number from 0 to 1, without 1, is expected")
    order = np.argsort(checked("number", number, len(share), least=None), kind="stable")
    order = np.concatenate([order[share[order] >= 1], order[share[order] < 1]])  # the certain ones keep whole steps
    upper = np.cumsum(share[order])
    upper[-1] = clusters  # what a sum of fractions misses must not cost the last one its place
    return np.sort(order[np.searchsorted(upper, start + np.arange(clusters), side="right")])


def _counts(name: str, values: ArrayLike, rows: int | None = None) -> Integers:
    column = checked(name, values, rows)
    if np.any(column != np.floor(column)):
        raise ValueError(f"{name}: whole numbers are expected")
    return column.astype(np.int64)


def _refuse_more(wanted: Integers, there: Integers) -> None:
    if np.any(wanted > there):
        at = int(np.flatnonzero(wanted > there)[0])
        raise ValueError(f"sample: {wanted[at]} of stratum {at}, which has {there[at]}")


def _allocated(weight: Floats, total: int, least: int, room: Integers) -> Integers:
    """Whole numbers in proportion to `weight`, within [least, room], that add up to `total`."""
    lower = np.minimum(max(least, 0), room)
    if not lower.sum() <= total <= room.sum():
        raise ValueError(f"total: {total}; with at least {least} a stratum it is {lower.sum()} to {room.sum()}")
    if not weight.any():
        weight = np.ones(len(weight))
    # a stratum of weight 0 gets persons only when all others are full
    weight = np.maximum(weight, weight.max(initial=1.0) * 1e-12)
    low, high = 0.0, float((room / weight).max(initial=0.0)) + 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if np.clip(middle * weight, lower, room).sum() < total:
            low = middle
        else:
            high = middle
    share = np.clip(high * weight, lower, room).round(NOISE)
    found = np.floor(share).astype(np.int64)
    remainder = np.where(found < room, share - found, -1.0)
    missing = total - int(found.sum())
    found[np.argsort(-remainder, kind="stable")[:missing]] += 1
    return found
