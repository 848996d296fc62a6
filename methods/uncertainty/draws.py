"""Joint draws of everything uncertain, from inputs and factors.

A block holds a fixed number of draws and has a random stream of its own, Philox keyed by (seed, block). What a draw
holds therefore depends on the seed and on the published numbers alone: not on threads, nor on how many draws are asked
for, nor on the order of rows in a file. No BLAS: its sums depend on the machine and on the number of its threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, fields

import numpy as np
from scipy import sparse

from methods.inputs import BETA, FAMILIES, GAMMA, NORMAL, POINT, Factors, Floats, Inputs, Integers

BLOCK = 64  # draws; fixed for ever, since it is part of what a seed means


def stream(seed: int, number: int) -> np.random.Generator:
    """The random stream `number` of a seed, both below 2**64. Blocks use 0, 1, ...; other uses count from 2**63."""
    if not (0 <= seed < 2**64 and 0 <= number < 2**64):
        raise ValueError(f"seed {seed}, stream {number}; both must lie between 0 and 2**64 - 1")
    return np.random.Generator(np.random.Philox(key=np.array([seed, number], dtype=np.uint64)))


@dataclass(frozen=True, slots=True)
class Group:
    """Units that are drawn and handed on together, with the indicators that they use: a level."""

    units: Integers  # (members,) positions, ascending
    indicators: Integers  # (used,) positions, ascending
    direct: bool  # whether draws of the unshrunken estimates are wanted too


@dataclass(frozen=True, slots=True)
class Rows:
    """The inputs of one group and family, in order of indicator and unit."""

    cell: Integers  # (rows,) position in the group's (indicators, units) sheet
    a: Floats
    b: Floats
    direct: Floats  # (rows,) NaN: the estimate's own draw stands in
    direct_sd: Floats
    lower: Floats  # (rows,) limits of the scale, -inf and inf without one
    upper: Floats


@dataclass(frozen=True, slots=True)
class Sheet:
    """One group, laid out for drawing."""

    group: Group
    normal: Rows
    beta: Rows
    gamma: Rows
    point: Rows
    loading: sparse.csr_array[np.float64]  # (normal rows, factors)
    direct_loading: sparse.csr_array[np.float64]
    beta_loading: sparse.csr_array[np.float64]  # (beta rows, factors)
    gamma_loading: sparse.csr_array[np.float64]


@dataclass(frozen=True, slots=True)
class Layout:
    """All groups, laid out for drawing, and how many factors they share."""

    sheets: tuple[Sheet, ...]
    factors: int


@dataclass(frozen=True, slots=True)
class Block:
    """Draws of one group. Memory runs indicator by indicator, unit by unit, draws last."""

    estimate: Floats  # (draws, members, used); 0 where there is no input
    direct: Floats | None  # (draws, members, used), of the unshrunken estimates


def check(inputs: Inputs, factors: Factors, units: int, indicators: int) -> None:
    """Refuse inputs that cannot be drawn.

    Raises
    ------
    ValueError
        Says which row is wrong and what would be right.
    """
    for name, position, limit in (("unit", inputs.unit, units), ("indicator", inputs.indicator, indicators)):
        wrong = np.flatnonzero((position < 0) | (position >= limit))
        if wrong.size:
            raise ValueError(f"input row {wrong[0]}: {name} {position[wrong[0]]}; it must be 0 to {limit - 1}")
    key = np.sort(inputs.unit * indicators + inputs.indicator)
    twice = key[1:][key[1:] == key[:-1]]
    if twice.size:
        raise ValueError(
            f"unit {twice[0] // indicators}, indicator {twice[0] % indicators} has two inputs; one is right"
        )
    given = ~np.isnan(inputs.a)
    positive = (inputs.family == BETA) | (inputs.family == GAMMA)
    for bad, right in (
        (given & ~np.isin(inputs.family, range(len(FAMILIES))), f"family must be 0 to {len(FAMILIES) - 1}"),
        (given & ~np.isfinite(inputs.a), "a must be finite"),
        (
            given & (inputs.family == NORMAL) & ~((inputs.b >= 0) & np.isfinite(inputs.b)),
            "b must be a finite number, 0 or more",
        ),
        (given & positive & ~((inputs.a > 0) & (inputs.b > 0) & np.isfinite(inputs.b)), "a and b must be above 0"),
        (given & (inputs.direct_sd < 0), "direct_sd must be 0 or more"),
    ):
        rows = np.flatnonzero(bad)
        if rows.size:
            i = rows[0]
            where = f"input of unit {inputs.unit[i]}, indicator {inputs.indicator[i]}"
            raise ValueError(f"{where}: a {inputs.a[i]}, b {inputs.b[i]}, direct_sd {inputs.direct_sd[i]}; {right}")
    kind = np.full((units, indicators), -1)
    kind[inputs.unit[given], inputs.indicator[given]] = inputs.family[given]
    for name, position, limit in (
        ("factor", factors.factor, len(factors.names)),
        ("unit", factors.unit, units),
        ("indicator", factors.indicator, indicators),
    ):
        wrong = np.flatnonzero((position < 0) | (position >= limit))
        if wrong.size:
            raise ValueError(f"factor loading {wrong[0]}: {name} {position[wrong[0]]}; it must be 0 to {limit - 1}")
    strange = np.flatnonzero(kind[factors.unit, factors.indicator] == POINT)
    if strange.size:
        i = strange[0]
        raise ValueError(
            f"factor {factors.names[factors.factor[i]]} loads on unit {factors.unit[i]}, "
            f"indicator {factors.indicator[i]}, which is a point; a point has no factors"
        )


def in_order(inputs: Inputs, factors: Factors) -> tuple[Inputs, Factors]:
    """The same inputs and factors in one order, however a file lists them, so that sums of them agree to the last bit.

    Inputs by indicator and unit, without those that have no number; factors by name, without those that do nothing.
    """
    given = np.flatnonzero(~np.isnan(inputs.a))
    rows = given[np.lexsort((inputs.unit[given], inputs.indicator[given]))]
    inputs = Inputs(*(getattr(inputs, field.name)[rows] for field in fields(Inputs)))
    loading, direct_loading = np.nan_to_num(factors.loading), np.nan_to_num(factors.direct_loading)
    by_name = np.array(sorted(range(len(factors.names)), key=factors.names.__getitem__), dtype=np.int64)
    live = (loading != 0) | (direct_loading != 0)
    used = by_name[np.isin(by_name, factors.factor[live])]
    place = np.full(len(factors.names), -1)
    place[used] = np.arange(used.size)
    at = np.flatnonzero(live)
    at = at[np.lexsort((loading[at], factors.unit[at], factors.indicator[at], place[factors.factor[at]]))]
    names = tuple(factors.names[f] for f in used)
    columns = (place[factors.factor[at]], factors.unit[at], factors.indicator[at], loading[at], direct_loading[at])
    return inputs, Factors(names, *columns)


def lay_out(inputs: Inputs, factors: Factors, groups: Sequence[Group], limits: Floats) -> Layout:
    """Put inputs and factors in the one order in which they are drawn.

    Rows without a number, and rows in no group, are left out.

    Parameters
    ----------
    groups
        With disjoint units.
    limits
        (indicators, 2) scale to which draws of an indicator are clipped; NaN: none.
    """
    top = [a.max(initial=-1) for a in (inputs.unit, factors.unit, *(g.units for g in groups))]
    units, indicators = 1 + int(max(top)), limits.shape[0]
    check(inputs, factors, units, indicators)
    inputs, factors = in_order(inputs, factors)
    row_of = np.full((units, indicators), -1)
    row_of[inputs.unit, inputs.indicator] = np.arange(inputs.a.size)

    sheets = []
    for group in groups:
        rows = row_of[np.ix_(group.units, group.indicators)].T.ravel()  # indicator by indicator
        cells = np.flatnonzero(rows >= 0)
        rows = rows[cells]
        families = {}
        for family in (NORMAL, BETA, GAMMA, POINT):
            mine = inputs.family[rows] == family
            at, cell = rows[mine], cells[mine]
            bounds = limits[group.indicators[cell // max(group.units.size, 1)]]
            none = np.isnan(inputs.direct[at]) | np.isnan(inputs.direct_sd[at])
            families[family] = Rows(
                cell=cell,
                a=inputs.a[at],
                b=inputs.b[at],
                direct=np.where(none, np.nan, inputs.direct[at]),
                direct_sd=np.where(none, np.nan, inputs.direct_sd[at]),
                lower=np.where(np.isnan(bounds[:, 0]), -np.inf, bounds[:, 0]),
                upper=np.where(np.isnan(bounds[:, 1]), np.inf, bounds[:, 1]),
            )
        position = np.full(units * indicators, -1)
        normal = rows[inputs.family[rows] == NORMAL]
        position[inputs.unit[normal] * indicators + inputs.indicator[normal]] = np.arange(normal.size)
        at = position[factors.unit * indicators + factors.indicator]
        mine = at >= 0
        shape = (normal.size, len(factors.names))
        own = np.isnan(families[NORMAL].direct)[
            at[mine]
        ]  # without a direct estimate the estimate's own loadings stand in
        skewed = {}
        for family in (BETA, GAMMA):
            place = np.full(units * indicators, -1)
            own_rows = rows[inputs.family[rows] == family]
            place[inputs.unit[own_rows] * indicators + inputs.indicator[own_rows]] = np.arange(own_rows.size)
            to = place[factors.unit * indicators + factors.indicator]
            skewed[family] = _matrix(
                to[to >= 0], factors.factor[to >= 0], factors.loading[to >= 0], (own_rows.size, len(factors.names))
            )
        sheets.append(
            Sheet(
                group=group,
                normal=families[NORMAL],
                beta=families[BETA],
                gamma=families[GAMMA],
                point=families[POINT],
                loading=_matrix(at[mine], factors.factor[mine], factors.loading[mine], shape),
                direct_loading=_matrix(
                    at[mine],
                    factors.factor[mine],
                    np.where(own, factors.loading[mine], factors.direct_loading[mine]),
                    shape,
                ),
                beta_loading=skewed[BETA],
                gamma_loading=skewed[GAMMA],
            )
        )
    return Layout(tuple(sheets), len(factors.names))


def _matrix(row: Integers, column: Integers, value: Floats, shape: tuple[int, int]) -> sparse.csr_array[np.float64]:
    """Sums of triplets in one order, whatever order they come in."""
    order = np.lexsort((value, column, row))
    matrix = sparse.csr_array(sparse.coo_array((value[order], (row[order], column[order])), shape=shape))
    matrix.sum_duplicates()
    return matrix


def draw_block(layout: Layout, seed: int, number: int) -> list[Block]:
    """The draws of block `number`, one `Block` of `BLOCK` draws a group."""
    rng = stream(seed, number)
    z = rng.standard_normal((layout.factors, BLOCK))
    return [_draw_sheet(sheet, z, rng) for sheet in layout.sheets]


def _draw_sheet(sheet: Sheet, z: Floats, rng: np.random.Generator) -> Block:
    group = sheet.group
    shape = (group.indicators.size, group.units.size, BLOCK)
    values = np.zeros((shape[0] * shape[1], BLOCK))
    direct = np.zeros_like(values) if group.direct else None

    normal = sheet.normal
    e = rng.standard_normal((normal.cell.size, BLOCK))
    if direct is not None:
        own = np.isnan(normal.direct)
        d = e * np.where(own, normal.b, normal.direct_sd)[:, None]
        d += _product(sheet.direct_loading, z)
        d += np.where(own, normal.a, normal.direct)[:, None]
        direct[normal.cell] = np.clip(d, normal.lower[:, None], normal.upper[:, None], out=d)
    e *= normal.b[:, None]
    e += _product(sheet.loading, z)
    e += normal.a[:, None]
    values[normal.cell] = np.clip(e, normal.lower[:, None], normal.upper[:, None], out=e)

    beta = sheet.beta
    x = rng.beta(beta.a[:, None], beta.b[:, None], size=(beta.cell.size, BLOCK))
    values[beta.cell] = _leaning(x, *_beta_moments(beta), sheet.beta_loading, z, 1.0)
    if direct is not None:
        total = beta.a + beta.b
        mean, sd = beta.a / total, np.sqrt(beta.a * beta.b / (total * total * (total + 1)))
        direct[beta.cell] = _moved(x, mean, sd, beta, 1.0)

    gamma = sheet.gamma
    x = rng.standard_gamma(gamma.a[:, None], size=(gamma.cell.size, BLOCK))
    x /= gamma.b[:, None]
    values[gamma.cell] = _leaning(x, gamma.a / gamma.b, np.sqrt(gamma.a) / gamma.b, sheet.gamma_loading, z, np.inf)
    if direct is not None:
        direct[gamma.cell] = _moved(x, gamma.a / gamma.b, np.sqrt(gamma.a) / gamma.b, gamma, np.inf)

    for sheet_values in (values, direct):
        if sheet_values is not None:
            sheet_values[sheet.point.cell] = sheet.point.a[:, None]

    def as_block(v: Floats) -> Floats:
        return np.moveaxis(v.reshape(shape), (0, 1, 2), (2, 1, 0))

    return Block(as_block(values), None if direct is None else as_block(direct))


def _product(loading: sparse.csr_array[np.float64], z: Floats) -> Floats:
    """Loadings (rows, factors) times factors (factors, draws): SciPy's own loops, always in the same order."""
    return np.asarray(loading @ z, dtype=np.float64)


