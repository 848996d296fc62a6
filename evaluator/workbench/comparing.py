"""Two results side by side: who differs, and whether chance could have done it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluator.rating.changes import Side, changes
from evaluator.rating.scheme_diff import rates_alike
from evaluator.rating.scores import INDEX
from evaluator.workbench.opened import DRAWS, Opened


@dataclass(frozen=True, slots=True)
class Difference:
    """A unit that both have."""

    unit: str
    level: str
    before: float  # index
    after: float
    grade_before: str
    grade_after: str
    tier_before: float
    tier_after: float
    changed: bool | None  # None: cannot be told
    lower: float  # of the difference of direct estimates
    upper: float

    @property
    def difference(self) -> float:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides."""

    how: str  # same_data: only the scheme differs; tested: same scheme, other data; untested: both differ; same
    rows: tuple[Difference, ...]  # by the size of the difference
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    @property
    def grades_moved(self) -> int:
        return sum(row.grade_before != row.grade_after for row in self.rows)


def _side(run: Opened) -> Side:
    return Side(run.scheme, run.units, run.measured, run.taken.deductions)


@lru_cache(maxsize=4)
def compare(before: Opened, after: Opened) -> Compared:
    """Two runs, or a run and a published edition."""
    same_scheme, same_data = rates_alike(before.scheme, after.scheme), _data(before) == _data(after)
    how = {(True, True): "same", (True, False): "tested", (False, True): "same_data", (False, False): "untested"}[
        same_scheme, same_data
    ]
    tested: dict[str, tuple[bool, float, float]] = {}
    if how == "tested":
        table = changes(_side(before), _side(after), seed=after.note.seed, draws=DRAWS)
        if table:
            rows = np.flatnonzero(table["node"] == INDEX)
            cells = (table[name][rows].tolist() for name in ("unit", "changed", "lower", "upper"))
            tested = {unit: (changed > 0, low, high) for unit, changed, low, high in zip(*cells, strict=True)}
    at = {code: row for row, code in enumerate(before.units["unit"].tolist())}
    found = []
    for row, code in enumerate(after.units["unit"].tolist()):
        if code not in at:
            continue
        was = at[code]
        index = float(before.ratings["index"][was]), float(after.ratings["index"][row])
        if np.isnan(index).any():
            continue
        changed, low, high = tested.get(code, (None, np.nan, np.nan))
        found.append(
            Difference(
                code, str(after.units["level"][row]), *index,
                *(str(one.ratings["grade"][k]) for one, k in ((before, was), (after, row))),
                *(float(one.ratings["tier"][k]) for one, k in ((before, was), (after, row))),
                changed, low, high,
            )
        )  # fmt: skip
    later = set(after.units["unit"].tolist())
    return Compared(
        how,
        tuple(sorted(found, key=lambda one: (-abs(one.difference), one.unit))),
        tuple(code for code in at if code not in later),
        tuple(code for code in after.units["unit"].tolist() if code not in at),
    )


def _data(run: Opened) -> tuple[str, object]:
    return run.note.snapshot.sha256, run.note.period
