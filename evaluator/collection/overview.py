"""Counts for operators: how many answered, by campaign, unit and mode. Never an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from evaluator.collection.campaigns import LiveCampaign, Place
from evaluator.collection.tables import Response
from evaluator.units.tree import subtree

PAGE = 100
# what is sealed, and what waits for it: both count
COUNTED = (
    "(SELECT campaign, unit, mode FROM response "
    "UNION ALL SELECT campaign, unit, mode FROM pending WHERE NOT withdrawn) AS counted"
)


class UnitCount(msgspec.Struct, frozen=True):
    unit: Place
    by_mode: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_mode.values())


class Page(msgspec.Struct, frozen=True):
    number: int
    of: int
    rows: Sequence[UnitCount]
    units: int
    answered: int  # units with a response
    responses: int


async def by_campaign() -> dict[int, dict[str, int]]:
    """Campaign's number -> mode -> responses."""
    found: dict[int, dict[str, int]] = {}
    for row in await Response.raw(f"SELECT campaign, mode, count(*) AS n FROM {COUNTED} GROUP BY campaign, mode"):
        found.setdefault(row["campaign"], {})[row["mode"]] = row["n"]
    return found


async def waiting(campaigns: Sequence[str]) -> int:
    """Responses of campaigns that are accepted and not in their logs yet: no export and no snapshot has them."""
    chosen = ", ".join(["{}"] * len(campaigns))
    rows = await Response.raw(
        "SELECT count(*) AS n FROM pending WHERE NOT withdrawn "
        f"AND campaign IN (SELECT id FROM campaign WHERE code IN ({chosen}))",
        *campaigns,
    )
    return int(rows[0]["n"])


async def by_unit(campaign: LiveCampaign, within: str | None = None) -> list[UnitCount]:
    """Every unit of a campaign, those without a response too; only those under `within` when it is given."""
    allowed = None if within is None else set(await subtree(within))
    found: dict[str, dict[str, int]] = {}
    for row in await Response.raw(
        f"SELECT unit, mode, count(*) AS n FROM {COUNTED} WHERE campaign = {{}} "
        "GROUP BY unit, mode ORDER BY unit, mode",
        campaign.id,
    ):
        found.setdefault(row["unit"], {})[row["mode"]] = row["n"]
    return [
        UnitCount(place, found.get(code, {}))
        for code, place in campaign.units.items()
        if allowed is None or code in allowed
    ]


def page_of(counts: Sequence[UnitCount], number: int) -> Page | None:
    """A hundred units a page; None when there is no such page."""
    of = max(1, -(-len(counts) // PAGE))
    if not 1 <= number <= of:
        return None
    rows = counts[(number - 1) * PAGE : number * PAGE]
    return Page(number, of, rows, len(counts), sum(c.total > 0 for c in counts), sum(c.total for c in counts))
