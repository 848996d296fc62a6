"""The command line: made, listed, refused with exit code 2 and a line for each mistake."""

from __future__ import annotations

import asyncio
import csv
import random
import stat

import pytest
from click.testing import CliRunner, Result

from evaluator import cli, database
from evaluator.collection.tables import Invitation, QuestionnaireVersion, SampleCell
from evaluator.problems import Problem
from evaluator.units.tables import Unit
from questionnaires.loading import shipped_text

CREATE = [
    "campaign", "create", "spring", "--questionnaire", "sd-citizen", "--opens", "2026-03-01", "--closes", "2026-03-31",
    "--title-zh", "a", "--title-en", "b", "--responsible-zh", "c", "--responsible-en", "d", "--contact", "e",
]  # fmt: skip


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    """Runs `evaluator ...` on a database with a small tree; exit code and output as `main` gives them."""
    monkeypatch.setenv("EVALUATOR_DATABASE_URL", database_url)
    monkeypatch.setenv("EVALUATOR_DATA_DIR", str(tmp_path / "var"))

    async def units() -> None:
        for code, parent, level in (
            ("37", None, "P"),
            ("3701", "37", "C"),
            ("370102", "3701", "K"),
            ("3702", "37", "C"),
        ):
            await Unit.insert(Unit(code=code, parent=parent, level=level, name_zh=code))

    asyncio.run(units())

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(cli.group, arguments)
        database.connect(database_url)
        if isinstance(result.exception, Problem | database.DatabaseError):
            result.exit_code = 2  # as cli.main does
        return result

    return invoke


def _ask(table) -> int:
    async def count() -> int:
        return await table.count()

    return asyncio.run(count())


def test_a_campaign_is_created_and_listed(run) -> None:
    result = run(*CREATE, "--under", "37", "--level", "C")
    assert result.exit_code == 0, result.output + str(result.exception)
    assert "2 units" in result.output
    assert "spring\tclosed\t2026-03-01\t2026-03-31" in run("campaign", "list").output
    assert run(*CREATE, "--unit", "3701").exit_code == 2  # it exists


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--under", "99"], "there is no such unit"),
        (["--unit", "9999"], "is no unit"),
        ([], "choose at least one"),
        (["--unit", "3701", "--closes", "2026-01-01"], "before the first day"),
        (["--unit", "3701", "--questionnaire", "missing.yaml"], "no such file"),
        (["--unit", "3701", "--opens", "soon"], "soon"),
    ],
)
def test_a_wrong_campaign_is_refused_with_exit_code_2(run, more, words) -> None:
    result = run(*CREATE, *more)
    assert result.exit_code == 2
    assert words in result.output


def test_codes_are_written_once_to_a_file_of_one_s_own(run, tmp_path) -> None:
    run(*CREATE, "--unit", "3701")
    out = tmp_path / "codes.csv"
    result = run("campaign", "codes", "spring", "--unit", "3701", "-n", "25", "--stratum", "town", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["code"] for row in rows}) == 25
    assert rows[0]["design_stratum"] == "town"
    assert _ask(Invitation) == 25
    again = run("campaign", "codes", "spring", "--unit", "3701", "-n", "25", "--out", str(out))
    assert again.exit_code == 2  # the file is not overwritten, and no code is made
    assert _ask(Invitation) == 25
    missing = run("campaign", "codes", "spring", "--unit", "3702", "-n", "5", "--out", str(tmp_path / "other.csv"))
    assert missing.exit_code == 2
    assert not (tmp_path / "other.csv").exists()


def test_a_frame_with_bad_rows_is_refused_line_by_line(run, tmp_path) -> None:
    run(*CREATE, "--unit", "3701")
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("unit,frame_n,invited\n3701,100,10\n")
    bad.write_text("unit,frame_n,invited\n3701,100,x\n99,1,1\n")
    assert run("campaign", "frame", "spring", str(good)).exit_code == 0
    result = run("campaign", "frame", "spring", str(bad))
    assert result.exit_code == 2
    assert "row 2" in result.output
    assert "row 3" in result.output
    assert _ask(SampleCell) == 1
    people = tmp_path / "people.csv"
    people.write_text("unit,s_age,count\n37,a16,10\n37,a30,20\n")
    assert "2 population cells" in run("campaign", "population", "spring", str(people)).output


