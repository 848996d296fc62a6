"""Wiping the order of arrival from what the database keeps on disk, after an epoch was sealed.

SQLite's trees are by random keys, but within a page a row lies where there was room when it came; PostgreSQL appends
rows and marks each with its transaction. So the table of used codes is written anew in the order of its keys, the
deleted link from codes to responses is overwritten, and the log of changes emptied. What PostgreSQL's own log of
changes keeps until it is recycled, and what a disk keeps of overwritten blocks, stays out of reach.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time

import asyncpg

from evaluator import database

LEAST = 50  # rows that are mixed together; fewer wait for more
SETTLED = 1000  # rows with one mark of PostgreSQL that need no more mixing
SLICE = 100_000  # rows of SQLite that are written anew in one transaction: the writer waits for less than a second
PAUSE = 0.12  # seconds between two: who waits for SQLite's lock looks every tenth of a second whether it is free
CACHE = "PRAGMA cache_size=-32768;"  # kibibytes: a slice
LOCK = 20261125  # any number, the same for every process that mixes
SOON = "2s"  # a table that is in use, by a backup for example, is left for the next time: writers would queue up


async def tidy(engine: database.Engine) -> None:
    """Write the used codes anew in the order of their keys, and leave nothing behind of what was deleted.

    Raises
    ------
    DatabaseError
        Not everything was done; the next time does the rest.
    """
    try:
        if isinstance(engine, database.DurableSQLiteEngine):
            await asyncio.to_thread(_sqlite, engine.path)
        else:
            await mix(engine.config["dsn"])
            await _rewrite(engine.config["dsn"])
    except (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise database.translated(error) from error


def _sqlite(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # the same rows go back: what they name need not be looked up
        connection.executescript(f"{database.PRAGMAS} PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY; {CACHE}")
        first: str | None = ""
        while (first := _slice(connection, first)) is not None:
            time.sleep(PAUSE)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # most of it while others write
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _slice(connection: sqlite3.Connection, first: str) -> str | None:
    """Write the used codes from `first` on anew; where the next slice begins, None when there is none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        ahead = "SELECT code_hash FROM admission WHERE code_hash >= ? ORDER BY code_hash LIMIT 1 OFFSET ?"
        end = connection.execute(ahead, [first, SLICE]).fetchone()
        within, given = "code_hash >= ?" + (" AND code_hash < ?" if end else ""), [first, *(end or ())]
        connection.execute(f"CREATE TEMP TABLE mixed AS SELECT * FROM admission WHERE {within}", given)
        connection.execute(f"DELETE FROM admission WHERE {within}", given)
        connection.execute("INSERT INTO admission SELECT * FROM mixed ORDER BY code_hash")
        connection.execute("DROP TABLE mixed")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return end[0] if end else None


async def mix(dsn: str) -> int:
    """Give the codes that were used since the last time one common mark; how many. Waits for nobody.

    A code that is used meanwhile waits for this transaction and is then found used, as ever.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
                return 0  # another process is at it
            few = f"SELECT xmin::text FROM admission GROUP BY xmin::text HAVING count(*) < {SETTLED}"
            newcomers = f"SELECT * FROM admission WHERE xmin::text IN ({few})"
            await connection.execute(f"CREATE TEMP TABLE mixed ON COMMIT DROP AS {newcomers}")
            number: int = await connection.fetchval("SELECT count(*) FROM mixed")
            if number < LEAST:
                return 0
            await connection.execute("DELETE FROM admission WHERE code_hash IN (SELECT code_hash FROM mixed)")
            await connection.execute('INSERT INTO admission SELECT * FROM mixed ORDER BY code_hash COLLATE "C"')
            return number
    finally:
        await connection.close()


async def _rewrite(dsn: str) -> None:
    """New files for both tables, in the order of their keys and without what was deleted."""
    connection = await asyncpg.connect(dsn, server_settings={"lock_timeout": SOON})
    try:
        for table in ("pending", "admission"):
            try:
                async with connection.transaction():
                    await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                    if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):
                        await connection.execute(f"CLUSTER {table} USING {table}_pkey")
                    else:
                        await connection.execute(f"TRUNCATE {table}")
            except asyncpg.LockNotAvailableError:
                continue
    finally:
        await connection.close()
