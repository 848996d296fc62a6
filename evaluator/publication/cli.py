"""Publishing on the command line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from evaluator import database
from evaluator.rating.defects import InputError
from evaluator.settings import Settings, read_settings

FIRST = 20  # differences that are printed


@click.command()
@click.argument("edition", type=click.Path(path_type=Path, file_okay=False))
def publish(edition: Path) -> None:
    """Verify EDITION, copy it into the data directory and show it on the site.

    Nothing is published that does not verify. Publishing the same edition again changes nothing.
    """
    from evaluator.publication.publishing import NotVerified
    from evaluator.publication.publishing import publish as run

    settings = read_settings()
    database.connect(settings.database)

    async def work() -> str:
        await database.upgrade()
        row = await run(settings, edition, recomputed, datetime.now(settings.zone).date())
        return str(row.identifier)

    try:
        identifier = asyncio.run(work())
    except InputError as error:
        for defect in error.defects:
            click.echo(defect, err=True)
        sys.exit(2)
    except NotVerified as error:
        for difference in error.differences[:FIRST]:
            click.echo(difference)
        left = len(error.differences) - FIRST
        click.echo(
            f"no: {edition} does not verify and was not published" + (f"; {left} more" if left > 0 else ""), err=True
        )
        sys.exit(1)
    click.echo(f"{address(settings, identifier)}")


def address(settings: Settings, identifier: str) -> str:
    """Where the edition is seen."""
    return f"{settings.base_url.rstrip('/')}/editions/{identifier}"


def recomputed(edition: Path) -> Sequence[str]:
    """The differences that `evaluator verify` finds, with a bar while it works."""
    from evaluator.rating.progress import bars
    from evaluator.rating.verify import verify

    with bars() as progress:
        return verify(edition, None, progress).differences
