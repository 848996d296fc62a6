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
    moving = _substantive(question)
    if question.randomise and order is not None:
        order.shuffle(moving)
    elif question.reverse_half and reverse:
        moving.reverse()
    else:
        return question.choices
    movable = {choice.code for choice in moving}
    turn = iter(moving)
    return tuple(next(turn) if choice.code in movable else choice for choice in question.choices)


def _substantive(question: Question) -> list[Choice]:
    """The choices that move."""
    fixed = {*NEVER_SCORED, *question.exclusive}
    scored = any(choice.score is not None for choice in question.choices)
    return [
        choice for choice in question.choices if choice.code not in fixed and (choice.score is not None or not scored)
    ]


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
    for question, codes, places in _moving(questionnaire):  # as `drawn` does, on codes alone: every answer asks for it
        moving = [codes[place] for place in places]
        if question.randomise:
            random.Random(f"{seed} {question.code}").shuffle(moving)  # noqa: S311 no secret
        elif seed & 1:
            moving.reverse()
        shown = list(codes)
        for place, code in zip(places, moving, strict=True):
            shown[place] = code
        if shown != codes:
            found[question.code] = " ".join(shown)
    return found


@lru_cache(maxsize=64)
def _moving(questionnaire: Questionnaire) -> tuple[tuple[Question, list[str], list[int]], ...]:
    """Each question whose choices move: its codes, and the places of those that do."""
    found = []
    for question in questionnaire.questions:
        if question.randomise or question.reverse_half:
            movable = {choice.code for choice in _substantive(question)}
            codes = [choice.code for choice in question.choices]
            found.append((question, codes, [place for place, code in enumerate(codes) if code in movable]))
    return tuple(found)
