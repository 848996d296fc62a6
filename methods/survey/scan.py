"""Cells of numbers: the one pass over a file of coded responses, whole numbers in and whole sums out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from methods.inputs import Floats, Integers
from methods.queries import connected
from methods.survey.columns import relabelled
from methods.survey.estimation import Moments

FEW = 2  # items that one GROUP BY sums faster than a pass for each over cells that stay in the cache
ROOM = 8  # times as many possible keys as responses that this may take
EXACT = 2.0**53  # below, sums of whole numbers are exact in doubles


@dataclass(frozen=True, slots=True)
class Sums:
    """Responses of equal key, in the order of the keys."""

    keys: Mapping[str, Integers]  # NAME -> (cells,); -1 where it was blank
    n: Integers  # (cells,) responses
    item_n: Integers  # (cells, items) with a number
    item_sum: Integers  # (cells, items)
    item_sumsq: Integers  # (cells, items)

    def moments(self, scale: float = 1.0) -> Moments:
        """What estimation needs, in units of `scale` (1000 when numbers are thousandths)."""
        return Moments(self.item_n.astype(np.float64), self.item_sum / scale, self.item_sumsq / scale**2)


def sum_responses(source: Path, keys: Sequence[str], items: Sequence[str], threads: int | None = None) -> Sums:
    """Sum whole numbers by key, in memory that does not grow with responses beyond the columns that are read.

    Parameters
    ----------
    source
        `.parquet` or `.csv`, a response in each row.
    keys
        Columns of integer codes, 0 or more, blank where unknown: everything that a weight or a domain depends on.
    items
        Columns of whole numbers (scores times 1000, say), blank where a respondent did not answer.
    threads
        For DuckDB; the result does not depend on it.

    Returns
    -------
    Sums

    Raises
    ------
    ValueError
        When a column is missing or not of whole numbers, a code is negative, or a sum too large to be exact.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "responses.csv"
    ...     _ = file.write_text("city,score\\n1,50\\n0,100\\n1,\\n1,70\\n")
    ...     found = sum_responses(file, ["city"], ["score"])
    >>> found.keys["city"].tolist(), found.n.tolist(), found.item_sum.ravel().tolist()
    ([0, 1], [1, 3], [100, 120])
    """
    if not keys or not items:
        raise ValueError("keys, items: at least one column of each is expected")
    readers = {".parquet": "read_parquet(?)", ".csv": "read_csv(?, header = true)"}
    if source.suffix not in readers:
        raise ValueError(f"source: {source.name}; a .parquet or .csv file is expected")
    with connected(**({} if threads is None else {"threads": int(threads)})) as connection:
        table = readers[source.suffix]
        _checked(connection, table, source, [*keys, *items])
        if len(items) > FEW:
            ranges = _ranges(connection, table, source, keys)
            if np.prod([float(size) for size in ranges.sizes]) <= ROOM * ranges.responses + 4096:
                return _by_column(connection, table, source, keys, items, ranges)
        return _by_group(connection, table, source, keys, items)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _code(name: str) -> str:
    return f"coalesce({_name(name)}, -1)"


def _checked(connection: duckdb.DuckDBPyConnection, table: str, source: Path, names: Sequence[str]) -> None:
    found = connection.execute(f"DESCRIBE SELECT * FROM {table}", [str(source)]).fetchall()
    types = {str(row[0]): str(row[1]) for row in found}
    for name in names:
        if name not in types:
            raise ValueError(f"source: {source.name} has no column {name!r}, but {', '.join(sorted(types))}")
        if not types[name].endswith("INT") and types[name] not in ("INTEGER", "UINTEGER", "BOOLEAN"):
            raise ValueError(f"source: column {name!r} is {types[name]}; whole numbers are expected")


def _by_group(
    connection: duckdb.DuckDBPyConnection, table: str, source: Path, keys: Sequence[str], items: Sequence[str]
) -> Sums:
    """One GROUP BY."""
    columns = [f"{_code(name)} AS k{j}" for j, name in enumerate(keys)]
    for j, name in enumerate(items):
        column = f"CAST({_name(name)} AS BIGINT)"
        columns.append(f"count({_name(name)}) AS n{j}")
        columns.append(f"CAST(coalesce(sum({column}), 0) AS BIGINT) AS s{j}")
        columns.append(f"CAST(coalesce(sum({column} * {column}), 0) AS BIGINT) AS q{j}")
    key = ", ".join(f"k{j}" for j in range(len(keys)))
    statement = f"SELECT {', '.join(columns)}, count(*) AS n FROM {table} GROUP BY {key} ORDER BY {key}"
    found = connection.execute(statement, [str(source)]).fetchnumpy()

    def stack(prefix: str) -> Integers:
        return np.column_stack([np.asarray(found[f"{prefix}{j}"], np.int64) for j in range(len(items))])

    by_name = {name: np.asarray(found[f"k{j}"], np.int64) for j, name in enumerate(keys)}
    for name, codes in by_name.items():
        _not_negative(name, int(codes.min(initial=0)))
    return Sums(by_name, np.asarray(found["n"], np.int64), stack("n"), stack("s"), stack("q"))


@dataclass(frozen=True, slots=True)
class _Ranges:
    responses: int
    sizes: list[int]  # of each key, the blank included


def _ranges(connection: duckdb.DuckDBPyConnection, table: str, source: Path, keys: Sequence[str]) -> _Ranges:
    columns = ", ".join(f"min({_name(name)}), max({_name(name)})" for name in keys)
    row = connection.execute(f"SELECT count(*), {columns} FROM {table}", [str(source)]).fetchone()
    found = [0 if value is None else int(value) for value in row or ()]
    for name, least in zip(keys, found[1::2], strict=True):
        _not_negative(name, least)
    return _Ranges(found[0], [most + 2 for most in found[2::2]])


def _not_negative(name: str, least: int) -> None:
    if least < -1:
        raise ValueError(f"keys: {name!r} holds {least}; codes of 0 or more are expected, blank where unknown")


def _by_column(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    source: Path,
    keys: Sequence[str],
    items: Sequence[str],
    ranges: _Ranges,
) -> Sums:
    """Cells numbered by arithmetic, and each item summed by itself."""
    size = int(np.prod(ranges.sizes))
    kind = "INTEGER" if size < 2**31 else "BIGINT"
    key = "0"
    for name, width in zip(keys, ranges.sizes, strict=True):
        key = f"({key} * {width} + CAST({_code(name)} AS {kind}) + 1)"
    columns = ", ".join(f"{_name(name)} AS y{j}" for j, name in enumerate(items))
    found = connection.execute(f"SELECT CAST({key} AS {kind}) AS cell, {columns} FROM {table}", [str(source)])
    read = found.fetchnumpy()
    code, cell = relabelled(np.asarray(read["cell"]), size)
    cells = len(code)
    n = np.bincount(cell, minlength=cells)
    largest = float(n.max(initial=0))
    item_n, item_sum, item_sumsq = (np.empty((cells, len(items)), np.int64) for _ in range(3))
    for j, name in enumerate(items):
        column = np.ma.asarray(read[f"y{j}"])
        answered = n if column.mask is np.ma.nomask else np.bincount(cell[~column.mask], minlength=cells)
        whole = np.ma.filled(column, 0)
        least, most = float(whole.min(initial=0)), float(whole.max(initial=0))
        if max(most, -least) ** 2 * largest >= EXACT:
            raise ValueError(
                f"items: {name!r} holds {max(most, -least):g}, whose squares add up to more than is exact; scale it"
            )
        item_n[:, j] = answered
        y: Floats = whole.astype(np.float64)
        room = most * largest + 1.0  # above every sum
        if least >= 0 and room * (most**2 * largest + 1.0) < EXACT:  # both sums in one pass, side by side in a number
            packed = np.bincount(cell, y * (y * room + 1.0), minlength=cells).astype(np.int64)
            item_sumsq[:, j], item_sum[:, j] = np.divmod(packed, int(room))
        else:
            item_sum[:, j] = np.bincount(cell, y, minlength=cells)
            item_sumsq[:, j] = np.bincount(cell, y * y, minlength=cells)
    by_name = {}
    for name, width in zip(reversed(keys), reversed(ranges.sizes), strict=True):
        code, rest = np.divmod(code, width)
        by_name[name] = rest - 1
    return Sums({name: by_name[name] for name in keys}, n, item_n, item_sum, item_sumsq)
