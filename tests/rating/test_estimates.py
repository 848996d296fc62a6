"""From snapshots built by hand to inputs, factors, states, deductions and vetoes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.special import ndtri

from evaluator.rating.estimates import Estimates, estimate
from evaluator.rating.scheme import (
    Dimension,
    Group,
    Indicator,
    Label,
    Missing,
    Publication,
    RecordClass,
    Records,
    Scheme,
    Sensitivity,
    Veto,
)
from evaluator.rating.snapshot import Snapshot
from methods.inputs import BETA, GAMMA, NORMAL, POINT
from methods.survey.cells import ItemScoring

NAME = Label(zh="", en="")
SCALE = tuple(str(k) for k in range(11))


def _scheme(*indicators: Indicator, **given: Any) -> Scheme:
    levels = {level: NAME for one in indicators for level in one.levels} or {"lake": NAME, "river": NAME}
    return Scheme("water", "1", NAME, levels, (Dimension("all", NAME),), indicators, **given)


def _indicator(code: str, source: Any, **given: Any) -> Indicator:
    return Indicator(code, "all", source, NAME, **given)


def _units(count: int, level: str = "lake") -> dict[str, Any]:
    return {
        "unit": np.array([f"w{k:03d}" for k in range(count)], object),
        "level": np.full(count, level, object),
        "population": np.full(count, np.nan),
    }


def _snapshot(units: dict[str, Any], **tables: dict[str, Any]) -> Snapshot:
    period = (date(2026, 1, 1), date(2026, 12, 31))
    return Snapshot(Path(), period, {"units": units} | tables, None, {}, "", "", False, "")


def _table(names: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    columns = zip(*rows, strict=True)
    return {
        name: np.array(column, object if isinstance(column[0], str) else float)
        for name, column in zip(names.split(), columns, strict=True)
    }


def _row(found: Estimates, unit: int, indicator: int = 0, screening: str = "main") -> dict[str, float]:
    inputs = found.inputs[screening]
    (at,) = np.flatnonzero((inputs.unit == unit) & (inputs.indicator == indicator))
    return {name: float(getattr(inputs, name)[at]) for name in ("family", "a", "b", "direct", "direct_sd", "n")}


# --- ready numbers


def test_ready_numbers_are_points_unless_they_have_a_standard_error() -> None:
    scheme = _scheme(_indicator("clear", "ready"))
    table = _table(
        "unit indicator value standard_error", [("w000", "clear", 7.5, np.nan), ("w001", "clear", 6.0, 0.25)]
    )
    found = estimate(scheme, _snapshot(_units(3), indicators=table))
    assert _row(found, 0) | {"n": 0.0} == {
        "family": POINT,
        "a": 7.5,
        "b": 0.0,
        "direct": 7.5,
        "direct_sd": 0.0,
        "n": 0.0,
    }
    assert _row(found, 1)["family"] == NORMAL
    assert _row(found, 1)["b"] == 0.25
    assert found.state[:, 0].tolist() == ["ok", "ok", "missing"]


def test_only_units_and_indicators_are_needed() -> None:
    found = estimate(
        _scheme(_indicator("clear", "ready"), _indicator("fish", "citizen", item="fish")), _snapshot(_units(2))
    )
    assert found.inputs["main"].unit.size == 0
    assert set(found.state.ravel().tolist()) == {"missing"}
    assert found.deductions.tolist() == [0.0, 0.0]
    assert found.vetoes == [(), ()]
    assert found.distributions["unit"].size == 0


def test_an_indicator_of_another_level_is_not_applicable() -> None:
    scheme = _scheme(_indicator("clear", "ready", levels=("lake",)), _indicator("flow", "ready", levels=("river",)))
    table = _table(
        "unit indicator value standard_error", [("w000", "flow", 1.0, np.nan), ("w000", "clear", 1.0, np.nan)]
    )
    found = estimate(scheme, _snapshot(_units(1), indicators=table))
    assert found.state[0].tolist() == ["ok", "not_applicable"]
    assert found.inputs["main"].indicator.tolist() == [0]


# --- records


def _records(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return _table("unit indicator numerator denominator", rows)


def test_a_denominator_of_zero_is_not_applicable_and_a_blank_numerator_the_worst_goalpost() -> None:
    scheme = _scheme(_indicator("answered", "share", goal=(0.6, 1.0)))
    rows = [("w000", "answered", 0.0, 0.0), ("w001", "answered", np.nan, 12.0), ("w002", "answered", 9.0, 12.0)]
    found = estimate(scheme, _snapshot(_units(4), records=_records(rows)))
    assert found.state[:, 0].tolist() == ["not_applicable", "ok", "ok", "missing"]
    assert (_row(found, 1)["family"], _row(found, 1)["a"]) == (POINT, 0.6)
    assert _row(found, 2)["family"] == BETA


def test_a_small_level_has_a_weak_fixed_prior_and_a_large_one_its_own() -> None:
    scheme = _scheme(_indicator("answered", "share"))
    few = [(f"w{k:03d}", "answered", 9.0 - k, 12.0) for k in range(4)]
    found = estimate(scheme, _snapshot(_units(4), records=_records(few)))
    assert (_row(found, 1)["a"], _row(found, 1)["b"]) == (8.5, 4.5)  # Jeffreys: 8 + 1/2 and 4 + 1/2
    assert dict(zip(found.models["parameter"], found.models["value"], strict=True)) == {"prior_a": 0.5, "prior_b": 0.5}
    many = [(f"w{k:03d}", "answered", float(6 + k % 5), 12.0) for k in range(30)]
    found = estimate(scheme, _snapshot(_units(30), records=_records(many)))
    assert found.models["value"].tolist() != [0.5, 0.5]
    assert _row(found, 0)["a"] / (_row(found, 0)["a"] + _row(found, 0)["b"]) > 0.5  # 6 of 12, drawn to the level's 8
    assert _row(found, 0)["direct"] == 0.5


def test_a_rate_is_on_the_scale_of_its_goal() -> None:
    scheme = _scheme(_indicator("spills", "rate", per=1000.0, goal=(20.0, 0.0)))
    rows = [(f"w{k:03d}", "spills", float(k), 500.0) for k in range(5)]
    found = estimate(scheme, _snapshot(_units(5), records=_records(rows)))
    third = _row(found, 2)
    assert third["family"] == GAMMA
    assert third["direct"] == 4.0  # 2 in 500, for 1000
    assert (third["a"], third["b"]) == (2.5, 0.5)  # Jeffreys: 2 + 1/2; 500 / 1000
    assert third["a"] / third["b"] == 5.0


# --- events


CLASSES = (
    RecordClass("minor", "none"),
    RecordClass("general", "indicator", indicator="spills"),
    RecordClass("serious", "deduction", points=4.0),
    RecordClass("listed", "veto", veto="list"),
)
LIFE = Records(
    CLASSES,
    {"alleged": 0.0, "contested": 0.0, "final": 1.0, "rectified": 0.5, "repaired": 0.0, "expired": 0.0},
    "spills",
    15.0,
)


def _events(rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    return _table("unit record class document_date state state_date", rows)


def _with_events(rows: Sequence[Sequence[str]], exposure: Sequence[float] = (100.0,) * 4) -> Estimates:
    scheme = _scheme(
        _indicator("spills", "rate", per=100.0, goal=(20.0, 0.0)),
        records=LIFE,
        vetoes=(Veto("list", "C"), Veto("default", "D")),
    )
    records = _records([(f"w{k:03d}", "spills", np.nan, size) for k, size in enumerate(exposure)])
    return estimate(scheme, _snapshot(_units(len(exposure)), records=records, events=_events(rows)))


def test_events_are_the_numerator_of_the_indicator_their_class_names() -> None:
    found = _with_events(
        [("w001", "a", "general", "2026-03-01", "final", ""), ("w001", "b", "general", "2026-05-01", "final", "")]
    )
    assert found.state[:, 0].tolist() == ["ok"] * 4  # no event is a count of 0, not a silence
    assert [_row(found, unit)["direct"] for unit in range(3)] == [0.0, 2.0, 0.0]
    assert (_row(found, 1)["a"], _row(found, 1)["b"]) == (2.5, 1.0)


def test_rectified_events_count_half_with_a_quarter_of_the_variance() -> None:
    found = _with_events(
        [
            ("w001", "a", "general", "2026-03-01", "final", ""),
            ("w001", "b", "general", "2026-05-01", "rectified", "2026-06-01"),
        ]
    )
    row = _row(found, 1)
    # each class with Jeffreys' prior: mean (1.5 + .5 x 1.5) / 1, variance (1.5 + .25 x 1.5) / 1
    assert row["a"] / row["b"] == pytest.approx(2.25, abs=1e-5)
    assert row["a"] / row["b"] ** 2 == pytest.approx(1.875, abs=1e-5)
    assert row["direct"] == 1.5


@pytest.mark.parametrize("state", ["alleged", "contested", "repaired", "expired"])
def test_events_that_are_not_final_count_nowhere(state: str) -> None:
    rows = [
        (f"w00{k}", str(k), kind, "2026-03-01", state, "2026-04-01")
        for k, kind in enumerate(("general", "serious", "listed"))
    ]
    found = _with_events(rows)
    assert _row(found, 0)["direct"] == 0.0
    assert found.deductions.tolist() == [0.0] * 4
    assert found.vetoes == [()] * 4


def test_documents_of_other_years_are_not_counted() -> None:
    rows = [("w001", "a", "general", "2025-12-31", "final", ""), ("w001", "b", "serious", "2027-01-01", "final", "")]
    found = _with_events(rows)
    assert _row(found, 1)["direct"] == 0.0
    assert found.deductions[1] == 0.0


def test_records_counted_by_days_in_force_decay_and_outlast_the_year_of_their_document() -> None:
    scheme = _scheme(
        _indicator("spills", "rate", per=100.0, goal=(20.0, 0.0)),
        records=Records((RecordClass("general", "indicator", indicator="spills", in_force_months=12),), LIFE.weight),
    )
    rows = [
        ("w000", "a", "general", "2025-07-02", "final", ""),  # in force to 1 July: 182 of 365 days
        ("w001", "b", "general", "2026-07-02", "final", ""),  # from 2 July: 183 days
        ("w002", "c", "general", "2026-01-01", "rectified", "2026-02-01"),  # all days, half weight
        ("w003", "d", "general", "2024-12-31", "final", ""),  # over before the year
        ("w004", "e", "general", "2026-07-02", "repaired", "2026-11-01"),
    ]
    records = _records([(f"w{k:03d}", "spills", np.nan, 100.0) for k in range(5)])
    found = estimate(scheme, _snapshot(_units(5), records=records, events=_events(rows)))
    direct = [_row(found, unit)["direct"] for unit in range(5)]
    assert direct == pytest.approx([182 / 365, 183 / 365, 0.5, 0.0, 0.0], abs=1e-6)


def test_deductions_saturate_and_are_lighter_for_large_bodies() -> None:
    rows = [(unit, f"{unit}{k}", "serious", "2026-03-01", "final", "") for unit in ("w000", "w001") for k in range(2)]
    found = _with_events(rows, exposure=(100.0, 400.0, 100.0, 100.0))
    # 8 points; a body of four times the median exposure takes a quarter: 15 (1 - exp(-sum / 15))
    assert found.deductions[:2] == pytest.approx([15 * (1 - np.exp(-8 / 15)), 15 * (1 - np.exp(-2 / 15))], abs=1e-6)


def test_a_veto_takes_a_final_fact_in_force_in_the_period() -> None:
    found = _with_events(
        [
            ("w000", "a", "listed", "2024-05-01", "final", "2024-05-01"),  # on the list since before the period
            ("w001", "b", "default", "2026-05-01", "final", ""),  # a veto of its own code
            ("w001", "c", "listed", "2026-05-02", "final", ""),
            ("w002", "d", "listed", "2024-05-01", "rectified", "2025-11-30"),  # remedied before the period
            ("w003", "e", "listed", "2024-05-01", "rectified", "2026-02-01"),  # remedied in the period
        ]
    )
    assert found.vetoes == [("list",), ("list", "default"), (), ("list",)]


# --- assessors


def _assessments(
    rng: np.random.Generator, units: int, assessors: Sequence[int], first: int = 0
) -> list[tuple[Any, ...]]:
    rows = []
    strict = {a: rng.normal(0, 0.5) for a in assessors}
    for u in range(first, first + units):
        level = rng.normal(6, 1)
        for criterion in ("plan", "care"):
            truth = level + rng.normal(0, 0.5)
            for a in rng.choice(list(assessors), 3, replace=False).tolist():
                rows.append((f"w{u:03d}", "institute", f"a{a}", criterion, truth + strict[a] + rng.normal(0, 0.4)))
    return rows


ASSESSED = _scheme(_indicator("plan", "assessor", goal=(0, 10)), _indicator("care", "assessor", goal=(0, 10)))


def test_assessed_indicators_share_assessors_and_their_unit() -> None:
    rows = _assessments(np.random.default_rng(1), 30, range(6))
    table = _table("unit institute assessor criterion score", rows)
    found = estimate(ASSESSED, _snapshot(_units(30), assessments=table))
    assert set(found.state.ravel().tolist()) == {"ok"}
    factors = found.factors["main"]
    assert any(name.startswith("assessors ") for name in factors.names)
    own = [k for k, name in enumerate(factors.names) if name == "assessed w003"]
    assert np.isin(factors.factor, own).sum() == 2
    parameters = dict(zip(found.models["parameter"], found.models["value"], strict=True))
    assert {"variance_unit", "variance_assessor", "variance_unit_criterion", "variance_residual"} <= set(parameters)
    assert parameters["variance_residual"] == pytest.approx(0.16, rel=0.5)
    assert found.models["indicator"][0] == "plan care"


def test_a_single_criterion_has_no_interaction_in_the_models() -> None:
    rows = [row for row in _assessments(np.random.default_rng(2), 20, range(5)) if row[3] == "plan"]
    table = _table("unit institute assessor criterion score", rows)
    found = estimate(_scheme(_indicator("plan", "assessor")), _snapshot(_units(20), assessments=table))
    assert found.models["parameter"].tolist() == [
        "variance_unit",
        "variance_assessor",
        "variance_residual",
        "reml_criterion",
        "mean",
    ]


def test_too_few_assessors_are_suppressed_without_a_number() -> None:
    rows = _assessments(np.random.default_rng(3), 20, range(5))
    rows = [row for k, row in enumerate(rows) if row[0] != "w004" or k % 3 == 0]
    table = _table("unit institute assessor criterion score", rows)
    scheme = msgspec.structs.replace(
        ASSESSED, publication=Publication(min_assessors=2), missing=Missing(impute="predictive")
    )
    found = estimate(scheme, _snapshot(_units(20), assessments=table))
    assert found.state[4].tolist() == ["suppressed", "suppressed"]
    assert 4 not in found.inputs["main"].unit.tolist()
    assert not any("w004" in name for name in found.factors["main"].names)


def test_units_whose_assessors_have_nothing_in_common_are_not_compared() -> None:
    rng = np.random.default_rng(4)
    rows = _assessments(rng, 18, range(5)) + _assessments(rng, 6, range(10, 15), first=18)
    table = _table("unit institute assessor criterion score", rows)
    found = estimate(ASSESSED, _snapshot(_units(24), assessments=table))
    assert set(found.state[:18].ravel().tolist()) == {"ok"}
    assert set(found.state[18:].ravel().tolist()) == {"suppressed"}
    parameters = dict(zip(found.models["parameter"], found.models["value"], strict=True))
    assert parameters["units_not_comparable"] == 6.0


# --- what is missing


def test_what_is_missing_is_predicted_from_its_level_where_the_scheme_says_so() -> None:
    scheme = _scheme(_indicator("clear", "ready"), missing=Missing(impute="predictive"))
    rows = [(f"w{k:03d}", "clear", float(k), np.nan) for k in range(5)]
    table = _table("unit indicator value standard_error", rows)
    found = estimate(scheme, _snapshot(_units(6), indicators=table))
    assert found.state[:, 0].tolist() == ["ok"] * 5 + ["imputed"]
    # mean of 0 .. 4, variance 2.5 of one further unit about it: 2.5 (1 + 1/5)
    assert (_row(found, 5)["a"], _row(found, 5)["b"]) == (2.0, round(float(np.sqrt(3.0)), 6))
    assert np.isnan(_row(found, 5)["direct"])


def test_the_worst_goalpost_says_nothing_of_other_units() -> None:
    scheme = _scheme(_indicator("answered", "share", goal=(0.0, 1.0)), missing=Missing(impute="predictive"))
    rows = [(f"w{k:03d}", "answered", 9.0, 10.0) for k in range(4)] + [("w004", "answered", np.nan, 10.0)]
    found = estimate(scheme, _snapshot(_units(6), records=_records(rows)))
    assert _row(found, 5)["a"] == pytest.approx(9.5 / 11.0, abs=1e-6)


# --- citizens


def _responses(folder: Path, units: int, mean_n: float, flagged: float = 0.1, seed: int = 1) -> Snapshot:
    rng = np.random.default_rng(seed)
    lines = ["campaign,mode,unit,s_role,q_help,q_trust,flags"]
    theta = 60 + rng.normal(0, 8, units)
    for u in range(units):
        for _ in range(rng.poisson(mean_n) if u else 3):
            p = theta[u] / 100
            z = rng.normal(size=2) * np.sqrt(0.6) + rng.normal() * np.sqrt(0.4)
            help_ = "yes" if z[0] > ndtri(1 - p**2) else "part" if z[0] > ndtri((1 - p) ** 2) else "no"
            trust = int(np.clip(np.round(10 * p + 2 * z[1]), 0, 10))
            flag = "too_fast" if rng.random() < flagged else ""
            mode = "invitation" if rng.random() < 0.9 else "open"
            lines.append(f"autumn,{mode},w{u:03d},{'staff' if rng.random() < 0.03 else ''},{help_},{trust},{flag}")
    path = folder / "responses.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    scores = {"yes": 100_000, "part": 50_000, "no": 0}
    scoring = (
        ItemScoring("help", "single", scores=scores, codes=tuple(scores)),
        ItemScoring("trust", "linear", codes=SCALE),
        ItemScoring("role", codes=("staff",), set_apart=("staff",), column="s_role"),
    )
    snapshot = _snapshot(_units(units + 1))  # the last unit has no response
    return replace(snapshot, responses=path, scoring={"autumn": scoring})


HELPED = _scheme(
    _indicator("helped", "citizen", item="help", goal=(0, 100)),
    _indicator("trusted", "citizen", item="trust", goal=(0, 100)),
    missing=Missing(impute="predictive"),
    publication=Publication(cell_min=10, citizen_min_reliability=0.4),
    sensitivity=Sensitivity(screening=("main", "half", "without")),
)


def test_citizens_give_normal_inputs_with_two_factors_a_unit(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 40))
    assert set(found.state[1:25].ravel().tolist()) == {"ok"}
    factors = found.factors["main"]
    mine = {factors.names[f] for f in factors.factor[(factors.unit == 5) & (factors.indicator == 0)]}
    assert {
        "respondents w005",
        "own level w005",
        "regression lake 0",
        "regression lake 0 helped",
        "variance of units lake helped",
    } == mine
    assert _row(found, 5)["family"] == NORMAL
    assert _row(found, 5)["n"] > 10


def test_few_respondents_are_predicted_as_if_nobody_had_answered(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 40))
    assert found.state[0].tolist() == ["imputed", "imputed"]
    few, none = _row(found, 0), _row(found, 25)
    assert few["a"] == none["a"]  # nobody answered about the last unit
    assert np.isnan([few["direct"], few["direct_sd"], few["n"]]).all()
    unimputed = msgspec.structs.replace(HELPED, missing=Missing(impute="none"))
    hidden = estimate(unimputed, _responses(tmp_path, 25, 40))
    assert hidden.state[0].tolist() == ["suppressed", "suppressed"]
    assert 0 not in hidden.inputs["main"].unit.tolist()
    lenient = msgspec.structs.replace(HELPED, publication=Publication(cell_min=10))
    row = _row(estimate(lenient, _responses(tmp_path, 25, 40)), 0)
    assert np.isfinite(row["a"])
    assert np.isnan([row["direct"], row["direct_sd"], row["n"]]).all()


def test_nobody_answered_is_imputed_by_the_regression(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 40))
    assert found.state[25].tolist() == ["imputed", "imputed"]
    unimputed = msgspec.structs.replace(HELPED, missing=Missing(impute="none"))
    found = estimate(unimputed, _responses(tmp_path, 25, 40))
    assert found.state[25].tolist() == ["missing", "missing"]
    assert 25 not in found.inputs["main"].unit.tolist()


def test_screenings_change_only_citizens_rows_with_the_cells_of_main(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 150))
    assert set(found.inputs) == {"main", "half", "without"} == set(found.factors)
    cells = {
        name: set(zip(one.unit.tolist(), one.indicator.tolist(), strict=True)) for name, one in found.inputs.items()
    }
    assert cells["half"] <= cells["main"]
    assert cells["without"] <= cells["main"]
    means = [_row(found, 7, 0, screening)["direct"] for screening in ("main", "half", "without")]
    assert min(means[0], means[2]) <= means[1] <= max(means[0], means[2])


def test_a_few_flagged_people_are_not_told_apart_by_any_number(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 40))  # some four of a unit are flagged
    assert set(found.inputs) == {"main"}
    shown = found.distributions["with_flagged"][found.distributions["state"] == "ok"]
    assert set(shown.tolist()) == {"yes"}


def test_no_number_without_flagged_answers_tells_what_the_few_flagged_said_who_were_asked(
    tmp_path: Path,
) -> None:
    snapshot = _responses(tmp_path, 25, 60, flagged=0.4)
    lines = (tmp_path / "responses.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    few = 0
    for k, line in enumerate(lines):
        cells = line.split(",")
        if cells[names.index("unit")] == "w007" and cells[names.index("flags")]:
            few += 1
            if few > 3:  # three of the flagged answered the question
                cells[names.index("q_help")] = ""
                lines[k] = ",".join(cells)
    (tmp_path / "responses.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = estimate(HELPED, snapshot)
    for screening in ("half", "without"):
        rows = found.inputs[screening]
        assert rows.indicator[rows.unit == 7].tolist() == [1]  # of the other question the number is the main one
        assert 0 in rows.indicator[rows.unit == 8].tolist()
    assert np.isfinite(_row(found, 7, 0, "main")["direct"])


def test_without_flagged_responses_the_main_row_stands(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 12, 20, flagged=0.0))
    assert set(found.inputs) == {"main"}


def test_an_unreliable_estimate_counts_in_its_dimension_as_imputed(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 40))
    strict = msgspec.structs.replace(HELPED, publication=Publication(cell_min=10, citizen_min_reliability=0.99))
    hidden = estimate(strict, _responses(tmp_path, 25, 40))
    assert set(hidden.state[1:25].ravel().tolist()) == {"imputed"}
    row = _row(hidden, 5)
    assert row["a"] == _row(found, 5)["a"]
    assert np.isnan([row["direct"], row["direct_sd"], row["n"]]).all()


def test_wide_intervals_are_suppressed(tmp_path: Path) -> None:
    narrow = msgspec.structs.replace(
        HELPED, publication=Publication(max_interval_width=12.0), missing=Missing(impute="none")
    )
    found = estimate(narrow, _responses(tmp_path, 25, 40))
    inputs, factors = found.inputs["main"], found.factors["main"]
    assert "suppressed" in found.state.ravel().tolist()
    observed = np.flatnonzero(found.state[inputs.unit, inputs.indicator] == "ok")
    for at in observed.tolist():
        mine = (factors.unit == inputs.unit[at]) & (factors.indicator == inputs.indicator[at])
        own = ~np.array([factors.names[f].startswith("variance") for f in factors.factor])
        assert 2 * 1.96 * np.sqrt(inputs.b[at] ** 2 + np.sum(factors.loading[mine & own] ** 2)) <= 12.0


def test_distributions_add_up_and_hide_small_cells(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 200)).distributions
    mine = (found["unit"] == "w005") & (found["item"] == "help") & (found["with_flagged"] == "yes")
    assert found["code"][mine].tolist() == ["yes", "part", "no"]
    assert found["share"][mine].sum() == pytest.approx(1.0, abs=2e-6)
    assert np.all((found["lower"][mine] <= found["share"][mine]) & (found["share"][mine] <= found["upper"][mine]))
    few = found["unit"] == "w000"
    assert set(found["state"][few].tolist()) == {"suppressed"}
    assert np.isnan(found["share"][few]).all()


SCORING = {
    "autumn": (
        ItemScoring("help", "single", scores={"yes": 100_000, "part": 50_000, "no": 0}, codes=("yes", "part", "no")),
    )
}


def _said(tmp_path: Path, counts: dict[str, int], flagged: dict[str, int] = {}) -> dict[str, np.ndarray]:  # noqa: B006
    """What is published where so many gave each answer, of them so many with a flag."""
    lines = ["campaign,mode,unit,q_help,flags"]
    for code, n in counts.items():
        lines += [f"autumn,invitation,w000,{code},{'too_fast' if k < flagged.get(code, 0) else ''}" for k in range(n)]
    path = tmp_path / "responses.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return estimate(HELPED, replace(_snapshot(_units(1)), responses=path, scoring=SCORING)).distributions


def _shown(found: dict[str, np.ndarray], with_flagged: str = "yes") -> list[str]:
    return found["code"][(found["with_flagged"] == with_flagged) & (found["state"] == "ok")].tolist()


def test_a_small_answer_takes_as_many_others_with_it_as_hide_it(tmp_path: Path) -> None:
    assert _shown(_said(tmp_path, {"yes": 40, "part": 20, "no": 30})) == ["yes", "part", "no"]
    assert _shown(_said(tmp_path, {"yes": 40, "part": 4, "no": 30})) == ["yes"]  # 4 + 30 hide one another
    assert _shown(_said(tmp_path, {"yes": 40, "part": 0, "no": 30})) == ["yes", "part", "no"]
    assert _shown(_said(tmp_path, {"yes": 40})) == []  # everybody who was asked said so


def test_shares_without_flagged_are_not_shown_where_they_would_tell_what_a_few_flagged_people_said(
    tmp_path: Path,
) -> None:
    found = _said(tmp_path, {"yes": 40, "part": 20, "no": 30}, {"yes": 3})
    assert _shown(found) == ["yes", "part", "no"]
    assert _shown(found, "no") == []
    found = _said(tmp_path, {"yes": 40, "part": 40, "no": 30}, {"yes": 12, "part": 10})
    assert _shown(found, "no") == ["yes", "part", "no"]
    found = _said(tmp_path, {"yes": 40, "part": 40, "no": 30}, {"yes": 12})
    assert _shown(found, "no") == []  # all of the flagged said yes
    found = _said(tmp_path, {"yes": 50, "part": 40, "no": 30}, {"yes": 12, "part": 12, "no": 2})
    assert _shown(found) == ["yes", "part", "no"]
    assert _shown(found, "no") == []  # two of the flagged said no


def test_wilson_interval_of_a_published_example(tmp_path: Path) -> None:
    # Newcombe (1998), Statistics in Medicine 17: 81 of 263, Wilson .2553 to .3662
    lines = ["campaign,mode,unit,q_help", *(f"autumn,invitation,w000,{'yes' if k < 81 else 'no'}" for k in range(263))]
    path = tmp_path / "responses.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    scoring = {"autumn": (ItemScoring("help", "single", scores={"yes": 100_000, "no": 0}, codes=("yes", "no")),)}
    found = estimate(HELPED, replace(_snapshot(_units(1)), responses=path, scoring=scoring)).distributions
    yes = (found["code"] == "yes") & (found["with_flagged"] == "yes")
    assert (found["lower"][yes][0], found["upper"][yes][0]) == pytest.approx((0.2553, 0.3662), abs=5e-5)


# --- as a whole


def test_everything_is_rounded_to_six_decimals(tmp_path: Path) -> None:
    found = estimate(HELPED, _responses(tmp_path, 25, 60, flagged=0.4))
    numbers = [
        found.models["value"],
        *(getattr(found.inputs["main"], k) for k in ("a", "b", "direct", "direct_sd", "n")),
    ]
    numbers += [found.factors["half"].loading, found.distributions["share"]]
    for column in numbers:
        kept = column[np.isfinite(column)]
        assert [float(f"{value:.6f}") for value in kept] == kept.tolist()


def test_the_same_snapshot_gives_the_same_numbers(tmp_path: Path) -> None:
    snapshot = _responses(tmp_path, 25, 40)
    first, second = estimate(HELPED, snapshot), estimate(HELPED, snapshot)
    for name in ("a", "b", "direct"):
        assert np.array_equal(getattr(first.inputs["main"], name), getattr(second.inputs["main"], name), equal_nan=True)
    assert first.factors["main"].names == second.factors["main"].names
    assert np.array_equal(first.factors["main"].loading, second.factors["main"].loading)


def test_progress_runs_from_nothing_to_done(tmp_path: Path) -> None:
    seen: list[float] = []
    estimate(HELPED, _responses(tmp_path, 10, 20), lambda step, done: seen.append(done))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)


# --- groups of respondents that are estimands of their own


FIRMS = Group("firms", "role", ("firm",), NAME)
ROLE = ItemScoring("role", codes=("resident", "firm"), column="s_role")


def _with_firms(tmp_path: Path, groups: tuple[Group, ...], firm: int = 2) -> Estimates:
    """Twelve units; residents answer 6, 7, 8 in turn and firms `firm`, 30 and 20 of each unit."""
    lines = ["campaign,mode,unit,s_role,q_fish"]
    for unit in range(12):
        lines += [f"c,invitation,w{unit:03d},resident,{6 + (k + unit) % 3}" for k in range(30 + unit % 2)]
        lines += [f"c,invitation,w{unit:03d},firm,{firm + (k + unit // 3) % 2}" for k in range(20)]
        lines += [f"c,open,w{unit:03d},firm,10"]
    path = tmp_path / "responses.csv"
    path.write_text("\n".join(lines) + "\n")
    fish = ItemScoring("fish", "linear", codes=SCALE)
    scheme = _scheme(
        _indicator("fish", "citizen", item="fish", scale=(0.0, 100.0)),
        groups=groups,
        publication=Publication(cell_min=5),
    )
    return estimate(scheme, replace(_snapshot(_units(12)), responses=path, scoring={"c": (fish, ROLE)}))


def test_a_group_has_estimates_of_its_own_and_enters_no_citizens_number(tmp_path: Path) -> None:
    mixed, apart = _with_firms(tmp_path, ()), _with_firms(tmp_path, (FIRMS,))
    other = _with_firms(tmp_path, (FIRMS,), firm=9)  # whatever firms say
    assert 45 < _row(mixed, 0)["a"] < 60
    assert 65 < _row(apart, 0)["a"] < 75
    assert _row(apart, 0) == _row(other, 0)
    assert _row(apart, 0)["n"] == 30
    assert mixed.groups["unit"].size == 0
    table = apart.groups
    assert table["unit"].tolist() == [f"w{k:03d}" for k in range(12)]
    assert set(table["group"]) == {"firms"}
    assert set(table["indicator"]) == {"fish"}
    assert table["n"].tolist() == [20.0] * 12
    assert ((table["estimate"] > 20) & (table["estimate"] < 30)).all()  # 2 and 3 in turn; none came by the open link
    reach = float(ndtri(0.975)) * table["standard_error"]
    assert table["lower"] == pytest.approx(np.maximum(table["estimate"] - reach, 0.0), abs=1e-5)
    assert table["upper"] == pytest.approx(table["estimate"] + reach, abs=1e-5)


def test_an_unsure_group_is_suppressed_without_its_numbers(tmp_path: Path) -> None:
    scheme = _scheme(
        _indicator("fish", "citizen", item="fish"), groups=(FIRMS,), publication=Publication(max_interval_width=0.1)
    )
    _with_firms(tmp_path, (FIRMS,))
    scoring = {"c": (ItemScoring("fish", "linear", codes=SCALE), ROLE)}
    snapshot = replace(_snapshot(_units(12)), responses=tmp_path / "responses.csv", scoring=scoring)
    table = estimate(scheme, snapshot).groups
    assert set(table["state"]) == {"suppressed"}
    for name in ("estimate", "standard_error", "lower", "upper", "n"):
        assert np.isnan(table[name]).all()
