"""The one way in: raw form values become typed answers, or problems that a person can mend.

The form, the imports and the simulated province all call `accept`. What is not relevant is left out without being
looked at; what is relevant must be an answer that the questionnaire offers.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from questionnaires.answers import Raw, as_form
from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Answer, Context
from questionnaires.problems import (
    CHOOSE_ONE,
    CHOOSE_SOME,
    CONTROL,
    ENTER_NUMBER,
    ENTER_TEXT,
    NO_QUESTION,
    NOT_OFFERED,
    NOT_TOGETHER,
    NOT_WHOLE,
    ONLY_ONE,
    OUT_OF_RANGE,
    TOO_LONG,
    Problem,
)
from questionnaires.recompute import NOTHING, State, recompute

__all__ = ["CHOOSE_ONE", "CHOOSE_SOME", "CONTROL", "ENTER_NUMBER", "ENTER_TEXT", "NOT_OFFERED", "NOT_TOGETHER"]
__all__ += ["NOT_WHOLE", "NO_QUESTION", "ONLY_ONE", "OUT_OF_RANGE", "TOO_LONG", "Problem", "Raw", "as_form"]
__all__ += ["Accepted", "Checked", "accept", "accepted", "check"]


class Accepted(msgspec.Struct, frozen=True):
    """A response that counts: answers in the order of the questionnaire, without blanks and without the irrelevant."""

    questionnaire: str  # code@version
    answers: dict[str, Answer]


class Checked(msgspec.Struct, frozen=True):
    """The answers that can be taken, and the problems of the others."""

    answers: dict[str, Answer]
    problems: list[Problem]


def accept(questionnaire: Questionnaire, answers: Raw, context: Context = NOTHING) -> Accepted | list[Problem]:
    """Accept a whole response, or say everything that is wrong with it.

    Parameters
    ----------
    questionnaire : Questionnaire
    answers : mapping of str to sequence of str
        Form values by question. An absent question, an empty list and empty texts are all blank.
    context : Context, optional
        The clock, the seed and the labels that expressions may ask for.

    Returns
    -------
    Accepted or list of Problem
        Problems are in the order of the questionnaire and never an empty list.

    Examples
    --------
    >>> from questionnaires.loading import load_shipped
    >>> accept(load_shipped("sd-citizen"), {"contact": ["never"], "word": ["７"], "reasons": ["full"]}).answers
    {'contact': 'never', 'word': 7}
    """
    return accepted(questionnaire, recompute(questionnaire, answers, context))


def accepted(questionnaire: Questionnaire, state: State) -> Accepted | list[Problem]:
    """What `accept` says, of answers whose state was worked out already (and not as a draft's)."""
    if state.problems:
        return state.problems
    return Accepted(questionnaire.identifier, state.answers)


def check(
    questionnaire: Questionnaire,
    answers: Raw,
    context: Context = NOTHING,
    *,
    draft: bool = False,
    only: Collection[str] | None = None,
) -> Checked:
    """Read what can be read of a response that may be unfinished.

    Parameters
    ----------
    draft : bool
        Required questions may be blank.
    only : collection of str, optional
        Report the problems of these questions alone, such as those of the screen just sent.
    """
    state = recompute(questionnaire, answers, context, draft=draft, only=only)
    return Checked(state.answers, state.problems)
