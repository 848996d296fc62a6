"""Campaigns: made once, open between two days in the site's time zone, remembered by every process for seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from evaluator.collection.labels import Label
from evaluator.collection.manifest import log_manifest, publish_log
from evaluator.collection.rules import Rules, shipped_rules, stored
from evaluator.collection.tables import Campaign, CampaignUnit
from evaluator.collection.versions import begin, keep_questionnaire, refuse_unsupported, versions_of
from evaluator.ledger.audit import record
from evaluator.ledger.keys import CAMPAIGN_CODE
from evaluator.problems import FieldProblem, Problem, wrong_field
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.definition import Questionnaire

Stage = Literal["draft", "ready", "paused", "sealed"]  # what the operator decided
State = Literal["draft", "not_yet", "open", "paused", "closed", "sealed"]  # with what the dates say
GRACE = timedelta(minutes=30)  # for somebody who is in the middle of the form at the close
MOST_WANTED = 1_000_000  # responses from a unit
KEEP_FOR = 15.0  # seconds that a process trusts what it read


def _(message: str) -> str:
    return message


class Place(msgspec.Struct, frozen=True):
    """A unit in the tree, as visitors see it."""

    code: str
    parent: str | None
    kind: str
    name: Label


class LiveCampaign(msgspec.Struct, frozen=True):
    """A campaign with all that its pages need, loaded once for many requests."""

    id: int
    code: str
    title: Label
    opens: date
    closes: date
    open_link: bool
    simulated: bool
    responsible: Label
    contact: str
    kept_months: int
    version: int  # of the questionnaire that it shows now, in the database
    questionnaire: Questionnaire
    units: Mapping[str, Place]  # those it asks about
    earlier: Mapping[int, Questionnaire] = {}  # versions that it showed before, by their number
    trial: str = ""  # the address of a trial: then it is no campaign, and its answers are none
    stage: Stage = "ready"
    closed_early: bool = False
    targets: Mapping[str, int] = {}  # responses wanted, for units that have a target
    sign_in: bool = False  # whether people may answer after they signed in, where the site has a provider for that


class Tree(msgspec.Struct, frozen=True):
    """All units, to browse."""

    places: Mapping[str, Place]
    children: Mapping[str | None, tuple[Place, ...]]  # by code

    def path(self, code: str) -> tuple[Place, ...]:
        """The units above one and itself, from the top."""
        found: list[Place] = []
        at: str | None = code
        while at is not None and at in self.places and len(found) < 50:
            found.append(self.places[at])
            at = self.places[at].parent
        return tuple(reversed(found))


def today(now: datetime, zone: ZoneInfo) -> date:
    """The day it is for the public."""
    return now.astimezone(zone).date()


@lru_cache(maxsize=1024)
def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins; every answer asks for it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def opens_at(campaign: LiveCampaign, zone: ZoneInfo) -> datetime:
    return _midnight(campaign.opens, zone)


def closes_at(campaign: LiveCampaign, zone: ZoneInfo) -> datetime:
    """The first moment at which it is closed: the midnight that ends the last day."""
    return _midnight(campaign.closes + timedelta(days=1), zone)


def state(campaign: LiveCampaign, now: datetime, zone: ZoneInfo) -> State:
    """Whether it takes new responses; both dates are inclusive."""
    if campaign.stage in ("draft", "sealed"):
        return campaign.stage
    if campaign.closed_early or now >= closes_at(campaign, zone):
        return "closed"
    if campaign.stage == "paused":
        return "paused"
    return "not_yet" if now < opens_at(campaign, zone) else "open"


def check_open(campaign: LiveCampaign, now: datetime, zone: ZoneInfo, started: datetime | None = None) -> None:
    """Refuse what comes too early, too late or in a pause. `started` in time gives half an hour beyond the close.

    Raises
    ------
    Problem
        404 of a draft, 403 before it opens and while it is paused, 410 after it closed.
    """
    standing = state(campaign, now, zone)
    if standing == "draft":
        raise no_such_survey()
    if standing == "paused":
        raise Problem(
            403, _("This survey is paused"),
            _("It takes no answers at the moment. What you have begun is kept: please come back later."),
        )  # fmt: skip
    if standing == "not_yet":
        raise Problem(
            403, _("Not open yet"), _("This survey opens on %(opens)s. Please come back then."),
            opens=campaign.opens.isoformat(),
        )  # fmt: skip
    if standing in ("closed", "sealed"):
        if standing == "closed" and started is not None and _in_grace(campaign, now, zone, started):
            return
        raise Problem(
            410, _("This survey is closed"),
            _("It was open from %(opens)s to %(closes)s. Answers that were sent by then are counted."),
            opens=campaign.opens.isoformat(), closes=campaign.closes.isoformat(),
        )  # fmt: skip


def _in_grace(campaign: LiveCampaign, now: datetime, zone: ZoneInfo, started: datetime) -> bool:
    """Whether somebody who was in the middle of the form at the close may still send it."""
    if campaign.closed_early and now < started + GRACE:  # nobody can begin after it, and when it was is not kept
        return True
    end = closes_at(campaign, zone)
    return not campaign.closed_early and started < end and now < end + GRACE


def no_such_survey() -> Problem:
    return Problem(
        404, _("There is no such survey"), _("Check the address on your invitation, or choose from the list.")
    )


def response_day(campaign: LiveCampaign, now: datetime, zone: ZoneInfo) -> date:
    """The day kept with a response: in the half hour after the close it is the last day."""
    return min(today(now, zone), campaign.closes)


def wrong_texts(title: Label, responsible: Label, contact: str) -> list[FieldProblem]:
    """What is wrong with a campaign's texts."""
    wrong = []
    for name, value, most in (
        ("title-zh", title.zh, 160), ("title-en", title.en, 200), ("responsible-zh", responsible.zh, 160),
        ("responsible-en", responsible.en, 200), ("contact", contact, 200),
    ):  # fmt: skip
        if not value.strip():
            wrong.append(wrong_field(name, _("is blank; write a text")))
        elif len(value) > most:
            message = _("has %(number)d characters; at most %(most)d are allowed")
            wrong.append(wrong_field(name, message, number=len(value), most=most))
    return wrong


