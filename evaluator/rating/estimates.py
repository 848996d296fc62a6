"""From a snapshot to inputs and factors: every uncertain number of a rating, in the one form that an index takes.

Six sources: citizens' responses, assessors' scores, shares and rates from records, metrics, ready numbers. Everything
that leaves here is rounded to six decimals, so that an edition read from its files is computed from the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from evaluator.rating.scheme import Indicator, Scheme
from evaluator.rating.snapshot import Snapshot
from methods.cells import Choices, ItemScoring, Reduced, reduce_responses
from methods.citizens import GRADED, Areas, Citizens, citizens
from methods.crossed import Crossed, Scores, crossed
from methods.inputs import BETA, GAMMA, NORMAL, POINT, Factors, Floats, Inputs, Integers
from methods.records import (
    JEFFREYS_RATE,
    JEFFREYS_SHARE,
    Posterior,
    Prior,
    beta_binomial,
    fixed_prior,
    gamma_poisson,
    rate_posterior,
    share_posterior,
    weighted_rate,
)

Table = dict[str, NDArray[Any]]
Progress = Callable[[str, float], None]

DECIMALS = 6
LEAST = 1e-6  # a parameter of a beta or gamma distribution never rounds to 0
NEGLIGIBLE = 1e-4  # a loading's share of a variance below which it is counted as independent
FINAL_WEIGHT = {"final": 1.0}  # of the states of an event when the scheme names none


@dataclass(frozen=True, slots=True)
class Estimates:
    """Everything that `compute` needs beside the scheme, and what an edition says about how it came about."""

    inputs: dict[str, Inputs]  # by screening: main always; half and without only the rows that differ from main
    factors: dict[str, Factors]  # by screening: those of the rows in `inputs`
    state: NDArray[np.object_]  # (units, indicators) ok, imputed, not_applicable, suppressed, missing
    models: Table  # indicator, level, parameter, value
    distributions: Table  # unit, item, code, share, lower, upper, state, with_flagged
    deductions: Floats  # (units,) points, saturated
    vetoes: list[tuple[str, ...]]  # (units,) codes of vetoes, legally final facts only


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows of one source, before rounding."""

    unit: Integers
    indicator: Integers
    family: Integers
    a: Floats
    b: Floats
    variance: Floats  # of the input as a whole, its factors included
    direct: Floats
    direct_sd: Floats
    n: Floats
    usual: bool = True  # whether the rows say what other units of the level are like


@dataclass(frozen=True, slots=True)
class _Loadings:
    name: NDArray[np.object_]
    unit: Integers
    indicator: Integers
    loading: Floats
    direct_loading: Floats


@dataclass(frozen=True, slots=True)
class _Province:
    """The units and what applies to them, in positions."""

    scheme: Scheme
    snapshot: Snapshot
    unit: NDArray[np.object_]
    level: NDArray[np.object_]
    position: dict[str, int]
    indicator: dict[str, int]
    applies: NDArray[np.bool_]  # (units, indicators)

    def at_level(self, level: str) -> Integers:
        return np.flatnonzero(self.level == level)

    def of_source(self, *sources: str) -> list[tuple[int, Indicator]]:
        return [(j, one) for j, one in enumerate(self.scheme.indicators) if one.source in sources]

    def table(self, name: str) -> Table | None:
        found = self.snapshot.tables.get(name)
        return None if found is None else dict(found)


