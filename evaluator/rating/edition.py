"""The edition: the published outcome of a scheme and a snapshot, a folder that anybody can read and recompute."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from evaluator.rating.datapackage import LICENCE, datapackage
from evaluator.rating.defects import InputError
from evaluator.rating.doors import EDITION, MARK_COLUMN, SIMULATED, door_of
from evaluator.rating.folders import new_folder, sha256_of
from evaluator.rating.scheme import Label, Scheme
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import ALWAYS, Snapshot
from evaluator.rating.tabular import Table, csv_bytes, exact_text, parse_table, read_texts, texts, write_parquet

FORMAT = 1
NOTE, SCHEME, SUMS, PACKAGE = "edition.json", "scheme.yaml", "SHA256SUMS", "datapackage.json"
LIBRARIES = ("numpy", "scipy", "duckdb")


def software() -> dict[str, str]:
    """What computes here, with versions."""
    libraries = {name: version(name) for name in LIBRARIES}
    return {"evaluator": version("evaluator"), "python": platform.python_version(), **libraries}


class SchemeNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    version: str
    sha256: str


class SnapshotNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: str
    made_on: str = ""
    source: str = ""


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """edition.json: what this edition is and how it came about."""

    format: int
    identifier: str  # ends with a digest of the tables, the scheme and this note without snapshot and software
    title: Label
    period: tuple[date, date] | None
    scheme: SchemeNote
    snapshot: SnapshotNote
    seed: int
    draws: int
    software: dict[str, str]
    licence: str
    supersedes: str | None  # identifier of the edition that this one replaces
    why: str | None
    log_head: str | None
    simulated: bool
    data_status: str | None  # what is written inside every table when the data are simulated
    previous: str | None = None  # identifier of the edition of the last period, where it was given
    decision: str = ""  # what was decided before this run was taken, and why; in the words of those who decided
    held_against: tuple[str, ...] = ()  # SHA-256 of snapshots of earlier editions with some of the same answers
    held_units: int = 0  # whose answers are those of an earlier edition, since fewer than cell_min differ


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition's folder, opened. Tables are read when asked for."""

    folder: Path
    note: Note
    scheme: Scheme

    def table(self, name: str) -> Table:
        """A table of the edition, with the door's columns; InputError with every defect when it cannot be read."""
        door = door_of(name, self.note.simulated)
        names, columns, defects = read_texts(self.folder / f"{name}.csv")
        table, wrong = parse_table(name, names, columns, door)
        if defects or wrong:
            raise InputError([*defects, *wrong])
        table.pop(MARK_COLUMN.name, None)
        return table


def read_edition(folder: Path) -> Edition:
    """Open an edition without checking its figures (that is what `verify` does).

    Raises InputError when the folder is no edition.
    """
    note = read_note(folder)
    return Edition(folder, note, load_scheme(folder / SCHEME))


def read_note(folder: Path) -> Note:
    """edition.json of an edition's folder; InputError when it is not there or not readable."""
    path = folder / NOTE
    if not path.is_file():
        raise InputError([f"{folder} is no edition: there is no {NOTE}; give the folder that `evaluator rate` wrote"])
    try:
        note = msgspec.json.decode(path.read_bytes(), type=Note)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError([f"{path}: {error}; bring the original file"]) from error
    if note.format != FORMAT:
        raise InputError([f"{path}: format is {note.format}; this program reads format {FORMAT}"])
    return note


def published_units(units: Table) -> Table:
    """The snapshot's units without covariates."""
    return {column.name: units[column.name] for column in EDITION["units"].columns}


def as_texts(name: str, table: Table) -> dict[str, list[str]]:
    """A table's cells as its CSV says them, in the door's order of columns."""
    columns = EDITION[name].columns
    if not table:
        return {column.name: [] for column in columns}
    cells = {column.name: texts(table[column.name], column.kind) for column in columns}
    if name == "inputs":  # numbers as they were given keep their digits, estimates come rounded
        numbers = [column.name for column in columns if column.kind == "number"]
        cells |= {one: [exact_text(value) for value in table[one].tolist()] for one in numbers}
    return cells


