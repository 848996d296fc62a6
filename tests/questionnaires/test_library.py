"""The questionnaires that ship with it, and the examples in the documentation of the package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import questionnaires
from questionnaires.definition import NEVER_SCORED, Words
from questionnaires.loading import load_shipped, loads, shipped, shipped_text
from questionnaires.quality_reading import QUALITY_KEYS
from questionnaires.question_reading import QUESTION_KEYS, TYPES
from questionnaires.questionnaire_reading import KEYS
from questionnaires.scoring import scoring
from questionnaires.section_reading import MATRIX_KEYS, REPEAT_KEYS, SECTION_KEYS

# The codes that the province's scheme names as items of its citizens' indicators.
ITEMS_OF_THE_SCHEME = {"reasons", "info", "on_time", "equal", "extra", "problem", "fair", "kept", "due", "word"}


@pytest.mark.parametrize("code", shipped())
def test_a_shipped_questionnaire_has_the_code_of_its_file(code: str) -> None:
    assert load_shipped(code).code == code


def test_an_unknown_shipped_questionnaire_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LookupError, match="sd-citizen"):
        shipped_text("../sd-citizen")


def test_every_item_that_the_scheme_rates_by_has_a_score() -> None:
    scored = {item.item for item in scoring(load_shipped("sd-citizen")) if item.kind != "none"}
    assert scored == ITEMS_OF_THE_SCHEME


def test_citizens_may_leave_every_question_blank() -> None:
    assert not any(q.required_always or q.required for q in load_shipped("sd-citizen").questions)


def test_every_question_of_the_citizens_has_a_way_not_to_answer() -> None:
    for question in load_shipped("sd-citizen").questions:
        assert {choice.code for choice in question.choices} & set(NEVER_SCORED), question.code


def test_both_languages_say_everything_within_the_width_of_a_phone() -> None:
    questionnaire = load_shipped("sd-citizen")
    for question in questionnaire.questions:
        assert set(dict(question.text.texts)) == {"zh", "en"}
        assert len(question.text["zh"]) <= 60
        for choice in question.choices:
            assert len(choice.text["zh"]) <= 20
            assert len(choice.text["en"]) <= 64


def test_the_citizens_questionnaire_has_every_code_once_meaning_one_thing() -> None:
    said: dict[str, set[str]] = {}
    for question in load_shipped("sd-citizen").questions:
        for choice in question.choices:
            if choice.code in NEVER_SCORED:
                said.setdefault(choice.code, set()).add(choice.text["en"])
    assert said == {"dk": {"Don't know", "Don't remember", "Cannot compare"}, "skip": {"Prefer not to say"}}


def test_no_name_of_a_unit_can_act_as_a_format() -> None:
    assert Words((("en", "{unit} and {unit}"),)).fill("en", "{unit} %s {0}") == "{unit} %s {0} and {unit} %s {0}"


GUIDE = (Path(__file__).parents[2] / "docs" / "questionnaires.md").read_text(encoding="utf-8")


def test_the_guide_names_every_key_and_type() -> None:
    quoted = set(re.findall(r"`([a-z_-]+)(?:: [^`]*)?`", GUIDE))
    assert {*KEYS, *SECTION_KEYS, *QUESTION_KEYS, *QUALITY_KEYS, *TYPES, *REPEAT_KEYS, *MATRIX_KEYS} - quoted == set()


def test_the_example_of_the_guide_loads() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)
    assert [question.code for question in loads(example).questions] == ["came", "kind"]


def test_the_examples_in_docstrings_hold() -> None:
    tried = 0
    for module in pkgutil.iter_modules(questionnaires.__path__, "questionnaires."):
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0, module.name
        tried += result.attempted
    assert tried >= 8