def estimate(scheme: Scheme, snapshot: Snapshot, progress: Progress | None = None) -> Estimates:
    """Estimate every indicator of every unit to which it applies.

    Parameters
    ----------
    scheme
        Which indicators, at which levels, from which source, published under which thresholds.
    snapshot
        The frozen inputs; every table but `units` may be missing.
    progress
        Called with a step's name and the share done, 0 to 1.

    Notes
    -----
    A cell is `suppressed` when its estimate is too unsure to be published, rests on too few assessors, or cannot be
    compared (its assessors and units hang together with no others of the level): it enters the index as missing does,
    and is not imputed. What nobody reported, answered or scored is `missing`, or `imputed` where the scheme says so:
    for citizens by the regression of the small area model, else by the mean of the level with the variance of a unit.
    """
    tell = progress or (lambda step, done: None)
    province = _province(scheme, snapshot)
    state = np.where(province.applies, "missing", "not_applicable").astype(object)
    models: list[tuple[str, str, str, float]] = []
    blocks: list[_Block] = []
    loadings: list[_Loadings] = []
    tell("records", 0.0)
    blocks.extend(_records(province, state, models))
    blocks.extend(_ready(province, state))
    tell("assessments", 0.1)
    for block, shared in _assessments(province, state, models):
        blocks.append(block)
        loadings.extend(shared)
    tell("responses", 0.3)
    screened: dict[str, tuple[list[_Block], list[_Loadings]]] = {}
    reduced = None
    if snapshot.responses is not None and province.of_source("citizen"):
        reduced = reduce_responses(snapshot.responses, snapshot.scoring)
        for number, screening in enumerate(_screenings(scheme)):
            tell("citizens", 0.5 + 0.15 * number)
            block, shared, fit = _citizens(province, reduced, screening, state if screening == "main" else None)
            if screening == "main":
                blocks.append(block)
                loadings.extend(shared)
                models.extend(_citizen_models(province, fit))
                ok = state[block.unit, block.indicator] != "missing"
                kept = (block.unit[ok], block.indicator[ok])
            else:
                screened[screening] = ([_only(block, kept)], shared)
    tell("imputation", 0.95)
    if scheme.missing.impute == "predictive":
        blocks.extend(_impute(province, state, blocks))
    inputs = {"main": _inputs(blocks)}
    factors = {"main": _factors(loadings, inputs["main"])}
    for screening, (other, shared) in screened.items():
        changed = _inputs(other)
        theirs = _factors(shared, changed)
        if _differs(changed, inputs["main"]):
            inputs[screening], factors[screening] = changed, theirs
    tell("events", 0.98)
    deductions, vetoes = _events(province)
    result = Estimates(
        inputs=inputs,
        factors=factors,
        state=state,
        models=_models(models),
        distributions=_distributions(province, reduced.choices if reduced else None),
        deductions=_rounded(deductions),
        vetoes=vetoes,
    )
    tell("done", 1.0)
    return result


def _province(scheme: Scheme, snapshot: Snapshot) -> _Province:
    units = snapshot.tables["units"]
    unit, level = units["unit"], units["level"]
    applies = np.zeros((len(unit), len(scheme.indicators)), bool)
    for j, one in enumerate(scheme.indicators):
        applies[:, j] = np.isin(level.astype(str), list(one.levels)) if one.levels else True
    return _Province(
        scheme,
        snapshot,
        unit,
        level,
        {code: k for k, code in enumerate(unit.tolist())},
        {one.code: j for j, one in enumerate(scheme.indicators)},
        applies,
    )


def _screenings(scheme: Scheme) -> list[str]:
    return ["main", *(one for one in ("half", "without") if one in scheme.sensitivity.screening)]


# --- records: shares and rates --------------------------------------------------------------------------------------


def _records(
    province: _Province, state: NDArray[np.object_], models: list[tuple[str, str, str, float]]
) -> Iterable[_Block]:
    table = province.table("records")
    wanted = province.of_source("share", "rate")
    if table is None or not wanted:
        return
    numerator, denominator = _raw(province, table)
    for j, one in wanted:
        applies = province.applies[:, j]
        there = applies & np.isfinite(denominator[:, j])
        state[there & (denominator[:, j] == 0), j] = "not_applicable"
        due = there & (denominator[:, j] > 0)
        events = _counted_events(province, one.code)
        counts = events if events is not None else {1.0: numerator[:, j]}
        silent = due & np.isnan(numerator[:, j]) if events is None else np.zeros(len(due), bool)
        if silent.any() and one.goal is not None:
            at = np.flatnonzero(silent)
            state[at, j] = "ok"
            worst = np.full(len(at), one.goal[0])
            nothing = np.full(len(at), np.nan)
            yield _Block(
                at, _all(at, j), _all(at, POINT), worst, 0.0 * worst, 0.0 * worst, worst, 0.0 * worst, nothing, False
            )
        told = due & ~silent
        for level in province.scheme.levels:
            at = np.flatnonzero(told & (province.level == level))
            if len(at):
                state[at, j] = "ok"
                yield _counted(
                    province, j, one, level, at, {w: y[at] for w, y in counts.items()}, denominator[at, j], models
                )


def _raw(province: _Province, table: Table) -> tuple[Floats, Floats]:
    """(units, indicators) numerators and denominators, NaN where there is no row or no number."""
    shape = province.applies.shape
    numerator, denominator = np.full(shape, np.nan), np.full(shape, np.nan)
    unit, indicator, known = _placed(province, table, "indicator")
    numerator[unit, indicator] = table["numerator"][known]
    denominator[unit, indicator] = table["denominator"][known]
    return numerator, denominator


