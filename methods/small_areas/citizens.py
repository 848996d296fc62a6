"""Citizens' ratings: from cells to small area estimates with their shared uncertainty.

The default chain: invited responses; design weights; calibration to the population of the area; Hajek means; smoothed
sampling variances; Fay-Herriot within level; and factors for what a unit's items share. A unit's items share two: its
respondents (each answers several items) and the unit's own level that shrinkage takes away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers
from methods.small_areas.fay_herriot import FayHerriot, fay_herriot
from methods.small_areas.variance_function import variance_function
from methods.survey.cells import Cells, Pairs, Texts
from methods.survey.poststratification import Margin, Means, Rows, calibrate, means

GRADED = "invitation"  # the only mode that is rated: open and sign-in answers are not a sample
SCREENINGS: Mapping[str, float] = {"main": 1.0, "half": 0.5, "without": 0.0}  # weight of a flagged response
MOST_CORRELATED = 0.98
PRIOR_UNITS, PRIOR_CORRELATION = 8.0, 0.5

Screening = Literal["main", "half", "without"]


@dataclass(frozen=True, slots=True)
class Areas:
    """The rated units, and what is known of them beside the responses."""

    unit: Texts  # (units,) codes
    level: Texts  # (units,)
    covariates: Floats  # (units, k) NaN where unknown; the intercept is added
    sample: Mapping[str, NDArray[Any]] | None = None  # columns of the snapshot's table `sample`
    population: Mapping[str, NDArray[Any]] | None = None  # of its table `population`


@dataclass(frozen=True, slots=True)
class Parameter:
    """A fitted parameter of one item at one level."""

    item: int
    level: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Shared:
    """Loadings of one item on a factor common to the units of a level."""

    name: str
    item: int
    common: bool  # items with a factor of this name share it; else each has its own
    unit: Integers  # (loadings,)
    loading: Floats  # (loadings,)


@dataclass(frozen=True, slots=True)
class Citizens:
    """Estimates on the scale of the scores (0-100), units in the order of `Areas`, items in that of the cells.

    The error of an estimate is respondents z1 + own z2 + sum shared z + independent e; that of a direct one is
    direct_respondents z1 + direct_independent e.
    """

    items: tuple[str, ...]
    n: Integers  # (units, items) respondents with a score
    estimate: Floats  # (units, items) NaN where there is none
    variance: Floats  # (units, items) mean squared error
    reliability: Floats  # (units, items) A / (A + D); 0 without a respondent; NaN at a level that is not smoothed
    synthetic: NDArray[np.bool_]  # (units, items) nobody answered: the regression alone
    direct: Floats  # (units, items)
    direct_variance: Floats  # (units, items) smoothed
    respondents: Floats  # (units, items) loadings
    own: Floats  # (units, items)
    independent: Floats  # (units, items) standard deviation
    direct_respondents: Floats  # (units, items)
    direct_independent: Floats  # (units, items)
    shared: tuple[Shared, ...]
    parameters: tuple[Parameter, ...]


def citizens(
    cells: Cells, pairs: Pairs, areas: Areas, screening: Screening = "main", min_level_units: int = 8
) -> Citizens:
    """Estimate every item for every unit.

    A level with fewer than `min_level_units` units that anybody answered for keeps its direct estimates: nothing is
    borrowed, and its units without a response have no estimate.

    Parameters
    ----------
    cells, pairs
        Responses reduced; only those by invitation are used, and only of units in `areas`.
    areas
        Units, covariates, sample and population.
    screening
        What becomes of flagged responses: counted ("main"), counted half, or left out ("without").
    """
    position = {unit: k for k, unit in enumerate(areas.unit.tolist())}
    used = _used(cells.unit, cells.mode, cells.flagged, position, screening)
    unit = np.array([position[code] for code in cells.unit[used].tolist()], np.int64)
    times = np.where(cells.flagged[used], SCREENINGS[screening], 1.0)
    direct = _direct(cells, used, unit, times, areas)
    units, items = len(areas.unit), len(cells.items)
    blank = np.full((units, items), np.nan)
    estimate, variance, reliability = blank.copy(), blank.copy(), blank.copy()
    D, respondents, own, independent = blank.copy(), blank.copy(), blank.copy(), blank.copy()
    direct_respondents, direct_independent = blank.copy(), blank.copy()
    synthetic = np.zeros((units, items), bool)
    shared: list[Shared] = []
    parameters: list[Parameter] = []
    for level in dict.fromkeys(areas.level.tolist()):
        at = np.flatnonzero(areas.level == level)
        X = _design(areas.covariates[at])
        common = _respondents_in_common(pairs, areas.unit[at], screening, items)
        fits: dict[int, FayHerriot] = {}
        for k in range(items):
            seen = direct.effective[at, k] > 0
            if not seen.any():
                continue
            small = int(seen.sum()) < min_level_units
            X_k = X[:, :1] if small or int(seen.sum()) < X.shape[1] + 5 else X
            smooth = variance_function(
                direct.estimate[at, k],
                direct.variance[at, k],
                direct.within[at, k],
                direct.n[at, k],
                direct.effective[at, k],
                direct.correction[at],
                X_k,
            )
            here = at[seen]
            D[here, k] = smooth.variance[seen]
            for name, value in (("variance_shape", smooth.shape), ("design_effect", smooth.design_effect)):
                parameters.append(Parameter(k, level, name, value))
            root = np.sqrt(D[here, k])
            direct_respondents[here, k] = common[k] * root
            direct_independent[here, k] = np.sqrt(1.0 - common[k] ** 2) * root
            if small:
                estimate[here, k], variance[here, k] = direct.estimate[here, k], D[here, k]
                respondents[here, k], own[here, k] = direct_respondents[here, k], 0.0
                independent[here, k] = direct_independent[here, k]
                continue
            fit = fay_herriot(direct.estimate[here, k], X_k[seen], D[here, k])
            fits[k] = fit
            estimate[at, k] = X_k @ fit.coefficients
            estimate[here, k] = fit.theta
            leverage = np.sum((X_k @ fit.covariance) * X_k, axis=1)
            variance[at, k] = fit.variance + leverage
            variance[here, k] = fit.mse
            reliability[at, k] = 0.0
            reliability[here, k] = 1.0 - fit.shrinkage
            synthetic[at, k] = ~seen
            parameters.extend(_parameters(fit, k, level))
        alike = _alike(fits, direct.estimate[at], D[at], common)
        together = _together(fits, D[at], common, alike)
        for k, fit in fits.items():
            seen = direct.effective[at, k] > 0
            X_k = X[:, : len(fit.coefficients)]
            shared.extend(_shared(fit, k, level, at, seen, X_k, direct.estimate[at[seen], k], together))
            here, away = at[seen], at[~seen]
            B = fit.shrinkage
            respondents[at, k] = 0.0
            respondents[here, k] = common[k] * (1.0 - B) * np.sqrt(D[here, k])
            own[away, k] = np.sqrt(alike * fit.variance)
            # a variance between units that is estimated too small makes all items of a unit too sure together
            own[here, k] = np.sqrt(alike * fit.variance * B**2 + fit.g3)
            independent[away, k] = np.sqrt((1.0 - alike) * fit.variance)
            rest = (1.0 - common[k] ** 2) * (1.0 - B) ** 2 * D[here, k] + (1.0 - alike) * fit.variance * B**2
            independent[here, k] = np.sqrt(rest)
            parameters.append(Parameter(k, level, "correlation_respondents", float(common[k] ** 2)))
            parameters.append(Parameter(k, level, "correlation_units", alike))
    return Citizens(
        items=cells.items,
        n=direct.n.astype(np.int64),
        estimate=estimate,
        variance=variance,
        reliability=reliability,
        synthetic=synthetic,
        direct=np.where(direct.n > 0, direct.estimate, np.nan),
        direct_variance=D,
        respondents=respondents,
        own=own,
        independent=independent,
        direct_respondents=direct_respondents,
        direct_independent=direct_independent,
        shared=tuple(shared),
        parameters=tuple(parameters),
    )


def _used(
    unit: Texts, mode: Texts, flagged: NDArray[np.bool_], position: Mapping[str, int], screening: Screening
) -> NDArray[np.bool_]:
    known = np.array([code in position for code in unit.tolist()], bool)
    counted = ~flagged if SCREENINGS[screening] == 0 else np.ones(len(unit), bool)
    return np.asarray(known & (mode == GRADED) & counted, bool)


def _design(covariates: Floats) -> Floats:
    """(units, p) intercept and those covariates that every unit has and that tell the units apart, standardised."""
    columns = [np.ones(len(covariates))]
    for k in range(covariates.shape[1]):
        x = covariates[:, k]
        if np.all(np.isfinite(x)) and np.ptp(x) > 0:
            tried = np.column_stack([*columns, (x - x.mean()) / x.std()])
            if np.linalg.matrix_rank(tried) == tried.shape[1]:
                columns.append(tried[:, -1])
    return np.column_stack(columns)


def _codes(*columns: NDArray[Any]) -> Integers:
    """Rows of several columns as one integer each."""
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        code = np.unique(code * len(values) + place, return_inverse=True)[1].astype(np.int64)
    return code


def _direct(cells: Cells, used: NDArray[np.bool_], unit: Integers, times: Floats, areas: Areas) -> Means:
    """Hajek means of the units from calibrated weights."""
    design_stratum, psu = cells.design_stratum[used].astype(str), cells.psu[used].astype(str)
    own = cells.weight[used]
    weight = np.where(np.isfinite(own), own, _design_weights(areas, unit, design_stratum, psu)) * times
    n = cells.n[used].astype(np.float64)
    area = _calibration_area(areas)[unit]
    group = _codes(area.astype(str), areas.level[unit].astype(str))
    margins = _margins(areas.population, {k: v[used] for k, v in cells.strata.items()}, area, group)
    factor, collapsed = calibrate(weight, n, group, margins)
    clustered = psu != ""
    rows = Rows(
        domain=unit,
        stratum=_codes(unit, design_stratum),
        psu=np.where(clustered, _codes(unit, design_stratum, psu), -1),
        cell=collapsed[0] if len(margins) == 1 else np.full(len(unit), -1, np.int64),
        weight=weight * factor,
        n=n,
        item_n=cells.item_n[used].astype(np.float64),
        item_sum=cells.item_sum[used] / 1e3,
        item_sumsq=cells.item_sumsq[used] / 1e6,
    )
    return means(rows, len(areas.unit))


def _design_weights(areas: Areas, unit: Integers, design_stratum: Texts, psu: Texts) -> Floats:
    """frame / responded of the design cell; the unit's own where the cell is not listed; 1 where the unit is not."""
    if areas.sample is None:
        return np.ones(len(unit))
    sample = areas.sample
    frame, responded = np.asarray(sample["frame_n"], np.float64), np.asarray(sample["responded"], np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = frame / responded
    good = np.isfinite(weight) & (weight > 0)
    keys = zip(*(np.asarray(sample[k], object)[good].tolist() for k in ("unit", "design_stratum", "psu")), strict=True)
    of_cell = dict(zip(keys, weight[good].tolist(), strict=True))
    sums: dict[str, tuple[float, float]] = {}
    for code, f, r in zip(np.asarray(sample["unit"], object)[good].tolist(), frame[good], responded[good], strict=True):
        before = sums.get(code, (0.0, 0.0))
        sums[code] = (before[0] + f, before[1] + r)
    found = np.empty(len(unit))
    codes = areas.unit[unit].tolist()
    for k, key in enumerate(zip(codes, design_stratum.tolist(), psu.tolist(), strict=True)):
        f, r = sums.get(key[0], (1.0, 1.0))
        found[k] = of_cell.get(key) or of_cell.get((key[0], key[1], "")) or f / r
    return found


def _calibration_area(areas: Areas) -> Texts:
    """(units,) the unit whose population counts a unit's sample is brought to: as the sample says, else itself."""
    area = areas.unit.copy()
    if areas.sample is not None and "calibration_area" in areas.sample:
        listed = zip(areas.sample["unit"].tolist(), areas.sample["calibration_area"].tolist(), strict=True)
        given = {code: to for code, to in listed if to}
        area = np.array([given.get(code, code) for code in area.tolist()], object)
    return area


def _margins(
    population: Mapping[str, NDArray[Any]] | None, strata: Mapping[str, Texts], area: Texts, group: Integers
) -> list[Margin]:
    """One margin for each set of strata that the population table fills in together."""
    if population is None or len(group) == 0:
        return []
    names = [name for name in population if name.startswith("s_") and name in strata]
    if not names:
        return []
    filled = np.stack([np.asarray(population[name], object) != "" for name in names], axis=1).astype(bool)
    others = [name for name in population if name.startswith("s_") and name not in strata]
    blank = np.ones(len(filled), bool)
    for name in others:
        blank &= np.asarray(population[name], object) == ""
    groups_of: dict[str, list[int]] = {}
    for code, g in sorted(set(zip(area.tolist(), group.tolist(), strict=True))):
        groups_of.setdefault(code, []).append(g)
    margins = []
    for pattern in np.unique(filled[blank], axis=0):
        if not pattern.any():
            continue
        chosen = [name for name, one in zip(names, pattern.tolist(), strict=True) if one]
        index: dict[tuple[Any, ...], int] = {}
        of_group: list[int] = []
        count: list[float] = []
        for row in np.flatnonzero(blank & (filled == pattern).all(axis=1)).tolist():
            key = tuple(population[name][row] for name in chosen)
            for g in groups_of.get(str(population["unit"][row]), []):
                index[(g, *key)] = len(count)
                of_group.append(g)
                count.append(float(population["count"][row]))
        answers = zip(group.tolist(), *(strata[name].tolist() for name in chosen), strict=True)
        cell = np.array([index.get(key, -1) for key in answers], np.int64)
        margins.append(Margin(cell, np.array(of_group, np.int64), np.array(count, np.float64)))
    return [margin for margin in margins if len(margin.count)]


def _respondents_in_common(pairs: Pairs, units: Texts, screening: Screening, items: int) -> Floats:
    """(items,) loadings of one factor that reproduces the correlation of two items' means over the same respondents.

    Correlations are taken within units and pooled over the level; two items' means correlate by
    rho n_ab / sqrt(n_a n_b), because some answer only one of them.
    """
    position = {unit: k for k, unit in enumerate(units.tolist())}
    used = _used(pairs.unit, pairs.mode, pairs.flagged, position, screening)
    if not used.any() or items < 2:
        return np.zeros(items)
    unit = np.array([position[code] for code in pairs.unit[used].tolist()], np.int64)
    times = np.where(pairs.flagged[used], SCREENINGS[screening], 1.0)

    def by_unit(values: Integers, scale: float) -> Floats:
        total = np.zeros((len(units), values.shape[1]))
        np.add.at(total, unit, values[used] * (times / scale)[:, None])
        return total

    n, a, b, ab = (
        by_unit(v, s) for v, s in ((pairs.n, 1.0), (pairs.sum_a, 1e3), (pairs.sum_b, 1e3), (pairs.sum_ab, 1e6))
    )
    several = n >= 2
    product = np.sum(np.where(several, ab - a * b / np.maximum(n, 1.0), 0.0), axis=0)
    freedom = np.sum(np.where(several, n - 1.0, 0.0), axis=0)
    covariance = np.zeros((items, items))
    both = np.zeros((items, items))
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance[pairs.a, pairs.b] = covariance[pairs.b, pairs.a] = np.where(freedom > 0, product / freedom, 0.0)
    both[pairs.a, pairs.b] = both[pairs.b, pairs.a] = n.sum(axis=0)
    own = np.diag(both)
    sd = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        R = covariance / np.outer(sd, sd) * both / np.sqrt(np.outer(own, own))
    R = np.where(np.isfinite(R), R, 0.0)
    return _one_factor(R)


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


def _alike(fits: Mapping[int, FayHerriot], y: Floats, D: Floats, common: Floats) -> float:
    """Correlation of units' own levels between items, pooled over pairs: moments less what respondents share.

    Moments of a dozen units scatter by a third; `PRIOR_UNITS` further units of correlation `PRIOR_CORRELATION` steady
    them, since an underestimate makes dimensions and index too sure.
    """
    keys = sorted(fits)
    top = bottom = 0.0
    residual = {}
    for k in keys:
        r = np.full(len(y), np.nan)
        seen = np.isfinite(D[:, k])
        r[seen] = y[seen, k] - fits[k].synthetic
        residual[k] = r
    for i, a in enumerate(keys):
        for b in keys[i + 1 :]:
            seen = np.isfinite(residual[a]) & np.isfinite(residual[b])
            if seen.sum() < 2:
                continue
            noise = common[a] * common[b] * np.sqrt(D[seen, a] * D[seen, b])
            # weighted towards well-measured units: the moment holds for each unit, its noise differs
            weight = 1.0 / ((fits[a].variance + D[seen, a]) * (fits[b].variance + D[seen, b]))
            top += float(np.sum(weight * (residual[a][seen] * residual[b][seen] - noise)) / np.sum(weight))
            bottom += float(np.sqrt(fits[a].variance * fits[b].variance))
    if bottom <= 0:
        return 0.0
    units = len(y)
    found = units * np.clip(top / bottom, -1.0, 1.0) + PRIOR_UNITS * PRIOR_CORRELATION
    return float(np.clip(found / (units + PRIOR_UNITS), 0.0, MOST_CORRELATED))


def _together(fits: Mapping[int, FayHerriot], D: Floats, common: Floats, alike: float) -> float:
    """Correlation of two items' regression coefficients: they are fitted to the same respondents of the same units."""
    keys = sorted(fits)
    found = []
    for i, a in enumerate(keys):
        for b in keys[i + 1 :]:
            seen = np.isfinite(D[:, a]) & np.isfinite(D[:, b])
            total = np.sqrt((fits[a].variance + D[seen, a]) * (fits[b].variance + D[seen, b]))
            noise = common[a] * common[b] * np.sqrt(D[seen, a] * D[seen, b])
            found.extend(((alike * np.sqrt(fits[a].variance * fits[b].variance) + noise) / total).tolist())
    return float(np.clip(np.mean(found), 0.0, MOST_CORRELATED)) if found else 0.0


def _shared(
    fit: FayHerriot,
    item: int,
    level: str,
    at: Integers,
    seen: NDArray[np.bool_],
    X: Floats,
    y: Floats,
    together: float,
) -> list[Shared]:
    """Factors of the regression coefficients and, to first order, of the variance between units."""
    B = np.ones(len(at))
    B[seen] = fit.shrinkage
    root = np.linalg.cholesky(fit.covariance)
    factors = []
    for k in range(X.shape[1]):
        loading = np.asarray(B * (X @ root[:, k]), np.float64)
        factors.append(Shared(f"regression {level} {k}", item, True, at, np.sqrt(together) * loading))
        factors.append(Shared(f"regression {level} {k}", item, False, at, np.sqrt(1.0 - together) * loading))
    slope = fit.shrinkage / (fit.variance + _variances(fit)) * (y - fit.synthetic)
    loading = np.asarray(slope * fit.variance_se, np.float64)
    factors.append(Shared(f"variance {level}", item, False, at[seen], loading))
    return factors


def _variances(fit: FayHerriot) -> Floats:
    """D_i from B_i = D_i / (A + D_i)."""
    return np.asarray(fit.variance * fit.shrinkage / (1.0 - fit.shrinkage), np.float64)


def _parameters(fit: FayHerriot, item: int, level: str) -> Sequence[Parameter]:
    found = [Parameter(item, level, "area_variance", fit.variance)]
    found.append(Parameter(item, level, "area_variance_se", fit.variance_se))
    found.extend(Parameter(item, level, f"coefficient_{k}", float(b)) for k, b in enumerate(fit.coefficients))
    return found
