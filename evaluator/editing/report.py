"""What an operator should know of a version before it is published: its length, its changes, its quality rules."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from evaluator.collection.wording import in_words, short
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


def quality_rules(questionnaire: Questionnaire, language: str) -> list[str]:
    """What raises a flag, a sentence each."""
    rules, found = questionnaire.quality, []
    texts = {item.code: short(item.text, language) or item.code for item in questionnaire.items}
    if rules.too_fast is not None:
        limit = {
            "under_25_seconds": _("Takes less than 25 seconds"),
            "under_60_seconds": _("Takes less than a minute"),
        }
        found.append(gettext(limit[rules.too_fast.duration_class]))
    if rules.prompted is not None:
        when = in_words(questionnaire, rules.prompted, language)
        found.append(gettext(_("Says that the answers were prompted: %(when)s")) % {"when": when})
    if rules.straight_lining is not None:
        among = gettext(_("; ")).join(texts[code] for code in rules.straight_lining.questions)
        found.append(
            gettext(_("Answers %(least)d questions in a row at the same position, among: %(questions)s"))
            % {"least": rules.straight_lining.at_least, "questions": among}
        )
    for one in rules.contradictions:
        when = in_words(questionnaire, one.when, language)
        found.append(gettext(_("Contradicts itself (%(flag)s): %(when)s")) % {"flag": one.flag, "when": when})
    if rules.near_duplicate is not None:
        found.append(
            gettext(_("Is the same as another response in %(percent)g%% of its answers, of at least %(least)d"))
            % {
                "percent": 100 * rules.near_duplicate.percent_match_at_least,
                "least": rules.near_duplicate.min_answered,
            }
        )
    if rules.burst is not None:
        found.append(
            gettext(_("Comes in a burst of responses on one unit within %(minutes)d minutes"))
            % {"minutes": rules.burst.window_minutes}
        )
    return found
