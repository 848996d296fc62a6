"""Responses are checked where they lie: each wrong value once, with its first row and how many have it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from lakes import QUESTIONNAIRE, SCHEME, by_hand, change_csv, write_lakes

from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import examine

Rows = list[dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return by_hand(tmp_path / "snapshot")


def defects(folder: Path) -> list[str]:
    return examine(folder)[1]


def put(column: str, value: str, rows: range = range(4, 5)) -> Callable[[Rows], None]:
    def change(held: Rows) -> None:
        for row in rows:
            held[row - 2][column] = value

    return change


@pytest.mark.parametrize(
    ("column", "value", "right"),
    [
        ("unit", "m0x", "it is not in units; did you mean"),
        ("unit", "", "must be filled"),
        ("mode", "opne", "did you mean 'open'?"),
        ("mode", "", "must be filled"),
        ("campaign", "sprng", "known: "),
        ("day", "2031-4-1", "write YYYY-MM-DD"),
        ("weight", "heavy", "write a number of at least 0"),
        ("weight", "-1", "write a number of at least 0"),
        ("flags", "too_fats", "did you mean 'too_fast'?"),
        ("flags", "too_fast  prompted", "join codes by one space"),
        ("q_answered", "fulll", "did you mean 'full'?"),
        ("q_answered", "full part", "is no answer to 'answered'"),
        ("q_trust", "11", "a whole number from 0 to 10 or dk"),
        ("q_trust", "7.5", "a whole number from 0 to 10 or dk"),
        ("q_asked", "money nothing", "'nothing' goes with no other choice"),
        ("q_asked", "money money", "names a choice twice"),
        ("s_age", "oldd", "did you mean 'old'?"),
    ],
)
def test_every_wrong_value_is_told_with_its_place(folder: Path, column: str, value: str, right: str) -> None:
    assert defects(folder) == []
    change_csv(folder / "responses.csv", put(column, value))
    told = defects(folder)
    if column == "campaign":  # with one questionnaire and no snapshot.json every campaign answers it
        assert told == []
        return
    assert len(told) == 1, told
    assert told[0].startswith(f"responses row 4 column {column}: ")
    assert right in told[0]


def test_a_value_that_many_have_is_told_once_with_their_number(folder: Path) -> None:
    change_csv(folder / "responses.csv", put("q_answered", "perhaps", range(10, 110)))
    change_csv(folder / "responses.csv", put("q_answered", "maybe", range(200, 201)))
    first, second = defects(folder)
    assert first.startswith("responses row 10 column q_answered: 'perhaps'")
    assert first.endswith("(and 99 more)")
    assert second.startswith("responses row 200 column q_answered: 'maybe'")


def test_csv_and_parquet_are_told_alike(tmp_path: Path, folder: Path) -> None:
    change_csv(folder / "responses.csv", put("q_trust", "12", range(7, 9)))
    change_csv(folder / "responses.csv", put("unit", "nowhere", range(300, 301)))
    told = defects(folder)
    names = (folder / "responses.csv").read_text().splitlines()[0].split(",")
    types = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    duckdb.sql(
        f"COPY (SELECT * FROM read_csv('{folder}/responses.csv', columns = {{{types}}}, header = true)) "
        f"TO '{folder}/responses.parquet'"
    )
    (folder / "responses.csv").unlink()
    assert len(told) == 2
    assert defects(folder) == told


def test_a_question_nobody_asked_and_an_unknown_column_are_refused(folder: Path) -> None:
    text = (folder / "responses.csv").read_text()
    (folder / "responses.csv").write_text(text.replace("q_asked", "q_axed", 1).replace("psu", "pus", 1))
    told = defects(folder)
    assert any("'q_axed', a question nobody asked; did you mean 'q_asked'" in d for d in told)
    assert any("unknown column 'pus'; did you mean 'psu'?" in d for d in told)


def test_a_day_outside_the_period_or_the_life_of_the_unit_is_told(folder: Path) -> None:
    (folder / "snapshot.json").write_text('{"period": ["2031-01-01", "2031-12-31"]}')
    change_csv(folder / "responses.csv", put("day", "2030-12-31"))
    change_csv(
        folder / "units.csv", lambda rows: [row.update(valid_from="2031-04-03") for row in rows if row["unit"] == "m01"]
    )
    told = defects(folder)
    assert any(d.startswith("responses row 4 column day: 2030-12-31 is outside the period") for d in told)
    assert any("when unit m01 did not exist" in d for d in told)


def test_invited_responses_must_come_from_the_sample_and_not_outnumber_the_invitations(folder: Path) -> None:
    change_csv(folder / "responses.csv", put("design_stratum", "al", range(4, 7)))
    change_csv(folder / "sample.csv", lambda rows: rows[1].update(responded="5", invited="6"))
    stratum, many = defects(folder)
    assert stratum.startswith(
        "responses row 4 column design_stratum: 'al' with psu '' is no row of sample for unit m00"
    )
    assert stratum.endswith("did you mean 'all'? (and 2 more)")
    assert "28 invited responses on m01, stratum 'all', but the sample says that 6 were invited" in many


def test_a_stratum_of_the_population_that_no_response_has_is_told(folder: Path) -> None:
    text = (folder / "population.csv").read_text()
    (folder / "population.csv").write_text(text.replace("s_age", "s_agee", 1))
    assert "population has the column 's_agee', which no response has; did you mean 's_age'?" in defects(folder)


def test_responses_without_their_questionnaire_are_told(folder: Path) -> None:
    (folder / "questionnaires/lakes@1.yaml").unlink()
    assert any("campaign 'spring' have no questionnaire" in d for d in defects(folder))


def test_of_two_questionnaires_snapshot_json_says_which(folder: Path) -> None:
    second = QUESTIONNAIRE.read_text().replace('version: "1"', 'version: "2"')
    (folder / "questionnaires/lakes@2.yaml").write_text(second)
    assert any("does not say which questionnaire" in d for d in defects(folder))
    (folder / "snapshot.json").write_text('{"campaigns": {"spring": "lakes@2"}}')
    assert defects(folder) == []


def test_a_broken_questionnaire_is_told_with_its_line(folder: Path) -> None:
    path = folder / "questionnaires/lakes@1.yaml"
    path.write_text(path.read_text().replace("type: scale", "type: scael"))
    line = path.read_text()[: path.read_text().index("scael")].count("\n") + 1
    assert any(f"lakes@1.yaml:{line} " in d for d in defects(folder))


def test_an_indicator_whose_question_nobody_asked_is_told(folder: Path) -> None:
    path = folder / "questionnaires/lakes@1.yaml"
    path.write_text(path.read_text().replace("code: answered", "code: answerd"))
    text = (folder / "responses.csv").read_text()
    (folder / "responses.csv").write_text(text.replace("q_answered", "q_answerd", 1))
    told = examine(folder, load_scheme(SCHEME))[1]
    assert any(
        "'heard' takes question 'answered', which no questionnaire scores; did you mean 'answerd'" in d for d in told
    )


def test_a_ragged_row_of_responses_is_told_without_a_traceback(folder: Path) -> None:
    with (folder / "responses.csv").open("a") as file:
        file.write("spring,open\n")
    assert any(d.startswith("responses.csv cannot be read") for d in defects(folder))


def test_a_million_responses_are_checked_in_seconds(tmp_path: Path) -> None:
    folder = write_lakes(tmp_path / "snapshot")
    for name in ("snapshot.json", "sample.parquet"):
        (folder / name).unlink()
    duckdb.sql(f"COPY (SELECT r.* FROM '{folder}/responses.parquet' r, range(1800)) TO '{folder}/more.parquet'")
    (folder / "more.parquet").replace(folder / "responses.parquet")
    started = time.perf_counter()
    told = defects(folder)
    seconds = time.perf_counter() - started
    assert told == []
    assert duckdb.sql(f"SELECT count(*) FROM '{folder}/responses.parquet'").fetchall()[0][0] > 1_000_000
    assert seconds < 30  # about 2 s on two free cores
