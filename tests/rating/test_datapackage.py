"""An edition's data package holds before a validator that knows nothing of us: frictionless."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from frictionless import Package

from evaluator.rating.doors import EDITION

CHINESE = range(0x4E00, 0xA000)


def test_frictionless_accepts_an_edition(lakes_edition: Path) -> None:
    command = [Path(sys.executable).parent / "frictionless", "validate", "datapackage.json", "--json"]
    ran = subprocess.run(command, cwd=lakes_edition, capture_output=True, text=True, check=False)
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["valid"]) == (0, True), ran.stdout[-2000:]
    kinds = {task["place"]: task["type"] for task in report["tasks"]}
    assert kinds == {f"{name}.{form}": "table" if form == "csv" else "file" for name in EDITION
                     for form in ("csv", "parquet")}  # fmt: skip


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return spoil


def first_line_again(folder: Path) -> None:
    path = folder / "ratings.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (replaced("inputs.csv", ",main,", ",main?,"), "constraint-error"),
        (replaced("inputs.csv", ",normal,", ",normal,x"), "type-error"),
        (first_line_again, "primary-key"),
        (replaced("scores.csv", "\n", "\nnowhere,index,,,,,,,ok\n"), "foreign-key"),
        (lambda folder: (folder / "units.parquet").open("ab").write(b"x"), "hash-count"),
    ],
    ids=["word", "type", "key", "unit", "parquet"],
)
def test_frictionless_finds_what_the_package_rules_out(
    spoil: Callable[[Path], object], found: str, lakes_edition: Path, tmp_path: Path
) -> None:
    shutil.copytree(lakes_edition, tmp_path / "edition")
    spoil(tmp_path / "edition")
    report = Package(tmp_path / "edition" / "datapackage.json").validate()
    assert found in {error.type for task in report.tasks for error in task.errors}


def test_every_table_and_column_is_said_in_both_languages(lakes_edition: Path) -> None:
    package = json.loads((lakes_edition / "datapackage.json").read_text(encoding="utf-8"))
    said = [
        one["description"] for resource in package["resources"] for one in (resource, *resource["schema"]["fields"])
    ]
    assert all(any(ord(letter) in CHINESE for letter in text) and text[0].isascii() for text in said)
    assert package["sources"][0]["title"]
