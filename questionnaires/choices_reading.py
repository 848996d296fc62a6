"""Choices of a questionnaire's file: lists, of one question or shared, and the labels of numbers."""

from __future__ import annotations

from typing import get_args

import msgspec

from questionnaires.definition import NEVER_SCORED, Choice, ChoiceRole, Words
from questionnaires.document import Entries, Node, Scalar
from questionnaires.reading import CHOICE_CODE, CHOICE_CODE_RIGHT, CODE, CODE_RIGHT, WHOLE, Reading, code_of

CHOICE_ROLES: tuple[str, ...] = get_args(ChoiceRole)
CHOICE_KEYS = ("code", "text", "score", "role", "columns")
MOST_CHOICES = 20_000


class ReadChoices(msgspec.Struct, frozen=True):
    """Choices as read, and what can only be judged with the question that they belong to."""

    choices: tuple[Choice, ...] = ()
    scored: tuple[tuple[str, bool, Node], ...] = ()  # code, whether it says a score, where
    twice: tuple[tuple[str, Node], ...] = ()  # codes that stand more than once, with other columns
    set_apart: tuple[tuple[str, Node], ...] = ()


class ChoicesReading:
    """Reads lists of choices."""

    def __init__(self, reading: Reading, languages: tuple[str, ...]) -> None:
        self.reading = reading
        self.languages = languages

    def read(self, node: Node, where: str) -> ReadChoices:
        reading = self.reading
        found: dict[tuple[str, tuple[tuple[str, str], ...]], Choice] = {}
        codes: set[str] = set()
        scored: list[tuple[str, bool, Node]] = []
        twice: list[tuple[str, Node]] = []
        set_apart: list[tuple[str, Node]] = []
        items = reading.items(node, where, "choices")
        if len(items) > MOST_CHOICES:
            reading.wrong(node, where, "more than %(most)s choices", "divide the list", most=str(MOST_CHOICES))
            return ReadChoices()
        for number, item in enumerate(items, 1):
            here = f"{where}/{code_of(item) or number}"
            entries = reading.entries(item, here, CHOICE_KEYS, required=("code", "text"))
            if entries is None:
                continue
            code = reading.code(entries["code"], here, CHOICE_CODE, CHOICE_CODE_RIGHT) if "code" in entries else None
            text = reading.words(entries["text"], f"{here}/text", self.languages) if "text" in entries else None
            score = reading.number(entries["score"], f"{here}/score", 0, 100, 3) if "score" in entries else None
            role = reading.one_of(entries["role"], here, "role", CHOICE_ROLES) if "role" in entries else None
            columns = self._columns(entries["columns"], f"{here}/columns") if "columns" in entries else ()
            says_score = isinstance(item, Entries) and any(key.value == "score" for key, _ in item.pairs)
            if score is not None and code in NEVER_SCORED:
                reading.wrong(entries["score"], here, "%(code)s is never scored", "write score: null", code=str(code))
            if role == "set_apart":
                set_apart.append((here, entries["role"]))
            if code is None:
                continue
            if (code, columns) in found:
                reading.wrong(
                    entries["code"], here, "two choices have the code %(code)s", "give each its own", code=code
                )
                continue
            if code in codes:
                twice.append((code, entries["code"]))
            codes.add(code)
            scored.append((code, says_score, item))
            found[code, columns] = Choice(
                code, text or Words(()), score, msgspec.convert(role, ChoiceRole | None), columns
            )
        return ReadChoices(tuple(found.values()), tuple(scored), tuple(twice), tuple(set_apart))

    def _columns(self, node: Node, where: str) -> tuple[tuple[str, str], ...]:
        """What a choice_filter reads, by name."""
        reading = self.reading
        if not isinstance(node, Entries):
            reading.wrong(node, where, "a mapping belongs here", "write {name: value}")
            return ()
        found: dict[str, str] = {}
        for key, value in node.pairs:
            name = reading.code(key, where, CODE, CODE_RIGHT)
            text = reading.scalar(value, f"{where}/{key.value}", "a text")
            if name in found:
                reading.wrong(key, where, "the key %(key)s stands twice", "keep one of them", key=str(name))
            elif name is not None and text is not None:
                reading.plain(value, where, text, braces=False)
                found[name] = text
        return tuple(sorted(found.items()))

    def fit(self, read: ReadChoices, node: Node, where: str, kind: str, *, filtered: bool) -> None:
        """What depends on the question: scores of all choices or of none, codes that stand twice."""
        reading = self.reading
        for _, says, item in read.scored if kind != "single" else ():
            if says:
                reading.wrong(
                    item,
                    where,
                    "a choice of a multiple choice with a score",
                    "write a rule: score: {rule: any, of: [...], hit: 0, miss: 100}",
                )
        for here, role in read.set_apart if kind != "single" else ():
            reading.wrong(role, here, "role set_apart needs type single", "move it to a single choice")
        if kind == "single" and any(says for _, says, _ in read.scored):
            for code, says, _ in read.scored:
                if not says:
                    reading.wrong(
                        node,
                        f"{where}/{code}",
                        "no score, while other choices have one",
                        "write score: null for a choice that is not scored",
                    )
        if not filtered:
            for code, at in read.twice:
                reading.wrong(at, where, "two choices have the code %(code)s", "give each its own", code=code)

    def labels(
        self, node: Node, where: str, limits: tuple[int, int]
    ) -> tuple[tuple[Choice, ...], tuple[tuple[int, Words], ...]]:
        """Labels of numbers are anchors; labels of other codes are answers beside the numbers."""
        reading = self.reading
        if not isinstance(node, Entries):
            reading.wrong(node, where, "a mapping belongs here", 'write {"0": {...}, "10": {...}, dk: {...}}')
            return (), ()
        choices: dict[str, Choice] = {}
        anchors: dict[int, Words] = {}
        seen: set[str] = set()
        for key, value in node.pairs:
            here = f"{where}/{key.value}"
            words = reading.words(value, here, self.languages) or Words(())
            if key.value in seen:
                reading.wrong(key, here, "the key %(key)s stands twice", "keep one of them", key=key.value)
            seen.add(key.value)
            if WHOLE.match(key.value):
                number = int(key.value)
                if not limits[0] <= number <= limits[1]:
                    reading.wrong(
                        key,
                        here,
                        "%(number)s is outside the range",
                        "label numbers from %(low)s to %(high)s",
                        number=key.value,
                        low=str(limits[0]),
                        high=str(limits[1]),
                    )
                anchors[number] = words
            elif reading.code(key, here, CODE, CODE_RIGHT) is not None:
                choices[key.value] = Choice(key.value, words)
        return tuple(choices.values()), tuple(sorted(anchors.items()))


class Lists:
    """The shared lists of a questionnaire, by name."""

    def __init__(self, reading: ChoicesReading, all_codes: dict[str, str]) -> None:
        self.choices = reading
        self.all_codes = all_codes
        self.lists: dict[str, ReadChoices] = {}

    def read(self, node: Node) -> None:
        reading = self.choices.reading
        if not isinstance(node, Entries):
            reading.wrong(node, "lists", "a mapping belongs here", "write {name: [choices], ...}")
            return
        for key, value in node.pairs:
            name = reading.code(key, "lists", CODE, CODE_RIGHT)
            if name is None:
                continue
            if name in self.lists:
                reading.wrong(key, "lists", "the key %(key)s stands twice", "keep one of them", key=name)
            if name in self.all_codes:
                reading.wrong(key, "lists", "a list and a question are both called %(name)s", "rename one", name=name)
            self.lists[name] = self.choices.read(value, f"lists/{name}")

    def find(self, node: Scalar, where: str) -> tuple[str, ReadChoices] | None:
        """The list that is named."""
        name = self.choices.reading.one_of(node, where, "list", list(self.lists))
        return None if name is None else (name, self.lists[name])
