"""Inputs and factors as one sparse product: what has to be drawn, and how the draws combine.

Every input is a straight line of things drawn independently: ones, shared factors, a unit's own factors, and normal,
beta and gamma variables. A tile holds the inputs of some units of a group; its draws are one sparse matrix times what
was drawn, clipped to the scale. Sums run in the order of the matrix's columns, which does not depend on how units are
cut into tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from methods.inputs import BETA, GAMMA, NORMAL, POINT, Factors, Floats, Inputs, Integers
from methods.uncertainty.form import check, in_order

AT_ONCE = 64  # units of a tile: some megabytes, which stay in the processor's cache

SHARED, OWN = 1, 2  # columns of a tile's matrix: a one, shared factors, units' own factors, normal, beta, gamma inputs


@dataclass(frozen=True, slots=True)
class Group:
    """Units that use the same indicators: a level."""

    units: Integers  # (members,) positions, ascending
    indicators: Integers  # (used,) positions, ascending
    direct: bool  # whether draws of the unshrunken estimates are wanted too


@dataclass(frozen=True, slots=True)
class Lines:
    """What is made of each indicator's draws: ``offset + slope * draw``, clipped. Without: the draws themselves."""

    offset: Floats  # (indicators,)
    slope: Floats  # (indicators,) not 0
    lower: Floats  # (indicators,) -inf: none
    upper: Floats  # (indicators,) inf: none


@dataclass(frozen=True, slots=True)
class Combination:
    """How draws combine, and the limits to which they are clipped."""

    matrix: sparse.csr_array[np.float64]  # (cells, columns)
    lower: Floats  # (cells, 1)
    upper: Floats  # (cells, 1)


@dataclass(frozen=True, slots=True)
class Tile:
    """Some units of a group, ready for drawing. Cells run unit by unit, indicator by indicator."""

    group: int
    members: slice  # of the group's units
    used: int  # indicators of the group
    own: int  # factors that belong to one of these units
    normal: int  # normal inputs
    beta: tuple[Floats, Floats]  # (beta inputs,) each
    gamma: Floats  # (gamma inputs,) shapes
    estimate: Combination
    direct: Combination | None  # of the unshrunken estimates

    @property
    def drawn(self) -> int:
        """How many things are drawn for this tile alone."""
        return self.own + self.normal + self.beta[0].size + self.gamma.size


@dataclass(frozen=True, slots=True)
class Layout:
    """All groups, laid out for drawing."""

    tiles: tuple[Tile, ...]
    shared: int  # factors that several units share


def lay_out(
    inputs: Inputs,
    factors: Factors,
    groups: Sequence[Group],
    limits: Floats,
    lines: Lines | None = None,
    at_once: int = AT_ONCE,
) -> Layout:
    """Put inputs and factors in the one order in which they are drawn.

    Rows without a number, and rows in no group, are left out.

    Parameters
    ----------
    inputs, factors
        As published; their order does not matter.
    groups
        With disjoint units.
    limits
        (indicators, 2) scale to which draws of a normal indicator are clipped; NaN: none.
    lines
        What is made of the draws, for instance scores between goalposts; the draws themselves if not given.
    at_once
        Units of a tile. Changes memory and speed, and no draw.

    Raises
    ------
    ValueError
        Inputs or factors that cannot be drawn, named; a unit in two groups; limits the wrong way round.

    Notes
    -----
    A beta or gamma draw x that leans on factors is narrowed about its mean m by what they add, so that its variance
    stays: m + (x - m) sqrt(1 - sum loading^2 / variance) + sum loading z. Its unshrunken estimate is x moved and
    stretched to its value and standard error. Where an unshrunken estimate is withheld, the estimate's own draw stands
    in.

    Examples
    --------
    Two units with one indicator each, which share an assessor, on a scale of 0 to 100:

    >>> from methods.inputs import Factors, Inputs, NORMAL
    >>> first, none = np.array([0, 0]), np.full(2, np.nan)
    >>> a, b = np.array([60.0, 70.0]), np.full(2, 3.0)
    >>> given = Inputs(np.array([0, 1]), first, np.full(2, NORMAL), a, b, none, none, none)
    >>> assessor = Factors(("a",), first, np.array([0, 1]), first, np.array([2.0, 2]), np.zeros(2))
    >>> layout = lay_out(given, assessor, [Group(np.array([0, 1]), np.array([0]), False)], np.array([[0.0, 100]]))
    >>> layout.shared, layout.tiles[0].normal
    (1, 2)
    >>> layout.tiles[0].estimate.matrix.toarray()  # one, the assessor, each unit's own error
    array([[60.,  2.,  3.,  0.],
           [70.,  2.,  0.,  3.]])
    """
    if at_once < 1:
        raise ValueError(f"at_once is {at_once}; at least 1 unit is needed")
    units = 1 + int(max(a.max(initial=-1) for a in (inputs.unit, factors.unit, *(g.units for g in groups))))
    indicators = limits.shape[0]
    check(inputs, factors, units, indicators)
    if (limits[:, 0] > limits[:, 1]).any():
        j = int(np.flatnonzero(limits[:, 0] > limits[:, 1])[0])
        raise ValueError(f"limits of indicator {j} are {limits[j].tolist()}; the lower one comes first")
    inputs, factors = in_order(inputs, factors)
    group_of, place = np.full(units, -1), np.zeros(units, np.int64)
    in_group = np.zeros((len(groups) + 1, indicators), bool)  # the last: no group
    for g, group in enumerate(groups):
        if (np.diff(group.units) <= 0).any() or (np.diff(group.indicators) <= 0).any():
            raise ValueError(f"group {g}: its units and indicators must be ascending, each once")
        if (group_of[group.units] >= 0).any():
            twice = group.units[group_of[group.units] >= 0][0]
            raise ValueError(f"unit {twice} is in two groups; groups must have disjoint units")
        group_of[group.units], place[group.units] = g, np.arange(group.units.size)
        in_group[g, group.indicators] = True

    row_of = np.full((units, indicators), -1)
    used = in_group[group_of[inputs.unit], inputs.indicator]
    row_of[inputs.unit[used], inputs.indicator[used]] = np.flatnonzero(used)
    combined = _Combined(inputs, limits, lines or _as_they_are(indicators))
    loads = _Loads(factors, row_of, group_of, place)
    combined.narrow(loads)
    tiles: list[Tile] = []
    for g, group in enumerate(groups):
        for first in range(0, group.units.size, at_once):
            members = slice(first, min(first + at_once, group.units.size))
            tiles.append(_tile(g, group, members, inputs, row_of, combined, loads))
    return Layout(tuple(tiles), loads.shared)


