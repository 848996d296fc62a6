"""Receipts, good and bad, that every verifier must judge alike: Python's, the small script and the browser's.

``python -m tests.ledger.receipt_cases`` writes receipt_cases.json anew.
"""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evaluator.ledger.leaves import entry
from evaluator.ledger.merkle import Tree, leaf_hash
from evaluator.ledger.notes import PRIME, SMALL_ORDER, Signer, checkpoint
from evaluator.ledger.receipts import make_receipt
from tests.ledger.entries import responses

FILE = Path(__file__).with_suffix(".json")
NAME = "example.org/log/campaign/spring"
SIGNER = Signer(NAME, bytes(range(32)))
ORDER = 2**252 + 27742317777372353535851937790883648493
ENTRIES = [entry("manifest", campaign="spring", at=0, manifest={"title": "\u6625 \u2014 spring"}), *responses(1, 700)]
TREE = Tree(leaf_hash(one.encode()) for one in ENTRIES)


def head(size: int, signer: Signer = SIGNER) -> str:
    return checkpoint(signer.origin, size, TREE.root(size), signer)


def good(position: int = 4, size: int = 11) -> str:
    return make_receipt(ENTRIES[position], position, TREE, head(size))


def key_of(point: bytes, kind: bytes = b"\1", name: str = NAME) -> str:
    ident = sha256(name.encode() + b"\n" + kind + point).digest()[:4].hex()
    return f"{name}+{ident}+{base64.b64encode(kind + point).decode()}"


def signed_by(vkey: str, signature: bytes, text: str | None = None) -> str:
    """A receipt whose head has a signature that was not made by signing."""
    name, ident, _ = vkey.split("+", 2)
    text = text or head(11).rpartition("\n\n")[0]
    data = base64.b64encode(bytes.fromhex(ident) + signature).decode()
    return make_receipt(ENTRIES[4], 4, TREE.inclusion(4, 11), f"{text}\n\n\u2014 {name} {data}\n")


def real_signature() -> bytes:
    return base64.b64decode(head(11).rsplit(" ", 1)[1])[4:]


