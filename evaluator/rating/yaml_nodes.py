"""Parts of a YAML file with their places, read without failing: what is wrong is noted, with its line, and read on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

import yaml

from evaluator.rating.defects import likely
from evaluator.rating.scheme import Label

CODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


class Reader:
    """The file's name, and what was found wrong so far: line, message."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.defects: list[tuple[int, str]] = []
        self.warnings: list[tuple[int, str]] = []


class Node:
    """A YAML node with its place; every accessor notes a defect and gives a harmless value instead of failing."""

    def __init__(self, reader: Reader, node: yaml.Node, what: str) -> None:
        self.reader, self.node, self.what = reader, node, what

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def wrong(self, what: str, right: str) -> None:
        self.reader.defects.append((self.line, f"{self.reader.name}:{self.line} {what}; {right}"))

    def warn(self, what: str, right: str) -> None:
        self.reader.warnings.append((self.line, f"{self.reader.name}:{self.line} {what}; {right}"))

    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def is_blank(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:null"

    def items(self) -> list[tuple[str, Node]]:
        """The entries of a mapping, keys as written; a key given twice is a defect and its second value is left out."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(f"{self.what} is not a mapping", "write `key: value` pairs")
            return []
        found: dict[str, Node] = {}
        for key_node, value_node in self.node.value:
            key = Node(self.reader, key_node, f"a key of {self.what}")
            if not isinstance(key_node, yaml.ScalarNode):
                key.wrong(f"{key.what} is not a word", "write a single word before the colon")
                continue
            name = str(key_node.value)
            if name in found:
                key.wrong(f"{self.what} has {name!r} twice", f"keep one (the first is on line {found[name].line})")
                continue
            found[name] = Node(self.reader, value_node, f"{name!r} of {self.what}")
        return list(found.items())

    def fields(self, known: Sequence[str]) -> dict[str, Node]:
        """The entries of a mapping whose keys must be among `known`."""
        entries = dict(self.items())
        for key, node in entries.items():
            if key not in known:
                node.wrong(f"{self.what} has an unknown key {key!r}", likely(key, known))
        return {key: node for key, node in entries.items() if key in known and not node.is_blank()}

    def elements(self) -> Iterator[Node]:
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong(f"{self.what} is not a list", "write [a, b] or lines that begin with a dash")
            return
        for position, node in enumerate(self.node.value, start=1):
            yield Node(self.reader, node, f"element {position} of {self.what}")

    def text(self) -> str:
        if not isinstance(self.node, yaml.ScalarNode) or self.is_blank():
            self.wrong(f"{self.what} is not a text", "write one line of text")
            return ""
        return str(self.node.value)

    def code(self) -> str:
        value = self.text()
        if value and not CODE.fullmatch(value):
            self.wrong(f"{self.what} is {value!r}", "a code has Latin letters, digits, _ - . and no spaces")
        return value

    def codes(self) -> tuple[str, ...]:
        values = [element.code() for element in self.elements()]
        for value in sorted({value for value in values if values.count(value) > 1}):
            self.wrong(f"{self.what} names {value!r} twice", "name it once")
        return tuple(dict.fromkeys(values))

    def number(self, low: float = -math.inf, high: float = math.inf, above: float | None = None) -> float:
        value = self.text()
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            if value:
                self.wrong(f"{self.what} is {value!r}", "write a number")
            return 1.0
        if above is not None and number <= above:
            self.wrong(f"{self.what} is {value}", f"it must be above {above:g}")
            return 1.0
        if not low <= number <= high:
            right = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
            self.wrong(f"{self.what} is {value}", f"it must be {right}")
            return max(low, min(high, 1.0))
        return number

    def whole(self, low: int, high: int = 10**9) -> int:
        number = self.number(low, high)
        if number != int(number):
            self.wrong(f"{self.what} is {number:g}", "write a whole number")
        return int(number)

    def pair(self) -> tuple[float, float] | None:
        values = [element.number() for element in self.elements()] if self.is_list() else []
        if len(values) != 2:
            self.wrong(f"{self.what} is not two numbers", "write [from, to]")
            return None
        return values[0], values[1]

    def truth(self) -> bool:
        value = self.text().lower()
        if value not in ("true", "false", "yes", "no"):
            self.wrong(f"{self.what} is {value!r}", "write true or false")
        return value in ("true", "yes")

    def choice(self, known: Iterable[str]) -> str:
        known = tuple(known)
        value = self.text()
        if value not in known:
            if value:
                self.wrong(f"{self.what} is {value!r}", likely(value, known))
            return known[0]
        return value

    def label(self) -> Label:
        if not self.is_mapping():
            value = self.text()
            return Label(zh=value, en=value)
        fields = {key: node.text() for key, node in self.fields(("zh", "en")).items()}
        if not fields:
            self.wrong(f"{self.what} has no words", "write {zh: ..., en: ...}")
        either = next(iter(fields.values()), "")
        return Label(zh=fields.get("zh", either), en=fields.get("en", either))
