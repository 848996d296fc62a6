"""Notes against the vectors of Go's golang.org/x/mod/sumdb/note (note_test.go), and what must be refused."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest

from evaluator.ledger.notes import (
    PRIME,
    SMALL_ORDER,
    D,
    NoteError,
    Signer,
    check_public_key,
    checkpoint,
    open_note,
    read_checkpoint,
    read_vkey,
)

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH = (
    "\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
NOTE = TEXT + "\n" + PETER


def test_the_published_key_signs_the_published_note() -> None:
    signer = Signer("PeterNeumann", SEED)
    assert signer.vkey == VKEY
    assert signer.sign(TEXT) == NOTE
    assert open_note(NOTE, VKEY) == TEXT


def test_a_note_with_several_signatures_opens_with_each_key() -> None:
    both = NOTE + ENOCH
    assert open_note(both, VKEY) == open_note(both, ENOCH_VKEY) == TEXT
    assert open_note(NOTE + PETER, VKEY) == TEXT
    with pytest.raises(NoteError, match="not signed by the key of EnochRoot"):
        open_note(NOTE, ENOCH_VKEY)


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER[:-1],
        "\x01" + TEXT + "\n" + PETER,
        "\udcff" + TEXT + "\n" + PETER,
        TEXT + "\n" + PETER.replace("PeterNeumann", "Bad Name"),
        TEXT + "\n" + PETER + "Unexpected line.\n",
        TEXT + "\n" + PETER * 101,
        TEXT + "\n" + PETER[:60] + "ABCD" + PETER[60:],
        TEXT + "\n" + PETER.replace("\u2014", "-"),
        TEXT + "\n" + PETER.replace("nAM=", "nAN="),  # the same bytes in another spelling
        TEXT + "\n" + PETER.replace("\n", "\r\n"),
        TEXT + "\n\u2014 PeterNeumann x08g\n",
        TEXT.replace("you", "You") + "\n" + PETER,
        "",
        "\n\n",
        "x" * 1_000_000 + NOTE,
    ],
)
def test_a_malformed_or_changed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        open_note(note, VKEY)


def test_any_changed_byte_is_refused() -> None:
    data = NOTE.encode()
    for at in range(len(data)):
        for change in (1, 0x20, 0x80):
            bad = bytearray(data)
            bad[at] ^= change
            try:
                text = bad.decode()
            except UnicodeDecodeError:
                continue
            with pytest.raises(NoteError):
                open_note(text, VKEY)


def test_a_mangled_key_is_refused() -> None:
    """As in Go: every part of it, every changed character, another length, another kind."""
    for first in range(len(VKEY) + 1):
        for last in range(first + 1, len(VKEY) + 1):
            if (first, last) != (0, len(VKEY)):
                with pytest.raises(NoteError):
                    read_vkey(VKEY[first:last])
    for at in range(len(VKEY)):
        with pytest.raises(NoteError):
            read_vkey(VKEY[:at] + chr(ord(VKEY[at]) + 1) + VKEY[at + 1 :])
    for bad in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(NoteError):
            read_vkey(bad)


Point = tuple[int, int]


def plus(p: Point, q: Point) -> Point:
    """Addition on the curve, as in RFC 8032, 5.1.4, in affine coordinates."""
    product = D * p[0] * q[0] * p[1] * q[1] % PRIME
    x = (p[0] * q[1] + q[0] * p[1]) * pow(1 + product, -1, PRIME) % PRIME
    return x, (p[1] * q[1] + p[0] * q[0]) * pow(1 - product, -1, PRIME) % PRIME


def x_of(y: int) -> int:
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert x * x % PRIME == square
    return x


def test_the_list_of_small_orders_is_right_and_complete() -> None:
    found = set()
    for y in SMALL_ORDER:
        for x in {x_of(y), -x_of(y) % PRIME}:
            eighth = point = (x, y)
            for _ in range(3):
                eighth = plus(eighth, eighth)
            assert eighth == (0, 1)
            found.add(point)
    assert len(found) == 8  # the cofactor: there are no more


def forged_key(data: bytes) -> str:
    key = b"\x01" + data
    return f"log+{sha256(b'log' + bytes([10]) + key).digest()[:4].hex()}+{base64.b64encode(key).decode()}"


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", sorted({*SMALL_ORDER, *range(PRIME, 2**255)}))
def test_points_of_small_order_and_second_spellings_are_refused(y: int, sign: int) -> None:
    data = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(NoteError, match="small order" if y < PRIME else "canonically"):
        read_vkey(forged_key(data))


def test_what_is_no_point_is_refused() -> None:
    with pytest.raises(NoteError, match="no point"):
        check_public_key((2).to_bytes(32, "little"))  # RFC 8032: y = 2 has no x
    with pytest.raises(NoteError, match="32 bytes"):
        check_public_key(bytes(31))
    check_public_key(base64.b64decode(VKEY.split("+", 2)[2])[1:])


def test_a_checkpoint_is_read_with_its_own_key_only() -> None:
    seed, root = bytes(range(32)), sha256(b"root").digest()
    signer, other = Signer("example.org/log/audit", seed), Signer("example.org/log/campaign/spring", seed)
    note = checkpoint(signer.origin, 7, root, signer)
    head = read_checkpoint(note, signer.vkey)
    assert (head.origin, head.size, head.root) == (signer.origin, 7, root)
    with pytest.raises(NoteError, match=r"not signed by the key of example\.org/log/campaign/spring"):
        read_checkpoint(note, other.vkey)
    with pytest.raises(NoteError, match="the head is of the log"):
        read_checkpoint(checkpoint(other.origin, 7, root, signer), signer.vkey)


@pytest.mark.parametrize(
    "text",
    [
        "log\n1\n",
        "log\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "log\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "log\n\u0661\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "log\n1\nAAAA\n",
        "log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
        "log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\nmore\n",
        "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    ],
)
def test_a_malformed_head_is_refused_though_it_is_signed(text: str) -> None:
    signer = Signer("log", bytes(32))
    with pytest.raises(NoteError):
        read_checkpoint(signer.sign(text), signer.vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "\u200b"])
def test_what_cannot_name_a_key_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        Signer(name, bytes(32))


@pytest.mark.parametrize("text", ["no line end", "a\tb\n", ""])
def test_what_cannot_be_signed_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Signer("log", bytes(32)).sign(text)
