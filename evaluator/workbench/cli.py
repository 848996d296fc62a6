"""The workbench's worker on the command line."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from datetime import timedelta

import click

from evaluator import database
from evaluator.settings import read_settings


@click.group()
def workbench() -> None:
    """The workbench: ratings that run in the background, chosen and looked at on the site."""


@workbench.command()
@click.option("--once", is_flag=True, help="End when no run is left to do.")
@click.option(
    "--lost-after",
    type=click.FloatRange(0.5, 3600),
    default=15.0,
    show_default=True,
    help="Seconds without a sign of life after which another worker's run is taken up again.",
)
@click.option("--beside", is_flag=True, hidden=True, help="End when standard input is closed.")
def work(once: bool, lost_after: float, beside: bool) -> None:  # fmt: skip
    """Do what operators ask for on the workbench, until interrupted.

    `evaluator serve` starts one by itself. Any number may run, on any machine that has the same database and the same
    data directory; no two take the same run.
    """
    from evaluator.workbench.worker import work as run

    settings = read_settings()
    database.connect(settings.database)

    async def until_stopped() -> int:
        await database.upgrade()
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if beside:
            threading.Thread(target=_when_closed, args=(loop, stop), daemon=True).start()
        await database.engine().start_connection_pool(min_size=1, max_size=2)
        try:
            return await run(settings, stop, once=once, lost_after=timedelta(seconds=lost_after))
        finally:
            await database.engine().close_connection_pool()

    ended = asyncio.run(until_stopped())
    if once:
        click.echo(f"{ended} runs ended")


def _when_closed(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


@workbench.command("runs")
def list_runs() -> None:
    """List the runs, the latest first: identifier, kind, state, step, scheme or snapshot, edition."""
    from evaluator.workbench.tables import WorkbenchRun

    database.connect(read_settings().database)

    async def rows() -> list[WorkbenchRun]:
        await database.upgrade()
        return await WorkbenchRun.objects().order_by(WorkbenchRun.asked_at, ascending=False)

    for row in asyncio.run(rows()):
        at = f"{row.step} {100 * row.share:.0f} %" if row.state == "running" else row.edition or row.snapshot
        click.echo("\t".join((row.id, row.kind, row.state, at)))
