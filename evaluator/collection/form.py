"""The form as a pure function: what a screen sent, and what to show next. All state travels in the page itself."""

from __future__ import annotations

import base64
import binascii
import random
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import unquote_plus

import msgspec

from evaluator import security
from evaluator.problems import Problem
from questionnaires.acceptance import Problem as AnswerProblem
from questionnaires.acceptance import check
from questionnaires.definition import Choice, Question, Questionnaire
from questionnaires.screens import Screen, presented, screens, visible

ANSWER = "a-"  # before a question's code, in names of fields and in ids
REVIEW = "review"  # the place after the last screen
CONTROLS = frozenset({"visit", "at", "to", "reviewing", "seen"})
MOST_BYTES, MOST_FIELDS = 256 * 1024, 1000

Answers = Mapping[str, list[str]]


def _(message: str) -> str:
    return message


class Visit(msgspec.Struct, frozen=True, array_like=True):
    """One person's way through one form, signed, so that nothing of it needs to be kept by the server."""

    campaign: int
    unit: str
    started: int  # seconds since 1970: gives the grace at the close and the class of duration, and is never stored
    seed: int  # of the order of choices
    code_hash: str | None = None
    design_stratum: str = ""
    psu: str = ""


class Sent(msgspec.Struct, frozen=True):
    """A form that came in: well-formed, but nothing of it is checked yet."""

    visit: str
    at: str  # the screen it comes from
    to: str  # the button that was pressed
    reviewing: bool  # whether the person came back from the review
    answers: dict[str, list[str]]  # of all screens
    seen: tuple[str, ...] = ()  # screens that were shown before


class Shown(msgspec.Struct, frozen=True):
    """A screen to show, or the review when `screen` is None."""

    screens: tuple[Screen, ...]
    screen: Screen | None
    reviewing: bool
    problems: tuple[AnswerProblem, ...] = ()
    seen: tuple[str, ...] = ()


def tampered() -> Problem:
    """For whatever our own pages cannot have sent."""
    return Problem(
        400,
        _("This form was changed on its way"),
        _("What arrived is not what our page sends, so nothing was recorded. Open the survey again and start over."),
    )


def new_visit(
    campaign: int, unit: str, now: datetime, *, code_hash: str | None = None, design_stratum: str = "", psu: str = ""
) -> Visit:
    return Visit(campaign, unit, int(now.timestamp()), secrets.randbits(32), code_hash, design_stratum, psu)


def sign_visit(secret: bytes, visit: Visit) -> str:
    """The visit as the form's hidden field."""
    return security.signed(secret, "visit", base64.urlsafe_b64encode(msgspec.json.encode(visit)).decode())


_visit_decoder = msgspec.json.Decoder(Visit)


def read_visit(secret: bytes, text: str) -> Visit:
    """The visit behind a form's hidden field.

    Raises
    ------
    Problem
        Nobody here signed it.
    """
    value = security.unsigned(secret, "visit", text)
    if value is None:
        raise tampered()
    try:
        return _visit_decoder.decode(base64.urlsafe_b64decode(value))
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise tampered() from None


def started(visit: Visit) -> datetime:
    return datetime.fromtimestamp(visit.started, UTC)


def read_pairs(body: bytes, most: int) -> list[tuple[str, str]]:
    """Names and values of a form as browsers encode it; most need no decoding, which is most of the time it takes.

    Litestar's own parser keeps the last thousand bodies in memory; answers should not stay there.
    """
    if body.count(b"&") >= most:
        raise tampered()
    try:
        fields = body.decode("ascii").split("&")
        pairs = []
        for field in fields:
            name, _equals, value = field.partition("=")
            if "%" in field or "+" in field:
                name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
            if name:
                pairs.append((name, value))
    except UnicodeDecodeError:
        raise tampered() from None
    return pairs


def read_form(body: bytes) -> Sent:
    """The fields of a form.

    Raises
    ------
    Problem
        Fields that our pages never send, or too many of them.
    """
    pairs = read_pairs(body, MOST_FIELDS)
    controls: dict[str, str] = {}
    answers: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.startswith(ANSWER):
            answers.setdefault(name[2:], []).append(value)
        elif name not in CONTROLS or name in controls:
            raise tampered()
        else:
            controls[name] = value
    return Sent(
        controls.get("visit", ""), controls.get("at", ""), controls.get("to", "next"), controls.get("reviewing") == "1",
        answers, tuple(controls.get("seen", "").split()),
    )  # fmt: skip


def read_code_form(body: bytes) -> str:
    """What was typed into the field for a code."""
    pairs = read_pairs(body, 5)
    return next((value for name, value in pairs if name == "code"), "")


def check_fields(questionnaire: Questionnaire, answers: Answers) -> None:
    """Refuse answers to questions that were never asked."""
    known = {question.code for question in questionnaire.questions}
    if not answers.keys() <= known:
        raise tampered()


