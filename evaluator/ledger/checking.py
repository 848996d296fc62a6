"""Checking a whole log from its files alone: every entry, tile and index file, the signed head, and an older head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluator.ledger.leaves import RESPONSE, EntryError, placed, read_entry
from evaluator.ledger.merkle import HASH, Frontier, leaf_hash
from evaluator.ledger.notes import NoteError, Verifier, read_checkpoint, read_vkey
from evaluator.ledger.published import (
    SHORT,
    WIDTH,
    DamagedFiles,
    index_path,
    prefix_length,
    read_bundle,
    read_bytes,
    read_tile,
    tile_path,
    widths,
)


class LogRefused(ValueError):
    """What is wrong with a log's files."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A log whose files are all right."""

    origin: str
    size: int
    root: bytes
    kinds: dict[str, int]  # how many entries of each kind
    old_size: int | None = None  # of the older head that it continues


def _campaign(origin: str) -> str | None:
    """The campaign whose log calls itself so; None: the audit log."""
    before, marker, code = origin.rpartition("/log/campaign/")
    if marker and before:
        return code
    if origin.endswith("/log/audit"):
        return None
    raise LogRefused(f"{origin} is neither a campaign's log nor the audit log")


def _hashes(home: Path, size: int, origin: str, kinds: dict[str, int]) -> Iterator[list[bytes]]:
    """The leaf hashes a tile at a time, from the entries; each entry is looked at, and each tile of leaves compared."""
    campaign = _campaign(origin)
    for number, width in widths(size, 0):
        hashes = []
        for at, data in enumerate(read_bundle(home, number, width)):
            position = number * WIDTH + at
            try:
                text = data.decode("ascii")
                if placed(text, position, 0, campaign) != text:
                    raise EntryError("it does not say where it was written")
            except (EntryError, UnicodeDecodeError) as error:
                raise LogRefused(f"{tile_path('entries', number, width)}: entry {position}: {error}") from None
            kind = "response" if RESPONSE.fullmatch(text) else read_entry(text)["kind"]
            kinds[kind] = kinds.get(kind, 0) + 1
            hashes.append(leaf_hash(data))
        if read_tile(home, 0, number, width) != b"".join(hashes):
            raise LogRefused(f"{tile_path(0, number, width)}: its hashes are not those of the entries")
        yield hashes


def _check_upper_tiles(home: Path, level: int, row: list[bytes]) -> None:
    """Compare the tiles of a level with the roots of the full tiles below."""
    while row:
        above = []
        for number in range(-(-len(row) // WIDTH)):
            some = row[number * WIDTH : (number + 1) * WIDTH]
            if read_tile(home, level, number, len(some)) != b"".join(some):
                raise LogRefused(f"{tile_path(level, number, len(some))}: its hashes are not those of the tiles below")
            if len(some) == WIDTH:
                above.append(Frontier().extended(some).root)
        row, level = above, level + 1


def _check_index(home: Path, size: int) -> None:
    """Compare the index with the leaves."""
    length, found = prefix_length(size), {}  # type: ignore[var-annotated]
    for number, width in widths(size, 0):
        tile = read_tile(home, 0, number, width).hex()
        for at in range(width):
            short = tile[at * HASH * 2 :][:SHORT]
            found.setdefault(short[:length], []).append(f"{short} {number * WIDTH + at}")
    for number in range(16**length):
        path = index_path(f"{number:0{length}x}" if length else "")
        lines = read_bytes(home, path).decode("ascii", "replace").splitlines()
        here = [line for line in lines if int(line.rpartition(" ")[2] or -1) < size]  # newer ones may be there already
        if here != sorted(found.get(path.removeprefix("index/") if length else "", [])):
            raise LogRefused(f"{path}: it does not name the leaves that it should")


def check_folder(home: Path, vkey: str | Verifier, old: str | None = None) -> Checked:
    """Recompute a log from its entries, and compare everything with it.

    Parameters
    ----------
    home : Path
        The folder with `checkpoint`, `tile` and `index`.
    vkey : str
        The log's key, from somewhere else than the folder.
    old : str, optional
        A checkpoint that somebody kept: the log must continue it.

    Raises
    ------
    LogRefused
        Something does not fit; the message names the file and the place.
    NoteError
        `vkey` itself is malformed; only when it is given as text.
    """
    if isinstance(vkey, str):
        vkey = read_vkey(vkey)
    try:
        text = read_bytes(home, "checkpoint").decode()
        head = read_checkpoint(text, vkey)
    except (NoteError, DamagedFiles, UnicodeDecodeError) as error:
        raise LogRefused(f"checkpoint: {error}") from None
    try:
        before = read_checkpoint(old, vkey) if old is not None else None
    except NoteError as error:
        raise LogRefused(f"the older checkpoint: {error}") from None
    if before and before.size > head.size:
        raise LogRefused(f"the log has {head.size} entries, the older checkpoint {before.size}: entries were taken out")
    kinds: dict[str, int] = {}
    frontier, then, row = Frontier(), Frontier(), []
    try:
        for hashes in _hashes(home, head.size, head.origin, kinds):
            if before and frontier.size <= before.size <= frontier.size + len(hashes):
                then = frontier.extended(hashes[: before.size - frontier.size])
            frontier = frontier.extended(hashes)
            if len(hashes) == WIDTH:
                row.append(Frontier().extended(hashes).root)
        if frontier.root != head.root:
            raise LogRefused("checkpoint: its root is not that of the entries")
        if before and then.root != before.root:
            raise LogRefused(
                f"the log does not continue the older checkpoint: its first {before.size} entries were changed since"
            )
        _check_upper_tiles(home, 1, row)
        if head.size:
            _check_index(home, head.size)
    except (DamagedFiles, ValueError) as error:
        raise error if isinstance(error, LogRefused) else LogRefused(str(error)) from None
    return Checked(head.origin, head.size, head.root, dict(sorted(kinds.items())), before.size if before else None)
