"""Sections of a questionnaire's file, and what nests in them: groups, repeats and matrices."""

from __future__ import annotations

from typing import get_args

import msgspec

from questionnaires.choices_reading import Lists
from questionnaires.conditions import Conditions
from questionnaires.definition import Group, GroupKind, Question, Section, Show
from questionnaires.document import Entries, List, Node, Scalar
from questionnaires.question_reading import QuestionReading
from questionnaires.reading import CODE, CODE_RIGHT, Reading, code_of

SECTION_KEYS = ("code", "title", "note", "relevant", "show", "items")
GROUP_KEYS = ("code", "type", "title", "hint", "relevant", "together", "appearance", "items")
REPEAT_KEYS = (*GROUP_KEYS, "count")
MATRIX_KEYS = ("code", "type", "text", "hint", "relevant", "each", "choices", "statements", "appearance")
KINDS: tuple[str, ...] = get_args(GroupKind)
SHOWS: tuple[str, ...] = get_args(Show)
MOST_NESTED = 12
MOST_ITEMS = 5000


class SectionReading:
    """Reads sections in order."""

    def __init__(self, reading: Reading, languages: tuple[str, ...], conditions: Conditions, lists: Lists) -> None:
        self.reading = reading
        self.languages = languages
        self.conditions = conditions
        self.questions = QuestionReading(reading, languages, conditions, lists)
        self.codes: set[str] = set()

    def read(self, node: Node, position: int) -> Section | None:
        reading = self.reading
        where = f"sections/{code_of(node) or position}"
        required = ("code", "items") if reading.imported else ("code", "title", "items")
        entries = reading.entries(node, where, SECTION_KEYS, required=required)
        if entries is None:
            return None
        code = reading.code(entries["code"], where, CODE, CODE_RIGHT) if "code" in entries else None
        if code is not None and code in self.codes:
            reading.wrong(entries["code"], where, "two sections have the code %(code)s", "give each its own", code=code)
        self.codes.add(code or "")
        title = reading.words(entries["title"], f"{where}/title", self.languages) if "title" in entries else None
        note = reading.words(entries["note"], f"{where}/note", self.languages) if "note" in entries else None
        self.conditions.check_words()
        relevant = self.conditions.read(entries["relevant"], f"{where}/relevant") if "relevant" in entries else None
        show = reading.one_of(entries["show"], where, "show", SHOWS) if "show" in entries else None
        items: list[Question] = []
        groups: list[Group] = []
        if "items" in entries:
            self._items(entries["items"], f"{where}/items", "", items, groups, 1)
        if code is None:
            return None
        return Section(
            code, title, tuple(items), tuple(groups), note, relevant, msgspec.convert(show or "together", Show)
        )

    def _items(
        self, node: Node, where: str, group: str, items: list[Question], groups: list[Group], depth: int
    ) -> None:
        for number, item in enumerate(self.reading.items(node, where, "questions"), 1):
            here = f"{where}/{code_of(item) or number}"
            kind = _type_of(item)
            if kind in KINDS:
                self._group(item, here, kind, group, items, groups, depth)
            elif len(items) >= MOST_ITEMS:
                self.reading.wrong(item, here, "too many questions", "divide the form")
                return
            else:
                question = self.questions.read(item, here, group)
                if question is not None:
                    items.append(question)

    def _group(
        self, node: Node, where: str, kind: str, parent: str, items: list[Question], groups: list[Group], depth: int
    ) -> None:
        reading, conditions = self.reading, self.conditions
        keys = {"group": GROUP_KEYS, "repeat": REPEAT_KEYS, "matrix": MATRIX_KEYS}[kind]
        required = ("code", "text", "choices", "statements") if kind == "matrix" else ("code", "items")
        entries = reading.entries(node, where, keys, required=required)
        if entries is None:
            return
        if depth > MOST_NESTED:
            reading.wrong(
                node, where, "groups nest too deep", "at most %(most)s levels are allowed", most=str(MOST_NESTED)
            )
            return
        code = reading.code(entries["code"], where, CODE, CODE_RIGHT) if "code" in entries else None
        if code is not None:
            self.questions.new_code(code, entries["code"], where)
        name = "text" if kind == "matrix" else "title"
        title = reading.words(entries[name], f"{where}/{name}", self.languages) if name in entries else None
        hint = reading.words(entries["hint"], f"{where}/hint", self.languages) if "hint" in entries else None
        conditions.check_words()
        relevant = conditions.read(entries["relevant"], f"{where}/relevant", code) if "relevant" in entries else None
        count = conditions.read(entries["count"], f"{where}/count", code) if "count" in entries else None
        together = reading.boolean(entries["together"], f"{where}/together") if "together" in entries else False
        group = Group(
            code=code or "",
            kind=msgspec.convert(kind, GroupKind),
            title=title,
            hint=hint,
            relevant=relevant,
            parent=parent,
            together=together or kind == "matrix",
            appearance=self.questions.appearance(entries, where),
            count=count,
        )
        groups.append(group)
        if code is not None:
            conditions.groups.setdefault(code, group)
            conditions.nodes.setdefault(code, node)
        if kind != "matrix":
            if "items" in entries:
                self._items(entries["items"], f"{where}/items", code or "", items, groups, depth + 1)
        elif "choices" in entries and "statements" in entries:
            each = reading.one_of(entries["each"], where, "each", ("single", "multiple")) if "each" in entries else None
            of = each or "single"
            shared, read = self.questions.choices(entries["choices"], where, of)
            here = f"{where}/statements"
            for number, item in enumerate(reading.items(entries["statements"], here, "statements"), 1):
                question = self.questions.read(
                    item, f"{here}/{code_of(item) or number}", code or "", (of, shared, read)
                )
                if question is not None:
                    items.append(question)


def _type_of(node: Node) -> str:
    if isinstance(node, Entries):
        for key, value in node.pairs:
            if key.value == "type" and isinstance(value, Scalar):
                return value.value.strip()
    return ""


def codes_in(sections: Node) -> dict[str, str]:
    """Every code of an item or a group, and its type: to tell what comes later from what is unknown."""
    found: dict[str, str] = {}
    waiting = [(node, "items") for node in reversed(sections.items)] if isinstance(sections, List) else []
    while waiting:
        node, key_of_parts = waiting.pop()
        if not isinstance(node, Entries):
            continue
        for key, value in reversed(node.pairs):
            if key.value in ("items", "statements") and isinstance(value, List):
                waiting += [(part, "") for part in reversed(value.items)]
        code = code_of(node)
        if not key_of_parts and code is not None:
            found.setdefault(code, _type_of(node) or "single")
    return found
