"""Do index, ranks, tiers and grades keep their promises? A simulated province with known true values, end to end.

    .venv/bin/python benchmarks/index_coverage.py [--repeats N] [--townships N] [--responses N]

Estimates come from the same simulated responses, assessments and records as in `coverage.py`. Prints, by level: how
many intervals of dimensions and of the index hold the truth; how many rank intervals hold the true rank (and how often
the simultaneous ones hold them all); how many pairs in different tiers are in the wrong order; how often the true index
lies in the grade's band, against the mean of the published probabilities; reliability, against what it estimates.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import numpy as np
from coverage import province
from coverage import scheme as indicators_only

from evaluator.rating.estimates import estimate
from evaluator.rating.recipe import recipe
from evaluator.rating.results import Taken, compute
from evaluator.rating.scheme import Aggregation, Dimension, Grades, Scheme
from methods.index.tree import aggregate, normalise, standing

GOALS = {"citizen": (20.0, 100.0), "assessor": (0.0, 10.0), "share": (0.2, 1.0), "rate": (12.0, 0.0)}
SCALES = {"citizen": (0.0, 100.0), "assessor": (0.0, 10.0)}


def scheme() -> Scheme:
    """The indicators of `coverage.py` between goalposts, a dimension a source."""
    base = indicators_only()
    indicators = tuple(
        msgspec.structs.replace(
            one, dimension=one.source, goal=GOALS[one.source], scale=SCALES.get(one.source), levels=tuple(base.levels)
        )
        for one in base.indicators
    )
    name = base.title
    return msgspec.structs.replace(
        base,
        dimensions=tuple(Dimension(source, name) for source in GOALS),
        indicators=indicators,
        aggregation=Aggregation(1.0, 0.5),
        grades=Grades(bands=(("A", 70.0), ("B", 62.0), ("C", 54.0), ("D", 0.0))),
    )


def main() -> None:
    """Simulate, estimate, compute, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--townships", type=int, default=600)
    parser.add_argument("--responses", type=int, default=40_000)
    parser.add_argument("--draws", type=int, default=1024)
    options = parser.parse_args()
    made, found = scheme(), recipe(scheme())
    kept: dict[tuple[str, str], list[float]] = defaultdict(list)
    for repeat in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            snapshot, truth = province(
                np.random.default_rng(repeat), Path(folder), options.townships, options.responses
            )
            estimates = estimate(made, snapshot)
        units, n = snapshot.tables["units"], truth.shape[0]
        start = time.perf_counter()
        taken = Taken(np.zeros(n), [()] * n, [""] * n)
        results = compute(made, units, estimates, taken, repeat, options.draws)
        print(f"repeat {repeat}: {time.perf_counter() - start:.1f} s")
        level = found.level_of(units["level"])
        everywhere = np.ones(truth.shape, bool)
        has = standing(found.tree, level, everywhere, everywhere, ~everywhere)
        dimensions, index = aggregate(found.tree, has, normalise(found.tree, truth))
        ratings, scores = results.ratings, results.scores
        for number, code in enumerate(found.levels):
            here = np.flatnonzero((level == number) & (ratings["state"] == "ok"))
            rank = 1 + (index[here][:, None] < index[here][None, :]).sum(axis=1)
            inside = (ratings["lower"][here] <= index[here]) & (index[here] <= ratings["upper"][here])
            kept[code, "index"].append(float(inside.mean()))
            for d, dimension in enumerate(found.dimensions):
                rows = scores["node"] == dimension
                held = (scores["lower"][rows] <= dimensions[:, d]) & (dimensions[:, d] <= scores["upper"][rows])
                kept[code, f"dimension {dimension}"].append(float(held[here].mean()))
            held = (ratings["rank_lower"][here] <= rank) & (rank <= ratings["rank_upper"][here])
            kept[code, "rank"].append(float(held.mean()))
            kept[code, "rank width"].append(float((ratings["rank_upper"] - ratings["rank_lower"])[here].mean()))
            if not np.isnan(ratings["simultaneous_lower"][here]).any():
                low, high = ratings["simultaneous_lower"][here], ratings["simultaneous_upper"][here]
                kept[code, "all ranks at once"].append(float(((low <= rank) & (rank <= high)).all()))
            tier = ratings["tier"][here]
            above = tier[:, None] < tier[None, :]
            wrong = index[here][:, None] < index[here][None, :]
            kept[code, "tiers"].append(float(tier.max()))
            if above.any():
                kept[code, "pairs misordered between tiers"].append(float(wrong[above].mean()))
            grade = np.array([list(found.grades).index(g) for g in ratings["grade"][here]])
            true = len(found.bands) - np.searchsorted(found.bands[::-1], index[here], side="right")
            kept[code, "grade is the true one"].append(float((grade == true).mean()))
            kept[code, "  promised"].append(float(ratings["grade_probability"][here].mean()))
            kept[code, "reliability"].append(float(ratings["reliability"][here].mean()))
            error = np.corrcoef(ratings["index"][here], index[here])[0, 1] ** 2
            kept[code, "  squared correlation with the truth"].append(float(error))
    for (code, what), values in kept.items():
        print(f"level {code}  {what:38s} {np.mean(values):.3f}")


if __name__ == "__main__":
    main()
