"""What an operator should know of a version before it is published: translations and quality rules."""

from __future__ import annotations

import msgspec

from evaluator.editing.wording import in_words, short
from evaluator.language import gettext
from questionnaires.definition import Questionnaire

MOST_TEXTS = 300  # that a page lists


def _(message: str) -> str:
    return message


class Gap(msgspec.Struct, frozen=True):
    """A text that lacks a language, or whose translation is older than the text."""

    place: str
    language: str
    text: str  # in the main language
    stale: bool


def gaps(questionnaire: Questionnaire) -> list[Gap]:
    """Missing and stale translations, in the order of the form."""
    found = []
    for place, words in questionnaire.texts():
        if not words.texts:
            continue
        main, text = words.texts[0]
        have = {language for language, said in words.texts if said.strip()}
        old = words.stale()
        for language in questionnaire.languages:
            if language not in have or language in old:
                found.append(Gap(place, language, short(words, main, 120) or text[:120], language in old))
    return found


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
