"""The citizens' chain: weights, smoothing, factors, levels that stay direct; coverage by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from methods.small_areas.citizens import Citizens, citizens
from methods.small_areas.direct import Areas
from methods.survey.cells import Cells, Pairs


def _responses(
    unit: np.ndarray,
    scores: np.ndarray,
    flagged: np.ndarray | None = None,
    mode: str = "invitation",
    age: np.ndarray | None = None,
) -> tuple[Cells, Pairs]:
    """Cells and pairs of single responses; `scores` on 0-100, NaN where there is no score."""
    n, K = scores.shape
    flagged = np.zeros(n, bool) if flagged is None else flagged
    blank = np.full(n, "", object)
    there = np.isfinite(scores)
    thousandths = np.where(there, np.round(scores * 1000), 0).astype(np.int64)
    cells = Cells(
        tuple(f"i{k}" for k in range(K)),
        unit,
        np.full(n, mode, object),
        blank,
        blank,
        np.full(n, np.nan),
        {"s_age": blank if age is None else age},
        flagged,
        np.ones(n, np.int64),
        there.astype(np.int64),
        thousandths,
        thousandths**2,
    )
    a, b = np.triu_indices(K)
    both = there[:, a] & there[:, b]
    pairs = Pairs(
        a,
        b,
        unit,
        cells.mode,
        flagged,
        both.astype(np.int64),
        thousandths[:, a] * both,
        thousandths[:, b] * both,
        thousandths[:, a] * thousandths[:, b] * both,
    )
    groups, where = np.unique(np.stack([unit.astype(str), flagged.astype(str)]), axis=1, return_inverse=True)

    def by_group(values: np.ndarray) -> np.ndarray:
        total = np.zeros((groups.shape[1], values.shape[1]), np.int64)
        np.add.at(total, where.ravel(), values)
        return total

    return cells, Pairs(
        a,
        b,
        groups[0].astype(object),
        np.full(groups.shape[1], mode, object),
        groups[1] == "True",
        by_group(pairs.n),
        by_group(pairs.sum_a),
        by_group(pairs.sum_b),
        by_group(pairs.sum_ab),
    )


def _areas(units: int, level: str = "T") -> Areas:
    names = np.array([f"u{k:04d}" for k in range(units)], object)
    return Areas(names, np.full(units, level, object), np.zeros((units, 0)))


def _simulate(
    rng: np.random.Generator, m: int, J: int = 4, mean_n: float = 25.0, counties: int = 0, spread: float = 4.0
) -> tuple[np.ndarray, Areas, np.ndarray, np.ndarray]:
    """True values of m units, and responses whose answers share the respondent and the unit's level."""
    theta = 62 + rng.normal(0, 5, m)[:, None] + rng.normal(0, 4, (m, J))
    county = np.arange(m) % max(counties, 1)
    if counties:
        theta += rng.normal(0, spread, counties)[county, None]
    n = np.maximum(rng.poisson(mean_n, m), 2)
    unit = np.repeat(np.arange(m), n)
    person = rng.normal(size=len(unit))
    noise = np.sqrt(0.4) * person[:, None] + np.sqrt(0.6) * rng.normal(size=(len(unit), J))
    p = theta[unit] / 100
    # 0, 50 or 100 as two tries of chance p: the mean is 100 p
    scores = 50.0 * ((noise > ndtri(1 - p**2)).astype(float) + (noise > ndtri((1 - p) ** 2)))
    scores[rng.random(scores.shape) < 0.15] = np.nan
    areas = _areas(m)
    if counties:
        areas = replace(areas, parent=np.array([f"county {c}" for c in county], object))
    return theta, areas, areas.unit[unit], scores


def _total_sd(fit: Citizens) -> np.ndarray:
    variance = fit.respondents**2 + fit.own**2 + fit.independent**2
    for shared in fit.shared:
        variance[shared.unit, shared.item] += shared.loading**2
    return np.sqrt(variance)


