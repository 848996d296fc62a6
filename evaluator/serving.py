"""Serve the site, and upgrade its database."""

from __future__ import annotations

import asyncio

import click

from evaluator import database
from evaluator.settings import read_settings


@click.command()
def upgrade() -> None:
    """Bring the database up to date: all or nothing, safe to run from several places at once."""
    database.connect(read_settings().database)
    asyncio.run(database.upgrade())
    click.echo("the database is up to date")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
def serve(host: str, port: int, workers: int) -> None:
    """Serve the site until interrupted; the database is upgraded first."""
    import uvicorn

    database.connect(read_settings().database)
    asyncio.run(database.upgrade())
    # no access log: it would keep addresses in the order of arrival
    uvicorn.run(
        "evaluator.app:create_app", factory=True, host=host, port=port, workers=workers,
        access_log=False, log_level="warning", server_header=False, timeout_graceful_shutdown=20,
    )  # fmt: skip
