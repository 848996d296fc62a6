"""Flags of a response. A flag deletes nothing; results are shown with and without the flagged responses.

Here are the flags that one response raises by itself. Near-duplicates and bursts are seen only among all responses of a
campaign, at its close: `methods.response_quality.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from questionnaires.definition import Question, Questionnaire
from questionnaires.evaluation import Answers, Condition, condition

# How long answering took is kept only as one of these classes: name and seconds it stays below, quickest first.
DURATION_CLASSES: Mapping[str, int | None] = {"under_25_seconds": 25, "under_60_seconds": 60, "longer": None}

TOO_FAST, PROMPTED, STRAIGHT_LINING = "too_fast", "prompted", "straight_lining"
FLAGS = (TOO_FAST, PROMPTED, STRAIGHT_LINING)  # those that `flags` can give, in this order; then contradictions


def duration_class(seconds: float) -> str:
    """The class of a duration: all that is kept of it.

    >>> duration_class(24.9), duration_class(25), duration_class(3600)
    ('under_25_seconds', 'under_60_seconds', 'longer')
    """
    for name, limit in DURATION_CLASSES.items():
        if limit is None or seconds < limit:
            return name
    raise AssertionError("the last class has no limit")


def flags(questionnaire: Questionnaire, answers: Answers, duration: str | None) -> tuple[str, ...]:
    """Flags of one accepted response.

    Parameters
    ----------
    questionnaire : Questionnaire
    answers : Answers
        As accepted.
    duration : str or None
        A class of `DURATION_CLASSES`; None when it is not known, which flags nothing.

    Returns
    -------
    tuple of str
        Of `FLAGS`, in that order, then the flags of the contradictions that it holds, in the questionnaire's order.

    Raises
    ------
    ValueError
        When `duration` is no class of duration.
    """
    if duration is not None and duration not in DURATION_CLASSES:
        raise ValueError(f"unknown duration class {duration!r}; it is one of: {', '.join(DURATION_CLASSES)}")
    rules = _rules(questionnaire)
    found = []
    if duration in rules.too_fast:
        found.append(TOO_FAST)
    if rules.prompted is not None and rules.prompted(answers):
        found.append(PROMPTED)
    if rules.straight and _longest_run(rules.straight, answers) >= rules.at_least:
        found.append(STRAIGHT_LINING)
    found.extend(dict.fromkeys(flag for holds, flag in rules.contradictions if holds(answers)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Rules:
    too_fast: frozenset[str]
    prompted: Condition | None
    straight: tuple[tuple[str, Mapping[str, int]], ...]  # question, position of each of its codes
    at_least: int
    contradictions: tuple[tuple[Condition, str], ...]


@lru_cache(maxsize=64)
def _rules(questionnaire: Questionnaire) -> _Rules:
    quality = questionnaire.quality
    classes: list[str] = []
    if quality.too_fast is not None:
        names = list(DURATION_CLASSES)
        classes = names[: names.index(quality.too_fast.duration_class) + 1]
    straight = quality.straight_lining
    return _Rules(
        too_fast=frozenset(classes),
        prompted=None if quality.prompted is None else condition(quality.prompted),
        straight=()
        if straight is None
        else tuple((code, _positions(questionnaire.question(code))) for code in straight.questions),
        at_least=0 if straight is None else straight.at_least,
        contradictions=tuple((condition(one.when), one.flag) for one in quality.contradictions),
    )


def _positions(question: Question) -> dict[str, int]:
    """Where each answer stands. Where half of the respondents see the order reversed, all such questions are reversed
    for them together, so that equal positions stay equal among these."""
    low, high = question.range or (0, -1)
    numbers = [str(number) for number in range(low, high + 1)] if question.type == "scale" else []
    return {code: place for place, code in enumerate([*numbers, *(choice.code for choice in question.choices)])}


def _longest_run(questions: tuple[tuple[str, Mapping[str, int]], ...], answers: Answers) -> int:
    """Most answers in a row at the same position; a question without an answer, or with several, is passed over."""
    longest = run = 0
    last: int | None = None
    for code, positions in questions:
        place = positions.get(str(answers.get(code)))
        if place is None:
            continue
        run = run + 1 if place == last else 1
        last, longest = place, max(longest, run)
    return longest
