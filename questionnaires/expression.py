"""The expression language: a subset of ODK XPath, parsed once into a small typed tree.

    or   and   = !=   < <= > >=   + -   * div mod   unary -   function(...)   ${question}   'text'   12.5   ( )

from the loosest to the tightest, all binary operators to the left. A run of operators of one level is one `Chain`, so
the tree is only as deep as the text nests, and neither the parser nor the evaluator can be made to recurse further
than `MOST_DEPTH`. What the text means is in `questionnaires.evaluation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from questionnaires.mistakes import likely, shown

MOST_CHARACTERS = 10_000
MOST_DEPTH = 120


class ExpressionError(ValueError):
    """An expression that is refused: where in its text (from 0), what is wrong, and what would be right."""

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


Node = Number | Text | Name | Negate | Call | Chain


class Expression(msgspec.Struct, frozen=True, cache_hash=True):
    """An expression as written and as understood."""

    source: str
    tree: Node

    def names(self) -> tuple[Name, ...]:
        """The questions it reads, in the order of the text."""
        return tuple(node for node in walk(self.tree) if isinstance(node, Name))


# name: (fewest arguments, most arguments)
FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "boolean": (1, 1),
    "coalesce": (2, 2),
    "concat": (1, 50),
    "contains": (2, 2),
    "count-selected": (1, 1),
    "ends-with": (2, 2),
    "false": (0, 0),
    "if": (3, 3),
    "int": (1, 1),
    "not": (1, 1),
    "number": (1, 1),
    "selected": (2, 2),
    "selected-at": (2, 2),
    "starts-with": (2, 2),
    "string": (1, 1),
    "string-length": (1, 1),
    "true": (0, 0),
}

# Functions of ODK that are right elsewhere but that we do not evaluate: the message must not call them a slip.
# fmt: off
NOT_YET = frozenset((
    "acos", "area", "asin", "atan", "atan2", "base64-decode", "boolean-from-string", "ceiling", "checklist",
    "choice-name", "cos", "count", "count-non-empty", "current-date", "date", "date-time", "decimal-date-time",
    "decimal-time", "digest", "distance", "enclosed-area", "exp", "exp10", "floor", "format-date",
    "format-date-time", "geofence", "id", "indexed-repeat", "instance", "jr:choice-name", "jr:itext", "join", "last",
    "local-name", "log", "log10", "max", "min", "name", "namespace-uri", "normalize-space", "now", "once", "pi",
    "position", "pow", "property", "pulldata", "random", "randomize", "regex", "round", "sin", "sqrt", "substr",
    "substring", "substring-after", "substring-before", "sum", "tan", "thousands-sep", "time", "today", "translate",
    "uuid", "version", "weighted-checklist",
))
# fmt: on

LEVELS: dict[str, int] = {
    "or": 1,
    "and": 2,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "div": 6,
    "mod": 6,
}
TIGHTEST = 6
WORD_OPERATORS = ("or", "and", "div", "mod")

TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |\$\{(?P<name>[^{}$]*)\}
    |(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<symbol>!=|<=|>=|[-=<>+*(),])
    |(?P<word>[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?)""",
    re.VERBOSE,
)
CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")

