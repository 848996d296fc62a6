"""One item of a questionnaire's file: its keys, choices, numbers and scores, and whether they fit its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from questionnaires.choices_reading import Lists, ReadChoices
from questionnaires.conditions import Conditions
from questionnaires.definition import (
    CHOSEN,
    NEVER_SCORED,
    NOT_ASKED,
    Choice,
    Question,
    QuestionRole,
    QuestionType,
    Words,
)
from questionnaires.document import Node, Scalar
from questionnaires.expression import Expression
from questionnaires.mistakes import shown
from questionnaires.reading import CODE, CODE_RIGHT, Reading
from questionnaires.score_reading import read_score

TYPES: tuple[str, ...] = get_args(QuestionType)
QUESTION_ROLES: tuple[str, ...] = get_args(QuestionRole)
FILE_KINDS = ("image", "audio", "video", "any")
METADATA_KINDS = (
    "start", "end", "today", "deviceid", "username", "email", "phonenumber", "subscriberid", "simserial", "audit",
    "background-audio", "start-geopoint", "background-geopoint", "other",
)  # fmt: skip

QUESTION_KEYS = (
    "code", "type", "text", "hint", "guidance", "choices", "choice_filter", "range", "step", "labels", "max_length",
    "relevant", "required", "required_message", "constraint", "constraint_message", "calculate", "trigger", "default",
    "default_from", "readonly", "exclusive", "role", "score", "randomise", "reverse_half", "sensitive", "appearance",
    "kind", "source", "tested",
)  # fmt: skip
# Keys that only some types have.
KEYS_OF_TYPES: Mapping[str, tuple[str, ...]] = {
    "choices": CHOSEN,
    "choice_filter": CHOSEN,
    "range": ("scale", "integer", "decimal"),
    "step": ("integer", "decimal"),
    "labels": ("scale", "integer"),
    "max_length": ("text",),
    "exclusive": ("multiple",),
    "randomise": CHOSEN,
    "reverse_half": ("single",),
    "score": ("multiple", "scale", "integer"),
    "kind": ("file", "metadata"),
}
# What a page knows to draw, or keeps for other programs.
APPEARANCES = frozenset((
    "annotate", "autocomplete", "bearing", "columns", "columns-pack", "compact", "draw", "field-list", "ethiopian",
    "hidden-answer", "horizontal", "horizontal-compact", "image-map", "islamic", "label", "likert", "list",
    "list-nolabel", "map", "masked", "minimal", "month-year", "multiline", "new", "new-front", "new-rear",
    "no-buttons", "no-calendar", "no-ticks", "numbers", "persian", "picker", "placement-map", "quick", "quickcompact",
    "rating", "signature", "spinner", "table-list", "thousands-sep", "url", "vertical", "year",
    *(f"columns-{n}" for n in range(1, 11)), *(f"compact-{n}" for n in range(1, 11)), *(f"w{n}" for n in range(1, 13)),
))  # fmt: skip

MOST_SCALE_STEPS = 20
MOST_INTEGER = 10**12
DEFAULT_INTEGER_RANGE = (0, 10**9)
DEFAULT_MAX_LENGTH = 500
GREATEST_MAX_LENGTH = 4000
MOST_DEFAULT = 4000


class QuestionReading:
    """Reads items, one after the other."""

    def __init__(self, reading: Reading, languages: tuple[str, ...], conditions: Conditions, lists: Lists) -> None:
        self.reading = reading
        self.languages = languages
        self.conditions = conditions
        self.lists = lists
        self.folded: dict[str, str] = {}  # codes without regard to capital letters

    def read(
        self, node: Node, where: str, group: str = "", statement: tuple[str, str | None, ReadChoices] | None = None
    ) -> Question | None:
        """An item.

        Parameters
        ----------
        statement : tuple, optional
            Type, list and choices that a matrix gives to its statements.
        """
        reading = self.reading
        keys = QUESTION_KEYS if statement is None else tuple(k for k in QUESTION_KEYS if k not in ("type", "choices"))
        entries = reading.entries(node, where, keys, required=("code",) if statement else ("code", "type"))
        if entries is None:
            return None
        code = reading.code(entries["code"], where, CODE, CODE_RIGHT) if "code" in entries else None
        if statement is not None:
            kind: str | None = statement[0]
        else:
            kind = reading.one_of(entries["type"], where, "type", TYPES) if "type" in entries else None
        if code is not None:
            self.new_code(code, entries["code"], where)
        self._fit_keys(entries, kind, where, node)
        words = {
            name: reading.words(entries[name], f"{where}/{name}", self.languages) if name in entries else None
            for name in ("text", "hint", "guidance", "required_message", "constraint_message", "source", "tested")
        }
        self.conditions.check_words(code)
        role = self._role(entries, kind, where)
        limits, decimals = self._range_of(entries, kind, where, node)
        step = reading.number(entries["step"], f"{where}/step", 1e-9, 1e9) if "step" in entries else None
        list_name, choices, anchors, columns = self._answers_of(entries, kind, where, limits, node, statement)
        exclusive = self._exclusive(entries, kind, where, choices, node)
        if kind in ("scale", "integer") and limits is None:
            entries.pop("score", None)  # its labels were not read: what it says of them cannot be judged
        score = read_score(reading, entries, kind, where, choices, role)
        required, always = self._truth(entries, "required", where, code)
        readonly, readonly_always = self._truth(entries, "readonly", where, code)
        max_length = None
        if kind == "text":
            max_length = DEFAULT_MAX_LENGTH
            if "max_length" in entries:
                max_length = reading.whole(entries["max_length"], f"{where}/max_length", 1, GREATEST_MAX_LENGTH)
        of_kind = None
        if kind in ("file", "metadata") and "kind" in entries:
            of_kind = reading.one_of(entries["kind"], where, "kind", FILE_KINDS if kind == "file" else METADATA_KINDS)
        relevant = self._expression(entries, "relevant", where, code)
        constraint = self._expression(entries, "constraint", where, code, itself=True)
        calculate = self._expression(entries, "calculate", where, code, free=True)
        choice_filter = None
        if "choice_filter" in entries:
            choice_filter = self.conditions.filter(entries["choice_filter"], f"{where}/choice_filter", code, columns)
        default, default_from = self._default(entries, where, code)
        trigger: tuple[str, ...] = ()
        if "trigger" in entries:
            trigger = reading.codes(entries["trigger"], f"{where}/trigger", "question", self.conditions.all_codes)
        randomise, reverse_half, sensitive = (
            reading.boolean(entries[key], f"{where}/{key}") if key in entries else False
            for key in ("randomise", "reverse_half", "sensitive")
        )
        if randomise and reverse_half:
            reading.wrong(node, where, "randomise and reverse_half at once", "keep the one that fits the choices")
        appearance = self.appearance(entries, where)
        if code is None or kind is None:
            self.conditions.unreadable.update([] if code is None else [code])
            return None
        question = Question(
            code=code,
            type=msgspec.convert(kind, QuestionType),
            text=words["text"] or Words(()),
            hint=words["hint"],
            guidance=words["guidance"],
            choices=choices,
            list=list_name,
            range=limits,
            limits=decimals,
            step=step,
            anchors=anchors,
            max_length=max_length,
            relevant=relevant,
            required=required,
            required_always=always,
            required_message=words["required_message"],
            constraint=constraint,
            constraint_message=words["constraint_message"],
            calculate=calculate,
            choice_filter=choice_filter,
            default=default,
            default_from=default_from,
            readonly=readonly,
            readonly_always=readonly_always,
            trigger=trigger,
            exclusive=exclusive,
            role=msgspec.convert(role, QuestionRole | None),
            score=score,
            randomise=randomise,
            reverse_half=reverse_half,
            sensitive=sensitive,
            appearance=appearance,
            kind=of_kind,
            group=group,
            source=words["source"],
            tested=words["tested"],
        )
        self.conditions.questions.setdefault(code, question)
        self.conditions.nodes.setdefault(code, node)
        return question

    def new_code(self, code: str, node: Node, where: str) -> None:
        """Refuse a code that another item or group has, even in other capitals: they would be one column."""
        before = self.folded.setdefault(code.casefold(), code)
        known = code in self.conditions.questions or code in self.conditions.groups
        if before == code and known:
            self.reading.wrong(node, where, "two questions have the code %(code)s", "give each its own", code=code)
        elif before != code:
            self.reading.wrong(
                node,
                where,
                "the codes %(one)s and %(other)s differ in capital letters only",
                "give each its own",
                one=before,
                other=code,
            )

    def appearance(self, entries: Mapping[str, Node], where: str) -> tuple[str, ...]:
        if "appearance" not in entries:
            return ()
        found = self.reading.scalar(entries["appearance"], where, "an appearance")
        words = tuple(dict.fromkeys((found or "").split()))
        for word in words:
            if word not in APPEARANCES:
                self.reading.not_one_of(entries["appearance"], where, "appearance", word, sorted(APPEARANCES))
        return words

    def _fit_keys(self, entries: dict[str, Node], kind: str | None, where: str, node: Node) -> None:
        """Keys that do not go with the type, and those that it needs."""
        reading = self.reading
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
        needed = (
            "text"
            if kind == "note" or kind not in NOT_ASKED
            else {"calculate": "calculate", "metadata": "kind"}.get(kind)
        )
        if needed is not None and needed not in entries and kind is not None:
            reading.wrong(node, where, "%(key)s is missing", "add %(key)s: ...", key=needed)

    def _role(self, entries: Mapping[str, Node], kind: str | None, where: str) -> str | None:
        if "role" not in entries:
            return None
        reading = self.reading
        role = reading.one_of(entries["role"], where, "role", QUESTION_ROLES)
        if role in ("stratum", "case_mix") and kind not in ("single", None):
            reading.wrong(
                entries["role"], where, "role %(role)s needs type single", "make it one, or drop the role", role=role
            )
        if role == "manipulation" and kind not in ("single", "multiple", "scale", "integer", None):
            reading.wrong(entries["role"], where, "role manipulation does not go with type text", "offer choices")
        return role

    def _expression(
        self,
        entries: Mapping[str, Node],
        key: str,
        where: str,
        code: str | None,
        *,
        free: bool = False,
        itself: bool = False,
    ) -> Expression | None:
        if key not in entries:
            return None
        return self.conditions.read(entries[key], f"{where}/{key}", code, free=free, itself=itself)

    def _truth(
        self, entries: Mapping[str, Node], key: str, where: str, own: str | None
    ) -> tuple[Expression | None, bool]:
        """True, false or a condition."""
        if key not in entries:
            return None, False
        node = entries[key]
        if isinstance(node, Scalar) and node.value.strip().casefold() in ("true", "yes", "false", "no"):
            return None, self.reading.boolean(node, f"{where}/{key}")
        return self.conditions.read(node, f"{where}/{key}", own), False

    def _default(
        self, entries: Mapping[str, Node], where: str, code: str | None
    ) -> tuple[str | None, Expression | None]:
        reading = self.reading
        if "default" in entries and "default_from" in entries:
            reading.wrong(entries["default"], where, "default and default_from at once", "keep one of them")
        default = reading.scalar(entries["default"], f"{where}/default", "a text") if "default" in entries else None
        if default is not None:
            reading.plain(entries["default"], f"{where}/default", default, braces=False)
            if len(default) > MOST_DEFAULT:
                reading.wrong(
                    entries["default"], where, "%(value)s is not allowed here", "write less", value=shown(default)
                )
        return default, self._expression(entries, "default_from", where, code, free=True)

    def _range_of(
        self, entries: Mapping[str, Node], kind: str | None, where: str, node: Node
    ) -> tuple[tuple[int, int] | None, tuple[float, float] | None]:
        """The range of whole numbers, and that of decimals."""
        reading = self.reading
        if kind not in ("scale", "integer", "decimal"):
            return None, None
        if "range" not in entries:
            if kind == "scale":
                reading.wrong(node, where, "a scale without range", "add range: [0, 10]")
            return (DEFAULT_INTEGER_RANGE if kind == "integer" else None), None
        ends = reading.items(entries["range"], f"{where}/range", "two numbers")
        if len(ends) != 2:
            if ends:
                reading.wrong(entries["range"], where, "a range has two numbers", "write range: [0, 10]")
            return None, None
        if kind == "decimal":
            least, most = (reading.decimal(end, f"{where}/range") for end in ends)
            if least is not None and most is not None and least >= most:
                reading.wrong(entries["range"], where, "the range is empty", "write the lower number first")
            return None, None if least is None or most is None else (least, most)
        low, high = (reading.whole(end, f"{where}/range", -MOST_INTEGER, MOST_INTEGER) for end in ends)
        if low is None or high is None:
            return None, None
        if low >= high:
            reading.wrong(entries["range"], where, "the range is empty", "write the lower number first")
            return None, None
        if kind == "scale" and high - low > MOST_SCALE_STEPS:
            reading.wrong(
                entries["range"],
                where,
                "a scale of %(steps)s steps",
                "at most %(most)s can be shown: use type integer",
                steps=str(high - low),
                most=str(MOST_SCALE_STEPS),
            )
        return (low, high), None

    def _answers_of(
        self,
        entries: Mapping[str, Node],
        kind: str | None,
        where: str,
        limits: tuple[int, int] | None,
        node: Node,
        statement: tuple[str, str | None, ReadChoices] | None,
    ) -> tuple[str | None, tuple[Choice, ...], tuple[tuple[int, Words], ...], set[str]]:
        """The list's name, the choices, for numbers the anchors, and the columns that the choices have."""
        if statement is not None:
            return statement[1], statement[2].choices, (), {"name"}
        if kind in CHOSEN:
            if "choices" not in entries:
                self.reading.wrong(
                    node, where, "a question of type %(type)s without choices", "add choices", type=str(kind)
                )
                return None, (), (), set()
            name, read = self.choices(entries["choices"], where, str(kind), filtered="choice_filter" in entries)
            return (
                name,
                read.choices,
                (),
                {"name"} | {column for choice in read.choices for column, _ in choice.columns},
            )
        if "labels" in entries and limits is not None:
            choices, anchors = self.lists.choices.labels(entries["labels"], f"{where}/labels", limits)
            return None, choices, anchors, set()
        return None, (), (), set()

    def choices(self, node: Node, where: str, kind: str, *, filtered: bool = False) -> tuple[str | None, ReadChoices]:
        """Choices that stand here, or those of a shared list that is named."""
        name, read = None, ReadChoices()
        if isinstance(node, Scalar):
            found = self.lists.find(node, f"{where}/choices")
            if found is not None:
                name, read = found
        else:
            read = self.lists.choices.read(node, f"{where}/choices")
        self.lists.choices.fit(read, node, f"{where}/choices", kind, filtered=filtered)
        return name, read

    def _exclusive(
        self, entries: Mapping[str, Node], kind: str | None, where: str, choices: tuple[Choice, ...], node: Node
    ) -> tuple[str, ...]:
        reading = self.reading
        codes = tuple(choice.code for choice in choices)
        exclusive: tuple[str, ...] = ()
        if "exclusive" in entries:
            exclusive = reading.codes(entries["exclusive"], f"{where}/exclusive", "choice", codes)
        if kind == "multiple":
            for reserved in NEVER_SCORED:
                if reserved in codes and reserved not in exclusive:
                    reading.doubtful(
                        entries.get("exclusive", node),
                        where,
                        "the choice %(code)s can be combined with others",
                        "add it to exclusive",
                        code=reserved,
                    )
        return exclusive