def wrong_days(opens: date, closes: date, kept_months: int) -> list[FieldProblem]:
    """What is wrong with a campaign's days, and with how long answers are kept after them."""
    wrong = []
    if closes < opens:
        message = _("%(closes)s is before the first day %(opens)s; the last day is on it or later")
        wrong.append(wrong_field("closes", message, closes=closes, opens=opens))
    if not 1 <= kept_months <= 240:
        wrong.append(wrong_field("kept-months", _("%(months)d; write 1 to 240 months"), months=kept_months))
    return wrong


async def create_campaign(
    settings: Settings,
    code: str,
    *,
    questionnaire: str,
    units: Iterable[str],
    opens: date,
    closes: date,
    title: Label,
    responsible: Label,
    contact: str,
    kept_months: int = 24,
    open_link: bool = True,
    sign_in: bool = False,
    simulated: bool = False,
    file: str = "questionnaire",
    draft: bool = False,
    targets: Mapping[str, int] | int = 0,
    rules: Rules | None = None,
    by: str = "command line",
) -> Campaign:
    """A new campaign: a draft, or one that is opened at once, with its manifest logged.

    Parameters
    ----------
    settings : Settings
        Whose keys and logs are used.
    questionnaire : str
        The YAML text.
    units : iterable of str
        Codes of the units it asks about.
    opens, closes : date
        First and last day, both inclusive, in the site's time zone.
    responsible : Label
        Who is responsible, for the notice; `contact`: whom to ask.
    kept_months : int
        How long answers are kept after the close.
    draft : bool
        Nobody sees it before it is opened, and everything of it may be changed without a trace.
    targets : mapping of str to int, or int
        Responses wanted from each unit, or from every unit; 0: none is set.
    rules : Rules, optional
        When a response may be left out, and thresholds; the shipped ones if not given.
    by : str
        Who makes it, for the audit log: a role and a number, never a name.

    Raises
    ------
    Problem
        With everything that is wrong, each with its field.
    """
    wanted = list(dict.fromkeys(units))
    wrong = wrong_texts(title, responsible, contact) + wrong_days(opens, closes, kept_months)
    if not CAMPAIGN_CODE.fullmatch(code):
        wrong.append(FieldProblem("code", f"{code[:70]!r}: a code has 1 to 64 small letters, digits and -"))
    if not wanted:
        wrong.append(FieldProblem("units", "none chosen; choose at least one"))
    known = {row["code"] for row in await Unit.select(Unit.code)}
    wrong += [FieldProblem("units", f"{unit!r} is no unit; import it first") for unit in wanted if unit not in known]
    wanted_from = dict.fromkeys(wanted, targets) if isinstance(targets, int) else targets
    wrong += wrong_targets(wanted_from, wanted)
    if wrong:
        raise Problem(422, _("The campaign cannot be made"), _("Nothing was stored."), errors=wrong)
    if await Campaign.exists().where(Campaign.code == code):
        raise Problem(
            409, _("This campaign exists already"), _("There is a campaign “%(code)s”; choose another code."), code=code
        )
    async with Campaign._meta.db.transaction():
        version, kept = await keep_questionnaire(questionnaire, file)
        refuse_unsupported(kept, _("The campaign cannot be made"))
        campaign = Campaign(
            code=code, title_zh=title.zh.strip(), title_en=title.en.strip(), questionnaire=version, opens=opens,
            closes=closes, open_link=open_link, sign_in=sign_in, simulated=simulated,
            responsible_zh=responsible.zh.strip(), responsible_en=responsible.en.strip(), contact=contact.strip(),
            kept_months=kept_months, stage="draft" if draft else "ready", rules=stored(rules or shipped_rules()),
        )  # fmt: skip
        await campaign.save()
        await begin(campaign.id, version, opens)
        for at in range(0, len(wanted), 500):
            await CampaignUnit.insert(
                *(
                    CampaignUnit(campaign=campaign.id, unit=unit, target=wanted_from.get(unit, 0))
                    for unit in wanted[at : at + 500]
                )
            )
        await log_manifest(settings, campaign.id, today(right_now(), settings.zone), "")
        await record(settings, "campaign.created", code=code, draft=draft, by=by)
    await publish_log(settings, code)
    return campaign


