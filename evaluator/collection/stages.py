"""The life of a campaign: a draft is opened, may be paused and resumed, closed before its last day, and is sealed.

Dates say whether an opened campaign has not begun, takes answers or is over (`campaigns.state`); here is what an
operator decides. Each decision is one transaction with its entry in the audit log, and with a new manifest where it
changes what the manifest says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from evaluator.collection import manifest
from evaluator.collection.tables import Campaign
from evaluator.collection.versions import campaign_of
from evaluator.database import engine
from evaluator.ledger.audit import record
from evaluator.ledger.keys import AUDIT
from evaluator.problems import Problem
from evaluator.settings import Settings

Deed = Literal["open", "pause", "resume", "close"]
COMMAND_LINE = "command line"  # who did it, where nobody signed in


def _(message: str) -> str:
    return message


DEEDS: Mapping[Deed, str] = {
    "open": "campaign.opened",
    "pause": "campaign.paused",
    "resume": "campaign.resumed",
    "close": "campaign.closed_early",
}
CLOSED_EARLY = _("The survey was closed before its last day.")


async def do(settings: Settings, code: str, deed: Deed, day: date, *, by: str = COMMAND_LINE) -> None:
    """Open, pause, resume or close a campaign.

    Parameters
    ----------
    code : str
        Of the campaign.
    day : date
        Today, in the site's time zone.
    by : str
        Who decided it, for the audit log: a role and a number, never a name.

    Raises
    ------
    Problem
        404 when there is no such campaign; 409 when its stage or its dates stand against it, with what would be right.
    """
    if engine().current_transaction.get() is not None:
        raise RuntimeError("a stage begins in a transaction of its own: what is logged is published after it")
    found = await campaign_of(code)
    async with manifest.changing(settings, found["id"], day, CLOSED_EARLY if deed == "close" else ""):
        row = await campaign_of(code)  # anew: nobody changes it from here on
        await Campaign.update(refusing(deed, row, day)).where(Campaign.id == row["id"])
        await record(settings, DEEDS[deed], code=code, by=by)
    await manifest.publish_after(settings, AUDIT)


def possible(row: Mapping[str, Any], day: date) -> list[Deed]:
    """What can be decided about a campaign today, in the order of its life."""
    found: list[Deed] = []
    for deed in DEEDS:
        try:
            refusing(deed, row, day)
        except Problem:
            continue
        found.append(deed)
    return found


def refusing(deed: Deed, row: Mapping[str, Any], day: date) -> dict[Any, Any]:
    """What a decision writes.

    Raises
    ------
    Problem
        409: it cannot be decided now.
    """
    stage, opens, closes = row["stage"], manifest.as_day(row["opens"]), manifest.as_day(row["closes"])
    over = stage == "sealed" or bool(row["closed_early"]) or closes < day
    if deed == "open":
        if stage != "draft":
            raise _cannot(_("It was opened before"), _("“%(code)s” is no draft; there is nothing to open."), row)
        if closes < day:
            raise _cannot(
                _("Its last day is over"),
                _("“%(code)s” would have closed on %(closes)s. Change its dates first: evaluator campaign change"),
                row,
            )
        return {Campaign.stage: "ready"}
    if stage == "draft":
        raise _cannot(
            _("It is a draft"), _("“%(code)s” was never opened: nobody sees it, and it takes no answers."), row
        )
    if over:
        raise _cannot(_("The survey is over"), _("“%(code)s” closed on %(closes)s; it takes no answers any more."), row)
    if deed == "pause":
        if stage == "paused":
            raise _cannot(_("It is paused"), _("“%(code)s” is paused already; it can be resumed."), row)
        return {Campaign.stage: "paused"}
    if deed == "resume":
        if stage != "paused":
            raise _cannot(_("It is not paused"), _("“%(code)s” is not paused; there is nothing to resume."), row)
        return {Campaign.stage: "ready"}
    if day < opens:
        raise _cannot(
            _("It has not begun"),
            _("“%(code)s” begins on %(opens)s. Pause it, or change its dates: evaluator campaign change"),
            row,
        )
    return {Campaign.stage: "ready", Campaign.closed_early: True, Campaign.closes: day}


def _cannot(title: str, detail: str, row: Mapping[str, Any]) -> Problem:
    return Problem(
        409, title, detail, code=row["code"], opens=manifest.as_day(row["opens"]).isoformat(),
        closes=manifest.as_day(row["closes"]).isoformat(),
    )  # fmt: skip
