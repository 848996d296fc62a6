"""Citizens' ratings: from cells to small area estimates with their shared uncertainty.

The default chain: invited responses; design weights; calibration to the population of the area; Hajek means; sampling
variances smoothed by county and level; the two-fold model of Fay and Herriot within level, with the unit above as a
random effect; benchmarking to pooled direct estimates; and factors for what numbers share. A unit's items share its
respondents (each answers several) and its own level that shrinkage takes away; units share their county's effect, the
regression, the variances and the benchmark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers
from methods.small_areas.benchmarking import Benchmark, Pools, difference_benchmark, pooling_groups
from methods.small_areas.direct import Areas, Direct, Screening, Weighted, calibration_areas, direct_estimates
from methods.small_areas.item_covariances import levels_alike, respondents_in_common
from methods.small_areas.two_fold import TwoFold, two_fold
from methods.small_areas.variance_function import EDGE, variance_function
from methods.survey.cells import Cells, Pairs, Texts

LOW, HIGH = 0.0, 100.0  # scores
NEGLIGIBLE = 1e-3  # of the mean squared error: a shared factor that carries less counts as independent
GENERATIONS = 6  # of units above a unit that may be pooled
PREVIOUS = ("coefficient_previous", "coefficient_no_previous")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A fitted parameter of one item at one level."""

    item: int
    level: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Shared:
    """Loadings of one item on factors common to several units."""

    name: NDArray[np.object_]  # (loadings,) of the factor
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
    reliability: Floats  # (units, items) see `citizens`; 0 without a respondent; NaN at a level that is not smoothed
    synthetic: NDArray[np.bool_]  # (units, items) nobody answered: regression and county alone
    direct: Floats  # (units, items)
    direct_variance: Floats  # (units, items) smoothed
    respondents: Floats  # (units, items) loadings
    own: Floats  # (units, items)
    independent: Floats  # (units, items) standard deviation
    direct_respondents: Floats  # (units, items)
    direct_independent: Floats  # (units, items)
    shared: tuple[Shared, ...]
    parameters: tuple[Parameter, ...]
    # what the fitted model is made of, for those who ask what an estimate would be with other answers
    area: Integers  # (units,) units of one level below one unit
    effective: Floats  # (units, items) respondents after the loss by unequal weights
    regression: Floats  # (units, items) x'b; NaN at a level that is not smoothed
    unit_variance: Floats  # (units, items) NaN likewise
    area_variance: Floats  # (units, items)
    difference: Floats  # (units, items) by which benchmarking moved the estimate
    benchmark_share: Floats  # (units, items) of the unit in the mean of the benchmarked group; 0 without a benchmark
    weighted: Weighted  # who was counted, with which weight


