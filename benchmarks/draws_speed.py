"""How fast joint draws go, in passes over memory.

    OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/draws_speed.py [--draws N] [--threads N]

2,021 units of four levels, 42 inputs each in eight dimensions, with the factors that the province has: a unit's
respondents, its own level over all and in each dimension, regressions and variance components of each level, sixty
assessors. Measured is the whole: draw, clip, normalise, aggregate to dimensions and index. The unit is a warmed
multiply-add pass of one thread over 1 GB in place (x *= a; x += b), in the same run, scaled to the same number of
elements. Once with normal inputs only, once with the province's shares of beta (35 %) and gamma inputs (7 %).
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import numpy as np

from methods.index.tree import Standing, Tree, standing
from methods.inputs import BETA, GAMMA, NORMAL, Factors, Inputs
from methods.uncertainty.climb import aggregate_draws, climb
from methods.uncertainty.draws import BLOCK, Block, run
from methods.uncertainty.layout import Group, Layout, Lines, Tile, lay_out

UNITS, INDICATORS = (1, 16, 151, 1853), (6, 5, 6, 5, 6, 4, 5, 5)
ASSESSORS, REGRESSION, VARIANCE = 60, 6, 3
MOST_DIRECT = 300  # levels above have no draws of unshrunken estimates, as in ratings
GIGABYTE = 125_000_000  # elements


def seconds_of_a_pass(repeats: int = 5) -> float:
    """The best of some multiply-add passes over 1 GB that is warm."""
    x = np.ones(GIGABYTE)
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        x *= 1.0000001
        x += 1e-9
        best = min(best, time.perf_counter() - start)
    return best


def province(mixed: bool, rng: np.random.Generator) -> tuple[Inputs, Factors, list[Group]]:
    """Inputs on a scale of 0 to 100 or 0 to 1, and their factors."""
    units, indicators = sum(UNITS), sum(INDICATORS)
    level = np.repeat(np.arange(len(UNITS)), UNITS)
    dimension = np.repeat(np.arange(len(INDICATORS)), INDICATORS)
    families = np.full(indicators, NORMAL)
    if mixed:
        families[rng.permutation(indicators)[:18]] = np.repeat([BETA, GAMMA], (15, 3))
    unit, indicator = (x.ravel() for x in np.meshgrid(np.arange(units), np.arange(indicators), indexing="ij"))
    family = families[indicator]
    n = unit.size
    a, b = rng.uniform(40, 95, n), rng.uniform(2, 8, n)
    beta, gamma = family == BETA, family == GAMMA
    a[beta], b[beta] = np.exp(rng.normal(4.4, 1.2, beta.sum())) + 3, np.exp(rng.normal(2.5, 1, beta.sum())) + 1
    a[gamma], b[gamma] = rng.uniform(3.7, 12, gamma.sum()), rng.uniform(0.5, 3, gamma.sum())
    shift = rng.normal(0, 0.02, n)
    direct = np.select([beta, gamma], [a / (a + b), a / b], a) * (1 + shift)
    direct_sd = np.select([beta, gamma], [np.full(n, 0.05), np.full(n, 0.5)], b * 1.2)
    inputs = Inputs(unit, indicator, family, a, b, direct, direct_sd, np.full(n, 30.0))
    small = np.select([beta, gamma], [0.02, 0.3], 1.5)
    normal = np.flatnonzero(family == NORMAL)
    citizen = normal[indicator[normal] % 3 != 0]
    assessed = normal[indicator[normal] % 3 == 0]
    # a unit's level over all of its numbers, and in each dimension
    names = [unit, units + unit * len(INDICATORS) + dimension[indicator]]
    at = [np.arange(n), np.arange(n)]
    top = units * (1 + len(INDICATORS))
    names.append(top + unit[citizen])  # respondents
    at.append(citizen)
    top += units
    for k in range(REGRESSION + VARIANCE):  # an indicator's regression and variance components, by level
        names.append(top + (level[unit[citizen]] * indicators + indicator[citizen]) * (REGRESSION + VARIANCE) + k)
        at.append(citizen)
    top += len(UNITS) * indicators * (REGRESSION + VARIANCE)
    for _ in range(11):  # what assessors share
        names.append(top + rng.integers(0, ASSESSORS, assessed.size))
        at.append(assessed)
    factor, rows = np.concatenate(names), np.concatenate(at)
    loading = small[rows] * rng.uniform(0.2, 1, rows.size)
    called = tuple(f"f{k:06d}" for k in range(top + ASSESSORS))
    factors = Factors(called, factor, unit[rows], indicator[rows], loading, loading * 0.5)
    first = np.concatenate([[0], np.cumsum(UNITS)])
    groups = [
        Group(np.arange(first[k], first[k + 1]), np.arange(indicators), UNITS[k] <= MOST_DIRECT)
        for k in range(len(UNITS))
    ]
    return inputs, factors, groups


def recipe(inputs: Inputs) -> tuple[Tree, Standing, Lines, np.ndarray]:
    """Goalposts, weights and exponents as the province's scheme has them."""
    indicators = sum(INDICATORS)
    family = inputs.family[:indicators]
    worst = np.select([family == NORMAL, family == BETA], [20.0, 0.3], 20.0)
    best = np.select([family == NORMAL, family == BETA], [100.0, 1.0], 0.0)
    tree = Tree(
        np.repeat(np.arange(len(INDICATORS)), INDICATORS),
        np.tile(1.0 + np.arange(indicators) % 3, (len(UNITS), 1)),
        np.tile(0.1 + 0.02 * np.arange(len(INDICATORS)), (len(UNITS), 1)),
        worst,
        best,
        across=0.5,
    )
    there = np.ones((sum(UNITS), indicators), bool)
    has = standing(tree, np.repeat(np.arange(len(UNITS)), UNITS), there, there, ~there)
    slope = 100 / (best - worst)
    lines = Lines(-worst * slope, slope, np.zeros(indicators), np.full(indicators, 100.0))
    limits = np.where((family == NORMAL)[:, None], np.array([[0.0, 100.0]]), np.nan)
    return tree, has, lines, limits


