"""Entries and receipts: what they prove, and that any change is refused."""

from __future__ import annotations

from typing import Any

import pytest

from evaluator.ledger.leaves import KINDS, LONGEST, EntryError, entry, placed, read_entry
from evaluator.ledger.merkle import Tree, leaf_hash
from evaluator.ledger.notes import NoteError, Signer, checkpoint
from evaluator.ledger.receipts import ReceiptError, make_receipt, verify_receipt

SIGNER = Signer("example.org/log/campaign/spring", bytes(range(32)))
SIZE = 11
FIELDS: dict[str, dict[str, Any]] = {
    "response": {"campaign": "spring", "commitment": "0" * 64},
    "manifest": {"campaign": "spring", "manifest": {"rules": ["too_fast"], "title": "\u6625"}},
    "withdrawal": {"campaign": "spring", "leaf": "1" * 64},
    "exclusion": {"campaign": "spring", "leaf": "2" * 64, "rule": "duplicate"},
    "reinstatement": {"campaign": "spring", "leaf": "2" * 64},
    "snapshot": {"campaign": "spring", "size": 7, "root": "3" * 64, "counts": {"3701": 12}},
    "closing": {"campaign": "spring", "responses": 12},
    "key_destroyed": {"campaign": "spring"},
    "audit": {"what": "campaign.opened", "by": "operator 3"},
}


def response(number: int) -> str:
    return entry("response", campaign="spring", commitment=f"{number:064x}")


ENTRIES = [response(number) for number in range(SIZE)]
TREE = Tree(leaf_hash(one.encode()) for one in ENTRIES)
HEAD = checkpoint(SIGNER.origin, SIZE, TREE.root(), SIGNER)


def test_an_entry_has_one_spelling() -> None:
    assert response(1) == f'{{"campaign":"spring","commitment":"{1:064x}","kind":"response"}}'
    assert set(FIELDS) == set(KINDS)
    for kind, fields in FIELDS.items():
        text = entry(kind, **fields)
        assert text.isascii()
        assert read_entry(text) == {"kind": kind, **fields}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        "\x00",
        '{"kind":"response"}',
        '{"kind":"closing","campaign":"spring"}',  # not sorted
        '{"campaign": "spring","kind":"closing"}',
        '{"campaign":"spring","campaign":"spring","kind":"closing"}',
        '{"campaign":"spring","kind":"closing","n":NaN}',
        '{"campaign":"spring","kind":"closing","title":"\u6625"}',
        '{"campaign":"spring","kind":"closing","title":"\\u00E9"}',
        '{"campaign":"spring","kind":"closing"} ',
        '{"campaign":"spring","kind":"other"}',
        '{"campaign":"spring","kind":["closing"]}',
        '{"campaign":"../spring","kind":"closing"}',
        '{"at":-1,"campaign":"spring","kind":"closing"}',
        '{"at":true,"campaign":"spring","kind":"closing"}',
        '{"kind":"audit","what":"Opened it"}',
        "[" * 100_000,
        f'{{"campaign":"spring","kind":"closing","more":"{"x" * LONGEST}"}}',
    ],
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(EntryError):
        read_entry(text)


@pytest.mark.parametrize("kind", FIELDS)
def test_an_entry_that_lacks_a_field_or_has_a_wrong_one_is_refused(kind: str) -> None:
    for name in KINDS[kind]:
        with pytest.raises(EntryError, match=name):
            entry(kind, **{key: value for key, value in FIELDS[kind].items() if key != name})
        with pytest.raises(EntryError, match=name):
            entry(kind, **{**FIELDS[kind], name: None})
    with pytest.raises(EntryError):
        entry(kind, **FIELDS[kind], more=float("nan"))
    with pytest.raises(EntryError):
        entry(kind, **FIELDS[kind], more=object())


def test_nothing_more_may_be_said_of_a_response() -> None:
    with pytest.raises(EntryError, match="nothing but"):
        entry("response", **FIELDS["response"], unit="3701")


