"""The figures of an edition, on schemes whose codes nothing in the program knows."""

from dataclasses import dataclass, fields, replace

import msgspec
import numpy as np
import pytest
from scipy import stats

from evaluator.rating.doors import EDITION
from evaluator.rating.results import Taken, compute
from evaluator.rating.scheme import (
    Aggregation,
    Dimension,
    Grades,
    Indicator,
    Label,
    Missing,
    Normalisation,
    Publication,
    Ranks,
    Scheme,
    Sensitivity,
    Sobol,
    Veto,
)
from methods.inputs import BETA, GAMMA, NO_FACTORS, NORMAL, POINT, Factors, Inputs

NAN = np.nan
NAME = Label("名", "name")
LEVELS = {"uno": NAME, "dos": NAME, "tres": NAME}
BANDS = (("gold", 70.0), ("silver", 50.0), ("tin", 0.0))


def scheme(**changes):
    """Three levels, two dimensions, five indicators; `bo` does not apply at the level `tres`."""
    parts = {
        "dimensions": (Dimension("left", NAME, 0.4), Dimension("right", NAME, 0.6)),
        "indicators": (
            Indicator("ak", "left", "citizen", NAME, 0.5, tuple(LEVELS), goal=(0.0, 100.0), scale=(0.0, 100.0)),
            Indicator("bo", "left", "share", NAME, 0.5, ("uno", "dos"), goal=(0.2, 1.0)),
            Indicator("cu", "right", "assessor", NAME, 0.25, tuple(LEVELS), goal=(0.0, 10.0)),
            Indicator("dy", "right", "rate", NAME, 0.25, tuple(LEVELS), goal=(40.0, 0.0)),
            Indicator("ex", "right", "metric", NAME, 0.5, tuple(LEVELS), goal=(3.0, 1.0)),
        ),
        "publication": Publication(min_level_units=2),
        "grades": Grades(bands=BANDS),
        "vetoes": (Veto("debt", "silver"), Veto("fraud", "tin")),
    }
    return Scheme("other", "1", NAME, LEVELS, **{**parts, **changes})


@dataclass
class Measured:
    inputs: dict
    factors: dict
    state: np.ndarray


def table(levels):
    return {
        "unit": np.array([f"u{i}" for i in range(len(levels))], dtype=object),
        "level": np.array(levels, dtype=object),
    }


def inputs(rows):
    """Rows (unit, indicator, family, a, b), with the estimate itself as the direct one."""
    columns = np.array(rows, dtype=float).reshape(-1, 5).T
    whole = [columns[i].astype(np.int64) for i in range(3)]
    normal = columns[2] == NORMAL
    blank = np.full(columns.shape[1], NAN)
    return Inputs(
        *whole, columns[3], columns[4], np.where(normal, columns[3], NAN), np.where(normal, columns[4], NAN), blank
    )


def taken(n, **changes):
    return Taken(
        changes.get("deductions", np.zeros(n)), changes.get("vetoes", [()] * n), changes.get("previous", [""] * n)
    )


def province(counts=(1, 10, 30), seed=0, sd=2.0):
    """Units of three levels with all five indicators where they apply."""
    rng = np.random.default_rng(seed)
    levels = [code for code, n in zip(LEVELS, counts, strict=True) for _ in range(n)]
    rows, state = [], np.full((len(levels), 5), "ok", dtype=object)
    for u, level in enumerate(levels):
        good = rng.normal(0, 1)
        rows.append((u, 0, NORMAL, 65 + 12 * good, sd))
        if level == "tres":
            state[u, 1] = "not_applicable"
        else:
            rows.append((u, 1, BETA, 70 + 8 * good, 30 - 8 * good))
        rows.append((u, 2, NORMAL, 6.5 + good, 0.2 * sd))
        rows.append((u, 3, GAMMA, 40.0, 40 / (15 - 4 * good)))
        rows.append((u, 4, POINT, 1.8 - 0.2 * good, 0))
    factors = Factors(
        ("shared",),
        np.zeros(len(levels), np.int64),
        np.arange(len(levels)),
        np.zeros(len(levels), np.int64),
        np.full(len(levels), 1.0),
        np.full(len(levels), 1.0),
    )
    return table(levels), Measured({"main": inputs(rows)}, {"main": factors}, state)