def _beta_moments(beta: Rows) -> tuple[Floats, Floats]:
    total = beta.a + beta.b
    return beta.a / total, np.sqrt(beta.a * beta.b / (total * total * (total + 1)))


def _leaning(
    x: Floats, mean: Floats, sd: Floats, loading: sparse.csr_array[np.float64], z: Floats, upper: float
) -> Floats:
    """Draws that lean on factors: narrowed by what the factors add, so that the variance stays."""
    if loading.nnz == 0:
        return x
    row = np.repeat(np.arange(len(mean)), np.diff(loading.indptr))
    part = np.zeros(len(mean))
    np.add.at(part, row, loading.data**2)
    own = np.sqrt(np.maximum(0.0, 1.0 - part / np.maximum(sd * sd, 1e-300)))
    leaned = (x - mean[:, None]) * own[:, None] + mean[:, None]
    leaned += _product(loading, z)
    return np.clip(leaned, 0.0, upper, out=leaned)


def _moved(x: Floats, mean: Floats, sd: Floats, rows: Rows, upper: float) -> Floats:
    """Draws of a direct estimate: the posterior's, moved and stretched to its value and standard error."""
    own = np.isnan(rows.direct)
    stretch = np.where(own, 1.0, np.divide(rows.direct_sd, sd, out=np.ones_like(sd), where=~own & (sd > 0)))
    moved = (x - mean[:, None]) * stretch[:, None] + np.where(own, mean, rows.direct)[:, None]
    return np.clip(moved, 0.0, upper, out=moved)