def test_a_campaign_moves_and_says_so(run, tmp_path) -> None:
    text = shipped_text("sd-citizen").replace('version: "2026.1"', 'version: "2026.2"')
    file = tmp_path / "new.yaml"
    late = [part if part != "2026-03-31" else "2999-12-31" for part in CREATE]
    run(*late, "--unit", "3701")
    file.write_text(text.replace("Yes, once", "Yes, one time"))
    result = run("campaign", "move", "spring", str(file))
    assert result.exit_code == 0, result.output + str(result.exception)
    assert "moved from sd-citizen@2026.1 to sd-citizen@2026.2" in result.output
    assert "“Yes, one time” instead of “Yes, once”" in result.output
    said = run("campaign", "versions", "spring").output.splitlines()
    assert [line.split("\t")[1:] for line in said] == [
        ["sd-citizen@2026.1", "under 100 responses"], ["sd-citizen@2026.2", "under 100 responses"],
    ]  # fmt: skip
    assert run("campaign", "versions", "autumn").exit_code == 2


def test_a_campaign_that_cannot_move_says_why_and_keeps_nothing(run, tmp_path) -> None:
    text = shipped_text("sd-citizen").replace('version: "2026.1"', 'version: "2026.2"')
    file = tmp_path / "new.yaml"
    late = [part if part != "2026-03-31" else "2999-12-31" for part in CREATE]
    run(*late, "--unit", "3701")
    file.write_text(text.replace("score: 50", "score: 40"))
    result = run("campaign", "move", "spring", str(file))
    assert result.exit_code == 2
    assert "view/kept/half: another score: 40 instead of 50" in result.output
    assert _ask(QuestionnaireVersion) == 1  # the refused one was not kept


def test_a_questionnaire_is_checked_without_a_database(tmp_path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("code: x\nversion: 1\nlanguages: [zh]\nsections:\n  - cod: a\n")
    result = CliRunner().invoke(cli.group, ["questionnaire", "check", str(bad)])
    assert result.exit_code == 1
    assert f"{bad}:5" in result.output
    good = tmp_path / "good.yaml"
    good.write_text(shipped_text("sd-citizen"))
    assert CliRunner().invoke(cli.group, ["questionnaire", "check", str(good)]).exit_code == 0
    assert CliRunner().invoke(cli.group, ["questionnaire", "check", "nowhere.yaml"]).exit_code == 2


def test_flags_and_signals_of_a_campaign_that_is_over_are_told_and_of_an_open_one_flags_are_refused(run) -> None:
    from tests.collection.test_steering import made, prepared

    assert run(*CREATE, "--under", "37", "--level", "C").exit_code == 0
    assert "nothing is sealed yet" in run("campaign", "signals", "spring").output
    asyncio.run(prepared(made(random.Random(4), "nearly_all", "nearly_none", True)))
    flags = run("campaign", "flags", "spring")
    assert flags.exit_code == 0, flags.output + str(flags.exception)
    assert [line.split("\t")[0] for line in flags.output.splitlines()] == ["mahalanobis", "near_duplicate", "burst"]
    told = run("campaign", "signals", "spring").output
    assert "told how to answer\topen\t50 of 170" in told
    assert "open less invited" in told
    assert "invitation=240 open=170" in run("campaign", "list").output
    late = ["2099-03-31" if word == "2026-03-31" else "later" if word == "spring" else word for word in CREATE]
    assert run(*late, "--under", "37", "--level", "C").exit_code == 0
    assert run("campaign", "flags", "later").exit_code == 2
    assert run("campaign", "flags", "never").exit_code == 2
    assert run("campaign", "signals", "never").exit_code == 2
