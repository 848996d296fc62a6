"""Bytes of an xlsx, xls, csv or markdown file as the sheets of a form, within bounds.

Cells become texts as pyxform makes them, so that its row numbers and ours agree. What kind of file it is, its content
says, never its name.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from questionnaires.mistakes import shown
from questionnaires.xlsform.sheets import NAMES, Sheet, Workbook, refused

MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 50 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 300
MOST_EMPTY_COLUMNS = 20  # as pyxform has it, after so many the table is over
MOST_EMPTY_ROWS = 60
LONGEST_CELL = 32_767  # characters, as in a spreadsheet
ROW = re.compile(rb"<(?:[\w.-]+:)?row[\s/>]")
SEPARATOR = re.compile(r"[|:\s-]+\Z")
PIPE = re.compile(r"(?<!\\)\|")

Table = Iterable[Sequence[object]]


class _Unreadable(Exception):
    """The file is not what it begins like."""


def read_workbook(content: bytes, file: str) -> Workbook:
    """The sheets of a form.

    Raises
    ------
    ImportRefusedError
        When the file is too large, or cannot be read.
    """
    if len(content) > MOST_BYTES:
        raise refused(
            file, "the file has %(size)s bytes", "at most %(most)s are allowed",
            size=f"{len(content):,}", most=f"{MOST_BYTES:,}",
        )  # fmt: skip
    if not content.strip():
        raise refused(file, "the file is empty", "a form has the sheets survey, choices and settings")
    if content.startswith(b"PK\x03\x04"):
        tables = _guarded(_xlsx, content, file)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        tables = _guarded(_xls, content, file)
    else:
        text = _text(content, file)
        tables = _markdown(text) if text.lstrip().startswith("|") or "\n|" in text else _csv(text, file)
    return _workbook(tables, file)


def _guarded(read: object, content: bytes, file: str) -> dict[str, Table]:
    """Read by a library that was not made for files of strangers: whatever it raises means a damaged file."""
    assert callable(read)
    try:
        return {name: list(table) for name, table in read(content, file).items()}
    except _TooMuchError as error:
        raise refused(file, error.what, error.right, **error.values) from None
    except Exception:
        raise refused(
            file, "the file cannot be read as a spreadsheet",
            "open it in a spreadsheet program and save it again as XLSX, without a password",
        ) from None  # fmt: skip


class _TooMuchError(Exception):
    def __init__(self, what: str, right: str, **values: str) -> None:
        self.what, self.right, self.values = what, right, values
        super().__init__(what)


# --- kinds of files


def _xlsx(content: bytes, file: str) -> dict[str, Table]:
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    _check_archive(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a form does not need: pictures, colours
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            return {
                name: _cells(book[name]) if name.strip().lower() in NAMES or len(book.sheetnames) == 1 else ()
                for name in book.sheetnames
            }
        finally:
            book.close()


def _cells(sheet: Any) -> list[Sequence[object]]:
    if not hasattr(sheet, "iter_rows"):
        return []  # a chart
    sheet.reset_dimensions()  # what a file says of its own size is not to be trusted
    return list(_until_empty(sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS + 1, values_only=True)))


def _check_archive(content: bytes) -> None:
    """Unpack once, in pieces: no member may be larger than it says, nor all together too large, nor have a DTD."""
    unpacked = rows = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            unpacked += member.file_size
            if unpacked > MOST_UNPACKED:
                raise _TooMuchError(
                    "the file is too large when unpacked", "take out pictures and sheets that are not of the form"
                )
        for member in archive.infolist():
            with archive.open(member) as part:
                data = part.read()
            if b"<!DOCTYPE" in data[:100_000] or b"<!ENTITY" in data:
                raise _Unreadable
            if "worksheets/" in member.filename:
                rows = max(rows, len(ROW.findall(data)))
    if rows > 10 * MOST_ROWS:  # fewer are counted when they are read: many may be empty
        raise _TooMuchError("a sheet has more than %(most)s rows", "divide the form", most=f"{MOST_ROWS:,}")


def _xls(content: bytes, file: str) -> dict[str, Table]:
    import xlrd  # type: ignore[import-untyped]

    book = xlrd.open_workbook(
        file_contents=content, logfile=io.StringIO(), ragged_rows=True, on_demand=True, formatting_info=False
    )
    found: dict[str, Table] = {}
    names = book.sheet_names()
    for name in names:
        if name.strip().lower() not in NAMES and len(names) > 1:
            found[name] = ()
            continue
        sheet = book.sheet_by_name(name)
        found[name] = list(
            _until_empty(
                [_old_value(sheet.cell(row, column), book.datemode) for column in range(sheet.row_len(row))]
                for row in range(min(sheet.nrows, MOST_ROWS + 2))
            )
        )
        book.unload_sheet(name)
    return found


def _old_value(cell: object, datemode: int) -> object:
    import xlrd

    kind, value = cell.ctype, cell.value  # type: ignore[attr-defined]
    if kind == xlrd.XL_CELL_BOOLEAN:
        return bool(value)
    if kind == xlrd.XL_CELL_DATE:
        parts = xlrd.xldate_as_tuple(value, datemode)
        return datetime.time(*parts[3:]) if parts[:3] == (0, 0, 0) else datetime.datetime(*parts)
    if kind in (xlrd.XL_CELL_ERROR, xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return None
    return value


def _text(content: bytes, file: str) -> str:
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = content.decode("utf-16")
        else:
            text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refused(
            file, "line %(line)s is no UTF-8, and the file is no spreadsheet",
            "give an XLSX file, or CSV or Markdown with the encoding UTF-8", line=str(line),
        ) from None  # fmt: skip
    if "\x00" in text:
        raise refused(file, "the file is neither a spreadsheet nor a text", "give an XLSX, XLS, CSV or Markdown file")
    return text


def _csv(text: str, file: str) -> dict[str, Table]:
    """A sheet's name stands in the first column before its rows."""
    found: dict[str, list[Sequence[object]]] = {}
    rows: list[Sequence[object]] | None = None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            name = row[0].strip() if row else ""
            if name:
                rows = found.setdefault(name, [])
            content = [value.strip() for value in row[1:]]
            if any(content):
                if rows is None:
                    raise refused(
                        file, "line %(line)s stands in no sheet",
                        "begin with a line of the sheet's name alone, such as survey; its rows begin with a comma",
                        line=str(reader.line_num),
                    )  # fmt: skip
                rows.append(content)
                _check_count(len(rows), file)
    except csv.Error as error:
        raise refused(
            file, "line %(line)s is no CSV: %(error)s", "put whole cells in quotes, and double the quotes inside",
            line=str(reader.line_num), error=shown(str(error), 80),
        ) from None  # fmt: skip
    return {**found}


