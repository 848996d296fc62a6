"""The ASEM Sustainable Connectivity index: 51 countries, 49 indicators, every data set of COINr's example.

The files in data/ are what `build_example_coin()` of COINr 1.1 (R) holds: idata and imeta go in; denominated, imputed
(by the mean of Europe or Asia), treated, normalised and aggregated come out; results are rounded to two decimals.
"""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

STAGES = ("idata", "denominated", "imputed", "treated", "normalised", "aggregated", "results")


def read(name):
    with (Path(__file__).parent / f"data/asem_{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers(rows, columns):
    return np.array([[float("nan" if row[c] == "NA" else row[c]) for c in columns] for row in rows])


@pytest.fixture(scope="session")
def asem():
    meta = read("imeta")
    nodes = [row for row in meta if row["Type"] in ("Indicator", "Aggregate")]
    indicators = [row["iCode"] for row in nodes if row["Type"] == "Indicator"]
    groups = [row["iCode"] for row in nodes if row["Type"] == "Aggregate"]
    denominators = [row["iCode"] for row in meta if row["Type"] == "Denominator"]
    rows = {stage: sorted(read(stage), key=lambda row: row["uCode"]) for stage in STAGES}
    divided_by = [row["Denominator"] for row in nodes if row["Type"] == "Indicator"]
    return SimpleNamespace(
        units=[row["uCode"] for row in rows["idata"]],
        region=np.array([row["EurAsia_group"] for row in rows["idata"]]),
        indicators=indicators,
        groups=groups,
        nodes=[row["iCode"] for row in nodes],
        parents=[None if row["Parent"] == "NA" else row["Parent"] for row in nodes],
        weight=[float(row["Weight"]) for row in nodes],
        direction=np.array([int(row["Direction"]) for row in nodes if row["Type"] == "Indicator"]),
        by=np.array([-1 if d == "NA" else denominators.index(d) for d in divided_by]),
        denominators=numbers(rows["idata"], denominators),
        index=numbers(rows["aggregated"], groups),
        rank=numbers(rows["results"], ["Rank"])[:, 0],
        **{stage: numbers(rows[stage], indicators) for stage in STAGES[:5]},
    )
