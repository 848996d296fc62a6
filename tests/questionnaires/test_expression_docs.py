"""docs/expressions.md tells the truth: its examples are computed, and it names everything there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from questionnaires.evaluation import evaluate
from questionnaires.expression import FUNCTIONS, LEVELS, MOST_CHARACTERS, MOST_DEPTH, REFUSED, parse
from questionnaires.expressions import functions, meaning, patterns
from questionnaires.expressions.signatures import PROPERTIES
from questionnaires.trial import as_json
from tests.questionnaires.expression_cases import cases

GUIDE = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"`([^`]+)` → `([^`]+)`", GUIDE)


@pytest.mark.parametrize(("source", "written"), EXAMPLES)
def test_an_example_of_the_guide_gives_what_it_says(source: str, written: str) -> None:
    found = evaluate(parse(source), cases()[0].answers, cases()[0].context)
    assert json.loads(as_json(found)) == json.loads(written)


def test_the_guide_has_an_example_of_every_function_and_operator() -> None:
    tried = " ".join(source for source, _ in EXAMPLES)
    missing = {name for name in FUNCTIONS if not re.search(rf"(?<![\w-]){re.escape(name)}\(", tried)} - {"now"}
    assert missing == set()
    assert {operator for operator in LEVELS if f" {operator} " not in tried} - {">=", "*"} == set()


def test_the_guide_names_what_is_refused_and_every_limit() -> None:
    assert {name for name in REFUSED if f"`{name}`" not in GUIDE} == set()
    assert {name for name in (*functions.ALGORITHMS, *PROPERTIES) if name not in GUIDE} == set()
    assert {sign for sign in functions.FORMATS if f"`%{sign}`" not in GUIDE} == set()
    limits = (MOST_CHARACTERS, MOST_DEPTH, meaning.LONGEST_TEXT, meaning.MOST_STEPS)
    for limit in (*limits, patterns.MOST_PATTERN, patterns.MOST_INSTRUCTIONS, meaning.SHORT):
        assert f"{limit:,}" in GUIDE
