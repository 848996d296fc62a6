"""One response as it is stored: accepted answers under a random identifier, the day, and nothing of the person."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import msgspec

from questionnaires.acceptance import Accepted
from questionnaires.clock import told_by_clock
from questionnaires.definition import Questionnaire
from questionnaires.quality import flags

UNKNOWN = "unknown"  # the class of a duration that nobody measured
_encoder = msgspec.json.Encoder()


class ResponseRow(NamedTuple):
    """The columns of `response` in their order, and the hash of the code that admitted it, stored apart."""

    identifier: str
    campaign: int
    unit: str
    mode: str
    day: date
    design_stratum: str
    psu: str
    duration: str
    flags: str
    answers: str
    orders: str
    questionnaire: int
    code_hash: str | None


COLUMNS = ResponseRow._fields[:-1]
DAY = COLUMNS.index("day")


def response_row(
    questionnaire: Questionnaire,
    accepted: Accepted,
    *,
    questionnaire_version: int,
    campaign: int,
    unit: str,
    mode: str,
    day: date,
    orders: Mapping[str, str] | None = None,
    duration: str = UNKNOWN,
    design_stratum: str = "",
    psu: str = "",
    code_hash: str | None = None,
) -> ResponseRow:
    """The row of an accepted response, with its flags. The form, the demo and every import make it here.

    What is calculated from the clock is left out: the day of a response is kept, and not the second.

    Parameters
    ----------
    questionnaire_version : int
        The stored version under which it was accepted: the number of `questionnaire` in the database.
    orders : mapping of str to str, optional
        What `questionnaires.ordering.orders` says of the order in which choices were shown.

    Raises
    ------
    ValueError
        A response by the open link with the hash of a code or an account, or another one without.
    """
    if (mode == "open") != (code_hash is None):
        raise ValueError("a response by the open link has no code and no account, any other has one")
    clocks = told_by_clock(questionnaire)
    answers = accepted.answers
    if clocks:
        answers = {code: answer for code, answer in answers.items() if code not in clocks}
    raised = flags(questionnaire, accepted.answers, None if duration == UNKNOWN else duration)
    return ResponseRow(
        secrets.token_hex(16), campaign, unit, mode, day, design_stratum, psu, duration, " ".join(raised),
        _encoder.encode(answers).decode(), _encoder.encode(orders).decode() if orders else "",
        questionnaire_version, code_hash,
    )  # fmt: skip


def sqlite_values(row: ResponseRow) -> tuple[object, ...]:
    """The values of `COLUMNS` as SQLite stores them."""
    return (*row[:DAY], row.day.isoformat(), *row[DAY + 1 : len(COLUMNS)])
