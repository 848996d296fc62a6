"""The writer: one response a code under concurrency, nothing acknowledged that is not stored, and no order kept."""

from __future__ import annotations

import asyncio
import random
from datetime import date

import pytest

from evaluator import database
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.intake import Intake, sink_for
from evaluator.collection.mixing import mix
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.collection.tables import Admission, Response
from evaluator.problems import Problem
from questionnaires.acceptance import accept

DAY = date(2026, 3, 10)


@pytest.fixture
def new_row(small_campaign):
    """Makes rows of the campaign `spring`."""

    async def ready():
        await small_campaign()
        campaign = await load_campaign("spring")

        def make(code: str | None = None, **changes) -> ResponseRow:
            accepted = accept(campaign.questionnaire, {"contact": ["no"], "word": [str(random.randrange(11))]})
            row = response_row(
                campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
                unit="3701", mode="invitation" if code else "open", day=DAY, code_hash=code,
            )  # fmt: skip
            return row._replace(**changes)

        return make

    return ready


async def test_a_code_admits_one_response_however_many_try_at_once(database_url, new_row) -> None:
    make = await new_row()
    intakes = [Intake(sink_for(database_url), batch=7) for _ in range(3)]  # as many processes would
    tries = [make(f"{code:064x}") for code in range(20) for _ in range(6)]
    random.shuffle(tries)
    outcomes = await asyncio.gather(*(intakes[k % 3].submit(row) for k, row in enumerate(tries)))
    for intake in intakes:
        await intake.close()
    assert outcomes.count("stored") == 20
    assert outcomes.count("duplicate") == 100
    assert await Admission.count() == 20
    stored = {row["identifier"] for row in await Response.select(Response.identifier)}
    assert stored == {row.identifier for row, outcome in zip(tries, outcomes, strict=True) if outcome == "stored"}


async def test_open_responses_have_no_admission(database_url, new_row) -> None:
    make = await new_row()
    intake = Intake(sink_for(database_url))
    assert await asyncio.gather(*(intake.submit(make()) for _ in range(50))) == ["stored"] * 50
    await intake.close()
    assert (await Response.count(), await Admission.count()) == (50, 0)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"unit": "9999"}, database.StillReferenced),
        ({"mode": "carrier pigeon"}, database.RuleBroken),
        ({"identifier": "short"}, database.RuleBroken),
    ],
)
async def test_a_bad_row_fails_alone_and_its_code_stays_unused(database_url, new_row, wrong, error) -> None:
    make = await new_row()
    intake = Intake(sink_for(database_url), batch=64)
    good = [make(f"{k:064x}") for k in range(40)]
    bad = make("f" * 64, **wrong)
    outcomes = await asyncio.gather(
        *(intake.submit(row) for row in [*good[:13], bad, *good[13:]]), return_exceptions=True
    )
    assert isinstance(outcomes.pop(13), error)
    assert outcomes == ["stored"] * 40
    assert await intake.submit(make("f" * 64)) == "stored"
    await intake.close()
    assert await Admission.count() == 41


class SlowSink:
    """Holds every batch until it is let go."""

    def __init__(self, inner) -> None:
        self.inner, self.go = inner, asyncio.Event()

    async def write(self, rows):
        await self.go.wait()
        return await self.inner.write(rows)

    async def close(self) -> None:
        await self.inner.close()


async def test_a_full_queue_is_refused_and_what_waited_is_stored(database_url, new_row) -> None:
    make = await new_row()
    sink = SlowSink(sink_for(database_url))
    intake = Intake(sink, batch=4, depth=10)
    waiting = [asyncio.create_task(intake.submit(make())) for _ in range(4)]
    await asyncio.sleep(0.01)  # the first batch is with the sink
    waiting += [asyncio.create_task(intake.submit(make())) for _ in range(10)]
    await asyncio.sleep(0.01)
    with pytest.raises(Problem) as refused:
        await intake.submit(make())
    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"]
    sink.go.set()
    assert await asyncio.gather(*waiting) == ["stored"] * 14
    await intake.close()
    assert await Response.count() == 14


