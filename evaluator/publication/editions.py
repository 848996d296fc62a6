"""An edition folder as typed, read-only structures, kept while its files stay as they were published."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import duckdb
import msgspec
import numpy as np
import yaml
from numpy.typing import NDArray

from evaluator.rating import doors, tabular
from evaluator.rating.defects import InputError
from evaluator.rating.edition import SUMS, Note, read_note
from evaluator.rating.folders import sha256_of
from evaluator.rating.scheme import Indicator, Label, Scheme
from evaluator.rating.scheme_file import parse_scheme

KEPT = 3  # editions in memory at once: the latest, the one before, and one somebody looks at
NAN = math.nan


T = TypeVar("T", bound=msgspec.Struct)


class EditionDamaged(Exception):
    """The folder is not what was published; the message says which file differs."""


class Unit(msgspec.Struct, frozen=True):
    """A rated unit as the edition names it."""

    code: str
    parent: str
    level: str
    name: Label
    population: float
    valid_from: str
    valid_to: str
    successor: str


class Rating(msgspec.Struct, frozen=True):
    """A row of `ratings`; NaN and blank as in the file."""

    unit: str
    level: str
    state: str
    index: float
    lower: float
    upper: float
    reliability: float
    rank_lower: float
    rank_upper: float
    simultaneous_lower: float
    simultaneous_upper: float
    tier: float
    grade: str
    grade_probability: float
    previous_grade: str
    deductions: float
    vetoes: str
    capped_grade: str
    forged_codes: str
    forged_replaced: str
    forged_assessors: str
    forged_open: str
    notes: str

    @property
    def ranked(self) -> bool:
        return not math.isnan(self.rank_lower)

    @property
    def capped(self) -> bool:
        return bool(self.capped_grade) and self.capped_grade != self.grade


class Score(msgspec.Struct, frozen=True):
    """A row of `scores`: a node of the tree for a unit."""

    unit: str
    node: str
    raw: float
    score: float
    standard_error: float
    lower: float
    upper: float
    weight_present: float
    state: str


class Entry(msgspec.Struct, frozen=True):
    """A row of `inputs`."""

    unit: str
    indicator: str
    screening: str
    state: str
    family: str
    a: float
    b: float
    direct: float
    direct_sd: float
    n: float


class Apart(msgspec.Struct, frozen=True):
    """A row of `groups`: what respondents who are no part of the index say."""

    unit: str
    group: str
    indicator: str
    estimate: float
    standard_error: float
    lower: float
    upper: float
    n: float
    state: str


class Answer(msgspec.Struct, frozen=True):
    """A row of `distributions`."""

    unit: str
    item: str
    code: str
    share: float
    lower: float
    upper: float
    state: str
    with_flagged: str


class Alternative(msgspec.Struct, frozen=True):
    """A row of `sensitivity`."""

    choice: str
    unit: str
    statistic: str
    value: float
    lower: float
    upper: float


class Rows(Generic[T]):
    """A long table held as columns; its rows are made when a unit is asked for."""

    def __init__(self, kind: type[T], columns: dict[str, NDArray[Any]]) -> None:
        units = columns["unit"]
        breaks = np.flatnonzero(units[1:] != units[:-1]) + 1
        starts = np.concatenate([[0], breaks]) if units.size else breaks
        names = units[starts].tolist()
        if len(set(names)) < len(names):  # a unit's rows do not stand together: bring them together, order kept
            order = np.argsort(units, kind="stable")
            columns = {name: column[order] for name, column in columns.items()}
            units = columns["unit"]
            starts = np.concatenate([[0], np.flatnonzero(units[1:] != units[:-1]) + 1])
            names = units[starts].tolist()
        ends = [*starts[1:].tolist(), units.size][: len(names)]  # none for an empty table
        self._kind = kind
        self.columns = columns
        self._span = dict(zip(names, zip(starts.tolist(), ends, strict=True), strict=True))

    def __len__(self) -> int:
        return int(self.columns["unit"].size)

    def of(self, unit: str) -> tuple[T, ...]:
        """The rows of one unit, in the file's order; none when there is no such unit."""
        return tuple(self._rows(*self._span.get(unit, (0, 0))))

    def where(self, column: str, value: str) -> tuple[T, ...]:
        """The rows that have this value in a column, in the file's order."""
        here = np.flatnonzero(self.columns[column] == value)
        cells = [self.columns[name][here].tolist() for name in self._kind.__struct_fields__]
        return tuple(self._kind(*row) for row in zip(*cells, strict=True))

    def all(self) -> Iterator[T]:
        return self._rows(0, len(self))

    def _rows(self, start: int, end: int) -> Iterator[T]:
        cells = [self.columns[name][start:end].tolist() for name in self._kind.__struct_fields__]
        return (self._kind(*row) for row in zip(*cells, strict=True))


