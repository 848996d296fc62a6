"""A manifest in words, and what changed from one to the next, in the language of this request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from evaluator.collection.labels import Label
from evaluator.collection.manifest import Logged, Promise
from evaluator.collection.said import of_questionnaire
from evaluator.collection.wording import in_words, short
from evaluator.language import gettext, ngettext, said
from evaluator.pages import shown, shown_date
from questionnaires.definition import Questionnaire

SOME = 10  # units that are named one by one


def _(message: str) -> str:
    return message


MODES = {
    "invitation": _("by invitation"),
    "sign_in": _("by sign-in"),
    "open": _("by open link"),
}


class Line(msgspec.Struct, frozen=True):
    """What a manifest says of one thing."""

    name: str
    words: str


class Step(msgspec.Struct, frozen=True):
    """A manifest of a campaign's history: when, why, what changed."""

    day: date
    digest: str
    reason: str
    changes: Sequence[str]


def _together(words: Sequence[str]) -> str:
    return gettext(_("; ")).join(words)


def modes(promise: Promise) -> str:
    """How people may answer."""
    return _together([gettext(MODES[mode]) for mode in promise.modes])


def units(promise: Promise) -> str:
    """How many units are asked about, and how many responses are wanted."""
    number = len(promise.units)
    told = ngettext("%(num)d unit", "%(num)d units", number) % {"num": number}
    targets = [unit.target for unit in promise.units if unit.target]
    if not targets:
        return _together([told, gettext(_("no number of responses was set as a target"))])
    if min(targets) == max(targets) and len(targets) == number:
        goal = gettext(_("%(target)s responses wanted from each")) % {"target": shown(targets[0], 0)}
    elif min(targets) == max(targets):
        goal = gettext(_("%(target)s responses wanted from each of %(number)s"))
        goal %= {"target": shown(targets[0], 0), "number": shown(len(targets), 0)}
    else:
        goal = gettext(_("%(sum)s responses wanted from %(number)s of them, %(least)s to %(most)s each"))
        goal %= {
            "sum": shown(sum(targets), 0), "number": shown(len(targets), 0), "least": shown(min(targets), 0),
            "most": shown(max(targets), 0),
        }  # fmt: skip
    return _together([told, goal])


def sample(promise: Promise) -> str:
    """The design of the invited sample."""
    if not promise.sample:
        return gettext(_("no sample was drawn yet"))
    cells, people = len(promise.sample), sum(cell.frame_n for cell in promise.sample)
    invited = sum(cell.invited for cell in promise.sample)
    words = gettext(_("%(invited)s people invited at random out of %(people)s, in %(cells)s cells"))
    return words % {"invited": shown(invited, 0), "people": shown(people, 0), "cells": shown(cells, 0)}


def population(promise: Promise, questionnaire: Questionnaire) -> str:
    """By what the sample is made to resemble the population."""
    if not promise.population:
        return gettext(_("no counts of the population were imported yet"))
    texts = {f"s_{question.code}": question.text for question in questionnaire.questions}
    by = [
        short(texts.get(stratum.column), of_questionnaire()) or stratum.column
        for stratum in promise.strata
        if any(stratum.column in cell.strata for cell in promise.population)
    ]
    told = gettext(_("%(cells)s counts of %(areas)s areas")) % {
        "cells": shown(len(promise.population), 0), "areas": shown(len({cell.unit for cell in promise.population}), 0),
    }  # fmt: skip
    return _together([told, gettext(_("by: %(questions)s")) % {"questions": _together(by)}] if by else [told])


def lines(promise: Promise, questionnaire: Questionnaire) -> list[Line]:
    """What a manifest says, without rules, which are lists of their own."""
    months = ngettext("%(num)d month after the close", "%(num)d months after the close", promise.kept_months)
    thresholds = promise.thresholds
    return [
        Line(gettext(_("Questionnaire")), promise.questionnaire.identifier),
        Line(gettext(_("SHA-256 of the questionnaire")), promise.questionnaire.sha256),
        Line(gettext(_("First day")), shown_date(promise.opens)),
        Line(
            gettext(_("Last day")),
            shown_date(promise.closes) + (f" ({gettext(_('closed early'))})" if promise.closed_early else ""),
        ),
        Line(gettext(_("How people answer")), modes(promise)),
        Line(gettext(_("Units")), units(promise)),
        Line(gettext(_("Random sample")), sample(promise)),
        Line(gettext(_("Population")), population(promise, questionnaire)),
        Line(
            gettext(_("Sealed together")),
            gettext(_("at least %(number)d responses at a time, so that nobody can tell whose is whose"))
            % {"number": promise.epoch},
        ),
        Line(
            gettext(_("Too few to show")),
            gettext(_("figures on fewer than %(number)d people")) % {"number": thresholds.cell_min},
        ),
        Line(
            gettext(_("Too uncertain to grade")),
            gettext(_("reliability below %(reliability)s, or an interval wider than %(width)s points"))
            % {"reliability": shown(thresholds.min_reliability), "width": shown(thresholds.max_interval_width, 0)},
        ),
        Line(gettext(_("Single answers are kept")), months % {"num": promise.kept_months}),
        Line(gettext(_("Licence of what is published")), promise.licence),
        Line(gettext(_("Who is responsible")), said(promise.responsible)),
        Line(gettext(_("Whom to ask")), promise.contact),
        Line(gettext(_("Key of the log")), promise.log),
    ]


