"""Units on the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from evaluator import database
from evaluator.problems import Problem
from evaluator.settings import read_settings
from evaluator.units.importing import import_units, read_units
from evaluator.units.tables import Unit

SHIPPED = Path(__file__).parent / "data"


@click.group()
def units() -> None:
    """The bodies that are rated: import and list."""


@units.command("import")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--shipped",
    type=click.Choice(sorted(p.stem for p in SHIPPED.glob("*.csv"))),
    help="a file that ships with the product",
)
def import_(file: Path | None, shipped: str | None) -> None:
    """Import units from a CSV file: all of it, or nothing and every bad row named."""
    if (file is None) == (shipped is None):
        raise click.UsageError("give a FILE, or --shipped NAME")
    path = file or SHIPPED / f"{shipped}.csv"
    settings = read_settings()
    database.connect(settings.database)

    async def run() -> int:
        await database.upgrade()
        return await import_units(read_units(path.read_bytes()), settings, "command line")

    try:
        click.echo(f"{asyncio.run(run()):,} units imported from {path.name}")
    except Problem as problem:
        for error in problem.errors:
            click.echo(f"{path.name} {error.pointer}: {error.detail}", err=True)
        raise


@units.command("list")
@click.option("--parent", help="only those right under this unit")
def list_(parent: str | None) -> None:
    """List units: code, level, name."""
    database.connect(read_settings().database)

    async def run() -> list[dict[str, str]]:
        await database.upgrade()
        query = Unit.select(Unit.code, Unit.level, Unit.name_zh).order_by(Unit.code)
        return await (query.where(Unit.parent == parent) if parent else query)

    for unit in asyncio.run(run()):
        click.echo(f"{unit['code']}\t{unit['level']}\t{unit['name_zh']}")
