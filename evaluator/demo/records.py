"""What outside systems hold on the simulated units: shares, rates and metrics, and records of dishonesty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from evaluator.demo.province import Province, data, generator
from evaluator.demo.truth import Truth
from evaluator.rating.scheme import Scheme
from evaluator.rating.tabular import Table

HELD = ("", "reported", "missing", "unreported", "nothing_due")


@dataclass(frozen=True, slots=True)
class Holdings:
    """Tables as a snapshot has them, and how each number stands."""

    records: Table
    indicators: Table
    events: Table
    held: NDArray[np.int8]  # (units, indicators) position in HELD; 0 for what records do not tell


def make_holdings(seed: int, province: Province, truth: Truth, scheme: Scheme, days: tuple[date, date]) -> Holdings:
    """Numbers and events of the period.

    Parameters
    ----------
    days
        First and last day of a document.
    """
    words = data("records.yaml")
    rng = generator(seed, "records")
    states = _states(rng, truth)
    size = _size(province) ** words["size"]
    counted = {one.indicator for one in scheme.records.classes if one.use == "indicator"}
    rows: list[tuple[NDArray[np.int64], int, NDArray[np.float64], NDArray[np.float64]]] = []
    metrics: list[tuple[NDArray[np.int64], int, NDArray[np.float64]]] = []
    events = _Events(rng, days)
    for k, indicator in enumerate(truth.indicators):
        if indicator.source not in ("share", "rate", "metric", "ready"):
            continue
        if indicator.code in counted:  # its denominator is an exposure that everybody has
            states[:, k] = np.where(states[:, k] > 0, 1, 0)
        if indicator.source in ("metric", "ready"):
            states[:, k] = np.where(states[:, k] > 2, 1, states[:, k])
        units = np.flatnonzero((states[:, k] > 0) & (states[:, k] != HELD.index("missing")))
        true = truth.value[units, k]
        if indicator.source in ("metric", "ready"):
            metrics.append((units, k, true))
            continue
        due = _due(rng, indicator.code, province, units, size)
        due[states[units, k] == HELD.index("nothing_due")] = 0
        if indicator.source == "share":
            found = rng.binomial(due.astype(np.int64), true).astype(float)
            states[units[due == 0], k] = HELD.index("nothing_due")
        else:
            due = np.where(states[units, k] == HELD.index("nothing_due"), 0, np.maximum(due, 1))
            found = rng.poisson(true / indicator.per * due).astype(float)
        if indicator.code in counted:
            events.happen(scheme, indicator.code, units, true / indicator.per * due)
            found[:] = np.nan
        found[states[units, k] == HELD.index("unreported")] = np.nan
        if indicator.code == scheme.records.deduction_exposure:
            events.cost(scheme, units, words["deductions"] / indicator.per * due)
        rows.append((units, k, found, due))
    events.veto(scheme, province)
    codes = np.array([one.code for one in truth.indicators], object)
    records: Table = {
        "unit": province.code[np.concatenate([row[0] for row in rows])],
        "indicator": np.repeat(codes[[row[1] for row in rows]], [len(row[0]) for row in rows]),
        "numerator": np.concatenate([row[2] for row in rows]),
        "denominator": np.concatenate([row[3] for row in rows]),
    }
    values: Table = {
        "unit": province.code[np.concatenate([row[0] for row in metrics])],
        "indicator": np.repeat(codes[[row[1] for row in metrics]], [len(row[0]) for row in metrics]),
        "value": np.concatenate([row[2] for row in metrics]),
        "standard_error": np.full(sum(len(row[0]) for row in metrics), np.nan),
    }
    return Holdings(records, values, events.table(province), states)


def _states(rng: np.random.Generator, truth: Truth) -> NDArray[np.int8]:
    absent = data("records.yaml")["absent"]
    told = np.array([one.source not in ("citizen", "assessor") for one in truth.indicators])
    applies = ~np.isnan(truth.value) & told
    names = list(absent)
    shares = np.array([absent[name] for name in names])
    chosen = rng.choice([1, *(HELD.index(name) for name in names)], truth.value.shape, p=[1 - shares.sum(), *shares])
    return np.where(applies, chosen, 0).astype(np.int8)


def _size(province: Province) -> NDArray[np.float64]:
    """Population over the mean of the level."""
    size = np.ones(len(province))
    for level in np.unique(province.level):
        at = province.level == level
        size[at] = np.maximum(province.population[at], 1) / max(province.population[at].mean(), 1.0)
    return size


def _due(
    rng: np.random.Generator, code: str, province: Province, units: NDArray[np.int64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    typical = data("truth.yaml")["indicators"][code]["due"]
    mean = np.array([typical[level] for level in province.level[units]]) * size[units]
    return rng.poisson(mean * rng.lognormal(0, data("records.yaml")["scatter"], len(units))).astype(float)


class _Events:
    """Records of dishonesty and facts that veto, as they come up."""

    def __init__(self, rng: np.random.Generator, days: tuple[date, date]) -> None:
        self.rng, self.days = rng, days
        self.rows: list[tuple[int, str, str]] = []  # unit, class, state

    def happen(self, scheme: Scheme, indicator: str, units: NDArray[np.int64], expected: NDArray[np.float64]) -> None:
        """Records that an indicator counts, so many that their weights by state add up to the true rate."""
        classes = [one.code for one in scheme.records.classes if one.indicator == indicator and one.use == "indicator"]
        shares = data("records.yaml")["states"]
        counts = sum(share * scheme.records.weight.get(state, 0.0) for state, share in shares.items())
        for unit, number in zip(units.tolist(), self.rng.poisson(expected / counts).tolist(), strict=True):
            for _ in range(number):
                state = str(self.rng.choice(list(shares), p=list(shares.values())))
                self.rows.append((unit, classes[int(self.rng.integers(0, len(classes)))], state))

    def cost(self, scheme: Scheme, units: NDArray[np.int64], expected: NDArray[np.float64]) -> None:
        """Records that take points off."""
        for one in scheme.records.classes:
            if one.use == "deduction":
                for unit, number in zip(units.tolist(), self.rng.poisson(expected).tolist(), strict=True):
                    states = self.rng.choice(["final", "rectified", "contested"], number, p=[0.7, 0.2, 0.1])
                    self.rows += [(unit, one.code, str(state)) for state in states]

    def veto(self, scheme: Scheme, province: Province) -> None:
        """Facts that cap a grade, for a few units; one of them still contested."""
        about = data("records.yaml")["vetoes"]
        by_class = {one.veto: one.code for one in scheme.records.classes if one.use == "veto"}
        below = np.flatnonzero(np.isin(province.level, ["K", "T"]))
        for veto in scheme.vetoes:
            for number, unit in enumerate(self.rng.choice(below, min(about["units"], len(below)), replace=False)):
                state = "contested" if number < about["contested"] else "final"
                self.rows.append((int(unit), by_class.get(veto.code, veto.code), state))

    def table(self, province: Province) -> Table:
        """In the order of documents, under numbers that say nothing else."""
        first, last = self.days
        length = (last - first).days
        document = self.rng.integers(0, length + 1, len(self.rows))
        since = document + (self.rng.random(len(self.rows)) * (length + 1 - document)).astype(np.int64)
        order = np.argsort(document, kind="stable")
        day = [(first + timedelta(int(n))).isoformat() for n in range(length + 1)]
        return {
            "unit": np.array([province.code[self.rows[k][0]] for k in order], object),
            "record": np.array([f"R{number + 1:05d}" for number in range(len(order))], object),
            "class": np.array([self.rows[k][1] for k in order], object),
            "document_date": np.array([day[document[k]] for k in order], object),
            "state": np.array([self.rows[k][2] for k in order], object),
            "state_date": np.array([day[since[k]] for k in order], object),
        }
