"""Near-duplicates: exact against all pairs on 20,000 responses, and the work as responses grow to a million.

    OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/near_duplicates.py [--quick] [--share 0.85]

20 items of 5 codes that hang together by one factor, 5 % of answers missing, one respondent in four on a route that
leaves out 8 items. 1 % of responses are planted: copies of another one with up to three answers changed. Compared over
the whole campaign (hardest) and within units of about 500 responses, as a questionnaire registers it. Seconds are those
of the processor.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from methods.response_quality import rules as registered
from methods.response_quality.contradictions import Contradiction
from methods.response_quality.duplicates import near_duplicates
from methods.response_quality.rules import Rules, flag_responses

ITEMS, CODES, ROUTE, LEAST = 20, 5, 8, 10


def campaign(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers, and which responses are planted copies of another."""
    lead = rng.normal(size=(rows, 1)).astype(np.float32)
    latent = np.sqrt(0.3) * lead + np.sqrt(0.7) * rng.normal(size=(rows, ITEMS)).astype(np.float32)
    codes = np.digitize(latent + rng.normal(0, 0.4, ITEMS), [-1.2, -0.4, 0.4, 1.2]).astype(np.int8)
    codes[rng.random(codes.shape) < 0.05] = -1
    codes[rng.random(rows) < 0.25, :ROUTE] = -1
    planted = rng.choice(rows, rows // 100, replace=False)
    source = rng.choice(np.setdiff1d(np.arange(rows), planted), len(planted))
    codes[planted] = codes[source]
    for row in planted.tolist():
        changed = rng.integers(0, ITEMS, rng.integers(0, 4))
        codes[row, changed] = rng.integers(0, CODES, len(changed))
    return codes, np.stack([planted, source])


def match(codes: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    either = (codes[a] >= 0) | (codes[b] >= 0)
    return ((codes[a] == codes[b]) & either).sum(axis=1) / either.sum(axis=1)


def all_pairs(codes: np.ndarray) -> np.ndarray:
    """The highest match of each response: counts of equal answers as products of indicator matrices."""
    hot = np.concatenate([codes == code for code in range(CODES)], axis=1).astype(np.float32)
    there = (codes >= 0).astype(np.float32)
    answered = there.sum(axis=1)
    usable = answered >= LEAST
    best = np.full(len(codes), -1.0)
    for begin in range(0, len(codes), 500):
        part = slice(begin, begin + 500)
        same, both = hot[part] @ hot.T, there[part] @ there.T
        share = same / np.maximum(answered[part, None] + answered[None, :] - both, 1)
        share[:, ~usable] = -1
        share[np.arange(len(share)), np.arange(begin, begin + len(share))] = -1
        best[part] = share.max(axis=1)
    return np.where(usable, best, -1)


def recall(codes: np.ndarray, planted: np.ndarray, flagged: np.ndarray, share: float) -> tuple[int, int]:
    """Planted copies that match their source as asked for, and how many of them were found."""
    enough = np.minimum(*((codes[one] >= 0).sum(axis=1) for one in planted)) >= LEAST
    should = enough & (match(codes, *planted) >= share - 1e-9)
    return int(should.sum()), int((flagged[planted[0]] & should).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="up to 100,000 responses, 5,000 against all pairs")
    parser.add_argument("--share", type=float, default=0.85)
    chosen = parser.parse_args()
    rng = np.random.default_rng(20)
    rows = 5_000 if chosen.quick else 20_000
    codes, planted = campaign(rng, rows)
    began = time.process_time()
    brute = all_pairs(codes) >= chosen.share - 1e-9
    between = time.process_time()
    found = near_duplicates(codes, chosen.share, min_answered=LEAST)
    ended = time.process_time()
    slow, fast = between - began, ended - between
    agree = "the same" if np.array_equal(brute, found.flagged) else "DIFFERENT"
    print(f"{rows:,} responses against all pairs: {agree} {int(brute.sum())} flagged; all pairs {slow:.2f} s, "
          f"ours {fast:.3f} s ({slow / fast:.0f} times faster)")  # fmt: skip
    print(" responses    within  seconds  us each pairs each  flagged  planted found")
    sizes = [10_000, 100_000] if chosen.quick else [10_000, 100_000, 1_000_000]
    last: dict[str, float] = {}
    for size in sizes:
        codes, planted = campaign(rng, size)
        unit = rng.integers(0, max(size // 500, 1), size)
        unit[planted[0]] = unit[planted[1]]
        for within, group in (("campaign", None), ("unit", unit)):
            began = time.process_time()
            found = near_duplicates(codes, chosen.share, group, LEAST)
            took = time.process_time() - began
            should, got = recall(codes, planted, found.flagged, chosen.share)
            grown = f"  x {took / last[within]:.1f} for x 10 responses (all pairs: x 100)" if within in last else ""
            last[within] = took
            print(f"{size:>10,} {within:>9} {took:>8.2f} {1e6 * took / size:>8.2f} {found.compared / size:>10.1f} "
                  f"{found.flagged.mean():>8.2%} {got:>6,} of {should:>6,}{grown}")  # fmt: skip
    every = tuple(range(ITEMS))
    rules = Rules(
        speed=registered.Speed(0),
        longstring=registered.Longstring(every, 8),
        variability=registered.Variability(every, 0.3),
        even_odd=registered.EvenOdd(tuple((k, k + 1) for k in range(0, ITEMS, 2)), -0.9),
        mahalanobis=registered.Mahalanobis(every, 1e-4),
        contradictions=(Contradiction("both", ((8, (0,)), (9, (4,)))),),
        near_duplicate=registered.NearDuplicate(every, chosen.share, LEAST),
        burst=registered.Burst(1e-6),
    )
    began = time.process_time()
    flags = flag_responses(codes, rules, speed=rng.integers(0, 3, size), unit=unit, day=rng.integers(0, 60, size))
    took = time.process_time() - began
    shares = ", ".join(f"{name} {up:.2%}" for name, up in zip(flags.names, flags.raised.mean(axis=0), strict=True))
    print(f"all rules on {size:,} x {ITEMS}: {took:.1f} s; {shares}")


if __name__ == "__main__":
    main()
