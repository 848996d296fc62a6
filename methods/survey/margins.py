"""Population margins: what a calibrated sample must add up to, and thin cells taken together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers
from methods.survey.columns import checked, coded, totals

LEAST = 20  # respondents that a cell needs to be calibrated by itself


@dataclass(frozen=True, slots=True)
class Margin:
    """Population counts by one characteristic (or several crossed), within calibration groups."""

    name: str  # in messages
    cell: Integers  # (rows,) cell of each row of the sample; -1: skipped, or the population does not count it
    count: Floats  # (cells,) persons
    group: Integers  # (cells,) calibration group of each cell
    labels: tuple[str, ...] = ()  # (cells,) in messages; their numbers when empty

    def label(self, cell: int) -> str:
        """What a message calls a cell."""
        return self.labels[cell] if self.labels else str(cell)


def margin(
    name: str,
    cell: ArrayLike,
    count: ArrayLike,
    group: ArrayLike | None = None,
    labels: tuple[str, ...] = (),
) -> Margin:
    """A margin, checked.

    Parameters
    ----------
    name
        What messages call it.
    cell : (rows,)
        Integer code of each row's cell; -1 where the answer was skipped.
    count : (cells,)
        Persons of the population in each cell.
    group : (cells,), optional
        Calibration group (area) of each cell; one group when left out.
    labels : (cells,)
        What messages call the cells.

    Returns
    -------
    Margin

    Raises
    ------
    ValueError
        When shapes do not fit, a count is negative or not finite, or a cell is unknown.

    Examples
    --------
    >>> margin("school type", [0, 0, 1], [4421, 755], labels=("E", "H")).label(1)
    'H'
    """
    persons = checked(f"margin {name!r}: count", count)
    given = np.asarray(cell)
    codes = coded(f"margin {name!r}: cell", given, len(given), least=-1, size=len(persons))
    groups = (
        np.zeros(len(persons), np.int64) if group is None else coded(f"margin {name!r}: group", group, len(persons))
    )
    if labels and len(labels) != len(persons):
        raise ValueError(f"margin {name!r}: labels: {len(labels)} for {len(persons)} cells; give one for each, or none")
    return Margin(name, codes, persons, groups, labels)


def collapse(given: Margin, n: ArrayLike, group: ArrayLike | None = None, least: float = LEAST) -> Margin:
    """Take the cells of a margin with too few respondents together, group by group.

    Cells with fewer than `least` respondents, or of which the population counts nobody, become one cell of their
    group; when they are too few even together, they take in the smallest other cell of their group. A group without
    `least` respondents in known cells is left uncalibrated (its rows get cell -1).

    Parameters
    ----------
    given
        The margin.
    n : (rows,)
        Respondents of each row.
    group : (rows,), optional
        Calibration group of each row; one group when left out.
    least
        Respondents that a cell needs.

    Returns
    -------
    Margin
        Only with cells that have respondents.

    Raises
    ------
    ValueError
        When shapes do not fit, or a row's cell is of another group than the row.

    Notes
    -----
    Collapsing exchanges bias for variance: the collapsed cells keep their sampled proportions among themselves.

    Examples
    --------
    >>> thin = margin("age", [0, 1, 2], [500, 300, 200], labels=("young", "middle", "old"))
    >>> collapse(thin, [100, 15, 12]).labels
    ('young', 'middle + old')
    """
    rows = len(given.cell)
    size = checked("n", n, rows)
    of_row = np.zeros(rows, np.int64) if group is None else coded("group", group, rows)
    known = given.cell >= 0
    check_groups(given, given.cell, of_row)
    cells = len(given.count)
    groups = int(max(of_row.max(initial=-1), given.group.max(initial=-1))) + 1
    respondents = totals(given.cell[known], size[known], cells)
    small = (respondents < least) | (given.count <= 0)

    def too_few() -> tuple[Floats, Floats]:
        together = totals(given.group, respondents * small, groups)
        persons = totals(given.group, given.count * small, groups)
        return together, persons

    together, persons = too_few()
    present = small & ((respondents > 0) | (given.count > 0))
    some = totals(given.group, present.astype(np.float64), groups) > 0
    # a rest that is too small itself takes in the smallest cell of its group
    order = np.lexsort((respondents, given.group))
    order = order[~small[order]]
    first = order[np.unique(given.group[order], return_index=True)[1]]
    needs = some & ((together < least) | (persons <= 0))
    small[first[needs[given.group[first]]]] = True
    together, persons = too_few()
    place = np.where(small, cells + given.group, np.arange(cells))
    left_out = np.zeros(cells + groups, np.bool_)
    left_out[cells:] = (together < least) | (persons <= 0)
    cell = np.where(known, place[np.maximum(given.cell, 0)], -1) if cells else given.cell
    cell = np.where((cell >= 0) & left_out[np.maximum(cell, 0)], -1, cell)
    count = np.concatenate([given.count, persons])
    used = np.unique(cell[cell >= 0])
    position = np.full(cells + groups, -1, np.int64)
    position[used] = np.arange(len(used))
    of_cell = np.concatenate([given.group, np.arange(groups)])
    labels = tuple(_label(given, small, int(c), cells) for c in used.tolist()) if given.labels else ()
    return Margin(
        given.name, np.where(cell >= 0, position[np.maximum(cell, 0)], -1), count[used], of_cell[used], labels
    )


def _label(given: Margin, small: np.ndarray, cell: int, cells: int) -> str:
    if cell < cells:
        return given.labels[cell]
    members = np.flatnonzero(small & (given.group == cell - cells))
    return " + ".join(given.labels[k] for k in members.tolist())


def check_groups(given: Margin, cell: Integers, group: Integers) -> None:
    """Refuse a cell of another calibration group than its row.

    Examples
    --------
    >>> check_groups(margin("age", [0, 1], [3, 4]), np.array([0, 1]), np.array([0, 0]))
    """
    if not len(given.count):
        return
    stray = np.flatnonzero((cell >= 0) & (given.group[np.maximum(cell, 0)] != group))
    if len(stray):
        at = int(stray[0])
        raise ValueError(
            f"margin {given.name!r}: a respondent of group {group[at]} is in its cell {given.label(int(cell[at]))}, "
            f"which belongs to group {given.group[cell[at]]}; a cell belongs to one group"
        )
