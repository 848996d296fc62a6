"""How many questions a respondent meets, over all ways through a questionnaire."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from questionnaires.definition import Question, Questionnaire, Section
from questionnaires.evaluation import Answer, Condition, condition
from questionnaires.expression import Call, Chain, Expression, Name, Node, Number, Text, walk

MOST_STATES = 5_000
MOST_CODES = 8  # codes of one multiple choice that conditions ask for

State = tuple[tuple[str, Answer], ...]  # the answers that later conditions still read


def lengths(questionnaire: Questionnaire) -> tuple[int, ...] | None:
    """The possible numbers of questions, ascending, whatever is answered or skipped.

    Every answer that a condition can tell apart is tried; answers that no later condition reads are forgotten on the
    way, so the work grows with the conditions and not with the questions.

    Returns
    -------
    tuple of int, or None
        None when the conditions are too rich to be enumerated.
    """
    if not _countable(questionnaire):
        return None
    readers = _readers(questionnaire)
    answers_by_question: dict[str, list[Answer | None]] = {}
    for question in questionnaire.questions:
        if question.code in readers:
            told_apart = _answers(question, _expressions(questionnaire))
            if told_apart is None:
                return None
            answers_by_question[question.code] = told_apart
    states: dict[State, frozenset[int]] = {(): frozenset((0,))}
    step = 0
    for section in questionnaire.sections:
        asked = None if section.relevant is None else condition(section.relevant)
        inside = {state: counts for state, counts in states.items() if asked is None or asked(dict(state))}
        outside = {state: counts for state, counts in states.items() if state not in inside}
        for question in section.questions:
            step += 1
            inside = _through(inside, _asked(section, question), question, answers_by_question.get(question.code))
            inside = _forget(inside, readers, step)
            if len(inside) > MOST_STATES:
                return None
        states = _forget(_merge(inside, outside), readers, step)
    return tuple(sorted({count for counts in states.values() for count in counts}))


def _through(
    states: dict[State, frozenset[int]],
    conditions: Sequence[Condition],
    question: Question,
    told_apart: list[Answer | None] | None,
) -> dict[State, frozenset[int]]:
    after: dict[State, frozenset[int]] = {}
    for state, counts in states.items():
        if not all(asked(dict(state)) for asked in conditions):
            after[state] = after.get(state, frozenset()) | counts
            continue
        more = frozenset(count + 1 for count in counts)
        for answer in told_apart or [None]:
            reached = state if answer is None else (*state, (question.code, answer))
            after[reached] = after.get(reached, frozenset()) | more
    return after


def _merge(one: dict[State, frozenset[int]], other: dict[State, frozenset[int]]) -> dict[State, frozenset[int]]:
    merged = dict(one)
    for state, counts in other.items():
        merged[state] = merged.get(state, frozenset()) | counts
    return merged


def _forget(states: dict[State, frozenset[int]], readers: dict[str, int], step: int) -> dict[State, frozenset[int]]:
    """Drop answers that nothing after this step reads."""
    after: dict[State, frozenset[int]] = {}
    for state, counts in states.items():
        kept = tuple((code, answer) for code, answer in state if readers[code] > step)
        after[kept] = after.get(kept, frozenset()) | counts
    return after


def _conditions(section: Section, question: Question) -> list[Expression]:
    """What decides whether a question of a section is asked, beside the section's own condition."""
    found = [group.relevant for group in section.around(question)] + [question.relevant]
    return [expression for expression in found if expression is not None]


def _asked(section: Section, question: Question) -> list[Condition]:
    return [condition(expression) for expression in _conditions(section, question)]


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
