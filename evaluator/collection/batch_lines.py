"""What an operator sees of batches: how many, never who, and nothing of whether anybody answered."""

from __future__ import annotations

from datetime import date

import msgspec

from evaluator.collection.batches import no_batch
from evaluator.collection.frames import Carrier
from evaluator.collection.manifest import as_day
from evaluator.collection.tables import Batch, Invitation


class Line(msgspec.Struct, frozen=True):
    """A batch."""

    name: str
    carrier: Carrier
    day: date
    units: int
    invited: int
    undelivered: int
    reminders: int

    @property
    def taken_back(self) -> bool:
        """Its files were lost before they were sent, and its codes are void."""
        return self.invited == 0

    @property
    def delivered(self) -> int:
        return self.invited - self.undelivered


async def lines(campaign: int) -> list[Line]:
    """The batches of a campaign, the first one first."""
    there = {
        row["batch"]: row
        for row in await Invitation.raw(
            "SELECT batch, count(*) AS codes, count(DISTINCT unit) AS units FROM invitation WHERE campaign = {} "
            "GROUP BY batch",
            campaign,
        )
    }
    found = []
    for row in await Batch.select().where(Batch.campaign == campaign).order_by(Batch.id):
        codes = there.get(row["name"], {"codes": 0, "units": 0})
        found.append(
            Line(
                row["name"],
                row["carrier"],
                as_day(row["day"]),
                codes["units"],
                row["invited"],
                row["invited"] - codes["codes"],
                row["reminders"],
            )
        )
    return found


async def line(campaign: int, batch: str) -> Line:
    """One batch. Raises a 404 Problem when there is none of this name, or it was taken back."""
    for one in await lines(campaign):
        if one.name == batch and not one.taken_back:
            return one
    raise no_batch(batch)
