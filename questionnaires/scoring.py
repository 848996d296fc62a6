"""How answers score, as plain values: what a rating needs of a questionnaire and nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from questionnaires.columns import COUNTED, column
from questionnaires.definition import Question, Questionnaire, ScoreAny, ScoreByChoice, ScoreLinear
from questionnaires.evaluation import Answer

THOUSANDTHS = 1000


@dataclass(frozen=True, slots=True)
class ItemScores:
    """How one question scores, in thousandths: 100 points are 100 000. Names and meaning are those of a rating's items.

    Kind "none" has no score: the question is here for its codes, or because a choice of it sets responses apart.
    """

    item: str
    kind: Literal["single", "any", "linear", "none"] = "none"
    scores: Mapping[str, int | None] = field(default_factory=dict)  # single: code -> score; None: not scored
    hit: tuple[str, ...] = ()  # any: codes that hit
    score_hit: int = 0  # any: score when one of them is chosen
    score_missed: int = 0  # any: score when none is
    low: float = 0.0  # linear: least and greatest answer
    high: float = 10.0
    score_low: int = 0  # linear: their scores
    score_high: int = 100 * THOUSANDTHS
    missing: tuple[str, ...] = ()  # any, linear: codes that are an answer but not scored
    codes: tuple[str, ...] = ()  # in the questionnaire's order; of a scale its numbers and then its choices
    set_apart: tuple[str, ...] = ()  # codes whose choice leaves the response out of the citizens' mean
    column: str = ""  # of the snapshot's responses


def scoring(questionnaire: Questionnaire) -> tuple[ItemScores, ...]:
    """Every question that has a column, in the questionnaire's order."""
    return tuple(_item(question) for question in questionnaire.questions if question.type in COUNTED)


def score(item: ItemScores, answer: Answer | None) -> int | None:
    """The score of one accepted answer in thousandths; None when it is blank or not scored.

    This says in one place what `ItemScores` means; a rating computes the same over millions of rows.

    >>> scale = ItemScores("fair", "linear", missing=("dk",))
    >>> score(scale, 7), score(scale, "dk")
    (70000, None)
    """
    if answer is None or item.kind == "none":
        return None
    chosen = answer if isinstance(answer, tuple) else (str(answer),)
    if item.kind == "single":
        return item.scores[chosen[0]]
    if item.kind == "any" and any(code in item.hit for code in chosen):
        return item.score_hit
    if any(code in item.missing for code in chosen):
        return None
    if item.kind == "any":
        return item.score_missed
    slope = (item.score_high - item.score_low) / (item.high - item.low)
    return round(item.score_low + (float(chosen[0]) - item.low) * slope)


def _item(question: Question) -> ItemScores:
    choices = tuple(choice.code for choice in question.choices)
    low, high = question.range or (0, 10)
    numbers = tuple(str(number) for number in range(low, high + 1)) if question.type == "scale" else ()
    kind: Literal["single", "any", "linear", "none"] = "none"
    scores: dict[str, int | None] = {}
    rule_any, rule_linear = ScoreAny((), 0, 0), ScoreLinear(0, 100)
    missing: tuple[str, ...] = ()
    if isinstance(question.score, ScoreByChoice):
        kind = "single"
        scores = {
            choice.code: None if choice.score is None else _thousandths(choice.score) for choice in question.choices
        }
    elif isinstance(question.score, ScoreAny):
        kind, rule_any, missing = "any", question.score, question.score.missing
    elif isinstance(question.score, ScoreLinear):
        kind, rule_linear, missing = "linear", question.score, question.score.missing
    return ItemScores(
        item=question.code,
        kind=kind,
        scores=scores,
        hit=rule_any.of,
        score_hit=_thousandths(rule_any.hit),
        score_missed=_thousandths(rule_any.miss),
        low=float(low),
        high=float(high),
        score_low=_thousandths(rule_linear.low),
        score_high=_thousandths(rule_linear.high),
        missing=missing,
        codes=numbers + choices,
        set_apart=tuple(choice.code for choice in question.choices if choice.role == "set_apart"),
        column=column(question),
    )


def _thousandths(score: float) -> int:
    return round(score * THOUSANDTHS)