def test_direct_means_are_those_of_the_responses() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(1), 20)
    fit = citizens(*_responses(unit, scores), areas)
    mine = unit == areas.unit[3]
    assert fit.direct[3] == pytest.approx(np.nanmean(scores[mine], axis=0))
    assert fit.n[3].tolist() == np.isfinite(scores[mine]).sum(axis=0).tolist()


def test_only_invited_responses_of_known_units_count() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(2), 12)
    cells, pairs = _responses(unit, scores)
    assert citizens(*_responses(unit, scores, mode="open"), areas).n.sum() == 0
    fewer = replace(areas, unit=areas.unit[:10], level=areas.level[:10], covariates=areas.covariates[:10])
    assert citizens(cells, pairs, fewer).n.sum() == np.isfinite(scores[np.isin(unit, fewer.unit)]).sum()


def test_estimates_lie_between_the_direct_mean_and_the_level() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(3), 60)
    fit = citizens(*_responses(unit, scores), areas)
    coefficient = {p.item: p.value for p in fit.parameters if p.name == "coefficient_0"}
    level = np.array([coefficient[k] for k in range(scores.shape[1])])
    low, high = np.minimum(fit.direct, level), np.maximum(fit.direct, level)
    assert np.all((fit.estimate >= low - 1e-9) & (fit.estimate <= high + 1e-9))


def test_factors_and_rest_add_up_to_the_mean_squared_error() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(4), 80)
    fit = citizens(*_responses(unit, scores), areas)
    variances = [s for s in fit.shared if s.name[0].startswith("variance")]
    own = fit.respondents**2 + fit.own**2 + fit.independent**2
    for shared in fit.shared:
        if not shared.name[0].startswith("variance"):
            own[shared.unit, shared.item] += shared.loading**2
    g3 = np.zeros_like(own)
    # the factor of A carries g3 on average over units, not for each
    for shared in variances:
        g3[shared.unit, shared.item] = shared.loading**2
    left = fit.variance - own
    assert np.mean(g3) == pytest.approx(np.mean(left), rel=0.35)
    assert np.all(left > -1e-9)


@pytest.mark.parametrize("m", [16, 100])
def test_intervals_hold_the_truth_of_items_and_of_their_mean(m: int) -> None:
    rng = np.random.default_rng(50 + m)
    items, together, naive = [], [], []
    for _ in range(1600 // m):
        theta, areas, unit, scores = _simulate(rng, m)
        fit = citizens(*_responses(unit, scores), areas)
        items.append(np.mean(np.abs(fit.estimate - theta) < 1.96 * _total_sd(fit)))
        J = theta.shape[1]
        # the mean of the items: shared loadings add before squaring
        variance = (
            fit.respondents.sum(axis=1) ** 2 + fit.own.sum(axis=1) ** 2 + (fit.independent**2).sum(axis=1)
        ) / J**2
        common: dict[str, np.ndarray] = {}
        for shared in fit.shared:
            if shared.common:
                for name in set(shared.name.tolist()):
                    mine = shared.name == name
                    common.setdefault(name, np.zeros(m))[shared.unit[mine]] += shared.loading[mine]
            else:
                variance[shared.unit] += shared.loading**2 / J**2
        variance += np.sum([loading**2 for loading in common.values()], axis=0) / J**2
        error = np.abs(fit.estimate.mean(axis=1) - theta.mean(axis=1))
        together.append(np.mean(error < 1.96 * np.sqrt(variance)))
        naive.append(np.mean(error < 1.96 * np.sqrt(np.sum(_total_sd(fit) ** 2, axis=1)) / J))
    assert 0.93 < np.mean(items) < 0.97
    assert 0.92 < np.mean(together) < 0.975
    assert np.mean(naive) < np.mean(together) - 0.08


def test_a_unit_nobody_answered_for_gets_the_regression_and_its_variance() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(6), 30)
    away = unit != areas.unit[0]
    fit = citizens(*_responses(unit[away], scores[away]), areas)
    A = {p.item: p.value for p in fit.parameters if p.name == "unit_variance"}
    assert fit.synthetic[0].all()
    assert not fit.synthetic[1:].any()
    assert fit.reliability[0].tolist() == [0.0] * 4
    assert np.isnan(fit.direct[0]).all()
    assert all(fit.variance[0, k] > A[k] for k in A)
    assert _total_sd(fit)[0] == pytest.approx(np.sqrt(fit.variance[0]))


