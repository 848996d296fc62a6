"""What an operator fills in to start a run, read and checked; a run is kept only when all of it is right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from evaluator import database
from evaluator.collection.tables import Campaign
from evaluator.language import gettext
from evaluator.problems import FieldProblem
from evaluator.publication import shelf
from evaluator.settings import Settings
from evaluator.workbench import places, runs, schemes
from evaluator.workbench.tables import WorkbenchRun

FEWEST_DRAWS, MOST_DRAWS = 100, 100_000
MOST_SEED = 2**31 - 1
LONGEST_NOTE, LONGEST_WHY = 500, 2000
DECISION = (20, 5000)  # characters, at least and at most


def _(message: str) -> str:
    return message


class Asker(msgspec.Struct, frozen=True):
    """Who asks."""

    account: int
    by: str  # as the audit log says it


class Asked(msgspec.Struct, frozen=True):
    """A form as it came, to be shown again with what is wrong."""

    texts: Mapping[str, str] = {}
    ticked: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        return self.texts.get(name, "")


Answer = tuple[WorkbenchRun | None, list[FieldProblem]]


async def rating(settings: Settings, asked: Asked, who: Asker) -> Answer:
    """Start a rating."""
    wrong: list[FieldProblem] = []

    def refuse(field: str, message: str, **values: object) -> None:
        wrong.append(FieldProblem(field, gettext(message) % values))

    snapshot, digest = asked.text("snapshot"), asked.text("scheme")
    if snapshot not in {one.name for one in places.snapshots(settings)}:
        refuse("snapshot", _("Choose a snapshot."))
    content = await schemes.content_of(digest) if digest else None
    if content is None:
        refuse("scheme", _("Choose a scheme."))
    draws = _whole(asked.text("draws") or "0")
    if draws is None or (draws and not FEWEST_DRAWS <= draws <= MOST_DRAWS):
        refuse("draws", _("Write a whole number from %(least)d to %(most)d, or leave it blank."),
               least=FEWEST_DRAWS, most=MOST_DRAWS)  # fmt: skip
    seed = _whole(asked.text("seed") or "1")
    if seed is None or not 0 <= seed <= MOST_SEED:
        refuse("seed", _("Write a whole number from 0 to %(most)d."), most=MOST_SEED)
    published = {row.identifier for row in await shelf.published()}
    for field in ("previous", "supersedes"):
        if asked.text(field) and asked.text(field) not in published:
            refuse(field, _("This edition is not published."))
    why = asked.text("why")
    if bool(why) != bool(asked.text("supersedes")):
        refuse("why", _("A correction needs both: the edition that it corrects, and why."))
    elif len(why) > LONGEST_WHY:
        refuse("why", _("Write at most %(most)d characters."), most=LONGEST_WHY)
    if len(asked.text("note")) > LONGEST_NOTE:
        refuse("note", _("Write at most %(most)d characters."), most=LONGEST_NOTE)
    if wrong or content is None:
        return None, wrong
    await schemes.keep(settings, content, "scheme.yaml", who.account, who.by)
    run = await runs.ask(
        settings, "rating", who.by, {"scheme": digest, "snapshot": snapshot}, asked_by=who.account, scheme=digest,
        snapshot=snapshot, draws=draws, seed=seed, previous=asked.text("previous"),
        supersedes=asked.text("supersedes"), why=why, note=asked.text("note"),
    )  # fmt: skip
    return run, []


async def snapshot(settings: Settings, asked: Asked, who: Asker) -> Answer:
    """Start the making of a snapshot."""
    wrong: list[FieldProblem] = []

    def refuse(field: str, message: str, **values: object) -> None:
        wrong.append(FieldProblem(field, gettext(message) % values))

    name = asked.text("name")
    if not places.is_name(name):
        refuse("name", _("Use letters, digits, _ - and points inside, at most 64, such as 2026."))
    elif places.snapshot_folder(settings, name).exists() or await _being_made(name):
        refuse("name", _("There is a snapshot of this name already."))
    codes = {row["code"] for row in await Campaign.select(Campaign.code)}
    if not asked.ticked or not set(asked.ticked) <= codes:
        refuse("campaign", _("Tick one campaign at least."))
    days = [_day(asked.text(field)) for field in ("from", "to")]
    for field, day in zip(("from", "to"), days, strict=True):
        if day is None:
            refuse(field, _("Write a day as 2026-10-01."))
    if days[0] and days[1] and days[0] > days[1]:
        refuse("to", _("The period ends before it begins."))
    if wrong:
        return None, wrong
    campaigns = " ".join(asked.ticked)
    run = await runs.ask(
        settings, "snapshot", who.by, {"snapshot": name, "campaigns": list(asked.ticked)}, asked_by=who.account,
        snapshot=name, campaigns=campaigns, period_from=days[0], period_to=days[1],
    )  # fmt: skip
    return run, []


async def _being_made(name: str) -> bool:
    here = (WorkbenchRun.kind == "snapshot") & (WorkbenchRun.snapshot == name)
    return bool(await WorkbenchRun.exists().where(here & WorkbenchRun.state.is_in(list(runs.UNDER_WAY))))


async def publication(settings: Settings, source: WorkbenchRun, decision: str, who: Asker) -> Answer:
    """Hand a run's edition to publishing, with the decision in it."""
    decision = "\n".join(line.rstrip() for line in decision.replace("\r\n", "\n").strip().split("\n"))
    if not DECISION[0] <= len(decision) <= DECISION[1]:
        message = gettext(_("Write what was decided and why, in %(least)d to %(most)d characters."))
        return None, [FieldProblem("decision", message % {"least": DECISION[0], "most": DECISION[1]})]
    async with database.engine().transaction():
        await database.hold(WorkbenchRun, source.id)
        if await taken(source.id):
            return None, [FieldProblem("decision", gettext(_("This run is being handed over, or was already.")))]
        run = await runs.ask(
            settings, "publication", who.by, {"of": source.id, "edition": source.edition}, asked_by=who.account,
            source=source.id, decision=decision, scheme=source.scheme, snapshot=source.snapshot,
        )  # fmt: skip
    return run, []


async def taken(source: str) -> WorkbenchRun | None:
    """The run that hands this one over, or did."""
    here = (WorkbenchRun.source == source) & WorkbenchRun.state.is_in([*runs.UNDER_WAY, "done"])
    return await WorkbenchRun.objects().get(here)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
