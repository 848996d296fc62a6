"""Signed notes and checkpoints of C2SP (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) with Ed25519. Pure.

Everything that has two spellings is refused in all but one: base64 with stray bits, numbers with leading zeros, points
that are not written canonically. So a changed byte is a refused note, always.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"  # the kind of key, as in C2SP
LONGEST = 1_000_000  # bytes of a note
MOST_SIGNATURES = 100
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")  # all but the line end
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
# y of the eight points whose order divides 8 (RFC 7748 curve in Edwards form; as listed in libsodium's blocklist)
_EIGHTH = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER = frozenset({0, 1, PRIME - 1, _EIGHTH, PRIME - _EIGHTH})


class NoteError(ValueError):
    """A note, a checkpoint or a key that is malformed or not signed by the key; the message says which."""


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes:
    """The bytes of base64, in the one spelling that `encoded` gives."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError(f"{text[:60]!r} is not base64") from None
    if encoded(data) != text:
        raise NoteError(f"{text[:60]!r} is base64 in another spelling than the only one")
    return data


def number(text: str) -> int:
    """A whole number in its one spelling."""
    if not NUMBER.fullmatch(text):
        raise NoteError(f"{text[:30]!r} is not a number without leading zeros")
    return int(text)


def check_public_key(key: bytes) -> None:
    """Refuse what is no point, a point in a second spelling, and points of small order: for such a key anybody can
    make signatures that hold for many texts.

    Raises
    ------
    NoteError
        It says which.
    """
    if len(key) != 32:
        raise NoteError(f"an Ed25519 key has 32 bytes, not {len(key)}")
    y = int.from_bytes(key, "little") & ((1 << 255) - 1)
    if y >= PRIME:
        raise NoteError("the key's point is not written canonically")
    if y in SMALL_ORDER:
        raise NoteError("the key is a point of small order")
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    if pow(square, (PRIME - 1) // 2, PRIME) != 1:
        raise NoteError("the key is no point of the curve")


def key_id(name: str, key: bytes) -> bytes:
    """The four bytes that tell keys of one name apart."""
    return sha256(name.encode() + b"\n" + ED25519 + key).digest()[:4]


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a key."""
    if not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name):
        raise NoteError(f"{name[:60]!r} cannot name a key: no blanks, no plus, not empty")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key and the name it goes by."""

    name: str
    key: bytes

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.key)

    @property
    def vkey(self) -> str:
        """NAME+ID+KEY, as it is published."""
        return f"{self.name}+{self.id.hex()}+{encoded(ED25519 + self.key)}"


def read_vkey(vkey: str) -> Verifier:
    """A published key.

    Raises
    ------
    NoteError
        It is malformed, its ID is another key's, or its point is refused.
    """
    parts = vkey.split("+", 2)
    if len(parts) != 3:
        raise NoteError("a key is written NAME+ID+KEY")
    name, given, text = parts
    check_name(name)
    data = decoded(text)
    if data[:1] != ED25519:
        raise NoteError("the key is of another kind than Ed25519")
    check_public_key(data[1:])
    if key_id(name, data[1:]).hex() != given:
        raise NoteError("the key's ID does not belong to its name and point: something was mistyped")
    return Verifier(name, data[1:])


class Signer:
    """A name and the private key it signs with."""

    def __init__(self, origin: str, seed: bytes) -> None:
        check_name(origin)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(origin, self._key.public_key().public_bytes_raw())
        self._id = self.verifier.id

    @property
    def origin(self) -> str:
        return self.verifier.name

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def mark(self, text: str) -> bytes:
        """What stands behind the name in the line of the signature: the key's ID and the signature of `text`."""
        check_text(text)
        return self._id + self._key.sign(text.encode())

    def sign(self, text: str) -> str:
        """The note: `text`, which ends with a line end, an empty line, and the line of the signature."""
        return f"{text}\n\u2014 {self.origin} {encoded(self.mark(text))}\n"


def check_text(text: str) -> None:
    """Refuse what cannot be signed: control characters, no line end at the end."""
    if not text.endswith("\n"):
        raise NoteError("the text does not end with a line end")
    if CONTROL.search(text):
        raise NoteError("there is a control character in the text")


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and its signatures: name, four bytes of ID and the rest."""
    try:
        size = len(note.encode())
    except UnicodeEncodeError:
        raise NoteError("the note is not valid UTF-8") from None
    if size > LONGEST:
        raise NoteError(f"the note is longer than {LONGEST} bytes")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise NoteError("the note is not a text, an empty line, and signatures that end with a line end")
    text += "\n"
    check_text(text)
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"the note has more than {MOST_SIGNATURES} signatures")
    signatures = []
    for line in lines:
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            raise NoteError(f"{line[:60]!r} is not the line of a signature")
        check_name(parts[1])
        data = decoded(parts[2])
        if len(data) < 5:
            raise NoteError("a signature is too short")
        signatures.append((parts[1], data))
    return text, signatures


def open_note(note: str, vkey: str | Verifier) -> str:
    """The text of a note that the key signed. Lines of other keys are passed over.

    Raises
    ------
    NoteError
        The note is malformed, not signed by the key, or the signature is wrong.
    """
    verifier = read_vkey(vkey) if isinstance(vkey, str) else vkey
    text, signatures = _parts(note)
    signed = False
    for name, data in signatures:
        if name != verifier.name or data[:4] != verifier.id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(verifier.key).verify(data[4:], text.encode())
        except InvalidSignature:
            raise NoteError(f"the signature of {name} is wrong") from None
        signed = True
    if not signed:
        raise NoteError(f"the note is not signed by the key of {verifier.name}")
    return text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head: whose log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes


def checkpoint(origin: str, size: int, root: bytes, signer: Signer) -> str:
    """The signed note over a head."""
    return signer.sign(f"{origin}\n{size}\n{encoded(root)}\n")


def checkpoint_text(text: str) -> Checkpoint:
    """What the text of a checkpoint says, signed or not."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NoteError("a checkpoint has a line each for origin, size and root")
    root = decoded(lines[2])
    if len(root) != 32:
        raise NoteError(f"a root has 32 bytes, not {len(root)}")
    return Checkpoint(lines[0], number(lines[1]), root)


def read_checkpoint(note: str, vkey: str | Verifier) -> Checkpoint:
    """A head that the key signed for its own log.

    Raises
    ------
    NoteError
        It is malformed, not signed by the key, or another log's.
    """
    verifier = read_vkey(vkey) if isinstance(vkey, str) else vkey
    head = checkpoint_text(open_note(note, verifier))
    if head.origin != verifier.name:
        raise NoteError(f"the head is of the log {head.origin}, the key of {verifier.name}")
    return head


def unsigned_checkpoint(note: str) -> Checkpoint:
    """What a checkpoint says, whoever signed it: only for looking, never for trusting."""
    return checkpoint_text(_parts(note)[0])
