"""Answers in the visitor's words: what the review shows, and what takes the place of a field that cannot be changed."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date, format_skeleton

from evaluator import language
from questionnaires.answers import parser
from questionnaires.definition import Question, Words
from questionnaires.evaluation import Answer
from questionnaires.problems import RefusedError


def _(message: str) -> str:
    return message


def of_questionnaire() -> str:
    """The questionnaire's name of the language of this request."""
    return language.current.get().partition("-")[0]


def answer_of(question: Question, given: list[str]) -> Answer | None:
    """What was typed, as an answer; None when it is blank, or none at all."""
    try:
        return parser(question)(given)
    except RefusedError:
        return None


def in_words(question: Question, given: list[str], unit: str) -> str:
    """An answer as a person would say it; what cannot be read stays as it was typed."""
    answer = answer_of(question, given)
    if answer is None:
        return language.gettext(", ").join(value for value in given if value.strip())
    words = {choice.code: choice.text for choice in question.choices}
    if isinstance(answer, tuple):
        return language.gettext(", ").join(_fill(words.get(code), unit) or code for code in answer)
    if isinstance(answer, str) and answer in words:
        return _fill(words[answer], unit)
    if question.type == "acknowledge":
        return language.gettext(_("Confirmed"))
    if question.type == "date":
        return _day(str(answer), question.appearance)
    if question.type == "datetime":
        day, _t, moment = str(answer).partition("T")
        return f"{_day(day, ())} {moment}"
    if isinstance(answer, float):
        return f"{answer:.15g}"
    meaning = next((text for number, text in question.anchors if number == answer), None)
    if meaning is not None:
        return language.gettext(_("%(number)s (%(meaning)s)")) % {
            "number": answer, "meaning": _fill(meaning, unit),
        }  # fmt: skip
    return str(answer)


def _fill(words: Words | None, unit: str) -> str:
    return "" if words is None else words.fill(of_questionnaire(), unit)


def _day(text: str, appearance: tuple[str, ...]) -> str:
    day = date.fromisoformat(text)
    if "year" in appearance:
        return str(day.year)
    if "month-year" in appearance:
        return str(format_skeleton("yMMMM", day, locale=language.locale()))
    return format_date(day, "long", locale=language.locale())
