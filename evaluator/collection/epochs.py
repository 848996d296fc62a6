"""When a server seals: every hour what may be sealed, and half an hour after a campaign's last day the rest.

Then the rules look through what came, and the log says that the campaign is sealed. Each step may be repeated, by
another process too: what was done is found done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

from evaluator import database
from evaluator.collection.campaigns import right_now
from evaluator.collection.closing import close
from evaluator.collection.mixing import tidy
from evaluator.collection.quality import flag_campaign
from evaluator.collection.sealing import Sealed, is_over, seal
from evaluator.collection.steering import refresh
from evaluator.collection.tables import Campaign, Pending
from evaluator.ledger.files import publish_all
from evaluator.settings import Settings

EVERY = 3600.0  # seconds between two epochs
LOOK = 300.0  # seconds between two looks at whether a campaign is over

log = logging.getLogger("evaluator")


async def seal_due(settings: Settings, now: datetime, *, hour: bool) -> dict[str, Sealed]:
    """Seal everything of campaigns that are over and, when an `hour` has passed, what may be sealed of the others."""
    rows = await Pending.raw("SELECT code FROM campaign WHERE id IN (SELECT campaign FROM pending) ORDER BY code")
    done = {}
    for row in rows:
        over = await is_over(settings, row["code"], now)
        if over or hour:
            done[row["code"]] = await seal(settings, row["code"], everything=over)
    return done


async def end_due(settings: Settings, now: datetime) -> list[str]:
    """Flag the responses of campaigns that are over and wholly in their logs, and log that they are sealed."""
    rows = await Campaign.select(Campaign.id, Campaign.code).where(Campaign.stage.is_in(["ready", "paused"]))
    ended = []
    for row in rows:
        if not await is_over(settings, row["code"], now):
            continue
        if await Pending.exists().where(Pending.campaign == row["id"]):
            continue
        await flag_campaign(settings, row["id"])
        await refresh(row["id"], closed=True)
        if await close(settings, row["code"]):
            ended.append(row["code"])
    return ended


async def seal_for_ever(settings: Settings, every: float = EVERY, look: float = LOOK) -> None:
    """Seal until cancelled. What fails is told and tried again the next time."""
    last = time.monotonic()
    begun = False
    while True:
        try:
            if not begun:
                await publish_all(settings)
                await tidy(database.engine())  # the process before may have died before it did
                begun = True
            hour = time.monotonic() - last >= every
            if hour:
                last = time.monotonic()
            await seal_due(settings, right_now(), hour=hour)
            await end_due(settings, right_now())
        except Exception as error:
            log.warning("responses could not be sealed: %s", error)
        await asyncio.sleep(min(look, every))
