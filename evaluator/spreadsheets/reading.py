"""CSV and XLSX as rows of cells, with limits. Any bytes give sheets or a `Refused`, never another exception.

CSV: UTF-8 with or without BOM, UTF-16 with BOM, GB18030; comma, semicolon or tab. XLSX: calamine reads the cells;
what it leaves out (errors of formulas, percentages, where the used area ends) is read from the sheet's XML first.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from html import unescape
from typing import Any, NoReturn

from python_calamine import CalamineSheet, CalamineWorkbook

from evaluator.spreadsheets.findings import Refused, Wrong, refuse

Cell = str | float | date  # "" where blank

LARGEST_FILE = 12_000_000  # bytes
LARGEST_UNPACKED = 300_000_000
MOST_ROWS = 200_000
MOST_COLUMNS = 200
MOST_MERGED = 500_000  # cells
LONGEST_CELL = 10_000  # characters
DELIMITERS = (",", "\t", ";")


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not blank."""

    number: int  # as a spreadsheet shows it, from 1
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it stands in a file."""

    name: str  # "" in a CSV
    rows: tuple[Row, ...]
    merged: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """(row number, column from 0) of each cell that a merge covers -> the merge's first cell, which holds the value."""


def _(message: str) -> str:
    return message


def read_sheets(content: bytes) -> list[Sheet]:
    """The sheets of a file that hold anything; a CSV has one.

    Raises
    ------
    Refused
        Not CSV or XLSX, too large, not readable, or empty.
    """
    if len(content) > LARGEST_FILE:
        _refuse(
            _("is too large: %(size)s bytes"), _("at most %(most)s bytes; split it"),
            size=f"{len(content):,}", most=f"{LARGEST_FILE:,}",
        )  # fmt: skip
    if content.startswith(b"PK\x03\x04"):
        sheets = _xlsx(content)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        _refuse(_("is an old Excel file or has a password"), _("save it as XLSX without a password, or as CSV"))
    else:
        sheets = [_csv(content)]
    sheets = [sheet for sheet in sheets if sheet.rows]
    if not sheets:
        _refuse(_("holds no row"), _("give a header and a row for each unit"))
    return sheets


def _refuse(reason: str, right: str, row: int = 0, **values: str) -> NoReturn:
    refuse(row, "", "", Wrong(reason, right, values))


# --- CSV


def _text(content: bytes) -> str:
    encodings = ["utf-16"] if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            broken = error
        else:
            if "\x00" not in text:
                return text
            _refuse(_("holds NUL characters, so it is no text"), _("save the table as CSV (UTF-8) or XLSX"))
    return _refuse(
        _("is text in none of UTF-8, UTF-16 and GB18030 (byte %(byte)s)"), _("save it as CSV (UTF-8) or XLSX"),
        row=content[: broken.start].count(b"\n") + 1, byte=str(broken.start),
    )  # fmt: skip


def delimiter_of(text: str) -> str:
    """The one of comma, tab and semicolon that gives the first lines the most cells."""
    start = io.StringIO("\n".join(text[:20_000].splitlines()[:10]), newline="")
    found = {}
    for delimiter in DELIMITERS:
        start.seek(0)
        try:
            found[delimiter] = sum(len(row) - 1 for row in csv.reader(start, delimiter=delimiter) if row)
        except csv.Error:
            found[delimiter] = 0
    return max(DELIMITERS, key=lambda d: found[d])


def _csv(content: bytes) -> Sheet:
    text = _text(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    rows: list[Row] = []
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                rows.append(Row(number, stripped))
            if len(rows) > MOST_ROWS:
                _too_long()
            if len(cells) > MOST_COLUMNS:
                _too_wide(number)
            _check_lengths(number, stripped)
    except csv.Error as error:
        _refuse(
            _("can't be read as CSV (%(error)s)"), _("put quotes around whole cells only, and double those inside"),
            row=number + 1, error=str(error),
        )  # fmt: skip
    return Sheet("", tuple(rows))


def _check_lengths(row: int, cells: tuple[Cell, ...]) -> None:
    if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in cells):
        _refuse(
            _("has a cell of more than %(most)s characters"), _("shorten it; is a quote missing?"),
            row=row, most=f"{LONGEST_CELL:,}",
        )  # fmt: skip


def _too_long() -> None:
    _refuse(_("has more than %(most)s rows"), _("split the file"), most=f"{MOST_ROWS:,}")


def _too_wide(row: int) -> None:
    _refuse(
        _("has more than %(most)s columns"), _("take out the columns that are not needed"),
        row=row, most=str(MOST_COLUMNS),
    )  # fmt: skip


# --- XLSX

_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_CELL = re.compile(rb"<(?:\w+:)?(c|row)\b([^>]*)>")
_ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_REFERENCE = re.compile(rb"([A-Za-z]{1,3})(\d{1,7})")
_STYLES = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_XF = re.compile(rb"<(?:\w+:)?xf\b([^>]*)>")
_FORMAT = re.compile(rb"<(?:\w+:)?numFmt\b([^>]*)>")
_PERCENT_FORMATS = {9, 10}  # built in: 0% and 0.00% (ECMA-376 part 1, 18.8.30)


def _attributes(text: bytes) -> dict[bytes, bytes]:
    return {name.rsplit(b":", 1)[-1]: one or two for name, one, two in _ATTRIBUTE.findall(text)}


