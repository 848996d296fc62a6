"""`indexed-repeat()`: a form with a repeat loads with it wherever ODK allows it, and a campaign refuses the repeat."""

from __future__ import annotations

import pytest

from questionnaires.dependencies import dependencies
from questionnaires.expression import parse
from questionnaires.loading import loads
from questionnaires.mistakes import DefinitionError
from questionnaires.support import unsupported_in_campaign

FORM = """\
code: household
version: "1"
languages: [en]
title: {en: "Household"}
sections:
  - code: first
    title: {en: "Household"}
    items:
      - {code: members, type: integer, text: {en: "How many?"}}
      - code: person
        type: repeat
        title: {en: "A person"}
        count: "${members}"
        items:
          - {code: name, type: text, text: {en: "What is their name?"}}
          - {code: age, type: integer, text: {en: "How old are they?"}}
          - {code: derived, type: calculate, calculate: "DERIVED"}
          - {code: work, type: text, relevant: "RELEVANT", text: {en: "What is their work?"}}
      - {code: pets, type: integer, text: {en: "How many pets?"}}
      - {code: outside, type: calculate, calculate: "OUTSIDE"}
"""


def form(derived: str = "1", relevant: str = "true()", outside: str = "1") -> str:
    return FORM.replace("DERIVED", derived).replace("RELEVANT", relevant).replace("OUTSIDE", outside)


@pytest.mark.parametrize(
    ("written", "needed"),
    [
        ({"outside": "indexed-repeat(${name}, ${person}, 2)"}, {"outside": {"name"}}),
        ({"outside": "indexed-repeat(${age}, ${person}, ${pets})"}, {"outside": {"age", "pets"}}),
        ({"derived": "indexed-repeat(${name}, ${person}, position(..) - 1)"}, {"derived": set()}),
        ({"derived": "${age} + indexed-repeat(${derived}, ${person}, position(..) - 1)"}, {"derived": {"age"}}),
        ({"derived": "indexed-repeat(${work}, ${person}, 1)", "relevant": "${derived}"}, {"work": {"derived"}}),
        ({"relevant": "indexed-repeat(${work}, ${person}, 1) = ''"}, {"work": set()}),
    ],
)
def test_another_round_may_be_asked_about(written: dict[str, str], needed: dict[str, set[str]]) -> None:
    questionnaire = loads(form(**written))
    found = dependencies(questionnaire)
    assert {code: set(found[code]) - {"members"} for code in needed} == needed
    assert [mistake.where for mistake in unsupported_in_campaign(questionnaire)] == ["person"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"outside": "indexed-repeat(${name}, ${members}, 1)"}, "members is no repeat"),
        ({"outside": "indexed-repeat(${pets}, ${person}, 1)"}, "pets is not in the repeat person"),
        ({"derived": "indexed-repeat(${members}, ${person}, 1)"}, "members is not in the repeat person"),
        ({"outside": "indexed-repeat(${nobody}, ${person}, 1)"}, "nobody"),
        ({"outside": "indexed-repeat('name', ${person}, 1)"}, "needs a question, and a repeat and a number"),
        ({"outside": "indexed-repeat(${name}, 'person', 1)"}, "needs a question, and a repeat and a number"),
        ({"outside": "indexed-repeat(${name}, ${person})"}, "it takes a question, and pairs of a repeat and a number"),
        ({"outside": "indexed-repeat(${name}, ${person}, 1, ${person})"}, "pairs of a repeat and a number"),
        ({"derived": "${work}", "relevant": "${derived}"}, "work"),
        ({"outside": "indexed-repeat(${outside}, ${person}, 1)"}, "outside is not in the repeat person"),
        ({"outside": "indexed-repeat(${name}, ${person}, ${outside})"}, "outside"),
    ],
)
def test_what_is_no_other_round_is_refused(written: dict[str, str], said: str) -> None:
    with pytest.raises(DefinitionError, match=said.replace("(", r"\(")):
        loads(form(**written))


def test_what_a_value_is_worked_out_from_leaves_out_other_rounds() -> None:
    expression = parse("${a} + indexed-repeat(${b}, ${inner}, ${c}) + indexed-repeat(${d}, ${outer}, 1)")
    assert set(expression.needed(())) == {"a", "b", "c", "d"}
    assert set(expression.needed(("inner",))) == {"a", "c", "d"}
    assert [(code, [repeat.code for repeat in repeats]) for code, repeats in expression.indexed()] == [
        ("b", ["inner"]),
        ("d", ["outer"]),
    ]
