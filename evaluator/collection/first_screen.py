"""The first screen of an open form, kept as it was rendered: a crowd that follows one link need not wait in a row.

Nothing in it is one visitor's own but the signed visit, and the order of choices, by which pages are kept apart. Where
a questionnaire reads the clock, chance or the like, no page of it is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import NamedTuple

from evaluator.collection import screens
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.form import Visit
from evaluator.collection.moving import at_first
from questionnaires.definition import Questionnaire
from questionnaires.ordering import orders

MOST = 3000  # pages of one process, of 5 to 20 kB each

Asked = tuple[object, ...]  # all of a request that a page shows


class _Kept(NamedTuple):
    campaign: LiveCampaign
    before: str  # the signed visit
    after: str


class FirstScreens:
    """The pages of one process. One of a campaign that was changed is not given any more."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Asked, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def key(self, campaign: LiveCampaign, visit: Visit, *asked: object) -> Asked | None:
        """What tells a page from others; None when each visitor has one of their own."""
        items = _items(campaign.questionnaire)
        if items is None:
            return None
        return (campaign.code, visit.unit, *asked, *orders(campaign.questionnaire, visit.seed, items).items())

    def find(self, key: Asked, campaign: LiveCampaign, signed: str) -> str | None:
        """The page for a visit."""
        kept = self._kept.get(key)
        if kept is None or kept.campaign is not campaign:
            return None
        self._kept.move_to_end(key)
        return f"{kept.before}{signed}{kept.after}"

    def keep(self, key: Asked, campaign: LiveCampaign, signed: str, page: str) -> None:
        """Remember a page that was made for a visit."""
        before, found, after = page.partition(signed)
        if found and signed not in after:
            self._kept[key] = _Kept(campaign, before, after)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)


@lru_cache(maxsize=64)
def _items(questionnaire: Questionnaire) -> frozenset[str] | None:
    """The items of the first screen and those that wait behind it; None where more than answers has a say in them."""
    if any(expression.reads_context() for expression in screens.expressions(questionnaire)):
        return None
    if any(item.type == "metadata" for item in questionnaire.items):
        return None
    shown = at_first(questionnaire)
    return frozenset(item.code for item in (*(shown.screen.items if shown.screen else ()), *shown.rest))
