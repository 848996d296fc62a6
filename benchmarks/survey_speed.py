"""A million responses, four margins: scan, rake, mean and 16 domains with standard errors, against svy and R survey.

    .venv/bin/python -m benchmarks.survey_speed [--responses N] [--quick] [--svy-python PYTHON] [--no-r]

Everything in one run on the same responses. Ours reads the Parquet file; the others get the data in memory, and reading
is not counted. --svy-python is a Python that has `svy` 0.35 (PyPI); R needs its package survey. Prints the statistics
of each, their largest difference, and the ratios with what they should reach.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np

from methods.survey.designs import simple, stratified
from methods.survey.estimation import means
from methods.survey.margins import margin
from methods.survey.raking import rake
from methods.survey.scan import sum_responses

CITIES, UNITS, ITEMS = 16, 2000, 10
LEVELS = {"city": CITIES, "age": 6, "gender": 2, "education": 8}

SVY = """
import json, sys, time
import polars as pl, svy
data, controls = pl.read_parquet(sys.argv[1]), json.load(open(sys.argv[2]))
controls = {name: {int(k): v for k, v in one.items()} for name, one in controls.items()}
best = None
for _ in range(int(sys.argv[3])):
    start = time.perf_counter()
    sample = svy.Sample(data, svy.Design(wgt="weight"))
    sample = sample.weighting.rake(controls=controls, tol=1e-10)
    raked = time.perf_counter()
    whole = sample.estimation.mean("q0").to_polars()
    mean = time.perf_counter()
    by = sample.estimation.mean("q0", by="city").to_polars()
    end = time.perf_counter()
    if best is None or end - start < sum(best):
        best = [raked - start, mean - raked, end - mean]
by = by.with_columns(pl.col("city").cast(pl.Int64)).sort("city")
print(json.dumps({"version": svy.__version__, "seconds": best, "est": whole["est"].to_list() + by["est"].to_list(),
                  "se": whole["se"].to_list() + by["se"].to_list()}))
"""

R = """
suppressMessages(library(survey))
a <- commandArgs(TRUE); n <- as.integer(a[2])
f <- file(a[1], "rb"); d <- data.frame(weight=readBin(f, "double", n))
for (k in c("city","age","gender","education","q0")) d[[k]] <- readBin(f, "integer", n)
close(f)
m <- function(k) { x <- read.csv(file.path(a[3], paste0(k, ".csv"))); names(x) <- c(k, "Freq"); x }
k <- c("city","age","gender","education")
t0 <- proc.time()[["elapsed"]]
s <- svydesign(ids=~1, weights=~weight, data=d)
r <- rake(s, lapply(k, function(x) reformulate(x)), lapply(k, m), control=list(maxit=50, epsilon=1e-10))
t1 <- proc.time()[["elapsed"]]
w <- svymean(~q0, r); t2 <- proc.time()[["elapsed"]]
b <- svyby(~q0, ~city, r, svymean); t3 <- proc.time()[["elapsed"]]
cat(format(as.character(packageVersion("survey"))), "\\n"); cat(t1-t0, t2-t1, t3-t2, "\\n")
cat(format(c(coef(w), coef(b)), digits=15), "\\n"); cat(format(c(SE(w), SE(b)), digits=15), "\\n")
"""


def make(file: Path, responses: int) -> dict[str, dict[int, float]]:
    """Responses of 2,000 units in 16 cities, weighted by city, and population margins that differ from the sample's."""
    with duckdb.connect() as c:
        c.execute("SELECT setseed(0.5)")
        taste = "(0.4 + 0.08 * age + 0.05 * education + 0.02 * (unit % 7))"
        items = ", ".join(f"(25 * floor(5 * random() ^ {taste}))::TINYINT AS q{k}" for k in range(ITEMS))
        c.execute(
            f"COPY (SELECT *, (unit % {CITIES})::TINYINT AS city, 20 + 5 * (unit % {CITIES})::DOUBLE AS weight, "
            f"{items} FROM (SELECT (floor({UNITS} * random()))::SMALLINT AS unit, "
            f"(floor(6 * random()))::TINYINT AS age, (random() > 0.45)::TINYINT AS gender, (floor(8 * random()))"
            f"::TINYINT AS education FROM range({responses}))) TO '{file}' (FORMAT parquet, COMPRESSION zstd)"
        )
        total = c.execute(f"SELECT sum(weight) FROM '{file}'").fetchone()[0]
    rng = np.random.default_rng(1)
    found = {}
    for name, size in LEVELS.items():
        share = np.ones(size) + rng.uniform(-0.3, 0.3, size)
        found[name] = {k: float(v) for k, v in enumerate(total * share / share.sum())}
    return found


