"""What the pages of the form show: questions, choices and messages in the visitor's language, as plain values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from evaluator import language
from evaluator.collection import form
from evaluator.collection.campaigns import LiveCampaign
from questionnaires.definition import Question, Words


class Option(msgspec.Struct, frozen=True):
    value: str
    text: str
    chosen: bool


class Field(msgspec.Struct, frozen=True):
    """A question as it is drawn."""

    code: str
    type: str
    text: str
    hint: str
    required: bool
    value: str  # of a number or a text, as it was typed
    options: tuple[Option, ...]  # choices; of a scale or number those beside its numbers
    numbers: tuple[Option, ...]  # of a scale
    anchors: tuple[tuple[int, str], ...]
    sensitive: bool
    most: int | None
    error: str

    @property
    def id(self) -> str:
        return form.ANSWER + self.code


class Line(msgspec.Struct, frozen=True):
    """A question on the review page."""

    code: str
    text: str
    said: str


def of_questionnaire() -> str:
    """The questionnaire's name of the language of this request."""
    return language.current.get().partition("-")[0]


def say(words: Words | None, unit: str) -> str:
    return "" if words is None else words.fill(of_questionnaire(), unit)


def unit_name(campaign: LiveCampaign, unit: str) -> str:
    return language.said(campaign.units[unit].name)


def fields(campaign: LiveCampaign, visit: form.Visit, shown: form.Shown, answers: form.Answers) -> list[Field]:
    """The questions of the screen to show, with what was answered before and what is wrong with it."""
    if shown.screen is None:
        return []
    unit = unit_name(campaign, visit.unit)
    errors = {
        problem.question: problem.say(language.gettext, of_questionnaire(), unit)
        for problem in reversed(shown.problems)
    }
    found = []
    for question in shown.screen.questions:
        given = answers.get(question.code, [])
        options = tuple(
            Option(choice.code, say(choice.text, unit), choice.code in given)
            for choice in form.choices(question, visit)
        )
        numbers: tuple[Option, ...] = ()
        if question.type == "scale" and question.range is not None:
            low, high = question.range
            numbers = tuple(Option(str(n), str(n), str(n) in given) for n in range(low, high + 1))
        codes = {choice.code for choice in question.choices}
        found.append(
            Field(
                code=question.code,
                type=question.type,
                text=say(question.text, unit),
                hint=say(question.hint, unit),
                required=question.required_always,
                value=next((value for value in given if value not in codes), ""),
                options=options,
                numbers=numbers,
                anchors=tuple((number, say(words, unit)) for number, words in question.anchors),
                sensitive=question.sensitive,
                most=question.max_length,
                error=errors.get(question.code, ""),
            )
        )
    return found


def carried(shown: form.Shown, answers: form.Answers) -> list[tuple[str, str]]:
    """Hidden fields: every answer that is not on the screen itself, also those that are not relevant just now."""
    on_screen = {question.code for question in shown.screen.questions} if shown.screen else set()
    return [
        (form.ANSWER + code, value)
        for code, values in answers.items()
        if code not in on_screen
        for value in values
        if value
    ]


def review(
    campaign: LiveCampaign, visit: form.Visit, shown: form.Shown, answers: Mapping[str, list[str]]
) -> list[tuple[str, list[Line]]]:
    """What was answered, by section."""
    unit = unit_name(campaign, visit.unit)
    sections: dict[str, list[Line]] = {}
    for screen in shown.screens:
        lines = sections.setdefault(say(screen.section.title, unit), [])
        for question in screen.questions:
            lines.append(
                Line(question.code, say(question.text, unit), _said(question, answers.get(question.code, []), unit))
            )
    return list(sections.items())


def _said(question: Question, given: list[str], unit: str) -> str:
    words = {choice.code: say(choice.text, unit) for choice in question.choices}
    return language.gettext(", ").join(words.get(value, value) for value in given if value.strip())
