"""Bringing a log's plain files up to its table. The signed head comes last: whoever reads it finds all it speaks of.

Every file is written beside its place and renamed, so a reader never sees a half of one, and a process that is killed
anywhere leaves something that the next one completes.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

from evaluator import database
from evaluator.ledger import notes
from evaluator.ledger.appending import Head, LogBehind, check_not_behind, check_same_key
from evaluator.ledger.keys import origin, signer
from evaluator.ledger.merkle import HASH, Frontier
from evaluator.ledger.published import (
    LEVEL_BITS,
    SHORT,
    WIDTH,
    DamagedFiles,
    bundle,
    folder,
    frontier,
    inclusion,
    index_path,
    levels,
    number_path,
    prefix_length,
    read_published,
    read_tile,
    tile_path,
    widths,
)
from evaluator.ledger.receipts import make_receipt
from evaluator.ledger.tables import Log, LogLeaf
from evaluator.secret_files import flush
from evaluator.settings import Settings

AT_ONCE = 64 * WIDTH  # leaves read from the database at a time
MANY = 500  # files: from here on the whole disk is flushed at once
RETRY = 0.05  # seconds
TO_SWEEP = ".grew-from"  # size of the head before, until what only that one needed is taken away

__all__ = ["publish", "publish_all", "read_published", "receipt_for"]


class Writing:
    """Files of one log as they are written, and flushed before the head that speaks of them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._unsafe: list[Path] = []
        self._made: set[str] = set()  # folders

    def put(self, path: str, data: bytes) -> None:
        """Write a file, or put it in the place of the one there is."""
        target = self.home / path
        where = path.rpartition("/")[0]
        if where not in self._made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(where)
        new = f"{target}.new"
        with open(new, "wb", buffering=0) as file:
            file.write(data)
        os.replace(new, target)
        self._unsafe.append(target)

    def put_safely(self, path: str, data: bytes) -> None:
        """Likewise, but what there was is lost only when the new one is on the disk."""
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(target.name + ".new")
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, target)
        flush(target.parent)

    def settle(self) -> None:
        """Return when everything that was put is on the disk."""
        if len(self._unsafe) > MANY:
            os.sync()
        else:
            for path in [*self._unsafe, *{path.parent for path in self._unsafe}]:
                flush(path)
        self._unsafe.clear()


