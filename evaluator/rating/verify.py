"""Verifying an edition: its files are those that were published, and its figures follow from its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from evaluator.rating.datapackage import LICENCE, datapackage
from evaluator.rating.defects import InputError
from evaluator.rating.doors import EDITION, MARK_COLUMN, SIMULATED, Door, door_of
from evaluator.rating.edition import (
    NOTE,
    PACKAGE,
    SCHEME,
    SUMS,
    Edition,
    Note,
    SnapshotNote,
    as_texts,
    identifier,
    pretty,
    published_files,
    read_edition,
    read_note,
    sums,
    taken_from,
    title_of,
)
from evaluator.rating.estimates import estimate
from evaluator.rating.folders import sha256_of
from evaluator.rating.holding import counted
from evaluator.rating.previous import before
from evaluator.rating.results import Taken
from evaluator.rating.run import computed, previous_grades, rated_tables
from evaluator.rating.scheme import Label, Scheme
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import ALWAYS, examine, fingerprint
from evaluator.rating.tabular import PARQUET_TYPES, Table, connect, literal, parse_table, quoted, read_texts

Cells = dict[str, list[str]]  # column -> cells as the CSV says them
Progress = Callable[[str, float], None]

FROM_INPUTS = ("scores", "ratings", "sensitivity")  # recomputed from the edition itself
AS_PUBLISHED = ("forged_codes", "forged_replaced", "forged_assessors", "forged_open")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found: `FILE what` or `TABLE UNIT COLUMN published recomputed`, a line a difference."""

    differences: tuple[str, ...]
    identifier: str
    files: int
    figures: int  # cells that were recomputed and compared
    made_by: dict[str, str] = field(default_factory=dict)  # software and its versions, as the edition says


def verify(
    edition: Path,
    snapshot: Path | None = None,
    progress: Progress | None = None,
    previous: Path | None = None,
    against: Sequence[Path] = (),
) -> Verdict:
    """Check an edition's files and recompute its figures.

    Without a snapshot, scores, ratings and sensitivity are recomputed from inputs, factors and scheme.yaml; deductions,
    vetoes, previous grades and forged_* are taken as published. With the snapshot everything is recomputed; previous
    grades only with the published folder of the edition before, `previous`, which is needed where the scheme makes that
    edition a covariate. Where editions before had counted some of the same answers it takes their snapshots, `against`.

    Raises
    ------
    InputError
        When the folder is no edition, the snapshot cannot be read, or the edition before is needed and not given.
    """
    if not edition.is_dir():
        raise InputError([f"{edition} is not a folder; give the folder of an edition"])
    if not (edition / NOTE).exists() and not (edition / SUMS).exists():
        raise InputError([f"{edition} is no edition: it has neither {NOTE} nor {SUMS}"])
    found = [*_checksums(edition)]
    files = len(published_files(edition))
    note, scheme, wrong = _note_and_scheme(edition)
    found += wrong
    if note is None:
        return Verdict(tuple(found), edition.name, files, 0)
    cells: dict[str, Cells] = {}
    tables: dict[str, Table] = {}
    for name in EDITION:
        door = door_of(name, note.simulated)
        published, table, wrong = _table(edition, door)
        found += wrong
        if published is not None and table is not None:
            cells[name], tables[name] = published, table
            found += _against_parquet(edition / f"{name}.parquet", door, published, table)
    if scheme is None or set(tables) < set(EDITION):
        return Verdict(tuple(found), note.identifier, files, 0, note.software)
    found += _package(edition, note, scheme)
    recomputed, wrong = _recompute(note, scheme, tables, snapshot, previous, against, progress)
    found += wrong
    figures = 0
    for name, table in recomputed.items():
        again = as_texts(name, table)
        if name == "ratings" and snapshot is None:
            again |= {
                column: cells[name][column] for column in AS_PUBLISHED if len(again["unit"]) == len(cells[name]["unit"])
            }
        figures += sum(len(column) for column in again.values())
        found += _differences(EDITION[name], cells[name], again)
    return Verdict(tuple(found), note.identifier, files, figures, note.software)


