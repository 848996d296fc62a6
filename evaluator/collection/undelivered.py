"""What came back: counted in its design cell, so that the response rate has its true denominator; its code is void."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.frames import DesignCell
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.tables import Invitation, SampleCell
from evaluator.settings import Settings

ROWS = 500


class Returned(msgspec.Struct, frozen=True):
    """What a list came to."""

    counted: int
    unknown: int  # no codes of this campaign, or counted before


async def count_undelivered(settings: Settings, campaign: LiveCampaign, codes: Sequence[str]) -> Returned:
    """Count codes as undelivered and make them void, used or not: nobody learns here whether one was used."""
    key = campaign_key(settings, campaign.code)
    hashes = sorted({invitation_hash(key, code) for code in codes})
    counted: Counter[DesignCell] = Counter()
    async with Invitation._meta.db.transaction():
        for at in range(0, len(hashes), ROWS):
            some = (Invitation.campaign == campaign.id) & Invitation.code_hash.is_in(hashes[at : at + ROWS])
            gone = (
                await Invitation.delete()
                .where(some)
                .returning(Invitation.unit, Invitation.design_stratum, Invitation.psu)
            )
            counted.update(DesignCell(row["unit"], row["design_stratum"], row["psu"]) for row in gone)
        for cell, number in sorted(counted.items()):
            await SampleCell.update({SampleCell.undelivered: SampleCell.undelivered + number}).where(
                (SampleCell.campaign == campaign.id)
                & (SampleCell.unit == cell.unit)
                & (SampleCell.design_stratum == cell.design_stratum)
                & (SampleCell.psu == cell.psu)
            )
    total = counted.total()
    return Returned(total, len(hashes) - total)
