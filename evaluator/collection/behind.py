"""A database that was restored from an older backup: it would sign a second history, so its campaigns take nothing.

What was sealed since the backup is gone, and the codes that were used since look unused: an answer that came now could
be somebody's second one, and its promise could not be kept. So citizens are asked to come back, and the operator is
told. Likewise when the key of the logs is another one than what signed them.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request

from evaluator.collection.campaigns import LiveCampaign
from evaluator.ledger.appending import LogBehind, check_not_behind, check_same_key
from evaluator.ledger.files import head
from evaluator.ledger.keys import LogKeyError, campaign_log
from evaluator.ledger.merkle import EMPTY_ROOT
from evaluator.problems import Problem
from evaluator.settings import Settings

KEEP_FOR = 15.0  # seconds that a process trusts what it found

log = logging.getLogger("evaluator")


def _(message: str) -> str:
    return message


class Watch:
    """What a process remembers of the logs it compared with their published heads."""

    def __init__(self, settings: Settings, keep_for: float = KEEP_FOR) -> None:
        self._settings, self._keep_for = settings, keep_for
        self._known: dict[str, tuple[float, bool]] = {}

    async def is_behind(self, code: str) -> bool:
        """Whether the database knows less of a campaign's log than was published, or the log's key was lost."""
        known = self._known.get(code)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        newest = await head(campaign_log(code))
        behind = False
        try:
            check_not_behind(
                self._settings, campaign_log(code), newest.size if newest else 0,
                newest.root.hex() if newest else EMPTY_ROOT.hex(),
            )  # fmt: skip
            check_same_key(self._settings, campaign_log(code), newest.checkpoint if newest else "")
        except (LogBehind, LogKeyError) as error:
            behind = True
            if known is None or not known[1]:
                log.error("campaign %s takes no answers: %s", code, error)
        self._known[code] = (time.monotonic() + self._keep_for, behind)
        return behind


async def refuse_behind(request: Request[Any, Any, Any], campaign: LiveCampaign) -> None:
    """Refuse to take an answer, or to begin one, that could not be promised.

    Raises
    ------
    Problem
        503, until the operator has put a newer backup in place.
    """
    if not campaign.trial and await request.app.state.logs.is_behind(campaign.code):
        raise Problem(
            503, _("This survey takes no answers at the moment"),
            _("Our records have to be put right first. Nothing you sent was stored, and an invitation stays valid. "
              "Please come back tomorrow."),
            headers={"Retry-After": "3600"},
        )  # fmt: skip


@contextlib.asynccontextmanager
async def watching(app: Litestar) -> AsyncIterator[None]:
    """The process's memory of it."""
    app.state.logs = Watch(app.state.settings)
    yield
