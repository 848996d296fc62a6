"""What the items of a unit share: its respondents, and the levels of unit and area that shrinkage takes away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats, Integers
from methods.small_areas.direct import SCREENINGS, Screening, counted
from methods.survey.cells import Pairs, Texts

MOST_CORRELATED = 0.98
PRIOR, PRIOR_CORRELATION = 8.0, 0.5  # further units (or areas) that steady a correlation between levels


@dataclass(frozen=True, slots=True)
class Alike:
    """Correlations between items, pooled over pairs of items."""

    units: float  # of units' own levels about their area's
    areas: float  # of the effects of areas
    coefficients: float  # of the errors of regression coefficients


def respondents_in_common(
    pairs: Pairs, unit: Texts, area: Texts, n: Floats, mean: Floats, chosen: Integers, screening: Screening = "main"
) -> Floats:
    """Loadings of one factor that reproduces the correlation of two items' means over the same respondents.

    Correlations are taken within units and pooled over the level; two items' means correlate by
    rho n_ab / sqrt(n_a n_b), because some answer only one of them. Pairs may be summed over units or over calibration
    areas. An area's sums hold the differences between its units too: these are taken off with the units' own means, as
    if who answers both items were spread over the units like who answers either.

    Parameters
    ----------
    pairs
        Cross-products by unit or by calibration area.
    unit, area
        (units,) codes of all units and of their calibration areas.
    n, mean
        (units, items) respondents with a score, and their mean score.
    chosen
        Positions of the units of the level.
    screening
        As for the means.

    Returns
    -------
    (items,) between 0 and 1; 0 where nobody answered two items.

    Examples
    --------
    >>> words = lambda *values: np.array(values, object)
    >>> a, b = np.array([0, 0, 1]), np.array([0, 1, 1])                 # scores 20, 60 and 40, 80 of two people
    >>> sums = np.array([[80, 80, 120]]), np.array([[80, 120, 120]])
    >>> pairs = Pairs(a, b, words("u"), words("invitation"), np.array([False]), np.array([[2, 2, 2]]),
    ...     sums[0] * 1000, sums[1] * 1000, np.array([[4000, 5600, 8000]]) * 1_000_000)
    >>> n, mean = np.array([[2.0, 2.0]]), np.array([[40.0, 60.0]])
    >>> respondents_in_common(pairs, words("u"), words("u"), n, mean, np.array([0])).round(2)   # they agree wholly
    array([0.99, 0.99])
    """
    items = n.shape[1]
    key = _keys(pairs, unit, area, n)
    wanted = {str(code) for code in key[chosen]}
    used = counted(pairs.unit, pairs.mode, pairs.flagged, dict.fromkeys(wanted), screening)
    if not used.any() or items < 2:
        return np.zeros(items)
    groups, place = np.unique(pairs.unit[used].astype(str), return_inverse=True)
    times = np.where(pairs.flagged[used], SCREENINGS[screening], 1.0)

    def by_group(values: Integers, scale: float) -> Floats:
        total = np.zeros((len(groups), values.shape[1]))
        np.add.at(total, place, values[used] * (times / scale)[:, None])
        return total

    n_ab, a, b, ab = (
        by_group(v, s) for v, s in ((pairs.n, 1.0), (pairs.sum_a, 1e3), (pairs.sum_b, 1e3), (pairs.sum_ab, 1e6))
    )
    centre, several = _centres(groups, key, n, mean, pairs, n_ab, a, b)
    product = np.sum(np.where(n_ab > several, ab - centre, 0.0), axis=0)
    freedom = np.sum(np.where(n_ab > several, n_ab - several, 0.0), axis=0)
    covariance, both = np.zeros((items, items)), np.zeros((items, items))
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance[pairs.a, pairs.b] = covariance[pairs.b, pairs.a] = np.where(freedom > 0, product / freedom, 0.0)
    both[pairs.a, pairs.b] = both[pairs.b, pairs.a] = n_ab.sum(axis=0)
    own, sd = np.diag(both), np.sqrt(np.maximum(np.diag(covariance), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        R = covariance / np.outer(sd, sd) * both / np.sqrt(np.outer(own, own))
    return _one_factor(np.where(np.isfinite(R), R, 0.0))


def _keys(pairs: Pairs, unit: Texts, area: Texts, n: Floats) -> Texts:
    """(units,) under which code a unit's respondents are summed."""
    areas = set(area.tolist())
    if all(code in areas for code in pairs.unit.tolist()):
        return area
    return unit


def _centres(
    groups: Texts, key: Texts, n: Floats, mean: Floats, pairs: Pairs, n_ab: Floats, a: Floats, b: Floats
) -> tuple[Floats, Floats]:
    """Sums over units of n_ab times the product of both means, and the number of units, by group and pair."""
    position = {code: g for g, code in enumerate(groups.tolist())}
    at = np.array([position.get(code, -1) for code in key.tolist()], np.int64)
    members = np.bincount(at[at >= 0], (n[at >= 0] > 0).any(axis=1), minlength=len(groups))
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.where(n_ab > 0, a * b / n_ab, 0.0)
    several = np.ones_like(n_ab)
    for g in np.flatnonzero(members > 1).tolist():
        mine = np.flatnonzero(at == g)
        weight = np.sqrt(n[mine][:, pairs.a] * n[mine][:, pairs.b])
        total = weight.sum(axis=0)
        share = weight / np.where(total > 0, total, 1.0)
        of_a, of_b = np.nan_to_num(mean[mine][:, pairs.a]), np.nan_to_num(mean[mine][:, pairs.b])
        apart = np.sum(share * of_a * of_b, axis=0) - np.sum(share * of_a, axis=0) * np.sum(share * of_b, axis=0)
        centre[g] += n_ab[g] * apart
        several[g] = np.maximum(np.sum(weight > 0, axis=0), 1)
    return centre, several


