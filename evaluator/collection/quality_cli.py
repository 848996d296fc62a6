"""Flags of a campaign on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from evaluator.collection.campaigns import load_campaign, right_now, state
from evaluator.collection.quality import flag_campaign
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
