"""How many questions a respondent meets."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.acceptance import check
from questionnaires.length import Way, lengths, reading_seconds, ways
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
        # one that has to be answered: either way, but not neither
        (form(("", [question("a", "required: true"), when("b", "${a} = 'x' or ${a} = ''"), when("c", "${a} = 'x'")])),
         (1, 3)),
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


def test_each_way_is_told_by_its_sections_with_the_least_and_most_it_holds() -> None:
    questionnaire = loads(
        form(
            ("", [question("a")]),
            ("relevant: \"${a} = 'x'\"", [question("b"), when("c", "${b} = 'y'")]),
            ("", [question("d")]),
        )
    )
    found = ways(questionnaire, "en")
    assert found is not None
    # a title of one word, a question of one word, half of three choices of one word: (1 + 1 + 1.5) / 4 + 2.5 seconds
    each, title = 3.125, 0.25
    assert found == (
        Way(("s0", "s2"), (2, 2), (2 * (each + title), 2 * (each + title))),
        Way(("s0", "s1", "s2"), (3, 4), (3 * (each + title), 3 * (each + title) + each)),
    )


def test_a_way_without_any_question_of_a_section_does_not_count_it_as_met() -> None:
    found = ways(loads(form(("", [question("a")]), ("", [when("b", "${a} = 'x' and ${a} = 'y'")]))), "en")
    assert found is not None
    assert [way.sections for way in found] == [("s0",)]


def test_too_many_ways_and_conditions_too_rich_have_no_times() -> None:
    first = ("", [question("a", kind="multiple")])
    independent = [(f"relevant: \"${{b{n}}} = 'x'\"", [question(f"c{n}")]) for n in range(10)]
    opening = ("", [question(f"b{n}") for n in range(10)])
    assert ways(loads(form(first, opening, *independent)), "en") is None  # 1024 ways
    assert ways(loads(form(("", [question("a", kind="integer"), when("b", "${a} + 1 > 3")]))), "en") is None


def test_the_choices_of_a_matrix_are_read_once() -> None:
    statements = ", ".join(f"{{code: m{n}, text: {{en: Q}}}}" for n in range(3))
    matrix = f"{{code: m, type: matrix, text: {{en: Q}}, {CHOICES}, statements: [{statements}]}}"
    together = ways(loads(form(("", [matrix]))), "en")
    apart = ways(loads(form(("", [question(f"m{n}") for n in range(3)]))), "en")
    assert together is not None
    assert apart is not None
    # the heading of the matrix is one word more, the choices twice less
    assert together[0].seconds[0] - apart[0].seconds[0] == pytest.approx(0.25 - 2 * 1.5 / 4)


def test_chinese_is_read_by_characters_and_other_scripts_by_words() -> None:
    assert reading_seconds("\u653f\u52a1\u8bda\u4fe1\uff0c\u7b2c5\u6761\u3002") == pytest.approx(6 / 7)
    assert reading_seconds("eight words can be read in two seconds") == 2
    assert reading_seconds("") == 0


def test_a_form_whose_conditions_look_far_back_is_given_up_soon() -> None:
    """Each of 300 questions depends on one five before: 4 ** 5 states would be followed through all of them."""
    questions = [question(f"q{n}") if n < 10 else when(f"q{n}", f"${{q{n - 5}}} = 'x'") for n in range(300)]
    began = time.process_time()
    assert ways(loads(form(("", questions))), "en") is None
    assert time.process_time() - began < 8
