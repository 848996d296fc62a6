"""Choices of a form: lists, shared or of one question, filters, and the labels of numbers."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from xml.etree import ElementTree

from questionnaires.document import Entries, List, Node, Scalar
from questionnaires.mistakes import DefinitionError
from questionnaires.reading import CODE, WHOLE
from questionnaires.xlsform.headers import OWN_CHOICE
from questionnaires.xlsform.nodes import own_node, put, scalar, value_of
from questionnaires.xlsform.sheets import Findings, Place, Workbook
from questionnaires.xlsform.shielding import unshield
from questionnaires.xlsform.speech import Speech, text_in
from questionnaires.xlsform.survey import Columns, Row
from questionnaires.xlsform.xform import XF, XForm

NODESET = re.compile(
    r"(?P<randomize>randomize\()?\s*instance\('(?P<list>[^']+)'\)/root/item(?:\[(?P<filter>.*)\])?\s*"
    r"(?P<seed>,[^\[\]]*)?\)?\s*\Z",
    re.DOTALL,
)
OTHER = "other"  # what pyxform adds for or_other


@dataclass(frozen=True, slots=True)
class Itemset:
    """What a control says of its choices."""

    list: str
    filter: str  # "" for none
    randomise: bool


def itemset_of(control: ElementTree.Element) -> Itemset | None:
    """The choices of a control; None when they do not come from a list of the form."""
    element = control.find(f"{XF}itemset")
    found = None if element is None else NODESET.match(element.get("nodeset", ""))
    if found is None:
        return None
    condition = found["filter"] or ""
    return Itemset(found["list"], condition if condition.strip() else "", bool(found["randomize"]))


class Itemsets:
    """Gives every question its choices, when it is known who shares which list."""

    def __init__(self, form: XForm, book: Workbook, speech: Speech, wrong: Findings, note: Findings) -> None:
        self.form = form
        self.speech = speech
        self.wrong = wrong
        self.note = note
        self.columns = Columns(book["choices"])
        if "list name" in self.columns.headers:
            self.columns.headers.setdefault("list_name", []).extend(self.columns.headers["list name"])
        self.rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
        for number, row in enumerate(book["choices"].rows, 2):
            self.rows.setdefault(self.columns.cell(row, "list_name"), []).append((number, row))
        self.users: list[tuple[str, str, Entries, Place]] = []  # list, question or matrix, its node, place
        self.extended: set[str] = set()  # lists that got a choice "other"

    def use(self, name: str, code: str, node: Entries, place: Place) -> None:
        """Note that a question has the choices of a list."""
        self.users.append((name, code, node, place))

    def extend(self, row: Row) -> None:
        """Note that or_other adds a choice to a list."""
        self.extended.add(row.list)

    def finish(self, codes: Collection[str]) -> Entries | None:
        """Put the choices into the nodes that use them; what is shared is returned, by name."""
        users: dict[str, set[str]] = {}
        for name, code, _, _ in self.users:
            users.setdefault(name, set()).add(code)
        names: dict[str, str] = {}
        shared: Entries | None = None
        for name, code, node, place in self.users:
            if name == code and len(users[name]) == 1:
                put(node, place, "choices", self.choices(name, place))
                continue
            if name not in names:
                names[name] = self._name(name, {*codes, *names.values()})
                shared = shared or Entries(*place)
                put(shared, place, names[name], self.choices(name, place))
            put(node, place, "choices", scalar(place, names[name]))
        return shared

    def _name(self, name: str, taken: Collection[str]) -> str:
        """A name for a shared list that is no question's."""
        found = re.sub(r"[^\w.-]", "_", name)[:50]
        found = found if CODE.match(found) else f"list_{found}"
        while found in taken:
            found += "_list"
        return found

    def choices(self, name: str, place: Place) -> List:
        """The choices of a list."""
        items = self.form.lists.get(name, [])
        rows = self.rows.get(name, [])
        found = List(*place)
        for number, item in enumerate(items):
            if number < len(rows):
                at, row = rows[number]
                found.items.append(self._choice(item, row, self.columns.place(at, "name")))
            else:
                found.items.append(self._choice(item, {}, place))
        if rows and any(f"{OWN_CHOICE}score" in row for _, row in rows):
            for entry in found.items:
                if isinstance(entry, Entries) and value_of(entry, "score") is None:
                    entry.pairs.append(
                        (scalar((entry.line, entry.column), "score"), Scalar(*_at(entry), "null", False))
                    )
        return found

    def _choice(self, item: ElementTree.Element, row: dict[str, str], place: Place) -> Entries:
        code = unshield(item.findtext(f"{XF}name") or "").strip()
        entry = Entries(*place)
        put(entry, place, "code", code)
        marks = self._own(row, "from", place)
        label = item.find(f"{XF}label")
        itext = item.findtext(f"{XF}itextId")
        text = self.speech.words(
            self.form.itext(itext) if itext else {} if label is None else {"": label}, place, self.form.root, marks
        )
        if not row and code == OTHER:
            text = self.english(text, place)
        put(entry, place, "text", text or self.speech.same(code, place))
        columns = Entries(*place)
        for part in item:
            name = part.tag.rpartition("}")[2]
            value = unshield(part.text or "").strip()
            if name not in ("name", "label", "itextId") and value:
                put(columns, place, name, value)
        more = self._own(row, "columns", place)
        if isinstance(more, Entries):
            columns.pairs += more.pairs
        if columns.pairs:
            put(entry, place, "columns", columns)
        for name in ("score", "role"):
            put(entry, place, name, self._own(row, name, place))
        return entry

    def _own(self, row: dict[str, str], key: str, place: Place) -> Node | None:
        header = OWN_CHOICE + key
        if header not in row:
            return None
        at = (place[0], self.columns.sheet.column(header))
        try:
            node = own_node(row[header], at)
        except DefinitionError as error:
            self.wrong(at, error.mistakes[0].what, error.mistakes[0].right, **dict(error.mistakes[0].values))
            return None
        return None if isinstance(node, Scalar) and node.blank else node

    def english(self, text: Entries | None, place: Place) -> Entries | None:
        """Words that pyxform writes in English, whatever the language: kept for English, else for all."""
        words = text_in(text, self.speech.languages[0])
        if text is None or not words:
            return text
        if "en" not in self.speech.languages:
            return self.speech.same(words, place)
        return self.speech.entries({"en": words}, place)

    def labels(self, name: str, place: Place, *, beside: bool) -> Entries | None:
        """The choices of a list as the labels of numbers: those that say only the number are left out.

        `beside`: also the answers beside the numbers.
        """
        found = Entries(*place)
        for entry in self.choices(name, place).items:
            assert isinstance(entry, Entries)
            code, text = value_of(entry, "code"), value_of(entry, "text")
            if not isinstance(code, Scalar) or text is None:
                continue
            number = WHOLE.match(code.value) is not None
            bare = all(text_in(text, language) == code.value for language in self.speech.languages)
            if (number and not bare) or (beside and not number):
                put(found, _at(entry), code.value, text)
        return found if found.pairs else None


def _at(node: Node) -> Place:
    return node.line, node.column
