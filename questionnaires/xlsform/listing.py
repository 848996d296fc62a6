"""Choices of a questionnaire as rows of the sheet choices."""

from __future__ import annotations

from collections.abc import Iterable

from pyxform.parsing.expression import is_xml_tag  # type: ignore[import-untyped]

from questionnaires.definition import Choice, Question
from questionnaires.words import Words
from questionnaires.writing import digits, flow
from questionnaires.xlsform.headers import KEYS, OWN_CHOICE, language_name
from questionnaires.xlsform.naming import Names

TAKEN = (*KEYS, "list name", "media", "evaluator", "itextid", "geometry", "__row", "sms_option")


class Listing:
    """Collects the lists, each once."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.rows: list[dict[str, str]] = []
        self.done: set[str] = set()
        self.twice = False  # whether a code stands more than once in a list

    def add(self, name: str, choices: Iterable[Choice]) -> str:
        """Write a list, unless it is there; its name."""
        if name in self.done:
            return name
        self.done.add(name)
        choices = tuple(choices)
        scored = any(choice.score is not None for choice in choices)
        codes: set[str] = set()
        for choice in choices:
            self.twice = self.twice or choice.code in codes
            codes.add(choice.code)
            row = {"list_name": name, "name": choice.code, **self._words(choice.text)}
            hidden = {}
            for column, value in choice.columns:
                if _fits(column, value):
                    row[column] = value
                else:
                    hidden[column] = value
            if scored:
                row[f"{OWN_CHOICE}score"] = "null" if choice.score is None else digits(choice.score)
            if choice.role is not None:
                row[f"{OWN_CHOICE}role"] = choice.role
            if hidden:
                row[f"{OWN_CHOICE}columns"] = flow(dict(hidden))
            if choice.text.translated_from:
                row[f"{OWN_CHOICE}from"] = flow(dict(choice.text.translated_from))
            self.rows.append(row)
        return name

    def numbers(self, item: Question) -> str:
        """The numbers of a scale, and the answers beside them, as a list."""
        assert item.range is not None
        anchors = dict(item.anchors)
        languages = self.names.questionnaire.languages
        bare = [
            Choice(str(number), anchors.get(number) or Words(tuple((one, str(number)) for one in languages)))
            for number in range(item.range[0], item.range[1] + 1)
        ]
        return self.add(self.names.list_of(item), [*bare, *item.choices])

    def _words(self, words: Words) -> dict[str, str]:
        return {f"label::{language_name(language)}": self.names.said(text) for language, text in words.texts}


def _fits(column: str, value: str) -> bool:
    """Whether a column of a filter can stand as itself."""
    plain = "_".join(column.split()).lower()
    if plain in TAKEN or plain.startswith(OWN_CHOICE) or column.startswith("_") or not is_xml_tag(column):
        return False
    return "\n" not in value and "\t" not in value and "\xa0" not in value
