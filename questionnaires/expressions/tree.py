"""What an expression is: a small typed tree, as deep as its text nests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec


class ExpressionError(ValueError):
    """An expression that is refused: where in its text (from 0), what is wrong, and what would be right.

    Parsing raises it for everything that can be known without answers; evaluating, for what only answers show, such as
    `date(${day})` of a text that is no date.
    """

    def __init__(self, at: int, what: str, right: str = "", **values: str) -> None:
        self.at = at
        self.what = what
        self.right = right
        self.values = values
        said = what % values if values else what
        if right:
            said += "; " + (right % values if values else right)
        super().__init__(f"at character {at + 1}: {said}")


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """`${code}`: the answer to a question."""

    code: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Current:
    """`.`: the answer that is being checked, or the value so far of what is being calculated."""

    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Negate:
    operand: Node


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined by operators of one level, from left to right: `first op1 x1 op2 x2`."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


Node = Number | Text | Name | Current | Negate | Call | Chain
Compact = float | str | list["Compact"]  # as JSON


class Expression(msgspec.Struct, frozen=True, cache_hash=True):
    """An expression as written and as understood."""

    source: str
    tree: Node

    def names(self) -> tuple[Name, ...]:
        """The questions it reads, in the order of the text.

        The question that `jr:choice-name(${q}, '${q}')` takes its labels from is among them.
        """
        return tuple(node for node in walk(self.tree) if isinstance(node, Name))

    def reads_current(self) -> bool:
        """Whether it reads `.`, in so many words or through `once()` and its like."""
        return any(
            isinstance(node, Current)
            or (isinstance(node, Call) and OF_CURRENT.get(node.function) == len(node.arguments))
            for node in walk(self.tree)
        )


OF_CURRENT = {
    "once": 1,
    "string-length": 0,
    "normalize-space": 0,
}  # with so many arguments they read the current answer


def walk(tree: Node) -> Iterator[Node]:
    """Every node of a tree, from the left, a node before its parts."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, Chain):
            waiting.extend(part for _, part in reversed(node.rest))
            waiting.append(node.first)
        elif isinstance(node, Call):
            waiting.extend(reversed(node.arguments))
        elif isinstance(node, Negate):
            waiting.append(node.operand)


def render(tree: Node) -> str:
    """A text that parses to this very tree.

    >>> from questionnaires.expression import parse
    >>> render(parse("1+2 *3= -${a}").tree)
    '(1 + (2 * 3)) = -${a}'
    """
    if isinstance(tree, Number):
        return _digits(tree.value)
    if isinstance(tree, Text):
        return f'"{tree.value}"' if "'" in tree.value else f"'{tree.value}'"
    if isinstance(tree, Name):
        return "${" + tree.code + "}"
    if isinstance(tree, Current):
        return "."
    if isinstance(tree, Negate):
        return "-" + _inside(tree.operand)
    if isinstance(tree, Call):
        if tree.function == "jr:choice-name" and isinstance(tree.arguments[1], Name):
            return f"jr:choice-name({render(tree.arguments[0])}, '{render(tree.arguments[1])}')"
        return f"{tree.function}({', '.join(render(argument) for argument in tree.arguments)})"
    return " ".join([_inside(tree.first), *(f"{operator} {_inside(part)}" for operator, part in tree.rest)])


def _inside(tree: Node) -> str:
    return f"({render(tree)})" if isinstance(tree, Chain) else render(tree)


def _digits(value: float) -> str:
    if value == math.inf:
        return "9" * 400  # what a literal too great for a double becomes
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    mantissa, exponent = text.split("e")
    whole, _, fraction = mantissa.partition(".")
    shift = int(exponent)
    if shift >= 0:
        fraction = fraction.ljust(shift, "0")
        return f"{whole}{fraction[:shift]}.{fraction[shift:] or '0'}".removesuffix(".0")
    return "0." + "0" * (-shift - 1) + whole + (fraction if fraction != "0" else "")


def compact(tree: Node) -> Compact:
    """The tree as JSON for `evaluator/static/expressions.js`.

    A number and a text are themselves. A list says what it is by its head: `["$", code]` an answer, `["."]` the current
    answer, `["-", x]` the negative, `[0, first, "op1", x1, "op2", x2, ...]` a chain, `[function, place, x1, ...]` a
    call.

    >>> from questionnaires.expression import parse
    >>> compact(parse("selected(${a}, 'b') and -${c} < 2").tree)
    [0, ['selected', 0, ['$', 'a'], 'b'], 'and', [0, ['-', ['$', 'c']], '<', 2]]
    """
    if isinstance(tree, Number):
        if tree.value == math.inf:
            return [0, 1, "div", 0]
        return int(tree.value) if tree.value < 2**53 and tree.value == int(tree.value) else tree.value
    if isinstance(tree, Text):
        return tree.value
    if isinstance(tree, Name):
        return ["$", tree.code]
    if isinstance(tree, Current):
        return ["."]
    if isinstance(tree, Negate):
        return ["-", compact(tree.operand)]
    if isinstance(tree, Call):
        return [tree.function, tree.at, *(compact(argument) for argument in tree.arguments)]
    chain: list[Compact] = [0, compact(tree.first)]
    for operator, part in tree.rest:
        chain += [operator, compact(part)]
    return chain
