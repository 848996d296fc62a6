"""Many responses at once, for imports and the simulated province: rows as the form makes them, all or none.

They wait and are sealed like those of the form, at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import asyncpg

from evaluator import database
from evaluator.collection.responses import COLUMNS, ResponseRow, sqlite_values
from evaluator.collection.sealing import seal
from evaluator.collection.storing import SQLITE_PENDING
from evaluator.collection.tables import Campaign
from evaluator.settings import Settings

CHUNK = 20_000  # rows between two reports of progress

Progress = Callable[[int], None]


async def store_in_bulk(settings: Settings, rows: Iterable[ResponseRow], progress: Progress | None = None) -> int:
    """Store and seal responses, and for those by invitation that their code was issued and used; how many there were.

    What else waits in their campaigns is sealed with them, so that no unit's few stay behind.

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
    campaigns: set[int] = set()
    seen = _noted(rows, campaigns)
    if isinstance(engine, database.DurableSQLiteEngine):
        number = await asyncio.to_thread(_sqlite, engine.path, seen, progress)
    else:
        number = await _postgres(engine.config["dsn"], seen, progress)
    for campaign in await Campaign.select(Campaign.code).where(Campaign.id.is_in(sorted(campaigns) or [0])):
        await seal(settings, campaign["code"], everything=True)
    return number


def _noted(rows: Iterable[ResponseRow], campaigns: set[int]) -> Iterator[ResponseRow]:
    for row in rows:
        campaigns.add(row.campaign)
        yield row


def _chunks(rows: Iterable[ResponseRow]) -> Iterator[list[ResponseRow]]:
    """In the order of their leaves, so that the order of a chunk says nothing."""
    waiting = iter(rows)
    while chunk := sorted(islice(waiting, CHUNK), key=lambda row: row.leaf_hash):
        yield chunk


def _invitations(chunk: Sequence[ResponseRow]) -> list[tuple[str, int, str, str, str]]:
    return sorted(
        (row.code_hash, row.campaign, row.unit, row.design_stratum, row.psu)
        for row in chunk
        if row.code_hash and row.mode == "invitation"
    )


def _admissions(chunk: Sequence[ResponseRow]) -> list[tuple[str, int]]:
    return sorted((row.code_hash, row.campaign) for row in chunk if row.mode != "open")


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
            connection.executemany("INSERT INTO admission (code_hash, campaign) VALUES (?, ?)", _admissions(chunk))
            connection.executemany(SQLITE_PENDING, map(sqlite_values, chunk))
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
                        "admission", records=_admissions(chunk), columns=["code_hash", "campaign"]
                    )
                    await connection.copy_records_to_table("pending", records=chunk, columns=list(COLUMNS))
                    number += len(chunk)
                    if progress:
                        progress(number)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise database.translated(error) from error
    return number
