"""Flags of a response. A flag deletes nothing; results are shown with and without the flagged responses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Answers, Condition, condition

# How long answering took is kept only as one of these classes: name and seconds it stays below, quickest first.
DURATION_CLASSES: Mapping[str, int | None] = {"under_25_seconds": 25, "under_60_seconds": 60, "longer": None}

TOO_FAST, PROMPTED = "too_fast", "prompted"
FLAGS = (TOO_FAST, PROMPTED)  # those that `flags` can give, in this order


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
        Of `FLAGS`, in that order.

    Raises
    ------
    ValueError
        When `duration` is no class of duration.
    """
    if duration is not None and duration not in DURATION_CLASSES:
        raise ValueError(f"unknown duration class {duration!r}; it is one of: {', '.join(DURATION_CLASSES)}")
    too_fast, prompted = _rules(questionnaire)
    found = []
    if duration in too_fast:
        found.append(TOO_FAST)
    if prompted is not None and prompted(answers):
        found.append(PROMPTED)
    return tuple(found)


@lru_cache(maxsize=64)
def _rules(questionnaire: Questionnaire) -> tuple[frozenset[str], Condition | None]:
    quality = questionnaire.quality
    classes: list[str] = []
    if quality.too_fast is not None:
        names = list(DURATION_CLASSES)
        classes = names[: names.index(quality.too_fast.duration_class) + 1]
    return frozenset(classes), None if quality.prompted is None else condition(quality.prompted)
