"""A database from before campaigns had versions: every row is there afterwards, and names the version it answered."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

import pytest
from piccolo.apps.migrations.commands.forwards import run_forwards

from evaluator import database
from evaluator.collection.tables import Campaign, CampaignVersion, QuestionnaireVersion, Response
from evaluator.units.tables import Unit
from tests.conftest import _sql

BEFORE = "2026-11-25T04:17:17:930029"
BEFORE_BY_LEAF = "2026-11-30T10:20:00:000000"
CAMPAIGNS = (
    "INSERT INTO campaign (code, title_zh, title_en, questionnaire, opens, closes, responsible_zh, responsible_en, "
    "contact) VALUES ('{0}', 'a', 'b', {1}, '{2}', '2026-05-31', 'c', 'd', 'e')"
)
RESPONSES = (
    "INSERT INTO response (identifier, campaign, unit, mode, day, duration, flags, answers) "
    "VALUES ('{0}', {1}, '37', 'open', '2026-03-10', 'longer', 'too_fast', {{}})"
)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Without any table."""
    if request.param == "sqlite":
        database.connect(f"sqlite:///{tmp_path}/old.sqlite")
        yield
        return
    server, name = request.getfixturevalue("postgres"), f"t{time.time_ns()}"
    asyncio.run(_sql(server, f"CREATE DATABASE {name}"))
    database.connect(server.replace("/postgres?", f"/{name}?"))
    yield
    asyncio.run(_sql(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def old_database(empty_database: None) -> None:
    """A database of the state before, with two campaigns of two versions."""
    asyncio.run(_fill())


async def _migrate(until: str) -> None:
    async with database.engine().transaction():
        with redirect_stdout(io.StringIO()):
            assert (await run_forwards("evaluator", migration_id=until)).success


async def _fill() -> None:
    await _migrate(BEFORE)
    run = Unit.raw
    await run("INSERT INTO unit (code, level, name_zh) VALUES ('37', 'P', 'a')")
    for version in (1, 2):
        await run(f"INSERT INTO questionnaire_version (code, version, definition) VALUES ('q', '{version}', 'x')")
    await run(CAMPAIGNS.format("late", 2, "2026-05-01"))
    await run(CAMPAIGNS.format("early", 1, "2026-03-01"))
    for number in range(60):
        await run(RESPONSES.format(f"{number:032x}", 1 + number % 2), f'{{"word":{number}}}')


async def test_rows_from_before_keep_their_answers_and_name_their_version(old_database: None) -> None:
    await database.upgrade()
    rows = await Response.select().order_by(Response.identifier)
    assert len(rows) == 60
    for number, row in enumerate(rows):
        assert row["identifier"] == f"{number:032x}"
        assert (row["campaign"], row["questionnaire"]) == ((1, 2), (2, 1))[number % 2]
        assert (row["orders"], row["flags"], row["duration"], row["day"]) == (
            "",
            "too_fast",
            "longer",
            date(2026, 3, 10),
        )
        assert row["answers"] == f'{{"word":{number}}}'
    assert [row["published"] for row in await QuestionnaireVersion.select()] == [True, True]
    found = await CampaignVersion.select().order_by(CampaignVersion.id)
    assert [(row["campaign"], row["questionnaire"], row["since"]) for row in found] == [
        (1, 2, date(2026, 5, 1)), (2, 1, date(2026, 3, 1)),
    ]  # fmt: skip


async def test_the_rules_hold_after_the_upgrade(old_database: None) -> None:
    await database.upgrade()
    await database.upgrade()  # nothing is left to do
    given = {"campaign": 1, "unit": "37", "mode": "open", "day": date(2026, 3, 10), "answers": "{}"}
    with pytest.raises(database.StillReferenced):
        await Response.insert(Response(identifier="f" * 32, questionnaire=9, **given))
    with pytest.raises(database.AlreadyExists):
        await Response.insert(Response(identifier="0" * 32, questionnaire=1, **given))
    with pytest.raises(database.RuleBroken):
        await Response.insert(Response(identifier="e" * 32, questionnaire=1, **{**given, "mode": "pigeon"}))
    with pytest.raises(database.RuleBroken):
        await Response.raw(
            "INSERT INTO response (identifier, campaign, unit, day) VALUES ({}, 1, '37', {})", "d" * 32,
            "2026-03-10" if database.engine().engine_type == "sqlite" else date(2026, 3, 10),
        )  # fmt: skip
    with pytest.raises(database.StillReferenced):
        await QuestionnaireVersion.delete().where(QuestionnaireVersion.id == 1)
    if database.engine().engine_type == "sqlite":
        with pytest.raises(database.Unavailable, match="rowid"):
            await Response.raw("SELECT rowid FROM response")
    assert await Campaign.count() == 2


async def test_what_waits_is_there_when_it_is_known_by_its_leaf(empty_database: None) -> None:
    await _migrate(BEFORE_BY_LEAF)
    run = Unit.raw
    await run("INSERT INTO unit (code, level, name_zh) VALUES ('37', 'P', 'a')")
    await run("INSERT INTO questionnaire_version (code, version, definition) VALUES ('q', '1', 'x')")
    await run(CAMPAIGNS.format("spring", 1, "2026-03-01"))
    for number in range(60):
        await run(
            "INSERT INTO pending (identifier, campaign, unit, mode, day, answers, questionnaire, salt, commitment, "
            f"leaf_hash, code_hash) VALUES ('{number:032x}', 1, '37', 'open', '2026-03-10', {{}}, 1, '{number:064x}', "
            f"'{number:064x}', '{99 - number:064x}', '{7 * number:064x}')",
            f'{{"word":{number}}}',
        )
    before = await run("SELECT * FROM pending ORDER BY identifier")
    await database.upgrade()
    assert await run("SELECT * FROM pending ORDER BY identifier") == before
    assert len(before) == 60
    copied = "INSERT INTO pending SELECT * FROM pending LIMIT 1"
    with pytest.raises(database.AlreadyExists):  # the same leaf
        await run(copied)
    with pytest.raises(database.AlreadyExists):  # the same code
        await run(
            "INSERT INTO pending (identifier, campaign, unit, day, questionnaire, salt, commitment, leaf_hash, "
            "code_hash)"
            f" VALUES ('{1:032x}', 1, '37', '2026-03-10', 1, '{1:064x}', '{1:064x}', '{1:064x}', '{7:064x}')"
        )
    with pytest.raises(database.StillReferenced):
        await run("DELETE FROM unit")
    if database.engine().engine_type == "sqlite":
        with pytest.raises(database.Unavailable, match="rowid"):
            await run("SELECT rowid FROM pending")
