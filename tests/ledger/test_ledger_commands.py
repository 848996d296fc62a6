"""The command line: exit codes and words, without a database where none is needed."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evaluator.cli import group
from evaluator.ledger.appending import append
from evaluator.ledger.files import publish, read_published
from evaluator.ledger.keys import signer
from evaluator.ledger.leaves import entry
from evaluator.ledger.published import bundle, folder, read_bundle
from evaluator.ledger.tables import Log
from evaluator.settings import Settings
from tests.ledger.entries import SPRING, responses
from tests.ledger.receipt_cases import SIGNER, good

NOWHERE = {"EVALUATOR_DATABASE_URL": "nonsense", "EVALUATOR_BASE_URL": "nonsense"}  # must not be read


def run(*given: str | Path, typed: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(group, [str(one) for one in given], input=typed, env=environment or NOWHERE)


def test_a_receipt_is_verified_from_a_file_or_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "receipt.txt"
    path.write_text(good())
    for told in (
        run("receipt", "verify", path, "--key", SIGNER.vkey),
        run("receipt", "verify", "-", "--key", SIGNER.vkey, typed=good()),
    ):
        assert told.exit_code == 0
        assert told.output.startswith("VERIFIED: entry 4 of 11 in example.org/log/campaign/spring\nleaf ")


def test_a_receipt_that_proves_nothing_is_told_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "receipt.txt"
    path.write_text(good().replace("index 4", "index 5"))
    told = run("receipt", "verify", path, "--key", SIGNER.vkey)
    assert (told.exit_code, told.output[:14]) == (1, "NOT VERIFIED: ")
    assert "another root" in told.output
    path.write_text(good(), newline="\r\n")
    assert run("receipt", "verify", path, "--key", SIGNER.vkey).exit_code == 1


def test_wrong_input_is_told_apart_from_a_bad_receipt(tmp_path: Path) -> None:
    path = tmp_path / "receipt.txt"
    path.write_text(good())
    assert run("receipt", "verify", path, "--key", SIGNER.vkey[:-2]).exit_code == 2
    assert run("receipt", "verify", path).exit_code == 2
    assert run("receipt", "verify", tmp_path / "none.txt", "--key", SIGNER.vkey).exit_code == 2
    assert run("receipt", "verify", tmp_path, "--key", SIGNER.vkey).exit_code == 2
    path.write_bytes(b"\xff")
    assert run("receipt", "verify", path, "--key", SIGNER.vkey).exit_code == 2
    path.write_bytes(b"x" * 1_000_001)
    assert run("receipt", "verify", path, "--key", SIGNER.vkey).exit_code == 2


@pytest.fixture
async def log(sqlite_settings: Settings) -> Settings:
    await append(sqlite_settings, SPRING, responses(0, 300))
    await publish(sqlite_settings, SPRING)
    shutil.copy(folder(sqlite_settings, SPRING) / "checkpoint", sqlite_settings.data_dir / "old")
    await append(sqlite_settings, SPRING, [*responses(300, 900), entry("closing", campaign="spring")])
    await publish(sqlite_settings, SPRING)
    return sqlite_settings


async def test_a_log_is_checked_from_its_files_alone_and_against_an_older_head(log: Settings, tmp_path: Path) -> None:
    copy = shutil.copytree(folder(log, SPRING), tmp_path / "elsewhere")
    key = signer(log, SPRING).vkey
    told = run("log", "check", copy, "--key", key, "--old", log.data_dir / "old")
    assert told.exit_code == 0
    assert "901 entries" in told.output
    assert "closing 1, response 900" in told.output
    assert "continues the head of 300 entries" in told.output
    assert run("log", "check", copy, "--key", key).exit_code == 0
    assert run("log", "check", copy, "--key", key[:-2]).exit_code == 2
    assert run("log", "check", tmp_path / "none", "--key", key).exit_code == 2
    assert run("log", "check", copy, "--key", key, "--old", tmp_path / "none").exit_code == 2
    told = run("log", "check", copy, "--key", signer(log, "audit").vkey)
    assert (told.exit_code, told.output[:22]) == (1, "NOT RIGHT: checkpoint:")


def forge(settings: Settings, copy: Path, position: int) -> None:
    """Change an entry, and everything after it that can be changed with the key: a whole second history."""
    entries = [
        one for number, width in ((0, 256), (1, 256), (2, 256), (3, 133)) for one in read_bundle(copy, number, width)
    ]
    entries[position] = responses(5000, 5001)[0].encode()

    async def rewrite() -> None:
        from evaluator import database
        from evaluator.ledger.tables import LogLeaf

        async with database.engine().transaction():
            await LogLeaf.delete(force=True)
            await Log.delete(force=True)
        shutil.rmtree(settings.data_dir / "log")
        await append(settings, SPRING, [one.decode() for one in entries])
        await publish(settings, SPRING)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(rewrite())).result()


async def test_a_second_history_is_found_by_whoever_kept_an_older_head(log: Settings) -> None:
    key = signer(log, SPRING).vkey
    forge(log, folder(log, SPRING), 7)
    assert run("log", "check", folder(log, SPRING), "--key", key).exit_code == 0  # it is right in itself
    told = run("log", "check", folder(log, SPRING), "--key", key, "--old", log.data_dir / "old")
    assert told.exit_code == 1
    assert "its first 300 entries were changed" in told.output


async def test_a_log_from_which_entries_were_taken_out_at_the_end_is_found(log: Settings) -> None:
    text = read_published(log, SPRING)
    assert text
    newer = log.data_dir / "newer"
    newer.write_text(text)
    (folder(log, SPRING) / "checkpoint").write_bytes((log.data_dir / "old").read_bytes())
    told = run("log", "check", folder(log, SPRING), "--key", signer(log, SPRING).vkey, "--old", newer)
    assert told.exit_code == 1
    assert "entries were taken out" in told.output


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("tile/entries/001", "tile/0/001: its hashes are not those of the entries"),
        ("tile/entries/003.p/133", "tile/0/003.p/133: its hashes"),
        ("tile/0/000", "tile/0/000: its hashes"),
        ("tile/1/000.p/3", "tile/1/000.p/3: its hashes are not those of the tiles below"),
        ("index/7", "index/7: it does not name"),
        ("checkpoint", "checkpoint: "),
    ],
)
async def test_any_changed_file_is_named(log: Settings, path: str, wrong: str) -> None:
    home, key = folder(log, SPRING), signer(log, SPRING).vkey
    if "entries" in path:
        number, width = (1, 256) if "001" in path else (3, 133)
        entries = read_bundle(home, number, width)
        (home / path).write_bytes(bundle([entries[0], responses(7000, 7001)[0].encode(), *entries[2:]]))
    else:
        data = bytearray((home / path).read_bytes())
        data[3] ^= 1
        (home / path).write_bytes(data)
    told = run("log", "check", home, "--key", key)
    assert told.exit_code == 1
    assert wrong in told.output
    (home / path).unlink()
    told = run("log", "check", home, "--key", key)
    assert told.exit_code == 1
    assert path in told.output


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        (b'{"kind":"response"}', "campaign is missing"),
        (responses(1, 2, "autumn")[0].encode(), "does not belong into the log"),
        (entry("closing", campaign="spring").encode(), "does not say where it was written"),
        (entry("closing", campaign="spring", at=9).encode(), "written for position 9, but it would stand at 1"),
        (b"\xff", "entry 1"),
    ],
)
async def test_an_entry_that_does_not_belong_is_named(log: Settings, changed: bytes, wrong: str) -> None:
    home = folder(log, SPRING)
    entries = read_bundle(home, 0, 256)
    (home / "tile/entries/000").write_bytes(bundle([entries[0], changed, *entries[2:]]))
    told = run("log", "check", home, "--key", signer(log, SPRING).vkey)
    assert told.exit_code == 1
    assert "tile/entries/000: entry 1: " in told.output
    assert wrong in told.output


async def test_publishing_by_hand_writes_every_log_and_says_when_it_must_not(log: Settings) -> None:
    environment = {"EVALUATOR_DATA_DIR": str(log.data_dir), "EVALUATOR_DATABASE_URL": log.database_url}
    environment["EVALUATOR_BASE_URL"] = log.base_url
    shutil.rmtree(log.data_dir / "log")

    def publish_by_hand() -> Result:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: run("log", "publish", **environment)).result()

    told = publish_by_hand()
    assert (told.exit_code, told.output) == (0, f"{SPRING}: {log.data_dir / 'log' / SPRING}\n")
    assert run("log", "check", folder(log, SPRING), "--key", signer(log, SPRING).vkey).exit_code == 0
    await Log.update({Log.root: "0" * 64}).where(Log.name == SPRING)
    told = publish_by_hand()
    assert told.exit_code == 1
    assert "they differ" in told.output