def _placed(province: _Province, table: Table, column: str) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Positions of the rows whose unit and indicator the scheme knows."""
    unit = np.array([province.position.get(code, -1) for code in table["unit"].tolist()], np.int64)
    indicator = np.array([province.indicator.get(code, -1) for code in table[column].tolist()], np.int64)
    known = (unit >= 0) & (indicator >= 0)
    return unit[known], indicator[known], known


def _counted(
    province: _Province,
    j: int,
    one: Indicator,
    level: str,
    at: Integers,
    counts: dict[float, Floats],
    size: Floats,
    models: list[tuple[str, str, str, float]],
) -> _Block:
    """Posteriors of one share or rate at one level; `counts` by weight class."""
    share = one.source == "share"
    few = len(province.at_level(level)) < province.scheme.publication.min_level_units or len(at) < 2
    few = few or len(at) < province.scheme.publication.min_level_units
    weighted = len(counts) > 1 or set(counts) != {1.0}
    posteriors: list[Posterior] = []
    for weight, y in counts.items():
        prior = _prior(share, few, np.minimum(y, size) if share else y, size)
        suffix = f"_weight_{weight:g}" if weighted else ""
        models.append((one.code, level, f"prior_a{suffix}", prior.a))
        models.append((one.code, level, f"prior_b{suffix}", prior.b))
        if share:
            posteriors.append(share_posterior(prior, np.minimum(y, size), size))
        else:
            posteriors.append(rate_posterior(prior, y, size))
    total = np.sum([w * y for w, y in counts.items()], axis=0)
    if share:
        post = posteriors[0] if len(posteriors) == 1 else share_posterior(fixed_prior(*JEFFREYS_SHARE), total, size)
        mean = post.a / (post.a + post.b)
        variance = mean * (1.0 - mean) / (post.a + post.b + 1.0)
        smooth = (total + 0.5) / (size + 1.0)
        direct, direct_sd = total / size, np.sqrt(smooth * (1.0 - smooth) / size)
        return _Block(at, _all(at, j), _all(at, BETA), post.a, post.b, variance, direct, direct_sd, size)
    weights = np.array(list(counts))
    post = posteriors[0] if not weighted else weighted_rate(weights, tuple(posteriors))
    rate = post.b / one.per  # on the scale of the goal: events per `per` of the exposure
    squares = np.sum([w**2 * y for w, y in counts.items()], axis=0) + 0.5 * weights.max() ** 2
    direct, direct_sd = one.per * total / size, one.per * np.sqrt(squares) / size
    return _Block(at, _all(at, j), _all(at, GAMMA), post.a, rate, post.a / rate**2, direct, direct_sd, size)


def _prior(share: bool, few: bool, y: Floats, size: Floats) -> Prior:
    if share:
        return fixed_prior(*JEFFREYS_SHARE) if few else beta_binomial(y, size)
    return fixed_prior(*JEFFREYS_RATE) if few else gamma_poisson(y, size)


def _all(at: Integers, value: int) -> Integers:
    return np.full(len(at), value, np.int64)


# --- ready numbers --------------------------------------------------------------------------------------------------


def _ready(province: _Province, state: NDArray[np.object_]) -> Iterable[_Block]:
    """Metrics and ready numbers, as given: exact without a standard error, normal with one."""
    table = province.table("indicators")
    given = {j for j, _ in province.of_source("metric", "ready")}
    if table is None or not given:
        return
    unit, indicator, known = _placed(province, table, "indicator")
    value = table["value"][known]
    error = np.nan_to_num(table["standard_error"][known]) if "standard_error" in table else np.zeros(len(value))
    used = np.isin(indicator, list(given)) & province.applies[unit, indicator] & np.isfinite(value)
    unit, indicator, value, error = unit[used], indicator[used], value[used], error[used]
    state[unit, indicator] = "ok"
    family = np.where(error > 0, NORMAL, POINT).astype(np.int64)
    nothing = np.full(len(value), np.nan)
    yield _Block(unit, indicator, family, value, error, error**2, value, error, nothing)


# --- assessors ------------------------------------------------------------------------------------------------------


def _assessments(
    province: _Province, state: NDArray[np.object_], models: list[tuple[str, str, str, float]]
) -> Iterable[tuple[_Block, list[_Loadings]]]:
    table = province.table("assessments")
    criteria = {j for j, _ in province.of_source("assessor")}
    if table is None or not criteria:
        return
    unit, indicator, known = _placed(province, table, "criterion")
    used = np.isin(indicator, list(criteria)) & province.applies[unit, indicator] & np.isfinite(table["score"][known])
    unit, indicator, score = unit[used], indicator[used], table["score"][known][used].astype(np.float64)
    institute = table["institute"] if "institute" in table else np.full(len(table["unit"]), "", object)
    who = np.array(
        [f"{i}\x1f{a}" for i, a in zip(institute[known][used], table["assessor"][known][used], strict=True)], object
    )
    if len(score) == 0:
        return
    levels, level = np.unique(province.level.astype(str), return_inverse=True)
    mean_keys, mean = np.unique(level[unit] * state.shape[1] + indicator, return_inverse=True)
    if len(score) <= len(mean_keys) + 1:
        return
    rated, unit_at = np.unique(unit, return_inverse=True)
    codes, criterion_at = np.unique(indicator, return_inverse=True)
    assessor_at = np.unique(who.astype(str), return_inverse=True)[1]
    fit = crossed(Scores(unit_at, assessor_at, criterion_at, mean, score))
    name = " ".join(province.scheme.indicators[j].code for j in codes.tolist())
    models.extend(
        _crossed_models(province, fit, name, [(levels[k // state.shape[1]], k % state.shape[1]) for k in mean_keys])
    )
    at, j = rated[fit.unit], codes[fit.criterion]
    limits = province.scheme.publication
    kept = (fit.assessors >= limits.min_assessors) & (fit.reliability >= limits.assessor_min_reliability)
    together = _comparable(fit.component, level[at], fit.unit)
    if not together.all():
        apart = len(np.unique(at[~together]))
        models.append((name, "", "units_not_comparable", float(apart)))
    kept &= together
    state[at, j] = np.where(kept, "ok", "suppressed")
    yield _assessed(province, fit, at, j, kept)


def _comparable(component: Integers, level: Integers, unit: Integers) -> NDArray[np.bool_]:
    """(targets,) whether a target lies in the component that holds most units of its level.

    Units whose assessors have nothing in common, directly or through others, cannot be told apart from their
    assessors: only the largest such group of a level is rated.
    """
    seen = np.unique(np.stack([level, component, unit]), axis=1)
    groups, size = np.unique(seen[:2], axis=1, return_counts=True)
    largest: dict[int, int] = {}
    for k in np.lexsort((groups[1], -size)).tolist():
        largest.setdefault(int(groups[0, k]), int(groups[1, k]))
    return np.array([largest[one] == c for one, c in zip(level.tolist(), component.tolist(), strict=True)], bool)


def _assessed(
    province: _Province, fit: Crossed, at: Integers, j: Integers, kept: NDArray[np.bool_]
) -> tuple[_Block, list[_Loadings]]:
    shared, direct_shared = fit.shared[kept], fit.direct_shared[kept]
    variance = fit.variance[kept]
    direct_variance = np.sum(direct_shared**2, axis=1) + fit.direct_independent[kept] ** 2
    large = (shared**2 > NEGLIGIBLE * variance[:, None]) | (direct_shared**2 > NEGLIGIBLE * direct_variance[:, None])
    rest = np.sum(np.where(large, 0.0, shared**2), axis=1)
    direct_rest = np.sum(np.where(large, 0.0, direct_shared**2), axis=1)
    unit, indicator = at[kept], j[kept]
    # a factor of its own for a unit that has several criteria; else it is the independent part
    several = np.bincount(unit, minlength=len(province.unit))[unit] > 1
    own = fit.own[kept]
    b = np.sqrt(fit.independent[kept] ** 2 + rest + np.where(several, 0.0, own**2))
    row, factor = np.nonzero(large)
    loadings = [
        _Loadings(
            np.array([f"assessors {k + 1}" for k in range(shared.shape[1])], object)[factor],
            unit[row],
            indicator[row],
            shared[row, factor],
            direct_shared[row, factor],
        ),
        _Loadings(
            np.array([f"assessed {code}" for code in province.unit[unit[several]]], object),
            unit[several],
            indicator[several],
            own[several],
            np.zeros(int(several.sum())),
        ),
    ]
    block = _Block(
        unit,
        indicator,
        _all(unit, NORMAL),
        fit.estimate[kept],
        b,
        variance,
        fit.direct[kept],
        np.sqrt(fit.direct_independent[kept] ** 2 + direct_rest),
        fit.n[kept].astype(np.float64),
    )
    return block, loadings


def _crossed_models(
    province: _Province, fit: Crossed, name: str, means: list[tuple[str, int]]
) -> Iterable[tuple[str, str, str, float]]:
    found = [("variance_unit", fit.variance_unit), ("variance_assessor", fit.variance_assessor)]
    if " " in name:
        found.append(("variance_unit_criterion", fit.variance_unit_criterion))
        found.append(("variance_assessor_criterion", fit.variance_assessor_criterion))
    found.append(("variance_residual", fit.variance_residual))
    found.append(("reml_criterion", fit.reml))
    for parameter, value in found:
        yield name, "", parameter, value
    for (level, j), value in zip(means, fit.means.tolist(), strict=True):
        yield province.scheme.indicators[j].code, level, "mean", value


# --- citizens -------------------------------------------------------------------------------------------------------


def _areas(province: _Province) -> Areas:
    units = province.table("units") or {}
    with np.errstate(divide="ignore", invalid="ignore"):
        population = np.asarray(units.get("population", np.full(len(province.unit), np.nan)), np.float64)
        columns = [np.where(population > 0, np.log(population), np.nan)]
    columns.extend(np.asarray(units[name], np.float64) for name in sorted(units) if name.startswith("x_"))
    parent = units.get("parent", np.full(len(province.unit), "", object))
    return Areas(
        province.unit,
        province.level,
        parent,
        np.column_stack(columns),
        province.table("sample"),
        province.table("population"),
    )


def _citizens(
    province: _Province, reduced: Reduced, screening: str, state: NDArray[np.object_] | None
) -> tuple[_Block, list[_Loadings], Citizens]:
    scheme, limits = province.scheme, province.scheme.publication
    fit = citizens(reduced.cells, reduced.pairs, _areas(province), screening, limits.min_level_units)  # type: ignore[arg-type]
    place = {item: k for k, item in enumerate(fit.items)}
    columns = [(j, place[one.item]) for j, one in province.of_source("citizen") if one.item in place]
    indicators = np.array([j for j, _ in columns], np.int64)
    items = np.array([k for _, k in columns], np.int64)
    applies = province.applies[:, indicators]
    there = applies & np.isfinite(fit.estimate[:, items])
    reliability, n = fit.reliability[:, items], fit.n[:, items]
    width = 2.0 * norm.ppf(0.5 + scheme.uncertainty.interval / 2.0) * np.sqrt(fit.variance[:, items])
    unsure = np.nan_to_num(reliability, nan=1.0) < limits.citizen_min_reliability
    unsure |= np.isnan(reliability) & (n < limits.cell_min)  # a bare mean of few is what they said
    if limits.max_interval_width is not None:
        unsure |= width > limits.max_interval_width
    alone = fit.synthetic[:, items]
    imputed = there & alone & (scheme.missing.impute == "predictive")
    ok = there & ~alone & ~unsure
    if state is not None:
        grid = state[:, indicators]
        grid[there & ~alone & unsure] = "suppressed"
        grid[ok], grid[imputed] = "ok", "imputed"
        state[:, indicators] = grid
    row, column = np.nonzero(ok | imputed if state is not None else there)
    k = items[column]
    few = (n[row, column] < limits.cell_min) | alone[row, column]
    block = _Block(
        row,
        indicators[column],
        _all(row, NORMAL),
        fit.estimate[row, k],
        fit.independent[row, k],
        fit.variance[row, k],
        np.where(few, np.nan, fit.direct[row, k]),
        np.where(few, np.nan, fit.direct_independent[row, k]),
        np.where(few, np.nan, n[row, column]),
    )
    direct = np.where(few, 0.0, np.nan_to_num(fit.direct_respondents[row, k]))
    zero = np.zeros(len(row))
    loadings = [
        _Loadings(_named("respondents", province, row), row, indicators[column], fit.respondents[row, k], direct),
        _Loadings(_named("own level", province, row), row, indicators[column], fit.own[row, k], zero),
    ]
    listed = np.zeros(province.applies.shape, bool)
    listed[block.unit, block.indicator] = True
    for j, item in columns:
        code = scheme.indicators[j].code
        for shared in fit.shared:
            if shared.item == item:
                use = listed[shared.unit, j]
                at = shared.unit[use]
                name = np.full(len(at), f"{shared.name} {code}", object)
                loadings.append(_Loadings(name, at, _all(at, j), shared.loading[use], np.zeros(len(at))))
    return block, loadings, fit


def _named(kind: str, province: _Province, row: Integers) -> NDArray[np.object_]:
    return np.array([f"{kind} {code}" for code in province.unit[row]], object)


def _citizen_models(province: _Province, fit: Citizens) -> Iterable[tuple[str, str, str, float]]:
    for _, one in province.of_source("citizen"):
        for parameter in fit.parameters:
            if fit.items[parameter.item] == one.item and (not one.levels or parameter.level in one.levels):
                yield one.code, parameter.level, parameter.name, parameter.value


# --- what is missing ------------------------------------------------------------------------------------------------


def _impute(province: _Province, state: NDArray[np.object_], blocks: list[_Block]) -> Iterable[_Block]:
    """What nobody reported, from the level: its mean, with the variance of one unit's true value about it."""
    unit, indicator, mean, variance = (np.concatenate(parts) for parts in _centres(blocks))
    for j in range(state.shape[1]):
        for level in province.scheme.levels:
            at = np.flatnonzero((state[:, j] == "missing") & (province.level == level))
            here = (indicator == j) & (province.level[unit] == level)
            m = int(here.sum())
            if len(at) == 0 or m < 2:
                continue
            # the variance of true values is that of the estimates and what these leave unknown (total variance)
            spread = (1.0 + 1.0 / m) * (np.var(mean[here], ddof=1) + np.mean(variance[here]))
            state[at, j] = "imputed"
            nothing = np.full(len(at), np.nan)
            full = np.full(len(at), float(np.mean(mean[here])))
            sd = np.full(len(at), float(np.sqrt(spread)))
            yield _Block(at, _all(at, j), _all(at, NORMAL), full, sd, sd**2, nothing, nothing, nothing)


