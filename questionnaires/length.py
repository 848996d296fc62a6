"""How many questions a respondent meets and how long they take, over all ways through a questionnaire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TypeVar

import msgspec

from questionnaires.definition import Question, Questionnaire, Section
from questionnaires.evaluation import Answer, condition
from questionnaires.expression import Call, Chain, Expression, Name, Node, Number, Text, walk

MOST_STATES = 5_000
MOST_WORK = 40_000  # steps of all ways together: about a second, whatever somebody uploads
MOST_WAYS = 500
MOST_CODES = 8  # codes of one multiple choice that conditions ask for

# What an estimate of time rests on: silent reading of plain text, and an answer given on a phone. They are round
# figures from experience, not measurements of these forms: what people really took is shown with a campaign.
CHINESE_A_SECOND = 7.0  # characters
WORDS_A_SECOND = 4.0
SECONDS_TO_ANSWER: Mapping[str, float] = {"text": 30.0, "file": 40.0, "integer": 7.0, "decimal": 7.0, "date": 8.0}
SECONDS_TO_CHOOSE = 2.5  # for every other type

State = tuple[tuple[str, Answer], ...]  # the answers that later conditions still read
T = TypeVar("T")


class Way(msgspec.Struct, frozen=True):
    """A way through: the sections that are met on it, and the least and most that it can hold."""

    sections: tuple[str, ...]
    questions: tuple[int, int]
    seconds: tuple[float, float]


def lengths(questionnaire: Questionnaire) -> tuple[int, ...] | None:
    """The possible numbers of questions, ascending, whatever is answered, or skipped where that is allowed.

    Returns
    -------
    tuple of int, or None
        None when the conditions are too rich to be enumerated.

    Examples
    --------
    >>> from questionnaires.loading import load_shipped
    >>> lengths(load_shipped("sd-citizen"))
    (10, 16)
    """

    def ask(counts: frozenset[int], _section: Section, _question: Question) -> frozenset[int]:
        return frozenset(count + 1 for count in counts)

    found = _walk(questionnaire, frozenset((0,)), ask, lambda one, other: one | other)
    return None if found is None else tuple(sorted(found))


def ways(questionnaire: Questionnaire, language: str) -> tuple[Way, ...] | None:
    """The ways through, by the sections that are met, the quickest first, with an estimate of their time.

    Parameters
    ----------
    language : str
        The language that is read.

    Returns
    -------
    tuple of Way, or None
        None when the conditions are too rich to be enumerated, or there are more than 500 ways.
    """
    took = {question.code: _seconds(questionnaire, question, language) for question in questionnaire.questions}
    heads = {section.code: _head_seconds(section, language) for section in questionnaire.sections}
    too_many = False

    def ask(known: dict[tuple[str, ...], Way], section: Section, question: Question) -> dict[tuple[str, ...], Way]:
        after: dict[tuple[str, ...], Way] = {}
        for met, way in known.items():
            new = met[-1:] != (section.code,)
            more = took[question.code] + (heads[section.code] if new else 0.0)
            longer = Way(
                (*met, section.code) if new else met,
                (way.questions[0] + 1, way.questions[1] + 1),
                (way.seconds[0] + more, way.seconds[1] + more),
            )
            after[longer.sections] = _either(after.get(longer.sections), longer)
        return after

    def merge(one: dict[tuple[str, ...], Way], other: dict[tuple[str, ...], Way]) -> dict[tuple[str, ...], Way]:
        nonlocal too_many
        merged = dict(one)
        for met, way in other.items():
            merged[met] = _either(merged.get(met), way)
        too_many = too_many or len(merged) > MOST_WAYS
        return {} if too_many else merged

    start: dict[tuple[str, ...], Way] = {(): Way((), (0, 0), (0.0, 0.0))}
    found = _walk(questionnaire, start, ask, merge)
    if found is None or too_many:
        return None
    return tuple(sorted(found.values(), key=lambda way: (way.seconds, way.sections)))


def _either(one: Way | None, other: Way) -> Way:
    """A way that holds what one or the other holds."""
    if one is None:
        return other
    return Way(
        one.sections,
        (min(one.questions[0], other.questions[0]), max(one.questions[1], other.questions[1])),
        (min(one.seconds[0], other.seconds[0]), max(one.seconds[1], other.seconds[1])),
    )


def _seconds(questionnaire: Questionnaire, question: Question, language: str) -> float:
    """To read a question and answer it. Of several choices half are read, on average, before one fits.

    The choices of a matrix are read with its first statement only.
    """
    texts = [question.text, question.hint]
    choices = [choice.text for choice in question.choices] + [words for _, words in question.anchors]
    if question.group:
        section = next(s for s in questionnaire.sections if any(item is question for item in s.items))
        group = section.group(question.group)
        first = next(item for item in section.items if item.group == group.code)
        if first is question:
            texts += [group.title, group.hint]
        elif group.kind == "matrix":
            choices = []
    read = sum(reading_seconds(words.chosen(language)) for words in texts if words is not None)
    read += sum(reading_seconds(words.chosen(language)) for words in choices) / 2
    return read + SECONDS_TO_ANSWER.get(question.type, SECONDS_TO_CHOOSE)


def _head_seconds(section: Section, language: str) -> float:
    """To read what a section says before and between its questions."""
    texts = [section.title, section.note, *(item.text for item in section.items if item.type == "note")]
    return sum(reading_seconds(words.chosen(language)) for words in texts if words is not None)


def reading_seconds(text: str) -> float:
    """To read a text silently: Chinese by characters, everything else by words.

    >>> reading_seconds("one two three four"), reading_seconds("\u4e00" * 7)
    (1.0, 1.0)
    """
    chinese = sum("\u4e00" <= character <= "\u9fff" for character in text)
    words = len("".join(" " if "\u4e00" <= character <= "\u9fff" else character for character in text).split())
    return chinese / CHINESE_A_SECOND + (0.0 if chinese else words / WORDS_A_SECOND)


def _walk(
    questionnaire: Questionnaire, start: T, ask: Callable[[T, Section, Question], T], merge: Callable[[T, T], T]
) -> T | None:
    """What is gathered over all ways; None when they cannot be enumerated.

    Every answer that a condition can tell apart is tried; answers that no later condition reads are forgotten on the
    way, so the work grows with the conditions and not with the questions.
    """
    if not _countable(questionnaire):
        return None
    readers = _readers(questionnaire)
    expressions = _expressions(questionnaire)
    told_apart: dict[str, list[Answer | None]] = {}
    for question in questionnaire.questions:
        if question.code in readers:
            answers = _answers(question, expressions)
            if answers is None:
                return None
            if question.required_always:  # nobody gets through without an answer
                answers = [answer for answer in answers if answer is not None]
            told_apart[question.code] = answers
    states: dict[State, T] = {(): start}
    step = work = 0

    def put(into: dict[State, T], state: State, gathered: T, upto: int) -> None:
        """Under what is still read of a state."""
        kept = tuple((code, answer) for code, answer in state if readers[code] > upto)
        into[kept] = merge(into[kept], gathered) if kept in into else gathered

    for section in questionnaire.sections:
        asked = None if section.relevant is None else condition(section.relevant)
        inside = {state: gathered for state, gathered in states.items() if asked is None or asked(dict(state))}
        outside = {state: gathered for state, gathered in states.items() if state not in inside}
        for question in section.questions:
            step += 1
            conditions = [condition(expression) for expression in _conditions(section, question)]
            after: dict[State, T] = {}
            work += len(inside) * len(told_apart.get(question.code, (None,)))
            if work > MOST_WORK:
                return None
            for state, gathered in inside.items():
                if not all(holds(dict(state)) for holds in conditions):
                    put(after, state, gathered, step)
                    continue
                more = ask(gathered, section, question)
                for answer in told_apart.get(question.code, [None]):
                    put(after, state if answer is None else (*state, (question.code, answer)), more, step)
            inside = after
            if len(inside) > MOST_STATES:
                return None
        states = {}
        for state, gathered in (*inside.items(), *outside.items()):
            put(states, state, gathered, step)
    everything: T | None = None
    for gathered in states.values():
        everything = gathered if everything is None else merge(everything, gathered)
    return everything


def _conditions(section: Section, question: Question) -> list[Expression]:
    """What decides whether a question of a section is asked, beside the section's own condition."""
    found = [group.relevant for group in section.around(question)] + [question.relevant]
    return [expression for expression in found if expression is not None]


