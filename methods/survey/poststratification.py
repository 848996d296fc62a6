"""Weights that make a sample look like its population, and means with linearised variances under them.

Everything works on rows of respondents of equal key (cells), so that a million responses cost what a few thousand rows
do. Deville, Saerndal (1992), Journal of the American Statistical Association 87, 376-382; Deville, Saerndal, Sautory
(1993), same journal 88, 1013-1020; Lumley (2010), Complex Surveys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats, Integers

LEAST = 20  # respondents that a cell needs to be calibrated by itself
LIMITS = (0.3, 3.0)  # of a calibration factor
SWEEPS = 30  # over the margins when there are several


@dataclass(frozen=True, slots=True)
class Margin:
    """Population counts of the cells of one margin, within calibration groups."""

    cell: Integers  # (rows,) cell of each row; -1: the answer was skipped, or the population does not count it
    group: Integers  # (cells,) calibration group of each cell
    count: Floats  # (cells,) persons


@dataclass(frozen=True, slots=True)
class Rows:
    """Respondents of equal key, with the moments of their scores on each item."""

    domain: Integers  # (rows,) what is estimated: 0 .. domains - 1
    stratum: Integers  # (rows,) design stratum
    psu: Integers  # (rows,) primary sampling unit; -1: every respondent is one
    cell: Integers  # (rows,) calibrated cell, over all domains; -1: none
    weight: Floats  # (rows,) of each respondent, after calibration
    n: Floats  # (rows,) respondents
    item_n: Floats  # (rows, items) with a score
    item_sum: Floats  # (rows, items)
    item_sumsq: Floats  # (rows, items)


@dataclass(frozen=True, slots=True)
class Means:
    """Weighted means by domain and item, on the scale of the scores."""

    estimate: Floats  # (domains, items); NaN without a score
    variance: Floats  # (domains, items) linearised; NaN with fewer than two scores
    n: Floats  # (domains, items) respondents with a score
    effective: Floats  # (domains, items) that number after the loss by unequal weights (Kish)
    within: Floats  # (domains, items) variance of a score within the domain, unweighted; NaN with fewer than two
    correction: Floats  # (domains,) n / (n - strata) over primary sampling units, which the variances hold already


def calibrate(
    weight: Floats,
    n: Floats,
    group: Integers,
    margins: Sequence[Margin],
    least: int = LEAST,
    limits: tuple[float, float] = LIMITS,
) -> tuple[Floats, list[Integers]]:
    """Factors that bring the weighted shares of cells to those of the population, group by group.

    One margin is post-stratification; several are raked. Cells with fewer than `least` respondents are collapsed into
    one cell of their group (with its smallest other cell, when they are fewer than `least` even together); a group
    without `least` respondents in known cells is left as it is. Rows with a skipped answer keep the factor 1 of their
    group: what they stand for is spread over its cells in proportion.

    Parameters
    ----------
    weight, n, group
        (rows,) design weight of each respondent, respondents, calibration group.
    margins
        Population margins.

    Returns
    -------
    factors
        (rows,) to multiply `weight` by, within `limits`.
    cells
        For each margin (rows,) the collapsed cell, -1 where the row was not calibrated.
    """
    factor = np.ones(len(weight))
    collapsed = [_collapse(margin, n, group, least) for margin in margins]
    for _ in range(SWEEPS if len(margins) > 1 else 1):
        before = factor.copy()
        for cell, cell_group, count in collapsed:
            known = cell >= 0
            total = np.bincount(cell[known], (weight * factor * n)[known], minlength=len(count))
            groups = int(group.max(initial=-1)) + 1
            of_group = np.bincount(cell_group, total, minlength=groups)[cell_group]
            population = np.bincount(cell_group, count * (total > 0), minlength=groups)[cell_group]
            with np.errstate(divide="ignore", invalid="ignore"):
                move = np.where(total > 0, (count / population) / (total / of_group), 1.0)
            move = np.where(np.isfinite(move) & (move > 0), move, 1.0)
            factor[known] *= move[cell[known]]
        factor = np.clip(factor, *limits)
        if np.max(np.abs(factor - before), initial=0.0) < 1e-9:
            break
    return factor, [cell for cell, _, _ in collapsed]


def _collapse(margin: Margin, n: Floats, group: Integers, least: int) -> tuple[Integers, Integers, Floats]:
    """Cells of each row after collapsing, and the group and population of these cells."""
    cells, groups = len(margin.count), int(max(group.max(initial=-1), margin.group.max(initial=-1))) + 1
    known = margin.cell >= 0
    size = np.bincount(margin.cell[known], n[known], minlength=cells)
    small = size < least
    rest = np.bincount(margin.group, size * small, minlength=groups)
    some = np.bincount(margin.group, small, minlength=groups) > 0
    # a rest that is too small itself takes in the smallest cell of its group
    order = np.lexsort((size, margin.group))
    order = order[~small[order]]
    first = order[np.unique(margin.group[order], return_index=True)[1]]
    takes = first[(rest < least)[margin.group[first]] & some[margin.group[first]]]
    small[takes] = True
    rest = np.bincount(margin.group, size * small, minlength=groups)
    place = np.where(small, cells + margin.group, np.arange(cells))
    count = np.concatenate(
        [np.where(small, 0.0, margin.count), np.bincount(margin.group, margin.count * small, groups)]
    )
    cell = np.where(known, place[np.maximum(margin.cell, 0)], -1) if cells else margin.cell
    too_few = np.concatenate([np.zeros(cells, bool), rest < least])
    cell = np.where((cell >= 0) & too_few[np.maximum(cell, 0)], -1, cell)
    return cell, np.concatenate([margin.group, np.arange(groups)]), count


def means(rows: Rows, domains: int, fraction: Floats | None = None) -> Means:
    """Hajek means and their linearised variances, with the residuals that calibration leaves.

    Parameters
    ----------
    rows
        Respondents; a domain lies in one calibration group, a stratum in one domain (or there is one domain).
    domains
        Number of domains.
    fraction
        (strata,) sampled share of each design stratum (finite population correction); None: with replacement.

    Notes
    -----
    Respondents of other domains of the same calibration group count through the calibrated cells they share. A
    stratum with a single primary sampling unit is centred at 0, which can only widen its variance.
    """
    d, w = rows.domain, rows.weight
    items = rows.item_n.shape[1]

    def over(index: Integers, size: int, values: Floats) -> Floats:
        return np.stack([np.bincount(index, values[:, k], minlength=size) for k in range(items)], axis=1)

    wn = w[:, None] * rows.item_n
    total = over(d, domains, wn)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = over(d, domains, w[:, None] * rows.item_sum) / total
        effective = total**2 / over(d, domains, w[:, None] * wn)
    n, s, q = (over(d, domains, v) for v in (rows.item_n, rows.item_sum, rows.item_sumsq))
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(n >= 2, np.maximum(q - s * s / n, 0.0) / (n - 1.0), np.nan)
    # u = (y - mean) / total for who answered, 0 for others
    center = np.nan_to_num(estimate)[d]
    scale = 1.0 / np.where(total > 0, total, 1.0)[d]
    u = (rows.item_sum - rows.item_n * center) * scale
    uu = (rows.item_sumsq - 2.0 * center * rows.item_sum + rows.item_n * center**2) * scale**2
    m, spill = _explained(rows, domains, u)
    z = w[:, None] * (u - rows.n[:, None] * m)
    zz = w[:, None] ** 2 * (uu - 2.0 * m * u + rows.n[:, None] * m**2)
    strata = int(rows.stratum.max(initial=-1)) + 1
    left = np.ones(strata) if fraction is None else 1.0 - fraction
    clustered = rows.psu >= 0
    if clustered.any():
        clusters, where = np.unique(
            np.stack([rows.stratum[clustered], rows.psu[clustered]]), axis=1, return_inverse=True
        )
        totals = over(where.ravel(), clusters.shape[1], z[clustered])
        square = over(clusters[0], strata, totals**2)
        count = np.bincount(clusters[0], minlength=strata).astype(np.float64)
    else:
        square, count = np.zeros((strata, items)), np.zeros(strata)
    square = square + over(rows.stratum[~clustered], strata, zz[~clustered])
    count = count + np.bincount(rows.stratum[~clustered], rows.n[~clustered], minlength=strata)
    sums = over(rows.stratum, strata, z)
    several = count > 1
    spread = np.where(
        several[:, None],
        (square - sums**2 / np.maximum(count, 1.0)[:, None]) * (count / np.maximum(count - 1.0, 1.0))[:, None],
        square,
    )
    domain_of = np.zeros(strata, np.int64)
    domain_of[rows.stratum] = d
    variance = over(domain_of, domains, np.maximum(spread, 0.0) * left[:, None]) + spill
    sampled = np.bincount(domain_of, count, minlength=domains)
    correction = sampled / np.maximum(sampled - np.bincount(domain_of, count > 0, minlength=domains), 1.0)
    return Means(estimate, np.where(n >= 2, variance, np.nan), n, np.nan_to_num(effective), within, correction)


def _explained(rows: Rows, domains: int, u: Floats) -> tuple[Floats, Floats]:
    """What calibrated cells explain of u at each row, and the variance that it brings in from other domains."""
    items = u.shape[1]
    known = rows.cell >= 0
    m = np.zeros_like(u)
    spill = np.zeros((domains, items))
    if not known.any():
        return m, spill
    cells = int(rows.cell.max()) + 1
    whole = np.bincount(rows.cell[known], (rows.weight * rows.n)[known], minlength=cells)
    squares = np.bincount(rows.cell[known], (rows.weight**2 * rows.n)[known], minlength=cells)
    pairs, where = np.unique(rows.domain[known] * cells + rows.cell[known], return_inverse=True)
    domain, cell = pairs // cells, pairs % cells
    own = np.bincount(where, (rows.weight**2 * rows.n)[known], minlength=len(pairs))
    for k in range(items):
        sums = np.bincount(where, (rows.weight * u[:, k])[known], minlength=len(pairs)) / whole[cell]
        m[known, k] = sums[where]
        spill[:, k] = np.bincount(domain, sums**2 * (squares[cell] - own), minlength=domains)
    return m, spill
