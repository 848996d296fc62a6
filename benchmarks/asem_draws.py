"""Monte Carlo draws of a real index: treat, normalise, aggregate, rank, each draw anew, as COINr does it.

    .venv/bin/python benchmarks/asem_draws.py [--draws 10000] [--quick] [FOLDER with asem_*.csv]

The ASEM Sustainable Connectivity index, 51 countries x 49 indicators over four levels: every draw disturbs the imputed
data by 5 % of each indicator's standard deviation, winsorises by skewness and kurtosis, normalises between least and
most, takes arithmetic means up to the index, and ranks. Draw 0 is without noise and must be COINr's index to 1e-8.
COINr is measured side by side where R has it; else its 73 ms a draw, as measured when the issue was written, stand.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from methods.index.hierarchy import Hierarchy, Presence, aggregate, hierarchy, presence
from methods.index.normalisation import minmax
from methods.index.treatment import Limits, treat

DATA = Path(__file__).parents[1] / "tests/methods/index/data"
BLOCK = 256  # draws at a time
NOISE = 0.05  # of an indicator's standard deviation
COINR = 73_000.0  # us a draw, told in the issue
WANTED = 73.0  # us a draw

COINR_SCRIPT = """
suppressMessages(library(COINr))
coin <- suppressMessages(build_example_coin(quietly = TRUE))
imputed <- get_dset(coin, "Imputed"); ind <- setdiff(names(imputed), "uCode")
sd <- sapply(imputed[ind], sd); set.seed(1)
one <- function() {
  x <- imputed
  x[ind] <- x[ind] + NOISE * matrix(rnorm(nrow(x) * length(ind)), nrow(x)) %*% diag(sd)
  coin$Data$Imputed <- x
  coin <- qTreat(coin, dset = "Imputed", winmax = 5)
  coin <- Normalise(coin, dset = "Treated")
  coin <- Aggregate(coin, dset = "Normalised", f_ag = "a_amean")
  rank(-coin$Data$Aggregated$Index, ties.method = "min")
}
suppressMessages(one())
took <- system.time(suppressMessages(for (r in 1:50) one()))[["elapsed"]]
cat(took / 50 * 1e6)
"""


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"asem_{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def coinr() -> float | None:
    """us a draw of COINr, where R and COINr are here."""
    with tempfile.NamedTemporaryFile("w", suffix=".R") as file:
        file.write(COINR_SCRIPT.replace("NOISE", str(NOISE)))
        file.flush()
        try:
            done = subprocess.run(["Rscript", file.name], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    return float(done.stdout.split()[-1])


class Index:
    """The recipe, and what a block of draws goes through."""

    def __init__(self, folder: Path) -> None:
        meta = [row for row in rows(folder, "imeta") if row["Type"] in ("Indicator", "Aggregate")]
        codes = [row["iCode"] for row in meta]
        parents = [None if row["Parent"] == "NA" else row["Parent"] for row in meta]
        indicators = [row for row in meta if row["Type"] == "Indicator"]
        self.direction = np.array([int(row["Direction"]) for row in indicators])
        self.raw = np.array([[float(row[i["iCode"]]) for i in indicators] for row in rows(folder, "imputed")])
        self.expected = np.array([float(row["Index"]) for row in rows(folder, "aggregated")])
        self.tree: Hierarchy = hierarchy(codes, parents, [float(row["Weight"]) for row in meta])
        self.has: Presence = presence(self.tree, np.ones(self.raw.shape, bool))
        self.spread = NOISE * self.raw.std(axis=0, ddof=1)
        self.limits = Limits()

    def noisy(self, number: int) -> NDArray[np.float64]:
        """(BLOCK, units, indicators) of block `number`, draws last in memory; draw 0 of block 0 without noise."""
        rng = np.random.Generator(np.random.Philox(key=[1, number]))
        units, indicators = self.raw.shape
        z = rng.standard_normal((indicators, units, BLOCK))
        z *= self.spread[:, None, None]
        z += self.raw.T[:, :, None]
        if number == 0:
            z[:, :, 0] = self.raw.T
        return z.transpose(2, 1, 0)

    def index_of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(draws, units)."""
        scores = minmax(treat(values, self.limits).values, self.direction)
        return aggregate(self.tree, self.has, scores)[..., self.tree.root - self.tree.indicators]

    def ranks_of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(draws, units), 1 the best."""
        return np.asarray(rankdata(-self.index_of(values), method="min", axis=-1), np.float64)


def timed(work: Callable[[int], object], blocks: int, threads: int) -> tuple[float, float]:
    """us a draw, by the clock and of the processor (less than the clock says where others use the machine)."""
    before, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(blocks)))
    draws = blocks * BLOCK
    return (time.perf_counter() - before) / draws * 1e6, (time.process_time() - used) / draws * 1e6


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--draws", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true", help="a tenth of the draws")
    options = parser.parse_args()
    index = Index(options.folder)
    blocks = max(1, options.draws // (10 if options.quick else 1) // BLOCK)
    np.ones(31 << 17)  # 31 MB taken and given back: from now on the C library keeps what it frees, as a long run does
    ready = [index.noisy(number) for number in range(8)]

    off = float(np.abs(index.index_of(ready[0])[0] - index.expected).max())
    print(f"draw 0 without noise: largest difference from COINr's index {off:.1e}")

    def drawn(number: int) -> object:
        return index.ranks_of(index.noisy(number))

    def given(number: int) -> object:
        return index.ranks_of(ready[number % len(ready)])

    cores = os.cpu_count() or 1
    best: dict[tuple[str, int], float] = {}
    for threads in sorted({1, cores}):
        for name, work in (("treat, normalise, aggregate, rank", given), ("the same with drawing the noise", drawn)):
            clock, processor = (
                min(times) for times in zip(*(timed(work, blocks, threads) for _ in range(3)), strict=True)
            )
            best[name, threads] = clock
            print(f"{name}, {threads} threads: {clock:.1f} us a draw ({processor:.1f} us of processor)")
    theirs = coinr()
    told = "measured now" if theirs else "told in the issue; R has no COINr here"
    ours = best["the same with drawing the noise", cores]
    theirs = theirs or COINR
    print(f"COINr: {theirs:.0f} us a draw ({told})")
    for (name, threads), took in best.items():
        print(f"  {theirs / took:6.0f} times faster: {name}, {threads} threads")
    right = off < 1e-8 and ours <= WANTED
    print(f"wanted: at most {WANTED:.0f} us a draw. {'reached' if right else 'NOT reached'}: {ours:.1f}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
