"""The order in which one respondent sees the choices, drawn from a seed and recorded with the answers."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from hashlib import shake_128

from questionnaires.definition import NEVER_SCORED, Choice, Question, Questionnaire


def drawn(question: Question, seed: int) -> tuple[Choice, ...]:
    """The choices in the order that one respondent sees, from the seed of the visit: going back shows the same.

    Notes
    -----
    Only substantive choices move. Those that stand apart (exclusive ones, "don't know", and where scores are given
    the unscored ones) stay at the end or the start where the author put them. An odd seed belongs to the half for
    whom `reverse_half` reverses.
    """
    if not (question.randomise or question.reverse_half):
        return question.choices
    places = _moving_places(question)
    choices = list(question.choices)
    for place, source in zip(places, _moved(question, places, seed), strict=True):
        choices[place] = question.choices[source]
    return tuple(choices)


def orders(questionnaire: Questionnaire, seed: int, only: Collection[str] | None = None) -> dict[str, str]:
    """What is recorded with a response: of each question whose choices were moved, their codes as they were shown.

    Joined by spaces, by question; a question whose choices stood as the questionnaire has them is left out, and one
    that is not among `only`, where that is given.
    """
    found = {}
    for question, codes, places in _moving(questionnaire):
        if only is not None and question.code not in only:
            continue
        moved = _moved(question, places, seed)
        if moved is not places:
            shown = list(codes)
            for place, source in zip(places, moved, strict=True):
                shown[place] = codes[source]
            if shown != codes:
                found[question.code] = " ".join(shown)
    return found


def _moved(question: Question, places: list[int], seed: int) -> list[int]:
    """Which of the choices that move stands at each of their places."""
    if question.randomise:
        return _shuffled(places, f"{seed} {question.code}")
    return places[::-1] if seed & 1 else places


def _shuffled(places: list[int], text: str) -> list[int]:
    """Any of the orders with the same chance (Fisher and Yates), but for less than one in 2^100.

    Drawn from a digest as a number with mixed bases: to seed a generator takes longer than everything else that is
    done with an answer's order, and every answer asks for it.
    """
    found = list(places)
    number = int.from_bytes(shake_128(text.encode()).digest(13 + len(found) * len(found).bit_length() // 8))
    for at in range(len(found) - 1, 0, -1):
        number, other = divmod(number, at + 1)
        found[at], found[other] = found[other], found[at]
    return found


def _moving_places(question: Question) -> list[int]:
    """Where the choices stand that move."""
    fixed = {*NEVER_SCORED, *question.exclusive}
    scored = any(choice.score is not None for choice in question.choices)
    return [
        place
        for place, choice in enumerate(question.choices)
        if choice.code not in fixed and (choice.score is not None or not scored)
    ]


@lru_cache(maxsize=64)
def _moving(questionnaire: Questionnaire) -> tuple[tuple[Question, list[str], list[int]], ...]:
    """Each question whose choices move: its codes, and the places of those that do."""
    return tuple(
        (question, [choice.code for choice in question.choices], _moving_places(question))
        for question in questionnaire.questions
        if question.randomise or question.reverse_half
    )
