"""Answers leave for analysis lined up, explained, and without anything that says who gave them or when."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from evaluator.collection.analysis import export_campaign
from evaluator.collection.analysis_files import guarded
from evaluator.collection.bulk import store_in_bulk
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.responses import response_row
from evaluator.collection.tables import Response
from evaluator.collection.versions import keep_questionnaire, move_campaign
from evaluator.problems import Problem
from evaluator.settings import Settings
from questionnaires.acceptance import accept
from tests.collection.conftest import QUESTIONNAIRE

DAY = date(2026, 3, 10)
SECOND = (
    QUESTIONNAIRE.replace('version: "1"', 'version: "2"')
    .replace(
        "          - {code: rude,", '          - {code: lost, text: {zh: "J", en: "Lost"}}\n          - {code: rude,'
    )
    .replace('en: "Anything else?"', 'en: "-1+Anything else?"')
)


async def answer(settings: Settings, number: int, raw: dict[str, list[str]], **more: object) -> None:
    campaign = await load_campaign("spring")
    accepted = accept(campaign.questionnaire, raw)
    given = {"unit": "3701", "mode": "open", "day": DAY, "duration": "longer", **more}
    rows = [
        response_row(
            campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
            campaign_code="spring", **given,
        )
        for _ in range(number)
    ]  # fmt: skip
    await store_in_bulk(settings, rows)


@pytest.fixture
def two_versions(settings, small_campaign):
    async def ready(**changes: object) -> None:
        await small_campaign(**changes)
        await answer(
            settings, 3, {"contact": ["yes"], "trouble": ["money"], "days": ["12"], "word": ["dk"], "remark": ["=1+1"]},
            orders={"trouble": "rude money delay none"},
        )  # fmt: skip
        number, _ = await keep_questionnaire(SECOND)
        await move_campaign(settings, "spring", number, DAY)
        await answer(
            settings, 2,
            {"contact": ["yes"], "trouble": ["lost", "rude"], "word": ["7"], "age": ["old"], "remark": ["Ms Li"]},
            day=DAY + timedelta(1), duration="under_25_seconds", unit="3702",
        )  # fmt: skip

    return ready


NAMES = [
    "version", "day", "mode", "unit", "design_stratum", "psu", "duration", "flags", "q_contact", "q_trouble_money",
    "q_trouble_delay", "q_trouble_lost", "q_trouble_rude", "q_trouble_none", "o_trouble", "q_days", "q_word", "n_word",
    "q_kept", "o_kept", "s_age",
]  # fmt: skip


def read(folder: Path, form: str) -> list[dict[str, object]]:
    path = folder / f"responses.{form}"
    if form == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    if form == "parquet":
        with duckdb.connect() as connection:
            found = connection.execute(f"SELECT * FROM '{path}'")
            names = [column[0] for column in found.description]
            return [dict(zip(names, line, strict=True)) for line in found.fetchall()]
    head, *lines = CalamineWorkbook.from_path(path).get_sheet_by_name("responses").to_python()
    return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
async def test_versions_are_lined_up_in_every_format(database_url, tmp_path, two_versions, form) -> None:
    await two_versions()
    made = await export_campaign("spring", tmp_path / "out", form)
    assert (made.responses, made.versions) == (5, ("small@1", "small@2"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["codebook.csv", f"responses.{form}"]
    rows = read(tmp_path / "out", form)
    assert list(rows[0]) == NAMES
    old = next(row for row in rows if row["version"] == "small@1")
    new = next(row for row in rows if row["version"] == "small@2")
    blank = None if form == "parquet" else ""
    one, none, twelve, seven = ("1", "0", "12", "7") if form == "csv" else (1, 0, 12, 7)
    assert [old[name] for name in ("q_trouble_money", "q_trouble_rude", "q_trouble_lost")] == [one, none, blank]
    assert [new[name] for name in ("q_trouble_money", "q_trouble_rude", "q_trouble_lost")] == [none, one, one]
    assert (old["q_days"], old["q_word"], old["n_word"], old["s_age"]) == (twelve, "dk", blank, blank)
    assert (new["q_word"], new["n_word"], new["s_age"], new["flags"]) == ("7", seven, "old", "too_fast")
    assert (old["o_trouble"], new["o_trouble"]) == ("rude money delay none", blank)
    day = {"csv": "2026-03-11", "xlsx": date(2026, 3, 11), "parquet": date(2026, 3, 11)}[form]
    assert new["day"] == day
    assert (old["unit"], old["mode"], old["duration"]) == ("3701", "open", "longer")


async def test_nothing_says_who_it_was_or_who_came_first(database_url, tmp_path, two_versions) -> None:
    await two_versions()
    await export_campaign("spring", tmp_path / "out", "csv", texts=True)
    everything = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    keys = [row["identifier"] for row in await Response.select(Response.identifier).order_by(Response.identifier)]
    assert not any(key in everything for key in keys)
    versions = [row["questionnaire"] for row in await Response.select().order_by(Response.identifier)]
    assert [int(str(row["version"])[-1]) for row in read(tmp_path / "out", "csv")] == versions  # by random keys
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
async def test_free_text_leaves_only_when_asked_and_is_no_formula(database_url, tmp_path, two_versions, form) -> None:
    await two_versions()
    made = await export_campaign("spring", tmp_path / "without", form)
    assert [question for question, _ in made.left_out] == ["remark"]
    for path in (tmp_path / "without").iterdir():
        held = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                held = b"".join(archive.read(name) for name in archive.namelist())
        assert b"Ms Li" not in held
    await export_campaign("spring", tmp_path / "with", form, texts=True)
    said = {row["q_remark"] for row in read(tmp_path / "with", form)}
    assert said == ({"'=1+1", "Ms Li"} if form == "csv" else {"=1+1", "Ms Li"})
    if form == "xlsx":
        with zipfile.ZipFile(tmp_path / "with" / "responses.xlsx") as archive:
            sheets = b"".join(archive.read(name) for name in archive.namelist() if "worksheets" in name)
        assert b"<f>" not in sheets
        assert b"hyperlink" not in sheets


async def test_the_codebook_explains_every_column_in_both_languages(database_url, tmp_path, two_versions) -> None:
    await two_versions()
    await export_campaign("spring", tmp_path / "out", "xlsx")
    content = (tmp_path / "out" / "codebook.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert list(dict.fromkeys(row["column"] for row in rows)) == NAMES
    kept = [row for row in rows if row["column"] == "q_kept"]
    assert [(row["code"], row["score"], row["choice_en"], row["choice_zh"]) for row in kept] == [
        ("", "", "", ""), ("all", "100", "All of it", "1-zh"), ("half", "50", "Half of it", "2-zh"),
        ("nothing", "0", "Nothing", "3-zh"), ("dk", "", "Not sure", "4-zh"),
    ]  # fmt: skip
    assert (kept[0]["words_en"], kept[0]["type"], kept[0]["versions"]) == (
        "How much was kept?",
        "single",
        "small@1 small@2",
    )
    [lost] = [row for row in rows if row["column"] == "q_trouble_lost"]
    assert (lost["versions"], lost["condition"]) == ("small@2", "selected(${contact}, 'yes')")
    [day] = [row for row in rows if row["column"] == "day"]
    assert day["words_en"].startswith("day on which")
    assert day["words_zh"]
    assert day["words_zh"] != day["words_en"]
    sheet = CalamineWorkbook.from_path(tmp_path / "out" / "responses.xlsx").get_sheet_by_name("codebook").to_python()
    assert [line[0] for line in sheet[1:]] == [row["column"] for row in rows]


async def test_nothing_half_done_stays_behind(database_url, tmp_path, two_versions, monkeypatch) -> None:
    await two_versions()
    with pytest.raises(Problem, match="“winter”; there are: spring"):
        await export_campaign("winter", tmp_path / "out", "csv")

    def full(done: int, whole: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await export_campaign("spring", tmp_path / "out", "xlsx", progress=full)
    monkeypatch.setattr("evaluator.collection.analysis_files.SHEET_ROWS", 4)
    with pytest.raises(Problem, match="a sheet holds 3"):
        await export_campaign("spring", tmp_path / "out", "xlsx")
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []
    await export_campaign("spring", tmp_path / "out", "csv")
    with pytest.raises(Problem, match="nothing is overwritten"):
        await export_campaign("spring", tmp_path / "out", "csv")


async def test_simulated_answers_are_marked_in_every_row(sqlite_url, tmp_path, two_versions) -> None:
    await two_versions(simulated=True)
    await export_campaign("spring", tmp_path / "out", "csv")
    assert {row["data_status"] for row in read(tmp_path / "out", "csv")} == {"SIMULATED"}


async def test_a_campaign_without_answers_gives_an_empty_table(sqlite_url, tmp_path, small_campaign) -> None:
    await small_campaign()
    for form in ("csv", "xlsx", "parquet"):
        made = await export_campaign("spring", tmp_path / form, form)
        assert made.responses == 0
        assert read(tmp_path / form, form) == []


@pytest.mark.parametrize(
    ("value", "cell"), [("=1", "'=1"), ("-99", "-99"), ("+8.5", "+8.5"), ("-1+A1", "'-1+A1"), ("@x", "'@x"), (-3, -3)]
)
def test_only_what_could_be_a_formula_is_quoted(value: object, cell: object) -> None:
    assert guarded(value) == cell  # type: ignore[arg-type]