def citizens(
    cells: Cells,
    pairs: Pairs,
    areas: Areas,
    screening: Screening = "main",
    min_level_units: int = 8,
    cell_min: int = 0,
    min_reliability: float = 0.5,
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
    min_level_units
        Units with answers that a level needs to be smoothed.
    cell_min, min_reliability
        What fewer than `cell_min` people said is used for the level's variances only where it is no more reliable than
        `min_reliability`: their unit is predicted as if nobody had answered.

    Raises
    ------
    ValueError
        When the units' arrays differ in length, or what `direct_estimates` refuses.

    Notes
    -----
    Reliability is Var(u + v) / (Var(u + v) + D), with u the effect of the county and v the unit's own: of what
    sets the direct estimates of a level's units apart about the regression, the part that is true. What a unit borrows
    from its neighbours does not count.

    An estimate of the edition before is a covariate of its item. It must be a shrunken one, as this function makes it:
    the expectation of a unit's true value then is a line in it, however few had answered (of unshrunken means, Ybarra
    and Lohr 2008, Biometrika 95, would be needed). Units without one share a coefficient of their own.

    Examples
    --------
    >>> unit = np.array([f"u{k}" for k in range(10)], object)
    >>> blank, count = np.full(10, "", object), np.full((10, 1), 30)
    >>> sums = 1000 * np.array([[k] for k in (1500, 1800, 2100, 2400, 1650, 1950, 2250, 2550, 2400, 2100)])
    >>> squares = 80_000 * sums                                           # of thousandths, scores up to 100
    >>> cells = Cells(("polite",), unit, np.full(10, "invitation", object), blank, blank, np.full(10, np.nan), {},
    ...     np.zeros(10, bool), count[:, 0], count, sums, squares)
    >>> pairs = Pairs(np.zeros(1, int), np.zeros(1, int), unit, cells.mode, cells.flagged, count, sums, sums, squares)
    >>> found = citizens(cells, pairs, Areas(unit, np.full(10, "T", object), np.zeros((10, 0))))
    >>> found.direct[:4, 0].tolist(), found.estimate[:4, 0].round(1).tolist()     # drawn to the mean, 69
    ([50.0, 60.0, 70.0, 80.0], [53.4, 61.6, 69.8, 78.0])
    """
    units, items = len(areas.unit), len(cells.items)
    if len(areas.level) != units or len(areas.covariates) != units:
        raise ValueError(f"areas: level and covariates must have a row for each of the {units} units")
    direct = direct_estimates(cells, areas, screening)
    above, area, names = _above(areas)
    found = _Blank(units, items)
    calibration = calibration_areas(areas)
    for level in dict.fromkeys(areas.level.tolist()):
        at = np.flatnonzero(areas.level == level)
        if not (direct.effective[at] > 0).any():
            continue
        common = respondents_in_common(
            pairs, areas.unit, calibration, direct.n, direct.estimate, at.astype(np.int64), screening
        )
        previous = [None if areas.previous is None else areas.previous.get(item) for item in cells.items]
        _Level(level, at, direct, above, area, names, areas.covariates, previous, common, found).estimate(
            min_level_units, cell_min, min_reliability
        )
    answered = direct.n > 0
    return Citizens(
        items=cells.items,
        n=direct.n.astype(np.int64),
        direct=np.where(answered, direct.estimate, np.nan),
        area=area,
        effective=direct.effective,
        weighted=direct.weighted,
        synthetic=found.synthetic,
        shared=tuple(found.shared),
        parameters=tuple(found.parameters),
        **{name: getattr(found, name) for name in FILLED},
    )


FILLED = (
    "estimate", "variance", "reliability", "direct_variance", "respondents", "own",
    "independent", "direct_respondents", "direct_independent", "regression", "unit_variance", "area_variance",
    "difference", "benchmark_share",
)  # fmt: skip


class _Blank:
    """Arrays (units, items) that are filled level by level and item by item."""

    estimate: Floats
    variance: Floats
    reliability: Floats
    direct_variance: Floats
    respondents: Floats
    own: Floats
    independent: Floats
    direct_respondents: Floats
    direct_independent: Floats
    regression: Floats
    unit_variance: Floats
    area_variance: Floats
    difference: Floats
    benchmark_share: Floats

    def __init__(self, units: int, items: int) -> None:
        for name in FILLED:
            zero = name in ("difference", "benchmark_share")
            setattr(self, name, np.full((units, items), 0.0 if zero else np.nan))
        self.synthetic = np.zeros((units, items), bool)
        self.shared: list[Shared] = []
        self.parameters: list[Parameter] = []


def _above(areas: Areas) -> tuple[Integers, Integers, Texts]:
    """(units, generations) codes of the units above, (units,) areas within levels, and the texts of the codes."""
    units = len(areas.unit)
    parent = np.full(units, "", object) if areas.parent is None else areas.parent
    if len(parent) != units:
        raise ValueError(f"areas: parent must have a code for each of the {units} units")
    names = np.array(sorted({str(code) for code in parent.tolist() if code}), object)
    code_of = {code: k for k, code in enumerate(names.tolist())}
    of_unit = dict(zip(areas.unit.tolist(), parent.tolist(), strict=True))
    above = np.full((units, GENERATIONS), -1, np.int64)
    for k, one in enumerate(parent.tolist()):
        for step in range(GENERATIONS):
            if not one:
                break
            above[k, step] = code_of[one]
            one = of_unit.get(one, "")
    depth = int((above >= 0).any(axis=0).sum())
    pairs = np.stack([np.unique(areas.level.astype(str), return_inverse=True)[1], above[:, 0] + 1], axis=1)
    area = np.unique(pairs, axis=0, return_inverse=True)[1] if units else np.zeros(0, np.int64)
    return above[:, :depth], area.reshape(-1).astype(np.int64), names


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


@dataclass(frozen=True, slots=True)
class _Fit:
    """One item of a level."""

    model: TwoFold
    alike: int  # columns of the design that mean the same for all items; those of the edition before are the item's own
    pools: Pools
    benchmark: Benchmark


class _Level:
    """The units of one level."""

    def __init__(
        self, level: str, at: Integers, direct: Direct, above: Integers, area: Integers, names: Texts,
        covariates: Floats, previous: Sequence[Floats | None], common: Floats, found: _Blank,
    ) -> None:  # fmt: skip
        self.level, self.at, self.names, self.common, self.found = level, at, names, common, found
        self.above = above[at]
        self.area = np.unique(area[at], return_inverse=True)[1].astype(np.int64)
        self.X = _design(covariates[at])
        self.previous = [None if one is None else one[at] for one in previous]
        self.mean, self.variance, self.within = direct.estimate[at], direct.variance[at], direct.within[at]
        self.n, self.effective, self.population = direct.n[at], direct.effective[at], direct.population[at]
        self.correction = direct.correction[at]
        self.seen = self.effective > 0

    def estimate(self, min_level_units: int, cell_min: int, min_reliability: float) -> None:
        fits: dict[int, _Fit] = {}
        D = np.full(self.mean.shape, np.nan)
        for k in range(self.mean.shape[1]):
            answered = int(self.seen[:, k].sum())
            if not answered:
                continue
            small = answered < min_level_units
            X = self.X[:, :1] if small or answered < self.X.shape[1] + 5 else self._told_apart(k)
            alike = X.shape[1]
            if not small:
                X = self._with_previous(k, X)
            D[:, k] = self._sampling_variance(k, X)
            if small:
                self._direct(k, D[:, k])
            else:
                fits[k] = self._fitted(k, X, alike, D[:, k], cell_min, min_reliability)
        if fits:
            self._share(fits, D)

    def _told_apart(self, k: int) -> Floats:
        """Covariates that also tell apart the units which were answered for."""
        seen = self.seen[:, k]
        return self.X if np.linalg.matrix_rank(self.X[seen]) == self.X.shape[1] else self.X[:, :1]

    def _with_previous(self, k: int, X: Floats) -> Floats:
        """The design, and the item's estimates an edition ago: the level's mean where a unit had none, and that it had
        none, as far as these tell the units with answers apart."""
        before = self.previous[k]
        if before is None:
            return X
        known = np.isfinite(before)
        if known.sum() < 2 or not np.ptp(before[known]) > 0:
            return X
        standard = np.where(known, (before - before[known].mean()) / before[known].std(), 0.0)
        for column in (standard, (~known).astype(np.float64)):
            wider = np.column_stack([X, column])
            seen = self.seen[:, k]
            if seen.sum() <= wider.shape[1] + 5 or np.linalg.matrix_rank(wider[seen]) < wider.shape[1]:
                break
            X = wider
        return X

    def _sampling_variance(self, k: int, X: Floats) -> Floats:
        smooth = variance_function(
            self.mean[:, k], self.variance[:, k], self.within[:, k], self.n[:, k], self.effective[:, k],
            self.correction, X, area=self.area,
        )  # fmt: skip
        self._parameter(k, "variance_shape", smooth.shape)
        self._parameter(k, "design_effect", smooth.design_effect)
        D = np.where(self.seen[:, k], smooth.variance, np.nan)
        root = np.sqrt(D)
        self.found.direct_variance[self.at, k] = D
        self.found.direct_respondents[self.at, k] = self.common[k] * root
        self.found.direct_independent[self.at, k] = np.sqrt(1.0 - self.common[k] ** 2) * root
        return D

    def _direct(self, k: int, D: Floats) -> None:
        """A level too small to borrow: estimates are direct."""
        found, at = self.found, self.at
        found.estimate[at, k] = np.where(self.seen[:, k], self.mean[:, k], np.nan)
        found.variance[at, k] = D
        found.respondents[at, k] = found.direct_respondents[at, k]
        found.own[at, k] = np.where(self.seen[:, k], 0.0, np.nan)
        found.independent[at, k] = found.direct_independent[at, k]

    def _fitted(self, k: int, X: Floats, alike: int, D: Floats, cell_min: int, min_reliability: float) -> _Fit:
        found, at, seen = self.found, self.at, self.seen[:, k]
        y = np.where(seen, self.mean[:, k], np.nan)
        model = two_fold(y, X, D, self.area)
        between = model.unit_variance + model.area_variance
        reliability = np.where(seen, between / (between + np.where(seen, D, 1.0)), 0.0)
        unsure = seen & (self.n[:, k] < cell_min) & (reliability < min_reliability)
        rest = seen & ~unsure
        if unsure.any() and rest.sum() > X.shape[1] + 5 and np.linalg.matrix_rank(X[rest]) == X.shape[1]:
            seen = self.seen[:, k] = rest
            y = np.where(seen, y, np.nan)
            model = two_fold(y, X, D, self.area, variances=(model.unit_variance, model.area_variance))
        found.synthetic[at, k] = ~seen
        pools = pooling_groups(self.above, self.effective[:, k])
        weight = np.where(seen, self.population[:, k], 0.0)
        benchmark = difference_benchmark(model, y, X, D, self.area, pools.group, weight)
        grouped = pools.group >= 0
        of_group = np.where(grouped, benchmark.variance[pools.group], 0.0) if len(benchmark.variance) else 0.0
        found.estimate[at, k] = model.theta + benchmark.difference
        found.variance[at, k] = model.mse + of_group
        found.reliability[at, k] = np.where(seen, reliability, 0.0)
        found.regression[at, k] = model.synthetic
        found.unit_variance[at, k] = model.unit_variance
        found.area_variance[at, k] = model.area_variance
        found.difference[at, k] = benchmark.difference
        total = np.bincount(pools.group[grouped], weight[grouped], minlength=len(benchmark.variance))
        of_total = total[pools.group[grouped]]  # 0 where everybody of a group is too unsure to be counted
        found.benchmark_share[at[grouped], k] = np.divide(
            weight[grouped], of_total, out=np.zeros(len(of_total)), where=of_total > 0
        )
        errors = np.sqrt(np.diag(model.variances_covariance))
        for name, value in (
            ("unit_variance", model.unit_variance),
            ("unit_variance_se", errors[0]),
            ("area_variance", model.area_variance),
            ("area_variance_se", errors[1]),
            *((f"coefficient_{j}" if j < alike else PREVIOUS[j - alike], b) for j, b in enumerate(model.coefficients)),
        ):
            self._parameter(k, name, float(value))
        return _Fit(model, alike, pools, benchmark)

    def _share(self, fits: dict[int, _Fit], D: Floats) -> None:
        """Loadings of everything that numbers share; what is too little to matter counts as independent."""
        items = self.mean.shape[1]
        residual = np.full(self.mean.shape, np.nan)
        unit_variance, area_variance = np.zeros(items), np.zeros(items)
        for k, fit in fits.items():
            residual[:, k] = np.where(self.seen[:, k], self.mean[:, k] - fit.model.synthetic, np.nan)
            unit_variance[k], area_variance[k] = fit.model.unit_variance, fit.model.area_variance
        alike = levels_alike(residual, D, unit_variance, area_variance, self.common, self.area)
        county = self._named("county", np.unique(self.area, return_index=True)[1])[self.area]
        for k, fit in fits.items():
            model, seen, found, at = fit.model, self.seen[:, k], self.found, self.at
            B, A, of_item = model.shrinkage, model.unit_variance, self.common[k]
            noise = np.where(seen, (1.0 - B) ** 2 * np.where(seen, D[:, k], 0.0), 0.0)
            spread = self._spread(k, found.estimate[at, k])
            found.variance[at, k] += noise * (spread - 1.0)
            noise = noise * spread
            found.respondents[at, k] = of_item * np.sqrt(noise)
            # a variance between units that is estimated too small makes all items of a unit too sure together
            found.own[at, k] = np.sqrt(alike.units * A * B**2 + model.g3)
            independent = (1.0 - of_item**2) * noise + (1.0 - alike.units) * A * B**2
            root = np.linalg.cholesky(model.covariance)
            covariance = model.variances_covariance
            of_units = model.slope @ np.array(
                [[np.sqrt(covariance[0, 0]), 0.0], [covariance[0, 1] / np.sqrt(covariance[0, 0]), 0.0]]
            )
            rest = np.sqrt(max(covariance[1, 1] - covariance[0, 1] ** 2 / covariance[0, 0], 0.0))
            shares = [
                (county, B * np.sqrt(model.area_error[self.area]), alike.areas),
                *(
                    (
                        np.full(len(at), f"regression {self.level} {j}", object),
                        model.direction @ root[:, j],
                        alike.coefficients if j < fit.alike else 0.0,
                    )
                    for j in range(len(root))
                ),
                (np.full(len(at), f"variance of units {self.level}", object), of_units[:, 0], 0.0),
                (np.full(len(at), f"variance of counties {self.level}", object), model.slope[:, 1] * rest, 0.0),
                (*self._benchmark(fit), alike.coefficients),
            ]
            least = NEGLIGIBLE * float(np.mean(found.variance[at, k]))
            for name, loading, together in shares:
                for common, part in ((True, together), (False, 1.0 - together)):
                    square = part * loading**2
                    if np.mean(square) < least:
                        independent = independent + square
                    else:
                        found.shared.append(Shared(name, k, common, at, np.sqrt(part) * loading))
            found.independent[at, k] = np.sqrt(independent)
            self._parameter(k, "correlation_respondents", float(of_item**2))
            self._parameter(k, "correlation_units", alike.units)
            self._parameter(k, "correlation_areas", alike.areas)

    def _spread(self, k: int, estimate: Floats) -> Floats:
        """Sampling variances at the estimates, over those at the regression; 1 on average over the respondents.

        The model's weights need variances that do not depend on a unit's own answers; its errors do depend on where
        the unit stands: near the end of the scale people differ less.
        """
        margin = EDGE * (HIGH - LOW)
        at = [np.clip(value, LOW + margin, HIGH - margin) for value in (estimate, self.found.regression[self.at, k])]
        ratio = (at[0] - LOW) * (HIGH - at[0]) / ((at[1] - LOW) * (HIGH - at[1]))
        return np.asarray(ratio / np.average(ratio, weights=self.n[:, k] * self.seen[:, k]), np.float64)

    def _benchmark(self, fit: _Fit) -> tuple[NDArray[np.object_], Floats]:
        """Name and loading of each unit's benchmark."""
        group = fit.pools.group
        if not len(fit.benchmark.variance):
            return np.full(len(group), "", object), np.zeros(len(group))
        named = [
            f"benchmark {self.level} {self.names[ancestor] if ancestor >= 0 else 'all'}{' rest' if generation else ''}"
            for ancestor, generation in zip(fit.pools.ancestor.tolist(), fit.pools.generation.tolist(), strict=True)
        ]
        name = np.where(group >= 0, np.array(named, object)[group], "")
        return name, np.where(group >= 0, np.sqrt(fit.benchmark.variance)[group], 0.0)

    def _named(self, kind: str, first: Integers) -> NDArray[np.object_]:
        """Names of the areas' factors, by the first unit of each."""
        above = self.above[first, 0] if self.above.shape[1] else np.full(len(first), -1)
        return np.array([f"{kind} {self.level} {self.names[k] if k >= 0 else ''}".rstrip() for k in above], object)

    def _parameter(self, item: int, name: str, value: float) -> None:
        self.found.parameters.append(Parameter(item, self.level, name, float(value)))
