"""Tables as files: CSV and Parquet read alike, with the place of every mistake, written with the same bytes each time.

In memory a table is a dict of columns: text is an object array with "" for blank, numbers are float64 with NaN.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from evaluator.rating.defects import InputError, likely
from evaluator.rating.doors import MARK_COLUMN, SIMULATED, Column, Door
from methods.queries import connected

Table = dict[str, NDArray[Any]]

FIRST_ROW = 2  # rows are counted as a spreadsheet does: the header is row 1
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PLAIN = frozenset("0123456789.+-eE")
_CODE = re.compile(r"\S+")
PARQUET_TYPES = {"number": "DOUBLE", "whole": "BIGINT"}


def connect(threads: int = 2) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB whose results do not depend on the machine: rows keep their order."""
    return connected(threads=threads, preserve_insertion_order=True, enable_progress_bar=False)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal, for the places where DuckDB takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def table_file(folder: Path, name: str) -> Path | None:
    """The file of a table, NAME.parquet or NAME.csv; None when there is neither. Both at once: InputError."""
    found = [path for path in (folder / f"{name}.parquet", folder / f"{name}.csv") if path.is_file()]
    if len(found) == 2:
        raise InputError([f"{folder} has {name}.parquet and {name}.csv; keep one of them"])
    return found[0] if found else None


def header(path: Path) -> list[str]:
    """The column names of a table's file, in its order."""
    if path.suffix == ".parquet":
        with connect() as connection:
            try:
                rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall()
            except duckdb.Error as error:
                raise InputError([f"{path.name} is not Parquet ({_first_line(error)}); write it anew"]) from error
        return [str(row[0]) for row in rows]
    with path.open("rb") as file:
        line = file.readline()
    try:
        return next(csv.reader([line.decode("utf-8-sig")]), [])
    except UnicodeDecodeError as error:
        raise InputError([f"{path.name} row 1 is not UTF-8; save it as UTF-8"]) from error


def scan(path: Path, columns: Sequence[str]) -> str:
    """An SQL table function over a file whose header is `columns`, everything in a CSV as text."""
    if path.suffix == ".parquet":
        return f"read_parquet({literal(str(path))})"
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({literal(str(path))}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        f"nullstr = '', columns = {{{types}}})"
    )


