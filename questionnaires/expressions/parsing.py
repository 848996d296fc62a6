"""Text to tree, or a refusal with its position and what would be right.

    or   and   = !=   < <= > >=   + -   * div mod   unary -   function(...)   ${question}   .   'text'   12.5   ( )

from the loosest to the tightest, all binary operators to the left. A run of operators of one level is one `Chain`, so
the tree is only as deep as the text nests, and neither the parser nor the evaluator can be made to recurse further
than `MOST_DEPTH`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from questionnaires.expressions import functions, patterns
from questionnaires.expressions.signatures import FUNCTIONS, OF_A_QUESTION, PROPERTIES, REFUSED
from questionnaires.expressions.tree import (
    INDEXED,
    Call,
    Chain,
    Current,
    Expression,
    ExpressionError,
    Name,
    Negate,
    Node,
    Number,
    Refused,
    Text,
)
from questionnaires.mistakes import likely, shown

MOST_CHARACTERS = 10_000
MOST_DEPTH = 120

Resolve = Callable[[str], str | None]
"""From a path such as `/data/a/b`, `../b`, `current()/../b` or `b` to the code of a question, or None."""

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

# Functions that look at how an argument is written, not at its value alone.
OF_WHAT_IS_WRITTEN = OF_A_QUESTION | {"position", "property", "jr:choice-name", INDEXED}

NCNAME = r"[^\W\d][\w.-]*"
STEP = rf"(?:\.\.|\.|{NCNAME}(?::{NCNAME})?)"
SPACE = re.compile(r"[ \t\r\n\f]+")
OPERAND = re.compile(
    rf"""\$\{{(?P<name>[^{{}}$]*)\}}
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+(?![\w.]))?)
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<path>(?:current[ ]*\([ ]*\)[ ]*/[ ]*|/[ ]*)?{STEP}(?:[ ]*/[ ]*{STEP})*)
    |(?P<symbol>[-(),+*=<>|]|!=)""",
    re.VERBOSE,
)
OPERATOR = re.compile(r"(?P<word>or|and|div|mod)|(?P<symbol>!=|<=|>=|[-=<>+*(),|])")
WORD = re.compile(rf"{NCNAME}(?::{NCNAME})?")
CALLED = re.compile(rf"(?P<function>{NCNAME}(?::{NCNAME})?)(?=[ \t\r\n\f]*\()")
CODE = re.compile(rf"{NCNAME}\Z")
REFERENCE = re.compile(rf"\$\{{({NCNAME})\}}\Z")

# What people write instead, and what to write.
SLIPS = (
    ("==", "equality is written with one ="),
    ("&&", "write: and"),
    ("&lt;", "write: <"),
    ("&gt;", "write: >"),
    ("&amp;", "write: and"),
    ("||", "write: or"),
    ("<>", "write: !="),
    ("=>", "write: >="),
    ("=<", "write: <="),
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
    ("\N{NO-BREAK SPACE}", "use ordinary spaces"),
    ("\N{IDEOGRAPHIC SPACE}", "use ordinary spaces"),
    ("//", "paths are not part of these expressions: write the question as ${code}"),
    ("/", "paths are not part of these expressions: division is written div, a question ${code}"),
    ("@", "attributes are not part of these expressions: write the question as ${code}"),
    ("::", "axes are not part of these expressions: write the question as ${code}"),
    ("[", "predicates are not part of these expressions: combine conditions with and"),
    ("|", "unions are not part of these expressions: write: or"),
    ("%", "the remainder is written mod"),
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # name, number, text, path, function, symbol, word, end
    value: str
    at: int


def parse(source: str, resolve: Resolve | None = None, *, strict: bool = True) -> Expression:
    """Parse an expression.

    Parameters
    ----------
    source : str
        At most `MOST_CHARACTERS` characters.
    resolve : callable, optional
        Gives the question that a path names, for forms whose expressions have paths. Without it paths are refused.
    strict : bool
        Unless told otherwise, functions, arguments and paths that no form may hold are refused, wherever they stand. To
        try an expression, only evaluating them fails, as in ODK: `true() or unknown()` is true.

    Returns
    -------
    Expression

    Raises
    ------
    ExpressionError
        For anything outside the language, with the position and a suggestion.

    Examples
    --------
    >>> parse("${age} >= 18 and not(selected(${extra}, 'none'))").tree.rest[0][0]
    'and'
    >>> parse("/data/age >= 18", {"/data/age": "age"}.get).names()[0].code
    'age'
    """
    if len(source) > MOST_CHARACTERS:
        raise ExpressionError(
            MOST_CHARACTERS,
            "the expression has %(length)s characters",
            "at most %(most)s are allowed",
            length=str(len(source)),
            most=str(MOST_CHARACTERS),
        )
    reader = _Reader(source, resolve, strict)
    if reader.peek().kind == "end":
        raise ExpressionError(0, "the expression is empty", "leave the key out where there is no condition")
    tree = reader.level(1, 0)
    left = reader.peek()
    if left.kind != "end":
        raise _unexpected(left)
    return Expression(source, tree)


def _unexpected(token: Token) -> ExpressionError:
    right = "an operator such as and, or, = belongs here"
    if token.value == ")":
        right = "there is one ) too many"
    elif token.value == ",":
        right = "a comma belongs only between the arguments of a function"
    elif token.value == "|":
        right = "unions are not part of these expressions: write: or"
    return ExpressionError(token.at, "unexpected %(token)s", right, token=shown(token.value))


def _tokens(source: str) -> Iterator[Token]:
    """The tokens. As in XPath, what a name or a * means depends on whether a value came before."""
    at, after_value = 0, False
    while at < len(source):
        space = SPACE.match(source, at)
        if space is not None:
            at = space.end()
            continue
        if source.startswith(("==", "<>", "=>", "=<"), at):
            raise _unreadable(source, at)
        match = OPERATOR.match(source, at) if after_value else CALLED.match(source, at) or OPERAND.match(source, at)
        if match is not None and match.lastgroup == "function" and match["function"] == "current":
            match = OPERAND.match(source, at)
            if match is None or "/" not in match.group():
                match = CALLED.match(source, at)
        if match is None or (match.lastgroup == "word" and _runs_on(source, at, match.end())):
            raise _unreadable(source, at)
        kind = str(match.lastgroup)
        if kind == "name":
            yield Token("name", _code(match["name"], at), at)
        elif kind == "text":
            yield Token("text", match["text"][1:-1], at)
        else:
            yield Token(kind, match[kind], at)
        after_value = kind in ("name", "number", "text", "path") or match.group() == ")"
        at = match.end()
    yield Token("end", "", len(source))


def _runs_on(source: str, at: int, end: int) -> bool:
    """Whether what begins like an operator is a longer word. As in JavaRosa, `2mod3` and `4andf()` are not."""
    word = WORD.match(source, at)
    return (
        word is not None
        and word.end() > end
        and re.match(r"[^\W\d]", source[end]) is not None
        and CALLED.match(source, at) is None
    )


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
        if source.find(source[at], at + 1) < 0:
            return ExpressionError(at, "a text that is not closed", "close it with %(quote)s", quote=source[at])
        return ExpressionError(at, "unexpected text", "an operator such as and, or, = belongs here")
    word = WORD.match(source, at)
    if word is not None:
        written = word.group()
        if written.lower() in WORD_OPERATORS:
            right = f"write: {written.lower()}"
        else:
            right = "an operator such as and, or, = belongs here"
        return ExpressionError(at, "unexpected %(token)s", right, token=shown(written))
    if source[at].isdigit() and source[at].isascii():
        return ExpressionError(at, "unexpected number", "an operator such as and, or, = belongs here")
    for slip, right in SLIPS:
        if source.startswith(slip, at):
            if slip == "${" and re.compile(r"\$\{[^{}$]*\}").match(source, at):
                right = "an operator such as and, or, = belongs here"
            return ExpressionError(at, "%(slip)s is not understood", right.replace("%", "%%"), slip=slip)
    return ExpressionError(
        at, "%(character)s is not understood", "see the operators in the documentation", character=shown(source[at])
    )


class _Reader:
    """Reads tokens by precedence climbing; `depth` counts how deep the calls nest."""

    def __init__(self, source: str, resolve: Resolve | None, strict: bool) -> None:
        self.tokens: list[Token] = []
        self.failure: ExpressionError | None = None  # told when it is reached: what comes before it may be wrong too
        try:
            self.tokens.extend(_tokens(source))
        except ExpressionError as failure:
            self.failure = failure
            self.tokens.append(Token("end", "", failure.at))
        self.next = 0
        self.resolve = resolve
        self.strict = strict

    def refused(self, error: ExpressionError) -> Node:
        """What can be read, but means nothing here."""
        if self.strict:
            raise error
        return Refused(error)

    def peek(self) -> Token:
        token = self.tokens[self.next]
        if token.kind == "end" and self.failure is not None:
            raise self.failure
        return token

    def take(self) -> Token:
        token = self.peek()
        if token.kind != "end":
            self.next += 1
        return token

    def sees(self, symbol: str) -> bool:
        token = self.peek()
        return token.kind == "symbol" and token.value == symbol

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
        if token.kind == "path":
            return self.path(token)
        if token.kind == "function":
            return self.call(token, depth)
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

    def path(self, token: Token) -> Node:
        """`.`, a path that names a question, or a word that is out of place."""
        written = re.sub(r"\s", "", token.value)
        if written == ".":
            return Current(token.at)
        if written in WORD_OPERATORS:
            raise ExpressionError(token.at, "unexpected %(token)s", "a value belongs before it", token=written)
        if self.resolve is not None:
            code = self.resolve(written)
            if code is not None:
                return Name(code, token.at)
            return self.refused(
                ExpressionError(
                    token.at,
                    "%(path)s names no question of the form",
                    "name a question that is asked once, outside of repeats",
                    path=shown(written),
                )
            )
        if written in FUNCTIONS:
            raise ExpressionError(token.at, "%(name)s without ( )", "write %(name)s( ... )", name=written)
        last = written.rpartition("/")[2]
        if "/" in written or last in (".", ".."):
            code = last if last not in (".", "..") else "code"
            return self.refused(
                ExpressionError(
                    token.at,
                    "%(path)s is a path",
                    "paths are not part of these expressions: division is written div, a question ${%(code)s}",
                    path=shown(written),
                    code=shown(code),
                )
            )
        return self.refused(
            ExpressionError(
                token.at,
                "unexpected word %(name)s",
                "a question is written ${%(name)s}, a code or text '%(name)s'",
                name=shown(written),
            )
        )

    def call(self, token: Token, depth: int) -> Node:
        name = token.value
        if name not in FUNCTIONS and self.strict:
            raise _unknown(token)
        opening = self.take()
        arguments: list[Node] = []
        if self.sees(")"):
            self.take()
        else:
            arguments.append(self.argument(name, 0, depth))
            while self.sees(","):
                self.take()
                arguments.append(self.argument(name, len(arguments), depth))
            self.close(opening)
        if name not in FUNCTIONS:
            return Refused(_unknown(token))
        wanted = _wanted(name, len(arguments))
        if wanted is not None:
            return self.refused(ExpressionError(
                token.at, "%(name)s() has %(count)s arguments", "it takes %(wanted)s",
                name=name, count=str(len(arguments)), wanted=wanted,
            ))  # fmt: skip
        wrong = next((argument for argument in arguments if isinstance(argument, Refused)), None)
        if wrong is not None and name in OF_WHAT_IS_WRITTEN:
            return wrong
        return Call(name, () if name == "position" else tuple(arguments), token.at)

    def argument(self, name: str, place: int, depth: int) -> Node:
        start = self.peek()
        if name == "position" and start.kind == "path" and re.fullmatch(r"\.\.?(/\.\.)*", start.value):
            self.take()
            return Current(start.at)
        tree = self.level(1, depth + 1)
        if isinstance(tree, Refused):
            return tree
        try:
            return self.understood(name, place, tree, start)
        except ExpressionError as error:
            return self.refused(error)

    def understood(self, name: str, place: int, tree: Node, start: Token) -> Node:
        """An argument, if it is one that the function can have."""
        if name == "jr:choice-name" and place == 1:
            return self.question_of_choices(tree, start)
        if (name in OF_A_QUESTION or name == "position") and not isinstance(tree, Name | Current):
            raise ExpressionError(
                start.at,
                "%(name)s() is of a question",
                "write %(name)s(${code}); there are no sets of nodes",
                name=name,
            )
        if name == INDEXED and (place == 0 or place % 2) and not isinstance(tree, Name):
            raise ExpressionError(
                start.at,
                "indexed-repeat() needs a question, and a repeat and a number",
                "write indexed-repeat(${question}, ${repeat}, 1)",
            )
        if name == "property" and not (isinstance(tree, Text) and tree.value in PROPERTIES):
            raise ExpressionError(
                start.at, "unknown property", "supported is: %(known)s", known=", ".join(map(repr, PROPERTIES))
            )
        if isinstance(tree, Text):
            _check_literal(name, place, tree)
        return tree

    def question_of_choices(self, tree: Node, start: Token) -> Node:
        """The second argument of jr:choice-name: the text '${code}', or a path in quotes."""
        if isinstance(tree, Text):
            written = re.sub(r"\s", "", tree.value)
            reference = REFERENCE.match(written)
            if reference is not None:
                return Name(reference[1], tree.at)
            code = self.resolve(written) if self.resolve is not None else None
            if code is not None:
                return Name(code, tree.at)
        if isinstance(tree, Name):
            return tree
        raise ExpressionError(
            start.at, "jr:choice-name() needs the question of the choices", "write it in quotes, as '${code}'"
        )

    def close(self, opening: Token) -> None:
        token = self.take()
        if token.kind != "symbol" or token.value != ")":
            raise ExpressionError(
                token.at,
                "the ( at character %(opening)s is not closed",
                "a ) or an operator belongs here",
                opening=str(opening.at + 1),
            )


def _wanted(name: str, count: int) -> str | None:
    """How many arguments a function takes, if it cannot take so many."""
    fewest, most = FUNCTIONS[name]
    if fewest <= count <= most and not (name == "weighted-checklist" and count % 2) and (name != INDEXED or count % 2):
        return None
    if name == "weighted-checklist":
        return "the least, the greatest, and pairs of a condition and a weight"
    if name == INDEXED:
        return "a question, and pairs of a repeat and a number"
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def _unknown(token: Token) -> ExpressionError:
    name = token.value
    near = likely(name, FUNCTIONS)
    if name in REFUSED:
        right = REFUSED[name].replace("%", "%%")
        return ExpressionError(token.at, "%(name)s() is not supported", right, name=name)
    right = "did you mean %(near)s()?" if near is not None else "supported are: %(known)s"
    return ExpressionError(
        token.at, "unknown function %(name)s()", right, name=shown(name), near=near or "", known=", ".join(FUNCTIONS)
    )


def _check_literal(name: str, place: int, tree: Text) -> None:
    """Refuse at once what would always fail: an expression is mended by its author, not by a respondent."""
    try:
        if name == "regex" and place == 1:
            patterns.pattern(tree.value)
        elif name == "digest" and place == 1:
            functions.algorithm(tree.value)
        elif name == "digest" and place == 2:
            functions.encoding(tree.value)
        elif name in ("format-date", "format-date-time") and place == 1:
            functions.check_format(tree.value)
    except patterns.Failure as failure:
        raise ExpressionError(tree.at, failure.what, failure.right, **failure.values) from None
