"""How many visits got through each screen of a form: drop-off, without following anybody.

Counted in the memory of a process and added to the database once an hour and at the end: nothing tells in which order
screens were sent, when, by whom, or about which unit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter

from evaluator import database
from evaluator.collection.tables import ScreenCount

EVERY = 3600.0  # seconds
BEGIN = ":begin"  # visits that saw the first screen; no screen has such a code
ADD = """
INSERT INTO screen_count (campaign, screen, visits) VALUES ({}, {}, {})
ON CONFLICT (campaign, screen) DO UPDATE SET visits = screen_count.visits + excluded.visits
"""

log = logging.getLogger("evaluator")


class ScreenCounts:
    """What a process counted and did not yet store."""

    def __init__(self) -> None:
        self._visits: Counter[tuple[int, str]] = Counter()

    def add(self, campaign: int, *screens: str) -> None:
        """A visit got through these screens, each for the first time."""
        for screen in screens:
            self._visits[campaign, screen] += 1

    async def store(self) -> None:
        """Add what was counted to the database; what cannot be stored is kept for the next time."""
        counted, self._visits = self._visits, Counter()
        try:
            async with ScreenCount._meta.db.transaction():
                for (campaign, screen), visits in sorted(
                    counted.items()
                ):  # two processes take their locks in one order
                    await ScreenCount.raw(ADD, campaign, screen, visits)
        except BaseException:
            self._visits += counted
            raise

    async def store_for_ever(self, every: float = EVERY) -> None:
        """Store until cancelled. What fails is told and tried again the next time."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.store()
            except database.DatabaseError as error:
                log.warning("counts of screens could not be stored: %s", error)

    async def close(self) -> None:
        """Store what is left, at the end of a process."""
        with contextlib.suppress(database.DatabaseError):
            await self.store()


async def visits(campaign: int) -> dict[str, int]:
    """Screens of a campaign and how many visits reached them, as far as they are stored."""
    found = await ScreenCount.select(ScreenCount.screen, ScreenCount.visits).where(ScreenCount.campaign == campaign)
    return {row["screen"]: row["visits"] for row in found}
