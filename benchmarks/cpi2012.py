"""Transparency International's Corruption Perceptions Index 2012, rated from files by the shipped scheme `cpi-2012`.

    .venv/bin/python benchmarks/cpi2012.py [FOLDER with cpi2012.csv]

Published: the mean of the sources that a country has, at least 3, rounded. From the rounded sources 153 of the 176
published scores come out exactly (rounded half to even) and all within 1, except Sudan (+2) and Zimbabwe (+3), which
lack a source in the file.
"""

from __future__ import annotations

import csv
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from evaluator.rating.edition import read_edition
from evaluator.rating.run import rate
from evaluator.rating.shipped import shipped
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.verify import verify

NOT_SOURCES = 8  # columns before the sources: country, region and what was published
DATA = Path(__file__).parents[2] / "shared/data"


def main() -> int:
    path = (Path(sys.argv[1]) if len(sys.argv) > 1 else DATA) / "cpi2012.csv"
    if not path.is_file():
        print(f"{path} is not here: give the folder that holds cpi2012.csv", file=sys.stderr)
        return 2
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sources = list(rows[0])[NOT_SOURCES:]
    codes = [re.sub(r"\W+", "_", row["country"]) for row in rows]
    given = [
        (code, source, float(row[source]))
        for code, row in zip(codes, rows, strict=True)
        for source in sources
        if row[source]
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_snapshot(
            folder / "snapshot",
            {
                "units": {
                    "unit": np.array(codes, object),
                    "level": np.full(len(codes), "country", object),
                    "name_en": np.array([row["country"] for row in rows], object),
                },
                "indicators": {
                    "unit": np.array([unit for unit, _, _ in given], object),
                    "indicator": np.array([source for _, source, _ in given], object),
                    "value": np.array([value for _, _, value in given]),
                },
            },
            form="csv",
        )
        rated = rate(shipped()["cpi-2012"], folder / "snapshot", folder / "edition")
        ratings = read_edition(rated.out).table("ratings")
        verdict = verify(rated.out)
    # half to even, as Python rounds
    difference = {
        row["country"]: round(index) - int(row["published_score"])
        for row, index in zip(rows, ratings["index"], strict=True)
    }
    print("seconds:", ", ".join(f"{step} {seconds:.1f}" for step, seconds in rated.seconds.items()))
    print("verified:", "yes" if not verdict.differences else verdict.differences)
    exact = sum(not d for d in difference.values())
    print(f"exact: {exact} of {len(difference)}; differences: {dict(sorted(Counter(difference.values()).items()))}")
    far = {country: d for country, d in difference.items() if abs(d) > 1}
    print(f"further than 1: {far}")
    right = (exact, far) == (153, {"Sudan": 2, "Zimbabwe": 3}) and not verdict.differences
    print("as expected" if right else "NOT as expected")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