def exclusions(promise: Promise) -> list[tuple[str, str]]:
    """Code and text of each rule under which a response may be left out."""
    return [(code, said(label)) for code, label in promise.exclusions.items()]


def answer_rules(questionnaire: Questionnaire, language: str) -> list[str]:
    """What of one response raises a flag, and what the questionnaire says of all of them, a sentence each."""
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


AT_CLOSE = {
    "speed": _("Is of the quickest class of duration"),
    "longstring": _("Gives %(at_least)s answers in a row at the same position"),
    "variability": _("Gives always the same answer to at least %(min_answered)s questions"),
    "even_odd": _("Answers questions on the same thing in opposite ways (consistency below %(below)s)"),
    "mahalanobis": _("Is so far from all others that chance gives such a one less than once in %(once)s"),
    "near_duplicate": _(
        "Is the same as another one of its unit in %(percent)s%% of its answers, of at least %(min_answered)s"
    ),
    "burst": _("Comes on a day with more responses on its unit than chance gives once in %(once)s days"),
}


def close_rules(promise: Promise) -> list[str]:
    """What raises a flag among all responses at the close, a sentence each."""
    found = []
    for name, rule in promise.flags.at_close.items():
        values = {key: f"{value:g}" if isinstance(value, float) else value for key, value in rule.items()}
        if rule.get("p_below"):
            values["once"] = shown(1 / rule["p_below"], 0)
        if "share" in rule:
            values["percent"] = f"{100 * rule['share']:g}"
        words = AT_CLOSE.get(name)
        found.append(gettext(words) % values if words is not None else name)
    return found


def history(logged: Sequence[Logged]) -> list[Step]:
    """Every manifest, the newest first, with what changed from the one before."""
    found = []
    for number, one in enumerate(logged):
        changes = differences(logged[number - 1].promise, one.promise) if number else []
        found.append(Step(one.day, one.digest, gettext(one.reason) if one.reason else "", changes))
    return found[::-1]


def differences(old: Promise, new: Promise) -> list[str]:
    """What one manifest says and the one before did not, a sentence each."""
    found = []

    def changed(name: str, before: str, after: str) -> None:
        if before != after:
            words = gettext(_("%(name)s: %(after)s, before: %(before)s"))
            found.append(words % {"name": name, "before": before, "after": after})

    changed(gettext(_("Title")), _label(old.title), _label(new.title))
    changed(
        gettext(_("Questionnaire")),
        f"{old.questionnaire.identifier} ({old.questionnaire.sha256[:12]})",
        f"{new.questionnaire.identifier} ({new.questionnaire.sha256[:12]})",
    )
    changed(gettext(_("First day")), shown_date(old.opens), shown_date(new.opens))
    changed(gettext(_("Last day")), shown_date(old.closes), shown_date(new.closes))
    if new.closed_early and not old.closed_early:
        found.append(gettext(_("It was closed early.")))
    changed(gettext(_("How people answer")), modes(old), modes(new))
    found += _unit_changes(old, new)
    changed(gettext(_("Random sample")), sample(old), sample(new))
    if old.sample != new.sample and sample(old) == sample(new):
        found.append(gettext(_("The cells of the random sample changed.")))
    if old.population != new.population:
        words = gettext(_("Counts of the population: %(after)s, before: %(before)s"))
        found.append(words % {"after": shown(len(new.population), 0), "before": shown(len(old.population), 0)})
    if old.strata != new.strata:
        found.append(gettext(_("The questions by which people are told apart changed.")))
    if old.thresholds != new.thresholds:
        found.append(gettext(_("The thresholds changed.")))
    if old.flags != new.flags:
        found.append(gettext(_("The rules that raise a flag changed.")))
    if old.exclusion != new.exclusion:
        found.append(gettext(_("The rules under which a response may be left out changed.")))
    changed(gettext(_("Single answers are kept, in months")), str(old.kept_months), str(new.kept_months))
    changed(gettext(_("Who is responsible")), _label(old.responsible), _label(new.responsible))
    changed(gettext(_("Whom to ask")), old.contact, new.contact)
    changed(gettext(_("Key of the log")), old.log, new.log)
    changed(gettext(_("Sealed together")), str(old.epoch), str(new.epoch))
    changed(gettext(_("Licence of what is published")), old.licence, new.licence)
    return found


def _label(label: Label) -> str:
    return f"{label.zh} / {label.en}"


def _unit_changes(old: Promise, new: Promise) -> list[str]:
    before = {unit.unit: unit.target for unit in old.units}
    after = {unit.unit: unit.target for unit in new.units}
    found = []
    for words, codes in (
        (_("Units that came in: %(units)s"), after.keys() - before.keys()),
        (_("Units that went: %(units)s"), before.keys() - after.keys()),
    ):
        if codes:
            found.append(gettext(words) % {"units": _some(sorted(codes))})
    if moved := sorted(code for code in before.keys() & after.keys() if before[code] != after[code]):
        pairs = {code: f"{code} ({before[code]} → {after[code]})" for code in moved}
        found.append(gettext(_("Responses wanted: %(units)s")) % {"units": _some([pairs[code] for code in moved])})
    return found


def _some(words: Sequence[str]) -> str:
    if len(words) <= SOME:
        return ", ".join(words)
    more = gettext(_("and %(number)s more")) % {"number": shown(len(words) - SOME, 0)}
    return f"{', '.join(words[:SOME])} {more}"
