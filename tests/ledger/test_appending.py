"""Appending on both engines and through every kind of connection: together or not at all, and one history only."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from evaluator import database
from evaluator.ledger.appending import LogBehind, append, append_postgres, append_sqlite
from evaluator.ledger.audit import record
from evaluator.ledger.files import head, publish
from evaluator.ledger.keys import LogKeyError, log_seed, origin, signer
from evaluator.ledger.leaves import EntryError, entry, read_entry
from evaluator.ledger.merkle import Frontier, Tree, leaf_hash
from evaluator.ledger.notes import Signer, read_checkpoint
from evaluator.ledger.published import folder
from evaluator.ledger.tables import Log, LogLeaf
from evaluator.settings import Settings
from tests.ledger.entries import SPRING, responses


async def leaves(log_name: str = SPRING) -> list[str]:
    rows = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == log_name).order_by(LogLeaf.position)
    return [row["entry"] for row in rows]


async def append_raw(settings: Settings, log_name: str, entries: list[str], commit: bool = True) -> None:
    """As the sealing does: on a driver's own connection."""
    if settings.database.startswith("sqlite"):
        with closing(sqlite3.connect(settings.database.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.executescript(database.PRAGMAS)
            connection.execute("BEGIN IMMEDIATE")
            append_sqlite(connection, settings, log_name, entries)
            connection.execute("COMMIT" if commit else "ROLLBACK")
        return
    postgres = await asyncpg.connect(settings.database)
    try:
        transaction = postgres.transaction()
        await transaction.start()
        await append_postgres(postgres, settings, log_name, entries)
        await (transaction.commit() if commit else transaction.rollback())
    finally:
        await postgres.close()


async def test_a_log_grows_in_any_connection_and_each_head_is_signed(settings: Settings) -> None:
    tree = Tree()
    for number, size in enumerate((1, 0, 3, 255, 2, 70)):
        entries = responses(len(tree), len(tree) + size)
        if number % 2:
            await append_raw(settings, SPRING, entries)
        else:
            assert (await append(settings, SPRING, entries)).appended == tuple(entries)
        tree.extend(leaf_hash(one.encode()) for one in entries)
        found = await head(SPRING)
        assert found is not None
        signed = read_checkpoint(found.checkpoint, signer(settings, SPRING).vkey)
        assert (signed.size, signed.root) == (found.size, found.root) == (len(tree), tree.root())
        row = await Log.objects().get(Log.name == SPRING)
        assert row is not None
        assert Frontier.read(row.size, row.frontier).root == tree.root()
    assert signed.origin == "ratings.example.org/log/campaign/spring"
    assert await leaves() == responses(0, len(tree))


async def test_an_entry_gets_its_place_and_equal_events_are_different_entries(settings: Settings) -> None:
    await append(settings, SPRING, [*responses(0, 2), entry("closing", campaign="spring")])
    head = await append(settings, SPRING, [entry("closing", campaign="spring")] * 2)
    assert [read_entry(one).get("at") for one in await leaves()] == [None, None, 2, 3, 4]
    assert [read_entry(one)["at"] for one in head.appended] == [3, 4]
    for _ in range(2):
        await record(settings, "campaign.opened", by="operator 3")
    assert await leaves("audit") == [
        f'{{"at":{at},"by":"operator 3","kind":"audit","what":"campaign.opened"}}' for at in range(2)
    ]


async def test_what_is_rolled_back_leaves_nothing(settings: Settings) -> None:
    await append(settings, SPRING, responses(0, 3))

    async def fail() -> None:
        async with database.engine().transaction():
            await append(settings, SPRING, responses(3, 5))
            await record(settings, "campaign.opened")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await append_raw(settings, SPRING, responses(3, 5), commit=False)
    assert await leaves() == responses(0, 3)
    assert (await Log.select(Log.name, Log.size)) == [{"name": SPRING, "size": 3}]


async def test_an_entry_that_is_there_or_does_not_belong_is_refused_with_all_beside_it(settings: Settings) -> None:
    await append(settings, SPRING, responses(0, 3))
    with pytest.raises(database.AlreadyExists):
        await append(settings, SPRING, responses(2, 5))
    with pytest.raises(database.AlreadyExists):
        await append_raw(settings, SPRING, responses(2, 5))
    for wrong in (responses(7, 8, "autumn")[0], '{"kind":"response"}', entry("audit", what="x")):
        with pytest.raises(EntryError):
            await append(settings, SPRING, [*responses(3, 5), wrong])
    assert await leaves() == responses(0, 3)


async def test_a_raw_connection_without_a_transaction_is_refused(settings: Settings) -> None:
    if settings.database.startswith("sqlite"):
        connection = sqlite3.connect(settings.database.removeprefix("sqlite:///"), isolation_level=None)
        with pytest.raises(RuntimeError, match="inside a transaction"):
            append_sqlite(connection, settings, SPRING, responses(0, 1))
        connection.close()
    else:
        postgres = await asyncpg.connect(settings.database)
        with pytest.raises(RuntimeError, match="inside a transaction"):
            await append_postgres(postgres, settings, SPRING, responses(0, 1))
        await postgres.close()


async def test_writers_at_the_same_moment_follow_each_other(settings: Settings) -> None:
    await asyncio.gather(*(append(settings, SPRING, responses(number * 5, number * 5 + 5)) for number in range(8)))
    assert sorted(await leaves()) == sorted(responses(0, 40))
    tree = Tree(leaf_hash(one.encode()) for one in await leaves())
    found = await head(SPRING)
    assert found is not None
    assert found.root == tree.root()


async def test_of_two_that_read_the_same_head_one_wins(settings: Settings) -> None:
    """Snapshot isolation on both engines: the second one has the older picture and must not write over it."""
    await append(settings, SPRING, responses(0, 3))
    if settings.database.startswith("sqlite"):
        path = settings.database.removeprefix("sqlite:///")
        slow = sqlite3.connect(path, isolation_level=None)
        slow.execute("BEGIN")
        slow.execute("SELECT size FROM log").fetchall()  # the picture is taken
        await append_raw(settings, SPRING, responses(3, 5))
        with pytest.raises(database.Unavailable):
            append_sqlite(slow, settings, SPRING, responses(5, 9))
        slow.execute("ROLLBACK")
        slow.close()
    else:
        late = await asyncpg.connect(settings.database)
        transaction = late.transaction(isolation="repeatable_read")
        await transaction.start()
        await late.fetch("SELECT size FROM log")
        await append_raw(settings, SPRING, responses(3, 5))
        with pytest.raises(RuntimeError, match="same moment"):
            await append_postgres(late, settings, SPRING, responses(5, 9))
        await transaction.rollback()
        await late.close()
    assert await leaves() == responses(0, 5)


async def test_a_database_behind_what_was_published_signs_nothing(settings: Settings) -> None:
    await append(settings, SPRING, responses(0, 5))
    await publish(settings, SPRING)
    checkpoint = (folder(settings, SPRING) / "checkpoint").read_text()
    for kept in (3, 0):  # as if an older backup had been restored, or a new database made
        frontier = Frontier().extended([leaf_hash(one.encode()) for one in responses(0, kept)])
        await LogLeaf.delete().where(LogLeaf.position >= kept)
        if kept:
            signed = signer(settings, SPRING).sign(f"{origin(settings, SPRING)}\n{kept}\n{'A' * 43}=\n")
            await Log.update(
                {Log.size: kept, Log.root: frontier.root.hex(), Log.frontier: frontier.text(), Log.checkpoint: signed}
            ).where(Log.name == SPRING)
        else:
            await Log.delete().where(Log.name == SPRING)
        with pytest.raises(LogBehind, match=f"published with 5 entries, but the database has {kept}") as refused:
            await append(settings, SPRING, responses(5, 9))
        assert "Restore a newer backup" in str(refused.value)
        with pytest.raises(LogBehind):
            await append_raw(settings, SPRING, responses(5, 9))
        if kept:
            with pytest.raises(LogBehind):
                await publish(settings, SPRING)
        assert await leaves() == responses(0, kept)
    assert (folder(settings, SPRING) / "checkpoint").read_text() == checkpoint


async def test_a_database_that_differs_from_what_was_published_signs_nothing(settings: Settings) -> None:
    await append(settings, SPRING, responses(0, 5))
    await publish(settings, SPRING)
    await Log.update({Log.root: "0" * 64}).where(Log.name == SPRING)
    with pytest.raises(LogBehind, match="they differ"):
        await append(settings, SPRING, responses(5, 9))


@pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe"])
async def test_behind_a_damaged_head_nothing_is_signed_until_somebody_looked(
    sqlite_settings: Settings, content: bytes
) -> None:
    settings, path = sqlite_settings, folder(sqlite_settings, SPRING) / "checkpoint"
    await append(settings, SPRING, responses(0, 5))
    await publish(settings, SPRING)
    kept = path.read_bytes()
    path.write_bytes(content)
    for work in (append(settings, SPRING, responses(5, 9)), publish(settings, SPRING)):
        with pytest.raises(LogBehind, match="is damaged"):
            await work
    path.write_bytes(kept)
    assert (await append(settings, SPRING, responses(5, 9))).size == 9


async def test_another_key_signs_nothing_but_a_new_host_name_does(settings: Settings, tmp_path: Path) -> None:
    await append(settings, SPRING, responses(0, 5))
    moved = Settings(data_dir=tmp_path, database_url=settings.database_url, base_url="https://new.example.org")
    found = await append(moved, SPRING, responses(5, 6))
    assert found.checkpoint.startswith("new.example.org/log/campaign/spring\n6\n")
    (tmp_path / "keys" / "log.ed25519").write_bytes(bytes(32))
    with pytest.raises(LogKeyError, match="put the old key back"):
        await append(settings, SPRING, responses(6, 7))
    with pytest.raises(LogKeyError):
        await publish(settings, SPRING)
    assert len(await leaves()) == 6


MAKE = """
import sys
from pathlib import Path
from evaluator.ledger.keys import log_seed
sys.stdin.read()
print(log_seed(Path(sys.argv[1])).hex())
"""


def test_processes_that_start_at_once_make_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", MAKE, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.close()
    seeds = {bytes.fromhex(process.stdout.read().decode()) for process in processes if process.stdout}
    assert [process.wait() for process in processes] == [0] * 4
    assert len(seeds) == 1
    path = tmp_path / "keys" / "log.ed25519"
    assert seeds == {path.read_bytes()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_damaged_key_is_refused_and_never_replaced(tmp_path: Path) -> None:
    seed = log_seed(tmp_path)
    assert len(seed) == 32
    path = tmp_path / "keys" / "log.ed25519"
    path.write_bytes(seed[:7])
    with pytest.raises(LogKeyError, match="7 bytes instead of 32"):
        log_seed(tmp_path)
    assert path.read_bytes() == seed[:7]


@pytest.mark.parametrize("name", ["", "campaign", "campaign/", "campaign/..", "campaign/A", "../audit", "audit/x", "x"])
def test_nothing_else_names_a_log(name: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(ValueError, match=re.escape(f"{name!r} is no name of a log")):
        origin(settings, name)
    with pytest.raises(ValueError, match="no name of a log"):
        folder(settings, name)


def test_the_key_of_a_log_says_whose_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, base_url="http://127.0.0.1:8000/")
    assert signer(settings, "audit").vkey.startswith("127.0.0.1:8000/log/audit+")
    assert signer(settings, "audit").vkey == Signer("127.0.0.1:8000/log/audit", log_seed(tmp_path)).vkey
