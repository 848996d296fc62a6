"""Proofs for a whole group of responses at once, so that nobody learns which of them somebody looks for.

The index of leaves and the tiles are enough to make a proof, but whoever reads a file of the index (some leaves by
their hash) and then a tile (some leaves by their position) says by both together which leaf it is. So a browser asks
for a group by the first binary digits of the hash, at least 50 on average, and gets the proofs of all in it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from evaluator.ledger.leaves import RESPONSE
from evaluator.ledger.notes import encoded, unsigned_checkpoint
from evaluator.ledger.published import (
    SHORT,
    WIDTH,
    Known,
    group_bits,
    inclusion,
    index_path,
    prefix_length,
    read_bundle,
    read_bytes,
)


class Group(msgspec.Struct, frozen=True):
    """The proofs of a group under one head."""

    checkpoint: str
    hashes: list[str]  # of all proofs, each once, in base64
    leaves: list[tuple[int, str, list[int]]]  # position, entry, places in `hashes` of the hashes of its proof


@lru_cache(maxsize=64)
def group(home: Path, checkpoint: str, bits: str) -> bytes | None:
    """A group as JSON; None when the head has groups of another width.

    Parameters
    ----------
    home : Path
        A log's folder.
    checkpoint : str
        Its published head.
    bits : str
        The first binary digits of the leaves' hashes.
    """
    size = unsigned_checkpoint(checkpoint).size
    if len(bits) != group_bits(size):
        return None
    length = prefix_length(size)
    prefix = f"{int(bits[: length * 4], 2):0{length}x}" if length else ""
    known: Known = {}
    bundles: dict[int, list[bytes]] = {}
    places: dict[bytes, int] = {}
    leaves = []
    for line in read_bytes(home, index_path(prefix)).decode("ascii").splitlines():
        short, _, text = line.partition(" ")
        position = int(text)
        if position >= size or not f"{int(short, 16):0{SHORT * 4}b}".startswith(bits):
            continue
        number = position // WIDTH
        if number not in bundles:
            bundles[number] = read_bundle(home, number, min(WIDTH, size - number * WIDTH))
        entry = bundles[number][position % WIDTH].decode()
        if not RESPONSE.fullmatch(entry):
            continue
        proof = inclusion(home, position, size, known)
        leaves.append((position, entry, [places.setdefault(one, len(places)) for one in proof]))
    return msgspec.json.encode(Group(checkpoint, [encoded(one) for one in places], leaves))