def _centres(blocks: list[_Block]) -> tuple[list[Integers], list[Integers], list[Floats], list[Floats]]:
    """Units, indicators, means and variances of the rows that say what a level is like."""
    unit, indicator, means, variances = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0)]
    for block in blocks:
        if block.usual:
            with np.errstate(divide="ignore", invalid="ignore"):
                beta, gamma = block.a / (block.a + block.b), block.a / block.b
            means.append(np.select([block.family == BETA, block.family == GAMMA], [beta, gamma], block.a))
            unit.append(block.unit)
            indicator.append(block.indicator)
            variances.append(block.variance)
    return unit, indicator, means, variances


# --- events ---------------------------------------------------------------------------------------------------------


def _event_rows(province: _Province) -> Iterable[tuple[int, str, str, str, str]]:
    """Unit, class, date of the document, state, date of the state."""
    table = province.table("events")
    if table is None:
        return
    since = table["state_date"] if "state_date" in table else np.full(len(table["unit"]), "", object)
    rows = zip(table["unit"], table["class"], table["document_date"], table["state"], since, strict=True)
    for unit, kind, document, state, state_date in rows:
        at = province.position.get(unit)
        if at is not None:
            yield at, str(kind), str(document), str(state), str(state_date)


def _state_weights(province: _Province) -> dict[str, float]:
    return province.scheme.records.weight or FINAL_WEIGHT


