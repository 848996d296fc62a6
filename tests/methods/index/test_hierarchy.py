"""Trees of any depth, and every rule of aggregation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.index.aggregation import copeland, outranking, power_mean, rule, weighted_median
from methods.index.hierarchy import aggregate, effective_weights, hierarchy, levels_of, presence

NAN = np.nan
# uneven: a stands right under the index, e and f four levels below it
CODES = ["a", "b", "c", "d", "e", "f", "ef", "cdef", "bcdef", "all"]
PARENTS = ["all", "bcdef", "cdef", "cdef", "ef", "ef", "cdef", "bcdef", "all", None]
WEIGHT = [1, 2, 1, 1, 3, 1, 2, 2, 3, 1]

# Tennessee's capital, the example of Copeland's and Condorcet's methods: how each city's voters order the four cities.
# https://en.wikipedia.org/wiki/Copeland%27s_method ; pairs: Nashville beats Memphis 58:42, Chattanooga 68:32 ...
CITIES = ["Memphis", "Nashville", "Chattanooga", "Knoxville"]
VOTES = np.array([0.42, 0.26, 0.15, 0.17])
PLACES = np.array(
    [[4, 1, 1, 1], [3, 4, 2, 2], [2, 3, 4, 3], [1, 2, 3, 4]], float
)  # (cities, kinds of voters) 4 = first


def deep(**options):
    return hierarchy(CODES, PARENTS, WEIGHT, **options)


def all_there(h, scores):
    return aggregate(h, presence(h, ~np.isnan(np.atleast_2d(scores))), np.atleast_2d(scores))


def test_a_deep_and_uneven_tree_is_weighed_node_by_node():
    h = deep()
    assert levels_of(h).tolist() == [1, 1, 1, 1, 1, 1, 2, 3, 4, 5]
    found = all_there(h, [10.0, 20, 30, 40, 50, 90])[0]
    ef = (3 * 50 + 90) / 4
    cdef = (30 + 40 + 2 * ef) / 4
    bcdef = (2 * 20 + 2 * cdef) / 4
    np.testing.assert_allclose(found, [ef, cdef, bcdef, (10 + 3 * bcdef) / 4])
    weight = effective_weights(h)
    np.testing.assert_allclose(weight[:6], np.array([1 / 4, 3 / 8, 3 / 32, 3 / 32, 9 / 64, 3 / 64]))
    np.testing.assert_allclose(found[-1], weight[:6] @ [10, 20, 30, 40, 50, 90])


def test_every_group_has_a_rule_of_its_own():
    h = deep(rules={"ef": "geometric", "cdef": "median", "bcdef": "harmonic", "all": 2.0})
    found = all_there(h, [10.0, 20, 30, 40, 50, 90])[0]
    ef = 50**0.75 * 90**0.25
    cdef = (40 + ef) / 2  # weights 1, 1, 2: half of the weight lies at or below 40
    bcdef = 2 / (1 / 20 + 1 / cdef)
    np.testing.assert_allclose(found, [ef, cdef, bcdef, ((100 + 3 * bcdef**2) / 4) ** 0.5])


def test_what_is_missing_passes_its_weight_on_at_its_own_level_only():
    h = deep()
    scores = np.array([[10.0, 20, NAN, 40, 50, 90], [10, 20, 30, 40, NAN, NAN], [10, NAN, NAN, NAN, NAN, NAN]])
    has = presence(h, ~np.isnan(scores))
    np.testing.assert_allclose(has.weight[0, [2, 3, 6]], [0, 1 / 3, 2 / 3])
    np.testing.assert_allclose(has.weight[1, [2, 3, 6]], [1 / 2, 1 / 2, 0])
    np.testing.assert_allclose(has.weight[2, [0, 8]], [1, 0])
    np.testing.assert_allclose(has.present[:, 7], [3 / 4, 1 / 2, 0])
    np.testing.assert_allclose(has.present[:, 9], [1 - 3 / 32, 1 - 3 / 16, 1 / 4])
    assert has.own.tolist() == [5, 4, 1]
    found = aggregate(h, has, scores)
    assert np.isnan(found[1, 0])
    assert np.isnan(found[2, :3]).all()
    assert found[2, 3] == 10


def test_a_group_with_too_little_of_its_own_is_not_scored_and_counts_as_absent_above():
    h = deep(least_present=0.6)
    scores = np.array([[10.0, 20, NAN, NAN, 50, 90], [NAN, 20, NAN, NAN, NAN, NAN]])
    has = presence(h, ~np.isnan(scores))
    # cdef has 2 of 4, so it is not scored; bcdef keeps 2 of 4, nor is it; all keeps 1 of 4: nothing is scored
    assert has.scored[0, 6:].tolist() == [True, False, False, False]
    assert np.isnan(aggregate(h, has, scores)[:, 1:]).all()
    assert has.present[0, 9] == 0.25


def test_what_does_not_apply_is_no_absence():
    h = deep()
    own = np.array([[True, True, False, False, False, False]])
    has = presence(h, own, applies=own)
    assert has.present[0, 9] == 1.0
    assert np.isnan(has.present[0, 2:8]).all()
    assert presence(h, own, imputed=~own).present[0, 9] == pytest.approx(1 / 4 + 3 / 8)
    assert presence(h, own, imputed=~own).weight[0, 2] == 0.25


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_tree_agrees_with_recursion_and_does_not_depend_on_scale_order_or_chunks(seed):
    rng = np.random.default_rng(seed)
    groups, leaves = int(rng.integers(1, 6)), int(rng.integers(1, 9))
    codes = [f"g{i}" for i in range(groups)]
    parents = [None, *(f"g{rng.integers(0, i)}" for i in range(1, groups))]
    lonely = [code for code in codes if code not in parents]  # every group has a member
    codes += [f"i{i}" for i in range(leaves + len(lonely))]
    parents += [f"g{rng.integers(0, groups)}" for _ in range(leaves)] + lonely
    weight = rng.uniform(0.1, 2, len(codes)).tolist()
    rules = {code: float(rng.choice([1, 0, -1, 0.5, 2])) for code in codes if code[0] == "g"}
    h = hierarchy(codes, parents, weight, rules)
    scores = rng.uniform(2, 100, (3, 4, h.indicators))
    there = rng.random((4, h.indicators)) < 0.7
    has = presence(h, there)
    found = aggregate(h, has, scores)

    def score(code, r, u):
        if code[0] == "i":
            j = h.names.index(code)
            return scores[r, u, j] if there[u, j] else None
        parts = [(w, score(c, r, u)) for c, p, w in zip(codes, parents, weight, strict=True) if p == code]
        parts = [(w, x) for w, x in parts if x is not None]
        if not parts:
            return None
        total, p = sum(w for w, _ in parts), rules[code]
        if p == 0:
            return np.exp(sum(w * np.log(x) for w, x in parts) / total)
        return (sum(w * x**p for w, x in parts) / total) ** (1 / p)

    for u in range(4):
        expected = score("g0", 1, u)
        index = found[1, u, h.root - h.indicators]
        np.testing.assert_allclose(index, NAN if expected is None else expected, rtol=1e-10)
    np.testing.assert_array_equal(aggregate(h, has, scores[2]), found[2])
    np.testing.assert_array_equal(aggregate(h, has, np.asfortranarray(scores)), found)
    np.testing.assert_array_equal(aggregate(h, presence(h, there[1:2]), scores[:, 1:2]), found[:, 1:2])
    larger = hierarchy(codes, parents, [8 * w for w in weight], rules)
    np.testing.assert_array_equal(aggregate(larger, presence(larger, there), scores), found)


def test_the_outranking_matrix_counts_the_votes_of_tennessee():
    found = outranking(PLACES, VOTES)
    np.testing.assert_allclose(
        found, [[0.5, 0.42, 0.42, 0.42], [0.58, 0.5, 0.68, 0.68], [0.58, 0.32, 0.5, 0.83], [0.58, 0.32, 0.17, 0.5]]
    )


def test_copelands_rule_makes_nashville_the_capital():
    found = copeland(list(PLACES.T), list(VOTES))
    assert dict(zip(CITIES, found.tolist(), strict=True)) == {
        "Memphis": -3.0, "Nashville": 3.0, "Chattanooga": 1.0, "Knoxville": -1.0,
    }  # fmt: skip
    h = hierarchy(["m", "n", "c", "k", "all"], ["all"] * 4 + [None], [*VOTES, 1.0], "copeland")
    np.testing.assert_array_equal(all_there(h, PLACES)[:, 0], found)


def test_copeland_compares_two_units_by_what_both_have():
    scores = np.array([[3.0, 1.0], [2.0, NAN], [1.0, 5.0]])
    h = hierarchy(["a", "b", "all"], ["all", "all", None], [1, 3, 1], "copeland")
    # second against the others by a alone; first against third by b, which weighs more
    assert all_there(h, scores)[:, 0].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(outranking(scores, np.array([1.0, 3.0]))[0], [0.5, 1.0, 0.25])


@settings(deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=9))
def test_the_median_with_equal_weights_is_the_ordinary_one(values):
    h = hierarchy([f"i{j}" for j in range(len(values))] + ["all"], ["all"] * len(values) + [None], rules="median")
    assert all_there(h, values)[0, 0] == pytest.approx(np.median(values), abs=1e-12)


def test_the_weighted_median_leaves_out_what_carries_no_weight():
    x = [np.array([[5.0, 1.0], [9.0, 2.0]]), np.array([[NAN, 3.0], [NAN, 3.0]]), np.array([[7.0, 8.0], [1.0, 8.0]])]
    w = [np.array([0.5, 0.2]), np.array([0.0, 0.2]), np.array([0.5, 0.6])]
    np.testing.assert_array_equal(weighted_median(x, w), [[6.0, 8.0], [5.0, 8.0]])
    assert np.isnan(weighted_median([x[1]], [np.zeros(2)])).all()


EIGHTHS = st.integers(-32, 32).map(lambda n: n / 8)


@settings(deadline=None)
@given(st.lists(st.floats(1, 100), min_size=2, max_size=6), EIGHTHS, EIGHTHS)
def test_power_means_grow_with_their_exponent_and_forgive_more(values, one, other):
    w = [np.array([1 / len(values)])] * len(values)
    x = [np.array([v]) for v in values]
    assert power_mean(x, w, min(one, other), 1.0)[0] <= power_mean(x, w, max(one, other), 1.0)[0] + 1e-9


def test_rules_go_by_name():
    assert [rule(name) for name in ("arithmetic", "geometric", "harmonic", 0.5, 1e-9)] == [1.0, 0.0, -1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rule("mean"), "rule 'mean'; it must be arithmetic, geometric"),
        (lambda: rule(NAN), "must be finite"),
        (lambda: hierarchy(["a", "a", "r"], ["r", "r", None]), "'a' stands twice"),
        (lambda: hierarchy(["a", "r"], ["q", None]), "'q' is none of the codes"),
        (lambda: hierarchy(["a", "r"], ["r"]), "must have 2 entries"),
        (lambda: hierarchy(["a", "r", "s"], ["r", None, None]), r"nodes \[1, 2\] have none|nodes \[0, 2\] have none"),
        (lambda: hierarchy(["a", "x", "y", "r"], ["x", "y", "x", None]), "exactly one group must have none"),
        (lambda: hierarchy(["a", "b", "x", "y", "r"], ["r", "x", "y", "x", None]), "x belongs to itself, by a circle"),
        (lambda: hierarchy(["a", "r"], ["r", None], [-1, 1]), "weights must be 0 or more"),
        (lambda: hierarchy(["a", "r"], ["r", None], [NAN, 1]), "not a finite number"),
        (lambda: hierarchy(["a", "r"], ["r", None], rules={"a": "median"}), "'a' is no group; groups are r"),
        (lambda: hierarchy(["a", "r"], ["r", None], least_present=2), "least_present must be 1 shares"),
        (lambda: hierarchy(["a", "r"], ["r", None], rules="geometric", floor=0), "it must be above 0"),
        (lambda: presence(deep(), np.ones((2, 3), bool)), r"own has shape \(2, 3\); it must be \(2, 6\)"),
        (lambda: presence(deep(), np.ones((1, 6), bool), level=np.array([1])), "level must be 0 to 0"),
        (lambda: all_there(deep(), np.ones((2, 5))), "own has shape"),
        (
            lambda: aggregate(deep(), presence(deep(), np.ones((1, 6), bool)), np.array([[1.0, NAN, 1, 1, 1, 1]])),
            "unit 0 has no number for b, but carries weight there",
        ),
        (lambda: aggregate(deep(), presence(deep(), np.ones((1, 6), bool)), np.ones((2, 6))), "scores has shape"),
        (lambda: outranking(PLACES, -VOTES), "weight must be finite numbers of 0 or more"),
        (lambda: outranking(PLACES, np.zeros(4)), "not all 0"),
        (lambda: outranking(PLACES, VOTES[:3]), "weight has shape"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_unit_with_nothing_and_no_units_at_all_have_no_index():
    h = deep()
    assert np.isnan(aggregate(h, presence(h, np.zeros((1, 6), bool)), np.full((1, 6), NAN))).all()
    assert aggregate(h, presence(h, np.zeros((0, 6), bool)), np.zeros((0, 6))).shape == (0, 4)