def read_texts(path: Path) -> tuple[list[str], list[list[str]], list[str]]:
    """Header, columns of text and defects of a file; numbers of a Parquet file as their shortest exact text."""
    if path.suffix == ".parquet":
        return _parquet_texts(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = path.read_bytes()[: error.start].count(b"\n") + 1
        return [], [], [f"{path.name} row {row}: not UTF-8; save the file as UTF-8 (from Excel: CSV UTF-8)"]
    try:
        names, columns = _csv_columns(text)
    except (csv.Error, ValueError):  # broken or empty: row by row, to say where
        names, rows, defects = _csv_rows(path.stem, text)
        return names, [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names], defects
    return names, columns, []


def _csv_columns(text: str) -> tuple[list[str], list[list[str]]]:
    """Header and columns of a sound CSV; csv.Error or ValueError when it is not.

    By portions: a million rows as lists at once would keep the garbage collector busy.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = next(reader, [])
    columns: list[list[str]] = [[] for _ in names]
    while portion := list(islice(reader, 20_000)):
        if {len(row) for row in portion} != {len(names)}:
            raise ValueError("rows of different lengths")
        for column, cells in zip(columns, zip(*portion, strict=True), strict=True):
            column.extend(cells)
    return names, columns


def _csv_rows(stem: str, text: str) -> tuple[list[str], list[list[str]], list[str]]:
    """Header, rows as long as the header, and the defects of the other ones."""
    names: list[str] = []
    rows: list[list[str]] = []
    defects: list[str] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(reader, [])
        # a row's number is that of its place, as a spreadsheet shows it, also where a cell holds a line break
        blank = 0
        for number, cells in enumerate(reader, start=FIRST_ROW):
            if not cells:  # blank lines may end a file; elsewhere they would shift the rows' numbers
                blank = blank or number
                continue
            if blank:
                defects.append(f"{stem} row {blank}: a blank line; take it out")
                blank = 0
            if len(cells) != len(names):
                defects.append(f"{stem} row {number}: {len(cells)} cells; the header has {len(names)}")
                cells = (cells + [""] * len(names))[: len(names)]
            rows.append(cells)
    except csv.Error as error:
        defects.append(f"{stem} row {len(rows) + FIRST_ROW}: {error}; mend the quotes of this row")
    return names, rows, defects


def _parquet_texts(path: Path) -> tuple[list[str], list[list[str]], list[str]]:
    source = f"read_parquet({literal(str(path))})"
    with connect() as connection:
        try:
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            names = [str(row[0]) for row in described]
            parts: list[str] = []
            for name, kind in ((str(row[0]), str(row[1])) for row in described):
                column = quoted(name)
                if kind in ("FLOAT", "DOUBLE"):  # data frames write NaN for a blank number
                    column = f"CASE WHEN isnan({column}) THEN NULL ELSE {column} END"
                elif kind.startswith("TIMESTAMP"):
                    column = f"replace(CAST({column} AS VARCHAR), ' 00:00:00', '')"  # midnight stands for a day
                parts.append(f"coalesce(CAST({column} AS VARCHAR), '') AS c{len(parts)}")
            values = connection.execute(f"SELECT {', '.join(parts)} FROM {source}").fetchnumpy() if names else {}
        except duckdb.Error as error:
            return [], [], [f"{path.name} is not Parquet ({_first_line(error)}); write it anew"]
    return names, [list(column) for column in values.values()], []


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def parse_table(
    stem: str, names: Sequence[str], columns: Sequence[Sequence[str]], door: Door
) -> tuple[Table, list[str]]:
    """Columns of text as the door's columns, all of them, blank where the file has none; and every defect."""
    defects = []
    allowed = [column.name for column in door.columns]
    for name in names:
        if door.column(name) is None:
            right = likely(name, allowed + [f"{prefix}..." for prefix, _ in door.prefixes], listed=30)
            defects.append(f"{stem} has an unknown column {name!r}; {right}")
    for name in sorted({name for name in names if list(names).count(name) > 1}):
        defects.append(f"{stem} has the column {name!r} twice; keep one")
    for column in door.columns:
        if column.required and column.name not in names:
            defects.append(f"{stem} has no column {column.name!r}; add it: {column.about}")
    rows = len(columns[0]) if columns else 0
    cells = dict(zip(names, columns, strict=True))
    further = [found for name in names if name not in allowed and (found := door.column(name))]
    table: Table = {}
    for column in (*door.columns, *further):
        if column.name not in cells:
            table[column.name] = np.full(rows, np.nan) if column.kind in PARQUET_TYPES else np.full(rows, "", object)
            continue
        table[column.name], wrong = parse_column(column, cells[column.name])
        if column.required and column.kind in PARQUET_TYPES:
            blank = [row for row, cell in enumerate(cells[column.name]) if cell == ""]
            wrong = sorted([*wrong, *((row, "blank; a number is needed") for row in blank)])
        defects += [f"{stem} row {row + FIRST_ROW} column {column.name}: {what}" for row, what in wrong]
    return table, defects


def mark_defects(stem: str, cells: Sequence[str]) -> list[str]:
    """Cells of the column that marks simulated data which do not bear the mark."""
    return [
        f"{stem} row {row + FIRST_ROW} column {MARK_COLUMN.name}: {cell!r}; simulated data say {SIMULATED!r}"
        for row, cell in enumerate(cells)
        if cell != SIMULATED
    ]


def parse_column(column: Column, cells: Sequence[str]) -> tuple[NDArray[Any], list[tuple[int, str]]]:
    """One column's values; and (row from 0, what is wrong; what would be right) of each cell not of its kind."""
    if column.kind in PARQUET_TYPES:
        return _numbers(column, cells)
    verdicts = {cell: what for cell in set(cells) if (what := _word_defect(column, cell))}
    wrong = [(row, verdicts[cell]) for row, cell in enumerate(cells) if cell in verdicts] if verdicts else []
    return np.array(cells, dtype=object), wrong


def _word_defect(column: Column, cell: str) -> str:
    if cell == "":
        return "blank; it must be filled" if column.required else ""
    if cell != cell.strip() or any(ord(character) < 32 or ord(character) == 127 for character in cell):
        return f"{cell!r} has spaces around it or control characters; take them out"
    if column.words and cell not in column.words:
        return f"{cell!r}; {likely(cell, column.words)}"
    if column.kind == "code" and not _CODE.fullmatch(cell):
        return f"{cell!r} has a space in it; a code has none"
    if column.kind == "codes" and "  " in cell:
        return f"{cell!r}; join codes by one space"
    return _date_defect(cell) if column.kind == "date" else ""


def _date_defect(cell: str) -> str:
    try:
        right = len(cell) == 10 and bool(date.fromisoformat(cell))
    except ValueError:
        right = False
    return "" if right else f"{cell!r} is not a date; write YYYY-MM-DD"


def _numbers(column: Column, cells: Sequence[str]) -> tuple[NDArray[np.float64], list[tuple[int, str]]]:
    if _PLAIN.issuperset("".join(cells)):  # all cells look like numbers: the quick way
        try:
            values = np.array([float(cell) if cell else math.nan for cell in cells], dtype=np.float64)
        except ValueError:
            values = np.full(len(cells), np.inf)
        low = column.least is not None and bool((values < column.least).any())
        broken = column.kind == "whole" and bool((values != np.floor(values))[~np.isnan(values)].any())
        if not (np.isinf(values).any() or low or broken):
            return values, []
    wrong: list[tuple[int, str]] = []
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if not cell:
            continue
        value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
        if not math.isfinite(value):
            wrong.append((row, f"{cell!r} is not a number; write digits and a point, without %, commas or units"))
        elif column.least is not None and value < column.least:
            wrong.append((row, f"{cell} is below {column.least:g}; it must be at least that"))
        elif column.kind == "whole" and value != int(value):
            wrong.append((row, f"{cell} is not a whole number"))
        else:
            values[row] = value
    return values, wrong


def number_text(value: float) -> str:
    """A number as a file says it: at most 6 decimals, no exponent, no trailing zeros, blank for NaN.

    >>> number_text(71.25), number_text(-0.0000001), number_text(float("nan"))
    ('71.25', '0', '')
    """
    if value != value:
        return ""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def exact_text(value: float) -> str:
    """A number with all of its digits, without an exponent: what it was read from, where that was six decimals or less.

    >>> exact_text(71.25), exact_text(0.1 + 0.2), exact_text(1e-7), exact_text(float("nan"))
    ('71.25', '0.30000000000000004', '0.0000001', '')
    """
    short = number_text(value)
    return short if not short or float(short) == value else np.format_float_positional(value, trim="-")


def texts(values: Iterable[Any], kind: str) -> list[str]:
    """A column as its cells in a CSV."""
    if kind in PARQUET_TYPES:
        return [number_text(value) for value in np.asarray(values, dtype=np.float64).tolist()]
    return [str(value) for value in values]


def snapshot_texts(values: Iterable[Any], kind: str) -> list[str]:
    """A column of a snapshot as its cells: numbers as the shortest text that reads back as the same number."""
    if kind in PARQUET_TYPES:
        numbers = np.asarray(values, dtype=np.float64).tolist()
        return ["" if value != value else repr(value).removesuffix(".0") for value in numbers]
    return [str(value) for value in values]


def csv_bytes(table: Mapping[str, Sequence[str]]) -> bytes:
    """Columns of text as CSV: UTF-8, a comma, quotes only where needed, lines ended by a line feed."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.keys())
    writer.writerows(zip(*table.values(), strict=True))
    return file.getvalue().encode("utf-8")


def write_parquet(csv_path: Path, parquet_path: Path, kinds: Mapping[str, str], metadata: Mapping[str, str]) -> None:
    """The Parquet twin of a CSV: the same cells, numbers as DOUBLE or BIGINT, text as text, blank as null.

    One thread and no time stamp: the same CSV gives the same bytes with the same DuckDB.
    """
    columns = ", ".join(
        f"{literal(name)}: {literal(PARQUET_TYPES.get(kind, 'VARCHAR'))}" for name, kind in kinds.items()
    )
    pairs = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in metadata.items())
    options = "FORMAT parquet, COMPRESSION zstd" + (f", KV_METADATA {{{pairs}}}" if pairs else "")
    with connect(threads=1) as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv({literal(str(csv_path))}, header = true, auto_detect = false, delim = ',', "
            f"quote = '\"', escape = '\"', nullstr = '', columns = {{{columns}}})) "
            f"TO {literal(str(parquet_path))} ({options})"
        )
