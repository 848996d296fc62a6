"""Names of rows: the codes of a questionnaire, where XLSForm allows them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pyxform.parsing.expression import is_xml_tag  # type: ignore[import-untyped]

from questionnaires.definition import Question, Questionnaire, Section
from questionnaires.words import BOTH

RESERVED = ("meta", "data", "instanceid", "instancename")
REFERENCE = re.compile(r"\$\{([^{}$]*)\}")


class Names:
    """Gives every section, group and item a name that no other one has."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire
        self.of: dict[str, str] = {}
        self.sections: dict[str, str] = {}
        self.taken: set[str] = set()
        codes = list(_codes(questionnaire))
        repeated = {group.code for section in questionnaire.sections for group in section.groups if group.count}
        counted = {f"{code}_count".casefold() for code in repeated}
        audits = {item.code for item in questionnaire.items if item.kind == item.code == "audit"}
        fit = {code for code in codes if fits(code) and code.casefold() not in counted}
        fit -= {code for code in fit if code.casefold() == "audit" and code not in audits}
        self.taken |= {code.casefold() for code in fit} | counted
        for number, code in enumerate(codes, 1):
            self.of[code] = code if code in fit else self.new(f"item_{number}")
        for section in questionnaire.sections:
            self.sections[section.code] = self._section(section)

    def _section(self, section: Section) -> str:
        if fits(section.code) and section.code.casefold() not in self.taken:
            self.taken.add(section.code.casefold())
            return section.code
        return self.new(f"{section.code}_section" if fits(section.code) else "section")

    def new(self, wanted: str) -> str:
        """A name like the wanted one that nothing has yet."""
        name, number = wanted, 1
        while name.casefold() in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.add(name.casefold())
        return name

    def expression(self, source: str) -> str:
        """An expression with names instead of codes."""
        return REFERENCE.sub(lambda found: "${" + self.of.get(found[1], found[1]) + "}", source)

    def said(self, text: str) -> str:
        """A text with names instead of codes."""
        if "${" not in text:
            return text
        return BOTH.sub(
            lambda found: found[0] if found[1] is None else "${" + self.of.get(found[1], found[1]) + "}", text
        )

    def list_of(self, item: Question) -> str:
        """The list of a question's choices: the shared one, or one called like the question."""
        return item.list or item.code


def fits(code: str) -> bool:
    """Whether XLSForm allows a code as a name."""
    return bool(is_xml_tag(code)) and ":" not in code and code.casefold() not in RESERVED


def _codes(questionnaire: Questionnaire) -> Iterator[str]:
    for section in questionnaire.sections:
        for group in section.groups:
            yield group.code
        for item in section.items:
            yield item.code
