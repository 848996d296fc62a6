"""A file of records comes in whole, or not at all with every defect named."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from evaluator import bulk, database
from evaluator.ledger.audit import record
from evaluator.problems import Problem
from evaluator.records.kinds import EventRow, Kind, Period, RecordRow, Row, ValueRow
from evaluator.records.rows import read_rows
from evaluator.records.tables import Event, Import, IndicatorValue, Record, Refusal
from evaluator.records.vocabulary import Vocabulary
from evaluator.settings import Settings
from evaluator.spreadsheets.findings import Finding, Refused, Wrong, finding
from evaluator.spreadsheets.reading import read_sheets
from evaluator.units.lookup import UnitIndex, unit_index

IMPORT_LOCK = 20261125  # any number, the same for every process that imports records
REFUSALS_KEPT = timedelta(days=31)


def _(message: str) -> str:
    return message


class Offer(msgspec.Struct, frozen=True):
    """A file that somebody brings, and what they say of it."""

    kind: Kind
    file_name: str
    content: bytes
    source: str
    period: Period
    brought_on: date
    account: int | None = None
    simulated: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Taken(msgspec.Struct, frozen=True):
    """What came in."""

    number: int  # of the import
    rows: int
    not_applicable: int  # records with a denominator of 0
    not_reported: int  # records without a numerator, due nevertheless


async def import_file(offer: Offer, vocabulary: Vocabulary, settings: Settings | None = None, by: str = "") -> Taken:
    """Check a file against units, scheme and what is held already; insert all of it in one transaction.

    With `settings` the audit log says so in the same transaction, and `by` whom: a role and a number.

    Raises
    ------
    Refused
        Every defect; nothing was imported.
    Problem
        The period ends before it begins, or the source is not said.
    """
    if offer.period[0] > offer.period[1]:
        raise Problem(422, _("The period is wrong"), _("It ends before it begins; exchange the two dates."))
    if not offer.source.strip():
        raise Problem(422, _("The source is missing"), _("Say who provided the file, so that numbers can be traced."))
    units = await unit_index()
    # reading takes seconds for a large file: others are served meanwhile
    rows, findings = await asyncio.to_thread(_read, offer, units, vocabulary)
    if findings:
        raise Refused([*findings, *await _held_already(offer, rows)])
    async with database.engine().transaction():
        if database.engine().engine_type == "postgres":  # SQLite has one writer at a time anyway
            await Import.raw(f"SELECT pg_advisory_xact_lock({IMPORT_LOCK})")
        if held := await _held_already(offer, rows):
            raise Refused(held)
        brought = Import(
            kind=offer.kind, file_name=offer.file_name[-255:] or "–", sha256=offer.sha256, imported_on=offer.brought_on,
            account=offer.account, rows=len(rows), source=offer.source.strip()[:255], scheme=vocabulary.scheme[:128],
            period_from=offer.period[0], period_to=offer.period[1], simulated=offer.simulated,
        )  # fmt: skip
        await brought.save()
        await _insert(rows, offer.period, brought.id)
        if settings is not None:
            await record(
                settings, "records.imported", by=by, table=offer.kind, number=brought.id, rows=len(rows),
                sha256=offer.sha256,
            )  # fmt: skip
    zero = sum(isinstance(row, RecordRow) and row.denominator == 0 for row in rows)
    blank = sum(isinstance(row, RecordRow) and row.denominator > 0 and row.numerator is None for row in rows)
    counted = {code for code, term in vocabulary.indicators.items() if term.counts_events}
    blank -= sum(isinstance(row, RecordRow) and row.denominator > 0 and row.indicator in counted for row in rows)
    return Taken(brought.id, len(rows), zero, blank)


def _read(offer: Offer, units: UnitIndex, vocabulary: Vocabulary) -> tuple[list[Row], list[Finding]]:
    return read_rows(offer.kind, read_sheets(offer.content), units, vocabulary, offer.period)


async def _insert(rows: Sequence[Row], period: Period, brought_by: int) -> None:
    if records := [row for row in rows if isinstance(row, RecordRow)]:
        columns = ("unit", "indicator", "period_from", "period_to", "numerator", "denominator", "brought_by")
        values: list[tuple[Any, ...]] = [
            (r.unit, r.indicator, *period, r.numerator, r.denominator, brought_by) for r in records
        ]
        await bulk.insert_rows(Record, columns, values)
    if numbers := [row for row in rows if isinstance(row, ValueRow)]:
        columns = ("unit", "indicator", "period_from", "period_to", "value", "standard_error", "brought_by")
        values = [(r.unit, r.indicator, *period, r.value, r.standard_error, brought_by) for r in numbers]
        await bulk.insert_rows(IndicatorValue, columns, values)
    if events := [row for row in rows if isinstance(row, EventRow)]:
        fields = ("unit", "record", "record_class", "document_date", "state", "state_date", "brought_by")
        values = [
            (e.unit, e.record, e.record_class, e.document_date, e.state, e.state_date, brought_by) for e in events
        ]
        await bulk.insert_rows(Event, fields, values)


async def _held_already(offer: Offer, rows: Iterable[Row]) -> list[Finding]:
    """Rows whose key the database holds: of a period that overlaps, or an event of the same number."""
    if offer.kind == "events":
        return await _events_held(rows)
    table = Record if offer.kind == "records" else IndicatorValue
    first, last = offer.period
    held = await table.select(
        table.unit, table.indicator, table.period_from, table.period_to, table.brought_by, table.brought_by.file_name
    ).where((table.period_from <= last) & (table.period_to >= first))
    by_key = {(row["unit"], row["indicator"]): row for row in held}
    findings = []
    for row in rows:
        key = (getattr(row, "unit", ""), getattr(row, "indicator", ""))
        if other := by_key.get(key):
            wrong = Wrong(
                _("is held already for %(first)s to %(last)s, from import %(number)s (%(file)s)"),
                _("leave the row out, or withdraw that import first"),
                {
                    "first": other["period_from"].isoformat(), "last": other["period_to"].isoformat(),
                    "number": str(other["brought_by"]), "file": other["brought_by.file_name"],
                },
            )  # fmt: skip
            findings.append(finding(row.line, "", " + ".join(key), wrong))
    return findings


async def _events_held(rows: Iterable[Row]) -> list[Finding]:
    held = {
        row["record"]: row
        for row in await Event.select(Event.record, Event.unit, Event.brought_by, Event.brought_by.file_name)
    }
    findings = []
    for row in rows:
        if isinstance(row, EventRow) and (other := held.get(row.record)):
            wrong = Wrong(
                _("is held already for unit %(unit)s, from import %(number)s (%(file)s)"),
                _("leave the row out, or withdraw that import first"),
                {
                    "unit": other["unit"], "number": str(other["brought_by"]), "file": other["brought_by.file_name"],
                },
            )  # fmt: skip
            findings.append(finding(row.line, "", row.record, wrong))
    return findings


async def withdraw_import(number: int, why: str, on: date, settings: Settings | None = None, by: str = "") -> int:
    """Take an import's rows out again; what was published from them stays. Gives how many there were.

    With `settings` the audit log says so in the same transaction, and `by` whom: a role and a number.

    Raises
    ------
    Problem
        There is no such import, it was withdrawn before, or no reason is given.
    """
    if not why.strip():
        raise Problem(422, _("The reason is missing"), _("Say why the import is withdrawn."))
    async with database.engine().transaction():
        if database.engine().engine_type == "postgres":
            await Import.raw(f"SELECT pg_advisory_xact_lock({IMPORT_LOCK})")
        brought = await Import.objects().get(Import.id == number)
        if brought is None or brought.withdrawn_on is not None:
            raise Problem(
                404,
                _("There is no such import"),
                _("Import %(number)d does not exist or was withdrawn."),
                number=number,
            )
        table = {"records": Record, "indicators": IndicatorValue, "events": Event}[brought.kind]
        held = await table.count().where(table.brought_by == number)
        await table.delete().where(table.brought_by == number)
        await Import.update({Import.withdrawn_on: on, Import.withdrawn_why: why.strip()[:500]}).where(
            Import.id == number
        )
        if settings is not None:
            await record(settings, "records.withdrawn", by=by, number=number, rows=int(held))
    return int(held)


async def keep_refusal(offer: Offer, refused: Refused) -> int:
    """Keep what is wrong with a file, so that it can be shown again and taken along as CSV. Gives its number."""
    packed = zlib.compress(msgspec.json.encode(refused.findings), 6)
    await Refusal.delete().where(Refusal.refused_on < offer.brought_on - REFUSALS_KEPT)
    refusal = Refusal(
        kind=offer.kind, file_name=offer.file_name[-255:] or "–", sha256=offer.sha256, refused_on=offer.brought_on,
        account=offer.account, problems=len(refused.findings), findings=packed,
    )  # fmt: skip
    await refusal.save()
    return int(refusal.id)


def findings_of(refusal: Refusal) -> list[Finding]:
    """What `keep_refusal` kept."""
    return msgspec.json.decode(zlib.decompress(refusal.findings), type=list[Finding])