def point_values(inputs: Inputs, units: int, limits: Floats, direct: bool = False) -> Floats:
    """Means of the inputs (units, indicators), clipped to the scale; NaN where there is none.

    With `direct`, the unshrunken estimates, and the means where those are withheld.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.select(
            [inputs.family == BETA, inputs.family == GAMMA],
            [inputs.a / (inputs.a + inputs.b), inputs.a / inputs.b],
            inputs.a,
        )
    if direct:
        use = ~np.isnan(inputs.direct) & ~np.isnan(inputs.direct_sd) & ~np.isnan(inputs.a) & (inputs.family != POINT)
        mean = np.where(use, inputs.direct, mean)
    normal = inputs.family == NORMAL
    low, high = limits[inputs.indicator, 0], limits[inputs.indicator, 1]
    mean = np.where(normal & (mean < low), low, mean)
    mean = np.where(normal & (mean > high), high, mean)
    values = np.full((units, limits.shape[0]), np.nan)
    values[inputs.unit, inputs.indicator] = mean
    return values


def run(
    layout: Layout,
    seed: int,
    draws: int,
    consume: Callable[[int, slice, Block], None],
    *,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Draw, and hand each group's draws on.

    Memory is bounded by `threads` blocks; what `consume` keeps comes on top.

    Parameters
    ----------
    draws
        Any number; the last block is cut.
    consume
        Called with the group's position, the range of draws and their `Block` (cut to that range), from several threads
        at once, in no particular order: it must write to places of its own.
    progress
        Called in the caller's thread with the share done.
    """
    if draws < 1:
        raise ValueError(f"{draws} draws; at least 1 is needed")
    blocks = -(-draws // BLOCK)

    def work(number: int) -> None:
        first = number * BLOCK
        kept = min(BLOCK, draws - first)
        for g, block in enumerate(draw_block(layout, seed, number)):
            cut = (
                block
                if kept == BLOCK
                else Block(block.estimate[:kept], None if block.direct is None else block.direct[:kept])
            )
            consume(g, slice(first, first + kept), cut)

    with ThreadPoolExecutor(threads) as pool:
        pending = [pool.submit(work, number) for number in range(blocks)]
        try:
            for done, future in enumerate(as_completed(pending), start=1):
                future.result()
                if progress is not None:
                    progress(done / blocks)
        except BaseException:
            for future in pending:
                future.cancel()
            raise