def _as_they_are(indicators: int) -> Lines:
    endless = np.full(indicators, np.inf)
    return Lines(np.zeros(indicators), np.ones(indicators), -endless, endless)


class _Loads:
    """Loadings on inputs of the layout, one for each input and factor, by input and column."""

    def __init__(self, factors: Factors, row_of: Integers, group_of: Integers, place: Integers) -> None:
        row = row_of[factors.unit, factors.indicator]
        here = row >= 0
        row, factor, unit = row[here], factors.factor[here], factors.unit[here]
        lowest, highest = np.full(len(factors.names), row_of.shape[0]), np.full(len(factors.names), -1)
        np.minimum.at(lowest, factor, unit)
        np.maximum.at(highest, factor, unit)
        loads = highest >= 0
        common = np.flatnonzero(loads & (lowest < highest))
        own = np.flatnonzero(loads & (lowest == highest))
        own = own[np.lexsort((own, place[lowest[own]], group_of[lowest[own]]))]
        self.shared = common.size
        column, self.kind = np.zeros(len(factors.names), np.int64), np.full(len(factors.names), SHARED)
        column[common], column[own] = np.arange(common.size), np.arange(own.size)
        self.kind[own] = OWN
        # a factor may be given in several triplets of one input: those add up
        order = np.lexsort((column[factor], self.kind[factor], row))
        row, factor = row[order], factor[order]
        new = np.ones(row.size, bool)
        new[1:] = (row[1:] != row[:-1]) | (factor[1:] != factor[:-1])
        first = np.flatnonzero(new)
        self.row = row[first]
        self.column, self.kind = column[factor[first]], self.kind[factor[first]]
        self.loading, self.direct = (
            np.add.reduceat(values[here][order], first) if first.size else np.zeros(0)
            for values in (factors.loading, factors.direct_loading)
        )
        self.per_row: Integers = np.bincount(self.row, minlength=int(row_of.max(initial=-1)) + 1).astype(np.int64)
        self.start = np.concatenate([[0], np.cumsum(self.per_row)])

    def of(self, rows: Integers) -> Integers:
        """Positions of the loadings on some inputs, input by input."""
        if not (rows.size and self.row.size):
            return np.zeros(0, np.int64)
        count = self.per_row[rows]
        ahead = np.cumsum(count) - count
        return np.asarray(np.arange(int(count.sum())) + np.repeat(self.start[rows] - ahead, count), np.int64)


