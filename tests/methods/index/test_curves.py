"""A scale found from the point values gives what the normalisations of a whole data set give."""

import numpy as np
import pytest

from methods.index.curves import Way, find, score, treated
from methods.index.normalisation import distance_to_target, fraction_of_max, minmax, percentile_ranks, ranks, z_scores
from methods.index.treatment import Limits, treat

LONG = np.array([*range(1, 11), 30.0, 100.0])


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    ("method", "whole"),
    [
        ("min_max", minmax),
        ("z_score", lambda x, d: z_scores(x, d)),
        ("rank", ranks),
        ("percentile", lambda x, d: percentile_ranks(x, d) * 100),
        ("target", lambda x, d: distance_to_target(x, 50.0 if d > 0 else 0.5, d) * 100),
    ],
)
def test_the_units_get_the_scores_of_the_whole_data_set(method, whole, direction):
    x = np.array([4.0, 7.5, 7.5, 1.0, np.nan, 22.0])
    target = 50.0 if direction > 0 else 0.5
    got = score(find(x, Way(method, direction=direction, target=target)), x)
    np.testing.assert_allclose(got, whole(x[:, None], direction)[:, 0], rtol=1e-13, atol=1e-12)


def test_a_share_of_the_best_is_that_of_the_whole_data_set():
    x = np.array([2.0, 8.0, 5.0])
    np.testing.assert_allclose(score(find(x, Way("share_of_best")), x), 100 * fraction_of_max(x[:, None])[:, 0])


@pytest.mark.parametrize("limits", [Limits(), Limits(most=0), Limits(most=0, otherwise="log_GII"), Limits(most=1)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_treatment_is_that_of_the_whole_data_set_and_rises_between(limits, sign):
    x = sign * LONG
    curve = find(x, Way("min_max", winsorise=limits))
    np.testing.assert_allclose(treated(curve, x), treat(x[:, None], limits).values[:, 0], rtol=1e-12)
    between = treated(curve, np.linspace(x.min() - 5, x.max() + 5, 999))
    assert (np.diff(between) >= 0).all()


def test_a_transformation_between_the_units_is_the_transformation():
    x = LONG
    curve = find(x, Way("none", transform="log"))
    inside = np.linspace(2, 99, 50)
    np.testing.assert_allclose(treated(curve, inside), np.log(inside), atol=2e-3)


@pytest.mark.parametrize(
    ("values", "way", "told"),
    [
        ([3.0, 3.0], Way("min_max"), "two that differ"),
        ([3.0], Way("percentile"), "needs two"),
        ([3.0, 9.0], Way("target", target=2.0), "not better than the worst"),
        ([-3.0, 0.0], Way("share_of_best"), "above 0"),
        ([0.0, 4.0], Way("min_max", transform="log"), "above 0"),
    ],
)
def test_data_that_make_no_scale_are_refused(values, way, told):
    with pytest.raises(ValueError, match=told):
        find(np.array(values), way)
