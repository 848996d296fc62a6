"""What a snapshot takes of the campaigns: responses, sample, population, questionnaires. Confidential.

Rows leave in the order of their random identifiers and without them.
"""

from __future__ import annotations

import asyncio
import csv
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import numpy as np
from numpy.typing import NDArray

from evaluator import database
from evaluator.collection.tables import Campaign, PopulationCell, SampleCell
from evaluator.collection.versions import Version, versions_of
from evaluator.problems import Problem
from methods.queries import connected
from questionnaires.columns import columns, row
from questionnaires.definition import Questionnaire

CHUNK = 10_000
FIXED = ("campaign", "mode", "unit", "day", "weight", "design_stratum", "psu")
Table = dict[str, NDArray]  # text columns of dtype object, "" for blank; numbers float64, NaN for blank
Answers = dict[str, str | int | float | tuple[str, ...]]

TAKEN = ("campaign", "mode", "unit", "day", "design_stratum", "psu", "answers", "flags", "questionnaire")
# what was left out under a registered rule leaves in nothing
SELECT = (
    "SELECT {} FROM response WHERE campaign IN ({}) AND day BETWEEN {} AND {} AND excluded = '' ORDER BY identifier"
)
# beside the flags that a response got when it was accepted, those of its campaign's close (`quality.flag_campaign`)
FLAGS = {
    "sqlite": "trim(flags || ' ' || coalesce((SELECT group_concat(rule, ' ') FROM (SELECT rule FROM quality_flag "
    "WHERE quality_flag.response = identifier ORDER BY rule)), ''))",
    "postgres": "trim(flags || ' ' || coalesce((SELECT string_agg(rule, ' ' ORDER BY rule) FROM quality_flag "
    "WHERE quality_flag.response = identifier), ''))",
}
decode_answers = msgspec.json.Decoder(Answers).decode


def _(message: str) -> str:
    return message


class Source(msgspec.Struct, frozen=True):
    """A campaign and the versions of its questionnaire, as a snapshot needs them."""

    id: int
    code: str
    simulated: bool
    questionnaire: Questionnaire  # the version that it shows now: it knows every code of those before
    versions: tuple[Version, ...]  # in the order in which it showed them, this one among them


async def sources(campaigns: Sequence[str]) -> list[Source]:
    """The campaigns of these codes.

    Raises
    ------
    Problem
        404 naming the first that does not exist.
    """
    found = []
    for code in dict.fromkeys(campaigns):
        campaign = await Campaign.objects().get(Campaign.code == code)
        if campaign is None:
            known = ", ".join(r["code"] for r in await Campaign.select(Campaign.code).order_by(Campaign.code).limit(10))
            raise Problem(
                404, _("No such campaign"), _("There is no campaign “%(code)s”; there are: %(known)s."),
                code=code, known=known or "none",
            )  # fmt: skip
        versions = await versions_of(campaign.id)
        [present] = [one.questionnaire for one in versions if one.id == campaign.questionnaire]
        found.append(Source(campaign.id, code, campaign.simulated, present, versions))
    return found


def response_columns(found: Sequence[Source]) -> list[str]:
    """The columns of the table of responses: those of all questionnaires and of all their versions together."""
    asked = dict.fromkeys(
        name
        for source in found
        for questionnaire in (source.questionnaire, *(version.questionnaire for version in source.versions))
        for name in columns(questionnaire)
    )
    strata = [name for name in asked if name.startswith("s_")]
    return [*FIXED, *strata, *(name for name in asked if not name.startswith("s_")), "flags"]