def best(times: int, work: Callable[[], object]) -> tuple[float, object]:
    """The least of several wall times, and the last result."""
    seconds, found = np.inf, None
    for _ in range(times):
        start = time.perf_counter()
        found = work()
        seconds = min(seconds, time.perf_counter() - start)
    return seconds, found


def weights(cells):
    """Of each cell, by its city."""
    return 20.0 + 5.0 * cells.keys["city"]


def estimate(cells, population, residuals="design", stratum=None):
    """Everything after the scan: weights, raking, the mean, 16 domains, all with standard errors."""
    weight = weights(cells)
    design = simple(weight, cells.n) if stratum is None else stratified(weight, stratum, cells.n)
    margins = [margin(name, cells.keys[name], list(population[name].values())) for name in LEVELS]
    raked = rake(design, margins)
    of = cells.moments()
    whole = means(design, of, calibration=raked, residuals=residuals)
    city = means(design, of, cells.keys["city"], CITIES, raked, residuals)
    return whole, city


def figures(found) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and standard errors of the whole and of the cities."""
    whole, city = found
    return tuple(np.concatenate([getattr(v, k)[:, 0] for v in (whole, city)]) for k in ("estimate", "standard_error"))


def told(what: str, value: float, goal: float, at_least: bool = True) -> None:
    """One line of the issue's table."""
    reached = value >= goal if at_least else value <= goal
    print(f"  {what}: {value:.3g} ({'at least' if at_least else 'at most'} {goal:g}: {'yes' if reached else 'NO'})")


def against(name: str, estimates: np.ndarray, errors: np.ndarray, theirs: dict) -> None:
    """Largest relative differences of another package's figures."""
    de = np.max(np.abs(np.array(theirs["est"]) / estimates - 1))
    ds = np.max(np.abs(np.array(theirs["se"]) / errors - 1))
    print(f"  largest relative difference from {name}: estimates {de:.1e}, standard errors {ds:.1e}")


def svy(python: str, file: Path, population: dict, folder: Path, times: int) -> dict | None:
    """The same by svy, in its own Python."""
    controls, script = folder / "controls.json", folder / "with_svy.py"
    controls.write_text(json.dumps(population))
    script.write_text(SVY)
    run = subprocess.run(
        [python, str(script), str(file), str(controls), str(times)], capture_output=True, text=True, check=False
    )
    if run.returncode:
        print(f"svy: not measured, {python} says: {(run.stderr.strip().splitlines() or ['nothing'])[-1]}")
        return None
    return json.loads(run.stdout.strip().splitlines()[-1])


