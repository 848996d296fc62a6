"""A database that was restored behind its published audit log gets back what it lacks, or nothing is touched."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from evaluator import database
from evaluator.ledger.appending import LogBehind, append
from evaluator.ledger.audit import record
from evaluator.ledger.checking import check_folder
from evaluator.ledger.files import publish
from evaluator.ledger.keys import AUDIT, signer
from evaluator.ledger.leaves import entry
from evaluator.ledger.published import folder
from evaluator.ledger.recovering import publish_each, recover_audit
from evaluator.ledger.tables import Log, LogLeaf
from evaluator.settings import Settings
from tests.ledger.entries import SPRING
from tests.ledger.test_ledger_commands import run


async def restore(settings: Settings, size: int) -> None:
    """As a backup of when the log had so many entries."""
    entries = [row["entry"] for row in await LogLeaf.select(LogLeaf.entry).order_by(LogLeaf.position)]
    async with database.engine().transaction():
        await LogLeaf.delete(force=True)
        await Log.delete(force=True)
    aside = folder(settings, AUDIT).rename(settings.data_dir / "aside")
    if size:
        await append(settings, AUDIT, [_unplaced(one) for one in entries[:size]])
    aside.rename(folder(settings, AUDIT))


def _unplaced(text: str) -> str:
    said = json.loads(text)
    return entry(said.pop("kind"), **{name: value for name, value in said.items() if name != "at"})


async def history(settings: Settings, number: int = 300) -> None:
    async with database.engine().transaction():
        await append(settings, AUDIT, [entry("audit", what="test.done", number=n) for n in range(number)])
    await publish(settings, AUDIT)


@pytest.mark.parametrize("size", [0, 1, 256, 299])
async def test_what_the_database_lacks_is_put_back_and_the_log_goes_on(settings: Settings, size: int) -> None:
    await history(settings)
    before = [row["entry"] for row in await LogLeaf.select(LogLeaf.entry).order_by(LogLeaf.position)]
    await restore(settings, size)
    with pytest.raises(LogBehind):
        await record(settings, "test.done")
    assert await recover_audit(settings) == 300 - size
    rows = await LogLeaf.select(LogLeaf.entry).order_by(LogLeaf.position)
    assert [row["entry"] for row in rows[:300]] == before
    assert '"what":"log.recovered"' in rows[300]["entry"]
    assert check_folder(folder(settings, AUDIT), signer(settings, AUDIT).vkey).size == 301
    await record(settings, "test.done")
    assert await recover_audit(settings) == 0


async def test_a_database_of_another_history_and_damaged_files_are_left_alone(settings: Settings) -> None:
    await history(settings, 5)
    await restore(settings, 0)
    aside = folder(settings, AUDIT).rename(settings.data_dir / "aside")
    await append(settings, AUDIT, [entry("audit", what="test.other")])
    aside.rename(folder(settings, AUDIT))
    with pytest.raises(LogBehind, match="another history"):
        await recover_audit(settings)
    await restore(settings, 0)
    tile = folder(settings, AUDIT) / "tile/entries/000.p/5"
    tile.write_bytes(tile.read_bytes().replace(b"test.done", b"test.dOne", 1))
    with pytest.raises(LogBehind, match="not right"):
        await recover_audit(settings)
    assert await LogLeaf.count() == 0


async def test_the_command_says_what_it_put_back(sqlite_settings: Settings) -> None:
    await history(sqlite_settings, 5)
    await restore(sqlite_settings, 2)
    given = {
        "EVALUATOR_DATABASE_URL": sqlite_settings.database, "EVALUATOR_DATA_DIR": str(sqlite_settings.data_dir),
        "EVALUATOR_BASE_URL": sqlite_settings.base_url,
    }  # fmt: skip
    with ThreadPoolExecutor(1) as thread:  # the command has its own loop
        published = thread.submit(lambda: run("log", "publish", **given)).result()
        assert (published.exit_code, "the log audit is published with 5 entries" in published.output) == (1, True)
        for words in ("audit: 3 entries put back from the files", "audit: nothing is lacking"):
            told = thread.submit(lambda: run("log", "recover", **given)).result()
            assert (told.exit_code, told.output.strip()) == (0, words)
        assert thread.submit(lambda: run("log", "publish", **given)).result().exit_code == 0


async def test_each_log_that_is_behind_is_named_also_one_that_the_database_does_not_know(settings: Settings) -> None:
    for name in (SPRING, "campaign/autumn"):
        await append(settings, name, [entry("closing", campaign=name.partition("/")[2])])
    await history(settings, 3)
    assert await publish_each(settings) == {AUDIT: "", "campaign/autumn": "", SPRING: ""}
    async with database.engine().transaction():
        await LogLeaf.delete().where(LogLeaf.log == SPRING)
        await Log.delete().where(Log.name == SPRING)
    found = await publish_each(settings)
    assert (found[AUDIT], found["campaign/autumn"]) == ("", "")
    assert "published with 1 entries, but the database has 0" in found[SPRING]
