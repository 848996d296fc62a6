"""The judge of coverage: the true index by the scheme's rules, and the share of intervals that hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.demo.coverage import coverage, table, true_scores
from evaluator.rating.scheme import Aggregation, Dimension, Indicator, Label, Scheme

NAME = Label("z", "e")
SCHEME = Scheme(
    code="s", version="1", title=NAME, levels={"L": NAME},
    dimensions=(Dimension("one", NAME, 0.5), Dimension("two", NAME, 0.5)),
    indicators=(
        Indicator("a", "one", "share", NAME, 0.75, ("L",), (0.0, 1.0)),
        Indicator("b", "one", "share", NAME, 0.25, ("L",), (1.0, 0.5)),
        Indicator("c", "two", "share", NAME, 1.0, ("L",), (0.0, 1.0)),
    ),
    aggregation=Aggregation(1.0, 0.0),
)  # fmt: skip


def row(indicator: str, value: float, held: str = "reported") -> dict[str, str]:
    return {"unit": "u", "indicator": indicator, "value": str(value), "held": held}


def test_true_scores_follow_goalposts_weights_and_means() -> None:
    found = true_scores(SCHEME, [row("a", 0.4), row("b", 0.6), row("c", 0.9)], {"u": "L"}, {}, {"u": 2.0})
    assert found["u", "a"] == pytest.approx(40)
    assert found["u", "b"] == pytest.approx(80)  # (0.6 - 1) / (0.5 - 1)
    assert found["u", "one"] == pytest.approx(0.75 * 40 + 0.25 * 80)
    assert found["u", "index"] == pytest.approx((50 * 90) ** 0.5 - 2)  # geometric, less the deduction


def test_what_nobody_reported_is_the_worst_and_what_does_not_apply_passes_its_weight_on() -> None:
    truth = [row("a", 0.4, "unreported"), row("b", 0.6), row("c", 0.9)]
    assert true_scores(SCHEME, truth, {"u": "L"}, {}, {})["u", "one"] == pytest.approx(20)
    state = {("u", "a"): "not_applicable"}
    assert true_scores(SCHEME, truth, {"u": "L"}, state, {})["u", "one"] == pytest.approx(80)


def test_coverage_counts_the_intervals_that_hold_the_truth(tmp_path: Path) -> None:
    (tmp_path / "scheme.yaml").write_text(
        "code: s\nversion: '1'\ntitle: {zh: z, en: e}\nlevels: {L: {zh: z, en: e}}\n"
        "dimensions:\n  one: {weight: 1, name: {zh: z, en: e}}\n"
        "indicators:\n  - {code: a, dim: one, w: 1, name: {zh: z, en: e}, source: share, goal: [0, 1], levels: [L]}\n"
        "aggregation: {within_dimension: arithmetic, across_dimensions: arithmetic}\n"
    )
    (tmp_path / "units.csv").write_text("unit,level\nu,L\nv,L\n")
    (tmp_path / "inputs.csv").write_text("unit,indicator,screening,state\nu,a,main,ok\nv,a,main,ok\n")
    (tmp_path / "ratings.csv").write_text("unit,deductions\nu,0\nv,0\n")
    (tmp_path / "scores.csv").write_text(
        "unit,node,score,lower,upper,standard_error,state\nu,a,50,40,60,5,ok\nv,a,50,40,60,5,ok\nu,index,50,40,60,5,ok\n"
    )
    truth = tmp_path / "truth.csv"
    truth.write_text(
        "unit,group,indicator,value,held\nu,,a,0.58,reported\nv,,a,0.61,reported\nu,firms,a,70,\nv,firms,a,20,\n"
    )
    (tmp_path / "groups.csv").write_text(
        "unit,group,indicator,estimate,standard_error,lower,upper\nu,firms,a,60,5,50,71\nv,firms,a,,,,\n"
    )
    lines = {(line.group, line.level): line for line in coverage(tmp_path, truth)}
    assert lines["indicator: share", "L"].covered == 0.5
    assert lines["indicator: share", "all"].intervals == 2
    assert lines["indicator: share", "L"].bias == pytest.approx(-9.5)
    assert lines["index", "L"].covered == 1.0
    assert (lines["group: firms", "L"].intervals, lines["group: firms", "L"].bias) == (1, -10.0)
    assert "50.0%" in table(lines.values())
