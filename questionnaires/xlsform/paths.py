"""Paths of an XForm as questions: `/data/g/q`, `../q` and `current()/../q` become `${q}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from questionnaires.xlsform.shielding import unshield

STEP = r"[^\W\d][\w.-]*"
PATH = rf"(?:/{STEP}(?:/{STEP})*|(?:current\(\)/)?(?:\.\./)+{STEP}(?:/{STEP})*|current\(\)/\./{STEP})"
IN_TEXT = re.compile(rf" ({PATH}) ")
PART = re.compile(
    rf"""("[^"]*"|'[^']*')
    |(instance\([^()]*\)[^\s(),=<>+*]*)
    |(?:(?<![\w)\].:/])|(?=[ ]))([ ]?)({PATH})(?![\w(:])([ ]?)""",
    re.VERBOSE,
)
TAG = "output"


def absolute(path: str, at: str) -> str:
    """A path from the root, seen from another one.

    >>> absolute("current()/../b", "/data/g/a")
    '/data/g/b'
    """
    if path.startswith("/"):
        return path
    steps = at.split("/")
    for step in path.removeprefix("current()/").split("/"):
        if step == "..":
            del steps[-1:]
        elif step != ".":
            steps.append(step)
    return "/".join(steps)


class Paths:
    """The questions of a form by their paths."""

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.codes = codes

    def code(self, path: str, at: str) -> str | None:
        """The question that a path names, seen from another path."""
        return self.codes.get(absolute(path, at))

    def expression(self, source: str, at: str) -> str:
        """An expression with its paths as questions; a path that names none stays.

        pyxform writes each `${q}` as a path between two blanks, also within texts: `jr:choice-name(${q}, '${q}')`.
        """

        def one(found: re.Match[str]) -> str:
            if found[1] is not None:
                return IN_TEXT.sub(lambda inner: self._named(inner[0], inner[1], at), found[1])
            if found[4] is None:
                return found[0]
            code = self.code(found[4], at)
            if code is None:
                return found[0]
            left, right = (found[3], found[5]) if not (found[3] and found[5]) else ("", "")
            return f"{left}${{{code}}}{right}"

        return unshield(PART.sub(one, source)).strip()

    def _named(self, written: str, path: str, at: str) -> str:
        code = self.code(path, at)
        return written if code is None else f"${{{code}}}"

    def words(self, element: ElementTree.Element, at: str) -> str:
        """A text with its outputs as `${q}`."""
        parts = [element.text or ""]
        for inner in element:
            if inner.tag.rpartition("}")[2] == TAG:
                value = inner.get("value", "")
                code = self.code(value.strip(), at)
                parts.append(f"${{{code}}}" if code is not None else f"{{{value.strip()}}}")
            parts.append(inner.tail or "")
        return unshield("".join(parts).strip()).strip()
