"""Questionnaires and campaigns on the command line."""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from evaluator.collection import inviting_cli, life_cli, receipts_cli
from questionnaires.loading import check_file, shipped, shipped_text

T = TypeVar("T")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def questionnaire() -> None:
    """Questionnaires: check, eval, import, export, translations."""


@questionnaire.command()
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Say everything that is wrong with a questionnaire's file. Needs no database. Exit code 1: it has mistakes."""
    lines = check_file(file)
    for line in lines:
        click.echo(line, err=True)
    if lines:
        raise SystemExit(1)
    click.echo(f"{file}: no mistakes")


@questionnaire.command("diff")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
def diff_(old: Path, new: Path) -> None:
    """Say what changed between two versions, and whether a live campaign may move. Exit code 1: it may not."""
    from evaluator.collection.version_cli import diff

    if not diff(old, new):
        raise SystemExit(1)


@questionnaire.command("eval")
@click.argument("file", type=click.File("rb"), default="-")
def eval_(file: BinaryIO) -> None:
    """Evaluate expressions, one a line, without a form: a JSON value for each, or {"error": ...}."""
    from questionnaires.trial import tried_line

    for line in file:
        click.echo(tried_line(line).encode())


def _readable(name: str, content: bytes) -> Any:
    """A questionnaire from a file's bytes; its mistakes are told line by line, exit code 2."""
    from questionnaires.loading import loads
    from questionnaires.mistakes import DefinitionError

    try:
        return loads(content, name)
    except DefinitionError as error:
        for line in error.lines():
            click.echo(line, err=True)
        raise SystemExit(2) from None


def _shipped_or_file(name: str) -> Any:
    if name in shipped():
        return _readable(name, shipped_text(name).encode())
    path = Path(name)
    if not path.is_file():
        raise click.UsageError(f"{name}: no such file, and not shipped; shipped: {', '.join(shipped())}")
    return _readable(name, path.read_bytes())


def _new_file(out: Path, content: bytes) -> None:
    """Write a file that is not there yet."""
    try:
        with out.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror}; name a new file in a folder that exists") from None


@questionnaire.command("import")
@click.argument("file", type=FILE)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="YAML file to write; must be new")
def import_(file: Path, out: Path | None) -> None:
    """Make a questionnaire of an XLSForm: xlsx, xls, csv or markdown. Without --out it is printed.

    What is left out or renamed is told with its row. Exit code 2: something is wrong, and nothing is written.
    """
    from questionnaires.mistakes import DefinitionError
    from questionnaires.xlsform.importing import import_form
    from questionnaires.xlsform.reading import MOST_BYTES

    with file.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    try:
        found = import_form(content, str(file))
    except DefinitionError as error:
        for line in error.lines():
            click.echo(line, err=True)
        raise SystemExit(2) from None
    if out is not None:
        _new_file(out, found.text.encode())
    for row, message in found.remarks:
        click.echo(f"{file}: {row + ': ' if row else ''}{message}", err=True)
    if out is None:
        click.echo(found.text, nl=False)
    else:
        asked = len(found.questionnaire.questions)
        click.echo(f"{out}: {found.questionnaire.identifier}, {asked:,} questions, {len(found.remarks):,} remarks")


@questionnaire.command()
@click.argument("file")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="XLSX to write; must be new"
)
def export(file: str, out: Path) -> None:
    """Write a questionnaire, a file or a shipped one, as an XLSForm for ODK, Kobo and Enketo."""
    from questionnaires.xlsform.exporting import export_form

    found = _shipped_or_file(file)
    _new_file(out, export_form(found))
    click.echo(f"{out}: {found.identifier}, {len(found.questions):,} questions")


@questionnaire.command()
@click.argument("file")
@click.option(
    "--stamp", is_flag=True, help="print the questionnaire, its translations marked as made from today's texts"
)
def translations(file: str, stamp: bool) -> None:
    """List the texts that a language lacks, and those older than what they translate. Exit code 1: there are some."""
    from questionnaires.translations import lacking, stamped
    from questionnaires.writing import dumps

    found = _shipped_or_file(file)
    if stamp:
        click.echo(dumps(stamped(found)), nl=False)
        return
    lacks = lacking(found)
    for lack in lacks:
        click.echo(f"{lack.place}\t{lack.language}\t{lack.kind}\t{' '.join(lack.first.split())}")
    if lacks:
        raise SystemExit(1)
    click.echo(f"{file}: nothing is missing, nothing is old", err=True)