def _one_factor(R: Floats) -> Floats:
    """Loadings l with l_a l_b near R_ab off the diagonal, by principal axes; negative ones count as 0."""
    off = R - np.diag(np.diag(R))
    communality = np.clip(np.max(np.abs(off), axis=1), 0.0, MOST_CORRELATED)
    loadings = np.zeros(len(R))
    for _ in range(200):
        values, vectors = np.linalg.eigh(off + np.diag(communality))
        lead = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
        lead = lead * (1.0 if lead.sum() >= 0 else -1.0)
        updated = np.clip(lead, 0.0, np.sqrt(MOST_CORRELATED))
        if np.max(np.abs(updated - loadings)) < 1e-8:
            break
        loadings = updated
        communality = loadings**2
    return loadings


def levels_alike(
    residual: Floats, D: Floats, unit_variance: Floats, area_variance: Floats, common: Floats, area: Integers
) -> Alike:
    """Correlations of items' true levels by moments of the residuals of their regressions.

    Products of two items' residuals in one unit hold the covariance of its own levels, that of its area's and what
    the respondents share; products between two units of an area hold the area's alone. Moments of a dozen units scatter
    by a third; eight further units of correlation 1/2 steady them, since an underestimate makes dimensions and index
    too sure.

    Parameters
    ----------
    residual
        (units, items) direct estimate less regression; NaN where there is none.
    D
        (units, items) sampling variances.
    unit_variance, area_variance
        (items,) variances of the two-fold model.
    common
        (items,) loadings of the respondents' factor.
    area
        (units,) areas.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> own = np.sqrt(0.7) * rng.normal(size=(2000, 1)) + np.sqrt(0.3) * rng.normal(size=(2000, 3))
    >>> D, A, none = np.full((2000, 3), 1e-9), np.full(3, 25.0), np.zeros(3)
    >>> found = levels_alike(5 * own, D, A, none, none, np.arange(2000))
    >>> round(found.units, 2)
    0.7
    """
    seen = np.isfinite(residual)
    r, noise = np.where(seen, residual, 0.0), np.where(seen, np.sqrt(np.where(seen, D, 1.0)) * common, 0.0)
    # weighted towards well-measured units: the moment holds for each unit, its noise differs
    w = np.where(seen, 1.0 / (unit_variance + area_variance + np.where(seen, D, 1.0)), 0.0)
    areas = int(area.max(initial=-1)) + 1
    whole = (_sums(area, areas, w * r), _sums(area, areas, w))
    same, weight = (w * r).T @ (w * r), w.T @ w
    apart, apart_weight = whole[0].T @ whole[0] - same, whole[1].T @ whole[1] - weight
    upper = np.triu_indices(residual.shape[1], 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_areas = np.where(apart_weight > 1e-9 * weight, apart / apart_weight, 0.0)[upper]
        of_units = np.where(weight > 0, (same - (w * noise).T @ (w * noise)) / weight, 0.0)[upper]
    possible_areas = np.sqrt(np.outer(area_variance, area_variance))[upper]
    of_areas = np.where(possible_areas > 0, of_areas, 0.0)
    possible_units = np.sqrt(np.outer(unit_variance, unit_variance))[upper]
    used = (weight > 0)[upper]
    several = np.bincount(area, seen.any(axis=1), minlength=areas) > 0
    units = _steadied(np.sum((of_units - of_areas)[used]), np.sum(possible_units[used]), int(seen.any(axis=1).sum()))
    of_area = _steadied(np.sum(of_areas[used]), np.sum(possible_areas[used]), int(several.sum()))
    total = np.where(seen, np.sqrt(unit_variance + area_variance + np.where(seen, D, 0.0)), 1.0)
    shares = (np.sqrt(unit_variance), np.sqrt(area_variance), noise)
    part = [np.where(seen, share / total, 0.0) for share in shares]
    products = [np.sum(p, axis=1) ** 2 - np.sum(p * p, axis=1) for p in part]
    count = seen.sum(axis=1)
    number = float(np.sum(count * (count - 1)))
    together = (units * products[0].sum() + of_area * products[1].sum() + products[2].sum()) / number if number else 0.0
    return Alike(units, of_area, float(np.clip(together, 0.0, MOST_CORRELATED)))


def _sums(area: Integers, areas: int, values: Floats) -> Floats:
    total = np.zeros((areas, values.shape[1]))
    np.add.at(total, area, values)
    return total


def _steadied(top: float, bottom: float, size: int) -> float:
    if bottom <= 0:
        return 0.0
    found = size * np.clip(top / bottom, -1.0, 1.0) + PRIOR * PRIOR_CORRELATION
    return float(np.clip(found / (size + PRIOR), 0.0, MOST_CORRELATED))
