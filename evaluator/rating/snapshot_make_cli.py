"""`evaluator snapshot make`: the one command of the rating that reads the database."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("make")
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--campaign", "campaigns", multiple=True, required=True, help="Code of a campaign; may be repeated.")
@click.option("--period", nargs=2, type=DAY, required=True, help="First and last day, YYYY-MM-DD YYYY-MM-DD.")
def make_snapshot(out: Path, campaigns: tuple[str, ...], period: tuple[datetime, datetime]) -> None:
    """Write what the database holds for a period to the new folder OUT."""
    import asyncio

    from evaluator import database
    from evaluator.collection.waiting import waiting
    from evaluator.rating.defects import InputError
    from evaluator.rating.progress import bars
    from evaluator.rating.snapshot_make import make_snapshot as run
    from evaluator.rating.stopping import stoppable
    from evaluator.settings import read_settings

    settings = read_settings()
    database.connect(settings.database)

    async def upgraded() -> dict[str, int]:
        await database.upgrade()
        today = datetime.now(settings.zone).date()
        with bars() as progress:
            return await run(settings, out, campaigns, (period[0].date(), period[1].date()), today, progress)

    with stoppable(lambda: click.echo("stopped; nothing was written", err=True)):
        try:
            rows = asyncio.run(upgraded())
        except InputError as error:
            for defect in error.defects:
                click.echo(defect, err=True)
            sys.exit(2)
    click.echo(f"{out}: " + ", ".join(f"{name} {number:,}" for name, number in rows.items()))
    if wait := asyncio.run(waiting(campaigns)):
        click.echo(f"{wait:,} responses wait to be sealed and are not among them; see evaluator campaign seal")
