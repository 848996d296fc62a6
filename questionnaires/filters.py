"""Choices that depend on answers: a choice_filter names columns of the choices by bare words, as in XLSForm.

`province = ${province}` is kept as `${choice.province} = ${province}`, so that one evaluator serves all expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from questionnaires.definition import Choice, Question
from questionnaires.evaluation import Answer, Answers, Context, condition

CHOICE = "choice."
# texts and ${names} are passed over; a word that is called is a function; a word within a path is none of ours
PART = re.compile(r"""("[^"]*"|'[^']*'|\$\{[^{}]*\})|(?<![\w.:/-])([^\W\d][\w.-]*)(?![\w.:-]|[ \t\r\n]*\()""")
OWN = re.compile(r"""("[^"]*"|'[^']*')|\$\{choice\.([^{}]*)\}""")
OPERATORS = ("and", "or", "div", "mod")


def with_columns(source: str, columns: Collection[str]) -> str:
    """The filter with bare words written `${choice.word}`; operators stay, unless a column has such a name.

    >>> with_columns("province = ${province} and selected(${kinds}, kind)", {"province", "kind"})
    '${choice.province} = ${province} and selected(${kinds}, ${choice.kind})'
    """

    def one(found: re.Match[str]) -> str:
        word = found[2]
        if word is None or (word in OPERATORS and word not in columns):
            return found[0]
        return "${" + CHOICE + word + "}"

    return PART.sub(one, source)


def as_written(source: str) -> str:
    """The filter with bare words again.

    >>> as_written("${choice.province} = ${province}")
    'province = ${province}'
    """
    return OWN.sub(lambda found: found[0] if found[2] is None else found[2], source)


def offered(question: Question, answers: Answers, context: Context) -> tuple[Choice, ...]:
    """The choices that the filter lets through, given the answers so far."""
    if question.choice_filter is None:
        return question.choices
    passes = passing(question, answers, context)
    return tuple(choice for choice in question.choices if passes(choice))


def passing(question: Question, answers: Answers, context: Context) -> Callable[[Choice], bool]:
    """The filter, given the answers so far, as a function that says whether a choice is offered."""
    assert question.choice_filter is not None
    holds = condition(question.choice_filter)
    columns = [
        (name.code, name.code.removeprefix(CHOICE))
        for name in question.choice_filter.names()
        if name.code.startswith(CHOICE)
    ]
    seen: dict[str, Answer] = dict(answers)

    def passes(choice: Choice) -> bool:
        values = dict(choice.columns)
        for name, column in columns:
            value = values.get(column) or (choice.code if column == "name" else "")
            if value:
                seen[name] = value
            else:
                seen.pop(name, None)
        return holds(seen, context)

    return passes