@dataclass(frozen=True)
class Edition:
    """A published rating, whole. Nothing in it is ever changed."""

    folder: Path
    sums: str  # SHA-256 of SHA256SUMS
    note: Note
    scheme: Scheme
    scheme_source: Mapping[str, Any]  # the scheme's YAML, for words that only explain
    units: Mapping[str, Unit]
    ratings: Mapping[str, Rating]
    children: Mapping[str, tuple[str, ...]]  # codes below a unit, in the file's order; "" holds the roots
    order: Mapping[str, tuple[str, ...]]  # codes of a level by tier, then index
    scores: Rows[Score]
    inputs: Rows[Entry]
    groups: Rows[Apart]
    distributions: Rows[Answer]
    alternatives: Rows[Alternative]
    signature: tuple[tuple[str, int, int], ...] = field(repr=False)

    @property
    def identifier(self) -> str:
        return self.note.identifier

    @property
    def simulated(self) -> bool:
        return self.note.simulated

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """Levels that have units, in the scheme's order."""
        return tuple(level for level in self.scheme.levels if self.order.get(level))

    @cached_property
    def indicators(self) -> Mapping[str, Indicator]:
        return {indicator.code: indicator for indicator in self.scheme.indicators}

    @cached_property
    def nodes(self) -> Mapping[tuple[str, str], tuple[float, float]]:
        """(level, node) -> median score of its units, and how much of their differences is no noise (0 to 1)."""
        columns = self.scores.columns
        rating_level = {code: unit.level for code, unit in self.units.items()}
        level = np.array([rating_level.get(unit, "") for unit in columns["unit"].tolist()], dtype=object)
        found: dict[tuple[str, str], tuple[float, float]] = {}
        keys = {
            key: number
            for number, key in enumerate(dict.fromkeys(zip(level.tolist(), columns["node"].tolist(), strict=True)))
        }
        number = np.array([keys[key] for key in zip(level.tolist(), columns["node"].tolist(), strict=True)])
        order = np.argsort(number, kind="stable")
        cuts = np.searchsorted(number[order], np.arange(len(keys) + 1))
        for key, k in keys.items():
            rows = order[cuts[k] : cuts[k + 1]]
            score, error = columns["score"][rows], columns["standard_error"][rows]
            there = ~np.isnan(score)
            if not there.any():
                continue
            between = float(score[there].var(ddof=1)) if there.sum() > 1 else NAN
            noise = float(np.nanmean(error[there] ** 2)) if not np.isnan(error[there]).all() else 0.0
            total = between + noise
            found[key] = (float(np.median(score[there])), between / total if total > 0 else NAN)
        return found

    @cached_property
    def _scores_at(self) -> dict[str, Mapping[str, Score]]:
        return {}

    def score(self, code: str, node: str) -> Score | None:
        """A unit's score of a node of the tree; a node is looked up for all units at once, since rankings ask so."""
        if node not in self._scores_at:
            self._scores_at[node] = {score.unit: score for score in self.scores.where("node", node)}
        return self._scores_at[node].get(code)

    def below(self, code: str) -> tuple[str, ...]:
        """All codes under a unit, itself left out, parents before children."""
        found: list[str] = []
        waiting = list(self.children.get(code, ()))
        while waiting:
            found += waiting
            waiting = [child for parent in waiting for child in self.children.get(parent, ())]
        return tuple(dict.fromkeys(found))

    def above(self, code: str) -> tuple[Unit, ...]:
        """The units over a unit, the highest first."""
        found: list[Unit] = []
        parent = self.units[code].parent
        while parent in self.units and self.units[parent] not in found:
            found.append(self.units[parent])
            parent = self.units[parent].parent
        return tuple(reversed(found))

    def ranked_at(self, level: str) -> int:
        """How many units of a level are ranked against each other."""
        return sum(self.ratings[code].ranked for code in self.order.get(level, ()))

    def tiers_at(self, level: str) -> int:
        return int(
            max((r.tier for r in map(self.ratings.__getitem__, self.order.get(level, ())) if r.ranked), default=0)
        )


def listed(folder: Path) -> dict[str, str]:
    """SHA256SUMS as name -> digest."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        raise EditionDamaged(f"{SUMS} is missing") from None
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {name.strip().lstrip("*"): sha for sha, name in pairs}


def check_sums(folder: Path, sums: str) -> None:
    """Every file is the one that was published.

    Raises
    ------
    EditionDamaged
        Names the first file that differs, is missing, or does not belong there.
    """
    names = listed(folder)
    if sha256_of(folder / SUMS) != sums:
        raise EditionDamaged(f"{SUMS} is not the one that was published")
    for name, sha in names.items():
        path = folder / name
        if not path.is_file():
            raise EditionDamaged(f"{name} is missing")
        if sha256_of(path) != sha:
            raise EditionDamaged(f"{name} was changed after it was published")
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in {*names, SUMS}:
            raise EditionDamaged(f"{path.relative_to(folder)} does not belong to the edition")


def file_signature(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of change of every file: cheap to take, and different when somebody touched one."""
    found = []
    for path in sorted(folder.rglob("*")):
        stat = path.stat()
        if path.is_file():
            found.append((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns))
    return tuple(found)


_kept: dict[tuple[Path, str], Edition] = {}
_loading = threading.Lock()


