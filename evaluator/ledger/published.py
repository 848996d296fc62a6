"""Where a log's files lie (c2sp.org/tlog-tiles), and reading them: heads, tiles, bundles of entries. No database.

A tile holds up to 256 hashes, a bundle up to 256 entries. `tile/0/N` are the leaves, `tile/L/N` the roots of complete
tiles of level L-1. What is not full yet lies under `N.p/WIDTH`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluator.ledger.keys import campaign_of
from evaluator.ledger.merkle import HASH, Frontier, Tree, node_hash
from evaluator.settings import Settings

WIDTH = 256  # hashes of a full tile
LEVEL_BITS = 8
LEAST_IN_INDEX = 50  # leaves that a file of the index has on average, at least: who asks for it looks for one of these
SHORT = 16  # hexadecimal digits of a leaf hash in the index
TILE_PATH = re.compile(r"tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/([1-9][0-9]{0,2}))?")
INDEX_PATH = re.compile(r"index/(?:all|[0-9a-f]{1,8})")
GROUP_PATH = re.compile(r"proofs/(all|[01]{1,32})")


class DamagedFiles(ValueError):
    """Published files that are missing or do not fit together; the message names the file."""


def folder(settings: Settings, log_name: str) -> Path:
    """Where a log's files lie."""
    campaign_of(log_name)  # no other name may become a path
    return settings.data_dir / "log" / log_name


def read_published(settings: Settings, log_name: str) -> str | None:
    """The checkpoint that is published, or None."""
    try:
        return (folder(settings, log_name) / "checkpoint").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def number_path(number: int) -> str:
    """A tile's number as a path: groups of three digits, all but the last marked with an x.

    >>> number_path(1234067)
    'x001/x234/067'
    """
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)


def tile_path(level: int | str, number: int, width: int = WIDTH) -> str:
    """The path of a tile (`level` a number) or of a bundle of entries (`entries`).

    >>> tile_path(0, 5, 3), tile_path("entries", 1000)
    ('tile/0/005.p/3', 'tile/entries/x001/000')
    """
    return f"tile/{level}/{number_path(number)}" + (f".p/{width}" if width < WIDTH else "")


