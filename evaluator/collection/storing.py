"""A batch of responses goes to the database in one durable transaction, and then what was promised of each is signed.

A code that was used and the response it admitted are written together; the primary key of `admission` is what makes it
one response a code, however many processes write. They wait in `pending` until their epoch is sealed; until then the
same answers with the same code get the same outcome as the first time. An open form has no code; the hash of its visit
stands in for it, so that a form sent twice counts once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal, NamedTuple, Protocol

import asyncpg

from evaluator import database
from evaluator.collection.promises import Hold, Promised, check_keys, hold
from evaluator.collection.responses import COLUMNS, ResponseRow, sqlite_values
from evaluator.ledger.keys import LogKeyError
from evaluator.problems import Problem
from evaluator.settings import Settings

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
  SELECT code_hash, campaign FROM given WHERE code_hash IS NOT NULL ORDER BY code_hash
  ON CONFLICT DO NOTHING RETURNING code_hash
), sent AS (
  DELETE FROM draft WHERE name = ANY(${len(COLUMNS) + 1}::text[])
)
INSERT INTO pending ({NAMES}) SELECT {NAMES} FROM given
WHERE code_hash IS NULL OR code_hash IN (SELECT code_hash FROM admitted)
ORDER BY identifier RETURNING identifier
"""
FIND = "SELECT code_hash, leaf_hash, answers FROM pending WHERE code_hash ="


class Given(NamedTuple):
    """What the writer is given."""

    row: ResponseRow
    promised: Promised | None = None  # None: nobody waits for a promise
    draft: str | None = None  # the name of the draft that the answers were in; it is deleted


class Outcome(NamedTuple):
    """What became of a response."""

    kind: Literal["stored", "same", "duplicate"]  # same: sent before, with the same answers, and still waiting
    leaf_hash: str  # of the response that counts; "" for a duplicate, of which nothing is known any more
    hold: Hold | None = None  # for the one who sent it, if a promise was asked for


DUPLICATE = Outcome("duplicate", "")
StillWaiting = Mapping[str, tuple[str, str]]  # code's or visit's hash -> leaf hash and answers of what still waits


class Sink(Protocol):
    """Where batches go."""

    async def write(self, batch: Sequence[Given]) -> list[Outcome]:
        """Store the rows in one durable transaction, but those that came before, delete the drafts, sign the promises.

        No two rows have the same code or visit. Raises a DatabaseError when nothing was stored.
        """
        ...

    async def close(self) -> None: ...


class SQLiteSink:
    """A connection of its own in a thread of its own."""

    def __init__(self, path: str, settings: Settings) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._path, self._settings = path, settings
        self._connection: sqlite3.Connection | None = None

    async def write(self, batch: Sequence[Given]) -> list[Outcome]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
            self._connection.executescript(f"{database.PRAGMAS} PRAGMA busy_timeout={PATIENCE};")
        return self._connection

    def _write(self, batch: Sequence[Given]) -> list[Outcome]:
        _check_keys(batch, self._settings)
        drafts = _drafts(batch)
        try:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                stored, waiting = _insert(connection, [given.row for given in batch])
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
        return _outcomes(batch, stored, waiting, self._settings)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class PostgresSink:
    """One pooled connection, so that a lost one is opened again, and one statement a batch."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url, self._settings = url, settings
        self._pool: asyncpg.Pool | None = None

    async def write(self, batch: Sequence[Given]) -> list[Outcome]:
        _check_keys(batch, self._settings)
        rows = [given.row for given in batch]
        try:
            if self._pool is None:
                # a site may run its server with synchronous_commit off; an answer that was acknowledged must be on disk
                self._pool = await asyncpg.create_pool(
                    self._url, min_size=1, max_size=1, server_settings={"synchronous_commit": "on", "timezone": "UTC"}
                )
            columns = zip(*rows, strict=True)
            stored = {found[0] for found in await self._pool.fetch(POSTGRES, *columns, _drafts(batch))}
            used = [row.code_hash for row in rows if row.code_hash is not None and row.identifier not in stored]
            # a statement of its own: it sees what another process committed while the first one waited for it
            found = await self._pool.fetch(f"{FIND} ANY($1::text[])", used) if used else ()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            raise database.translated(error) from error
        waiting = {code: (leaf, answers) for code, leaf, answers in found}
        return _outcomes(batch, stored, waiting, self._settings)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


def _drafts(batch: Sequence[Given]) -> list[str]:
    return [given.draft for given in batch if given.draft is not None]


def _check_keys(batch: Sequence[Given], settings: Settings) -> None:
    """Nothing is stored that could not be promised."""
    try:
        for campaign in {given.promised.campaign for given in batch if given.promised is not None}:
            check_keys(settings, campaign)
    except (LogKeyError, Problem) as error:
        raise database.Unavailable(str(error)) from error


def _outcomes(
    batch: Sequence[Given], stored: Collection[str], waiting: StillWaiting, settings: Settings
) -> list[Outcome]:
    """What to tell of each row; promises are signed only now, when it is on disk."""

    def outcome(kind: Literal["stored", "same"], leaf_hash: str, promised: Promised | None) -> Outcome:
        return Outcome(kind, leaf_hash, hold(settings, promised, leaf_hash) if promised is not None else None)

    found = []
    for row, promised, _ in batch:
        leaf_hash, answers = waiting.get(row.code_hash or "", ("", None))
        if row.identifier in stored:
            found.append(outcome("stored", row.leaf_hash, promised))
        elif answers == row.answers:
            found.append(outcome("same", leaf_hash, promised))
        else:
            found.append(DUPLICATE)
    return found


@cache
def _values(number: int, width: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * number)


def _insert(connection: sqlite3.Connection, rows: Sequence[ResponseRow]) -> tuple[set[str], StillWaiting]:
    """Insert the rows whose codes or visits were not used before; what still waits under those that were.

    One statement for many rows: in a thread, each step of a statement gives up the interpreter's lock, and a busy event
    loop gives it back late.
    """
    waiting: dict[str, tuple[str, str]] = {}
    if codes := [row.code_hash for row in rows if row.code_hash is not None]:
        find = f"SELECT code_hash FROM admission WHERE code_hash IN {_values(1, len(codes))}"
        if used := {found[0] for found in connection.execute(find, codes)}:
            again = connection.execute(f"{FIND[:-1]} IN {_values(1, len(used))}", list(used))
            waiting = {code: (leaf, answers) for code, leaf, answers in again}
            rows = [row for row in rows if row.code_hash not in used]
    admitted = [(row.code_hash, row.campaign) for row in rows if row.code_hash is not None]
    for at in range(0, len(admitted), MOST_AT_ONCE):
        some = admitted[at : at + MOST_AT_ONCE]
        given = [value for pair in some for value in pair]
        connection.execute(f"INSERT INTO admission (code_hash, campaign) VALUES {_values(len(some), 2)}", given)
    for at in range(0, len(rows), MOST_AT_ONCE):
        chunk = rows[at : at + MOST_AT_ONCE]
        values = [value for row in chunk for value in sqlite_values(row)]
        connection.execute(f"INSERT INTO pending ({NAMES}) VALUES {_values(len(chunk), len(COLUMNS))}", values)
    return {row.identifier for row in rows}, waiting


def sink_for(settings: Settings) -> Sink:
    """The sink for a site's database."""
    engine = database.make_engine(settings.database)
    if isinstance(engine, database.DurableSQLiteEngine):
        return SQLiteSink(engine.path, settings)
    return PostgresSink(settings.database, settings)
