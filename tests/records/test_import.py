"""A file comes in whole or not at all, on both engines."""

from __future__ import annotations

import time
from datetime import date

import pytest

from evaluator import bulk, database
from evaluator.problems import Problem
from evaluator.records.importing import findings_of, import_file, keep_refusal, withdraw_import
from evaluator.records.tables import Event, Import, IndicatorValue, Record, Refusal
from evaluator.records.vocabulary import Vocabulary
from evaluator.spreadsheets.findings import Refused
from evaluator.units.tables import Unit
from tests.records.tiny_country import PERIOD, TODAY, offer

GOOD = b"unit,indicator,numerator,denominator\n3701,paid,8,10\n370102,suits_lost,,5\n3704,paid,0,0\n"


async def test_a_good_file_comes_in_with_its_origin(stored_units: str, vocabulary: Vocabulary) -> None:
    taken = await import_file(offer("records", GOOD), vocabulary)
    assert (taken.rows, taken.not_applicable, taken.not_reported) == (3, 1, 1)
    rows = await Record.select(Record.unit, Record.numerator, Record.denominator, Record.brought_by).order_by(Record.id)
    assert [tuple(row.values()) for row in rows] == [
        ("3701", 8.0, 10.0, taken.number),
        ("370102", None, 5.0, taken.number),
        ("3704", 0.0, 0.0, taken.number),
    ]
    brought = await Import.objects().get(Import.id == taken.number)
    assert brought is not None
    assert (brought.source, brought.rows, brought.scheme) == ("the finance office", 3, "tiny 3")
    assert (brought.imported_on, brought.period_from, brought.period_to) == (TODAY, *PERIOD)
    assert len(brought.sha256) == 64


async def test_one_bad_row_keeps_everything_out(stored_units: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(Refused) as refused:
        await import_file(offer("records", GOOD + b"3701,suits_lost,6,5\n"), vocabulary)
    (found,) = refused.value.findings
    assert (found.row, found.column, found.value) == (5, "numerator", "6")
    assert await Record.count() == await Import.count() == 0


async def test_what_is_held_for_an_overlapping_period_is_refused(stored_units: str, vocabulary: Vocabulary) -> None:
    taken = await import_file(offer("records", GOOD), vocabulary)
    half = (date(2025, 7, 1), date(2026, 6, 30))
    with pytest.raises(Refused) as refused:
        await import_file(offer("records", GOOD, period=half), vocabulary)
    assert len(refused.value.findings) == 3
    assert f"from import {taken.number} (file.csv)" in refused.value.findings[0].why()
    await import_file(offer("records", GOOD, period=(date(2026, 1, 1), date(2026, 12, 31))), vocabulary)
    assert await Record.count() == 6


async def test_defects_of_the_file_and_of_what_is_held_are_told_together(
    stored_units: str, vocabulary: Vocabulary
) -> None:
    await import_file(offer("records", GOOD), vocabulary)
    with pytest.raises(Refused) as refused:
        await import_file(offer("records", GOOD + b"99,paid,1,2\n"), vocabulary)
    assert [found.row for found in refused.value.findings] == [2, 3, 4, 5]


async def test_an_import_that_is_withdrawn_can_be_brought_again(stored_units: str, vocabulary: Vocabulary) -> None:
    taken = await import_file(offer("records", GOOD), vocabulary)
    assert await withdraw_import(taken.number, "wrong year", TODAY) == 3
    assert await Record.count() == 0
    brought = await Import.objects().get(Import.id == taken.number)
    assert brought is not None
    assert (brought.withdrawn_on, brought.withdrawn_why) == (TODAY, "wrong year")
    await import_file(offer("records", GOOD), vocabulary)
    with pytest.raises(Problem, match="There is no such import"):
        await withdraw_import(taken.number, "again", TODAY)


async def test_withdrawing_needs_a_reason(stored_units: str, vocabulary: Vocabulary) -> None:
    taken = await import_file(offer("records", GOOD), vocabulary)
    with pytest.raises(Problem, match="reason"):
        await withdraw_import(taken.number, " ", TODAY)
    assert await Record.count() == 3


async def test_ready_numbers_come_in(stored_units: str, vocabulary: Vocabulary) -> None:
    content = "unit,indicator,value,standard_error\n3701,debt,85%,2%\n3704,债务率,-1.5,\n".encode()
    assert (await import_file(offer("indicators", content), vocabulary)).rows == 2
    rows = await IndicatorValue.select(IndicatorValue.value, IndicatorValue.standard_error).order_by(IndicatorValue.id)
    assert [tuple(row.values()) for row in rows] == [(0.85, 0.02), (-1.5, None)]


async def test_events_come_in_and_the_same_number_is_refused_later(stored_units: str, vocabulary: Vocabulary) -> None:
    header = "unit,record,class,document_date,state,state_date\n"
    content = header + "3701,（2025）鲁01行终5号,general,2025-03-01,已生效,2025年4月2日\n"
    await import_file(offer("events", content.encode()), vocabulary)
    (event,) = await Event.objects()
    assert (event.state, event.document_date, event.state_date) == ("final", date(2025, 3, 1), date(2025, 4, 2))
    with pytest.raises(Refused, match="not imported") as refused:
        await import_file(offer("events", content.encode()), vocabulary)
    assert "held already for unit 3701" in refused.value.findings[0].why()


async def test_a_file_without_a_source_is_refused(stored_units: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(Problem, match="source"):
        await import_file(offer("records", GOOD, source=" "), vocabulary)


async def test_a_period_that_ends_before_it_begins_is_refused(stored_units: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(Problem, match="period"):
        await import_file(offer("records", GOOD, period=PERIOD[::-1]), vocabulary)


async def test_findings_are_kept_for_a_month(stored_units: str, vocabulary: Vocabulary) -> None:
    bad = offer("records", GOOD + b"99,paid,1,2\n")
    with pytest.raises(Refused) as refused:
        await import_file(bad, vocabulary)
    number = await keep_refusal(bad, refused.value)
    kept = await Refusal.objects().get(Refusal.id == number)
    assert kept is not None
    assert findings_of(kept) == list(refused.value.findings)
    await keep_refusal(offer("records", b"x", brought_on=date(2026, 2, 20)), refused.value)
    assert await Refusal.count() == 1


async def test_a_rule_of_the_database_undoes_the_whole_import(
    stored_units: str, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    await import_file(offer("records", GOOD), vocabulary)

    async def blind(*_: object) -> list[object]:
        return []

    monkeypatch.setattr("evaluator.records.importing._held_already", blind)
    with pytest.raises(database.AlreadyExists):
        await import_file(
            offer("records", b"unit,indicator,numerator,denominator\n37,paid,1,2\n" + GOOD[37:]), vocabulary
        )
    assert (await Record.count(), await Import.count()) == (3, 1)


async def test_60_000_rows_come_in_within_seconds(database_url: str, vocabulary: Vocabulary) -> None:
    async with database.engine().transaction():
        rows = [(f"u{n}", "K", "area", f"u{n}", "") for n in range(20_000)]
        await bulk.insert_rows(Unit, ("code", "level", "kind", "name_zh", "name_en"), rows)
    lines = [f"u{n},{code},{n % 7},{n % 7 + 3}" for n in range(20_000) for code in ("paid", "suits_lost", "complaints")]
    content = "\n".join(["unit,indicator,numerator,denominator", *lines]).encode()
    began = time.perf_counter()
    assert (await import_file(offer("records", content), vocabulary)).rows == 60_000
    assert time.perf_counter() - began < 60  # 2 to 6 s on a free core; a machine that tests in parallel takes longer
    assert await Record.count() == 60_000