def _checksums(folder: Path) -> list[str]:
    path = folder / SUMS
    if not path.is_file():
        return [f"{SUMS} is missing"]
    text = path.read_bytes()
    if text == sums(folder).encode():
        return []
    said: dict[str, str] = {}
    found = []
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), start=1):
        sha, mark, name = line.partition("  ")
        if not mark or len(sha) != 64 or set(sha) - set("0123456789abcdef"):
            found.append(f"{SUMS} line {number} is not a SHA-256, two spaces and a name")
        elif name in said:
            found.append(f"{SUMS} line {number} names {name} again")
        else:
            said[name] = sha
    present = published_files(folder)
    found += [f"{name} is missing" for name in said if name not in present]
    found += [f"{name} is not in {SUMS}" for name in present if name not in said]
    found += [f"{name} is not what was published: its SHA-256 differs" for name in present if name in said
              and sha256_of(folder / name) != said[name]]  # fmt: skip
    return found or [f"{SUMS} is not written as published (order, line ends or spaces)"]


def _note_and_scheme(folder: Path) -> tuple[Note | None, Scheme | None, list[str]]:
    try:
        note = read_note(folder)
    except InputError as error:
        return None, None, [f"{NOTE} {text}" for text in error.defects]
    found = []
    if (folder / NOTE).read_bytes() != pretty(note):
        found.append(f"{NOTE} is not written as published")
    if note.licence != LICENCE:
        found.append(f"{NOTE} licence {note.licence} {LICENCE}")
    if note.data_status != (SIMULATED if note.simulated else None):
        found.append(f"{NOTE} data_status does not agree with simulated")
    path = folder / SCHEME
    if not path.is_file():
        return note, None, [*found, f"{SCHEME} is missing"]
    if sha256_of(path) != note.scheme.sha256:
        found.append(f"{SCHEME} is not the scheme that {NOTE} names: its SHA-256 differs")
    try:
        scheme = load_scheme(path)
    except InputError as error:
        return note, None, [*found, *(f"{SCHEME} {text}" for text in error.defects)]
    if (scheme.code, scheme.version) != (note.scheme.code, note.scheme.version):
        found.append(
            f"{NOTE} names scheme {note.scheme.code} {note.scheme.version}; {SCHEME} is {scheme.code} {scheme.version}"
        )
    if (title := title_of(scheme, note.period)) != note.title:
        found.append(f"{NOTE} title {_words(note.title)} {_words(title)}")
    return note, scheme, found


def _words(title: Label) -> str:
    return f"{title.zh!r}/{title.en!r}"


def _package(folder: Path, note: Note, scheme: Scheme) -> list[str]:
    """The identifier and the data package follow from the other files."""
    found = []
    if identifier(note, folder) != note.identifier:
        found.append(f"{NOTE} identifier {note.identifier} {identifier(note, folder)}")
    doors = [door_of(name, note.simulated) for name in EDITION]
    missing = [path for door in doors for path in (folder / f"{door.name}.parquet",) if not path.is_file()]
    path = folder / PACKAGE
    if path.is_file() and not missing:
        again = pretty(
            datapackage(folder, doors, note.identifier, scheme, note.title, note.data_status, note.snapshot.source)
        )
        if path.read_bytes() != again:
            found.append(f"{PACKAGE} does not describe these tables")
    return found


def _table(folder: Path, door: Door) -> tuple[Cells | None, Table | None, list[str]]:
    path = folder / f"{door.name}.csv"
    if not path.is_file():
        return None, None, [f"{path.name} is missing"]
    names, columns, defects = read_texts(path)
    wanted = [column.name for column in door.columns]
    if not defects and names != wanted:
        defects = [f"{path.name} has the columns {', '.join(names)}; published: {', '.join(wanted)}"]
    if defects:
        return None, None, [text if text.startswith(path.name) else f"{path.name} {text}" for text in defects]
    table, wrong = parse_table(door.name, names, columns, door)
    if wrong:
        return None, None, [f"{path.name} {text}" for text in wrong]
    cells = dict(zip(names, columns, strict=True))
    mark = cells.pop(MARK_COLUMN.name, [])
    table.pop(MARK_COLUMN.name, None)
    found = [
        f"{path.name} row {row + 2} column {MARK_COLUMN.name} {text!r}"
        for row, text in enumerate(mark)
        if text != SIMULATED
    ]
    return cells, table, found


