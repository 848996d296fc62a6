"""A small invented region for the tests of pages: 3 levels, 40 units with long names, rated by the real `rate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType

import numpy as np

from evaluator.rating import doors, tabular
from evaluator.rating.edition import SUMS, sums
from evaluator.rating.run import rate
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import Table
from evaluator.units.tables import Unit

SOURCE = Path(__file__).parent / "small"
SCHEME = SOURCE / "scheme.yaml"
SEED, DRAWS = 7, 512
REGION, DEDUCTED, SILENT = "90", "9005", "900301"  # the root; a unit with points off; one with hardly a number
CAPPED = "9007"  # a good unit with a veto
ASKED = 60  # people who answered about each unit
PERIOD = (date(2026, 1, 1), date(2026, 12, 31))
SHARED = {"info": ("found", "partly", "lost", "dk")}


def build(
    folder: Path,
    *,
    simulated: bool = True,
    supersedes: Path | None = None,
    why: str | None = None,
    seed: int = SEED,
    period: tuple[date, date] = PERIOD,
    moved: Mapping[str, float] | None = None,
    scheme: Path = SCHEME,
    draws: int = DRAWS,
) -> Path:
    """Write an edition into `folder`, which must not exist; in it units of `moved` are by so much better."""
    snapshot = folder.parent / f"{folder.name}-snapshot"
    write_snapshot(
        snapshot,
        tables(moved or {}, period[1].year),
        questionnaires={"people@1": (SOURCE / "people@1.yaml").read_bytes()},
        campaigns={"spring": "people@1"},
        period=period,
        made_on=date(2027, 1, 5),
        source="invented",
        simulated=simulated,
    )
    return rate(scheme, snapshot, folder, None, seed, draws, supersedes=supersedes, why=why).out


def identifier_of(folder: Path) -> str:
    return str(json.loads((folder / "edition.json").read_bytes())["identifier"])


def units() -> Table:
    """The region's units as they stand in the file."""
    names, columns, defects = tabular.read_texts(SOURCE / "units.csv")
    assert not defects
    return tabular.parse_table("units", names, columns, doors.EDITION["units"])[0]


async def keep_units() -> None:
    """The same in the site's database."""
    made = units()
    columns = (made[name].tolist() for name in ("unit", "parent", "level", "name_zh", "name_en"))
    for code, parent, level, zh, en in zip(*columns, strict=True):
        await Unit(code=code, parent=parent or None, level=level, name_zh=zh, name_en=en).save()


def tables(moved: Mapping[str, float] = MappingProxyType({}), year: int = PERIOD[1].year) -> dict[str, Table]:
    """The snapshot's tables, the same each time."""
    rng = np.random.default_rng(SEED)
    rated = units()
    scheme = load_scheme(SCHEME)
    codes, levels = rated["unit"].tolist(), rated["level"].tolist()
    worth = np.clip(0.68 + 0.11 * rng.normal(size=len(codes)), 0.3, 0.95)  # of the way from worst to best
    worth[codes.index(CAPPED)] = 0.9
    for code, by in moved.items():
        worth[codes.index(code)] = np.clip(worth[codes.index(code)] + by, 0.05, 0.98)
    sampled = [code for code in codes if code != SILENT]
    records, ready, assessed = [], [], []
    for at, (code, level) in enumerate(zip(codes, levels, strict=True)):
        for indicator in scheme.indicators:
            if level not in indicator.levels or (code == SILENT and indicator.code != "kept"):
                continue
            low, high = indicator.goal or (0.0, 1.0)
            value = low + (high - low) * float(np.clip(worth[at] + rng.normal(0, 0.06), 0.02, 0.98))
            if indicator.source == "share":
                due = int(rng.integers(20, 120))
                records.append((code, indicator.code, float(round(value * due)), float(due)))
            elif indicator.source == "rate":
                records.append((code, indicator.code, float("nan"), float(rng.integers(900, 4000))))
            elif indicator.source == "assessor":
                for who in ("a1", "a2", "b1"):
                    score = float(np.clip(round(value + rng.normal(0, 0.7), 1), 0, 10))
                    assessed.append((code, who[0], who, indicator.code, score))
            elif indicator.source in ("metric", "ready"):
                ready.append((code, indicator.code, round(value, 3), float("nan")))
    events = [(DEDUCTED, "e1", "serious"), (CAPPED, "e2", "list")]
    events += [
        (code, f"g{code}-{k}", "general")
        for code, level in zip(codes, levels, strict=True)
        if level == "M"
        for k in range(int(rng.integers(2, 12)))
    ]
    unit, share = np.repeat(texts(sampled), ASKED), np.repeat(worth[[codes.index(c) for c in sampled]], ASKED)
    draw, count = rng.uniform(size=unit.size), unit.size
    info = np.select([draw < share * 0.75, draw < share * 0.75 + 0.2, draw < 0.96], SHARED["info"][:3], "dk")
    word = np.clip(np.round(rng.normal(10 * share, 1.8)), 0, 10).astype(int).astype(str)
    return {
        "units": rated,
        "sample": {
            "unit": texts(sampled),
            "design_stratum": texts(["all"] * len(sampled)),
            "psu": texts([""] * len(sampled)),
            "frame_n": np.full(len(sampled), 4000.0),
            "invited": np.full(len(sampled), 2.0 * ASKED),
            "responded": np.full(len(sampled), float(ASKED)),
            "calibration_area": texts(sampled),
        },
        "assessments": table(doors.SNAPSHOT["assessments"], assessed),
        "records": table(doors.SNAPSHOT["records"], records),
        "events": table(doors.SNAPSHOT["events"], [(*e, f"{year}-03-01", "final", f"{year}-04-01") for e in events]),
        "indicators": table(doors.SNAPSHOT["indicators"], ready),
        "responses": {
            "campaign": np.full(count, "spring", object),
            "mode": np.full(count, "invitation", object),
            "unit": unit,
            "day": np.full(count, f"{year}-05-04", object),
            "weight": np.full(count, np.nan),
            "design_stratum": np.full(count, "all", object),
            "psu": np.full(count, "", object),
            "q_info": info.astype(object),
            "q_word": word.astype(object),
            "flags": np.full(count, "", object),
        },
    }


def texts(values: list[str]) -> np.ndarray:
    return np.array(values, dtype=object)


def table(door: doors.Door, rows: list[tuple[object, ...]]) -> Table:
    """Rows in the door's order of columns as a table."""
    columns = zip(door.columns, zip(*rows, strict=True), strict=True)
    return {c.name: np.array(cells, float if c.kind in ("number", "whole") else object) for c, cells in columns}


def seal(folder: Path) -> None:
    """Write SHA256SUMS anew, as somebody would who changed a figure and hides it."""
    (folder / SUMS).write_text(sums(folder), encoding="utf-8")


def outlines(path: Path, codes: list[str]) -> None:
    """Invented outlines on a plane: a grid of leaning cells, one a code."""
    features = []
    for number, code in enumerate(codes):
        x, y = 100.0 * (number % 4), 80.0 * (number // 4)
        ring = [[x, y], [x + 95, y + 8], [x + 108, y + 84], [x + 6, y + 78], [x, y]]
        features.append(
            {"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        )
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
