"""A brake on guessing: how many attempts came under a name in a window of time, in one process.

Names are kept under keyed hashes, with a new key for each window: nothing of an address or an account is stored.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections.abc import Callable

Counted = tuple[str, int]  # a name, and how many attempts it may make in a window


class Brake:
    """Counts of one process."""

    def __init__(self, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._clock = window, clock
        self._begin()

    def _begin(self) -> None:
        self._ends = self._clock() + self._window
        self._key = secrets.token_bytes(32)
        self._counts: dict[bytes, int] = {}

    def __len__(self) -> int:
        """How many names are counted in this window."""
        return len(self._counts)

    def attempt(self, *counted: Counted) -> int:
        """Count an attempt: seconds to wait before another one, 0 when it may be made.

        Parameters
        ----------
        counted : tuple of str and int
            The widest name first. Under the names after one that has had its share nothing is counted, so that those
            who are stopped cannot fill the memory with names that they make up.
        """
        now = self._clock()
        if now >= self._ends:
            self._begin()
        for name, most in counted:
            key = self._hash(name)
            if self._counts.get(key, 0) >= most:
                return math.ceil(self._ends - now)
            self._counts[key] = self._counts.get(key, 0) + 1
        return 0

    def forget(self, name: str) -> None:
        """What came under a name counts no more."""
        self._counts.pop(self._hash(name), None)

    def take_back(self, name: str) -> None:
        """One attempt under a name does not count."""
        key = self._hash(name)
        if self._counts.get(key, 0) > 0:
            self._counts[key] -= 1

    def _hash(self, name: str) -> bytes:
        return hashlib.blake2b(name.encode("utf-8", "replace"), key=self._key, digest_size=16).digest()
