"""The life of an edition: who sees it when, who may cut the units' days short, and that each step is logged."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from evaluator.cli import group
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from evaluator.publication import lifecycle
from evaluator.publication.publishing import publish
from evaluator.publication.shelf import current, published
from evaluator.rating.defects import InputError
from evaluator.settings import Settings

DAY = date(2027, 1, 15)
LAST = DAY + timedelta(days=15)


async def state_of(identifier: str) -> str:
    return str((await lifecycle.edition_row(identifier)).state)


async def logged(what: str) -> list[dict[str, str]]:
    rows = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == "audit").order_by(LogLeaf.position)
    entries = [json.loads(row["entry"]) for row in rows]
    return [entry for entry in entries if entry["what"] == what]


async def test_days_for_a_reply_come_before_the_public(settings: Settings, with_reply: Path, database_url: str) -> None:
    row = await publish(settings, with_reply, lambda folder: (), DAY)
    assert (row.state, row.reply_days, row.reply_until) == ("under_reply", 15, LAST)
    assert await published() == []
    assert lifecycle.reply_open(row, LAST)
    assert not lifecycle.reply_open(row, LAST + timedelta(days=1))
    with pytest.raises(Problem, match="may reply until 2027-01-30"):
        await lifecycle.release(settings, row.identifier, LAST)
    done = await lifecycle.release(settings, row.identifier, LAST + timedelta(days=1))
    assert (done.state, done.published_on) == ("published", LAST + timedelta(days=1))
    assert [one.identifier for one in current(await published())] == [row.identifier]
    [entry] = await logged("edition.published")
    assert entry["sums"] == row.sums_sha256
    assert "early" not in entry
    again = await lifecycle.release(settings, row.identifier, LAST + timedelta(days=9))
    assert again.published_on == LAST + timedelta(days=1)


async def test_cutting_the_days_short_takes_a_reason_that_is_logged(settings: Settings, with_reply: Path) -> None:
    row = await publish(settings, with_reply, lambda folder: (), DAY, draft=True)
    assert await published() == []
    with pytest.raises(Problem, match="have not seen theirs"):
        await lifecycle.release(settings, row.identifier, LAST + timedelta(days=1))
    opened = await lifecycle.open_reply(settings, row.identifier, DAY)
    assert opened.reply_until == LAST
    with pytest.raises(Problem, match="Only a draft"):
        await lifecycle.open_reply(settings, row.identifier, DAY)
    await lifecycle.release(settings, row.identifier, DAY, "all units agreed in writing")
    assert [entry["early"] for entry in await logged("edition.published")] == ["all units agreed in writing"]
    assert [entry["until"] for entry in await logged("edition.under_reply")] == [LAST.isoformat()]


async def test_a_revision_takes_the_place_of_the_old_one_when_it_is_published(
    settings: Settings, small_folder: Path, revision: Path, database_url: str
) -> None:
    old = await publish(settings, small_folder, lambda folder: (), DAY)
    assert old.state == "published"
    new = await publish(settings, revision, lambda folder: (), DAY, draft=True)
    assert new.why == "a record was wrong"
    assert await state_of(old.identifier) == "published"  # until then the old one counts
    await lifecycle.release(settings, new.identifier, DAY)
    assert await state_of(old.identifier) == "superseded"
    assert [one.identifier for one in current(await published())] == [new.identifier]


async def test_withdrawing_takes_a_reason_and_keeps_the_files_unless_they_must_go(
    settings: Settings, small_folder: Path
) -> None:
    row = await publish(settings, small_folder, lambda folder: (), DAY)
    folder = settings.data_dir / "editions" / row.identifier
    with pytest.raises(Problem, match="A reason is needed"):
        await lifecycle.withdraw(settings, row.identifier, " ", DAY)
    await lifecycle.withdraw(settings, row.identifier, "a table was read twice", DAY)
    assert folder.is_dir()
    assert current(await published()) == []
    with pytest.raises(Problem, match="withdrawn already"):
        await lifecycle.withdraw(settings, row.identifier, "again", DAY)
    with pytest.raises(Problem, match="rate anew"):
        await lifecycle.release(settings, row.identifier, DAY)
    await lifecycle.withdraw(settings, row.identifier, "small cells can be worked out", DAY, remove_files=True)
    assert not folder.exists()
    with pytest.raises(InputError, match="files were removed"):
        await publish(settings, small_folder, lambda folder: (), DAY)
    assert [(one["why"], one["files"]) for one in await logged("edition.withdrawn")] == [
        ("a table was read twice", "kept"),
        ("small cells can be worked out", "removed"),
    ]


async def test_an_edition_nobody_has_is_told(settings: Settings) -> None:
    for step in (lifecycle.release, lifecycle.open_reply):
        with pytest.raises(Problem, match="There is no such edition"):
            await step(settings, "none", DAY)
    with pytest.raises(Problem, match="There is no such edition"):
        await lifecycle.withdraw(settings, "none", "why", DAY)


def run(home: Path, *arguments: object) -> tuple[int, str]:
    environment = {"EVALUATOR_DATA_DIR": str(home), "EVALUATOR_DATABASE_URL": ""}
    result = CliRunner().invoke(group, [str(one) for one in arguments], env=environment)
    return result.exit_code, result.output


def test_the_commands_lead_through_the_whole_life(tmp_path: Path, with_reply: Path) -> None:
    name = json.loads((with_reply / "edition.json").read_text())["identifier"]
    assert run(tmp_path, "scheme", "register", with_reply / "scheme.yaml", "--why", "as the law has it")[0] == 0
    code, output = run(tmp_path, "publish", with_reply, "--draft")
    assert (code, f"{name} is a draft" in output) == (0, True), output
    code, output = run(tmp_path, "publish", name)
    assert (code, "have not seen theirs" in output) == (2, True)
    code, output = run(tmp_path, "edition", "reply-open", name)
    assert (code, f"then: evaluator publish {name}" in output) == (0, True)
    assert "--why" in run(tmp_path, "publish", name, "--early")[1]
    code, output = run(tmp_path, "publish", name, "--early", "--why", "agreed")
    assert (code, f"/editions/{name}" in output) == (0, True), output
    assert run(tmp_path, "edition", "list")[1].startswith("published ")
    assert run(tmp_path, "edition", "withdraw", name, "--why", "wrong data")[0] == 0
    shown = run(tmp_path, "edition", "show", name)[1]
    assert all(line in shown for line in ("state: withdrawn", "withdrawn_why: wrong data", "early_why: agreed"))
    assert "scheme: order_not_known, registered on " in shown  # within the period, and no log counted
    assert run(tmp_path, "publish", "../elsewhere")[0] == 2


async def test_of_two_who_publish_at_once_one_does(settings: Settings, with_reply: Path, database_url: str) -> None:
    row = await publish(settings, with_reply, lambda folder: (), DAY, draft=True)
    later = LAST + timedelta(days=1)
    done = await asyncio.gather(
        lifecycle.release(settings, row.identifier, later, "first"),
        lifecycle.release(settings, row.identifier, later, "second"),
    )
    assert {one.state for one in done} == {"published"}
    assert len(await logged("edition.published")) == 1