def ratings_by_unit(results, *columns):
    return list(zip(*(results.ratings[c].tolist() for c in columns), strict=True))


def node(results, unit, name):
    scores = results.scores
    (row,) = np.flatnonzero((scores["unit"] == unit) & (scores["node"] == name))
    return {column: scores[column][row] for column in scores}


def same(one, other):
    for name in ("scores", "ratings", "sensitivity"):
        first, second = getattr(one, name), getattr(other, name)
        assert list(first) == list(second)
        for column in first:
            np.testing.assert_array_equal(first[column], second[column], err_msg=f"{name} {column}")


FULL = Sensitivity(
    dirichlet_concentration=60,
    aggregation=(1.0, 0.5, 0.0),
    goalposts_widened=(0.1,),
    screening=("main", "half"),
    sobol=Sobol(bootstrap=50),
)


def test_the_tables_have_exactly_the_columns_of_the_edition():
    units, measured = province()
    results = compute(scheme(), units, measured, taken(41), seed=1, draws=200)
    for name in ("scores", "ratings", "sensitivity"):
        assert list(getattr(results, name)) == [column.name for column in EDITION[name].columns], name
    for column in EDITION["ratings"].columns:
        numeric = results.ratings[column.name].dtype == np.float64
        assert numeric == (column.kind in ("number", "whole")), column.name


def test_the_index_is_the_scheme_at_the_posterior_means_after_deductions():
    units = table(["dos", "dos", "dos"])
    rows = [(0, 0, NORMAL, 80, 5), (0, 1, BETA, 6, 4), (0, 2, NORMAL, 7, 1), (0, 3, GAMMA, 20, 2), (0, 4, POINT, 2, 0)]
    rows += [(u, j, f, a, b) for u in (1, 2) for _, j, f, a, b in rows]
    measured = Measured({"main": inputs(rows)}, {}, np.full((3, 5), "ok", dtype=object))
    results = compute(scheme(), units, measured, taken(3, deductions=np.array([0, 10.0, 90.0])), seed=1, draws=500)
    left, right = 0.5 * 80 + 0.5 * 50, 0.25 * 70 + 0.25 * 75 + 0.5 * 50
    index = 0.4 * left + 0.6 * right
    assert results.ratings["index"].tolist() == pytest.approx([index, index - 10, 0.0], abs=1e-6)
    assert node(results, "u0", "left")["score"] == pytest.approx(left)
    assert node(results, "u0", "bo")["score"] == pytest.approx(50)
    assert node(results, "u0", "bo")["raw"] == pytest.approx(0.6)
    assert node(results, "u0", "dy")["raw"] == pytest.approx(10)
    assert node(results, "u1", "index")["raw"] == pytest.approx(index)
    assert node(results, "u1", "index")["score"] == pytest.approx(index - 10)
    assert results.ratings["lower"][1] == pytest.approx(results.ratings["lower"][0] - 10, abs=1.5)
    assert results.ratings["upper"][2] == 0  # the scale has a foot


def normal_province(n=40, seed=3):
    """One level, normal inputs far from any limit, arithmetic means: everything has a closed form."""
    rng = np.random.default_rng(seed)
    rows = [
        (u, j, NORMAL, a, b)
        for u in range(n)
        for j, (a, b) in enumerate(zip(rng.normal(60, 4, 2), rng.uniform(1, 3, 2), strict=True))
    ]
    plain = scheme(
        dimensions=(Dimension("all", NAME, 1.0),),
        indicators=(
            Indicator("p", "all", "citizen", NAME, 0.3, ("uno",), goal=(0.0, 100.0)),
            Indicator("q", "all", "citizen", NAME, 0.7, ("uno",), goal=(0.0, 100.0)),
        ),
    )
    shared = Factors(
        ("both",), np.zeros(2 * n, np.int64), np.repeat(np.arange(n), 2), np.tile([0, 1], n),
        np.tile([1.5, 2.0], n), np.tile([1.5, 2.0], n),
    )  # fmt: skip
    return plain, table(["uno"] * n), Measured({"main": inputs(rows)}, {"main": shared}, np.full((n, 2), "ok", object))