def first_screen(questionnaire: Questionnaire) -> Shown:
    """What the form starts with."""
    shown = visible(questionnaire, {})
    return Shown(shown, shown[0] if shown else None, reviewing=False)


def move(questionnaire: Questionnaire, sent: Sent) -> Shown:
    """What to show after a screen was sent. Going back, changing and switching languages check and lose nothing.

    Raises
    ------
    Problem
        A screen, a button or a question that the questionnaire does not have.
    """
    check_fields(questionnaire, sent.answers)
    known = [screen.code for screen in screens(questionnaire)]
    seen = tuple(code for code in known if code in sent.seen or code == sent.at)
    return msgspec.structs.replace(_moved(questionnaire, sent), seen=seen)


def at_screen(
    questionnaire: Questionnaire, answers: Answers, code: str, *, reviewing: bool, seen: tuple[str, ...], tell: bool
) -> Shown:
    """A screen that was shown before; the first one when it is not there any more."""
    shown = visible(questionnaire, answers)
    if code == REVIEW or not shown:
        return Shown(shown, None, True, seen=seen)
    screen = next((screen for screen in shown if screen.code == code), shown[0])
    asked = {question.code for question in screen.questions}
    problems = check(questionnaire, answers, only=asked).problems if tell else []
    return Shown(shown, screen, reviewing, tuple(problems), seen)


def _moved(questionnaire: Questionnaire, sent: Sent) -> Shown:
    shown = visible(questionnaire, sent.answers)
    codes = [screen.code for screen in shown]
    if sent.at != REVIEW and sent.at not in codes:
        if sent.at in {screen.code for screen in screens(questionnaire)}:
            return Shown(shown, shown[0], sent.reviewing) if shown else Shown(shown, None, True)
        raise tampered()
    here = len(codes) if sent.at == REVIEW else codes.index(sent.at)
    what, _colon, which = sent.to.partition(":")
    if what == "next":
        return _forward(questionnaire, sent, shown, here)
    if what == "back":
        return _at(shown, max(here - 1, 0), sent.reviewing and here > 0)
    if what == "change":
        for place, screen in enumerate(shown):
            if any(question.code == which for question in screen.questions):
                return _at(shown, place, True)
        raise tampered()
    if what == "language":
        return _at(shown, here, sent.reviewing)
    raise tampered()


def _at(shown: tuple[Screen, ...], place: int, reviewing: bool) -> Shown:
    return Shown(shown, shown[place] if place < len(shown) else None, reviewing)


def _forward(questionnaire: Questionnaire, sent: Sent, shown: tuple[Screen, ...], here: int) -> Shown:
    if here == len(shown):
        return Shown(shown, None, True)
    asked = {question.code for question in shown[here].questions}
    if problems := check(questionnaire, sent.answers, only=asked).problems:
        return Shown(shown, shown[here], sent.reviewing, tuple(problems))
    if not sent.reviewing:
        return _at(shown, here + 1, False)
    # back to the review, past what a changed answer may have brought up
    for place in range(here + 1, len(shown)):
        if shown[place].code not in sent.seen:
            return _at(shown, place, True)
    return first_problem(questionnaire, sent.answers, shown, tell=False) or Shown(shown, None, True)


def first_problem(
    questionnaire: Questionnaire, answers: Answers, shown: tuple[Screen, ...] | None = None, *, tell: bool = True
) -> Shown | None:
    """The first screen with an answer that cannot be taken; None when the whole form can be."""
    problems = check(questionnaire, answers).problems
    if not problems:
        return None
    shown = visible(questionnaire, answers) if shown is None else shown
    wrong = {problem.question for problem in problems}
    for screen in shown:
        asked = {question.code for question in screen.questions}
        if asked & wrong:
            told = tuple(problem for problem in problems if problem.question in asked) if tell else ()
            return Shown(shown, screen, True, told, tuple(screen.code for screen in shown))
    raise tampered()


def progress(shown: Shown) -> tuple[int, int]:
    """Which section this is and how many there are for this person. The review counts as none."""
    sections = list(dict.fromkeys(screen.section.code for screen in shown.screens))
    at = sections.index(shown.screen.section.code) + 1 if shown.screen else len(sections)
    return at, len(sections)


def choices(question: Question, visit: Visit) -> tuple[Choice, ...]:
    """The choices in this visit's order: drawn from its seed, so that going back shows the same."""
    order = random.Random(f"{visit.seed} {question.code}")  # noqa: S311 an order to show, no secret
    return presented(question, reverse=bool(visit.seed & 1), order=order)


Mode = Literal["open", "invitation"]


def mode(visit: Visit) -> Mode:
    return "open" if visit.code_hash is None else "invitation"
