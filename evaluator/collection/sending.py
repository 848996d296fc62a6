"""What becomes of a form that can be taken: a row, stored, and a slip for whoever sent it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from litestar.datastructures import State as SiteState

from evaluator.collection import drafts, earlier, form
from evaluator.collection.campaigns import LiveCampaign, response_day
from evaluator.collection.keys import campaign_key, visit_hash
from evaluator.collection.promises import Promised
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.collection.slips import Slip
from evaluator.settings import Settings
from questionnaires.acceptance import Accepted, accepted
from questionnaires.definition import Questionnaire
from questionnaires.quality import duration_class
from questionnaires.recompute import State


def addresses(campaign: LiveCampaign, visit: form.Visit) -> tuple[str, str]:
    """Of the steps, and the one that the cookie goes to."""
    if campaign.trial:
        return campaign.trial, campaign.trial
    mode = form.mode(visit)
    if mode == "invitation":
        return "/code/form", "/code"
    address = f"/{'account' if mode == 'sign_in' else 'rate'}/{campaign.code}/{visit.unit}"
    return address, address


def send_address(campaign: LiveCampaign, visit: form.Visit) -> str:
    """Where the whole form goes."""
    return f"{addresses(campaign, visit)[1]}/send"


def offers(campaign: LiveCampaign, mode: form.Mode) -> bool:
    """Whether people may answer a campaign in this way; a code was sent by whoever asks."""
    return {"open": campaign.open_link, "sign_in": campaign.sign_in, "invitation": True}[mode]


def answers_something(questionnaire: Questionnaire, found: State) -> bool:
    """Whether any question was answered; what is calculated is no answer."""
    return not _asked(questionnaire).isdisjoint(found.answers)


@lru_cache(maxsize=64)
def _asked(questionnaire: Questionnaire) -> frozenset[str]:
    return frozenset(question.code for question in questionnaire.questions)


async def stored(
    site: SiteState, campaign: LiveCampaign, visit: form.Visit, found: State, now: datetime, key: bytes | None
) -> Slip | None:
    """Store answers without a problem; when they are on disk, the slip. None: another answer counts already.

    Parameters
    ----------
    site : SiteState
        Of the application.
    found : State
        What was worked out from the answers, in the terms of the campaign's present version.
    key : bytes, optional
        Of the draft that goes with it.

    Raises
    ------
    Problem
        410: the campaign's key was destroyed; 503: too many wait.
    DatabaseError
        Nothing was stored.
    """
    row = _row(site.settings, campaign, visit, found, now)
    promised = Promised(campaign.code, campaign.closes + timedelta(days=1))
    outcome = await site.intake.submit(row, promised, drafts.name_of(key))
    if outcome.kind == "duplicate":
        return None
    assert outcome.hold is not None
    mark, token = outcome.hold
    return Slip(promised.campaign, bytes.fromhex(outcome.leaf_hash), promised.sealed_by, mark, token, visit.unit)


def _row(settings: Settings, campaign: LiveCampaign, visit: form.Visit, found: State, now: datetime) -> ResponseRow:
    taken = accepted(campaign.questionnaire, found)
    assert isinstance(taken, Accepted)
    return response_row(
        campaign.questionnaire, taken, questionnaire_version=campaign.version, campaign=campaign.id,
        campaign_code=campaign.code, unit=visit.unit, mode=form.mode(visit),
        day=response_day(campaign, now, settings.zone), orders=earlier.shown_orders(campaign, visit),
        duration=duration_class(now.timestamp() - visit.started), design_stratum=visit.design_stratum, psu=visit.psu,
        code_hash=visit.code_hash or _visit_hash(settings, campaign, visit),
    )  # fmt: skip


def _visit_hash(settings: Settings, campaign: LiveCampaign, visit: form.Visit) -> str:
    return visit_hash(campaign_key(settings, campaign.code), visit.unit, visit.started, visit.seed)