def test_a_level_of_few_units_keeps_its_direct_estimates() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(7), 6)
    fit = citizens(*_responses(unit, scores), areas)
    assert fit.estimate == pytest.approx(fit.direct)
    assert np.isnan(fit.reliability).all()
    assert np.sqrt(fit.variance) == pytest.approx(_total_sd(fit))
    assert not fit.shared


def test_reliability_is_the_true_part_of_what_sets_direct_estimates_apart() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(8), 40, counties=8)
    fit = citizens(*_responses(unit, scores), areas)
    A = fit.unit_variance + fit.area_variance
    assert (fit.area_variance > 0).all()
    assert fit.reliability == pytest.approx(A / (A + fit.direct_variance))


def test_a_unit_nobody_answered_for_takes_after_its_county() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(6), 60, counties=6, spread=8.0)
    assert areas.parent is not None
    away = unit != areas.unit[0]
    fit = citizens(*_responses(unit[away], scores[away]), areas)
    mine = np.flatnonzero(areas.parent == areas.parent[0])[1:]
    # the mean of the county's residuals, drawn to 0 as far as the county is little known, then benchmarked
    for k in range(scores.shape[1]):
        w = 1.0 / (fit.unit_variance[0, k] + fit.direct_variance[mine, k])
        pull = np.sum(w * (fit.direct[mine, k] - fit.regression[mine, k]))
        effect = pull / (1.0 / fit.area_variance[0, k] + w.sum())
        assert fit.estimate[0, k] == pytest.approx(fit.regression[0, k] + effect + fit.difference[0, k])
        assert np.ptp(fit.difference[np.append(mine, 0), k]) == 0.0
    assert _total_sd(fit)[0] == pytest.approx(np.sqrt(fit.variance[0]), rel=0.02)


def test_means_of_counties_are_those_of_their_people() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(11), 60, counties=6, mean_n=60)
    fit = citizens(*_responses(unit, scores), areas)
    assert areas.parent is not None
    for county in np.unique(areas.parent):
        mine = areas.parent == county
        assert (fit.effective[mine].sum(axis=0) >= 200).all()
        assert fit.benchmark_share[mine].sum(axis=0) == pytest.approx(np.ones(4))
        after = np.sum(fit.benchmark_share[mine] * fit.estimate[mine], axis=0)
        of_all = np.nanmean(scores[np.isin(unit, areas.unit[mine])], axis=0)
        assert after == pytest.approx(of_all)


