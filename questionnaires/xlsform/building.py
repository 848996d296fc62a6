"""An XForm and the sheets that it was made of, as the nodes of a questionnaire's file.

What a question means comes from the XForm; the sheets tell its row, and what XLSForm has no column for. The nodes carry
places of the sheets, so that everything that is wrong is told with its row.
"""

from __future__ import annotations

import re

from questionnaires.document import Entries, List, Node, Scalar
from questionnaires.mistakes import DefinitionError, shown
from questionnaires.reading import LANGUAGE, QUESTIONNAIRE_CODE, VERSION
from questionnaires.xlsform.headers import OWN
from questionnaires.xlsform.items import Items, marks_of
from questionnaires.xlsform.itemsets import Itemsets, itemset_of
from questionnaires.xlsform.nodes import own_node, put, replace, scalar, value_of
from questionnaires.xlsform.paths import Paths, absolute
from questionnaires.xlsform.sheets import Findings, Place, Workbook
from questionnaires.xlsform.speech import Speech
from questionnaires.xlsform.structure import LABEL_NOTE, LABEL_ROW, Structure
from questionnaires.xlsform.survey import Columns
from questionnaires.xlsform.xform import JR, XF, Answer, XForm

FIELD_LIST = "field-list"


class Building:
    """Puts a questionnaire together."""

    def __init__(self, form: XForm, book: Workbook) -> None:
        self.form = form
        self.book = book
        self.wrong = Findings()
        self.note = Findings()
        self.columns = Columns(book["survey"])
        self.structure = Structure(form, self.columns, self.note)
        self.settings = Columns(book["settings"])
        self.first: dict[str, str] = book["settings"].rows[0] if book["settings"].rows else {}
        self.codes = self.structure.codes()
        paths = Paths(self.codes)
        default = self.settings.cell(self.first, "default_language")
        self.speech = Speech(form, paths, self.note, self._languages(), default)
        self.itemsets = Itemsets(form, book, self.speech, self.wrong, self.note)
        self.items = Items(form, self.columns, paths, self.speech, self.itemsets, self.wrong, self.note)

    # --- settings

    def _setting(self, key: str) -> tuple[str, Place]:
        for header in self.book["settings"].headers:
            if header in self.first and (header == OWN + key or header.lower().replace(" ", "_") == key):
                return self.first[header], (self.settings.place(2)[0], self.settings.sheet.column(header))
        return "", self.settings.place(2)

    def _languages(self) -> tuple[str, ...]:
        """What our own column says."""
        try:
            node = own_node(self.first.get(f"{OWN}languages", "[]"), self.settings.place(2))
        except DefinitionError:
            return ()
        parts = node.items if isinstance(node, List) else [node]
        found = [part.value for part in parts if isinstance(part, Scalar)]
        return tuple(word for word in dict.fromkeys(found) if LANGUAGE.match(word))

    def root(self) -> Entries:
        """All of the questionnaire."""
        place = self.settings.place(2)
        node = Entries(*place)
        put(node, self._setting("form_id")[1], "code", self._code())
        put(node, self._setting("version")[1], "version", self._version())
        sections = self._sections()
        shared = self.itemsets.finish([*self.codes.values()])
        put(node, place, "languages", List(*place, [scalar(place, one) for one in self.speech.languages]))
        if f"{OWN}imported" not in self.first:
            put(node, place, "imported", "true")
        if self.form.title and self.form.title != self.form.identifier:
            put(node, place, "title", self.speech.same(self.form.title, self._setting("form_title")[1]))
        put(node, place, "lists", shared)
        put(node, place, "sections", sections)
        for header in self.settings.own:
            key = header[len(OWN) :].strip()
            if header in self.first and key not in ("languages", "translating"):
                at = (place[0], self.settings.sheet.column(header))
                try:
                    replace(node, at, key, own_node(self.first[header], at))
                except DefinitionError as error:
                    self.wrong(at, error.mistakes[0].what, error.mistakes[0].right, **dict(error.mistakes[0].values))
        translating = {*re.findall(r"[\w-]+", self.first.get(f"{OWN}translating", "")), *self.speech.missing}
        missing = [one for one in self.speech.languages if one in translating]
        if missing:
            put(node, place, "translating", List(*place, [scalar(place, one) for one in missing]))
        for language, places in self.speech.missing.items():
            what = "this text is not in %(language)s"
            if len(places) > 1:
                what = "this text and %(others)s more are not in %(language)s"
            self.note(places[0], what, "write it there", language=language, others=str(len(places) - 1))
        if self.speech.guessed:
            self.note(
                self.columns.place(1), "the language is not named and is taken for %(language)s",
                "write label::%(name)s instead of label", language=self.speech.languages[0],
                name=self.speech.languages[0],
            )  # fmt: skip
        self._unused_settings()
        return node

    def _code(self) -> str:
        written = self.form.identifier
        if QUESTIONNAIRE_CODE.match(written):
            return written
        code = re.sub(r"[^a-z0-9]+", "-", written.lower()).strip("-")
        code = (code if code[:1].isalpha() and code.isascii() else f"form-{code}".strip("-"))[:63].strip("-")
        self.note(
            self._setting("form_id")[1], "the form %(name)s is called %(code)s here",
            "a form_id of small letters, digits and - would be kept", name=shown(written), code=code,
        )  # fmt: skip
        return code

    def _version(self) -> str:
        written = self.form.version.strip()
        if VERSION.match(written):
            return written
        version = re.sub(r"[^0-9A-Za-z._-]+", "-", written).strip("._-")[:32] or "1"
        if written:
            self.note(
                self._setting("version")[1], "the version %(version)s is called %(code)s here", "",
                version=shown(written), code=version,
            )  # fmt: skip
        return version

    def _unused_settings(self) -> None:
        for key, what in (
            ("instance_name", "names of answers are left out"),
            ("submission_url", "addresses of other servers are left out"),
            ("public_key", "keys of other servers are left out"),
        ):
            written, place = self._setting(key)
            if written:
                self.note(place, what)

    # --- sections

    def _sections(self) -> List:
        place = self.columns.place(1)
        found = List(*place)
        loose: List | None = None
        number = 0
        taken = {answer.name.casefold() for answer in self.form.answers if self.structure.is_section(answer)}
        for answer in self.form.answers:
            if answer.path in self.structure.generated:
                continue
            if self.structure.is_section(answer):
                loose = None
                section = self._section(answer)
                if section is not None:
                    found.items.append(section)
                continue
            if loose is None:
                number += 1
                while f"section-{number}" in taken:
                    number += 1
                at = self._place(answer, place)
                loose = List(*at)
                section = Entries(*at)
                put(section, at, "code", f"section-{number}")
                put(section, at, "show", "one_by_one")
                put(section, at, "items", loose)
                found.items.append(section)
            self._part(answer, loose, place)
        found.items[:] = [one for one in found.items if not (isinstance(one, Entries) and _empty(one))]
        return found

    def _place(self, answer: Answer, near: Place, name: str = "") -> Place:
        return self.items.place(self.structure.row(answer.path), near, name)

    def _section(self, answer: Answer) -> Entries | None:
        place = self._place(answer, self.columns.place(1))
        row = self.structure.row(answer.path)
        group = self.form.groups.get(answer.path)
        own = self.items.own(row)
        node = Entries(*place)
        put(node, place, "code", self.structure.own_text_of(answer, "code") or answer.name)
        label = None if group is None else group.find(f"{XF}label")
        marks = marks_of(own)
        put(node, place, "title", self.speech.words(self.form.said(label), place, answer.path, marks.get("title")))
        self._relevant(node, answer, place)
        words = [] if group is None else group.get("appearance", "").split()
        if FIELD_LIST not in words:
            put(node, place, "show", "one_by_one")
        for word in words:
            if word != FIELD_LIST:
                self.note(
                    self._place(answer, place, "appearance"), "the appearance %(word)s of a section is left out",
                    word=shown(word),
                )  # fmt: skip
        parts = List(*place)
        for part in answer.parts:
            if self.structure.is_note(part, True):
                at = self._place(part, place, "label")
                control = self.form.controls.get(part.path)
                said = self.form.said(None if control is None else control.find(f"{XF}label"))
                put(node, at, "note", self.speech.words(said, at, part.path, marks.get("note")))
            else:
                self._part(part, parts, place)
        if not parts.items:
            self.note(place, "the group %(name)s is empty: it is left out", name=shown(answer.name))
            return None
        put(node, place, "items", parts)
        self._override(node, own)
        return node

    def _override(self, node: Entries, own: dict[str, tuple[Place, Node]]) -> None:
        for key, (at, value) in own.items():
            if key not in ("code", "part", "from", "type"):
                self.items.override(node, at, key, value, "group")

    def _relevant(self, node: Entries, answer: Answer, place: Place) -> None:
        source = self.form.binds.get(answer.path, {}).get("relevant", "")
        if source:
            at = self._place(answer, place, "relevant")
            put(node, at, "relevant", self.items.paths.expression(source, answer.path))

    def _part(self, answer: Answer, into: List, near: Place) -> None:
        """An item, group, repeat or matrix."""
        if answer.path in self.structure.generated or answer.name.startswith((LABEL_NOTE, LABEL_ROW)):
            return
        row = self.structure.row(answer.path)
        place = self.items.place(row, near)
        if answer.path in self.structure.matrices:
            into.items.append(self._matrix(answer, place))
        elif self.structure.is_group(answer):
            node = self._group(answer, place)
            if node is not None:
                into.items.append(node)
        else:
            into.items.append(self.items.item(answer, row, place))

    def _group(self, answer: Answer, place: Place) -> Entries | None:
        row = self.structure.row(answer.path)
        own = self.items.own(row)
        marks = marks_of(own)
        group, repeat = self.form.groups.get(answer.path), self.form.repeats.get(answer.path)
        node = Entries(*place)
        put(node, place, "code", self.codes[answer.path])
        put(node, place, "type", "group" if repeat is None else "repeat")
        label = None if group is None else group.find(f"{XF}label")
        put(node, place, "title", self.speech.words(self.form.said(label), place, answer.path, marks.get("title")))
        self._relevant(node, answer, place)
        words = self._appearance(answer)
        if FIELD_LIST in words:
            put(node, place, "together", "true")
        kept = " ".join(word for word in words if word != FIELD_LIST)
        put(node, place, "appearance", self.items.appearance(kept, row, place))
        if repeat is not None:
            self._count(node, answer, repeat.get(f"{JR}count", ""), place)
        parts = List(*place)
        for part in answer.parts:
            self._part(part, parts, place)
        if not parts.items:
            self.note(place, "the group %(name)s is empty: it is left out", name=shown(answer.name))
            return None
        put(node, place, "items", parts)
        self._override(node, own)
        return node

    def _appearance(self, answer: Answer) -> list[str]:
        elements = (self.form.groups.get(answer.path), self.form.repeats.get(answer.path))
        words = [word for one in elements if one is not None for word in one.get("appearance", "").split()]
        return list(dict.fromkeys(words))

    def _count(self, node: Entries, answer: Answer, source: str, place: Place) -> None:
        path = absolute(source.strip(), answer.path)
        if path in self.structure.generated:
            source = self.form.binds.get(path, {}).get("calculate", "")
        if source:
            at = self._place(answer, place, "repeat_count")
            put(node, at, "count", self.items.paths.expression(source, answer.path))

    def _matrix(self, answer: Answer, place: Place) -> Entries:
        row = self.structure.row(answer.path)
        own = self.items.own(row)
        marks = marks_of(own)
        members, header = self.structure.members(answer)
        titled = self.structure.title_of(answer, header)
        assert titled is not None
        node = Entries(*place)
        code = self.codes[answer.path]
        put(node, place, "code", code)
        put(node, place, "type", "matrix")
        control = self.form.controls.get(titled.path)
        element = self.form.groups.get(answer.path) if control is None else control
        assert element is not None
        for key, tag, mark in (("text", "label", "title"), ("hint", "hint", "hint")):
            said = self.form.said(element.find(XF + tag))
            put(node, place, key, self.speech.words(said, place, titled.path, marks.get(key) or marks.get(mark)))
        self._relevant(node, answer, place)
        kept = " ".join(word for word in self._appearance(answer) if word != FIELD_LIST)
        put(node, place, "appearance", self.items.appearance(kept, row, place))
        first = self.form.controls[members[0].path]
        if first.tag.endswith("}select"):
            put(node, place, "each", "multiple")
        itemset = itemset_of(first)
        assert itemset is not None
        at = self._place(members[0], place, "type")
        self.itemsets.use(itemset.list, code, node, at)
        statements = List(*place)
        for member in members:
            statement = self.items.item(member, self.structure.row(member.path), place, statement=True)
            of = self.form.controls[member.path]
            found = itemset_of(of)
            if found is not None and found.filter:
                at = self._place(member, place, "choice_filter")
                put(statement, at, "choice_filter", self.items.paths.expression(found.filter, member.path))
            if found is not None and found.randomise:
                put(statement, at, "randomise", "true")
            statements.items.append(statement)
        put(node, place, "statements", statements)
        self._override(node, own)
        return node


def _empty(section: Entries) -> bool:
    items = value_of(section, "items")
    return isinstance(items, List) and not items.items
