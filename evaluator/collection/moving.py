"""Going through a form: a pure function from what a screen sent to what is shown next."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import msgspec

from evaluator.collection.form import REVIEW, Answers, Sent, Shown, tampered
from questionnaires.acceptance import Problem
from questionnaires.acceptance import check as check_answers
from questionnaires.answers import as_form
from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Context
from questionnaires.filters import offered
from questionnaires.recompute import NOTHING, initial, plan, recompute
from questionnaires.screens import Screen, later_parts, screens, visible_in

NEXT, BACK, CHANGE, LANGUAGE = "next", "back", "change", "language"  # what buttons say; the last two name something


def check_fields(questionnaire: Questionnaire, answers: Answers) -> None:
    """Refuse answers to questions that were never asked."""
    if not answers.keys() <= plan(questionnaire).fields:
        raise tampered()


def at_first(questionnaire: Questionnaire, context: Context = NOTHING) -> Shown:
    """What the form starts with: the first screen, with whatever is answered by default."""
    known = plan(questionnaire).fields
    answers = {code: values for code, values in initial(questionnaire, context).items() if code in known}
    start = _settled(questionnaire, answers, context)
    return _showing(questionnaire, start, 0, reviewing=False)


def move(questionnaire: Questionnaire, sent: Sent, context: Context = NOTHING) -> Shown:
    """What to show after a screen was sent. Going back, changing and switching languages check and lose nothing.

    Raises
    ------
    Problem
        A screen, a button or a question that the questionnaire does not have.
    """
    check_fields(questionnaire, sent.answers)
    start = msgspec.structs.replace(
        _settled(questionnaire, sent.answers, context), reviewing=sent.reviewing, runs=sent.runs
    )
    shown = start.screens
    here = _place(questionnaire, start, sent.at)
    last = _end(shown, here) if sent.script else here
    passed = {sent.at, *(screen.code for screen in shown[here : last + 1])}
    known = [screen.code for screen in screens(questionnaire)]
    start = msgspec.structs.replace(start, seen=tuple(c for c in known if c in sent.seen or c in passed))
    what, _colon, which = sent.to.partition(":")
    if here < 0:  # it is not there any more
        return _showing(questionnaire, start, 0, reviewing=sent.reviewing)
    if what == NEXT:
        return _forward(questionnaire, start, here, last)
    if what == BACK:
        return _showing(
            questionnaire, start, _begin(questionnaire, start, here - 1), reviewing=sent.reviewing and here > 0
        )
    if what == CHANGE:
        for place, screen in enumerate(shown):
            if any(question.code == which for question in screen.questions):
                return _showing(questionnaire, start, place, reviewing=True)
        raise tampered()
    if what == LANGUAGE:
        return _showing(questionnaire, start, here, reviewing=sent.reviewing)
    raise tampered()


def onwards(questionnaire: Questionnaire, sent: Sent, asked: Collection[str], context: Context = NOTHING) -> Shown:
    """What to show after a page that is laid out in another way now: the first screen that was not seen yet.

    Parameters
    ----------
    asked : collection of str
        The items of that page: an answer to them that cannot be taken is told first.
    """
    start = _settled(questionnaire, sent.answers, context)
    start = msgspec.structs.replace(start, seen=sent.seen, runs=sent.runs)
    if problems := check_answers(questionnaire, start.answers, context, only=asked).problems:
        wrong = {problem.question for problem in problems}
        for place, screen in enumerate(start.screens):
            if any(question.code in wrong for question in screen.questions):
                found = _showing(questionnaire, start, place, reviewing=sent.reviewing)
                return msgspec.structs.replace(found, problems=tuple(problems))
    for place, screen in enumerate(start.screens):
        if screen.code not in sent.seen:
            return _showing(questionnaire, start, place, reviewing=sent.reviewing)
    problem = _first_problem(questionnaire, start)
    return problem[0] if problem else _showing(questionnaire, start, len(start.screens), reviewing=True)


def at_screen(
    questionnaire: Questionnaire,
    answers: Answers,
    code: str,
    context: Context = NOTHING,
    *,
    reviewing: bool,
    seen: tuple[str, ...],
    tell: bool,
    runs: bool = False,
    cleared: tuple[str, ...] = (),
) -> Shown:
    """A screen that was shown before; the first one when it is not there any more.

    Parameters
    ----------
    tell : bool
        Say what is wrong with its answers.
    runs : bool
        The browser runs scripts, so that those of the later parts of its section are told as well.
    """
    start = msgspec.structs.replace(_settled(questionnaire, answers, context), seen=seen, runs=runs)
    start = msgspec.structs.replace(start, cleared=tuple(dict.fromkeys((*cleared, *start.cleared))))
    shown = start.screens
    if code == REVIEW or not shown:
        return _showing(questionnaire, start, len(shown), reviewing=True)
    place = next((place for place, screen in enumerate(shown) if screen.code == code), 0)
    found = _showing(questionnaire, start, place, reviewing=reviewing)
    if not tell:
        return found
    problems = check_answers(questionnaire, start.answers, context, only=_asked(found)).problems
    return msgspec.structs.replace(found, problems=tuple(problems))


def first_problem(questionnaire: Questionnaire, sent: Sent, context: Context = NOTHING) -> Shown | None:
    """The first screen with an answer that cannot be taken; None when the whole form can be.

    When an answer goes because it is no longer offered, the review says so first.
    """
    start = msgspec.structs.replace(_settled(questionnaire, sent.answers, context), runs=sent.runs)
    found = _first_problem(questionnaire, start)
    if found is None:
        return _showing(questionnaire, start, len(start.screens), reviewing=True) if start.cleared else None
    shown, problems = found
    every = tuple(screen.code for screen in shown.screens)
    told = tuple(problem for problem in problems if problem.question in _asked(shown))
    return msgspec.structs.replace(shown, problems=told, seen=every)


def progress(shown: Shown) -> tuple[int, int]:
    """Which section this is and how many there are for this person. The review counts as none."""
    sections = list(dict.fromkeys(screen.section.code for screen in shown.screens))
    at = sections.index(shown.screen.section.code) + 1 if shown.screen else len(sections)
    return at, len(sections)


def on_page(questionnaire: Questionnaire, code: str, *, script: bool) -> frozenset[str]:
    """Every item that a page of this screen can have asked, with a script those of the section's later parts too."""
    known = screens(questionnaire)
    at = next((place for place, screen in enumerate(known) if screen.code == code), None)
    if at is None:
        return frozenset()
    last = _end(known, at) if script else at
    return frozenset(item.code for screen in known[at : last + 1] for item in screen.items)


