"""How long rank sets of a province's counties and tiers of its townships take.

    OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/ranks_tiers.py

Rank sets, marginal and simultaneous, of 151 units with 10,000 draws: under 30 s. Tiers of 1,853 units with 4,096 draws:
ranks of the draws, counts of all pairs, thresholds, dynamic programme, local moves.
"""

from __future__ import annotations

import os
import time

import numpy as np

from methods.ranking.ranks import credible_ranks, rank_draws, rank_sets
from methods.ranking.tiers import pairwise_counts, tiers


def main() -> None:
    """Measure and print."""
    threads = len(os.sched_getaffinity(0))
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    truth = rng.normal(70, 6, 151)
    errors = rng.normal(0, 1.5, (10_000, 151)) + rng.normal(0, 1, (10_000, 1))
    begin = time.perf_counter()
    sets = rank_sets(truth + rng.normal(0, 1.5, 151), errors, threads=threads)
    took, width = time.perf_counter() - begin, (sets.upper - sets.lower).mean()
    print(f"rank sets of 151 units, 10,000 draws, {threads} threads: {took:.2f} s (under 30), mean width {width:.1f}")
    truth = rng.normal(70, 6, 1853)
    posterior = (truth + rng.normal(0, 3, 1853))[:, None] * 0.8 + 14 + np.sqrt(0.8) * rng.normal(0, 3, (1853, 4096))
    start = time.perf_counter()
    ranks = rank_draws(posterior)
    ranked = time.perf_counter()
    lower, upper = credible_ranks(ranks)
    credible = time.perf_counter()
    counts = pairwise_counts(ranks, threads=threads)
    counted = time.perf_counter()
    found = tiers(counts, posterior.mean(axis=1), 4096)
    done = time.perf_counter()
    print(
        f"credible ranks of 1,853 units, 4,096 draws: {credible - start:.2f} s, mean width {(upper - lower).mean():.0f}"
    )
    print(
        f"tiers of 1,853 units, 4,096 draws, {threads} threads: {ranked - start + done - credible:.2f} s (ranks "
        f"{ranked - start:.2f}, pairs {counted - credible:.2f}, tiers {done - counted:.2f}); {found.tier.max()} tiers, "
        f"{found.separated} pairs apart, {found.misordered:.4f} of them expected misordered (at most 0.05)"
    )


if __name__ == "__main__":
    main()