def test_limits_and_probabilities_of_a_normal_index_are_those_of_its_closed_form():
    plain, units, measured = normal_province()
    results = compute(plain, units, measured, taken(40), seed=5, draws=20_000)
    a, b = measured.inputs["main"].a.reshape(-1, 2), measured.inputs["main"].b.reshape(-1, 2)
    mean = a @ [0.3, 0.7]
    sd = np.sqrt(b**2 @ [0.09, 0.49] + (0.3 * 1.5 + 0.7 * 2.0) ** 2)
    index = [node(results, unit, "index") for unit in units["unit"]]
    np.testing.assert_allclose(results.ratings["index"], mean, atol=1e-6)
    error = sd * np.sqrt(0.025 * 0.975 / 20_000) / stats.norm.pdf(1.959964)  # of a quantile of 20,000 draws
    assert (np.abs(results.ratings["lower"] - (mean - 1.959964 * sd)) < 4.5 * error).all()
    assert (np.abs(results.ratings["upper"] - (mean + 1.959964 * sd)) < 4.5 * error).all()
    np.testing.assert_allclose([row["standard_error"] for row in index], sd, rtol=0.03)
    limits = np.array([np.inf, 70, 50, -np.inf])
    inside = stats.norm.cdf(limits[:-1, None], mean, sd) - stats.norm.cdf(limits[1:, None], mean, sd)
    expected = np.array(
        [inside[("gold", "silver", "tin").index(grade)][u] for u, grade in enumerate(results.ratings["grade"])]
    )
    np.testing.assert_allclose(results.ratings["grade_probability"], expected, atol=0.015)
    first = node(results, "u0", "p")
    assert first["standard_error"] == pytest.approx(np.hypot(b[0, 0], 1.5), abs=1e-6)
    assert first["lower"] == pytest.approx(a[0, 0] - 1.959964 * np.hypot(b[0, 0], 1.5), abs=1e-5)


def test_ninety_five_percent_intervals_hold_ninety_five_percent_of_true_indices():
    rng = np.random.default_rng(8)
    plain, units, measured = normal_province(60)
    held = []
    for seed in range(20):
        truth = rng.normal(60, 4, (60, 2))
        z, b = rng.normal(), measured.inputs["main"].b.reshape(-1, 2)
        seen = truth + b * rng.normal(size=(60, 2)) + z * np.array([1.5, 2.0])
        given = replace(measured.inputs["main"], a=seen.ravel())
        results = compute(
            plain, units, Measured({"main": given}, measured.factors, measured.state), taken(60), seed, 1000
        )
        index = truth @ [0.3, 0.7]
        held.append((results.ratings["lower"] <= index) & (index <= results.ratings["upper"]))
    assert 0.9 <= np.mean(held) <= 0.99


def test_limits_of_indicators_are_those_of_their_draws():
    units, measured = province()
    results = compute(scheme(), units, measured, taken(41), seed=1, draws=100)
    share = node(results, "u3", "bo")
    row = np.flatnonzero((measured.inputs["main"].unit == 3) & (measured.inputs["main"].indicator == 1))[0]
    a, b = measured.inputs["main"].a[row], measured.inputs["main"].b[row]
    score = 100 * (np.clip(stats.beta.rvs(a, b, size=200_000, random_state=1), 0.2, 1) - 0.2) / 0.8
    assert share["standard_error"] == pytest.approx(score.std(), rel=0.01)
    assert [share["lower"], share["upper"]] == pytest.approx(np.quantile(score, [0.025, 0.975]).tolist(), abs=0.1)
    rate = node(results, "u3", "dy")  # fewer is better: limits change places
    assert rate["lower"] < rate["score"] < rate["upper"]
    point = node(results, "u3", "ex")
    assert point["standard_error"] == 0
    assert point["lower"] == point["score"] == point["upper"]


def test_every_node_of_a_level_has_a_row_and_others_none():
    units, measured = province()
    results = compute(scheme(), units, measured, taken(41), seed=1, draws=100)
    nodes = results.scores["node"][results.scores["unit"] == "u1"].tolist()
    assert nodes == ["index", "left", "right", "ak", "bo", "cu", "dy", "ex"]
    assert results.scores["node"][results.scores["unit"] == "u40"].tolist() == [
        "index",
        "left",
        "right",
        "ak",
        "cu",
        "dy",
        "ex",
    ]


