"""What a questionnaire is: frozen, hashable values that are right by construction, made by `questionnaires.loading`.

A section holds its items in one flat row, in the order of the form: what is asked, what is shown, what is calculated.
Groups within a section are kept beside them, and each item names the innermost group that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from questionnaires.expression import Expression
from questionnaires.words import PLACEHOLDER, Words

__all__ = ["PLACEHOLDER", "Words"]

QuestionType = Literal[
    "single", "multiple", "scale", "integer", "decimal", "date", "time", "datetime", "text", "acknowledge", "file",
    "rank", "geopoint", "geotrace", "geoshape", "barcode", "note", "calculate", "hidden", "metadata",
]  # fmt: skip
NOT_ASKED = frozenset(("note", "calculate", "hidden", "metadata"))  # items that nobody answers
CHOSEN = ("single", "multiple", "rank")  # types with a list of choices
GroupKind = Literal["group", "repeat", "matrix"]
QuestionRole = Literal["stratum", "case_mix", "manipulation"]
ChoiceRole = Literal["manipulation", "set_apart"]
Show = Literal["together", "one_by_one"]

NEVER_SCORED = ("dk", "skip")  # reserved choice codes: doesn't know, prefers not to say


class Choice(msgspec.Struct, frozen=True):
    """An answer that can be chosen. Its code never changes; its words may."""

    code: str
    text: Words
    score: float | None = None  # 0 to 100; None: not scored, left out of the mean
    role: ChoiceRole | None = None
    columns: tuple[tuple[str, str], ...] = ()  # what a choice_filter reads of it


class ScoreByChoice(msgspec.Struct, frozen=True, tag="single"):
    """A single choice scores what its choices say."""


class ScoreAny(msgspec.Struct, frozen=True, tag="any"):
    """A multiple choice scores `hit` when one of `of` was chosen, nothing when one of `missing` was, else `miss`."""

    of: tuple[str, ...]
    hit: float
    miss: float
    missing: tuple[str, ...] = ()


class ScoreLinear(msgspec.Struct, frozen=True, tag="linear"):
    """A number scores on the line from `low` (at the lower end of the range) to `high` (at its upper end)."""

    low: float
    high: float
    missing: tuple[str, ...] = ()


ScoringRule = ScoreByChoice | ScoreAny | ScoreLinear


class Question(msgspec.Struct, frozen=True):
    """One item. `choices` of a scale or whole number are the answers beside its numbers, such as "don't know"."""

    code: str
    type: QuestionType
    text: Words  # empty for what is not shown
    hint: Words | None = None
    guidance: Words | None = None  # more help, for who asks for it
    choices: tuple[Choice, ...] = ()
    list: str | None = None  # the shared list that the choices come from
    range: tuple[int, int] | None = None  # scale and whole number: least and greatest answer
    limits: tuple[float, float] | None = None  # decimal: least and greatest answer
    step: float | None = None  # whole number and decimal: answers are so far apart, from the least one on
    anchors: tuple[tuple[int, Words], ...] = ()  # scale: what a number means, for some of them
    max_length: int | None = None  # text: most characters
    relevant: Expression | None = None  # its own condition; those of its groups and its section come on top
    required: Expression | None = None  # None: never
    required_always: bool = False
    required_message: Words | None = None
    constraint: Expression | None = None
    constraint_message: Words | None = None
    calculate: Expression | None = None
    choice_filter: Expression | None = None  # over answers, and columns of a choice as `${choice.COLUMN}`
    default: str | None = None  # what the answer is at first
    default_from: Expression | None = None  # the same, worked out once at the start
    readonly: Expression | None = None
    readonly_always: bool = False
    trigger: tuple[str, ...] = ()  # worked out anew only when one of these changes
    exclusive: tuple[str, ...] = ()  # multiple: choices that go with no other
    role: QuestionRole | None = None
    score: ScoringRule | None = None
    randomise: bool = False
    reverse_half: bool = False  # half of the respondents see the ordered choices reversed
    sensitive: bool = False
    appearance: tuple[str, ...] = ()
    kind: str | None = None  # of a file: image, audio, video, any; of metadata: what it holds
    group: str = ""  # the innermost group that it stands in
    source: Words | None = None  # where the question comes from
    tested: Words | None = None  # how it was tested

    @property
    def asked(self) -> bool:
        """Whether somebody answers it."""
        return self.type not in NOT_ASKED

    def choice(self, code: str) -> Choice:
        """The choice with this code; KeyError when there is none."""
        for choice in self.choices:
            if choice.code == code:
                return choice
        raise KeyError(code)


class Group(msgspec.Struct, frozen=True):
    """Items that belong together: shown when `relevant` holds, and together when it says so. May stand in another."""

    code: str
    kind: GroupKind = "group"
    title: Words | None = None  # of a matrix: its question
    hint: Words | None = None
    relevant: Expression | None = None
    parent: str = ""
    together: bool = False  # one screen, whatever the section says
    appearance: tuple[str, ...] = ()
    count: Expression | None = None  # repeat: how often


class Section(msgspec.Struct, frozen=True):
    code: str
    title: Words | None
    items: tuple[Question, ...]
    groups: tuple[Group, ...] = ()  # in the order of the form, a group before those in it
    note: Words | None = None
    relevant: Expression | None = None
    show: Show = "together"

    @property
    def questions(self) -> tuple[Question, ...]:
        """The items that somebody answers."""
        return tuple(item for item in self.items if item.type not in NOT_ASKED)

    def group(self, code: str) -> Group:
        """The group with this code; KeyError when there is none."""
        for group in self.groups:
            if group.code == code:
                return group
        raise KeyError(code)

    def around(self, item: Question) -> tuple[Group, ...]:
        """The groups that an item stands in, the innermost first."""
        found = []
        code = item.group
        while code:
            group = self.group(code)
            found.append(group)
            code = group.parent
        return tuple(found)


class TooFast(msgspec.Struct, frozen=True):
    duration_class: str  # a response of this class of duration is flagged


class StraightLining(msgspec.Struct, frozen=True):
    questions: tuple[str, ...]
    at_least: int  # that many answers in a row at the same position


class Contradiction(msgspec.Struct, frozen=True):
    when: Expression
    flag: str


class NearDuplicate(msgspec.Struct, frozen=True):
    percent_match_at_least: float
    min_answered: int
    within: tuple[str, ...]


class Burst(msgspec.Struct, frozen=True):
    window_minutes: int
    poisson_p_below: float
    per: str


class Quality(msgspec.Struct, frozen=True):
    """What raises a flag. A flag never deletes an answer: results are shown with and without the flagged ones."""

    too_fast: TooFast | None = None
    prompted: Expression | None = None
    straight_lining: StraightLining | None = None
    contradictions: tuple[Contradiction, ...] = ()
    near_duplicate: NearDuplicate | None = None
    burst: Burst | None = None


class Questionnaire(msgspec.Struct, frozen=True, cache_hash=True):
    """A version of a questionnaire. `code@version` names it for good once somebody has answered it."""

    code: str
    version: str
    languages: tuple[str, ...]
    sections: tuple[Section, ...]
    title: Words | None = None
    subject: Literal["unit"] = "unit"
    audience: Literal["public", "assessors"] = "public"
    translating: tuple[str, ...] = ()  # languages whose texts may still be missing
    imported: bool = False  # from XLSForm: conditions may name later questions, and codes that do not exist
    target_median: int | None = None  # seconds
    target_floor: int | None = None  # seconds
    routes: tuple[tuple[str, int], ...] = ()  # name of a way through and how many questions it has
    quality: Quality = Quality()
    source: Words | None = None
    tested: Words | None = None

    @property
    def identifier(self) -> str:
        return f"{self.code}@{self.version}"

    @property
    def items(self) -> tuple[Question, ...]:
        """All items in order, of all sections."""
        return tuple(item for section in self.sections for item in section.items)

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions in order, of all sections: the items that somebody answers."""
        return tuple(item for section in self.sections for item in section.items if item.type not in NOT_ASKED)

    def question(self, code: str) -> Question:
        """The item with this code; KeyError when there is none."""
        for section in self.sections:
            for question in section.items:
                if question.code == code:
                    return question
        raise KeyError(code)

    def texts(self) -> Iterator[tuple[str, Words]]:
        """Every text with its place, in the order of the form; a shared list of choices once."""
        told: set[str] = set()
        for name in ("title", "source", "tested"):
            if (words := getattr(self, name)) is not None:
                yield name, words
        for section in self.sections:
            yield from _of(section, section.code, ("title", "note"))
            for group in section.groups:
                yield from _of(group, f"{section.code}/{group.code}", ("title", "hint"))
            for item in section.items:
                place = f"{section.code}/{item.code}"
                yield from _of(item, place, TEXTS)
                for number, words in item.anchors:
                    yield f"{place}/labels/{number}", words
                if item.list is not None:
                    place = item.list
                    if place in told:
                        continue
                    told.add(place)
                for choice in item.choices:
                    yield f"{place}/{choice.code}", choice.text


TEXTS = ("text", "hint", "guidance", "required_message", "constraint_message", "source", "tested")


def _of(part: object, place: str, names: tuple[str, ...]) -> Iterator[tuple[str, Words]]:
    for name in names:
        words = getattr(part, name)
        if words is not None and words.texts:
            yield f"{place}/{name}", words
