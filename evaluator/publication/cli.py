"""Publishing, and the rest of an edition's life, on the command line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from evaluator import database
from evaluator.problems import Problem
from evaluator.rating.defects import InputError
from evaluator.settings import Settings, read_settings

if TYPE_CHECKING:
    from evaluator.publication.registered import Standing
    from evaluator.rating.tables import PublishedEdition

T = TypeVar("T")

FIRST = 20  # differences that are printed
WHY = "Why; it is logged, and everybody can read it."


def _done(work: Callable[[Settings, date], Awaitable[T]]) -> tuple[Settings, T]:
    """Do something with the site's database; what is wrong is told, with exit code 2."""
    settings = read_settings()
    database.connect(settings.database)

    async def whole() -> T:
        await database.upgrade()
        return await work(settings, datetime.now(settings.zone).date())

    try:
        return settings, asyncio.run(whole())
    except InputError as error:
        for defect in error.defects:
            click.echo(defect, err=True)
    except Problem as error:
        click.echo(f"evaluator: {error}", err=True)
    sys.exit(2)


@click.command()
@click.argument("edition")
@click.option("--draft", is_flag=True, help="Only bring it in: operators see it, nobody else.")
@click.option("--early", is_flag=True, help="Before the rated units' days for a reply are over; say --why.")
@click.option("--why", default="", help=WHY)
def publish(edition: str, draft: bool, early: bool, why: str) -> None:
    """Verify EDITION, a folder, copy it into the data directory and show it on the site.

    Nothing is published that does not verify. Publishing the same edition again changes nothing. Where the scheme gives
    the rated units days for a reply, the edition is put under reply first; when they are over, publish it by its
    identifier: EDITION is then no folder but the name that this command has printed.
    """
    from evaluator.publication.publishing import NotVerified
    from evaluator.publication.publishing import publish as run

    if early != bool(why.strip()):
        click.echo("evaluator: --early and --why belong together: say why the units' days are cut short", err=True)
        sys.exit(2)
    folder = Path(edition)
    is_folder = folder.is_dir()

    async def work(settings: Settings, today: date) -> PublishedEdition:
        from evaluator.publication.lifecycle import release
        from evaluator.publication.review_changes import prepare

        if is_folder:
            row = await run(settings, folder, recomputed, today, draft=draft)
            if early and not draft:
                row = await release(settings, row.identifier, today, why)
        elif folder.name != edition:
            raise InputError([f"{edition} is not a folder; give an edition's folder, or an edition's identifier"])
        else:
            row = await release(settings, edition, today, why)
        await prepare(settings, row.identifier)
        return row

    try:
        settings, row = _done(work)
    except NotVerified as error:
        for difference in error.differences[:FIRST]:
            click.echo(difference)
        left = len(error.differences) - FIRST
        click.echo(
            f"no: {edition} does not verify and was not published" + (f"; {left} more" if left > 0 else ""), err=True
        )
        sys.exit(1)
    _tell(settings, row)


def _tell(settings: Settings, row: PublishedEdition) -> None:
    """Where the edition is seen, and by whom."""
    if row.state == "draft":
        click.echo(f"{row.identifier} is a draft: {settings.base_url.rstrip('/')}/staff/editions/{row.identifier}")
    elif row.state == "under_reply":
        click.echo(
            f"{row.identifier} is under reply until {row.reply_until}: each rated unit sees its own page, the public "
            f"nothing; then: evaluator publish {row.identifier}"
        )
    else:
        click.echo(f"{address(settings, row.identifier)}")


@click.group()
def edition() -> None:
    """Editions of this site: what state they are in, and the steps of their life."""


@edition.command("list")
def list_editions() -> None:
    """All editions, the latest first: state, day, identifier."""
    from evaluator.rating.tables import PublishedEdition

    async def work(settings: Settings, today: date) -> list[PublishedEdition]:
        return await PublishedEdition.objects().order_by(PublishedEdition.published_on, ascending=False)

    _settings, rows = _done(work)
    for row in rows:
        until = f" until {row.reply_until}" if row.state == "under_reply" else ""
        click.echo(f"{row.state}{until} {row.published_on} {row.identifier}")


@edition.command("show")
@click.argument("identifier")
def show_edition(identifier: str) -> None:
    """One edition: state, days, reasons, whether its scheme was registered, and how many units have replied."""
    from evaluator.publication.lifecycle import edition_row
    from evaluator.publication.registered import standings
    from evaluator.rating.tables import EditionReply

    async def work(settings: Settings, today: date) -> tuple[PublishedEdition, int, Standing | None]:
        row = await edition_row(identifier)
        standing = (await standings(settings, [row])).get(identifier)
        return row, await EditionReply.count().where(EditionReply.edition == identifier), standing

    _settings, (row, replies, standing) = _done(work)
    names = ("identifier", "state", "published_on", "reply_days", "reply_until", "supersedes", "why", "early_why",
             "withdrawn_on", "withdrawn_why", "sums_sha256")  # fmt: skip
    for name in names:
        if getattr(row, name) not in (None, ""):
            click.echo(f"{name}: {getattr(row, name)}")
    if standing:
        on = f", registered on {standing.found.row.registered_on}" if standing.found else ""
        click.echo(f"scheme: {standing.status}{on}")
    click.echo(f"replies: {replies}")


@edition.command("reply-open")
@click.argument("identifier")
def reply_open(identifier: str) -> None:
    """Put a draft under reply: each rated unit sees its own page, for as many days as the scheme says."""
    from evaluator.publication.lifecycle import open_reply

    _tell(*_done(lambda settings, today: open_reply(settings, identifier, today)))


@edition.command("withdraw")
@click.argument("identifier")
@click.option("--why", required=True, help=WHY)
@click.option("--remove-files", is_flag=True, help="Its figures must not be seen: delete its files and show no page.")
def withdraw_edition(identifier: str, why: str, remove_files: bool) -> None:
    """Say that an edition no longer counts. It stays readable under a banner unless its files are removed."""
    from evaluator.publication.lifecycle import withdraw

    _done(lambda settings, today: withdraw(settings, identifier, why, today, remove_files=remove_files))
    click.echo(f"{identifier} is withdrawn" + (", and its files are deleted" if remove_files else ""))


def address(settings: Settings, identifier: str) -> str:
    """Where the edition is seen."""
    return f"{settings.base_url.rstrip('/')}/editions/{identifier}"


def recomputed(edition: Path) -> Sequence[str]:
    """The differences that `evaluator verify` finds, with a bar while it works."""
    from evaluator.rating.progress import bars
    from evaluator.rating.verify import verify

    with bars() as progress:
        return verify(edition, None, progress).differences
