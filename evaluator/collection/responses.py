"""One response as it is stored: accepted answers under a random identifier, the day, and nothing of the person.

What the log says of it is a commitment: the hash of a random salt and of what is counted. Without the salt nobody can
try answers against it; with both, which only the database holds, it can be shown that nothing was changed since.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import NamedTuple

import msgspec

from questionnaires.acceptance import Accepted
from questionnaires.clock import told_by_clock
from questionnaires.definition import Questionnaire
from questionnaires.quality import flags

UNKNOWN = "unknown"  # the class of a duration that nobody measured
SALT_BYTES = 32
_encoder = msgspec.json.Encoder()


class ResponseRow(NamedTuple):
    """The columns of `pending` in their order. Sealing drops the commitment, which the log has, and the code's hash."""

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
    salt: str
    leaf_hash: str
    commitment: str
    code_hash: str | None


COLUMNS = ResponseRow._fields
KEPT = COLUMNS[:-2]  # those of `response`
DAY = COLUMNS.index("day")


def committed_content(
    campaign: str,
    unit: str,
    mode: str,
    day: date,
    design_stratum: str,
    psu: str,
    duration: str,
    answers: str,
    orders: str,
    questionnaire: str,
) -> bytes:
    """What is committed to: one JSON object of texts, keys sorted, no blanks, UTF-8.

    `answers` and `orders` are texts within it, exactly as they are stored. Flags are computed, not received.

    >>> committed_content("c", "37", "open", date(2026, 3, 1), "", "", "longer", '{"q":1}', "", "q@1").decode()[23:52]
    '"campaign":"c","day":"2026-03'
    """
    return _encoder.encode(
        {
            "answers": answers, "campaign": campaign, "day": day.isoformat(), "design_stratum": design_stratum,
            "duration": duration, "mode": mode, "orders": orders, "psu": psu, "questionnaire": questionnaire,
            "unit": unit,
        }
    )  # fmt: skip


def commitment(salt: bytes, content: bytes) -> str:
    """In hexadecimal: SHA-256 over salt and content."""
    return sha256(salt + content).hexdigest()


def response_entry(campaign: str, committed: str) -> str:
    """What the log says of a response, in the one spelling that `evaluator.ledger.leaves` has for it."""
    return f'{{"campaign":"{campaign}","commitment":"{committed}","kind":"response"}}'


def response_leaf(campaign: str, committed: str) -> str:
    """The hash of its leaf (RFC 6962), in hexadecimal."""
    return sha256(b"\0" + response_entry(campaign, committed).encode()).hexdigest()


def response_row(
    questionnaire: Questionnaire,
    accepted: Accepted,
    *,
    questionnaire_version: int,
    campaign: int,
    campaign_code: str,
    unit: str,
    mode: str,
    day: date,
    orders: Mapping[str, str] | None = None,
    duration: str = UNKNOWN,
    design_stratum: str = "",
    psu: str = "",
    code_hash: str | None = None,
) -> ResponseRow:
    """The row of an accepted response, with its flags and its leaf. The form, the demo and every import make it here.

    What is calculated from the clock is left out: the day of a response is kept, and not the second.

    Parameters
    ----------
    questionnaire_version : int
        The stored version under which it was accepted: the number of `questionnaire` in the database.
    campaign, campaign_code
        The campaign's number in the database, and its code, which the log says.
    orders : mapping of str to str, optional
        What `questionnaires.ordering.orders` says of the order in which choices were shown.
    code_hash : str, optional
        Of the invitation's code, or of the account and the unit; of an open one, of the visit, if it had one.

    Raises
    ------
    ValueError
        A response by invitation or account without a hash.
    """
    if mode != "open" and code_hash is None:
        raise ValueError("a response by invitation or account has the hash of what admitted it")
    clocks = told_by_clock(questionnaire)
    answers = accepted.answers
    if clocks:
        answers = {code: answer for code, answer in answers.items() if code not in clocks}
    raised = flags(questionnaire, accepted.answers, None if duration == UNKNOWN else duration)
    said, shown = _encoder.encode(answers).decode(), _encoder.encode(orders).decode() if orders else ""
    content = committed_content(
        campaign_code, unit, mode, day, design_stratum, psu, duration, said, shown, questionnaire.identifier
    )
    salt = secrets.token_bytes(SALT_BYTES)
    committed = commitment(salt, content)
    return ResponseRow(
        secrets.token_hex(16), campaign, unit, mode, day, design_stratum, psu, duration, " ".join(raised), said, shown,
        questionnaire_version, salt.hex(), response_leaf(campaign_code, committed), committed, code_hash,
    )  # fmt: skip


def sqlite_values(row: ResponseRow) -> tuple[object, ...]:
    """The values of `COLUMNS` as SQLite stores them."""
    return (*row[:DAY], row.day.isoformat(), *row[DAY + 1 :])
