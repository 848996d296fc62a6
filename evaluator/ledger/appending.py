"""Appending to a log inside a transaction: leaves, the frontier and the signed head change together or not at all.

A head that was published cannot be taken back. So before anything is signed the published checkpoint is looked at: a
database that is behind it (a restored backup) would sign a second history, and is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import asyncpg

from evaluator import database
from evaluator.ledger import notes
from evaluator.ledger.keys import LogKeyError, campaign_of, origin, signer
from evaluator.ledger.leaves import EntryError, is_response, placed
from evaluator.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from evaluator.ledger.published import folder, read_published
from evaluator.settings import Settings

LEAF = "INSERT INTO log_leaf (leaf_hash, log, position, entry) VALUES (?, ?, ?, ?)"
LEAF_COLUMNS = ["leaf_hash", "log", "position", "entry"]
AT_ONCE = 50_000  # rows that are in memory twice
IN_A_STATEMENT = 1_000  # rows of one statement of SQLite: each step of one gives up the interpreter's lock


class LogBehind(RuntimeError):
    """The database knows less of a log, or something else, than what was published of it."""


class LogMoved(RuntimeError):
    """Somebody else appended meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head, and the entries as they stand in the log if some were just appended."""

    name: str
    size: int
    root: bytes
    checkpoint: str
    appended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Growth:
    """What appending writes."""

    head: Head
    frontier: str
    old_size: int
    hashes: Sequence[bytes]

    def leaves(self) -> Iterator[tuple[str, str, int, str]]:
        """Rows of `log_leaf`."""
        for position, (leaf, entry) in enumerate(zip(self.hashes, self.head.appended, strict=True), self.old_size):
            yield leaf.hex(), self.head.name, position, entry


@dataclass(frozen=True, slots=True)
class Responses:
    """Entries of responses that were looked at and hashed before a lock is held: they do not say where they stand."""

    campaign: str
    entries: tuple[str, ...]
    hashes: Sequence[bytes]

    @classmethod
    def of(cls, campaign: str, entries: Iterable[str]) -> Responses:
        """Entries of a campaign's responses, with the hashes of their leaves.

        Raises
        ------
        EntryError
            One is not a response of this campaign.
        """
        found = tuple(entries)
        for text in found:
            if not is_response(text, campaign):
                raise EntryError(f"{text[:200]!r} is no response of {campaign!r}")
        return cls(campaign, found, [leaf_hash(text.encode()) for text in found])

    def __len__(self) -> int:
        return len(self.entries)


Entries = Sequence[str] | Responses
Stored = tuple[int, str, str, str]  # size, root, frontier, checkpoint, as in the table
NEW: Stored = (0, EMPTY_ROOT.hex(), "", "")


def check_not_behind(settings: Settings, log_name: str, size: int, root: str) -> None:
    """Refuse to sign when a head is published that this database does not have.

    Raises
    ------
    LogBehind
        With what an operator can do about it.
    """
    found = read_published(settings, log_name)
    if found is None:
        return
    try:
        published = notes.unsigned_checkpoint(found)
    except notes.NoteError as error:
        raise LogBehind(
            f"the published head of the log {log_name} is damaged ({error}), so nobody can tell whether the database "
            f"is behind it. Nothing was signed. Put {folder(settings, log_name) / 'checkpoint'} back from a copy; "
            f"delete it only if you are sure that no head of more than {size} entries was ever published"
        ) from None
    if published.size > size:
        raise LogBehind(
            f"the log {log_name} is published with {published.size} entries, but the database has {size}: it is an "
            "older backup. Nothing was signed, because a second history would make every receipt given since "
            "worthless. Restore a newer backup; what the database lacks stands in "
            f"{folder(settings, log_name) / 'tile' / 'entries'}"
        )
    if published.size == size and published.root.hex() != root:
        raise LogBehind(
            f"the log {log_name} has {size} entries in the database and in its published files, but they differ: one "
            "of both was changed or belongs to another site. Nothing was signed. Check the files: evaluator log check"
        )


def check_same_key(settings: Settings, log_name: str, checkpoint: str) -> None:
    """Refuse to go on with another key than the one that signed so far. A new host name is no new key.

    Raises
    ------
    LogKeyError
        With what an operator can do about it.
    """
    if not checkpoint:
        return
    said = notes.unsigned_checkpoint(checkpoint).origin
    try:
        notes.open_note(checkpoint, notes.Verifier(said, signer(settings, log_name).verifier.key))
    except notes.NoteError:
        raise LogKeyError(
            f"the head of the log {log_name} was signed with another key than "
            f"{settings.data_dir / 'keys' / 'log.ed25519'}: put the old key back; with a new one nobody could check "
            "that the log only grew"
        ) from None


def _written(entries: Entries, size: int, campaign: str | None) -> tuple[tuple[str, ...], Sequence[bytes]]:
    """Entries as they stand in a log that had `size`, and their hashes."""
    if isinstance(entries, Responses):
        if entries.campaign != campaign:
            raise EntryError(f"responses of {entries.campaign!r} do not belong into the log of {campaign or 'audit'!r}")
        return entries.entries, entries.hashes
    written = tuple(placed(entry, position, size, campaign) for position, entry in enumerate(entries, size))
    return written, [leaf_hash(entry.encode()) for entry in written]


def _grown(settings: Settings, log_name: str, entries: Entries, stored: Stored) -> _Growth:
    size, root, frontier, checkpoint = stored
    check_not_behind(settings, log_name, size, root)
    check_same_key(settings, log_name, checkpoint)
    written, hashes = _written(entries, size, campaign_of(log_name))
    grown = Frontier.read(size, frontier).extended(hashes)
    signed = notes.checkpoint(origin(settings, log_name), grown.size, grown.root, signer(settings, log_name))
    return _Growth(Head(log_name, grown.size, grown.root, signed, written), grown.text(), size, hashes)


def _chunks(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while chunk := list(islice(rows, size)):
        yield chunk


def _insert(connection: sqlite3.Connection, growth: _Growth) -> None:
    for chunk in _chunks(growth.leaves(), IN_A_STATEMENT):
        marks = ", ".join(["(?, ?, ?, ?)"] * len(chunk))
        values = [value for row in chunk for value in row]
        connection.execute(f"INSERT INTO log_leaf ({', '.join(LEAF_COLUMNS)}) VALUES {marks}", values)


FIND = "SELECT size, root, frontier, checkpoint FROM log WHERE name = {}"
CREATE = (
    "INSERT INTO log (name, size, root, frontier, checkpoint) VALUES ({}, 0, {}, '', '') ON CONFLICT (name) DO NOTHING"
)
GROW = "UPDATE log SET size = {}, root = {}, frontier = {}, checkpoint = {} WHERE name = {} AND size = {}"
SQLITE_FIND, SQLITE_CREATE, SQLITE_GROW = FIND.format("?"), CREATE.format("?", "?"), GROW.format(*["?"] * 6)
POSTGRES_FIND = FIND.format("$1") + " FOR UPDATE"
POSTGRES_CREATE, POSTGRES_GROW = CREATE.format("$1", "$2"), GROW.format(*(f"${number}" for number in range(1, 7)))


def _grow_values(growth: _Growth) -> tuple[Any, ...]:
    head = growth.head
    return head.size, head.root.hex(), growth.frontier, head.checkpoint, head.name, growth.old_size


def _moved(log_name: str) -> LogMoved:
    return LogMoved(
        f"another process appended to the log {log_name} at the same moment; nothing was written, try again"
    )


def append_sqlite(connection: sqlite3.Connection, settings: Settings, log_name: str, entries: Entries) -> Head:
    """Append to a log inside the transaction that is open on a connection of the standard library.

    Raises
    ------
    LogBehind, LogMoved, LogKeyError
        Nothing may be signed.
    EntryError
        An entry does not belong there.
    DatabaseError
        An entry is there already.
    """
    if not connection.in_transaction:
        raise RuntimeError("a log grows inside a transaction only")
    try:
        connection.execute(SQLITE_CREATE, (log_name, EMPTY_ROOT.hex()))
        row = connection.execute(SQLITE_FIND, (log_name,)).fetchone()
        stored = tuple(row.values()) if isinstance(row, dict) else tuple(row)
        growth = _grown(settings, log_name, entries, stored)
        _insert(connection, growth)
        if connection.execute(SQLITE_GROW, _grow_values(growth)).rowcount != 1:
            raise _moved(log_name)
    except sqlite3.Error as error:
        raise database.translated(error) from error
    return growth.head


async def append_postgres(connection: Any, settings: Settings, log_name: str, entries: Entries) -> Head:
    """Append to a log inside the transaction that is open on a connection of asyncpg; raises what `append_sqlite` does.

    The log's row is locked: a second writer waits until this transaction ends, and goes on from there.
    """
    if not connection.is_in_transaction():
        raise RuntimeError("a log grows inside a transaction only")
    try:
        await connection.execute(POSTGRES_CREATE, log_name, EMPTY_ROOT.hex())
        row = await connection.fetchrow(POSTGRES_FIND, log_name)
        if row is None:  # another transaction made it after ours had taken its picture (REPEATABLE READ)
            raise _moved(log_name)
        growth = _grown(settings, log_name, entries, tuple(row))
        for chunk in _chunks(growth.leaves(), AT_ONCE):
            await connection.copy_records_to_table("log_leaf", records=chunk, columns=LEAF_COLUMNS)
        if await connection.execute(POSTGRES_GROW, *_grow_values(growth)) != "UPDATE 1":
            raise _moved(log_name)
    except asyncpg.SerializationError:
        raise _moved(log_name) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise database.translated(error) from error
    return growth.head


async def _append_aiosqlite(connection: Any, settings: Settings, log_name: str, entries: Entries) -> Head:
    try:
        await connection.execute(SQLITE_CREATE, (log_name, EMPTY_ROOT.hex()))
        async with connection.execute(SQLITE_FIND, (log_name,)) as cursor:
            row = await cursor.fetchone()
        growth = _grown(settings, log_name, entries, tuple(row[name] for name in NAMES))
        await connection.executemany(LEAF, growth.leaves())
        async with connection.execute(SQLITE_GROW, _grow_values(growth)) as cursor:
            if cursor.rowcount != 1:
                raise _moved(log_name)
    except sqlite3.Error as error:
        raise database.translated(error) from error
    return growth.head


NAMES = ("size", "root", "frontier", "checkpoint")


async def append(settings: Settings, log_name: str, entries: Entries) -> Head:
    """Append to a log inside the caller's Piccolo transaction, or in one of its own; raises what `append_sqlite` does.

    The files are not written: call `evaluator.ledger.files.publish` after the commit.
    """
    engine = database.engine()
    transaction = engine.current_transaction.get()
    if transaction is None:
        async with engine.transaction():
            return await append(settings, log_name, entries)
    if engine.engine_type == "postgres":
        return await append_postgres(transaction.connection, settings, log_name, entries)
    return await _append_aiosqlite(transaction.connection, settings, log_name, entries)
