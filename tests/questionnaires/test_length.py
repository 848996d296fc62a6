"""How many questions a respondent meets."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.acceptance import check
from questionnaires.length import lengths
from questionnaires.loading import load_shipped, loads
from questionnaires.screens import visible

HEAD = 'code: form\nversion: "1"\nlanguages: [en]\nsections:\n'
TITLE = "title: {en: T}"
CHOICES = "choices: [{code: x, text: {en: X}}, {code: y, text: {en: Y}}, {code: z, text: {en: Z}}]"


def question(code: str, more: str = "", kind: str = "single") -> str:
    choices = f", {CHOICES}" if kind in ("single", "multiple") else ""
    return f"{{code: {code}, type: {kind}, text: {{en: Q}}{choices}{', ' + more if more else ''}}}"


def form(*sections: tuple[str, list[str]]) -> str:
    return HEAD + "".join(
        f"  - {{code: s{number}, {TITLE}, {more + ', ' if more else ''}items: [{', '.join(questions)}]}}\n"
        for number, (more, questions) in enumerate(sections)
    )


def test_the_citizens_meet_16_questions_after_contact_and_10_without() -> None:
    citizen = load_shipped("sd-citizen")
    assert dict(citizen.routes) == {"contact": 16, "no_contact": 10}
    assert lengths(citizen) == (10, 16)


def when(code: str, condition: str, kind: str = "single") -> str:
    return question(code, f'relevant: "{condition}"', kind)


EITHER = " or ".join(f"${{a{n}}} = 'x'" for n in range(9))


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (form(("", [question("a"), question("b")])), (2,)),
        (form(("", [question("a")]), ("relevant: \"${a} = 'x'\"", [question("b"), question("c")])), (1, 3)),
        # conditions that exclude each other, and one that can never hold
        (form(("", [question("a"), when("b", "${a} = 'x'"), when("c", "${a} = 'y'")])), (1, 2)),
        (form(("", [question("a"), when("b", "${a} = 'x' and ${a} = 'y'")])), (1,)),
        # a chain: c needs b, which needs a
        (form(("", [question("a"), when("b", "${a} = 'x'"), when("c", "${b} = 'x'")])), (1, 2, 3)),
        # a multiple choice opens any number of questions
        (form(("", [question("a", kind="multiple"), *(when(f"b{c}", f"selected(${{a}}, '{c}')") for c in "xyz")])),
         (1, 2, 3, 4)),
        (form(("", [question("a", "range: [0, 10]", "scale"), when("b", "${a} < 5 and ${a} > 3")])), (1, 2)),
        (form(("", [question("a", kind="integer"), when("b", "${a} >= 18")])), (1, 2)),
        (form(("", [question("a", kind="integer"), when("b", "${a} >= 2000000000")])), (1,)),
        (form(("", [question("a", kind="text"), when("b", "${a} != ''")])), (1, 2)),
    ],
)  # fmt: skip
def test_the_numbers_of_questions_are_those_of_all_ways_through(text: str, counts: tuple[int, ...]) -> None:
    assert lengths(loads(text)) == counts


@pytest.mark.parametrize(
    "text",
    [
        form(("", [question("a", kind="text"), when("b", "string-length(${a}) > 3")])),
        form(("", [question("a", kind="integer"), when("b", "${a} + 1 > 3")])),
        form(("", [*(question(f"a{n}") for n in range(9)), when("b", EITHER)])),
    ],
)
def test_conditions_too_rich_to_enumerate_give_no_number(text: str) -> None:
    assert lengths(loads(text)) is None


def test_many_independent_branches_are_counted_without_trying_all_of_them() -> None:
    pairs = [part for n in range(60) for part in (question(f"a{n}"), when(f"b{n}", f"${{a{n}}} = 'x'"))]
    assert lengths(loads(form(("", pairs)))) == tuple(range(60, 121))


CONDITIONS = [
    *("${a} = 'x'", "selected(${a}, 'y') or ${a} = ''", "${a} != 'z'", "not(${a})", "${b} = 'x' and ${a} = 'y'"),
    *("${b} != ''", "selected(${m}, 'x')", "count-selected(${m}) > 1", "selected(${m}, 'x') = selected(${m}, 'y')"),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(CONDITIONS), min_size=2, max_size=3), st.sampled_from(CONDITIONS))
def test_counting_agrees_with_trying_every_answer(own: list[str], of_section: str) -> None:
    first = [question("a"), question("b"), question("m", kind="multiple")]
    second = [question(f"c{n}", f'relevant: "{condition}"') for n, condition in enumerate(own)]
    questionnaire = loads(form(("", first), (f'relevant: "{of_section}"', second)))
    single = [[], ["x"], ["y"], ["z"]]
    several = [[], ["x"], ["y"], ["z"], ["x", "y"], ["x", "z"], ["y", "z"], ["x", "y", "z"]]
    tried = set()
    for a, b, m in product(single, single, several):
        answers = {"a": a, "b": b, "m": m}
        assert not check(questionnaire, answers).problems
        tried.add(sum(len(screen.questions) for screen in visible(questionnaire, answers)))
    counted = lengths(questionnaire)
    if counted is None:
        assert any("count-selected" in condition for condition in (*own, of_section))
    else:
        assert counted == tuple(sorted(tried))
