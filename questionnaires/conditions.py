"""Conditions of a questionnaire's file: over questions that exist, come earlier and have the codes that are named."""

from __future__ import annotations

import re

from questionnaires.definition import Question
from questionnaires.document import Node
from questionnaires.expression import Call, Chain, Expression, Name, Text, walk
from questionnaires.mistakes import likely
from questionnaires.reading import Reading


class Conditions:
    """Reads conditions, knowing the questions read so far."""

    def __init__(self, reading: Reading, all_codes: set[str]) -> None:
        self.reading = reading
        self.all_codes = all_codes  # also of questions that come later: to tell "later" from "unknown"
        self.questions: dict[str, Question] = {}
        self.unreadable: set[str] = set()  # earlier questions with mistakes of their own: nothing is said of them twice

    def read(self, node: Node, where: str, own: str | None = None) -> Expression | None:
        """An expression over the questions read so far."""
        expression = self.reading.expression(node, where)
        if expression is None:
            return None
        for name in expression.names():
            if name.code in self.questions.keys() | self.unreadable and name.code != own:
                continue
            if name.code == own:
                self.reading.wrong(
                    node, where, "%(name)s depends on itself", "name an earlier question", name=name.code
                )
            elif name.code in self.all_codes:
                self.reading.wrong(
                    node,
                    where,
                    "%(name)s comes later",
                    "name an earlier question, or move that one forward",
                    name=name.code,
                )
            else:
                self.reading.not_one_of(node, where, "question", name.code, self.questions)
        self._compare_codes(expression, node, where)
        return expression

    def _compare_codes(self, expression: Expression, node: Node, where: str) -> None:
        """Refuse comparisons with a code that the question does not have."""
        for question, text, selected in _comparisons(expression):
            known = self.questions.get(question)
            if known is None or known.type == "text" or text == "":
                continue
            codes = tuple(choice.code for choice in known.choices)
            if known.type in ("scale", "integer") and re.match(r"-?[0-9.]+\Z", text):
                continue
            if known.type == "multiple" and not selected:
                self.reading.wrong(
                    node,
                    where,
                    "= compares the whole answer to %(question)s, which may have several codes",
                    "write selected(${%(question)s}, '%(code)s')",
                    question=question,
                    code=likely(text, codes) or text,
                )
            elif text not in codes:
                near = likely(text, codes)
                self.reading.wrong(
                    node,
                    where,
                    "%(question)s has no choice '%(code)s'",
                    "did you mean '%(near)s'?" if near else "it has: %(known)s",
                    question=question,
                    code=text,
                    near=near or "",
                    known=", ".join(codes),
                )


def _comparisons(expression: Expression) -> list[tuple[str, str, bool]]:
    """(question, text, whether by selected) for each place where an answer meets a literal text."""
    found: list[tuple[str, str, bool]] = []
    for node in walk(expression.tree):
        if isinstance(node, Call) and node.function == "selected":
            left, right = node.arguments
            if isinstance(left, Name) and isinstance(right, Text):
                found.append((left.code, right.value.strip(), True))
        elif isinstance(node, Chain) and len(node.rest) == 1 and node.rest[0][0] in ("=", "!="):
            sides = (node.first, node.rest[0][1])
            for one, other in (sides, sides[::-1]):
                if isinstance(one, Name) and isinstance(other, Text):
                    found.append((one.code, other.value, False))
    return found
