"""Assessments on the command line: rounds, assignments, accounts of assessors, files of scores."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from evaluator import database
from evaluator.assessment.importing import ScoresOffer, import_assignments, import_scores
from evaluator.assessment.rounds import create_round, find_round, give_account, read_round
from evaluator.assessment.tables import Assessment, AssessmentRound, Assignment
from evaluator.problems import Problem
from evaluator.settings import read_settings
from evaluator.spreadsheets.findings import Refused

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
T = TypeVar("T")
BY = "command line"  # in the audit log


@click.group()
def assessment() -> None:
    """Rounds in which institutes score units: create, assign, import, list."""


def _run(work: Coroutine[Any, Any, T], file: Path | None = None) -> T:
    async def upgraded() -> T:
        await database.upgrade()
        return await work

    database.connect(read_settings().database)
    try:
        return asyncio.run(upgraded())
    except Refused as refused:
        for found in refused.findings:
            click.echo(found.line(file.name if file else ""), err=True)
        click.echo(f"{len(refused.findings):,} problems; nothing was changed", err=True)
        sys.exit(2)


@assessment.command()
@click.argument("file", type=FILE)
def create(file: Path) -> None:
    """Create a round from a YAML file: code, title, opens, closes, about, criteria, institutes with their assessors."""
    try:
        made = _run(create_round(read_round(file), read_settings(), BY))
    except Problem as problem:
        for error in problem.errors:
            click.echo(f"{file.name} {error.pointer}: {error.detail}", err=True)
        raise
    click.echo(f"round {made.code} ({made.id}), open from {made.opens} to {made.closes}")


@assessment.command()
@click.argument("round_code", metavar="ROUND")
@click.argument("file", type=FILE)
def assign(round_code: str, file: Path) -> None:
    """Assign units from a CSV or XLSX file with the columns institute, assessor, unit."""

    async def run() -> int:
        content = await asyncio.to_thread(file.read_bytes)
        return await import_assignments(await find_round(round_code), content, read_settings(), BY)

    click.echo(f"{_run(run(), file):,} units newly assigned")


@assessment.command()
@click.argument("round_code", metavar="ROUND")
@click.argument("institute")
@click.argument("assessor")
@click.argument("name")
@click.password_option(help="asked for when not given")
def account(round_code: str, institute: str, assessor: str, name: str, password: str) -> None:
    """Give an assessor of an institute an account NAME to sign in with."""

    async def run() -> None:
        found = await find_round(round_code)
        await give_account(found.id, institute, assessor, name, password, read_settings(), BY)

    _run(run())
    click.echo(f"account {name} added for {assessor} of {institute}")


@assessment.command("import")
@click.argument("round_code", metavar="ROUND")
@click.argument("file", type=FILE)
@click.option("--source", required=True, help="who provided the file")
@click.option("--assign", is_flag=True, help="also assign the units that the file scores")
def import_(round_code: str, file: Path, source: str, assign: bool) -> None:
    """Import scores from CSV or XLSX (unit, institute, assessor, criterion, score, justification): all, or nothing."""
    offer = ScoresOffer(file.name, file.read_bytes(), source, datetime.now(read_settings().zone).date(), assign=assign)

    async def run() -> int:
        return await import_scores(await find_round(round_code), offer, read_settings(), BY)

    click.echo(f"{_run(run(), file):,} scores imported from {file.name}")


@assessment.command("list")
def list_() -> None:
    """List rounds: code, days, assignments, scores, title."""

    async def run() -> list[tuple[AssessmentRound, int, int]]:
        return [
            (
                one,
                await Assignment.count().where(Assignment.assessor.round == one.id),
                await Assessment.count().where(Assessment.criterion.round == one.id),
            )
            for one in await AssessmentRound.objects().order_by(AssessmentRound.opens)
        ]

    for one, assigned, scored in _run(run()):
        days = f"{one.opens} {one.closes}"
        click.echo(f"{one.code}\t{days}\t{assigned} assigned\t{scored} scores\t{one.title_en or one.title_zh}")
