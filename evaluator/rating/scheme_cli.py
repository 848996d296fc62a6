"""The commands about schemes, and the data sets between inputs and index: files only, but for `register`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evaluator.language import LANGUAGES
from evaluator.rating.cli import FILE, FOLDER, lines, mended
from evaluator.rating.defects import InputError

if TYPE_CHECKING:
    from evaluator.ledger.notes import Verifier
    from evaluator.rating.registering import Registration


@click.group()
def scheme() -> None:
    """Schemes: the recipe of a rating. docs/schemes.md explains every key."""


@scheme.command("check")
@click.argument("file", type=FILE)
@mended
def check_scheme(file: Path) -> int:
    """Explain every defect of the scheme in FILE, with its line."""
    from evaluator.rating.run import read_scheme_bytes
    from evaluator.rating.scheme_file import examine_scheme

    text = read_scheme_bytes(file).decode("utf-8-sig")
    try:
        found = examine_scheme(text, str(file))
    except InputError as error:
        lines(error.defects)
        click.echo(f"no: {len(error.defects)} defects", err=True)
        return 1
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    read = found.scheme
    below = f", {len(read.nodes)} nodes below them" if read.nodes else ""
    click.echo(
        f"yes: {read.code} {read.version}, {len(read.levels)} levels, {len(read.dimensions)} dimensions{below}, "
        f"{len(read.indicators)} indicators"
    )
    return 0


@scheme.command("diff")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the sentences.")
@click.option("--paths", is_flag=True, help="For programs: a line a value, `PATH old -> new`.")
@mended
def diff_schemes(old: Path, new: Path, language: str, paths: bool) -> int:
    """What changes from OLD to NEW, and for whom: exit code 0 when nothing does, 1 otherwise."""
    from evaluator.language import current
    from evaluator.rating.scheme_diff import differences
    from evaluator.rating.scheme_file import load_scheme
    from evaluator.rating.scheme_words import in_words

    before, after = load_scheme(old), load_scheme(new)
    current.set(language)
    found = differences(before, after) if paths else in_words(before, after)
    for line in found:
        click.echo(line)
    return 1 if found else 0


@scheme.command("list")
@mended
def list_schemes() -> int:
    """The schemes that come with the software."""
    from evaluator.rating.scheme_file import load_scheme
    from evaluator.rating.shipped import shipped

    for name, path in shipped().items():
        read = load_scheme(path)
        click.echo(f"{name}  {read.version}  {len(read.indicators)} indicators  {read.title.en}")
    return 0


@scheme.command("show")
@click.argument("name")
@mended
def show_scheme(name: str) -> int:
    """Print the shipped scheme NAME, to be saved and changed."""
    from evaluator.rating.shipped import shipped_text

    click.echo(shipped_text(name), nl=False)
    return 0


@scheme.command("new")
@click.argument("code", default="my-scheme")
@mended
def new_scheme(code: str) -> int:
    """Print a commented scheme to begin with, called CODE; it passes `check` as it is."""
    from evaluator.rating.shipped import skeleton

    click.echo(skeleton(code), nl=False)
    return 0


@scheme.command("schema")
@mended
def scheme_schema() -> int:
    """Print the JSON Schema (draft 2020-12) of scheme files, by which editors complete and check."""
    from evaluator.rating.scheme_form import schema_text

    click.echo(schema_text(), nl=False)
    return 0


@scheme.command("register")
@click.argument("file", type=FILE)
@click.option("--why", required=True, help="Why this scheme; it is logged, and everybody can read it.")
@mended
def register_scheme(file: Path, why: str) -> int:
    """Register the scheme in FILE before the data come: keep its bytes, show it at /schemes, log its SHA-256.

    It cannot be taken back. The same file registered again changes nothing; another content of the same version is
    refused.
    """
    from evaluator import database
    from evaluator.rating.registering import register
    from evaluator.rating.run import read_scheme_bytes
    from evaluator.settings import read_settings

    content = read_scheme_bytes(file)
    settings = read_settings()
    database.connect(settings.database)

    async def work() -> tuple[Registration, bool]:
        await database.upgrade()
        today = datetime.now(settings.zone).date()
        return await register(settings, content, str(file), why, today, "command line")

    found, new = asyncio.run(work())
    said = "" if new else " already; nothing was changed"
    click.echo(f"{found.name} is registered{said}: {found.row.registered_on}, entry {found.position} of the log audit")
    click.echo(f"{settings.base_url.rstrip('/')}/schemes/{found.row.sha256}")
    return 0


@scheme.command("registered")
@click.argument("file", type=FILE)
@click.option("--proof", type=FILE, required=True, help="The publisher's proof: /schemes/SHA256/proof.")
@click.option("--key", required=True, help="Key of the publisher's audit log, from somewhere else than the proof.")
@click.option("--audit-log", type=FOLDER, help="Copy of the audit log, to prove an order with --campaign-log.")
@click.option("--campaign-log", type=FOLDER, help="Copy of a campaign's log: which came first?")
@click.option("--campaign-key", help="Key of the campaign's log.")
@mended
def registered_scheme(
    file: Path, proof: Path, key: str, audit_log: Path | None, campaign_log: Path | None, campaign_key: str | None
) -> int:
    """Check that the scheme in FILE was registered, and before a campaign's first answer. Files only, no network.

    Exit codes: 0 it was; 1 it was not, or no log shows it; 2 wrong input.
    """
    from evaluator.rating.beforehand import registered
    from evaluator.rating.logged import read_key
    from evaluator.rating.run import read_scheme_bytes

    together = (audit_log, campaign_log, campaign_key)
    if any(together) and not all(together):
        raise InputError(["--audit-log, --campaign-log and --campaign-key belong together: the order takes both logs"])
    content, verifier = read_scheme_bytes(file), read_key(key)
    try:
        text = proof.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([f"{proof} cannot be read ({error}); give what /schemes/SHA256/proof shows"]) from None
    found = registered(content, text, verifier)
    if isinstance(found, str):
        click.echo(f"no: {found}")
        return 1
    click.echo(f"yes: registered as entry {found.position} of {verifier.name}, which says {found.day}: {found.why}")
    if audit_log is None or campaign_log is None or campaign_key is None:
        return 0
    return _order(audit_log, verifier, campaign_log, read_key(campaign_key), found.position)


def _order(audit_log: Path, key: Verifier, campaign_log: Path, campaign_key: Verifier, position: int) -> int:
    """Say which came first, the registration or the campaign."""
    from evaluator.rating.beforehand import opening

    found = opening(audit_log, key, campaign_log, campaign_key, position)
    if found.before:
        click.echo(
            f"yes: before the first answer of {found.campaign}: its log begins with a head of the audit log of "
            f"{found.size} entries, which hold the registration"
        )
        return 0
    if found.size:
        click.echo(f"no: the log of {found.campaign} began when the audit log had {found.size} entries, without it")
    else:
        click.echo(f"no: the log of {found.campaign} names no head of the audit log; it shows no order")
    click.echo(f"{found.campaign} promised to open on {found.opens}")
    return 1


@click.command()
@click.argument("edition", type=FOLDER)
@click.option("--out", required=True, type=FOLDER, help="Folder of the CSV files; it must not exist.")
@mended
def stages(edition: Path, out: Path) -> int:
    """Write what became of every number of EDITION between input and index, with all digits."""
    from evaluator.rating.edition import read_edition
    from evaluator.rating.stages import write_stages

    for name, rows in write_stages(read_edition(edition), out).items():
        click.echo(f"{out / name}.csv {rows} rows")
    return 0
