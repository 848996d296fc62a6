"""SQLite or PostgreSQL behind Piccolo: durable connections, immediate transactions, one set of migrations."""

from __future__ import annotations

import importlib
import io
import os
import re
import sqlite3
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosqlite
import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.engine.sqlite import SQLiteEngine, SQLiteTransaction, TransactionType, dict_factory
from piccolo.table import Table

os.environ.setdefault("PICCOLO_CONF", "evaluator.piccolo_conf")

WAIT = "PRAGMA busy_timeout=10000;"  # milliseconds, for others who write
PRAGMAS = (
    f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; {WAIT} "
    "PRAGMA secure_delete=ON;"  # what is deleted is overwritten: it may have led from a code to an answer
)
UPGRADE_LOCK = 20261124  # any number, the same for every process that upgrades


class DatabaseError(Exception):
    """What a database can answer, in our own words, whichever driver said it."""


class AlreadyExists(DatabaseError):
    """A uniqueness rule refused the row."""


class StillReferenced(DatabaseError):
    """A foreign key refused: the row it names is missing, or other rows still need the one to be deleted."""


class RuleBroken(DatabaseError):
    """A CHECK or NOT NULL rule, or a column's type, refused the value."""


class Unavailable(DatabaseError):
    """The database is locked, full, gone or out of connections: try again later."""


def translated(error: Exception) -> Exception:
    """The driver's error as one of ours; anything else unchanged."""
    text = str(error)
    if isinstance(error, asyncpg.UniqueViolationError):
        return AlreadyExists(text)
    if isinstance(error, asyncpg.ForeignKeyViolationError | asyncpg.RestrictViolationError):
        return StillReferenced(text)
    if isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.DataError):
        return RuleBroken(text)
    if isinstance(error, sqlite3.IntegrityError):
        if "UNIQUE" in text or "PRIMARY KEY" in text:
            return AlreadyExists(text)
        return StillReferenced(text) if "FOREIGN KEY" in text else RuleBroken(text)
    if isinstance(
        error,
        sqlite3.OperationalError | asyncpg.PostgresConnectionError | asyncpg.TooManyConnectionsError | ConnectionError,
    ):
        return Unavailable(text)
    if isinstance(error, asyncpg.InsufficientResourcesError | asyncpg.OperatorInterventionError):
        return Unavailable(text)
    if isinstance(error, sqlite3.DataError | OverflowError):
        return RuleBroken(text)
    return error


class DurableSQLiteEngine(SQLiteEngine):
    """Piccolo's engine with durable pragmas, kept connections, and DDL that SQLite lacks translated."""

    def __init__(self, path: str) -> None:
        self._idle: list[aiosqlite.Connection] = []
        self._keep = 0  # aiosqlite's threads are not daemons: keep connections only while a server closes them
        super().__init__(path=path)

    async def get_connection(self) -> aiosqlite.Connection:
        if self._idle:
            return self._idle.pop()
        try:
            connection = await aiosqlite.connect(**self.connection_kwargs)
        except sqlite3.Error as error:
            raise translated(error) from error
        connection.row_factory = dict_factory  # type: ignore[assignment]
        await connection.executescript(PRAGMAS)
        return connection

    async def release(self, connection: aiosqlite.Connection) -> None:
        if connection.in_transaction:
            await connection.rollback()
        if len(self._idle) < self._keep:
            self._idle.append(connection)
        else:
            await connection.close()

    async def start_connection_pool(self, min_size: int = 0, max_size: int = 4, **_: object) -> None:
        self._keep = max_size

    async def close_connection_pool(self) -> None:
        self._keep = 0
        while self._idle:
            await self._idle.pop().close()

    async def _run_in_new_connection(self, query, args=None, query_type="generic", table=None):  # type: ignore[no-untyped-def]
        connection = await self.get_connection()
        try:
            return await self._run_in_existing_connection(connection, query, args)
        finally:
            await self.release(connection)

    async def _run_in_existing_connection(self, connection, query, args=None, query_type="generic", table=None):  # type: ignore[no-untyped-def]
        try:
            async with connection.execute(query, args or []) as cursor:
                return await cursor.fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise translated(error) from error

    async def run_ddl(self, ddl: str, in_pool: bool = False) -> Any:
        """A composite UNIQUE becomes a unique index of that name; a random or natural key needs no rowid,
        which would keep the order of arrival."""
        if match := re.fullmatch(r'ALTER TABLE (\S+) ADD CONSTRAINT "?(\w+)"? UNIQUE \((.+)\)', ddl):
            ddl = f'CREATE UNIQUE INDEX "{match[2]}" ON {match[1]} ({match[3]})'
        elif match := re.fullmatch(r'ALTER TABLE \S+ DROP CONSTRAINT (?:IF EXISTS )?"?(\w+)"?', ddl):
            ddl = f'DROP INDEX "{match[1]}"'
        elif ddl.startswith("CREATE TABLE") and re.search(r"VARCHAR\S* PRIMARY KEY", ddl):
            ddl += " WITHOUT ROWID"
        return await super().run_ddl(ddl, in_pool)

    def transaction(self, transaction_type=TransactionType.immediate, allow_nested=True):  # type: ignore[no-untyped-def]
        return _SQLiteTransaction(self, transaction_type, allow_nested)


