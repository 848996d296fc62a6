"""Columns by what their headers mean."""

from __future__ import annotations

import pytest

from evaluator.spreadsheets.findings import Refused
from evaluator.spreadsheets.reading import read_sheets
from evaluator.spreadsheets.table import Headings, Layout, Table, find_table
from tests.spreadsheets.sheets import xlsx

HEADINGS = Headings(
    {"unit": ("unit", "单位"), "value": ("value", "金额"), "note": ("remark of ours",), "other": ("other",)},
    ("序号", "备注"),
)
LAYOUT = Layout(("unit", "value", "note"), (("unit",), ("value",)), frozenset({"unit"}))


def table(content: bytes) -> Table:
    return find_table(read_sheets(content), LAYOUT, HEADINGS)


def refusal(content: bytes) -> list[str]:
    with pytest.raises(Refused) as refused:
        table(content)
    return [found.line("f") for found in refused.value.findings]


def test_headers_are_known_in_both_languages_and_carry_units() -> None:
    found = table("序号,单 位*,金额（万元）,备注\n1,甲,2,x\n".encode())
    assert (found.headings["unit"].index, found.headings["value"].text) == (1, "金额(万元)")
    assert found.headings["value"].scale.factor == 10_000
    assert dict(found.lines[0].cells) == {"unit": "甲", "value": "2"}


def test_title_rows_above_the_header_are_passed_over() -> None:
    found = table("全省统计表,,\n2025年,,\nunit,value\na,1\n".encode())
    assert [line.number for line in found.lines] == [4]


def test_a_missing_column_is_named_and_its_likely_place_too() -> None:
    (said,) = refusal(b"unit,valeu\na,1\n")
    assert said.startswith("f:1 the column value (or 金额) is missing")
    assert "“valeu”" in said


def test_an_unknown_column_is_refused_by_name() -> None:
    assert "did you mean remark of ours?" in refusal(b"unit,value,remark of our\na,1,x\n")[0]
    assert "take it out, or use one of: unit, value, remark of ours" in refusal(b"unit,value,zzzz\na,1,x\n")[0]
    assert "unknown column" in refusal(b"unit,value,other\na,1,x\n")[0]


def test_two_columns_of_one_meaning_are_refused() -> None:
    assert "means the same as the column “unit”" in refusal("unit,value,单位\na,1,b\n".encode())[0]


def test_a_row_longer_than_the_header_is_told() -> None:
    found = table(b"unit,value\na,1,234\nb,2\n")
    assert "more cells than the header" in found.findings[0].why()
    assert [line.number for line in found.lines] == [3]


def test_a_header_alone_is_refused() -> None:
    assert "no row below" in refusal(b"unit,value\n")[0]


def test_a_merged_unit_speaks_for_all_rows_it_covers() -> None:
    rows = [["unit", "value"], [None, 1], [None, 2], ["b", 3]]
    found = table(xlsx(rows, more=lambda book, sheet: sheet.merge_range(1, 0, 2, 0, "a")))
    assert [line.cells["unit"] for line in found.lines] == ["a", "a", "b"]
    assert found.findings == ()


def test_a_blank_unit_that_is_not_merged_stays_blank() -> None:
    found = table(xlsx([["unit", "value"], ["a", 1], [None, 2]]))
    assert [line.cells["unit"] for line in found.lines] == ["a", ""]


def test_a_merged_number_is_refused() -> None:
    rows = [["unit", "value"], ["a", None], ["b", None]]
    found = table(xlsx(rows, more=lambda book, sheet: sheet.merge_range(1, 1, 2, 1, 5)))
    assert [(f.row, f.column) for f in found.findings] == [(3, "value")]


def test_the_sheet_with_the_columns_is_found_among_others_and_two_are_refused() -> None:
    def more(book: object, sheet: object) -> None:
        other = book.add_worksheet("how to fill in")  # type: ignore[attr-defined]
        other.write(0, 0, "unit")

    assert len(table(xlsx([["unit", "value"], ["a", 1]], more=more)).lines) == 1

    def twice(book: object, sheet: object) -> None:
        other = book.add_worksheet("again")  # type: ignore[attr-defined]
        other.write_row(0, 0, ["unit", "value"])

    assert "several sheets" in refusal(xlsx([["unit", "value"], ["a", 1]], more=twice))[0]