class _Combined:
    """Of every input: constant, weight of its own variable, limits, each for the estimate and the unshrunken one."""

    def __init__(self, inputs: Inputs, limits: Floats, lines: Lines) -> None:
        family, a, b, j = inputs.family, inputs.a, inputs.b, inputs.indicator
        normal, beta, gamma = (family == one for one in (NORMAL, BETA, GAMMA))
        self.slope = lines.slope[j]
        offset = lines.offset[j]
        mean, sd, self.own_scale = a.copy(), np.where(normal, b, 0.0), np.where(normal, b, 0.0)
        total = a[beta] + b[beta]
        mean[beta] = a[beta] / total
        sd[beta] = np.sqrt(a[beta] * b[beta] / (total * total * (total + 1)))
        mean[gamma], sd[gamma] = a[gamma] / b[gamma], np.sqrt(a[gamma]) / b[gamma]
        self.own_scale[beta] = 1.0
        self.own_scale[gamma] = 1 / b[gamma]
        self.mean, self.sd, self.skewed, self.offset = mean, sd, beta | gamma, offset
        self.withheld = np.isnan(inputs.direct) | np.isnan(inputs.direct_sd) | (family == POINT)
        stretch = np.divide(inputs.direct_sd, sd, out=np.ones_like(sd), where=self.skewed & ~self.withheld & (sd > 0))
        direct = np.where(self.withheld, 0.0, inputs.direct)
        self.direct_weight = self.slope * np.where(self.skewed, stretch * self.own_scale, inputs.direct_sd)
        self.direct_constant = offset + self.slope * np.where(self.skewed, direct - mean * stretch, direct)
        low, high = np.full(a.size, -np.inf), np.full(a.size, np.inf)
        scale = limits[j]
        low = np.where(normal & ~np.isnan(scale[:, 0]), scale[:, 0], np.where(self.skewed, 0.0, low))
        high = np.where(normal & ~np.isnan(scale[:, 1]), scale[:, 1], np.where(beta, 1.0, high))
        ends = offset + self.slope * low, offset + self.slope * high
        self.lower = np.clip(np.minimum(*ends), lines.lower[j], lines.upper[j])
        self.upper = np.clip(np.maximum(*ends), lines.lower[j], lines.upper[j])

    def narrow(self, loads: _Loads) -> None:
        """Make room in beta and gamma draws for what their factors add."""
        part = np.zeros_like(self.sd)
        np.add.at(part, loads.row, loads.loading * loads.loading)
        share = np.divide(part, self.sd * self.sd, out=np.zeros_like(part), where=self.skewed & (self.sd > 0))
        own = np.sqrt(np.maximum(0.0, 1.0 - share))
        self.weight = self.slope * self.own_scale * own
        self.constant = self.offset + self.slope * np.where(self.skewed, self.mean * (1 - own), self.mean)
        self.direct_weight = np.where(self.withheld, self.weight, self.direct_weight)
        self.direct_constant = np.where(self.withheld, self.constant, self.direct_constant)
        self.loading = self.slope[loads.row] * loads.loading
        direct = np.where(self.skewed[loads.row], 0.0, self.slope[loads.row] * loads.direct)
        self.direct_loading = np.where(self.withheld[loads.row], self.loading, direct)


def _tile(
    g: int,
    group: Group,
    members: slice,
    inputs: Inputs,
    row_of: Integers,
    combined: _Combined,
    loads: _Loads,
) -> Tile:
    rows = row_of[np.ix_(group.units[members], group.indicators)].ravel()
    cells = rows.size
    cell = np.flatnonzero(rows >= 0)
    row = rows[cell]
    family = inputs.family[row]
    at = loads.of(row)
    own = loads.kind[at] == OWN
    columns_own = np.unique(loads.column[at[own]])  # consecutive: a unit's own factors are numbered unit by unit
    first_own = int(columns_own[0]) if columns_own.size else 0
    kinds = [np.flatnonzero(family == one) for one in (NORMAL, BETA, GAMMA)]
    begin = np.cumsum([1, loads.shared, columns_own.size, *(k.size for k in kinds)])
    drawn = np.concatenate(kinds)
    column = np.concatenate([
        np.zeros(row.size, np.int64),
        np.where(own, begin[SHARED] + loads.column[at] - first_own, 1 + loads.column[at]),
        begin[OWN] + np.arange(drawn.size),
    ])  # fmt: skip
    place = np.concatenate([cell, np.repeat(cell, loads.per_row[row]), cell[drawn]])
    order = np.lexsort((column, place))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=cells))])

    def combination(constant: Floats, loading: Floats, weight: Floats) -> Combination:
        values = np.concatenate([constant[row], loading[at], weight[row[drawn]]])[order]
        matrix = sparse.csr_array(
            (values, column[order].astype(np.int32), pointers.astype(np.int32)), shape=(cells, int(begin[-1]))
        )
        bounds = np.zeros((2, cells, 1))
        bounds[0, cell, 0], bounds[1, cell, 0] = combined.lower[row], combined.upper[row]
        return Combination(matrix, bounds[0], bounds[1])

    return Tile(
        group=g,
        members=members,
        used=group.indicators.size,
        own=columns_own.size,
        normal=kinds[0].size,
        beta=(inputs.a[row[kinds[1]]], inputs.b[row[kinds[1]]]),
        gamma=inputs.a[row[kinds[2]]],
        estimate=combination(combined.constant, combined.loading, combined.weight),
        direct=combination(combined.direct_constant, combined.direct_loading, combined.direct_weight)
        if group.direct
        else None,
    )
