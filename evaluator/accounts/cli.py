"""Accounts on the command line."""

from __future__ import annotations

import asyncio

import click

from evaluator import database
from evaluator.accounts.register import create_account
from evaluator.accounts.tables import ROLES, Account
from evaluator.ledger.audit import record
from evaluator.settings import read_settings


@click.group()
def accounts() -> None:
    """Staff accounts: add and list."""


@accounts.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--unit", help="the unit whose subtree the account may see")
@click.option("--round", "round_id", type=int, help="the assessment round of an assessor")
@click.password_option(help="asked for when not given")
def add(name: str, role: str, unit: str | None, round_id: int | None, password: str) -> None:
    """Add an account."""
    settings = read_settings()
    database.connect(settings.database)

    async def run() -> None:
        await database.upgrade()
        async with database.engine().transaction():
            account = await create_account(name, password, role, unit=unit, round_id=round_id)
            await record(settings, "account.added", account=f"{role} {account.id}", unit=unit, by="command line")

    asyncio.run(run())
    click.echo(f"account {name} added as {role}")


@accounts.command("list")
def list_() -> None:
    """List accounts: name, role, scope."""
    database.connect(read_settings().database)

    async def run() -> list[Account]:
        await database.upgrade()
        return await Account.objects().order_by(Account.name)

    for account in asyncio.run(run()):
        scope = account.unit or account.round or "-"
        click.echo(f"{account.name}\t{account.role}\t{scope}{'' if account.active else '  (inactive)'}")
