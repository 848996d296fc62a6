"""Whether an edition is the very one that its publisher's log says was published. Files only, no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluator.ledger.leaves import EntryError, read_entry
from evaluator.ledger.notes import NoteError, Verifier, read_vkey
from evaluator.ledger.receipts import ReceiptError, verify_receipt
from evaluator.rating.defects import InputError
from evaluator.rating.edition import SUMS, read_note
from evaluator.rating.folders import sha256_of

PUBLISHED = "edition.published"  # what the log's entry says was done


def read_key(text: str) -> Verifier:
    """A log's key as it is published; InputError when it was mistyped."""
    try:
        return read_vkey(text.strip())
    except NoteError as error:
        raise InputError([f"--key: {error}"]) from None


def not_logged(edition: Path, proof: str, key: Verifier) -> list[str]:
    """Why a proof does not show that this edition was published; nothing when it does.

    Parameters
    ----------
    edition
        The folder.
    proof
        Text of the publisher's /editions/IDENTIFIER/proof.
    key
        The audit log's key, from somewhere else than the proof.
    """
    shown = audit_entry(proof, key, PUBLISHED)
    if isinstance(shown, str):
        return [shown]
    _position, entry = shown
    found = []
    path = edition / SUMS
    here = sha256_of(path) if path.is_file() else "nothing"
    name = read_note(edition).identifier
    if entry.get("edition") != name:
        found.append(f"proof is of the edition {entry.get('edition')}; this one is {name}")
    if entry.get("sums") != here:
        found.append(f"{SUMS} is not the one that was logged: logged {entry.get('sums')} here {here}")
    return found


def audit_entry(proof: str, key: Verifier, what: str) -> tuple[int, Mapping[str, Any]] | str:
    """Position and content of the entry of the audit log that a proof shows; in words why it shows none on `what`."""
    try:
        shown = verify_receipt(proof, key)
        entry = read_entry(shown.entry)
    except (ReceiptError, EntryError) as error:
        return f"proof {error}"
    if entry.get("kind") != "audit" or entry.get("what") != what:
        return f"proof is of another entry of the log: {entry.get('what', entry['kind'])}"
    return shown.position, entry
