"""Texts that are missing in a language, or older than the text that they translate; and marks of what they say now."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from questionnaires.definition import Questionnaire
from questionnaires.expression import Expression
from questionnaires.words import Words, mark

T = TypeVar("T")


class Lack(msgspec.Struct, frozen=True):
    """A text that a language has not, or not any more as it should be."""

    place: str  # such as "view/kept/text"
    language: str
    kind: Literal["missing", "old"]
    first: str  # the text in the language that it is written in first


def lacking(questionnaire: Questionnaire) -> list[Lack]:
    """What translators have to do, in the order of the form."""
    found = []
    for place, words in questionnaire.texts():
        there = dict(words.texts)
        for language in questionnaire.languages:
            if language not in there:
                found.append(Lack(place, language, "missing", words.texts[0][1]))
            elif language in words.stale():
                found.append(Lack(place, language, "old", words.texts[0][1]))
    return found


def stamped(questionnaire: Questionnaire) -> Questionnaire:
    """The questionnaire whose translations say that they were made from the texts as they are now."""
    return _stamped(questionnaire)


def _stamped(value: T) -> T:
    if isinstance(value, Words):
        if not value.texts:
            return value
        (_, first), *others = value.texts
        marks = tuple(sorted((language, mark(first)) for language, _ in others))
        return Words(value.texts, marks)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(_stamped(part) for part in value)  # type: ignore[return-value]
    if isinstance(value, msgspec.Struct) and not isinstance(value, Expression):
        changed = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            new = _stamped(old)
            if new is not old and new != old:
                changed[name] = new
        return msgspec.structs.replace(value, **changed) if changed else value
    return value