def _against_parquet(path: Path, door: Door, cells: Cells, table: Table) -> list[str]:
    """Where the Parquet file does not hold what the CSV does."""
    if not path.is_file():
        return [f"{path.name} is missing"]
    source = f"read_parquet({literal(str(path))})"
    with connect() as connection:
        try:
            described = [
                (str(r[0]), str(r[1])) for r in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            ]
            wanted = [(column.name, PARQUET_TYPES.get(column.kind, "VARCHAR")) for column in door.columns]
            if described != wanted:
                return [f"{path.name} has other columns or types than the door: {described}"]
            columns = ", ".join(
                f"coalesce({quoted(name)}, CAST('nan' AS DOUBLE))" if kind == "DOUBLE"
                else f"coalesce(CAST({quoted(name)} AS DOUBLE), CAST('nan' AS DOUBLE))" if kind == "BIGINT"
                else f"coalesce({quoted(name)}, '')"
                for name, kind in wanted
            )  # fmt: skip
            held = list(connection.execute(f"SELECT {columns} FROM {source}").fetchnumpy().values())
        except duckdb.Error as error:
            return [f"{path.name} cannot be read: {str(error).splitlines()[0]}"]
    rows = len(next(iter(cells.values())))
    if len(held[0]) != rows:
        return [f"{path.name} has {len(held[0])} rows; {door.name}.csv has {rows}"]
    found = []
    for column, values in zip(door.columns, held, strict=True):
        if column.name == MARK_COLUMN.name:
            differ = values != SIMULATED
            said: Sequence[object] = [SIMULATED] * rows
        elif column.kind in PARQUET_TYPES:
            theirs = table[column.name]
            differ = ~((values == theirs) | (np.isnan(values) & np.isnan(theirs)))
            said = cells[column.name]
        else:
            said = cells[column.name]
            differ = values != np.array(said, dtype=object)
        for row in np.flatnonzero(np.asarray(differ, bool)).tolist():
            name = f"{_row_name(door, cells, row)}{column.name}"
            found.append(f"{path.name} {name} CSV: {_said(said[row])} here: {_said(values[row])}")
    return found


def _recompute(
    note: Note,
    scheme: Scheme,
    tables: Mapping[str, Table],
    snapshot: Path | None,
    previous: Path | None,
    against: Sequence[Path],
    progress: Progress | None,
) -> tuple[dict[str, Table], list[str]]:
    deductions, vetoes, grades = taken_from(tables["ratings"])
    if snapshot is not None:
        read, defects = examine(snapshot, scheme)
        if read is None or defects:
            raise InputError([f"{snapshot}: {defect}" for defect in defects])
        found = []
        said = SnapshotNote(read.sha256, read.made_on, read.source)
        for name in SnapshotNote.__struct_fields__:
            published, again = getattr(note.snapshot, name), getattr(said, name)
            if published != again:
                found.append(f"{NOTE} snapshot.{name} {_said(published)} {_said(again)}")
        if note.period != (None if read.period == ALWAYS else read.period):
            found.append(f"{NOTE} period is not that of the snapshot")
        if note.log_head != read.log_head:
            found.append(f"{NOTE} log_head {_said(note.log_head or '')} {_said(read.log_head or '')}")
        if note.simulated != read.simulated:
            found.append(f"{NOTE} simulated is {note.simulated}; the snapshot says {read.simulated}")
        published_grade = dict(zip(tables["ratings"]["unit"], grades, strict=True))
        grades = [published_grade.get(unit, "") for unit in read.tables["units"]["unit"]]
        named = [folder for folder in against if fingerprint(folder) in note.held_against]
        last = _previous(note, scheme, previous)
        grades = previous_grades(read.tables["units"], last) if last else grades
        earlier = before(scheme, last)
        with counted(scheme, read, named, note.held_against) as held:
            if held.units != note.held_units:
                found.append(f"{NOTE} held_units {note.held_units} {held.units}")
            if held.against != note.held_against:
                found.append(
                    f"{NOTE} held_against {_said(' '.join(note.held_against))} {_said(' '.join(held.against))}"
                )
            estimates = estimate(scheme, held.now.snapshot, progress, earlier, held)
            return rated_tables(scheme, held.now.snapshot, estimates, grades, note.seed, note.draws, progress), found
    if list(tables["ratings"]["unit"]) != list(tables["units"]["unit"]):
        return {}, ["ratings.csv does not hold the units of units.csv, in their order"]
    try:
        results = computed(scheme, tables, Taken(deductions, vetoes, grades), note.seed, note.draws, progress)
    except (ValueError, KeyError, IndexError, FloatingPointError) as error:
        return {}, [f"inputs.csv or factors.csv cannot be computed with: {error}"]
    return {name: getattr(results, name) for name in FROM_INPUTS}, []


