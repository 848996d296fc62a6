"""Changing what a campaign promises: a draft freely, an opened one as far as no answer is touched by it.

Of an opened campaign the new manifest is logged with the reason, so that everybody can read what changed and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec

from evaluator.collection import manifest
from evaluator.collection.campaigns import wrong_days, wrong_targets, wrong_texts
from evaluator.collection.labels import Label
from evaluator.collection.rules import Rules, stored
from evaluator.collection.stages import COMMAND_LINE
from evaluator.collection.tables import (
    Campaign,
    CampaignUnit,
    CampaignVersion,
    Invitation,
    Pending,
    Response,
    SampleCell,
)
from evaluator.collection.versions import campaign_of
from evaluator.database import engine, hold
from evaluator.ledger.audit import record
from evaluator.ledger.keys import AUDIT
from evaluator.problems import FieldProblem, Problem, wrong_field
from evaluator.settings import Settings
from evaluator.units.tables import Unit


def _(message: str) -> str:
    return message


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to be changed; None and empty: it stays."""

    title: Label | None = None
    responsible: Label | None = None
    contact: str | None = None
    opens: date | None = None
    closes: date | None = None
    kept_months: int | None = None
    open_link: bool | None = None
    sign_in: bool | None = None
    targets: Mapping[str, int] = {}
    rules: Rules | None = None
    more_units: Sequence[str] = ()
    fewer_units: Sequence[str] = ()

    @property
    def named(self) -> list[str]:
        """The names of what is to be changed."""
        return [
            name for name, value in msgspec.structs.asdict(self).items() if value is not None and value not in ((), {})
        ]


BEFORE_IT_BEGINS = {"opens", "rules"}
AFTER_THE_CLOSE = {"responsible", "contact"}  # whom to ask is to be right for as long as answers are kept


async def amend(
    settings: Settings, code: str, changes: Changes, day: date, reason: str, *, by: str = COMMAND_LINE
) -> str | None:
    """Change a campaign; the SHA-256 of its new manifest, None for a draft or when nothing is different.

    Parameters
    ----------
    code : str
        Of the campaign.
    day : date
        Today, in the site's time zone.
    reason : str
        Why, for everybody to read; a draft needs none.
    by : str
        Who decides it, for the audit log: a role and a number, never a name.

    Raises
    ------
    Problem
        404 when there is no such campaign; 409 or 422 with everything that stands against it. Nothing is changed then.
    """
    if engine().current_transaction.get() is not None:
        raise RuntimeError("a change is a transaction of its own: what is logged is published after it")
    found = await campaign_of(code)
    before = await manifest.latest(found["id"])
    async with manifest.changing(settings, found["id"], day, reason.strip()):
        await _apply(found["id"], code, changes, day, reason)
        await record(settings, "campaign.changed", code=code, fields=changes.named, by=by)
    await manifest.publish_after(settings, AUDIT)
    now = await manifest.latest(found["id"])
    return None if now is None or now == before else now.digest


class _LookedAt(Exception):
    """Takes a transaction back that was only to be looked at."""


async def preview(settings: Settings, code: str, changes: Changes, day: date, reason: str) -> str:
    """The manifest that a change would lead to, worked out by making the change and taking it back; raises as `amend`.

    Returns
    -------
    str
        Its text.
    """
    found = await campaign_of(code)
    text = ""
    try:
        async with Campaign._meta.db.transaction():
            await hold(Campaign, found["id"])
            await _apply(found["id"], code, changes, day, reason)
            text = await manifest.text_now(settings, found["id"])
            raise _LookedAt
    except _LookedAt:
        return text


async def _apply(campaign: int, code: str, changes: Changes, day: date, reason: str) -> None:
    """Change what may be changed, or raise with everything that stands against it."""
    row = await Campaign.objects().get(Campaign.id == campaign)
    units = {
        line["unit"]: line["target"]
        for line in await CampaignUnit.select(CampaignUnit.unit, CampaignUnit.target).where(
            CampaignUnit.campaign == row.id
        )
    }
    wrong = [
        *_refused(row, changes, day, reason),
        *await _wrong_units(row, changes, set(units)),
        *wrong_targets(changes.targets, (units.keys() | set(changes.more_units)) - set(changes.fewer_units)),
    ]
    if wrong:
        raise Problem(
            422, _("The campaign cannot be changed"), _("Nothing was changed in “%(code)s”."), errors=wrong, code=code
        )
    await _write(row, changes, units)


class Standing(NamedTuple):
    """How far a campaign is, where it bears on what may change."""

    draft: bool
    begun: bool
    over: bool

    def may(self, name: str) -> bool:
        """Whether something of the campaign, by its name in `Changes`, may change at all."""
        return name in AFTER_THE_CLOSE if self.over else not (self.begun and name in BEFORE_IT_BEGINS)


def standing(stage: str, opens: date, closes: date, closed_early: bool, day: date) -> Standing:
    draft = stage == "draft"
    return Standing(
        draft, not draft and opens <= day, stage == "sealed" or closed_early or (not draft and closes < day)
    )


