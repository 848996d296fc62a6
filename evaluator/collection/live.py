"""What the page's script needs to do at once what the server would do after the next step.

The script works out only what the answers on the page can change: every other answer goes along as a value, every
condition that cannot change any more is left out, and a page on which nothing can change gets next to nothing. The
expressions go as parsed trees, the messages in the visitor's language. Nothing of it is ever trusted: what comes back
is a form like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec
from markupsafe import Markup

from evaluator import language
from evaluator.collection import form, live_words, screens
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.said import of_questionnaire
from questionnaires.definition import Question, Questionnaire, Section
from questionnaires.dependencies import dependencies, order
from questionnaires.evaluation import Answer, Context, condition
from questionnaires.expression import Call, Expression, Name, compact, walk
from questionnaires.filters import CHOICE, offered
from questionnaires.recompute import NOTHING, labels, moments, plan, recompute, said


def _(message: str) -> str:
    return message


SAYS = {"more": _("Now also asked: %(questions)s"), "error": _("Error"), "blank": _("Not answered")}


def block(found: Mapping[str, object]) -> Markup:
    """The data as it stands inside a script element: nothing in it can end the element."""
    text = msgspec.json.encode(found).decode()
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 no sign is left that could end the element


def data(
    campaign: LiveCampaign,
    visit: form.Visit,
    shown: form.Shown,
    answers: form.Answers,
    context: Context = NOTHING,
    rest: Sequence[Question] = (),
) -> dict[str, object]:
    """What the script is told of a screen, as JSON values.

    Parameters
    ----------
    context : Context
        As the server's own evaluation of this page has it.
    rest : sequence of Question
        Items that wait in the page's template, behind those of the screen.
    """
    here = [] if shown.screen is None else [item.code for item in (*shown.screen.items, *rest)]
    return of_items(
        campaign.questionnaire,
        here,
        answers,
        context,
        of_questionnaire(),
        screens.unit_name(campaign, visit.unit),
    )


def of_items(
    questionnaire: Questionnaire, here: Sequence[str], answers: form.Answers, context: Context, tongue: str, unit: str
) -> dict[str, object]:
    """The same for any items of a questionnaire, in a language and for a unit's name."""
    page = _page(questionnaire, tuple(here))
    sent = {code: answers[code] for code in plan(questionnaire).fields & answers.keys()}
    state = recompute(questionnaire, sent, context, draft=True, only=())
    values = {**moments(questionnaire, context), **state.answers}
    spoken = said(questionnaire, values, tongue, unit)

    conditions: list[Expression] = []
    items: list[dict[str, object]] = []
    read: list[Expression] = []
    for item, around in page.items:
        relevant = [e for e in around if _moves(e, page.moving) or not condition(e)(values, context)]
        entry = _entry(item, page, values, context, read)
        if relevant:
            entry["relevant"] = [_index(conditions, expression) for expression in relevant]
            read += relevant
        if item.code in page.here and item.asked:
            entry |= _checks(item, read)
            if said_of := live_words.says(item, page.moving, spoken, tongue, unit):
                entry["says"] = said_of
        items.append(entry)

    texts = live_words.texts(questionnaire, page.here, page.moving, spoken, tongue, unit)
    names = {name.code for expression in read for name in expression.names()}
    wanted = page.repeated | _named_choices(read)
    every = labels(questionnaire, tongue, unit) if wanted else {}
    return {
        "context": {
            **_moment(context, read), "labels": {code: every[code] for code in sorted(wanted & every.keys())}
        },
        "known": {code: values[code] for code in sorted(names & values.keys() - page.moving)},
        "conditions": [compact(expression.tree) for expression in conditions],
        "items": items,
        "texts": texts,
        "says": {name: language.gettext(message) for name, message in SAYS.items()},
    }  # fmt: skip


def _moment(context: Context, read: Iterable[Expression]) -> dict[str, object]:
    """What the expressions of a page may know of this visit; where none asks, a page is the same for everybody."""
    told = context.compact()
    names = ("now", "offset", "seed", "unit") if any(one.reads_context() for one in read) else ("offset",)
    return {name: told[name] for name in names}


def _entry(
    item: Question, page: _Page, values: Mapping[str, Answer], context: Context, read: list[Expression]
) -> dict[str, object]:
    """How an item's fields are read, and what becomes of it; adds the expressions that go along to `read`."""
    entry: dict[str, object] = {"code": item.code, "type": item.type}
    if item.calculate is not None:
        entry["calculate"] = compact(item.calculate.tree)
        read.append(item.calculate)
    if item.choice_filter is not None and _moves(item.choice_filter, page.moving):
        entry |= _filter(item)
        read.append(item.choice_filter)
    elif item.choices:
        entry["codes"] = list(dict.fromkeys(choice.code for choice in offered(item, values, context)))
    if item.default_from is None and (item.readonly_always or item.type == "hidden"):
        entry["fixed"] = [] if item.default is None else [item.default]
    more = {
        "range": item.range if item.limits is None else item.limits, "step": item.step, "most": item.max_length,
        "exclusive": item.exclusive, "part": live_words.part_of_date(item),
    }  # fmt: skip
    return entry | {name: value for name, value in more.items() if value}


