"""The evaluator of the page in Chromium, under the site's own security policy: the shared cases, and generated ones."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evaluator.pages import STATIC
from questionnaires.evaluation import evaluate
from questionnaires.expression import ExpressionError, compact, parse
from tests.browser.conftest import with_script_alone
from tests.questionnaires.expression_cases import agrees, as_case, cases
from tests.questionnaires.expression_generator import expression, hostile

BUILT, SOURCE = STATIC / "expressions.js", STATIC / "source" / "expressions.js"
GENERATED = 4000

RUN = """async text => {
  const {evaluate, condition, calculation, ExpressionError} = await import('/expressions.js');
  const shown = value => typeof value === 'number' && !isFinite(value) ? {number: String(value)} : value;
  return JSON.stringify(JSON.parse(text).map(({tree, answers, context}) => {
    let value;
    try {
      value = shown(evaluate(tree, answers, context));
    } catch (error) {
      value = error instanceof ExpressionError ? {error: error.message} : {crash: String(error.stack)};
    }
    return [value, condition(tree, answers, context), calculation(tree, answers, context)];
  }));
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """A page that may run the site's scripts and nothing else: no inline script, no eval."""
    with with_script_alone(browser, "expressions.js") as page:
        yield page


def in_browser(page: Any, runs: list[dict[str, Any]]) -> list[Any]:
    found: list[Any] = json.loads(page.evaluate(RUN, json.dumps(runs)))
    return found


def test_every_shared_case_has_the_same_value_in_the_browser(page: Any) -> None:
    runs, expected = [], []
    for case in cases():
        try:
            tree = compact(parse(case.source).tree)
        except ExpressionError:
            continue  # the server sends no tree of what it refuses
        runs.append({"tree": tree, "answers": case.answers, "context": case.context.compact()})
        expected.append(case)
    found = in_browser(page, runs)
    wrong = [
        (case.source, case.expected, value)
        for case, (value, _, _) in zip(expected, found, strict=True)
        if not agrees(case.expected, value)
    ]
    assert wrong == []
    assert len(found) >= 600


def test_generated_expressions_have_the_same_value_in_the_browser(page: Any) -> None:
    random, context, answers = Random(5), cases()[0].context, cases()[0].answers
    sources = [expression(random) for _ in range(GENERATED)]
    runs = [
        {"tree": compact(parse(source).tree), "answers": answers, "context": context.compact()} for source in sources
    ]
    check(page, sources, runs)


def test_what_no_author_would_write_has_the_same_value_in_the_browser(page: Any) -> None:
    random, context, answers = Random(8), cases()[0].context, cases()[0].answers
    sources, runs = [], []
    for source in (hostile(random) for _ in range(GENERATED)):
        try:
            tree = compact(parse(source).tree)
        except ExpressionError:
            continue
        sources.append(source)
        runs.append({"tree": tree, "answers": answers, "context": context.compact()})
    assert len(runs) > GENERATED / 4
    check(page, sources, runs)


def check(page: Any, sources: list[str], runs: list[dict[str, Any]]) -> None:
    context, answers = cases()[0].context, cases()[0].answers
    wrong = []
    for source, (value, holds, calculated) in zip(sources, in_browser(page, runs), strict=True):
        here: Any
        try:
            here = as_case(evaluate(parse(source), answers, context))
        except ExpressionError as error:
            here = {"error": str(error)}
        if not agrees(here, value):
            wrong.append((source, here, value))
        if "error" in (value if isinstance(value, dict) else {}):
            assert holds is False
            assert calculated == ""
    assert wrong == []


def test_the_script_is_small_and_built_from_its_source() -> None:
    assert len(gzip.compress(BUILT.read_bytes(), 9)) < 10_000
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    assert BUILT.read_text(encoding="utf-8").startswith(f"/* source/expressions.js {digest}, by make js */")


def test_the_script_neither_makes_code_of_text_nor_reaches_out() -> None:
    for name in ("eval(", "Function(", "innerHTML", "fetch(", "XMLHttpRequest", "document", "window", "localStorage"):
        assert name not in BUILT.read_text(encoding="utf-8"), name
    assert Path(BUILT).suffix == ".js"