async def test_closing_stores_what_waits_and_refuses_what_comes_after(database_url, new_row) -> None:
    make = await new_row()
    sink = SlowSink(sink_for(database_url))
    intake = Intake(sink, batch=3)
    waiting = [asyncio.create_task(intake.submit(make())) for _ in range(10)]
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(intake.close())
    await asyncio.sleep(0.01)
    with pytest.raises(Problem):
        await intake.submit(make())
    sink.go.set()
    await closing
    assert await asyncio.gather(*waiting) == ["stored"] * 10
    assert await Response.count() == 10


async def test_a_client_that_goes_away_takes_nothing_back(database_url, new_row) -> None:
    make = await new_row()
    sink = SlowSink(sink_for(database_url))
    intake = Intake(sink)
    gone = asyncio.create_task(intake.submit(make("a" * 64)))
    await asyncio.sleep(0.01)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    sink.go.set()
    assert await intake.submit(make("a" * 64)) == "duplicate"
    assert await intake.submit(make("b" * 64)) == "stored"
    await intake.close()
    assert await Response.count() == 2


async def test_an_unavailable_database_fails_the_batch_and_the_writer_lives_on(database_url, new_row) -> None:
    make = await new_row()

    class Failing(SlowSink):
        times = 0

        async def write(self, rows):
            self.times += 1
            if self.times == 1:
                raise database.Unavailable("gone")
            return await self.inner.write(rows)

    sink = Failing(sink_for(database_url))
    intake = Intake(sink)
    outcomes = await asyncio.gather(*(intake.submit(make()) for _ in range(9)), return_exceptions=True)
    assert all(isinstance(outcome, database.Unavailable) for outcome in outcomes)
    assert sink.times == 1
    assert await intake.submit(make()) == "stored"
    await intake.close()


async def _physical_order(table: str, key: str) -> list[str]:
    """Keys as the engine finds them when nobody asks for an order."""
    by = "ctid" if database.engine().engine_type == "postgres" else key
    return [row[key] for row in await Response.raw(f"SELECT {key} FROM {table} ORDER BY {by}")]


async def test_nothing_stored_says_who_came_first(database_url, new_row) -> None:
    make = await new_row()
    intake = Intake(sink_for(database_url))
    rows = [make(f"{random.getrandbits(256):064x}") for _ in range(300)]
    for row in rows:  # one after the other: each in a transaction of its own, the worst case
        await intake.submit(row)
    await intake.close()
    if database.engine().engine_type == "postgres":
        assert await _physical_order("response", "identifier") == [
            row.identifier for row in rows
        ]  # as it must not stay
        assert await mix(database_url) == 300
        marks = await Response.raw("SELECT xmin::text AS mark FROM response UNION SELECT xmin::text FROM admission")
        assert len(marks) == 1
    assert await _physical_order("response", "identifier") == sorted(row.identifier for row in rows)
    assert await _physical_order("admission", "code_hash") == sorted(row.code_hash for row in rows)
    kept = await Response.raw("SELECT * FROM response LIMIT 1")
    assert set(kept[0]) == {
        "identifier", "campaign", "unit", "mode", "day", "design_stratum", "psu", "duration", "flags", "answers",
        "orders", "questionnaire", "salt", "leaf_hash", "excluded",
    }  # fmt: skip
    assert list((await Admission.raw("SELECT * FROM admission LIMIT 1"))[0]) == ["code_hash"]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_codes_stay_used_while_responses_are_mixed(database_url, new_row) -> None:
    make = await new_row()
    intake = Intake(sink_for(database_url), batch=5)
    codes = [f"{k:064x}" for k in range(200)]
    await asyncio.gather(*(intake.submit(make(code)) for code in codes))
    again = asyncio.gather(*(intake.submit(make(code)) for code in codes))
    assert await mix(database_url) == 200
    assert await again == ["duplicate"] * 200
    await intake.close()
    assert (await Response.count(), await Admission.count()) == (200, 200)
