"""The words of questions and answers, so that distributions read as what people were asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from evaluator import language
from evaluator.collection.tables import QuestionnaireVersion
from questionnaires.definition import Questionnaire
from questionnaires.loading import load_shipped, loads, shipped
from questionnaires.mistakes import DefinitionError


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """A question and its answers in the language of the request; answers in the questionnaire's order."""

    text: str
    choices: dict[str, str]


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
    stored = await QuestionnaireVersion.objects().order_by(QuestionnaireVersion.id, ascending=False)
    known = [d for d in (_definition(row.definition) for row in stored) if d is not None]
    wanted = set(items)
    spoken = "en" if language.current.get() == "en" else "zh"
    found: dict[str, QuestionWords] = {}
    for definition in (*known, *_shipped()):
        for section in definition.sections:
            for question in section.questions:
                if question.code in wanted and question.code not in found:
                    choices = {choice.code: choice.text.fill(spoken, unit) for choice in question.choices}
                    found[question.code] = QuestionWords(question.text.fill(spoken, unit), choices)
    return found
