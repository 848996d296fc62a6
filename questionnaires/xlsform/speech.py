"""The words of a form in its languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from questionnaires.document import Entries, Node, Scalar
from questionnaires.mistakes import shown
from questionnaires.reading import BRACES, TRANSLATED_FROM
from questionnaires.words import ANSWER, PLACEHOLDER
from questionnaires.xlsform.headers import guessed_language, language_code
from questionnaires.xlsform.nodes import put, scalar
from questionnaires.xlsform.paths import Paths
from questionnaires.xlsform.sheets import Findings, Place
from questionnaires.xlsform.xform import XForm

UNNAMED = "default"  # what pyxform calls the language of columns that name none
MISSING = "-"  # what pyxform writes for a translation that is missing
MARKUP = re.compile(r"</?[a-z][^<>]*>|\*\*[^*]+\*\*|\[[^\]]+\]\(http")
OTHER = str.maketrans("{}｛｝", "[][]")


class Speech:
    """Makes words of labels, knowing the languages, and remembers in which of them some are missing."""

    def __init__(self, form: XForm, paths: Paths, note: Findings, named: tuple[str, ...], default: str) -> None:
        """`named`: languages that the form itself says it has; `default`: what it says that its main one is."""
        self.form = form
        self.paths = paths
        self.note = note
        self.codes: dict[str, str] = {}
        self.missing: dict[str, list[Place]] = {}
        self.markup = False
        self.guessed = False
        for name in form.languages or (default or UNNAMED,):
            code = language_code(name)
            if code is None and name == UNNAMED:
                code = named[0] if named else self._guess()
            self.codes[name] = code or self._invented(name)
        self.codes[""] = next(iter(self.codes.values()))
        self.languages = tuple(dict.fromkeys((*named, *self.codes.values())))

    def _guess(self) -> str:
        self.guessed = True
        elements = [value for text in self.form.texts.values() for value in text.values()]
        elements += [
            label for control in self.form.controls.values() for label in control if label.tag.endswith("}label")
        ]
        return guessed_language(" ".join("".join(element.itertext()) for element in elements[:500]))

    def _invented(self, name: str) -> str:
        letters = re.sub(r"[^A-Za-z0-9]", "", name)[:8]
        code = f"und-{letters}" if len(letters) > 1 else "und"
        self.note(
            (1, 1), "the language %(name)s is called %(code)s here", "write its code behind its name: %(name)s (xx)",
            name=shown(name), code=code,
        )  # fmt: skip
        return code

    def words(
        self, said: Mapping[str, ElementTree.Element], place: Place, at: str, marks: Node | None = None
    ) -> Entries | None:
        """A text as a node; None when no language has it."""
        found: dict[str, str] = {}
        for language, element in said.items():
            text = self._text(element, place, at)
            if text:
                found.setdefault(self.codes[language], text)
        return self.entries(found, place, marks)

    def plain(self, written: str | None, place: Place, at: str, marks: Node | None = None) -> Entries | None:
        """A message of a bind: a reference to texts, or itself one."""
        if not written:
            return None
        if written.startswith("jr:itext("):
            return self.words(self.form.itext(written[len("jr:itext(") : -1].strip("'\"")), place, at, marks)
        element = ElementTree.Element("value")
        element.text = written
        return self.words({"": element}, place, at, marks)

    def same(self, text: str, place: Place) -> Entries:
        """One text for all languages."""
        node = Entries(*place)
        for language in self.languages:
            put(node, place, language, text)
        return node

    def entries(self, found: Mapping[str, str], place: Place, marks: Node | None = None) -> Entries | None:
        """A text by language as a node."""
        if not found:
            return None
        node = Entries(*place)
        for language in self.languages:
            if language in found:
                put(node, place, language, scalar(place, found[language]))
            else:
                self.missing.setdefault(language, []).append(place)
        if isinstance(marks, Entries):
            kept = [(key, value) for key, value in marks.pairs if key.value in found]
            if kept:
                put(node, place, TRANSLATED_FROM, Entries(*place, kept))
        return node

    def _text(self, element: ElementTree.Element, place: Place, at: str) -> str:
        if not len(element) and element.text == MISSING:
            return ""
        text = self.paths.words(element, at)
        if not self.markup and MARKUP.search(text):
            self.markup = True
            self.note(place, "markup in texts is shown as it is written", "write plain words")
        if "{" not in text and "}" not in text and "｛" not in text and "｝" not in text:
            return text
        return BRACES.sub(lambda found: self._braces(found[0], place), text)

    def _braces(self, written: str, place: Place) -> str:
        if written == PLACEHOLDER or ANSWER.fullmatch(written):
            return written
        self.note(
            place, "%(braces)s is written with other brackets", "braces stand for answers only", braces=shown(written)
        )
        return written.translate(OTHER)


def text_in(node: Node | None, language: str) -> str:
    """The text of words in a language."""
    for key, value in node.pairs if isinstance(node, Entries) else ():
        if key.value == language and isinstance(value, Scalar):
            return value.value
    return ""
