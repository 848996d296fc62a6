"""The order in which one respondent sees the choices, drawn from a seed and recorded with the answers."""

from __future__ import annotations

import random
from functools import lru_cache

from questionnaires.definition import NEVER_SCORED, Choice, Question, Questionnaire


def presented(question: Question, *, reverse: bool = False, order: random.Random | None = None) -> tuple[Choice, ...]:
    """The choices in the order in which one respondent sees them.

    Parameters
    ----------
    reverse : bool
        This respondent belongs to the half for whom `reverse_half` reverses; the caller draws it once a response.
    order : random.Random, optional
        Shuffles where `randomise` says so; seeded by the caller, so that going back shows the same order.

    Notes
    -----
    Only substantive choices move. Those that stand apart (exclusive ones, "don't know", and where scores are given
    the unscored ones) stay at the end or the start where the author put them.
    """
    fixed = {*NEVER_SCORED, *question.exclusive}
    scored = any(choice.score is not None for choice in question.choices)
    moving = [
        choice for choice in question.choices if choice.code not in fixed and (choice.score is not None or not scored)
    ]
    if question.randomise and order is not None:
        order.shuffle(moving)
    elif question.reverse_half and reverse:
        moving.reverse()
    else:
        return question.choices
    movable = {choice.code for choice in moving}
    turn = iter(moving)
    return tuple(next(turn) if choice.code in movable else choice for choice in question.choices)


def drawn(question: Question, seed: int) -> tuple[Choice, ...]:
    """The choices in the order that a visit's seed gives."""
    # seeding takes longer than all the rest: only for those that are shuffled
    order = random.Random(f"{seed} {question.code}") if question.randomise else None  # noqa: S311 no secret
    return presented(question, reverse=bool(seed & 1), order=order)


def orders(questionnaire: Questionnaire, seed: int) -> dict[str, str]:
    """What is recorded with a response: of each question whose choices were moved, their codes as they were shown.

    Joined by spaces, by question; a question whose choices stood as the questionnaire has them is left out.
    """
    found = {}
    for question in _moving(questionnaire):
        shown = drawn(question, seed)
        if shown is not question.choices and shown != question.choices:
            found[question.code] = " ".join(choice.code for choice in shown)
    return found


@lru_cache(maxsize=64)
def _moving(questionnaire: Questionnaire) -> tuple[Question, ...]:
    return tuple(question for question in questionnaire.questions if question.randomise or question.reverse_half)
