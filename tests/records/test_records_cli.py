"""`evaluator records`: exit codes and messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evaluator import database
from evaluator.cli import group
from tests.records.tiny_country import store_units

GOOD = "unit,indicator,numerator,denominator\n3701,paid,8,10\n3704,paid,0,0\n3704,suits_lost,,3\n"


@pytest.fixture
def run(tmp_path: Path, scheme_file: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    import asyncio

    monkeypatch.setenv("EVALUATOR_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("EVALUATOR_DATA_DIR", str(tmp_path))
    database.connect(sqlite_url)
    asyncio.run(store_units())

    def call(*arguments: str, content: str = GOOD) -> Result:
        file = tmp_path / "数据.csv"
        file.write_text(content, encoding="utf-8")
        named = [str(file) if a == "FILE" else str(scheme_file) if a == "SCHEME" else a for a in arguments]
        return CliRunner().invoke(group, ["records", *named])

    return call


IMPORT = (
    "import",
    "records",
    "FILE",
    "--scheme",
    "SCHEME",
    "--from",
    "2025-01-01",
    "--to",
    "2025-12-31",
    "--source",
    "x",
)


def test_a_good_file_is_imported_listed_and_withdrawn(run) -> None:  # type: ignore[no-untyped-def]
    answer = run(*IMPORT)
    assert answer.exit_code == 0, answer.output
    assert "import 1: 3 rows from 数据.csv" in answer.stdout
    assert "1 of them have a denominator of 0: not applicable" in answer.stdout
    assert "1 of them have no numerator" in answer.stdout
    listed = run("list").stdout.split("\t")
    assert (listed[0], listed[1], listed[3], listed[5]) == ("1", "records", "3", "数据.csv")
    assert run("withdraw", "1", "--why", "wrong").stdout == "3 rows of import 1 were taken out\n"
    assert "withdrawn on" in run("list").stdout


def test_a_bad_file_ends_with_2_and_a_line_for_each_problem(run) -> None:  # type: ignore[no-untyped-def]
    answer = run(*IMPORT, content=GOOD + "3701,suits_lost,9,3\n99,paid,85%,1\n")
    assert answer.exit_code == 2
    lines = answer.stderr.splitlines()
    assert lines[0].startswith("数据.csv:5 column numerator “9” is above the denominator 3;")
    assert lines[1].startswith("数据.csv:6 column unit “99” is no unit here;")
    assert lines[-1] == "3 problems; nothing was imported"
    assert run("list").stdout == ""


def test_a_scheme_that_is_none_is_told(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    other = tmp_path / "other.yaml"
    other.write_text("a: 1")
    answer = run(*(str(other) if a == "SCHEME" else a for a in IMPORT))
    assert answer.exit_code != 0
    assert "other.yaml" in str(answer.exception)


def test_the_audit_log_says_what_was_imported_and_withdrawn_and_no_reason(run) -> None:  # type: ignore[no-untyped-def]
    import asyncio
    import json

    from evaluator.ledger.tables import LogLeaf

    assert run(*IMPORT).exit_code == 0
    assert run(*IMPORT).exit_code == 2  # held already: nothing is logged
    assert run("withdraw", "1", "--why", "Mr Li sent the wrong one").exit_code == 0
    rows = asyncio.run(LogLeaf.select(LogLeaf.entry).order_by(LogLeaf.position).run())
    entries = [json.loads(row["entry"]) for row in rows]
    assert [(one["what"], one["number"], one["rows"], one["by"]) for one in entries] == [
        ("records.imported", 1, 3, "command line"),
        ("records.withdrawn", 1, 3, "command line"),
    ]
    assert "Li" not in str(rows)
