"""Scores, flags and columns: what a rating gets of a questionnaire."""

from __future__ import annotations

from importlib.resources import files

import pytest

from questionnaires.acceptance import Accepted, accept
from questionnaires.columns import columns, row
from questionnaires.evaluation import Answer
from questionnaires.loading import load_shipped, loads
from questionnaires.quality import DURATION_CLASSES, duration_class, flags
from questionnaires.scoring import score, scoring

CITIZEN = load_shipped("sd-citizen")
CITIZEN_TEXT = (files("questionnaires") / "library" / "sd-citizen.yaml").read_text(encoding="utf-8")
ITEMS = {item.item: item for item in scoring(CITIZEN)}


@pytest.mark.parametrize(
    ("item", "answer", "points"),
    [
        ("on_time", "on_time", 100_000),
        ("on_time", "late", 40_000),
        ("on_time", "no_time", 30_000),
        ("on_time", "pending", None),
        ("on_time", None, None),
        ("equal", "better", 50_000),
        ("extra", ("money",), 0),
        ("extra", ("ties", "rating"), 0),
        ("extra", ("rating",), 100_000),
        ("extra", ("none",), 100_000),
        ("extra", ("dk",), None),
        ("extra", ("skip",), None),
        ("extra", None, None),
        ("word", 0, 0),
        ("word", 7, 70_000),
        ("word", 10, 100_000),
        ("word", "dk", None),
        ("told", "yes", None),
    ],
)
def test_an_answer_scores_in_thousandths_or_not_at_all(item: str, answer: Answer | None, points: int | None) -> None:
    assert score(ITEMS[item], answer) == points


def test_a_line_may_fall_and_need_not_start_at_zero() -> None:
    form = loads("""\
code: form
version: "1"
languages: [en]
sections:
  - code: one
    title: {en: "One"}
    items:
      - {code: wait, type: integer, range: [10, 70], score: {rule: linear, low: 100, high: 12.5}, text: {en: "Wait"}}
""")
    (item,) = scoring(form)
    assert [score(item, minutes) for minutes in (10, 40, 70)] == [100_000, 56_250, 12_500]
    assert item.codes == ()  # a whole number is not a list of answers


def test_an_item_lists_its_answers_in_the_order_of_the_questionnaire() -> None:
    assert ITEMS["fair"].codes == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "dk")
    assert ITEMS["extra"].codes == ("money", "ties", "buy", "rating", "none", "dk", "skip")
    assert list(ITEMS) == [question.code for question in CITIZEN.questions]


def test_only_the_units_own_staff_is_set_apart() -> None:
    assert {item.column: item.set_apart for item in ITEMS.values() if item.set_apart} == {"s_capacity": ("staff",)}


def test_strata_and_case_mix_have_s_columns_and_everything_else_q_columns() -> None:
    assert columns(CITIZEN) == (
        "s_matter", "s_capacity", "s_age", "s_gender",
        "q_contact", "q_on_time", "q_reasons", "q_equal", "q_extra", "q_problem",
        "q_kept", "q_due", "q_info", "q_fair", "q_word", "q_told",
    )  # fmt: skip


def test_free_text_has_no_column() -> None:
    form = loads("""\
code: form
version: "1"
languages: [en]
sections:
  - {code: one, title: {en: "One"}, items: [{code: remark, type: text, text: {en: "Remark"}}]}
""")
    assert columns(form) == row(form, {"remark": "Mr X"}) == ()
    assert scoring(form) == ()


def test_a_row_joins_codes_by_one_space_and_leaves_blanks_blank() -> None:
    accepted = accept(
        CITIZEN, {"contact": ["once"], "extra": ["ties", "money"], "word": ["7"], "fair": ["dk"], "age": ["a30"]}
    )
    assert isinstance(accepted, Accepted)
    found = dict(zip(columns(CITIZEN), row(CITIZEN, accepted.answers), strict=True))
    assert {name: value for name, value in found.items() if value is not None} == {
        "s_age": "a30", "q_contact": "once", "q_extra": "money ties", "q_fair": "dk", "q_word": "7",
    }  # fmt: skip


def test_a_duration_is_kept_as_a_class() -> None:
    assert [duration_class(seconds) for seconds in (0, 24.99, 25, 59.99, 60, 10**6)] == [
        "under_25_seconds", "under_25_seconds", "under_60_seconds", "under_60_seconds", "longer", "longer",
    ]  # fmt: skip


def test_a_response_is_flagged_as_too_fast_only_in_the_class_of_the_questionnaire() -> None:
    assert [flags(CITIZEN, {}, duration) for duration in (*DURATION_CLASSES, None)] == [("too_fast",), (), (), ()]


@pytest.mark.parametrize(
    ("answers", "prompted"),
    [
        ({}, False),
        ({"told": "yes"}, True),
        ({"told": "no"}, False),
        ({"told": "skip"}, False),
        ({"extra": ("rating",)}, True),
        ({"extra": ("money", "rating"), "told": "no"}, True),
        ({"extra": ("money",)}, False),
    ],
)
def test_a_response_is_flagged_as_prompted_when_it_says_so(answers: dict[str, Answer], prompted: bool) -> None:
    assert flags(CITIZEN, answers, "longer") == (("prompted",) if prompted else ())
    assert flags(CITIZEN, answers, "under_25_seconds") == (("too_fast", "prompted") if prompted else ("too_fast",))


def test_an_unknown_class_of_duration_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="under_60_seconds"):
        flags(CITIZEN, {}, "quick")


QUALITY = """
  straight_lining: {items: [reasons, equal, kept, fair, word], rule: same_position_longstring, at_least: 3}
  contradiction:
    - {if: "${on_time} = 'nothing_due' and ${problem} = 'solved'", flag: clash}
    - {if: "${fair} = 0 and ${word} = 10", flag: turned}
"""


def test_a_response_is_flagged_for_answers_in_a_row_at_the_same_position() -> None:
    strict = loads(CITIZEN_TEXT + QUALITY)
    row: dict[str, Answer] = {"reasons": "part", "kept": "most", "fair": 1}  # second place each; equal was not answered
    assert flags(strict, row, None) == ("straight_lining",)
    assert flags(strict, row | {"equal": "worse"}, None) == ()
    assert flags(strict, row | {"word": 1, "fair": 2}, None) == ()
    assert flags(strict, {"fair": "dk", "word": "dk"}, None) == ()


def test_a_response_is_flagged_for_contradictions_by_their_names() -> None:
    strict = loads(CITIZEN_TEXT + QUALITY)
    assert flags(strict, {"on_time": "nothing_due", "problem": "solved"}, None) == ("clash",)
    both: dict[str, Answer] = {"on_time": "nothing_due", "problem": "solved", "fair": 0, "word": 10}
    assert flags(strict, both, "under_25_seconds") == ("too_fast", "clash", "turned")
