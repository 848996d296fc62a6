"""COINr's ASEM index, through the commands, by the shipped scheme: every stage to 1e-8, and the ranks."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from click.testing import CliRunner

from evaluator.cli import group
from evaluator.rating.edition import read_edition

ROOT = Path(__file__).parents[2]


def run(*words: str) -> str:
    done = CliRunner().invoke(group, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_stage_of_the_edition_is_that_of_coinr(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("asem", ROOT / "benchmarks/asem.py")
    assert spec
    assert spec.loader
    asem = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(asem)
    assert asem.check(ROOT / "tests/methods/index/data", tmp_path, 32, run) == []
    edition = read_edition(tmp_path / "edition")
    assert (len(edition.scheme.dimensions), len(edition.scheme.nodes)) == (2, 8)
    ratings = edition.table("ratings")
    imputed = ["imputed_indicators" in notes for notes in ratings["notes"]]
    assert 0 < sum(imputed) < 51
    wide = ratings["upper"] > ratings["lower"]
    assert wide.tolist() == imputed  # only what was filled in is uncertain