def cases() -> list[dict[str, Any]]:
    """Name, receipt, key, and what it proves, or null and why not (`reason` as the browser's script gives it)."""
    found: list[dict[str, Any]] = []

    def add(
        name: str, receipt: str, reason: str = "", key: str = SIGNER.vkey, position: int = 4, size: int = 11
    ) -> None:
        proved = None if reason else {"position": position, "size": size, "entry": ENTRIES[position], "origin": NAME}
        found.append({"name": name, "receipt": receipt, "key": key, "proves": proved, "reason": reason})

    for position, size in (
        (0, 1),
        (0, 2),
        (1, 2),
        (4, 11),
        (10, 11),
        (255, 256),
        (256, 257),
        (0, 700),
        (699, 700),
        (511, 513),
    ):
        add(f"good: {position} of {size}", good(position, size), position=position, size=size)
    receipt = good()
    other = Signer("example.org/witness", bytes(range(1, 33)))
    add("good: a witness signed too", receipt + other.sign("x\n").split("\n\n")[1])
    text = head(11).rpartition("\n\n")[0] + "\nmore\n"
    add("good: a line that is not known yet", make_receipt(ENTRIES[4], 4, TREE.inclusion(4, 11), SIGNER.sign(text)))

    lines = receipt.split("\n")
    for at, line in enumerate(lines):
        if not line:
            continue
        for place in sorted({0, len(line) // 2, len(line) - 1, len(line) - 2}):
            changed = line[:place] + chr(ord(line[place]) ^ 1) + line[place + 1 :]
            add(f"line {at}: character {place} changed", "\n".join([*lines[:at], changed, *lines[at + 1 :]]), "any")
        add(f"line {at} left out", "\n".join(lines[:at] + lines[at + 1 :]), "any")
        add(f"line {at} twice", "\n".join(lines[: at + 1] + lines[at:]), "any" if at < len(lines) - 2 else "")
        add(f"line {at} with a blank behind it", "\n".join([*lines[:at], line + " ", *lines[at + 1 :]]), "any")
    for at in (0, 1, 30, len(receipt) // 2, len(receipt) - 1):
        add(f"cut off after {at}", receipt[:at], "format")
    for name, before, after in (("behind", "", "\n"), ("before", "\n", ""), ("with a mark", "\ufeff", "")):
        add(f"something more {name}", before + receipt + after, "format")
    add("line ends of Windows", receipt.replace("\n", "\r\n"), "format")
    add("two proof hashes exchanged", "\n".join([*lines[:3], lines[4], lines[3], *lines[5:]]), "proof")
    add("a hash more", "\n".join([*lines[:3], *lines[3:7], lines[3], *lines[7:]]), "proof")
    add("a hash of 31 bytes", receipt.replace(lines[3], base64.b64encode(bytes(31)).decode()), "proof")
    for number in ("04", "+4", "-4", "4.0", "4e0", " 4", "\u0664", "", "99999999999999999999"):
        add(f"index {number!r}", receipt.replace("index 4", f"index {number}"), "format")
    add("index outside the log", receipt.replace("index 4", "index 11"), "position")
    add("index of a neighbour", receipt.replace("index 4", "index 5"), "proof")
    add("another leaf", make_receipt(ENTRIES[5], 4, TREE.inclusion(4, 11), head(11)), "proof")
    add("a leaf at another place", make_receipt(ENTRIES[4], 5, TREE.inclusion(5, 11), head(11)), "proof")
    add("an inner node as a leaf", make_receipt("\1" + "x" * 64, 4, TREE.inclusion(4, 11), head(11)), "proof")
    add("the proof of another head", make_receipt(ENTRIES[4], 4, TREE.inclusion(4, 12), head(11)), "proof")
    forged = Tree([*(TREE.leaf(at) for at in range(10)), leaf_hash(b"forged")])
    forger = Signer(NAME, bytes(32))
    add("a head that somebody else signed", make_receipt(ENTRIES[4], 4, TREE, head(11, forger)), "signature")
    ours_for_theirs = signed_by(
        SIGNER.vkey, real_signature(), checkpoint(NAME, 11, forged.root(), forger).rpartition("\n\n")[0]
    )
    add("a forged head with a signature of another one", ours_for_theirs, "signature")
    add("the key of somebody else", receipt, "signature", key=forger.vkey)
    autumn = Signer("example.org/log/campaign/autumn", bytes(range(32)))
    add("the key of another campaign's log", receipt, "signature", key=autumn.vkey)
    add("a head of another campaign's log", make_receipt(ENTRIES[4], 4, TREE, head(11, autumn)), "signature")
    renamed = SIGNER.sign(head(11, autumn).rpartition("\n\n")[0] + "\n")
    add(
        "another log's head, signed with this key",
        make_receipt(ENTRIES[4], 4, TREE.inclusion(4, 11), renamed),
        "signature",
    )
    for root in ("", "AAAA", base64.b64encode(bytes(33)).decode()):
        note = SIGNER.sign(f"{NAME}\n11\n{root}\n")
        add(f"a signed head with the root {root!r}", make_receipt(ENTRIES[4], 4, TREE.inclusion(4, 11), note), "any")
    for size in ("011", "0", "-1"):
        note = SIGNER.sign(f"{NAME}\n{size}\n{base64.b64encode(TREE.root(11)).decode()}\n")
        add(f"a signed head of the size {size}", make_receipt(ENTRIES[4], 4, TREE.inclusion(4, 11), note), "any")

    r, s = real_signature()[:32], int.from_bytes(real_signature()[32:], "little")
    add("a signature with the order added", signed_by(SIGNER.vkey, r + (s + ORDER).to_bytes(32, "little")), "signature")
    add("a signature of 63 bytes", signed_by(SIGNER.vkey, real_signature()[:63]), "signature")
    add("a signature of 65 bytes", signed_by(SIGNER.vkey, real_signature() + b"\0"), "signature")
    add("a signature of nothing but zeros", signed_by(SIGNER.vkey, bytes(64)), "signature")
    add(
        "a signature whose point is no point",
        signed_by(SIGNER.vkey, (2).to_bytes(32, "little") + bytes(32)),
        "signature",
    )
    for y in sorted(SMALL_ORDER):  # of the first, R + hA = 0 for every text: anybody signs
        for sign in (0, 1):
            point = (y | sign << 255).to_bytes(32, "little")
            key = key_of(point)
            add(
                f"a key of small order: {point.hex()}",
                signed_by(key, (1).to_bytes(32, "little") + bytes(32)),
                "key",
                key=key,
            )
    for y in (PRIME, PRIME + 1, PRIME + 18):
        key = key_of(y.to_bytes(32, "little"))
        add(f"a key in a second spelling: {y - PRIME}", signed_by(key, bytes(64)), "key", key=key)
    outside = key_of((2).to_bytes(32, "little"))
    add("a key that is no point", signed_by(outside, bytes(64)), "any", key=outside)
    public = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
    for name, key in {
        "of another kind": key_of(public, b"\4"),
        "of 31 bytes": key_of(public[:31]),
        "of 33 bytes": key_of(public + b"\0"),
        "whose ID is of another one": SIGNER.vkey.replace("+71bab456+", "+71bab457+"),
        "cut off": SIGNER.vkey[:-1],
        "without a name": "+" + SIGNER.vkey.split("+", 1)[1],
        "that is empty": "",
    }.items():
        add(f"a key {name}", receipt, "key", key=key)
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(cases(), ensure_ascii=True, indent=0) + "\n")
