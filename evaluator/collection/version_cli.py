"""What the command line says of two versions of a questionnaire, and how a live campaign moves to the newer one."""

from __future__ import annotations

from pathlib import Path

import click

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
    lines = []
    for effect, means in MEANS.items():
        found = [change for change in report.changes if change.effect == effect]
        if found:
            lines.append(f"{means} ({len(found)})")
            lines += [f"  {change.place or 'the questionnaire'}: {change.message()}" for change in found]
    lines.append(
        f"A live campaign can move from {report.old} to {report.new}."
        if report.compatible
        else f"A live campaign cannot move from {report.old} to {report.new}."
    )
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
