"""What is observed in the simulated province has the truth as its expectation."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from evaluator.demo import citizens, truth
from evaluator.demo.calendar import calendar_of
from evaluator.demo.citizens import Tilted
from evaluator.demo.province import data
from evaluator.demo.simulation import Simulation, simulate
from questionnaires.acceptance import Accepted, accept
from questionnaires.quality import flags
from questionnaires.scoring import score, scoring

CALENDAR = calendar_of(date(2026, 11, 25))


@pytest.fixture(scope="module")
def made() -> Simulation:
    return simulate(5, 4000, CALENDAR, cities=2, townships=3)


def test_a_tilted_distribution_has_exactly_the_mean_it_is_given() -> None:
    scores = np.array([0.0, 0.3, 0.4, 1.0])
    tilted = Tilted(scores, np.array([9.0, 15.0, 20.0, 56.0]))
    u = (np.arange(20_000) + 0.5) / 20_000
    for mean in (0.02, 0.31, 0.5, 0.77, 0.98):
        assert scores[tilted.pick(np.full(u.size, mean), u)].mean() == pytest.approx(mean, abs=1e-4)


def test_mean_answers_of_very_many_people_are_the_true_values(made: Simulation) -> None:
    """One city's people, asked 60,000 times without carelessness: each item within 4 standard errors of the truth.

    Businesses have a truth of their own.
    """
    unit, n = int(made.province.of_level("C")[0]), 60_000
    nobody = np.zeros(len(made.province), np.int64)
    asked = nobody.copy()
    asked[unit] = n
    sample = citizens.Sample(made.sample.frame, asked, asked, nobody)
    careful = {
        **data("citizens.yaml"),
        "modes": {"invitation": {"share": 1.0, "careless": 0.0}, "open": {"share": 0.0, "careless": 0.0}},
    }
    careful["stuffed"] = {**careful["stuffed"], "invitation": {"units": 0, "share": 0.0, "reports": 0.0, "fast": 0.0}}
    careful["staff"] = {**careful["staff"], "shift": 0.0}
    even = replace(made.truth.strata, responds=np.ones_like(made.truth.strata.responds))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(citizens, "data", lambda _name: careful)
        people = citizens.simulate(8, made.province, replace(made.truth, strata=even), made.questionnaire, sample, 60)
    items = {item.item: item for item in scoring(made.questionnaire)}
    checked = 0
    for k, indicator in enumerate(made.scheme.indicators):
        if indicator.source != "citizen":
            continue
        value = []
        for codes in people.alternatives[indicator.item]:
            question = made.questionnaire.question(indicator.item)
            answer = tuple(codes) if question.type == "multiple" else codes[0]
            one = score(items[indicator.item], answer)
            value.append(np.nan if one is None else one / 1000)
        scores = np.array([*value, np.nan])[people.answers[indicator.item]]
        business = np.array(people.alternatives["capacity"])[:, 0][people.answers["capacity"]] == "business"
        for true, who in ((made.truth.value, ~business), (made.truth.groups["business"], business)):
            said = scores[who & ~np.isnan(scores)]
            assert len(said) > 500
            assert abs(said.mean() - true[unit, k]) < 4 * said.std() / np.sqrt(len(said)), indicator.code
        assert made.truth.groups["business"][unit, k] < made.truth.value[unit, k]
        checked += 1
    assert checked > 5


def test_scores_of_assessors_and_counts_scatter_around_the_truth(made: Simulation) -> None:
    error = made.scores.score - made.truth.value[made.scores.unit, made.scores.indicator]
    assert abs(error.mean()) < 0.3
    harsh = np.bincount(made.scores.assessor, error) / np.maximum(np.bincount(made.scores.assessor), 1)
    assert harsh.std() > 0.4  # some are harsh, some mild
    position = {code: k for k, code in enumerate(made.province.code)}
    table = made.holdings.records
    shares = {one.code: k for k, one in enumerate(made.scheme.indicators) if one.source == "share"}
    z = [
        (n - d * p) / np.sqrt(d * p * (1 - p))
        for unit, indicator, n, d in zip(
            table["unit"], table["indicator"], table["numerator"], table["denominator"], strict=True
        )
        if indicator in shares and d > 30 and n == n
        for p in [made.truth.value[position[unit], shares[indicator]]]
    ]
    assert len(z) > 1000
    assert abs(np.mean(z)) < 4 / np.sqrt(len(z))
    assert np.std(z) == pytest.approx(1.0, abs=0.06)


def test_events_come_at_the_true_rate_once_weighted_by_their_state(made: Simulation) -> None:
    counted = {one.code: one.indicator for one in made.scheme.records.classes if one.use == "indicator"}
    indicator = next(iter(counted.values()))
    k = made.truth.position(indicator)
    weight = sum(
        made.scheme.records.weight[state]
        for kind, state in zip(made.holdings.events["class"], made.holdings.events["state"], strict=True)
        if kind in counted
    )
    table = made.holdings.records
    position = {code: at for at, code in enumerate(made.province.code)}
    expected = sum(
        exposure * made.truth.value[position[unit], k] / made.scheme.indicators[k].per
        for unit, one, exposure in zip(table["unit"], table["indicator"], table["denominator"], strict=True)
        if one == indicator
    )
    assert weight == pytest.approx(expected, rel=5 / np.sqrt(expected))


def test_all_kinds_of_gaps_are_there(made: Simulation) -> None:
    table = made.holdings.records
    assert (np.isnan(table["numerator"]) & (table["denominator"] > 0)).sum() > 5
    assert (table["denominator"] == 0).sum() > 5
    applicable = sum(
        (~np.isnan(made.truth.value[:, k])).sum()
        for k, one in enumerate(made.scheme.indicators)
        if one.source in ("share", "rate")
    )
    assert len(table["unit"]) < applicable


def test_the_form_accepts_every_answer_and_flags_some(made: Simulation) -> None:
    flagged = 0
    for person in range(len(made.people)):
        accepted = accept(made.questionnaire, made.people.raw(person))
        assert isinstance(accepted, Accepted), accepted
        flagged += bool(flags(made.questionnaire, accepted.answers, citizens.DURATIONS[made.people.duration[person]]))
    assert 0 < flagged < len(made.people) / 5


def test_experience_is_only_told_after_contact(made: Simulation) -> None:
    words = data("citizens.yaml")["contact"]
    for person in range(len(made.people)):
        raw = made.people.raw(person)
        if raw.get(words["question"], [""])[0] not in words["yes"]:
            assert not set(words["opens"]) & set(raw)


def test_a_seed_gives_the_same_answers_scores_and_records(made: Simulation) -> None:
    again, other = simulate(5, 4000, CALENDAR, 2, 3), simulate(6, 4000, CALENDAR, 2, 3)
    assert [again.people.raw(p) for p in range(100)] == [made.people.raw(p) for p in range(100)]
    assert (again.scores.score == made.scores.score).all()
    assert np.array_equal(again.holdings.records["numerator"], made.holdings.records["numerator"], equal_nan=True)
    assert [other.people.raw(p) for p in range(100)] != [made.people.raw(p) for p in range(100)]


def test_as_many_answers_are_simulated_as_were_asked_for(made: Simulation) -> None:
    assert len(made.people) == 4000
    assert (made.sample.responded <= made.sample.invited).all()
    assert (made.sample.invited <= made.sample.frame).all()


def test_the_truth_is_written_with_how_each_number_is_held(made: Simulation, tmp_path: Path) -> None:
    made.write_truth(tmp_path / "truth.csv")
    rows = list(csv.DictReader((tmp_path / "truth.csv").read_text().splitlines()))
    assert sum(row["group"] == "" for row in rows) == (~np.isnan(made.truth.value)).sum()
    assert sum(row["group"] == "business" for row in rows) == (~np.isnan(made.truth.groups["business"])).sum() > 0
    assert {row["held"] for row in rows} == {"", "reported", "missing", "unreported", "nothing_due"}
    assert float(rows[0]["value"]) == pytest.approx(made.truth.value[0][~np.isnan(made.truth.value[0])][0], abs=1e-6)


def test_a_strata_mean_weighs_people_as_they_live_there(made: Simulation) -> None:
    """The true value of an item that everybody is asked: the mean of the strata's means by their share."""
    k = next(k for k, one in enumerate(made.scheme.indicators) if one.item == "word")
    unit = int(made.province.of_level("K")[3])
    mean = 100 * truth.expit(made.truth.logit[unit, k] + made.truth.strata.shift)
    assert made.truth.value[unit, k] == pytest.approx(float(made.truth.strata.share[unit] @ mean))
