"""One question of a questionnaire's file: its keys, choices, numbers and scores, and whether they fit its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from questionnaires.conditions import Conditions
from questionnaires.definition import (
    NEVER_SCORED,
    Choice,
    ChoiceRole,
    Question,
    QuestionRole,
    QuestionType,
    ScoreAny,
    ScoreByChoice,
    ScoreLinear,
    ScoringRule,
    Words,
)
from questionnaires.document import Entries, Node, Scalar
from questionnaires.expression import Expression
from questionnaires.reading import CHOICE_CODE, CHOICE_CODE_RIGHT, CODE, CODE_RIGHT, WHOLE, Reading, code_of

TYPES: tuple[str, ...] = get_args(QuestionType)
QUESTION_ROLES: tuple[str, ...] = get_args(QuestionRole)
CHOICE_ROLES: tuple[str, ...] = get_args(ChoiceRole)

CHOICE_KEYS = ("code", "text", "score", "role")
QUESTION_KEYS = (
    "code",
    "type",
    "text",
    "hint",
    "choices",
    "range",
    "labels",
    "max_length",
    "relevant",
    "required",
    "exclusive",
    "role",
    "score",
    "randomise",
    "reverse_half",
    "sensitive",
)
# Keys that only some types have.
KEYS_OF_TYPES: Mapping[str, tuple[str, ...]] = {
    "choices": ("single", "multiple"),
    "range": ("scale", "integer"),
    "labels": ("scale", "integer"),
    "max_length": ("text",),
    "exclusive": ("multiple",),
    "randomise": ("single", "multiple"),
    "reverse_half": ("single",),
    "score": ("multiple", "scale", "integer"),
}

MOST_SCALE_STEPS = 20
MOST_INTEGER = 10**12
DEFAULT_INTEGER_RANGE = (0, 10**9)
DEFAULT_MAX_LENGTH = 500
GREATEST_MAX_LENGTH = 4000


class QuestionReading:
    """Reads questions, one after the other."""

    def __init__(self, reading: Reading, languages: tuple[str, ...], conditions: Conditions) -> None:
        self.reading = reading
        self.languages = languages
        self.conditions = conditions

    def read(self, node: Node, where: str) -> Question | None:
        reading = self.reading
        entries = reading.entries(node, where, QUESTION_KEYS, required=("code", "type", "text"))
        if entries is None:
            return None
        code = reading.code(entries["code"], where, CODE, CODE_RIGHT) if "code" in entries else None
        kind = reading.one_of(entries["type"], where, "type", TYPES) if "type" in entries else None
        text = reading.words(entries["text"], f"{where}/text", self.languages) if "text" in entries else None
        if code is not None and code in self.conditions.questions:
            reading.wrong(
                entries["code"], where, "two questions have the code %(code)s", "give each its own", code=code
            )
        for key, types in KEYS_OF_TYPES.items():
            if kind is not None and key in entries and kind not in types:
                right = "it goes with type %(types)s"
                if key == "score" and kind == "single":
                    right = "the scores of a single choice stand at its choices"
                reading.wrong(
                    entries.pop(key),
                    where,
                    "%(key)s does not go with type %(type)s",
                    right,
                    key=key,
                    type=kind,
                    types=" or ".join(types),
                )
        role = reading.one_of(entries["role"], where, "role", QUESTION_ROLES) if "role" in entries else None
        if role in ("stratum", "case_mix") and kind not in ("single", None):
            reading.wrong(
                entries["role"], where, "role %(role)s needs type single", "make it one, or drop the role", role=role
            )
        if role == "manipulation" and kind == "text":
            reading.wrong(entries["role"], where, "role manipulation does not go with type text", "offer choices")
        limits = self._range_of(entries, kind, where, node)
        choices, anchors = self._answers_of(entries, kind, where, limits, node)
        codes = tuple(choice.code for choice in choices)
        exclusive: tuple[str, ...] = ()
        if "exclusive" in entries:
            exclusive = reading.codes(entries["exclusive"], f"{where}/exclusive", "choice", codes)
        if kind == "multiple":
            for reserved in NEVER_SCORED:
                if reserved in codes and reserved not in exclusive:
                    reading.wrong(
                        entries.get("exclusive", node),
                        where,
                        "the choice %(code)s can be combined with others",
                        "add it to exclusive",
                        code=reserved,
                    )
        if kind in ("scale", "integer") and limits is None:
            entries.pop("score", None)  # its labels were not read: what it says of them cannot be judged
        score = self._score_of(entries, kind, where, choices, role)
        required, always = None, False
        if "required" in entries:
            required, always = self._required_of(entries["required"], f"{where}/required", code)
        max_length = None
        if kind == "text":
            max_length = DEFAULT_MAX_LENGTH
            if "max_length" in entries:
                max_length = reading.whole(entries["max_length"], f"{where}/max_length", 1, GREATEST_MAX_LENGTH)
        hint = reading.words(entries["hint"], f"{where}/hint", self.languages) if "hint" in entries else None
        relevant = None
        if "relevant" in entries:
            relevant = self.conditions.read(entries["relevant"], f"{where}/relevant", code)
        randomise, reverse_half, sensitive = (
            reading.boolean(entries[key], f"{where}/{key}") if key in entries else False
            for key in ("randomise", "reverse_half", "sensitive")
        )
        if randomise and reverse_half:
            reading.wrong(node, where, "randomise and reverse_half at once", "keep the one that fits the choices")
        if code is None or kind is None:
            self.conditions.unreadable.update([] if code is None else [code])
            return None
        question = Question(
            code=code,
            type=msgspec.convert(kind, QuestionType),
            text=text or Words(()),
            hint=hint,
            choices=choices,
            range=limits,
            anchors=anchors,
            max_length=max_length,
            relevant=relevant,
            required=required,
            required_always=always,
            exclusive=exclusive,
            role=msgspec.convert(role, QuestionRole | None),
            score=score,
            randomise=randomise,
            reverse_half=reverse_half,
            sensitive=sensitive,
        )
        self.conditions.questions.setdefault(code, question)
        return question

    def _range_of(
        self, entries: Mapping[str, Node], kind: str | None, where: str, node: Node
    ) -> tuple[int, int] | None:
        reading = self.reading
        if kind not in ("scale", "integer"):
            return None
        if "range" not in entries:
            if kind == "integer":
                return DEFAULT_INTEGER_RANGE
            reading.wrong(node, where, "a scale without range", "add range: [0, 10]")
            return None
        ends = reading.items(entries["range"], f"{where}/range", "two numbers")
        if len(ends) != 2:
            if ends:
                reading.wrong(entries["range"], where, "a range has two numbers", "write range: [0, 10]")
            return None
        low = reading.whole(ends[0], f"{where}/range", -MOST_INTEGER, MOST_INTEGER)
        high = reading.whole(ends[1], f"{where}/range", -MOST_INTEGER, MOST_INTEGER)
        if low is None or high is None:
            return None
        if low >= high:
            reading.wrong(entries["range"], where, "the range is empty", "write the lower number first")
            return None
        if kind == "scale" and high - low > MOST_SCALE_STEPS:
            reading.wrong(
                entries["range"],
                where,
                "a scale of %(steps)s steps",
                "at most %(most)s can be shown: use type integer",
                steps=str(high - low),
                most=str(MOST_SCALE_STEPS),
            )
        return low, high

    def _answers_of(
        self, entries: Mapping[str, Node], kind: str | None, where: str, limits: tuple[int, int] | None, node: Node
    ) -> tuple[tuple[Choice, ...], tuple[tuple[int, Words], ...]]:
        """Choices, and for numbers the anchors too."""
        if kind in ("single", "multiple"):
            if "choices" not in entries:
                self.reading.wrong(node, where, "a question of type %(type)s without choices", "add choices", type=kind)
                return (), ()
            return self._choices(entries["choices"], f"{where}/choices", kind), ()
        if "labels" in entries and limits is not None:
            return self._labels(entries["labels"], f"{where}/labels", limits)
        return (), ()

    def _choices(self, node: Node, where: str, kind: str) -> tuple[Choice, ...]:
        reading = self.reading
        found: dict[str, Choice] = {}
        scored: dict[str, bool] = {}
        for number, item in enumerate(reading.items(node, where, "choices"), 1):
            here = f"{where}/{code_of(item) or number}"
            entries = reading.entries(item, here, CHOICE_KEYS, required=("code", "text"))
            if entries is None:
                continue
            code = reading.code(entries["code"], here, CHOICE_CODE, CHOICE_CODE_RIGHT) if "code" in entries else None
            text = reading.words(entries["text"], f"{here}/text", self.languages) if "text" in entries else None
            score = reading.number(entries["score"], f"{here}/score", 0, 100, 3) if "score" in entries else None
            role = reading.one_of(entries["role"], here, "role", CHOICE_ROLES) if "role" in entries else None
            says_score = isinstance(item, Entries) and any(key.value == "score" for key, _ in item.pairs)
            if says_score and kind == "multiple":
                reading.wrong(
                    item,
                    here,
                    "a choice of a multiple choice with a score",
                    "write a rule: score: {rule: any, of: [...], hit: 0, miss: 100}",
                )
            elif score is not None and code in NEVER_SCORED:
                reading.wrong(entries["score"], here, "%(code)s is never scored", "write score: null", code=str(code))
            if role == "set_apart" and kind != "single":
                reading.wrong(entries["role"], here, "role set_apart needs type single", "move it to a single choice")
            if code is not None and code in found:
                reading.wrong(
                    entries["code"], here, "two choices have the code %(code)s", "give each its own", code=code
                )
            elif code is not None:
                scored[code] = says_score
                found[code] = Choice(code, text or Words(()), score, msgspec.convert(role, ChoiceRole | None))
        if kind == "single" and any(scored.values()):
            for code, says in scored.items():
                if not says:
                    reading.wrong(
                        node,
                        f"{where}/{code}",
                        "no score, while other choices have one",
                        "write score: null for a choice that is not scored",
                    )
        return tuple(found.values())

    def _labels(
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

    def _score_of(
        self, entries: Mapping[str, Node], kind: str | None, where: str, choices: tuple[Choice, ...], role: str | None
    ) -> ScoringRule | None:
        reading = self.reading
        rule: ScoringRule | None = None
        if kind == "single" and any(choice.score is not None for choice in choices):
            rule = ScoreByChoice()
        elif "score" in entries and kind in ("multiple", "scale", "integer"):
            here = f"{where}/score"
            wanted = "any" if kind == "multiple" else "linear"
            keys = (
                ("rule", "of", "hit", "miss", "missing") if kind == "multiple" else ("rule", "low", "high", "missing")
            )
            found = reading.entries(entries["score"], here, keys, required=keys[:-1])
            if found is None:
                return None
            if "rule" in found:
                reading.one_of(found["rule"], here, "rule for this type", (wanted,))
            codes = tuple(choice.code for choice in choices)
            first, second = ("hit", "miss") if kind == "multiple" else ("low", "high")
            one = reading.number(found[first], f"{here}/{first}", 0, 100, 3) if first in found else None
            two = reading.number(found[second], f"{here}/{second}", 0, 100, 3) if second in found else None
            if one is not None and one == two:
                reading.wrong(
                    found[second],
                    here,
                    "%(first)s and %(second)s score the same",
                    "make them differ",
                    first=first,
                    second=second,
                )
            missing = reading.codes(found["missing"], f"{here}/missing", "choice", codes) if "missing" in found else ()
            of = (
                reading.codes(found["of"], f"{here}/of", "choice", codes)
                if kind == "multiple" and "of" in found
                else ()
            )
            # Beside the numbers of a scale there is nothing that could be scored.
            needed = codes if kind != "multiple" else tuple(code for code in NEVER_SCORED if code in codes)
            for code in needed:
                if code not in missing:
                    reading.wrong(
                        found.get("missing", entries["score"]),
                        here,
                        "%(code)s is never scored",
                        "add it to missing",
                        code=code,
                    )
            for code in of:
                if code in missing:
                    reading.wrong(
                        found["of"], here, "%(code)s is both in of and in missing", "keep it in one", code=code
                    )
            if one is None or two is None:
                return None
            rule = ScoreAny(of, one, two, missing) if kind == "multiple" else ScoreLinear(one, two, missing)
        if rule is not None and role is not None:
            reading.wrong(
                entries["role"], where, "a question of role %(role)s is never scored", "drop its scores", role=role
            )
        return rule

    def _required_of(self, node: Node, where: str, own: str | None) -> tuple[Expression | None, bool]:
        if isinstance(node, Scalar) and node.value.strip().casefold() in ("true", "yes", "false", "no"):
            return None, self.reading.boolean(node, where)
        return self.conditions.read(node, where, own), False