def _countable(questionnaire: Questionnaire) -> bool:
    """Whether everything that conditions read is answered before, and can be answered in every way."""
    if any(group.kind == "repeat" for section in questionnaire.sections for group in section.groups):
        return False
    free: set[str] = set()
    for section in questionnaire.sections:
        if section.relevant is not None and not {name.code for name in section.relevant.names()} <= free:
            return False
        for question in section.questions:
            for expression in _conditions(section, question):
                if not {name.code for name in expression.names()} <= free:
                    return False
            if question.calculate is None and question.choice_filter is None and not question.readonly_always:
                free.add(question.code)
    return True


def _readers(questionnaire: Questionnaire) -> dict[str, int]:
    """The number (from 1) of the last question whose condition, or whose section's condition, reads an answer."""
    last: dict[str, int] = {}
    step = 0
    for section in questionnaire.sections:
        if section.relevant is not None:
            for name in section.relevant.names():
                last[name.code] = step + 1
        for question in section.questions:
            step += 1
            for expression in _conditions(section, question):
                for name in expression.names():
                    last[name.code] = step
    return last


def _expressions(questionnaire: Questionnaire) -> list[Expression]:
    found = []
    for section in questionnaire.sections:
        if section.relevant is not None:
            found.append(section.relevant)
        for question in section.questions:
            found += _conditions(section, question)
    return found


