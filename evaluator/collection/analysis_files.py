"""Writing an export for analysis, row by row: CSV, XLSX or Parquet, none of which takes a text for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
import xlsxwriter

from evaluator import pages
from methods.queries import connected

Form = Literal["csv", "xlsx", "parquet"]
Value = str | int | float | date | None
Table = tuple[Sequence[str], Sequence[Sequence[Value]]]
Write = Callable[[Sequence[Sequence[Value]]], None]

SHEET_ROWS, SHEET_COLUMNS = 1_048_576, 16_384
LONGEST_CELL = 32_767  # characters, in a sheet
TYPES = {"whole": "BIGINT", "decimal": "DOUBLE", "chosen": "TINYINT", "date": "DATE"}
SIGNED = re.compile(r"[+-]?\d+(\.\d+)?")  # a code such as -99 is no formula, and must stay what it is


class Field(msgspec.Struct, frozen=True):
    """A column and what stands in it (`questionnaires.codebook.Kind`)."""

    name: str
    kind: str


def guarded(value: Value) -> object:
    """A cell of a CSV file that no spreadsheet program takes for a formula; a code that is a number stays as it is."""
    if isinstance(value, str) and SIGNED.fullmatch(value):
        return value
    return pages.csv_cell(value)


@contextmanager
def opened(folder: Path, form: Form, fields: Sequence[Field], codebook: Table) -> Iterator[Write]:
    """Something that writes rows into `responses.FORM`; the codebook goes beside it, in XLSX as a second sheet too."""
    with _lines(folder / "codebook.csv", [Field(name, "") for name in codebook[0]], guarded, mark="\ufeff") as write:
        write(codebook[1])
    if form == "xlsx":
        with _sheets(folder / "responses.xlsx", fields, codebook) as write:
            yield write
    elif form == "csv":
        with _lines(folder / "responses.csv", fields, guarded) as write:
            yield write
    else:
        plain = folder / "responses.csv"
        with _lines(plain, fields, lambda value: "" if value is None else value) as write:
            yield write
        _to_parquet(plain, folder / "responses.parquet", fields)
        plain.unlink()


@contextmanager
def _lines(path: Path, fields: Sequence[Field], cell: Callable[[Value], object], mark: str = "") -> Iterator[Write]:
    """`mark` makes spreadsheet programs read Chinese as such; programs of statistics take it for a part of a name."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields])
        yield lambda rows: writer.writerows([cell(value) for value in row] for row in rows)


@contextmanager
def _sheets(path: Path, fields: Sequence[Field], codebook: Table) -> Iterator[Write]:
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "tmpdir": str(path.parent),
    }  # fmt: skip
    with xlsxwriter.Workbook(str(path), options) as book:
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheets = [book.add_worksheet("responses"), book.add_worksheet("codebook")]
        at = [0, 0]

        def write(rows: Sequence[Sequence[Value]], into: int = 0) -> None:
            sheet = sheets[into]
            for row in rows:
                for column, value in enumerate(row):
                    if value is None or value == "":
                        continue
                    if isinstance(value, str):
                        sheet.write_string(at[into], column, value[:LONGEST_CELL])
                    elif isinstance(value, date):
                        sheet.write_datetime(at[into], column, value, day)
                    else:
                        sheet.write_number(at[into], column, value)
                at[into] += 1

        for sheet, names in zip(sheets, ([field.name for field in fields], codebook[0]), strict=True):
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(names) - 1, 14)
            for column, name in enumerate(names):
                sheet.write_string(0, column, name, bold)
        at[:] = [1, 1]
        yield write
        write(codebook[1], 1)


def _to_parquet(plain: Path, path: Path, fields: Sequence[Field]) -> None:
    source, target = (str(p).replace("'", "''") for p in (plain, path))
    types = ", ".join(
        f'CAST("{field.name}" AS {TYPES.get(field.kind, "VARCHAR")}) AS "{field.name}"' for field in fields
    )
    with connected(preserve_insertion_order=True) as connection:
        connection.execute(
            f"COPY (SELECT {types} FROM read_csv('{source}', header = true, all_varchar = true, delim = ',', "
            f"quote = '\"', escape = '\"')) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
