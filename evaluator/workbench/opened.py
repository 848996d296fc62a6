"""A finished run, opened: its edition's tables as the arithmetic sees them. Kept while somebody looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from evaluator.publication.editions import read_table
from evaluator.rating.case import Case, Taken, open_case
from evaluator.rating.drawn import draw
from evaluator.rating.edition import Note, read_edition, taken_from
from evaluator.rating.published import Published, read_back
from evaluator.rating.scheme import Label, Scheme
from evaluator.rating.tabular import Table, connect
from methods.index.aggregation import Booleans
from methods.inputs import Floats, Integers

DRAWS = 512  # of a look ahead: a probability of a half is known to 4 points
KEPT = 2  # runs in memory at once
TABLES = ("units", "inputs", "factors", "ratings", "sensitivity")


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A run's edition."""

    folder: Path
    note: Note
    scheme: Scheme
    units: Table
    names: Mapping[str, Label]
    measured: Published
    taken: Taken
    case: Case
    ratings: Table
    sensitivity: Table

    @property
    def ok(self) -> Booleans:
        """(units,) graded and ranked."""
        return np.asarray(self.ratings["state"] == "ok")

    def members(self, level: str) -> Integers:
        """Positions of the units of a level."""
        return np.flatnonzero(self.units["level"] == level)

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels that have units, in the scheme's order."""
        there = set(self.units["level"].tolist())
        return tuple(level for level in self.scheme.levels if level in there)

    def under(self, scheme: Scheme) -> Case:
        """The same numbers under another scheme of the same indicators."""
        return open_case(scheme, self.units, self.measured, self.taken)


@lru_cache(maxsize=KEPT)
def open_run(folder: Path, _digest: str) -> Opened:
    """Open a run's edition; `_digest` is that of its files, so that a run done anew is read anew."""
    edition = read_edition(folder)
    with connect() as connection:
        tables = {name: read_table(connection, folder, name) for name in TABLES}
    units, ratings = tables["units"], tables["ratings"]
    measured = read_back(edition.scheme, units, tables["inputs"], tables["factors"])
    taken = Taken(*taken_from(ratings))
    names = {
        code: Label(zh or en or code, en or zh or code)
        for code, zh, en in zip(*(units[name].tolist() for name in ("unit", "name_zh", "name_en")), strict=True)
    }
    case = open_case(edition.scheme, units, measured, taken)
    return Opened(
        folder, edition.note, edition.scheme, units, names, measured, taken, case, ratings, tables["sensitivity"]
    )


def drawn_index(case: Case, seed: int, threads: int = 2) -> Floats:
    """(units, draws) of the index alone: a case's seed gives the same draws under any weights above 0."""
    alone = replace(case, credible=np.ones_like(case.credible))  # without the unshrunken estimates
    return draw(alone, seed, DRAWS, threads, lambda share: None).index


@lru_cache(maxsize=KEPT)
def index_of(run: Opened) -> Floats:
    """The index's draws of a run as it is."""
    return drawn_index(run.case, run.note.seed)
