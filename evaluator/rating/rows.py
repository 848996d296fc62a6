"""Rows of inputs and loadings as the sources give them, and how they are rounded and joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from methods.inputs import BETA, GAMMA, Factors, Floats, Inputs, Integers

DECIMALS = 6
LEAST = 1e-6  # a parameter of a beta or gamma distribution never rounds to 0


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one source, before rounding."""

    unit: Integers
    indicator: Integers
    family: Integers
    a: Floats
    b: Floats
    variance: Floats  # of the input as a whole, its factors included
    direct: Floats
    direct_sd: Floats
    n: Floats
    usual: bool = True  # whether the rows say what other units of the level are like
    exact: bool = False  # numbers as they were given, or means of such: they keep all of their digits


@dataclass(frozen=True, slots=True)
class Loadings:
    name: NDArray[np.object_]
    unit: Integers
    indicator: Integers
    loading: Floats
    direct_loading: Floats


def filled(at: Integers, value: int) -> Integers:
    return np.full(len(at), value, np.int64)


def rounded(values: Floats) -> Floats:
    """To six decimals: the double nearest to the decimal text, what a file gives back; -0 becomes 0."""
    return np.asarray(np.round(values, DECIMALS) + 0.0, np.float64)


def only(block: Block, kept: tuple[Integers, Integers]) -> Block:
    """The rows of a block at these cells."""
    wanted = set(zip(kept[0].tolist(), kept[1].tolist(), strict=True))
    use = np.array([cell in wanted for cell in zip(block.unit.tolist(), block.indicator.tolist(), strict=True)], bool)
    return Block(
        block.unit[use],
        block.indicator[use],
        block.family[use],
        block.a[use],
        block.b[use],
        block.variance[use],
        block.direct[use],
        block.direct_sd[use],
        block.n[use],
        block.usual,
        block.exact,
    )


def join_inputs(blocks: list[Block]) -> Inputs:
    """Rounded rows in the order of units, then indicators."""
    if not blocks:
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return Inputs(none, none, none, nothing, nothing, nothing, nothing, nothing)
    unit, indicator, family = (
        np.concatenate([getattr(block, name) for block in blocks]).astype(np.int64)
        for name in ("unit", "indicator", "family")
    )
    a, b, direct, direct_sd, n = (
        np.concatenate(
            [
                np.asarray(getattr(block, name), np.float64) + 0.0 if block.exact else rounded(getattr(block, name))
                for block in blocks
            ]
        )
        for name in ("a", "b", "direct", "direct_sd", "n")
    )
    shaped = (family == BETA) | (family == GAMMA)
    a, b = np.where(shaped, np.maximum(a, LEAST), a), np.where(shaped, np.maximum(b, LEAST), b)
    order = np.lexsort((indicator, unit))
    return Inputs(
        unit[order], indicator[order], family[order], a[order], b[order], direct[order], direct_sd[order], n[order]
    )


def join_factors(loadings: list[Loadings], inputs: Inputs) -> Factors:
    """Rounded loadings of the rows that are inputs, those of 0 left out, ordered by factor, unit, indicator."""
    if not loadings:
        none, nothing = np.zeros(0, np.int64), np.zeros(0)
        return Factors((), none, none, none, nothing, nothing)
    name = np.concatenate([one.name for one in loadings])
    unit, indicator = (np.concatenate([getattr(one, k) for one in loadings]) for k in ("unit", "indicator"))
    loading, direct = (
        rounded(np.concatenate([getattr(one, k) for one in loadings])) for k in ("loading", "direct_loading")
    )
    width = int(max(indicator.max(initial=0), inputs.indicator.max(initial=0))) + 1
    used = np.isin(unit * width + indicator, inputs.unit * width + inputs.indicator) & ((loading != 0) | (direct != 0))
    names, factor = np.unique(name[used].astype(str), return_inverse=True)
    unit, indicator, loading, direct = unit[used], indicator[used], loading[used], direct[used]
    order = np.lexsort((indicator, unit, factor))
    return Factors(
        tuple(names.tolist()),
        factor[order].astype(np.int64),
        unit[order],
        indicator[order],
        loading[order],
        direct[order],
    )


def differs(other: Inputs, main: Inputs) -> bool:
    """Whether some row of another screening is not the row of the main one."""
    width = int(max(other.indicator.max(initial=0), main.indicator.max(initial=0))) + 1
    same = np.isin(main.unit * width + main.indicator, other.unit * width + other.indicator)
    return any(
        not np.array_equal(getattr(main, name)[same], getattr(other, name), equal_nan=True)
        for name in ("a", "b", "direct", "direct_sd", "n")
    )