def measure(layout: Layout, tree: Tree, has: Standing, draws: int, threads: int) -> tuple[float, float, float]:
    """Wall and processor seconds of everything, and a sum that shows whether results are the same."""
    first = np.concatenate([[0], np.cumsum(UNITS)])
    index = np.empty((sum(UNITS), draws))
    dimensions = np.empty((sum(UNITS), len(INDICATORS), draws), np.float32)
    every = np.arange(sum(INDICATORS))
    parts = {
        (t.group, t.members.start): climb(
            tree, has.only(first[t.group] + np.arange(t.members.start, t.members.stop), every)
        )
        for t in layout.tiles
    }

    def keep(tile: Tile, where: slice, block: Block) -> None:
        here = parts[tile.group, tile.members.start]
        rows = slice(first[tile.group] + tile.members.start, first[tile.group] + tile.members.stop)
        inner, plain = aggregate_draws(here, block.estimate)
        dimensions[rows, :, where] = np.moveaxis(inner, 0, 2)
        index[rows, where] = plain.T
        if block.direct is not None:
            aggregate_draws(here, block.direct)

    wall, processor = time.perf_counter(), time.process_time()
    run(layout, 7, draws, keep, threads=threads)
    return time.perf_counter() - wall, time.process_time() - processor, float(index.sum())


def main() -> None:
    """Measure both cases and print passes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    for mixed, most in ((False, 12), (True, 20)):
        rng = np.random.default_rng(0)
        inputs, factors, groups = province(mixed, rng)
        tree, has, lines, limits = recipe(inputs)
        start = time.perf_counter()
        layout = lay_out(inputs, factors, groups, limits, lines)
        laid = time.perf_counter() - start
        one = seconds_of_a_pass()
        measure(layout, tree, has, BLOCK * options.threads, options.threads)  # warm
        wall, processor, total = measure(layout, tree, has, options.draws, options.threads)
        one = min(one, seconds_of_a_pass())
        elements = inputs.a.size * options.draws
        scaled = one * elements / GIGABYTE
        print(
            f"{'normal, beta, gamma' if mixed else 'normal':20s} {inputs.a.size} inputs, {factors.loading.size} "
            f"loadings of {len(factors.names)} factors, {options.draws} draws, {options.threads} threads: "
            f"{wall:.2f} s (processor {processor:.2f}, laid out in {laid:.2f}); a pass over 1 GB {one:.3f} s, scaled "
            f"{scaled:.2f} s: {wall / scaled:.1f} passes (at most {most}), both processors busy "
            f"{processor / options.threads / scaled:.1f}; sum {total!r}"
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
