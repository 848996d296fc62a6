"""What the form's script is told of a page: nothing that cannot change, and nothing that could act as markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evaluator import language
from evaluator.collection import live
from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Context
from questionnaires.loading import load_shipped, loads
from questionnaires.recompute import initial, recompute
from questionnaires.screens import later_parts, screens

NOW = Context(datetime(2026, 3, 9, 15, 30, tzinfo=UTC), "seed", unit="3701")
EVERY_TYPE = loads((Path(__file__).parent / "every_type.yaml").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    token = language.current.set("en")
    yield
    language.current.reset(token)


def of_screen(questionnaire: Questionnaire, code: str, **answers: list[str]) -> dict[str, Any]:
    """The data of a screen with the later parts of its section."""
    given = initial(questionnaire, NOW) | answers
    screen = next(screen for screen in screens(questionnaire) if screen.code == code)
    rest = later_parts(questionnaire, screen, recompute(questionnaire, given, NOW, draft=True))
    here = [item.code for item in (*screen.items, *rest)]
    return dict(live.of_items(questionnaire, here, given, NOW, "en", "Office <1>"))


def item(data: dict[str, Any], code: str) -> dict[str, Any]:
    return next(item for item in data["items"] if item["code"] == code)


def codes(data: dict[str, Any]) -> list[str]:
    return [item["code"] for item in data["items"]]


def small(items: str, head: str = "") -> Questionnaire:
    return loads(
        f'code: q\nversion: "1"\nlanguages: [en]\n{head}sections:\n'
        f'  - code: s\n    title: {{en: "S"}}\n    items:\n{items}'
    )


def text(code: str, more: str = "") -> str:
    return f'      - {{code: {code}, type: text, text: {{en: "Which {code}?"}}{more}}}\n'


def test_a_page_on_which_nothing_can_change_is_told_next_to_nothing() -> None:
    questionnaire = load_shipped("sd-citizen")
    data = of_screen(questionnaire, "view", contact=["once"])
    assert data["items"] == data["texts"] == data["conditions"] == []
    assert data["known"] == {}
    assert len(str(live.block(data))) < 300


def test_a_condition_that_cannot_change_any_more_is_left_out() -> None:
    data = of_screen(load_shipped("sd-citizen"), "experience", contact=["once"])
    assert codes(data) == ["extra"], "its exclusive choices are followed"
    assert "relevant" not in item(data, "extra")


def test_what_cannot_be_shown_keeps_its_condition() -> None:
    questionnaire = small(text("a") + text("b") + text("c", """, relevant: "${a} = 'x'" """))
    data = dict(live.of_items(questionnaire, ["b", "c"], {"a": ["y"]}, NOW, "en", ""))
    assert item(data, "c")["relevant"] == [0]
    assert data["known"] == {"a": "y"}


def test_a_chain_of_filters_goes_with_its_rows_and_the_words_that_texts_repeat() -> None:
    data = of_screen(EVERY_TYPE, "places")
    assert codes(data) == ["province", "city", "county", "counties"]
    assert item(data, "city")["rows"] == [["jn", "sd"], ["qd", "sd"], ["nj", "js"], ["sz", "js"]]
    assert item(data, "city")["columns"] == ["choice.province"]
    assert data["context"]["labels"]["province"] == {"sd": "Shandong", "js": "Jiangsu"}
    assert data["texts"][0] == {
        "at": ["city", "text"], "was": "In which city of ?", "parts": ["In which city of ", ["province"], "?"],
    }  # fmt: skip


def test_answers_of_other_pages_stand_in_texts_and_messages_as_words() -> None:
    days = item(of_screen(EVERY_TYPE, "writing", visited=["yes"]), "days")
    assert days["says"]["constraint"] == "It cannot be 13 days: you chose “Yes”."


def test_a_filter_over_other_pages_sends_only_what_is_offered() -> None:
    data = dict(
        live.of_items(EVERY_TYPE, ["county", "counties"], {"province": ["sd"], "city": ["jn"]}, NOW, "en", "Office")
    )
    assert "rows" not in json.dumps(data)
    assert data["items"] == [], "nothing on this page depends on anything on it"


def test_what_is_worked_out_on_other_pages_and_read_here_is_worked_out_here() -> None:
    questionnaire = small(
        text("a")
        + text("b", """, relevant: "${twice} != ''" """)
        + '      - {code: once, type: calculate, calculate: "concat(${a}, 1)"}\n'
        + '      - {code: twice, type: calculate, calculate: "concat(${once}, ${other})"}\n'
        + text("other")
    )
    data = dict(live.of_items(questionnaire, ["a", "b"], {"other": ["z"]}, NOW, "en", ""))
    assert codes(data) == ["a", "once", "twice", "b"], "in the order in which they depend on each other"
    assert data["known"] == {"other": "z"}
    assert "says" not in item(data, "once")


def test_metadata_is_known() -> None:
    questionnaire = small(
        "      - {code: day, type: metadata, kind: today}\n" + text("a", """, constraint: ". != ${day}" """)
    )
    assert dict(live.of_items(questionnaire, ["a"], {}, NOW, "en", ""))["known"] == {"day": "2026-03-09"}


def test_messages_are_in_the_language_of_the_visitor() -> None:
    language.current.set("zh-CN")
    said = item(of_screen(EVERY_TYPE, "writing", visited=["yes"]), "change")["says"]
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in message) for message in said.values())


def test_nothing_in_the_data_can_end_the_element_it_stands_in() -> None:
    evil = "</script><script>alert(1)</script><!-- & "
    questionnaire = small(
        text("a")
        + f'      - {{code: b, type: text, text: {{en: "{evil} ${{a}}"}}, relevant: "${{a}} = \'</script>\'"}}\n'
    )
    data = live.of_items(questionnaire, ["a", "b"], {"a": [evil]}, NOW, "en", evil)
    block = str(live.block(data))
    assert not {"<", ">", "&"} & set(block)
    assert json.loads(block)["texts"][0]["was"] == f"{evil} {evil.strip()}"


def test_a_long_form_takes_little_time_for_a_page() -> None:
    import time

    many = "".join(text(f"q{n}", f""", relevant: "${{q{n - 1}}} != ''" """ if n else "") for n in range(500))
    questionnaire = small(many)
    answers = {f"q{n}": ["x"] for n in range(500)}
    here = [f"q{n}" for n in range(40)]
    live.of_items(questionnaire, here, answers, NOW, "en", "")
    before = time.perf_counter()
    live.of_items(questionnaire, here, answers, NOW, "en", "")
    assert time.perf_counter() - before < 0.25  # 5 ms on an idle machine