def _markdown(text: str) -> dict[str, Table]:
    """A sheet's name stands in the first cell of its first row; `#` begins a comment."""
    found: dict[str, list[Sequence[object]]] = {}
    rows: list[Sequence[object]] | None = None
    for line in text.splitlines():
        line = line.strip()
        if not line.startswith("|"):
            continue
        bar = line.rfind("|")
        comment = line.rfind("#", bar)
        inner = line[1:bar] if bar > 0 and (comment >= 0 or bar == len(line) - 1) else line[1:]
        if SEPARATOR.match(inner) and "-" in inner:
            continue
        first, *cells = (cell.strip().replace("\\|", "|") for cell in PIPE.split(inner))
        if first:
            rows = found.setdefault(first, [])
        if rows is not None and any(cells):
            rows.append(cells)
    return {**found}


# --- tables


def _until_empty(rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Rows up to a long run of empty ones."""
    waiting: list[Sequence[object]] = []
    for row in rows:
        if any(value is not None and (not isinstance(value, str) or value.strip()) for value in row):
            yield from waiting
            waiting.clear()
            yield row
        else:
            waiting.append(())
            if len(waiting) > MOST_EMPTY_ROWS:
                return


def _workbook(tables: dict[str, Table], file: str) -> Workbook:
    sheets: dict[str, Sheet] = {}
    for given, table in tables.items():
        name = given.strip().lower()
        if len(tables) == 1:
            name = name if name in NAMES else "survey"
        if name in NAMES and name not in sheets:
            sheets[name] = _sheet(name, list(table), file)
    if sum(len(sheet.rows) for sheet in sheets.values()) > MOST_ROWS:
        _check_count(MOST_ROWS + 1, file)
    return Workbook(tuple(sheets[name] for name in NAMES if name in sheets), tuple(tables))


def _check_count(count: int, file: str) -> None:
    if count > MOST_ROWS:
        raise refused(file, "the file has more than %(most)s rows", "divide the form", most=f"{MOST_ROWS:,}")


def _sheet(name: str, table: list[Sequence[object]], file: str) -> Sheet:
    headers = _headers(name, table[0] if table else (), file)
    rows = []
    for number, cells in enumerate(table[1:], 2):
        row = {}
        for header, value in zip(headers, cells, strict=False):
            text = cell_text(value)
            if header and text:
                if len(text) > LONGEST_CELL:
                    raise refused(
                        file, "%(where)s has %(length)s characters", "at most %(most)s are allowed",
                        where=f"{name} row {number}, {shown(header)}", length=f"{len(text):,}",
                        most=f"{LONGEST_CELL:,}",
                    )  # fmt: skip
                row[header] = text
        rows.append(row)
    return Sheet(name, headers, tuple(rows))


def _headers(name: str, cells: Sequence[object], file: str) -> tuple[str, ...]:
    found: list[str] = []
    empty = 0
    for value in cells:
        header = re.sub(r"\s+", " ", cell_text(value)).strip()
        if header and header in found:
            raise refused(
                file, "%(where)s: two columns are called %(header)s", "rename or remove one of them",
                where=f"{name} row 1", header=shown(header),
            )  # fmt: skip
        empty = 0 if header else empty + 1
        found.append(header)
        if empty > MOST_EMPTY_COLUMNS:
            break
    while found and not found[-1]:
        found.pop()
    if len(found) > MOST_COLUMNS:
        raise refused(
            file, "the sheet %(sheet)s has more than %(most)s columns", "remove those that are not of the form",
            sheet=name, most=str(MOST_COLUMNS),
        )  # fmt: skip
    return tuple(found)


def cell_text(value: object) -> str:
    """A cell as pyxform reads it: whole numbers without decimals, TRUE and FALSE, outer blanks off."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()