# What people write instead, and what to write.
SLIPS = (
    ("==", "equality is written with one ="),
    ("&&", "write: and"),
    ("||", "write: or"),
    ("<>", "write: !="),
    ("!", "write: not( ... )"),
    ("${", "a question is written ${code}, with the closing brace"),
    ("$", "a question is written ${code}"),
    ("“", "use straight quotes ' or \""),
    ("”", "use straight quotes ' or \""),
    ("‘", "use straight quotes ' or \""),
    ("’", "use straight quotes ' or \""),
    ("（", "use ( and ) of the Latin keyboard"),
    ("）", "use ( and ) of the Latin keyboard"),
    ("，", "use , of the Latin keyboard"),
    ("＝", "use = of the Latin keyboard"),
    ("/", "paths are not part of these expressions: division is written div, a question ${code}"),
    (".", "the current answer and paths are not part of these expressions: write the question as ${code}"),
    ("[", "predicates are not part of these expressions: combine conditions with and"),
    ("|", "unions are not part of these expressions: write: or"),
    ("%", "the remainder is written mod"),
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # name, number, text, symbol, word, end
    value: str
    at: int


def parse(source: str) -> Expression:
    """Parse an expression.

    Parameters
    ----------
    source : str
        At most `MOST_CHARACTERS` characters.

    Returns
    -------
    Expression

    Raises
    ------
    ExpressionError
        For anything outside the subset, with the position and a suggestion.

    Examples
    --------
    >>> parse("${age} >= 18 and not(selected(${extra}, 'none'))").tree.rest[0][0]
    'and'
    """
    if len(source) > MOST_CHARACTERS:
        raise ExpressionError(
            MOST_CHARACTERS,
            "the expression has %(length)s characters",
            "at most %(most)s are allowed",
            length=str(len(source)),
            most=str(MOST_CHARACTERS),
        )
    reader = _Reader(list(_tokens(source)))
    if reader.peek().kind == "end":
        raise ExpressionError(0, "the expression is empty", "leave the key out where there is no condition")
    tree = reader.level(1, 0)
    left = reader.peek()
    if left.kind != "end":
        right = "an operator such as and, or, = belongs here"
        if left.value == ")":
            right = "there is one ) too many"
        elif left.value == ",":
            right = "a comma belongs only between the arguments of a function"
        raise ExpressionError(left.at, "unexpected %(token)s", right, token=shown(left.value))
    return Expression(source, tree)


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

    >>> render(parse("1+2 *3= -${a}").tree)
    '(1 + (2 * 3)) = -${a}'
    """
    if isinstance(tree, Number):
        return _digits(tree.value)
    if isinstance(tree, Text):
        return f'"{tree.value}"' if "'" in tree.value else f"'{tree.value}'"
    if isinstance(tree, Name):
        return "${" + tree.code + "}"
    if isinstance(tree, Negate):
        return "-" + _inside(tree.operand)
    if isinstance(tree, Call):
        return f"{tree.function}({', '.join(render(argument) for argument in tree.arguments)})"
    return " ".join([_inside(tree.first), *(f"{operator} {_inside(part)}" for operator, part in tree.rest)])


def _inside(tree: Node) -> str:
    return f"({render(tree)})" if isinstance(tree, Chain) else render(tree)


def _digits(value: float) -> str:
    if value == float("inf"):
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


def _tokens(source: str) -> Iterator[Token]:
    at = 0
    while at < len(source):
        match = TOKEN.match(source, at)
        if match is None or source.startswith("==", at) or source.startswith("<>", at):
            raise _unreadable(source, at)
        kind = str(match.lastgroup)
        if kind == "name":
            yield Token("name", _code(match["name"], at), at)
        elif kind == "text":
            yield Token("text", match["text"][1:-1], at)
        elif kind != "space":
            yield Token(kind, match[kind], at)
        at = match.end()
    yield Token("end", "", len(source))


def _code(name: str, at: int) -> str:
    if CODE.match(name):
        return name
    stripped = name.strip()
    if CODE.match(stripped):
        raise ExpressionError(at, "spaces in ${%(name)s}", "write ${%(code)s}", name=shown(name), code=stripped)
    raise ExpressionError(
        at, "${%(name)s} is not the code of a question", "a question is written ${code}", name=shown(name)
    )


def _unreadable(source: str, at: int) -> ExpressionError:
    if source[at] in "'\"":
        return ExpressionError(at, "a text that is not closed", "close it with %(quote)s", quote=source[at])
    for slip, right in SLIPS:
        if source.startswith(slip, at):
            return ExpressionError(at, "%(slip)s is not understood", right.replace("%", "%%"), slip=slip)
    return ExpressionError(
        at, "%(character)s is not understood", "see the operators in the documentation", character=shown(source[at])
    )


class _Reader:
    """Reads tokens by precedence climbing; `depth` counts how deep the calls nest."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.next = 0

    def peek(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.tokens[self.next]
        if token.kind != "end":
            self.next += 1
        return token

    def operator(self) -> str | None:
        token = self.peek()
        if token.kind in ("symbol", "word") and token.value in LEVELS:
            return token.value
        return None

    def level(self, loosest: int, depth: int) -> Node:
        """An operand and every operator at least as tight as `loosest` that follows."""
        if depth > MOST_DEPTH:
            raise ExpressionError(
                self.peek().at,
                "the expression nests too deep",
                "at most %(most)s levels are allowed",
                most=str(MOST_DEPTH),
            )
        tree = self.operand(depth)
        for level in range(TIGHTEST, loosest - 1, -1):
            rest: list[tuple[str, Node]] = []
            while (operator := self.operator()) is not None and LEVELS[operator] == level:
                self.take()
                rest.append((operator, self.level(level + 1, depth + 1) if level < TIGHTEST else self.operand(depth)))
            if rest:
                tree = Chain(tree, tuple(rest))
        return tree

    def operand(self, depth: int) -> Node:
        token = self.take()
        if token.kind == "number":
            return Number(float(token.value))
        if token.kind == "text":
            return Text(token.value, token.at)
        if token.kind == "name":
            return Name(token.value, token.at)
        if token.kind == "word":
            return self.word(token, depth)
        if token.value == "-":
            if depth >= MOST_DEPTH:
                return self.level(1, depth + 1)  # refuses
            return Negate(self.operand(depth + 1))
        if token.value == "(":
            tree = self.level(1, depth + 1)
            self.close(token)
            return tree
        if token.kind == "end":
            raise ExpressionError(token.at, "the expression ends too early", "a value belongs here")
        raise ExpressionError(token.at, "unexpected %(token)s", "a value belongs here", token=token.value)

    def word(self, token: Token, depth: int) -> Node:
        name = token.value
        if self.peek().value == "(" and self.peek().kind == "symbol":
            return self.call(token, depth)
        if name in WORD_OPERATORS:
            raise ExpressionError(token.at, "unexpected %(token)s", "a value belongs before it", token=name)
        if name in FUNCTIONS:
            raise ExpressionError(token.at, "%(name)s without ( )", "write %(name)s( ... )", name=name)
        raise ExpressionError(
            token.at,
            "unexpected word %(name)s",
            "a question is written ${%(name)s}, a code or text '%(name)s'",
            name=shown(name),
        )

    def call(self, token: Token, depth: int) -> Node:
        name = token.value
        if name not in FUNCTIONS:
            near = likely(name, FUNCTIONS)
            if name in NOT_YET:
                right = "this function of ODK is not supported here; supported are: %(known)s"
            elif near is not None:
                right = "did you mean %(near)s()?"
            else:
                right = "supported are: %(known)s"
            raise ExpressionError(
                token.at,
                "unknown function %(name)s()",
                right,
                name=shown(name),
                near=near or "",
                known=", ".join(FUNCTIONS),
            )
        opening = self.take()
        arguments: list[Node] = []
        if self.peek().value == ")" and self.peek().kind == "symbol":
            self.take()
        else:
            arguments.append(self.level(1, depth + 1))
            while self.peek().value == "," and self.peek().kind == "symbol":
                self.take()
                arguments.append(self.level(1, depth + 1))
            self.close(opening)
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            raise ExpressionError(
                token.at,
                "%(name)s() has %(count)s arguments",
                "it takes %(wanted)s",
                name=name,
                count=str(len(arguments)),
                wanted=str(fewest) if fewest == most else f"{fewest} to {most}",
            )
        return Call(name, tuple(arguments), token.at)

    def close(self, opening: Token) -> None:
        token = self.take()
        if token.kind != "symbol" or token.value != ")":
            raise ExpressionError(
                token.at,
                "the ( at character %(opening)s is not closed",
                "a ) or an operator belongs here",
                opening=str(opening.at + 1),
            )