def test_intervals_hold_the_truth_with_counties_and_so_do_those_of_the_counties_means() -> None:
    rng = np.random.default_rng(12)
    units, counties, naive = [], [], []
    for _ in range(12):
        theta, areas, unit, scores = _simulate(rng, 120, counties=15, spread=5.0)
        assert areas.parent is not None
        fit = citizens(*_responses(unit, scores), areas)
        units.append(np.mean(np.abs(fit.estimate - theta) < 1.96 * _total_sd(fit)))
        own = fit.respondents**2 + fit.own**2 + fit.independent**2
        for k in range(4):
            for county in np.unique(areas.parent):
                mine = np.flatnonzero(areas.parent == county)
                share = np.zeros(120)
                share[mine] = 1.0 / len(mine)
                common: dict[str, float] = {}
                for shared in (one for one in fit.shared if one.item == k):
                    for name, at, loading in zip(shared.name, shared.unit, shared.loading, strict=True):
                        key = f"{name} {shared.common}"
                        common[key] = common.get(key, 0.0) + share[at] * loading
                alone = np.sum(share**2 * own[:, k])
                error = abs(share @ (fit.estimate - theta)[:, k])
                counties.append(error < 1.96 * np.sqrt(alone + np.sum(np.square(list(common.values())))))
                naive.append(error < 1.96 * np.sqrt(share**2 @ _total_sd(fit)[:, k] ** 2))
    assert 0.93 < np.mean(units) < 0.97
    assert 0.92 < np.mean(counties) < 0.98
    assert np.mean(naive) < np.mean(counties) - 0.02


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_neither_the_order_of_units_nor_that_of_responses_matters(seed: int) -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(seed), 40, counties=5)
    one = citizens(*_responses(unit, scores), areas)
    rng = np.random.default_rng(seed)
    order, answers = rng.permutation(40), rng.permutation(len(unit))
    assert areas.parent is not None
    other_areas = replace(areas, unit=areas.unit[order], covariates=areas.covariates[order], parent=areas.parent[order])
    other = citizens(*_responses(unit[answers], scores[answers]), other_areas)
    assert other.estimate == pytest.approx(one.estimate[order], abs=1e-5)
    assert other.variance == pytest.approx(one.variance[order], abs=1e-4)
    assert _total_sd(other) == pytest.approx(_total_sd(one)[order], abs=1e-4)


@pytest.mark.parametrize("counties", [1, 40])
def test_one_county_or_one_unit_in_each_gives_finite_estimates(counties: int) -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(13), 40, counties=counties)
    fit = citizens(*_responses(unit, scores), areas)
    assert np.isfinite(fit.estimate).all()
    assert not fit.area_variance.any()
    assert np.mean(_total_sd(fit) ** 2) == pytest.approx(np.mean(fit.variance), rel=0.05)


def test_an_item_on_which_all_agree_is_known_almost_surely() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(14), 40, counties=5)
    scores[:, 1] = 100.0
    fit = citizens(*_responses(unit, scores), areas)
    assert fit.estimate[:, 1] == pytest.approx(np.full(40, 100.0))
    assert (_total_sd(fit)[:, 1] > 0).all()
    assert (_total_sd(fit)[:, 1] < 0.5).all()


def test_few_unreliable_answers_are_used_for_no_estimate_of_their_own() -> None:
    _, areas, unit, scores = _simulate(np.random.default_rng(15), 40, counties=5)
    few = np.flatnonzero(unit == areas.unit[0])[2:]
    kept = np.setdiff1d(np.arange(len(unit)), few)
    fit = citizens(*_responses(unit[kept], scores[kept]), areas, cell_min=10)
    assert fit.synthetic[0].all()
    assert fit.reliability[0].tolist() == [0.0] * 4
    without = citizens(*_responses(unit[kept], scores[kept]), areas)
    assert not without.synthetic[0].any()
    # the two people said nothing that the estimate could be told by
    other = scores.copy()
    other[np.flatnonzero(unit == areas.unit[0])[:2]] = [[0.0], [100.0]]
    moved = citizens(*_responses(unit[kept], other[kept]), areas, cell_min=10)
    assert moved.estimate[0] == pytest.approx(fit.estimate[0], abs=0.3)


def test_flagged_responses_count_whole_half_or_not_at_all() -> None:
    unit = np.array(["u0000"] * 4 + [f"u{k:04d}" for k in range(1, 9) for _ in range(3)], object)
    scores = np.full((len(unit), 1), 50.0)
    scores[:, 0] += np.tile([-10.0, 10.0], len(unit))[: len(unit)]
    scores[:4, 0] = [100.0, 40.0, 40.0, 40.0]
    flagged = np.zeros(len(unit), bool)
    flagged[0] = True
    responses = _responses(unit, scores, flagged)
    direct = [citizens(*responses, _areas(9), screening).direct[0, 0] for screening in ("main", "half", "without")]
    assert direct == pytest.approx([55.0, (50 + 120) / 3.5, 40.0])


