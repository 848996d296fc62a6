"""The files of a log: complete, right, the head last, and right again after any interruption."""

from __future__ import annotations

import asyncio
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evaluator import database
from evaluator.ledger import files, published
from evaluator.ledger.appending import LogBehind, append
from evaluator.ledger.checking import check_folder
from evaluator.ledger.files import publish, publish_all, receipt_for
from evaluator.ledger.keys import signer
from evaluator.ledger.leaves import entry
from evaluator.ledger.merkle import Tree, leaf_hash
from evaluator.ledger.notes import read_checkpoint
from evaluator.ledger.published import (
    DamagedFiles,
    folder,
    frontier,
    inclusion,
    number_path,
    prefix_length,
    read_bundle,
    read_published,
    read_tile,
    tile_path,
)
from evaluator.ledger.receipts import verify_receipt
from evaluator.ledger.tables import Log, LogLeaf
from evaluator.settings import Settings
from tests.ledger.entries import SPRING, responses


@cache
def tree_of(size: int) -> Tree:
    return Tree(leaf_hash(one.encode()) for one in responses(0, size))


def on_disk(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_tiles_are_called_as_the_specification_says() -> None:
    """c2sp.org/tlog-tiles: the example of number 1234067."""
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert [number_path(number) for number in (0, 999, 1000, 1000000)] == ["000", "999", "x001/000", "x001/x000/000"]
    # ibid.: a tree of 70,000 leaves
    assert [list(published.widths(70_000, level))[-1] for level in range(3)] == [(273, 112), (1, 17), (0, 1)]
    assert published.levels(70_000) == 3
    for path in ("tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/x001/x234/067"):
        assert published.TILE_PATH.fullmatch(path)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000])
