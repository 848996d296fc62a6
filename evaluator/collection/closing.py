"""The end of a campaign: when all its responses are in the log it is sealed, and at last its key goes."""

from __future__ import annotations

from evaluator.collection import keys
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.tables import Campaign, Pending
from evaluator.ledger.appending import append
from evaluator.ledger.files import publish
from evaluator.ledger.keys import campaign_log
from evaluator.ledger.leaves import entry
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from evaluator.settings import Settings

KINDS = ("response", "withdrawal", "exclusion", "reinstatement")


def _(message: str) -> str:
    return message


async def close(settings: Settings, code: str) -> bool:
    """Say that a campaign is sealed, unless something still waits or it was said before."""
    log = campaign_log(code)
    async with Campaign._meta.db.transaction():
        [campaign] = await Campaign.raw("SELECT id FROM campaign WHERE code = {}", code)
        if await Pending.exists().where(Pending.campaign == campaign["id"]):
            return False
        changed = await Campaign.raw(
            "UPDATE campaign SET stage = 'sealed' WHERE id = {} AND stage IN ('ready', 'paused') RETURNING id",
            campaign["id"],
        )
        if not changed:
            return False
        await append(settings, log, [entry("closing", campaign=code, **await _numbers(log))])
    await publish(settings, log)
    return True


async def _numbers(log: str) -> dict[str, int]:
    """How many leaves of each kind that bears on the count."""
    found = {}
    for kind in KINDS:
        [row] = await LogLeaf.raw(
            "SELECT count(*) AS n FROM log_leaf WHERE log = {} AND entry LIKE {}", log, f'%"kind":"{kind}"%'
        )
        found[f"{kind}s"] = row["n"]
    return found


async def destroy_key(settings: Settings, campaign: LiveCampaign) -> bool:
    """Say in the log that a campaign's key is destroyed, then destroy it; False when both were done before.

    Afterwards nobody can tell whether a code was used, and no answer can be taken back.

    Raises
    ------
    Problem
        409: the campaign is not sealed yet.
    LogBehind
        The database is older than what was published.
    """
    [row] = await Campaign.raw("SELECT stage FROM campaign WHERE id = {}", campaign.id)
    if row["stage"] != "sealed":
        raise Problem(
            409, _("The campaign is not sealed yet"),
            _("“%(code)s” still needs its key: it closes on %(closes)s, and is sealed when its log has all answers."),
            code=campaign.code, closes=campaign.closes.isoformat(),
        )  # fmt: skip
    log = campaign_log(campaign.code)
    said = bool(
        await LogLeaf.raw(
            "SELECT position FROM log_leaf WHERE log = {} AND entry LIKE {}", log, '%"kind":"key_destroyed"%'
        )
    )
    if said and keys.destroyed(settings, campaign.code):
        return False
    if not said:
        await append(settings, log, [entry("key_destroyed", campaign=campaign.code)])
    keys.destroy(settings, campaign.code)
    await publish(settings, log)
    return True
