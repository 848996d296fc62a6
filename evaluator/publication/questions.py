"""The words of questions and answers, so that distributions read as what people were asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from evaluator import language
from evaluator.collection.tables import QuestionnaireVersion
from questionnaires.definition import Question, Questionnaire, ScoreAny, ScoreLinear
from questionnaires.loading import load_shipped, loads, shipped
from questionnaires.mistakes import DefinitionError

MOST_NUMBERS = 20  # a question with a wider range shows the numbers that were given only


@dataclass(frozen=True, slots=True)
class AnswerWords:
    """An answer in the language of the request, and its score between 0 (worst) and 1; None: not scored."""

    text: str
    score: float | None


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """A question and its answers, those of a number or scale in their order, the others as in the questionnaire."""

    text: str
    answers: dict[str, AnswerWords]


def words_of(question: Question, spoken: str, unit: str) -> QuestionWords:
    """A question's words with the unit's name in its place."""
    answers: dict[str, AnswerWords] = {}
    if question.range is not None:
        low, high = question.range
        ends = {number: text.fill(spoken, unit) for number, text in question.anchors}
        rising = not isinstance(question.score, ScoreLinear) or question.score.high >= question.score.low
        for number in range(low, high + 1) if high - low <= MOST_NUMBERS else ():
            place = (number - low) / (high - low) if high > low else 0.0
            text = f"{number} · {ends[number]}" if number in ends else str(number)
            answers[str(number)] = AnswerWords(text, place if rising else 1 - place)
    for choice in question.choices:
        if isinstance(question.score, ScoreAny):
            scored = choice.code not in question.score.missing
            hit = question.score.hit if choice.code in question.score.of else question.score.miss
            score = hit / 100 if scored else None
        else:
            score = choice.score / 100 if choice.score is not None else None
        answers[choice.code] = AnswerWords(choice.text.fill(spoken, unit), score)
    return QuestionWords(question.text.fill(spoken, unit), answers)


@lru_cache(maxsize=32)
def _definition(text: str) -> Questionnaire | None:
    try:
        return loads(text)
    except DefinitionError:
        return None


@lru_cache(maxsize=1)
def _shipped() -> tuple[Questionnaire, ...]:
    return tuple(load_shipped(code) for code in shipped())


async def question_words(items: Iterable[str], unit: str) -> dict[str, QuestionWords]:
    """Words of the items that a stored or shipped questionnaire has; the newest stored one wins.

    Editions carry codes only. A code's words may be mended from one version to the next, its meaning never.
    """
    stored = (
        await QuestionnaireVersion.objects()
        .where(QuestionnaireVersion.published.eq(True))
        .order_by(QuestionnaireVersion.id, ascending=False)
    )
    known = [d for d in (_definition(row.definition) for row in stored) if d is not None]
    wanted = set(items)
    spoken = "en" if language.current.get() == "en" else "zh"
    found: dict[str, QuestionWords] = {}
    for definition in (*known, *_shipped()):
        for section in definition.sections:
            for question in section.questions:
                if question.code in wanted and question.code not in found:
                    found[question.code] = words_of(question, spoken, unit)
    return found