def _previous(note: Note, scheme: Scheme, folder: Path | None) -> Edition | None:
    """The edition before, the very one that was published; asked for where the figures rest on it."""
    if note.previous is None:
        return None
    if folder is None:
        if scheme.citizens.previous_edition:
            raise InputError(
                [f"the figures rest on the edition before, {note.previous}; give its folder with --previous"]
            )
        return None
    found = read_edition(folder)
    if note.previous not in (found.note.identifier, identifier(found.note, folder)):
        raise InputError([f"{folder} is {found.note.identifier}; the figures rest on {note.previous}"])
    if found.note.identifier != identifier(found.note, folder):
        raise InputError([f"{folder} is not {note.previous} as it was published; its tables were changed"])
    return found


def _differences(door: Door, published: Cells, again: Cells) -> list[str]:
    """`TABLE UNIT COLUMN published recomputed`, rows matched by the table's key."""
    if all(published[name] == again[name] for name in door.key):
        ours = theirs = list(range(len(next(iter(published.values())))))
        found: list[str] = []
    else:
        here, there = _keyed(door, published), _keyed(door, again)
        found = [
            f"{door.name} {_unit(door, key)} {_path(door, key)}row published nothing"
            for key in here
            if key not in there
        ]
        found += [
            f"{door.name} {_unit(door, key)} {_path(door, key)}row nothing recomputed"
            for key in there
            if key not in here
        ]
        found += [f"{door.name}.csv holds a row twice"] if len(here) < len(next(iter(published.values()))) else []
        both = [key for key in here if key in there]
        ours, theirs = [here[key] for key in both], [there[key] for key in both]
        if not found:
            found.append(f"{door.name}.csv is not in the order that is computed")
    for column in again:
        said, recomputed = published[column], again[column]
        if said == recomputed and not found:
            continue
        found += [
            f"{door.name} {_row_name(door, published, i)}{column} {_said(said[i])} {_said(recomputed[j])}"
            for i, j in zip(ours, theirs, strict=True)
            if said[i] != recomputed[j]
        ]
    return found


def _keyed(door: Door, cells: Cells) -> dict[tuple[str, ...], int]:
    return {key: row for row, key in enumerate(zip(*(cells[name] for name in door.key), strict=True))}


def _row_name(door: Door, cells: Cells, row: int) -> str:
    """Unit and what else tells a row apart, as the lines of differences name it."""
    key = tuple(cells[name][row] for name in door.key)
    return f"{_unit(door, key)} {_path(door, key)}"


def _unit(door: Door, key: tuple[str, ...]) -> str:
    return dict(zip(door.key, key, strict=True)).get("unit") or "-"


def _path(door: Door, key: tuple[str, ...]) -> str:
    others = [part.replace(" ", "_") or "-" for name, part in zip(door.key, key, strict=True) if name != "unit"]
    return "".join(f"{part}/" for part in others)


def _said(value: object) -> str:
    if isinstance(value, float | np.floating):
        return "''" if np.isnan(value) else repr(float(value))
    return str(value) if value != "" else "''"
