"""Real XLSX files for tests, written by XlsxWriter."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import xlsxwriter


def xlsx(
    rows: Sequence[Sequence[Any]],
    *,
    more: Callable[[Any, Any], None] = lambda book, sheet: None,
    top: int = 0,
    left: int = 0,
) -> bytes:
    """A workbook of one sheet; `more(book, sheet)` does what rows can't say."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if isinstance(value, date):
                sheet.write_datetime(top + r, left + c, value, day)
            elif isinstance(value, str):
                sheet.write_string(top + r, left + c, value)
            elif value is not None:
                sheet.write(top + r, left + c, value)
    more(book, sheet)
    book.close()
    return out.getvalue()
