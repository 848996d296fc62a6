"""From what was answered to the one consistent state: what is relevant, typed, calculated, offered, cleared, wrong.

Everything is worked out from the raw answers, in the order of dependencies, each value once. What is not relevant reads
as blank but stays among the raw answers that a page carries, so that it is there again when it becomes relevant again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache

import msgspec

from questionnaires import problems as say
from questionnaires.answers import MISSING, Parser, Raw, parser
from questionnaires.definition import Question, Questionnaire
from questionnaires.dependencies import order
from questionnaires.evaluation import Answer, Calculation, Condition, Context, Holds, Value, calculation, condition
from questionnaires.expressions.values import text_of
from questionnaires.filters import passing
from questionnaires.mistakes import shown
from questionnaires.problems import Problem, RefusedError
from questionnaires.words import Words

__all__ = ["Condition", "State", "recompute"]

NOTHING = Context()


class State(msgspec.Struct, frozen=True):
    """All that follows from the answers so far.

    Attributes
    ----------
    answers : dict
        Typed, in the order of the questionnaire: of what is relevant and not blank, calculated values among them.
    relevant : frozenset of str
        Codes of the items that are asked or shown.
    problems : list of Problem
        In the order of the questionnaire.
    cleared : tuple of str
        Questions whose answer, or part of it, is no longer offered.
    """

    answers: dict[str, Answer]
    relevant: frozenset[str]
    problems: list[Problem]
    cleared: tuple[str, ...]


class Step(msgspec.Struct, frozen=True):
    """One item, ready to be worked out."""

    code: str
    group: int  # position among the plan's groups
    relevant: Holds | None
    parse: Parser | None  # None: nobody answers it
    calculate: Calculation | None
    current: bool  # the calculation reads the value so far
    fixed: tuple[str, ...] | None  # the only value it can have
    filtered: Question | None


class Check(msgspec.Struct, frozen=True):
    """What is asked of an answer when all values are known."""

    code: str
    constraint: Holds | None
    current: bool
    required: Holds | None
    always: bool
    refused: Problem
    missing: Problem


class Plan(msgspec.Struct, frozen=True):
    """A questionnaire made ready for working out many states."""

    codes: tuple[str, ...]  # in the order of the questionnaire
    fields: frozenset[str]  # what a form may send
    steps: tuple[Step, ...]
    groups: tuple[tuple[int, Holds | None], ...]  # (position of the group around it or -1, condition)
    checks: tuple[Check, ...]
    clock: tuple[tuple[str, str], ...]  # metadata that the context knows: code, kind
    unsent: frozenset[str]  # what is worked out but never kept
    in_order: bool  # whether working out goes along the questionnaire


def recompute(
    questionnaire: Questionnaire,
    answers: Raw,
    context: Context = NOTHING,
    *,
    draft: bool = False,
    only: Collection[str] | None = None,
) -> State:
    """The state that follows from raw answers.

    Parameters
    ----------
    questionnaire : Questionnaire
    answers : mapping of str to sequence of str
        Form values by question. An absent question, an empty list and empty texts are all blank.
    context : Context, optional
        The clock, the seed and the labels that expressions may ask for.
    draft : bool
        Required questions may be blank.
    only : collection of str, optional
        Report the problems of these questions alone, such as those of the screen just sent.
    """
    made = plan(questionnaire)
    found: dict[str, Answer] = {}
    refused: dict[str, Problem] = {}
    cleared: list[str] = []
    alive: list[bool | None] = [None] * len(made.groups)
    relevant = []
    problems: list[Problem] = []
    if not answers.keys() <= made.fields:
        for name in answers:
            if name not in made.fields:
                problems.append(Problem(shown(name), say.NO_QUESTION, {"question": shown(name)}))
    found.update(moments(questionnaire, context))
    for step in made.steps:
        live = alive[step.group]
        if live is None:
            live = _alive(made, alive, step.group, found, context)
        if not live or (step.relevant is not None and not step.relevant(found, context)):
            continue
        code = step.code
        relevant.append(code)
        if step.calculate is not None:
            answer = _calculated(step, found, context, answers.get(code))
        elif step.parse is None:
            continue
        else:
            given = answers.get(code) if step.fixed is None else step.fixed
            if not given:
                continue
            try:
                answer = step.parse(given)
            except RefusedError as error:
                refused[code] = Problem(code, error.message, error.values)
                continue
        if answer is not None and step.filtered is not None:
            kept = _offered(step.filtered, answer, found, context)
            if kept != answer:
                cleared.append(code)
                answer = kept
        if answer is not None:
            found[code] = answer
    shown_now = frozenset(relevant)
    for check in made.checks:
        code = check.code
        if code not in shown_now or (only is not None and code not in only):
            continue
        if code in refused:
            problems.append(refused[code])
        elif code in found:
            if check.constraint is not None:
                seen = replace(context, current=found[code]) if check.current else context
                if not check.constraint(found, seen):
                    problems.append(check.refused)
        elif not draft and (check.always or (check.required is not None and check.required(found, context))):
            problems.append(check.missing)
    if only is not None:
        problems = [problem for problem in problems if problem.question in only]
    if made.unsent:
        found = {code: answer for code, answer in found.items() if code not in made.unsent}
    if not made.in_order:
        found = {code: found[code] for code in made.codes if code in found}
    return State(found, shown_now, problems, tuple(cleared))


@lru_cache(maxsize=64)
def plan(questionnaire: Questionnaire) -> Plan:
    """The questionnaire made ready; made once."""
    groups: list[tuple[int, Holds | None]] = []
    steps: dict[str, Step] = {}
    checks: list[Check] = []
    for section in questionnaire.sections:
        places = {"": len(groups)}
        groups.append((-1, None if section.relevant is None else condition(section.relevant)))
        for group in section.groups:
            places[group.code] = len(groups)
            groups.append((places[group.parent], None if group.relevant is None else condition(group.relevant)))
        for item in section.items:
            steps[item.code] = _step(item, places[item.group])
            if item.asked:
                checks.append(_check(item))
    codes = tuple(steps)
    ordered = order(questionnaire)
    metadata = [item for item in questionnaire.items if item.type == "metadata"]
    fields = [item.code for item in questionnaire.items if item.asked or item.type in ("hidden", "calculate")]
    return Plan(
        codes=codes,
        fields=frozenset(fields),
        steps=tuple(steps[code] for code in ordered),
        groups=tuple(groups),
        checks=tuple(checks),
        clock=tuple((item.code, item.kind or "") for item in metadata),
        unsent=frozenset(item.code for item in metadata),
        in_order=codes == ordered,
    )


def _step(item: Question, group: int) -> Step:
    fixed: tuple[str, ...] | None = None
    if item.default_from is None and (item.readonly_always or item.type == "hidden"):
        fixed = () if item.default is None else (item.default,)
    answered = item.type not in ("note", "metadata", "calculate")
    return Step(
        code=item.code,
        group=group,
        relevant=None if item.relevant is None else condition(item.relevant),
        parse=parser(item) if answered or item.type == "calculate" else None,
        calculate=None if item.calculate is None else calculation(item.calculate),
        current=item.calculate is not None and item.calculate.reads_current(),
        fixed=fixed,
        filtered=item if item.choice_filter is not None else None,
    )


def _check(item: Question) -> Check:
    message = item.constraint_message
    missing = item.required_message
    return Check(
        code=item.code,
        constraint=None if item.constraint is None else condition(item.constraint),
        current=item.constraint is not None and item.constraint.reads_current(),
        required=None if item.required is None else condition(item.required),
        always=item.required_always,
        refused=Problem(item.code, say.NOT_POSSIBLE)
        if message is None
        else Problem(item.code, say.IN_WORDS, {"words": message}),
        missing=Problem(item.code, MISSING.get(item.type, say.ENTER_TEXT))
        if missing is None
        else Problem(item.code, say.IN_WORDS, {"words": missing}),
    )


def _alive(made: Plan, alive: list[bool | None], at: int, found: dict[str, Answer], context: Context) -> bool:
    """Whether a group is relevant; everything that decides it is known when the first item of it is worked out."""
    around, holds = made.groups[at]
    live: bool | None = True
    if around >= 0:
        live = alive[around]
        if live is None:
            live = _alive(made, alive, around, found, context)
    result = bool(live) and (holds is None or holds(found, context))
    alive[at] = result
    return result


def _calculated(step: Step, found: dict[str, Answer], context: Context, given: object) -> Answer | None:
    assert step.calculate is not None
    if step.current:
        before = given[0] if isinstance(given, list | tuple) and given else None
        context = replace(context, current=before)
    written = as_text(step.calculate(found, context))
    if not written or step.parse is None:
        return None
    try:
        return step.parse((written,))
    except RefusedError:
        return None


def as_text(value: Value) -> str:
    """A value as an answer's text: NaN is blank."""
    return "" if value != value else text_of(value)


