"""One response as it is stored: accepted answers under a random identifier, the day, and nothing of the person."""

from __future__ import annotations

import secrets
from datetime import date
from typing import NamedTuple

import msgspec

from questionnaires.acceptance import Accepted
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
    code_hash: str | None


COLUMNS = ResponseRow._fields[:-1]


def response_row(
    questionnaire: Questionnaire,
    accepted: Accepted,
    *,
    campaign: int,
    unit: str,
    mode: str,
    day: date,
    duration: str = UNKNOWN,
    design_stratum: str = "",
    psu: str = "",
    code_hash: str | None = None,
) -> ResponseRow:
    """The row of an accepted response, with its flags. The form, the demo and every import make it here.

    Raises
    ------
    ValueError
        A response by invitation without a code's hash, or another one with it.
    """
    if (mode == "invitation") != (code_hash is not None):
        raise ValueError("a response by invitation has a code, any other has none")
    raised = flags(questionnaire, accepted.answers, None if duration == UNKNOWN else duration)
    return ResponseRow(
        secrets.token_hex(16), campaign, unit, mode, day, design_stratum, psu, duration, " ".join(raised),
        _encoder.encode(accepted.answers).decode(), code_hash,
    )  # fmt: skip
