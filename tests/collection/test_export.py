"""What a snapshot takes: bulk in, tables out, nothing lost, nothing of the order kept."""

from __future__ import annotations

import csv
import time
from collections import Counter
from datetime import date, timedelta

import duckdb
import pytest
from click.testing import CliRunner

from evaluator import cli, database
from evaluator.collection import export
from evaluator.collection.bulk import store_in_bulk
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.counts import FrameRow, PopulationRow, keep_frame, keep_population
from evaluator.collection.responses import response_row
from evaluator.collection.tables import Admission, Invitation, Response
from evaluator.collection.versions import keep_questionnaire, move_campaign
from evaluator.problems import Problem
from evaluator.rating.snapshot_make import make_snapshot
from questionnaires.acceptance import accept
from tests.collection.conftest import QUESTIONNAIRE

DAY = date(2026, 3, 10)


def _rows(campaign, number: int, *, mode: str = "open", unit: str = "3701", stratum: str = ""):
    for k in range(number):
        answers = {"contact": ["yes"], "trouble": ["money", "delay"], "word": [str(k % 11)], "remark": ["=1,\n2"]}
        answers["age"] = ["old" if k % 2 else "young"]
        yield response_row(
            campaign.questionnaire, accept(campaign.questionnaire, answers), questionnaire_version=campaign.version,
            campaign=campaign.id, campaign_code=campaign.code, unit=unit, mode=mode,
            day=DAY + timedelta(k % 5), design_stratum=stratum,
            duration="under_25_seconds" if k % 3 == 0 else "longer",
            code_hash=f"{k:064x}" if mode == "invitation" else None,
        )  # fmt: skip


@pytest.fixture
def spring(small_campaign):
    async def ready():
        await small_campaign()
        return await load_campaign("spring")

    return ready


@pytest.mark.parametrize("form", ["csv", "parquet"])
async def test_responses_leave_as_the_snapshot_wants_them(database_url, settings, tmp_path, spring, form) -> None:
    campaign = await spring()
    rows = list(_rows(campaign, 300))
    assert await store_in_bulk(settings, rows) == 300
    path = tmp_path / f"responses.{form}"
    found = await export.sources(["spring"])
    assert await export.write_responses(found, path) == 300
    with duckdb.connect() as connection:
        reader = f"read_csv('{path}', all_varchar = true)" if form == "csv" else f"'{path}'"
        result = connection.execute(f"SELECT * FROM {reader}")
        names = [column[0] for column in result.description]
        lines = result.fetchall()
    assert names == [
        "campaign", "mode", "unit", "day", "weight", "design_stratum", "psu", "s_age", "q_contact", "q_trouble",
        "q_days", "q_word", "q_kept", "flags",
    ]  # fmt: skip
    assert sorted(path.parent.glob("responses*")) == [path]
    line = dict(zip(names, lines[0], strict=True))
    assert (line["campaign"], line["mode"], line["unit"], line["weight"]) == ("spring", "open", "3701", None)
    assert (line["q_contact"], line["q_trouble"], line["q_days"]) == ("yes", "money delay", None)
    words = Counter(dict(zip(names, line, strict=True))["q_word"] for line in lines)
    assert words == Counter(str(k % 11) for k in range(300))
    assert sum(dict(zip(names, line, strict=True))["flags"] == "too_fast" for line in lines) == 100
    order = [row.answers for row in sorted(rows)]
    assert [f'"word":{dict(zip(names, line, strict=True))["q_word"]},' in order[k] for k, line in enumerate(lines)] == [
        True
    ] * 300  # in the order of identifiers that were not written


async def test_a_period_leaves_out_what_came_before_and_after(database_url, settings, tmp_path, spring) -> None:
    campaign = await spring()
    await store_in_bulk(settings, _rows(campaign, 50))
    found = await export.sources(["spring"])
    period = (DAY + timedelta(1), DAY + timedelta(2))
    assert await export.write_responses(found, tmp_path / "r.csv", period=period) == 20
    with (tmp_path / "r.csv").open() as file:
        assert {line["day"] for line in csv.DictReader(file)} == {"2026-03-11", "2026-03-12"}


async def test_an_unknown_campaign_is_named_with_those_that_exist(database_url, spring) -> None:
    await spring()
    with pytest.raises(Problem, match="“winter”; there are: spring"):
        await export.sources(["winter"])


