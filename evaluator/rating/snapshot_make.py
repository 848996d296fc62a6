"""From the live database to a snapshot folder: the one place where a rating's inputs leave the database."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from evaluator.assessment import export as assessments
from evaluator.collection import counting
from evaluator.collection import export as collection
from evaluator.problems import Problem
from evaluator.rating.defects import InputError
from evaluator.rating.snapshot import LogHead, fingerprint
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import Table
from evaluator.records import export as records
from evaluator.settings import Settings
from evaluator.units.tables import Unit

Period = tuple[date, date]
Progress = Callable[[str, float], None]
TRIES = 3  # when answers are sealed, taken back or left out while they are read


def _(message: str) -> str:
    return message


async def make_snapshot(
    settings: Settings,
    out: Path,
    campaigns: Sequence[str],
    period: Period,
    made_on: date,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write what the database holds for a period to the folder `out`, and into the campaigns' logs what was counted.

    Returns the rows by table.

    Parameters
    ----------
    settings
        Whose logs they are.
    campaigns
        Codes of the campaigns whose responses, frame and population go in.
    period
        First and last day: responses of these days, and what records and assessments hold for it.
    made_on
        The day that the snapshot bears.

    Raises
    ------
    InputError
        `out` exists already, or the period ends before it begins.
    Problem
        There is no such campaign, two campaigns disagree, or their logs grew all the time.
    LogBehind
        The database is older than the published log of a campaign.
    """
    _refuse(out, period)
    tell = progress or (lambda step, share: None)
    sources = await collection.sources(campaigns)
    tables: dict[str, Table] = {"units": await units_table(period)}
    rated = set(tables["units"]["unit"])
    tell("tables", 0.2)
    tables["sample"] = of_units(await collection.sample_table(sources, period), rated)
    tables["population"] = of_units(await collection.population_table(sources), rated)
    tables["assessments"] = of_units(await assessments.assessments_table(period), rated)
    tell("tables", 0.6)
    tables["records"] = of_units(await records.records_table(period), rated)
    tables["indicators"] = of_units(await records.indicators_table(period), rated)
    tables["events"] = of_units(await records.events_table(period), rated)
    tell("tables", 1.0)
    await asyncio.to_thread(out.parent.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as place:
        responses = Path(place) / "responses.parquet"
        expected = float(max(tables["sample"]["responded"].sum(), 1)) if "responded" in tables["sample"] else 1.0
        for _try in range(TRIES):
            before = await counting.heads(settings, sources)
            number = await collection.write_responses(
                sources, responses, period=period, progress=lambda done: tell("responses", min(done / expected, 0.99))
            )
            counted = await counting.counted(settings, sources, period)
            if before == await counting.heads(settings, sources):
                break  # nobody took an answer back meanwhile: what was written is what the heads say
        else:
            raise Problem(
                503, _("The logs grew while the snapshot was made"), _("Try again in a moment; nothing was written.")
            )
        tell("responses", 1.0)
        kept = {name: table for name, table in tables.items() if len(table["unit"])}
        await asyncio.to_thread(
            write_snapshot,
            out,
            kept,
            responses=responses if number else None,
            questionnaires=collection.questionnaire_files(sources),
            campaigns=collection.questionnaire_of_campaign(sources),
            period=period,
            made_on=made_on,
            source=", ".join(source.code for source in sources),
            simulated=any(source.simulated for source in sources),
            logs=msgspec.convert(msgspec.to_builtins(counted), dict[str, LogHead]),
        )
    try:
        sha256 = await asyncio.to_thread(fingerprint, out)
        await counting.log_snapshot(settings, counted, sha256, period)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, out)  # a snapshot that no log names is none
        raise
    return {name: len(table["unit"]) for name, table in kept.items()} | {"responses": number}


def _refuse(out: Path, period: Period) -> None:
    if out.exists():
        raise InputError([f"{out} exists; give a path that does not exist yet, nothing is overwritten"])
    if period[0] > period[1]:
        raise InputError([f"the period {period[0]} to {period[1]} ends before it begins; exchange the two days"])


def of_units(table: Table, rated: set[Any]) -> Table:
    """The rows on units that exist in the period."""
    inside = np.array([unit in rated for unit in table["unit"]], bool)
    return table if inside.all() else {name: column[inside] for name, column in table.items()}


async def units_table(period: Period) -> Table:
    """The units that exist on some day of the period, parents before children."""
    rows = await Unit.select().order_by(Unit.code)
    rows = [
        row
        for row in rows
        if (row["valid_from"] is None or row["valid_from"] <= period[1])
        and (row["valid_to"] is None or row["valid_to"] >= period[0])
    ]
    there = {row["code"] for row in rows}

    def texts(name: str, among: set[str] | None = None) -> Any:
        values = [str(row[name] or "") for row in rows]
        return np.array([v if among is None or v in among else "" for v in values], object)

    return {
        "unit": texts("code"),
        "parent": texts("parent", there),
        "level": texts("level"),
        "name_zh": texts("name_zh"),
        "name_en": texts("name_en"),
        "population": np.array([np.nan if row["population"] is None else float(row["population"]) for row in rows]),
        "valid_from": texts("valid_from"),
        "valid_to": texts("valid_to"),
        "successor": texts("successor", there),
    }
