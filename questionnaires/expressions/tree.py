"""What an expression is: a small typed tree, as deep as its text nests."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
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


@dataclass(frozen=True, slots=True)
class Refused:
    """What a form may not hold; only in expressions that are tried without one, and only evaluating it fails."""

    error: ExpressionError = field(compare=False)


Node = Number | Text | Name | Current | Negate | Call | Chain | Refused
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

    def needed(self, within: Collection[str] = ()) -> Iterator[str]:
        """The codes of what its value is worked out from.

        Parameters
        ----------
        within : collection of str
            The repeats around the item that the expression belongs to. What `indexed-repeat()` takes from another round
            of one of them is not among the codes, for it is there before; nor is a repeat that it only counts in.
        """
        waiting: list[Node] = [self.tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Name):
                yield node.code
            elif isinstance(node, Call) and node.function == INDEXED:
                question, *places = node.arguments
                waiting += reversed(places[1::2])
                if not any(isinstance(repeat, Name) and repeat.code in within for repeat in places[::2]):
                    waiting.append(question)
            else:
                waiting += reversed(parts(node))

    def indexed(self) -> tuple[tuple[str, tuple[Name, ...]], ...]:
        """Of each `indexed-repeat()` the question and the repeats."""
        return tuple(
            (node.arguments[0].code, tuple(repeat for repeat in node.arguments[1::2] if isinstance(repeat, Name)))
            for node in walk(self.tree)
            if isinstance(node, Call) and node.function == INDEXED and isinstance(node.arguments[0], Name)
        )

    def reads_current(self) -> bool:
        """Whether it reads `.`, in so many words or through `once()` and its like."""
        return any(
            isinstance(node, Current)
            or (isinstance(node, Call) and OF_CURRENT.get(node.function) == len(node.arguments))
            for node in walk(self.tree)
        )

    def reads_context(self) -> bool:
        """Whether it reads more than answers: the clock, chance, words of choices, or what the form is about."""
        return any(isinstance(node, Call) and node.function in OF_CONTEXT for node in walk(self.tree))


OF_CONTEXT = frozenset({"now", "today", "random", "uuid", "jr:choice-name", "property"})
INDEXED = "indexed-repeat"
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
        waiting += reversed(parts(node))


def parts(node: Node) -> tuple[Node, ...]:
    """What a node is made of, from the left."""
    if isinstance(node, Chain):
        return (node.first, *(part for _, part in node.rest))
    if isinstance(node, Call):
        return node.arguments
    return (node.operand,) if isinstance(node, Negate) else ()


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
    if isinstance(tree, Refused):
        raise tree.error
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
    if isinstance(tree, Refused):
        raise tree.error
    chain: list[Compact] = [0, compact(tree.first)]
    for operator, part in tree.rest:
        chain += [operator, compact(part)]
    return chain
