"""Do 95 % intervals of indicators hold the truth 95 % of the time? A simulated province with known true values.

    .venv/bin/python benchmarks/coverage.py [--repeats N] [--townships N] [--responses N]

Prints, by source and level, how many of the intervals that `inputs` and `factors` imply hold the true value, and the
seconds of each step; then, of citizens' items, what the joint errors say of means of a unit's items and of a county's
townships. Units take after the unit above them. Answers to several items come from the same respondents, the last two
items reach few; assessors are shared between units and each has a habit of its own on each criterion.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from evaluator.rating.estimates import estimate
from evaluator.rating.scheme import Dimension, Indicator, Label, Missing, Publication, Scheme
from evaluator.rating.snapshot import Snapshot
from methods.inputs import BETA, GAMMA, NORMAL
from methods.survey.cells import ItemScoring

ITEMS, CRITERIA, SHARES, RATES = 6, 4, 3, 2
NAME = Label(zh="", en="")
SOURCES = (("citizen", ITEMS), ("assessor", CRITERIA), ("share", SHARES), ("rate", RATES))


def scheme() -> Scheme:
    """A scheme of one dimension, with indicators of four sources."""
    indicators = [
        Indicator(f"{source}{k}", "all", source, NAME, item=f"citizen{k}" if source == "citizen" else None, goal=(0, 1))
        for source, count in SOURCES
        for k in range(count)
    ]
    return Scheme(
        "coverage",
        "1",
        NAME,
        {"C": NAME, "K": NAME, "T": NAME},
        (Dimension("all", NAME),),
        tuple(indicators),
        missing=Missing(impute="none"),
        publication=Publication(cell_min=0),
    )


def province(rng: np.random.Generator, folder: Path, townships: int, responses: int) -> tuple[Snapshot, np.ndarray]:
    """A snapshot and the true values, (units, indicators)."""
    level = np.array(["C"] * 16 + ["K"] * 150 + ["T"] * townships, object)
    units = np.array([f"u{k:05d}" for k in range(len(level))], object)
    U, codes = len(units), [f"{source}{k}" for source, count in SOURCES for k in range(count)]
    truth = np.zeros((U, len(codes)))
    x = rng.normal(size=U)
    above = np.concatenate([np.full(16, -1), rng.integers(0, 16, 150), rng.integers(16, 166, townships)])
    lead = rng.normal(0, 5, U)
    for u in np.flatnonzero(above >= 0):
        lead[u] = 0.5 * lead[above[u]] + np.sqrt(0.75) * lead[u]
    parent = np.where(above >= 0, units[above], "")
    table = {"unit": units, "level": level, "parent": parent, "population": np.exp(rng.normal(10, 1, U)), "x_a": x}
    # citizens: scores 0, 50, 100 by thresholds on a latent answer; the truth is the expected score
    n = np.maximum(rng.poisson(responses * np.where(level == "T", 0.9, 1.6) / U), 1)
    unit = np.repeat(np.arange(U), n)
    person = rng.normal(size=len(unit))
    columns: dict[str, np.ndarray] = {}
    for k in range(ITEMS):
        truth[:, k] = np.clip(62 + 3 * k + 2 * x + lead + rng.normal(0, 4, U), 5, 95)
        latent = np.sqrt(0.4) * person + np.sqrt(0.6) * rng.normal(size=len(unit))
        p = truth[:, k] / 100
        cut_low, cut_high = _normal_quantile((1 - p) ** 2), _normal_quantile(1 - p**2)
        answer = np.where(latent < cut_low[unit], "no", np.where(latent < cut_high[unit], "part", "yes")).astype(object)
        silent = 0.1 + 0.05 * k if k < ITEMS - 2 else 0.7
        columns[f"q_citizen{k}"] = np.where(rng.random(len(unit)) < silent, "dk", answer)
    columns |= {
        "campaign": np.full(len(unit), "c", object),
        "mode": np.full(len(unit), "invitation", object),
        "unit": units[unit],
        "flags": np.where(rng.random(len(unit)) < 0.05, "too_fast", "").astype(object),
    }
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * FROM columns) TO '{folder / 'responses.parquet'}' (FORMAT parquet)")
    # assessors
    assessors = max(U // 12, 20)
    strict, habit = rng.normal(0, 0.6, assessors), rng.normal(0, 0.4, (assessors, CRITERIA))
    q = 6 + rng.normal(0, 0.7, U)[:, None] + rng.normal(0, 0.6, (U, CRITERIA))
    truth[:, ITEMS : ITEMS + CRITERIA] = q
    who = np.argsort(rng.random((U, assessors)), axis=1)[:, :3]
    rows = [(u, a, c) for u in range(U) for a in who[u].tolist() for c in range(CRITERIA)]
    u, a, c = np.array(rows).T
    assessments = {
        "unit": units[u],
        "institute": np.full(len(u), "i", object),
        "assessor": np.array([f"a{k}" for k in a], object),
        "criterion": np.array([f"assessor{k}" for k in c], object),
        "score": q[u, c] + strict[a] + habit[a, c] + rng.normal(0, 0.7, len(u)),
    }
    # records
    parts = []
    for k in range(SHARES):
        size, share = rng.integers(4, 60, U).astype(float), rng.beta(9 + 3 * k, 3, U)
        truth[:, ITEMS + CRITERIA + k] = share
        parts.append((f"share{k}", rng.binomial(size.astype(int), share).astype(float), size))
    for k in range(RATES):
        size, rate = rng.uniform(0.3, 6, U), rng.gamma(2 + k, 1, U)
        truth[:, ITEMS + CRITERIA + SHARES + k] = rate
        parts.append((f"rate{k}", rng.poisson(rate * size).astype(float), size))
    records = {
        "unit": np.concatenate([units] * len(parts)),
        "indicator": np.repeat(np.array([part[0] for part in parts], object), U),
        "numerator": np.concatenate([part[1] for part in parts]),
        "denominator": np.concatenate([part[2] for part in parts]),
    }
    scores = {"no": 0, "part": 50_000, "yes": 100_000, "dk": None}
    scoring = tuple(ItemScoring(f"citizen{k}", "single", scores=scores, codes=tuple(scores)) for k in range(ITEMS))
    period = (date(2026, 1, 1), date(2026, 12, 31))
    tables = {"units": table, "assessments": assessments, "records": records}
    return Snapshot(folder, period, tables, folder / "responses.parquet", {"c": scoring}, "", "", True, ""), truth


def _normal_quantile(p: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return ndtri(np.clip(p, 1e-9, 1 - 1e-9))


def main() -> None:
    """Simulate, estimate, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--townships", type=int, default=1853)
    parser.add_argument("--responses", type=int, default=300_000)
    options = parser.parse_args()
    held: dict[tuple[str, str], list[float]] = defaultdict(list)
    for repeat in range(options.repeats):
        rng = np.random.default_rng(repeat)
        with tempfile.TemporaryDirectory() as folder:
            snapshot, truth = province(rng, Path(folder), options.townships, options.responses)
            start = time.perf_counter()
            steps: list[tuple[str, float]] = []
            found = estimate(scheme(), snapshot, lambda step, _, s=steps: s.append((step, time.perf_counter())))
            seconds = time.perf_counter() - start
        marks = [f"{a[0]} {b[1] - a[1]:.1f}" for a, b in itertools.pairwise(steps)]
        print(f"repeat {repeat}: {seconds:.1f} s ({', '.join(marks)})")
        inputs, factors = found.inputs["main"], found.factors["main"]
        low, high = intervals(inputs, factors)
        value = truth[inputs.unit, inputs.indicator]
        inside = (low <= value) & (value <= high)
        level = snapshot.tables["units"]["level"][inputs.unit]
        source = np.array([one.source for one in scheme().indicators])[inputs.indicator]
        for key in sorted({(str(s), str(k)) for s, k in zip(source, level, strict=True)}):
            held[key].append(float(inside[(source == key[0]) & (level == key[1])].mean()))
        for key, share in joint(inputs, factors, truth, snapshot.tables["units"]).items():
            held[key].append(share)
    for key, values in held.items():
        print(f"{key[0]:22s} level {key[1]}: {100 * np.mean(values):.1f} % of the 95 % intervals hold the truth")


