"""Serve the site, and upgrade its database."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from evaluator import database
from evaluator.settings import read_settings

if TYPE_CHECKING:
    from evaluator.app import Site


@click.command()
def upgrade() -> None:
    """Bring the database up to date: all or nothing, safe to run from several places at once."""
    database.connect(read_settings().database)
    asyncio.run(database.upgrade())
    click.echo("the database is up to date")


def application() -> Site:
    """The application as it is served: what wiring made stays, and is not searched for garbage again and again.

    A form took a quarter longer with the interpreter's own habit, which looks after every 700 new objects.
    """
    from evaluator.app import create_app

    app = create_app()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--no-workbench", is_flag=True, help="Start no worker for the workbench; run `evaluator workbench work`.")
def serve(host: str, port: int, workers: int, no_workbench: bool) -> None:
    """Serve the site until interrupted; the database is upgraded first."""
    import uvicorn

    database.connect(read_settings().database)
    asyncio.run(database.upgrade())
    with contextlib.nullcontext() if no_workbench else _worker_beside():
        # no access log: it would keep addresses in the order of arrival
        uvicorn.run(
            "evaluator.serving:application", factory=True, host=host, port=port, workers=workers,
            access_log=False, log_level="warning", server_header=False, timeout_graceful_shutdown=20,
        )  # fmt: skip


RESTART_AFTER = 5.0  # seconds, when a worker ended by itself


@contextlib.contextmanager
def _worker_beside() -> Iterator[None]:
    """A worker of the workbench while the block runs: started anew when it ends, gone when this process is gone."""
    command = "import sys; from evaluator.cli import main; sys.argv[0] = 'evaluator'; main()"
    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            # its standard input closes with this process, however that ends, and then it ends too
            worker = subprocess.Popen(  # noqa: S603 our own Python, no shell
                [sys.executable, "-c", command, "workbench", "work", "--beside"], stdin=subprocess.PIPE
            )
            while worker.poll() is None and not stop.wait(0.2):
                pass
            if stop.is_set():
                worker.terminate()
                worker.wait(30)
            else:
                stop.wait(RESTART_AFTER)

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