def _counted_events(province: _Province, indicator: str) -> dict[float, Floats] | None:
    """Events of the classes that count in an indicator, by weight of their state; None when no class does.

    An event counts when its document is of the period. A class of weight without any event is not fitted, save that
    the largest weight always is, so that units without events are seen.
    """
    classes = {
        one.code for one in province.scheme.records.classes if one.use == "indicator" and one.indicator == indicator
    }
    if not classes:
        return None
    first, last = (day.isoformat() for day in province.snapshot.period)
    weights = _state_weights(province)
    top = max([w for w in weights.values() if w > 0], default=1.0)
    counts = {top: np.zeros(len(province.unit))}
    for at, kind, document, state, _ in _event_rows(province):
        weight = weights.get(state, 0.0)
        if kind in classes and weight > 0 and first <= document <= last:
            counts.setdefault(weight, np.zeros(len(province.unit)))[at] += 1.0
    return dict(sorted(counts.items(), reverse=True))


def _events(province: _Province) -> tuple[Floats, list[tuple[str, ...]]]:
    """Saturated deductions and vetoes.

    A veto takes a legally final fact: an event in a state to which the scheme gives weight (final; rectified), whose
    document is not later than the period. One that is no longer final counts if it still was on a day of the period.
    """
    records = province.scheme.records
    points = {one.code: one.points for one in records.classes if one.use == "deduction"}
    vetoing = {one.code: one.veto for one in records.classes if one.use == "veto" and one.veto}
    vetoing |= {one.code: one.code for one in province.scheme.vetoes if one.code not in vetoing}
    first, last = (day.isoformat() for day in province.snapshot.period)
    weights = _state_weights(province)
    total = np.zeros(len(province.unit))
    found: list[set[str]] = [set() for _ in province.unit]
    for at, kind, document, state, since in _event_rows(province):
        weight = weights.get(state, 0.0)
        if weight <= 0 or document > last:
            continue
        if kind in points and document >= first:
            total[at] += points[kind] * weight
        if kind in vetoing and (state == "final" or not since or since >= first):
            found[at].add(vetoing[kind])
    total *= np.minimum(1.0, _exposure(province))
    saturating = records.saturating
    order = {one.code: k for k, one in enumerate(province.scheme.vetoes)}
    codes = [tuple(sorted(one, key=lambda code: (order.get(code, len(order)), code))) for one in found]
    return saturating * (1.0 - np.exp(-total / saturating)), codes


