"""What of a campaign is counted: exactly which leaves of its log, under which signed head.

Who has the log can work the set out anew: all responses, without those that were taken back or left out and not taken
in again (`evaluator.ledger.counted`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from evaluator.collection.export import Source, days
from evaluator.collection.tables import Campaign, Response
from evaluator.ledger.appending import append, check_not_behind
from evaluator.ledger.files import head, publish
from evaluator.ledger.keys import campaign_log, origin
from evaluator.ledger.leaves import entry
from evaluator.settings import Settings

Period = tuple[date, date]


class Counted(msgspec.Struct, frozen=True):
    """The head of a campaign's log, and the leaves up to it that are counted."""

    origin: str
    size: int
    root: str  # hexadecimal
    checkpoint: str
    counted: int
    counted_sha256: str  # of the leaves' hashes in hexadecimal, sorted, a line each
    whole: bool  # the period covers every day of the campaign, so that the log alone tells the set


def digest_of(leaves: Sequence[str]) -> str:
    """SHA-256 of sorted leaf hashes, a line each: what `sort | sha256sum` says of a file of them."""
    return hashlib.sha256("".join(f"{leaf}\n" for leaf in sorted(leaves)).encode()).hexdigest()


async def heads(settings: Settings, sources: Sequence[Source]) -> dict[str, tuple[int, str]]:
    """Size and root of the campaigns' logs now, those that have one.

    Raises
    ------
    LogBehind
        The database is older than what was published.
    """
    found = {}
    for source in sources:
        newest = await head(campaign_log(source.code))
        if newest is None:
            continue
        check_not_behind(settings, newest.name, newest.size, newest.root.hex())
        found[source.code] = (newest.size, newest.root.hex())
    return found


async def counted(settings: Settings, sources: Sequence[Source], period: Period) -> dict[str, Counted]:
    """What is counted of each campaign that has a log, on the days of a period."""
    found = {}
    for source in sources:
        newest = await head(campaign_log(source.code))
        if newest is None:
            continue
        rows = await Response.raw(
            "SELECT leaf_hash FROM response WHERE campaign = {} AND excluded = '' AND leaf_hash <> '' "
            "AND day BETWEEN {} AND {}",
            source.id, *days(period),
        )  # fmt: skip
        [campaign] = await Campaign.select(Campaign.opens, Campaign.closes).where(Campaign.id == source.id)
        found[source.code] = Counted(
            origin(settings, newest.name), newest.size, newest.root.hex(), newest.checkpoint, len(rows),
            digest_of([row["leaf_hash"] for row in rows]),
            period[0] <= campaign["opens"] and campaign["closes"] <= period[1],
        )  # fmt: skip
    return found


async def log_snapshot(settings: Settings, found: Mapping[str, Counted], sha256: str, period: Period) -> None:
    """Write into the campaigns' logs what a snapshot counted, all or none.

    Parameters
    ----------
    sha256 : str
        Of the snapshot, as its edition names it. It stands for all that goes into the statistics.

    Raises
    ------
    LogBehind
        The database is older than what was published.
    """
    async with Campaign._meta.db.transaction():
        for code in sorted(found):
            one = found[code]
            said = entry(
                "snapshot", campaign=code, size=one.size, root=one.root, counted=one.counted,
                counted_sha256=one.counted_sha256, snapshot=sha256, whole=one.whole,
                period=[day.isoformat() for day in period],
            )  # fmt: skip
            await append(settings, campaign_log(code), [said])
    for code in sorted(found):
        await publish(settings, campaign_log(code))
