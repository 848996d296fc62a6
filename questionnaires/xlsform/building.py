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
from questionnaires.xlsform.items import Items, _marks
from questionnaires.xlsform.itemsets import Itemsets, itemset_of
from questionnaires.xlsform.nodes import own_node, own_text, put, replace, scalar, value_of
from questionnaires.xlsform.paths import Paths, absolute
from questionnaires.xlsform.sheets import Findings, Place, Workbook
from questionnaires.xlsform.speech import Speech
from questionnaires.xlsform.survey import Columns, Row, rows_of
from questionnaires.xlsform.xform import JR, XF, Answer, XForm

LABEL_NOTE, LABEL_ROW = "generated_table_list_label_", "reserved_name_for_field_list_labels_"
FIELD_LIST = "field-list"
NOTED_META = {"instanceName": "instance_name"}


class Building:
    """Puts a questionnaire together."""

    def __init__(self, form: XForm, book: Workbook, name: str) -> None:
        self.form = form
        self.book = book
        self.name = name
        self.wrong = Findings()
        self.note = Findings()
        self.columns = Columns(book["survey"])
        self.rows: dict[str, Row] = {}
        for row in rows_of(self.columns):
            if row.control != "end" and row.name:
                self.rows.setdefault(f"{form.root}/{'/'.join(row.path)}", row)
        self.loops = [path for path, row in self.rows.items() if row.kind == "loop"]
        self.settings = Columns(book["settings"])
        self.first: dict[str, str] = book["settings"].rows[0] if book["settings"].rows else {}
        self.generated = self._generated()
        for answer in form.meta:
            if answer.name == "audit":
                self._put_back(answer)
        self.matrices: set[str] = set()
        self._find_matrices(form.answers)
        self.sections: set[str] = set()
        paths = Paths(self._codes())
        default = self.settings.cell(self.first, "default_language")
        self.speech = Speech(form, paths, self.note, self._languages(), default)
        self.itemsets = Itemsets(form, book, self.speech, self.wrong, self.note)
        self.items = Items(form, self.columns, paths, self.speech, self.itemsets, self.wrong, self.note)
        self.codes = paths.codes

    # --- what is what

    def row(self, path: str) -> Row | None:
        """The row that a path comes from; pyxform writes what is in a loop once for each choice."""
        if path not in self.rows:
            for loop in self.loops:
                if path.startswith(f"{loop}/"):
                    inner = path[len(loop) + 1 :].partition("/")[2]
                    return self.rows.get(f"{loop}/{inner}" if inner else loop)
        return self.rows.get(path)

    def _generated(self) -> set[str]:
        """Calculations that pyxform adds for the number of repetitions."""
        found = set()
        for at, repeat in self.form.repeats.items():
            path = absolute(repeat.get(f"{JR}count", "").strip(), at)
            if path.endswith("_count") and path not in self.rows:
                found.add(path)
        return found

    def _put_back(self, audit: Answer) -> None:
        """Put the audit, which an XForm has among its metadata, where its row stands."""
        row = self.row(audit.path)
        parts = self.form.answers
        for name in () if row is None else row.around:
            parts = next((answer.parts for answer in parts if answer.name == name), parts)
        numbers = [0 if (one := self.row(answer.path)) is None else one.number for answer in parts]
        before = [number for number in numbers if row is None or number < row.number]
        parts.insert(len(before), audit)

    def _find_matrices(self, answers: list[Answer]) -> None:
        for answer in answers:
            if self._is_matrix(answer):
                self.matrices.add(answer.path)
            else:
                self._find_matrices(answer.parts)

    def _is_matrix(self, answer: Answer) -> bool:
        """Whether a group asks for the same choices of several statements: a table-list, or what looks like one."""
        if not answer.parts or answer.path in self.form.repeats:
            return False
        members, header = self.members(answer)
        own = self._own_text(answer, "type")
        said = own == "matrix"
        if own == "group" or not (header or said) or not members or self._title(answer, header) is None:
            return False
        lists = set()
        for member in members:
            control = self.form.controls.get(member.path)
            itemset = None if control is None else itemset_of(control)
            if control is None or itemset is None or member.parts or not control.tag.endswith(("select1", "select")):
                return False
            if (itemset.filter and not said) or self._own_text(member, "type"):
                return False
            lists.add((itemset.list, control.tag))
        return len(lists) == 1

    def members(self, answer: Answer) -> tuple[list[Answer], str]:
        """The statements of a matrix, and the path of the row of labels; "" when it has none."""
        header = ""
        members: list[Answer] = []
        for part in answer.parts:
            control = self.form.controls.get(part.path)
            words = [] if control is None else control.get("appearance", "").split()
            if part.name.startswith(LABEL_ROW) or (not header and "label" in words and not members):
                header = part.path
            elif not part.name.startswith(LABEL_NOTE):
                members.append(part)
        nolabel = [
            control
            for part in members
            if (control := self.form.controls.get(part.path)) is not None
            and "list-nolabel" in control.get("appearance", "").split()
        ]
        return members, header if len(nolabel) == len(members) else ""

    def _title(self, answer: Answer, header: str) -> Answer | None:
        """What has the question of a matrix: a generated note, the group itself, or the row of labels."""
        for part in answer.parts:
            if part.name.startswith(LABEL_NOTE):
                return part
        group = self.form.groups.get(answer.path)
        if group is not None and group.find(f"{XF}label") is not None:
            return answer
        control = self.form.controls.get(header)
        label = None if control is None or LABEL_ROW in header else control.find(f"{XF}label")
        return Answer(header, "") if label is not None and (label.get("ref") or (label.text or "").strip()) else None

    def _is_group(self, answer: Answer) -> bool:
        return bool(answer.parts) or answer.path in self.form.groups or answer.path in self.form.repeats

    def _is_section(self, answer: Answer) -> bool:
        return self._is_group(answer) and answer.path not in self.form.repeats and answer.path not in self.matrices

    def _is_note(self, answer: Answer, inside: bool) -> bool:
        """Whether a row is the note of the section that it stands in."""
        return inside and not self._is_group(answer) and self._own_text(answer, "part") == "note"

    def _own_text(self, answer: Answer, key: str) -> str:
        row = self.row(answer.path)
        header = OWN + key
        return own_text(row.cells[header]).strip() if row is not None and header in row.cells else ""

    def _codes(self) -> dict[str, str]:
        """The code of every item and every group within a section, by path."""
        wanted: list[tuple[str, str, str]] = []  # path, code, name of the group around

        def walk(answers: list[Answer], around: str, top: bool, inside: bool) -> None:
            for answer in answers:
                if answer.path in self.generated or answer.name.startswith((LABEL_NOTE, LABEL_ROW)):
                    continue
                if self._is_note(answer, inside):
                    continue
                name = self._own_text(answer, "code") or answer.name
                if not (top and self._is_section(answer)):
                    wanted.append((answer.path, name, around))
                parts = self.members(answer)[0] if answer.path in self.matrices else answer.parts
                walk(parts, answer.name, False, top and self._is_section(answer))

        walk(self.form.answers, "", True, False)
        count: dict[str, int] = {}
        for _, name, _ in wanted:
            count[name.casefold()] = count.get(name.casefold(), 0) + 1
        taken = {name for name, number in count.items() if number == 1}
        found: dict[str, str] = {}
        for path, name, around in wanted:
            code = name
            if count[name.casefold()] > 1:
                code = f"{around}_{name}" if around else name
                number = 2
                while code.casefold() in taken:
                    code = f"{around}_{name}_{number}" if around else f"{name}_{number}"
                    number += 1
                taken.add(code.casefold())
                if code != name:
                    row = self.row(path)
                    place = (1, 1) if row is None else self.columns.place(row.number, "name")
                    self.note(
                        place, "%(name)s stands in two groups: here it is called %(code)s", "give each its own name",
                        name=shown(name), code=shown(code),
                    )  # fmt: skip
            found[path] = code
        return found

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
        taken = {answer.name.casefold() for answer in self.form.answers if self._is_section(answer)}
        for answer in self.form.answers:
            if answer.path in self.generated:
                continue
            if self._is_section(answer):
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
        return self.items.place(self.row(answer.path), near, name)

    def _section(self, answer: Answer) -> Entries | None:
        place = self._place(answer, self.columns.place(1))
        row = self.row(answer.path)
        group = self.form.groups.get(answer.path)
        own = self.items.own(row)
        node = Entries(*place)
        put(node, place, "code", self._own_text(answer, "code") or answer.name)
        label = None if group is None else group.find(f"{XF}label")
        marks = _marks(own)
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
            if self._is_note(part, True):
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
        if answer.path in self.generated or answer.name.startswith((LABEL_NOTE, LABEL_ROW)):
            return
        row = self.row(answer.path)
        place = self.items.place(row, near)
        if answer.path in self.matrices:
            into.items.append(self._matrix(answer, place))
        elif self._is_group(answer):
            node = self._group(answer, place)
            if node is not None:
                into.items.append(node)
        else:
            into.items.append(self.items.item(answer, row, place))

    def _group(self, answer: Answer, place: Place) -> Entries | None:
        row = self.row(answer.path)
        own = self.items.own(row)
        marks = _marks(own)
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
        if path in self.generated:
            source = self.form.binds.get(path, {}).get("calculate", "")
        if source:
            at = self._place(answer, place, "repeat_count")
            put(node, at, "count", self.items.paths.expression(source, answer.path))

    def _matrix(self, answer: Answer, place: Place) -> Entries:
        row = self.row(answer.path)
        own = self.items.own(row)
        marks = _marks(own)
        members, header = self.members(answer)
        titled = self._title(answer, header)
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
            statement = self.items.item(member, self.row(member.path), place, statement=True)
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
