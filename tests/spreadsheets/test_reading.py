"""CSV and XLSX as rows, with limits."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.spreadsheets import reading
from evaluator.spreadsheets.findings import Refused
from evaluator.spreadsheets.reading import Row, read_sheets
from tests.spreadsheets.sheets import xlsx

TEXT = "单位,数\n甲县,１２\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_chinese_csv_in_the_encodings_that_spreadsheet_programs_write(encoding: str) -> None:
    (sheet,) = read_sheets(TEXT.encode(encoding))
    assert sheet.rows == (Row(1, ("单位", "数")), Row(2, ("甲县", "１２")))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    (sheet,) = read_sheets("a,b;c\td\n".replace(",", "").replace(";", "").replace("\t", delimiter).encode())
    assert len(sheet.rows[0].cells) == 2


def test_rows_keep_the_numbers_that_a_spreadsheet_shows() -> None:
    (sheet,) = read_sheets(b'a,b\n\n"x\ny",1\n,\nz,2\n')
    assert [row.number for row in sheet.rows] == [1, 3, 5]
    (sheet,) = read_sheets(xlsx([["a"], [None], ["b"]], top=2, left=1))
    assert [(row.number, row.cells) for row in sheet.rows] == [(3, ("", "a")), (5, ("", "b"))]


def test_cells_of_xlsx_keep_their_kinds() -> None:
    def more(book: Any, sheet: Any) -> None:
        sheet.write(1, 0, 0.85, book.add_format({"num_format": "0%"}))
        sheet.write(1, 1, 1, book.add_format({"num_format": "0.00%"}))
        sheet.write(1, 2, 0.5, book.add_format({"num_format": '0.0"%"'}))
        sheet.write_formula(1, 3, "=1/0", None, "#DIV/0!")
        sheet.write_formula(1, 4, "=1+1", None, 2)

    (sheet,) = read_sheets(xlsx([["３", 12, date(2025, 3, 1), True, "007"]], more=more))
    assert sheet.rows[0].cells == ("３", 12.0, date(2025, 3, 1), "TRUE", "007")
    assert sheet.rows[1].cells == ("85%", "100%", 0.5, "#ERROR", 2.0)


def test_merged_cells_point_to_the_one_that_holds_the_value() -> None:
    content = xlsx([["unit", "n"], [None, 1], [None, 2]], more=lambda book, sheet: sheet.merge_range(1, 0, 2, 0, "x"))
    (sheet,) = read_sheets(content)
    assert sheet.merged == {(3, 0): (2, 0)}


def test_hidden_and_blank_sheets_are_left_out() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.add_worksheet("a").write(0, 0, "x")
    hidden = book.add_worksheet("b")
    hidden.write(0, 0, "y")
    hidden.hide()
    book.add_worksheet("c")
    book.close()
    assert [sheet.name for sheet in read_sheets(out.getvalue())] == ["a"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "holds no row"),
        (b"\n,,\n", "holds no row"),
        (b"a,b\x00c", "NUL"),
        (b"\xff\xff\xff", "none of UTF-8"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "old Excel file or has a password"),
        (b'a,b\n"x"y,1\n', "can't be read as CSV"),
        (b"PK\x03\x04rest", "damaged"),
        (b"," * 300 + b"a", "columns"),
        (b"x" * (reading.LARGEST_FILE + 1), "too large"),
        (b"a," + b"x" * 10_001, "a cell of more than 10,000 characters"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(Refused) as refused:
        read_sheets(content)
    assert why in refused.value.findings[0].why()
    assert refused.value.findings[0].what_would_be_right()


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        read_sheets(b"1\n" * (reading.MOST_ROWS + 1))
    assert "more than 200,000 rows" in refused.value.findings[0].why()


@pytest.mark.parametrize("reference", [b"XFD1048576", b"A1048576", b"XFD1"])
def test_a_cell_far_away_is_refused_before_it_fills_the_memory(reference: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_sheets(_changed(xlsx([["a", "b"], ["c", "d"]]), b'r="B2"', b'r="' + reference + b'"'))
    assert "more than" in refused.value.findings[0].why()


def _changed(content: bytes, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data.replace(old, new) if "sheet1" in name else data)
    return out.getvalue()


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_UNPACKED", 1000)
    with pytest.raises(Refused, match="not imported") as refused:
        read_sheets(xlsx([["a"]]))
    assert "when unpacked" in refused.value.findings[0].why()


@given(st.binary(max_size=400))
def test_any_bytes_give_sheets_or_a_refusal(content: bytes) -> None:
    try:
        told = [len(sheet.rows) for sheet in read_sheets(content)]
    except Refused as refused:
        told = [len(refused.findings)]
    assert told
    assert min(told) > 0


WHOLE = xlsx([["unit", "n"], ["a", 1], ["b", 2.5]])


@settings(max_examples=60)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_damaged_workbook_gives_sheets_or_a_refusal(where: int, byte: int) -> None:
    try:
        told = len(read_sheets(WHOLE[:where] + bytes([byte]) + WHOLE[where + 1 :]))
    except Refused as refused:
        told = len(refused.findings)
    assert told > 0
