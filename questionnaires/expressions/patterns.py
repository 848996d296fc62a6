r"""Regular expressions for `regex()`: what Java's and JavaScript's have in common, matched in linear time.

A pattern must match the whole text, as in JavaRosa. It becomes a list of instructions that are followed for all their
states at once (Thompson's construction), so that no pattern can be made to hang: time is at most text times pattern.

Understood: literals, `.`, classes `[a-z]` `[^a]`, `\d \D \w \W \s \S` (ASCII), `\p{L}` by general category,
`\uXXXX` and `\xXX`, `\t \n \r \f`, groups, alternatives, `* + ? {n} {n,} {n,m}` (also lazy), `^ $ \A \z \b \B`,
lookahead `(?= )` `(?! )`, and `(?i)` at the start. Refused with the reason: back-references, lookbehind, possessive and
atomic groups.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

MOST_PATTERN = 1_000
MOST_INSTRUCTIONS = 3_000
MOST_NESTING = 50
MOST_MOVES = 200  # that a pattern remembers

Test = Callable[[str], bool]


class Failure(Exception):
    """What is wrong inside a function, without its place: the caller knows it."""

    def __init__(self, what: str, right: str = "", **values: str) -> None:
        super().__init__(what)
        self.what = what
        self.right = right
        self.values = values


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: `test` takes a character, `split` goes two ways, `look` and the borders take nothing."""

    kind: str  # test, split, jump, start, end, border, no-border, look, not-look, match
    to: int = 0  # split: the other way; jump: where to
    test: Test | None = None
    program: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """The instructions; and where each character leads from a set of states, when that depends on nothing else."""

    program: tuple[Step, ...]
    plain: bool
    moves: dict[tuple[frozenset[int], str], tuple[frozenset[int], int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Take:
    test: Test


@dataclass(frozen=True, slots=True)
class Border:
    kind: str


@dataclass(frozen=True, slots=True)
class Look:
    kind: str
    part: Part


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    choices: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Part
    least: int
    most: int | None


Part = Take | Border | Look | Sequence | Alternatives | Repeat

DIGIT: Test = lambda c: "0" <= c <= "9"  # noqa: E731
WORD: Test = lambda c: "a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9" or c == "_"  # noqa: E731
SPACE: Test = lambda c: c in " \t\n\x0b\f\r"  # noqa: E731
ANY: Test = lambda c: c not in "\n\r\x85\u2028\u2029"  # noqa: E731
CLASSES: dict[str, Test] = {"d": DIGIT, "w": WORD, "s": SPACE}
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
BORDERS = {"A": "start", "z": "end", "Z": "end", "b": "border", "B": "no-border"}
CATEGORIES = re.compile(r"L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cf]?")
COUNT = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{0,4}))?\}")
HEX = re.compile(r"u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}")
PROPERTY = re.compile(r"[pP]\{(?:Is|gc=)?([A-Za-z]{1,2})\}|[pP]([LMNPSZC])")


def matches(source: str, text: str, spend: Callable[[int], None]) -> bool:
    """Whether a pattern matches a whole text. `spend` is told of every step, and may refuse to go on.

    >>> matches("[0-9]{3}", "123", lambda steps: None), matches("[0-9]{3}", "1234", lambda steps: None)
    (True, False)
    """
    found = pattern(source)
    return _glide(found, text, spend) if found.plain else _run(found.program, text, 0, True, spend)


@lru_cache(maxsize=512)
def pattern(source: str) -> Pattern:
    """A pattern, ready to be followed; `Failure` when it is refused."""
    if len(source) > MOST_PATTERN:
        raise Failure("the pattern is too long", "at most %(most)s characters are allowed", most=str(MOST_PATTERN))
    reader = _Reader(source)
    part = reader.alternatives(0)
    if reader.at < len(source):
        raise reader.wrong("a ) too many", "write \\) for the character itself")
    program = _Writer().program(_without_ends(part))
    return Pattern(program, all(step.kind in ("test", "split", "jump", "match") for step in program))


def _without_ends(part: Part) -> Part:
    """Without the ^ and $ around a pattern, which must match the whole text anyway."""
    parts = part.parts if isinstance(part, Sequence) else ()
    start = int(parts[:1] == (Border("start"),))
    end = len(parts) - int(parts[start:][-1:] == (Border("end"),))
    return Sequence(parts[start:end]) if parts else part


