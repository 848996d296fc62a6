"""Browsers that sign in: guessing passwords is braked without locking the owner out.

A browser that signed in as somebody before carries a cookie that says so, and its wrong passwords are counted for it
alone (a device cookie, as OWASP describes it). All other browsers are counted by their network, and by it and the name
together. So whoever guesses stops himself, from one network, and not the person whose name it is. Counts are kept in
this process's memory for a quarter of an hour.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from litestar.datastructures import Cookie
from litestar.types import Scope

from evaluator import security
from evaluator.brake import Brake, Counted
from evaluator.networks import network

WINDOW = 900.0  # seconds
FOR_A_NAME, FROM_A_NETWORK = 5, 50  # attempts in a window
KEPT = 400 * 86400  # seconds that a browser is known: as long as browsers keep a cookie


class Browser:
    """Who asks to sign in as somebody: a browser that did so before, or one of a network."""

    def __init__(self, secret: bytes, scope: Scope, name: str) -> None:
        client = scope.get("client")
        self._secret, self._name, self._network = secret, name, network(client[0] if client else "")
        self._cookie = f"known-{hmac.digest(secret, f'browser {name}'.encode(), hashlib.sha256).hex()[:16]}"
        said = security.unsigned(secret, f"known browser {name}", security.cookie(scope, self._cookie) or "")
        self.known = said is not None
        self._mark = said or secrets.token_hex(16)

    def wait(self, brake: Brake) -> int:
        """Count an attempt, before the password is looked at: many at once are no more than a few. Seconds to wait."""
        return brake.attempt(*self._counted())

    def was_right(self, brake: Brake) -> None:
        """This attempt does not count, nor what came before it under this very name."""
        *wider, (own, _most) = self._counted()
        brake.forget(own)
        for name, _limit in wider:
            brake.take_back(name)

    def _counted(self) -> tuple[Counted, ...]:
        if self.known:
            return ((f"browser {self._mark}", FOR_A_NAME),)
        return ((f"network {self._network}", FROM_A_NETWORK), (f"name {self._network} {self._name}", FOR_A_NAME))

    def cookie(self, *, secure: bool) -> Cookie:
        """By which it is known the next time."""
        value = security.signed(self._secret, f"known browser {self._name}", self._mark)
        return Cookie(
            self._cookie, path="/sign-in", value=value, max_age=KEPT, httponly=True, samesite="lax", secure=secure
        )
