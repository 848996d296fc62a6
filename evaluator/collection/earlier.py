"""Forms in the middle when a campaign moves: what a page of an older version sent, in the terms of the present one.

Each page names, under its signature, the version that it was drawn from. Screens are numbered within their section, so
that a question more can give the same code to another screen: what was shown is followed by its items, not by codes.
"""

from __future__ import annotations

import msgspec

from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.form import REVIEW, Sent, Visit
from evaluator.collection.moving import on_page
from questionnaires.definition import Questionnaire
from questionnaires.ordering import orders
from questionnaires.recompute import plan
from questionnaires.screens import screens


def is_known(campaign: LiveCampaign, visit: Visit) -> bool:
    """Whether this process knows the version that a page was drawn from; another one may have moved the campaign."""
    return visit.version in (0, campaign.version) or visit.version in campaign.earlier or bool(campaign.trial)


def version_of(campaign: LiveCampaign, visit: Visit) -> Questionnaire | None:
    """The older version that a page was drawn from; None when it is the present one."""
    return None if visit.version == campaign.version else campaign.earlier.get(visit.version)


def of_present(campaign: LiveCampaign, visit: Visit) -> Visit:
    """The visit as a page of the present version names it."""
    if visit.version == campaign.version and visit.begun:
        return visit
    return msgspec.structs.replace(visit, version=campaign.version, begun=visit.begun or campaign.version)


def screen_now(old: Questionnaire, new: Questionnaire, code: str) -> str:
    """The screen of the present version that has the first of an older screen's items; "" when there is none."""
    if code == REVIEW:
        return REVIEW
    before = next((screen for screen in screens(old) if screen.code == code), None)
    where = {item.code: screen.code for screen in screens(new) for item in screen.items}
    found = (where.get(item.code) for item in (before.items if before else ()))
    return next((screen for screen in found if screen is not None), "")


def unseen(new: Questionnaire, seen: tuple[str, ...]) -> str:
    """Where to go on when the screen that somebody was at is gone: the first one that was not seen yet."""
    return next((screen.code for screen in screens(new) if screen.code not in seen), REVIEW)


def seen_now(old: Questionnaire, new: Questionnaire, seen: tuple[str, ...], page: frozenset[str]) -> tuple[str, ...]:
    """The screens of the present version all of whose questions were seen, on `page` or on the screens before."""
    known = page | {item for code in seen for item in on_page(old, code, script=False)}
    return tuple(
        screen.code for screen in screens(new) if {item.code for item in screen.questions or screen.items} <= known
    )


def sent_now(old: Questionnaire, new: Questionnaire, sent: Sent) -> Sent:
    """What a page of an older version sent, in the terms of the present one; `at` is "" where its screen is gone."""
    fields = plan(new).fields
    page = on_page(old, sent.at, script=sent.script)
    return msgspec.structs.replace(
        sent,
        at=screen_now(old, new, sent.at),
        seen=seen_now(old, new, sent.seen, page),
        answers={code: values for code, values in sent.answers.items() if code in fields},
    )


def shown_orders(campaign: LiveCampaign, visit: Visit) -> dict[str, str]:
    """The orders of choices to record; those that are not the same in the version that the visit began with are left
    out, for nobody knows which of the two was answered."""
    found = orders(campaign.questionnaire, visit.seed)
    begun = campaign.earlier.get(visit.begun) if visit.begun != campaign.version else None
    if begun is None:
        return found
    before = orders(begun, visit.seed)
    return {question: order for question, order in found.items() if before.get(question) == order}
