"""Logs on the command line: check one from its files, write the files of all."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evaluator.ledger.notes import NoteError, encoded, read_vkey
from evaluator.ledger.receipt_cli import read_text, wrong


@click.group()
def log() -> None:
    """Logs: check one from its files alone, write the files of all, recover the audit log after a restore."""


@log.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--key", required=True, help="The log's key, NAME+ID+KEY, from somewhere else than the folder.")
@click.option("--old", type=click.Path(path_type=Path), help="A checkpoint that was kept: the log must continue it.")
def check(folder: Path, key: str, old: Path | None) -> None:
    """Work out every tile, the index and the root of the log in FOLDER from its entries. Needs no database.

    Exit codes: 0 all is right; 1 it is not, with where; 2 wrong input.
    """
    from evaluator.ledger.checking import LogRefused, check_folder

    try:
        verifier = read_vkey(key.strip())
    except NoteError as error:
        wrong(f"--key: {error}")
    try:
        found = check_folder(folder, verifier, read_text(old) if old else None)
    except LogRefused as error:
        click.echo(f"NOT RIGHT: {error}")
        sys.exit(1)
    click.echo(f"RIGHT: {found.origin}, {found.size} entries, root {encoded(found.root)}")
    click.echo(", ".join(f"{kind} {number}" for kind, number in found.kinds.items()) or "empty")
    if found.old_size is not None:
        click.echo(f"continues the head of {found.old_size} entries: nothing of it was changed or taken out")


@log.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--key", required=True, help="The log's key, NAME+ID+KEY, from somewhere else than the folder.")
def counted(folder: Path, key: str) -> None:
    """Count anew what each snapshot that the log in FOLDER names has counted. Needs no database.

    Counted are all responses up to the snapshot's head, but those taken back or left out under a rule. Run `log check`
    too: it says whether the entries are those of the head. Exit codes: 0 all agree; 1 one does not; 2 wrong input.
    """
    from evaluator.ledger.counted import recount
    from evaluator.ledger.published import DamagedFiles

    try:
        found = recount(folder, read_vkey(key.strip()))
    except NoteError as error:
        wrong(f"--key: {error}")
    except DamagedFiles as error:
        click.echo(f"NOT RIGHT: {error}")
        sys.exit(1)
    words = {True: "AGREES", False: "DIFFERS", None: "a part"}
    for one in found:
        click.echo(
            f"{words[one.agrees]}: entry {one.position}, snapshot {one.snapshot}: {one.said[0]} of {one.found[0]} that "
            f"count in the first {one.size} entries, SHA-256 of the set {one.said[1]}"
            + ("" if one.agrees is not None else "; it covers some days of the campaign, which no log tells")
        )
    if not found:
        click.echo("no snapshot yet")
    sys.exit(1 if any(one.agrees is False for one in found) else 0)


@log.command()
def recover() -> None:
    """After a restore from an older backup: put back what the database lacks of the published audit log.

    Only of the audit log. A campaign whose log is behind cannot go on: docs/receipts.md says what to do.
    """
    import asyncio

    from evaluator import database
    from evaluator.ledger.appending import LogBehind
    from evaluator.ledger.keys import LogKeyError
    from evaluator.ledger.recovering import recover_audit
    from evaluator.settings import read_settings

    settings = read_settings()
    database.connect(settings.database)

    async def upgraded() -> int:
        await database.upgrade()
        return await recover_audit(settings)

    try:
        number = asyncio.run(upgraded())
    except (LogBehind, LogKeyError) as error:
        click.echo(f"evaluator: {error}", err=True)
        sys.exit(1)
    click.echo(f"audit: {number:,} entries put back from the files" if number else "audit: nothing is lacking")


@log.command()
def publish() -> None:
    """Write what the files of the logs lack. The server does it by itself; this is for a site that does not run.

    Each log that cannot be published is named with the reason; exit code 1 then.
    """
    import asyncio

    from evaluator import database
    from evaluator.ledger.recovering import publish_each
    from evaluator.settings import read_settings

    settings = read_settings()
    database.connect(settings.database)

    async def upgraded() -> dict[str, str]:
        await database.upgrade()
        return await publish_each(settings)

    found = asyncio.run(upgraded())
    for name, wrong_ in found.items():
        if wrong_:
            click.echo(f"evaluator: {wrong_}", err=True)
        else:
            click.echo(f"{name}: {settings.data_dir / 'log' / name}")
    if not found:
        click.echo("no log yet")
    if any(found.values()):
        sys.exit(1)
