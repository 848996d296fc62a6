"""The province's scheme is complete: every task of the opinion is rated, weights sum to one, every veto has a cap."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import evaluator.rating
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_file import load_scheme
from questionnaires.loading import load_shipped

FILE = Path(evaluator.rating.__file__).parent / "schemes" / "sd-integrity.yaml"
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    return load_scheme(FILE)


def test_it_has_43_indicators_8_dimensions_and_5_levels(scheme: Scheme) -> None:
    assert (len(scheme.indicators), len(scheme.dimensions), len(scheme.levels)) == (43, 8, 5)


def test_each_of_the_16_tasks_of_the_opinion_has_an_indicator(scheme: Scheme) -> None:
    # the opinion's section two numbers its tasks 1 to 16
    assert list(scheme.tasks) == [f"T{number:02}" for number in range(1, 17)]
    covered = {task for indicator in scheme.indicators for task in indicator.tasks}
    assert covered == set(scheme.tasks)


def test_the_task_of_streets_and_townships_is_rated_at_their_level(scheme: Scheme) -> None:
    assert any("T16" in indicator.tasks and "T" in indicator.levels for indicator in scheme.indicators)
    assert all("T" in indicator.levels for indicator in scheme.indicators if indicator.tasks == ("T16",))


def test_weights_sum_to_one_at_every_level_and_within_every_dimension(scheme: Scheme) -> None:
    assert sum(dimension.weight for dimension in scheme.dimensions) == pytest.approx(1)
    for weights in scheme.weights_by_level.values():
        assert sum(weights.values()) == pytest.approx(1)
    for dimension in scheme.dimensions:
        inside = [indicator.weight for indicator in scheme.indicators if indicator.dimension == dimension.code]
        assert sum(inside) == pytest.approx(1), dimension.code


def test_every_veto_has_a_cap_among_the_grades_and_says_when_and_from_where(scheme: Scheme) -> None:
    grades = [grade for grade, _ in scheme.grades.bands]
    for veto in scheme.vetoes:
        assert veto.cap in grades[1:]
        assert veto.when.zh
        assert veto.when.en
        assert veto.source.zh
        assert veto.name.zh


def test_every_goalpost_says_what_it_rests_on_and_laws_by_article_or_number(scheme: Scheme) -> None:
    for indicator in scheme.indicators:
        assert re.match(r"(law|rule) \(.+\)$|scale|the two ends of the scale|judgement", indicator.basis.en), (
            indicator.code
        )
    law = {indicator.code for indicator in scheme.indicators if re.match("law|rule", indicator.basis.en)}
    assert law == {
        "law_head_in_court", "open_request", "open_budget", "prm_pay_30", "mkt_contract_open", "debt_open",
        "sys_reporting",
    }  # fmt: skip


def test_every_word_is_there_in_both_languages(scheme: Scheme) -> None:
    for indicator in scheme.indicators:
        said = [indicator.name, indicator.formula, indicator.basis, indicator.data]
        said += [indicator.asks] if indicator.source == "assessor" else []
        for label in said:
            assert CHINESE.search(label.zh), (indicator.code, label)
            assert re.search("[a-zA-Z]", label.en), (indicator.code, label)
            assert label.zh != label.en


def test_every_citizens_indicator_takes_a_scored_question_of_the_shipped_questionnaire(scheme: Scheme) -> None:
    questionnaire = load_shipped("sd-citizen")
    scored = {question.code for question in questionnaire.questions if question.score is not None}
    assert {i.item for i in scheme.indicators if i.source == "citizen"} <= scored


def test_an_event_counts_once_and_only_when_final(scheme: Scheme) -> None:
    uses = {record.code: record.use for record in scheme.records.classes}
    assert uses == {
        "minor": "none", "general": "indicator", "serious": "deduction", "serious_list": "veto",
        "judgment_defaulter": "veto",
    }  # fmt: skip
    weight = scheme.records.weight
    assert (weight["final"], weight["alleged"], weight["contested"], weight["repaired"]) == (1, 0, 0, 0)
