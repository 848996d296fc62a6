"""Whether a scheme was registered, and before a campaign's first answer: shown by logs alone, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluator.ledger.leaves import RESPONSE, EntryError, read_entry
from evaluator.ledger.merkle import Frontier, ProofError, leaf_hash, root_from_inclusion
from evaluator.ledger.notes import Checkpoint, NoteError, Verifier, read_checkpoint
from evaluator.ledger.published import DamagedFiles, inclusion, read_bytes, read_entries
from evaluator.rating.defects import InputError
from evaluator.rating.logged import audit_entry

REGISTERED = "scheme.registered"  # what the log's entry says was done


@dataclass(frozen=True, slots=True)
class Registered:
    """What a log says of a scheme."""

    position: int  # of the entry, from 0
    day: str
    why: str


@dataclass(frozen=True, slots=True)
class Opening:
    """How a campaign's log begins."""

    campaign: str
    opens: str  # the first day for answers, as it is promised there
    size: int  # of the audit log at that moment; 0: the log does not say
    root: str
    before: bool  # the audit log held the registration by then


def registered(content: bytes, proof: str, key: Verifier) -> Registered | str:
    """What a proof shows of a scheme's registration; in words why it shows nothing.

    Parameters
    ----------
    content
        The scheme's file.
    proof
        Text of the publisher's /schemes/SHA256/proof.
    key
        The audit log's key, from somewhere else than the proof.
    """
    shown = audit_entry(proof, key, REGISTERED)
    if isinstance(shown, str):
        return shown
    position, entry = shown
    here = hashlib.sha256(content).hexdigest()
    if entry.get("sha256") != here:
        said = f"{entry.get('code')} {entry.get('version')}, SHA-256 {entry.get('sha256')}"
        return f"proof is of another file: {said}; this one's is {here}"
    return _said(position, entry)


def _said(position: int, entry: Mapping[str, Any]) -> Registered:
    return Registered(position, str(entry.get("day", "")), str(entry.get("why", "")))


def opening(audit: Path, audit_key: Verifier, campaign: Path, campaign_key: Verifier, position: int) -> Opening:
    """Whether a campaign's log begins with a head of the audit log that holds the entry at `position`.

    The first entry of a campaign's log is its manifest, and no answer is taken before it is there. It names the audit
    log's head of that moment; if that head is one of the audit log's own, and holds the registration, the scheme was
    registered before the first answer, whatever any clock said.

    Parameters
    ----------
    audit, campaign
        Folders of both logs, or copies of them.
    audit_key, campaign_key
        Their keys, from somewhere else than the folders.

    Raises
    ------
    InputError
        A log is damaged, not signed by its key, or begins with no manifest; its first entry names a head that the
        audit log never had.
    """
    entry = _first(campaign, campaign_key)
    if entry.get("kind") != "manifest":
        raise InputError([f"{campaign} is no campaign's log: its first entry is of the kind {entry['kind']}"])
    head = _head(audit, audit_key)
    size, root = audit_head(entry)
    frontier, then = Frontier(), Frontier()
    for number, data in enumerate(_entries(audit, head.size), start=1):
        frontier = frontier.extended([leaf_hash(data)])
        if number == size:
            then = frontier
    if frontier.root != head.root:
        raise InputError([f"{audit}: its entries do not lead to its signed head; see evaluator log check"])
    if size > head.size:
        what = f"{campaign} names a head of {size} entries, but {audit} has {head.size}: it is an older copy"
        raise InputError([f"{what}; copy the audit log again"])
    if size and then.root.hex() != root:
        raise InputError([f"{campaign} names a head of {size} entries that {audit} never had: one of both was changed"])
    opens = str(entry["manifest"].get("opens", ""))
    return Opening(str(entry["campaign"]), opens, size, root, before=size > position)


def audit_head(manifest: Mapping[str, Any]) -> tuple[int, str]:
    """Size and root of the audit log that a manifest's entry names; size 0 where it names none."""
    said = manifest.get("audit")
    if not isinstance(said, dict) or type(said.get("size")) is not int:
        return 0, ""
    return said["size"], str(said.get("root", ""))


def _head(home: Path, key: Verifier) -> Checkpoint:
    try:
        return read_checkpoint(read_bytes(home, "checkpoint").decode(), key)
    except (NoteError, DamagedFiles, UnicodeDecodeError) as error:
        raise InputError([f"{home / 'checkpoint'}: {error}"]) from None


def _entries(home: Path, size: int) -> Iterator[bytes]:
    try:
        yield from read_entries(home, size)
    except DamagedFiles as error:
        raise InputError([f"{home}: {error}"]) from None


def _first(home: Path, key: Verifier) -> Mapping[str, Any]:
    """The first entry of a log, proved to be that of its signed head."""
    head = _head(home, key)
    data = next(_entries(home, head.size), None)
    if data is None:
        raise InputError([f"{home}: the log is empty"])
    try:
        root = root_from_inclusion(0, head.size, leaf_hash(data), inclusion(home, 0, head.size))
        text = data.decode("ascii")
        entry = {"kind": "response"} if RESPONSE.fullmatch(text) else read_entry(text)
    except (EntryError, ProofError, DamagedFiles, UnicodeDecodeError) as error:
        raise InputError([f"{home}: {error}"]) from None
    if root != head.root:
        raise InputError([f"{home}: the first entry is not that of the signed head; see evaluator log check"])
    return entry
