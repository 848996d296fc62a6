"""The rating's commands: they need files only, no database and no settings."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec

import click

from evaluator.rating.defects import InputError
from evaluator.rating.snapshot_make_cli import make_snapshot
from evaluator.rating.stopping import stoppable

P = ParamSpec("P")
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
SHOWN = 200  # differences of a file that are printed unless all are asked for


def mended(command: Callable[P, int]) -> Callable[P, None]:
    """Exit with what the command returns; wrong input is told a line a defect, with exit code 2."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with stoppable(lambda: click.echo("stopped; nothing was written", err=True)):
            try:
                code = command(*args, **kwargs)
            except InputError as error:
                lines(error.defects)
                code = 2
        sys.exit(code)

    return run


def lines(defects: Sequence[str]) -> None:
    for defect in defects:
        click.echo(defect, err=True)


@click.command()
@click.argument("scheme", type=FILE)
@click.argument("snapshot", type=FOLDER)
@click.option("--out", required=True, type=FOLDER, help="Folder of the edition; it must not exist.")
@click.option("--previous", type=FOLDER, help="Edition of the last period.")
@click.option("--supersedes", type=FOLDER, help="Edition that this one corrects; say --why.")
@click.option("--why", help="Reason of the correction.")
@click.option("--decision", default="", help="What was decided on scheme and data, and why; it goes into the edition.")
@click.option(
    "--against",
    type=FOLDER,
    multiple=True,
    help="Snapshot of a published edition that counted some of the same answers; as often as there are such.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the draws.")
@click.option("--draws", type=click.IntRange(2), help="Number of draws; as the scheme says if not given.")
@mended
def rate(
    scheme: Path,
    snapshot: Path,
    out: Path,
    previous: Path | None,
    supersedes: Path | None,
    why: str | None,
    decision: str,
    against: tuple[Path, ...],
    seed: int,
    draws: int | None,
) -> int:
    """Rate SNAPSHOT by SCHEME and write the edition."""
    from evaluator.rating.progress import bars
    from evaluator.rating.run import rate as run
    from evaluator.rating.run import read_scheme_bytes
    from evaluator.rating.scheme_file import examine_scheme

    for warning in examine_scheme(read_scheme_bytes(scheme).decode("utf-8-sig"), str(scheme)).warnings:
        click.echo(f"warning: {warning}", err=True)
    with bars() as progress:
        rated = run(
            scheme, snapshot, out, previous, seed, draws, progress,
            supersedes=supersedes, why=why, decision=decision, against=against,
        )  # fmt: skip
    for step, seconds in rated.seconds.items():
        click.echo(f"{step}: {seconds:.1f} s", err=True)
    if rated.note.held_units:
        what = f"{rated.note.held_units} units count answers as an edition before did: fewer than cell_min differ"
        click.echo(what, err=True)
    click.echo(f"{out} {rated.note.identifier}")
    return 0


@click.command()
@click.argument("edition", type=FOLDER)
@click.option("--snapshot", type=FOLDER, help="Recompute everything from this snapshot, not only from the edition.")
@click.option("--previous", type=FOLDER, help="Edition of the last period: for its grades, or figures resting on it.")
@click.option("--against", type=FOLDER, multiple=True, help="Snapshot of an edition before that edition.json names.")
@click.option("--proof", type=FILE, help="The publisher's proof that this very edition was logged; say --key.")
@click.option("--key", help="Key of the publisher's audit log, NAME+ID+KEY, from somewhere else than the proof.")
@click.option("--all", "everything", is_flag=True, help=f"Print all differences, not the first {SHOWN} of a file.")
@mended
def verify(
    edition: Path,
    snapshot: Path | None,
    previous: Path | None,
    against: tuple[Path, ...],
    proof: Path | None,
    key: str | None,
    everything: bool,
) -> int:
    """Check EDITION and recompute its figures: exit code 0 when they hold, 1 with a line a difference.

    No database, no settings and no network are needed.
    """
    from evaluator.rating.edition import SUMS, software
    from evaluator.rating.folders import sha256_of
    from evaluator.rating.progress import bars
    from evaluator.rating.verify import verify as run

    unlogged = _unlogged(edition, proof, key)
    with bars() as progress:
        verdict = run(edition, snapshot, progress, previous, against)
    differences = [*unlogged, *verdict.differences]
    shown: dict[str, int] = {}
    for difference in differences:
        table = difference.partition(" ")[0]
        shown[table] = shown.get(table, 0) + 1
        if everything or shown[table] <= SHOWN:
            click.echo(difference)
    for table, count in shown.items():
        if count > SHOWN and not everything:
            click.echo(f"{table} {count - SHOWN} more differences; --all prints them")
    if differences:
        if verdict.differences and verdict.made_by and verdict.made_by != software():
            made, here = (", ".join(f"{k} {v}" for k, v in one.items()) for one in (verdict.made_by, software()))
            click.echo(f"it was made by {made}; here is {here}: verify with the versions it was made by", err=True)
        click.echo(f"no: {edition} does not hold ({len(differences)} differences)", err=True)
        return 1
    click.echo(f"yes: {verdict.identifier} holds ({verdict.files} files, {verdict.figures} figures recomputed)")
    if snapshot is None:
        click.echo(
            "recomputed from inputs, factors and scheme: scores, ratings, sensitivity; the rest takes the snapshot"
        )
    said = sha256_of(edition / SUMS)
    if proof:
        click.echo(f"logged as published: SHA-256 of {SUMS} {said}")
    else:
        click.echo(f"SHA-256 of {SUMS}: {said}; compare it with the one that the publisher shows, or give --proof")
    return 0


def _unlogged(edition: Path, proof: Path | None, key: str | None) -> list[str]:
    """Why the proof does not show that the edition was published; nothing without a proof."""
    from evaluator.rating.logged import not_logged, read_key

    if (proof is None) != (key is None):
        raise InputError(["--proof and --key belong together: the proof is worth as much as the key it is checked by"])
    if proof is None or key is None:
        return []
    try:
        text = proof.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError([f"{proof} cannot be read ({error}); give what /editions/IDENTIFIER/proof shows"]) from None
    return not_logged(edition, text, read_key(key))


@click.group()
def snapshot() -> None:
    """Snapshots: the frozen inputs of a rating."""


snapshot.add_command(make_snapshot)


@snapshot.command("check")
@click.argument("folder", type=FOLDER)
@click.option("--scheme", type=FILE, help="Check the codes against this scheme too.")
@mended
def check_snapshot(folder: Path, scheme: Path | None) -> int:
    """Explain every defect of the snapshot in FOLDER; rows are counted as a spreadsheet does, the header is row 1."""
    from evaluator.rating.scheme_file import load_scheme
    from evaluator.rating.snapshot import examine

    if not folder.is_dir():
        raise InputError([f"{folder} is not a folder; give the folder of a snapshot"])
    read, defects = examine(folder, load_scheme(scheme) if scheme else None)
    lines(defects)
    if defects or read is None:
        click.echo(f"no: {len(defects)} defects", err=True)
        return 1
    rows = ", ".join(f"{name} {len(table['unit'])}" for name, table in read.tables.items())
    click.echo(f"yes: {rows}{', responses' if read.responses else ''}; {read.sha256}")
    return 0


COMMANDS: Sequence[Any] = (rate, verify, snapshot)
