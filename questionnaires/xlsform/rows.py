"""A questionnaire as rows of the sheets survey, choices and settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyxform.utils import default_is_dynamic  # type: ignore[import-untyped]

from questionnaires.definition import Choice, Group, Question, Questionnaire, Section
from questionnaires.expression import Expression
from questionnaires.filters import as_written
from questionnaires.words import Words
from questionnaires.writing import Tree, digits, dumps, flow, group_tree, question_tree, tree
from questionnaires.xlsform.headers import OWN, language_name
from questionnaires.xlsform.items import COLUMNS, LIMITS, UNSEEN, WHOLE_RANGE
from questionnaires.xlsform.listing import Listing
from questionnaires.xlsform.naming import Names
from questionnaires.xlsform.shielding import DISGUISES

TYPES = {
    "integer": "integer", "decimal": "decimal", "date": "date", "time": "time", "datetime": "dateTime",
    "text": "text", "acknowledge": "acknowledge", "note": "note", "calculate": "calculate", "hidden": "hidden",
    "geopoint": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape", "barcode": "barcode",
    "single": "select_one", "multiple": "select_multiple", "rank": "rank",
}  # fmt: skip
FILES = {"image": "image", "audio": "audio", "video": "video"}
PLAIN_METADATA = ("start", "end", "today", "deviceid", "username", "email", "phonenumber", "start-geopoint")
WITH_TICKS = ((), ("vertical",))  # appearances of a range that can have labels
IRREGULAR = re.compile(r"\s\s|[\n\t\r\xa0]|[" + "".join(DISGUISES) + "]")
CHANGING = [  # types that can trigger
    "integer",
    "decimal",
    "text",
    "date",
    "time",
    "datetime",
    "single",
    "multiple",
    "scale",
]
ORDER = (
    "type", "name", "label", "hint", "guidance_hint", "required", "required_message", "relevant", "constraint",
    "constraint_message", "choice_filter", "calculation", "trigger", "default", "read_only", "appearance",
    "parameters", "repeat_count",
)  # fmt: skip

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheets:
    """Rows by sheet; the keys of each are its headers."""

    survey: list[Row]
    choices: list[Row]
    settings: Row


def sheets_of(questionnaire: Questionnaire) -> Sheets:
    """All rows of a questionnaire."""
    return Rows(questionnaire).sheets()


class Rows:
    """Writes rows, one after the other."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire
        self.names = Names(questionnaire)
        self.listing = Listing(self.names)
        self.survey: list[Row] = []
        self.audit_is_read = "${audit}" in dumps(questionnaire)  # which no XLSForm can do

    def sheets(self) -> Sheets:
        for section in self.questionnaire.sections:
            self._section(section)
        return Sheets(self.survey, self.listing.rows, self._settings())

    def _settings(self) -> Row:
        questionnaire = self.questionnaire
        main = questionnaire.languages[0]
        row = {"form_id": questionnaire.code, "version": questionnaire.version}
        left = {
            key: value
            for key, value in tree(questionnaire).items()
            if key not in ("code", "version", "lists", "sections")
        }
        left["imported"] = "true" if questionnaire.imported else "false"
        title = questionnaire.title
        if title is not None and title.texts:
            text = title.fill(main, "{unit}") if "${" not in title.texts[0][1] else ""
            if text and not IRREGULAR.search(text) and text not in (questionnaire.code, "-"):
                row["form_title"] = text
            same = tuple((one, row.get("form_title", "")) for one in questionnaire.languages)
            if title == Words(same):
                left.pop("title")
        row["default_language"] = language_name(main)
        if self.listing.twice:
            row["allow_choice_duplicates"] = "yes"
        return row | {OWN + key: flow(value) for key, value in left.items()}

    # --- sections and groups

    def _section(self, section: Section) -> None:
        name = self.names.sections[section.code]
        row: Row = {"type": "begin_group", "name": name}
        own: dict[str, Tree] = {} if name == section.code else {"code": section.code}
        marks: dict[str, Words] = {}
        self._words(row, "label", "title", section.title, marks)
        self._expression(row, own, "relevant", section.relevant)
        if section.show == "together":
            if any(group.kind == "repeat" for group in section.groups):
                own["show"] = "together"  # other programs cannot show a repeat on one page with the rest
            else:
                row["appearance"] = "field-list"
        if section.note is not None and section.note.translated_from:
            marks["note"] = section.note
        self._add(row, own, marks)
        if section.note is not None:
            note: Row = {"type": "note", "name": self.names.new(f"{name}_note"), f"{OWN}part": "note"}
            self._words(note, "label", "note", section.note, {})
            self.survey.append(note)
        self._inside(section)
        self.survey.append({"type": "end_group"})

    def _inside(self, section: Section) -> None:
        """Items in order, each within its groups."""
        waiting = list(section.groups)
        holding = {group.code for item in section.items for group in section.around(item)}
        open_groups: list[Group] = []

        def close_until(kept: set[str]) -> None:
            while open_groups and open_groups[-1].code not in kept:
                group = open_groups.pop()
                self.survey.append({"type": "end_repeat" if group.kind == "repeat" else "end_group"})

        for item in section.items:
            around = {group.code for group in section.around(item)}
            close_until(around)
            while waiting and (waiting[0].code in around or waiting[0].code not in holding):
                group = waiting.pop(0)
                if group.code in around:
                    self._group(group, section)
                    open_groups.append(group)
            statement = bool(item.group) and section.group(item.group).kind == "matrix"
            self._item(item, section.group(item.group) if statement else None)
        close_until(set())

    def _group(self, group: Group, section: Section) -> None:
        name = self.names.of[group.code]
        kind = "begin_repeat" if group.kind == "repeat" else "begin_group"
        row: Row = {"type": kind, "name": name}
        own: dict[str, Tree] = {} if name == group.code else {"code": group.code}
        marks: dict[str, Words] = {}
        words = list(group.appearance)
        members = [item for item in section.items if item.group == group.code]
        left = group_tree(group, section, [])
        for key in ("code", "type", "title", "text", "relevant", "count", "items", "statements", "choices", "each"):
            left.pop(key, None)
        self._words(row, "label", "text" if group.kind == "matrix" else "title", group.title, marks)
        self._expression(row, own, "relevant", group.relevant)
        self._expression(row, own, "count", group.count)
        if group.kind == "matrix" and not any(item.choice_filter for item in members):
            words = ["table-list", *words]
            self._words(row, "hint", "hint", group.hint, marks)
            left.pop("hint", None)
            if "field-list" not in group.appearance and "table-list" not in group.appearance:
                left.pop("appearance", None)
        else:
            if group.kind == "matrix":
                own["type"] = "matrix"
            elif any(word in item.appearance for item in members for word in ("label", "list-nolabel")):
                own["type"] = "group"
            if "field-list" not in group.appearance:
                left.pop("appearance", None)
            elif not group.together:
                own["together"] = "false"
            if group.together and "field-list" not in words:
                words.insert(0, "field-list")
            if group.together:
                left.pop("together", None)
        if words:
            row["appearance"] = " ".join(words)
        self._add(row, own | left, marks)

    # --- items

    def _item(self, item: Question, matrix: Group | None) -> None:
        name = self.names.of[item.code]
        left = question_tree(item)
        own: dict[str, Tree] = {} if name == item.code else {"code": item.code}
        for key in ("code", "type"):
            left.pop(key)
        row: Row = {"type": self._type(item, matrix, left, own), "name": name}
        marks: dict[str, Words] = {}
        if item.type not in UNSEEN:
            for key, column in (("text", "label"), ("hint", "hint"), ("guidance", "guidance_hint")):
                self._words(row, column, key, getattr(item, key), marks)
                left.pop(key, None)
            if matrix is None and item.appearance:
                row["appearance"] = " ".join(item.appearance)
                left.pop("appearance")
        for key in ("required_message", "constraint_message"):
            self._words(row, key, key, getattr(item, key), marks)
            left.pop(key, None)
        for key in ("relevant", "required", "readonly"):
            if getattr(item, f"{key}_always", False):
                if not (key == "readonly" and item.type in ("note", *UNSEEN)):
                    row[COLUMNS.get(key, key)] = "yes"
                    left.pop(key)
            elif key != "readonly" or item.type not in ("note", *UNSEEN):
                self._expression(row, own, key, getattr(item, key))
                left.pop(key, None)
        self._constraint(row, own, item, left)
        self._calculation(row, own, item, left)
        self._start(row, item, left)
        self._add(row, own | left, marks)

    def _type(self, item: Question, matrix: Group | None, left: dict[str, Tree], own: dict[str, Tree]) -> str:
        """The type in the sheet; what it says is taken from `left`."""
        if item.type in ("single", "multiple", "rank"):
            name = item.list or (item.code if matrix is None else matrix.code)
            self.listing.add(name, item.choices)
            left.pop("choices", None)
            return f"{TYPES[item.type]} {name}"
        if item.type == "scale":
            return self._scale(item, left, own)
        if item.type == "file":
            if item.kind is not None:
                left.pop("kind")
            else:
                own["kind"] = None
            return FILES.get(item.kind or "", "file")
        if item.type == "metadata":
            if item.kind in PLAIN_METADATA or (item.kind == item.code == "audit" and not self.audit_is_read):
                left.pop("kind")
                return str(item.kind)
            own["type"] = "metadata"
            return "hidden"
        if (item.type == "hidden") == (item.calculate is not None) and item.type in ("calculate", "hidden"):
            own["type"] = item.type  # an XForm has no other difference between the two
            return "hidden"
        return TYPES[item.type]

    def _scale(self, item: Question, left: dict[str, Tree], own: dict[str, Tree]) -> str:
        """A range where it has numbers only, else a select_one."""
        assert item.range is not None
        bare = any(
            words == Words(tuple((one, str(number)) for one, _ in words.texts)) for number, words in item.anchors
        )
        if item.choices:
            own["type"] = "scale"
            self.listing.numbers(item)
            if not bare:
                left.pop("labels")
            return f"select_one {item.code}"
        left.pop("range")
        self.parameters = f"start={item.range[0]} end={item.range[1]} step=1"
        # pyxform writes the name of the list in small letters
        if item.anchors and not bare and item.appearance in WITH_TICKS and item.code == item.code.lower():
            self.listing.add(item.code, [Choice(str(number), words) for number, words in item.anchors])
            self.parameters += f" tick_labelset={item.code}"
            left.pop("labels")
        return "range"

    def _constraint(self, row: Row, own: dict[str, Tree], item: Question, left: dict[str, Tree]) -> None:
        """The constraint, with least and greatest answer before it."""
        left.pop("constraint", None)
        self._expression(row, own, "constraint", item.constraint)
        written = row.get("constraint", "")
        if item.type not in ("integer", "decimal"):
            return
        left.pop("range", None)
        ends = [str(end) for end in item.range or ()] or [digits(end) for end in item.limits or ()]
        if ends and ends != list(WHOLE_RANGE):
            limits = f". >= {ends[0]} and . <= {ends[1]}"
            if written:
                row["constraint"] = f"{limits} and ({written})"
            elif item.constraint_message is None:
                row["constraint"] = limits
            else:
                own["range"] = list(ends)
        elif item.constraint is not None and LIMITS.match(written):
            row["constraint"] = f"({written})"  # it is no range
            own["constraint"] = item.constraint.source

    def _calculation(self, row: Row, own: dict[str, Tree], item: Question, left: dict[str, Tree]) -> None:
        left.pop("calculate", None)
        self._expression(row, own, "calculate", item.calculate)
        if item.choice_filter is not None:
            left.pop("choice_filter", None)
            self._source(row, own, "choice_filter", as_written(item.choice_filter.source))
        sources = [self.questionnaire.question(code) for code in item.trigger if code in self._items()]
        following = item.trigger and item.calculate is not None and item.type not in ("metadata", "note")
        if following and len(sources) == len(item.trigger) and all(one.type in CHANGING for one in sources):
            row["trigger"] = ", ".join("${" + self.names.of[one.code] + "}" for one in sources)
            left.pop("trigger")
        parameters = []
        if item.randomise:
            parameters.append("randomize=true")
            left.pop("randomise")
        if row["type"] == "range":
            parameters.append(self.parameters)
        if parameters:
            row["parameters"] = " ".join(parameters)

    def _items(self) -> set[str]:
        return {item.code for item in self.questionnaire.items}

    def _start(self, row: Row, item: Question, left: dict[str, Tree]) -> None:
        kind = row["type"].partition(" ")[0]
        if item.type in ("file", "metadata", "calculate"):
            return
        if item.default is not None and not IRREGULAR.search(item.default):
            if not default_is_dynamic(item.default, kind) and item.default != "-":
                row["default"] = item.default
                left.pop("default")
        elif item.default_from is not None and not IRREGULAR.search(item.default_from.source):
            source = self.names.expression(item.default_from.source)
            if default_is_dynamic(source, kind):
                row["default"] = source
                left.pop("default_from")

    # --- cells

    def _words(self, row: Row, column: str, key: str, words: Words | None, marks: dict[str, Words]) -> None:
        for language, text in words.texts if words is not None else ():
            row[f"{column}::{language_name(language)}"] = self.names.said(text)
        if words is not None and words.translated_from:
            marks[key] = words

    def _expression(self, row: Row, own: dict[str, Tree], key: str, expression: Expression | None) -> None:
        if expression is not None:
            self._source(row, own, key, expression.source)

    def _source(self, row: Row, own: dict[str, Tree], key: str, source: str) -> None:
        column = COLUMNS.get(key, key)
        row[column] = self.names.expression(source)
        if IRREGULAR.search(source) or (key in ("required", "readonly") and source in ("true()", "false()")):
            own[key] = source

    def _add(self, row: Row, own: dict[str, Tree], marks: dict[str, Words]) -> None:
        if marks:
            own = own | {"from": {key: dict(words.translated_from) for key, words in marks.items()}}
        self.survey.append(row | {OWN + key: flow(value) for key, value in own.items()})
