"""Every screen of a questionnaire as a phone would show it, whatever is answered, with its conditions in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from evaluator import language
from evaluator.collection import form, screens
from evaluator.collection.campaigns import Label, LiveCampaign, Place
from evaluator.collection.moving import at_first
from evaluator.collection.wording import in_words, short
from evaluator.language import gettext
from questionnaires.definition import Group, Question, Questionnaire, Section
from questionnaires.expression import Expression
from questionnaires.screens import UNSEEN, Screen
from questionnaires.screens import screens as all_screens
from questionnaires.words import ANSWER, Words

A_PAGE = 40  # screens
UNIT = "0"  # the code of the unit that is shown in the place of a real one
LONGEST_SOURCE = 300


def _(message: str) -> str:
    return message


class Note(msgspec.Struct, frozen=True):
    """A rule of a screen: what it is of, what it does, in words and as written."""

    subject: str
    effect: str
    words: str
    source: str


class Shot(msgspec.Struct, frozen=True):
    """A screen, and the rules behind it."""

    number: int
    code: str
    section: str
    notes: tuple[Note, ...]


class Picture(msgspec.Struct, frozen=True):
    """What a screen shows."""

    title: str
    note: str
    nodes: tuple[object, ...]


def stand_in(questionnaire: Questionnaire, version: int, address: str = "") -> LiveCampaign:
    """A campaign that exists nowhere but on the pages of a preview or a trial."""
    said = _("the rated unit")
    name = Label(language.translations("zh-CN").gettext(said), said)
    return LiveCampaign(
        id=-version, code=questionnaire.code, title=name, opens=date(2000, 1, 1), closes=date(9000, 1, 1),
        open_link=True, simulated=False, responsible=name, contact="", kept_months=0, version=version,
        questionnaire=questionnaire, units={UNIT: Place(UNIT, None, "area", name)}, trial=address,
    )  # fmt: skip


def shots(questionnaire: Questionnaire, page: int) -> list[Shot]:
    """The screens of a page of the preview, from 1; there are `A_PAGE` on each."""
    tongue = screens.of_questionnaire()
    return [
        Shot(
            number, screen.code, short(screen.section.title, tongue) or screen.section.code,
            tuple(_notes(questionnaire, screen, tongue)),
        )
        for number, screen in enumerate(all_screens(questionnaire), 1)
        if (page - 1) * A_PAGE < number <= page * A_PAGE
    ]  # fmt: skip


def picture(questionnaire: Questionnaire, screen: Screen, now: datetime, zone: ZoneInfo) -> Picture:
    """A screen with everything on it, whatever is answered and offered, in the language of this request."""
    campaign = stand_in(questionnaire, 0)
    visit = form.Visit(campaign.id, UNIT, 0, 0)
    start = at_first(questionnaire, screens.context(campaign, visit, now, zone))
    section = _marked_section(screen.section)
    items = tuple(_marked_item(item) for item in screen.items)
    shown = msgspec.structs.replace(start, screen=Screen(screen.code, section, ()), rest=items, cleared=())
    unit = screens.unit_name(campaign, UNIT)
    nodes = screens.nodes(campaign, visit, shown, rest=True)  # with the choices that a filter would leave out
    return Picture(screens.say(section.title, unit), screens.say(section.note, unit), nodes)


# --- `${code}` in a text: nobody answered, so that the question stands there instead


def _marked(words: Words | None) -> Words | None:
    if words is None or not words.names():
        return words
    return Words(tuple((tongue, ANSWER.sub(lambda found: f"[{found[1]}]", text)) for tongue, text in words.texts))


def _marked_section(section: Section) -> Section:
    return msgspec.structs.replace(
        section, title=_marked(section.title), note=_marked(section.note),
        groups=tuple(
            msgspec.structs.replace(group, title=_marked(group.title), hint=_marked(group.hint))
            for group in section.groups
        ),
    )  # fmt: skip


def _marked_item(item: Question) -> Question:
    return msgspec.structs.replace(
        item, text=_marked(item.text), hint=_marked(item.hint), guidance=_marked(item.guidance),
        choices=tuple(msgspec.structs.replace(choice, text=_marked(choice.text)) for choice in item.choices),
        anchors=tuple((number, _marked(words)) for number, words in item.anchors),
    )  # fmt: skip


# --- the rules of a screen


def _notes(questionnaire: Questionnaire, screen: Screen, tongue: str) -> Iterator[Note]:
    def note(subject: str, effect: str, expression: Expression) -> Note:
        source = (
            expression.source if len(expression.source) <= LONGEST_SOURCE else expression.source[:LONGEST_SOURCE] + "…"
        )
        return Note(subject, gettext(effect), in_words(questionnaire, expression, tongue), source)

    section = screen.section
    first = screen.code == section.code
    if section.relevant is not None:
        yield note(gettext(_("This section")), _("is shown only when"), section.relevant)
    told: set[str] = set()
    for item in screen.items:
        for group in reversed(section.around(item)):
            if group.relevant is not None and group.code not in told:
                told.add(group.code)
                yield note(_group(group, tongue), _("is shown only when"), group.relevant)
        yield from _of_item(item, _subject(item, tongue), note)
    for item in section.items if first else ():
        if item.type in UNSEEN:
            expression = item.calculate or item.default_from
            if expression is not None:
                yield note(item.code, _("is worked out and not shown:"), expression)


def _of_item(item: Question, subject: str, note: object) -> Iterator[Note]:
    rules = (
        (item.relevant, _("is shown only when")),
        (item.required, _("must be answered when")),
        (item.constraint, _("is taken only when")),
        (item.choice_filter, _("offers the choices of which")),
        (item.calculate, _("is worked out:")),
        (item.default_from, _("is at first:")),
        (item.readonly, _("cannot be changed when")),
    )
    for expression, effect in rules:
        if expression is not None:
            yield note(subject, effect, expression)  # type: ignore[operator]
    for holds, effect in (
        (item.required_always, _("must be answered")),
        (item.readonly_always, _("cannot be changed")),
        (item.randomise, _("shows its choices in a random order")),
        (item.reverse_half, _("shows its choices in reverse to half of the respondents")),
        (item.role == "stratum", _("weights the sample, and is never scored")),
        (item.role == "case_mix", _("makes units comparable, and is never scored")),
    ):
        if holds:
            yield Note(subject, gettext(effect), "", "")


def _subject(item: Question, tongue: str) -> str:
    return gettext(_("“%(text)s”")) % {"text": short(item.text, tongue) or item.code}


def _group(group: Group, tongue: str) -> str:
    return gettext(_("The group “%(title)s”")) % {"title": short(group.title, tongue) or group.code}
