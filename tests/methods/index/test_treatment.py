"""Treatment against R's e1071 and car, and against COINr's loop written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.index.moments import kurtosis, skewness
from methods.index.transformation import best_power, box_cox, log, log_ct, log_ct_orig, log_gii
from methods.index.treatment import Limits, in_order, told, treat, winsorise

NAN = np.nan


def shape(x):
    """Skewness and kurtosis as COINr has them, by the textbook."""
    x = x[~np.isnan(x)]
    n, d = x.size, x - (x.mean() if x.size else 0.0)
    if n < 4 or x.min() == x.max():
        return 0.0, 0.0
    g1 = np.sqrt(n) * (d**3).sum() / (d**2).sum() ** 1.5
    g2 = n * (d**4).sum() / (d**2).sum() ** 2 - 3
    return g1 * np.sqrt(n * (n - 1)) / (n - 2), ((n + 1) * g2 + 6) * (n - 1) / ((n - 2) * (n - 3))


def point_by_point(x, limits):
    """COINr's loop: move the extreme points to the next, look again. Also how near a decision was to its limit."""
    x, high, low, near = x.copy(), 0, 0, np.inf
    while True:
        s, k = shape(x)
        near = min(near, abs(abs(s) - limits.skewness), abs(k - limits.kurtosis))
        if not (abs(s) > limits.skewness and k > limits.kurtosis) or (
            limits.most is not None and high + low >= limits.most
        ):
            return x, high, low, near
        near = min(near, abs(s))
        if s >= 0:
            at = x == np.nanmax(x)
            x[at] = np.nanmax(x[~at])
            high = int(at.sum())
        else:
            at = x == np.nanmin(x)
            x[at] = np.nanmin(x[~at])
            low = int(at.sum())


def test_skewness_and_kurtosis_are_those_of_r(asem):
    # e1071 1.7-13: skewness(x, type = 2), kurtosis(x, type = 2) of ForPort and FemLab in asem_imputed.csv
    here = asem.imputed[:, [asem.indicators.index(name) for name in ("ForPort", "FemLab")]]
    np.testing.assert_allclose(skewness(here), [6.92776587939691, -2.00890446503692], rtol=1e-12)
    np.testing.assert_allclose(kurtosis(here), [48.8152153135076, 5.00051371270802], rtol=1e-12)


def test_the_power_of_box_and_cox_is_that_of_r(asem):
    # car 3.1-1: powerTransform(d$Goods - min(d$Goods) + 1)$lambda in asem_imputed.csv
    goods = asem.imputed[:, asem.indicators.index("Goods")]
    assert best_power(goods) == pytest.approx(-0.965506443918262, abs=1e-4)
    np.testing.assert_allclose(box_cox(goods), box_cox(goods, best_power(goods)))


def test_logarithms_follow_their_formulas():
    x = np.array([[1.0, 5.0], [3.0, 7.0], [11.0, NAN]])
    np.testing.assert_allclose(log_ct(x)[:, 0], np.log([0.1, 2.1, 10.1]))
    np.testing.assert_allclose(log_ct_orig(x)[:, 0], np.log([1.0, 3.0, 11.0]))
    np.testing.assert_allclose(log_gii(x)[:, 0], np.log([1.0, 3.0, 11.0]))
    np.testing.assert_allclose(log(x)[:, 0], np.log([1.0, 3.0, 11.0]))
    np.testing.assert_allclose(box_cox(x, 0.0)[:, 0], np.log([1.0, 3.0, 11.0]))
    np.testing.assert_allclose(box_cox(x, -1.0)[:, 0], 1 - 1 / np.array([1.0, 3.0, 11.0]))
    for transform in (log_ct, log_ct_orig, log_gii, log):
        assert np.isnan(transform(x)).tolist() == [[False, False], [False, False], [False, True]]


def test_two_outliers_of_coinrs_manual_are_winsorised():
    # ?winsorise in COINr 1.1: x <- c(1:10, 30, 100)
    done = winsorise(np.array([[*range(1, 11), 30.0, 100.0]]).T)
    assert done.values[:, 0].tolist() == [*range(1, 11), 30.0, 30.0]
    assert (done.high.tolist(), done.low.tolist(), done.passed.tolist()) == ([1], [0], [True])


def test_what_winsorising_does_not_mend_is_transformed_from_its_untouched_values():
    x = np.exp(np.linspace(0, 9, 40))[:, None]
    limits = Limits(most=1)
    done = treat(x, limits)
    assert not winsorise(x, limits).passed[0]
    assert (done.transformed.tolist(), done.high.tolist(), done.passed.tolist()) == ([True], [0], [True])
    np.testing.assert_array_equal(done.values, log_ct(x))
    assert told(done, ["income"]) == ("income: transformed",)


def test_a_tail_to_the_left_is_transformed_as_its_mirror_image():
    x = -np.exp(np.linspace(0, 9, 40))[:, None]
    done = treat(x, Limits(most=0))
    np.testing.assert_array_equal(done.values, -log_ct(-x))
    assert (np.diff(done.values[:, 0]) < 0).all()  # the order stays