def test_a_small_level_is_shown_but_neither_graded_nor_ranked():
    units, measured = province()
    ratings = compute(scheme(), units, measured, taken(41), seed=1, draws=100).ratings
    assert ratings["state"][0] == "too_few_units"
    assert ratings["index"][0] > 0
    assert ratings["lower"][0] < ratings["upper"][0]
    assert ratings["grade"][0] == ratings["capped_grade"][0] == ""
    assert np.isnan(
        [ratings[c][0] for c in ("rank_lower", "simultaneous_upper", "tier", "grade_probability", "reliability")]
    ).all()


def test_ranks_and_tiers_compare_units_of_one_level():
    units, measured = province()
    ratings = compute(scheme(), units, measured, taken(41), seed=1, draws=400).ratings
    for level, n in (("dos", 10), ("tres", 30)):
        members = ratings["level"] == level
        best = members & (ratings["index"] == ratings["index"][members].max())
        assert ratings["rank_lower"][best].tolist() == [1]
        assert ratings["rank_upper"][members].max() == n
        assert (ratings["rank_lower"][members] <= ratings["rank_upper"][members]).all()
        assert (ratings["simultaneous_lower"][members] <= ratings["rank_lower"][members]).all()
        assert ratings["tier"][best].tolist() == [1]


def test_a_large_level_has_credible_rank_intervals_and_says_so():
    units, measured = province()
    ratings = compute(scheme(ranks=Ranks(credible_above=20)), units, measured, taken(41), seed=1, draws=400).ratings
    large = ratings["level"] == "tres"
    assert all("credible_ranks" in notes.split() for notes in ratings["notes"][large])
    assert not any("credible_ranks" in notes for notes in ratings["notes"][~large])
    assert np.isnan(ratings["simultaneous_lower"][large]).all()
    assert (ratings["rank_lower"][large] <= ratings["rank_upper"][large]).all()


def test_a_level_with_too_many_pairs_has_no_tiers_and_says_so(monkeypatch):
    monkeypatch.setattr("evaluator.rating.results.MOST_TIERED", 20)
    units, measured = province()
    ratings = compute(scheme(), units, measured, taken(41), seed=1, draws=100).ratings
    large = ratings["level"] == "tres"
    assert np.isnan(ratings["tier"][large]).all()
    assert all("too_many_for_tiers" in notes.split() for notes in ratings["notes"][large])
    assert not any("too_many_for_tiers" in notes for notes in ratings["notes"][~large])


def test_missing_indicators_follow_the_thresholds_of_the_scheme():
    units, measured = province((0, 10, 30))
    main = measured.inputs["main"]
    gone = [(1, 4), (2, 0), (2, 1), (3, 2), (3, 3), (3, 4), (3, 0)]
    keep = np.array([(u, j) not in gone for u, j in zip(main.unit, main.indicator, strict=True)])
    for u, j in gone:
        measured.state[u, j] = "missing"
    measured.state[2, 0] = "suppressed"
    measured.inputs["main"] = Inputs(*(getattr(main, f.name)[keep] for f in fields(Inputs)))
    rules = scheme(missing=Missing(min_present=2, min_weight_present=0.55, dimension_min=0.5))
    results = compute(rules, units, measured, taken(40), seed=1, draws=100)
    state = results.ratings["state"]
    assert state[:4].tolist() == ["ok", "ok", "ok", "insufficient_evidence"]
    assert node(results, "u1", "right")["weight_present"] == 0.5
    assert node(results, "u1", "index")["weight_present"] == pytest.approx(0.4 + 0.6 * 0.5)
    assert node(results, "u2", "left")["state"] == "missing"
    assert node(results, "u2", "ak")["state"] == "suppressed"
    assert np.isnan(node(results, "u2", "left")["score"])
    assert node(results, "u2", "index")["score"] == node(results, "u2", "right")["score"]
    assert "missing_dimensions" in results.ratings["notes"][2].split()
    assert "too_few_indicators" in results.ratings["notes"][3].split()
    assert np.isnan([results.ratings[c][3] for c in ("index", "lower", "upper", "rank_lower", "tier")]).all()
    assert results.ratings["grade"][3] == ""


