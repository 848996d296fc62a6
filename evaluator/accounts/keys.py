"""Keys for programs of superiors: made once, shown once, kept as hashes, and gone the moment they are revoked."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from datetime import date, timedelta

from evaluator import database
from evaluator.accounts.tables import Account, ApiKey
from evaluator.ledger.audit import record
from evaluator.problems import Problem
from evaluator.settings import Settings

START = "evk_"  # so that a key that strayed into a file is found by its beginning
SHOWN = 12  # characters of a key that lists show
ROLES = ("superior", "operator")
LONGEST_DAYS, USUAL_DAYS = 730, 365
MOST = 20  # keys of one account that open anything at one time
A_MINUTE, AT_ONCE = 120, 60  # requests of one key to one process


def _(message: str) -> str:
    return message


def hash_of(key: str) -> str:
    """SHA-256: the key is 256 random bits, so that nothing slower is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


async def make_key(
    settings: Settings, account: Account, label: str, days: int, today: date, by: str
) -> tuple[str, ApiKey]:
    """A new key and what is kept of it. The key itself is in nobody's hands but the caller's.

    Raises
    ------
    Problem
        422: the account's role has no use for one, the label is blank or long, the days are outside 1 to 730, or the
        account has twenty keys already.
    """
    if account.role not in ROLES:
        raise Problem(422, _("No key was made"), _("Keys are for superiors and operators."))
    label = label.strip()
    if not 1 <= len(label) <= 64:
        raise Problem(422, _("No key was made"), _("Say in 1 to 64 characters what the key is for."))
    if not 1 <= days <= LONGEST_DAYS:
        raise Problem(422, _("No key was made"), _("A key lives 1 to %(most)d days."), most=LONGEST_DAYS)
    if sum(opens(one, today) for one in await keys_of(account.id)) >= MOST:
        raise Problem(
            422,
            _("No key was made"),
            _("An account has at most %(most)d keys; revoke one that is not used."),
            most=MOST,
        )
    key = START + secrets.token_urlsafe(32)
    row = ApiKey(
        account=account.id, label=label, prefix=key[:SHOWN], key_hash=hash_of(key), made_on=today,
        expires_on=today + timedelta(days=days),
    )  # fmt: skip
    async with database.engine().transaction():
        await row.save()
        await record(
            settings, "key.made", key=row.id, account=f"{account.role} {account.id}",
            expires=row.expires_on.isoformat(), by=by,
        )  # fmt: skip
    return key, row


async def keys_of(account: int) -> list[ApiKey]:
    """The account's keys, the latest first, those that open nothing any more too."""
    return await ApiKey.objects().where(ApiKey.account == account).order_by(ApiKey.id, ascending=False)


def opens(key: ApiKey, today: date) -> bool:
    """Whether a key opens anything today."""
    return key.revoked_on is None and key.expires_on >= today


async def revoke_key(
    settings: Settings, number: int, today: date, by: str, account: int | None = None
) -> ApiKey | None:
    """From now on the key opens nothing. None when there is no such key, or it is another account's than `account`."""
    async with database.engine().transaction():
        key = await ApiKey.objects().get(ApiKey.id == number) if 0 < number < 2**31 else None
        if key is None or (account is not None and key.account != account):
            return None
        if key.revoked_on is None:
            key.revoked_on = today
            await ApiKey.update({ApiKey.revoked_on: today}).where(ApiKey.id == number)
            await record(settings, "key.revoked", key=number, by=by)
    return key


class TooManyRequests(Problem):
    """A key asked more often than it may."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            429, _("Too many requests"), _("A key may ask %(most)d times a minute. Wait %(seconds)d seconds."),
            headers={"Retry-After": str(seconds)}, most=A_MINUTE, seconds=seconds,
        )  # fmt: skip


class Pace:
    """A bucket of requests for each key of this process, refilled evenly."""

    def __init__(self, a_minute: int = A_MINUTE, at_once: int = AT_ONCE) -> None:
        self._rate, self._most = a_minute / 60, float(at_once)
        self._left: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def take(self, key: int, now: float | None = None) -> None:
        """One request of a key; TooManyRequests when its bucket is empty."""
        now = time.monotonic() if now is None else now
        left, at = self._left.pop(key, (self._most, now))
        left = min(self._most, left + (now - at) * self._rate)
        self._left[key] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > 10_000:
            self._left.popitem(last=False)
        if left < 1:
            raise TooManyRequests(max(1, round((1 - left) / self._rate + 0.5)))


PACE = Pace()


def refused() -> Problem:
    """In the same words whether a key is unknown, expired or revoked."""
    return Problem(
        401, _("Please sign in"), _("The key is unknown, has expired or was revoked. Make another one under My work."),
        headers={"WWW-Authenticate": "Bearer"},
    )  # fmt: skip


async def account_of_key(authorization: str, today: date) -> Account:
    """The active account behind a header ``Authorization: Bearer KEY``; the day of its use is noted.

    Raises
    ------
    Problem
        401 for what opens nothing; 429 for a key that asks too often.
    """
    kind, _space, key = authorization.partition(" ")
    if kind.lower() != "bearer" or not key.strip().startswith(START):
        raise refused()
    found = await ApiKey.objects().get(ApiKey.key_hash == hash_of(key.strip()))
    if found is None or not opens(found, today):
        raise refused()
    account = await Account.objects().get((Account.id == found.account) & Account.active.eq(True))
    if account is None or account.role not in ROLES:
        raise refused()
    PACE.take(found.id)
    if found.last_used_on != today:
        await ApiKey.update({ApiKey.last_used_on: today}).where(ApiKey.id == found.id)
    return account
