"""Receipts as the pages show them: made from the public files of the log, verified a step at a time."""

from __future__ import annotations

from typing import Literal

import msgspec

from evaluator.ledger.keys import signer
from evaluator.ledger.leaves import EntryError, read_entry
from evaluator.ledger.notes import NoteError, read_checkpoint
from evaluator.ledger.receipts import FIRST, ReceiptError, verify_receipt
from evaluator.settings import Settings

Step = Literal["signature", "size", "position", "proof"]


class Proved(msgspec.Struct, frozen=True):
    """What was found out about a receipt, up to the step that fails."""

    origin: str
    size: int
    position: int  # from 0, as receipts count
    hashes: int
    failed: Step | Literal[""] = ""
    kind: str = ""  # of the entry that it proves
    leaf: str = ""  # its hash in hexadecimal


def tidied(text: str) -> str:
    """A receipt as it was before it went through chats and mails: no blanks around lines, the dash of a signature."""
    lines = [line.strip() for line in text.replace("\ufeff", "").strip().splitlines()]
    head, _blank, tail = "\n".join(lines).partition("\n\n")
    mended = [
        "\u2014 " + line.lstrip("-\u2013\u2014\u2212 ") if line[:1] and line[:1] in "-\u2013\u2014\u2212" else line
        for line in tail.split("\n")
    ]
    return head + "\n\n" + "\n".join(mended) + "\n"


def looks_like_receipt(text: str) -> bool:
    """Whether a text begins as receipts do."""
    return text.replace("\ufeff", "").lstrip().startswith(FIRST)


def origin_of(text: str) -> str:
    """The log that a receipt says it is of; blank when it says nothing."""
    lines = tidied(text).partition("\n\n")[2].split("\n")
    return lines[0] if lines else ""


def examine(settings: Settings, log_name: str, text: str) -> Proved:
    """Verify a receipt against this site's key of a log, step by step."""
    text = tidied(text)
    verifier = signer(settings, log_name).verifier
    head, _blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    hashes = max(len(lines) - 3, 0)
    try:
        signed = read_checkpoint(checkpoint, verifier)
    except NoteError:
        return Proved(verifier.name, 0, 0, hashes, "signature")
    number = lines[2].removeprefix("index ") if len(lines) > 2 else ""
    position = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1
    if not 0 <= position < signed.size:
        return Proved(verifier.name, signed.size, position, hashes, "position")
    try:
        verified = verify_receipt(text, verifier)
    except ReceiptError:
        return Proved(verifier.name, signed.size, position, hashes, "proof")
    try:
        kind = str(read_entry(verified.entry)["kind"])
    except EntryError:
        kind = ""
    return Proved(verifier.name, signed.size, position, hashes, kind=kind, leaf=verified.leaf_hash.hex())
