"""Merkle trees of RFC 6962 and 9162 over SHA-256: roots, proofs, and what is needed to go on appending. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH = 32  # bytes
EMPTY_ROOT = sha256().digest()


class ProofError(ValueError):
    """A proof that cannot be right, whatever it is about."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def _pairs(hashes: bytes | bytearray) -> list[bytes]:
    """The parents of pairs of hashes that stand in a row; an odd one out is left."""
    return [sha256(b"\1" + hashes[at : at + 64]).digest() for at in range(0, len(hashes) // 64 * 64, 64)]


def _split(size: int) -> int:
    """The largest power of two that is smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


class Tree:
    """A whole tree in memory, 64 bytes a leaf. `levels[i]`: the roots of complete subtrees of 2^i leaves, in a row."""

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self.levels: list[bytearray] = [bytearray()]
        self.extend(hashes)

    def __len__(self) -> int:
        return len(self.levels[0]) // HASH

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Append leaves by their hashes."""
        self.levels[0] += b"".join(hashes)
        level = 0
        while complete := len(self.levels[level]) // 64:
            if len(self.levels) == level + 1:
                self.levels.append(bytearray())
            above = self.levels[level + 1]
            have = len(above) // HASH
            if have == complete:
                break
            above += b"".join(_pairs(self.levels[level][64 * have : 64 * complete]))
            level += 1

    def leaf(self, position: int) -> bytes:
        """The hash of the leaf at `position`."""
        if not 0 <= position < len(self):
            raise ProofError(f"there is no leaf {position} among {len(self)}")
        return bytes(self.levels[0][position * HASH : (position + 1) * HASH])

    def _hash(self, low: int, high: int) -> bytes:
        """The root over the leaves from `low` up to `high`, where `low` is a multiple of the subtree's width."""
        size = high - low
        if size & (size - 1) == 0:
            level = size.bit_length() - 1
            at = (low >> level) * HASH
            return bytes(self.levels[level][at : at + HASH])
        middle = low + _split(size)
        return node_hash(self._hash(low, middle), self._hash(middle, high))

    def _sized(self, size: int | None) -> int:
        size = len(self) if size is None else size
        if not 0 <= size <= len(self):
            raise ProofError(f"the tree has {len(self)} leaves, not {size}")
        return size

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves, by default all."""
        size = self._sized(size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion(self, position: int, size: int | None = None) -> list[bytes]:
        """The proof that the leaf at `position` is in the tree of the first `size` leaves, from the leaf upwards."""
        low, high = 0, self._sized(size)
        if not 0 <= position < high:
            raise ProofError(f"there is no leaf {position} among {high}")
        proof = []
        while high - low > 1:
            middle = low + _split(high - low)
            if position < middle:
                proof.append(self._hash(middle, high))
                high = middle
            else:
                proof.append(self._hash(low, middle))
                low = middle
        return proof[::-1]

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves."""
        new = self._sized(new)
        if not 0 < old <= new:
            raise ProofError(f"a tree of {old} leaves is not the beginning of one of {new}")
        low, high, whole, proof = 0, new, True, []
        while old != high - low:
            middle = low + _split(high - low)
            if old <= middle - low:
                proof.append(self._hash(middle, high))
                high = middle
            else:
                proof.append(self._hash(low, middle))
                old -= middle - low
                low, whole = middle, False
        if not whole:
            proof.append(self._hash(low, high))
        return proof[::-1]


def root_from_inclusion(position: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a proof of inclusion leads to (RFC 9162, 2.1.3.2); compare it with a signed one.

    Raises
    ------
    ProofError
        The proof has the wrong length, or the position is outside the tree.
    """
    if not 0 <= position < size:
        raise ProofError(f"there is no leaf {position} among {size}")
    first, last, root = position, size - 1, leaf
    for one in proof:
        if len(one) != HASH:
            raise ProofError("a hash of the proof has not 32 bytes")
        if last == 0:
            raise ProofError("the proof is too long")
        if first & 1 or first == last:
            root = node_hash(one, root)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            root = node_hash(root, one)
        first >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short")
    return root


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Refuse two heads of which one does not continue the other (RFC 9162, 2.1.4.2).

    Raises
    ------
    ProofError
        The proof does not lead to both roots.
    """
    if not 0 < old <= new:
        raise ProofError(f"a tree of {old} leaves is not the beginning of one of {new}")
    if any(len(one) != HASH for one in proof):
        raise ProofError("a hash of the proof has not 32 bytes")
    if old == new:
        if proof:
            raise ProofError("two heads of one size need no proof")
        if old_root != new_root:
            raise ProofError("two heads of one size have different roots")
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise ProofError("the proof is too short")
    first, last = old - 1, new - 1
    while first & 1:
        first >>= 1
        last >>= 1
    before = after = path[0]
    for one in path[1:]:
        if last == 0:
            raise ProofError("the proof is too long")
        if first & 1 or first == last:
            before, after = node_hash(one, before), node_hash(one, after)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            after = node_hash(after, one)
        first >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short")
    if before != old_root:
        raise ProofError("the proof does not lead to the older root")
    if after != new_root:
        raise ProofError("the proof does not lead to the newer root")


@dataclass(frozen=True, slots=True)
class Frontier:
    """All of a tree that appending needs: the roots of its complete subtrees, largest first (one a binary digit of the
    size)."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.roots) != self.size.bit_count() or any(len(root) != HASH for root in self.roots):
            raise ProofError(f"these are not the complete subtrees of a tree of {self.size} leaves")

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        if not self.roots:
            return EMPTY_ROOT
        root = self.roots[-1]
        for left in self.roots[-2::-1]:
            root = node_hash(left, root)
        return root

    def extended(self, hashes: Sequence[bytes]) -> Frontier:
        """The frontier after appending leaves by their hashes.

        >>> Frontier().extended([leaf_hash(b"")]).root == leaf_hash(b"")
        True
        """
        size = self.size + len(hashes)
        left = list(self.roots)  # the smallest subtree is the last one
        row, roots, level = b"".join(hashes), [], 0
        while row or left:
            if self.size >> level & 1:
                row = left.pop() + row
            if len(row) // HASH & 1:
                roots.append(row[-HASH:])
            row = b"".join(_pairs(row))
            level += 1
        return Frontier(size, tuple(roots[::-1]))

    def text(self) -> str:
        """The roots in hexadecimal, one behind the other."""
        return b"".join(self.roots).hex()

    @classmethod
    def read(cls, size: int, text: str) -> Frontier:
        """The frontier that `text` of a tree of `size` leaves was made from."""
        try:
            row = bytes.fromhex(text)
        except ValueError:
            raise ProofError("a frontier is written in hexadecimal") from None
        return cls(size, tuple(row[at : at + HASH] for at in range(0, len(row), HASH)))