async def test_the_files_of_a_log_are_complete_and_right(settings: Settings, size: int) -> None:
    await append(settings, SPRING, responses(0, size))
    text = await publish(settings, SPRING)
    home, tree = folder(settings, SPRING), tree_of(size)
    assert text == read_published(settings, SPRING)
    assert text is not None
    head = read_checkpoint(text, (home / "key").read_text().strip())
    assert (head.size, head.root) == (size, tree.root())
    assert frontier(home, size).root == tree.root()
    bundled = [one for number, width in published.widths(size, 0) for one in read_bundle(home, number, width)]
    assert [one.decode() for one in bundled] == responses(0, size)
    for position in {0, 1, size // 2, size - 1} & set(range(size)):
        assert inclusion(home, position, size) == tree.inclusion(position)
        assert published.leaf_at(home, position, size) == tree.leaf(position)
        receipt = await receipt_for(settings, SPRING, tree.leaf(position))
        assert receipt is not None
        assert verify_receipt(receipt, signer(settings, SPRING).vkey).position == position
    check_folder(home, signer(settings, SPRING).vkey)


async def test_a_log_that_grew_in_steps_has_the_files_of_one_that_was_written_at_once(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    settings, size, vkey = sqlite_settings, 0, signer(sqlite_settings, SPRING).vkey
    for to in (1, 2, 255, 256, 257, 511, 700, 799, 800, 1030, 2305):
        await append(settings, SPRING, responses(size, to))
        size = to
        if to in (2, 511):
            continue  # two steps at once
        await publish(settings, SPRING)
        check_folder(folder(settings, SPRING), vkey)
    grown = on_disk(folder(settings, SPRING))
    shutil.rmtree(folder(settings, SPRING))
    await publish(settings, SPRING)
    at_once = on_disk(folder(settings, SPRING))
    narrow = {path for path in grown if ".p/" in path} - set(at_once)  # of tiles that are not full yet: for older heads
    assert {path: data for path, data in grown.items() if path not in narrow} == at_once
    assert all(not (folder(settings, SPRING) / path.split(".p/")[0]).exists() for path in narrow)


async def test_publishing_again_changes_nothing_and_several_at_once_do_no_harm(settings: Settings) -> None:
    await append(settings, SPRING, responses(0, 300))
    await asyncio.gather(*(publish(settings, SPRING) for _ in range(4)))
    first = on_disk(folder(settings, SPRING))
    stamp = (folder(settings, SPRING) / "checkpoint").stat().st_mtime_ns
    await publish(settings, SPRING)
    assert on_disk(folder(settings, SPRING)) == first
    assert (folder(settings, SPRING) / "checkpoint").stat().st_mtime_ns == stamp


async def test_every_log_is_published_and_none_that_is_not_there(settings: Settings) -> None:
    assert await publish(settings, SPRING) is None
    assert not folder(settings, SPRING).exists()
    await append(settings, SPRING, responses(0, 3))
    await append(settings, "audit", [entry("audit", what="campaign.opened")])
    assert await publish_all(settings) == ["audit", SPRING]
    assert read_published(settings, "audit")


async def test_a_log_without_entries_is_published_too(settings: Settings) -> None:
    await append(settings, SPRING, [])
    await publish(settings, SPRING)
    assert check_folder(folder(settings, SPRING), signer(settings, SPRING).vkey).size == 0
    await append(settings, SPRING, responses(0, 3))
    await publish(settings, SPRING)
    assert check_folder(folder(settings, SPRING), signer(settings, SPRING).vkey).size == 3


async def test_nothing_is_published_from_within_a_transaction(settings: Settings) -> None:
    async with database.engine().transaction():
        await append(settings, SPRING, responses(0, 3))
        with pytest.raises(RuntimeError, match="after the commit"):
            await publish(settings, SPRING)
    assert not folder(settings, SPRING).exists()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(("before", "after"), [(0, 300), (250, 300), (790, 1030)])
async def test_a_process_that_is_killed_at_any_step_leaves_what_the_next_one_completes(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    settings, home = sqlite_settings, folder(sqlite_settings, SPRING)
    vkey = signer(settings, SPRING).vkey
    if before:
        await append(settings, SPRING, responses(0, before))
        await publish(settings, SPRING)
        shutil.copytree(home, f"{home}-before")
    await append(settings, SPRING, responses(before, after))
    replace, write, remove, unlink = os.replace, Path.write_bytes, shutil.rmtree, Path.unlink
    left = 0

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    def on_step(call: Any) -> Any:
        def stepping(*given: Any, **more: Any) -> Any:
            step()
            return call(*given, **more)

        return stepping

    def half(path: Path, data: bytes) -> int:
        nonlocal left
        if left == 0:
            write(path, data[: len(data) // 2])  # killed while writing
        step()
        return write(path, data)

    finished, steps = False, 0
    expected = None
    while not finished:
        shutil.rmtree(home, ignore_errors=True)
        if before:
            shutil.copytree(f"{home}-before", home)
        left = steps
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", on_step(replace))
            patched.setattr(Path, "write_bytes", half)
            patched.setattr(Path, "unlink", on_step(unlink))
            patched.setattr(files.shutil, "rmtree", on_step(remove))
            try:
                await publish(settings, SPRING)
                finished = True
            except Killed:
                pass
        text = read_published(settings, SPRING)  # whatever is published is true and complete
        if text:
            head = read_checkpoint(text, vkey)
            assert head.size in (before, after)
            assert frontier(home, head.size).root == head.root
            for position in range(0, head.size, 101):
                assert inclusion(home, position, head.size) == tree_of(head.size).inclusion(position)
        await publish(settings, SPRING)
        check_folder(home, vkey)
        found = {path: data for path, data in on_disk(home).items() if not path.endswith(".new")}
        expected = expected or found
        assert found == expected
        steps += 1
    assert steps > 10


async def test_damaged_files_are_made_anew_from_the_table(sqlite_settings: Settings) -> None:
    settings, home = sqlite_settings, folder(sqlite_settings, SPRING)
    await append(settings, SPRING, responses(0, 600))
    await publish(settings, SPRING)
    for path in ("tile/0/002.p/88", "tile/1/000.p/2"):
        await append(settings, SPRING, responses(*[(600, 601), (601, 602)][path.startswith("tile/1")]))
        damaged = home / (path if (home / path).exists() else "tile/0/002.p/89")
        damaged.write_bytes(damaged.read_bytes()[:-32] + bytes(32))
        await publish(settings, SPRING)
        check_folder(home, signer(settings, SPRING).vkey)


async def test_a_table_that_was_changed_after_publishing_is_not_published(settings: Settings) -> None:
    await append(settings, SPRING, responses(0, 300))
    await publish(settings, SPRING)
    before = read_published(settings, SPRING)
    for position in (299, 7):  # in the last tile, and before it
        await LogLeaf.update({LogLeaf.leaf_hash: f"{position:064x}"}).where(LogLeaf.position == position)
        await append(settings, SPRING, responses(300 + position, 301 + position))
        (folder(settings, SPRING) / "tile/1/000.p/1").unlink(missing_ok=True)  # so that all is read again
        with pytest.raises(LogBehind, match="do not lead to the head of 300"):
            await publish(settings, SPRING)
        assert read_published(settings, SPRING) == before


async def test_a_table_that_lacks_leaves_is_not_published(settings: Settings) -> None:
    await append(settings, SPRING, responses(0, 30))
    await LogLeaf.delete().where(LogLeaf.position == 7)
    with pytest.raises(LogBehind, match="lacks 1 entries"):
        await publish(settings, SPRING)
    assert read_published(settings, SPRING) is None


async def test_a_new_host_name_is_published_without_a_new_entry(settings: Settings, tmp_path: Path) -> None:
    await append(settings, SPRING, responses(0, 3))
    await publish(settings, SPRING)
    moved = Settings(data_dir=tmp_path, database_url=settings.database_url, base_url="https://new.example.org")
    text = await publish(moved, SPRING)
    assert text is not None
    assert read_checkpoint(text, (folder(settings, SPRING) / "key").read_text().strip()).size == 3
    assert text.startswith("new.example.org/")


async def test_a_leaf_has_no_receipt_before_its_head_is_published(settings: Settings) -> None:
    assert await receipt_for(settings, SPRING, bytes(32)) is None
    await append(settings, SPRING, responses(0, 3))
    leaf = tree_of(3).leaf(2)
    assert await receipt_for(settings, SPRING, leaf) is None
    await publish(settings, SPRING)
    assert await receipt_for(settings, SPRING, leaf)
    await append(settings, SPRING, responses(3, 4))
    assert await receipt_for(settings, SPRING, tree_of(4).leaf(3)) is None
    assert await receipt_for(settings, "audit", leaf) is None
    assert await receipt_for(settings, SPRING, bytes(32)) is None


def test_a_file_of_the_index_has_at_least_50_leaves_on_average() -> None:
    for size in (50, 799, 800, 12_799, 12_800, 10**6, 10**7):
        files_of_it = 16 ** prefix_length(size)
        assert 50 <= size / files_of_it < 50 * 16


async def test_files_that_are_missing_or_short_are_named(sqlite_settings: Settings) -> None:
    settings, home = sqlite_settings, folder(sqlite_settings, SPRING)
    await append(settings, SPRING, responses(0, 300))
    await publish(settings, SPRING)
    (home / "tile/0/000").unlink()
    with pytest.raises(DamagedFiles, match="tile/0/000"):
        inclusion(home, 3, 300)
    (home / "tile/0/001.p/44").write_bytes(bytes(33))
    with pytest.raises(DamagedFiles, match=r"tile/0/001\.p/44: 33 bytes"):
        read_tile(home, 0, 1, 44)
    (home / "tile/entries/001.p/44").write_bytes(b"\0\5abc")
    with pytest.raises(DamagedFiles, match="cut off"):
        read_bundle(home, 1, 44)
    (home / "tile/entries/001.p/44").write_bytes(b"\0\1a")
    with pytest.raises(DamagedFiles, match="1 entries instead of 44"):
        read_bundle(home, 1, 44)
    with pytest.raises(DamagedFiles, match="no leaf 300"):
        inclusion(home, 300, 300)
    assert await Log.count() == 1
