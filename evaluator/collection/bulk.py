"""Many responses at once, for imports and the simulated province: rows as the form makes them, all or none."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import asyncpg

from evaluator import database
from evaluator.collection.intake import SQLITE_RESPONSE
from evaluator.collection.responses import COLUMNS, ResponseRow, sqlite_values

CHUNK = 20_000  # rows between two reports of progress

Progress = Callable[[int], None]


async def store_in_bulk(rows: Iterable[ResponseRow], progress: Progress | None = None) -> int:
    """Store responses, and for those by invitation that their code was issued and used; how many there were.

    Parameters
    ----------
    rows : iterable of ResponseRow
        Made by `responses.response_row` from accepted answers. A code must be new.
    progress : callable, optional
        Called with the number of rows written so far.

    Raises
    ------
    AlreadyExists, StillReferenced, RuleBroken, Unavailable
        Nothing was stored.
    """
    engine = database.engine()
    if isinstance(engine, database.DurableSQLiteEngine):
        return await asyncio.to_thread(_sqlite, engine.path, rows, progress)
    return await _postgres(engine.config["dsn"], rows, progress)


def _chunks(rows: Iterable[ResponseRow]) -> Iterator[list[ResponseRow]]:
    """In the order of their identifiers, so that the order of a chunk says nothing."""
    waiting = iter(rows)
    while chunk := sorted(islice(waiting, CHUNK)):
        yield chunk


def _invitations(chunk: Sequence[ResponseRow]) -> list[tuple[str, int, str, str, str]]:
    return sorted(
        (row.code_hash, row.campaign, row.unit, row.design_stratum, row.psu) for row in chunk if row.code_hash
    )


def _sqlite(path: str, rows: Iterable[ResponseRow], progress: Progress | None) -> int:
    number = 0
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript(database.PRAGMAS)
        connection.execute("BEGIN IMMEDIATE")
        for chunk in _chunks(rows):
            invited = _invitations(chunk)
            connection.executemany(
                "INSERT INTO invitation (code_hash, campaign, unit, design_stratum, psu) VALUES (?, ?, ?, ?, ?)",
                invited,
            )
            connection.executemany("INSERT INTO admission (code_hash) VALUES (?)", [row[:1] for row in invited])
            connection.executemany(SQLITE_RESPONSE, map(sqlite_values, chunk))
            number += len(chunk)
            if progress:
                progress(number)
        connection.execute("COMMIT")
    except (sqlite3.Error, OverflowError) as error:
        raise database.translated(error) from error
    finally:
        connection.close()  # what was not committed is gone
    return number


async def _postgres(dsn: str, rows: Iterable[ResponseRow], progress: Progress | None) -> int:
    number = 0
    try:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction():
                for chunk in _chunks(rows):
                    invited = _invitations(chunk)
                    await connection.copy_records_to_table(
                        "invitation",
                        records=invited,
                        columns=["code_hash", "campaign", "unit", "design_stratum", "psu"],
                    )
                    await connection.copy_records_to_table(
                        "admission", records=[row[:1] for row in invited], columns=["code_hash"]
                    )
                    await connection.copy_records_to_table(
                        "response", records=[row[: len(COLUMNS)] for row in chunk], columns=list(COLUMNS)
                    )
                    number += len(chunk)
                    if progress:
                        progress(number)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise database.translated(error) from error
    return number
