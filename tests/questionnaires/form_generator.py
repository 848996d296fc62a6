"""Questionnaires of every kind of item and every key, drawn by hypothesis: as trees of their file."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from questionnaires.definition import Questionnaire
from questionnaires.loading import loads
from questionnaires.mistakes import DefinitionError
from questionnaires.writing import flow

LANGUAGES = ["zh", "en", "fr", "zh-TW", "haw"]
LETTERS = "abcXYZ 您好éЖ0189.,;:-_+*/=<>&'\"“”‘’!?#|@%()[]~`\\\n\u00a0"
SPICE = [
    "=1+1", "+1", "-", "-1", "@cmd", "'x", "<b>x</b>", "&amp;", "a  b", "a\nb", "“quoted”", "NULL", "TRUE", "no",
    "{unit}", "1e5", "0.10", "  x ", "]]>", "<![CDATA[", "#N/A", "https://example.org", "|", "a|b", "\U0001f600",
]  # fmt: skip
CODES = st.from_regex(r"[A-Za-z_\u4e00-\u4e2f][A-Za-z0-9_.\-]{0,5}", fullmatch=True)
CHOICE_CODES = st.from_regex(r"[A-Za-z0-9_+-][A-Za-z0-9_.:/+-]{0,4}", fullmatch=True)
VISIBLE = [
    "single", "multiple", "rank", "scale", "integer", "decimal", "date", "time", "datetime", "text", "acknowledge",
    "file", "geopoint", "geotrace", "geoshape", "barcode", "note",
]  # fmt: skip
UNSEEN = ["calculate", "hidden", "metadata"]
METADATA = ["start", "end", "today", "deviceid", "username", "email", "audit", "other", "background-geopoint"]
WORDS_OF_APPEARANCE = ["minimal", "w4", "horizontal", "field-list", "label", "list-nolabel", "vertical", "numbers"]

Tree = dict[str, Any]


def text() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(SPICE), st.text(LETTERS, min_size=1, max_size=12)).filter(
        lambda said: bool(said.strip()) and "{unit}" not in said
    )


class Form:
    """Draws one questionnaire, remembering what its expressions may name."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.languages = draw(st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=3, unique=True))
        self.translating = draw(st.sampled_from([[], self.languages[1:]]))
        self.codes: set[str] = set()
        self.earlier: list[str] = []
        self.lists: dict[str, list[Tree]] = {}

    def code(self) -> str:
        code = self.draw(CODES.filter(lambda one: one.casefold() not in self.codes))
        self.codes.add(code.casefold())
        return str(code)

    def maybe(self, strategy: st.SearchStrategy[Any], often: int = 4) -> Any:
        return self.draw(strategy) if self.draw(st.integers(0, often)) == 0 else None

    def words(self) -> Tree:
        found: Tree = {}
        for language in self.languages:
            if language not in self.translating or self.draw(st.booleans()):
                found[language] = self.draw(text())
        if not found:
            found[self.languages[0]] = "x"
        if self.earlier and self.draw(st.integers(0, 9)) == 0:
            name = "${" + self.draw(st.sampled_from(self.earlier)) + "}"
            found = {language: f"{said}{name} ." for language, said in found.items()}
        marked = [one for one in found if one != self.languages[0]]
        if marked and self.draw(st.integers(0, 5)) == 0:
            found["from"] = {marked[0]: "0a1b2c3d"}
        return found

    def expression(self, current: bool = False) -> str:
        draw = self.draw
        atoms = ["1", "'x'", "today()", "true()", '"it\'s  “so”"', "1.5", "''"]
        atoms += ["${" + name + "}" for name in self.earlier] * 3
        if current:
            atoms += ["."] * 4
        one, two = draw(st.sampled_from(atoms)), draw(st.sampled_from(atoms))
        shape = draw(
            st.sampled_from([
                "{0} = {1}", "{0}={1}", "{0}  !=  {1}", "{0}\n= {1}", "not({0})", "if({0} > 1, {1}, 'n')",
                "selected({0}, 'a') or {1} < 3", "concat({0}, ' ', {1})", "-{0} + {1}", "({0} = 1) and ({1} = 2)",
                ". >= 0 and . <= 5" if current else "{0}", ". >= 0 and . <= 5 and ({0} = 1)" if current else "{1}",
                "coalesce( {0} , {1} )", "{0} div{1}", "string-length({0}) mod 2", "true()",
            ])
        )  # fmt: skip
        return shape.format(one, two)

    def choices(self, kind: str, filtered: bool) -> list[Tree]:
        codes = self.draw(st.lists(CHOICE_CODES, min_size=1, max_size=4, unique=True))
        scored = kind == "single" and self.draw(st.booleans())
        found = []
        for code in codes:
            choice: Tree = {"code": code, "text": self.words()}
            if scored:
                score = self.draw(st.sampled_from([None, "0", "12.5", "100"]))
                choice["score"] = None if code in ("dk", "skip") else score
            if self.draw(st.integers(0, 6)) == 0:
                choice["role"] = "manipulation"
            if filtered:
                choice["columns"] = {"place": self.draw(text()), "Label": "x"}
            found.append(choice)
        return found

    def item(self, statement: bool = False) -> Tree:
        draw = self.draw
        kind = draw(st.sampled_from(VISIBLE * 2 + UNSEEN)) if not statement else "single"
        code = self.code()
        found: Tree = {"code": code} if statement else {"code": code, "type": kind}
        if kind in VISIBLE or self.maybe(st.just(True)):
            found["text"] = self.words()
        for key in ("hint", "guidance", "required_message", "constraint_message", "source"):
            if self.maybe(st.just(True), 6):
                found[key] = self.words()
        for key in ("relevant", "constraint"):
            if self.maybe(st.just(True)):
                found[key] = self.expression(current=key == "constraint")
        for key in ("required", "readonly"):
            found[key] = self.maybe(st.sampled_from(["true", "false", self.expression()]))
        if kind == "calculate" or self.maybe(st.just(True), 8):
            found["calculate"] = self.expression()
        if self.maybe(st.just(True), 6):
            found["default"] = draw(st.one_of(text(), st.sampled_from(["1", "a b", "2020-01-01", "now()", "${x}"])))
        elif self.maybe(st.just(True), 6):
            found["default_from"] = self.expression()
        if kind in ("single", "multiple", "rank") and not statement:
            filtered = draw(st.integers(0, 3)) == 0
            made = self.choices(kind, filtered)
            if filtered:
                found["choice_filter"] = draw(
                    st.sampled_from(["place = 'x'", "name != ''", f"place={self.expression()}"])
                )
            if draw(st.booleans()):
                name = f"list_{len(self.lists)}"
                self.lists[name] = made
                found["choices"] = name
            else:
                found["choices"] = made
            found["randomise"] = self.maybe(st.just("true"))
        if kind == "scale":
            low = draw(st.integers(-3, 3))
            high = low + draw(st.integers(1, 9))
            found["range"] = [str(low), str(high)]
            labels = {str(n): self.words() for n in (low, high) if draw(st.booleans())}
            if draw(st.booleans()):
                labels["other"] = self.words()
            found["labels"] = labels or None
        if kind == "integer":
            found["range"] = draw(st.sampled_from([None, ["0", "5"], ["-999999999", "999999999"], ["-2", "7"]]))
            found["step"] = self.maybe(st.just("2"))
        if kind == "decimal":
            found["range"] = draw(st.sampled_from([None, ["0", "5"], ["-0.5", "7.25"]]))
        if kind == "text":
            found["max_length"] = self.maybe(st.just("9"))
        if kind == "file":
            found["kind"] = draw(st.sampled_from([None, "image", "audio", "video", "any"]))
        if kind == "metadata":
            found["kind"] = draw(st.sampled_from(METADATA))
        if self.earlier and self.maybe(st.just(True), 8):
            found["trigger"] = [draw(st.sampled_from(self.earlier))]
        found["sensitive"] = self.maybe(st.just("true"), 8)
        found["appearance"] = self.maybe(st.sampled_from(WORDS_OF_APPEARANCE))
        self.earlier.append(code)
        return {key: value for key, value in found.items() if value is not None or key == "score"}

    def group(self, depth: int) -> Tree:
        draw = self.draw
        kind = draw(st.sampled_from(["group", "group", "repeat", "matrix"]))
        found: Tree = {"code": self.code(), "type": kind}
        if self.maybe(st.just(True)):
            found["relevant"] = self.expression()
        if self.maybe(st.just(True), 3):
            found["hint"] = self.words()
        found["appearance"] = self.maybe(st.sampled_from(WORDS_OF_APPEARANCE), 6)
        if kind == "matrix":
            found["text"] = self.words()
            if draw(st.booleans()):
                found["each"] = "multiple"
            found["choices"] = self.choices("multiple", filtered=True)
            statements = [self.item(statement=True) for _ in range(draw(st.integers(1, 3)))]
            if self.maybe(st.just(True)):
                statements[0]["choice_filter"] = "place = 'x'"
            found["statements"] = statements
        else:
            if draw(st.booleans()):
                found["title"] = self.words()
            if kind == "repeat" and draw(st.booleans()):
                found["count"] = self.expression()
            found["together"] = self.maybe(st.just("true"), 2)
            found["items"] = self.parts(depth + 1)
        return {key: value for key, value in found.items() if value is not None}

    def parts(self, depth: int = 0) -> list[Tree]:
        found = []
        for _ in range(self.draw(st.integers(1, 4 if depth == 0 else 2))):
            nests = depth < 2 and self.draw(st.integers(0, 4)) == 0
            found.append(self.group(depth) if nests else self.item())
        return found

    def tree(self) -> Tree:
        draw = self.draw
        sections = []
        for number in range(draw(st.integers(1, 3))):
            section: Tree = {"code": draw(st.sampled_from([f"s{number}", f"a{number}", f"您{number}"]))}
            section["title"] = self.words()
            if self.maybe(st.just(True)):
                section["note"] = self.words()
            if self.maybe(st.just(True)):
                section["relevant"] = self.expression()
            section["show"] = self.maybe(st.just("one_by_one"), 1)
            section["items"] = self.parts()
            sections.append({key: value for key, value in section.items() if value is not None})
        found: Tree = {
            "code": draw(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)),
            "version": draw(st.sampled_from(["1", "2026.1", "1.10", "v2"])),
            "languages": self.languages,
        }
        if self.translating:
            found["translating"] = self.translating
        if draw(st.booleans()):
            found["title"] = self.words()
        if draw(st.booleans()):
            found["imported"] = "true"
        if draw(st.booleans()):
            found["audience"] = "assessors"
        if self.lists:
            found["lists"] = self.lists
        found["sections"] = sections
        return found


@st.composite
def questionnaires(draw: Any) -> Questionnaire:
    """A right questionnaire."""
    tree = Form(draw).tree()
    try:
        return loads(flow(tree))
    except DefinitionError as error:
        # What the generator cannot avoid cheaply: circles, a code of ours among the choices, `.` where there is none.
        assume(False)
        raise AssertionError from error
