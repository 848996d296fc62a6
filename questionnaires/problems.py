"""Why an answer cannot be taken, and how to mend it: English msgids that pages translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from questionnaires.words import Words


def _(message: str) -> str:
    """Marks an English msgid; `Problem.say` puts its translation into words."""
    return message


CHOOSE_ONE = _("Choose an answer")
CHOOSE_SOME = _("Choose at least one answer")
CONFIRM = _("Confirm this to go on")
ENTER_NUMBER = _("Enter a whole number")
ENTER_DECIMAL = _("Enter a number")
ENTER_DATE = _("Enter a date")
ENTER_TIME = _("Enter a time")
ENTER_TEXT = _("Enter an answer")
ADD_FILE = _("Add a file")
ONLY_ONE = _("Choose only one answer")
NOT_OFFERED = _("“%(value)s” is not one of the answers")
NOT_TOGETHER = _("“%(choice)s” cannot be chosen together with other answers")
NOT_WHOLE = _("Enter a whole number in digits, such as 12")
NOT_DECIMAL = _("Enter a number in digits, such as 12 or 0.5")
NOT_DATE = _("Enter the date as year-month-day, such as 2026-11-25")
NOT_MONTH = _("Enter the month as year-month, such as 2026-11")
NOT_YEAR = _("Enter the year in four digits, such as 2026")
NOT_TIME = _("Enter the time as hours:minutes, such as 09:30")
NOT_DATETIME = _("Enter the date and time such as 2026-11-25 09:30")
OUT_OF_RANGE = _("Enter a number from %(low)s to %(high)s")
NOT_A_STEP = _("Enter %(low)s, or a number that is a multiple of %(step)s above it")
TOO_LONG = _("Enter at most %(most)s characters (you entered %(length)s)")
CONTROL = _("Remove the invisible character %(character)s")
NO_QUESTION = _("There is no question “%(question)s” in this questionnaire")
NOT_POSSIBLE = _("This answer is not possible here. Check it and change it")
IN_WORDS = "%(words)s"  # the questionnaire's own message


class Problem(msgspec.Struct, frozen=True):
    """Why an answer cannot be taken, and how to mend it."""

    question: str  # its code: the field that an error summary links to; as sent, when the questionnaire has none such
    message: str  # English msgid
    values: dict[str, str | Words] = {}

    def say(
        self, translate: Callable[[str], str], language: str, unit: str = "", said: Mapping[str, str] | None = None
    ) -> str:
        """The message in a language, with the words of the questionnaire that it names, and answers in words."""
        values = {
            name: value.fill(language, unit, said) if isinstance(value, Words) else value
            for name, value in self.values.items()
        }
        return (self.message if self.message == IN_WORDS else translate(self.message)) % values


class RefusedError(Exception):
    """What was given is no answer to the question."""

    def __init__(self, message: str, values: dict[str, str | Words] | None = None) -> None:
        self.message = message
        self.values = values or {}