def _refused(row: Campaign, changes: Changes, day: date, reason: str) -> list[FieldProblem]:
    """What stands against the changes: the campaign's stage, its dates, and what people were promised."""
    draft, begun, over = standing(row.stage, row.opens, row.closes, row.closed_early, day)
    wrong = []
    if not changes.named:
        wrong.append(wrong_field("campaign", _("nothing is to be changed; say what")))
    if over and (late := set(changes.named) - AFTER_THE_CLOSE):
        said = _("closed on %(closes)s; then only who is responsible and whom to ask may change, not: %(late)s")
        wrong.append(wrong_field("campaign", said, closes=row.closes, late=", ".join(sorted(late))))
    if not draft and not reason.strip():
        wrong.append(wrong_field("reason", _("is blank; say why, everybody can read it beside the new manifest")))
    if len(reason.strip()) > manifest.LONGEST_REASON:
        said = _("has %(number)d characters; at most %(most)d are allowed")
        wrong.append(wrong_field("reason", said, number=len(reason.strip()), most=manifest.LONGEST_REASON))
    opens, closes = changes.opens or row.opens, changes.closes or row.closes
    months = row.kept_months if changes.kept_months is None else changes.kept_months
    wrong += wrong_texts(
        changes.title or Label(row.title_zh, row.title_en),
        changes.responsible or Label(row.responsible_zh, row.responsible_en),
        row.contact if changes.contact is None else changes.contact,
    )
    wrong += wrong_days(opens, closes, months)
    if begun and changes.opens not in (None, row.opens):
        said = _("it began on %(opens)s; the first day cannot change any more")
        wrong.append(wrong_field("opens", said, opens=row.opens))
    if not draft and not begun and changes.opens is not None and changes.opens < day:
        said = _("%(opens)s is over; the first day is %(day)s or later")
        wrong.append(wrong_field("opens", said, opens=changes.opens, day=day))
    if not draft and changes.closes is not None and changes.closes < day:
        said = _("%(closes)s is over; the last day is %(day)s or later")
        wrong.append(wrong_field("closes", said, closes=changes.closes, day=day))
    if begun and changes.rules is not None:
        said = _("it began on %(opens)s; rules that are made when answers are there could be made for the answers")
        wrong.append(wrong_field("rules", said, opens=row.opens))
    if begun and months > row.kept_months:
        said = _("people were promised %(months)d months; it can only be made shorter")
        wrong.append(wrong_field("kept-months", said, months=row.kept_months))
    return wrong


async def _wrong_units(row: Campaign, changes: Changes, units: set[str]) -> list[FieldProblem]:
    """What stands against units that are to come in or to go."""
    wrong = []
    more = set(changes.more_units)
    if more:
        known = {line["code"] for line in await Unit.select(Unit.code)}
        for message, codes in (
            (_("“%(unit)s” is no unit; import it first"), more - known),
            (_("“%(unit)s” is in the campaign already"), more & units),
        ):
            wrong += [wrong_field("units", message, unit=unit) for unit in sorted(codes)]
    for unit in dict.fromkeys(changes.fewer_units):
        if unit not in units:
            wrong.append(wrong_field("units", _("“%(unit)s” is no unit of this campaign"), unit=unit))
            continue
        for table, what in (
            (Response, _("“%(unit)s” has answers in this campaign; it must stay")),
            (Pending, _("“%(unit)s” has answers in this campaign; it must stay")),
            (Invitation, _("“%(unit)s” has invitations in this campaign; it must stay")),
            (SampleCell, _("“%(unit)s” has a sample in this campaign; it must stay")),
        ):  # fmt: skip
            if await table.exists().where((table.campaign == row.id) & (table.unit == unit)):
                wrong.append(wrong_field("units", what, unit=unit))
                break
    if not (units | more) - set(changes.fewer_units):
        wrong.append(wrong_field("units", _("none would be left; a campaign asks about at least one")))
    return wrong


async def _write(row: Campaign, changes: Changes, units: Mapping[str, int]) -> None:
    values: dict[Any, Any] = {}
    for column, value in (
        (Campaign.title_zh, changes.title and changes.title.zh.strip()),
        (Campaign.title_en, changes.title and changes.title.en.strip()),
        (Campaign.responsible_zh, changes.responsible and changes.responsible.zh.strip()),
        (Campaign.responsible_en, changes.responsible and changes.responsible.en.strip()),
        (Campaign.contact, changes.contact and changes.contact.strip()),
        (Campaign.opens, changes.opens),
        (Campaign.closes, changes.closes),
        (Campaign.kept_months, changes.kept_months),
        (Campaign.open_link, changes.open_link),
        (Campaign.sign_in, changes.sign_in),
        (Campaign.rules, changes.rules and stored(changes.rules)),
    ):
        if value is not None:
            values[column] = value
    if values:
        await Campaign.update(values).where(Campaign.id == row.id)
    if changes.opens is not None:  # the first version is shown since then: it has not begun
        first = (
            await CampaignVersion.select(CampaignVersion.id)
            .where(CampaignVersion.campaign == row.id)
            .order_by(CampaignVersion.id)
            .limit(1)
        )
        await CampaignVersion.update({CampaignVersion.since: changes.opens}).where(CampaignVersion.id == first[0]["id"])
    of_campaign = CampaignUnit.campaign == row.id
    for unit in set(changes.fewer_units):
        await CampaignUnit.delete().where(of_campaign & (CampaignUnit.unit == unit))
    for unit in dict.fromkeys(changes.more_units):
        await CampaignUnit(campaign=row.id, unit=unit, target=changes.targets.get(unit, 0)).save()
    for unit, target in changes.targets.items():
        if unit in units and units[unit] != target:
            await CampaignUnit.update({CampaignUnit.target: target}).where(of_campaign & (CampaignUnit.unit == unit))
