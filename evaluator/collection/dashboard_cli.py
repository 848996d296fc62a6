"""Campaigns on the command line, in the rounded numbers of their pages."""

from __future__ import annotations

from evaluator.collection.campaigns import load_campaign, right_now, state, today
from evaluator.collection.dashboard import Counted, overview
from evaluator.collection.tables import Campaign
from evaluator.settings import read_settings


async def listed() -> list[str]:
    """A line a campaign: code, where it stands, dates, responses by mode."""
    now, zone, lines = right_now(), read_settings().zone, []
    for row in await Campaign.select(Campaign.code).order_by(Campaign.opens):
        campaign = await load_campaign(row["code"])
        assert campaign is not None
        shown = await overview(Counted(), campaign, today(now, zone))
        counts = " ".join(f"{mode}={n}" for mode, n in sorted(shown.by_mode.items()) if n)
        lines.append(f"{campaign.code}\t{state(campaign, now, zone)}\t{campaign.opens}\t{campaign.closes}\t{counts}")
    return lines
