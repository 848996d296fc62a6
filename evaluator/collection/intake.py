"""The writer: responses queue up, go to the database in one durable transaction, and are answered after its commit.

One writer a process. A code that was used and the response it admitted are written in the same transaction; the primary
key of `admission` is what makes it one response a code, however many processes write. They wait in `pending` until
their epoch is sealed; until then the same answers with the same code get the same outcome as the first time. An open
form has no code; while its answers wait the hash of its visit does the same, so that a form sent twice counts once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal, NamedTuple, Protocol

import asyncpg

from evaluator import database, problems
from evaluator.collection.responses import COLUMNS, ResponseRow, sqlite_values

NAMES = ", ".join(COLUMNS)
SQLITE_PENDING = f"INSERT INTO pending ({NAMES}) VALUES ({', '.join('?' * len(COLUMNS))})"
MOST_AT_ONCE = 1000  # rows in one statement of SQLite, which takes 32,766 values
PATIENCE = 60_000  # milliseconds that the writer waits while an epoch is sealed
KINDS = "text int text text date text text text text text text int text text text text"
POSTGRES = f"""
WITH given AS (
  SELECT * FROM unnest({", ".join(f"${at}::{kind}[]" for at, kind in enumerate(KINDS.split(), 1))}) AS row ({NAMES})
), admitted AS (
  INSERT INTO admission (code_hash, campaign)
  SELECT code_hash, campaign FROM given WHERE mode <> 'open' ORDER BY code_hash
  ON CONFLICT DO NOTHING RETURNING code_hash
), sent AS (
  DELETE FROM draft WHERE name = ANY(${len(COLUMNS) + 1}::text[])
)
INSERT INTO pending ({NAMES}) SELECT {NAMES} FROM given
WHERE mode = 'open' OR code_hash IN (SELECT code_hash FROM admitted)
ORDER BY identifier ON CONFLICT (code_hash) DO NOTHING RETURNING identifier
"""
FIND = "SELECT code_hash, leaf_hash, answers FROM pending WHERE code_hash ="


class Outcome(NamedTuple):
    """What became of a response."""

    kind: Literal["stored", "same", "duplicate"]  # same: sent before, with the same answers, and still waiting
    leaf_hash: str  # of the response that counts; "" for a duplicate, of which nothing is known any more


Waiting = tuple[ResponseRow, "str | None", "asyncio.Future[Outcome]"]  # the second: the name of the draft to delete
DUPLICATE = Outcome("duplicate", "")


class Written(NamedTuple):
    """What a batch came to."""

    stored: set[str]  # identifiers
    waiting: Mapping[str, tuple[str, str]]  # code's or visit's hash -> leaf hash and answers of what still waits


class Sink(Protocol):
    """Where batches go."""

    async def write(self, rows: Sequence[ResponseRow], drafts: Sequence[str]) -> Written:
        """Store the rows in one durable transaction, but those that came before, and delete the drafts.

        No two rows have the same code or visit. Raises a DatabaseError when nothing was stored.
        """
        ...

    async def close(self) -> None: ...


class SQLiteSink:
    """A connection of its own in a thread of its own."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def write(self, rows: Sequence[ResponseRow], drafts: Sequence[str]) -> Written:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows, drafts)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
            self._connection.executescript(f"{database.PRAGMAS} PRAGMA busy_timeout={PATIENCE};")
        return self._connection

    def _write(self, rows: Sequence[ResponseRow], drafts: Sequence[str]) -> Written:
        try:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                written = _insert(connection, rows)
                for at in range(0, len(drafts), MOST_AT_ONCE):
                    some = drafts[at : at + MOST_AT_ONCE]
                    connection.execute(f"DELETE FROM draft WHERE name IN {_values(1, len(some))}", some)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
            raise database.translated(error) from error
        return written

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

    async def write(self, rows: Sequence[ResponseRow], drafts: Sequence[str]) -> Written:
        try:
            if self._pool is None:
                # a site may run its server with synchronous_commit off; an answer that was acknowledged must be on disk
                self._pool = await asyncpg.create_pool(
                    self._url, min_size=1, max_size=1, server_settings={"synchronous_commit": "on", "timezone": "UTC"}
                )
            stored = {found[0] for found in await self._pool.fetch(POSTGRES, *zip(*rows, strict=True), drafts)}
            used = [row.code_hash for row in rows if row.code_hash is not None and row.identifier not in stored]
            # a statement of its own: it sees what another process committed while the first one waited for it
            found = await self._pool.fetch(f"{FIND} ANY($1::text[])", used) if used else ()
            return Written(stored, {code: (leaf, answers) for code, leaf, answers in found})
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            raise database.translated(error) from error

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


