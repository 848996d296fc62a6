"""What a report of changes says: every change with its place, and whether answers before and after compare."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questionnaires.changes import EFFECTS
from questionnaires.definition import Choice, Questionnaire, Words
from questionnaires.loading import load_shipped, loads, shipped
from questionnaires.versions import Report, compare
from tests.questionnaires.form_generator import questionnaires


class Edit(NamedTuple):
    """A change of the file, and what a report must say of it."""

    old: str
    new: str
    said: frozenset[tuple[str, ...]]  # place, kind, effect


CASES = yaml.safe_load((Path(__file__).parent / "version_changes.yaml").read_text(encoding="utf-8"))
BASE: str = CASES["base"]
TOGETHER, ALONE = (
    [Edit(one["old"], one["new"], frozenset(map(tuple, one["says"]))) for one in CASES[name]]
    for name in ("together", "alone")
)


def changed(*edits: Edit) -> Questionnaire:
    text = BASE
    for one in edits:
        assert text.count(one.old) == 1, one.old
        text = text.replace(one.old, one.new)
    return loads(text)


def said(report: Report) -> frozenset[tuple[str, str, str]]:
    return frozenset((change.place, change.kind, change.effect) for change in report.changes)


@pytest.mark.parametrize("one", [*TOGETHER, *ALONE], ids=lambda one: one.new.strip()[:50])
def test_every_change_is_told_with_its_place_and_what_it_means(one: Edit) -> None:
    report = compare(changed(), changed(one))
    assert said(report) == one.said
    assert report.compatible == all(effect != "breaking" for _, _, effect in one.said)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(TOGETHER), unique_by=lambda one: one.old, max_size=8))
def test_several_changes_are_all_told_and_no_others(edits: list[Edit]) -> None:
    expected = frozenset().union(*(one.said for one in edits))
    report = compare(changed(), changed(*edits))
    assert said(report) == expected
    assert [line.split(" ")[0] in EFFECTS for line in report.lines()] == [True] * len(report.changes)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(TOGETHER), unique_by=lambda one: one.old, max_size=8))
def test_nothing_changed_is_told_as_nothing(edits: list[Edit]) -> None:
    assert compare(changed(*edits), changed(*edits)).changes == ()


@pytest.mark.parametrize("code", shipped())
def test_a_shipped_questionnaire_does_not_differ_from_itself(code: str) -> None:
    assert compare(load_shipped(code), load_shipped(code)).changes == ()


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(questionnaires(), questionnaires())
def test_any_two_forms_are_compared_and_any_form_equals_itself(one: Questionnaire, other: Questionnaire) -> None:
    assert compare(one, one).changes == ()
    report = compare(one, other)
    assert len(report.lines()) == len(report.changes)
    assert all("\n" not in line for line in report.lines())
    if {question.code for question in one.questions} - {question.code for question in other.questions}:
        assert not report.compatible


def with_choice(questionnaire: Questionnaire, code: str, added: Choice, at: int) -> Questionnaire:
    sections = []
    for section in questionnaire.sections:
        items = tuple(
            type(item)(**{**{f: getattr(item, f) for f in item.__struct_fields__},
                          "choices": (*item.choices[:at], added, *item.choices[at:])})
            if item.code == code else item
            for item in section.items
        )  # fmt: skip
        sections.append(
            type(section)(**{**{f: getattr(section, f) for f in section.__struct_fields__}, "items": items})
        )
    return type(questionnaire)(
        **{**{f: getattr(questionnaire, f) for f in questionnaire.__struct_fields__}, "sections": tuple(sections)}
    )


CHOSEN = [
    (code, q.code) for code in shipped() for q in load_shipped(code).questions if q.type in ("single", "multiple")
]


@settings(deadline=None, max_examples=50)
@given(
    st.sampled_from(CHOSEN),
    st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=5, max_size=9),
    st.integers(0, 9),
)
def test_adding_a_choice_is_compatible_and_taking_it_away_is_not(place: tuple[str, str], code: str, at: int) -> None:
    old = load_shipped(place[0])
    if code in {choice.code for choice in old.question(place[1]).choices}:
        return
    new = with_choice(old, place[1], Choice(f"x{code}", Words((("zh", code), ("en", code)))), at)
    report = compare(old, new)
    assert report.compatible
    assert [change.kind for change in report.changes] == ["choice_added"]
    back = compare(new, old)
    assert [change.kind for change in back.breaking] == ["choice_removed"]


def test_conditions_that_mean_the_same_are_no_change() -> None:
    spaced = BASE.replace("relevant: \"${came} = 'yes'\"", "relevant: '(${came}=\"yes\")'")
    assert compare(changed(), loads(spaced)).changes == ()


def test_a_condition_may_move_from_the_section_to_its_questions() -> None:
    inside = BASE.replace("    relevant: \"${came} = 'yes'\"\n", "")
    inside = inside.replace("      - code: town\n", "      - code: town\n        relevant: \"${came} = 'yes'\"\n")
    kinds = {change.place for change in compare(changed(), loads(inside)).breaking}
    assert "second/town" not in kinds
    assert "second/what" in kinds


def test_values_are_translated_where_they_are_words_of_ours() -> None:
    [one] = [e for e in TOGETHER if e.old == "        randomise: true\n"]
    [change] = compare(changed(), changed(one)).changes
    assert change.message() == "shuffled: no instead of yes; the order of choices can move answers"
    chinese = {change.what: "%(old)s -> %(new)s", "yes": "Y", "no": "N"}
    assert change.message(chinese.__getitem__) == "Y -> N"


def test_a_report_keeps_long_words_short() -> None:
    long = BASE.replace('"Did you come?"', f'"{"a" * 500}"')
    [change] = compare(changed(), loads(long)).changes
    assert len(change.message()) < 500
