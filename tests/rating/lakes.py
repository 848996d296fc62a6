"""A small invented place with every kind of source, as the files somebody else would bring."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import Table

DATA = Path(__file__).parent / "data"
SCHEME = DATA / "small-scheme.yaml"
QUESTIONNAIRE = DATA / "lakes@1.yaml"
PERIOD = (date(2031, 1, 1), date(2031, 12, 31))
MUNICIPALITIES = [f"m{number:02}" for number in range(10)]
OFFICES = [f"o{number:02}" for number in range(9)]
RATED = ["r", *MUNICIPALITIES, *OFFICES]


def texts(values: list[str]) -> np.ndarray:
    return np.array(values, dtype=object)


def lake_tables() -> dict[str, Table]:
    """Tables of the invented place; the same each time."""
    rng = np.random.default_rng(7)
    areas = ["r", *MUNICIPALITIES]
    level = ["R", *("M" for _ in MUNICIPALITIES), *("O" for _ in OFFICES)]
    parent = ["", *("r" for _ in MUNICIPALITIES), *MUNICIPALITIES[: len(OFFICES)]]
    people = np.array([50_000.0, *rng.integers(2000, 9000, len(MUNICIPALITIES)), *([np.nan] * len(OFFICES))])
    due = rng.integers(20, 60, len(areas)).astype(float)
    exposure = rng.integers(200, 900, len(areas)).astype(float)
    assessed = [(unit, who) for unit in RATED for who in ("x1", "x2", "y1")]
    units, asked = _sampled(), 30
    return {
        "units": {
            "unit": texts(RATED),
            "parent": texts(parent),
            "level": texts(level),
            "name_en": texts([f"Place {unit}" for unit in RATED]),
            "population": people,
            "x_density": np.round(rng.normal(size=len(RATED)), 3),
        },
        "sample": {
            "unit": texts(units),
            "design_stratum": texts(["all"] * len(units)),
            "psu": texts([""] * len(units)),
            "frame_n": np.full(len(units), 1000.0),
            "invited": np.full(len(units), 60.0),
            "responded": np.full(len(units), float(asked)),
            "calibration_area": texts(units),
        },
        "population": {
            "unit": texts([unit for unit in units for _ in range(2)]),
            "s_age": texts(["young", "old"] * len(units)),
            "count": np.tile([500.0, 500.0], len(units)),
        },
        "assessments": {
            "unit": texts([unit for unit, _ in assessed]),
            "institute": texts([who[0] for _, who in assessed]),
            "assessor": texts([who for _, who in assessed]),
            "criterion": texts(["pages"] * len(assessed)),
            "score": np.clip(np.round(rng.normal(6, 2, len(assessed)), 1), 0, 10),
        },
        "records": {
            "unit": texts([*areas, *areas]),
            "indicator": texts(["paid"] * len(areas) + ["broken"] * len(areas)),
            "numerator": np.concatenate([np.floor(due * rng.uniform(0.6, 1, len(areas))), np.full(len(areas), np.nan)]),
            "denominator": np.concatenate([due, exposure]),
        },
        "events": {
            "unit": texts(["m00", "m00", "m01", "m03", "m02", "m04"]),
            "record": texts([f"e{number}" for number in range(6)]),
            "class": texts(["plain", "plain", "grave", "listed", "plain", "grave"]),
            "document_date": texts(["2031-02-01"] * 6),
            "state": texts(["final", "rectified", "final", "final", "contested", "repaired"]),
            "state_date": texts(["2031-03-01"] * 6),
        },
        "indicators": {
            "unit": texts(areas[:-1]),
            "indicator": texts(["debt"] * (len(areas) - 1)),
            "value": np.round(rng.uniform(1, 3, len(areas) - 1), 2),
            "standard_error": np.full(len(areas) - 1, np.nan),
        },
        "responses": _responses(rng, units, asked),
    }


def _sampled() -> list[str]:
    return [*MUNICIPALITIES, *OFFICES]


def _responses(rng: np.random.Generator, units: list[str], asked: int) -> Table:
    unit = np.repeat(texts(units), asked)
    worth = np.repeat(rng.uniform(0.2, 0.8, len(units)), asked)
    count = unit.size
    draw = rng.uniform(size=count)
    answered = np.select([draw < worth * 0.9, draw < worth * 0.9 + 0.2, draw < 0.95], ["full", "part", "none"], "dk")
    trust = np.clip(np.round(rng.normal(10 * worth, 1.5)), 0, 10).astype(int)
    return {
        "campaign": np.full(count, "spring", object),
        "mode": np.where(np.arange(count) % 15 == 14, "open", "invitation").astype(object),
        "unit": unit,
        "day": texts([f"2031-04-{1 + number % 30:02}" for number in range(count)]),
        "weight": np.full(count, np.nan),
        "design_stratum": np.full(count, "all", object),
        "psu": np.full(count, "", object),
        "s_age": rng.choice(texts(["young", "old", "skip"]), count, p=[0.45, 0.45, 0.1]),
        "s_staff": rng.choice(texts(["no", "yes"]), count, p=[0.97, 0.03]),
        "q_answered": answered.astype(object),
        "q_trust": texts([str(number) for number in trust]),
        "q_asked": rng.choice(texts(["nothing", "money", "money favour", ""]), count, p=[0.7, 0.1, 0.1, 0.1]),
        "flags": rng.choice(texts(["", "too_fast", "too_fast prompted"]), count, p=[0.9, 0.08, 0.02]),
    }


def write_lakes(folder: Path, form: str = "parquet", simulated: bool = False) -> Path:
    """The snapshot of the invented place."""
    write_snapshot(
        folder,
        lake_tables(),
        questionnaires={"lakes@1": QUESTIONNAIRE.read_bytes()},
        campaigns={"spring": "lakes@1"},
        period=PERIOD,
        made_on=date(2032, 1, 5),
        source="invented",
        simulated=simulated,
        form=form,  # type: ignore[arg-type]
    )
    return folder


def by_hand(folder: Path) -> Path:
    """The same place as a hand would write it: CSV, no snapshot.json."""
    write_lakes(folder, "csv")
    (folder / "snapshot.json").unlink()
    return folder


def change_csv(path: Path, change: Callable[[list[dict[str, str]]], None]) -> None:
    """Rewrite a CSV after a change to its rows."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target