def _exposure(province: _Province) -> Floats:
    """(units,) the level's median exposure over the unit's: a large body is not punished for being large."""
    relative = np.ones(len(province.unit))
    table, code = province.table("records"), province.scheme.records.deduction_exposure
    if table is None or code is None or code not in province.indicator:
        return relative
    size = _raw(province, table)[1][:, province.indicator[code]]
    for level in province.scheme.levels:
        at = province.at_level(level)
        good = at[np.isfinite(size[at]) & (size[at] > 0)]
        if len(good):
            relative[good] = np.median(size[good]) / size[good]
    return relative


# --- what citizens said ---------------------------------------------------------------------------------------------


def _distributions(province: _Province, choices: Choices | None) -> Table:
    """Shares of the codes among the invited who answered an item, with Wilson's interval; blank in small cells."""
    names = ("unit", "item", "code", "share", "lower", "upper", "state", "with_flagged")
    listed = _codes(province.snapshot.scoring.values())
    if choices is None or not listed:
        return {name: np.zeros(0, np.float64 if name in ("share", "lower", "upper") else object) for name in names}
    place = {pair: k for k, pair in enumerate(listed)}
    total = {item: len(listed) + k for k, item in enumerate(dict.fromkeys(item for item, _ in listed))}
    units, width = len(province.unit), len(listed) + len(total)
    column = np.array(
        [
            total.get(i, -1) if c == "" else place.get((i, c), -1)
            for i, c in zip(choices.item, choices.code, strict=True)
        ],
        np.int64,
    )
    unit = np.array([province.position.get(code, -1) for code in choices.unit.tolist()], np.int64)
    used = (choices.mode == GRADED) & (unit >= 0) & (column >= 0)
    index = unit[used] * width + column[used]
    clean = ~choices.flagged[used]
    counts = [
        np.asarray(np.bincount(index[keep], choices.n[used][keep], units * width), np.float64).reshape(units, width)
        for keep in (np.ones(len(index), bool), clean)
    ]
    answered = [count[:, [total[item] for item, _ in listed]] for count in counts]
    row, code = np.nonzero(answered[0] > 0)
    item_of, code_of = (np.array([pair[k] for pair in listed], object) for k in range(2))
    z = float(norm.ppf(0.5 + province.scheme.uncertainty.interval / 2.0))
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for word, count, whole in zip(("yes", "no"), counts, answered, strict=True):
        n, x = whole[row, code], count[row, code]
        shown = (n >= province.scheme.publication.cell_min) & (n > 0)
        share, lower, upper = _wilson(x, n, z)
        columns["unit"].append(province.unit[row])
        columns["item"].append(item_of[code])
        columns["code"].append(code_of[code])
        for name, value in (("share", share), ("lower", lower), ("upper", upper)):
            columns[name].append(_rounded(np.where(shown, value, np.nan)))
        columns["state"].append(np.where(shown, "ok", "suppressed").astype(object))
        columns["with_flagged"].append(np.full(len(row), word, object))
    return {name: np.stack(parts, axis=1).ravel() for name, parts in columns.items()}


