"""Writing a snapshot: what `snapshot make`, the simulated province and a hand with its own data put into the folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from evaluator.rating.defects import InputError, likely
from evaluator.rating.doors import MARK_COLUMN, SIMULATED, SNAPSHOT
from evaluator.rating.folders import new_folder, sha256_of
from evaluator.rating.questions import FOLDER
from evaluator.rating.snapshot import NOTE, LogHead, Note, snapshot_files
from evaluator.rating.tabular import Table, connect, csv_bytes, header, literal, scan, snapshot_texts, write_parquet


def write_snapshot(
    folder: Path,
    tables: Mapping[str, Table],
    *,
    responses: Path | None = None,
    questionnaires: Mapping[str, bytes] | None = None,
    campaigns: Mapping[str, str] | None = None,
    period: tuple[date, date] | None = None,
    made_on: date | None = None,
    source: str = "",
    simulated: bool = False,
    logs: Mapping[str, LogHead] | None = None,
    form: Literal["parquet", "csv"] = "parquet",
) -> None:
    """Write a snapshot folder with its snapshot.json, or nothing at all.

    Parameters
    ----------
    folder
        Must not exist yet.
    tables
        Columns of text ("" blank) and numbers (NaN blank); a small table of responses may be among them.
    responses
        A .csv or .parquet of responses, copied in the wanted form row by row.
    questionnaires
        CODE@VERSION -> the bytes of its YAML file.
    campaigns
        Campaign -> CODE@VERSION of its questionnaire.
    logs
        Campaign -> head of its log, and what is counted of it.

    Raises
    ------
    InputError
        When the folder exists, or a table or column is none of the door's.
    """
    defects = [
        f"{name!r} is no table of a snapshot; {likely(name, SNAPSHOT)}" for name in tables if name not in SNAPSHOT
    ]
    for name in set(tables) & set(SNAPSHOT):
        door = SNAPSHOT[name]
        defects += [f"{name}: unknown column {column!r}" for column in tables[name] if door.column(column) is None]
    if defects:
        raise InputError(defects)
    with new_folder(folder) as made:
        for name, table in tables.items():
            _write_table(made, name, table, form, simulated)
        if responses is not None:
            _copy_responses(responses, made / f"responses.{form}", form, simulated)
        for identifier, content in (questionnaires or {}).items():
            (made / FOLDER).mkdir(exist_ok=True)
            (made / FOLDER / f"{identifier}.yaml").write_bytes(content)
        note = Note(
            period=period,
            made_on=made_on,
            source=source,
            simulated=simulated,
            campaigns=dict(campaigns or {}),
            files={path.relative_to(made).as_posix(): sha256_of(path) for path in snapshot_files(made)},
            logs={campaign: (logs or {}).get(campaign) for campaign in campaigns or {}},
        )
        (made / NOTE).write_bytes(msgspec.json.format(msgspec.json.encode(note), indent=2) + b"\n")


def _write_table(made: Path, name: str, table: Table, form: str, simulated: bool) -> None:
    door = SNAPSHOT[name]
    kinds = {column: found.kind for column in table if (found := door.column(column))}
    path = made / f"{name}.csv"
    cells = {column: snapshot_texts(table[column], kind) for column, kind in kinds.items()}
    if simulated:
        cells[MARK_COLUMN.name] = [SIMULATED] * len(next(iter(cells.values())))
        kinds[MARK_COLUMN.name] = MARK_COLUMN.kind
    path.write_bytes(csv_bytes(cells))
    if form == "parquet":
        write_parquet(path, made / f"{name}.parquet", kinds, {MARK_COLUMN.name: SIMULATED} if simulated else {})
        path.unlink()


def _copy_responses(source: Path, target: Path, form: str, simulated: bool) -> None:
    names = header(source)
    marked = MARK_COLUMN.name in names or not simulated
    if source.suffix == target.suffix and marked:
        shutil.copyfile(source, target)
        return
    mark = "" if marked else f", {literal(SIMULATED)} AS {MARK_COLUMN.name}"
    options = "FORMAT parquet, COMPRESSION zstd" if form == "parquet" else "FORMAT csv, HEADER"
    with connect() as connection:
        connection.execute(f"COPY (SELECT *{mark} FROM {scan(source, names)}) TO {literal(str(target))} ({options})")