async def write_responses(
    found: Sequence[Source],
    path: Path,
    *,
    period: tuple[date, date] = (date.min, date.max),
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the snapshot's table of responses as .csv or .parquet; how many there were.

    Parameters
    ----------
    period : tuple of date
        First and last day, inclusive.
    progress : callable, optional
        Called with the number of responses written so far.
    """
    names = response_columns(found)
    plain = path if path.suffix == ".csv" else path.with_name(path.name + ".csv")
    of = {source.id: source.code for source in found}
    placed = {
        version.id: (version.questionnaire, [names.index(name) for name in columns(version.questionnaire)])
        for source in found
        for version in source.versions
    }
    number = 0
    try:
        with plain.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            async for chunk in stored(TAKEN, [source.id for source in found], period):
                writer.writerows(_lines(chunk, of, placed, len(names)))
                number += len(chunk)
                if progress:
                    progress(number)
        if plain != path:
            await asyncio.to_thread(_to_parquet, plain, path)
    finally:
        if plain != path:
            plain.unlink(missing_ok=True)
    return number


def _lines(
    chunk: Sequence[Sequence[Any]],
    of: Mapping[int, str],
    placed: Mapping[int, tuple[Questionnaire, list[int]]],
    width: int,
) -> list[list[object]]:
    """Rows of the table; answers stand where the version under which they were accepted has its columns."""
    lines = []
    for campaign, mode, unit, day, stratum, psu, answers, flags, version in chunk:
        questionnaire, places = placed[version]
        line: list[object] = [None] * width
        line[:7] = of[campaign], mode, unit, day, None, stratum, psu
        for place, value in zip(places, row(questionnaire, decode_answers(answers)), strict=True):
            line[place] = value
        line[-1] = flags
        lines.append(line)
    return lines


async def stored(
    names: Sequence[str], campaigns: Sequence[int], period: tuple[date, date]
) -> AsyncIterator[list[Sequence[Any]]]:
    """These columns of responses in chunks, in the order of their random identifiers, from one consistent state."""
    engine = database.engine()
    begins, ends = period
    if isinstance(engine, database.DurableSQLiteEngine):
        statement = SELECT.format(_taken(names, "sqlite"), ", ".join("?" * len(campaigns)), "?", "?")
        connection = sqlite3.connect(engine.path, check_same_thread=False)
        try:
            given = [*campaigns, begins.isoformat(), ends.isoformat()]
            cursor = await asyncio.to_thread(connection.execute, statement, given)
            while chunk := await asyncio.to_thread(cursor.fetchmany, CHUNK):
                yield chunk
        finally:
            connection.close()
        return
    links = await asyncpg.connect(engine.config["dsn"])
    try:
        async with links.transaction(isolation="repeatable_read", readonly=True):
            statement = SELECT.format(_taken(names, "postgres"), "SELECT unnest($1::int[])", "$2", "$3")
            cursor = await links.cursor(statement, list(campaigns), begins, ends)
            while chunk := await cursor.fetch(CHUNK):
                yield chunk
    finally:
        await links.close()


def _taken(names: Sequence[str], engine: str) -> str:
    return ", ".join(FLAGS[engine] if name == "flags" else name for name in names)


def _to_parquet(plain: Path, path: Path) -> None:
    source, target = (str(p).replace("'", "''") for p in (plain, path))
    with connected(preserve_insertion_order=True) as connection:
        connection.execute(
            f"COPY (SELECT * REPLACE (TRY_CAST(weight AS DOUBLE) AS weight) FROM read_csv('{source}', header = true, "
            f"all_varchar = true, delim = ',', quote = '\"', escape = '\"')) TO '{target}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )


COUNTED = """
SELECT unit, design_stratum, psu, count(*) AS n FROM {} WHERE campaign = {{}} {} GROUP BY unit, design_stratum, psu
"""


async def sample_table(found: Sequence[Source], period: tuple[date, date] = (date.min, date.max)) -> Table:
    """The design cells: people in the frame, invited, responded. Columns as the snapshot's table `sample`.

    Where no frame was imported, the invited are counted from the codes and the frame is blank. Several campaigns on one
    cell add up, and the frame is the larger one.
    """
    cells: dict[tuple[str, str, str], list[float]] = {}
    area: dict[tuple[str, str, str], str] = {}
    for source in found:
        own: dict[tuple[str, str, str], list[float]] = {}
        for cell in await SampleCell.select().where(SampleCell.campaign == source.id):
            key = (cell["unit"], cell["design_stratum"], cell["psu"])
            own[key] = [float(cell["frame_n"]), float(cell["invited"]), 0.0]
            area[key] = cell["calibration_area"]
        if not own:
            for got in await Campaign.raw(COUNTED.format("invitation", ""), source.id):
                own[got["unit"], got["design_stratum"], got["psu"]] = [float("nan"), float(got["n"]), 0.0]
        these = "AND mode = 'invitation' AND excluded = '' AND day BETWEEN {} AND {}"
        for got in await Campaign.raw(COUNTED.format("response", these), source.id, *days(period)):
            cell = own.setdefault((got["unit"], got["design_stratum"], got["psu"]), [float("nan")] * 2 + [0.0])
            cell[2] = float(got["n"])
        for key, (frame, invited, responded) in own.items():
            before = cells.get(key)
            if before is None:
                cells[key] = [frame, invited, responded]
            else:
                cells[key] = [float(np.fmax(before[0], frame)), before[1] + invited, before[2] + responded]
    keys = sorted(cells)
    return {
        "unit": _texts(k[0] for k in keys),
        "design_stratum": _texts(k[1] for k in keys),
        "psu": _texts(k[2] for k in keys),
        "frame_n": np.array([cells[k][0] for k in keys], float),
        "invited": np.array([cells[k][1] for k in keys], float),
        "responded": np.array([cells[k][2] for k in keys], float),
        "calibration_area": _texts(area.get(k, "") for k in keys),
    }


def days(period: tuple[date, date]) -> tuple[object, object]:
    """A period as the engine's driver wants it."""
    if isinstance(database.engine(), database.DurableSQLiteEngine):
        return period[0].isoformat(), period[1].isoformat()
    return period


def _texts(values: object) -> NDArray[np.object_]:
    listed = list(values)  # type: ignore[call-overload]
    table = np.empty(len(listed), object)
    table[:] = listed
    return table


async def population_table(found: Sequence[Source]) -> Table:
    """The population cells of the campaigns. Columns as the snapshot's table `population`.

    Raises
    ------
    Problem
        409 when two campaigns give different counts for one cell.
    """
    cells: dict[tuple[str, str], int] = {}
    for source in found:
        for cell in await PopulationCell.select().where(PopulationCell.campaign == source.id):
            key = (cell["unit"], cell["strata"])
            if cells.setdefault(key, cell["count"]) != cell["count"]:
                raise Problem(
                    409, _("Two campaigns disagree"),
                    _("The population of “%(unit)s” %(strata)s is %(one)d in one campaign and %(other)d in another."),
                    unit=key[0], strata=key[1], one=cells[key], other=cell["count"],
                )  # fmt: skip
    keys = sorted(cells)
    strata = [msgspec.json.decode(text, type=dict[str, str]) for _unit, text in keys]
    names = sorted({name for given in strata for name in given})
    return {
        "unit": _texts(unit for unit, _text in keys),
        **{name: _texts(given.get(name, "") for given in strata) for name in names},
        "count": np.array([cells[key] for key in keys], float),
    }


def questionnaire_files(found: Sequence[Source]) -> dict[str, bytes]:
    """CODE@VERSION -> the bytes of its YAML file, of every version that somebody may have answered."""
    return {
        version.questionnaire.identifier: version.definition.encode() for source in found for version in source.versions
    }


def questionnaire_of_campaign(found: Sequence[Source]) -> dict[str, str]:
    """Campaign -> CODE@VERSION of the version that it shows now, which has every code of those before."""
    return {source.code: source.questionnaire.identifier for source in found}