def open_edition(folder: Path, sums: str) -> Edition:
    """The edition in `folder`, from memory when its files are untouched; else checked against `sums` and read.

    Raises
    ------
    EditionDamaged
        A file is missing or is not what was published.
    """
    key = (folder, sums)
    try:
        signature = file_signature(folder)
        if not signature:
            raise EditionDamaged("the folder is missing")
        kept = _kept.get(key)
        if kept is not None and kept.signature == signature:
            return kept
        with _loading:  # several visitors at once: one reads
            kept = _kept.get(key)
            if kept is not None and kept.signature == signature:
                return kept
            check_sums(folder, sums)
            edition = read_edition(folder, sums, signature)
            _kept.pop(key, None)
            _kept[key] = edition
            while len(_kept) > KEPT:
                _kept.pop(next(iter(_kept)))
            return edition
    except (OSError, duckdb.Error, InputError) as error:
        raise EditionDamaged(str(error).splitlines()[0]) from error


def read_edition(folder: Path, sums: str, signature: tuple[tuple[str, int, int], ...] = ()) -> Edition:
    """Read the tables that pages show; `factors` and `models` stay in their files."""
    note = read_note(folder)
    text = (folder / "scheme.yaml").read_text(encoding="utf-8-sig")
    scheme = parse_scheme(text, "scheme.yaml")
    with tabular.connect() as connection:
        tables = {
            name: read_table(connection, folder, name)
            for name in ("units", "ratings", "scores", "inputs", "groups", "distributions", "sensitivity")
        }
    units = {unit.code: unit for unit in _units(tables["units"])}
    fields = Rating.__struct_fields__
    cells = (tables["ratings"][name].tolist() for name in fields)
    ratings = {row[0]: Rating(*row) for row in zip(*cells, strict=True)}
    children: dict[str, list[str]] = {}
    for unit in units.values():
        children.setdefault(unit.parent if unit.parent in units else "", []).append(unit.code)
    by_level: dict[str, list[str]] = {}
    for code, rating in ratings.items():
        if code in units:
            by_level.setdefault(rating.level, []).append(code)
    for codes in by_level.values():
        codes.sort(key=lambda code: _place(ratings[code]))
    return Edition(
        folder=folder,
        sums=sums,
        note=note,
        scheme=scheme,
        scheme_source=yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {},  # noqa: S506
        units=units,
        ratings=ratings,
        children={parent: tuple(codes) for parent, codes in children.items()},
        order={level: tuple(codes) for level, codes in by_level.items()},
        scores=Rows(Score, tables["scores"]),
        inputs=Rows(Entry, tables["inputs"]),
        groups=Rows(Apart, tables["groups"]),
        distributions=Rows(Answer, tables["distributions"]),
        alternatives=Rows(Alternative, tables["sensitivity"]),
        signature=signature,
    )


def _place(rating: Rating) -> tuple[float, float]:
    """Where a unit stands in a list: by tier, then index; units without a tier, then those without an index, last."""
    tier = math.inf if math.isnan(rating.tier) else rating.tier
    return tier, math.inf if math.isnan(rating.index) else -rating.index


def _units(table: Mapping[str, NDArray[Any]]) -> Iterator[Unit]:
    columns = ("unit", "parent", "level", "name_zh", "name_en", "population", "valid_from", "valid_to", "successor")
    for code, parent, level, zh, en, population, *rest in zip(*(table[name].tolist() for name in columns), strict=True):
        yield Unit(code, parent, level, Label(zh or en or code, en or zh or code), population, *rest)


def read_table(
    connection: duckdb.DuckDBPyConnection, folder: Path, name: str, *, units: Sequence[str] = (), screening: str = ""
) -> dict[str, NDArray[Any]]:
    """A table's columns: text as objects with "" for blank, numbers as float64 with NaN; empty without a file.

    Only the rows of `units` and of one `screening` where these are given.
    """
    door = doors.EDITION[name]
    path = next((p for p in (folder / f"{name}.parquet", folder / f"{name}.csv") if p.is_file()), None)
    numeric = {column.name for column in door.columns if column.kind in ("number", "whole")}
    if path is None:
        return {c.name: np.zeros(0) if c.name in numeric else np.zeros(0, dtype=object) for c in door.columns}
    there = tabular.header(path)
    chosen = []
    for name_ in (column.name for column in door.columns):
        kind, blank = ("DOUBLE", "'nan'::DOUBLE") if name_ in numeric else ("VARCHAR", "''")
        quoted = tabular.quoted(name_)
        value = f"coalesce(CAST({quoted} AS {kind}), {blank})" if name_ in there else blank
        chosen.append(f"{value} AS {quoted}")
    conditions = [
        *(["unit IN (SELECT unnest($units))"] if units else []),
        *(["screening = $screening"] if screening else []),
    ]
    given = {**({"units": list(units)} if units else {}), **({"screening": screening} if screening else {})}
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT {', '.join(chosen)} FROM {tabular.scan(path, there)}{where}"
    found = connection.execute(query, given).fetchnumpy()
    return {
        column: np.ma.filled(cells).astype(np.float64 if column in numeric else object)
        for column, cells in found.items()
    }
