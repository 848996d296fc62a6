"""What a snapshot takes of the records: exactly its columns, for a period."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from evaluator.rating.doors import SNAPSHOT
from evaluator.records.export import events_table, indicators_table, records_table
from evaluator.records.importing import import_file
from evaluator.records.vocabulary import Vocabulary
from tests.records.tiny_country import PERIOD, offer

NEXT_YEAR = (date(2026, 1, 1), date(2026, 12, 31))


def plain(table: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns as lists, NaN as None."""
    return {
        name: [None if isinstance(v, float) and np.isnan(v) else v for v in column.tolist()]
        for name, column in table.items()
    }


async def test_raw_numbers_of_the_period_leave_with_the_snapshot_s_columns(
    stored_units: str, vocabulary: Vocabulary
) -> None:
    content = b"unit,indicator,numerator,denominator\n3704,paid,8,10\n3701,paid,,5\n3701,complaints,0,0\n"
    await import_file(offer("records", content), vocabulary)
    table = await records_table(PERIOD)
    assert plain(table) == {
        "unit": ["3701", "3701", "3704"],
        "indicator": ["complaints", "paid", "paid"],
        "numerator": [0.0, None, 8.0],
        "denominator": [0.0, 5.0, 10.0],
    }
    assert list(table) == [column.name for column in SNAPSHOT["records"].columns]
    assert [len(column) for column in (await records_table(NEXT_YEAR)).values()] == [0, 0, 0, 0]


async def test_quarters_are_added_up_and_one_that_is_not_reported_leaves_the_whole_unreported(
    stored_units: str, vocabulary: Vocabulary
) -> None:
    halves = ((date(2025, 1, 1), date(2025, 6, 30)), (date(2025, 7, 1), date(2025, 12, 31)))
    for half, (paid, lost) in zip(halves, ((3, 1), (4, "")), strict=True):
        rows = f"3701,paid,{paid},10\n3701,suits_lost,{lost},5\n"
        content = ("unit,indicator,numerator,denominator\n" + rows).encode()
        await import_file(offer("records", content, period=half), vocabulary)
    assert plain(await records_table(PERIOD)) == {
        "unit": ["3701", "3701"],
        "indicator": ["paid", "suits_lost"],
        "numerator": [7.0, None],
        "denominator": [20.0, 10.0],
    }
    assert plain(await records_table(halves[0]))["numerator"] == [3.0, 1.0]


async def test_numbers_of_a_time_that_reaches_outside_are_left_out(stored_units: str, vocabulary: Vocabulary) -> None:
    content = b"unit,indicator,numerator,denominator\n3701,paid,1,2\n"
    await import_file(offer("records", content, period=(date(2025, 7, 1), date(2026, 6, 30))), vocabulary)
    assert plain(await records_table(PERIOD))["unit"] == []


async def test_of_several_ready_numbers_the_last_one_counts(stored_units: str, vocabulary: Vocabulary) -> None:
    for last, value in ((date(2025, 6, 30), "1.5,0.1"), (date(2025, 12, 31), "1.2,")):
        content = f"unit,indicator,value,standard_error\n3701,debt,{value}\n".encode()
        period = (date(2025, 1, 1) if last.month == 6 else date(2025, 7, 1), last)
        await import_file(offer("indicators", content, period=period), vocabulary)
    table = await indicators_table(PERIOD)
    assert plain(table) == {"unit": ["3701"], "indicator": ["debt"], "value": [1.2], "standard_error": [None]}
    assert list(table) == [column.name for column in SNAPSHOT["indicators"].columns]


async def test_events_known_by_the_end_leave_and_repaired_ones_stay(stored_units: str, vocabulary: Vocabulary) -> None:
    rows = (
        "3701,old,serious,2023-05-01,final,2023-06-01\n3701,now,general,2025-05-01,rectified,2025-06-01\n"
        "3701,mended,general,2025-05-01,repaired,2025-06-01\n3701,later,general,2025-12-01,final,2026-02-01\n"
        "3701,next,general,2026-03-01,final,2026-03-01\n"
    )
    content = ("unit,record,class,document_date,state,state_date\n" + rows).encode()
    await import_file(offer("events", content, period=(date(2023, 1, 1), date(2026, 12, 31))), vocabulary)
    table = await events_table(PERIOD)
    assert plain(table) == {
        "unit": ["3701", "3701"],
        "record": ["now", "old"],
        "class": ["general", "serious"],
        "document_date": ["2025-05-01", "2023-05-01"],
        "state": ["rectified", "final"],
        "state_date": ["2025-06-01", "2023-06-01"],
    }
    assert list(table) == [column.name for column in SNAPSHOT["events"].columns]
    assert plain(await events_table(NEXT_YEAR))["record"] == ["later", "next", "now", "old"]
