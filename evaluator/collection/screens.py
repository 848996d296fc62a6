"""What the pages of the form show: questions, choices and messages in the visitor's language, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from evaluator import language
from evaluator.collection import fields, form
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.fields import Field
from evaluator.collection.said import in_words, of_questionnaire
from questionnaires.definition import Question, Questionnaire, Section, Words
from questionnaires.evaluation import Context
from questionnaires.expression import Expression
from questionnaires.recompute import labels, said

MOST_COLUMNS = 7  # of a matrix that is drawn as a table; a wider one stays a list of questions


class Group(msgspec.Struct, frozen=True):
    """Questions under a title of their own, or a matrix."""

    kind: str  # group or matrix
    code: str
    title: str
    hint: str
    level: int  # of its heading
    nodes: tuple[Field | Group, ...]
    columns: tuple[str, ...] = ()  # of a matrix whose rows all offer the same


class Line(msgspec.Struct, frozen=True):
    """A question on the review page."""

    code: str
    text: str
    said: str
    sensitive: bool
    fixed: bool  # it cannot be changed


class Part(msgspec.Struct, frozen=True):
    """Questions of the review page under one heading."""

    title: str
    level: int
    lines: list[Line]


def say(words: Words | None, unit: str, spoken: Mapping[str, str] | None = None) -> str:
    """A text in the visitor's language, with the unit's name and, for `${code}`, answers in words."""
    return "" if words is None else words.fill(of_questionnaire(), unit, spoken)


def unit_name(campaign: LiveCampaign, unit: str) -> str:
    return language.said(campaign.units[unit].name)


def context(campaign: LiveCampaign, visit: form.Visit, now: datetime, zone: ZoneInfo) -> Context:
    """What expressions may know of a visit: the clock in the site's zone, its seed, the unit, words of choices."""
    named: Mapping[str, Mapping[str, str]] = {}
    if _names_choices(campaign.questionnaire):
        named = _labels(campaign.questionnaire, of_questionnaire(), unit_name(campaign, visit.unit))
    return Context(now=now.astimezone(zone), seed=str(visit.seed), labels=named, unit=visit.unit)


@lru_cache(maxsize=64)
def _names_choices(questionnaire: Questionnaire) -> bool:
    """Whether any expression asks for the words of a choice."""
    return any("jr:choice-name" in expression.source for expression in expressions(questionnaire))


def expressions(questionnaire: Questionnaire) -> Iterable[Expression]:
    """Every expression of a questionnaire but those of its checks on quality."""
    for section in questionnaire.sections:
        for part in (section, *section.groups, *section.items):
            for name in part.__struct_fields__:
                value = getattr(part, name)
                if isinstance(value, Expression):
                    yield value


@lru_cache(maxsize=64)
def _labels(questionnaire: Questionnaire, tongue: str, unit: str) -> Mapping[str, Mapping[str, str]]:
    return labels(questionnaire, tongue, unit)


class Head(msgspec.Struct, frozen=True):
    """What stands above the questions of a screen."""

    title: str
    note: str


def head(campaign: LiveCampaign, visit: form.Visit, shown: form.Shown) -> Head:
    """The section's title and its note; a section without a title has the form's."""
    assert shown.screen is not None
    unit = unit_name(campaign, visit.unit)
    words = spoken(campaign, shown, unit)
    section = shown.screen.section
    title = say(section.title, unit, words) or say(campaign.questionnaire.title, unit)
    return Head(title or language.said(campaign.title), say(section.note, unit, words))


def minutes(questionnaire: Questionnaire) -> int:
    """How long the form takes, where it says so."""
    seconds = questionnaire.target_median
    return 0 if seconds is None else max(round(seconds / 60), 1)


def cleared(campaign: LiveCampaign, visit: form.Visit, shown: form.Shown) -> list[tuple[str, str]]:
    """Questions whose answer was taken away, in words, and where they stand on this screen."""
    unit = unit_name(campaign, visit.unit)
    words = spoken(campaign, shown, unit)
    here = {item.code for item in shown.screen.items} if shown.screen else set()
    return [
        (say(campaign.questionnaire.question(code).text, unit, words), form.ANSWER + code if code in here else "")
        for code in shown.cleared
    ]


def has_table(found: Iterable[Field | Group]) -> bool:
    """Whether there is a matrix that takes the whole width of a desktop."""
    return any(isinstance(node, Group) and (bool(node.columns) or has_table(node.nodes)) for node in found)


def spoken(campaign: LiveCampaign, shown: form.Shown, unit: str) -> dict[str, str]:
    """The answers so far in words, as texts repeat them."""
    return said(campaign.questionnaire, shown.state.answers, of_questionnaire(), unit)


