"""The questionnaires that ship with it, as anybody may read them: what is asked, when, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import msgspec
from babel import Locale

from evaluator import language
from evaluator.collection.wording import in_words
from evaluator.language import gettext
from evaluator.library.lasting import Path, paths
from questionnaires.definition import (
    Choice,
    Group,
    Question,
    Questionnaire,
    ScoreAny,
    ScoreLinear,
    Section,
    Words,
)
from questionnaires.expression import Expression
from questionnaires.loading import load_shipped, shipped


def _(message: str) -> str:
    return message


PURPOSES = {
    "sd-citizen": _("Residents say how a government body deals with them and whether it keeps its word."),
    "sd-enterprise": _("Firms say whether a government body pays, keeps its promises, buys and charges fairly."),
    "sd-service": _("Somebody who has just received a service reviews it in five levels and says what was wrong."),
    "sd-assessor": _("Research institutes score a unit by the scheme's criteria, beside described levels of evidence."),
}  # fmt: skip
KINDS = {
    "single": _("one answer"), "multiple": _("several answers"), "rank": _("an order"), "text": _("a text"),
    "decimal": _("a number"), "date": _("a date"), "time": _("a time"), "datetime": _("a date and time"),
    "acknowledge": _("to be confirmed"), "file": _("a file"), "note": _("shown, nothing is asked"),
    "calculate": _("worked out, not asked"), "hidden": _("worked out, not asked"),
}  # fmt: skip
ROLES = {
    "stratum": _("for weights and groups; never scored"),
    "case_mix": _("results are shown by it; never scored"),
    "manipulation": _("reported and flagged; never scored"),
}
CHOICE_ROLES = {"manipulation": _("flagged"), "set_apart": _("left out of the mean")}


class Offered(msgspec.Struct, frozen=True):
    """An answer that can be chosen."""

    text: str
    score: float | None  # None: not scored
    note: str = ""


class Entry(msgspec.Struct, frozen=True):
    """An item of a section, or the head of a group or a matrix."""

    code: str
    text: str
    head: bool = False
    inside: bool = False  # of a group
    kind: str = ""
    hint: str = ""
    when: str = ""
    offered: tuple[Offered, ...] = ()
    scored: bool = False
    notes: tuple[str, ...] = ()
    formula: str = ""
    source: str = ""
    tested: str = ""


class Chapter(msgspec.Struct, frozen=True):
    """A section."""

    code: str
    title: str
    note: str
    when: str
    entries: tuple[Entry, ...]


class Form(msgspec.Struct, frozen=True):
    """A questionnaire in one language."""

    code: str
    identifier: str
    title: str
    purpose: str
    for_assessors: bool
    languages: tuple[str, ...]  # by their own names
    questions: int
    paths: tuple[Path, ...]
    source: str
    tested: str
    chapters: tuple[Chapter, ...]


def all_forms() -> tuple[Form, ...]:
    """The shipped questionnaires in the language of this request, those for the public first."""
    found = [_form(code, language.current.get()) for code in shipped()]
    return tuple(sorted(found, key=lambda form: (form.for_assessors, form.code)))


def find_form(code: str) -> Form | None:
    """A shipped questionnaire in the language of this request; None when there is none of this code."""
    return _form(code, language.current.get()) if code in shipped() else None


@lru_cache(maxsize=16)
def _form(code: str, _language: str) -> Form:
    """`_language`: what this request speaks, so that each is kept apart."""
    return form_of(load_shipped(code))


def form_of(questionnaire: Questionnaire) -> Form:
    """Any questionnaire in the language of this request."""
    reading, code = _Reading(questionnaire), questionnaire.code
    return Form(
        code=code,
        identifier=questionnaire.identifier,
        title=reading.say(questionnaire.title),
        purpose=gettext(PURPOSES[code]) if code in PURPOSES else "",
        for_assessors=questionnaire.audience == "assessors",
        languages=tuple(Locale.parse(code, sep="-").get_display_name(code) or code for code in questionnaire.languages),
        questions=len(questionnaire.questions),
        paths=paths(questionnaire, reading.language, lambda section: reading.say(section.title)),
        source=reading.say(questionnaire.source),
        tested=reading.say(questionnaire.tested),
        chapters=tuple(reading.chapter(section) for section in questionnaire.sections),
    )


class _Reading:
    """Says the parts of a questionnaire in the language of this request."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire
        self.language = language.current.get().partition("-")[0]
        self.unit = gettext(_("this office"))

    def say(self, words: Words | None) -> str:
        if words is None:
            return ""
        return words.fill(self.language, self.unit, dict.fromkeys(words.names(), "…"))

    def when(self, expression: Expression | None) -> str:
        return "" if expression is None else in_words(self.questionnaire, expression, self.language)

    def chapter(self, section: Section) -> Chapter:
        return Chapter(
            section.code, self.say(section.title), self.say(section.note), self.when(section.relevant),
            tuple(self._entries(section)),
        )  # fmt: skip

    def _entries(self, section: Section) -> Iterator[Entry]:
        told: set[str] = set()
        for item in section.items:
            around = section.around(item)
            for group in reversed(around):
                if group.code not in told:
                    told.add(group.code)
                    yield self._head(group, item)
            yield self._entry(item, around)

    def _head(self, group: Group, first: Question) -> Entry:
        matrix = group.kind == "matrix"
        return Entry(
            code=group.code, text=self.say(group.title) or group.code, head=True, hint=self.say(group.hint),
            when=self.when(group.relevant), kind=gettext(_("one answer for each statement")) if matrix else "",
            offered=self._offered(first) if matrix else (), scored=matrix and first.score is not None,
        )  # fmt: skip

    def _entry(self, item: Question, around: tuple[Group, ...]) -> Entry:
        statement = bool(around) and around[0].kind == "matrix"  # its answers stand at the head
        return Entry(
            code=item.code,
            text=self.say(item.text),
            inside=bool(around),
            kind="" if statement else self._kind(item),
            hint=self.say(item.hint),
            when=self.when(item.relevant),
            offered=() if statement else self._offered(item),
            scored=not statement and item.score is not None,
            notes=tuple(self._notes(item)),
            formula=item.calculate.source if item.calculate is not None else "",
            source=self.say(item.source),
            tested=self.say(item.tested),
        )

    def _kind(self, item: Question) -> str:
        limits = item.range or item.limits
        if item.type in ("scale", "integer", "decimal") and limits is not None and limits[1] < 10**9:
            return gettext(_("a number from %(low)s to %(high)s")) % {"low": f"{limits[0]:g}", "high": f"{limits[1]:g}"}
        return gettext(KINDS[item.type]) if item.type in KINDS else item.type

    def _offered(self, item: Question) -> tuple[Offered, ...]:
        anchors = [Offered(f"{number}: {self.say(words)}", None) for number, words in item.anchors]
        return (*anchors, *(Offered(self.say(c.text), c.score, self._note_of(item, c)) for c in item.choices))

    def _note_of(self, item: Question, choice: Choice) -> str:
        notes = [gettext(CHOICE_ROLES[choice.role])] if choice.role is not None else []
        if choice.code in item.exclusive:
            notes.append(gettext(_("goes with no other")))
        return gettext(_(", ")).join(notes)

    def _notes(self, item: Question) -> Iterator[str]:
        if item.required_always or item.required is not None:
            yield gettext(_("must be answered"))
        if item.role is not None:
            yield gettext(ROLES[item.role])
        if item.reverse_half:
            yield gettext(_("half of the respondents see the scored answers in reverse order"))
        if item.randomise:
            yield gettext(_("answers are shown in random order"))
        if item.sensitive:
            yield gettext(_("sensitive"))
        if item.choice_filter is not None:
            yield gettext(_("an answer is offered when %(condition)s")) % {"condition": self.when(item.choice_filter)}
        if item.constraint is not None:
            condition = gettext(_("taken when %(condition)s")) % {"condition": self.when(item.constraint)}
            yield self.say(item.constraint_message) or condition
        yield from self._scoring(item)

    def _scoring(self, item: Question) -> Iterator[str]:
        rule = item.score
        words = {choice.code: self.say(choice.text) for choice in item.choices}
        comma = gettext(_(", "))
        if isinstance(rule, ScoreAny):
            yield gettext(_("%(hit)s points when one of these was chosen, else %(miss)s: %(these)s")) % {
                "hit": f"{rule.hit:g}", "miss": f"{rule.miss:g}", "these": comma.join(words[code] for code in rule.of),
            }  # fmt: skip
        elif isinstance(rule, ScoreLinear) and item.range is not None:
            low, high = item.range
            yield gettext(_("%(from)s scores %(low)s points, %(to)s scores %(high)s, between them in proportion")) % {
                "from": low, "to": high, "low": f"{rule.low:g}", "high": f"{rule.high:g}",
            }  # fmt: skip