def test_an_entry_gets_its_position_and_belongs_into_one_log_only() -> None:
    assert placed(response(1), 5, 3, "spring") == response(1)
    closing = entry("closing", campaign="spring")
    assert read_entry(placed(closing, 5, 3, "spring"))["at"] == 5
    assert read_entry(placed(entry("closing", campaign="spring", at=4), 5, 3, "spring"))["at"] == 4
    for at in (2, 6):
        with pytest.raises(EntryError, match="written for position"):
            placed(entry("closing", campaign="spring", at=at), 5, 3, "spring")
    audit = entry("audit", what="campaign.opened")
    assert read_entry(placed(audit, 0, 0, None))["at"] == 0
    for text, campaign in (
        (response(1), "autumn"),
        (response(1), None),
        (closing, "autumn"),
        (closing, None),
        (audit, "spring"),
        (entry("audit", what="x", campaign="spring"), "spring"),
    ):
        with pytest.raises(EntryError, match="does not belong"):
            placed(text, 5, 3, campaign)


@pytest.mark.parametrize("position", range(SIZE))
def test_a_receipt_proves_its_entry(position: int) -> None:
    text = make_receipt(ENTRIES[position], position, TREE, HEAD)
    assert text == make_receipt(ENTRIES[position], position, TREE.inclusion(position), HEAD)
    found = verify_receipt(text, SIGNER.vkey)
    assert (found.origin, found.position, found.size) == (SIGNER.origin, position, SIZE)
    assert (found.entry, found.leaf_hash) == (ENTRIES[position], TREE.leaf(position))


def test_any_changed_byte_of_a_receipt_is_refused() -> None:
    data = make_receipt(ENTRIES[4], 4, TREE, HEAD).encode()
    for at in range(len(data)):
        for change in (*(1 << bit for bit in range(8)), None):
            bad = data[:at] + (b"" if change is None else bytes([data[at] ^ change])) + data[at + 1 :]
            try:
                text = bad.decode()
            except UnicodeDecodeError:
                continue
            with pytest.raises(ReceiptError):
                verify_receipt(text, SIGNER.vkey)


def test_a_receipt_that_is_cut_or_longer_is_refused() -> None:
    text = make_receipt(ENTRIES[4], 4, TREE, HEAD)
    for at in range(len(text)):
        with pytest.raises(ReceiptError):
            verify_receipt(text[:at], SIGNER.vkey)
    for more in ("\n", " ", "x\n"):
        for bad in (text + more, more + text):
            with pytest.raises(ReceiptError):
                verify_receipt(bad, SIGNER.vkey)
    with pytest.raises(ReceiptError, match="longer than any"):
        verify_receipt(text * 1000, SIGNER.vkey)


def test_swapped_leaves_forged_heads_and_other_logs_are_refused() -> None:
    receipt = make_receipt(ENTRIES[4], 4, TREE, HEAD)
    swapped = make_receipt(ENTRIES[5], 4, TREE, HEAD)
    moved = make_receipt(ENTRIES[4], 5, TREE.inclusion(4), HEAD)
    for bad in (swapped, moved):
        with pytest.raises(ReceiptError, match="another root"):
            verify_receipt(bad, SIGNER.vkey)
    forger = Signer(SIGNER.origin, bytes(32))
    other = Tree([*(TREE.leaf(position) for position in range(SIZE - 1)), leaf_hash(b"forged")])
    forged = make_receipt(ENTRIES[4], 4, other, checkpoint(SIGNER.origin, SIZE, other.root(), forger))
    with pytest.raises(ReceiptError, match="not signed by the key"):
        verify_receipt(forged, SIGNER.vkey)
    with pytest.raises(ReceiptError, match="not signed by the key"):
        verify_receipt(receipt, forger.vkey)
    autumn = Signer("example.org/log/campaign/autumn", bytes(range(32)))
    with pytest.raises(ReceiptError, match=r"not signed by the key of example\.org/log/campaign/autumn"):
        verify_receipt(receipt, autumn.vkey)
    with pytest.raises(NoteError):
        verify_receipt(receipt, "no key")


def test_a_receipt_of_an_older_head_stays_good() -> None:
    old = checkpoint(SIGNER.origin, 5, TREE.root(5), SIGNER)
    assert verify_receipt(make_receipt(ENTRIES[4], 4, TREE, old), SIGNER.vkey).size == 5
