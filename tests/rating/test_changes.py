"""Changes between two editions of one scheme: what is compared, how sure, and what is refused."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from evaluator.rating.changes import Side, changes, succession
from methods.inputs import BETA, GAMMA, NORMAL, POINT, Factors, Inputs
from tests.rating.test_results import Measured, scheme

NAN = np.nan
UNITS = 40


def table(codes, level="dos", successor=None):
    n = len(codes)
    return {
        "unit": np.array(codes, object),
        "level": np.full(n, level, object),
        "successor": np.array(successor or [""] * n, object),
    }


def edition(truth, rng, error=3.0, rules=None):
    """All five indicators of units at the level dos; `truth` is the citizens' and the assessors' true score."""
    n = truth.size
    unit, indicator = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(5), indexing="ij"))
    kind = np.array([NORMAL, BETA, NORMAL, GAMMA, POINT])[indicator]
    seen = truth + rng.normal(0, error, n)
    direct = np.stack([seen, np.full(n, 0.7), truth / 10, np.full(n, 12.0), np.full(n, 2.0)], axis=1)
    shrunken = 65 + 0.5 * (direct[:, 0] - 65)
    a = np.stack([shrunken, np.full(n, 70.0), direct[:, 2], np.full(n, 12.0), direct[:, 4]], axis=1).ravel()
    b = np.tile([1.5, 30, 0.05, 1, 0], (n, 1)).ravel()
    sd = np.tile([error, 0.02, 0.05, 0.5, 0], (n, 1)).ravel()
    inputs = Inputs(unit, indicator, kind, a, b, direct.ravel(), sd, np.full(a.size, 50.0))
    none = np.zeros(0, np.int64)
    factors = Factors((), none, none, none, np.zeros(0), np.zeros(0))
    measured = Measured({"main": inputs}, {"main": factors}, np.full((n, 5), "ok", object))
    return Side(rules or scheme(), table([f"u{k}" for k in range(n)]), measured, np.zeros(n))


def node(found, unit, which):
    (row,) = np.flatnonzero((found["unit"] == unit) & (found["node"] == which))
    return {name: column[row] for name, column in found.items()}


def test_units_that_changed_are_found_with_the_size_of_their_change():
    rng = np.random.default_rng(1)
    truth = rng.normal(65, 6, UNITS)
    moved = truth + np.where(np.arange(UNITS) < 8, 15.0, 0.0)
    found = changes(edition(truth, rng), edition(moved, rng), seed=3, draws=600)
    left = [node(found, f"u{k}", "left") for k in range(UNITS)]
    changed = np.array([row["changed"] for row in left])
    assert changed[:8].sum() >= 5
    assert changed[8:].sum() <= 2
    # left is half citizens (scale 0-100, weight 0.5), half the share: a change of 15 is one of 7.5
    assert np.mean([row["difference"] for row in left[:8]]) == pytest.approx(7.5, abs=1.5)
    half_citizens, half_share = 0.5 * np.sqrt(2) * 3, 0.5 * np.sqrt(2) * 0.02 / 0.8 * 100
    assert left[0]["standard_error"] == pytest.approx(np.hypot(half_citizens, half_share), rel=0.1)
    held = [row["lower"] <= 7.5 * (k < 8) <= row["upper"] for k, row in enumerate(left)]
    assert np.mean(held) >= 0.85
    picked = [row for row in left if row["changed"]]
    assert {row["confidence"] for row in picked} == {round(1 - 0.05 * len(picked) / UNITS, 6)}
    assert set(found["node"]) == {"index", "left", "right"}


def test_only_what_both_have_unshrunken_is_compared_and_its_weight_is_told():
    rng = np.random.default_rng(2)
    truth = rng.normal(65, 6, UNITS)
    before, after = edition(truth, rng), edition(truth, rng)
    inputs = after.estimates.inputs["main"]
    withheld = np.where((inputs.unit == 0) & (inputs.indicator == 0), NAN, inputs.direct)
    after.estimates.inputs["main"] = replace(inputs, direct=withheld)
    after.estimates.state[1, 2] = "suppressed"
    found = changes(before, after, 3, 400)
    assert node(found, "u0", "left")["weight_compared"] == 0.5
    assert node(found, "u1", "right")["weight_compared"] == 0.75
    assert node(found, "u2", "right")["weight_compared"] == 1
    raw = before.estimates.inputs["main"]
    share = raw.direct[(raw.unit == 0) & (raw.indicator == 1)][0]
    assert node(found, "u0", "left")["before"] == pytest.approx((share - 0.2) / 0.8 * 100)  # the share alone is left


def test_threads_change_nothing_and_deductions_count():
    rng = np.random.default_rng(4)
    truth = rng.normal(65, 6, 9)
    before, after = edition(truth, rng), edition(truth, rng)
    one, three = (changes(before, after, 3, 700, threads=threads) for threads in (1, 3))
    for name in one:
        np.testing.assert_array_equal(one[name], three[name])
    less = changes(before, replace(after, deductions=np.full(9, 4.0)), 3, 700)
    assert node(less, "u5", "index")["difference"] == pytest.approx(node(one, "u5", "index")["difference"] - 4)
    assert node(less, "u5", "left")["difference"] == node(one, "u5", "left")["difference"]


def test_a_unit_is_followed_through_a_change_of_its_code_and_not_through_a_merger():
    before = table(["same", "old", "small", "large", "gone", "risen"])
    after = table(["same", "new", "large", "fresh", "risen"])
    after["level"] = np.array(["dos", "dos", "dos", "dos", "uno"], object)
    before["successor"] = np.array(["", "new", "large", "", "", ""], object)
    pairs = succession(before, after)
    assert [(before["unit"][b], after["unit"][a]) for b, a in zip(pairs.before, pairs.after, strict=True)] == [
        ("same", "same"), ("old", "new"),
    ]  # fmt: skip
    assert pairs.refused == {"large": "merged", "fresh": "new", "risen": "level_changed"}


def test_editions_of_different_schemes_are_not_compared():
    rng = np.random.default_rng(5)
    truth = rng.normal(65, 6, 5)
    later = msgspec.structs.replace(scheme(), version="2")
    assert changes(edition(truth, rng), edition(truth, rng, rules=later), 1, 100)  # nothing but another name
    heavier = msgspec.structs.replace(later, grades=msgspec.structs.replace(later.grades, min_reliability=0.99))
    with pytest.raises(ValueError, match="rated by other 1 and by other 2; only editions of the same scheme"):
        changes(edition(truth, rng), edition(truth, rng, rules=heavier), 1, 100)


def test_editions_without_a_common_unit_have_no_changes():
    rng = np.random.default_rng(6)
    before, after = edition(np.full(3, 60.0), rng), edition(np.full(3, 60.0), rng)
    assert changes(before, replace(after, units=table(["x", "y", "z"])), 1, 100) == {}
