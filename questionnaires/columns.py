"""Answers as columns of the snapshot's table `responses`.

A question with the role `stratum` or `case_mix` has the column `s_CODE` and no other; every other question that can
be counted has `q_CODE`. Free text, dates and files have none: they can name people, and no rating reads them. The
columns of an export for analysis are in `questionnaires.codebook`.
"""

from __future__ import annotations

from functools import lru_cache

from questionnaires.definition import Question, Questionnaire
from questionnaires.evaluation import Answers

COUNTED = ("single", "multiple", "scale", "integer")  # types that a rating can count


def column(question: Question) -> str:
    """The column that holds the answers to a question."""
    return ("s_" if question.role in ("stratum", "case_mix") else "q_") + question.code


def columns(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The columns of a questionnaire: `s_*` first, then `q_*`, each in its order."""
    return tuple(name for _, name in _plan(questionnaire))


def row(questionnaire: Questionnaire, answers: Answers) -> tuple[str | None, ...]:
    """Values for `columns`, in their order: codes joined by one space, a number in digits, or None for a blank.

    Numbers are text too, because a scale's column also holds codes such as "dk".
    """
    return tuple(
        None
        if (answer := answers.get(code)) is None
        else answer
        if isinstance(answer, str)
        else " ".join(answer)
        if isinstance(answer, tuple)
        else str(answer)
        for code, _ in _plan(questionnaire)
    )


@lru_cache(maxsize=64)
def _plan(questionnaire: Questionnaire) -> tuple[tuple[str, str], ...]:
    """(question, column) of every column."""
    plan = [(question.code, column(question)) for question in questionnaire.questions if question.type in COUNTED]
    return tuple(sorted(plan, key=lambda entry: not entry[1].startswith("s_")))
