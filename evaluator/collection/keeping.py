"""Deleting what was promised to be kept for so many months only."""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from evaluator import database
from evaluator.collection.campaigns import right_now, today
from evaluator.collection.tables import Campaign

EVERY = 6 * 3600.0  # seconds
ONE_DAY = timedelta(days=1)  # longer than the grace at the close

log = logging.getLogger("evaluator")


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last.

    >>> months_later(date(2026, 1, 31), 1)
    datetime.date(2026, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


async def forget(now: datetime, zone: ZoneInfo) -> int:
    """Delete single answers and codes of campaigns whose months are over; how many answers there were.

    What was never sent goes on the day after the close.
    """
    deleted = 0
    await Campaign.raw(
        "DELETE FROM draft WHERE campaign IN (SELECT id FROM campaign WHERE closes < {})", today(now, zone) - ONE_DAY
    )
    for row in await Campaign.select(Campaign.id, Campaign.closes, Campaign.kept_months):
        if today(now, zone) <= months_later(row["closes"], row["kept_months"]):
            continue
        async with database.engine().transaction():
            for table in ("response", "pending"):
                [count] = await Campaign.raw(f"SELECT count(*) AS n FROM {table} WHERE campaign = {{}}", row["id"])
                await Campaign.raw(f"DELETE FROM {table} WHERE campaign = {{}}", row["id"])
                deleted += count["n"]
            await Campaign.raw("DELETE FROM admission WHERE campaign = {}", row["id"])
            codes = "SELECT code_hash FROM invitation WHERE campaign = {}"  # used before admissions named a campaign
            await Campaign.raw(f"DELETE FROM admission WHERE code_hash IN ({codes})", row["id"])
            await Campaign.raw("DELETE FROM invitation WHERE campaign = {}", row["id"])
    return deleted


async def forget_for_ever(zone: ZoneInfo, every: float = EVERY) -> None:
    """Forget until cancelled. What fails is told and tried again the next time."""
    while True:
        await asyncio.sleep(every)
        try:
            await forget(right_now(), zone)
        except database.DatabaseError as error:
            log.warning("answers whose time is over could not be deleted: %s", error)
