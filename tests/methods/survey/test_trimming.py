"""Trimmed weights against R's survey 4.1-1, and what must hold of any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods.survey.trimming import trim

WEIGHTS = st.lists(st.floats(0.1, 50), min_size=3, max_size=30)


def test_equal_spread_is_that_of_trimweights(samples, oracle):
    # trimWeights(svydesign(~1, strata = ~stype, weights = ~pw, data = apistrat), lower = 15.5, upper = 43)
    found = trim(samples["strat0"].columns["pw"], lower=15.5, upper=43, spread="equal")
    assert np.unique(found.round(9)) == pytest.approx(oracle["trimmed TRUE"], rel=1e-8)


@given(WEIGHTS, st.floats(0.2, 0.99), st.floats(1.01, 3.0), st.sampled_from(["proportional", "equal"]))
def test_trimmed_weights_are_within_limits_and_add_up(weights, low, high, spread):
    mean = float(np.mean(weights))
    found = trim(weights, lower=low * mean, upper=high * mean, spread=spread)
    assert found.min() >= low * mean * (1 - 1e-9)
    assert found.max() <= high * mean * (1 + 1e-9)
    assert found.sum() == pytest.approx(np.sum(weights))
    assert np.all(np.diff(found[np.argsort(weights)]) >= -1e-9)


def test_cells_are_trimmed_like_their_responses():
    one = trim([1.0, 1.0, 2.0, 2.0, 9.0], upper=5.0)
    assert trim([1.0, 2.0, 9.0], [2, 2, 1], upper=5.0) == pytest.approx(one[[0, 2, 4]])


def test_groups_keep_their_totals():
    found = trim([1.0, 1, 8, 2, 2, 2], group=[0, 0, 0, 1, 1, 1], upper=4.0)
    assert found.tolist() == pytest.approx([3, 3, 4, 2, 2, 2])


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"upper": 1.0}, "cannot add up"),
        ({"lower": 5.0}, "cannot add up"),
        ({"lower": 3.0, "upper": 2.0}, "lower"),
        ({"weight": [1.0, -1.0]}, "weight"),
        ({"weight": [1.0, np.nan]}, "weight"),
        ({"n": [1.0]}, "n:"),
        ({"spread": "some"}, "spread"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given_, message):
    with pytest.raises(ValueError, match=message):
        trim(**({"weight": [1.0, 3.0]} | given_))