def write_edition(
    out: Path,
    scheme_bytes: bytes,
    scheme: Scheme,
    snapshot: Snapshot,
    tables: Mapping[str, Table],
    *,
    seed: int,
    draws: int,
    supersedes: str | None = None,
    why: str | None = None,
    previous: str | None = None,
    decision: str = "",
    held_against: tuple[str, ...] = (),
    held_units: int = 0,
) -> Note:
    """Write the folder of an edition whole, or nothing.

    The same arguments give the same bytes. `scheme_bytes` is copied as it is.

    Raises
    ------
    InputError
        When `out` exists.
    """
    period = None if snapshot.period == ALWAYS else snapshot.period
    with new_folder(out) as made:
        (made / SCHEME).write_bytes(scheme_bytes)
        for name in EDITION:
            door = door_of(name, snapshot.simulated)
            cells = as_texts(name, tables[name])
            if snapshot.simulated:
                cells[MARK_COLUMN.name] = [SIMULATED] * len(next(iter(cells.values())))
            (made / f"{name}.csv").write_bytes(csv_bytes(cells))
            write_parquet(
                made / f"{name}.csv",
                made / f"{name}.parquet",
                {column.name: column.kind for column in door.columns},
                {MARK_COLUMN.name: SIMULATED} if snapshot.simulated else {},
            )
        note = Note(
            format=FORMAT,
            identifier="",
            title=title_of(scheme, period),
            period=period,
            scheme=SchemeNote(scheme.code, scheme.version, sha256_of(made / SCHEME)),
            snapshot=SnapshotNote(snapshot.sha256, snapshot.made_on, snapshot.source),
            seed=seed,
            draws=draws,
            software=software(),
            licence=LICENCE,
            supersedes=supersedes,
            why=why,
            log_head=snapshot.log_head,
            simulated=snapshot.simulated,
            data_status=SIMULATED if snapshot.simulated else None,
            previous=previous,
            decision=decision,
            held_against=held_against,
            held_units=held_units,
        )
        note = msgspec.structs.replace(note, identifier=identifier(note, made))
        (made / NOTE).write_bytes(pretty(note))
        doors = [door_of(name, snapshot.simulated) for name in EDITION]
        (made / PACKAGE).write_bytes(
            pretty(
                datapackage(made, doors, note.identifier, scheme, note.title, note.data_status, note.snapshot.source)
            )
        )
        (made / SUMS).write_text(sums(made), encoding="utf-8")
    return note


def title_of(scheme: Scheme, period: tuple[date, date] | None) -> Label:
    """What an edition is called: by its scheme, with the years of its period."""
    if period is None:
        return scheme.title
    years = "-".join(dict.fromkeys(str(day.year) for day in period))
    return Label(zh=f"{scheme.title.zh} {years}", en=f"{scheme.title.en} {years}")


def identifier(note: Note, folder: Path) -> str:
    """What the edition is called: scheme, last year of the period, and a digest of all that was published.

    The digest leaves out the snapshot's SHA-256, the software and the head of the log, so that the same figures have
    the same name whether the snapshot was CSV or Parquet, and whatever the salts of the responses are.
    """
    said = msgspec.structs.replace(
        note, identifier="", snapshot=SnapshotNote(""), held_against=(), software={}, log_head=None
    )
    lines = [f"{sha256_of(folder / f'{name}.csv')}  {name}.csv\n" for name in EDITION]
    digest = hashlib.sha256(msgspec.json.encode(said) + "".join(lines).encode()).hexdigest()[:16]
    year = [str(note.period[1].year)] if note.period else []
    return "-".join([note.scheme.code, *year, digest])


def pretty(value: object) -> bytes:
    """JSON that people can read, the same bytes each time."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def published_files(folder: Path) -> list[str]:
    """The files in a folder but SHA256SUMS, in the order of their names."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if name != SUMS)


def sums(folder: Path) -> str:
    """The text of SHA256SUMS, as `sha256sum -c` reads it."""
    return "".join(f"{sha256_of(folder / name)}  {name}\n" for name in published_files(folder))


def taken_from(ratings: Table) -> tuple[np.ndarray, list[tuple[str, ...]], list[str]]:
    """Deductions, vetoes and previous grades as a table of ratings says them."""
    vetoes = [tuple(str(codes).split()) for codes in ratings["vetoes"]]
    return np.nan_to_num(ratings["deductions"]), vetoes, [str(grade) for grade in ratings["previous_grade"]]
