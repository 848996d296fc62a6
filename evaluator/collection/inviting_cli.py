"""Invitations on the command line: drawn, written for the sender, reminded, counted when they come back; posters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FOLDER = click.Path(path_type=Path)
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@contextmanager
def _told() -> Iterator[Callable[[int], None]]:
    """Says on a terminal how many rows were read."""
    shown = sys.stderr.isatty()

    def tell(rows: int) -> None:
        if shown:
            click.echo(f"\r{rows:,} rows read", err=True, nl=False)

    try:
        yield tell
    finally:
        if shown:
            click.echo("\r", err=True, nl=False)


@click.command()
@click.argument("code")
@click.argument("frame", type=FILE)
@click.option("--number", "-n", type=click.IntRange(1, 1_000_000), help="people to invite in each unit")
@click.option("--allocation", type=FILE, help="instead: a file with the columns unit, design_stratum, number")
@click.option(
    "--least", default=2, show_default=True, type=click.IntRange(0, 10_000), help="of each stratum, with --number"
)
@click.option(
    "--psus", default=0, type=click.IntRange(0, 10_000),
    help="draw in two stages: first so many primary sampling units (column psu) of each stratum, by size",
)  # fmt: skip
@click.option("--carrier", required=True, type=click.Choice(["letter", "sms", "mail"]))
@click.option("--batch", required=True, help="a name, such as wave-1")
@click.option("--out", required=True, type=NEW_FOLDER, help="folder for the sender; must be new")
@click.option(
    "--seed", type=click.IntRange(0, 2**53 - 1), help="of the draw; the first batch fixes it for the campaign"
)
def invite(
    code: str, frame: Path, number: int | None, allocation: Path | None, least: int, psus: int, carrier: str,
    batch: str, out: Path, seed: int | None,
) -> None:  # fmt: skip
    """Draw a random sample of people and write their letters or messages, once.

    FRAME is a CSV or XLSX with a person a row: unit, and address, phone or email; where there are any design_stratum,
    psu, name, language (zh, en; blank: both), key, calibration_area. People who were drawn in an earlier batch are not
    drawn again, though nothing of them is stored.
    """
    from evaluator.collection.batches import invite as draw
    from evaluator.collection.campaigns import right_now, today
    from evaluator.collection.cli import _live, _run
    from evaluator.collection.frames import Carrier
    from evaluator.collection.handing_over import FolderPlace
    from evaluator.collection.sampling import Wish, read_allocation_file
    from evaluator.settings import read_settings

    if (number is None) == (allocation is None):
        raise click.UsageError("give --number N, or --allocation FILE")
    settings = read_settings()

    async def make(tell: Callable[[int], None]) -> Any:
        campaign = await _live(code)
        wanted = read_allocation_file(allocation, campaign.units) if allocation else {}
        return await draw(
            settings, campaign, frame, Wish(number or 0, least, psus, wanted), carrier=cast(Carrier, carrier),
            batch=batch, place=FolderPlace(out), today=today(right_now(), settings.zone), seed=seed, progress=tell,
        )  # fmt: skip

    with _told() as tell:
        report = _run(make(tell))
    units = {cell.cell.unit for cell in report.cells if cell.taken}
    if report.resumed:
        click.echo(
            f"batch {report.batch} was drawn by a run that was cut short, {report.invited:,} people: its folder is "
            "finished now, and nobody was drawn again"
        )
    else:
        click.echo(
            f"{report.invited:,} people drawn in {len(units):,} units, {len(report.cells):,} design cells; "
            f"seed {report.seed}"
        )
    for unit, given in report.short:
        click.echo(f"unit {unit}: only {given:,} were left, all of them are invited")
    if report.untouched:
        click.echo(f"no row of the frame is about: {', '.join(report.untouched[:20])}")
    click.echo(
        f"{out}: for the sender. It is the only place where a person and a code stand side by side: delete it when the "
        "last reminder is sent and what came back is counted"
    )


@click.command()
@click.argument("code")
@click.argument("folder", type=FOLDER)
@click.option("--out", required=True, type=NEW_FOLDER, help="folder for the sender; must be new")
def remind(code: str, folder: Path, out: Path) -> None:
    """Write reminders from a sender's FOLDER, without anybody learning for certain who answered.

    One in ten of those who did not answer is left out, and one in ten of those who did gets a reminder all the same.
    At most two lists a batch, and none while fewer than 50 answered or fewer than 50 did not.
    """
    from evaluator.collection import reminders
    from evaluator.collection.cli import _live, _run
    from evaluator.collection.handing_over import FolderPlace
    from evaluator.settings import read_settings

    settings = read_settings()

    async def make() -> Any:
        campaign = await _live(code)
        given, people = reminders.read_folder(folder, campaign)
        return await reminders.remind(settings, campaign, given, people, FolderPlace(out))

    made = _run(make())
    click.echo(
        f"reminder {made.about.reminder} of batch {made.about.batch}: {made.reminded:,} people in {out}; some of them "
        "answered, and some who did not are missing, on purpose. Delete the folder when it is sent"
    )


@click.command()
@click.argument("code")
@click.argument("file", type=FILE)
def undelivered(code: str, file: Path) -> None:
    """Count what came back: FILE has a column `code`. The codes become void."""
    from evaluator.collection.cli import _live, _run
    from evaluator.collection.sender_folder import read_codes
    from evaluator.collection.undelivered import count_undelivered
    from evaluator.settings import read_settings

    settings = read_settings()

    async def count() -> Any:
        return await count_undelivered(settings, await _live(code), read_codes(file))

    found = _run(count())
    click.echo(f"{found.counted:,} codes counted as undelivered; they are void")
    if found.unknown:
        click.echo(f"{found.unknown:,} are no codes of this campaign, or were counted before")


@click.command("take-back")
@click.argument("code")
@click.argument("batch")
@click.option("--yes", is_flag=True, help="the files are lost, and nothing was sent")
def take_back(code: str, batch: str, yes: bool) -> None:
    """Make all codes of a BATCH void whose files were lost before anything was sent. Its people stay drawn."""
    from evaluator.collection import batches
    from evaluator.collection.campaigns import right_now, today
    from evaluator.collection.cli import _live, _run
    from evaluator.settings import read_settings

    if not yes:
        raise click.UsageError("say --yes if the files are lost and nothing was sent: no code of the batch works then")
    settings = read_settings()

    async def take() -> int:
        return await batches.take_back(settings, await _live(code), batch, today(right_now(), settings.zone))

    click.echo(f"batch {batch} is taken back: {_run(take()):,} codes are void. A new batch draws other people")


@click.command()
@click.argument("code")
@click.option("--out", required=True, type=NEW_FOLDER, help="folder to write; must be new")
@click.option("--format", "paper", type=click.Choice(["a4", "a5"]), default="a4", show_default=True)
def posters(code: str, out: Path, paper: str) -> None:
    """Write a poster for each unit with the QR code of the open link: HTML to print, in both languages."""
    from evaluator.collection.cli import _live, _run
    from evaluator.collection.posters import Paper, poster_files
    from evaluator.collection.sender_folder import new_folder, write_text
    from evaluator.settings import read_settings

    settings = read_settings()

    campaign = _run(_live(code))
    with new_folder(out):
        for name, content in poster_files(settings, campaign, cast(Paper, paper), list(campaign.units)):
            write_text(out, name, content)
    click.echo(f"{len(campaign.units):,} posters in {out}: open them in a browser and print")


commands = (invite, remind, undelivered, take_back, posters)
