"""COINr's ASEM index through the command line: snapshot, `evaluator rate`, `verify`, and every stage against COINr's.

    .venv/bin/python benchmarks/asem.py [FOLDER with asem_*.csv]

The shipped scheme `asem` divides, fills in, winsorises, puts on 0..100 and averages over four levels. Every stage of
the edition (`evaluator stages`) must be COINr's to 1e-8, every published figure COINr's rounded to six decimals, and
the ranks COINr's. The data are those of the tests: 51 countries x 49 indicators, JRC, from the R package COINr (MIT).
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parents[1] / "tests/methods/index/data"
THEIRS = {"reported": "denominated", "filled": "imputed", "treated": "treated", "normalised": "normalised",
          "aggregated": "aggregated"}  # fmt: skip
COLUMNS = {"Area": "x_area", "Energy": "x_energy", "GDP": "x_gdp", "Population": "population"}
EXACT = 1e-8


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_snapshot(data: Path, folder: Path) -> None:
    """COINr's iData as the two files of a snapshot that a hand would write."""
    folder.mkdir(parents=True)
    raw = rows(data / "asem_idata.csv")
    codes = [row["iCode"] for row in rows(data / "asem_imeta.csv") if row["Type"] == "Indicator"]
    with (folder / "units.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["unit", "level", "name_en", "x_europe", *COLUMNS.values()])
        for row in raw:
            cells = ["" if row[name] == "NA" else row[name] for name in COLUMNS]
            writer.writerow([row["uCode"], "country", row["uName"], int(row["EurAsia_group"] == "Europe"), *cells])
    with (folder / "indicators.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["unit", "indicator", "value"])
        writer.writerows(
            [row["uCode"], code, row[code]] for row in raw for code in codes if row[code] not in ("NA", "")
        )


def numbers(table: list[dict[str, str]], columns: list[str], key: str) -> NDArray[np.float64]:
    """Rows in the order of the units' codes."""
    ordered = sorted(table, key=lambda row: row[key])
    return np.array([[float(row[c]) if row[c] not in ("", "NA") else np.nan for c in columns] for row in ordered])


def difference(ours: list[dict[str, str]], theirs: list[dict[str, str]]) -> float:
    """Largest difference, relative where numbers are above 1; infinite where one has what the other has not."""
    named = {"index": "Index"}
    columns = [column for column in ours[0] if column != "unit"]
    one, other = numbers(ours, columns, "unit"), numbers(theirs, [named.get(c, c) for c in columns], "uCode")
    if not np.array_equal(np.isnan(one), np.isnan(other)):
        return float("inf")
    there = ~np.isnan(one)
    return float((np.abs(one - other)[there] / np.maximum(1.0, np.abs(other[there]))).max())


def evaluator(*words: str) -> str:
    program = "from evaluator.cli import main; main()"
    return subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True).stdout


def check(data: Path, folder: Path, draws: int, evaluator: Callable[..., str] = evaluator) -> list[str]:
    """Rate and compare; a line a difference that is too large."""
    write_snapshot(data, folder / "snapshot")
    (folder / "asem.yaml").write_text(evaluator("scheme", "show", "asem"), encoding="utf-8")
    out = folder / "edition"
    print(evaluator("snapshot", "check", str(folder / "snapshot"), "--scheme", str(folder / "asem.yaml")).strip())
    evaluator("rate", str(folder / "asem.yaml"), str(folder / "snapshot"), "--out", str(out), "--draws", str(draws))
    print(evaluator("verify", str(out), "--snapshot", str(folder / "snapshot")).splitlines()[0])
    evaluator("stages", str(out), "--out", str(folder / "stages"))
    wrong = []
    for ours, theirs in THEIRS.items():
        found = difference(rows(folder / "stages" / f"{ours}.csv"), rows(data / f"asem_{theirs}.csv"))
        print(f"{ours}: largest difference from COINr's {theirs} {found:.1e}")
        if not found <= EXACT:
            wrong.append(f"{ours} differs by {found:.1e}")
    ratings, results = rows(out / "ratings.csv"), rows(data / "asem_results.csv")
    full = {row["uCode"]: float(row["Index"]) for row in rows(data / "asem_aggregated.csv")}
    off = max(abs(float(row["index"]) - full[row["unit"]]) for row in ratings)
    print(f"published index: largest difference {off:.1e}, six decimals are published")
    if off > 0.5e-6 + EXACT:
        wrong.append(f"the published index differs by {off:.1e}")
    order = sorted(ratings, key=lambda row: -float(row["index"]))
    ranked = [row["uCode"] for row in sorted(results, key=lambda row: int(row["Rank"]))]
    same = [row["unit"] for row in order] == ranked
    print(f"ranks: {'the same' if same else 'NOT the same'} for {len(ranked)} countries")
    return wrong if same else [*wrong, "ranks differ"]


def main() -> int:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not (data / "asem_idata.csv").is_file():
        print(f"{data} has no asem_idata.csv: give the folder that holds asem_*.csv", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        wrong = check(data, Path(name), 1024)
    print("as expected" if not wrong else "\n".join(["NOT as expected", *wrong]))
    return 0 if not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
