"""Screening, denominators, imputation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.index.denominators import divide
from methods.index.imputation import (
    fit_normal,
    impute_by_group,
    impute_centre,
    impute_normal,
    impute_regression,
)
from methods.index.screening import availability, screen

NAN = np.nan
X = np.array([[1.0, 0.0, NAN, 4.0], [2.0, NAN, NAN, 0.0], [3.0, 0.0, NAN, 0.0], [4.0, 6.0, 5.0, 0.0]])

# Little, Rubin, Statistical Analysis with Missing Data (2002), table 7.4: Draper and Smith's data with values deleted
HALD = np.array(
    [
        [7, 26, 6, 60, 78.5],
        [1, 29, 15, 52, 74.3],
        [11, 56, 8, 20, 104.3],
        [11, 31, 8, 47, 87.6],
        [7, 52, 6, 33, 95.9],
        [11, 55, 9, 22, 109.2],
        [3, 71, 17, NAN, 102.7],
        [1, 31, 22, NAN, 72.5],
        [2, 54, 18, NAN, 93.1],
        [NAN, NAN, 4, NAN, 115.9],
        [NAN, NAN, 23, NAN, 83.8],
        [NAN, NAN, 9, NAN, 113.3],
        [NAN, NAN, 8, NAN, 109.4],
    ]
)


def test_availability_counts_gaps_zeros_and_what_does_not_apply():
    found = availability(X)
    assert found.unit_missing.tolist() == [1, 2, 1, 0]
    assert found.unit_available.tolist() == [0.75, 0.5, 0.75, 1.0]
    np.testing.assert_allclose(found.unit_nonzero, [2 / 3, 1 / 2, 1 / 3, 3 / 4])
    assert found.indicator_missing.tolist() == [0, 1, 3, 0]
    assert found.constant.tolist() == [False, False, True, False]
    applies = np.ones(X.shape, bool)
    applies[:3, 2] = False
    assert availability(X, applies).unit_available.tolist() == [1.0, 2 / 3, 1.0, 1.0]


def test_units_and_indicators_below_the_thresholds_fall_out_with_the_reason():
    done = screen(X, 0.6, indicator_least_available=0.5, least_nonzero=0.4)
    assert done.indicators.tolist() == [0, 1, 3]
    assert done.units.tolist() == [0, 1, 3]
    np.testing.assert_array_equal(done.values, X[np.ix_([0, 1, 3], [0, 1, 3])])
    assert done.reasons == (
        "indicator 2: 25 % of the units have a number, 50 % are needed",
        "unit 2: 33 % of its numbers are not 0, 40 % are needed",
    )


def test_units_are_kept_and_dropped_by_name():
    done = screen(X, 0.7, keep=(1,), drop=(3,))
    assert done.units.tolist() == [0, 1, 2]
    assert done.reasons == (
        "unit 1: kept by name, though 50 % of its indicators have a number, 70 % are needed",
        "unit 3: left out by name",
    )


def test_screening_by_availability_leaves_out_whom_the_rule_of_coinr_leaves_out(asem):
    # ?Screen.data.frame: iData <- ASEM_iData[40:51, c("uCode", "Research", "Pat", "CultServ", "CultGood")],
    # unit_screen = "byNA", dat_thresh = 0.75: units with more than one of four missing fall out
    columns = [asem.indicators.index(name) for name in ("Research", "Pat", "CultServ", "CultGood")]
    done = screen(asem.idata[:, columns], 0.75)
    gaps = np.isnan(asem.idata[:, columns]).sum(axis=1)
    assert done.units.tolist() == np.flatnonzero(gaps <= 1).tolist()
    assert [asem.units[u] for u in range(51) if u not in done.units] == ["BGD", "BRN", "KHM", "LAO", "MMR", "VNM"]


def test_denominators_divide_and_scale_what_they_should():
    people = np.array([[1000.0, 0.0], [4000.0, 5.0], [500.0, 0.0], [NAN, 5.0]])
    done = divide(X, people, np.array([0, -1, -1, 1]), np.array([100.0, 7.0, 7.0, 1.0]), zero="missing")
    np.testing.assert_allclose(done[:, 0], [0.1, 0.05, 0.6, NAN])
    np.testing.assert_array_equal(done[:, 1:3], X[:, 1:3])
    np.testing.assert_array_equal(done[:, 3], [NAN, 0.0, NAN, 0.0])
    np.testing.assert_array_equal(
        divide(np.stack([X, X]), people, np.array([0, -1, -1, 1]), zero="missing")[1],
        divide(X, people, np.array([0, -1, -1, 1]), zero="missing"),
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: availability(X[0]), "it must be \\(units, indicators\\)"),
        (lambda: availability(np.array([[np.inf]])), "infinite"),
        (lambda: availability(X, np.ones((2, 2), bool)), "applies has shape"),
        (lambda: screen(X, 1.5), "least_available is 1.5; it must be a share"),
        (lambda: screen(X, keep=(9,)), "unit 9 does not exist or stands in both"),
        (lambda: screen(X, keep=(1,), drop=(1,)), "unit 1 does not exist or stands in both"),
        (lambda: screen(X[:3], indicator_least_nonzero=1.0, indicator_least_available=1.0, drop=(0, 1, 2)), "no unit"),
        (lambda: screen(np.full((2, 2), NAN), indicator_least_available=0.1), "no indicator passes"),
        (
            lambda: divide(X, np.array([[1.0], [0.0], [1.0], [1.0]]), np.array([0, -1, -1, -1])),
            "unit 1 has 0 under ind",
        ),
        (lambda: divide(X, -np.ones((4, 1)), np.array([0, -1, -1, -1])), "negative or infinite"),
        (lambda: divide(X, np.ones((3, 1)), np.array([0, -1, -1, -1])), "denominators has shape"),
        (lambda: divide(X, np.ones((4, 1)), np.array([1, -1, -1, -1])), "by must hold 4 columns"),
        (lambda: divide(X, np.ones((4, 1)), np.array([0, -1, -1, -1]), 0.0), "scale must be finite and not 0"),
    ],
)
def test_screening_and_denominators_refuse_what_makes_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_means_and_medians_carry_the_variance_of_a_unit_about_them():
    x = np.array([[1.0, 2.0], [2.0, NAN], [9.0, NAN], [NAN, NAN]])
    mean = impute_centre(x)
    assert mean.values[3, 0] == 4.0
    assert mean.variance[3, 0] == pytest.approx(19 * (1 + 1 / 3))  # var(1, 2, 9) = 19
    median = impute_centre(x, "median")
    assert median.values[3, 0] == 2.0
    assert median.variance[3, 0] == pytest.approx((1 + 0 + 49) / 2 + 19 * (np.pi / 2 / 3 - (np.pi / 2 - 1) / 2))
    assert np.isnan(mean.values[1:, 1]).all()  # one number tells no spread
    assert mean.imputed.tolist() == [[False, False], [False, False], [False, False], [True, False]]
    assert (mean.variance[~mean.imputed] == 0).all()
    assert impute_centre(np.vstack([x, [[4.0, NAN]]]), "median").values[3, 0] == 3.0


def test_what_numbers_leave_unknown_adds_to_the_variance():
    x, unsure = np.array([[1.0], [3.0], [NAN]]), np.array([[2.0], [6.0], [NAN]])
    assert impute_centre(x, variance=unsure).variance[2, 0] == pytest.approx((2 + 4) * 1.5)


def test_imputation_by_group_stays_within_it_or_falls_back_on_all():
    x, level = np.array([[1.0], [3.0], [NAN], [50.0], [NAN]]), np.array(["K", "K", "K", "T", "T"], object)
    assert np.isnan(impute_by_group(x, level).values[4, 0])
    assert impute_by_group(x, level, otherwise="all").values[[2, 4], 0].tolist() == [2.0, 18.0]


def test_the_spread_that_imputation_states_is_what_a_unit_has():
    rng = np.random.default_rng(3)
    x = rng.normal(50, 10, (20_000, 6, 1))
    truth = x[:, 5, 0].copy()
    x[:, 5] = NAN
    for centre in ("mean", "median"):
        done = impute_centre(x, centre)
        error = done.values[:, 5, 0] - truth
        assert np.mean(error**2) == pytest.approx(np.mean(done.variance[:, 5, 0]), rel=0.05)


def test_regression_imputes_as_r_predicts():
    # R 4.2.2: predict(lm(dist ~ speed, cars), data.frame(speed = 21), se.fit = TRUE): fit 65.00149, se.fit 3.185116,
    # residual.scale 15.37959; of one value: variance se.fit^2 + residual.scale^2
    speed = [4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 16, 16]
    speed += [17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25, 21]
    distance = [2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20, 26, 54]
    distance += [32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85, NAN]
    done = impute_regression(np.array(distance)[:, None], np.array(speed, float)[:, None])
    assert done.values[50, 0] == pytest.approx(65.00149, abs=1e-5)
    assert done.variance[50, 0] == pytest.approx(3.185116164**2 + 15.37958675**2, rel=1e-6)


def test_regression_in_groups_leaves_out_what_has_too_few_numbers():
    x = np.array([[1.0], [2.0], [3.5], [NAN], [5.0], [7.0], [NAN]])
    known, group = np.arange(7.0)[:, None], np.array([0, 0, 0, 0, 1, 1, 1])
    done = impute_regression(x, known, group=group)
    np.testing.assert_allclose(done.values[3], impute_regression(x[:4], known[:4]).values[3])
    assert np.isnan(done.values[6, 0])


def test_em_finds_the_maximum_likelihood_of_little_and_rubin():
    # Little, Rubin (2002), example 7.8: the pattern is monotone, so that the maximum has a closed form
    found = fit_normal(HALD)
    np.testing.assert_allclose(found.mean, [6.655, 49.965, 11.769, 27.047, 95.423], atol=6e-4)
    np.testing.assert_allclose(np.diag(found.covariance), [21.826, 238.012, 37.870, 294.183, 208.905], atol=2e-3)
    np.testing.assert_allclose(found.covariance[4, :4], [46.953, 195.604, -47.556, -190.599], atol=2e-3)


def test_em_finds_the_closed_form_of_a_monotone_pattern():
    # Anderson (1957): the likelihood falls apart into that of X3 and X5 over 13 units, of X1 and X2 given them over 9,
    # and of X4 given all over 6; each has its maximum by least squares, and the parts compose
    found = fit_normal(HALD)
    mean, covariance = HALD[:, [2, 4]].mean(axis=0), np.cov(HALD[:, [2, 4]].T, bias=True)
    have = [2, 4]
    for new, units in (([0, 1], 9), ([3], 6)):
        design = np.column_stack([np.ones(units), HALD[:units, have]])
        b = np.linalg.lstsq(design, HALD[:units, new], rcond=None)[0]
        left = HALD[:units, new] - design @ b
        across = b[1:].T @ covariance
        covariance = np.block([[covariance, across.T], [across, across @ b[1:] + left.T @ left / units]])
        mean = np.concatenate([mean, b[0] + b[1:].T @ mean])
        have += new
    np.testing.assert_allclose(found.mean[have], mean, atol=1e-4)
    np.testing.assert_allclose(found.covariance[np.ix_(have, have)], covariance, atol=2e-3)


def test_em_imputes_the_regression_on_what_is_there_where_the_pattern_is_monotone():
    # with a monotone pattern maximum likelihood is a chain of regressions (Anderson 1957): X1 on X3, X5 from nine units
    done = impute_normal(HALD)
    chain = impute_regression(HALD[:, :1], HALD[:, [2, 4]])
    np.testing.assert_allclose(done.values[9:, 0], chain.values[9:, 0], atol=1e-5)
    assert (done.variance[done.imputed] > 0).all()
    np.testing.assert_array_equal(done.values[~np.isnan(HALD)], HALD[~np.isnan(HALD)])


def test_a_ridge_lets_few_units_have_many_indicators(asem):
    with pytest.raises(ValueError, match="cannot tell the correlations of 49 indicators; take fewer, or ridge > 0"):
        impute_normal(asem.denominated)
    done = impute_normal(asem.denominated, ridge=10.0)
    assert np.isfinite(done.values).all()
    assert done.imputed.sum() == 65


def test_a_unit_without_any_number_gets_the_mean_and_the_variance_of_all():
    x = np.vstack([HALD, np.full((1, 5), NAN)])
    found, done = fit_normal(x), impute_normal(x)
    np.testing.assert_allclose(done.values[-1], found.mean)
    np.testing.assert_allclose(done.variance[-1], np.diag(found.covariance))
    np.testing.assert_allclose(found.mean, fit_normal(HALD).mean)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["mean", "median"]))
def test_imputation_does_not_depend_on_order_unit_of_measurement_or_other_draws(seed, centre):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (3, 12, 4))
    x[rng.random(x.shape) < 0.3] = NAN
    group = rng.integers(0, 3, 12)
    done = impute_by_group(x, group, centre)
    order = rng.permutation(12)
    again = impute_by_group(x[:, order], group[order], centre)
    np.testing.assert_allclose(again.values, done.values[:, order], atol=1e-12)
    np.testing.assert_allclose(again.variance, done.variance[:, order], atol=1e-12)
    np.testing.assert_array_equal(impute_by_group(x[1], group, centre).values, done.values[1])
    moved = impute_by_group(x * 10 + 3, group, centre)
    np.testing.assert_allclose(moved.values, done.values * 10 + 3, atol=1e-9)
    np.testing.assert_allclose(moved.variance, done.variance * 100, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: impute_centre(np.array([[1.0], [np.inf]])), "infinite"),
        (lambda: impute_centre(X, "mode"), "they must be mean or median"),
        (lambda: impute_centre(X, variance=-np.ones(X.shape)), "variance is negative"),
        (lambda: impute_centre(X, variance=np.full(X.shape, NAN)), "missing beside a number"),
        (lambda: impute_centre(X, variance=np.ones(3)), "variance has shape"),
        (lambda: impute_by_group(X, np.array([0, 1])), "group has shape \\(2,\\)"),
        (lambda: impute_regression(X, np.ones((4, 1))), "repeat each other, or do not vary"),
        (lambda: impute_regression(X, np.full((4, 1), NAN)), "covariates has gaps"),
        (lambda: impute_regression(X, np.ones((3, 1))), "covariates has shape"),
        (lambda: fit_normal(X), "indicator 2 has fewer than two different numbers"),
        (lambda: fit_normal(HALD, ridge=-1.0), "ridge is -1.0"),
        (lambda: fit_normal(HALD, most=3), "after 3 iterations"),
    ],
)
def test_imputation_refuses_what_makes_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()