@asynccontextmanager
async def _alone(home: Path) -> AsyncIterator[None]:
    """One process at a time writes a log's files: an older head must not take the place of a newer one."""
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    with (home / ".lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(RETRY)
        yield


LEAVES, SORTED = "SELECT leaf_hash, entry FROM log_leaf WHERE log =", "ORDER BY position"


def _sqlite_leaves(path: str, log_name: str, low: int, high: int) -> list[tuple[str, str]]:
    """With the driver itself: Piccolo makes a dictionary of each of a million rows."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(database.PRAGMAS)
            given = (log_name, low, high)
            return connection.execute(f"{LEAVES} ? AND position >= ? AND position < ? {SORTED}", given).fetchall()
    except sqlite3.Error as error:
        raise database.translated(error) from error


async def _leaves(log_name: str, low: int, high: int) -> AsyncIterator[list[tuple[bytes, bytes]]]:
    """Hash and entry of the leaves from `low` up to `high`, in their order, some at a time."""
    engine = database.engine()
    for at in range(low, high, AT_ONCE):
        to = min(high, at + AT_ONCE)
        if isinstance(engine, database.DurableSQLiteEngine):
            rows = await asyncio.to_thread(_sqlite_leaves, engine.path, log_name, at, to)
        else:
            found = await LogLeaf.raw(
                f"{LEAVES} {{}} AND position >= {{}} AND position < {{}} {SORTED}", log_name, at, to
            )
            rows = [(row["leaf_hash"], row["entry"]) for row in found]
        if len(rows) != to - at:
            raise LogBehind(
                f"the log {log_name} lacks {to - at - len(rows)} entries between {at} and {to} in the table"
            )
        yield [(bytes.fromhex(leaf), entry.encode()) for leaf, entry in rows]


def _put_tiles(writing: Writing, level: int, number: int, hashes: bytes) -> list[bytes]:
    """Write tiles of a level from `number` on; the roots of the full ones."""
    roots = []
    for at in range(0, len(hashes), WIDTH * HASH):
        tile = hashes[at : at + WIDTH * HASH]
        width = len(tile) // HASH
        writing.put(tile_path(level, number, width), tile)
        if width == WIDTH:
            roots.append(Frontier().extended([tile[k : k + HASH] for k in range(0, len(tile), HASH)]).root)
        number += 1
    return roots


def _put_leaves(writing: Writing, low: int, leaves: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Write bundles and tiles of the leaves from `low` on, a multiple of their width; the roots of full tiles."""
    for at in range(0, len(leaves), WIDTH):
        some = leaves[at : at + WIDTH]
        writing.put(tile_path("entries", (low + at) // WIDTH, len(some)), bundle([entry for _, entry in some]))
    return _put_tiles(writing, 0, low // WIDTH, b"".join(leaf for leaf, _ in leaves))


def _put_upper_tiles(writing: Writing, old: int, roots: list[bytes]) -> None:
    """Write the tiles above the leaves: `roots` are those of the full tiles of leaves since a tree of `old` leaves."""
    level = 1
    while roots:
        first = old >> LEVEL_BITS * level
        before = first % WIDTH
        kept = read_tile(writing.home, level, first // WIDTH, before) if before else b""
        roots = _put_tiles(writing, level, first // WIDTH, kept + b"".join(roots))
        level += 1


def _index_lines(home: Path, low: int, size: int) -> dict[str, list[str]]:
    """Lines of the index for the leaves from `low` on, by prefix."""
    length = prefix_length(size)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for number, width in widths(size, 0):
        if (number + 1) * WIDTH <= low:
            continue
        tile, first = read_tile(home, 0, number, width).hex(), number * WIDTH
        for position in range(max(low, first), first + width):
            at = (position - first) * 2 * HASH
            found[tile[at : at + length]].append(f"{tile[at : at + SHORT]} {position}\n")
    return found


def _put_index(writing: Writing, old: int, size: int) -> None:
    """Bring the index up to a tree of `size` leaves, given one of `old` (0: from nothing)."""
    length = prefix_length(size)
    grows = bool(old) and prefix_length(old) == length
    found = _index_lines(writing.home, old if grows else 0, size)
    if not grows:
        for number in range(16**length):
            prefix = f"{number:0{length}x}" if length else ""
            writing.put(index_path(prefix), "".join(sorted(found.get(prefix, []))).encode())
        return
    for prefix, lines in found.items():
        kept = (writing.home / index_path(prefix)).read_text(encoding="ascii").splitlines(keepends=True)
        writing.put_safely(index_path(prefix), "".join(sorted({*kept, *lines})).encode())


def _sweep(home: Path, size: int) -> None:
    """Take away what the new head needs no more: narrow tiles that are full now, an index of another width."""
    try:
        old = int((home / TO_SWEEP).read_text())
    except FileNotFoundError:
        return
    for level in ["entries", *range(levels(old))]:
        bits = 0 if level == "entries" else LEVEL_BITS * int(level)
        number = (old >> bits) // WIDTH
        if size >> bits >= (number + 1) * WIDTH:
            shutil.rmtree(home / f"tile/{level}/{number_path(number)}.p", ignore_errors=True)
    length = prefix_length(size) or len("all")
    names: Iterable[Path] = (home / "index").iterdir() if (home / "index").exists() else ()
    for path in list(names):
        if path.suffix == ".new" or len(path.name) != length or (path.name == "all") != (prefix_length(size) == 0):
            path.unlink()
    (home / TO_SWEEP).unlink()


def _fits(home: Path, published: notes.Checkpoint) -> bool:
    """Whether the files that are there lead to the head that is published."""
    try:
        return frontier(home, published.size).root == published.root
    except DamagedFiles:
        return False


async def _same_tail(home: Path, log_name: str, old: int) -> bool:
    """Whether the table's last leaves are those of the last tile; that those before are shows in the new root."""
    low = old // WIDTH * WIDTH
    if low == old:
        return True
    tile = await asyncio.to_thread(read_tile, home, 0, low // WIDTH, old - low)
    return tile == b"".join([leaf async for chunk in _leaves(log_name, low, old) for leaf, _ in chunk])


async def _check_table(log_name: str, published: notes.Checkpoint | None, size: int, root: str) -> None:
    """Refuse when the table's leaves lead to other heads than those that were signed."""
    grown, at = Frontier(), published.size if published else 0
    for low, high, expected in ((0, at, published.root.hex() if published else ""), (at, size, root)):
        async for chunk in _leaves(log_name, low, high):
            grown = grown.extended([leaf for leaf, _ in chunk])
        if expected and grown.root.hex() != expected:
            raise LogBehind(
                f"the entries of the log {log_name} in the database do not lead to the head of {high} entries that was "
                "signed: the table was changed, or belongs to another history. Nothing was published"
            )


async def _write(home: Path, log_name: str, old: int, size: int) -> None:
    """Write tiles, bundles and index of a log that grew from `old` to `size`."""
    writing = Writing(home)
    low, roots = old // WIDTH * WIDTH, []
    async for chunk in _leaves(log_name, low, size):
        roots += await asyncio.to_thread(_put_leaves, writing, low, chunk)
        low += len(chunk)
    await asyncio.to_thread(_put_upper_tiles, writing, old, roots)
    await asyncio.to_thread(_put_index, writing, old, size)
    await asyncio.to_thread(writing.settle)


async def publish(settings: Settings, log_name: str) -> str | None:
    """Bring the files of a log up to its table; the published checkpoint, or None when there is no such log.

    Raises
    ------
    LogBehind
        The table is older than what is published, or was changed.
    LogKeyError
        The key is another one than what the head was signed with.
    RuntimeError
        A transaction is open: what it wrote may still be taken back.
    """
    if database.engine().current_transaction.get() is not None:
        raise RuntimeError("publish after the commit")
    home = folder(settings, log_name)
    if not await Log.exists().where(Log.name == log_name):
        return None
    async with _alone(home):
        row = await Log.select(Log.size, Log.root, Log.checkpoint).where(Log.name == log_name).first()
        size, root, checkpoint = row["size"], row["root"], row["checkpoint"]
        if not checkpoint:
            return None
        check_same_key(settings, log_name, checkpoint)
        check_not_behind(settings, log_name, size, root)
        called = origin(settings, log_name)
        if notes.unsigned_checkpoint(checkpoint).origin != called:  # the site has a new name
            checkpoint = notes.checkpoint(called, size, bytes.fromhex(root), signer(settings, log_name))
        text = read_published(settings, log_name)
        if text == checkpoint:
            await asyncio.to_thread(_sweep, home, size)
            return text
        published = notes.unsigned_checkpoint(text) if text else None
        old = published.size if published and await asyncio.to_thread(_fits, home, published) else 0
        if published and (not old or not await _same_tail(home, log_name, old)):
            await _check_table(log_name, published, size, root)
        if old < size:
            await _write(home, log_name, old, size)
        if (await asyncio.to_thread(frontier, home, size)).root.hex() != root:
            await _check_table(log_name, published, size, root)  # says what is wrong, if it is the table
            await _write(home, log_name, 0, size)
        grew_from = published.size if published else 0
        await asyncio.to_thread(_put_head, home, signer(settings, log_name).vkey, checkpoint, grew_from)
        await asyncio.to_thread(_sweep, home, size)
        return checkpoint  # type: ignore[no-any-return]


def _put_head(home: Path, vkey: str, checkpoint: str, grew_from: int) -> None:
    writing = Writing(home)
    writing.put_safely(TO_SWEEP, str(grew_from).encode())
    writing.put_safely("key", f"{vkey}\n".encode())
    writing.put_safely("checkpoint", checkpoint.encode())


async def publish_all(settings: Settings) -> list[str]:
    """Bring the files of every log up to its table; the names of the logs."""
    names = [row["name"] for row in await Log.select(Log.name).order_by(Log.name)]
    for name in names:
        await publish(settings, name)
    return names


async def receipt_for(settings: Settings, log_name: str, leaf_hash: bytes) -> str | None:
    """The receipt of a leaf under the published head; None when that head does not have it (yet).

    This tells the server which leaf is asked for. The page's script finds it without telling.
    """
    checkpoint = await asyncio.to_thread(read_published, settings, log_name)
    row = (
        await LogLeaf.select(LogLeaf.position, LogLeaf.entry)
        .where(LogLeaf.leaf_hash == leaf_hash.hex(), LogLeaf.log == log_name)
        .first()
    )
    if checkpoint is None or row is None:
        return None
    try:
        size = notes.unsigned_checkpoint(checkpoint).size
    except notes.NoteError:  # damaged: nothing can be proved until an operator looked
        return None
    if row["position"] >= size:
        return None
    proof = await asyncio.to_thread(inclusion, folder(settings, log_name), row["position"], size)
    return make_receipt(row["entry"], row["position"], proof, checkpoint)


async def head(log_name: str) -> Head | None:
    """The newest signed head in the database, published or not."""
    row = await Log.select(Log.size, Log.root, Log.checkpoint).where(Log.name == log_name).first()
    return Head(log_name, row["size"], bytes.fromhex(row["root"]), row["checkpoint"]) if row else None
