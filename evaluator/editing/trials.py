"""Trial answers: kept apart from real ones from the first second, in a table that no count, export or rating reads."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from evaluator import language
from evaluator.collection.said import in_words
from evaluator.collection.tables import TrialResponse
from evaluator.collection.wording import short
from questionnaires.acceptance import Accepted
from questionnaires.answers import as_form
from questionnaires.definition import Questionnaire
from questionnaires.evaluation import Answer
from questionnaires.quality import flags

FIXED = ("TRIAL", "questionnaire", "day", "flags")  # the first column marks each row, wherever it is copied to

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(dict[str, str | int | float | tuple[str, ...]])


class Tried(msgspec.Struct, frozen=True):
    """The answers of one trial."""

    day: date
    flags: str
    answers: Mapping[str, Answer]


async def keep(
    version: int, questionnaire: Questionnaire, accepted: Accepted, day: date, duration: str, orders: Mapping[str, str]
) -> None:
    """Keep the answers of a trial, with the flags that real ones would have raised."""
    await TrialResponse(
        identifier=secrets.token_hex(16), questionnaire=version, day=day,
        flags=" ".join(flags(questionnaire, accepted.answers, duration)),
        answers=_encoder.encode(accepted.answers).decode(), orders=_encoder.encode(orders).decode() if orders else "",
    ).save()  # fmt: skip


async def tried(version: int, most: int | None = None) -> list[Tried]:
    """The trials of a version, the latest day first."""
    found = TrialResponse.select(TrialResponse.day, TrialResponse.flags, TrialResponse.answers).where(
        TrialResponse.questionnaire == version
    )
    found = found.order_by(TrialResponse.day, ascending=False).order_by(TrialResponse.identifier)
    rows = await (found if most is None else found.limit(most))
    return [Tried(row["day"], row["flags"], _decoder.decode(row["answers"])) for row in rows]


def table(questionnaire: Questionnaire, found: Sequence[Tried]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Columns and rows for a file: codes joined by one space, as the snapshot has them."""
    codes = [item.code for item in questionnaire.items if item.type != "note"]
    rows: list[tuple[object, ...]] = []
    for one in found:
        written = as_form(dict(one.answers))
        values = (" ".join(written.get(code, ())) for code in codes)
        rows.append(("TRIAL", questionnaire.identifier, one.day.isoformat(), one.flags, *values))
    return (*FIXED, *codes), rows


def said(questionnaire: Questionnaire, one: Tried) -> list[tuple[str, str]]:
    """The answers of a trial in words, in the order of the form."""
    written = as_form(dict(one.answers))
    unit = language.gettext("the rated unit")
    tongue = language.current.get().partition("-")[0]
    return [
        (short(item.text, tongue, 160) or item.code, in_words(item, written[item.code], unit))
        for item in questionnaire.items
        if item.code in written
    ]
