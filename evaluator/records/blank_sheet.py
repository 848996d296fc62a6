"""A sheet to fill in: the right columns, codes as text so that no program shortens them."""

from __future__ import annotations

import io

from evaluator.records.kinds import LAYOUTS, Kind

TEXT_COLUMNS = frozenset({"unit", "unit_name", "indicator", "indicator_name", "record", "class", "state"})
DATE_COLUMNS = frozenset({"document_date", "state_date"})


def blank_sheet(kind: Kind) -> bytes:
    """An XLSX with a header and formatted columns for a kind of file."""
    import xlsxwriter  # slow to load, and few ask for it

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet(kind)
    head = book.add_format({"bold": True, "bottom": 1})
    text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
    for index, column in enumerate(LAYOUTS[kind].columns):
        form = text if column in TEXT_COLUMNS else day if column in DATE_COLUMNS else None
        sheet.set_column(index, index, 18, form)
        sheet.write_string(0, index, column, head)
    sheet.freeze_panes(1, 0)
    book.close()
    return out.getvalue()