def test_an_imputed_number_counts_for_the_index_but_not_as_evidence():
    units, measured = province((0, 10, 30))
    measured.state[1, 4] = measured.state[2, 4] = measured.state[2, 2] = measured.state[2, 3] = "imputed"
    rules = scheme(missing=Missing(min_weight_present=0.6, impute="predictive"))
    results = compute(rules, units, measured, taken(40), seed=1, draws=100)
    whole = compute(rules, *province((0, 10, 30)), taken(40), seed=1, draws=100)
    assert results.ratings["index"][1] == whole.ratings["index"][1]
    assert node(results, "u1", "ex")["state"] == "imputed"
    assert node(results, "u1", "ex")["weight_present"] == 0
    assert "imputed_indicators" in results.ratings["notes"][1].split()
    assert results.ratings["state"][2] == "insufficient_evidence"
    assert "too_little_weight" in results.ratings["notes"][2].split()


def test_a_number_that_does_not_apply_passes_its_weight_within_the_dimension():
    units, measured = province((0, 10, 30))
    main = measured.inputs["main"]
    keep = ~((main.unit == 1) & (main.indicator == 0))
    measured.inputs["main"] = Inputs(*(getattr(main, f.name)[keep] for f in fields(Inputs)))
    measured.state[1, 0] = "not_applicable"
    results = compute(scheme(), units, measured, taken(40), seed=1, draws=100)
    assert node(results, "u1", "left")["score"] == node(results, "u1", "bo")["score"]
    assert node(results, "u1", "left")["weight_present"] == 1
    assert np.isnan(node(results, "u1", "ak")["weight_present"])


def test_an_index_that_is_mostly_noise_is_insufficient_evidence():
    units, measured = province(sd=60.0)
    ratings = compute(scheme(), units, measured, taken(41), seed=1, draws=300).ratings
    low = ratings["reliability"] < 0.5
    assert low.sum() > 10
    assert (ratings["state"][low] == "insufficient_evidence").all()
    assert (ratings["grade"][low] == "").all()
    assert np.isnan(ratings["tier"][low]).all()
    assert all("low_reliability" in notes.split() for notes in ratings["notes"][low])
    assert not np.isnan(ratings["index"][low]).any()


def test_the_worst_of_grade_and_caps_stands_beside_the_grade():
    units, measured = province()
    vetoes = [()] * 41
    order = np.argsort(-compute(scheme(), units, measured, taken(41), seed=1, draws=100).ratings["index"][11:]) + 11
    best, next_best, worst = order[0], order[1], order[-1]
    vetoes[best], vetoes[next_best], vetoes[worst] = ("debt",), ("debt", "fraud"), ("debt",)
    ratings = compute(scheme(), units, measured, taken(41, vetoes=vetoes), seed=1, draws=100).ratings
    assert (ratings["grade"][best], ratings["capped_grade"][best]) == ("gold", "silver")
    assert (ratings["vetoes"][next_best], ratings["capped_grade"][next_best]) == ("debt fraud", "tin")
    assert (ratings["grade"][worst], ratings["capped_grade"][worst]) == ("tin", "tin")
    assert "grade_capped" in ratings["notes"][best].split()
    assert "grade_capped" not in ratings["notes"][worst].split()


def test_a_grade_near_its_boundary_stays_what_it_was():
    units, measured = province()
    first = compute(scheme(), units, measured, taken(41), seed=1, draws=2000).ratings
    unsure = np.flatnonzero((first["grade"] == "silver") & (first["grade_probability"] < 0.75) & (first["index"] > 60))
    assert unsure.size
    second = compute(scheme(), units, measured, taken(41, previous=["gold"] * 41), seed=1, draws=2000).ratings
    assert (second["grade"][unsure] == "gold").all()
    np.testing.assert_allclose(second["grade_probability"][unsure], 1 - first["grade_probability"][unsure], atol=0.02)
    assert all("grade_held" in notes.split() for notes in second["notes"][unsure])
    assert second["previous_grade"][unsure].tolist() == ["gold"] * unsure.size
    clear = np.flatnonzero((first["grade"] == "tin") & (first["grade_probability"] > 0.9))
    assert clear.size
    assert (second["grade"][clear] == "tin").all()


def test_threads_and_the_order_of_rows_change_no_bit():
    units, measured = province()
    one = compute(scheme(sensitivity=FULL), units, measured, taken(41), seed=1, draws=700, threads=1)
    same(one, compute(scheme(sensitivity=FULL), units, measured, taken(41), seed=1, draws=700, threads=3))
    main, shared = measured.inputs["main"], measured.factors["main"]
    rows, loads = np.random.default_rng(0).permutation(main.a.size), np.random.default_rng(1).permutation(41)
    shuffled = Measured(
        {"main": Inputs(*(getattr(main, f.name)[rows] for f in fields(Inputs)))},
        {
            "main": Factors(
                ("nothing", *shared.names),
                shared.factor + 1,
                *(getattr(shared, name)[loads] for name in ("unit", "indicator", "loading", "direct_loading")),
            )
        },
        measured.state,
    )
    same(one, compute(scheme(sensitivity=FULL), units, shuffled, taken(41), seed=1, draws=700, threads=2))


