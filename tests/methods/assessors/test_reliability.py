"""Agreement and reliability against published tables and psych 2.2.9 (R 4.2.2)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from assessed_designs import PENICILLIN, grid
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.assessors.agreement import LEVELS, Level, _alpha, _alphas, krippendorff_alpha
from methods.assessors.crossed import crossed
from methods.assessors.generalizability import (
    Components,
    assessors_needed,
    reliability_with,
    spearman_brown,
    times_needed,
)
from methods.assessors.internal_consistency import cronbach_alpha, omega_total
from methods.assessors.intraclass import intraclass_correlations

# Shrout, Fleiss (1979), Psychological Bulletin 86, table 2: 6 targets by 4 judges
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
# datasets::attitude (R), from Chatterjee and Price: 30 departments by 7 items
ATTITUDE_ROWS = """
43 51 30 39 61 92 45 63 64 51 54 63 73 47 71 70 68 69 76 86 48 61 63 45 47 54 84 35 81 78 56 66 71 83 47
43 55 49 44 54 49 34 58 67 42 56 66 68 35 71 75 50 55 70 66 41 72 82 72 67 71 83 31 67 61 45 47 62 80 41
64 53 53 58 58 67 34 67 60 47 39 59 74 41 69 62 57 42 55 63 25 68 83 83 45 59 77 35 77 77 54 72 79 77 46
81 90 50 72 60 54 36 74 85 64 69 79 79 63 65 60 65 75 55 80 60 65 70 46 57 75 85 46 50 58 68 54 64 78 52
50 40 33 34 43 64 33 64 61 52 62 66 80 41 53 66 52 50 63 80 37 40 37 42 58 50 57 49 63 54 42 48 66 75 33
66 77 66 63 88 76 72 78 75 58 74 80 78 49 48 57 44 45 51 83 38 85 85 71 71 77 74 55 82 82 39 59 64 78 39
"""
ATTITUDE = np.array([int(value) for value in ATTITUDE_ROWS.split()], float).reshape(30, 7)
N = np.nan
# Krippendorff (2011), Computing Krippendorff's alpha-reliability, C: 4 observers by 12 units
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
).T


# --- intraclass correlations


def test_the_six_forms_of_shrout_and_fleiss_with_the_intervals_of_psych() -> None:
    # published .17 .29 .71 .44 .62 .91; psych::ICC(sf, lmer = FALSE)$results
    found = intraclass_correlations(SHROUT_FLEISS)
    published = [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    assert found.estimate.round(2).tolist() == published
    estimate = [0.1657417684, 0.2897637795, 0.7148407148, 0.4427971337, 0.6200505476, 0.9093155424]
    lower = [-0.13293232487, 0.01878651337, 0.34246476503, -0.88444215524, 0.07113681530, 0.67567471382]
    upper = [0.7225600623, 0.7610843696, 0.9458582600, 0.9124154203, 0.9272320402, 0.9858916782]
    assert found.estimate == pytest.approx(estimate, abs=1e-9)
    assert found.lower == pytest.approx(lower, abs=1e-9)
    assert found.upper == pytest.approx(upper, abs=1e-9)
    assert found.F[:3] == pytest.approx([1.794678492, 11.027247956, 11.027247956])
    assert found.degrees[:3].tolist() == [[5, 18], [5, 15], [5, 15]]


def test_a_small_table_at_another_confidence_gives_the_numbers_of_psych() -> None:
    # psych::ICC(sf[1:4, 1:2], lmer = FALSE, alpha = .1)$results
    found = intraclass_correlations(SHROUT_FLEISS[:4, :2], confidence=0.9)
    estimate = [-0.695067265, 0.059701493, 0.545454545, -4.558823529, 0.112676056, 0.705882353]
    lower = [-0.946865503, -0.022113647, -0.463579753, -35.640330000, -0.045227437, -1.728420045]
    upper = [0.24246098, 0.45412750, 0.93853820, 0.39029150, 0.62460479, 0.96829477]
    assert found.estimate == pytest.approx(estimate, rel=1e-7)
    assert found.lower == pytest.approx(lower, rel=1e-7)
    assert found.upper == pytest.approx(upper, rel=1e-7)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-3, 1.0, 50.0]), st.sampled_from([0.0, -100.0]))
def test_intraclass_correlations_ignore_scale_origin_and_order(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 1, (5, 1)) + rng.normal(0, 1, (5, 3))
    one = intraclass_correlations(table)
    turned = table[rng.permutation(5)][:, rng.permutation(3)] * scale + shift
    other = intraclass_correlations(turned)
    assert other.estimate == pytest.approx(one.estimate, abs=1e-8)
    assert other.lower == pytest.approx(one.lower, rel=1e-7, abs=1e-8)


def test_severity_alone_spoils_agreement_but_not_consistency() -> None:
    table = np.arange(5.0)[:, None] + np.array([0.0, 3.0, -2.0])
    found = dict(zip(("one", "two", "three"), intraclass_correlations(table).estimate, strict=False))
    assert found["three"] == 1.0
    assert found["two"] < 0.4
    exact = intraclass_correlations(np.repeat(np.arange(4.0)[:, None], 3, axis=1))
    assert exact.estimate.tolist() == [1.0] * 6 == exact.lower.tolist()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.ones((1, 3)), "at least two units"),
        (np.ones((3, 1)), "at least two units"),
        (np.ones(3), "at least two units"),
        (np.full((3, 3), 7.0), "all the same"),
        (np.array([[1.0, N], [2.0, 3.0]]), "complete table"),
        (np.array([[1.0, np.inf], [2.0, 3.0]]), "not finite"),
    ],
)
def test_tables_without_an_intraclass_correlation_are_refused(table: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        intraclass_correlations(table)
    with pytest.raises(ValueError, match="confidence"):
        intraclass_correlations(SHROUT_FLEISS, confidence=95)


# --- internal consistency


def test_alpha_of_attitude_gives_the_numbers_of_psych() -> None:
    # psych::alpha(attitude): raw_alpha and $feldt
    found = cronbach_alpha(ATTITUDE)
    assert found.estimate == pytest.approx(0.8431427696, abs=1e-9)
    assert found.lower == pytest.approx(0.7393756856, abs=1e-9)
    assert found.upper == pytest.approx(0.9157730722, abs=1e-9)
    assert found.if_dropped[5] > found.estimate  # "critical" hangs together with the others least
    assert np.nanargmax(found.if_dropped) == 5


def test_alpha_is_the_consistency_of_the_mean_of_all() -> None:
    intraclass = intraclass_correlations(SHROUT_FLEISS)
    found = cronbach_alpha(SHROUT_FLEISS)
    assert [found.estimate, found.lower, found.upper] == pytest.approx(
        [intraclass.estimate[5], intraclass.lower[5], intraclass.upper[5]], abs=1e-12
    )


def test_omega_of_attitude_gives_the_numbers_of_factanal() -> None:
    # stats::factanal(attitude, 1): loadings l, uniquenesses u; sum(l)^2 / (sum(l)^2 + sum(u)), and with l sd, u sd^2
    found = omega_total(ATTITUDE)
    loadings = [0.8524782367, 0.9022414444, 0.5927051538, 0.7306959451, 0.7649939014, 0.2460927934, 0.3778440841]
    assert found.converged
    assert found.loadings == pytest.approx(loadings, abs=2e-5)
    assert found.uniquenesses[:2] == pytest.approx([0.2732793694, 0.1859605913], abs=2e-5)
    assert found.estimate == pytest.approx(0.856326943927, abs=1e-5)
    assert omega_total(ATTITUDE, standardised=True).estimate == pytest.approx(0.840544672655, abs=1e-5)


def test_omega_is_alpha_where_items_load_alike() -> None:
    rng = np.random.default_rng(5)
    items = rng.normal(0, 1, (4000, 1)) + rng.normal(0, 1, (4000, 5))
    assert omega_total(items).estimate == pytest.approx(cronbach_alpha(items).estimate, abs=2e-3)
    assert omega_total(items).estimate == pytest.approx(5 / 6, abs=0.01)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (np.ones((5, 1)), "at least 2 units"),
        (np.ones((1, 5)), "at least 2 units"),
        (np.array([[1.0, N, 1], [2.0, 1, 1]]), "not finite"),
        (np.array([[1.0, 2, 3], [3.0, 2, 1], [2.0, 2, 2]]), "same sum"),
    ],
)
def test_items_without_a_common_variance_are_refused(items: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cronbach_alpha(items)
    with pytest.raises(ValueError, match="items"):
        omega_total(items)


def test_omega_refuses_a_constant_item_and_too_few_units() -> None:
    with pytest.raises(ValueError, match=r"without variance \(1\)"):
        omega_total(np.stack([np.arange(9.0), np.full(9, 4.0), np.arange(9.0) ** 2], axis=1))
    with pytest.raises(ValueError, match="more units than items"):
        omega_total(np.diag([1.0, 2.0, 3.0]))


# --- Krippendorff's alpha


def test_krippendorffs_example_on_all_four_scales() -> None:
    # Krippendorff (2011): nominal .743, ordinal .815, interval .849, ratio .797
    published = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849, "ratio": 0.797}
    for level in LEVELS:
        found = krippendorff_alpha(KRIPPENDORFF, level, np.random.default_rng(1), replicates=400)
        assert round(found.estimate, 3) == published[level]
        assert found.lower < found.estimate < found.upper <= 1.0
        assert found.units == 11  # the twelfth has one score only


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from(LEVELS))
def test_resamples_are_worked_out_as_the_package_does(seed: int, level: Level) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, rng.integers(2, 9), (rng.integers(3, 25), rng.integers(2, 5))).astype(float)
    table[rng.random(table.shape) < 0.2] = np.nan
    table = table[np.count_nonzero(~np.isnan(table), axis=1) >= 2]
    values, at = np.unique(table[~np.isnan(table)], return_inverse=True)
    if len(values) < 2:
        return
    counts = np.zeros((len(table), len(values)))
    np.add.at(counts, (np.nonzero(~np.isnan(table))[0], at), 1.0)
    weights = np.array([np.bincount(rng.integers(0, len(table), len(table)), minlength=len(table)) for _ in range(5)])
    for weight, alpha in zip(weights, _alphas(weights.astype(float), counts, values, level), strict=True):
        resampled = np.repeat(counts, weight, axis=0)
        if np.count_nonzero(resampled.sum(axis=0)) > 1:
            assert alpha == pytest.approx(_alpha(resampled, values, level), abs=1e-10)


def test_the_interval_of_agreement_holds_what_it_promises() -> None:
    # two assessors with error variance 1 on units of variance 4: interval alpha 0.8
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        table = np.round(rng.normal(0, 2, (60, 1)) + rng.normal(0, 1, (60, 2)), 1)
        found = krippendorff_alpha(table, "interval", rng, replicates=200)
        held += found.lower <= 0.8 <= found.upper
    assert held >= 51


def test_agreement_by_chance_is_none() -> None:
    table = np.random.default_rng(2).integers(0, 4, (2000, 3)).astype(float)
    assert krippendorff_alpha(table, "nominal", np.random.default_rng(0), 100).estimate == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize(
    ("table", "level", "message"),
    [
        (np.ones((4, 1)), "nominal", "at least two assessors"),
        (np.ones((4, 2)), "nominal", "all the same"),
        (np.array([[1.0, N], [N, 2.0], [1.0, 2.0]]), "nominal", "fewer than two units"),
        (np.array([[1.0, np.inf], [2.0, 2.0]]), "nominal", "infinite"),
        (np.array([[1.0, -1.0], [2.0, 2.0]]), "ratio", "negative"),
        (KRIPPENDORFF, "metric", "level is 'metric'"),
    ],
)
def test_scores_without_an_agreement_are_refused(table: np.ndarray, level: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        krippendorff_alpha(table, level, np.random.default_rng(0))  # type: ignore[arg-type]


# --- how many assessors


def test_components_of_the_crossed_model_give_the_intraclass_correlations() -> None:
    # balanced, so REML is analysis of variance: ICC(C,1), ICC(A,1), ICC(C,4), ICC(A,4)
    components = Components.of(crossed(grid(SHROUT_FLEISS.ravel(), 6, 4)))
    for n, consistency, agreement in ((1, 0.7148407148, 0.2897637795), (4, 0.9093155424, 0.6200505476)):
        found = reliability_with(components, n)
        assert found.generalizability == pytest.approx(consistency, abs=1e-5)
        assert found.dependability == pytest.approx(agreement, abs=1e-5)


def test_more_criteria_and_assessors_are_more_reliable() -> None:
    components = Components(0.8, 0.6, 0.2, 0.3, 0.4)
    by_criteria = [reliability_with(components, 2, criteria) for criteria in (1, 4)]
    # one criterion: 1.4 / (1.4 + .4 / 2); plain means: 1.4 / (1.4 + (.4 + .5) / 2)
    assert by_criteria[0].generalizability == pytest.approx(1.4 / 1.6)
    assert by_criteria[0].dependability == pytest.approx(1.4 / 1.85)
    # mean of four: true .8 + .15, error (.1) / 2, and (.1 + .2 + .075) / 2
    assert by_criteria[1].generalizability == pytest.approx(0.95 / 1.0)
    assert by_criteria[1].dependability == pytest.approx(0.95 / (0.95 + 0.375 / 2))
    rising = [reliability_with(components, n).dependability for n in range(1, 9)]
    assert all(a < b for a, b in pairwise(rising))


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 5), st.floats(0, 5), st.floats(0.05, 5), st.floats(0.05, 0.98), st.booleans())
def test_so_many_assessors_are_enough_and_one_fewer_is_not(
    unit: float, assessor: float, residual: float, wanted: float, removed: bool
) -> None:
    components = Components(unit, 0.0, assessor, 0.0, residual)
    n = assessors_needed(components, wanted, severity_removed=removed)
    assert n is not None

    def reached(assessors: int) -> float:
        found = reliability_with(components, assessors)
        return found.generalizability if removed else found.dependability

    assert reached(n) >= wanted - 1e-9
    assert n == 1 or reached(n - 1) < wanted


def test_no_number_of_assessors_tells_units_apart_that_do_not_differ() -> None:
    alike = Components(0.0, 0.0, 1.0, 0.0, 1.0)
    assert assessors_needed(alike, 0.6) is None
    assert reliability_with(alike, 100).generalizability == 0.0
    plates = Components.of(crossed(grid(PENICILLIN, 24, 6)))
    assert assessors_needed(plates, 0.6) == 1


def test_spearman_brown_and_its_inverse() -> None:
    assert spearman_brown(0.7148407148, 4) == pytest.approx(0.9093155424, abs=1e-9)
    assert spearman_brown(0.6, times_needed(0.6, 0.9)) == pytest.approx(0.9)
    assert spearman_brown(0.8, 0.5) == pytest.approx(0.4 / 0.6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Components(1.0, 0.0, -0.1, 0.0, 1.0), "the variance assessor is -0.1"),
        (lambda: Components(np.nan, 0.0, 0.1, 0.0, 1.0), "the variance unit is nan"),
        (lambda: reliability_with(Components(1, 0, 0, 0, 1), 0), "assessors is 0"),
        (lambda: assessors_needed(Components(1, 0, 0, 0, 1), 1.0), "wanted is 1.0"),
        (lambda: assessors_needed(Components(1, 0, 0, 0, 1), 0.5, criteria=0), "criteria is 0"),
        (lambda: spearman_brown(0.5, 0.0), "times is 0.0"),
        (lambda: spearman_brown(1.5, 2.0), "reliability is 1.5"),
        (lambda: times_needed(0.0, 0.5), "reliability is 0.0"),
    ],
)
def test_what_no_reliability_could_be_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
