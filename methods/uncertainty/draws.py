"""Joint draws of everything uncertain, from inputs and factors.

A block holds a fixed number of draws and has random streams of its own, SFC64 seeded by (seed, stream). What a draw
holds therefore depends on the seed and on the published numbers alone: not on threads, nor on how many units or draws
are handled at a time, nor on the order of rows in a file. No BLAS: its sums depend on the machine and its threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats
from methods.uncertainty.layout import Combination, Layout, Tile

BLOCK = 256  # draws; fixed for ever, since it is part of what a seed means
STREAMS = 4  # of a block: shared factors and normal inputs, units' own factors, beta inputs, gamma inputs


def stream(seed: int, number: int) -> np.random.Generator:
    """The random stream `number` of a seed, both below 2**64. Blocks use 0, 1, ...; other uses count from 2**63.

    Raises
    ------
    ValueError
        A seed or a number out of range.

    Examples
    --------
    >>> stream(7, 0).standard_normal() == stream(7, 0).standard_normal() != stream(7, 1).standard_normal()
    True
    """
    if not (0 <= seed < 2**64 and 0 <= number < 2**64):
        raise ValueError(f"seed {seed}, stream {number}; both must lie between 0 and 2**64 - 1")
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(number,))))


@dataclass(frozen=True, slots=True)
class Block:
    """Draws of some units of a group. In memory units come first, then indicators, draws last."""

    estimate: Floats  # (draws, units, used); 0 where there is no input
    direct: Floats | None  # (draws, units, used), of the unshrunken estimates


def run(
    layout: Layout,
    seed: int,
    draws: int,
    consume: Callable[[Tile, slice, Block], None],
    *,
    threads: int = 1,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Draw, and hand the draws on, some units and some draws at a time.

    Memory is bounded by `threads` tiles and the shared factors; what `consume` keeps comes on top.

    Parameters
    ----------
    layout
        As `lay_out` gives it.
    seed
        Of the draws; the same seed gives the same draws.
    draws
        Any number; the last block is cut.
    consume
        Called with the tile, the range of draws and their `Block` (cut to that range), from several threads at once,
        in no particular order: it must write to places of its own.
    threads
        Changes no draw.
    progress
        Called in the caller's thread with the share done.

    Raises
    ------
    ValueError
        A seed out of range; fewer than one draw.

    Examples
    --------
    >>> from methods.inputs import BETA, Inputs, NO_FACTORS
    >>> from methods.uncertainty.layout import Group, lay_out
    >>> one, none = np.zeros(1, np.int64), np.full(1, np.nan)
    >>> given = Inputs(one, one, np.array([BETA]), np.array([8.0]), np.array([2.0]), none, none, none)
    >>> layout = lay_out(given, NO_FACTORS, [Group(one, one, False)], np.full((1, 2), np.nan))
    >>> kept = np.empty(10_000)
    >>> def keep(tile, where, block):
    ...     kept[where] = block.estimate[:, 0, 0]
    >>> run(layout, seed=1, draws=10_000, consume=keep)
    >>> kept.mean().round(2)
    np.float64(0.8)
    """
    if draws < 1:
        raise ValueError(f"{draws} draws; at least 1 is needed")
    if threads < 1:
        raise ValueError(f"{threads} threads; at least 1 is needed")
    blocks = -(-draws // BLOCK)

    def work(number: int) -> None:
        first = number * BLOCK
        _draw(layout, seed, number, slice(first, min(first + BLOCK, draws)), consume)

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


def _draw(layout: Layout, seed: int, number: int, where: slice, consume: Callable[[Tile, slice, Block], None]) -> None:
    """Draw one block, tile by tile: every stream runs through the units in their order, however they are cut."""
    normal, own, beta, gamma = (stream(seed, number * STREAMS + k) for k in range(STREAMS))
    begin = 1 + layout.shared
    drawn = np.empty((begin + max((tile.drawn for tile in layout.tiles), default=0), BLOCK))
    drawn[0] = 1.0
    normal.standard_normal(out=drawn[1:begin])
    for tile in layout.tiles:
        ends = np.cumsum([begin, tile.own, tile.normal, tile.beta[0].size, tile.gamma.size])
        own.standard_normal(out=drawn[begin : ends[1]])
        normal.standard_normal(out=drawn[ends[1] : ends[2]])
        if tile.beta[0].size:
            shape = (tile.beta[0].size, BLOCK)
            drawn[ends[2] : ends[3]] = beta.beta(tile.beta[0][:, None], tile.beta[1][:, None], size=shape)
        if tile.gamma.size:
            gamma.standard_gamma(tile.gamma[:, None], out=drawn[ends[3] : ends[4]])
        part = drawn[: ends[4]]
        kept = where.stop - where.start
        direct = None if tile.direct is None else _combine(tile, tile.direct, part)[:kept]
        consume(tile, where, Block(_combine(tile, tile.estimate, part)[:kept], direct))


def _combine(tile: Tile, how: Combination, drawn: Floats) -> Floats:
    """(draws, units, used): SciPy's own loops, always in the same order."""
    values = np.asarray(how.matrix @ drawn)
    np.maximum(values, how.lower, out=values)
    np.minimum(values, how.upper, out=values)
    return np.moveaxis(values.reshape(-1, tile.used, BLOCK), 2, 0)
