"""The api data of R's survey (schools of California), three samples of 6,194 schools, and what that package says.

data/api.R is the calls that wrote data/api.txt (survey 4.1-1, R 4.2.2).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from methods.survey.designs import Design, clustered, simple, stratified
from methods.survey.margins import Margin, margin

DATA = Path(__file__).parent / "data"
TEXT = ("stype", "sch.wide", "awards")
SAMPLES = ("srs", "srs0", "strat", "strat0", "clus1", "clus10")  # 0: without finite population


@dataclass(frozen=True)
class Sample:
    """One of the samples."""

    name: str
    design: Design
    columns: dict[str, np.ndarray]

    def codes(self, name: str) -> np.ndarray:
        return np.unique(self.columns[name], return_inverse=True)[1]

    def margin(self, name: str) -> Margin:
        counts = {"stype": [4421, 755, 1018], "awards": [2027, 4167], "sch.wide": [1072, 5122]}[name]
        return margin(name, self.codes(name), counts, labels=tuple(np.unique(self.columns[name]).tolist()))


def read(name):
    with (DATA / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {c: np.array([row[c] if c in TEXT else float(row[c]) for row in rows]) for c in rows[0]}


@pytest.fixture(scope="session")
def oracle():
    lines = (DATA / "api.txt").read_text(encoding="utf-8").splitlines()
    return {name: np.array(values.split(), float) for name, values in (line.split(":") for line in lines)}


def load(name):
    kind, finite = name.rstrip("0"), not name.endswith("0")
    t = read(f"api{kind}")
    if kind == "srs":
        design = simple(t["pw"], population=6194 if finite else None)
    elif kind == "strat":
        stratum = np.unique(t["stype"], return_inverse=True)[1]
        design = stratified(t["pw"], stratum, population=[4421, 755, 1018] if finite else None)
    else:
        psu = np.unique(t["dnum"], return_inverse=True)[1]
        design = clustered(t["pw"], psu, population=[757] if finite else None)
    return Sample(name, design, t)


@pytest.fixture(scope="session")
def samples():
    return {name: load(name) for name in SAMPLES}


@pytest.fixture(params=SAMPLES)
def sample(request, samples):
    return samples[request.param]
