"""Conditions in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evaluator import language
from evaluator.collection.wording import in_words
from questionnaires.expression import parse
from questionnaires.loading import load_shipped, loads

ASKED = loads("""
code: words
version: "1"
languages: [zh, en]
sections:
  - code: a
    title: {zh: "A-zh", en: "A"}
    items:
      - {code: came, type: single, text: {zh: "C-zh", en: "Did you come?"}, choices: [
          {code: "yes", text: {zh: "Y-zh", en: "Yes"}}, {code: "no", text: {zh: "N-zh", en: "No"}}]}
      - {code: kinds, type: multiple, text: {zh: "K-zh", en: "What for?"}, choices: [
          {code: tax, text: {zh: "T-zh", en: "Taxes"}}, {code: land, text: {zh: "L-zh", en: "Land"}}]}
      - {code: days, type: integer, text: {zh: "D-zh", en: "How many days?"}}
      - {code: total, type: calculate, calculate: "1"}
""")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    token = language.current.set("en")
    yield
    language.current.reset(token)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("${came} = 'yes'", "“Did you come?” is “Yes”"),
        ("'yes' = ${came}", "“Did you come?” is “Yes”"),
        ("${came} != 'no'", "“Did you come?” is not “No”"),
        ("not(${came} = 'no')", "“Did you come?” is not “No”"),
        ("selected(${came}, 'yes')", "“Did you come?” is “Yes”"),
        ("selected(${kinds}, 'tax')", "“What for?” includes “Taxes”"),
        ("not(selected(${kinds}, 'tax'))", "“What for?” does not include “Taxes”"),
        ("${came} = ''", "“Did you come?” has no answer"),
        ("${came} != ''", "“Did you come?” is answered"),
        ("not(${came} != '')", "“Did you come?” has no answer"),
        ("3 < ${days}", "“How many days?” is more than 3"),
        (". >= 0 and . <= 10", "the answer is at least 0 and the answer is at most 10"),
        (
            "(${came} = 'yes' or ${days} > 3) and selected(${kinds}, 'land')",
            "(“Did you come?” is “Yes” or “How many days?” is more than 3) and “What for?” includes “Land”",
        ),
        ("not(${came} = 'yes' and ${days} > 3)", "“Did you come?” is not “Yes” or “How many days?” is not more than 3"),
        ("${total} + ${days} > 2", "(${total} + “How many days?”) is more than 2"),
        ("count-selected(${kinds}) <= 2", "the number of choices in “What for?” is at most 2"),
        (". <= ${days}", "the answer is at most “How many days?”"),
        (". < today()", "the answer is less than today"),
        ("true()", "always"),
        ("not(true())", "never"),
        ("regex(., '^[0-9]+$')", "regex(., '^[0-9]+$')"),
        ("not(regex(., '^[0-9]+$'))", "regex(., '^[0-9]+$') does not hold"),
    ],
)
def test_a_condition_is_said_in_words(source: str, said: str) -> None:
    assert in_words(ASKED, parse(source), "en") == said


def test_questions_are_quoted_in_the_language_that_is_asked_for() -> None:
    assert in_words(ASKED, parse("${came} = 'yes'"), "zh") == "“C-zh” is “Y-zh”"


def test_every_condition_of_the_citizens_questionnaire_has_words() -> None:
    shipped = load_shipped("sd-citizen")
    conditions = [section.relevant for section in shipped.sections] + [item.relevant for item in shipped.items]
    conditions += [one.when for one in shipped.quality.contradictions]
    said = [in_words(shipped, condition, "en") for condition in conditions if condition is not None]
    assert said
    assert not any("${" in sentence or "selected(" in sentence for sentence in said), said
