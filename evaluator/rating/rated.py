"""The rated units and what applies to them, in positions: what every source of estimates starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.scheme import Indicator, Scheme
from evaluator.rating.snapshot import Snapshot
from methods.inputs import Floats, Integers

Table = dict[str, NDArray[Any]]
Progress = Callable[[str, float], None]
States = NDArray[np.object_]  # (units, indicators) ok, imputed, not_applicable, suppressed, missing
Parameters = list[tuple[str, str, str, float]]  # indicator, level, parameter, value


@dataclass(frozen=True, slots=True)
class Rated:
    """The units and what applies to them, in positions."""

    scheme: Scheme
    snapshot: Snapshot
    unit: NDArray[np.object_]
    level: NDArray[np.object_]
    position: dict[str, int]
    indicator: dict[str, int]
    applies: NDArray[np.bool_]  # (units, indicators)

    def at_level(self, level: str) -> Integers:
        return np.flatnonzero(self.level == level)

    def of_source(self, *sources: str) -> list[tuple[int, Indicator]]:
        return [(j, one) for j, one in enumerate(self.scheme.indicators) if one.source in sources]

    def table(self, name: str) -> Table | None:
        found = self.snapshot.tables.get(name)
        return None if found is None else dict(found)


def rated(scheme: Scheme, snapshot: Snapshot) -> Rated:
    units = snapshot.tables["units"]
    unit, level = units["unit"], units["level"]
    applies = np.zeros((len(unit), len(scheme.indicators)), bool)
    for j, one in enumerate(scheme.indicators):
        applies[:, j] = np.isin(level.astype(str), list(one.levels)) if one.levels else True
    return Rated(
        scheme,
        snapshot,
        unit,
        level,
        {code: k for k, code in enumerate(unit.tolist())},
        {one.code: j for j, one in enumerate(scheme.indicators)},
        applies,
    )


def raw_numbers(units: Rated, table: Table) -> tuple[Floats, Floats]:
    """(units, indicators) numerators and denominators, NaN where there is no row or no number."""
    shape = units.applies.shape
    numerator, denominator = np.full(shape, np.nan), np.full(shape, np.nan)
    unit, indicator, known = placed(units, table, "indicator")
    numerator[unit, indicator] = table["numerator"][known]
    denominator[unit, indicator] = table["denominator"][known]
    return numerator, denominator


def placed(units: Rated, table: Table, column: str) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Positions of the rows whose unit and indicator the scheme knows."""
    unit = np.array([units.position.get(code, -1) for code in table["unit"].tolist()], np.int64)
    indicator = np.array([units.indicator.get(code, -1) for code in table[column].tolist()], np.int64)
    known = (unit >= 0) & (indicator >= 0)
    return unit[known], indicator[known], known
