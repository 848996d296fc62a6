"""Flags of a campaign on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from evaluator.collection.campaigns import load_campaign, right_now, state
from evaluator.collection.quality import flag_campaign
from evaluator.collection.steering import Signals, refresh
from evaluator.problems import Problem
from evaluator.settings import read_settings


def _(message: str) -> str:
    return message


def flagged(run: Callable[..., dict[str, int]], code: str) -> Iterator[str]:
    """Flag a campaign that is over; a line for each rule with how many it found."""
    found = run(_flag(code))
    for rule, number in found.items():
        yield f"{rule}\t{number}"
    if not found:
        yield "its questionnaire has no rules that look at all responses"


async def _flag(code: str) -> dict[str, Any]:
    settings, found = read_settings(), await load_campaign(code)
    if found is None:
        raise Problem(404, _("No such campaign"), _("There is no campaign “%(code)s”."), code=code)
    if state(found, right_now(), settings.zone) in ("draft", "not_yet", "open", "paused"):
        raise Problem(
            409, _("The campaign is not over"),
            _("Flags compare a response with all others: “%(code)s” is open until %(closes)s."),
            code=code, closes=found.closes.isoformat(),
        )  # fmt: skip
    return await flag_campaign(settings, found.id)


def signalled(run: Callable[..., Any], code: str) -> Iterator[str]:
    """Refresh a campaign's signals; a line for each."""
    found = run(_signal(code))
    if found is None:
        yield "nothing is sealed yet"
        return
    for share in found.prompted:
        some = f"{share.some:,}" if share.some else "fewer than 10"
        yield f"told how to answer\t{share.mode}\t{some} of {share.of:,}"
    if (a := found.against) is not None:
        yield f"open less invited\t{a.difference}\t{a.lower} to {a.upper}"
    for flag, number in found.flags.items():
        yield f"{flag}\t{number:,}"


async def _signal(code: str) -> Signals | None:
    found = await load_campaign(code)
    if found is None:
        raise Problem(404, _("No such campaign"), _("There is no campaign “%(code)s”."), code=code)
    over = state(found, right_now(), read_settings().zone) == "sealed"
    return await refresh(found.id, closed=over)