class _Writer:
    """Writes instructions, and refuses to write without end."""

    def __init__(self) -> None:
        self.left = MOST_INSTRUCTIONS

    def program(self, part: Part) -> tuple[Step, ...]:
        steps: list[Step] = []
        self.write(part, steps)
        steps.append(Step("match"))
        return tuple(steps)

    def write(self, part: Part, steps: list[Step]) -> None:
        self.left -= 1
        if self.left < 0:
            raise Failure("the pattern repeats too much", "write smaller numbers in { }")
        if isinstance(part, Take):
            steps.append(Step("test", test=part.test))
        elif isinstance(part, Border):
            steps.append(Step(part.kind))
        elif isinstance(part, Look):
            steps.append(Step(part.kind, program=self.program(part.part)))
        elif isinstance(part, Sequence):
            for one in part.parts:
                self.write(one, steps)
        elif isinstance(part, Alternatives):
            self.alternatives(part.choices, steps)
        else:
            self.repeat(part, steps)

    def alternatives(self, choices: tuple[Part, ...], steps: list[Step]) -> None:
        jumps = []
        for one in choices[:-1]:
            split = len(steps)
            steps.append(Step("split"))
            self.write(one, steps)
            jumps.append(len(steps))
            steps.append(Step("jump"))
            steps[split] = Step("split", len(steps))
        self.write(choices[-1], steps)
        for jump in jumps:
            steps[jump] = Step("jump", len(steps))

    def repeat(self, repeat: Repeat, steps: list[Step]) -> None:
        for _ in range(repeat.least):
            self.write(repeat.part, steps)
        splits = []
        for _ in range(1 if repeat.most is None else repeat.most - repeat.least):
            splits.append(len(steps))
            steps.append(Step("split"))
            self.write(repeat.part, steps)
        if repeat.most is None:
            steps.append(Step("jump", splits[0]))
        for split in splits:
            steps[split] = Step("split", len(steps))


def _glide(found: Pattern, text: str, spend: Callable[[int], None]) -> bool:
    """`_run` for a pattern without borders and looks, remembering the moves."""
    program, moves = found.program, found.moves
    states = frozenset(_closure(program, [0], text, 0, spend))
    for character in text:
        if not states:
            return False
        move = moves.get((states, character))
        if move is None:
            spent: list[int] = [len(states)]
            following = [state + 1 for state in states if (test := program[state].test) is not None and test(character)]
            after = frozenset(_closure(program, following, text, 0, spent.append))
            move = after, sum(spent)
            if len(moves) < MOST_MOVES:
                moves[states, character] = move
        spend(move[1])
        states = move[0]
    return len(program) - 1 in states


def _run(program: tuple[Step, ...], text: str, at: int, whole: bool, spend: Callable[[int], None]) -> bool:
    """Follow a program from a place in the text; `whole`: it must end with the text."""
    last = len(program) - 1
    states = _closure(program, [0], text, at, spend)
    while True:
        if last in states and (not whole or at == len(text)):
            return True
        if not states or at == len(text):
            return False
        spend(len(states))
        character = text[at]
        at += 1
        following = []
        for state in states:
            test = program[state].test
            if test is not None and test(character):
                following.append(state + 1)
        states = _closure(program, following, text, at, spend)


def _closure(
    program: tuple[Step, ...], waiting: list[int], text: str, at: int, spend: Callable[[int], None]
) -> set[int]:
    """Every state that is reached without taking a character."""
    seen: set[int] = set()
    found: set[int] = set()
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        step = program[state]
        if step.kind in ("test", "match"):
            found.add(state)
        elif step.kind == "split":
            waiting += (state + 1, step.to)
        elif step.kind == "jump":
            waiting.append(step.to)
        elif _holds(step, text, at, spend):
            waiting.append(state + 1)
    spend(len(seen))
    return found


def _holds(step: Step, text: str, at: int, spend: Callable[[int], None]) -> bool:
    if step.kind == "start":
        return at == 0
    if step.kind == "end":
        return at == len(text)
    if step.kind in ("look", "not-look"):
        return _run(step.program, text, at, False, spend) == (step.kind == "look")
    before, after = at > 0 and WORD(text[at - 1]), at < len(text) and WORD(text[at])
    return (before != after) == (step.kind == "border")


