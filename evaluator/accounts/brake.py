"""A brake on guessing passwords that does not lock the owner out.

A browser that signed in as somebody before carries a cookie that says so, and its wrong passwords are counted for it
alone (a device cookie, as OWASP describes it). All other browsers are counted by their network and the name together,
and by their network. So whoever guesses stops himself, from one network, and not the person whose name it is. Counts
are kept in this process's memory for a quarter of an hour under keyed hashes: no address and no name is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable

from litestar.datastructures import Cookie
from litestar.types import Scope

from evaluator import security
from evaluator.networks import network

WINDOW = 900.0  # seconds
FOR_A_NAME, FROM_A_NETWORK = 5, 50  # attempts in a window
MOST = 100_000  # counts that are kept; then those that are over go
KEPT = 400 * 86400  # seconds that a browser is known: as long as browsers keep a cookie


class Brake:
    """Counts of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._counts: dict[bytes, tuple[float, int]] = {}  # when its window ends, how many

    def attempt(self, *counted: tuple[str, int]) -> int:
        """Count an attempt under names with their limits: seconds to wait before another one, 0 when it may be made.

        It is counted before the password is looked at, so that many at once are no more than a few.
        """
        now, wait = self._clock(), 0.0
        if len(self._counts) > MOST:
            self._counts = {name: one for name, one in self._counts.items() if one[0] > now}
        for name, most in counted:
            ends, number = self._counts.get(self._hash(name), (0.0, 0))
            if ends <= now:
                ends, number = now + WINDOW, 0
            if number >= most:
                wait = max(wait, ends - now)
            self._counts[self._hash(name)] = ends, number + 1
        return math.ceil(wait)

    def right(self, *counted: tuple[str, int]) -> None:
        """The attempt was right: it does not count, and under the first name nothing that was before."""
        for at, (name, _most) in enumerate(counted):
            ends, number = self._counts.pop(self._hash(name), (0.0, 0))
            if at and number > 1:
                self._counts[self._hash(name)] = ends, number - 1

    def _hash(self, name: str) -> bytes:
        return hashlib.blake2b(name.encode("utf-8", "replace"), key=self._key, digest_size=16).digest()


class Browser:
    """Who asks to sign in as somebody: a browser that did so before, or one of a network."""

    def __init__(self, secret: bytes, scope: Scope, name: str) -> None:
        client = scope.get("client")
        self._secret, self._name, self._network = secret, name, network(client[0] if client else "")
        self._cookie = f"known-{hmac.digest(secret, f'browser {name}'.encode(), hashlib.sha256).hex()[:16]}"
        said = security.unsigned(secret, f"known browser {name}", security.cookie(scope, self._cookie) or "")
        self.known = said is not None
        self._mark = said or secrets.token_hex(16)

    @property
    def counted(self) -> tuple[tuple[str, int], ...]:
        """What its attempts are counted under, with the limits."""
        if self.known:
            return ((f"browser {self._mark}", FOR_A_NAME),)
        return ((f"name {self._network} {self._name}", FOR_A_NAME), (f"network {self._network}", FROM_A_NETWORK))

    def cookie(self, *, secure: bool) -> Cookie:
        """By which it is known the next time."""
        value = security.signed(self._secret, f"known browser {self._name}", self._mark)
        return Cookie(
            self._cookie, path="/sign-in", value=value, max_age=KEPT, httponly=True, samesite="lax", secure=secure
        )