def test_another_seed_moves_limits_but_not_the_index():
    units, measured = province()
    one = compute(scheme(), units, measured, taken(41), seed=1, draws=300).ratings
    other = compute(scheme(), units, measured, taken(41), seed=2, draws=300).ratings
    np.testing.assert_array_equal(one["index"], other["index"])
    assert (one["lower"] != other["lower"]).all()


def test_numbers_that_go_out_have_six_decimals():
    units, measured = province()
    results = compute(scheme(sensitivity=FULL), units, measured, taken(41), seed=1, draws=200)
    for each in (results.scores, results.ratings, results.sensitivity):
        for name, values in each.items():
            if values.dtype == np.float64:
                numbers = values[~np.isnan(values)]
                assert [float(f"{x:.6f}") for x in numbers] == numbers.tolist(), name
                assert not np.signbit(numbers[numbers == 0]).any()


@pytest.mark.filterwarnings("error")
def test_ready_numbers_without_goals_bands_or_errors_need_nothing_else():
    sources = ("s1", "s2", "s3", "s4")
    ready = Scheme(
        "cpi",
        "1",
        NAME,
        {"land": NAME},
        (Dimension("all", NAME),),
        tuple(Indicator(code, "all", "ready", NAME) for code in sources),
        normalisation=Normalisation(method="none"),
        missing=Missing(min_present=3),
        publication=Publication(min_level_units=1),
    )
    values = np.array([[90, 80, 70, NAN], [50, NAN, NAN, 40], [10, 20, 30, 41], [80, 80, 80, 80], [75, 85, NAN, 80]])
    rows = [(u, j, POINT, values[u, j], 0) for u, j in np.argwhere(~np.isnan(values))]
    state = np.where(np.isnan(values), "missing", "ok").astype(object)
    results = compute(
        ready, table(["land"] * 5), Measured({"main": inputs(rows)}, {"main": NO_FACTORS}, state), taken(5), 1, 50
    )
    assert ratings_by_unit(results, "state", "index", "lower", "upper", "rank_lower", "rank_upper", "tier", "grade")[
        ::2
    ] == [
        ("ok", 80.0, 80.0, 80.0, 1.0, 3.0, 1.0, ""),
        ("ok", 25.25, 25.25, 25.25, 4.0, 4.0, 2.0, ""),
        ("ok", 80.0, 80.0, 80.0, 1.0, 3.0, 1.0, ""),
    ]
    assert results.ratings["state"][1] == "insufficient_evidence"
    assert results.ratings["reliability"][0] == 1
    assert results.sensitivity["choice"].size == 0


