"""Records on the command line: import, list, withdraw."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from evaluator import database
from evaluator.records.importing import Offer, import_file, withdraw_import
from evaluator.records.kinds import LAYOUTS, Kind
from evaluator.records.tables import Import
from evaluator.records.vocabulary import read_vocabulary
from evaluator.settings import read_settings
from evaluator.spreadsheets.findings import Refused

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])
T = TypeVar("T")


@click.group()
def records() -> None:
    """Facts about units from outside sources: import, list, withdraw."""


def _run(work: Coroutine[Any, Any, T]) -> T:
    async def upgraded() -> T:
        await database.upgrade()
        return await work

    database.connect(read_settings().database)
    return asyncio.run(upgraded())


@records.command("import")
@click.argument("kind", type=click.Choice(list(LAYOUTS)))
@click.argument("file", type=FILE)
@click.option("--scheme", type=FILE, required=True, help="the scheme whose indicators and classes the file speaks of")
@click.option("--from", "first", type=DAY, required=True, help="first day of the period")
@click.option("--to", "last", type=DAY, required=True, help="last day of the period")
@click.option("--source", required=True, help="who provided the file")
def import_(kind: Kind, file: Path, scheme: Path, first: datetime, last: datetime, source: str) -> None:
    """Import a CSV or XLSX file: all of it, or nothing and every problem listed, one a line.

    KIND is records (unit, indicator, numerator, denominator), indicators (unit, indicator, value, standard_error) or
    events (unit, record, class, document_date, state, state_date).
    """
    vocabulary = read_vocabulary(scheme)
    offer = Offer(
        kind=kind, file_name=file.name, content=file.read_bytes(), source=source, period=(first.date(), last.date()),
        brought_on=datetime.now(read_settings().zone).date(),
    )  # fmt: skip
    try:
        taken = _run(import_file(offer, vocabulary, read_settings(), by="command line"))
    except Refused as refused:
        for found in refused.findings:
            click.echo(found.line(file.name), err=True)
        click.echo(f"{len(refused.findings):,} problems; nothing was imported", err=True)
        sys.exit(2)
    click.echo(f"import {taken.number}: {taken.rows:,} rows from {file.name}")
    if taken.not_applicable:
        click.echo(f"{taken.not_applicable:,} of them have a denominator of 0: not applicable")
    if taken.not_reported:
        click.echo(f"{taken.not_reported:,} of them have no numerator: due but not reported")


@records.command("list")
def list_() -> None:
    """List imports: number, kind, day, rows, SHA-256, file, source."""
    for row in _run(_imports()):
        if row["withdrawn_on"]:
            row["file_name"] += f" (withdrawn on {row['withdrawn_on']}: {row['withdrawn_why']})"
        columns = ("id", "kind", "imported_on", "rows", "sha256", "file_name", "source")
        click.echo("\t".join(str(row[column]) for column in columns))


async def _imports() -> list[dict[str, Any]]:
    return await Import.select().order_by(Import.id)


@records.command("withdraw")
@click.argument("number", type=int)
@click.option("--why", required=True, help="what was wrong with it")
def withdraw(number: int, why: str) -> None:
    """Take the rows of an import out again; editions that were made from them stay as they are."""
    settings = read_settings()
    held = _run(withdraw_import(number, why, datetime.now(settings.zone).date(), settings, by="command line"))
    click.echo(f"{held:,} rows of import {number} were taken out")
