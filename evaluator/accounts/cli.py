"""Accounts on the command line."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

import click

from evaluator import database
from evaluator.accounts import keys
from evaluator.accounts.register import create_account
from evaluator.accounts.tables import ROLES, Account, ApiKey
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


@accounts.group("key")
def key_() -> None:
    """Keys for programs of superiors: make, list, revoke."""


BY = "command line"


@key_.command("make")
@click.argument("account")
@click.option("--label", required=True, help="what the key is for")
@click.option("--days", type=int, default=keys.USUAL_DAYS, show_default=True, help="how long it opens anything")
def make_key(account: str, label: str, days: int) -> None:
    """Make a key for ACCOUNT and print it; it is shown once and kept nowhere."""
    settings = read_settings()
    database.connect(settings.database)

    async def run() -> tuple[str, ApiKey] | None:
        await database.upgrade()
        found = await Account.objects().get(Account.name == account)
        if found is None:
            return None
        return await keys.make_key(settings, found, label, days, datetime.now(settings.zone).date(), BY)

    made = asyncio.run(run())
    if made is None:
        click.echo(f"there is no account {account}; `evaluator accounts list` names them", err=True)
        sys.exit(2)
    click.echo(made[0])
    click.echo(f"key {made[1].id}, until {made[1].expires_on}: keep it now, it is not shown again", err=True)


@key_.command("list")
def list_keys() -> None:
    """List keys: number, beginning, account, label, last day, day of the last use, state."""
    settings = read_settings()
    database.connect(settings.database)

    async def run() -> tuple[list[ApiKey], dict[int, str]]:
        await database.upgrade()
        rows = await ApiKey.objects().order_by(ApiKey.id)
        return rows, {one.id: one.name for one in await Account.objects()}

    rows, names = asyncio.run(run())
    today = datetime.now(settings.zone).date()
    for row in rows:
        state = "opens" if keys.opens(row, today) else "revoked" if row.revoked_on else "expired"
        used = row.last_used_on or "never"
        click.echo(
            f"{row.id}\t{row.prefix}...\t{names.get(row.account, '?')}\t{row.label}\t{row.expires_on}\t{used}\t{state}"
        )


@key_.command("revoke")
@click.argument("number", type=int)
def revoke_key(number: int) -> None:
    """Revoke key NUMBER: from now on it opens nothing."""
    settings = read_settings()
    database.connect(settings.database)

    async def run() -> ApiKey | None:
        await database.upgrade()
        return await keys.revoke_key(settings, number, datetime.now(settings.zone).date(), BY)

    if asyncio.run(run()) is None:
        click.echo(f"there is no key {number}; `evaluator accounts key list` names them", err=True)
        sys.exit(2)
    click.echo(f"key {number} is revoked")
