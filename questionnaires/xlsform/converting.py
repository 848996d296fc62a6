"""Sheets to XForm, by pyxform; its complaints as ours."""

from __future__ import annotations

import re

from pyxform.errors import PyXFormError  # type: ignore[import-untyped]
from pyxform.xls2xform import convert  # type: ignore[import-untyped]

from questionnaires.expression import ExpressionError, parse
from questionnaires.filters import with_columns
from questionnaires.mistakes import Mistake, shown
from questionnaires.xlsform.headers import OWN, OWN_CHOICE, is_text, meaning
from questionnaires.xlsform.sheets import NAMES, ROWS, ImportRefusedError, Sheet, Workbook, placed, refused
from questionnaires.xlsform.shielding import DISGUISES, quotes, shield
from questionnaires.xlsform.survey import Columns, rows_of

EXPRESSIONS = ("relevant", "required", "read_only", "constraint", "calculation", "choice_filter", "repeat_count")
CURLY = re.compile("[" + "".join(DISGUISES) + "]")
NAMED = re.compile(r"named '?([\w.-]+?)'?(?= has |\.|\Z)")
AT = re.compile(r"\[row : (\d+)\]\s*")
ON = re.compile(r"[Oo]n the '(\w+)' sheet, (?:the '([^']*)' value is invalid\. )?")


def to_xform(book: Workbook, name: str, file: str) -> str:
    """The XForm that pyxform makes.

    Raises
    ------
    ImportRefusedError
        With what pyxform says is wrong, at its row.
    """
    given: dict[str, object] = {"sheet_names": list(book.names), "fallback_form_name": name}
    for sheet in book.sheets:
        headers = [header for header in sheet.headers if header and not own(header)]
        given[sheet.name] = [_row(row, sheet.name) for row in sheet.rows]
        given[f"{sheet.name}_header"] = [dict.fromkeys(headers)]
    try:
        return str(convert(given, validate=False, pretty_print=False).xform)
    except PyXFormError as error:
        raise ImportRefusedError(file, placed([_mistake(str(error), book)], book)) from None
    except (RecursionError, Exception) as error:
        raise refused(
            file, "pyxform cannot convert the form (%(kind)s)",
            "the form uses something unusual: try it with a half of its rows to find which",
            kind=type(error).__name__,
        ) from None  # fmt: skip


def own(header: str) -> bool:
    """Whether nothing of a column concerns pyxform: it is ours, or of entities, which are refused."""
    return header.lower().startswith(OWN) or header.startswith(OWN_CHOICE) or header == "entity_version"


def _row(row: dict[str, str], sheet: str) -> dict[str, str]:
    return {header: _cell(header, value, sheet) for header, value in row.items() if not own(header)}


def _cell(header: str, value: str, sheet: str) -> str:
    if is_text(header):
        return shield(value.replace("\t", " "))
    plain = value.replace("\N{NO-BREAK SPACE}", " ")
    if not CURLY.search(plain):
        return plain
    column = meaning(header)
    if sheet == "choices" and column not in ("list_name", "name"):
        return quotes(plain)
    if sheet == "survey" and column in EXPRESSIONS:
        try:
            parse(with_columns(plain, ()) if column == "choice_filter" else plain)
        except ExpressionError:
            return plain
        return quotes(plain)  # they stand within a text
    return plain


def _mistake(said: str, book: Workbook) -> Mistake:
    """What pyxform says, without its row and the contents of rows that it appends."""
    sheet, row, column = "survey", 1, 1
    at = AT.search(said)
    if at is not None:
        row = int(at[1])
    named = NAMED.search(said)
    if at is None and named is not None:
        row = next((one.number for one in rows_of(Columns(book["survey"])) if one.name == named[1]), 1)
    on = ON.search(said)
    if on is not None:
        sheet = on[1] if on[1] in NAMES else sheet
        column = _column(book[sheet], on[2] or "")
    lines = ON.sub("", AT.sub("", said)).strip().splitlines() or ["it cannot be converted"]
    what = shown(re.sub(r"\s*\{'.*", "", lines[0]).strip().rstrip(".") or "it cannot be converted", 400)
    line = NAMES.index(sheet) * ROWS + row
    return Mistake(line, column, "", what.replace("%", "%%"), "", ())


def _column(sheet: Sheet, header: str) -> int:
    for number, one in enumerate(sheet.headers, 1):
        if one == header or meaning(one) == header:
            return number
    return 1