async def test_bulk_by_invitation_issues_and_uses_the_codes(database_url, settings, spring) -> None:
    campaign = await spring()
    await store_in_bulk(settings, _rows(campaign, 40, mode="invitation", stratum="town"))
    assert (await Response.count(), await Admission.count(), await Invitation.count()) == (40, 40, 40)
    with pytest.raises(database.AlreadyExists):
        await store_in_bulk(settings, _rows(campaign, 41, mode="invitation"))
    assert await Response.count() == 40  # all or none


async def test_the_sample_counts_who_responded(database_url, settings, spring) -> None:
    campaign = await spring()
    await keep_frame(
        settings, campaign, [FrameRow("3701", "town", "", 1000, 80, ""), FrameRow("3702", "", "", 500, 50, "37")]
    )
    await store_in_bulk(settings, _rows(campaign, 40, mode="invitation", stratum="town"))
    await store_in_bulk(settings, _rows(campaign, 7, unit="3702"))  # by open link: not of the sample
    table = await export.sample_table(await export.sources(["spring"]))
    assert {name: list(column) for name, column in table.items()} == {
        "unit": ["3701", "3702"], "design_stratum": ["town", ""], "psu": ["", ""], "frame_n": [1000.0, 500.0],
        "invited": [80.0, 50.0], "responded": [40.0, 0.0], "calibration_area": ["", "37"],
    }  # fmt: skip


async def test_the_population_keeps_blank_strata_blank(database_url, settings, spring) -> None:
    campaign = await spring()
    rows = [PopulationRow("3701", {"s_age": "old"}, 40), PopulationRow("3702", {}, 99)]
    await keep_population(settings, campaign, rows)
    table = await export.population_table(await export.sources(["spring"]))
    assert {name: list(column) for name, column in table.items()} == {
        "unit": ["3701", "3702"], "s_age": ["old", ""], "count": [40.0, 99.0],
    }  # fmt: skip


async def test_versions_of_a_campaign_are_lined_up_by_code(database_url, settings, tmp_path, spring) -> None:
    campaign = await spring()
    await store_in_bulk(settings, _rows(campaign, 20))
    extra = '      - code: extra\n        type: integer\n        text: {zh: "E-zh", en: "How often?"}\n'
    text = QUESTIONNAIRE.replace('version: "1"', 'version: "2"').replace(
        "      - code: days\n", f"{extra}      - code: days\n"
    )
    number, _ = await keep_questionnaire(text)
    await move_campaign(settings, "spring", number, DAY)
    now = await load_campaign("spring")
    row = response_row(
        now.questionnaire, accept(now.questionnaire, {"contact": ["yes"], "extra": ["3"], "word": ["9"]}),
        questionnaire_version=now.version, campaign=now.id, campaign_code=now.code, unit="3702", mode="open", day=DAY,
    )  # fmt: skip
    await store_in_bulk(settings, [row])
    found = await export.sources(["spring"])
    assert await export.write_responses(found, tmp_path / "r.csv") == 21
    with (tmp_path / "r.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert Counter(line["q_extra"] for line in lines) == {"": 20, "3": 1}
    [new] = [line for line in lines if line["unit"] == "3702"]
    assert (new["q_word"], new["q_days"], new["q_contact"]) == ("9", "", "yes")
    assert {line["q_trouble"] for line in lines} == {"money delay", ""}
    assert set(export.questionnaire_files(found)) == {"small@1", "small@2"}
    assert export.questionnaire_of_campaign(found) == {"spring": "small@2"}
    folder = tmp_path / "snapshot"
    await make_snapshot(settings, folder, ["spring"], (DAY, DAY + timedelta(20)), DAY)
    assert sorted(path.name for path in (folder / "questionnaires").iterdir()) == ["small@1.yaml", "small@2.yaml"]
    checked = CliRunner().invoke(cli.group, ["snapshot", "check", str(folder)])
    assert checked.exit_code == 0, checked.output


async def test_two_campaigns_of_one_questionnaire_share_its_file(database_url, small_campaign) -> None:
    await small_campaign()
    await small_campaign("autumn")
    found = await export.sources(["spring", "autumn"])
    assert list(export.questionnaire_files(found)) == ["small@1"]
    assert export.questionnaire_of_campaign(found) == {"spring": "small@1", "autumn": "small@1"}


async def test_ten_thousand_responses_a_second_go_in_and_out(database_url, settings, tmp_path, spring) -> None:
    campaign = await spring()
    rows = list(_rows(campaign, 20_000))
    began = time.perf_counter()
    await store_in_bulk(settings, rows)
    await export.write_responses(await export.sources(["spring"]), tmp_path / "r.parquet")
    assert time.perf_counter() - began < 10  # 1 s on two slow cores