def test_sensitivity_tells_each_alternative_over_all_and_unit_by_unit():
    units, measured = province()
    measured.inputs["half"] = replace(measured.inputs["main"], a=measured.inputs["main"].a * 1.01)
    rules = scheme(sensitivity=FULL, aggregation=Aggregation(1.0, 0.5))
    results = compute(rules, units, measured, taken(41, deductions=np.full(41, 2.0)), seed=1, draws=200)
    found = results.sensitivity
    without = {name for name in found["choice"] if name.startswith("without ")}
    assert dict.fromkeys(found["choice"]).keys() - without == {
        "aggregation 1", "aggregation 0", "goalposts widened 0.1", "screening half",
        "weights", "aggregation", "goalposts", "screening",
    }  # fmt: skip
    dimensions = {f"without dimension {one.code}" for one in rules.dimensions}
    assert without == dimensions | {f"without indicator {one.code}" for one in rules.indicators}
    assert (found["unit"][np.isin(found["choice"], list(without))] == "").all()  # no table of units x indicators

    def value(choice, statistic, unit=""):
        (row,) = np.flatnonzero(
            (found["choice"] == choice) & (found["statistic"] == statistic) & (found["unit"] == unit)
        )
        return found["value"][row]

    other = compute(
        scheme(aggregation=Aggregation(1.0, 0.0)), units, measured, taken(41, deductions=np.full(41, 2.0)), 1, 200
    ).ratings
    for unit, index in zip(other["unit"], other["index"], strict=True):
        assert value("aggregation 0", "index", unit) == pytest.approx(index, abs=2e-6)
    change = np.abs(other["index"] - results.ratings["index"])
    ranked = np.flatnonzero(results.ratings["state"] == "ok")
    moved = []
    for level in np.unique(results.ratings["level"][ranked].astype(str)):
        here = ranked[results.ratings["level"][ranked] == level]
        before, after = (np.argsort(np.argsort(-each["index"][here])) for each in (results.ratings, other))
        moved.extend(np.abs(before - after))
    assert value("aggregation 0", "mean_rank_change") == pytest.approx(np.mean(moved), abs=1e-6)
    assert value("aggregation 0", "largest_rank_change") == np.max(moved)
    assert value("aggregation 0", "mean_absolute_change") == pytest.approx(change.mean(), abs=1e-5)
    assert value("aggregation 0", "largest_change") == pytest.approx(change.max(), abs=1e-5)
    graded = results.ratings["grade"] != ""
    kept = (other["grade"] == results.ratings["grade"])[graded].mean()
    assert value("aggregation 0", "share_keeping_grade") == pytest.approx(kept, abs=1e-6)
    totals = {c: value(c, "sobol_total") for c in ("weights", "aggregation", "goalposts", "screening")}
    firsts = {c: value(c, "sobol_first") for c in totals}
    assert sum(firsts.values()) == pytest.approx(1, abs=0.1)
    assert all(totals[c] >= firsts[c] - 0.05 for c in totals)
    assert totals["goalposts"] > totals["aggregation"]
    weights = (found["choice"] == "weights") & (found["statistic"] == "index")
    assert (found["lower"][weights] < found["upper"][weights]).all()
    np.testing.assert_allclose(found["value"][weights], results.ratings["index"], atol=1)


def test_choices_do_not_enter_intervals():
    units, measured = province()
    plain = compute(scheme(), units, measured, taken(41), seed=1, draws=200)
    full = compute(scheme(sensitivity=FULL), units, measured, taken(41), seed=1, draws=200)
    for column in plain.ratings:
        np.testing.assert_array_equal(plain.ratings[column], full.ratings[column])
    assert plain.sensitivity["choice"].size == 0


def test_weights_of_a_level_replace_those_of_dimensions():
    units, measured = province()
    results = compute(scheme(weights_by_level={"dos": {"left": 1.0}}), units, measured, taken(41), seed=1, draws=100)
    assert node(results, "u1", "index")["score"] == node(results, "u1", "left")["score"]
    assert "right" not in results.scores["node"][results.scores["unit"] == "u1"]


def test_progress_names_its_stages_and_each_reaches_its_end():
    seen = {}
    units, measured = province()
    compute(scheme(), units, measured, taken(41), 1, 300, lambda stage, share: seen.__setitem__(stage, share))
    assert seen == {"draws": 1.0, "ranks": 1.0, "tiers": 1.0, "sensitivity": 1.0}


def test_units_of_an_unknown_level_and_unknown_vetoes_are_named():
    units, measured = province()
    with pytest.raises(ValueError, match="level 'quatro' is not in the scheme; it has uno, dos, tres"):
        compute(scheme(), {**units, "level": np.array(["quatro"] * 41, object)}, measured, taken(41), 1, 100)
    with pytest.raises(ValueError, match="unit u3: veto 'late' is not in the scheme; it has debt, fraud"):
        compute(scheme(), units, measured, taken(41, vetoes=[("late",) if u == 3 else () for u in range(41)]), 1, 100)


def test_states_that_do_not_fit_their_numbers_are_named():
    units, measured = province()
    measured.state[2, 4] = "missing"
    with pytest.raises(ValueError, match="unit u2, indicator ex has state 'missing' and the number"):
        compute(scheme(), units, measured, taken(41), 1, 100)


def test_a_scheme_survives_being_written_and_read_before_it_is_used():
    again = msgspec.json.decode(msgspec.json.encode(scheme(sensitivity=FULL)), type=Scheme)
    units, measured = province()
    same(
        compute(scheme(sensitivity=FULL), units, measured, taken(41), 1, 100),
        compute(again, units, measured, taken(41), 1, 100),
    )
