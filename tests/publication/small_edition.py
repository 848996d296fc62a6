"""A small edition for the tests of pages: 3 levels, 40 units, every table of the design, figures by the real `compute`."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from evaluator.rating import doors, tabular
from evaluator.rating.edition import Note, SchemeNote, SnapshotNote, pretty
from evaluator.rating.folders import sha256_of
from evaluator.rating.results import Taken, compute
from evaluator.rating.scheme import Label
from evaluator.rating.scheme_file import load_scheme
from methods.inputs import BETA, FAMILIES, GAMMA, NORMAL, POINT, Factors, Inputs

SOURCE = Path(__file__).parent / "small"
IDENTIFIER = "small-2026"
SEED, DRAWS = 7, 512
CAPPED, DEDUCTED, SILENT = "9006", "9005", "900301"  # units with a veto, with points off, and with hardly a number
ANSWERS = {"info": ("yes", "partly", "no", "unknown"), "word": ("always", "mostly", "seldom", "never")}


@dataclass(frozen=True, slots=True)
class Measured:
    inputs: dict[str, Inputs]
    factors: dict[str, Factors]
    state: np.ndarray


def build(folder: Path, *, simulated: bool = True, identifier: str = IDENTIFIER, supersedes: str | None = None) -> Path:
    """Write the edition into `folder`, which must not exist."""
    folder.mkdir(parents=True)
    scheme = load_scheme(SOURCE / "scheme.yaml")
    names, columns, _ = tabular.read_texts(SOURCE / "units.csv")
    units, _ = tabular.parse_table("units", names, columns, doors.EDITION["units"])
    rng = np.random.default_rng(SEED)
    codes, levels = units["unit"], units["level"]
    truth = rng.normal(0, 1, codes.size)
    state = np.full((codes.size, len(scheme.indicators)), "missing", dtype=object)
    rows: dict[str, list[Any]] = {
        name: [] for name in ("unit", "indicator", "family", "a", "b", "direct", "direct_sd", "n")
    }
    loadings: list[tuple[int, int, int, float]] = []
    for u in range(codes.size):
        for i, indicator in enumerate(scheme.indicators):
            if levels[u] not in indicator.levels:
                state[u, i] = "not_applicable"
                continue
            if codes[u] == SILENT and i > 0:
                continue
            state[u, i] = "imputed" if rng.random() < 0.04 else "ok"
            family, a, b, direct, n = _number(indicator, truth[u], rng)
            for name, value in zip(rows, (u, i, family, a, b, direct, b if family == NORMAL else 0.0, n), strict=True):
                rows[name].append(value)
            if indicator.source == "citizen":
                loadings.append((u, u, i, 1.5))
    table = {name: np.array(values) for name, values in rows.items()}
    for name in ("a", "b", "direct", "direct_sd", "n"):
        table[name] = np.round(table[name].astype(float), 6)
    inputs = Inputs(**table)
    factor, unit, indicator_, loading = (np.array(column) for column in zip(*loadings, strict=True))
    factors = Factors(
        tuple(f"respondents {code}" for code in codes),
        factor,
        unit,
        indicator_,
        loading.astype(float),
        loading.astype(float),
    )
    deductions = np.where(codes == DEDUCTED, 3.5, 0.0)
    vetoes = [("defaulter",) if code == CAPPED else () for code in codes]
    taken = Taken(deductions, vetoes, ["B" if code == "9001" else "" for code in codes])
    results = compute(
        scheme, units, Measured({"main": inputs}, {"main": factors}, state), taken, SEED, DRAWS, threads=1
    )
    tables = {
        "units": units,
        "inputs": _inputs_table(scheme, codes, levels, inputs, state),
        "factors": {
            "factor": np.array([factors.names[f] for f in factor], dtype=object),
            "unit": codes[unit],
            "indicator": np.array([scheme.indicators[i].code for i in indicator_], dtype=object),
            "screening": np.full(factor.size, "main", dtype=object),
            "loading": factors.loading,
            "direct_loading": factors.direct_loading,
        },
        "models": {
            "indicator": np.array(["shown", "shown"], dtype=object),
            "level": np.array(["", ""], dtype=object),
            "parameter": np.array(["variance_unit", "variance_assessor"], dtype=object),
            "value": np.array([0.61, 0.22]),
        },
        "scores": results.scores,
        "distributions": _distributions(codes, truth, rng),
        "ratings": results.ratings,
        "sensitivity": results.sensitivity,
    }
    for name, columns_ in tables.items():
        door = doors.EDITION[name]
        written = {column.name: tabular.texts(columns_[column.name], column.kind) for column in door.columns}
        (folder / f"{name}.csv").write_bytes(tabular.csv_bytes(written))
        kinds = {column.name: column.kind for column in door.columns}
        tabular.write_parquet(folder / f"{name}.csv", folder / f"{name}.parquet", kinds, {})
    shutil.copy(SOURCE / "scheme.yaml", folder / "scheme.yaml")
    note = Note(
        format=1,
        identifier=identifier,
        title=Label(**json.loads((SOURCE / "title.json").read_text(encoding="utf-8"))),
        period=(date(2026, 1, 1), date(2026, 12, 31)),
        scheme=SchemeNote(scheme.code, scheme.version, sha256_of(folder / "scheme.yaml")),
        snapshot=SnapshotNote("0" * 64),
        seed=SEED,
        draws=DRAWS,
        software={"evaluator": "0.1.0"},
        licence="CC-BY-4.0",
        supersedes=supersedes,
        why="a unit's records were corrected" if supersedes else None,
        log_head=None,
        simulated=simulated,
        data_status=doors.SIMULATED if simulated else None,
    )
    (folder / "edition.json").write_bytes(pretty(note))
    (folder / "datapackage.json").write_text(json.dumps({"name": identifier, "resources": []}), encoding="utf-8")
    seal(folder)
    return folder


def seal(folder: Path) -> None:
    """Write SHA256SUMS over all other files."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text("".join(f"{sha256_of(path)}  {path.name}\n" for path in files))


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


