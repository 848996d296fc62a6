"""Change between editions: published rejections, false coverage by simulation, chains that telescope."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from methods.change import chain, change, discoveries

NAN = np.nan

# Benjamini, Hochberg 1995, section 4.1: fifteen comparisons of treatments after a heart attack (Neuhaus et al. 1992)
PUBLISHED = np.array([
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0
])  # fmt: skip


def test_four_of_fifteen_are_found_as_benjamini_and_hochberg_published():
    adjusted, found = discoveries(PUBLISHED, 0.05)
    assert found.sum() == 4
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)
    assert discoveries(PUBLISHED[::-1].copy(), 0.05)[1].tolist() == found[::-1].tolist()


def test_limits_of_the_four_have_the_confidence_of_benjamini_and_yekutieli():
    z = -ndtri(PUBLISHED / 2)
    zero, one = np.zeros(15), np.ones(15)
    found = change(zero, zero, z, one)
    np.testing.assert_allclose(found.p, PUBLISHED, atol=1e-12)
    assert found.changed.sum() == 4
    np.testing.assert_allclose(found.confidence[found.changed], 1 - 4 * 0.05 / 15)
    wide = -ndtri(2 * 0.05 / 15)
    np.testing.assert_allclose(found.upper[:4] - z[:4], wide)
    np.testing.assert_allclose((found.upper - z)[4:], 1.959964, atol=1e-6)
    assert (found.lower[:4] > 0).all()


def test_false_coverage_stays_below_its_level_where_ordinary_limits_break_it():
    rng = np.random.default_rng(1)
    missed, ordinary = [], []
    for _ in range(400):
        truth = np.where(rng.random(200) < 0.2, rng.normal(0, 3, 200), 0.0)
        before = rng.normal(60, 8, 200)
        found = change(
            before + rng.normal(0, 1, 200), np.ones(200), before + truth + rng.normal(0, 1, 200), np.ones(200)
        )
        picked = found.changed
        count = max(picked.sum(), 1)
        missed.append((picked & ((truth < found.lower) | (truth > found.upper))).sum() / count)
        off = np.abs(found.difference - truth) > 1.96 * found.standard_error
        ordinary.append((picked & off).sum() / count)
    assert np.mean(missed) <= 0.055
    assert np.mean(missed) >= 0.02  # not idle
    assert np.mean(ordinary) > 0.08


def test_shrunken_estimates_would_hide_half_of_a_change():
    rng = np.random.default_rng(2)
    level, error = rng.normal(60, 4, 4000), 4.0
    before, after = (level + move + rng.normal(0, error, 4000) for move in (0.0, 6.0 * (level > 64)))
    movers = level > 64
    direct = change(before, np.full(4000, error), after, np.full(4000, error)).difference[movers].mean()
    shrunken = [x.mean() + 0.5 * (x - x.mean()) for x in (before, after)]
    assert direct == pytest.approx(6, abs=0.6)
    assert (shrunken[1] - shrunken[0])[movers].mean() < 4


def test_a_missing_edition_leaves_the_family_and_certainty_needs_no_test():
    before, after = np.array([50.0, NAN, 50, 50]), np.array([50.0, 60, 60, 51])
    error = np.array([0.0, 1, 0, 5])
    found = change(before, error, after, error)
    assert found.changed.tolist() == [False, False, True, False]
    assert np.isnan([found.difference[1], found.p[1], found.lower[1], found.confidence[1]]).all()
    assert (found.lower[2], found.upper[2]) == (10, 10)
    assert found.p[0] == 1
    assert found.confidence[2] == pytest.approx(1 - 0.05 / 3)


def test_a_shared_error_makes_a_change_surer():
    sixty, five = np.array([60.0]), np.array([5.0])
    apart = change(sixty, five, sixty + 6, five)
    panel = change(sixty, five, sixty + 6, five, covariance=np.array([20.0]))
    assert apart.standard_error[0] == pytest.approx(np.sqrt(50))
    assert panel.standard_error[0] == pytest.approx(np.sqrt(10))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(-50, 50))
def test_order_unit_of_measurement_and_origin_change_nothing(seed, scale, origin):
    rng = np.random.default_rng(seed)
    before, after = rng.normal(60, 5, (2, 20))
    error = rng.uniform(0.5, 2, (2, 20))
    order = rng.permutation(20)
    plain = change(before, error[0], after, error[1])
    other = change(
        (scale * before + origin)[order],
        scale * error[0, order],
        (scale * after + origin)[order],
        scale * error[1, order],
    )
    np.testing.assert_allclose(other.lower, scale * plain.lower[order], rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(other.adjusted, plain.adjusted[order], rtol=1e-6, atol=1e-12)


def test_a_chain_measured_in_one_way_is_the_last_less_the_first():
    value, error = np.array([[60.0, 50], [63, 48], [61, 52], [70, 50]]), np.array([[1.0, 2], [2, 2], [3, 2], [4, 2]])
    linked = chain(value[:-1], error[:-1], value[1:], error[1:])
    np.testing.assert_allclose(linked.level, value)
    np.testing.assert_allclose(linked.cumulative, value - value[0])
    np.testing.assert_allclose(linked.standard_error[1:], np.sqrt(error[0] ** 2 + error[1:] ** 2))
    assert (linked.standard_error[0] == 0).all()


def test_a_chain_over_other_indicators_adds_the_changes_of_its_links():
    rng = np.random.default_rng(3)
    before, after = np.array([[60.0], [40.0]]), np.array([[66.0], [43.0]])
    error, shared = np.full((2, 1), 2.0), np.array([[1.0]])
    linked = chain(before, error, after, error, shared)
    assert linked.level[:, 0].tolist() == [60, 66, 69]
    ends = rng.normal(0, 2, (200_000, 2))
    middle = rng.multivariate_normal([0, 0], [[4, 1], [1, 4]], 200_000)  # the edition between, measured twice
    errors = (middle[:, 0] - ends[:, 0]) + (ends[:, 1] - middle[:, 1])
    assert linked.standard_error[2, 0] == pytest.approx(errors.std(), rel=0.01)


def test_a_gap_breaks_the_chain_of_its_unit_only():
    value = np.array([[60.0, 50], [63, NAN], [61, 52]])
    linked = chain(value[:-1], np.ones((2, 2)), value[1:], np.ones((2, 2)))
    assert np.isfinite(linked.cumulative[:, 0]).all()
    assert np.isnan(linked.cumulative[1:, 1]).all()
    assert linked.level[0, 1] == 50


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: discoveries(np.array([0.5, 1.5])), "p of unit 1 is 1.5"),
        (lambda: discoveries(np.array([0.5]), 0), "level is 0"),
        (lambda: change(*np.ones((3, 2)), np.ones(3)), "all are \\(units,\\)"),
        (lambda: change(np.ones(1), -np.ones(1), np.ones(1), np.ones(1)), "before_error of unit 0 is -1.0"),
        (lambda: change(np.ones(1), np.ones(1), np.ones(1), np.array([NAN])), "after_error of unit 0 is nan"),
        (lambda: change(*np.ones((4, 1)), covariance=2.0), "covariance of unit 0 is 2.0; the errors allow at most 1.0"),
        (lambda: chain(*np.ones((3, 1, 2)), np.ones(2)), "all are \\(links, units\\)"),
        (lambda: chain(*np.ones((4, 2, 2)), np.ones((2, 2))), "middle has shape \\(2, 2\\); it must be \\(1, 2\\)"),
        (lambda: chain(*np.ones((4, 2, 1)), np.array([[3.0]])), "middle of link 0, unit 0 is 3.0"),
        (lambda: chain(np.ones((1, 1)), -np.ones((1, 1)), *np.ones((2, 1, 1))), "before_error of link 0, unit 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_units_have_no_changes():
    none = np.zeros(0)
    assert change(none, none, none, none).changed.size == 0