class _SQLiteTransaction(SQLiteTransaction):
    """Piccolo 1.38 keeps the connection, its lock and the context variable when BEGIN or COMMIT fails."""

    async def begin(self) -> None:
        try:
            await super().begin()
        except BaseException as error:
            await self.engine.release(self.connection)  # type: ignore[attr-defined]
            raise (translated(error) if isinstance(error, Exception) else error) from error

    async def __aexit__(self, kind, error, trace):  # type: ignore[no-untyped-def]
        if self._parent:
            return False
        try:
            if not (self._committed or self._rolled_back):
                await (self.rollback() if kind else self.commit())
        finally:
            self.engine.current_transaction.reset(self.context)
            await self.engine.release(self.connection)  # type: ignore[attr-defined]
        return False


class PooledPostgresEngine(PostgresEngine):
    """Piccolo's engine, connecting at start-up and not at import, with our errors."""

    async def check_version(self) -> None:
        """Piccolo connects while piccolo_conf is imported; leave that to start-up."""

    async def _run_in_pool(self, query, args=None):  # type: ignore[no-untyped-def]
        try:
            return await super()._run_in_pool(query, args)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise translated(error) from error

    async def _run_in_new_connection(self, query, args=None):  # type: ignore[no-untyped-def]
        try:
            return await super()._run_in_new_connection(query, args)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise translated(error) from error

    async def run_querystring(self, querystring, in_pool=True):  # type: ignore[no-untyped-def]
        try:
            return await super().run_querystring(querystring, in_pool)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise translated(error) from error

    def transaction(self, allow_nested: bool = True):  # type: ignore[no-untyped-def]
        return _PostgresTransaction(self, allow_nested)


class _PostgresTransaction(PostgresTransaction):
    async def __aexit__(self, kind, error, trace):  # type: ignore[no-untyped-def]
        if self._parent:
            return False
        try:
            if not (self._committed or self._rolled_back):
                await (self.rollback() if kind else self.commit())
        finally:
            self.engine.current_transaction.reset(self.context)
            await (self.engine.pool.release(self.connection) if self.engine.pool else self.connection.close())
        return False


Engine = DurableSQLiteEngine | PooledPostgresEngine


def make_engine(url: str) -> Engine:
    """An engine for `url`: ``sqlite:///path`` or ``postgresql://...``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return DurableSQLiteEngine(unquote(url.removeprefix("sqlite:///")))
    return PooledPostgresEngine({"dsn": url, "server_settings": {"timezone": "UTC"}})


def all_tables() -> list[type[Table]]:
    """Every table of every room."""
    return list(importlib.import_module("evaluator.piccolo_app").APP_CONFIG.table_classes)


def connect(url: str) -> Engine:
    """Point every table at the database behind `url`; nothing is opened yet."""
    from piccolo.apps.migrations.tables import Migration

    configuration = importlib.import_module("evaluator.piccolo_conf")
    configuration.DB = make_engine(url)
    if isinstance(configuration.DB, DurableSQLiteEngine):
        Path(configuration.DB.path).parent.mkdir(parents=True, exist_ok=True)
    for table in [*all_tables(), Migration]:
        table._meta.db = configuration.DB
    return configuration.DB


def engine() -> Engine:
    """The database that `connect` chose."""
    return importlib.import_module("evaluator.piccolo_conf").DB


async def hold(table: type[Table], key: object) -> None:
    """Nobody else changes this row before the transaction ends: of two who want to, the second sees the first's.

    Rows that point to it may still come in.
    """
    if engine().engine_type == "postgres":  # SQLite has one writer
        name = table._meta.primary_key._meta.db_column_name
        await table.raw(f'SELECT 1 FROM "{table._meta.tablename}" WHERE "{name}" = {{}} FOR NO KEY UPDATE', key)


async def upgrade() -> None:
    """Run all pending migrations and record them in one transaction; a second process waits, then has nothing to do.

    Raises
    ------
    RuntimeError
        A migration failed; nothing of it is left behind.
    """
    from piccolo.apps.migrations.commands.forwards import run_forwards
    from piccolo.apps.migrations.tables import Migration

    said = io.StringIO()  # Piccolo prints; a command line and a server should not
    async with engine().transaction():
        if engine().engine_type == "postgres":
            await Migration.raw(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
        with redirect_stdout(said):
            result = await run_forwards("evaluator")
        if not result.success:
            raise RuntimeError(f"the database could not be upgraded: {result.message or said.getvalue()}")