def wrong_targets(targets: Mapping[str, int], units: Collection[str]) -> list[FieldProblem]:
    """What is wrong with the numbers of responses that are wanted."""
    asked = set(units)
    return [
        wrong_field("targets", _("“%(unit)s” is no unit of this campaign"), unit=unit)
        for unit in targets
        if unit not in asked
    ] + [
        wrong_field("targets", _("%(unit)s: %(target)d; write 0 to 1,000,000 responses"), unit=unit, target=target)
        for unit, target in targets.items()
        if not 0 <= target <= MOST_WANTED
    ]


def _place(row: Mapping[str, object]) -> Place:
    parent = row["parent"]
    return Place(
        str(row["code"]), None if parent is None else str(parent), str(row["kind"]),
        Label(str(row["name_zh"]), str(row["name_en"] or row["name_zh"])),
    )  # fmt: skip


_PLACES = "SELECT code, parent, kind, name_zh, name_en FROM unit"


async def load_tree() -> Tree:
    """All units."""
    places = {place.code: place for row in await Unit.raw(f"{_PLACES} ORDER BY code") if (place := _place(row))}
    children: dict[str | None, list[Place]] = {}
    for place in places.values():
        children.setdefault(place.parent, []).append(place)
    return Tree(places, {parent: tuple(found) for parent, found in children.items()})


async def load_campaign(code: str) -> LiveCampaign | None:
    """A campaign from the database; None when there is none of this code.

    Raises
    ------
    DefinitionError
        The stored questionnaire cannot be read by this version of the software.
    """
    if not CAMPAIGN_CODE.fullmatch(code):
        return None
    row = await Campaign.objects().get(Campaign.code == code)
    if row is None:
        return None
    versions = {version.id: version.questionnaire for version in await versions_of(row.id)}
    targets = await CampaignUnit.select(CampaignUnit.unit, CampaignUnit.target).where(
        (CampaignUnit.campaign == row.id) & (CampaignUnit.target > 0)
    )
    places = await Unit.raw(
        f"{_PLACES} WHERE code IN (SELECT unit FROM campaign_unit WHERE campaign = {{}}) ORDER BY code", row.id
    )
    return LiveCampaign(
        id=row.id,
        code=row.code,
        title=Label(row.title_zh, row.title_en),
        opens=row.opens,
        closes=row.closes,
        open_link=row.open_link,
        stage=row.stage,
        closed_early=row.closed_early,
        targets={target["unit"]: target["target"] for target in targets},
        sign_in=row.sign_in,
        simulated=row.simulated,
        responsible=Label(row.responsible_zh, row.responsible_en),
        contact=row.contact,
        kept_months=row.kept_months,
        version=row.questionnaire,
        questionnaire=versions.pop(row.questionnaire),
        earlier=versions,
        units={place.code: place for place in map(_place, places)},
    )