def widths(size: int, level: int) -> Iterator[tuple[int, int]]:
    """The tiles of a level in a tree of `size` leaves: number and width of each."""
    entries = size >> LEVEL_BITS * level
    for number in range(-(-entries // WIDTH)):
        yield number, min(WIDTH, entries - number * WIDTH)


def levels(size: int) -> int:
    """How many levels of tiles a tree has."""
    found = 0
    while size >> LEVEL_BITS * found:
        found += 1
    return found


def prefix_length(size: int) -> int:
    """How many hexadecimal digits of its leaves' hashes name a file of the index.

    >>> [prefix_length(size) for size in (1, 799, 800, 12_799, 12_800, 1_000_000)]
    [0, 0, 1, 1, 2, 3]
    """
    length = 0
    while size >= LEAST_IN_INDEX * 16 ** (length + 1):
        length += 1
    return length


def group_bits(size: int) -> int:
    """How many binary digits of its leaves' hashes name a group whose proofs are given together, 50 to 100 leaves.

    >>> [group_bits(size) for size in (1, 99, 100, 199, 200, 1_000_000)]
    [0, 0, 1, 1, 2, 14]
    """
    return (size // LEAST_IN_INDEX).bit_length() - 1 if size >= LEAST_IN_INDEX else 0


def index_path(prefix: str) -> str:
    return f"index/{prefix or 'all'}"


def read_bytes(home: Path, path: str) -> bytes:
    try:
        return (home / path).read_bytes()
    except OSError as error:
        raise DamagedFiles(f"{path}: {error.strerror}") from None


def read_tile(home: Path, level: int, number: int, width: int) -> bytes:
    """The first `width` hashes of a tile; a full one serves for every narrower one (older ones may be gone)."""
    path = tile_path(level, number, width)
    if width < WIDTH and not (home / path).exists() and (home / tile_path(level, number)).exists():
        path = tile_path(level, number)
    data = read_bytes(home, path)
    if len(data) < width * HASH or len(data) % HASH:
        raise DamagedFiles(f"{path}: {len(data)} bytes are not {width} hashes")
    return data[: width * HASH]


Known = dict[tuple[int, int], bytes]  # roots that were worked out already, by the leaves they cover


def _subtree(home: Path, size: int, low: int, high: int, known: Known) -> bytes:
    """The root over the leaves from `low` up to `high` of a tree of `size`, `low` a multiple of the width."""
    if (low, high) in known:
        return known[low, high]
    width = high - low
    if width & (width - 1):
        middle = low + (1 << (width - 1).bit_length() - 1)
        root = node_hash(_subtree(home, size, low, middle, known), _subtree(home, size, middle, high, known))
        known[low, high] = root
        return root
    bits = width.bit_length() - 1
    level = bits // LEVEL_BITS
    entries = size >> LEVEL_BITS * level
    number = (low >> LEVEL_BITS * level) // WIDTH
    tile = read_tile(home, level, number, min(WIDTH, entries - number * WIDTH))
    tree = Tree(tile[at : at + HASH] for at in range(0, len(tile), HASH))
    for up, row in enumerate(tree.levels[:LEVEL_BITS]):  # all of the tile: its neighbours are asked for next
        wide = 1 << (LEVEL_BITS * level + up)
        for at in range(len(row) // HASH):
            start = number * WIDTH * (1 << LEVEL_BITS * level) + at * wide
            known[start, start + wide] = bytes(row[at * HASH : (at + 1) * HASH])
    return known[low, high]


def inclusion(home: Path, position: int, size: int, known: Known | None = None) -> list[bytes]:
    """The proof of inclusion from the tiles of a tree of `size` leaves: a handful of small files.

    `known` keeps what was read for the next proof of the same tree.
    """
    if not 0 <= position < size:
        raise DamagedFiles(f"there is no leaf {position} among {size}")
    known = {} if known is None else known
    low, high, proof = 0, size, []
    while high - low > 1:
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        if position < middle:
            proof.append(_subtree(home, size, middle, high, known))
            high = middle
        else:
            proof.append(_subtree(home, size, low, middle, known))
            low = middle
    return proof[::-1]


def leaf_at(home: Path, position: int, size: int) -> bytes:
    """The hash of a leaf, from its tile."""
    number = position // WIDTH
    tile = read_tile(home, 0, number, min(WIDTH, size - number * WIDTH))
    return tile[position % WIDTH * HASH :][:HASH]


def frontier(home: Path, size: int) -> Frontier:
    """The frontier of a tree of `size` leaves: from the last tile of each level alone."""
    roots: list[bytes] = []
    for level in range(levels(size) - 1, -1, -1):
        entries = size >> LEVEL_BITS * level
        width = entries % WIDTH
        if not width:
            continue
        tile = read_tile(home, level, entries // WIDTH, width)
        roots += Frontier().extended([tile[at : at + HASH] for at in range(0, len(tile), HASH)]).roots
    return Frontier(size, tuple(roots))


def bundle(entries: Sequence[bytes]) -> bytes:
    """A bundle of entries: each after its length in two bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes, path: str) -> list[bytes]:
    """The entries of a bundle."""
    entries, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        if at + 2 + size > len(data):
            raise DamagedFiles(f"{path}: the last entry is cut off")
        entries.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    return entries


def read_bundle(home: Path, number: int, width: int) -> list[bytes]:
    """The first `width` entries of a bundle."""
    path = tile_path("entries", number, width)
    if width < WIDTH and not (home / path).exists() and (home / tile_path("entries", number)).exists():
        path = tile_path("entries", number)
    entries = unbundle(read_bytes(home, path), path)
    if len(entries) < width:
        raise DamagedFiles(f"{path}: {len(entries)} entries instead of {width}")
    return entries[:width]


def read_entries(home: Path, size: int) -> Iterator[bytes]:
    """The first `size` entries of a log, as they were published."""
    for number, width in widths(size, 0):
        yield from read_bundle(home, number, width)
