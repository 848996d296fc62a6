"""What stands behind a form and what comes in from it: the visit that was signed, and the fields. All state travels in
the page itself; `evaluator.collection.moving` says what to show next.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import unquote_plus

import msgspec

from evaluator import security
from evaluator.problems import Problem
from questionnaires.acceptance import Problem as AnswerProblem
from questionnaires.definition import Choice, Question
from questionnaires.evaluation import Context
from questionnaires.ordering import drawn
from questionnaires.recompute import State
from questionnaires.screens import Screen

ANSWER = "a-"  # before a question's code, in names of fields and in ids
REVIEW = ":review"  # the place after the last screen; no code of a section has a colon
CONTROLS = frozenset({"visit", "at", "to", "reviewing", "seen", "script", "runs"})
MOST_BYTES, MOST_FIELDS = 256 * 1024, 5000

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
    version: int = 0  # of the questionnaire that the page was drawn from; 0: not told, the present one
    begun: int = 0  # the one that the visit began with
    account: bool = False  # `code_hash` is of an account that was signed in with, not of an invitation code


class Sent(msgspec.Struct, frozen=True):
    """A form that came in: well-formed, but nothing of it is checked yet."""

    visit: str
    at: str  # the screen it comes from
    to: str  # the button that was pressed
    reviewing: bool  # whether the person came back from the review
    answers: dict[str, list[str]]  # of all screens
    seen: tuple[str, ...] = ()  # screens that were shown before
    script: bool = False  # whether the page showed the later parts of its section with it
    runs: bool = False  # whether this page or one before it did: the browser runs scripts


class Shown(msgspec.Struct, frozen=True):
    """A screen to show, or the review when `screen` is None, with all that follows from the answers so far."""

    screens: tuple[Screen, ...]
    screen: Screen | None
    reviewing: bool
    answers: dict[str, list[str]]  # as sent, without what is no longer offered
    state: State
    context: Context
    problems: tuple[AnswerProblem, ...] = ()
    seen: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()  # questions whose answer was taken away just now, because it is no longer offered
    runs: bool = False  # whether the browser runs scripts, as far as is known
    rest: tuple[Question, ...] = ()  # of later parts of the section: a script shows them on the same page


def tampered() -> Problem:
    """For whatever our own pages cannot have sent."""
    return Problem(
        400,
        _("This form was changed on its way"),
        _("What arrived is not what our page sends, so nothing was recorded. Open the survey again and start over."),
    )


def new_visit(
    campaign: int,
    unit: str,
    now: datetime,
    *,
    code_hash: str | None = None,
    design_stratum: str = "",
    psu: str = "",
    account: bool = False,
) -> Visit:
    return Visit(
        campaign, unit, int(now.timestamp()), secrets.randbits(32), code_hash, design_stratum, psu, account=account
    )


def sign_visit(secret: bytes, visit: Visit) -> str:
    """The visit as the form's hidden field."""
    text = base64.urlsafe_b64encode(msgspec.json.encode(visit)).rstrip(b"=")  # a form would have to escape them
    return security.signed(secret, "visit", text.decode())


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
        return _visit_decoder.decode(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
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
        answers, tuple(controls.get("seen", "").split()), controls.get("script") == "1",
        "1" in (controls.get("script"), controls.get("runs")),
    )  # fmt: skip


def read_code_form(body: bytes) -> str:
    """What was typed into the field for a code."""
    pairs = read_pairs(body, 5)
    return next((value for name, value in pairs if name == "code"), "")


Mode = Literal["open", "invitation", "sign_in"]


def mode(visit: Visit) -> Mode:
    if visit.code_hash is None:
        return "open"
    return "sign_in" if visit.account else "invitation"


def choices(question: Question, visit: Visit) -> tuple[Choice, ...]:
    """The choices in this visit's order: drawn from its seed, so that going back shows the same."""
    return drawn(question, visit.seed)