class _Reader:
    """Reads a pattern. `at` is the next character."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.fold = source.startswith("(?i)")
        if self.fold:
            self.at = 4

    def wrong(self, what: str, right: str) -> Failure:
        return Failure(
            "in the pattern, at its character %(place)s: " + what.replace("%", "%%"),
            right.replace("%", "%%"),
            place=str(self.at + 1),
        )

    def take(self, start: str) -> bool:
        if self.source.startswith(start, self.at):
            self.at += len(start)
            return True
        return False

    def test(self, test: Test) -> Take:
        if not self.fold:
            return Take(test)
        return Take(lambda c: test(c) or (c.isascii() and test(c.swapcase())))

    def alternatives(self, depth: int) -> Part:
        if depth > MOST_NESTING:
            raise self.wrong("groups nest too deep", f"at most {MOST_NESTING} levels are allowed")
        choices = [self.sequence(depth)]
        while self.take("|"):
            choices.append(self.sequence(depth))
        return choices[0] if len(choices) == 1 else Alternatives(tuple(choices))

    def sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            parts.append(self.repeated(self.one(depth)))
        return Sequence(tuple(parts))

    def repeated(self, part: Part) -> Part:
        sign = self.source[self.at : self.at + 1]
        if sign == "{":
            count = COUNT.match(self.source, self.at)
            if count is None:
                raise self.wrong("a { that is no number of times", "write {2}, {2,} or {2,5}; \\{ for itself")
            least = int(count[1])
            most = least if count[2] is None else int(count[3]) if count[3] else None
            if most is not None and most < least:
                raise self.wrong("{ } counts down", "write the smaller number first")
            self.at = count.end()
        elif sign and sign in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
            self.at += 1
        else:
            return part
        if self.source.startswith("+", self.at):
            raise self.wrong("a possessive + is not supported", "leave it out")
        self.take("?")  # lazy: the same texts match
        return Repeat(part, least, most)

    def one(self, depth: int) -> Part:
        sign = self.source[self.at]
        if sign in "*+?{":
            raise self.wrong("nothing to repeat", f"write \\{sign} for the character itself")
        if sign == "(":
            return self.group(depth)
        self.at += 1
        if sign == "[":
            return self.character_class()
        if sign == "\\":
            return self.escape()
        if sign == ".":
            return Take(ANY)
        if sign in "^$":
            return Border("start" if sign == "^" else "end")
        return self.test(_same(sign))

    def group(self, depth: int) -> Part:
        start = self.at
        self.at += 1
        look = ""
        if self.take("?"):
            named = re.compile(r"<[A-Za-z][A-Za-z0-9]*>").match(self.source, self.at)
            if self.take("="):
                look = "look"
            elif self.take("!"):
                look = "not-look"
            elif named is not None:
                self.at = named.end()
            elif not self.take(":"):
                self.at = start
                raise self.wrong(
                    "this kind of group is not supported", "supported are (...), (?:...), (?=...), (?!...); (?i) first"
                )
        part = self.alternatives(depth + 1)
        if not self.take(")"):
            self.at = start
            raise self.wrong("a ( that is not closed", "write \\( for the character itself")
        return Look(look, part) if look else part

    def escape(self) -> Part:
        sign = self.source[self.at : self.at + 1]
        if sign in BORDERS and sign:
            self.at += 1
            return Border(BORDERS[sign])
        if sign.isdigit() and sign != "0":
            raise self.wrong("a back-reference is not supported", "write the pattern out")
        return self.test(self.escaped())

    def escaped(self) -> Test:
        """After a backslash, inside of a class or out of it."""
        sign = self.source[self.at : self.at + 1]
        if not sign:
            raise self.wrong("nothing after the last \\", "write \\\\ for the character itself")
        self.at += 1
        if sign.lower() in CLASSES:
            test = CLASSES[sign.lower()]
            return test if sign.islower() else lambda c: not test(c)
        if sign in ESCAPES:
            return _same(ESCAPES[sign])
        self.at -= 1
        code = HEX.match(self.source, self.at)
        if code is not None:
            value = int(code[1] or code[2] or code[3], 16)
            if value < 0x110000:
                self.at = code.end()
                return _same(chr(value))
        prop = PROPERTY.match(self.source, self.at)
        if prop is not None and CATEGORIES.fullmatch(prop[1] or prop[2]):
            self.at = prop.end()
            name, wanted = prop[1] or prop[2], sign == "p"
            return lambda c: unicodedata.category(c).startswith(name) == wanted
        if sign.isascii() and sign.isalnum():
            raise self.wrong(f"\\{sign} is not supported", "see regex() in the documentation")
        self.at += 1
        return _same(sign)

    def character_class(self) -> Part:
        start = self.at - 1
        refuse = self.take("^")
        tests: list[Test] = []
        ranges: list[tuple[str, str]] = []
        while not self.take("]"):
            if self.at >= len(self.source):
                self.at = start
                raise self.wrong("a [ that is not closed", "write \\[ for the character itself")
            first = self.class_member()
            if not isinstance(first, str):
                tests.append(first)
                continue
            if self.source.startswith("-", self.at) and self.source[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                last = self.class_member()
                if not isinstance(last, str) or last < first:
                    raise self.wrong("a range that runs backwards or to a class", "write the smaller character first")
                ranges.append((first, last))
            else:
                ranges.append((first, first))
        if not tests and not ranges:
            self.at = start
            raise self.wrong("an empty class", "write \\] for the character itself")
        found = self.test(lambda c: any(a <= c <= b for a, b in ranges) or any(test(c) for test in tests))
        if not refuse:
            return found
        return Take(lambda c: not found.test(c))

    def class_member(self) -> str | Test:
        sign = self.source[self.at]
        if sign == "[" or self.source.startswith("&&", self.at):
            raise self.wrong("a class within a class is not supported", "write \\[ for the character itself")
        self.at += 1
        if sign != "\\":
            return sign
        before = self.at
        test = self.escaped()
        written = self.source[before : self.at]
        if written[0] in ESCAPES and len(written) == 1:
            return ESCAPES[written]
        code = HEX.fullmatch(written)
        if code is not None:
            return chr(int(code[1] or code[2] or code[3], 16))
        return test if written[0].isascii() and written[0].isalnum() else written


def _same(sign: str) -> Test:
    return lambda c: c == sign
