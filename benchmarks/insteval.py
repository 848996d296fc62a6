"""InstEval (Bates, Maechler, Bolker, Walker; package lme4): 73,421 ratings of lecturers by students as assessments.

    .venv/bin/python benchmarks/insteval.py [FOLDER with insteval.csv]

lme4's y ~ 1 + (1|s) + (1|d) by REML: variances .1062145 (students: assessors), .2737349 (lecturers: units) and
1.3871797 (residual).
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from evaluator.rating.edition import read_edition
from evaluator.rating.run import rate
from evaluator.rating.snapshot_writing import write_snapshot

DATA = Path(__file__).parents[2] / "shared/data"
EXPECTED = {"variance_assessor": 0.1062145, "variance_unit": 0.2737349, "variance_residual": 1.3871797}
SCHEME = """code: insteval
levels: {lecturer: Lecturer}
dimensions: {teaching: {name: Teaching}}
indicators:
  - {code: y, dim: teaching, source: assessor, goal: [1, 5], scale: [1, 5]}
aggregation: {within_dimension: arithmetic, across_dimensions: arithmetic}
"""


def main() -> int:
    path = (Path(sys.argv[1]) if len(sys.argv) > 1 else DATA) / "insteval.csv"
    if not path.is_file():
        print(f"{path} is not here: give the folder that holds insteval.csv", file=sys.stderr)
        return 2
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lecturers = sorted({row["d"] for row in rows}, key=int)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scheme.yaml").write_text(SCHEME, encoding="utf-8")
        write_snapshot(
            folder / "snapshot",
            {
                "units": {
                    "unit": np.array([f"d{code}" for code in lecturers], object),
                    "level": np.full(len(lecturers), "lecturer", object),
                },
                "assessments": {
                    "unit": np.array([f"d{row['d']}" for row in rows], object),
                    "institute": np.full(len(rows), "eth", object),
                    "assessor": np.array([f"s{row['s']}" for row in rows], object),
                    "criterion": np.full(len(rows), "y", object),
                    "score": np.array([float(row["y"]) for row in rows]),
                },
            },
        )
        started = time.perf_counter()
        rated = rate(folder / "scheme.yaml", folder / "snapshot", folder / "edition")
        seconds = time.perf_counter() - started
        models = read_edition(rated.out).table("models")
    print(f"{len(rows)} scores, {len(lecturers)} units rated in {seconds:.1f} s:", rated.seconds)
    found = {
        str(parameter): float(value) for parameter, value in zip(models["parameter"], models["value"], strict=True)
    }
    right = True
    for parameter, expected in EXPECTED.items():
        close = abs(found.get(parameter, np.nan) - expected) < 1e-5
        right &= close
        print(f"{parameter}: {found.get(parameter)} expected {expected} {'ok' if close else 'NOT within 1e-5'}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
