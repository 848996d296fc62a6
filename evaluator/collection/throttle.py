"""A brake on guessing codes. Nobody with a right code ever meets it, whoever else is behind the same address.

A code has 75 random bits: guessing is hopeless, not merely slow. The brake says so to programs that try, and keeps
them from asking for ever. It counts codes that are well-formed and belong to no invitation; a slip of the hand is seen
before by the check symbol, so that people hardly ever make one. Counts are kept in this process's memory for ten
minutes, under keyed hashes of the address's network: nothing of an address is stored, and nothing is logged.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections.abc import Callable

from evaluator.networks import network

WINDOW = 600.0  # seconds
FROM_ONE_NETWORK, FROM_ALL = 30, 600  # unknown codes in a window


class Throttle:
    """Counts of one process."""

    def __init__(
        self, from_one: int = FROM_ONE_NETWORK, from_all: int = FROM_ALL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._from_one, self._from_all, self._clock = from_one, from_all, clock
        self._begin()

    def _begin(self) -> None:
        self._ends = self._clock() + WINDOW
        self._key = secrets.token_bytes(32)
        self._counts: dict[bytes, int] = {}
        self._all = 0

    def unknown(self, address: str) -> int:
        """Count a code that belongs to no invitation: seconds to wait before another one, 0 when there is no need."""
        now = self._clock()
        if now >= self._ends:
            self._begin()
        wait = math.ceil(self._ends - now)
        self._all += 1
        if self._all > self._from_all:
            return wait
        name = hashlib.blake2b(network(address).encode(), key=self._key, digest_size=16).digest()
        self._counts[name] = self._counts.get(name, 0) + 1
        return wait if self._counts[name] > self._from_one else 0