def r_survey(file: Path, population: dict, folder: Path) -> dict | None:
    """The same by R's survey."""
    if shutil.which("Rscript") is None:
        print("R: not measured, there is no Rscript")
        return None
    names = ", ".join(LEVELS)
    with duckdb.connect() as c:
        read = c.execute(f"SELECT weight, {names}, q0 FROM '{file}'").fetchnumpy()
    binary, script = folder / "responses.bin", folder / "with_survey.R"
    with binary.open("wb") as out:
        out.write(np.asarray(read["weight"], "<f8").tobytes())
        for name in (*LEVELS, "q0"):
            out.write(np.asarray(read[name], "<i4").tobytes())
    for name, counts in population.items():
        rows = "\n".join(f"{k},{v!r}" for k, v in counts.items())
        (folder / f"{name}.csv").write_text(f"{name},Freq\n{rows}\n")
    script.write_text(R)
    run = subprocess.run(
        ["Rscript", str(script), str(binary), str(len(read["weight"])), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        print(f"R: not measured, it says: {(run.stderr.strip().splitlines() or ['nothing'])[-1]}")
        return None
    version, seconds, est, se = run.stdout.strip().splitlines()[-4:]
    numbers = [[float(v) for v in line.split()] for line in (seconds, est, se)]
    return {"version": version.strip(), "seconds": numbers[0], "est": numbers[1], "se": numbers[2]}


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="100,000 responses: ratios are then smaller")
    parser.add_argument("--svy-python", default="python3", help="a Python with svy 0.35")
    parser.add_argument("--no-r", action="store_true", help="leave R out (about a minute)")
    options = parser.parse_args()
    responses = 100_000 if options.quick else options.responses
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "responses.parquet"
        population = make(file, responses)
        one_item(file, population, responses, folder, options)
        ten_items(file, population)


def one_item(file: Path, population: dict, responses: int, folder: Path, options: argparse.Namespace) -> None:
    """Rows 1 to 3 of the table."""
    scan, cells = best(7, lambda: sum_responses(file, list(LEVELS), ["q0"]))
    after, found = best(15, lambda: estimate(cells, population))
    estimates, errors = figures(found)
    print(f"{responses:,} responses, margins {LEVELS}, mean of one item and 16 domains with standard errors")
    print(f"  ours: GROUP BY {scan:.4f} s to {len(cells.n):,} cells, everything after {after:.4f} s")
    print(f"  mean {estimates[0]:.6f} ({errors[0]:.7f})")
    told("everything after the GROUP BY / the GROUP BY", after / scan, 0.1, at_least=False)
    # both take residuals over respondents, R's in ten sweeps; ours are over design weights unless asked
    same = figures(estimate(cells, population, "respondents"))
    theirs = svy(options.svy_python, file, population, folder, 3)
    if theirs:
        seconds = theirs["seconds"]
        print("svy {} : rake {:.2f} s, mean {:.2f} s, domains {:.2f} s".format(theirs["version"], *seconds))
        against("svy", *same, theirs)
        told("svy / ours", sum(seconds) / (scan + after), 60)
    if options.no_r:
        return
    theirs = r_survey(file, population, folder)
    if theirs:
        seconds = theirs["seconds"]
        print("R survey {} : rake {:.2f} s, mean {:.2f} s, domains {:.2f} s".format(theirs["version"], *seconds))
        against("R", *same, theirs)
        told("R survey / ours", sum(seconds) / (scan + after), 900)


def ten_items(file: Path, population: dict) -> None:
    """Row 4 of the table."""
    keys, items = ["unit", *LEVELS], [f"q{k}" for k in range(ITEMS)]
    fewer, _ = best(5, lambda: sum_responses(file, list(LEVELS), ["q0"]))
    one, _ = best(5, lambda: sum_responses(file, keys, ["q0"]))
    scan, cells = best(3, lambda: sum_responses(file, keys, items))
    after, _ = best(3, lambda: estimate(cells, population, stratum=cells.keys["unit"]))
    print(f"{ITEMS} items, {len(cells.n):,} cells, {UNITS:,} strata: scan {scan:.3f} s, everything after {after:.3f} s")
    print(f"  GROUP BY of one item: {one:.3f} s to the same cells, {fewer:.3f} s to those of the margins")
    told("ten items / GROUP BY of one item to the same cells", (scan + after) / one, 10, at_least=False)
    told("ten items / GROUP BY of one item to the margins' cells", (scan + after) / fewer, 10, at_least=False)


if __name__ == "__main__":
    main()