def _number(indicator: Any, truth: float, rng: np.random.Generator) -> tuple[int, float, float, float, float]:
    low, high = indicator.goal
    share = float(np.clip(0.68 + 0.12 * truth + rng.normal(0, 0.05), 0.05, 0.98))  # of the way between the goalposts
    value = low + share * (high - low)
    if indicator.source == "share":
        n = int(rng.integers(15, 90))
        return BETA, value * n + 2, (1 - value) * n + 2, value, n
    if indicator.source == "rate":
        exposure = float(rng.integers(900, 4000)) / indicator.per
        return GAMMA, max(value, 0.0) * exposure + 1, exposure + 0.2, value, exposure
    if indicator.source in ("metric", "ready"):
        return POINT, value, 0.0, value, 1
    sd = 0.06 * abs(high - low)
    return NORMAL, value, sd, value, int(rng.integers(12, 300))


def _inputs_table(scheme: Any, codes: Any, levels: Any, inputs: Inputs, state: Any) -> dict[str, Any]:
    place = {(u, i): r for r, (u, i) in enumerate(zip(inputs.unit.tolist(), inputs.indicator.tolist(), strict=True))}
    columns: dict[str, list[Any]] = {column.name: [] for column in doors.EDITION["inputs"].columns}
    for u, code in enumerate(codes):
        for i, indicator in enumerate(scheme.indicators):
            row = place.get((u, i))
            values: list[Any] = [code, indicator.code, "main", state[u, i]]
            if row is None:
                values += ["", *[np.nan] * 5]
            else:
                values += [
                    FAMILIES[int(inputs.family[row])],
                    *(getattr(inputs, x)[row] for x in ("a", "b", "direct", "direct_sd", "n")),
                ]
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    return {
        name: np.array(values, dtype=object if isinstance(values[0], str) else float)
        for name, values in columns.items()
    }


def _distributions(codes: Any, truth: Any, rng: np.random.Generator) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {column.name: [] for column in doors.EDITION["distributions"].columns}
    for u, unit in enumerate(codes):
        for item, answers in ANSWERS.items():
            hidden = unit == SILENT
            shares = rng.dirichlet(np.array([6.0, 4, 2, 1]) * np.exp(truth[u] * np.array([0.4, 0.1, -0.2, -0.4])))
            for flagged in ("no", "yes"):
                for code, share in zip(answers, shares, strict=True):
                    values = (np.nan, np.nan, np.nan) if hidden else (share, max(0, share - 0.06), min(1, share + 0.06))
                    row = (unit, item, code, *values, "suppressed" if hidden else "ok", flagged)
                    for name, value in zip(columns, row, strict=True):
                        columns[name].append(value)
    return {
        name: np.array(values, dtype=object if isinstance(values[0], str) else float)
        for name, values in columns.items()
    }
