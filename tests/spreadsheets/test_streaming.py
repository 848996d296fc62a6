"""Files read line by line give the rows that reading them whole gives, and the same refusals."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.spreadsheets import streaming
from evaluator.spreadsheets.findings import Refused
from evaluator.spreadsheets.reading import read_sheets
from evaluator.spreadsheets.streaming import stream_rows

CHINESE = "\u59d3\u540d,\u5730\u5740\n\u738b,\u201c\u6d4e\u5357\u201d\n\n\u674e,x\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_csv_is_read_in_the_encodings_that_spreadsheet_programs_write(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "f.csv").write_bytes(CHINESE.encode(encoding))
    assert list(stream_rows(tmp_path / "f.csv")) == list(read_sheets(CHINESE.encode())[0].rows)


def test_an_xlsx_gives_its_first_sheet(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["unit", "name"])
        sheet.write_row(1, 0, ["3701", "A"])
    (tmp_path / "f.xlsx").write_bytes(out.getvalue())
    assert [row.cells for row in stream_rows(tmp_path / "f.xlsx")] == [("unit", "name"), ("3701", "A")]


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_bytes_give_rows_or_a_refusal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    try:
        found = list(stream_rows(tmp_path / "f"))
    except Refused:
        return
    assert found
    assert all(any(cell != "" for cell in row.cells) for row in found)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "LONGEST_LINE", 1000)
    (tmp_path / "f.csv").write_text("unit,name\n" + "x" * 5000)
    with pytest.raises(Refused) as refused:
        list(stream_rows(tmp_path / "f.csv"))
    assert "line of more than" in refused.value.findings[0].why()


def test_a_packed_file_has_the_limits_of_one_that_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "LARGEST_FILE", 100)
    (tmp_path / "f.xlsx").write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(Refused) as refused:
        list(stream_rows(tmp_path / "f.xlsx"))
    assert "too large" in refused.value.findings[0].why()
