"""How long, and with how much memory, a full-size rating takes once its inputs are there.

    .venv/bin/python benchmarks/full_size.py [--draws N] [--threads N]

3,000 units of five levels, 43 indicators of four sources, two factors a unit and sixty assessors. Prints the seconds of
each stage, the peak memory of the process and a digest of the three tables, which threads must not change.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import time
from dataclasses import dataclass, replace

import numpy as np

from evaluator.rating.results import Taken, compute
from evaluator.rating.scheme import (
    Aggregation,
    Dimension,
    Grades,
    Indicator,
    Label,
    Missing,
    Scheme,
    Sensitivity,
    Sobol,
    Veto,
)
from methods.inputs import BETA, GAMMA, NORMAL, Factors, Inputs

NAME = Label("名", "name")
UNITS = {"P": 1, "C": 16, "K": 151, "T": 1853, "D": 979}
INDICATORS = (5, 4, 6, 8, 7, 3, 4, 6)  # by dimension
GOALS = {"citizen": (20.0, 100.0), "share": (0.3, 1.0), "assessor": (0.0, 10.0), "rate": (20.0, 0.0)}
SCALES = {"citizen": (0.0, 100.0), "assessor": (0.0, 10.0)}
ASSESSORS = 60


@dataclass
class Measured:
    inputs: dict[str, Inputs]
    factors: dict[str, Factors]
    state: np.ndarray


def scheme() -> Scheme:
    """Eight dimensions; every third indicator does not apply to townships."""
    indicators = tuple(
        Indicator(
            f"i{d}{k}",
            f"d{d}",
            source,
            NAME,
            weight=1.0 + k % 3,
            levels=tuple(code for code in UNITS if k % 3 or code != "T"),
            goal=GOALS[source],
            scale=SCALES.get(source),
        )
        for d, count in enumerate(INDICATORS)
        for k, source in zip(range(count), list(GOALS) * 2, strict=False)
    )
    return Scheme(
        "full-size",
        "1",
        NAME,
        dict.fromkeys(UNITS, NAME),
        tuple(Dimension(f"d{d}", NAME, 0.1 + 0.02 * d) for d in range(len(INDICATORS))),
        indicators,
        aggregation=Aggregation(1.0, 0.5),
        missing=Missing(1, 0.67, 0.5, "predictive"),
        grades=Grades(bands=(("A", 85.0), ("B", 70.0), ("C", 55.0), ("D", 0.0))),
        vetoes=(Veto("v", "C"),),
        sensitivity=Sensitivity(60.0, (1.0, 0.5, 0.0), (0.1,), ("main", "half", "without"), Sobol(500)),
    )


def measured(made: Scheme, level: np.ndarray, rng: np.random.Generator) -> Measured:
    """Inputs, factors and states of all units; three in a hundred numbers are missing."""
    n = level.size
    lead = rng.normal(size=n)
    state = np.full((n, len(made.indicators)), "not_applicable", dtype=object)
    rows, loads = [], []
    for j, one in enumerate(made.indicators):
        at = np.flatnonzero(np.isin(level, one.levels))
        missing = rng.random(at.size) < 0.03
        state[at, j] = np.where(missing, "missing", "ok")
        at = at[~missing]
        m, true = at.size, 0.7 * lead[at] + 0.7 * rng.normal(size=at.size)
        size = rng.integers(10, 300, m).astype(float)
        if one.source in SCALES:
            unit = SCALES[one.source][1] / 100
            a, b, family = (75 + 7 * true) * unit, np.full(m, 3 * unit), NORMAL
            direct, direct_sd = a + rng.normal(0, 2 * unit, m), 1.2 * b
            names = [at, n + at] if one.source == "citizen" else [2 * n + rng.integers(0, ASSESSORS, m)]
            loads += [(who, at, np.full(m, j), np.full(m, 1.5 * unit), np.full(m, 2 * unit)) for who in names]
        elif one.source == "share":
            p = 1 / (1 + np.exp(-1.3 - 0.4 * true))
            a, b, family = size * p + 2, size * (1 - p) + 1, BETA
            direct, direct_sd = p, np.sqrt(p * (1 - p) / size)
        else:
            rate = 5 * np.exp(-0.3 * true)
            a, b, family = rate * size / 20 + 0.5, size / 20 + 0.1, GAMMA
            direct, direct_sd = rate, np.sqrt(20 * rate / size)
        rows.append((at, np.full(m, j), np.full(m, family), a, b, direct, direct_sd, size))
    columns = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    main = Inputs(*(c.astype(np.int64) for c in columns[:3]), *(np.round(c, 6) for c in columns[3:]))
    normal = np.flatnonzero(main.family == NORMAL)
    half = Inputs(*(getattr(main, name)[normal] for name in Inputs.__slots__))
    factor, unit, indicator, loading, direct_loading = (np.concatenate(parts) for parts in zip(*loads, strict=True))
    names = tuple(f"f{k:05d}" for k in range(2 * n + ASSESSORS))
    return Measured(
        {"main": main, "half": replace(half, a=half.a + 0.5), "without": replace(half, a=half.a + 1)},
        {"main": Factors(names, factor, unit, indicator, loading, direct_loading)},
        state,
    )


def main() -> None:
    """Simulate inputs, compute, say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4096)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    level = np.repeat(np.array(list(UNITS), dtype=object), list(UNITS.values()))
    units = {"unit": np.array([f"u{k}" for k in range(level.size)], dtype=object), "level": level}
    made = scheme()
    given = measured(made, level, rng)
    taken = Taken(
        np.where(rng.random(level.size) < 0.02, 4.0, 0.0),
        [("v",) if veto else () for veto in rng.random(level.size) < 0.01],
        rng.choice(["", "A", "B", "C"], level.size).tolist(),
    )
    print(f"{level.size} units, {len(made.indicators)} indicators, {given.inputs['main'].a.size} inputs")
    ends: dict[str, float] = {}
    start = time.perf_counter()
    results = compute(
        made,
        units,
        given,
        taken,
        7,
        options.draws,
        lambda stage, share: ends.__setitem__(stage, time.perf_counter()),
        threads=options.threads,
    )
    last = start
    for stage, end in ends.items():
        print(f"{stage:12s} {end - last:6.1f} s")
        last = end
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{'all':12s} {time.perf_counter() - start:6.1f} s, peak {peak:.2f} GB")
    digest = hashlib.sha256()
    for table in (results.scores, results.ratings, results.sensitivity):
        for name, column in table.items():
            digest.update(repr((name, column.tolist())).encode())
    print(f"digest       {digest.hexdigest()[:16]}")


if __name__ == "__main__":
    main()
