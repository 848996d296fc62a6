"""One question of an XForm as a node of a questionnaire's file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from questionnaires.document import Entries, List, Node, Scalar
from questionnaires.expression import ExpressionError, parse, render
from questionnaires.mistakes import DefinitionError, shown
from questionnaires.question_reading import APPEARANCES, METADATA_KINDS, MOST_SCALE_STEPS
from questionnaires.xlsform.headers import OWN
from questionnaires.xlsform.itemsets import Itemsets, itemset_of
from questionnaires.xlsform.nodes import own_node, put, replace, scalar, value_of
from questionnaires.xlsform.paths import Paths
from questionnaires.xlsform.sheets import Findings, Place
from questionnaires.xlsform.speech import Speech
from questionnaires.xlsform.survey import Columns, Row
from questionnaires.xlsform.xform import JR, XF, Answer, XForm

TYPES = {
    "int": "integer", "decimal": "decimal", "date": "date", "time": "time", "dateTime": "datetime", "string": "text",
    "geopoint": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape", "barcode": "barcode",
}  # fmt: skip
TAGS = {"select1": "single", "select": "multiple", "rank": "rank", "trigger": "acknowledge", "upload": "file"}
UNSEEN = ("calculate", "hidden", "metadata")
WHOLE_RANGE = ("-999999999", "999999999")  # what ODK Collect lets people type: nine digits
LIMITS = re.compile(r"\. >= (-?[0-9]+(?:\.[0-9]+)?) and \. <= (-?[0-9]+(?:\.[0-9]+)?)(?: and \((.*)\))?\Z", re.DOTALL)
# Keys whose own column only keeps the spelling: the column of XLSForm says what it means.
SPELLED = ("relevant", "required", "readonly", "constraint", "calculate", "choice_filter", "count")
COLUMNS = {"calculate": "calculation", "readonly": "read_only", "count": "repeat_count"}
ASIDE = ("code", "part", "from")  # own columns that say no key of an item


class Items:
    """Makes items, knowing the form."""

    def __init__(
        self, form: XForm, columns: Columns, paths: Paths, speech: Speech, itemsets: Itemsets, wrong: Findings,
        note: Findings,
    ) -> None:  # fmt: skip
        self.form = form
        self.columns = columns
        self.paths = paths
        self.speech = speech
        self.itemsets = itemsets
        self.wrong = wrong
        self.note = note

    def place(self, row: Row | None, near: Place, name: str = "") -> Place:
        """A row's place in a column; near it for what has no row."""
        return near if row is None else self.columns.place(row.number, name)

    def own(self, row: Row | None) -> dict[str, tuple[Place, Node]]:
        """What the columns of ours say of a row."""
        found: dict[str, tuple[Place, Node]] = {}
        for header in self.columns.own if row is not None else ():
            if row is not None and header in row.cells:
                place = (self.columns.place(row.number)[0], self.columns.sheet.column(header))
                try:
                    found[header[len(OWN) :].strip()] = (place, own_node(row.cells[header], place))
                except DefinitionError as error:
                    first = error.mistakes[0]
                    self.wrong(place, first.what, first.right, **dict(first.values))
        return found

    def item(self, answer: Answer, row: Row | None, near: Place, statement: bool = False) -> Entries:
        """An item; `statement`: of a matrix, which says its type and choices."""
        place = self.place(row, near)
        own = self.own(row)
        marks = marks_of(own)
        bind = self.form.binds.get(answer.path, {})
        control = self.form.controls.get(answer.path)
        node = Entries(*place)
        code = self.paths.codes[answer.path]
        put(node, self.place(row, near, "name"), "code", code)
        kind, detail = self._type(answer, row, bind, control, own)
        if not statement:
            put(node, self.place(row, near, "type"), "type", kind)
            put(node, self.place(row, near, "type"), "kind", detail)
        self._texts(node, answer, row, near, control, kind, marks)
        self._binds(node, answer, row, near, bind, kind)
        if control is not None:
            if not statement:
                self._choices(node, code, row, near, control, kind)
                self._numbers(node, row, near, control, kind)
            put(node, place, "appearance", self.appearance(control.get("appearance", ""), row, near, statement))
        self._start(node, answer, row, near, kind)
        if kind == "integer":
            self._whole(node, place)
        elif kind == "decimal":
            self._limits(node, place)
        for key, (at, value) in own.items():
            if key not in ASIDE and not (key == "type" and statement):
                self.override(node, at, key, value, kind)
        return node

    def _type(
        self, answer: Answer, row: Row | None, bind: Mapping[str, str], control: ElementTree.Element | None,
        own: Mapping[str, tuple[Place, Node]],
    ) -> tuple[str, str | None]:  # fmt: skip
        """The type, and the kind of a file or of metadata."""
        said = own.get("type")
        if said is not None and isinstance(said[1], Scalar) and not said[1].blank:
            return said[1].value, None
        if control is None:
            return self._unseen(answer, bind)
        tag = control.tag.rpartition("}")[2]
        if tag == "upload":
            kind = control.get("mediatype", "").partition("/")[0]
            return "file", kind if kind in ("image", "audio", "video") else "any"
        if tag in TAGS:
            return TAGS[tag], None
        if tag == "range":
            return _range_type(control), None
        kind = TYPES.get(bind.get("type", "string"), "text")
        if kind == "text" and bind.get("readonly") == "true()" and (row is None or row.type != "text"):
            note = row is None or "note" in row.type
            return ("note" if note else "text"), None
        return kind, None

    def _unseen(self, answer: Answer, bind: Mapping[str, str]) -> tuple[str, str | None]:
        preload, parameters = bind.get(f"{JR}preload", ""), bind.get(f"{JR}preloadParams", "")
        action = self.form.actions.get(answer.path)
        kind = None
        if preload in ("timestamp", "date", "property"):
            kind = parameters.removeprefix("uri:")
        elif action == "setgeopoint of another":
            kind = "background-geopoint"
        elif action is not None:
            kind = {"setgeopoint": "start-geopoint", "recordaudio": "background-audio"}[action]
        elif answer.path == f"{self.form.root}/meta/audit":
            kind = "audit"
        elif preload:
            kind = "other"
        if kind is not None:
            return "metadata", kind if kind in METADATA_KINDS else "other"
        return ("calculate" if "calculate" in bind or answer.path in self.form.changed else "hidden"), None

    def _texts(
        self, node: Entries, answer: Answer, row: Row | None, near: Place, control: ElementTree.Element | None,
        kind: str, marks: Mapping[str, Node],
    ) -> None:  # fmt: skip
        place = self.place(row, near, "label")
        if control is None:
            return
        found = {}
        for key, element, form in (
            ("text", control.find(f"{XF}label"), ""),
            ("hint", control.find(f"{XF}hint"), ""),
            ("guidance", control.find(f"{XF}hint"), "guidance"),
        ):
            at = place if key == "text" else self.place(row, near, "hint" if key == "hint" else "guidance_hint")
            found[key] = self.speech.words(self.form.said(element, form), at, answer.path, marks.get(key))
        if row is None and answer.name.endswith("_other") and found["text"] is not None:
            found["text"] = self.itemsets.english(found["text"], place)
        if found["text"] is None and kind not in UNSEEN:
            if found["hint"] is not None:
                self.note(place, "the question has no label: its hint stands for it", "write a label")
                found["text"], found["hint"] = found["hint"], None
            else:
                self.note(place, "the question has no label: its name stands for it", "write a label")
                found["text"] = self.speech.same(answer.name, place)
        for key, words in found.items():
            put(node, place, key, words)
        for header in self.columns.headers.get("media", ()):
            if row is not None and header in row.cells:
                at = (place[0], self.columns.sheet.column(header))
                self.note(at, "pictures and sounds in labels are left out", "say it in words")

    def _binds(
        self, node: Entries, answer: Answer, row: Row | None, near: Place, bind: Mapping[str, str], kind: str
    ) -> None:
        for key in ("relevant", "required", "readonly", "constraint", "calculate"):
            source = bind.get(key, "")
            if source == "false()" and key in ("required", "readonly"):
                continue
            if not source or (key == "readonly" and kind in ("note", *UNSEEN)):
                continue
            place = self.place(row, near, COLUMNS.get(key, key))
            if source == "true()" and key in ("required", "readonly"):
                put(node, place, key, "true")
            else:
                put(node, place, key, self.paths.expression(source, answer.path))
        marks = marks_of(self.own(row)) if row is not None and self.columns.own else {}
        for key, name in (("required_message", "requiredMsg"), ("constraint_message", "constraintMsg")):
            place = self.place(row, near, key)
            put(node, place, key, self.speech.plain(bind.get(JR + name), place, answer.path, marks.get(key)))

    def _choices(
        self, node: Entries, code: str, row: Row | None, near: Place, control: ElementTree.Element, kind: str
    ) -> None:
        if control.tag.rpartition("}")[2] not in ("select1", "select", "rank"):
            if control.get("query"):
                self.wrong(self.place(row, near, "type"), "choices in a file of their own are not supported")
            return
        place = self.place(row, near, "type")
        itemset = itemset_of(control)
        if itemset is None or itemset.list not in self.form.lists:
            what = "choices that are searched in a file are not supported"
            if "search(" not in control.get("appearance", ""):
                what = "choices from outside of the form are not supported"
            self.wrong(place, what, "write them in the sheet choices")
            return
        if row is not None and row.other:
            self.itemsets.extend(row)
            self.note(
                place, "or_other adds the choice other and the question %(name)s_other, worded in English",
                "write both yourself, in each language", name=row.name,
            )  # fmt: skip
        if kind == "scale":
            put(node, place, "labels", self.itemsets.labels(itemset.list, place, beside=True))
            return
        if itemset.filter:
            at = self.place(row, near, "choice_filter")
            put(node, at, "choice_filter", self.paths.expression(itemset.filter, self._path(control)))
        if itemset.randomise:
            put(node, place, "randomise", "true")
        self.itemsets.use(itemset.list, code, node, place)

    @staticmethod
    def _path(control: ElementTree.Element) -> str:
        return control.get("ref", "")

    def _numbers(self, node: Entries, row: Row | None, near: Place, control: ElementTree.Element, kind: str) -> None:
        if control.tag.rpartition("}")[2] != "range":
            return
        place = self.place(row, near, "parameters")
        ends = sorted((control.get("start", "1"), control.get("end", "10")), key=_number)
        ends = [_plain(end) for end in ends]
        put(node, place, "range", List(*place, [scalar(place, end) for end in ends]))
        step = _plain(control.get("step", "1").removeprefix("-"))
        if kind != "scale" and step != "1":
            put(node, place, "step", step)
        itemset = itemset_of(control)
        if itemset is not None and itemset.list in self.form.lists:
            if kind == "decimal":
                self.note(place, "labels of decimal numbers are left out", "use whole numbers")
            else:
                put(node, place, "labels", self.itemsets.labels(itemset.list, place, beside=False))

    def appearance(self, written: str, row: Row | None, near: Place, statement: bool = False) -> str:
        """The words of an appearance that mean something."""
        kept = []
        for word in written.split():
            if word in APPEARANCES:
                if not (statement and word in ("list-nolabel", "label")):
                    kept.append(word)
            else:
                self.note(self.place(row, near, "appearance"), "the appearance %(word)s is left out", word=shown(word))
        return " ".join(kept)

    def _start(self, node: Entries, answer: Answer, row: Row | None, near: Place, kind: str) -> None:
        """What the answer is at first, and what works it out anew."""
        place = self.place(row, near, "default")
        if answer.path in self.form.first:
            put(node, place, "default_from", self.paths.expression(self.form.first[answer.path], answer.path))
        elif answer.text and kind not in ("metadata", "file"):
            put(node, place, "default", answer.text)
        if answer.path in self.form.changed and kind != "metadata":
            expression, sources = self.form.changed[answer.path]
            source = self.paths.expression(expression, answer.path)
            put(node, self.place(row, near, "calculation"), "calculate", source or "''")
            at = self.place(row, near, "trigger")
            codes = [self.paths.codes[path] for path in sources if path in self.paths.codes]
            put(node, at, "trigger", List(*at, [scalar(at, code) for code in codes]))

    def _whole(self, node: Entries, place: Place) -> None:
        if value_of(node, "range") is None and not self._limits(node, place, whole=True):
            put(node, place, "range", List(*place, [scalar(place, end) for end in WHOLE_RANGE]))

    @staticmethod
    def _limits(node: Entries, place: Place, *, whole: bool = False) -> bool:
        """A constraint that only says least and greatest, without a message of its own, is a range."""
        constraint = value_of(node, "constraint")
        found = LIMITS.match(constraint.value) if isinstance(constraint, Scalar) else None
        if found is None or value_of(node, "range") is not None or _number(found[1]) >= _number(found[2]):
            return False
        if whole and "." in found[1] + found[2]:
            return False
        if found[3] is None:
            if value_of(node, "constraint_message") is not None:
                return False
            replace(node, place, "constraint", Scalar(*place, "", False))
        else:
            try:
                parse(found[3])
            except ExpressionError:
                return False  # the brackets are not around all of the rest
            replace(node, place, "constraint", scalar((constraint.line, constraint.column), found[3]))  # type: ignore[union-attr]
        put(node, place, "range", List(*place, [scalar(place, found[1]), scalar(place, found[2])]))
        return True

    def override(self, node: Entries, place: Place, key: str, value: Node, kind: str) -> None:
        """What a column of ours says of a key."""
        if key in SPELLED and not (key == "readonly" and kind in ("note", *UNSEEN)):
            given = value_of(node, key)
            if given is None and isinstance(value, Scalar) and value.value == "false()":
                given = value
            if not isinstance(given, Scalar) or not isinstance(value, Scalar):
                self.note(place, "%(key)s is blank in its own column: this one is passed over", key=key)
                return
            if not _same(given.value, value.value):
                self.note(place, "%(key)s says something else in its own column: this one is passed over", key=key)
                return
        replace(node, place, key, value)


def marks_of(own: Mapping[str, tuple[Place, Node]]) -> dict[str, Node]:
    """What translations were made from, by key."""
    node = own["from"][1] if "from" in own else None
    return {key.value: value for key, value in node.pairs} if isinstance(node, Entries) else {}


def _same(one: str, other: str) -> bool:
    """Whether two expressions mean the same, but for blanks."""
    if one == other or (one == "true" and other == "true()"):
        return True
    try:
        rendered = [" ".join(render(parse(source).tree).split()) for source in (one, other)]
    except ExpressionError:
        return " ".join(one.split()) == " ".join(other.split())
    return rendered[0] == rendered[1]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _plain(text: str) -> str:
    number = _number(text)
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else text


def _range_type(control: ElementTree.Element) -> str:
    start, end, step = (
        _number(control.get(name, default)) for name, default in (("start", "1"), ("end", "10"), ("step", "1"))
    )
    if not all(number == int(number) for number in (start, end, step)):
        return "decimal"
    return "scale" if abs(step) == 1 and 0 < abs(end - start) <= MOST_SCALE_STEPS else "integer"