def _offered(question: Question, answer: Answer, found: dict[str, Answer], context: Context) -> Answer | None:
    """What is left of an answer when the filter is applied."""
    passes = passing(question, found, context)
    codes = answer if isinstance(answer, tuple) else (str(answer),)
    kept = tuple(code for code in codes if any(passes(c) for c in question.choices if c.code == code))
    if isinstance(answer, tuple):
        return kept or None
    return answer if kept else None


def moments(questionnaire: Questionnaire, context: Context) -> dict[str, Answer]:
    """Metadata that the clock of the context tells, by item."""
    clock = plan(questionnaire).clock
    if context.now is None or not clock:
        return {}
    today, now = context.now.date().isoformat(), context.now.isoformat("T", "seconds")
    known = {"today": today, "start": now, "end": now}
    return {code: known[kind] for code, kind in clock if kind in known}


def initial(questionnaire: Questionnaire, context: Context = NOTHING) -> dict[str, list[str]]:
    """What the answers are when a form is opened: defaults, and dynamic defaults, worked out this once.

    As a form would post them. Dynamic defaults see the static ones and each other in the order of the form.
    """
    answers: dict[str, list[str]] = {}
    for item in questionnaire.items:
        if item.default is not None and item.calculate is None:
            several = item.type in ("multiple", "rank")
            answers[item.code] = item.default.split() if several else [item.default]
    for item in questionnaire.items:
        if item.default_from is not None:
            found = recompute(questionnaire, answers, context, draft=True).answers
            written = as_text(calculation(item.default_from)(found, context))
            if written:
                answers[item.code] = written.split() if item.type in ("multiple", "rank") else [written]
    return answers


def labels(questionnaire: Questionnaire, language: str, unit: str) -> Mapping[str, Mapping[str, str]]:
    """The words of all choices by question and code: what `jr:choice-name()` gives, in a context."""
    return {
        item.code: {choice.code: choice.text.fill(language, unit) for choice in item.choices}
        for item in questionnaire.items
        if item.choices
    }


def said(questionnaire: Questionnaire, answers: Mapping[str, Answer], language: str, unit: str) -> dict[str, str]:
    """Answers in words, by question: what `${code}` in a text becomes."""
    found = {}
    for code, answer in answers.items():
        codes = (
            answer if isinstance(answer, tuple) else (text_of(answer if isinstance(answer, str) else float(answer)),)
        )
        words = _words_of(questionnaire).get(code, {})
        found[code] = ", ".join(words[one].fill(language, unit) if one in words else one for one in codes)
    return found


@lru_cache(maxsize=64)
def _words_of(questionnaire: Questionnaire) -> Mapping[str, Mapping[str, Words]]:
    return {
        item.code: {choice.code: choice.text for choice in item.choices} for item in questionnaire.items if item.choices
    }
