"""Rows of a file that may be too large to hold: a CSV is read line by line, as often as it is asked for.

An XLSX is a packed whole and has the limits of `reading`. Any bytes give rows or a `Refused`.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

from evaluator.spreadsheets.findings import Wrong, refuse
from evaluator.spreadsheets.reading import (
    LARGEST_FILE,
    LONGEST_CELL,
    MOST_COLUMNS,
    Row,
    delimiter_of,
    read_sheets,
)

LARGEST_STREAM = 4_000_000_000  # bytes of a CSV
LONGEST_LINE = 200_000  # characters
BLOCK = 1 << 20


def _(message: str) -> str:
    return message


def _refuse(reason: str, right: str, row: int = 0, **values: str) -> NoReturn:
    refuse(row, "", "", Wrong(reason, right, values))


def stream_rows(path: Path) -> Iterator[Row]:
    """The rows of a file that are not blank, the header first; of an XLSX those of its first sheet.

    Raises
    ------
    Refused
        Not CSV or XLSX, too large, not readable, or empty: at once or when the bad row comes.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    if size <= LARGEST_FILE and not _is_text(start):
        yield from read_sheets(path.read_bytes())[0].rows
        return
    if not _is_text(start) or size > LARGEST_STREAM:
        most = LARGEST_STREAM if _is_text(start) else LARGEST_FILE
        _refuse(
            _("is too large: %(size)s bytes"), _("at most %(most)s bytes; split it"), size=f"{size:,}", most=f"{most:,}"
        )
    any_row = False
    for row in _csv_rows(path, _encoding(path)):
        any_row = True
        yield row
    if not any_row:
        _refuse(_("holds no row"), _("give a header and a row for each unit"))


def _is_text(start: bytes) -> bool:
    return not start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def _encoding(path: Path) -> str:
    """UTF-8, UTF-16 with its mark, else GB18030: the first that reads the whole file."""
    with path.open("rb") as file:
        start = file.read(2)
    tried = ["utf-16"] if start in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in tried:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    if "\x00" in decoder.decode(block):
                        _refuse(_("holds NUL characters, so it is no text"), _("save the table as CSV (UTF-8) or XLSX"))
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return _refuse(_("is text in none of UTF-8, UTF-16 and GB18030"), _("save it as CSV (UTF-8) or XLSX"))


def _lines(file: IO[str]) -> Iterator[str]:
    """Lines, none of them so long that a file without ends of lines would fill the memory."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            _refuse(
                _("has a line of more than %(most)s characters"), _("shorten it; is a quote missing?"),
                most=f"{LONGEST_LINE:,}",
            )  # fmt: skip
        yield line


def _csv_rows(path: Path, encoding: str) -> Iterator[Row]:
    with path.open(encoding=encoding, newline="") as file:
        delimiter = delimiter_of(file.read(20_000))
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(_lines(file), delimiter=delimiter, strict=True)
        number = 0
        try:
            for number, cells in enumerate(reader, 1):
                if len(cells) > MOST_COLUMNS:
                    _refuse(
                        _("has more than %(most)s columns"), _("take out the columns that are not needed"),
                        row=number, most=str(MOST_COLUMNS),
                    )  # fmt: skip
                stripped = tuple(cell.strip() for cell in cells)
                if any(len(cell) > LONGEST_CELL for cell in stripped):
                    _refuse(
                        _("has a cell of more than %(most)s characters"), _("shorten it; is a quote missing?"),
                        row=number, most=f"{LONGEST_CELL:,}",
                    )  # fmt: skip
                if any(stripped):
                    yield Row(number, stripped)
        except csv.Error as error:
            _refuse(
                _("can't be read as CSV (%(error)s)"),
                _("put quotes around whole cells only, and double those inside"),
                row=number + 1, error=str(error),
            )  # fmt: skip
