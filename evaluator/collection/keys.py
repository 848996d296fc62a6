"""A campaign's key: codes, people who sign in and withdrawals are known by keyed hashes alone, and the key can go.

It is a file of its own, outside the database and its backups. When the time for appeals is over it is destroyed, and
what is left in the database cannot be tried against a list of codes or accounts any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from evaluator.ledger.keys import CAMPAIGN_CODE
from evaluator.problems import Problem
from evaluator.secret_files import flush, made_once
from evaluator.settings import Settings

KEY_BYTES = 32
TOKEN_BYTES = 15  # of a withdrawal token: 24 symbols
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())
PREFIX = "campaign-"


def _(message: str) -> str:
    return message


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "keys"


@lru_cache(maxsize=256)
def _path(settings: Settings, code: str) -> Path:
    if not CAMPAIGN_CODE.fullmatch(code):
        raise ValueError(f"{code!r} is no code of a campaign")
    return _folder(settings) / f"{PREFIX}{code}"


def campaign_key(settings: Settings, code: str) -> bytes:
    """The key of a campaign, made at first use; several processes that start at once get the same.

    Raises
    ------
    Problem
        410: it was destroyed.
    """
    path = _path(settings, code)
    try:
        key = _read(path)
    except FileNotFoundError:
        key = made_once(path, secrets.token_bytes(KEY_BYTES))
    if len(key) != KEY_BYTES:
        raise Problem(
            410, _("The key of this survey was destroyed"),
            _("The time for appeals of “%(code)s” is over: its codes and receipts cannot be used any more."), code=code,
        )  # fmt: skip
    return key


_known: dict[Path, tuple[tuple[int, int, int], bytes]] = {}  # a file's mark when it was read, and the key


def _read(path: Path) -> bytes:
    """The key in its file, read again only when that was changed: every answer asks for it."""
    found = path.stat()
    mark = (found.st_ino, found.st_size, found.st_mtime_ns)
    known = _known.get(path)
    if known is None or known[0] != mark:
        known = _known[path] = (mark, path.read_bytes())
    return known[1]


def destroyed(settings: Settings, code: str) -> bool:
    """Whether the key was destroyed. An empty file says so: a new key is never made in its place."""
    try:
        return _path(settings, code).stat().st_size == 0
    except FileNotFoundError:
        return False


def destroy(settings: Settings, code: str) -> None:
    """Overwrite the key and leave an empty file. Whoever calls it logs it first."""
    path = _path(settings, code)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
        os.ftruncate(descriptor, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    flush(path.parent)
    _known.pop(path, None)


def kept_keys(settings: Settings) -> Iterator[bytes]:
    """The keys of all campaigns that have one."""
    try:
        paths = sorted(_folder(settings).glob(f"{PREFIX}*"))
    except FileNotFoundError:
        return
    for path in paths:
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            yield key


def invitation_hash(key: bytes, code: str) -> str:
    """What is kept of an invitation code."""
    return hmac.digest(key, b"invitation" + code.encode(), hashlib.sha256).hex()


def sign_in_hash(key: bytes, issuer: str, subject: str, unit: str) -> str:
    """What is kept of somebody who signed in for a unit. It begins with [, so that it is never a code's."""
    return hmac.digest(key, json.dumps([issuer, subject, unit]).encode(), hashlib.sha256).hex()


def visit_hash(key: bytes, unit: str, started: int, seed: int) -> str:
    """What is kept of a visit by open link until its answers are sealed, so that a form sent twice counts once."""
    return hmac.digest(key, f"visit{unit} {started} {seed}".encode(), hashlib.sha256).hex()


def withdrawal_token(key: bytes, leaf_hash: str) -> str:
    """What the holder of a receipt withdraws with, from the leaf's hash in hexadecimal: 24 symbols, kept nowhere.

    >>> withdrawal_token(bytes(32), "00" * 32)
    'MJKBJ0Y8ERVC4Y2XJNJ20YE8'
    """
    digest = hmac.digest(key, b"withdrawal" + bytes.fromhex(leaf_hash), hashlib.sha256)
    return base64.b32encode(digest[:TOKEN_BYTES]).translate(CROCKFORD).decode()