def _answers(question: Question, expressions: list[Expression]) -> list[Answer | None] | None:
    """Answers to a question such that conditions see every difference they can see; None: not to be enumerated."""
    codes = [choice.code for choice in question.choices]
    if question.type == "single":
        return [None, *codes]
    if question.type == "scale" and question.range is not None:
        return [None, *range(question.range[0], question.range[1] + 1), *codes]
    literals = _literals(question.code, expressions)
    if literals is None or question.type in ("decimal", "rank"):
        return None
    if question.type == "multiple":
        asked_for = [code for code in codes if code in literals]
        silent = next((code for code in codes if code not in literals and code not in question.exclusive), None)
        if len(asked_for) > MOST_CODES:
            return None
        free = [code for code in asked_for if code not in question.exclusive] + ([silent] if silent is not None else [])
        sets: list[Answer | None] = [None, *((code,) for code in codes if code in question.exclusive)]
        sets.extend(chosen for size in range(1, len(free) + 1) for chosen in combinations(free, size))
        return sets
    if question.type == "integer" and question.range is not None:
        low, high = question.range
        near = {low, high}
        for literal in literals:
            if isinstance(literal, float) and abs(literal) < 10**15:
                near.update(number for number in range(int(literal) - 1, int(literal) + 2) if low <= number <= high)
        return [None, *sorted(near), *codes]
    texts = sorted(literal for literal in literals if isinstance(literal, str) and literal)
    return [None, *texts, "".join(texts) + "-"]


def _literals(code: str, expressions: list[Expression]) -> set[str | float] | None:
    """What an answer is compared with; None when it is used in any other way."""
    found: set[str | float] = set()
    uses = comparisons = 0
    for expression in expressions:
        for node in walk(expression.tree):
            if isinstance(node, Name) and node.code == code:
                uses += 1
            literal = _compared(node, code)
            if literal is not None:
                comparisons += 1
                found.add(literal)
    return found if uses == comparisons else None


def _compared(node: Node, code: str) -> str | float | None:
    sides: tuple[Node, ...] = ()
    if isinstance(node, Call) and node.function == "selected":
        sides = node.arguments
    elif isinstance(node, Chain) and len(node.rest) == 1 and node.rest[0][0] in ("=", "!=", "<", "<=", ">", ">="):
        sides = (node.first, node.rest[0][1])
    if len(sides) == 2:
        for one, other in (sides, sides[::-1]):
            if isinstance(one, Name) and one.code == code and isinstance(other, Text | Number):
                return other.value
    return None
