"""The writer: responses queue up, go to the database in one durable transaction, and are answered after its commit.

One writer a process. A code that was used and the response it admitted are written in the same transaction; the primary
key of `admission` is what makes it one response a code, however many processes write.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal, Protocol

import asyncpg

from evaluator import database, problems
from evaluator.collection.responses import COLUMNS, ResponseRow, sqlite_values

Outcome = Literal["stored", "duplicate"]
Waiting = tuple[ResponseRow, "asyncio.Future[Outcome]"]

NAMES = ", ".join(COLUMNS)
SQLITE_RESPONSE = f"INSERT INTO response ({NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"
MOST_AT_ONCE = 1000  # rows in one statement of SQLite, which takes 32,766 values
POSTGRES = f"""
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::date[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::int[], $13::text[]) AS row ({NAMES}, code_hash)
), admitted AS (
  INSERT INTO admission (code_hash) SELECT code_hash FROM given WHERE code_hash IS NOT NULL ORDER BY code_hash
  ON CONFLICT DO NOTHING RETURNING code_hash
)
INSERT INTO response ({NAMES}) SELECT {NAMES} FROM given
WHERE code_hash IS NULL OR code_hash IN (SELECT code_hash FROM admitted)
ORDER BY identifier RETURNING identifier
"""


class Sink(Protocol):
    """Where batches go."""

    async def write(self, rows: Sequence[ResponseRow]) -> set[str]:
        """Store the rows in one durable transaction; the identifiers of those that were not admitted before.

        No two rows have the same code. Raises a DatabaseError when nothing was stored.
        """
        ...

    async def close(self) -> None: ...


class SQLiteSink:
    """A connection of its own in a thread of its own."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def write(self, rows: Sequence[ResponseRow]) -> set[str]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
            self._connection.executescript(database.PRAGMAS)
        return self._connection

    def _write(self, rows: Sequence[ResponseRow]) -> set[str]:
        try:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                stored = _insert(connection, rows)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            raise database.translated(error) from error
        return {row.identifier for row in stored}

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class PostgresSink:
    """One pooled connection, so that a lost one is opened again, and one statement a batch."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool | None = None

    async def write(self, rows: Sequence[ResponseRow]) -> set[str]:
        try:
            if self._pool is None:
                # a site may run its server with synchronous_commit off; an answer that was acknowledged must be on disk
                self._pool = await asyncpg.create_pool(
                    self._url, min_size=1, max_size=1, server_settings={"synchronous_commit": "on", "timezone": "UTC"}
                )
            return {found[0] for found in await self._pool.fetch(POSTGRES, *zip(*rows, strict=True))}
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            raise database.translated(error) from error

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


@cache
def _values(number: int, width: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * number)


def _insert(connection: sqlite3.Connection, rows: Sequence[ResponseRow]) -> Sequence[ResponseRow]:
    """Insert the rows whose codes were not used before; those rows.

    One statement for many rows: each step of a statement gives up the interpreter's lock, and a busy event loop gives
    it back late.
    """
    codes = [row.code_hash for row in rows if row.code_hash is not None]
    if codes:
        find = f"SELECT code_hash FROM admission WHERE code_hash IN {_values(1, len(codes))}"
        used = {found[0] for found in connection.execute(find, codes)}
        if used:
            rows = [row for row in rows if row.code_hash not in used]
            codes = [code for code in codes if code not in used]
    for at in range(0, len(codes), MOST_AT_ONCE):
        some = codes[at : at + MOST_AT_ONCE]
        connection.execute(f"INSERT INTO admission (code_hash) VALUES {_values(len(some), 1)}", some)
    for at in range(0, len(rows), MOST_AT_ONCE):
        chunk = rows[at : at + MOST_AT_ONCE]
        given = [value for row in chunk for value in sqlite_values(row)]
        connection.execute(f"INSERT INTO response ({NAMES}) VALUES {_values(len(chunk), len(COLUMNS))}", given)
    return rows


def sink_for(url: str) -> Sink:
    """The sink for the database behind `url`."""
    engine = database.make_engine(url)
    return SQLiteSink(engine.path) if isinstance(engine, database.DurableSQLiteEngine) else PostgresSink(url)


class Intake:
    """`submit` returns when its row is on disk, or says that the code was used before.

    Parameters
    ----------
    sink : Sink
    batch : int
        Rows in one transaction at most.
    depth : int
        Rows that may wait; one more is refused with 503 rather than kept waiting for ever.
    """

    def __init__(self, sink: Sink, *, batch: int = 256, depth: int = 4096) -> None:
        self._sink, self._batch = sink, batch
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue(depth)
        self._held: list[Waiting] = []  # second rows of a code: they wait until the first one's fate is known
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def submit(self, row: ResponseRow) -> Outcome:
        """Store a response.

        Raises
        ------
        Problem
            503 when the queue is full or the process is closing.
        DatabaseError
            The database refused this row, or is not available.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self._closing:
            raise problems.too_busy()
        try:
            self._queue.put_nowait((row, future))
        except asyncio.QueueFull:
            raise problems.too_busy() from None
        return await asyncio.shield(future)  # a client that goes away does not take its row back

    async def _run(self) -> None:
        while True:
            batch = await self._next()
            await self._store(batch)
            for _ in batch:
                self._queue.task_done()

    async def _next(self) -> list[Waiting]:
        """What waits, as much as one transaction takes, and no code twice."""
        waiting, self._held = self._held, []
        if not waiting:
            waiting.append(await self._queue.get())
        while len(waiting) < self._batch and not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        batch, codes = [], set()
        for pair in waiting:
            code = pair[0].code_hash
            if code is not None and code in codes:
                self._held.append(pair)
                continue
            codes.add(code)
            batch.append(pair)
        return batch

    async def _store(self, batch: list[Waiting]) -> None:
        try:
            stored = await self._sink.write([row for row, _ in batch])
        except database.Unavailable as error:  # no row is to blame, and trying each would only take longer
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            middle = len(batch) // 2  # one bad row must not fail its neighbours
            await self._store(batch[:middle])
            await self._store(batch[middle:])
        else:
            for row, future in batch:
                if not future.done():
                    future.set_result("stored" if row.identifier in stored else "duplicate")

    async def close(self) -> None:
        """Take nothing more, store what waits, and let the database go."""
        self._closing = True
        await self._queue.join()
        self._task.cancel()
        await self._sink.close()


def _fail(batch: list[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # nobody may be waiting any more; that is not worth a warning
