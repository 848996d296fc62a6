"""Rounds and scores: the rules, on both engines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import pytest

from evaluator import database
from evaluator.accounts.tables import Account
from evaluator.assessment.export import assessments_table
from evaluator.assessment.importing import ScoresOffer, import_assignments, import_scores
from evaluator.assessment.rounds import (
    About,
    CriterionPlan,
    Label,
    assessors_of,
    assign_units,
    create_round,
    find_round,
    give_account,
    read_round,
)
from evaluator.assessment.scoring import Given, Work, save_scores, sheet, work_of
from evaluator.assessment.tables import Assessment, AssessmentImport, AssessmentRound, Assignment, Criterion, Institute
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.spreadsheets.findings import Refused
from tests.assessment.small_round import AFTER, BEFORE, OPEN, PASSWORD, PLAN, make_round


@dataclass
class Setting:
    round: AssessmentRound
    account: Account
    work: Work
    files: int  # numbers of the two criteria
    rules: int


@pytest.fixture
async def setting(database_url: str) -> Setting:
    made = await make_round()
    account = await give_account(made.id, "uni", "A1", "an assessor", PASSWORD)
    work = await work_of(account)
    assert work is not None
    numbers = {row["code"]: row["id"] for row in await Criterion.select(Criterion.code, Criterion.id)}
    return Setting(made, account, work, numbers["files"], numbers["rules"])


async def scores() -> list[tuple[object, ...]]:
    rows = await Assessment.select(Assessment.unit, Assessment.criterion.code, Assessment.score).order_by(Assessment.id)
    return [tuple(row.values()) for row in rows]


async def test_an_assessor_sees_the_assigned_units_and_how_far_they_are(setting: Setting) -> None:
    assert [(t.unit, t.name_zh, t.scored) for t in setting.work.tasks] == [("3701", "乙市", 0), ("3702", "丙市", 0)]
    assert await save_scores(setting.work, "3701", {setting.files: Given("7.5", "seen")}, OPEN) == []
    work = await work_of(setting.account)
    assert work is not None
    assert [t.scored for t in work.tasks] == [1, 0]
    assert (work.criteria, work.pseudonym, work.next_after("3701"), work.next_after("3702")) == (
        2,
        "A1",
        "3702",
        "3701",
    )


async def test_scores_are_saved_changed_and_taken_back(setting: Setting) -> None:
    both = {setting.files: Given("７", "seen"), setting.rules: Given("5", "read")}
    assert await save_scores(setting.work, "3701", both, OPEN) == []
    assert await scores() == [("3701", "files", 7.0), ("3701", "rules", 5.0)]
    changed = {setting.files: Given("8", "seen again"), setting.rules: Given("", "")}
    assert await save_scores(setting.work, "3701", changed, OPEN) == []
    assert await scores() == [("3701", "files", 8.0)]
    assert [(line.score, line.justification) for line in await sheet(setting.work.assessor, "3701")] == [
        (8.0, "seen again"),
        (None, ""),
    ]


@pytest.mark.parametrize(
    ("score", "justification", "field"),
    [
        ("11", "x", "score"), ("-1", "x", "score"), ("ten", "x", "score"), ("70%", "x", "score"), ("无", "x", "score"),
        ("", "x", "score"), ("7", "", "justification"), ("7", "x" * 4001, "justification"), ("8,5", "x", "score"),
    ],
)  # fmt: skip
async def test_a_wrong_line_keeps_the_whole_sheet_out(
    setting: Setting, score: str, justification: str, field: str
) -> None:
    given = {setting.files: Given(score, justification), setting.rules: Given("2", "fine")}
    wrong = await save_scores(setting.work, "3701", given, OPEN)
    assert [name for name, _why in wrong] == [f"{field}-{setting.files}"]
    assert await scores() == []


async def test_limits_are_the_criterion_s_own(setting: Setting) -> None:
    wrong = await save_scores(setting.work, "3701", {setting.rules: Given("5.5", "x")}, OPEN)
    assert wrong[0][1].values == {"low": "1", "high": "5"}
    assert await save_scores(setting.work, "3701", {setting.rules: Given("1", "x")}, OPEN) == []


@pytest.mark.parametrize("day", [BEFORE, AFTER])
async def test_nothing_is_taken_before_and_after_the_round(setting: Setting, day: date) -> None:
    with pytest.raises(Problem, match="not open") as refused:
        await save_scores(setting.work, "3701", {setting.files: Given("7", "x")}, day)
    assert refused.value.status == 409
    assert await scores() == []


async def test_first_and_last_day_are_open(setting: Setting) -> None:
    for number, day in ((setting.files, PLAN.opens), (setting.rules, PLAN.closes)):
        assert await save_scores(setting.work, "3702", {number: Given("3", "x")}, day) == []


@pytest.mark.parametrize("unit", ["37", "3799"])
async def test_units_that_are_not_assigned_are_refused_in_the_same_words(setting: Setting, unit: str) -> None:
    with pytest.raises(Problem, match="Not allowed") as refused:
        await save_scores(setting.work, unit, {setting.files: Given("7", "x")}, OPEN)
    assert (refused.value.status, refused.value.detail) == (403, "This unit is not assigned to you.")


async def test_another_assessor_s_scores_are_neither_seen_nor_changed(setting: Setting) -> None:
    other = await work_of(await give_account(setting.round.id, "firm", "A1", "another", PASSWORD))
    assert other is not None
    await save_scores(setting.work, "3701", {setting.files: Given("7", "mine")}, OPEN)
    assert [line.score for line in await sheet(other.assessor, "3701")] == [None, None]
    await save_scores(other, "3701", {setting.files: Given("2", "theirs")}, OPEN)
    assert [line.score for line in await sheet(setting.work.assessor, "3701")] == [7.0, None]


async def test_criteria_of_another_round_are_left_alone(setting: Setting) -> None:
    later = await create_round(msgspec.structs.replace(PLAN, code="autumn"))
    foreign = await Criterion.objects().get(Criterion.round == later.id)
    assert foreign is not None
    assert await save_scores(setting.work, "3701", {foreign.id: Given("7", "x")}, OPEN) == []
    assert await scores() == []


async def test_an_account_of_no_assessor_has_no_work(database_url: str) -> None:
    account = Account(name="a", password_hash="x", role="assessor")
    await account.save()
    assert await work_of(account) is None


async def test_institutes_are_kept_and_a_code_is_taken_once(setting: Setting) -> None:
    await create_round(msgspec.structs.replace(PLAN, code="autumn"))
    assert await Institute.count() == 2
    with pytest.raises(database.AlreadyExists):
        await create_round(PLAN)
    assert await AssessmentRound.count() == 2


async def test_a_round_that_contradicts_itself_is_refused_with_everything_named(database_url: str) -> None:
    plan = msgspec.structs.replace(
        PLAN,
        closes=date(2026, 2, 1),
        about=About(date(2026, 1, 1), date(2025, 1, 1)),
        criteria=(CriterionPlan("a", Label("a"), "", 3, 3), CriterionPlan("a", Label("a"))),
        institutes=(msgspec.structs.replace(PLAN.institutes[0], assessors=()),),
    )
    with pytest.raises(Problem) as refused:
        await create_round(plan)
    assert [e.pointer for e in refused.value.errors] == ["closes", "about", "criteria", "institutes uni", "criteria a"]
    assert await AssessmentRound.count() == 0


def test_a_round_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "round.yaml"
    path.write_text(
        "code: r\ntitle: {zh: 评估}\nopens: 2026-03-01\ncloses: 2026-03-31\nabout: {from: 2025-01-01, to: 2025-12-31}\n"
        "criteria: [{code: files, name: {zh: 案卷}}]\ninstitutes: [{code: u, name: {zh: 大学}, assessors: [A1]}]\n",
        encoding="utf-8",
    )
    plan = read_round(path)
    assert (plan.closes, plan.criteria[0].high, plan.about) == (
        date(2026, 3, 31),
        10.0,
        About(date(2025, 1, 1), date(2025, 12, 31)),
    )
    path.write_text("code: r\nopen: 2026-03-01\n", encoding="utf-8")
    with pytest.raises(Problem, match=r"round\.yaml"):
        read_round(path)


async def test_an_assessor_has_one_account(setting: Setting) -> None:
    with pytest.raises(Problem, match="done already"):
        await give_account(setting.round.id, "uni", "A1", "second", PASSWORD)
    with pytest.raises(Problem, match="no such assessor"):
        await give_account(setting.round.id, "uni", "A9", "second", PASSWORD)
    assert await Account.count() == 1


async def test_an_unknown_round_is_told_with_those_there_are(setting: Setting) -> None:
    with pytest.raises(Problem, match="spring"):
        await find_round("summer")


# --- files

HEADER = "单位,评估机构,评估员,标准,得分,理由\n"


def offer(rows: str, *, assign: bool = False) -> ScoresOffer:
    return ScoresOffer("scores.csv", (HEADER + rows).encode("gb18030"), "the university", OPEN, assign=assign)


async def test_a_file_of_scores_comes_in_with_its_origin(setting: Setting) -> None:
    rows = "乙市,uni,A1,files,８.5,看过\n370200,uni,A1,rules,2,\n"
    assert await import_scores(setting.round, offer(rows)) == 2
    assert await scores() == [("3701", "files", 8.5), ("3702", "rules", 2.0)]
    (brought,) = await AssessmentImport.objects()
    assert (brought.rows, brought.source) == (2, "the university")
    assert {row["brought_by"] for row in await Assessment.select(Assessment.brought_by)} == {brought.id}


async def test_every_bad_row_of_scores_is_told_and_nothing_comes_in(setting: Setting) -> None:
    await save_scores(setting.work, "3702", {setting.files: Given("7", "x")}, OPEN)
    rows = (
        "3701,uni,A1,files,11,x\n3701,uno,A1,files,5,x\n3701,uni,A9,files,5,x\n3701,uni,A1,file,5,x\n"
        "3701,firm,A1,rules,5,x\n3701,firm,A1,rules,4,x\n3702,firm,A1,rules,4,x\n3702,uni,A1,files,3,x\n"
        "3703,uni,A1,files,3,x\n3701,uni,A1,rules,,x\n"
    )
    with pytest.raises(Refused) as refused:
        await import_scores(setting.round, offer(rows))
    told = [(f.row, f.column, f.why().split(":")[0]) for f in refused.value.findings]
    assert told == [
        (2, "得分", "is not within the limits"),
        (3, "评估机构", "is no institute of this round"),
        (4, "评估员", "is no assessor of this institute"),
        (5, "标准", "is no criterion of this round"),
        (7, "标准", "was scored by this assessor for this unit in row 6 already"),
        (8, "单位", "is not assigned to this assessor"),
        (9, "得分", "is held already"),
        (10, "单位", "is no unit here"),
        (11, "得分", "is blank"),
    ]
    assert refused.value.findings[1].what_would_be_right() == "did you mean uni?"
    assert await Assessment.count() == 1
    assert await AssessmentImport.count() == 0


async def test_units_are_assigned_by_a_file_of_scores_only_when_asked(setting: Setting) -> None:
    assert await import_scores(setting.round, offer("37,uni,A2,files,5,x\n", assign=True)) == 1
    a2 = (await assessors_of(setting.round.id))["uni", "A2"]
    assert await Assignment.exists().where((Assignment.assessor == a2) & (Assignment.unit == "37"))


async def test_assignments_come_from_a_file_and_twice_is_once(setting: Setting) -> None:
    content = b"unit,institute,assessor\n37,uni,A2\n3701,uni,A1\n37,uni,A2\n"
    assert await import_assignments(setting.round, content) == 1
    assert await import_assignments(setting.round, content) == 0
    with pytest.raises(Refused):
        await import_assignments(setting.round, b"unit,institute,assessor\n37,uni,A2\n38,uni,A2\n")
    a1 = (await assessors_of(setting.round.id))["uni", "A1"]
    assert await assign_units([(a1, "3701"), (a1, "37")]) == 1


# --- what a snapshot takes


async def test_a_snapshot_takes_the_scores_of_the_rounds_about_its_period(setting: Setting) -> None:
    await save_scores(setting.work, "3701", {setting.files: Given("7", "x"), setting.rules: Given("2", "x")}, OPEN)
    table = await assessments_table((date(2026, 1, 1), date(2026, 12, 31)))
    assert {name: list(column) for name, column in table.items()} == {
        "unit": ["3701", "3701"],
        "institute": ["uni", "uni"],
        "assessor": ["A1", "A1"],
        "criterion": ["files", "rules"],
        "score": [7.0, 2.0],
    }
    assert table["score"].dtype == float
    empty = await assessments_table((date(2025, 1, 1), date(2025, 12, 31)))
    assert {name: len(column) for name, column in empty.items()} == dict.fromkeys(table, 0)


async def test_a_round_in_spring_may_be_about_the_year_before(database_url: str) -> None:
    about = About(date(2025, 1, 1), date(2025, 12, 31))
    made = await make_round(msgspec.structs.replace(PLAN, about=about))
    await import_scores(made, offer("3701,uni,A1,files,5,x\n"))
    assert len((await assessments_table((date(2025, 1, 1), date(2025, 12, 31))))["unit"]) == 1
    assert len((await assessments_table((date(2026, 1, 1), date(2026, 12, 31))))["unit"]) == 0


async def test_the_audit_log_says_what_was_done_to_a_round_and_nothing_of_persons(
    setting: Setting, database_url: str, tmp_path: Path
) -> None:
    settings, by = Settings(data_dir=tmp_path, database_url=database_url), "operator 1"
    made = await create_round(msgspec.structs.replace(PLAN, code="autumn"), settings, by)
    await import_assignments(made, b"unit,institute,assessor\n3701,uni,A2\n", settings, by)
    await import_scores(made, offer("3702,uni,A2,files,5,seen it\n", assign=True), settings, by)
    await give_account(made.id, "uni", "A2", "Li Si", PASSWORD, settings, by)
    entries = [row["entry"] for row in await LogLeaf.select(LogLeaf.entry).order_by(LogLeaf.position)]
    said = [json.loads(entry) for entry in entries]
    assert [one["what"] for one in said] == [
        "round.opened", "round.assigned", "round.scores_imported", "account.added",
    ]  # fmt: skip
    assert {one["by"] for one in said} == {by}
    assert (said[0]["closes"], said[1]["assigned"], said[2]["rows"]) == (PLAN.closes.isoformat(), 1, 1)
    assert not [word for word in ("A2", "Li Si", "seen it", "uni") if f'"{word}' in "".join(entries)]
