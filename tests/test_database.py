"""The rules of the database hold on both engines, in our own words."""

from __future__ import annotations

import asyncio
from datetime import date

import asyncpg
import pytest

from evaluator import database
from evaluator.accounts.tables import Account
from evaluator.collection.tables import Admission, QuestionnaireVersion, Response
from evaluator.units.tables import Unit


async def test_a_second_unit_of_the_same_code_is_refused(database_url: str) -> None:
    await Unit.insert(Unit(code="37", level="P", name_zh="a"))
    with pytest.raises(database.AlreadyExists):
        await Unit.insert(Unit(code="37", level="P", name_zh="b"))


async def test_a_unit_under_a_parent_that_is_missing_is_refused(database_url: str) -> None:
    with pytest.raises(database.StillReferenced):
        await Unit.insert(Unit(code="3701", level="C", name_zh="a", parent="37"))


async def test_a_unit_with_children_cannot_be_deleted(database_url: str) -> None:
    await Unit.insert(Unit(code="37", level="P", name_zh="a"))
    await Unit.insert(Unit(code="3701", level="C", name_zh="b", parent="37"))
    with pytest.raises(database.StillReferenced):
        await Unit.delete().where(Unit.code == "37")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name_zh": ""},
        {"kind": "village"},
        {"name_zh": "x" * 121},
        {"credit_code": "123"},
    ],
)
async def test_values_outside_a_column_s_rule_are_refused(database_url: str, wrong: dict[str, str]) -> None:
    good = {"code": "37", "level": "P", "name_zh": "a"}
    with pytest.raises(database.RuleBroken):
        await Unit.insert(Unit(**{**good, **wrong}))


async def test_a_response_to_no_campaign_is_refused(database_url: str) -> None:
    version = QuestionnaireVersion(code="a", version="1")
    await version.save()
    await Unit.insert(Unit(code="37", level="P", name_zh="a"))
    row = Response(
        identifier="0" * 32, campaign=1, unit="37", mode="open", day=date(2026, 1, 1), answers="{}",
        questionnaire=version.id,
    )  # fmt: skip
    with pytest.raises(database.StillReferenced):
        await Response.insert(row)


async def test_a_failed_transaction_leaves_nothing_and_the_next_one_works(database_url: str) -> None:
    async def twice() -> None:
        async with database.engine().transaction():
            await Admission.insert(Admission(code_hash="a" * 64))
            await Admission.insert(Admission(code_hash="a" * 64))

    with pytest.raises(database.AlreadyExists):
        await twice()
    assert await Admission.count() == 0
    async with database.engine().transaction():
        await Admission.insert(Admission(code_hash="a" * 64))
    assert await Admission.count() == 1


async def test_an_upgrade_of_an_upgraded_database_changes_nothing(database_url: str) -> None:
    await Account.insert(Account(name="a", password_hash="x"))
    await database.upgrade()
    assert await Account.count() == 1


async def test_three_starters_at_once_all_upgrade(database_url: str) -> None:
    await asyncio.gather(*(asyncio.create_task(database.upgrade()) for _ in range(3)))
    assert await Unit.count() == 0


async def test_an_upgrade_that_fails_leaves_no_table_behind(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    database.connect(f"sqlite:///{tmp_path}/half.sqlite")
    from piccolo.apps.migrations.auto.migration_manager import MigrationManager

    async def crash(self: MigrationManager, backwards: bool = False) -> None:
        raise RuntimeError("after the tables")

    monkeypatch.setattr(MigrationManager, "_run_add_constraints", crash)
    with pytest.raises(RuntimeError):
        await database.upgrade()
    names = await Unit.raw("SELECT name FROM sqlite_master WHERE type = 'table'")
    assert names == []


async def test_sqlite_tables_with_random_keys_keep_no_row_number(sqlite_url: str) -> None:
    with pytest.raises(database.Unavailable, match="rowid"):
        await Response.raw("SELECT rowid FROM response")


async def test_postgres_keeps_no_statistics_of_codes(database_url: str) -> None:
    """They would hold some codes of each time at which the server looked, and so who answered before it."""
    if not database_url.startswith("postgresql"):
        return
    connection = await asyncpg.connect(database_url)
    try:
        found = await connection.fetch(
            "SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attstattarget = 0 AND attnum > 0"
        )
    finally:
        await connection.close()
    kept_from = {(row[0], row[1]) for row in found}
    assert kept_from >= {
        ("admission", "code_hash"),
        ("pending", "code_hash"),
        ("pending", "leaf_hash"),
        ("draft", "name"),
    }