def joint(inputs, factors, truth, table) -> dict[tuple[str, str], float]:  # type: ignore[no-untyped-def]
    """Coverage of means of a unit's items, and of each item over a county's townships."""
    error = np.full(truth.shape, np.nan)
    error[inputs.unit, inputs.indicator] = inputs.a - truth[inputs.unit, inputs.indicator]
    alone = np.zeros(truth.shape)
    alone[inputs.unit, inputs.indicator] = inputs.b
    seen = np.isfinite(error) & (np.arange(truth.shape[1]) < ITEMS)
    place = {code: k for k, code in enumerate(table["unit"].tolist())}
    above = np.array([place.get(code, -1) for code in table["parent"].tolist()])
    found = {}

    def covered(group: np.ndarray) -> np.ndarray:
        """Group of each number; the mean of each group with an interval that adds loadings before it squares."""
        groups = int(group.max()) + 1
        n = np.bincount(group[group >= 0], minlength=groups)
        mean = np.bincount(group[group >= 0], error[group >= 0], groups) / np.maximum(n, 1)
        variance = np.bincount(group[group >= 0], alone[group >= 0] ** 2, groups)
        of = group[factors.unit, factors.indicator]
        pairs, where = np.unique(factors.factor[of >= 0] * groups + of[of >= 0], return_inverse=True)
        variance += np.bincount(pairs % groups, np.bincount(where, factors.loading[of >= 0]) ** 2, groups)
        sd = np.sqrt(variance) / np.maximum(n, 1)
        return (np.abs(mean) < 1.96 * sd)[n > 1]

    for code in ("C", "K", "T"):
        mine = seen & (table["level"] == code)[:, None]
        of_unit = np.where(mine, np.arange(len(truth))[:, None], -1)
        found["mean of a unit's items", code] = float(covered(of_unit).mean())
        if code == "T":
            of_county = np.where(mine, above[:, None] * ITEMS + np.minimum(np.arange(truth.shape[1]), ITEMS - 1), -1)
            found["mean of a county", code] = float(covered(of_county).mean())
    return found


def intervals(inputs, factors) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """(rows,) 95 % limits of each input."""
    from scipy.stats import beta, gamma, norm

    width = int(inputs.indicator.max()) + 1
    size = (int(inputs.unit.max()) + 1) * width
    shared = np.bincount(factors.unit * width + factors.indicator, factors.loading**2, minlength=size)
    sd = np.sqrt(inputs.b**2 + shared[inputs.unit * width + inputs.indicator])
    limits = []
    for p in (0.025, 0.975):
        of_beta = beta.ppf(p, inputs.a, inputs.b)
        of_gamma = gamma.ppf(p, inputs.a, scale=1 / np.where(inputs.b > 0, inputs.b, 1))
        normal = inputs.a + norm.ppf(p) * sd
        limits.append(
            np.select(
                [inputs.family == BETA, inputs.family == GAMMA, inputs.family == NORMAL],
                [of_beta, of_gamma, normal],
                inputs.a,
            )
        )
    return limits[0], limits[1]


if __name__ == "__main__":
    main()
