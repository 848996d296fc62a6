"""A brake on guessing codes. Nobody with a right code ever meets it, whoever else is behind the same address.

A code has 75 random bits: guessing is hopeless, not merely slow. The brake says so to programs that try, and keeps
them from asking for ever. It counts codes that are well-formed and belong to no invitation; a slip of the hand is seen
before by the check symbol, so that people hardly ever make one. Counts are kept in this process's memory for ten
minutes, by the address's network and all together.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from evaluator.brake import Brake
from evaluator.networks import network

WINDOW = 600.0  # seconds
FROM_ONE_NETWORK, FROM_ALL = 30, 600  # unknown codes in a window


class Throttle:
    """Counts of one process."""

    def __init__(
        self, from_one: int = FROM_ONE_NETWORK, from_all: int = FROM_ALL, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._from_one, self._from_all = from_one, from_all
        self.brake = Brake(WINDOW, clock)

    def unknown(self, address: str) -> int:
        """Count a code that belongs to no invitation: seconds to wait before another one, 0 when there is no need."""
        return self.brake.attempt(("all", self._from_all), (f"network {network(address)}", self._from_one))
