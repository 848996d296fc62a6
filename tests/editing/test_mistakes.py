"""Mistakes of a file are told in the operator's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluator import language
from evaluator.editing.mistake_words import MESSAGES, WORDS
from evaluator.editing.uploading import read_upload, said
from questionnaires.mistakes import DefinitionError, Mistake
from tests.editing.conftest import SMALL

SOURCES = Path(__file__).parent.parent.parent / "questionnaires"


@pytest.fixture
def chinese() -> Iterator[None]:
    token = language.current.set("zh-CN")
    yield
    language.current.reset(token)


def mistakes(text: str, name: str = "a.yaml") -> tuple[Mistake, ...]:
    with pytest.raises(DefinitionError) as refused:
        read_upload(text.encode(), name)
    return refused.value.mistakes


def test_every_message_that_is_translated_is_one_that_is_told() -> None:
    told = {
        node.value
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [message for message in (*MESSAGES, *WORDS) if message not in told] == []


@pytest.mark.parametrize(
    "wrong",
    [
        SMALL.replace("type: single", "type: singel"),
        SMALL.replace("${came} = 'yes'", "${cam} = 'yes'"),
        SMALL.replace("${came} = 'yes'", "${came} = 'maybe'"),
        SMALL.replace("${came} = 'yes'", "${came} == 'yes'"),
        SMALL.replace("${came} = 'yes'", "todya() > 1"),
        SMALL.replace("range: [0, 999]", "range: [9, 0]"),
        SMALL.replace("range: [0, 999]", "range: 5"),
        SMALL.replace('text: {zh: "T-zh", en: "Anything else?"}', "text: Anything else?"),
        SMALL.replace("code: word", "code: days"),
        SMALL.replace("languages: [zh, en]", "langauges: [zh, en]"),
        SMALL.replace('version: "1"', 'version: "1 2"'),
        SMALL.replace("sections:", "sections: ["),
        "",
        "a: &b [1]",
    ],
)
@pytest.mark.usefixtures("chinese")
def test_common_mistakes_are_told_in_chinese(wrong: str) -> None:
    assert wrong != SMALL
    for mistake in mistakes(wrong):
        shown = said(mistake)
        for text in (shown.what, shown.right):
            assert not text or any("\u4e00" <= character <= "\u9fff" for character in text), shown


@pytest.mark.usefixtures("chinese")
def test_what_the_file_says_is_quoted_and_not_translated() -> None:
    (mistake,) = mistakes(SMALL.replace("type: single", "type: list"))
    assert dict(mistake.values)["word"] == "list"
    assert "list" in said(mistake).what


def test_in_english_a_mistake_reads_as_on_the_command_line() -> None:
    token = language.current.set("en")
    try:
        for wrong in (SMALL.replace("type: single", "type: singel"), SMALL.replace("= 'yes'", "== 'yes'"), "a: 5 %\n"):
            for mistake in mistakes(wrong):
                shown = said(mistake)
                assert f"{shown.what}; {shown.right}" == mistake.message()
    finally:
        language.current.reset(token)