def _settled(questionnaire: Questionnaire, answers: Answers, context: Context) -> Shown:
    """The answers without what is no longer offered, and with what keeps its value once it was worked out."""
    known = plan(questionnaire).fields
    kept = {code: list(values) for code, values in answers.items() if code in known}
    state = recompute(questionnaire, kept, context, draft=True, only=())
    for code in state.cleared:
        question = questionnaire.question(code)
        codes = {choice.code for choice in question.choices}
        left = {choice.code for choice in offered(question, state.answers, context)}
        kept[code] = [value for value in kept.get(code, []) if value.strip() not in codes - left]
    for code, value in as_form(
        {code: state.answers[code] for code in _remembered(questionnaire) if code in state.answers}
    ).items():
        kept[code] = value
    return Shown(visible_in(questionnaire, state), None, False, kept, state, context, cleared=state.cleared)


@lru_cache(maxsize=64)
def _remembered(questionnaire: Questionnaire) -> tuple[str, ...]:
    """What is worked out from its own value so far, such as `once(...)`: it has to go along with the answers."""
    return tuple(
        item.code for item in questionnaire.items if item.calculate is not None and item.calculate.reads_current()
    )


def _place(questionnaire: Questionnaire, start: Shown, code: str) -> int:
    """The position of a screen among those that are shown; -1 when it is not among them any more."""
    if code == REVIEW:
        return len(start.screens)
    for place, screen in enumerate(start.screens):
        if screen.code == code:
            return place
    section, _dash, part = code.rpartition("-")  # a part that a newer version of the questionnaire does without
    known = {screen.code for screen in screens(questionnaire)}
    if code in known or (section in known and part.isdecimal()):
        return -1
    raise tampered()


def _end(shown: tuple[Screen, ...], here: int) -> int:
    """The last part of the section that a screen belongs to."""
    last = here
    while here >= 0 and last + 1 < len(shown) and shown[last + 1].section.code == shown[here].section.code:
        last += 1
    return last


def _begin(questionnaire: Questionnaire, start: Shown, place: int) -> int:
    """Where to go back to: for a page with a script the first part that can show the section from there on."""
    place = max(place, 0)
    if not start.runs or place >= len(start.screens):
        return place
    section = start.screens[place].section.code
    for first, screen in enumerate(start.screens[:place]):
        if screen.section.code == section and later_parts(questionnaire, screen, start.state):
            return first
    return place


def _showing(questionnaire: Questionnaire, start: Shown, place: int, *, reviewing: bool) -> Shown:
    if place >= len(start.screens):
        return msgspec.structs.replace(start, screen=None, reviewing=True)
    screen = start.screens[place]
    rest = later_parts(questionnaire, screen, start.state)
    return msgspec.structs.replace(start, screen=screen, reviewing=reviewing, rest=rest)


def _asked(shown: Shown) -> set[str]:
    """The questions of a page; with a script those that it holds of later parts."""
    if shown.screen is None:
        return set()
    return {item.code for item in (*shown.screen.items, *(shown.rest if shown.runs else ()))}


def _forward(questionnaire: Questionnaire, start: Shown, here: int, last: int) -> Shown:
    shown = start.screens
    if here == len(shown):
        return _showing(questionnaire, start, here, reviewing=True)
    asked = {question.code for screen in shown[here : last + 1] for question in screen.questions}
    if problems := check_answers(questionnaire, start.answers, start.context, only=asked).problems:
        found = _showing(questionnaire, start, here, reviewing=start.reviewing)
        return msgspec.structs.replace(found, problems=tuple(problems))
    if not start.reviewing:
        return _showing(questionnaire, start, last + 1, reviewing=False)
    # back to the review, past what a changed answer may have brought up or taken away
    for place in range(last + 1, len(shown)):
        screen = shown[place]
        if screen.code not in start.seen or any(item.code in start.cleared for item in screen.items):
            return _showing(questionnaire, start, place, reviewing=True)
    found_problem = _first_problem(questionnaire, start)
    return found_problem[0] if found_problem else _showing(questionnaire, start, len(shown), reviewing=True)


def _first_problem(questionnaire: Questionnaire, start: Shown) -> tuple[Shown, list[Problem]] | None:
    problems = check_answers(questionnaire, start.answers, start.context).problems
    if not problems:
        return None
    wrong = {problem.question for problem in problems}
    for place, screen in enumerate(start.screens):
        if any(question.code in wrong for question in screen.questions):
            return _showing(questionnaire, start, place, reviewing=True), problems
    raise tampered()
