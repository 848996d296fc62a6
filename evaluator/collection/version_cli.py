"""What the command line says of two versions of a questionnaire, and how a live campaign moves to the newer one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from evaluator.settings import Settings
from questionnaires.definition import Questionnaire
from questionnaires.loading import load
from questionnaires.mistakes import DefinitionError
from questionnaires.versions import Report, compare

MEANS = {
    "breaking": "breaks comparison: this needs a new campaign",
    "remark": "compatible, and worth knowing",
    "compatible": "compatible",
}


def read(file: Path) -> Questionnaire:
    """The questionnaire of a file; every mistake is told on stderr, exit code 2."""
    try:
        return load(file)
    except DefinitionError as error:
        for line in error.lines():
            click.echo(line, err=True)
        raise SystemExit(2) from None
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from None


def told(report: Report) -> list[str]:
    """A report in plain words: what breaks first, then what is worth knowing, then the rest."""
    if not report.changes:
        return [f"{report.old} and {report.new} ask the same in the same words."]
    return [
        *listed(report),
        f"A live campaign can move from {report.old} to {report.new}."
        if report.compatible
        else f"A live campaign cannot move from {report.old} to {report.new}.",
    ]


def listed(report: Report) -> list[str]:
    """The changes by what they mean, what breaks first."""
    lines = []
    for effect, means in MEANS.items():
        found = [change for change in report.changes if change.effect == effect]
        if found:
            lines.append(f"{means} ({len(found)})")
            lines += [f"  {change.place or 'the questionnaire'}: {change.message()}" for change in found]
    return lines


def diff(old: Path, new: Path) -> bool:
    """Print what changed; whether it is compatible."""
    before, after = read(old), read(new)
    report = compare(before, after)
    for line in told(report):
        click.echo(line)
    if report.changes and before.identifier == after.identifier:
        click.echo(f"Both files call themselves {before.identifier}: give the changed one another version.", err=True)
    return report.compatible


async def move(settings: Settings, code: str, text: str, file: str, day: date) -> Report:
    """Keep a file as a published version and let a campaign move to it; both or neither."""
    from evaluator.collection.manifest import publish_log
    from evaluator.collection.tables import Campaign
    from evaluator.collection.versions import keep_questionnaire, move_campaign

    async with Campaign._meta.db.transaction():
        version, _kept = await keep_questionnaire(text, file)
        report = await move_campaign(settings, code, version, day)
    await publish_log(settings, code)
    return report


async def versions_of(code: str) -> list[str]:
    """A line a version that a campaign showed: since which day, its name, whether a hundred responses name it.

    A count beside those of the campaign's page would narrow these down.
    """
    from evaluator.collection.tables import Campaign
    from evaluator.collection.versions import campaign_of, history

    found = await campaign_of(code)
    counts = await Campaign.raw(
        "SELECT questionnaire, count(*) AS n FROM (SELECT campaign, questionnaire FROM response "
        "UNION ALL SELECT campaign, questionnaire FROM pending WHERE NOT withdrawn) AS counted "
        "WHERE campaign = {} GROUP BY questionnaire",
        found["id"],
    )
    number = {row["questionnaire"]: row["n"] for row in counts}
    words = {True: "100 responses or more", False: "under 100 responses"}
    return [
        f"{used.since}\t{used.identifier}\t{words[number.get(used.id, 0) >= 100]}"
        for used in await history(found["id"])
    ]
