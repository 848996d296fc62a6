"""Conditions in words, for people who read no XPath: “Did you visit?” is “Yes” and “How many days?” is more than 3."""

from __future__ import annotations

from evaluator.language import gettext
from questionnaires.definition import Question, Questionnaire
from questionnaires.expression import Call, Chain, Current, Expression, Name, Negate, Node, Number, Text, render
from questionnaires.filters import CHOICE
from questionnaires.words import Words

LONGEST_TEXT = 60  # characters of a question or a choice that a condition quotes
LONGEST_SOURCE = 200  # of an expression that has no words


def _(message: str) -> str:
    return message


# operator -> how it is said, and how its opposite is
COMPARED = {
    "=": (_("%(one)s is %(other)s"), _("%(one)s is not %(other)s")),
    "!=": (_("%(one)s is not %(other)s"), _("%(one)s is %(other)s")),
    "<": (_("%(one)s is less than %(other)s"), _("%(one)s is not less than %(other)s")),
    "<=": (_("%(one)s is at most %(other)s"), _("%(one)s is not at most %(other)s")),
    ">": (_("%(one)s is more than %(other)s"), _("%(one)s is not more than %(other)s")),
    ">=": (_("%(one)s is at least %(other)s"), _("%(one)s is not at least %(other)s")),
}
TURNED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
CALLED = {
    "today": _("today"),
    "now": _("this moment"),
    "string-length": _("the number of characters of %(one)s"),
    "count-selected": _("the number of choices in %(one)s"),
    "number": "%(one)s",
    "string": "%(one)s",
    "int": _("%(one)s, cut to a whole number"),
    "date": "%(one)s",
}


def in_words(questionnaire: Questionnaire, expression: Expression, language: str) -> str:
    """A condition as a sentence in the language of this request, its questions and choices in `language`."""
    return _Saying(questionnaire, language).truth(expression.tree)


def short(words: Words | None, language: str, most: int = LONGEST_TEXT) -> str:
    """A text fit to be quoted: on one line, and cut where it is long."""
    if words is None:
        return ""
    text = " ".join(words.fill(language, "…", dict.fromkeys(words.names(), "…")).split())
    return text if len(text) <= most else text[: most - 1] + "…"


class _Saying:
    def __init__(self, questionnaire: Questionnaire, language: str) -> None:
        self.items = {item.code: item for item in questionnaire.items}
        self.language = language

    def truth(self, node: Node, *, opposite: bool = False) -> str:
        """A condition that holds, or one that does not."""
        if isinstance(node, Chain) and node.rest[0][0] in ("and", "or"):
            return self._joined(node, opposite)
        if isinstance(node, Chain) and len(node.rest) == 1 and node.rest[0][0] in COMPARED:
            return self._compared(node.first, *node.rest[0], opposite)
        if isinstance(node, Call):
            if node.function in ("true", "false") and not node.arguments:
                return gettext(_("always")) if (node.function == "true") != opposite else gettext(_("never"))
            if node.function == "not" and len(node.arguments) == 1:
                return self.truth(node.arguments[0], opposite=not opposite)
            if node.function == "selected" and len(node.arguments) == 2:
                return self._selected(node.arguments[0], node.arguments[1], opposite)
        said = self.value(node)
        return gettext(_("%(what)s does not hold")) % {"what": said} if opposite else said

    def _joined(self, chain: Chain, opposite: bool) -> str:
        both = {operator for operator, _part in chain.rest} == {"and"}
        if opposite:  # not (a and b) is (not a) or (not b)
            both = not both
        parts = []
        for part in (chain.first, *(part for _operator, part in chain.rest)):
            said = self.truth(part, opposite=opposite)
            mixed = isinstance(part, Chain) and part.rest[0][0] in ("and", "or")
            parts.append(gettext(_("(%(what)s)")) % {"what": said} if mixed else said)
        return (gettext(_(" and ")) if both else gettext(_(" or "))).join(parts)

    def _compared(self, first: Node, operator: str, second: Node, opposite: bool) -> str:
        if isinstance(first, Text | Number) and isinstance(second, Name):  # as people say it
            first, operator, second = second, TURNED[operator], first
        if operator in ("=", "!=") and isinstance(second, Text) and second.value == "":
            blank = (operator == "=") != opposite
            said = gettext(_("%(one)s has no answer")) if blank else gettext(_("%(one)s is answered"))
            return said % {"one": self.value(first)}
        message = COMPARED[operator][opposite]
        return gettext(message) % {"one": self.value(first), "other": self.value(second, self._item(first))}

    def _selected(self, answer: Node, code: Node, opposite: bool) -> str:
        item = self._item(answer)
        values = {"one": self.value(answer), "other": self.value(code, item)}
        if item is not None and item.type == "single":
            equal = COMPARED["="][opposite]
            return gettext(equal) % values
        return (
            gettext(_("%(one)s does not include %(other)s") if opposite else _("%(one)s includes %(other)s")) % values
        )

    def _item(self, node: Node) -> Question | None:
        return self.items.get(node.code) if isinstance(node, Name) else None

    def value(self, node: Node, of: Question | None = None) -> str:
        """What a part of a condition stands for; a code in the words of the question that it is an answer `of`."""
        if isinstance(node, Name):
            return self._named(node.code)
        if isinstance(node, Current):
            return gettext(_("the answer"))
        if isinstance(node, Text):
            choice = next((choice for choice in of.choices if choice.code == node.value), None) if of else None
            said = short(choice.text, self.language) if choice is not None else node.value
            return gettext(_("“%(text)s”")) % {"text": said or node.value}
        if isinstance(node, Number):
            return render(node)[:LONGEST_SOURCE]
        if isinstance(node, Call) and node.function in CALLED and len(node.arguments) <= 1:
            message = CALLED[node.function]
            if node.arguments and "%(one)s" in message:
                return gettext(message) % {"one": self.value(node.arguments[0])}
            if not node.arguments and "%(one)s" not in message:
                return gettext(message)
        if isinstance(node, Negate):
            return f"-{self.value(node.operand)}"
        if isinstance(node, Chain) and all(operator in "+-*" for operator, _part in node.rest):
            parts = [self.value(node.first)]
            for operator, part in node.rest:
                parts += [{"-": "−", "*": "×"}.get(operator, operator), self.value(part)]
            return f"({' '.join(parts)})"
        source = render(node)
        return source if len(source) <= LONGEST_SOURCE else source[: LONGEST_SOURCE - 1] + "…"

    def _named(self, code: str) -> str:
        if code.startswith(CHOICE):
            return gettext(_("the choice's %(column)s")) % {"column": code.removeprefix(CHOICE)}
        item = self.items.get(code)
        text = short(item.text, self.language) if item is not None else ""
        return gettext(_("“%(text)s”")) % {"text": text} if text else "${" + code + "}"