def nodes(
    campaign: LiveCampaign, visit: form.Visit, shown: form.Shown, *, rest: bool = False
) -> tuple[Field | Group, ...]:
    """What the screen shows, with what was answered before and what is wrong with it.

    Parameters
    ----------
    rest : bool
        What waits for a script instead: the later parts of the section.
    """
    if shown.screen is None:
        return ()
    unit = unit_name(campaign, visit.unit)
    words = spoken(campaign, shown, unit)
    section = shown.screen.section
    errors = {
        problem.question: problem.say(language.gettext, of_questionnaire(), unit, words)
        for problem in reversed(shown.problems)
    }

    def draw(item: Question, in_matrix: bool) -> Field:
        return fields.field(
            item, visit, shown, unit, words, error=errors.get(item.code, ""), all_choices=rest,
            imported=campaign.questionnaire.imported, in_matrix=in_matrix,
        )  # fmt: skip

    def head(group_code: str) -> tuple[str, str]:
        group = section.group(group_code)
        return say(group.title, unit, words), say(group.hint, unit, words)

    titled = {group.code for item in shown.screen.items for group in section.around(item)} if rest else set()
    items = shown.rest if rest else shown.screen.items
    return _arranged(section, items, draw, head, titled)


def _arranged(
    section: Section,
    items: Sequence[Question],
    draw: Callable[[Question, bool], Field],
    head: Callable[[str], tuple[str, str]],
    titled: set[str],
) -> tuple[Field | Group, ...]:
    """The items in their groups; a group that was begun before has no title again."""

    def within(parent: str, items: Sequence[Question], level: int) -> tuple[Field | Group, ...]:
        found: list[Field | Group] = []
        at = 0
        while at < len(items):
            path = [group.code for group in reversed(section.around(items[at]))]
            below = path[path.index(parent) + 1 :] if parent else path
            if not below:
                found.append(draw(items[at], bool(parent) and section.group(parent).kind == "matrix"))
                at += 1
                continue
            code = below[0]
            last = at
            while last < len(items) and code in (group.code for group in section.around(items[last])):
                last += 1
            title, hint = ("", "") if code in titled else head(code)
            inside = within(code, items[at:last], level + bool(title))
            kind = section.group(code).kind
            if kind == "matrix" and not hint and any(isinstance(n, Field) and n.kind == "checkboxes" for n in inside):
                hint = language.gettext("Choose all that apply.") if code not in titled else ""
            columns = _columns(inside) if kind == "matrix" else ()
            found.append(Group(kind, code, title, hint, level, inside, columns))
            at = last
        return tuple(found)

    return within("", items, 2)


def _columns(rows: tuple[Field | Group, ...]) -> tuple[str, ...]:
    """The choices above a matrix; empty where its rows differ, or where they are too many for a table."""
    offered = {
        tuple(option.text for option in row.options) if isinstance(row, Field) and row.kind in fields.CHOSEN else ()
        for row in rows
    }
    columns = offered.pop() if len(offered) == 1 else ()
    return columns if 2 <= len(columns) <= MOST_COLUMNS else ()


def every_field(found: Iterable[Field | Group]) -> list[Field]:
    """The fields of a screen in order, out of their groups."""
    flat: list[Field] = []
    for node in found:
        flat += [node] if isinstance(node, Field) else every_field(node.nodes)
    return flat


def carried(shown: form.Shown, answers: form.Answers) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Hidden fields: every answer that is not on the screen itself, also those that are not relevant just now.

    Apart from them those of the later parts of the section, whose place a script gives to the fields themselves.
    """
    drawn = {item.code for item in shown.screen.items if fields.is_drawn(item, shown)} if shown.screen else set()
    later = {item.code for item in shown.rest if fields.is_drawn(item, shown)}
    apart: list[tuple[str, str]] = []
    behind: list[tuple[str, str]] = []
    for code, values in answers.items():
        if code not in drawn:
            (behind if code in later else apart).extend((form.ANSWER + code, value) for value in values if value)
    return apart, behind


def review(campaign: LiveCampaign, visit: form.Visit, shown: form.Shown) -> list[Part]:
    """What was answered, by section and by group."""
    unit = unit_name(campaign, visit.unit)
    words = spoken(campaign, shown, unit)
    parts: list[Part] = []
    before: tuple[str, str] | None = None
    for screen in shown.screens:
        for question in screen.questions:
            group = next((group for group in screen.section.around(question) if group.title is not None), None)
            place = screen.section.code, "" if group is None else group.code
            if before is None or before[0] != place[0]:
                parts.append(Part(say(screen.section.title, unit, words), 2, []))
                before = place[0], ""
            if before != place:
                parts.append(Part("" if group is None else say(group.title, unit, words), 3, []))
                before = place
            given = fields.given(question, shown)
            parts[-1].lines.append(
                Line(
                    question.code, say(question.text, unit, words), in_words(question, given, unit),
                    question.sensitive, fields.is_fixed(question, shown),
                )
            )  # fmt: skip
    return [part for part in parts if part.lines or part.level == 2]
