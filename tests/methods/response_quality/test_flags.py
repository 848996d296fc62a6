"""Bursts, effects of flags on estimates, and the registered rules of a campaign."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from methods.response_quality import rules as registered
from methods.response_quality.bursts import bursts
from methods.response_quality.contradictions import Contradiction
from methods.response_quality.effects import effects_of_flags
from methods.response_quality.rules import Rules, flag_responses

RULES = Rules(
    speed=registered.Speed(0),
    longstring=registered.Longstring((0, 1, 2, 3, 4, 5), 5),
    variability=registered.Variability((0, 1, 2, 3, 4, 5), 0.3),
    even_odd=registered.EvenOdd(((0, 1), (2, 3), (4, 5)), -0.5, reversed=(1,), highest=4),
    mahalanobis=registered.Mahalanobis((0, 1, 2, 3, 4, 5), 1e-3),
    contradictions=(Contradiction("both", ((0, (0,)), (5, (4,)))),),
    near_duplicate=registered.NearDuplicate((0, 1, 2, 3, 4, 5), 0.8, 4, ("unit", "day")),
    burst=registered.Burst(1e-4),
)


def campaign(seed: int, rows: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, (rows, 6))
    codes[rng.random(codes.shape) < 0.05] = -1
    speed, unit, day = (rng.integers(low, high, rows) for low, high in ((-1, 3), (0, 7), (0, 30)))
    return {"codes": codes, "speed": speed, "unit": unit, "day": day}


# --- bursts


def test_a_burst_has_the_chance_of_a_binomial_tail() -> None:
    """binom.test(6, 10, .2, alternative = "greater") in R 4.2.2 gives p = 0.0063693824."""
    found = bursts([0] * 10, [0, 1, 2, 3, 4, 4, 4, 4, 4, 4], 1, 5)
    assert found.p[0, 4] == pytest.approx(0.0063693824, rel=1e-8)
    assert found.expected[0, 4] == pytest.approx(1.0)


def test_honest_counts_reach_a_threshold_no_oftener_than_it_says() -> None:
    rng = np.random.default_rng(11)
    unit, day = rng.integers(0, 300, 20_000), rng.integers(0, 40, 20_000)
    p = bursts(unit, day, 300, 40).p
    assert (p < 0.01).mean() <= 0.01
    assert (p < 0.01).mean() > 0.003


def test_a_busy_day_of_all_units_is_no_burst_when_the_others_set_the_pattern() -> None:
    unit = np.repeat(np.arange(20), 60)
    day = np.tile(np.concatenate([np.arange(20), np.full(40, 20)]), 20)
    assert bursts(unit, day, 20, 21).p[:, 20].max() < 1e-6
    assert bursts(unit, day, 20, 21, "others").p[:, 20].min() > 0.2


def test_given_weights_of_days_are_used_and_a_day_without_weight_expects_nobody() -> None:
    found = bursts([0, 0, 0, 0], [0, 0, 1, 2], 1, 3, [3.0, 1.0, 0.0])
    assert found.p[0].tolist() == pytest.approx([binom.sf(1, 4, 0.75), binom.sf(0, 4, 0.25), 0.0])


@pytest.mark.parametrize(
    ("unit", "day", "pattern", "said"),
    [
        ([0], [5], "equal", "day holds 5"),
        ([2], [0], "equal", "unit holds 2"),
        ([0], [0, 1], "equal", "they must be as many"),
        ([0.5], [0], "equal", "unit must be whole numbers"),
        ([0], [0], "weekly", "pattern is 'weekly'"),
        ([0], [0], [1.0, -1.0, 1.0], "3 weights"),
        ([0], [0], [np.nan, 1.0, 1.0], "3 weights"),
    ],
)
def test_wrong_days_are_refused(unit: list[int], day: list[int], pattern: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bursts(unit, day, 2, 3, pattern)  # type: ignore[arg-type]


# --- effects


def test_without_the_flagged_the_mean_moves_by_their_share_times_their_distance() -> None:
    rng = np.random.default_rng(1)
    y, flag = rng.uniform(0, 100, 500), rng.random(500) < 0.2
    found = effects_of_flags(y, flag)
    assert found.without_difference.item() == pytest.approx(flag.mean() * (y[~flag].mean() - y[flag].mean()))
    assert found.half.item() == pytest.approx(np.average(y, weights=np.where(flag, 0.5, 1.0)))


def test_the_standard_error_is_that_of_the_difference_of_nested_samples() -> None:
    """Against 20,000 samples from a population in which flagged people score higher."""
    rng = np.random.default_rng(2)
    flag = rng.random((20_000, 150)) < 0.15
    y = rng.normal(60, 20, flag.shape) + 15 * flag
    kept = np.where(flag, 0.0, 1.0)
    without = (y * kept).sum(axis=1) / kept.sum(axis=1) - y.mean(axis=1)
    half = (y * (1 + kept)).sum(axis=1) / (1 + kept).sum(axis=1) - y.mean(axis=1)
    found = [effects_of_flags(y[i], flag[i]) for i in range(400)]
    assert np.sqrt(np.mean([one.without_error.item() ** 2 for one in found])) == pytest.approx(without.std(), rel=0.03)
    assert np.sqrt(np.mean([one.half_error.item() ** 2 for one in found])) == pytest.approx(half.std(), rel=0.03)
    independent = np.sqrt(y[0].var() / 150 + y[0].var() / kept[0].sum())
    assert found[0].without_error.item() < independent / 2


def test_nobody_flagged_changes_nothing_and_everybody_flagged_leaves_nothing() -> None:
    found = effects_of_flags([[1.0], [3.0]], [[False, True], [False, True]])
    assert found.without_difference[0].item() == found.without_error[0].item() == 0.0
    assert np.isnan(found.without[1].item())
    assert np.isnan(found.without_difference[1].item())
    assert found.half_difference[1].item() == 0.0


def test_an_empty_domain_and_a_lone_response_are_said_to_be_unknown() -> None:
    found = effects_of_flags([5.0, np.nan], [True, True], domain=[0, 1], domains=3)
    assert found.all[:, 0].tolist()[0] == 5.0
    assert np.isnan(found.all[1:]).all()
    assert np.isnan(found.without_error).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_order_and_the_scale_of_weights_change_no_effect(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    y, w = rng.uniform(0, 100, (40, 2)), rng.uniform(0.5, 2, 40)
    y[rng.random(y.shape) < 0.2] = np.nan
    flag, domain, order = rng.random((40, 3)) < 0.3, rng.integers(0, 3, 40), rng.permutation(40)
    plain = effects_of_flags(y, flag, w, domain, 3)
    other = effects_of_flags(y[order], flag[order], scale * w[order], domain[order], 3)
    for name in ("all", "half", "without", "half_error", "without_error"):
        np.testing.assert_allclose(getattr(plain, name), getattr(other, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight": [1.0, -1.0]}, "weight must be 2 finite"),
        ({"weight": [1.0, np.nan]}, "weight must be"),
        ({"scores": [1.0, np.inf]}, "infinite"),
        ({"domain": [0, 3], "domains": 2}, "domain must be from 0 to 1"),
        ({"flagged": [True]}, "flagged has 1 rows"),
    ],
)
def test_wrong_effects_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        effects_of_flags(**({"scores": [1.0, 2.0], "flagged": [True, False]} | change))  # type: ignore[arg-type]


# --- rules


def test_every_rule_flags_what_it_names() -> None:
    made = campaign(4)
    codes = made["codes"]
    codes[0] = 2  # straight
    codes[1] = [0, 1, 2, 3, 0, 4]  # contradicts itself
    codes[3] = codes[2] = [1, 4, 0, 3, 2, 1]  # copied
    codes[3, 5] = 2
    for name in ("unit", "day"):
        made[name][3] = made[name][2]
    made["unit"][300:], made["day"][300:] = 3, 9
    made["speed"][4] = 0
    found = flag_responses(codes, RULES, **{k: v for k, v in made.items() if k != "codes"})
    up = {name: found.raised[:, k] for k, name in enumerate(found.names)}
    assert found.names == RULES.registered
    assert up["longstring"][0]
    assert up["variability"][0]
    assert up["contradictions"][1]
    assert up["speed"][4]
    assert up["near_duplicate"][2]
    assert up["near_duplicate"][3]
    np.testing.assert_array_equal(up["burst"], (made["unit"] == 3) & (made["day"] == 9))  # honest ones of that day too
    assert "longstring" in found.texts()[0].split()
    assert dict(zip(found.names, found.content, strict=True)) == {
        "speed": False, "longstring": True, "variability": True, "even_odd": True, "mahalanobis": True,
        "contradictions": True, "near_duplicate": True, "burst": False,
    }  # fmt: skip


def test_what_cannot_be_told_raises_no_flag() -> None:
    nothing = np.full((3, 6), -1)
    found = flag_responses(nothing, RULES, speed=[-1, -1, -1], unit=[0, 1, 2], day=[0, 1, 2])
    assert not found.raised.any()


def test_no_responses_and_no_rules_are_no_trouble() -> None:
    rules = Rules(longstring=RULES.longstring, burst=RULES.burst)
    assert flag_responses(np.zeros((0, 6), int), rules, unit=[], day=[]).raised.shape == (0, 2)
    assert flag_responses([[1]], Rules()).texts() == [""]


def test_rules_are_known_by_their_digest_and_any_threshold_changes_it() -> None:
    assert Rules().digest == Rules().digest
    assert len({Rules().digest, RULES.digest, Rules(speed=registered.Speed(1)).digest}) == 3
    assert flag_responses([[1]], Rules()).rules == Rules().digest


def test_a_rule_that_lacks_what_it_needs_says_so() -> None:
    codes = np.zeros((2, 6), int)
    for rules, said in (
        (Rules(speed=RULES.speed), "rule speed needs speed"),
        (Rules(burst=RULES.burst), "rule burst needs unit"),
        (Rules(near_duplicate=RULES.near_duplicate), "rule near_duplicate needs unit"),
        (Rules(longstring=registered.Longstring((9,), 2)), r"rules.longstring.items holds 9"),
    ):
        with pytest.raises(ValueError, match=said):
            flag_responses(codes, rules)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_responses_changes_no_flag(seed: int) -> None:
    made = campaign(seed, 120)
    order = np.random.default_rng(seed).permutation(120)
    codes = made.pop("codes")
    plain = flag_responses(codes, RULES, **made)
    other = flag_responses(codes[order], RULES, **{name: values[order] for name, values in made.items()})
    np.testing.assert_array_equal(plain.raised[order], other.raised)
