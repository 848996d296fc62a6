"""What a questionnaire is: frozen, hashable values that are right by construction, made by `questionnaires.loading`.

Words (labels, hints, titles) are plain text in every language of the questionnaire. They are never markup and never a
format string: `Words.fill` replaces the one placeholder and nothing else, and templates escape the result.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from questionnaires.expression import Expression

QuestionType = Literal["single", "multiple", "scale", "integer", "text"]
QuestionRole = Literal["stratum", "case_mix", "manipulation"]
ChoiceRole = Literal["manipulation", "set_apart"]

PLACEHOLDER = "{unit}"  # replaced by the name of the rated unit
NEVER_SCORED = ("dk", "skip")  # reserved choice codes: doesn't know, prefers not to say


class Words(msgspec.Struct, frozen=True, cache_hash=True):
    """One text in all the languages of its questionnaire, the questionnaire's first language first."""

    texts: tuple[tuple[str, str], ...]  # (language, text)

    def __getitem__(self, language: str) -> str:
        for code, text in self.texts:
            if code == language:
                return text
        raise KeyError(language)

    def fill(self, language: str, unit: str) -> str:
        """The text in a language, with the unit's name in its place.

        For `zh-CN` that is `zh-CN`, else `zh`, else the questionnaire's first language.
        """
        texts = dict(self.texts)
        text = texts.get(language) or texts.get(language.partition("-")[0]) or self.texts[0][1]
        return text.replace(PLACEHOLDER, unit)


class Choice(msgspec.Struct, frozen=True):
    """An answer that can be chosen. Its code never changes; its words may."""

    code: str
    text: Words
    score: float | None = None  # 0 to 100; None: not scored, left out of the mean
    role: ChoiceRole | None = None


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
    """One question. `choices` of a scale or whole number are the answers beside its numbers, such as "don't know"."""

    code: str
    type: QuestionType
    text: Words
    hint: Words | None = None
    choices: tuple[Choice, ...] = ()
    range: tuple[int, int] | None = None  # scale and whole number: least and greatest answer
    anchors: tuple[tuple[int, Words], ...] = ()  # scale: what a number means, for some of them
    max_length: int | None = None  # text: most characters
    relevant: Expression | None = None  # its own condition; its section's comes on top
    required: Expression | None = None  # None: never
    required_always: bool = False
    exclusive: tuple[str, ...] = ()  # multiple: choices that go with no other
    role: QuestionRole | None = None
    score: ScoringRule | None = None
    randomise: bool = False
    reverse_half: bool = False  # half of the respondents see the ordered choices reversed
    sensitive: bool = False

    def choice(self, code: str) -> Choice:
        """The choice with this code; KeyError when there is none."""
        for choice in self.choices:
            if choice.code == code:
                return choice
        raise KeyError(code)


class Section(msgspec.Struct, frozen=True):
    code: str
    title: Words
    questions: tuple[Question, ...]
    note: Words | None = None
    relevant: Expression | None = None


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
    target_median: int | None = None  # seconds
    target_floor: int | None = None  # seconds
    routes: tuple[tuple[str, int], ...] = ()  # name of a way through and how many questions it has
    quality: Quality = Quality()

    @property
    def identifier(self) -> str:
        return f"{self.code}@{self.version}"

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions in order, of all sections."""
        return tuple(question for section in self.sections for question in section.questions)

    def question(self, code: str) -> Question:
        """The question with this code; KeyError when there is none."""
        for section in self.sections:
            for question in section.questions:
                if question.code == code:
                    return question
        raise KeyError(code)
