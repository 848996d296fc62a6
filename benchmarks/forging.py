"""Is a forging figure true? Forge as many answers as it says in a simulated province, rate again, and look.

    OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/forging.py [--quick] [--units N] [--responses N] [--cities N]
        [--kinds codes replaced assessors]

The figure is computed with everything fitted frozen; rating again fits everything anew (its draws are left out: the
index and its band need none). For units drawn at random from each band, and for unused codes and for replaced answers,
prints: whether the predicted number F lifts the index over the next better grade's limit and F - 1 does not; the number
that would have been needed, by the slope of the index there; whether it lies in the same band; and the time that the
figures of all units take. Of bought assessors every choice of F and of F - 1 of a unit's is tried, and where the figure
says that not even all of them are enough, all.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np

from evaluator.demo.calendar import calendar_of
from evaluator.demo.direct import write_simulated_snapshot
from evaluator.demo.simulation import simulate
from evaluator.rating.case import Taken, open_case
from evaluator.rating.estimates import Estimates, estimate
from evaluator.rating.forging import Numbers, forging_numbers
from evaluator.rating.groups import apart
from evaluator.rating.published import factors_table, inputs_table, read_back
from evaluator.rating.results import rounded
from evaluator.rating.scheme import Scheme
from evaluator.rating.snapshot import Snapshot, read_snapshot
from methods.forging.bands import band_of
from methods.ranking.grades import band
from methods.small_areas.direct import counted
from methods.survey.cells import reduce_responses


def index_of(scheme: Scheme, snapshot: Snapshot, estimates: Estimates) -> np.ndarray:
    """The published index of every unit: of the rounded inputs, before any draw."""
    units = snapshot.tables["units"]
    published = read_back(
        scheme, units, inputs_table(scheme, units, estimates), factors_table(scheme, units, estimates)
    )
    case = open_case(scheme, units, published, taken(units, estimates))
    return np.where(case.enough, rounded(case.index), np.nan)


def taken(units: dict, estimates: Estimates) -> Taken:
    return Taken(rounded(estimates.deductions), estimates.vetoes, [""] * len(units["unit"]))


def whole(parts: np.ndarray) -> np.ndarray:
    """Fractions as whole numbers of the same sum, the largest remainders up."""
    found = np.floor(parts + 1e-9).astype(int)
    left = round(float(parts.sum())) - found.sum()
    found[np.argsort(found - parts, kind="stable")[:left]] += 1
    return found


class Province:
    """A simulated snapshot that can be forged."""

    def __init__(self, folder: Path, scheme: Scheme) -> None:
        self.scheme = scheme
        self.snapshot = read_snapshot(folder, scheme)
        self.estimates = estimate(scheme, self.snapshot)
        self.codes = self.snapshot.tables["units"]["unit"]
        self.index = index_of(scheme, self.snapshot, self.estimates)
        limits = np.array([limit for _, limit in scheme.grades.bands])
        self.grade = band(self.index, limits)
        self.goal = np.where(self.grade > 0, limits[np.maximum(self.grade - 1, 0)], np.inf)
        with duckdb.connect() as connection:
            self.responses = connection.execute(f"SELECT * FROM '{self.snapshot.responses}'").fetchnumpy()
        self.responses = {name: np.ma.filled(np.ma.asarray(v).astype(object), "") for name, v in self.responses.items()}
        cells = reduce_responses(self.snapshot.responses, self.snapshot.scoring, without=apart(scheme)).cells
        known = {code: k for k, code in enumerate(self.codes.tolist())}
        used = counted(cells.unit, cells.mode, cells.flagged, known, "main")
        self.strata = {name: column[used] for name, column in cells.strata.items()}
        self.cell_unit = cells.unit[used]
        self.best = {}
        for scoring in self.snapshot.scoring.values():
            for one in scoring:
                if one.kind == "single" and any(score is not None for score in one.scores.values()):
                    self.best[one.column] = max((s, c) for c, s in one.scores.items() if s is not None)[1]
                elif one.kind == "any":
                    self.best[one.column] = next(c for c in one.codes if c not in (*one.hit, *one.missing))
                elif one.kind == "linear":
                    self.best[one.column] = str(int(one.high))

    def numbers(self) -> Numbers:
        units = self.snapshot.tables["units"]
        published = read_back(
            self.scheme, units, inputs_table(self.scheme, units, self.estimates),
            factors_table(self.scheme, units, self.estimates),
        )  # fmt: skip
        names = np.array([*(grade for grade, _ in self.scheme.grades.bands), ""], object)
        ratings = {"grade": names[self.grade]}
        return forging_numbers(
            self.scheme, self.snapshot, self.estimates, units, published, taken(units, self.estimates), ratings
        )

    def assessors(self, unit: int) -> list[tuple[str, str]]:
        """Who assesses a unit: institute and pseudonym."""
        table = self.snapshot.tables["assessments"]
        mine = table["unit"] == self.codes[unit]
        return sorted(set(zip(table["institute"][mine].tolist(), table["assessor"][mine].tolist(), strict=True)))

    def bought(self, unit: int, who: tuple[tuple[str, str], ...]) -> Snapshot:
        """The snapshot after some of a unit's assessors gave it the best score on all of their criteria."""
        table = dict(self.snapshot.tables["assessments"])
        best = {one.code: (one.scale or one.goal)[int(one.goal[1] > one.goal[0])] for one in self.scheme.indicators
                if one.source == "assessor" and one.goal}  # fmt: skip
        score = table["score"].copy()
        rows = zip(*(table[name].tolist() for name in ("unit", "institute", "assessor", "criterion")), strict=True)
        for row, (code, institute, assessor, criterion) in enumerate(rows):
            if code == self.codes[unit] and (institute, assessor) in who:
                score[row] = best.get(criterion, score[row])
        tables = dict(self.snapshot.tables) | {"assessments": table | {"score": score}}
        return replace(self.snapshot, tables=tables)

    def best_with(self, unit: int, number: int) -> float:
        """The unit's index with so many of its assessors bought, the choice that lifts it most."""
        if number == 0:
            return float(self.index[unit])
        return max(
            float(index_of(self.scheme, forged, estimate(self.scheme, forged))[unit])
            for forged in (self.bought(unit, who) for who in combinations(self.assessors(unit), number))
        )

    def alike(self, like: int) -> np.ndarray:
        """Rows of the weighted respondents of the same unit in the same calibrated cells."""
        given = self.estimates.citizens.weighted
        same = (given.unit == given.unit[like]) & (given.design_cell == given.design_cell[like])
        for margin in given.margins:
            same &= margin.cell == margin.cell[like]
        return np.flatnonzero(same)

    def of_stratum(self, unit: int, like: int) -> np.ndarray:
        """Invited responses on a unit in the same calibrated cells as a row of the weighted respondents."""
        wanted = {tuple(values[row] for values in self.strata.values()) for row in self.alike(like)}
        r = self.responses
        invited = np.flatnonzero((r["unit"] == self.codes[unit]) & (r["mode"] == "invitation"))
        told = zip(*(r[name][invited] for name in self.strata), strict=True)
        return invited[[one in wanted for one in told]]

    def with_answers(self, folder: Path, unit: int, numbers: Numbers, F: int, kind: str) -> Snapshot:
        """The snapshot after so many forged answers."""
        who = numbers.respondents
        rows = np.flatnonzero(who.unit == unit)
        parts = (numbers.added if kind == "codes" else numbers.taken)[rows]
        parts = whole(parts * (F / parts.sum())) if parts.sum() else whole(parts)
        responses = {name: column.copy() for name, column in self.responses.items()}
        sample = dict(self.snapshot.tables["sample"])
        if kind == "codes":
            template = [
                self._like(unit, one)
                for k, count in enumerate(parts.tolist())
                for one in self._spread(int(numbers.like[rows[k]]), count)
            ]
            new = {name: [row[name] for row in template] for name in responses}
            responses = {name: np.concatenate([responses[name], np.array(new[name], object)]) for name in responses}
            sample["responded"] = sample["responded"] + np.where(sample["unit"] == self.codes[unit], F, 0.0)
        else:
            for k, count in enumerate(parts.tolist()):
                self._replace(responses, unit, int(numbers.like[rows[k]]), count)
        path = folder / f"forged-{unit}-{kind}-{F}.parquet"
        names = ", ".join(f'nullif("{name}", \'\') AS "{name}"' for name in responses)
        with duckdb.connect() as connection:
            connection.register("r", responses)
            connection.execute(f"COPY (SELECT {names} FROM r) TO '{path}' (FORMAT parquet)")
        return replace(self.snapshot, responses=path, tables=dict(self.snapshot.tables) | {"sample": sample})

    def _spread(self, like: int, count: int) -> list[int]:
        """Rows that forged answers of a stratum take after: spread as its respondents are over what it holds together.

        Where an area is not calibrated for want of answers it may be with the forged ones, and answers of one kind
        would then be weighted down.
        """
        if like < 0:
            return [like] * count
        rows = self.alike(like)
        people = np.repeat(rows, self.estimates.citizens.weighted.n[rows].astype(int))
        return people[((np.arange(count) + 0.5) * len(people) / max(count, 1)).astype(int)].tolist()

    def _like(self, unit: int, like: int) -> dict[str, str]:
        row = dict.fromkeys(self.responses, "")
        row |= {name: str(values[like]) for name, values in self.strata.items()} if like >= 0 else {}
        row |= {"unit": self.codes[unit], "mode": "invitation", "campaign": next(iter(self.snapshot.scoring))}
        return row | {"day": self.responses["day"][0]} | self.best

    def _replace(self, responses: dict[str, np.ndarray], unit: int, like: int, count: int) -> None:
        """Replace so many respondents of a stratum, spread over all so that the rest keep their mean."""
        there = self.of_stratum(unit, like)
        score = np.zeros(len(there))
        for name, best in self.best.items():
            score += responses[name][there] == best
        order = there[np.argsort(score, kind="stable")]
        chosen = order[((np.arange(count) + 0.5) * len(order) / max(count, 1)).astype(int)]
        for name in responses:
            if name.startswith("q_"):
                responses[name][chosen] = self.best.get(name, "")


