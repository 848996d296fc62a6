"""What an expression means, after ODK: a tree is compiled once into plain closures over the answers.

Every value is a text, a number or a boolean. A blank answer is the empty text; there are no node sets, so a question
stands for its answer and never for its existence.

=====================  ==========================  ==============================  =======================
value                  as a number                 as a boolean                    as a text
=====================  ==========================  ==============================  =======================
blank                  NaN                         false                           ''
text                   what it spells, else NaN    true                            itself
number                 itself                      false for 0 and NaN, else true  12, 0.5, NaN, Infinity
true, false            1, 0                        itself                          true, false
answer: single choice  as its code, a text         true                            the code
answer: several        NaN (or its code's number)  true                            codes joined by one space
=====================  ==========================  ==============================  =======================

``=`` and ``!=`` compare as booleans when a side is a boolean, else as numbers when a side is a number, else as texts.
``<  <=  >  >=`` and arithmetic always take numbers; NaN is unequal to everything and neither less nor greater.
``div`` by zero gives Infinity, -Infinity or NaN; ``mod`` keeps the sign of the left side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from questionnaires.expression import Call, Chain, Expression, Name, Negate, Node, Number, Text

Answer = str | int | tuple[str, ...]  # a code or a text; a number; the codes of a multiple choice
Answers = Mapping[str, Answer]  # by question; a blank one is left out
Value = str | float | bool
Evaluator = Callable[[Answers], Value]
Condition = Callable[[Answers], bool]

NAN = float("nan")
SPELLED_NUMBER = re.compile(r"[ \t\r\n]*-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[ \t\r\n]*\Z")


def evaluate(expression: Expression, answers: Answers) -> Value:
    """The value of an expression, given the answers.

    >>> from questionnaires.expression import parse
    >>> evaluate(parse("count-selected(${extra}) + 1"), {"extra": ("money", "ties")})
    3.0
    >>> evaluate(parse("${word} <= 2"), {})
    False
    """
    return value_of(expression.tree)(answers)


@lru_cache(maxsize=4096)
def condition(expression: Expression) -> Condition:
    """The expression as a function that says whether it is true of the answers; compiled once."""
    return truth_of(expression.tree)


def value_as_number(value: Value) -> float:
    if isinstance(value, str):
        return float(value) if SPELLED_NUMBER.match(value) else NAN
    return float(value)


def value_as_truth(value: Value) -> bool:
    if isinstance(value, str):
        return value != ""
    return bool(value) and value == value


def value_as_text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value):
        return str(int(value))
    return format(Decimal(repr(value)), "f")


def truth_of(tree: Node) -> Condition:
    """Compile a tree where a boolean is wanted."""
    if isinstance(tree, Chain) and tree.rest[0][0] in ("or", "and"):
        return _logic(tree)
    if isinstance(tree, Call) and tree.function == "selected":
        return _selected(tree)
    evaluator = value_of(tree)
    return lambda answers: value_as_truth(evaluator(answers))


def value_of(tree: Node) -> Evaluator:
    """Compile a tree."""
    if isinstance(tree, Number | Text):
        constant = tree.value
        return lambda answers: constant
    if isinstance(tree, Name):
        return _answer(tree.code)
    if isinstance(tree, Negate):
        operand = value_of(tree.operand)
        return lambda answers: -value_as_number(operand(answers))
    if isinstance(tree, Call):
        return _call(tree)
    operator = tree.rest[0][0]
    if operator in ("or", "and"):
        return truth_of(tree)
    return _chain(tree)


def _answer(code: str) -> Evaluator:
    def answer(answers: Answers) -> Value:
        given = answers.get(code)
        if given is None:
            return ""
        if isinstance(given, str):
            return given
        if isinstance(given, tuple):
            return " ".join(given)
        return float(given)

    return answer


def _logic(tree: Chain) -> Condition:
    parts = tuple(truth_of(part) for part in (tree.first, *(part for _, part in tree.rest)))
    either = tree.rest[0][0] == "or"
    if len(parts) == 2:  # the common case, without a generator
        one, other = parts
        if either:
            return lambda answers: one(answers) or other(answers)
        return lambda answers: one(answers) and other(answers)
    if either:
        return lambda answers: any(part(answers) for part in parts)
    return lambda answers: all(part(answers) for part in parts)


def _chain(tree: Chain) -> Evaluator:
    first = value_of(tree.first)
    if len(tree.rest) == 1:
        operator, right = tree.rest[0]
        apply, second = OPERATORS[operator], value_of(right)
        return lambda answers: apply(first(answers), second(answers))
    rest = tuple((OPERATORS[operator], value_of(part)) for operator, part in tree.rest)

    def chain(answers: Answers) -> Value:
        value = first(answers)
        for apply, part in rest:
            value = apply(value, part(answers))
        return value

    return chain


def _selected(tree: Call) -> Condition:
    where, what = tree.arguments
    if isinstance(where, Name) and isinstance(what, Text) and what.value and not re.search(r"\s", what.value):
        # The common case, without joining and splitting.
        code, wanted = where.code, what.value

        def chosen(answers: Answers) -> bool:
            given = answers.get(code)
            if isinstance(given, tuple):
                return wanted in given
            if isinstance(given, str):
                return given == wanted or wanted in given.split()
            return given is not None and value_as_text(float(given)) == wanted

        return chosen
    left, right = value_of(where), value_of(what)
    return lambda answers: is_selected(value_as_text(left(answers)), value_as_text(right(answers)))


def is_selected(joined: str, code: str) -> bool:
    """Whether a code is among codes joined by spaces. A blank code is selected only in a blank answer."""
    code = code.strip()
    return code in joined.split() if code else not joined.strip()


def _call(tree: Call) -> Evaluator:
    name = tree.function
    if name == "true":
        return lambda answers: True
    if name == "false":
        return lambda answers: False
    if name == "selected":
        return _selected(tree)
    if name in ("not", "boolean"):
        truth = truth_of(tree.arguments[0])
        return truth if name == "boolean" else lambda answers: not truth(answers)
    if name == "if":
        asked, then, otherwise = truth_of(tree.arguments[0]), value_of(tree.arguments[1]), value_of(tree.arguments[2])
        return lambda answers: then(answers) if asked(answers) else otherwise(answers)
    arguments = tuple(value_of(argument) for argument in tree.arguments)
    function = TEXT_FUNCTIONS.get(name)
    if function is not None:
        return lambda answers: function(*(value_as_text(argument(answers)) for argument in arguments))
    if name == "coalesce":
        first, second = arguments

        def coalesce(answers: Answers) -> Value:
            value = first(answers)
            return second(answers) if value == "" or value != value else value

        return coalesce
    if name == "selected-at":
        joined, position = arguments

        def selected_at(answers: Answers) -> Value:
            codes, at = value_as_text(joined(answers)).split(), value_as_number(position(answers))
            return codes[int(at)] if 0 <= at < len(codes) else ""

        return selected_at
    only = arguments[0]
    if name == "abs":
        return lambda answers: abs(value_as_number(only(answers)))
    if name == "int":
        return lambda answers: _whole(value_as_number(only(answers)))
    if name == "number":
        return lambda answers: value_as_number(only(answers))
    raise LookupError(name)  # a function of the parser's table without a meaning: a test walks the table


def _whole(value: float) -> float:
    return float(math.trunc(value)) if math.isfinite(value) else value


TEXT_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "concat": lambda *texts: "".join(texts),
    "contains": lambda text, part: part in text,
    "count-selected": lambda joined: float(len(joined.split())),
    "ends-with": lambda text, part: text.endswith(part),
    "starts-with": lambda text, part: text.startswith(part),
    "string": lambda text: text,
    "string-length": lambda text: float(len(text)),
}


def _equal(left: Value, right: Value) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return value_as_truth(left) == value_as_truth(right)
    if isinstance(left, float) or isinstance(right, float):
        return value_as_number(left) == value_as_number(right)
    return left == right


def _unequal(left: Value, right: Value) -> bool:
    return not _equal(left, right)


def _less(left: Value, right: Value) -> bool:
    return value_as_number(left) < value_as_number(right)


def _at_most(left: Value, right: Value) -> bool:
    return value_as_number(left) <= value_as_number(right)


def _plus(left: Value, right: Value) -> float:
    return value_as_number(left) + value_as_number(right)


def _minus(left: Value, right: Value) -> float:
    return value_as_number(left) - value_as_number(right)


def _times(left: Value, right: Value) -> float:
    return value_as_number(left) * value_as_number(right)


def _divided(left: Value, right: Value) -> float:
    upper, lower = value_as_number(left), value_as_number(right)
    if lower != 0:
        return upper / lower
    if upper == 0 or upper != upper:
        return NAN
    return math.copysign(math.inf, upper) * math.copysign(1.0, lower)


def _remainder(left: Value, right: Value) -> float:
    upper, lower = value_as_number(left), value_as_number(right)
    if lower == 0 or math.isinf(upper) or upper != upper or lower != lower:
        return NAN
    return math.fmod(upper, lower)


OPERATORS: dict[str, Callable[[Value, Value], Value]] = {
    "=": _equal,
    "!=": _unequal,
    "<": _less,
    "<=": _at_most,
    ">": lambda left, right: _less(right, left),
    ">=": lambda left, right: _at_most(right, left),
    "+": _plus,
    "-": _minus,
    "*": _times,
    "div": _divided,
    "mod": _remainder,
}
