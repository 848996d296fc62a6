"""What to show: one section a screen, divided where an answer decides what comes next, so that no script is needed."""

from __future__ import annotations

import random
from functools import lru_cache

import msgspec

from questionnaires.acceptance import Raw, check
from questionnaires.definition import Choice, Question, Questionnaire, Section
from questionnaires.evaluation import condition


class Screen(msgspec.Struct, frozen=True):
    """Questions that are asked together. No question of a screen depends on another one of it."""

    code: str  # the section's code; "view-2" for the second part of a divided section
    section: Section
    questions: tuple[Question, ...]


def visible(questionnaire: Questionnaire, answers: Raw) -> tuple[Screen, ...]:
    """The screens to show, in order, each with the questions to show, given the answers so far.

    A screen without a question to show is left out. Answers may be unfinished or wrong: what cannot be read counts as
    blank. Going forward and back is going along this tuple; it is worked out anew after every screen.
    """
    found = check(
        questionnaire, {code: answers[code] for code in _codes(questionnaire) & answers.keys()}, draft=True
    ).answers
    shown = []
    for screen in screens(questionnaire):
        if screen.section.relevant is not None and not condition(screen.section.relevant)(found):
            continue
        questions = tuple(
            question
            for question in screen.questions
            if question.relevant is None or condition(question.relevant)(found)
        )
        if questions:
            shown.append(Screen(screen.code, screen.section, questions))
    return tuple(shown)


@lru_cache(maxsize=64)
def screens(questionnaire: Questionnaire) -> tuple[Screen, ...]:
    """All screens: a section is one, or as many as its inner dependencies need."""
    found = []
    for section in questionnaire.sections:
        parts: list[list[Question]] = [[]]
        for question in section.questions:
            asked = {name.code for name in question.relevant.names()} if question.relevant is not None else set()
            if question.required is not None:
                asked |= {name.code for name in question.required.names()}
            if any(earlier.code in asked for earlier in parts[-1]):
                parts.append([])
            parts[-1].append(question)
        for number, part in enumerate(parts, 1):
            code = section.code if number == 1 else f"{section.code}-{number}"
            found.append(Screen(code, section, tuple(part)))
    return tuple(found)


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
    fixed = {"dk", "skip", *question.exclusive}
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


@lru_cache(maxsize=64)
def _codes(questionnaire: Questionnaire) -> frozenset[str]:
    return frozenset(question.code for question in questionnaire.questions)