def still_needed(F: int, start: float, goal: float, at: float, before: float) -> int:
    """The number that would have been needed, from the slope of the index near F."""
    reached, number = (before, F - 1) if before >= goal and F > 1 else (at, F)
    slope = (reached - start) / number
    return 10**6 if slope <= 0 else max(1, number + math.ceil((goal - reached) / slope - 1e-9))


def bought_assessors(
    province: Province, found: np.ndarray, each: int, rng: np.random.Generator
) -> list[tuple[bool, bool, bool, float]]:
    """Attacks by buying F assessors, and by buying all where that is said not to be enough."""
    told = []
    for unit in rng.permutation(np.flatnonzero(found > 0))[:each].tolist():
        F, goal = int(found[unit]), province.goal[unit]
        at, before = province.best_with(unit, F), province.best_with(unit, F - 1)
        needed = F - 1 if before >= goal else F if at >= goal else F + 1
        told.append((at >= goal, before < goal, band_of(needed) == band_of(F), needed / F - 1))
        line = f"assessors {province.codes[unit]:>10} {F:>5} {province.index[unit]:>8.3f} {goal:>5.0f} {at:>8.3f}"
        print(f"{line} {before:>8.3f} {needed:>7}  of {len(province.assessors(unit))}", flush=True)
    impossible = rng.permutation(np.flatnonzero((found == -1) & np.isfinite(province.goal) & ~np.isnan(province.index)))
    tried = [unit for unit in impossible.tolist() if province.assessors(unit)][:each]
    held = sum(province.best_with(unit, len(province.assessors(unit))) < province.goal[unit] for unit in tried)
    print(f"assessors: not even all are enough, as said, for {held} of {len(tried)}")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 units a band")
    parser.add_argument("--units", type=int, default=6, help="units a band")
    parser.add_argument("--responses", type=int, default=30_000)
    parser.add_argument("--cities", type=int, default=3)
    parser.add_argument("--townships", type=int, default=6)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kinds", nargs="+", default=["codes", "replaced", "assessors"], help="which attacks")
    chosen = parser.parse_args()
    each = 2 if chosen.quick else chosen.units
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = simulate(chosen.seed, chosen.responses, calendar_of(date(2026, 11, 25)), chosen.cities, chosen.townships)
        write_simulated_snapshot(folder / "snapshot", made)
        province = Province(folder / "snapshot", made.scheme)
        began = time.process_time()
        numbers = province.numbers()
        spent = time.process_time() - began
        count, answers = len(province.codes), len(province.responses["unit"])
        print(f"{count} units, {answers:,} responses: figures of all in {spent:.1f} s of a processor")
        for title, found in (
            ("codes", numbers.codes),
            ("replaced", numbers.replaced),
            ("assessors", numbers.assessors),
        ):
            bands = Counter(band_of(int(one)) for one in found if one > -2)
            print(f"  {title}: " + ", ".join(f"{band} {many}" for band, many in bands.most_common()))
        rng = np.random.default_rng(3)
        print("   attack       unit     F    index  goal     at F   at F-1  needed  band")
        told: dict[str, list[tuple[bool, bool, bool, float]]] = defaultdict(list)
        for kind, found in (("codes", numbers.codes), ("replaced", numbers.replaced)):
            if kind not in chosen.kinds:
                continue
            by_band = defaultdict(list)
            for unit in np.flatnonzero(found > 0).tolist():
                by_band[band_of(int(found[unit]))].append(unit)
            for said, units in sorted(by_band.items()):
                for unit in rng.permutation(units)[:each].tolist():
                    F, start, goal = int(found[unit]), province.index[unit], province.goal[unit]
                    at, before = (
                        index_of(made.scheme, forged, estimate(made.scheme, forged))[unit]
                        for forged in (province.with_answers(folder, unit, numbers, n, kind) for n in (F, F - 1))
                    )
                    needed = still_needed(F, start, goal, at, before)
                    told[kind].append((at >= goal, before < goal, band_of(needed) == said, needed / F - 1))
                    other = "" if band_of(needed) == said else f" -> {band_of(needed)}"
                    line = f"{kind:>9} {province.codes[unit]:>10} {F:>5} {start:>8.3f} {goal:>5.0f} {at:>8.3f}"
                    print(f"{line} {before:>8.3f} {needed:>7}  {said}{other}", flush=True)
        if "assessors" in chosen.kinds:
            told["assessors"] = bought_assessors(province, numbers.assessors, each, rng)
        for kind, rows in told.items():
            if not rows:
                print(f"{kind}: no attack")
                continue
            enough, less, same, off = (np.array(column) for column in zip(*rows, strict=True))
            off = np.abs(off)
            print(
                f"{kind}: {len(rows)} attacks; F moves the grade {enough.sum()}, F - 1 does not {less.sum()}, "
                f"the needed number is in the same band {same.sum()}; it differs from F by {np.median(off):.1%} in the "
                f"median, {np.quantile(off, 0.8):.1%} in four of five"
            )


if __name__ == "__main__":
    main()
