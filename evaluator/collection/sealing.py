"""Sealing an epoch: what waits goes into the campaign's log, and whatever led from a code to its response is deleted.

Hourly a unit's responses are sealed when at least fifty wait; after the close the rest is, units with fewer together
with their siblings. Leaves stand sorted by hash and rows by their random keys: neither says who came first. One
transaction moves the rows, appends the leaves and signs the head; files are made afterwards, as often as needed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import asyncpg
import msgspec

from evaluator import database
from evaluator.collection.campaigns import GRACE, closes_at, load_campaign, right_now, today
from evaluator.collection.mixing import tidy
from evaluator.collection.responses import KEPT, response_entry
from evaluator.collection.tables import Campaign
from evaluator.ledger.appending import LogMoved, Responses, append_postgres, append_sqlite
from evaluator.ledger.files import publish
from evaluator.ledger.keys import campaign_log
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.units.tables import Unit

LEAST = 50  # responses of a unit that are sealed together before the close
MOST = 5_000  # responses in one transaction while people answer: their answers wait for its end, 0.6 s in the mean
MOST_QUIET = 1_000_000  # while nobody can: an eighth of it takes twice as long, each touches most pages of the indexes
SETTLE = timedelta(minutes=1)  # for what the writer still holds when the grace after a close ends
MOST_MOVED = 250_000  # on PostgreSQL, where nobody waits and a transaction touches no more than its own rows
WORK_MEMORY = "64MB"  # of PostgreSQL, to sort them
LOCK = 20261130  # any number, the same for every process that seals
TRIES = 5  # when somebody began the log at the same moment

MOVED = ", ".join(KEPT)


def _(message: str) -> str:
    return message


class Group(msgspec.Struct, frozen=True):
    """Responses of units that are sealed together because they are few, or of one unit."""

    units: Mapping[str, int]  # responses of each

    @property
    def size(self) -> int:
        return sum(self.units.values())


class Sealed(msgspec.Struct, frozen=True):
    """What was sealed."""

    number: int = 0
    groups: tuple[Group, ...] = ()


def groups_of(waiting: Mapping[str, int], parent: Mapping[str, str | None], *, everything: bool) -> list[Group]:
    """Which responses may be sealed now, and with which others.

    Parameters
    ----------
    waiting : mapping of str to int
        Responses that wait, by unit.
    parent : mapping of str to str or None
        The unit above each.
    everything : bool
        Also what is fewer than fifty: with the rests of siblings, of cousins where these are too few, and at last with
        the smallest other group. Only a campaign that has fewer than fifty in all gets a smaller group.

    Examples
    --------
    >>> groups_of({"a": 60, "b": 30, "c": 25}, {"a": "p", "b": "p", "c": "p"}, everything=True)
    [Group(units={'a': 60}), Group(units={'b': 30, 'c': 25})]
    """
    groups = [Group({unit: number}) for unit, number in sorted(waiting.items()) if number >= LEAST]
    if not everything:
        return groups
    rests = {unit: {unit: number} for unit, number in sorted(waiting.items()) if 0 < number < LEAST}
    left: dict[str, int] = {}
    for depth in range(max((_depth(unit, parent) for unit in rests), default=0), -1, -1):
        for place in sorted(unit for unit in rests if _depth(unit, parent) == depth):
            together = rests.pop(place)
            above = parent.get(place)
            if sum(together.values()) >= LEAST:
                groups.append(Group(together))
            elif above is None:
                left |= together
            else:
                rests[above] = rests.get(above, {}) | together
    if left and sum(left.values()) < LEAST and groups:
        smallest = min(groups, key=lambda group: group.size)
        groups.remove(smallest)
        left = {**smallest.units, **left}
    return [*groups, Group(left)] if left else groups


def _depth(unit: str, parent: Mapping[str, str | None]) -> int:
    depth, above = 0, parent.get(unit)
    while above is not None and depth < 50:
        depth, above = depth + 1, parent.get(above)
    return depth


def _portions(groups: Sequence[Group], most: int) -> list[tuple[Group, ...]]:
    """Groups that are sealed in one transaction: as many as it takes, or one that has more."""
    portions: list[list[Group]] = []
    room = 0
    for group in groups:
        if not portions or group.size > room:
            portions.append([])
            room = most
        portions[-1].append(group)
        room -= group.size
    return [tuple(portion) for portion in portions]


def _shares(number: int, most: int) -> list[int]:
    """A number in as few equal shares as none is more than `most`.

    >>> _shares(101, 50)
    [34, 34, 33]
    """
    shares = -(-number // most)
    return [number // shares + (k < number % shares) for k in range(shares)]


def _group_rows(campaign: int, groups: Sequence[Group], before: int) -> Iterator[tuple[int, str, int, int, int]]:
    """Rows of `sealed_group`, in an order that says nothing."""
    for unit, number, size in sorted((unit, n, group.size) for group in groups for unit, n in group.units.items()):
        yield campaign, unit, before, number, size


async def seal(settings: Settings, code: str, *, everything: bool) -> Sealed:
    """Seal what waits of a campaign, publish its log, and wipe what led from codes to responses.

    Parameters
    ----------
    everything : bool
        Also of units that have fewer than fifty: after the close, when nothing more can come.

    Raises
    ------
    Problem
        404: no such campaign.
    DatabaseError
        Nothing was sealed, or only a part of the units: what was not still waits.
    LogBehind
        The database is older than the published log; nothing was sealed.
    """
    found = await Campaign.select(Campaign.id).where(Campaign.code == code)
    if not found:
        raise Problem(404, _("No such campaign"), _("There is no campaign “%(code)s”."), code=code)
    parent = {row["code"]: row["parent"] for row in await Unit.select(Unit.code, Unit.parent)}
    most = MOST if await _somebody_may_answer(settings) else MOST_QUIET
    epoch = _Epoch(settings, found[0]["id"], code, parent, everything, most)
    engine = database.engine()
    if isinstance(engine, database.DurableSQLiteEngine):
        sealed = await asyncio.to_thread(_sqlite, engine.path, epoch)
    else:
        sealed = await _postgres(engine.config["dsn"], epoch)
    if sealed.number:
        await publish(settings, campaign_log(code))
        await tidy(engine)
    return sealed


class _Epoch(msgspec.Struct, frozen=True):
    settings: Settings
    campaign: int
    code: str
    parent: Mapping[str, str | None]
    everything: bool
    most: int  # responses in one transaction

    def portions(self, waiting: Mapping[str, int]) -> list[tuple[Group, ...]]:
        return _portions(groups_of(waiting, self.parent, everything=self.everything), self.most)

    def slices(self, groups: Sequence[Group]) -> list[int]:
        """Sizes of the transactions of a portion: one, but for a group that is too large for it."""
        return _shares(sum(group.size for group in groups), self.most)

    def entries(self, commitments: Iterable[str]) -> Responses:
        return Responses.of(self.code, (response_entry(self.code, one) for one in commitments))


# --- SQLite ---------------------------------------------------------------------------------------------------------

# What waits was checked when it came in, and what it names cannot go while it waits: no key is looked up a second time.
# Of a table with foreign keys SQLite deletes all rows one by one while it looks after them. Pages are copied from the
# log of changes to their places between two transactions, when the writer may go on.
FOR_SEALING = "PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-{};"
BRIEFLY = 100  # milliseconds that nobody can write while somebody reads
CACHE = 128 * 1024  # kibibytes: the indexes of a million responses
PLAN = """
CREATE TEMP TABLE place (unit TEXT PRIMARY KEY, portion INTEGER NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE planned (portion INTEGER, leaf_hash TEXT, PRIMARY KEY (portion, leaf_hash)) WITHOUT ROWID;
CREATE TEMP TABLE moving (leaf_hash TEXT PRIMARY KEY) WITHOUT ROWID;
"""
OF_MOVING = "FROM moving CROSS JOIN pending USING (leaf_hash)"


def _sqlite(path: str, epoch: _Epoch) -> Sealed:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript(f"{database.PRAGMAS} {FOR_SEALING.format(CACHE)} {PLAN}")
        done: list[Group] = []
        complete = False
        while not complete:
            complete = True
            for groups, number in _sqlite_planned(connection, epoch):
                if not _sqlite_portion(connection, epoch, groups, number):
                    complete = False  # somebody else sealed some of it meanwhile
                    break
                done += groups
        return Sealed(sum(group.size for group in done), tuple(done))
    except (sqlite3.Error, OverflowError) as error:
        raise database.translated(error) from error
    finally:
        connection.close()


def _sqlite_planned(connection: sqlite3.Connection, epoch: _Epoch) -> Iterator[tuple[tuple[Group, ...], int]]:
    """Each time, the leaves of a portion are in `moving`; its groups, and how many they are. Locks nothing."""
    connection.execute("BEGIN")  # one picture of what waits
    try:
        counts = "SELECT unit, count(*) FROM pending NOT INDEXED WHERE campaign = ? GROUP BY unit"
        portions = epoch.portions(dict(connection.execute(counts, [epoch.campaign]).fetchall()))
        connection.execute("DELETE FROM place")
        connection.execute("DELETE FROM planned")
        places = [(unit, at) for at, groups in enumerate(portions) for group in groups for unit in group.units]
        connection.executemany("INSERT INTO place VALUES (?, ?)", places)
        connection.execute(
            "INSERT INTO planned SELECT portion, leaf_hash FROM pending NOT INDEXED JOIN place USING (unit) "
            "WHERE campaign = ? ORDER BY portion, leaf_hash",
            [epoch.campaign],
        )
    finally:
        connection.execute("COMMIT")
    for at, groups in enumerate(portions):
        last = ""
        for number in epoch.slices(groups):
            connection.execute("DELETE FROM moving")
            some = "SELECT leaf_hash FROM planned WHERE portion = ? AND leaf_hash > ? ORDER BY leaf_hash LIMIT ?"
            connection.execute(f"INSERT INTO moving {some}", [at, last, number])
            last = connection.execute("SELECT max(leaf_hash) FROM moving").fetchone()[0]
            if len(groups) == 1 and groups[0].size > number:
                units = connection.execute(f"SELECT unit, count(*) {OF_MOVING} GROUP BY unit").fetchall()
                yield (Group(dict(units)),), number
            else:
                yield groups, number


def _sqlite_portion(connection: sqlite3.Connection, epoch: _Epoch, groups: Sequence[Group], number: int) -> bool:
    """One transaction; False, and nothing is done, when not all of it waits any more."""
    found = connection.execute(f"SELECT commitment {OF_MOVING} ORDER BY leaf_hash")
    entries = epoch.entries(row[0] for row in found)
    connection.execute("BEGIN IMMEDIATE")
    try:
        there = len(entries) == number == connection.execute(f"SELECT count(*) {OF_MOVING}").fetchone()[0]
        if there:
            _sqlite_move(connection, epoch, groups, entries)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    _begin_anew(connection)
    return there


def _begin_anew(connection: sqlite3.Connection) -> None:
    """Copy pages from the log of changes to their places while others write, and let the log begin anew.

    Left to itself it never would while somebody answers: sealing a million responses made 24 GB of it. What others
    write during the first round keeps the copies from being synchronised; that takes longest, so the second does it,
    and little is left for the moment in which nobody can write.
    """
    for _round in range(2):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout={BRIEFLY}")
    connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()  # not now when somebody reads: the next time, then
    connection.execute(database.WAIT)


def _sqlite_move(connection: sqlite3.Connection, epoch: _Epoch, groups: Sequence[Group], entries: Responses) -> None:
    head = append_sqlite(connection, epoch.settings, campaign_log(epoch.code), entries)
    # all that waits is read and deleted in a fraction of the time
    whole = connection.execute("SELECT count(*) FROM pending").fetchone()[0] == len(entries)
    source = "FROM pending NOT INDEXED" if whole else OF_MOVING
    move = f"INSERT INTO response ({MOVED}) SELECT {MOVED} {source} WHERE NOT withdrawn ORDER BY identifier"
    connection.execute(move)
    connection.executemany(
        "INSERT INTO sealed_group (campaign, unit, log_size, responses, group_size) VALUES (?, ?, ?, ?, ?)",
        _group_rows(epoch.campaign, groups, head.size - len(entries)),
    )
    some = "" if whole else " WHERE leaf_hash IN (SELECT leaf_hash FROM moving)"
    connection.execute(f"DELETE FROM pending{some}")


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


async def _postgres(dsn: str, epoch: _Epoch) -> Sealed:
    try:
        connection = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "on", "timezone": "UTC"})
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)  # goes with the connection
            epoch = msgspec.structs.replace(epoch, most=MOST_MOVED)
            done: list[Group] = []
            counts = "SELECT unit, count(*) FROM pending WHERE campaign = $1 GROUP BY unit"
            for groups in epoch.portions(dict(await connection.fetch(counts, epoch.campaign))):
                for left in range(len(epoch.slices(groups)), 0, -1):  # nobody else takes rows away: as many wait still
                    done += await _postgres_portion(connection, epoch, groups, left)
            return Sealed(sum(group.size for group in done), tuple(done))
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise database.translated(error) from error


async def _postgres_portion(
    connection: asyncpg.Connection, epoch: _Epoch, groups: Sequence[Group], parts: int
) -> tuple[Group, ...]:
    """One transaction with the groups, or the first of so many parts; what it sealed. The writer waits for nothing."""
    for left in range(TRIES - 1, -1, -1):
        try:
            async with connection.transaction():
                # the log before the rows, as a withdrawal does
                await connection.execute("SELECT 1 FROM log WHERE name = $1 FOR UPDATE", campaign_log(epoch.code))
                return await _postgres_move(connection, epoch, groups, parts)
        except (asyncpg.TransactionRollbackError, LogMoved):
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


CHOSEN = "FROM pending WHERE campaign = $1 AND unit = ANY($2::text[])"
LAST = f'SELECT leaf_hash {CHOSEN} ORDER BY leaf_hash COLLATE "C" LIMIT 1 OFFSET $3'
BEYOND = "~"  # no hash is
MOVE = f"""
WITH gone AS (
  DELETE {CHOSEN} AND leaf_hash COLLATE "C" <= $3 RETURNING {MOVED}, commitment, withdrawn
), moved AS (
  INSERT INTO response ({MOVED}) SELECT {MOVED} FROM gone WHERE NOT withdrawn ORDER BY identifier COLLATE "C"
)
SELECT commitment, unit FROM gone ORDER BY leaf_hash COLLATE "C"
"""


async def _postgres_move(
    connection: asyncpg.Connection, epoch: _Epoch, groups: Sequence[Group], parts: int
) -> tuple[Group, ...]:
    """Move the groups, with what came to them since they were counted, or the first of so many parts of them."""
    units = sorted(unit for group in groups for unit in group.units)
    await connection.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
    last = BEYOND
    if parts > 1:
        first = epoch.slices(groups)[-parts]
        last = await connection.fetchval(LAST, epoch.campaign, units, first - 1)
    found = await connection.fetch(MOVE, epoch.campaign, units, last)
    number = Counter(row[1] for row in found)
    moved = tuple(Group({unit: number[unit] for unit in group.units if number[unit]}) for group in groups)
    entries = epoch.entries(row[0] for row in found)
    head = await append_postgres(connection, epoch.settings, campaign_log(epoch.code), entries)
    await connection.executemany(
        "INSERT INTO sealed_group (campaign, unit, log_size, responses, group_size) VALUES ($1, $2, $3, $4, $5)",
        list(_group_rows(epoch.campaign, moved, head.size - len(entries))),
    )
    return moved


# --- when ------------------------------------------------------------------------------------------------------------


async def _somebody_may_answer(settings: Settings) -> bool:
    """Whether any campaign has begun and is not over: somebody may be in the middle of its form."""
    now = right_now()
    begun = await Campaign.select(Campaign.code).where(
        Campaign.stage.is_in(["ready", "paused"]), Campaign.opens <= today(now, settings.zone)
    )
    return not all([await is_over(settings, row["code"], now) for row in begun])


async def is_over(settings: Settings, code: str, now: datetime) -> bool:
    """Whether a campaign's last day and the half hour after it have passed, so that nothing more can come."""
    campaign = await load_campaign(code)
    return campaign is not None and now >= closes_at(campaign, settings.zone) + GRACE + SETTLE
