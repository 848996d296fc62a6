"""InstEval (package lme4): 73,421 ratings of 1,128 lecturers by 2,972 students, against R lme4 in the same run.

    .venv/bin/python benchmarks/insteval.py [--folder FOLDER with insteval.csv] [--repeat 3] [--rate]

Both sides start from the table in memory, fit y ~ 1 + (1|s) + (1|d) by REML and give the standard errors of every
student and lecturer: `lmer` and `ranef(condVar = TRUE)` there, `crossed` here. The best of `--repeat` runs counts on
both. `--rate` also rates the lecturers through a scheme, from files to an edition.

One thread: the dense block has 1,128 rows, and OpenBLAS threads cost more in waiting for each other there than they
save, the more when other work shares the cores. Debian's R uses the reference BLAS, which has one thread anyhow; lme4's
own work is in CHOLMOD and spends little of its time in BLAS.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from evaluator.rating.edition import read_edition
from evaluator.rating.run import rate
from evaluator.rating.snapshot_writing import write_snapshot
from methods.assessors.crossed import Crossed, crossed
from methods.assessors.scores import scores_of

DATA = Path(__file__).parents[2] / "shared/data"
WANTED = 15.0
EXPECTED = {"variance_assessor": 0.1062145, "variance_unit": 0.2737349, "variance_residual": 1.3871797}
REML = 237783.880388  # lme4 1.1-31
LME4 = """suppressMessages(library(lme4))
d <- read.csv(commandArgs(TRUE)[1], colClasses = c(s = "factor", d = "factor"))
for (k in seq_len(as.integer(commandArgs(TRUE)[2]))) {
  started <- proc.time()[["elapsed"]]
  fit <- lmer(y ~ 1 + (1 | s) + (1 | d), d)
  fitted <- proc.time()[["elapsed"]]
  effects <- ranef(fit, condVar = TRUE)
  cat("seconds", fitted - started, proc.time()[["elapsed"]] - fitted, "\\n")
}
cat("reml", format(REMLcrit(fit), digits = 12), "\\n")
for (g in c("s", "d")) write.csv(
  data.frame(k = rownames(effects[[g]]), b = effects[[g]][[1]], se = sqrt(c(attr(effects[[g]], "postVar")))),
  file.path(commandArgs(TRUE)[3], paste0(g, ".csv")), row.names = FALSE)
"""
SCHEME = """code: insteval
levels: {lecturer: Lecturer}
dimensions: {teaching: {name: Teaching}}
indicators:
  - {code: y, dim: teaching, source: assessor, goal: [1, 5], scale: [1, 5]}
aggregation: {within_dimension: arithmetic, across_dimensions: arithmetic}
"""


def main() -> int:
    options = argparse.ArgumentParser(description="InstEval against R lme4")
    options.add_argument("--folder", type=Path, default=DATA)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--rate", action="store_true")
    asked = options.parse_args()
    path = asked.folder / "insteval.csv"
    if not path.is_file():
        print(f"{path} is not here: give the folder that holds insteval.csv", file=sys.stderr)
        return 2
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with tempfile.TemporaryDirectory() as name:
        right = _compare(rows, path, Path(name), asked.repeat)
        if asked.rate:
            right &= _rate(rows, Path(name))
    return 0 if right else 1


def _compare(rows: list[dict[str, str]], path: Path, folder: Path, repeat: int) -> bool:
    students, lecturers = (np.array([row[key] for row in rows]) for key in ("s", "d"))
    scores, units, assessors, _ = scores_of(lecturers, students, np.array([float(row["y"]) for row in rows]))
    ours = []
    for _ in range(max(repeat, 1)):
        started = time.perf_counter()
        fit = crossed(scores)
        ours.append(time.perf_counter() - started)
    print(f"crossed: {min(ours):.3f} s ({fit.evaluations} evaluations), REML {fit.reml:.6f}")
    right = abs(fit.reml - REML) < 1e-5
    if shutil.which("Rscript") is None:
        print("Rscript is not here: no comparison", file=sys.stderr)
        return right
    told = subprocess.run(
        ["Rscript", "-e", LME4, str(path), str(max(repeat, 1)), str(folder)],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    theirs = [tuple(map(float, line.split()[1:])) for line in told if line.startswith("seconds")]
    fitted, effects = min(theirs, key=sum)
    print(f"lme4: {fitted + effects:.3f} s (lmer {fitted:.3f}, ranef {effects:.3f}), {told[-1]}")
    ratio = (fitted + effects) / min(ours)
    print(f"crossed is {ratio:.1f} times faster (wanted: {WANTED:g})")
    return right & _agree(fit, units, assessors, folder) & (ratio >= WANTED)


def _agree(fit: Crossed, units: np.ndarray, assessors: np.ndarray, folder: Path) -> bool:
    sides = (
        ("d", "lecturers", units, fit.unit_effect, fit.unit_variance_given_means),
        ("s", "students", assessors, fit.assessor_effect, fit.assessor_variance_given_means),
    )
    right = True
    for key, name, labels, effects, variances in sides:
        with (folder / f"{key}.csv").open(encoding="utf-8", newline="") as file:
            given = list(csv.DictReader(file))
        at = np.searchsorted(labels, [row["k"] for row in given])
        effect = np.abs(effects[at] - [float(row["b"]) for row in given]).max()
        error = np.abs(np.sqrt(variances[at]) - [float(row["se"]) for row in given]).max()
        print(f"{name}: effects agree within {effect:.1e}, standard errors within {error:.1e}")
        right &= bool(effect < 1e-5 and error < 1e-5)
    return right


def _rate(rows: list[dict[str, str]], folder: Path) -> bool:
    lecturers = sorted({row["d"] for row in rows}, key=int)
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
    return right


if __name__ == "__main__":
    sys.exit(main())
