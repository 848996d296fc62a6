"""The writer in a process of its own: the same outcomes, and nothing lost or stored twice whichever of the two dies."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date

import asyncpg
import msgspec
import pytest

from evaluator import database
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.intake import Intake
from evaluator.collection.promises import Promised, hold, read_promise
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.collection.slips import Slip, slip_text
from evaluator.collection.storing import DUPLICATE, Given, Outcome
from evaluator.collection.tables import Admission, Draft, Pending
from evaluator.collection.writer_process import WriterProcess, _framed
from evaluator.ledger.keys import campaign_log, log_seed, origin, signer
from evaluator.settings import Settings
from questionnaires.acceptance import accept

DAY = date(2026, 3, 10)
PROMISED = Promised("spring", date(2026, 4, 1))
LOG = campaign_log("spring")


@pytest.fixture
def site(settings: Settings, database_url: str) -> Settings:
    return msgspec.structs.replace(settings, database_url=database_url)


@pytest.fixture
async def row(small_campaign) -> Callable[..., ResponseRow]:
    await small_campaign()
    campaign = await load_campaign("spring")
    assert campaign is not None

    def make(code: str = "", word: int = 5, **changes: object) -> ResponseRow:
        made = response_row(
            campaign.questionnaire, accept(campaign.questionnaire, {"contact": ["no"], "word": [str(word)]}),
            questionnaire_version=campaign.version, campaign=campaign.id, campaign_code="spring", unit="3701",
            mode="invitation", day=DAY, code_hash=code or secrets.token_hex(32),
        )  # fmt: skip
        return made._replace(**changes)

    return make


@asynccontextmanager
async def nobody_writes(url: str) -> AsyncIterator[None]:
    """Holds what the writer needs, so that a batch stays in the middle."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.close()
    else:
        held = await asyncpg.connect(url)
        async with held.transaction():
            await held.execute("LOCK TABLE admission")
            yield
        await held.close()


async def test_it_stores_promises_and_ends_with_its_server(site, row) -> None:
    first, name = row("5" * 64), "d" * 64
    await Draft.insert(Draft(name=name, campaign=first.campaign, sealed=b"sealed"))
    process = WriterProcess(site)
    intake = Intake(process)
    stored = await intake.submit(first, PROMISED, name)
    assert stored == Outcome("stored", first.leaf_hash, hold(site, PROMISED, first.leaf_hash))
    slip = Slip("spring", bytes.fromhex(first.leaf_hash), PROMISED.sealed_by, *stored.hold)
    assert read_promise(slip_text(slip, origin(site, LOG)), signer(site, LOG).vkey).leaf_hash == first.leaf_hash
    assert await intake.submit(row("5" * 64), PROMISED) == stored._replace(kind="same")
    assert await intake.submit(row("5" * 64, word=6), PROMISED) == DUPLICATE
    many = [row() for _ in range(300)] + [row(unit="9999"), row(identifier="short")]
    outcomes = await asyncio.gather(*(intake.submit(one, PROMISED) for one in many), return_exceptions=True)
    assert [outcome.leaf_hash for outcome in outcomes[:300]] == [one.leaf_hash for one in many[:300]]
    assert [type(outcome) for outcome in outcomes[300:]] == [database.StillReferenced, database.RuleBroken]
    pid = process.pid
    os.kill(pid, signal.SIGTERM)  # as when a whole service is stopped: it waits for its server
    os.kill(pid, signal.SIGINT)
    assert (await intake.submit(row(), PROMISED)).kind == "stored"
    await intake.close()
    assert process.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert (await Pending.count(), await Admission.count(), await Draft.count()) == (302, 302, 0)


async def test_when_it_dies_nobody_was_told_and_the_next_try_starts_it_anew(site, row) -> None:
    process = WriterProcess(site)
    intake = Intake(process)
    await intake.submit(row(), PROMISED)
    async with nobody_writes(site.database):
        waiting = [asyncio.create_task(intake.submit(row(f"{k:064x}"), PROMISED)) for k in range(5)]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
        os.kill(process.pid, signal.SIGKILL)
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {database.Unavailable}
    again = await asyncio.gather(*(intake.submit(row(f"{k:064x}"), PROMISED) for k in range(5)))
    assert {outcome.kind for outcome in again} <= {"stored", "same"}  # PostgreSQL may have done what it was sent
    await intake.close()
    assert await Pending.count() == 6


async def test_what_it_was_sent_is_stored_when_its_server_dies(site, row) -> None:
    process = WriterProcess(site)
    await process.start()
    first = row("5" * 64)
    writer = process._streams[1]
    cut_short = _framed([Given(row(), PROMISED)])[:-1]
    writer.write(_framed([Given(first, PROMISED)]) + cut_short)
    await writer.drain()
    await process.close()
    assert [found["leaf_hash"] for found in await Pending.select()] == [first.leaf_hash]
    process = WriterProcess(site)
    [outcome] = await process.write([Given(row("5" * 64), PROMISED)])
    assert outcome == Outcome("same", first.leaf_hash, hold(site, PROMISED, first.leaf_hash))
    await process.close()


async def test_without_its_keys_nothing_is_stored(site, row, sink) -> None:
    log_seed(site.data_dir)
    key = site.data_dir / "keys" / "log.ed25519"
    seed = key.read_bytes()
    key.write_bytes(b"cut")
    process = WriterProcess(site)
    with pytest.raises(database.Unavailable, match="put the key back"):
        await process.write([Given(row(), PROMISED)])
    assert await Pending.count() == 0
    key.write_bytes(seed)
    [outcome] = await process.write([Given(row(), PROMISED)])
    assert outcome.kind == "stored"
    await process.close()