def test_design_weights_come_from_the_sample_unless_the_response_has_one() -> None:
    unit = np.repeat(np.array([f"u{k:04d}" for k in range(8)], object), 4)
    scores = np.tile([20.0, 20.0, 80.0, 80.0], 8)[:, None]
    cells, pairs = _responses(unit, scores)
    stratum = np.tile(np.array(["town", "town", "village", "village"], object), 8)
    cells = replace(cells, design_stratum=stratum)
    listed = np.array([f"u{k:04d}" for k in range(8)] * 2, object)
    sample = {
        "unit": listed,
        "design_stratum": np.repeat(np.array(["town", "village"], object), 8),
        "psu": np.full(16, "", object),
        "frame_n": np.repeat([100.0, 300.0], 8),
        "responded": np.full(16, 2.0),
    }
    areas = replace(_areas(8), sample=sample)
    assert citizens(cells, pairs, areas).direct[:, 0] == pytest.approx(np.full(8, (20 + 3 * 80) / 4))
    weighted = replace(cells, weight=np.full(32, 1.0))
    assert citizens(weighted, pairs, areas).direct[:, 0] == pytest.approx(np.full(8, 50.0))


def test_respondents_are_brought_to_the_population_of_their_area() -> None:
    rng = np.random.default_rng(9)
    unit = np.repeat(np.array([f"u{k:04d}" for k in range(8)], object), 50)
    age = np.where(np.tile(np.arange(50), 8) < 40, "old", "young").astype(object)
    scores = np.where(age == "old", 80.0, 30.0)[:, None] + rng.choice([-5.0, 5.0], (400, 1))
    population = {
        "unit": np.array(["area", "area"], object),
        "s_age": np.array(["old", "young"], object),
        "count": np.array([500.0, 500.0]),
    }
    sample = {
        "unit": np.array([f"u{k:04d}" for k in range(8)], object),
        "design_stratum": np.full(8, "", object),
        "psu": np.full(8, "", object),
        "frame_n": np.full(8, 1000.0),
        "responded": np.full(8, 50.0),
        "calibration_area": np.full(8, "area", object),
    }
    cells, pairs = _responses(unit, scores, age=age)
    plain = citizens(cells, pairs, replace(_areas(8), sample=sample)).direct.mean()
    calibrated = citizens(cells, pairs, replace(_areas(8), sample=sample, population=population)).direct.mean()
    assert plain == pytest.approx(70.0, abs=1.0)
    assert calibrated == pytest.approx(55.0, abs=1.0)


def test_items_of_the_same_respondents_are_found_to_correlate() -> None:
    rng = np.random.default_rng(10)
    unit = np.repeat(np.array([f"u{k:04d}" for k in range(50)], object), 60)
    person = rng.normal(size=(len(unit), 1))
    scores = 50 + 10 * (np.sqrt(0.5) * person + np.sqrt(0.5) * rng.normal(size=(len(unit), 3)))
    fit = citizens(*_responses(unit, scores), _areas(50))
    rho = [p.value for p in fit.parameters if p.name == "correlation_respondents"]
    assert rho == pytest.approx([0.5] * 3, abs=0.05)


# --- the edition before as a covariate


