"""Which cells of a table to leave blank so that no small one can be worked out from the others.

Primary suppression hides counts below a threshold. They could be had back from the margins, so others are hidden with
them: complementary (secondary) suppression. Whether that is enough is a question for linear programming: the reader
knows every cell that is shown and every sum, and asks how small and how great a hidden cell can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, hstack
from scipy.sparse.csgraph import connected_components

from methods.disclosure.tables import Table
from methods.inputs import Floats

_linprog: Any = linprog  # it takes sparse matrices; its types say otherwise
Hidden = NDArray[np.bool_]
SMALL = 1e-6  # what a linear programme leaves of a whole number


@dataclass(frozen=True, slots=True)
class Suppression:
    """What of a table is not to be shown."""

    hidden: Hidden  # (cells,)
    primary: Hidden  # (cells,) below the threshold; the others are hidden for their sake


def suppress(table: Table, threshold: int = 10, *, zeros: bool = False, tidy: bool = True) -> Suppression:
    """Hide small cells, and so many others that no hidden one is known to within less than the threshold.

    Parameters
    ----------
    table
        With every sum that is known.
    threshold
        Counts from 1 to below it are hidden, and every hidden cell keeps an interval at least so wide.
    zeros
        Whether 0 is hidden as well. Leave out of the table what is 0 by definition: everybody knows it.
    tidy
        Show again, from the greatest down, what turned out not to be needed.

    Returns
    -------
    Suppression
        Greatest cells may be hidden too (a total above them is always the last): with fewer than `threshold` people in
        the whole table everything is.

    Notes
    -----
    To hide as little as possible is NP-hard (Kelly, Golden, Assad 1992; Fischetti, Salazar 2001 solve it by branch and
    cut). This is the usual heuristic (Cox 1995; Hundepool and others 2012, chapter 4): for one small cell after the
    other, a linear programme finds the cheapest set of cells that can move with it, at a cost of 1 + log(1 + count) for
    each cell that is still shown and next to none for those that are hidden; then superfluous ones are shown again.
    A cell of a must be able to fall by min(a, threshold), and to rise by what is missing to the threshold. It is no
    promise against somebody who is in the table and takes his own answer off, nor against one who knows how the
    heuristic chooses.

    References
    ----------
    Cox (1995), Network models for complementary cell suppression, Journal of the American Statistical Association 90,
    1453-1462. Fischetti, Salazar (2001), Solving the cell suppression problem on tabular data with linear constraints,
    Management Science 47, 1008-1027. Hundepool and others (2012), Statistical Disclosure Control, Wiley.

    Examples
    --------
    >>> from methods.disclosure.tables import crossed
    >>> found, shape = crossed([[3, 20, 31], [15, 40, 60]], [2, 2, -1], [3, 3, 3, -1])
    >>> suppress(found).hidden.reshape(shape).astype(int).tolist()
    [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
    """
    if threshold < 1:
        raise ValueError(f"threshold is {threshold}; it must be at least 1")
    values = table.values
    primary = np.asarray((values < threshold) & ((values > 0) | zeros), bool)
    hidden = primary.copy()
    if not primary.any():
        return Suppression(hidden, primary)
    sums = _sums(table)
    price = 1.0 + np.log1p(values) + 1e-6 * np.arange(len(values)) / len(values)  # no two ways at the same price
    waiting = np.flatnonzero(primary)[np.argsort(-values[primary], kind="stable")].tolist()
    done: set[int] = set()
    while waiting:
        for cell in waiting:
            done.add(cell)
            fall = float(min(values[cell], threshold))
            for step in (float(threshold) - fall, -fall):
                if step:
                    hidden |= _moved_with(sums, values, price, hidden, cell, step)
        waiting = [cell for cell in _exposed(table, hidden, threshold) if cell not in done]
    if tidy:
        for cell in sorted(np.flatnonzero(hidden & ~primary).tolist(), key=lambda cell: -price[cell]):
            hidden[cell] = False
            if _exposed(table, hidden, threshold):
                hidden[cell] = True
    return Suppression(hidden, primary)


def intervals(table: Table, hidden: ArrayLike, cells: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """What a reader can work out: the least and the greatest that each hidden cell can be.

    Parameters
    ----------
    table
        Of it the reader knows the sums, and the values that are not hidden.
    hidden : (cells,)
        True where a cell is blank.
    cells
        Positions to ask about; by default all that are hidden.

    Returns
    -------
    lower, upper
        Infinite where nothing bounds a cell from above.

    Examples
    --------
    >>> from methods.disclosure.tables import table
    >>> found = table([30, 4, 8, 18], [(0, (1, 2, 3))])
    >>> intervals(found, [False, True, True, False])
    (array([0., 0.]), array([12., 12.]))
    """
    away = np.asarray(hidden, bool)
    if away.shape != table.values.shape:
        raise ValueError(f"hidden has {away.size} cells; the table has {table.values.size}")
    asked = np.flatnonzero(away) if cells is None else np.asarray(cells, np.int64)
    lower, upper = table.values[asked].copy(), table.values[asked].copy()
    sums = _sums(table)
    sums = sums[np.flatnonzero(np.asarray(abs(sums) @ away.astype(np.float64)) > 0)]
    at = np.flatnonzero(away)
    if not at.size:
        return lower, upper
    links = csr_array(sums[:, at])
    _number, part = connected_components(links.T @ links, directed=False)
    place = {int(cell): k for k, cell in enumerate(at)}
    known = -np.asarray(sums @ np.where(away, 0.0, table.values))
    for k, cell in enumerate(asked.tolist()):
        if not away[cell]:
            continue
        group = np.flatnonzero(part == part[place[cell]])
        rows = np.flatnonzero(np.asarray(abs(links[:, group]).sum(axis=1)) > 0)
        goal = (group == place[cell]).astype(np.float64)
        for sign, bound in ((1.0, lower), (-1.0, upper)):
            if not rows.size:
                bound[k] = 0.0 if sign > 0 else np.inf
                continue
            found = _solved(sign * goal, links[rows][:, group], known[rows], np.array([[0.0, np.inf]] * group.size))
            if found.status == 3:
                bound[k] = np.inf
            elif found.status == 0:
                bound[k] = sign * found.fun
            else:
                raise RuntimeError(f"linear programme for cell {cell}: {found.message}")
    return lower, upper


def _exposed(table: Table, hidden: Hidden, threshold: int) -> list[int]:
    """Hidden cells that are known to within less than the threshold."""
    lower, upper = intervals(table, hidden)
    return [int(cell) for cell in np.flatnonzero(hidden)[upper - lower < threshold - SMALL]]


def _sums(table: Table) -> csr_array:
    """One row a relation: its parts less its total."""
    rows, columns, signs = [], [], []
    for number, (whole, parts) in enumerate(table.relations):
        rows += [number] * (1 + len(parts))
        columns += [whole, *parts]
        signs += [-1.0, *[1.0] * len(parts)]
    shape = (len(table.relations), len(table.values))
    return csr_array(coo_array((np.array(signs, np.float64), (np.array(rows, int), np.array(columns, int))), shape))


def _moved_with(sums: csr_array, values: Floats, price: Floats, hidden: Hidden, cell: int, step: float) -> Hidden:
    """The cheapest cells that can change so that this one changes by `step`, all sums kept and no count negative."""
    size = len(values)
    each = np.where(hidden, 1e-3, price)
    most = np.concatenate([np.full(size, np.inf), values])
    least = np.zeros(2 * size)
    up, down = cell, size + cell
    least[up if step > 0 else down] = most[up if step > 0 else down] = abs(step)
    most[down if step > 0 else up] = 0.0
    both = hstack([sums, -sums], format="csr")
    found = _solved(np.concatenate([each, each]), both, np.zeros(sums.shape[0]), np.column_stack([least, most]))
    if found.status != 0:
        raise RuntimeError(f"linear programme for cell {cell}: {found.message}")
    return np.asarray(found.x[:size] + found.x[size:] > SMALL, bool)


def _solved(goal: Floats, sums: Any, known: Floats, bounds: Floats) -> Any:
    """The least of `goal` under the sums."""
    return _linprog(goal, A_eq=sums, b_eq=known, bounds=bounds, method="highs")
