"""What somebody gets the moment an answer is on disk: a signed promise that its leaf will be in the log.

It is the same however often it is asked for, holds no salt and no answer, and by itself proves nothing about what was
answered. With it goes a withdrawal token, which is derived and kept nowhere.
"""

from __future__ import annotations

import base64
import binascii
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import msgspec

from evaluator.collection.keys import campaign_key, withdrawal_token
from evaluator.ledger.keys import campaign_log, signer
from evaluator.ledger.notes import NoteError, Signer, open_note
from evaluator.settings import Settings

FIRST_LINE = "evaluator promise/v1"
SEALED_BY = "sealed by "


class Promise(msgspec.Struct, frozen=True):
    """What a promise says."""

    origin: str  # of the log
    leaf_hash: str  # in hexadecimal
    sealed_by: date


class Promised(NamedTuple):
    """What is promised of every answer to a campaign."""

    campaign: str  # its code
    sealed_by: date


class Hold(NamedTuple):
    """What its holder needs beside the leaf's hash: the promise's mark, and what takes it back."""

    mark: bytes
    token: str


@lru_cache(maxsize=256)
def _signer(settings: Settings, code: str) -> Signer:
    return signer(settings, campaign_log(code))


def promise_text(settings: Settings, promised: Promised, leaf_hash: str) -> str:
    """What is signed: the leaf will be in the campaign's log by that day."""
    leaf = base64.b64encode(bytes.fromhex(leaf_hash)).decode()
    by = _signer(settings, promised.campaign).origin
    return f"{FIRST_LINE}\n{by}\n{leaf}\n{SEALED_BY}{promised.sealed_by.isoformat()}\n"


def check_keys(settings: Settings, campaign: str) -> None:
    """Whether there is all that a promise needs.

    Raises
    ------
    LogKeyError
        The key that signs cannot be read.
    Problem
        410: the campaign's key was destroyed.
    """
    _signer(settings, campaign)
    campaign_key(settings, campaign)


def hold(settings: Settings, promised: Promised, leaf_hash: str) -> Hold:
    """The same however often it is asked for."""
    return Hold(
        _signer(settings, promised.campaign).mark(promise_text(settings, promised, leaf_hash)),
        withdrawal_token(campaign_key(settings, promised.campaign), leaf_hash),
    )


def read_promise(text: str, vkey: str) -> Promise:
    """What a promise says.

    Raises
    ------
    NoteError
        The log of this key did not sign it, or it is no promise.
    """
    lines = open_note(text, vkey).split("\n")
    if len(lines) != 5 or lines[0] != FIRST_LINE or lines[4] or not lines[3].startswith(SEALED_BY):
        raise NoteError("this is signed, but it is no promise of this version")
    if lines[1] != vkey.split("+", 1)[0]:
        raise NoteError("the promise is about another log than the one that signed it")
    try:
        leaf = base64.b64decode(lines[2], validate=True)
        by = date.fromisoformat(lines[3].removeprefix(SEALED_BY))
    except (binascii.Error, ValueError):
        raise NoteError("the promise's leaf or day cannot be read") from None
    if len(leaf) != 32 or base64.b64encode(leaf).decode() != lines[2]:
        raise NoteError("the promise's leaf is no hash")
    return Promise(lines[1], leaf.hex(), by)
