"""Receipts: that an entry stands in a log under a signed head, in one text that can be checked anywhere. Pure.

The format is c2sp.org/tlog-proof@v1; its `extra` line holds the entry itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluator.ledger.merkle import ProofError, Tree, leaf_hash, root_from_inclusion
from evaluator.ledger.notes import (
    NoteError,
    Verifier,
    decoded,
    encoded,
    number,
    read_checkpoint,
    read_vkey,
    unsigned_checkpoint,
)

FIRST = "c2sp.org/tlog-proof@v1"
LONGEST = 200_000  # characters: the longest entry in base64, a proof and a head


class ReceiptError(ValueError):
    """What is wrong with a receipt."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a receipt proves: this entry stands at this position of this log, under a head of `size` leaves."""

    origin: str
    position: int
    size: int
    entry: str

    @property
    def leaf_hash(self) -> bytes:
        return leaf_hash(self.entry.encode())


def make_receipt(entry: str, position: int, proof: Tree | Sequence[bytes], checkpoint: str) -> str:
    """The receipt of an entry under a checkpoint; `proof` is the proof itself, or a tree to take it from."""
    if isinstance(proof, Tree):
        proof = proof.inclusion(position, unsigned_checkpoint(checkpoint).size)
    lines = [FIRST, f"extra {encoded(entry.encode())}", f"index {position}", *map(encoded, proof)]
    return "\n".join(lines) + "\n\n" + checkpoint


def verify_receipt(text: str, vkey: str | Verifier) -> Verified:
    """What a receipt proves, against the log's key.

    Raises
    ------
    ReceiptError
        It proves nothing; the message says why.
    NoteError
        `vkey` itself is malformed; only when it is given as text.
    """
    if isinstance(vkey, str):
        vkey = read_vkey(vkey)
    if len(text) > LONGEST:
        raise ReceiptError("this is longer than any receipt")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != FIRST:
        raise ReceiptError(f"this is no receipt: the first line is not {FIRST}")
    if not blank:
        raise ReceiptError("the receipt is cut off: there is no empty line before the log's head")
    if len(lines) < 3 or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise ReceiptError("the second line does not begin with “extra”, or the third with “index”")
    try:
        entry = decoded(lines[1].removeprefix("extra "))
        position = number(lines[2].removeprefix("index "))
        proof = [decoded(line) for line in lines[3:]]
        signed = read_checkpoint(checkpoint, vkey)
        root = root_from_inclusion(position, signed.size, leaf_hash(entry), proof)
        said = entry.decode()
    except UnicodeDecodeError:
        raise ReceiptError("the entry is not valid UTF-8") from None
    except (NoteError, ProofError) as error:
        raise ReceiptError(str(error)) from None
    if root != signed.root:
        raise ReceiptError("the entry does not stand at this place of the log: the proof leads to another root")
    return Verified(signed.origin, position, signed.size, said)