def test_with_no_transformation_moved_points_stay_and_the_indicator_is_said_to_be_outside():
    x = np.exp(np.linspace(0, 9, 40))[:, None]
    done = treat(x, Limits(most=1, otherwise="none"))
    assert (done.high.tolist(), done.passed.tolist(), done.transformed.tolist()) == ([1], [False], [False])
    assert told(done, ["income"]) == ("income: 1 point moved down, still outside the limits",)


@pytest.mark.parametrize("otherwise", ["log", "log_CT", "log_CT_orig", "log_GII", "box_cox"])
def test_every_transformation_keeps_the_order_of_units(otherwise):
    x = np.exp(np.linspace(0, 9, 40))[:, None]
    assert (np.diff(treat(x, Limits(most=0, otherwise=otherwise)).values[:, 0]) > 0).all()


@settings(deadline=None, max_examples=300)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 3, 5, None]),
    st.sampled_from([0.3, 1.0, 2.0]),
    st.sampled_from(["ties", "tails", "far"]),
    st.booleans(),
)
def test_winsorising_is_the_loop_point_by_point(seed, most, skew, kind, gaps):
    rng = np.random.default_rng(seed)
    units = int(rng.integers(1, 30))
    x = rng.standard_t(1.5, (units, 6)) * 10.0 ** rng.integers(-3, 4, 6)
    if kind == "ties":
        x = np.round(x * 2 / np.abs(x).max())
    if kind == "far":
        x[0] *= 1e6
    if gaps:
        x[rng.random(x.shape) < 0.2] = NAN
    limits = Limits(skewness=skew, kurtosis=-10.0 if skew < 1 else 3.5, most=most)
    done = winsorise(x, limits)
    for j in range(6):
        values, high, low, near = point_by_point(x[:, j], limits)
        if near < 1e-7:  # which side of a limit rounding falls on is nobody's business
            continue
        np.testing.assert_array_equal(done.values[:, j], values)
        assert (done.high[j], done.low[j]) == (high, low)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_treatment_does_not_depend_on_order_scale_memory_or_neighbours(seed):
    rng = np.random.default_rng(seed)
    x = rng.lognormal(0, 1.5, (3, 20, 5)) * rng.choice([-1, 1], (1, 1, 5))
    done = treat(x)
    order = rng.permutation(20)
    again = treat(x[:, order])
    np.testing.assert_array_equal(again.high, done.high)
    np.testing.assert_array_equal(again.values, done.values[:, order])
    np.testing.assert_array_equal(treat(np.asfortranarray(x)).values, done.values)
    np.testing.assert_array_equal(treat(x[1]).values, done.values[1])
    np.testing.assert_array_equal(treat(x[..., 2:3]).values, done.values[..., 2:3])
    larger = winsorise(x * 8)  # a power of two, so that rounding is the same
    np.testing.assert_array_equal(larger.values, winsorise(x).values * 8)


def test_nothing_is_changed_in_place_and_what_is_in_order_comes_back_as_it_is():
    x = np.array([[*range(1, 11), 30.0, 100.0], [*range(12)]]).T
    before = x.copy()
    treat(x)
    np.testing.assert_array_equal(x, before)
    assert winsorise(x[:, 1:]).values is not None
    np.testing.assert_array_equal(winsorise(x).values[:, 1], x[:, 1])
    assert in_order(x).tolist() == [False, True]


def test_constant_short_and_empty_indicators_are_in_order():
    x = np.array([[5.0, 1.0, NAN, 1e70], [5.0, NAN, NAN, 1e70], [5.0, 9.0, NAN, 1e70], [5.0, NAN, NAN, 1e70]])
    done = treat(x)
    np.testing.assert_array_equal(done.values, x)
    assert done.passed.all()
    assert skewness(x)[0] == 0
    assert np.isnan(kurtosis(x)[1:3]).all()
    for shape in ((0, 3), (3, 0), (2, 3, 0), (0, 3, 2), (2, 0, 3)):
        assert treat(np.zeros(shape)).values.shape == shape


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: treat(np.array([1.0, 2.0])), r"values has shape \(2,\); it must be \(\.\.\., units, indicators\)"),
        (lambda: treat(np.array([[1.0], [np.inf]])), "infinite"),
        (lambda: Limits(skewness=-1), "skewness -1"),
        (lambda: Limits(kurtosis=NAN), "finite"),
        (lambda: Limits(most=-1), "most is -1; it must be 0 or more"),
        (lambda: Limits(otherwise="root"), "otherwise is 'root'; it must be none, log, log_CT"),
        (lambda: log(np.array([1.0, 0.0])), "values holds 0.0; a logarithm needs values above 0"),
        (lambda: log(np.array([1.0, -2.0])), "values holds -2.0"),
        (lambda: log_ct(np.array([[3.0], [3.0]])), "constant indicator"),
        (lambda: log_gii(np.array([0.1, 0.9])), "needs one above 1"),
        (lambda: box_cox(np.array([1.0, 2.0]), NAN), "power nan; it must be finite"),
        (lambda: box_cox(np.array([2.0, 2.0])), "constant indicator"),
        (lambda: treat(np.r_[np.full(20, -1.0), 500][:, None], Limits(most=0, otherwise="log")), "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
