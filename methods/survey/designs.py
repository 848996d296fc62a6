"""Sampling designs: one plain description that holds single responses and cells of equal responses alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers
from methods.survey.columns import checked, coded

Lonely = Literal["refuse", "certainty", "adjust"]


@dataclass(frozen=True, slots=True)
class Design:
    """A sample, row by row: a row is one response (n = 1), or several of equal design, weight and auxiliaries.

    Made by `simple`, `stratified` or `clustered`, which check what they are given.
    """

    weight: Floats  # (rows,) design weight of each respondent of the row
    n: Floats  # (rows,) respondents
    stratum: Integers  # (rows,) 0 .. strata - 1
    psu: Integers  # (rows,) primary sampling unit, numbered over all strata; -1: every respondent is one
    sampled: Floats  # (strata,) primary sampling units in the sample
    fraction: Floats  # (strata,) their share of the population's; 0: drawn with replacement
    lonely: Lonely  # what a stratum with one sampled unit does, see `stratified`

    @property
    def degrees_of_freedom(self) -> float:
        """Primary sampling units less strata."""
        return float(self.sampled.sum() - np.count_nonzero(self.sampled))


def simple(weight: ArrayLike, n: ArrayLike | None = None, population: float | None = None) -> Design:
    """Simple random sample of respondents.

    Parameters
    ----------
    weight : (rows,)
        Design weight of each respondent, persons.
    n : (rows,), optional
        Respondents in each row; 1 when left out.
    population
        Size of the population for the finite population correction; None: with replacement.

    Returns
    -------
    Design

    Raises
    ------
    ValueError
        When an argument has a wrong shape, is negative or not finite, or the population is smaller than the sample.

    Examples
    --------
    >>> simple([31.0, 31.0, 31.0]).degrees_of_freedom
    2.0
    """
    rows = np.shape(weight)[0] if np.ndim(weight) == 1 else 0
    return _design(weight, n, np.zeros(rows, np.int64), None, None if population is None else [population], "refuse")


def stratified(
    weight: ArrayLike,
    stratum: ArrayLike,
    n: ArrayLike | None = None,
    population: ArrayLike | None = None,
    lonely: Lonely = "refuse",
) -> Design:
    """Independent simple random samples of respondents in strata.

    Parameters
    ----------
    weight : (rows,)
        Design weight of each respondent, persons.
    stratum : (rows,)
        Integer code of the design stratum, from 0.
    n : (rows,), optional
        Respondents in each row; 1 when left out.
    population : (strata,), optional
        Persons in each stratum for the finite population correction; None: with replacement.
    lonely
        A stratum with one sampled unit tells nothing of its variance. "refuse": an error that names it (a stratum
        that is sampled whole is no error, it adds nothing); "certainty": it adds nothing, as if it had been sure to
        be drawn; "adjust": its unit is measured from 0, the mean of all residuals, which overstates the variance.

    Returns
    -------
    Design

    Raises
    ------
    ValueError
        When an argument has a wrong shape, is negative or not finite, or a stratum is smaller than its sample.

    Examples
    --------
    >>> stratified([10.0, 20.0], [0, 1], n=[50, 30], population=[500, 600]).fraction.tolist()
    [0.1, 0.05]
    """
    return _design(weight, n, stratum, None, population, lonely)


def clustered(
    weight: ArrayLike,
    psu: ArrayLike,
    stratum: ArrayLike | None = None,
    n: ArrayLike | None = None,
    population: ArrayLike | None = None,
    lonely: Lonely = "refuse",
) -> Design:
    """One-stage sample of clusters (primary sampling units), in strata or not.

    Parameters
    ----------
    weight : (rows,)
        Design weight of each respondent, persons.
    psu : (rows,)
        Integer code of the cluster, different in different strata; -1: each respondent of the row is drawn singly.
    stratum : (rows,), optional
        Integer code of the design stratum, from 0; one stratum when left out.
    n : (rows,), optional
        Respondents in each row; 1 when left out.
    population : (strata,), optional
        Clusters in each stratum for the finite population correction; None: with replacement.
    lonely
        See `stratified`.

    Returns
    -------
    Design

    Notes
    -----
    Of a sample in several stages give the first stage's clusters with replacement: the variance then holds what the
    later stages add, and is a little too large when many of the clusters were drawn.

    Raises
    ------
    ValueError
        When an argument has a wrong shape, is negative or not finite, a cluster lies in two strata, or a stratum has
        fewer clusters than were sampled.

    Examples
    --------
    >>> clustered([5.0, 5.0, 5.0], [0, 0, 1], population=[20]).fraction.tolist()
    [0.1]
    """
    return _design(weight, n, stratum, psu, population, lonely)


def _design(
    weight: ArrayLike,
    n: ArrayLike | None,
    stratum: ArrayLike | None,
    psu: ArrayLike | None,
    population: ArrayLike | None,
    lonely: Lonely,
) -> Design:
    w = checked("weight", weight)
    rows = len(w)
    count = np.ones(rows) if n is None else checked("n", n, rows)
    if rows and count.min() <= 0:
        raise ValueError(f"n: 0 in row {int(count.argmin())}; a row holds at least one respondent")
    h = np.zeros(rows, np.int64) if stratum is None else coded("stratum", stratum, rows)
    of_psu = np.full(rows, -1, np.int64) if psu is None else coded("psu", psu, rows, least=-1)
    if lonely not in get_args(Lonely):
        raise ValueError(f"lonely: {lonely!r}; one of {', '.join(get_args(Lonely))} is expected")
    size = None if population is None else checked("population", population)
    strata = int(h.max(initial=-1)) + 1 if size is None else len(size)
    if rows and h.max() >= strata:
        raise ValueError(f"population: {strata} strata, but stratum {h.max()} has respondents; give a size for each")
    sampled = _sampled(h, of_psu, count, strata)
    fraction = np.zeros(strata)
    if size is not None:
        short = np.flatnonzero(size < sampled)
        if len(short):
            at = int(short[0])
            raise ValueError(
                f"population: {size[at]:g} in stratum {at}, of which {sampled[at]:g} were sampled; it cannot be smaller"
            )
        fraction = np.divide(sampled, size, out=np.zeros(strata), where=size > 0)
    return Design(w, count, h, of_psu, sampled, fraction, lonely)


def _sampled(stratum: Integers, psu: Integers, n: Floats, strata: int) -> Floats:
    """(strata,) primary sampling units."""
    alone = psu < 0
    if alone.all():
        return np.bincount(stratum, n, minlength=strata).astype(np.float64)
    count = np.bincount(stratum[alone], n[alone], minlength=strata).astype(np.float64)
    clusters, first = np.unique(psu[~alone], return_index=True)
    of_cluster = stratum[~alone][first]
    position = np.searchsorted(clusters, psu[~alone])
    split = np.flatnonzero(of_cluster[position] != stratum[~alone])
    if len(split):
        at = int(split[0])
        raise ValueError(
            f"psu: {psu[~alone][at]} lies in strata {of_cluster[position][at]} and {stratum[~alone][at]}; "
            "number clusters over all strata"
        )
    return count + np.bincount(of_cluster, minlength=strata)


def multipliers(design: Design) -> tuple[Floats, Floats]:
    """Of each stratum: what squares of its units' totals count for, and squares of its own total.

    The variance of a total is sum_h (c_h sum_psu z^2 - k_h (sum z)^2) with c = (1 - f) m / (m - 1) and k = c / m for m
    sampled units of a fraction f.

    Parameters
    ----------
    design
        The sample.

    Returns
    -------
    c, k : (strata,)

    Raises
    ------
    ValueError
        When a stratum has one sampled unit and the design refuses that.

    Examples
    --------
    >>> c, k = multipliers(simple([31.0, 31.0, 31.0]))
    >>> c.tolist(), k.tolist()
    ([1.5], [0.5])
    """
    m, left = design.sampled, 1.0 - design.fraction
    several = m > 1
    c = np.where(several, left * m / np.where(several, m - 1.0, 1.0), 0.0)
    k = np.where(several, c / np.where(several, m, 1.0), 0.0)
    alone = (m > 0) & ~several & (left > 0)
    if alone.any():
        if design.lonely == "refuse":
            raise ValueError(
                f"stratum: {int(np.flatnonzero(alone)[0])} has a single sampled unit, which tells nothing of its "
                'variance; merge it with another, or choose lonely="certainty" or "adjust"'
            )
        if design.lonely == "adjust":
            c = np.where(alone, left, c)
    return c, k