class Campaigns:
    """What a process remembers for a few seconds, so that a request reads no database.

    What is older is still served while one task fetches it anew; a campaign that nobody asked for is fetched at once.
    """

    def __init__(self, keep_for: float = KEEP_FOR) -> None:
        self._keep_for = keep_for
        self._known: dict[str, tuple[float, LiveCampaign]] = {}
        self._tree: tuple[float, Tree] | None = None
        self._codes: tuple[float, tuple[str, ...]] | None = None
        self._fetching: dict[str, asyncio.Task[LiveCampaign | None]] = {}

    async def get(self, code: str) -> LiveCampaign:
        """A campaign. Raises a 404 Problem when there is none of this code."""
        known = self._known.get(code)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        task = self._fetching.get(code)
        if task is None:
            task = self._fetching[code] = asyncio.create_task(self._fetch(code))
        if known is not None and time.monotonic() < known[0] + self._keep_for:
            return known[1]
        found = await asyncio.shield(task)
        if found is None:
            raise no_such_survey()
        return found

    async def shown(self, code: str) -> LiveCampaign:
        """A campaign that the public may know of. Raises a 404 Problem for a draft too."""
        found = await self.get(code)
        if found.stage == "draft":
            raise no_such_survey()
        return found

    async def _fetch(self, code: str) -> LiveCampaign | None:
        try:
            found = await load_campaign(code)
        finally:
            self._fetching.pop(code, None)
        if found is None:
            self._known.pop(code, None)
            return None
        known = self._known.get(code)
        if known is not None and known[1] == found:
            found = known[1]  # the very same, so that what was made from it need not be made anew
        self._known[code] = (time.monotonic() + self._keep_for, found)
        return found

    async def anew(self, known: LiveCampaign) -> LiveCampaign:
        """The campaign as it stands in the database, for who was shown a version that this process does not know."""
        self._known.pop(known.code, None)
        return await self.get(known.code)

    async def all_shown(self) -> list[LiveCampaign]:
        """Every campaign that the public may know of, the latest first."""
        return [campaign for campaign in await self.all() if campaign.stage != "draft"]

    async def all(self) -> list[LiveCampaign]:
        """Every campaign, drafts too, the latest first."""
        if self._codes is None or time.monotonic() > self._codes[0]:
            rows = (
                await Campaign.select(Campaign.code).order_by(Campaign.opens, ascending=False).order_by(Campaign.code)
            )
            self._codes = (time.monotonic() + self._keep_for, tuple(row["code"] for row in rows))
        return [await self.get(code) for code in self._codes[1]]

    async def open_now(self, now: datetime, zone: ZoneInfo) -> list[LiveCampaign]:
        """Those that take responses without an invitation now."""
        return [c for c in await self.all() if (c.open_link or c.sign_in) and state(c, now, zone) == "open"]

    async def by_number(self, number: int) -> LiveCampaign | None:
        """A campaign by its number in the database."""
        for known in self._known.values():
            if known[1].id == number:
                return await self.get(known[1].code)
        row = await Campaign.objects().get(Campaign.id == number)
        return None if row is None else await self.get(row.code)

    async def tree(self) -> Tree:
        """All units, to browse."""
        if self._tree is None or time.monotonic() > self._tree[0]:
            self._tree = (time.monotonic() + self._keep_for, await load_tree())
        return self._tree[1]


def right_now() -> datetime:
    """The clock; tests replace it."""
    return datetime.now(UTC)
