"""PostgreSQL appends rows and marks each with its transaction: order and common marks would link a code to its answer.

Once an hour what came since is written anew in one transaction, in the order of its random keys: afterwards all these
rows have one mark, and neither table says who came first. SQLite needs none of it: its tables are trees by the random
key alone (WITHOUT ROWID). What the server's own log of changes keeps until it is recycled stays out of reach.
"""

from __future__ import annotations

import asyncio
import logging

import asyncpg

LEAST = 50  # rows that are mixed together; fewer wait for more
SETTLED = 1000  # rows with one mark that need no more mixing
EVERY = 3600.0  # seconds
LOCK = 20261125  # any number, the same for every process that mixes

log = logging.getLogger("evaluator")


async def mix(dsn: str) -> int:
    """Write the responses and admissions that came since the last time anew; how many responses. Waits for nobody.

    A code that is used meanwhile waits for this transaction and is then found used, as ever.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
                return 0  # another process is at it
            number = 0
            for table, key in (("admission", "code_hash"), ("response", "identifier")):
                few = f"SELECT xmin::text FROM {table} GROUP BY xmin::text HAVING count(*) < {SETTLED}"
                newcomers = f"SELECT * FROM {table} WHERE xmin::text IN ({few})"
                await connection.execute(f"CREATE TEMP TABLE mixed_{table} ON COMMIT DROP AS {newcomers}")
                number = await connection.fetchval(f"SELECT count(*) FROM mixed_{table}")
                if number >= LEAST:
                    await connection.execute(f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM mixed_{table})")
                    await connection.execute(f"INSERT INTO {table} SELECT * FROM mixed_{table} ORDER BY {key}")
            return number if number >= LEAST else 0
    finally:
        await connection.close()


async def mix_for_ever(dsn: str, every: float = EVERY) -> None:
    """Mix until cancelled. What fails is told and tried again the next time."""
    while True:
        await asyncio.sleep(every)
        try:
            await mix(dsn)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("responses could not be mixed: %s", error)
