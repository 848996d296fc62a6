"""The shared cases in Python: every function, every coercion, what is refused, and what it says then."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from questionnaires.evaluation import evaluate
from questionnaires.expression import FUNCTIONS, Call, Chain, ExpressionError, parse, walk
from questionnaires.expressions.parsing import LEVELS
from tests.questionnaires.expression_cases import Case, agrees, as_case, cases
from tests.questionnaires.expression_generator import expression


def outcome(source: str, case: Case) -> Any:
    try:
        return as_case(evaluate(parse(source), case.answers, case.context))
    except ExpressionError as error:
        return {"error": str(error), "at": error.at} if source != case.source else {"error": str(error)}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.source[:60])
def test_an_expression_has_the_value_of_the_specification(case: Case) -> None:
    found = outcome(case.source, case)
    assert case.expected == found if isinstance(case.expected, dict) else agrees(case.expected, found)


def test_there_are_cases_of_every_function_and_every_operator() -> None:
    counted: Counter[str] = Counter()
    for case in cases():
        try:
            tree = parse(case.source).tree
        except ExpressionError:
            continue
        nodes = list(walk(tree))
        counted.update({node.function for node in nodes if isinstance(node, Call)})
        counted.update({operator for node in nodes if isinstance(node, Chain) for operator, _ in node.rest})
    assert len(cases()) >= 600
    assert {name for name in (*FUNCTIONS, *LEVELS) if counted[name] == 0} == set()


def test_generated_expressions_give_a_value_or_are_refused_and_the_same_again() -> None:
    random, case = Random(20261125), cases()[0]
    sources = [expression(random) for _ in range(3000)]
    found = [outcome(source, case) for source in sources]
    assert found == [outcome(source, case) for source in sources]
    refused = [value["at"] for value in found if isinstance(value, dict) and "error" in value]
    assert 0 < len(refused) < 1500
    assert all(isinstance(value, str | float | bool | dict) for value in found)
