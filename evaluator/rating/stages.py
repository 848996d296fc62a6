"""The data sets between inputs and index, unrounded: what became of every number on its way (COINr's idea)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluator.rating.case import Case, open_case
from evaluator.rating.edition import Edition, taken_from
from evaluator.rating.folders import new_folder
from evaluator.rating.published import read_back
from evaluator.rating.results import Taken
from evaluator.rating.scores import INDEX
from evaluator.rating.tabular import Table, csv_bytes, exact_text
from methods.index.curves import treated
from methods.inputs import Floats

STAGES = ("reported", "filled", "treated", "normalised", "aggregated")


def stages(edition: Edition) -> dict[str, Table]:
    """A table a stage, a row a unit: `unit`, then a column a node.

    reported: indicators on their own scales, divided by their denominators, only those that are the unit's own; filled:
    with what was filled in; treated: outliers moved or transformed; normalised: scores; aggregated: scores of all nodes
    and of the index, before deductions.
    """
    case = _case(edition)
    own = case.state == "ok"
    moved = case.raw.copy()
    if case.curves:
        for number in range(len(case.recipe.levels)):
            members = np.flatnonzero(case.level == number)
            for j, curve in enumerate(case.curves[number]):
                moved[members, j] = treated(curve, case.raw[members, j])
    indicators = case.recipe.indicators
    nodes = (*case.recipe.dimensions, INDEX)
    whole = np.concatenate([case.dimensions, np.where(case.enough, case.plain, np.nan)[:, None]], axis=1)
    return {
        "reported": _table(case, indicators, np.where(own, case.raw, np.nan)),
        "filled": _table(case, indicators, case.raw),
        "treated": _table(case, indicators, moved),
        "normalised": _table(case, indicators, case.scores),
        "aggregated": _table(case, nodes, whole),
    }


def write_stages(edition: Edition, out: Path) -> Mapping[str, int]:
    """Write the stages as CSV with all digits; how many rows each has. InputError when `out` exists."""
    made = stages(edition)
    with new_folder(out) as folder:
        for name, table in made.items():
            cells = {
                column: [exact_text(value) if isinstance(value, float) else str(value) for value in values.tolist()]
                for column, values in table.items()
            }
            (folder / f"{name}.csv").write_bytes(csv_bytes(cells))
    return {name: len(table["unit"]) for name, table in made.items()}


def _case(edition: Edition) -> Case:
    units = edition.table("units")
    published = read_back(edition.scheme, units, edition.table("inputs"), edition.table("factors"))
    return open_case(edition.scheme, units, published, Taken(*taken_from(edition.table("ratings"))))


def _table(case: Case, columns: tuple[str, ...], values: Floats) -> Table:
    return {"unit": case.codes} | {name: values[:, k] for k, name in enumerate(columns)}
