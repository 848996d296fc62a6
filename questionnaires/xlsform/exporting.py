"""A questionnaire as an XLSForm that ODK, Kobo and Enketo read, and that comes back the same."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime

import xlsxwriter  # type: ignore[import-untyped]

from questionnaires.definition import Questionnaire
from questionnaires.mistakes import DefinitionError, Mistake
from questionnaires.xlsform.headers import OWN, OWN_CHOICE
from questionnaires.xlsform.rows import ORDER, Row, sheets_of

LONGEST_CELL = 32_767
WIDTHS = {"type": 22, "name": 18, "label": 50, "hint": 30, "list_name": 18}
MADE = datetime(2026, 1, 1)  # the same questionnaire gives the same file


def export_form(questionnaire: Questionnaire) -> bytes:
    """The questionnaire as the bytes of an xlsx file. No cell is a formula, whatever its text begins with.

    Raises
    ------
    DefinitionError
        When a text is too long for a cell.
    """
    sheets = sheets_of(questionnaire)
    content = io.BytesIO()
    book = xlsxwriter.Workbook(
        content,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties({"title": questionnaire.identifier, "created": MADE})
    first = ("list_name", "name")
    for name, headers, rows in (
        ("survey", headers_of(sheets.survey, ORDER), sheets.survey),
        ("choices", headers_of(sheets.choices, first, needed=(*first, "label")), sheets.choices),
        ("settings", headers_of([sheets.settings], ()), [sheets.settings]),
    ):
        _write(book, name, headers, rows, questionnaire)
    book.close()
    return content.getvalue()


def headers_of(rows: Iterable[Row], order: Sequence[str], needed: Sequence[str] = ()) -> list[str]:
    """The headers that rows need: in this order, then others, then our own."""
    found = dict.fromkeys(header for row in rows for header in row)
    if not found:
        return list(needed)
    place = {name: number for number, name in enumerate(order)}

    def rank(header: str) -> tuple[int, int]:
        own = header.startswith((OWN, OWN_CHOICE))
        return (2 if own else 0, place.get(header.partition("::")[0], len(order)))

    return sorted(found, key=rank)


def _write(book: object, name: str, headers: Sequence[str], rows: Iterable[Row], of: Questionnaire) -> None:
    sheet = book.add_worksheet(name)  # type: ignore[attr-defined]
    bold = book.add_format({"bold": True, "bg_color": "#eeeeee"})  # type: ignore[attr-defined]
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})  # type: ignore[attr-defined]
    for column, header in enumerate(headers):
        sheet.set_column(column, column, WIDTHS.get(header.partition("::")[0], 20))
        sheet.write_string(0, column, header, bold)
    sheet.freeze_panes(1, 2)
    at = {header: column for column, header in enumerate(headers)}
    for number, row in enumerate(rows, 1):
        for header, text in row.items():
            if len(text) > LONGEST_CELL:
                raise DefinitionError(
                    of.identifier,
                    [
                        Mistake(
                            1, 1, row.get("name", ""), "%(header)s is too long for a cell: %(length)s characters",
                            "at most %(most)s are allowed",
                            (("header", header), ("length", str(len(text))), ("most", str(LONGEST_CELL))),
                        )
                    ],
                )  # fmt: skip
            sheet.write_string(number, at[header], text, wrapped)
