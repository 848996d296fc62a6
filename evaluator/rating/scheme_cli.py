"""The commands about schemes, and the data sets between inputs and index: files only."""

from __future__ import annotations

from pathlib import Path

import click

from evaluator.language import LANGUAGES
from evaluator.rating.cli import FILE, FOLDER, lines, mended
from evaluator.rating.defects import InputError


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


@scheme.command("schema")
@mended
def scheme_schema() -> int:
    """Print the JSON Schema (draft 2020-12) of scheme files, by which editors complete and check."""
    from evaluator.rating.scheme_form import schema_text

    click.echo(schema_text(), nl=False)
    return 0


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