def _checks(item: Question, read: list[Expression]) -> dict[str, object]:
    """What is asked of an answer."""
    found: dict[str, object] = {}
    if item.constraint is not None:
        found["constraint"] = compact(item.constraint.tree)
        read.append(item.constraint)
    if item.required_always:
        found["required"] = True
    elif item.required is not None:
        found["required"] = compact(item.required.tree)
        read.append(item.required)
    return found


class _Page(msgspec.Struct, frozen=True):
    """What a page with these items can change, whatever the answers."""

    here: frozenset[str]  # the items of the page
    moving: frozenset[str]  # whatever an answer on the page can change, the items of the page among it
    items: tuple[tuple[Question, tuple[Expression, ...]], ...]  # to be worked out, with all conditions, outermost first
    repeated: frozenset[str]  # those whose answers stand in texts and messages


@lru_cache(maxsize=512)
def _page(questionnaire: Questionnaire, here: tuple[str, ...]) -> _Page:
    needs = _needs(questionnaire)
    in_order = _order(questionnaire)
    moving = set(here)
    for code in in_order:
        if code not in moving and any(name in moving for name in needs[code]):
            moving.add(code)

    places = {item.code: (item, section) for section in questionnaire.sections for item in section.items}
    waiting = [name for code in here for name in (*needs[code], *_also(*places[code]))]
    read: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in read and name in places:
            read.add(name)
            if name in moving:
                waiting.extend(needs[name])

    items = []
    for code in in_order:
        item, section = places[code]
        if code in read & moving or (code in here and _concerns(item, section, moving)):
            items.append((item, _around(item, section)))
    repeated = {name for code in here for name in live_words.named(*places[code])} & moving
    repeated |= {code for code in here if places[code][0].calculate is not None and places[code][0].choices}
    return _Page(frozenset(here), frozenset(moving), tuple(items), frozenset(repeated))


@lru_cache(maxsize=64)
def _needs(questionnaire: Questionnaire) -> dict[str, tuple[str, ...]]:
    return dependencies(questionnaire)


@lru_cache(maxsize=64)
def _order(questionnaire: Questionnaire) -> tuple[str, ...]:
    return order(questionnaire)


def _around(item: Question, section: Section) -> tuple[Expression, ...]:
    """All conditions of an item: its section's, its groups' from the outermost one, its own."""
    groups = [group.relevant for group in reversed(section.around(item))]
    return tuple(dict.fromkeys(e for e in (section.relevant, *groups, item.relevant) if e is not None))


def _also(item: Question, section: Section) -> set[str]:
    """What an item reads on a page beside what its value depends on."""
    expressions = [e for e in (item.constraint, item.required) if e is not None]
    return {name.code for expression in expressions for name in expression.names()} | live_words.named(item, section)


def _concerns(item: Question, section: Section, moving: set[str]) -> bool:
    """Whether there is anything to do for an item of the page that nothing else reads."""
    if any(_moves(expression, moving) for expression in _around(item, section)):
        return True
    if item.choice_filter is not None and _moves(item.choice_filter, moving):
        return True
    if item.calculate is not None:
        return True
    checked = item.constraint is not None or item.required is not None or item.required_always
    return item.asked and (checked or bool(item.exclusive) or item.type in TYPED)


TYPED = ("integer", "decimal", "date", "time", "datetime", "text")  # types whose answers can be mistyped


def _moves(expression: Expression, moving: Iterable[str]) -> bool:
    return any(name.code in moving for name in expression.names())


def _index(conditions: list[Expression], expression: Expression) -> int:
    if expression not in conditions:
        conditions.append(expression)
    return conditions.index(expression)


def _filter(item: Question) -> dict[str, object]:
    """The filter of a question, the columns that it reads, and a row of them for each choice."""
    assert item.choice_filter is not None
    columns = sorted({name.code for name in item.choice_filter.names() if name.code.startswith(CHOICE)})
    rows = []
    for choice in item.choices:
        values = dict(choice.columns)
        own = (name.removeprefix(CHOICE) for name in columns)
        rows.append([choice.code, *(values.get(name) or (choice.code if name == "name" else "") for name in own)])
    return {"filter": compact(item.choice_filter.tree), "columns": columns, "rows": rows}


def _named_choices(expressions: Iterable[Expression]) -> set[str]:
    """The questions whose words of choices are asked for."""
    found: set[str] = set()
    for expression in expressions:
        for node in walk(expression.tree):
            if isinstance(node, Call) and node.function == "jr:choice-name" and isinstance(node.arguments[1], Name):
                found.add(node.arguments[1].code)
    return found