def _answers(rng: np.random.Generator, theta: np.ndarray, mean_n: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit and score of each respondent: 0, 50 or 100, with the unit's true mean."""
    unit = np.repeat(np.arange(len(theta)), np.maximum(rng.poisson(mean_n, len(theta)), 1))
    p = theta[unit] / 100
    return unit, 50.0 * ((rng.random(len(unit)) < p).astype(float) + (rng.random(len(unit)) < p))


def _two_editions(seed: int, known: float = 1.0) -> tuple[np.ndarray, Citizens, Citizens]:
    """True values of 250 units today, their estimates alone, and those with the edition before as a covariate.

    True values of two editions correlate by 0.85; a share `known` of the units was in the edition before.
    """
    rng = np.random.default_rng(seed)
    m = 250
    lasting = rng.normal(0, 1, m)
    past, today = (
        np.clip(62 + 9 * (np.sqrt(0.85) * lasting + np.sqrt(0.15) * rng.normal(size=m)), 5, 95) for _ in range(2)
    )
    areas = _areas(m)
    unit, score = _answers(rng, past, 12)
    before = citizens(*_responses(areas.unit[unit], score[:, None]), areas)
    unit, score = _answers(rng, today, 12)
    cells = _responses(areas.unit[unit], score[:, None])
    previous = np.where(rng.random(m) < known, before.estimate[:, 0], np.nan)
    return today, citizens(*cells, areas), citizens(*cells, replace(areas, previous={"i0": previous}))


@pytest.mark.parametrize("known", [1.0, 0.7])
def test_with_the_edition_before_errors_fall_and_intervals_still_hold_the_truth(known: float) -> None:
    errors: dict[str, list[np.ndarray]] = {"alone": [], "with": []}
    widths: dict[str, list[np.ndarray]] = {"alone": [], "with": []}
    for seed in range(8):
        today, alone, helped = _two_editions(seed, known)
        for name, fit in (("alone", alone), ("with", helped)):
            errors[name].append(fit.estimate[:, 0] - today)
            widths[name].append(np.sqrt(fit.variance[:, 0]))
    mse = {name: float(np.mean(np.concatenate(one) ** 2)) for name, one in errors.items()}
    said = {name: float(np.mean(np.concatenate(one) ** 2)) for name, one in widths.items()}
    held = np.abs(np.concatenate(errors["with"])) <= 1.96 * np.concatenate(widths["with"])
    # Var(v) is 81, D about 98: alone 81 98 / 179 = 44. An EBLUP of a year ago, whose reliability was 0.45, explains
    # 0.85^2 0.45 = 0.33 of Var(v). What is left, 54, gives 54 98 / 152 = 35, a fifth less; with 0.7 of the units known,
    # a seventh
    assert mse["with"] < mse["alone"] * (0.86 if known == 1.0 else 0.92)
    assert said["with"] == pytest.approx(mse["with"], rel=0.12)
    assert said["with"] < said["alone"]
    # 2,000 intervals of 8 fits, which share their variances' errors; of 30 fits 94.7 % held, alone 94.9 %
    assert 0.93 < held.mean() < 0.965


def test_its_coefficient_is_told_and_is_the_item_s_own() -> None:
    _, alone, helped = _two_editions(1, known=0.7)
    names = {parameter.name for parameter in helped.parameters}
    assert {"coefficient_previous", "coefficient_no_previous"} <= names
    assert not any(parameter.name.endswith("previous") for parameter in alone.parameters)
    assert next(p.value for p in helped.parameters if p.name == "coefficient_previous") > 2
    factors = {str(shared.name[0]): shared for shared in helped.shared}
    regression = [name for name in factors if name.startswith("regression")]
    assert regression
    own = [name for name in regression if name != "regression T 0"]
    assert not any(factors[name].common for name in own)  # not shared with another item's


@pytest.mark.parametrize("what", ["nobody", "one", "all the same"])
def test_an_edition_before_that_tells_nothing_changes_nothing(what: str) -> None:
    rng = np.random.default_rng(2)
    areas = _areas(40)
    unit, score = _answers(rng, np.full(40, 60.0), 10)
    previous = np.full(40, 60.0 if what == "all the same" else np.nan)
    previous[:1] = np.nan if what == "nobody" else 60.0
    cells = _responses(areas.unit[unit], score[:, None])
    alone, helped = citizens(*cells, areas), citizens(*cells, replace(areas, previous={"i0": previous}))
    assert helped.estimate.tolist() == alone.estimate.tolist()
    assert citizens(*cells, replace(areas, previous={"other": previous})).estimate.tolist() == alone.estimate.tolist()