@dataclass(frozen=True, slots=True)
class _Marks:
    """What a sheet's XML says beyond calamine: by (row from 0, column from 0)."""

    errors: frozenset[tuple[int, int]]
    percent: frozenset[tuple[int, int]]


def _xlsx(content: bytes) -> list[Sheet]:
    damaged = _("is a damaged XLSX file (%(error)s)"), _("open it in a spreadsheet program and save it again")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_UNPACKED:
                _refuse(_("is too large when unpacked"), _("split it, or take out pictures and unused sheets"))
            marks = _marks(archive)
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = []
        for index, sheet in enumerate(book.sheets_metadata):
            if sheet.name in marks and str(sheet.visible).endswith(".Visible"):
                sheets.append(_sheet(book.get_sheet_by_index(index), marks[sheet.name]))
        return sheets
    except Refused:
        raise
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # also a panic of calamine's Rust code, which is no Exception
        return _refuse(*damaged, error=(str(error) or type(error).__name__)[:120])


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as file:
            return file.read(LARGEST_UNPACKED)
    except KeyError:
        return b""


def _marks(archive: zipfile.ZipFile) -> dict[str, _Marks]:
    """By sheet name; refuses a used area that would fill the memory before calamine lays it out."""
    targets = {}
    for found in _RELATION.findall(_member(archive, "xl/_rels/workbook.xml.rels")):
        relation = _attributes(found)
        target = relation.get(b"Target", b"").decode()
        targets[relation.get(b"Id")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    percent = _percent_styles(_member(archive, "xl/styles.xml"))
    marks = {}
    for found in _SHEET.findall(_member(archive, "xl/workbook.xml")):
        sheet = _attributes(found)
        name, relation_id = unescape(sheet.get(b"name", b"").decode()), sheet.get(b"id")
        target = targets.get(relation_id, "")
        if "/worksheets/" in target or target.startswith("worksheets/"):
            marks[name] = _sheet_marks(_member(archive, target), percent)
    return marks


def _percent_styles(styles: bytes) -> frozenset[bytes]:
    """Indexes of the cell styles that show a number as a percentage."""
    formats = set(_PERCENT_FORMATS)
    for found in _FORMAT.findall(styles):
        attributes = _attributes(found)
        code = re.sub(rb"&quot;.*?&quot;", b"", attributes.get(b"formatCode", b""))
        if b"%" in code and attributes.get(b"numFmtId", b"").isdigit():
            formats.add(int(attributes[b"numFmtId"]))
    part = _STYLES.search(styles)
    found_styles = _XF.findall(part[0]) if part else []
    ids = [_attributes(found).get(b"numFmtId", b"0") for found in found_styles]
    return frozenset(str(n).encode() for n, kind in enumerate(ids) if kind.isdigit() and int(kind) in formats)


def _sheet_marks(xml: bytes, percent: frozenset[bytes]) -> _Marks:
    row, column = -1, -1
    errors, percents = set(), set()
    for match in _CELL.finditer(xml):
        attributes = _attributes(match[2])
        reference = attributes.get(b"r", b"")
        if match[1] == b"row":
            row, column = (int(reference) - 1 if reference.isdigit() else row + 1), -1
        elif place := _REFERENCE.fullmatch(reference):
            column, row = _column(place[1]), int(place[2]) - 1
        else:
            column += 1
        # a formatted but empty row far below the table is common: calamine leaves it out
        if match[1] == b"c" and not match[2].endswith(b"/"):
            if row >= MOST_ROWS + 100:
                _too_long()
            if column >= MOST_COLUMNS:
                _too_wide(row + 1)
            if attributes.get(b"t") == b"e":
                errors.add((row, column))
            elif attributes.get(b"s", b"") in percent and attributes.get(b"t", b"n") == b"n":
                percents.add((row, column))
    return _Marks(frozenset(errors), frozenset(percents))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number - 1


def _sheet(sheet: CalamineSheet, marks: _Marks) -> Sheet:
    top, left = sheet.start or (0, 0)
    rows = []
    for offset, cells in enumerate(sheet.to_python(skip_empty_area=True)):
        values = ("",) * left + tuple(
            _cell(value, (top + offset, left + column), marks) for column, value in enumerate(cells)
        )
        if any(value != "" for value in values):
            _check_lengths(top + offset + 1, values)
            rows.append(Row(top + offset + 1, values))
    if len(rows) > MOST_ROWS:
        _too_long()
    return Sheet(sheet.name, tuple(rows), _merged(sheet, {row.number for row in rows}))


def _cell(value: Any, place: tuple[int, int], marks: _Marks) -> Cell:
    if place in marks.errors:
        return "#ERROR"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return f"{value * 100:.12g}%" if place in marks.percent else float(value)
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else str(value).strip()


def _merged(sheet: CalamineSheet, numbers: set[int]) -> dict[tuple[int, int], tuple[int, int]]:
    covered: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        rows: Iterator[int] = (number for number in range(top + 1, min(bottom, MOST_ROWS) + 2) if number in numbers)
        for number in rows:
            for column in range(left, min(right, MOST_COLUMNS) + 1):
                if (number, column) != (top + 1, left):
                    covered[number, column] = (top + 1, left)
            if len(covered) > MOST_MERGED:
                _refuse(_("has too many merged cells"), _("undo the merging"))
    return covered
