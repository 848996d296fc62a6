"""Taking an answer back until the close: answer and salt are erased, and the log says at once that they were.

Who holds the slip and the withdrawal code may do it. The code is 120 bits of a keyed hash over the leaf: nothing of it
is stored, and guessing it needs no throttle. The leaf stays in the log for ever; what it committed to is gone.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from evaluator import database
from evaluator.collection import admission, keys
from evaluator.collection.campaigns import LiveCampaign, closes_at
from evaluator.collection.slips import TOKEN
from evaluator.collection.tables import Campaign, Pending, Response
from evaluator.ledger.appending import append
from evaluator.ledger.files import publish
from evaluator.ledger.keys import campaign_log
from evaluator.ledger.leaves import entry
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from evaluator.settings import Settings

Outcome = Literal["withdrawn", "already"]
ERASED_SALT = "0" * 64


def _(message: str) -> str:
    return message


def read_token(text: str) -> str | None:
    """The withdrawal code that somebody typed: with blanks, dashes, small letters, O for 0, I or L for 1."""
    if len(text) > 128:
        return None
    narrow = "".join(chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in text)
    code = narrow.upper().translate(admission.READ_AS)
    return code if TOKEN.fullmatch(code) else None


def wrong_token() -> Problem:
    return Problem(
        403, _("The withdrawal code is wrong"),
        _("It does not belong to this slip, so nothing was changed. Compare its 24 letters and digits one by one."),
    )  # fmt: skip


def check_until_close(campaign: LiveCampaign, now: datetime, zone: ZoneInfo) -> None:
    """Refuse what comes after the last day.

    Raises
    ------
    Problem
        410: the answers are counted already, or about to be.
    """
    if now >= closes_at(campaign, zone):
        raise Problem(
            410, _("Too late to take answers back"),
            _("Answers could be taken back until %(closes)s. After the close they are counted and cannot be found."),
            closes=campaign.closes.isoformat(),
        )  # fmt: skip


def check_token(settings: Settings, campaign: LiveCampaign, leaf: str, token: str) -> None:
    """Refuse a code that is not of this leaf, given in hexadecimal, in this campaign.

    Raises
    ------
    Problem
        403, also for a campaign whose key was destroyed.
    """
    if keys.destroyed(settings, campaign.code):
        raise wrong_token()
    right = keys.withdrawal_token(keys.campaign_key(settings, campaign.code), leaf)
    if not hmac.compare_digest(right.encode(), token.encode()):
        raise wrong_token()


async def is_erased(campaign: LiveCampaign, leaf: str) -> bool | None:
    """Whether the answer behind a leaf is gone; None when this campaign knows no such leaf."""
    waiting = await Pending.select(Pending.withdrawn).where(Pending.campaign == campaign.id, Pending.leaf_hash == leaf)
    if waiting:
        return bool(waiting[0]["withdrawn"])
    if await Response.exists().where(Response.campaign == campaign.id, Response.leaf_hash == leaf):
        return False
    return True if await stands_in_log(campaign.code, leaf) else None


async def stands_in_log(code: str, leaf: str) -> bool:
    """Whether a campaign's log has this leaf."""
    return bool(await LogLeaf.exists().where(LogLeaf.leaf_hash == leaf, LogLeaf.log == campaign_log(code)))


def unknown_leaf() -> Problem:
    return Problem(
        404, _("Nothing is known of this slip"),
        _("This survey has no such entry. Check that the slip is whole and belongs to this survey."),
    )  # fmt: skip


async def withdraw(settings: Settings, campaign: LiveCampaign, leaf: str, token: str, now: datetime) -> Outcome:
    """Erase the answer and the salt behind a leaf, and write into the log that its holder took it back.

    The invitation stays used: an answer that was taken back is not given again.

    Raises
    ------
    Problem
        403 for a wrong code, 404 for an unknown leaf, 410 after the close.
    LogBehind
        The database was restored from an older backup.
    """
    check_token(settings, campaign, leaf, token)
    check_until_close(campaign, now, settings.zone)
    log = campaign_log(campaign.code)
    async with Campaign._meta.db.transaction():
        if database.engine().engine_type == "postgres":  # the log before the rows, as sealing does: no deadlock
            await Campaign.raw("SELECT size FROM log WHERE name = {} FOR UPDATE", log)
        if not await _erase(campaign, leaf):
            if await is_erased(campaign, leaf) is None:
                raise unknown_leaf()
            return "already"
        await append(settings, log, [entry("withdrawal", campaign=campaign.code, leaf=leaf)])
    if database.engine().engine_type == "sqlite":  # what was erased goes from the log of changes too
        await Campaign.raw("PRAGMA wal_checkpoint(TRUNCATE)")
    await publish(settings, log)
    return "withdrawn"


async def _erase(campaign: LiveCampaign, leaf: str) -> bool:
    """Erase what waits, else what was sealed; False when there is neither."""
    waited = await Campaign.raw(
        "UPDATE pending SET withdrawn = {}, answers = {}, orders = '', flags = '', duration = 'unknown', "
        "design_stratum = '', psu = '', salt = {}, code_hash = CASE WHEN mode = 'open' THEN code_hash END "
        "WHERE campaign = {} AND leaf_hash = {} AND NOT withdrawn RETURNING identifier",
        True, "{}", ERASED_SALT, campaign.id, leaf,
    )  # fmt: skip
    if waited:
        return True
    # a sealing that came between has moved it meanwhile: this statement sees it
    sealed = await Campaign.raw(
        "DELETE FROM response WHERE campaign = {} AND leaf_hash = {} RETURNING identifier", campaign.id, leaf
    )
    return bool(sealed)
