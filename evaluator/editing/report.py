"""What an operator should know of a version before it is published: its length, its changes, its quality rules."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from evaluator.collection.wording import short
from evaluator.language import gettext
from questionnaires.changes import EFFECTS, Effect
from questionnaires.definition import Questionnaire
from questionnaires.length import Way, ways
from questionnaires.versions import compare


def _(message: str) -> str:
    return message


class Route(msgspec.Struct, frozen=True):
    """A way through, by the sections that are met on it."""

    sections: tuple[str, ...]
    questions: tuple[int, int]
    seconds: tuple[float, float]

    @property
    def minutes(self) -> tuple[float, float]:
        return self.seconds[0] / 60, self.seconds[1] / 60


class Changed(msgspec.Struct, frozen=True):
    """A change from the version before."""

    place: str
    effect: Effect
    said: str


@lru_cache(maxsize=128)
def _ways(questionnaire: Questionnaire, tongue: str) -> tuple[Way, ...] | None:
    return ways(questionnaire, tongue)


def routes(questionnaire: Questionnaire, tongue: str) -> list[Route] | None:
    """The ways through with how long they take, the quickest first; None when they are too many to be told apart."""
    titles = {section.code: short(section.title, tongue) or section.code for section in questionnaire.sections}
    found = _ways(questionnaire, tongue)
    if found is None:
        return None
    return [Route(tuple(titles[code] for code in way.sections), way.questions, way.seconds) for way in found]


def changes(old: Questionnaire, new: Questionnaire) -> list[Changed]:
    """What changed, first what breaks comparison, then what somebody should know of, then the rest."""
    found = sorted(compare(old, new).changes, key=lambda change: -EFFECTS.index(change.effect))
    return [Changed(change.place, change.effect, change.message(gettext)) for change in found]
