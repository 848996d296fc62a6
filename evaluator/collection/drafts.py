"""Answers that are not sent yet: sealed under a key that only the visitor's cookie holds, without a time.

The database sees a random-looking name and a sealed text; without the cookie nobody can read it or tell whose it is.
A draft is deleted when its answers are sent, when the visitor starts over, and at the campaign's close. The address of
a step holds a number that counts requests, never a screen: which screens somebody sees depends on the answers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evaluator.collection.tables import Draft as Stored

COOKIE = "draft"
KEY_BYTES, NONCE_BYTES = 32, 12
MOST_BYTES = 64 * 1024  # of a sealed draft; a longer one travels with the form alone
MOST_STEPS = 500
LONGEST_DAYS = 30  # that a browser keeps the key


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """Where somebody is in a form, and the answers so far."""

    visit: str  # as signed for the form
    answers: dict[str, list[str]]
    trail: tuple[str, ...]  # the screens shown, in the order of the steps; the last is where the person is
    reviewing: bool = False
    seen: tuple[str, ...] = ()
    told: bool = False  # whether the last step shows what is wrong
    runs: bool = False  # whether the browser runs scripts, as far as is known
    cleared: tuple[str, ...] = ()  # questions whose answer went before the last step, because it is no longer offered


_decoder = msgspec.json.Decoder(Draft)


def new_key() -> str:
    """A key as the cookie holds it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).rstrip(b"=").decode()


def read_key(cookies: Mapping[str, str]) -> bytes | None:
    """The key that the browser sent; None when there is none or it is none of ours."""
    text = cookies.get(COOKIE, "")
    if len(text) != 43:
        return None
    try:
        return base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def cookie(key: str, path: str, *, days: int, secure: bool) -> str:
    """The header that hands the key to the browser, for this form's addresses only. No days: to be forgotten."""
    age = min(max(days, 0), LONGEST_DAYS) * 86400
    return f"{COOKIE}={key}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, hashlib.sha256)


def _name(key: bytes) -> str:
    return _derived(key, b"name of the draft").hex()


def _seal(key: bytes, campaign: int, draft: Draft) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(_derived(key, b"seal of the draft")).encrypt(
        nonce, msgspec.json.encode(draft), str(campaign).encode()
    )


def _open(key: bytes, campaign: int, sealed: bytes) -> Draft | None:
    try:
        plain = AESGCM(_derived(key, b"seal of the draft")).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], str(campaign).encode()
        )
        return _decoder.decode(plain)
    except (InvalidTag, ValueError, msgspec.DecodeError):
        return None


async def save(key: bytes, campaign: int, draft: Draft, *, replacing: bool = True) -> bool:
    """Keep a draft, in place of the one before unless told otherwise; False when it is too large to be kept."""
    sealed = _seal(key, campaign, draft)
    if len(sealed) > MOST_BYTES or len(draft.trail) > MOST_STEPS:
        return False
    await Stored.raw(
        "INSERT INTO draft (name, campaign, sealed) VALUES ({}, {}, {}) "
        "ON CONFLICT (name) DO "
        + ("UPDATE SET campaign = excluded.campaign, sealed = excluded.sealed" if replacing else "NOTHING"),
        _name(key),
        campaign,
        sealed,
    )
    return True


async def find(key: bytes | None) -> tuple[int, Draft] | None:
    """The campaign and the draft under a key."""
    if key is None:
        return None
    rows = await Stored.select(Stored.campaign, Stored.sealed).where(Stored.name == _name(key))
    if not rows:
        return None
    draft = _open(key, rows[0]["campaign"], bytes(rows[0]["sealed"]))
    return None if draft is None else (rows[0]["campaign"], draft)


async def amend(key: bytes, change: Callable[[int, Draft], Draft | None]) -> bool:
    """Change what is kept, unless something else is kept in its place meanwhile; False when nothing is kept yet.

    Parameters
    ----------
    change : callable
        From the campaign and its draft to what to keep; None leaves it as it is.
    """
    rows = await Stored.select(Stored.campaign, Stored.sealed).where(Stored.name == _name(key))
    draft = _open(key, rows[0]["campaign"], bytes(rows[0]["sealed"])) if rows else None
    if draft is None:
        return False
    changed = change(rows[0]["campaign"], draft)
    sealed = b"" if changed is None else _seal(key, rows[0]["campaign"], changed)
    if 0 < len(sealed) <= MOST_BYTES:
        # a step that came between has newer answers: it is not overwritten
        await Stored.update({Stored.sealed: sealed}).where(
            Stored.name == _name(key), Stored.sealed == bytes(rows[0]["sealed"])
        )
    return True


def name_of(key: bytes | None) -> str | None:
    """The name under which a draft is kept, for the writer: it deletes it together with storing the answers."""
    return None if key is None else _name(key)


async def forget(key: bytes | None) -> None:
    """Delete the draft under a key."""
    if key is not None:
        await Stored.delete().where(Stored.name == _name(key))
