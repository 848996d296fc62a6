"""Every path through a questionnaire that its conditions can tell apart, with answers that use every choice somewhere.

A path is decided by the answers that conditions read. Those are tried in every combination that can come about: each
choice of a single choice and leaving it out, each code of a multiple choice and two together, numbers at and beside
those that they are compared with. Where no condition reads two of them they are independent, and one run tries a
combination of each. What no condition reads cannot change the path: over the runs of all paths such questions take
their choices in turn, each at least once, so that runs need not be multiplied by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from questionnaires.acceptance import Accepted, accept
from questionnaires.answers import Raw
from questionnaires.definition import Question, Questionnaire
from questionnaires.evaluation import Context, condition
from questionnaires.expression import Number, Text, walk
from questionnaires.filters import offered
from questionnaires.recompute import initial, recompute

Answers = dict[str, list[str]]
MOST_OPTIONS = 13  # of a question that decides nothing: beyond them, not each is tried


def options(questionnaire: Questionnaire, question: Question) -> list[list[str]]:
    """Answers to a question that differ to every condition, constraints kept; leaving it out is the last."""
    codes = list(dict.fromkeys(choice.code for choice in question.choices))
    match question.type:
        case "single":
            found = [[code] for code in codes]
        case "multiple":
            free = [code for code in codes if code not in question.exclusive]
            found = [[code] for code in codes] + ([free[:2], free] if len(free) > 1 else [])
        case "scale":
            low, high = question.range or (0, 0)
            found = [[str(number)] for number in range(low, high + 1)] + [[code] for code in codes]
        case "integer":
            low, high = question.range or (0, 10**9)
            near = {low, high, *(n + d for n in _numbers(questionnaire, question.code) for d in (-1, 0, 1))}
            step = int(question.step or 1)
            found = [[str(n)] for n in sorted(near) if low <= n <= high and (n - low) % step == 0]
            found += [[code] for code in codes]
        case "decimal":
            found = [["0.5"], ["12"]]
        case "date":
            if "month-year" in question.appearance:
                found = [["2026-03"]]
            else:
                found = [["2026"]] if "year" in question.appearance else [["2026-03-01"], ["2025-12-31"]]
        case "time":
            found = [["09:30"]]
        case "datetime":
            found = [["2026-03-01T09:30"]]
        case "acknowledge":
            found = [["OK"]]
        case _:
            found = [["7"], ["甲，乙 c"]]
    return [*found, []]


def _numbers(questionnaire: Questionnaire, code: str) -> set[int]:
    """Whole numbers in the expressions that read a question."""
    found = set()
    for item in questionnaire.items:
        for expression in (item.relevant, item.constraint, item.calculate, item.choice_filter, item.readonly):
            if expression is not None and (item.code == code or code in {n.code for n in expression.names()}):
                for node in walk(expression.tree):
                    text = str(node.value) if isinstance(node, Number | Text) else ""
                    if text.removesuffix(".0").lstrip("-").isdigit() and len(text) < 12:
                        found.add(int(float(text)))
    return found


def deciding(questionnaire: Questionnaire) -> list[set[str]]:
    """The questions whose answers decide what is asked, offered or can be changed, through calculated values too.

    In sets that are independent of each other: no condition reads answers of two of them.
    """
    items = {item.code: item for item in questionnaire.items}
    reads: dict[str, set[str]] = {}
    for section in questionnaire.sections:
        for item in section.items:
            around = [section.relevant, *(group.relevant for group in section.around(item))]
            expressions = [*around, item.relevant, item.choice_filter, item.readonly]
            waiting = {name.code for e in expressions if e is not None for name in e.names()}
            read: set[str] = set()
            while waiting:
                code = waiting.pop()
                if code not in read and code in items:
                    read.add(code)
                    worked = items[code].calculate
                    waiting |= set() if worked is None else {name.code for name in worked.names()}
            reads[item.code] = {code for code in read if items[code].asked and items[code].calculate is None}
    for code in set().union(*reads.values()):
        reads[code].add(code)  # whether it is asked may depend on others that decide
    merged: list[set[str]] = []
    for one in reads.values():
        touching = [other for other in merged if other & one]
        merged = [other for other in merged if not other & one] + [one.union(*touching)]
    return [one for one in merged if one]


def paths(questionnaire: Questionnaire, context: Context) -> list[Answers]:
    """Answers to the deciding questions: each combination that can come about within a set, sets side by side."""
    found = [list(_combinations(questionnaire, codes, context)) for codes in deciding(questionnaire)]
    start = initial(questionnaire, context)
    most = max((len(each) for each in found), default=1)
    return [{**start, **{k: v for each in found for k, v in each[n % len(each)].items()}} for n in range(most)]


def _combinations(questionnaire: Questionnaire, codes: set[str], context: Context) -> Iterator[Answers]:
    order = [question for question in questionnaire.questions if question.code in codes]

    def from_here(at: int, given: Answers) -> Iterator[Answers]:
        if at == len(order):
            yield {code: given[code] for code in codes if code in given}
            return
        question = order[at]
        state = recompute(questionnaire, given, context, draft=True)
        if question.code not in state.relevant:
            yield from from_here(at + 1, given)
            return
        there = {choice.code for choice in offered(question, state.answers, context)}
        for option in options(questionnaire, question):
            if not question.choices or question.type in ("integer", "scale") or set(option) <= there:
                more = {**given, question.code: option}
                if fits(questionnaire, question.code, more, context):
                    yield from from_here(at + 1, more)

    yield from from_here(0, initial(questionnaire, context))


def fits(questionnaire: Questionnaire, code: str, answers: Raw, context: Context) -> bool:
    return not recompute(questionnaire, answers, context, only=(code,)).problems


def runs(questionnaire: Questionnaire, context: Context) -> list[Answers]:
    """Whole sets of answers: every path, and every choice of every question that decides nothing, at least once.

    Beyond one run a path, the path that meets most of the questions with choices left is run again.
    """
    deciders = {code for codes in deciding(questionnaire) for code in codes}
    others = [q for q in questionnaire.questions if q.code not in deciders and q.calculate is None]
    others = [q for q in others if not q.readonly_always]
    left = {question.code: len(_varied(questionnaire, question)) for question in others}
    turn = dict.fromkeys(left, 0)
    decided = paths(questionnaire, context)
    met: dict[int, set[str]] = {}
    found: list[Answers] = []
    while True:
        at = len(found)
        if at >= len(decided):
            at = max(met, key=lambda path: sum(turn[code] < left[code] for code in met[path]))
            if not any(turn[code] < left[code] for code in met[at]):
                return found
        given = dict(decided[at])
        met[at] = set()
        for question in others:
            state = recompute(questionnaire, given, context, draft=True)
            if question.code in state.relevant:
                met[at].add(question.code)
                if question.readonly is not None and condition(question.readonly)(state.answers, context):
                    continue  # it keeps what it has
                there = {choice.code for choice in offered(question, state.answers, context)}
                choices = _varied(questionnaire, question)
                for _ in choices:
                    option = choices[turn[question.code] % len(choices)]
                    turn[question.code] += 1
                    known = question.type not in ("single", "multiple") or set(option) <= there
                    more = {**given, question.code: option}
                    if known and fits(questionnaire, question.code, more, context):
                        given = more
                        break
        found.append(given)


def fitting(questionnaire: Questionnaire, context: Context, random: Random) -> Answers:
    """Answers by chance that can be sent."""
    for _ in range(300):
        given: Answers = initial(questionnaire, context)
        for question in questionnaire.questions:
            state = recompute(questionnaire, given, context, draft=True)
            free = question.calculate is None and not question.readonly_always
            if question.code not in state.relevant or not free:
                continue
            there = {choice.code for choice in offered(question, state.answers, context)}
            some = [
                option
                for option in options(questionnaire, question)
                if question.type not in ("single", "multiple") or set(option) <= there
            ]
            fit = [o for o in some if fits(questionnaire, question.code, {**given, question.code: o}, context)]
            given[question.code] = random.choice(fit or some)
        if isinstance(accept(questionnaire, given, context), Accepted):
            return given
    raise AssertionError(f"{questionnaire.code} takes no answers")


def _varied(questionnaire: Questionnaire, question: Question) -> list[list[str]]:
    """The options to take in turn; of a long list some from all over it."""
    found = options(questionnaire, question)
    return found if len(found) <= MOST_OPTIONS else found[:: len(found) // MOST_OPTIONS + 1]
