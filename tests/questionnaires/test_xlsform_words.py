"""Whatever is said of an XLSForm can be said in Chinese, but for what pyxform says itself."""

from __future__ import annotations

import ast
from pathlib import Path

from evaluator.editing import mistake_words, xlsform_words

SOURCES = Path(__file__).parent.parent.parent / "questionnaires" / "xlsform"
TELLING = ("wrong", "note", "refused", "_TooMuchError", "Mistake")
TABLES = ("ELSEWHERE", "OTHER_SHEETS")  # messages by what they are about


def texts(node: ast.AST) -> set[str]:
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value
    }


def test_every_message_is_marked_for_translation() -> None:
    told: set[str] = set()
    everything: set[str] = set()
    for path in SOURCES.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        everything |= texts(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                told |= {text for argument in node.args for text in texts(argument)} if name in TELLING else set()
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in TABLES:
                assert isinstance(node.value, ast.Dict)
                told |= {text for value in node.value.values for text in texts(value)}
    assert told - {*mistake_words.MESSAGES, *mistake_words.WORDS, *xlsform_words.MESSAGES} == set()
    assert set(xlsform_words.MESSAGES) - everything == set()
