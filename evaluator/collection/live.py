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
from evaluator.collection import form, screens
from evaluator.collection.campaigns import LiveCampaign
from questionnaires import problems
from questionnaires.answers import MISSING, MOST_REFERENCE
from questionnaires.definition import Question, Questionnaire, Section, Words
from questionnaires.dependencies import dependencies, order
from questionnaires.evaluation import Context, condition
from questionnaires.expression import Call, Expression, Name, compact, walk
from questionnaires.filters import CHOICE, offered
from questionnaires.recompute import NOTHING, labels, moments, plan, recompute, said
from questionnaires.words import BOTH


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
        screens.of_questionnaire(),
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
        on_page = item.code in page.here
        entry: dict[str, object] = {"code": item.code, "type": item.type}
        relevant = [e for e in around if _moves(e, page.moving) or not condition(e)(values, context)]
        if relevant:
            entry["relevant"] = [_index(conditions, expression) for expression in relevant]
            read += relevant
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
        entry |= {
            name: value
            for name, value in (
                ("range", item.range if item.limits is None else item.limits),
                ("step", item.step),
                ("most", item.max_length),
                ("exclusive", item.exclusive),
            )
            if value
        }
        if on_page and item.asked:
            if item.constraint is not None:
                entry["constraint"] = compact(item.constraint.tree)
                read.append(item.constraint)
            if item.required_always:
                entry["required"] = True
            elif item.required is not None:
                entry["required"] = compact(item.required.tree)
                read.append(item.required)
            entry["says"] = _says(item, page.moving, spoken, tongue, unit)
        if item.type == "date":
            part = next((part for word, part in PARTS.items() if word in item.appearance), None)
            entry |= {"part": part} if part else {}
        items.append(entry)

    texts = _texts(questionnaire, page, spoken, tongue, unit)
    names = {name.code for expression in read for name in expression.names()}
    wanted = page.repeated | _named_choices(read)
    every = labels(questionnaire, tongue, unit) if wanted else {}
    told = context.compact()
    return {
        "context": {
            "now": told["now"], "offset": told["offset"], "seed": told["seed"], "unit": told["unit"],
            "labels": {code: every[code] for code in sorted(wanted & every.keys())},
        },
        "known": {code: values[code] for code in sorted(names & values.keys() - page.moving)},
        "conditions": [compact(expression.tree) for expression in conditions],
        "items": items,
        "texts": texts,
        "says": {name: language.gettext(message) for name, message in SAYS.items()},
    }  # fmt: skip


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
    repeated = {name for code in here for name in _named(*places[code])} & moving
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
    return {name.code for expression in expressions for name in expression.names()} | _named(item, section)


def _named(item: Question, section: Section) -> set[str]:
    """The questions whose answers its texts and messages repeat."""
    texts = [words for _place, words in words_of(item, section)]
    texts += [words for words in (item.constraint_message, item.required_message) if words is not None]
    return {name for words in texts for name in words.names()}


def words_of(item: Question, section: Section) -> Iterable[tuple[list[str], Words]]:
    """The texts that a page shows of an item, and of what it stands in, each with its place."""
    for place, words in (("title", section.title), ("note", section.note)):
        if words is not None:
            yield ["", place], words
    for group in section.around(item):
        for place, words in (("title", group.title), ("hint", group.hint)):
            if words is not None:
                yield [group.code, place], words
    for place, words in (("text", item.text), ("hint", item.hint), ("guidance", item.guidance)):
        if words is not None:
            yield [item.code, place], words
    for choice in item.choices:
        yield [item.code, "choice", choice.code], choice.text


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


PARTS = {"month-year": "month", "year": "year"}  # of a date that is asked for, by appearance
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


Parts = str | list[str | list[str]]


def _says(
    item: Question, moving: frozenset[str], spoken: Mapping[str, str], tongue: str, unit: str
) -> dict[str, Parts]:
    """What is said of an answer that cannot be taken, by the reason."""

    def say(message: str, **values: str) -> str:
        return problems.Problem(item.code, message, {**values}).say(language.gettext, tongue, unit)

    def own(words: Words | None, otherwise: str) -> Parts:
        if words is None:
            return say(otherwise)
        parts = _parts(words, moving, spoken, tongue, unit)
        return "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else parts

    found: dict[str, Parts] = {}
    if item.required_always or item.required is not None:
        found["missing"] = own(item.required_message, MISSING.get(item.type, problems.ENTER_TEXT))
    if item.constraint is not None:
        found["constraint"] = own(item.constraint_message, problems.NOT_POSSIBLE)
    limits = item.range if item.limits is None else item.limits
    if item.type in ("integer", "decimal"):
        found["form"] = say(problems.NOT_WHOLE if item.type == "integer" else problems.NOT_DECIMAL)
        found["one"] = say(problems.ONLY_ONE)
        if limits is not None:
            low, high = (f"{limit:.15g}" for limit in limits)
            found["range"] = say(problems.OUT_OF_RANGE, low=low, high=high)
            if item.step is not None:
                found["step"] = say(problems.NOT_A_STEP, low=low, step=f"{item.step:.15g}")
    elif item.type == "date":
        part = next((part for word, part in PARTS.items() if word in item.appearance), "")
        found["form"] = say({"month": problems.NOT_MONTH, "year": problems.NOT_YEAR}.get(part, problems.NOT_DATE))
    elif item.type in ("time", "datetime"):
        found["form"] = say(problems.NOT_TIME if item.type == "time" else problems.NOT_DATETIME)
    elif item.type == "text":
        found["long"] = say(problems.TOO_LONG, most=str(item.max_length or MOST_REFERENCE), length="%(length)s")
        found["control"] = say(problems.CONTROL, character="%(character)s")
    return found


def _texts(
    questionnaire: Questionnaire, page: _Page, spoken: Mapping[str, str], tongue: str, unit: str
) -> list[dict[str, object]]:
    """The texts that repeat answers of the page: where, the words as the page shows them, and the parts to join.

    A part is a text, or a list with the question whose answer stands there.
    """
    found: dict[tuple[str, ...], dict[str, object]] = {}
    for section in questionnaire.sections:
        for item in section.items:
            for place, words in words_of(item, section) if item.code in page.here else ():
                if not page.moving.isdisjoint(words.names()):
                    found[tuple(place)] = {
                        "at": place,
                        "was": words.fill(tongue, unit, spoken),
                        "parts": _parts(words, page.moving, spoken, tongue, unit),
                    }
    return list(found.values())


def _parts(
    words: Words, moving: frozenset[str], spoken: Mapping[str, str], tongue: str, unit: str
) -> list[str | list[str]]:
    """A text with the unit's name and all other answers in their places, divided where an answer of the page stands."""
    parts: list[str | list[str]] = []
    text, before, at = words.chosen(tongue), "", 0
    for found in BOTH.finditer(text):
        before, at = before + text[at : found.start()], found.end()
        name = found[1]
        if name in moving:
            parts += [before, [name]]
            before = ""
        else:
            before += unit if name is None else spoken.get(name, "")
    return [part for part in (*parts, before + text[at:]) if part]


def _named_choices(expressions: Iterable[Expression]) -> set[str]:
    """The questions whose words of choices are asked for."""
    found: set[str] = set()
    for expression in expressions:
        for node in walk(expression.tree):
            if isinstance(node, Call) and node.function == "jr:choice-name" and isinstance(node.arguments[1], Name):
                found.add(node.arguments[1].code)
    return found
