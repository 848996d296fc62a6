"""Receipts on the command line: no database, no settings, no network."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evaluator.ledger.notes import NoteError, read_vkey
from evaluator.ledger.receipts import ReceiptError, verify_receipt


@click.group()
def receipt() -> None:
    """Receipts: does one prove what it says?"""


def wrong(message: str) -> None:
    """Say what is wrong with what was given, and end with 2."""
    click.echo(f"evaluator: {message}", err=True)
    sys.exit(2)


def read_text(path: Path, most: int = 1_000_000) -> str:
    """A small text file as it is; - is what is piped in."""
    try:
        data = sys.stdin.buffer.read(most + 1) if str(path) == "-" else path.read_bytes()[: most + 1]
        if len(data) > most:
            wrong(f"{path}: more than {most} bytes")
        return data.decode()
    except UnicodeDecodeError:
        wrong(f"{path}: not a text in UTF-8")
    except OSError as error:
        wrong(f"{path}: {error.strerror}")
    raise AssertionError


@receipt.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--key", required=True, help="The log's key, NAME+ID+KEY, from somewhere else than the receipt.")
def verify(file: Path, key: str) -> None:
    """Check the receipt FILE (- to read what is piped in) against the log's KEY.

    Exit codes: 0 the entry stands in the log; 1 it does not, with what is wrong; 2 wrong input.
    """
    try:
        verifier = read_vkey(key.strip())
    except NoteError as error:
        wrong(f"--key: {error}")
    text = read_text(file)
    try:
        found = verify_receipt(text, verifier)
    except ReceiptError as error:
        click.echo(f"NOT VERIFIED: {error}")
        sys.exit(1)
    click.echo(f"VERIFIED: entry {found.position} of {found.size} in {found.origin}")
    click.echo(f"leaf {found.leaf_hash.hex()}")
    click.echo(found.entry)
