"""Cells and responses give equal estimates, whatever the order of rows and however a cell is split."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.survey.designs import clustered
from methods.survey.estimation import Moments, design_effect, means, moments, ratios, totals
from methods.survey.margins import collapse, margin
from methods.survey.raking import rake

RESPONSES = 240


def invented(seed, groups, clusters):
    """Responses to two items, with strata, clusters, domains and two margins within groups."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, RESPONSES)
    stratum = 2 * group + rng.integers(0, 2, RESPONSES)
    psu = np.where(rng.random(RESPONSES) < clusters, 5 * stratum + rng.integers(0, 5, RESPONSES), -1)
    y = np.round(rng.normal(60, 20, (RESPONSES, 2)))
    y[rng.random(y.shape) < 0.1] = np.nan
    return {
        "group": group,
        "stratum": stratum,
        "psu": psu,
        "domain": rng.integers(-1, 3, RESPONSES),
        "weight": rng.choice([1.0, 2.5, 4.0], RESPONSES),
        "age": 3 * group + rng.integers(0, 3, RESPONSES),
        "sex": np.where(rng.random(RESPONSES) < 0.1, -1, 2 * group + rng.integers(0, 2, RESPONSES)),
        "y": y,
    }


KEYS = ("group", "stratum", "psu", "domain", "weight", "age", "sex")


def everything(t, n, of, product, groups, residuals):
    ages, sexes = np.repeat(np.arange(groups), 3), np.repeat(np.arange(groups), 2)
    design = clustered(t["weight"], t["psu"], t["stratum"], n, lonely="adjust")
    margins = [
        margin("age", t["age"], np.tile([500.0, 300, 200], groups), ages),
        collapse(margin("sex", t["sex"], np.tile([480.0, 520], groups), sexes), n, t["group"], least=5),
    ]
    raked = rake(design, margins, t["group"], totals="shares", skipped="proportional", limits=(0.2, 5), unmet="report")
    found = []
    for calibration in (None, raked):
        args = (t["domain"], 3, calibration, residuals)
        for one in (means(design, of, *args), totals(design, of, *args)):
            found += [one.estimate, one.variance, one.n, one.kish, design_effect(one, replacement=True)]
        both = of.n.min(axis=1, keepdims=True)
        one = ratios(
            design,
            Moments(both, product[:, :1], product[:, 1:2]),
            Moments(both, product[:, 2:3], product[:, 3:4]),
            product[:, 4:],
            *args,
        )
        found += [one.estimate, one.variance]
    return np.concatenate([np.ravel(v) for v in found])


def responses(t):
    of = moments(t["y"])
    both = of.n.min(axis=1, keepdims=True) > 0
    y, x = np.nan_to_num(t["y"][:, :1]), np.nan_to_num(t["y"][:, 1:])
    product = np.where(both, np.concatenate([y, y * y, x, x * x, y * x], axis=1), 0.0)
    return t, np.ones(RESPONSES), Moments(both * np.ones((1, 2)), of.sum * both, of.sumsq * both), product


def cells(t, n, of, product, split):
    """Rows of equal key (and of equal `split`) summed."""
    key = np.stack([t[k].astype(float) for k in KEYS] + [split.astype(float)], axis=1)
    _, first, cell = np.unique(key, axis=0, return_index=True, return_inverse=True)
    cell = cell.ravel()

    def add(values):
        return np.stack([np.bincount(cell, values[:, k]) for k in range(values.shape[1])], axis=1)

    moments_of_cells = Moments(add(of.n), add(of.sum), add(of.sumsq))
    return {k: t[k][first] for k in KEYS}, np.bincount(cell, n), moments_of_cells, add(product)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    groups=st.integers(1, 3),
    clusters=st.sampled_from([0.0, 0.5, 1.0]),
    parts=st.integers(1, 4),
    residuals=st.sampled_from(["design", "respondents"]),
)
def test_cells_give_the_estimates_of_their_responses_however_they_are_split(seed, groups, clusters, parts, residuals):
    t = invented(seed, groups, clusters)
    single = responses(t)
    expected = everything(*single, groups, residuals)
    rng = np.random.default_rng(seed)
    summed = cells(*single, rng.integers(0, parts, RESPONSES))
    assert len(summed[1]) < RESPONSES
    np.testing.assert_allclose(everything(*summed, groups, residuals), expected, rtol=1e-10)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), groups=st.integers(1, 3), clusters=st.sampled_from([0.0, 0.5, 1.0]))
def test_the_order_of_rows_does_not_matter(seed, groups, clusters):
    t, n, of, product = responses(invented(seed, groups, clusters))
    order = np.random.default_rng(seed).permutation(RESPONSES)
    mixed = Moments(of.n[order], of.sum[order], of.sumsq[order])
    found = everything({k: t[k][order] for k in KEYS}, n, mixed, product[order], groups, "design")
    np.testing.assert_allclose(found, everything(t, n, of, product, groups, "design"), rtol=1e-10)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), times=st.sampled_from([0.01, 3.0, 1000.0]))
def test_scaling_answers_scales_estimates_and_scaling_weights_scales_totals(seed, times):
    t = invented(seed, 2, 0.5)
    design = clustered(t["weight"], t["psu"], t["stratum"], lonely="adjust")
    wider = clustered(times * t["weight"], t["psu"], t["stratum"], lonely="adjust")
    one, scaled = means(design, moments(t["y"]), t["domain"]), means(design, moments(times * t["y"]), t["domain"])
    np.testing.assert_allclose(scaled.estimate, times * one.estimate, rtol=1e-10)
    np.testing.assert_allclose(scaled.variance, times**2 * one.variance, rtol=1e-10)
    np.testing.assert_allclose(means(wider, moments(t["y"]), t["domain"]).variance, one.variance, rtol=1e-10)
    total = totals(design, moments(t["y"]))
    np.testing.assert_allclose(totals(wider, moments(t["y"])).variance, times**2 * total.variance, rtol=1e-10)


def test_groups_are_calibrated_as_if_each_were_alone():
    t, n, of, _ = responses(invented(5, 3, 0.5))
    counts = np.tile([500.0, 300, 200], 3)
    design = clustered(t["weight"], t["psu"], t["stratum"], n)
    whole = rake(design, [margin("age", t["age"], counts, np.repeat(np.arange(3), 3))], t["group"])
    together = means(design, of, t["group"], 3, whole)
    for g in range(3):
        mine = t["group"] == g
        psu = np.unique(t["psu"][mine], return_inverse=True)[1] - 1
        alone = clustered(t["weight"][mine], psu, np.unique(t["stratum"][mine], return_inverse=True)[1])
        part = Moments(of.n[mine], of.sum[mine], of.sumsq[mine])
        raked = rake(alone, [margin("age", t["age"][mine] - 3 * g, counts[:3])])
        np.testing.assert_allclose(raked.factor, whole.factor[mine], rtol=1e-12)
        one = means(alone, part, calibration=raked)
        np.testing.assert_allclose(one.estimate[0], together.estimate[g], rtol=1e-12)
        np.testing.assert_allclose(one.variance[0], together.variance[g], rtol=1e-10)
