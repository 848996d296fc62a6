"""Versions of questionnaires as campaigns use them: kept for good, and how a live campaign moves to the next one.

A campaign moves only to a published version that keeps every answer comparable (`questionnaires.versions`). What was
answered stays under the version it was accepted under; forms in the middle go on, see `evaluator.collection.earlier`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from evaluator.collection.definitions import read
from evaluator.collection.manifest import as_day, changing
from evaluator.collection.tables import Campaign, CampaignVersion, QuestionnaireVersion
from evaluator.problems import FieldProblem, Problem
from evaluator.settings import Settings
from questionnaires.definition import Questionnaire
from questionnaires.loading import loads
from questionnaires.mistakes import DefinitionError
from questionnaires.support import unsupported_in_campaign
from questionnaires.versions import Report, compare


def _(message: str) -> str:
    return message


MOVED = _("The questionnaire was replaced by a newer version that keeps answers comparable.")


class Used(msgspec.Struct, frozen=True):
    """A version that a campaign showed, and since which day."""

    id: int
    identifier: str  # code@version
    since: date


class Version(msgspec.Struct, frozen=True):
    """A stored version, and the text that it was read from, byte for byte."""

    id: int
    questionnaire: Questionnaire
    definition: str


async def keep_questionnaire(text: str, file: str = "questionnaire") -> tuple[int, Questionnaire]:
    """The published version of a questionnaire and the questionnaire; the same text is stored once.

    Raises
    ------
    Problem
        422 with every mistake of the file; 409 when this version was stored with other words, or is a draft.
    """
    try:
        questionnaire = loads(text, file)
    except DefinitionError as error:
        raise Problem(
            422, _("The questionnaire has mistakes"), _("Nothing was stored."),
            errors=[
                FieldProblem(f"{file}:{m.line}", f"{m.where + ': ' if m.where else ''}{m.message()}")
                for m in error.mistakes
            ],
        ) from None  # fmt: skip
    known = await QuestionnaireVersion.objects().get(
        (QuestionnaireVersion.code == questionnaire.code) & (QuestionnaireVersion.version == questionnaire.version)
    )
    if known is None:
        version = QuestionnaireVersion(
            code=questionnaire.code, version=questionnaire.version, definition=text, published=True
        )
        await version.save()
        return version.id, questionnaire
    if known.definition != text:
        raise Problem(
            409, _("This version exists with other words"),
            _("%(identifier)s was stored before and differs; a version never changes: raise its number."),
            identifier=questionnaire.identifier,
        )  # fmt: skip
    if not known.published:
        raise _unpublished(questionnaire.identifier)
    return known.id, questionnaire


def _unpublished(identifier: str) -> Problem:
    return Problem(
        409, _("This version is not published"),
        _("%(identifier)s is a draft, and a campaign asks published versions only. Publish it first."),
        identifier=identifier,
    )  # fmt: skip


def refuse_unsupported(questionnaire: Questionnaire, title: str) -> None:
    """Refuse what a campaign cannot ask.

    Raises
    ------
    Problem
        422 naming every item.
    """
    found = [mistake.message() for mistake in unsupported_in_campaign(questionnaire)]
    if found:
        raise Problem(
            422, title, _("Nothing was stored."), errors=[FieldProblem("questionnaire", said) for said in found]
        )


async def begin(campaign: int, version: int, opens: date) -> None:
    """Record the version that a new campaign starts with."""
    await CampaignVersion(campaign=campaign, questionnaire=version, since=opens).save()


async def campaign_of(code: str) -> dict[str, Any]:
    """Number, code, version, days and stage of a campaign.

    Raises
    ------
    Problem
        404 naming some that there are.
    """
    found = await Campaign.raw(
        "SELECT id, code, questionnaire, opens, closes, stage, closed_early FROM campaign WHERE code = {}", code
    )
    if not found:
        known = ", ".join(row["code"] for row in await Campaign.select(Campaign.code).order_by(Campaign.code).limit(10))
        raise Problem(
            404, _("No such campaign"), _("There is no campaign “%(code)s”; there are: %(known)s."),
            code=code, known=known or "none",
        )  # fmt: skip
    return dict(found[0])


async def history(campaign: int) -> list[Used]:
    """The versions of a campaign in the order in which it showed them, the present one last."""
    rows = await CampaignVersion.raw(
        "SELECT questionnaire, code, version, since FROM campaign_version "
        "JOIN questionnaire_version ON questionnaire_version.id = questionnaire "
        "WHERE campaign = {} ORDER BY campaign_version.id",
        campaign,
    )
    return [Used(row["questionnaire"], f"{row['code']}@{row['version']}", as_day(row["since"])) for row in rows]


async def versions_of(campaign: int) -> tuple[Version, ...]:
    """Every version that a campaign showed, in the order in which it first did."""
    rows = await QuestionnaireVersion.raw(
        "SELECT v.id AS id, v.code AS code, v.version AS version, v.definition AS definition "
        "FROM questionnaire_version v JOIN campaign_version c ON c.questionnaire = v.id WHERE c.campaign = {} "
        "GROUP BY v.id, v.code, v.version, v.definition ORDER BY min(c.id)",
        campaign,
    )
    return tuple(
        Version(row["id"], read(row["definition"], f"{row['code']}@{row['version']}"), row["definition"])
        for row in rows
    )


async def report_of_move(campaign: str, version: int) -> Report:
    """What would change if a campaign moved to a version; nothing is done.

    Raises
    ------
    Problem
        404 when there is no such campaign or version.
    """
    _row, old, new = await _both(campaign, version)
    return compare(old, new)


async def move_campaign(settings: Settings, campaign: str, version: int, day: date) -> Report:
    """Let a live campaign show another published version from now on; a draft takes any published version.

    Parameters
    ----------
    campaign : str
        Its code.
    version : int
        The number of the version in the database.
    day : date
        Today, in the site's time zone: the day that is recorded.

    Raises
    ------
    Problem
        404 when there is no such campaign or version; 409 when the campaign is over, shows that version already, the
        version is not published, or comparison would break, with every change that breaks it; 422 when a campaign
        cannot ask it. Nothing is changed then.
    """
    found = await campaign_of(campaign)
    async with changing(settings, found["id"], day, MOVED):
        row, old, new = await _both(campaign, version)
        if row["questionnaire"] == version:
            raise Problem(
                409, _("The campaign shows this version already"),
                _("“%(campaign)s” shows %(identifier)s; there is nothing to move."),
                campaign=row["code"], identifier=new.identifier,
            )  # fmt: skip
        if as_day(row["closes"]) < day or row["closed_early"] or row["stage"] == "sealed":
            raise Problem(
                409, _("The campaign is over"),
                _("“%(campaign)s” closed on %(closes)s; only a campaign that has not closed can move."),
                campaign=row["code"], closes=as_day(row["closes"]).isoformat(),
            )  # fmt: skip
        if not row["published"]:
            raise _unpublished(new.identifier)
        refuse_unsupported(new, _("The campaign cannot move"))
        report = compare(old, new)
        draft = row["stage"] == "draft"  # nobody has answered it
        if not report.compatible and not draft:
            raise Problem(
                409, _("The campaign cannot move"),
                _("From %(old)s to %(new)s answers would no longer compare: this takes a new campaign."),
                errors=[FieldProblem(change.place or "questionnaire", change.message()) for change in report.breaking],
                old=report.old, new=report.new,
            )  # fmt: skip
        if draft:
            shown = CampaignVersion.campaign == row["id"]
            await CampaignVersion.update({CampaignVersion.questionnaire: version}).where(shown)
        else:
            await CampaignVersion(campaign=row["id"], questionnaire=version, since=day).save()
        await Campaign.update({Campaign.questionnaire: version}).where(Campaign.id == row["id"])
    return report


async def _both(code: str, version: int) -> tuple[dict[str, Any], Questionnaire, Questionnaire]:
    """The campaign with what is to be known of the new version, the version it shows now, and the new one."""
    row = await campaign_of(code)
    stored = {
        line["id"]: line
        for line in await QuestionnaireVersion.select().where(
            QuestionnaireVersion.id.is_in([version, row["questionnaire"]])
        )
    }
    if version not in stored:
        raise Problem(404, _("No such version"), _("There is no version of this number in the database."))
    old, new = (
        read(line["definition"], f"{line['code']}@{line['version']}")
        for line in (stored[row["questionnaire"]], stored[version])
    )
    return {**row, "published": stored[version]["published"]}, old, new
