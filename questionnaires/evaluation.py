"""What an expression means, after ODK: compiled once, evaluated over the answers and a context.

Every value is a text, a number or a boolean; a date is its text. A blank answer is the empty text; there are no node
sets, so a question stands for its answer and never for its existence. docs/expressions.md has the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from questionnaires.expression import Expression, ExpressionError, Node
from questionnaires.expressions.meaning import NOTHING, Answer, Answers, Context, Run, outer, truth, value
from questionnaires.expressions.patterns import Failure
from questionnaires.expressions.values import Value

__all__ = ["Answer", "Answers", "Calculation", "Condition", "Context", "Holds", "Value"]
__all__ += ["calculation", "condition", "evaluate", "truth_of", "value_of"]

Condition = Callable[[Answers], bool]


class Holds(Protocol):
    """A condition that may also be told the context."""

    def __call__(self, answers: Answers, context: Context = NOTHING, /) -> bool: ...


class Calculation(Protocol):
    """A value, given answers and perhaps the context."""

    def __call__(self, answers: Answers, context: Context = NOTHING, /) -> Value: ...


def evaluate(expression: Expression, answers: Answers, context: Context = NOTHING) -> Value:
    """The value of an expression, given the answers.

    Raises
    ------
    ExpressionError
        When the answers make it fail, such as `date(${day})` of a text that is no date, or when it needs what the
        context does not have.

    Examples
    --------
    >>> from questionnaires.expression import parse
    >>> evaluate(parse("count-selected(${extra}) + 1"), {"extra": ("money", "ties")})
    3.0
    >>> evaluate(parse("${word} <= 2"), {})
    False
    >>> evaluate(parse("date('2026-11-25') - 1"), {})
    20781.0
    """
    return value_of(expression.tree)(answers, context)


@lru_cache(maxsize=8192)
def condition(expression: Expression) -> Holds:
    """The expression as a function that says whether it is true of the answers; compiled once.

    It never fails: what cannot be evaluated on these answers does not hold.
    """
    holds = truth(expression.tree)

    def test(answers: Answers, context: Context = NOTHING, /) -> bool:
        try:
            return holds(Run(answers, context))
        except (ExpressionError, Failure):
            return False

    return test


@lru_cache(maxsize=8192)
def calculation(expression: Expression) -> Calculation:
    """The expression as a function that gives its value; compiled once.

    It never fails: what cannot be evaluated on these answers is blank, and so is NaN.
    """
    compute = value_of(expression.tree)

    def calculate(answers: Answers, context: Context = NOTHING, /) -> Value:
        try:
            found = compute(answers, context)
        except ExpressionError:
            return ""
        return "" if found != found else found

    return calculate


def truth_of(tree: Node) -> Holds:
    """Compile a tree where a boolean is wanted."""
    holds = truth(tree)

    def test(answers: Answers, context: Context = NOTHING, /) -> bool:
        try:
            return holds(Run(answers, context))
        except Failure as failure:
            raise ExpressionError(0, failure.what, failure.right, **failure.values) from None

    return test


def value_of(tree: Node) -> Calculation:
    """Compile a tree."""
    compute = value(tree)

    def calculate(answers: Answers, context: Context = NOTHING, /) -> Value:
        try:
            return outer(compute(Run(answers, context)))
        except Failure as failure:
            raise ExpressionError(0, failure.what, failure.right, **failure.values) from None

    return calculate
