"""Expressions of a questionnaire's file: over questions that exist, come earlier and have the codes that are named."""

from __future__ import annotations

import re
from collections.abc import Mapping

from questionnaires.definition import NOT_ASKED, Group, Question
from questionnaires.document import Node, Scalar
from questionnaires.expression import Call, Chain, Expression, Name, Text, walk
from questionnaires.filters import CHOICE, with_columns
from questionnaires.mistakes import likely, shown
from questionnaires.reading import Reading

NUMBER = re.compile(r"-?[0-9.]+\Z")
OF_CODES = ("single", "multiple", "scale", "integer", "rank")  # types whose answers are codes or numbers


class Conditions:
    """Reads expressions, knowing the items read so far."""

    def __init__(self, reading: Reading, all_codes: Mapping[str, str]) -> None:
        self.reading = reading
        self.all_codes = dict(all_codes)  # code -> type, also of items that come later: to tell "later" from "unknown"
        self.questions: dict[str, Question] = {}
        self.groups: dict[str, Group] = {}
        self.unreadable: set[str] = set()  # earlier items with mistakes of their own: nothing is said of them twice
        self.nodes: dict[str, Node] = {}  # where an item stands
        self.compared: list[tuple[Expression, Node, str]] = []  # to be compared with choices when all are read

    def read(
        self, node: Node, where: str, own: str | None = None, *, free: bool = False, itself: bool = False
    ) -> Expression | None:
        """An expression over the items read so far.

        Parameters
        ----------
        own : str, optional
            The item that the expression belongs to.
        free : bool
            Items that come later may be named: nothing is asked or shown because of it.
        itself : bool
            The item may name itself, as in a constraint.
        """
        expression = self.reading.expression(node, where)
        if expression is None:
            return None
        indexed = {code for code, _ in expression.indexed()}  # of another round, so it may come later, or be the item
        for name in dict.fromkeys(name.code for name in expression.names()):
            other = name in indexed
            self.check_name(node, where, name, own, free=free or other, itself=itself or other)
        for repeat in (repeat for _, repeats in expression.indexed() for repeat in repeats):
            if self.all_codes.get(repeat.code, "repeat") != "repeat":
                self.reading.wrong(
                    node, where, "%(name)s is no repeat", "name the repeat that the question is in", name=repeat.code
                )
        if expression.reads_current() and not itself and not free:
            self.reading.wrong(
                node, where, ". stands for the answer that is being given", "write the question as ${code}"
            )
        self.compared.append((expression, node, where))
        return expression

    def filter(self, node: Node, where: str, own: str | None, columns: set[str]) -> Expression | None:
        """A choice_filter: an expression over answers and, as bare words, the columns of the choices."""
        source = self.reading.scalar(node, where, "an expression")
        if source is None:
            return None
        known = with_columns(source, columns)
        expression = self.reading.expression(Scalar(node.line, node.column, known, True), where)
        if expression is None:
            return None
        for name in dict.fromkeys(name.code for name in expression.names()):
            if not name.startswith(CHOICE):
                self.check_name(node, where, name, own)
            elif name.removeprefix(CHOICE) not in columns:
                self.reading.not_one_of(
                    node, where, "column of the choices", name.removeprefix(CHOICE), sorted(columns)
                )
        return expression

    def check_name(
        self, node: Node, where: str, name: str, own: str | None = None, *, free: bool = False, itself: bool = False
    ) -> None:
        """Note a name that is unknown, or comes later where it may not."""
        reading = self.reading
        if name == own and not itself:
            reading.wrong(node, where, "%(name)s depends on itself", "name an earlier question", name=name)
        elif name in self.questions or name in self.unreadable or name == own:
            return
        elif name in self.all_codes:
            kind = self.all_codes[name]
            if kind in ("group", "matrix"):
                reading.wrong(node, where, "%(name)s is a group", "name a question of it", name=name)
            elif kind != "repeat" and kind not in NOT_ASKED and not free and not reading.imported:
                reading.wrong(
                    node,
                    where,
                    "%(name)s comes later",
                    "name an earlier question, or move that one forward",
                    name=name,
                )
        else:
            reading.not_one_of(node, where, "question", name, self.all_codes)

    def check_words(self, own: str | None = None) -> None:
        """Check the questions whose answers the texts just read repeat."""
        repeated, self.reading.repeated = self.reading.repeated, []
        for node, where, name in repeated:
            self.check_name(node, where, name, own)

    def compare(self) -> None:
        """Refuse comparisons with a code that the question does not have; when all questions are known.

        Also what `indexed-repeat()` seeks in a repeat that it is not in.
        """
        for expression, node, where in self.compared:
            self._compare_codes(expression, node, where)
            self._compare_repeats(expression, node, where)
        self.compared.clear()

    def _compare_repeats(self, expression: Expression, node: Node, where: str) -> None:
        for code, repeats in expression.indexed():
            question = self.questions.get(code)
            around: list[str] = []
            at = question.group if question is not None else ""
            while at in self.groups:
                around.append(at)
                at = self.groups[at].parent
            for repeat in dict.fromkeys(repeat.code for repeat in repeats):
                if question is not None and repeat in self.groups and repeat not in around:
                    self.reading.wrong(
                        node,
                        where,
                        "%(question)s is not in the repeat %(name)s",
                        "name the repeat that the question is in",
                        question=code,
                        name=repeat,
                    )

    def _compare_codes(self, expression: Expression, node: Node, where: str) -> None:
        for question, text, selected in _comparisons(expression):
            known = self.questions.get(question)
            if known is None or known.type not in OF_CODES or text == "" or known.calculate is not None:
                continue
            codes = tuple(choice.code for choice in known.choices)
            if known.type in ("scale", "integer") and NUMBER.match(text):
                continue
            if known.type == "multiple" and not selected:
                self.reading.doubtful(
                    node,
                    where,
                    "= compares the whole answer to %(question)s, which may have several codes",
                    "write selected(${%(question)s}, '%(code)s')",
                    question=question,
                    code=likely(text, codes) or shown(text),
                )
            elif text not in codes:
                near = likely(text, codes)
                self.reading.doubtful(
                    node,
                    where,
                    "%(question)s has no choice '%(code)s'",
                    "did you mean '%(near)s'?" if near else "it has: %(known)s",
                    question=question,
                    code=shown(text),
                    near=near or "",
                    known=", ".join(codes[:12]) + (" ..." if len(codes) > 12 else ""),
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