def _codes(scorings: Iterable[tuple[ItemScoring, ...]]) -> list[tuple[str, str]]:
    scored = [one for items in scorings for one in items if one.kind != "none"]
    items = dict.fromkeys(one.item for one in scored)
    return list(
        dict.fromkeys((item, code) for item in items for one in scored if one.item == item for code in one.codes)
    )


def _wilson(x: Floats, n: Floats, z: float) -> tuple[Floats, Floats, Floats]:
    """Share and Wilson's interval (1927), Journal of the American Statistical Association 22, 209-212."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / n
        centre = (x + z**2 / 2.0) / (n + z**2)
        half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4.0)
    return share, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


# --- rounding and joining -------------------------------------------------------------------------------------------


def _rounded(values: Floats) -> Floats:
    """To six decimals: the double nearest to the decimal text, what a file gives back; -0 becomes 0."""
    return np.asarray(np.round(values, DECIMALS) + 0.0, np.float64)


def _only(block: _Block, kept: tuple[Integers, Integers]) -> _Block:
    """The rows of a block at these cells."""
    wanted = set(zip(kept[0].tolist(), kept[1].tolist(), strict=True))
    use = np.array([cell in wanted for cell in zip(block.unit.tolist(), block.indicator.tolist(), strict=True)], bool)
    return _Block(
        block.unit[use],
        block.indicator[use],
        block.family[use],
        block.a[use],
        block.b[use],
        block.variance[use],
        block.direct[use],
        block.direct_sd[use],
        block.n[use],
        block.usual,
    )


def _inputs(blocks: list[_Block]) -> Inputs:
    """Rounded rows in the order of units, then indicators."""
    if not blocks:
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return Inputs(none, none, none, nothing, nothing, nothing, nothing, nothing)
    unit, indicator, family = (
        np.concatenate([getattr(block, name) for block in blocks]).astype(np.int64)
        for name in ("unit", "indicator", "family")
    )
    a, b, direct, direct_sd, n = (
        _rounded(np.concatenate([getattr(block, name) for block in blocks]).astype(np.float64))
        for name in ("a", "b", "direct", "direct_sd", "n")
    )
    shaped = (family == BETA) | (family == GAMMA)
    a, b = np.where(shaped, np.maximum(a, LEAST), a), np.where(shaped, np.maximum(b, LEAST), b)
    order = np.lexsort((indicator, unit))
    return Inputs(
        unit[order], indicator[order], family[order], a[order], b[order], direct[order], direct_sd[order], n[order]
    )


def _factors(loadings: list[_Loadings], inputs: Inputs) -> Factors:
    """Rounded loadings of the rows that are inputs, those of 0 left out, ordered by factor, unit, indicator."""
    if not loadings:
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return Factors((), none, none, none, nothing, nothing)
    name = np.concatenate([one.name for one in loadings])
    unit, indicator = (np.concatenate([getattr(one, k) for one in loadings]) for k in ("unit", "indicator"))
    loading, direct = (
        _rounded(np.concatenate([getattr(one, k) for one in loadings])) for k in ("loading", "direct_loading")
    )
    width = int(max(indicator.max(initial=0), inputs.indicator.max(initial=0))) + 1
    used = np.isin(unit * width + indicator, inputs.unit * width + inputs.indicator) & ((loading != 0) | (direct != 0))
    names, factor = np.unique(name[used].astype(str), return_inverse=True)
    unit, indicator, loading, direct = unit[used], indicator[used], loading[used], direct[used]
    order = np.lexsort((indicator, unit, factor))
    return Factors(
        tuple(names.tolist()),
        factor[order].astype(np.int64),
        unit[order],
        indicator[order],
        loading[order],
        direct[order],
    )


def _differs(other: Inputs, main: Inputs) -> bool:
    """Whether some row of another screening is not the row of the main one."""
    width = int(max(other.indicator.max(initial=0), main.indicator.max(initial=0))) + 1
    same = np.isin(main.unit * width + main.indicator, other.unit * width + other.indicator)
    return any(
        not np.array_equal(getattr(main, name)[same], getattr(other, name), equal_nan=True)
        for name in ("a", "b", "direct", "direct_sd", "n")
    )


def _models(rows: list[tuple[str, str, str, float]]) -> Table:
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    text = {name: np.array(columns[k], object) for k, name in enumerate(("indicator", "level", "parameter"))}
    return {**text, "value": _rounded(np.array(columns[3], np.float64))}
