"""Reading typed values from nodes: each function notes what is wrong and returns None, so that one pass finds all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from questionnaires.document import Entries, List, Node, Scalar
from questionnaires.expression import Expression, ExpressionError, parse
from questionnaires.mistakes import Mistake, shown, suggest
from questionnaires.words import ANSWER, PLACEHOLDER, Words

MOST_MISTAKES = 200  # more are not read by anybody, and looking for likely words takes time
MOST_WORDS = 5000  # characters of one text in one language
CODE = re.compile(r"[^\W\d][\w.-]{0,63}\Z")
CHOICE_CODE = re.compile(r"[\w+-][\w.:/+-]{0,63}\Z")
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
QUESTIONNAIRE_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}\Z")
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")
WHOLE = re.compile(r"-?[0-9]{1,15}\Z")
DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?\Z")
CODE_RIGHT = "a code has 1 to 64 letters, digits, _, - and ., and starts with a letter or _"
CHOICE_CODE_RIGHT = "a code has 1 to 64 letters, digits and _ . - : / +, without blanks"
NAME_RIGHT = "a name has 1 to 32 small letters, digits and _, and starts with a letter"
MARK = re.compile(r"[0-9a-f]{8}\Z")
TRANSLATED_FROM = "from"  # beside the languages: what a translation was made from
BRACES = re.compile(r"\$?\{[^{}]*\}|[{}｛｝]")
TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")

# Characters that make a text look like another one: embeddings and overrides of writing direction.
DISGUISING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

T = TypeVar("T")


class TooManyMistakes(Exception):
    """The file has more mistakes than are worth looking for."""


class Reading:
    """Collects the mistakes of one file."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.translating: tuple[str, ...] = ()  # languages whose texts may be missing
        self.remarks: list[Mistake] = []  # what is doubtful but allowed in an imported form
        self.imported = False
        self.repeated: list[tuple[Node, str, str]] = []  # questions whose answers a text repeats: node, place, code

    def wrong(self, node: Node, where: str, what: str, right: str = "", **values: str) -> None:
        """Note a mistake at a node; the last one that is noted raises TooManyMistakes."""
        self.mistakes.append(Mistake(node.line, node.column, where, what, right, tuple(values.items())))
        if len(self.mistakes) == MOST_MISTAKES:
            rest = "there may be more mistakes after %(most)s"
            mistake = Mistake(node.line, node.column, "", rest, "mend these first", (("most", str(MOST_MISTAKES)),))
            self.mistakes.append(mistake)
            raise TooManyMistakes

    def doubtful(self, node: Node, where: str, what: str, right: str = "", **values: str) -> None:
        """A mistake, but in a form from elsewhere, where it does no harm, only a remark."""
        if not self.imported:
            self.wrong(node, where, what, right, **values)
        elif len(self.remarks) < MOST_MISTAKES:
            self.remarks.append(Mistake(node.line, node.column, where, what, right, tuple(values.items())))

    def not_one_of(self, node: Node, where: str, kind: str, word: str, known: Iterable[str]) -> None:
        """Note a word that is not among the known ones, with the likely one."""
        right, values = suggest(word, known, kind)
        self.wrong(node, where, "unknown %(kind)s %(word)s", right, **{"kind": kind, "word": shown(word), **values})

    def entries(
        self, node: Node, where: str, known: Collection[str], required: Iterable[str] = ()
    ) -> dict[str, Node] | None:
        """A mapping by key. Unknown, repeated and missing keys are noted; a key left blank counts as absent."""
        if not isinstance(node, Entries):
            self.wrong(
                node,
                where,
                "%(found)s where a mapping belongs",
                "its keys are: %(known)s",
                found=kind_of(node),
                known=", ".join(known),
            )
            return None
        found: dict[str, Node] = {}
        for key, value in node.pairs:
            if key.value not in known:
                self.not_one_of(key, where, "key", key.value, known)
            elif key.value in found:
                self.wrong(key, where, "the key %(key)s stands twice", "keep one of them", key=key.value)
            else:
                found[key.value] = value
        for name in required:
            if name not in found or (isinstance(found[name], Scalar) and found[name].blank):  # type: ignore[union-attr]
                self.wrong(found.get(name, node), where, "%(key)s is missing", "add %(key)s: ...", key=name)
        return {name: value for name, value in found.items() if not (isinstance(value, Scalar) and value.blank)}

    def items(self, node: Node, where: str, of: str) -> list[Node]:
        """A list that is not empty, else []."""
        if not isinstance(node, List):
            self.wrong(
                node,
                where,
                "%(found)s where a list of %(of)s belongs",
                "start each with - or write [a, b]",
                found=kind_of(node),
                of=of,
            )
            return []
        if not node.items:
            self.wrong(node, where, "the list of %(of)s is empty", "write at least one", of=of)
        return node.items

    def scalar(self, node: Node, where: str, wanted: str) -> str | None:
        """The text of a scalar, without outer blanks."""
        if isinstance(node, Scalar) and not node.blank and node.value.strip():
            return node.value.strip()
        right = "write %(wanted)s"
        if isinstance(node, Entries):
            right += "; a text with {unit} needs quotes"
        self.wrong(node, where, "%(found)s where %(wanted)s belongs", right, found=kind_of(node), wanted=wanted)
        return None

    def code(self, node: Node, where: str, pattern: re.Pattern[str], right: str) -> str | None:
        """A scalar that matches a pattern; `right` describes the pattern."""
        value = self.scalar(node, where, "a code")
        if value is None or pattern.match(value):
            return value
        self.wrong(node, where, "%(value)s is not allowed here", right, value=shown(value))
        return None

    def one_of(self, node: Node, where: str, kind: str, known: Collection[str]) -> str | None:
        value = self.scalar(node, where, "a " + kind)
        if value is None or value in known:
            return value
        self.not_one_of(node, where, kind, value, known)
        return None

    def codes(self, node: Node, where: str, kind: str, known: Collection[str]) -> tuple[str, ...]:
        """A list of codes, each known and none twice. A single one may stand without brackets."""
        nodes = [node] if isinstance(node, Scalar) else self.items(node, where, kind)
        found: list[str] = []
        for item in nodes:
            value = self.one_of(item, where, kind, known)
            if value is not None and value in found:
                self.wrong(item, where, "%(value)s stands twice", "keep one of them", value=value)
            elif value is not None:
                found.append(value)
        return tuple(found)

    def whole(self, node: Node, where: str, least: int, most: int) -> int | None:
        value = self.scalar(node, where, "a whole number")
        if value is None:
            return None
        if WHOLE.match(value) and least <= int(value) <= most:
            return int(value)
        self.wrong(
            node,
            where,
            "%(value)s is not a whole number from %(least)s to %(most)s",
            "write such a number",
            value=shown(value),
            least=str(least),
            most=str(most),
        )
        return None

    def number(self, node: Node, where: str, least: float, most: float, decimals: int = 9) -> float | None:
        value = self.scalar(node, where, "a number")
        if value is None:
            return None
        if DECIMAL.match(value) and least <= float(value) <= most and len(value.partition(".")[2]) <= decimals:
            return float(value)
        self.wrong(
            node,
            where,
            "%(value)s is not a number from %(least)s to %(most)s with at most %(decimals)s decimals",
            "write such a number",
            value=shown(value),
            least=f"{least:g}",
            most=f"{most:g}",
            decimals=str(decimals),
        )
        return None

    def decimal(self, node: Node, where: str) -> float | None:
        """Any number that can be written in digits."""
        return self.number(node, where, -1e15, 1e15)

    def boolean(self, node: Node, where: str) -> bool:
        value = self.scalar(node, where, "true or false")
        if value is not None and value.casefold() not in TRUE + FALSE:
            self.wrong(node, where, "%(value)s where true or false belongs", "write true or false", value=shown(value))
        return value is not None and value.casefold() in TRUE

    def words(self, node: Node, where: str, languages: tuple[str, ...]) -> Words | None:
        """A text in every language: present, of bounded length, printable, its placeholder spelled right everywhere."""
        if not languages:
            return None  # that mistake is noted where they are declared
        if isinstance(node, Scalar):
            self.wrong(
                node,
                where,
                "the text stands without its language",
                "write {%(pattern)s}",
                pattern=", ".join(f"{language}: ..." for language in languages),
            )
            return None
        known = (*languages, TRANSLATED_FROM)
        entries = self.entries(node, where, known, required=[one for one in languages if one not in self.translating])
        if entries is None:
            return None
        marks = entries.pop(TRANSLATED_FROM, None)
        found = {}
        for language, item in entries.items():
            text = self.scalar(item, where, "a text")
            if text is not None:
                self.plain(item, f"{where}/{language}", text)
                found[language] = text
        if not entries and all(one in self.translating for one in languages):
            self.wrong(node, where, "the text is in no language", "write it in at least one")
        self._same_names(node, where, found)
        return Words(
            tuple((language, found[language]) for language in languages if language in found),
            () if marks is None else self._marks(marks, f"{where}/{TRANSLATED_FROM}", tuple(found)),
        )

    def _same_names(self, node: Node, where: str, found: Mapping[str, str]) -> None:
        """Whether all languages name the unit, and the same answers."""
        naming = [language for language, text in found.items() if PLACEHOLDER in text]
        if naming and len(naming) < len(found):
            self.wrong(
                node,
                where,
                "%(naming)s names the unit and %(silent)s does not",
                "put {unit} into each language or into none",
                naming=", ".join(naming),
                silent=", ".join(language for language in found if language not in naming),
            )
        if any("${" in text for text in found.values()):
            names = dict.fromkeys(name for text in found.values() for name in ANSWER.findall(text))
            self.repeated += [(node, where, name) for name in names]

    def _marks(self, node: Node, where: str, languages: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        entries = self.entries(node, where, languages)
        marks = []
        for language, item in (entries or {}).items():
            value = self.code(item, where, MARK, "a mark has 8 digits and letters a to f")
            if value is not None:
                marks.append((language, value))
        return tuple(sorted(marks))

    def plain(self, node: Node, where: str, text: str, *, braces: bool = True) -> None:
        """Check a text that people will read."""
        if len(text) > MOST_WORDS:
            self.wrong(
                node,
                where,
                "the text has %(length)s characters",
                "at most %(most)s are allowed",
                length=str(len(text)),
                most=str(MOST_WORDS),
            )
        for character in text:
            if character in DISGUISING or (character != "\n" and unicodedata.category(character) in ("Cc", "Cs")):
                self.wrong(
                    node,
                    where,
                    "the text holds the invisible character %(character)s",
                    "remove it",
                    character=f"U+{ord(character):04X}",
                )
                break
        for found in BRACES.findall(text) if braces else ():
            if found != PLACEHOLDER and not ANSWER.fullmatch(found):
                self.wrong(
                    node,
                    where,
                    "%(braces)s is no placeholder",
                    "the only ones are {unit}, the name of the rated unit, and ${code}, an answer; "
                    "use other brackets for anything else",
                    braces=shown(found),
                )

    def expression(self, node: Node, where: str) -> Expression | None:
        source = self.scalar(node, where, "an expression")
        if source is None:
            return None
        try:
            return parse(source)
        except ExpressionError as error:
            values = {"at": str(error.at + 1), **error.values}
            what = error.what if error.values else error.what.replace("%", "%%")
            right = error.right if error.values else error.right.replace("%", "%%")
            self.wrong(node, where, "at character %(at)s of the expression: " + what, right, **values)
            return None


def kind_of(node: Node) -> str:
    """What a node is, in words."""
    if isinstance(node, Scalar):
        return "nothing" if node.blank or not node.value.strip() else "a text"
    return "a list" if isinstance(node, List) else "a mapping"


def code_of(node: Node) -> str | None:
    """The code a mapping says it has, for messages."""
    if isinstance(node, Entries):
        for key, value in node.pairs:
            if key.value == "code" and isinstance(value, Scalar) and CHOICE_CODE.match(value.value):
                return value.value
    return None