@cache
def _values(number: int, width: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * number)


def _insert(connection: sqlite3.Connection, rows: Sequence[ResponseRow]) -> Written:
    """Insert the rows whose codes were not used before, and open ones whose visit does not wait yet.

    One statement for many rows: each step of a statement gives up the interpreter's lock, and a busy event loop gives
    it back late.
    """
    used: set[str | None] = set()
    for table, some in (
        ("admission", [row.code_hash for row in rows if row.mode != "open"]),
        ("pending", [row.code_hash for row in rows if row.mode == "open" and row.code_hash is not None]),
    ):
        if some:
            find = f"SELECT code_hash FROM {table} WHERE code_hash IN {_values(1, len(some))}"
            used.update(found[0] for found in connection.execute(find, some))
    waiting: dict[str, tuple[str, str]] = {}
    if used:
        again = connection.execute(f"{FIND[:-1]} IN {_values(1, len(used))}", list(used))
        waiting = {code: (leaf, answers) for code, leaf, answers in again}
        rows = [row for row in rows if row.code_hash is None or row.code_hash not in used]
    admitted = [(row.code_hash, row.campaign) for row in rows if row.mode != "open"]
    for at in range(0, len(admitted), MOST_AT_ONCE):
        some = admitted[at : at + MOST_AT_ONCE]
        given = [value for pair in some for value in pair]
        connection.execute(f"INSERT INTO admission (code_hash, campaign) VALUES {_values(len(some), 2)}", given)
    for at in range(0, len(rows), MOST_AT_ONCE):
        chunk = rows[at : at + MOST_AT_ONCE]
        values = [value for row in chunk for value in sqlite_values(row)]
        connection.execute(f"INSERT INTO pending ({NAMES}) VALUES {_values(len(chunk), len(COLUMNS))}", values)
    return Written({row.identifier for row in rows}, waiting)


def sink_for(url: str) -> Sink:
    """The sink for the database behind `url`."""
    engine = database.make_engine(url)
    return SQLiteSink(engine.path) if isinstance(engine, database.DurableSQLiteEngine) else PostgresSink(url)


class Intake:
    """`submit` returns when its row is on disk, or says that this or another one is there under its code.

    Parameters
    ----------
    sink : Sink
    batch : int
        Rows in one transaction at most.
    depth : int
        Rows that may wait; one more is refused with 503 rather than kept waiting for ever.
    """

    def __init__(self, sink: Sink, *, batch: int = 256, depth: int = 4096) -> None:
        self._sink, self._batch, self._depth = sink, batch, depth
        self._waiting: deque[Waiting] = deque()
        self._something = asyncio.Event()  # waits, or nothing more will come
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def submit(self, row: ResponseRow, draft: str | None = None) -> Outcome:
        """Store a response and delete the draft of this name, if there is one.

        Raises
        ------
        Problem
            503 when too many wait or the process is closing.
        DatabaseError
            The database refused this row, or is not available.
        """
        if self._closing or len(self._waiting) >= self._depth:
            raise problems.too_busy()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, draft, future))
        self._something.set()
        return await future  # a client that goes away cancels this alone: its row waits and will be stored

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if self._waiting:
                await self._store(self._next())
            else:
                self._something.clear()
                await self._something.wait()

    def _next(self) -> list[Waiting]:
        """What waits, as much as one transaction takes; a second row of a code waits for the fate of the first."""
        batch: list[Waiting] = []
        codes: set[str] = set()
        held: list[Waiting] = []
        while self._waiting and len(batch) < self._batch:
            one = self._waiting.popleft()
            code = one[0].code_hash
            if code in codes:
                held.append(one)
                continue
            batch.append(one)
            if code is not None:
                codes.add(code)
        self._waiting.extendleft(reversed(held))
        return batch

    async def _store(self, batch: list[Waiting]) -> None:
        try:
            drafts = [draft for _, draft, _ in batch if draft is not None]
            written = await self._sink.write([row for row, _, _ in batch], drafts)
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
            for row, _, future in batch:
                if not future.done():
                    future.set_result(_outcome(row, written))

    async def close(self) -> None:
        """Take nothing more, store what waits, and let the database go."""
        self._closing = True
        self._something.set()
        await self._task
        await self._sink.close()


def _outcome(row: ResponseRow, written: Written) -> Outcome:
    if row.identifier in written.stored:
        return Outcome("stored", row.leaf_hash)
    leaf_hash, answers = written.waiting.get(row.code_hash or "", ("", None))
    return Outcome("same", leaf_hash) if answers == row.answers else DUPLICATE


def _fail(batch: list[Waiting], error: Exception) -> None:
    for _, _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # nobody may be waiting any more; that is not worth a warning
