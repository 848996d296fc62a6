"""The doubly robust mean by closed form, and by repetition: unbiased, with intervals that hold, and a z that is normal.

nonprobsvy 0.2.2 (R) mis-orders its propensities in the standard error, so it is no oracle for it.
"""

import numpy as np
import pytest
from scipy.special import expit

from methods.survey.designs import simple, stratified
from methods.survey.estimation import moments
from methods.survey.open_link import calibrated, open_against_sample


def compare(open_y, open_x, sample, y, x):
    ones = np.ones(len(open_y))
    return open_against_sample(ones, open_y, open_y**2, open_x, sample, moments(y), x)


def test_with_one_categorical_auxiliary_it_is_post_stratification():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 3, 150), rng.integers(0, 3, 90)
    y, z = rng.normal(50 + 10 * a, 5), rng.normal(50 + 10 * b, 5)
    weight = rng.choice([20.0, 30.0], 90)
    found = compare(y, np.eye(3)[a][:, 1:], simple(weight), z, np.eye(3)[b][:, 1:])
    size = np.bincount(b, weight)
    expected = sum(size[h] * y[a == h].mean() for h in range(3)) / size.sum()
    assert found.estimate == pytest.approx(expected, rel=1e-10)
    assert found.sample == pytest.approx(np.average(z, weights=weight))
    assert found.difference == pytest.approx(found.estimate - found.sample)
    assert found.z == pytest.approx(found.difference / found.difference_standard_error)


def population(rng, size=20000):
    x = rng.normal(size=size)
    return x, 50 + 8 * x + 3 * x**2 + rng.normal(0, 8, size)


@pytest.mark.parametrize("right", ["selection", "answers"])
def test_it_is_right_when_either_model_is(right):
    rng = np.random.default_rng(2)
    x, y = population(rng)
    if right == "answers":
        y = y - 3 * x**2
        taking = expit(-4 + 0.8 * np.abs(x))
    else:
        taking = expit(-3 + 0.5 * x)
    errors = []
    z = []
    for _ in range(200):
        took = rng.random(len(x)) < taking
        drawn = rng.choice(len(x), 400, replace=False)
        one = compare(y[took], x[took, None], simple(np.full(400, len(x) / 400)), y[drawn], x[drawn, None])
        errors.append((one.estimate - y.mean(), one.standard_error))
        z.append(one.z)
    error, claimed = np.array(errors).T
    assert abs(error.mean()) < 3.5 * error.std() / np.sqrt(200)
    assert np.sqrt(np.mean(claimed**2)) == pytest.approx(error.std(), rel=0.15)
    assert np.mean(np.abs(error) < 1.96 * claimed) > 0.9
    assert np.std(z) == pytest.approx(1.0, abs=0.15)
    assert abs(np.mean(z)) < 0.3


def test_steered_answers_stand_out():
    rng = np.random.default_rng(3)
    x, y = population(rng)
    took, drawn = rng.random(len(x)) < expit(-4 + 0.8 * x), rng.choice(len(x), 400, replace=False)
    sample = simple(np.full(400, len(x) / 400))
    pushed = np.append(y[took], np.full(200, 100.0))
    where = np.append(x[took], rng.normal(size=200))
    assert abs(compare(y[took], x[took, None], sample, y[drawn], x[drawn, None]).z) < 3
    assert compare(pushed, where[:, None], sample, y[drawn], x[drawn, None]).z > 5


def test_cells_give_the_numbers_of_their_answers():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 3, 150), rng.integers(0, 3, 90)
    y, z = rng.integers(0, 5, 150) * 25.0, rng.integers(0, 5, 90) * 25.0
    design = stratified(np.full(90, 20.0), b % 2)
    one = compare(y, np.eye(3)[a][:, 1:], design, z, np.eye(3)[b][:, 1:])
    n, total, squares = (np.bincount(a, v) for v in (np.ones(150), y, y * y))
    two = open_against_sample(n, total, squares, np.eye(3)[:, 1:], design, moments(z), np.eye(3)[b][:, 1:])
    for name in ("estimate", "standard_error", "difference_standard_error", "z"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-10)


def test_what_cannot_be_compared_is_refused_by_name():
    sample, y = simple([10.0] * 4), moments([1.0, 2.0, 3.0, 4.0])
    x = np.array([[0.0], [0], [1], [1]])

    def refused(message, n=(2, 2), total=(3, 3), squares=(5, 5), a=((0.0,), (1.0,)), b=x, answers=y):
        with pytest.raises(ValueError, match=message):
            open_against_sample(n, total, squares, a, sample, answers, b)

    refused("open_n", n=(-1, 2))
    refused("open_sum", total=(np.nan, 2))
    refused("open_sumsq", squares=(1,))
    refused("auxiliaries", a=((0.0, 1.0), (1.0, 1.0)))
    refused("open_auxiliaries", a=((np.inf,), (1.0,)))
    refused("nobody answered", n=(0, 0), total=(0, 0), squares=(0, 0))
    refused("a population of", n=(30, 30))
    refused("not in the sample", a=((0.0,), (2.0,)), b=np.zeros((4, 1)))
    refused("one is expected", answers=moments(np.ones((4, 2))))
    with pytest.raises(ValueError, match="factor"):
        calibrated(sample, [1.0, 2.0])
