"""Many rows at once: COPY on PostgreSQL, executemany on SQLite, inside the transaction that is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from piccolo.table import Table

from evaluator import database


async def insert_rows(table: type[Table], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of plain values; columns that are left out take the database's own default.

    Raises
    ------
    RuntimeError
        No transaction is open: a part of the rows could stay.
    DatabaseError
        A rule of the database refused a row.
    """
    engine = database.engine()
    transaction = engine.current_transaction.get()
    if transaction is None:
        raise RuntimeError("rows are inserted in bulk inside a transaction only")
    name = table._meta.tablename
    try:
        if engine.engine_type == "postgres":
            await transaction.connection.copy_records_to_table(name, records=rows, columns=list(columns))
        else:
            listed = ", ".join(f'"{column}"' for column in columns)
            marks = ", ".join("?" for _ in columns)
            await transaction.connection.executemany(f'INSERT INTO "{name}" ({listed}) VALUES ({marks})', rows)
    except Exception as error:
        raise database.translated(error) from error
