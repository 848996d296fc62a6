"""The slip that a citizen keeps after sending: a signed promise that the answer will be in the log, and no answer.

A browser holds it as a cookie that only the pages under /receipt are sent, together with the code that takes the answer
back and the unit, so that somebody who rated several offices can tell them apart. On another device it is text, a file
or a QR code; those hold the promise alone. The QR code is an address whose part behind # no browser sends anywhere.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import date

import msgspec
from litestar.datastructures import Cookie

from evaluator.collection.promises import FIRST_LINE as HEADING
from evaluator.ledger.keys import CAMPAIGN_CODE

PATH = "/receipt"
PREFIX, LATEST = "receipt-", "receipt-latest"
KEPT_DAYS = 400  # longer is cut by browsers
MOST = 24  # slips that one browser holds: a header of cookies may have 8 kB on its way
LEAF_BYTES, SIGNATURE_BYTES = 32, 68  # 4 bytes of the key's name and 64 of Ed25519
UNIT = re.compile(r"[A-Za-z0-9-]{1,32}")
TOKEN = re.compile(r"[0-9A-HJKMNP-TV-Z]{24}")
_TEXT = re.compile(
    rf"{HEADING}\n(?P<origin>[^\s]{{1,200}}/log/campaign/(?P<code>[a-z0-9][a-z0-9-]{{0,63}}))\n"
    r"(?P<leaf>[A-Za-z0-9+/]{43}=)\nsealed by (?P<day>\d{4}-\d\d-\d\d)\n\n\u2014 (?P<name>[^\s]{1,200}) "
    r"(?P<mark>[A-Za-z0-9+/]{91}=)\n"
)


class Slip(msgspec.Struct, frozen=True):
    """A promise, and what only this browser or this moment knows beside it."""

    campaign: str
    leaf_hash: bytes
    sealed_by: date
    signature: bytes  # of the log's key, as in a signed note
    token: str = ""  # takes the answer back; blank when only the promise is at hand
    unit: str = ""

    @property
    def name(self) -> str:
        """Tells the slips of one device apart."""
        return self.leaf[:8]

    @property
    def leaf(self) -> str:
        """The leaf's hash in hexadecimal."""
        return self.leaf_hash.hex()


def slip_text(slip: Slip, origin: str) -> str:
    """The promise as a signed note, byte for byte as it was signed."""
    leaf, mark = (base64.b64encode(given).decode() for given in (slip.leaf_hash, slip.signature))
    return f"{HEADING}\n{origin}\n{leaf}\nsealed by {slip.sealed_by}\n\n\u2014 {origin} {mark}\n"


def read_slip(text: str, *, token: str = "", unit: str = "") -> Slip | None:
    """The slip in a text that somebody pasted; None when there is none. Nothing is verified here.

    Chats and mails add blanks and other ends of lines; an em dash that became something else is mended.
    """
    lines = [line.strip() for line in text.replace("\ufeff", "").strip().splitlines()]
    lines = ["\u2014 " + line.lstrip("-\u2013\u2014\u2212 ") if line[:1] in "-\u2013\u2014\u2212" and line else line
             for line in lines]  # fmt: skip
    kept = [line for line in lines if line]
    if len(kept) != 5:
        return None
    found = _TEXT.fullmatch("\n".join([*kept[:4], "", kept[4]]) + "\n")
    if found is None or found["name"] != found["origin"]:
        return None
    try:
        return Slip(
            found["code"], base64.b64decode(found["leaf"], validate=True), date.fromisoformat(found["day"]),
            base64.b64decode(found["mark"], validate=True), token, unit,
        )  # fmt: skip
    except ValueError:
        return None


def _short(given: bytes) -> str:
    return base64.urlsafe_b64encode(given).rstrip(b"=").decode()


def _long(text: str, length: int) -> bytes:
    found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if len(found) != length or _short(found) != text:
        raise ValueError(text)
    return found


def packed(slip: Slip) -> str:
    """The promise in few symbols, for the part of an address behind #."""
    return ".".join((slip.campaign, slip.sealed_by.isoformat(), _short(slip.leaf_hash), _short(slip.signature)))


def unpacked(text: str) -> Slip | None:
    """The slip that `packed` or a cookie's value tells; None when it is none."""
    parts = text.split(".")
    if len(parts) not in (4, 6):
        return None
    campaign, day, leaf, mark, token, unit = (*parts, "", "")[:6]
    known = CAMPAIGN_CODE.fullmatch(campaign) and (not token or TOKEN.fullmatch(token))
    known = known and (not unit or UNIT.fullmatch(unit))
    if not known or len(day) != 10:
        return None
    try:
        return Slip(
            campaign, _long(leaf, LEAF_BYTES), date.fromisoformat(day), _long(mark, SIGNATURE_BYTES), token, unit
        )
    except (ValueError, binascii.Error):
        return None


def cookies_for(slip: Slip, *, secure: bool) -> list[Cookie]:
    """Hands the browser a slip, and says that it is the latest."""
    return [
        _cookie(PREFIX + slip.name, f"{packed(slip)}.{slip.token}.{slip.unit}", KEPT_DAYS * 86400, secure),
        _cookie(LATEST, slip.name, KEPT_DAYS * 86400, secure),
    ]


def cookie_away(name: str, *, secure: bool) -> Cookie:
    """Takes a slip from the browser."""
    return _cookie(PREFIX + name, "", 0, secure)


def _cookie(key: str, value: str, age: int, secure: bool) -> Cookie:
    return _Plain(key=key, value=value, path=PATH, max_age=age, httponly=True, samesite="lax", secure=secure)


class _Plain(Cookie):
    """A cookie whose value needs no quotes. Litestar's way to its header takes ten times as long as all the rest."""

    def to_header(self, **_: object) -> str:
        secure = "; Secure" if self.secure else ""
        return f"{self.key}={self.value}; HttpOnly; Max-Age={self.max_age}; Path={self.path}; SameSite=lax{secure}"


def held(cookies: Mapping[str, str]) -> list[Slip]:
    """The slips that a browser sent, the latest first, then those that are sealed last."""
    found = [
        slip
        for name, value in cookies.items()
        if name.startswith(PREFIX) and name != LATEST and (slip := unpacked(value)) is not None
        and name == PREFIX + slip.name
    ]  # fmt: skip
    latest = cookies.get(LATEST, "")
    return sorted(found, key=lambda slip: (slip.name != latest, -slip.sealed_by.toordinal(), slip.name))