@click.group()
def campaign() -> None:
    """Campaigns: make, open, pause, change and close them, invite, count, seal, export answers."""


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run on an upgraded database; what the user can mend is told line by line on stderr, exit code 2."""
    from evaluator import database
    from evaluator.problems import Problem
    from evaluator.settings import read_settings

    database.connect(read_settings().database)

    async def upgraded() -> T:
        try:
            await database.upgrade()
        except BaseException:
            work.close()
            raise
        return await work

    try:
        return asyncio.run(upgraded())
    except Problem as problem:
        for error in problem.errors:
            click.echo(f"{error.pointer}: {error.detail}", err=True)
        raise


async def _live(code: str) -> Any:
    from evaluator.collection.campaigns import load_campaign
    from evaluator.problems import Problem

    found = await load_campaign(code)
    if found is None:
        raise Problem(404, "No such campaign", "There is no campaign “%(code)s”.", code=code)
    return found


@campaign.command("list")
def list_() -> None:
    """All campaigns, where each stands and how many answered, in the rounded numbers of their pages."""
    from evaluator.collection.dashboard_cli import listed

    for line in _run(listed()):
        click.echo(line)


@campaign.command()
@click.argument("code")
@click.argument("file", type=FILE)
def move(code: str, file: Path) -> None:
    """Let a live campaign show a newer version from now on. Refused when answers would no longer compare."""
    from evaluator.collection import version_cli
    from evaluator.collection.campaigns import right_now, today
    from evaluator.settings import read_settings

    text, settings = file.read_text(encoding="utf-8-sig"), read_settings()
    report = _run(version_cli.move(settings, code, text, str(file), today(right_now(), settings.zone)))
    for line in version_cli.listed(report):
        click.echo(line)
    click.echo(
        f"campaign {code} moved from {report.old} to {report.new}; servers that run show it within half a minute, "
        "and forms that were begun go on"
    )


@campaign.command("export")
@click.argument("code")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="folder to write; must be new")
@click.option("--format", "form", type=click.Choice(["csv", "xlsx", "parquet"]), default="csv", show_default=True)
@click.option("--texts", is_flag=True, help="also what people wrote in their own words: it can name people")
def export_answers(code: str, out: Path, form: Any, texts: bool) -> None:
    """Write answers for analysis, a row a response, with a codebook. Confidential: handle it as answers of people."""
    from evaluator.collection import analysis_cli

    for line in analysis_cli.export(_run, code, out, form, texts):
        click.echo(line)


@campaign.command()
@click.argument("code")
def flags(code: str) -> None:
    """Look through a closed campaign's responses by its registered rules; counts by rule. Nothing is deleted."""
    from evaluator.collection.quality_cli import flagged

    for line in flagged(_run, code):
        click.echo(line)


@campaign.command()
@click.argument("code")
def seal(code: str) -> None:
    """Put what waits into the campaign's log, as a server does every hour: of units in which fifty wait or more.

    When the campaign is over, everything.
    """
    from evaluator.collection.campaigns import right_now
    from evaluator.collection.epochs import end_due
    from evaluator.collection.sealing import is_over
    from evaluator.collection.sealing import seal as seal_epoch
    from evaluator.collection.waiting import waiting
    from evaluator.settings import read_settings

    settings = read_settings()

    async def work() -> str:
        over = await is_over(settings, code, right_now())
        done = await seal_epoch(settings, code, everything=over)
        ended = await end_due(settings, right_now())
        least = f", the smallest of {min(g.size for g in done.groups):,}" if done.groups else ""
        still = f"{await waiting([code]):,} wait" + ("" if over else f"; the rest is sealed when “{code}” is over")
        return f"campaign {code}: {done.number:,} responses sealed in {len(done.groups):,} groups{least}; {still}" + (
            "; it is over, and its log says that it is sealed" if code in ended else ""
        )

    click.echo(_run(work()))


@campaign.command()
@click.argument("code")
def signals(code: str) -> None:
    """Work out signals of steering from the sealed responses, where 50 more are there than the last time."""
    from evaluator.collection.quality_cli import signalled

    for line in signalled(_run, code):
        click.echo(line)


@campaign.command()
@click.argument("code")
def versions(code: str) -> None:
    """The versions that a campaign showed, since which day, and how many responses name each."""
    from evaluator.collection import version_cli

    for line in _run(version_cli.versions_of(code)):
        click.echo(line)


@campaign.command()
@click.argument("code")
@click.option("--unit", "-u", required=True, help="the unit that the invited are asked about")
@click.option("--number", "-n", required=True, type=click.IntRange(1, 1_000_000))
@click.option("--stratum", default="", help="design stratum they were drawn from")
@click.option("--psu", default="", help="primary sampling unit they were drawn from")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="CSV file to write; must be new"
)
def codes(code: str, unit: str, number: int, stratum: str, psu: str, out: Path) -> None:
    """Make invitation codes and write them to a file: once, for only their keyed hashes are kept."""
    from evaluator.collection.admission import issue_codes, shown_code
    from evaluator.settings import read_settings

    try:  # before anything is made, and readable by nobody else
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror}; name a new file in a folder that exists") from None
    try:
        made = _run(issue_codes(read_settings(), code, unit, number, design_stratum=stratum, psu=psu))
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["campaign", "unit", "design_stratum", "psu", "code"])
            writer.writerows([code, unit, stratum, psu, shown_code(one)] for one in made)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    click.echo(f"{len(made):,} codes for {unit} in {out}; they cannot be shown again")


@campaign.command()
@click.argument("code")
@click.argument("file", type=FILE)
def frame(code: str, file: Path) -> None:
    """Import the design cells of the invited sample: unit, design_stratum, psu, frame_n, invited, calibration_area."""
    from evaluator.collection.counts import import_frame
    from evaluator.settings import read_settings

    content = file.read_bytes()

    async def take() -> int:
        return await import_frame(read_settings(), await _live(code), content)

    click.echo(f"{_run(take()):,} design cells imported from {file.name}")


@campaign.command()
@click.argument("code")
@click.argument("file", type=FILE)
def population(code: str, file: Path) -> None:
    """Import population counts: unit, one column s_QUESTION for each stratum, count."""
    from evaluator.collection.counts import import_population
    from evaluator.settings import read_settings

    content = file.read_bytes()

    async def take() -> int:
        return await import_population(read_settings(), await _live(code), content)

    click.echo(f"{_run(take()):,} population cells imported from {file.name}")


for command in (*life_cli.commands, *inviting_cli.commands, *receipts_cli.commands):
    campaign.add_command(command)
