"""What a snapshot counted, worked out anew from a log's files alone.

Counted are all responses up to the head that the snapshot names, without those that were taken back or left out and not
taken in again by then. A snapshot of some of a campaign's days counts fewer; which days, no log tells.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from evaluator.ledger.leaves import RESPONSE, EntryError, read_entry
from evaluator.ledger.merkle import leaf_hash
from evaluator.ledger.notes import NoteError, Verifier, read_checkpoint, read_vkey
from evaluator.ledger.published import DamagedFiles, read_bytes, read_entries


@dataclass(frozen=True, slots=True)
class Recount:
    """What a snapshot's entry says, and what the log says."""

    position: int  # of the entry
    size: int  # of the log that was counted
    snapshot: str  # SHA-256 of the snapshot, as its edition names it
    whole: bool  # all days of the campaign
    said: tuple[int, str]  # how many, and the SHA-256 of their sorted hashes
    found: tuple[int, str]

    @property
    def agrees(self) -> bool | None:
        """Whether both say the same; None where the log alone cannot tell."""
        if self.whole:
            return self.said == self.found
        return None if self.said[0] <= self.found[0] else False


@dataclass(slots=True)
class _Events:
    """What bears on the count, with its position."""

    responses: list[tuple[int, str]] = field(default_factory=list)
    withdrawn: list[tuple[int, str]] = field(default_factory=list)
    moved: list[tuple[int, str, bool]] = field(default_factory=list)  # left out, or taken in again

    def counted(self, size: int) -> list[str]:
        """The leaves that count in a log of this size, sorted."""
        out = {leaf for position, leaf in self.withdrawn if position < size}
        left_out: set[str] = set()
        for position, leaf, leaving in self.moved:
            if position < size:
                (left_out.add if leaving else left_out.discard)(leaf)
        out |= left_out
        return sorted(leaf for position, leaf in self.responses if position < size and leaf not in out)


def recount(home: Path, vkey: str | Verifier) -> list[Recount]:
    """Every snapshot that a log names, counted anew. Whether the entries are those of the head says `log check`.

    Raises
    ------
    DamagedFiles
        A file is missing or unreadable, or the head is not signed by the key.
    NoteError
        `vkey` itself is malformed; only when it is given as text.
    """
    if isinstance(vkey, str):
        vkey = read_vkey(vkey)
    try:
        head = read_checkpoint(read_bytes(home, "checkpoint").decode(), vkey)
    except (NoteError, UnicodeDecodeError) as error:
        raise DamagedFiles(f"checkpoint: {error}") from None
    events, named = _Events(), []
    for position, data in enumerate(read_entries(home, head.size)):
        try:
            text = data.decode("ascii")
            if RESPONSE.fullmatch(text):
                events.responses.append((position, leaf_hash(data).hex()))
                continue
            said = read_entry(text)
        except (EntryError, UnicodeDecodeError) as error:
            raise DamagedFiles(f"entry {position}: {error}") from None
        match said["kind"]:
            case "withdrawal":
                events.withdrawn.append((position, said["leaf"]))
            case "exclusion" | "reinstatement":
                events.moved.append((position, said["leaf"], said["kind"] == "exclusion"))
            case "snapshot":
                named.append((position, said))
    found = []
    for position, said in named:
        leaves = events.counted(said["size"])
        digest = hashlib.sha256("".join(f"{leaf}\n" for leaf in leaves).encode()).hexdigest()
        found.append(
            Recount(
                position, said["size"], str(said.get("snapshot", "")), said.get("whole") is True,
                (int(said.get("counted", -1)), str(said.get("counted_sha256", ""))), (len(leaves), digest),
            )
        )  # fmt: skip
    return found
