"""docs/schemes.md as a new user reads it: the files it shows, typed as they stand, make an edition that verifies."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evaluator.cli import group
from evaluator.rating import scheme_form
from evaluator.rating.edition import Edition, read_edition
from evaluator.rating.scheme_file import examine_scheme, load_scheme

BOOK = Path(__file__).parents[2] / "docs/schemes.md"


def blocks() -> list[str]:
    """The indented blocks of the book."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", BOOK.read_text(encoding="utf-8"), flags=re.M)
    return ["\n".join(line[4:] for line in block.strip("\n").split("\n")) + "\n" for block in found]


def beginning(word: str) -> str:
    (found,) = [block for block in blocks() if block.startswith(word)]
    return found


def run(*words: object) -> str:
    done = CliRunner().invoke(group, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    home = tmp_path_factory.mktemp("book")
    (home / "snapshot").mkdir()
    for name, start in (
        ("units", "unit,parent"),
        ("indicators", "unit,indicator,value"),
        ("records", "unit,indicator,n"),
    ):
        (home / "snapshot" / f"{name}.csv").write_text(beginning(start), encoding="utf-8")
    (home / "lakes.yaml").write_text(beginning("code: lakes"), encoding="utf-8")
    assert "1 levels" not in run("scheme", "check", home / "lakes.yaml")
    run("snapshot", "check", home / "snapshot", "--scheme", home / "lakes.yaml")
    run("rate", home / "lakes.yaml", home / "snapshot", "--out", home / "edition", "--draws", 256)
    assert "yes: " in run("verify", home / "edition")
    assert "yes: " in run("verify", home / "edition", "--snapshot", home / "snapshot")
    run("stages", home / "edition", "--out", home / "stages")
    assert sorted(path.name for path in (home / "stages").iterdir())[0] == "aggregated.csv"
    return read_edition(home / "edition")


def test_the_walk_has_no_warnings_and_three_levels_and_five_indicators() -> None:
    found = examine_scheme(beginning("code: lakes"))
    assert found.warnings == ()
    assert (len(found.scheme.levels), len(found.scheme.indicators), len(found.scheme.nodes)) == (3, 5, 2)


def test_the_walk_gives_what_a_hand_computes(walk: Edition) -> None:
    scores = walk.table("scores")
    found = {
        (unit, node): score for unit, node, score in zip(scores["unit"], scores["node"], scores["score"], strict=True)
    }
    boats = {"V1": 12 / 6, "V2": 30 / 8, "V3": 9 / 5}
    boats["V4"] = sum(boats.values()) / 3  # filled in
    for unit, value in boats.items():
        score = 100 * (max(boats.values()) - value) / (max(boats.values()) - min(boats.values()))
        assert found[unit, "boats"] == pytest.approx(score, abs=1e-6)
    clean = {"V1": 55, "V2": 68, "V3": 74, "V4": 60}
    for unit, value in clean.items():
        assert found[unit, "water"] == pytest.approx(0.7 * value + 0.3 * found[unit, "boats"], abs=1e-5)
        people = 0.6 * found[unit, "care"] + 0.4 * found[unit, "service"]
        assert found[unit, "people"] == pytest.approx(people, abs=1e-5)
        half = (0.5 * found[unit, "water"] ** 0.5 + 0.5 * people**0.5) ** 2
        assert found[unit, "index"] == pytest.approx(half, abs=1e-5)


def test_the_walk_says_what_was_filled_in_and_grades_what_is_large_enough(walk: Edition) -> None:
    ratings = walk.table("ratings")
    of = {unit: row for row, unit in enumerate(ratings["unit"])}
    assert "imputed_indicators" in ratings["notes"][of["V4"]]
    assert "imputed_indicators" not in ratings["notes"][of["V1"]]
    assert ratings["state"][of["L1"]] == "too_few_units"
    assert set(ratings["grade"][[of["V1"], of["V2"], of["V3"]]]) <= {"good", "fair", "poor"}
    there = ~np.isnan(ratings["index"])
    assert (ratings["lower"][there] <= ratings["upper"][there]).all()


def test_the_book_names_every_key_of_the_file() -> None:
    text = BOOK.read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`\n]+`", text))))
    forms = [one for name, one in vars(scheme_form).items() if name.endswith(("Form", "Limits"))]
    missing = {key for one in forms for key in scheme_form.keys(one)} - named - {"zh", "en", "at", "first_and_total"}
    assert missing == set()


def test_the_commands_of_the_book_are_there(tmp_path: Path) -> None:
    shown = tmp_path / "my.yaml"
    for name in [line.split()[0] for line in run("scheme", "list").splitlines()]:
        shown.write_text(run("scheme", "show", name), encoding="utf-8")
        assert load_scheme(shown).code == name
        assert f"| `{name}` |" in BOOK.read_text(encoding="utf-8")
