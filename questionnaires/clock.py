"""What a form works out from the clock or from chance that names a response: never kept beside an answer.

The time at which somebody answered tells the order of arrival, and a `uuid()` is an identifier. Conditions may read
them; what is worked out from them is not kept (`evaluator.collection.responses`), and no export has a column for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from questionnaires.definition import Question, Questionnaire
from questionnaires.expression import Call, Expression, walk

FUNCTIONS = frozenset(("now", "uuid"))
METADATA = frozenset(("start", "end"))


@lru_cache(maxsize=64)
def told_by_clock(questionnaire: Questionnaire) -> frozenset[str]:
    """The items whose value is calculated from the clock or is an identifier, through any number of calculations."""
    found = _clocks(questionnaire) | {item.code for item in questionnaire.items if _reads_clock(item.calculate)}
    return frozenset(derived([questionnaire], found, lambda item: item.calculate is not None))


def begun_by_clock(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The questions whose answer at first is the time: who changes nothing would tell when they answered."""
    clocks = told_by_clock(questionnaire)
    return tuple(
        item.code
        for item in questionnaire.items
        if item.default_from is not None
        and (_reads_clock(item.default_from) or any(name.code in clocks for name in item.default_from.names()))
    )


def derived(versions: Iterable[Questionnaire], start: Iterable[str], takes: Callable[[Question], bool]) -> set[str]:
    """The items whose value is worked out from those of `start`, these among them."""
    reads = [
        (item.code, {name.code for e in (item.calculate, item.default_from) if e for name in e.names()})
        for version in versions
        for item in version.items
        if takes(item)
    ]
    found = set(start)
    while more := {code for code, names in reads if code not in found and names & found}:
        found |= more
    return found


def _clocks(questionnaire: Questionnaire) -> set[str]:
    return {item.code for item in questionnaire.items if item.type == "metadata" and item.kind in METADATA}


def _reads_clock(expression: Expression | None) -> bool:
    return expression is not None and any(
        isinstance(node, Call) and node.function in FUNCTIONS for node in walk(expression.tree)
    )
