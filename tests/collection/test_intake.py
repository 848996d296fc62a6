"""The writer: one response a code under concurrency, nothing acknowledged that is not stored, and no order kept."""

from __future__ import annotations

import asyncio
import random
from datetime import date

import pytest

from evaluator import database
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.intake import Intake
from evaluator.collection.responses import (
    ResponseRow,
    commitment,
    committed_content,
    response_entry,
    response_leaf,
    response_row,
)
from evaluator.collection.sealing import seal
from evaluator.collection.storing import Outcome
from evaluator.collection.tables import Admission, Draft, Pending, Response
from evaluator.ledger.leaves import read_entry
from evaluator.ledger.merkle import leaf_hash
from evaluator.problems import Problem
from questionnaires.acceptance import accept

DAY = date(2026, 3, 10)


@pytest.fixture
def new_row(small_campaign):
    """Makes rows of the campaign `spring`."""

    async def ready():
        await small_campaign()
        campaign = await load_campaign("spring")

        def make(code: str | None = None, word: int | None = None, **changes) -> ResponseRow:
            said = random.randrange(11) if word is None else word
            accepted = accept(campaign.questionnaire, {"contact": ["no"], "word": [str(said)]})
            row = response_row(
                campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
                campaign_code=campaign.code, unit="3701", mode="invitation" if code else "open", day=DAY,
                code_hash=code,
            )  # fmt: skip
            return row._replace(**changes)

        return make

    return ready


async def _kinds(*waiting) -> list[str]:
    return [outcome.kind for outcome in await asyncio.gather(*waiting)]


async def test_a_code_admits_one_response_however_many_try_at_once(database_url, new_row, sink) -> None:
    make = await new_row()
    intakes = [Intake(sink(), batch=7) for _ in range(3)]  # as many processes would
    tries = [make(f"{code:064x}") for code in range(20) for _ in range(6)]
    random.shuffle(tries)
    outcomes = await asyncio.gather(*(intakes[k % 3].submit(row) for k, row in enumerate(tries)))
    for intake in intakes:
        await intake.close()
    kinds = [outcome.kind for outcome in outcomes]
    assert kinds.count("stored") == 20
    assert await Admission.count() == 20
    stored = {row["code_hash"]: row for row in await Pending.select()}
    assert len(stored) == 20
    for row, outcome in zip(tries, outcomes, strict=True):
        first = stored[row.code_hash]
        assert (outcome.kind == "stored") == (row.identifier == first["identifier"])
        if outcome.kind != "stored":  # the same answers have the same promise, others have none
            same = row.answers == first["answers"]
            assert outcome == Outcome("same" if same else "duplicate", first["leaf_hash"] if same else "")
        else:
            assert outcome.leaf_hash == first["leaf_hash"]


async def test_fifty_parallel_uses_of_one_code_are_one_response_with_one_promise(database_url, new_row, sink) -> None:
    make = await new_row()
    intakes = [Intake(sink(), batch=4) for _ in range(3)]
    tries = [make("5" * 64, word=7) for _ in range(50)]
    outcomes = await asyncio.gather(*(intakes[k % 3].submit(row) for k, row in enumerate(tries)))
    other = await intakes[0].submit(make("5" * 64, word=3))
    for intake in intakes:
        await intake.close()
    assert [outcome.kind for outcome in outcomes].count("stored") == 1
    assert [outcome.kind for outcome in outcomes].count("same") == 49
    assert len({outcome.leaf_hash for outcome in outcomes}) == 1
    assert other == Outcome("duplicate", "")
    assert (await Pending.count(), await Admission.count()) == (1, 1)


async def test_after_sealing_nobody_knows_any_more_what_a_code_answered(database_url, settings, new_row, sink) -> None:
    make = await new_row()
    intake = Intake(sink())
    assert (await intake.submit(make("5" * 64, word=7))).kind == "stored"
    assert (await intake.submit(make("5" * 64, word=7))).kind == "same"
    await seal(settings, "spring", everything=True)
    assert await intake.submit(make("5" * 64, word=7)) == Outcome("duplicate", "")
    await intake.close()
    assert (await Response.count(), await Pending.count(), await Admission.count()) == (1, 0, 1)


async def test_the_draft_goes_with_the_transaction_that_stores_the_answer(database_url, new_row, sink) -> None:
    make = await new_row()
    names = [f"{k:064x}" for k in range(5)]
    row = make()
    for name in names:
        await Draft.insert(Draft(name=name, campaign=row.campaign, sealed=b"sealed"))
    intake = Intake(sink())
    await asyncio.gather(*(intake.submit(make(), draft=name) for name in [*names[:3], "f" * 64]))
    await intake.close()
    assert {row["name"] for row in await Draft.select()} == set(names[3:])
    assert await Pending.count() == 4


async def test_a_withdrawn_answer_cannot_be_sent_again(database_url, new_row, sink) -> None:
    make = await new_row()
    intake = Intake(sink())
    await intake.submit(make("5" * 64, word=7))
    await Pending.update({Pending.withdrawn: True, Pending.answers: "", Pending.salt: "0" * 64}, force=True)
    assert await intake.submit(make("5" * 64, word=7)) == Outcome("duplicate", "")
    await intake.close()


async def test_a_row_opens_what_its_leaf_commits_to(database_url, new_row) -> None:
    make = await new_row()
    row = make("5" * 64, word=7)
    content = committed_content(
        "spring", row.unit, row.mode, row.day, row.design_stratum, row.psu, row.duration, row.answers, row.orders,
        "small@1",
    )  # fmt: skip
    assert commitment(bytes.fromhex(row.salt), content) == row.commitment
    entry = response_entry("spring", row.commitment)
    assert read_entry(entry)["kind"] == "response"  # the log's own reading finds nothing wrong with it
    assert leaf_hash(entry.encode()).hex() == row.leaf_hash == response_leaf("spring", row.commitment)
    assert make("5" * 64, word=7).leaf_hash != row.leaf_hash  # a salt of its own each time
    tried = {commitment(bytes(32), content), commitment(b"", content)}
    assert row.commitment not in tried


async def test_an_open_form_that_is_sent_twice_counts_once(database_url, settings, new_row, sink) -> None:
    make = await new_row()
    intakes = [Intake(sink()), Intake(sink())]
    visit = {"mode": "open", "code_hash": "7" * 64}
    kinds = await _kinds(*(one.submit(make(word=5)._replace(**visit)) for one in intakes * 10))
    assert sorted(kinds) == ["same"] * 19 + ["stored"]
    first = await intakes[1].submit(make(word=5)._replace(**visit))
    [waits] = await Pending.select()
    assert first == Outcome("same", waits["leaf_hash"])
    changed = make(word=6)._replace(**visit)
    assert await intakes[0].submit(changed) == Outcome("duplicate", "")
    other = make(word=6)._replace(mode="open", code_hash="8" * 64)
    assert (await intakes[0].submit(other)).kind == "stored"
    await seal(settings, "spring", everything=True)
    late = make(word=5)._replace(**visit)  # a page that was left open, sent once more a day later
    assert await intakes[0].submit(late) == Outcome("duplicate", "")
    for intake in intakes:
        await intake.close()
    assert (await Response.count(), await Pending.count(), await Admission.count()) == (2, 0, 2)


async def test_open_responses_without_a_visit_have_no_admission(database_url, new_row, sink) -> None:
    make = await new_row()
    intake = Intake(sink())
    assert await _kinds(*(intake.submit(make()) for _ in range(50))) == ["stored"] * 50
    await intake.close()
    assert (await Pending.count(), await Admission.count()) == (50, 0)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"unit": "9999"}, database.StillReferenced),
        ({"mode": "carrier pigeon"}, database.RuleBroken),
        ({"identifier": "short"}, database.RuleBroken),
    ],
)
async def test_a_bad_row_fails_alone_and_its_code_stays_unused(database_url, new_row, wrong, error, sink) -> None:
    make = await new_row()
    intake = Intake(sink(), batch=64)
    good = [make(f"{k:064x}") for k in range(40)]
    bad = make("f" * 64, **wrong)
    outcomes = await asyncio.gather(
        *(intake.submit(row) for row in [*good[:13], bad, *good[13:]]), return_exceptions=True
    )
    assert isinstance(outcomes.pop(13), error)
    assert [outcome.kind for outcome in outcomes] == ["stored"] * 40
    assert (await intake.submit(make("f" * 64))).kind == "stored"
    await intake.close()
    assert await Admission.count() == 41


class SlowSink:
    """Holds every batch until it is let go."""

    def __init__(self, inner) -> None:
        self.inner, self.go = inner, asyncio.Event()

    async def write(self, batch):
        await self.go.wait()
        return await self.inner.write(batch)

    async def close(self) -> None:
        await self.inner.close()


async def test_a_full_queue_is_refused_and_what_waited_is_stored(database_url, new_row, sink) -> None:
    make = await new_row()
    sink = SlowSink(sink())
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
    assert await _kinds(*waiting) == ["stored"] * 14
    await intake.close()
    assert await Pending.count() == 14


async def test_closing_stores_what_waits_and_refuses_what_comes_after(database_url, new_row, sink) -> None:
    make = await new_row()
    sink = SlowSink(sink())
    intake = Intake(sink, batch=3)
    waiting = [asyncio.create_task(intake.submit(make())) for _ in range(10)]
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(intake.close())
    await asyncio.sleep(0.01)
    with pytest.raises(Problem):
        await intake.submit(make())
    sink.go.set()
    await closing
    assert await _kinds(*waiting) == ["stored"] * 10
    assert await Pending.count() == 10


async def test_a_client_that_goes_away_takes_nothing_back(database_url, new_row, sink) -> None:
    make = await new_row()
    sink = SlowSink(sink())
    intake = Intake(sink)
    gone = asyncio.create_task(intake.submit(make("a" * 64, word=4)))
    await asyncio.sleep(0.01)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    sink.go.set()
    assert (await intake.submit(make("a" * 64, word=3))).kind == "duplicate"
    assert (await intake.submit(make("b" * 64))).kind == "stored"
    await intake.close()
    assert await Pending.count() == 2


async def test_an_unavailable_database_fails_the_batch_and_the_writer_lives_on(database_url, new_row, sink) -> None:
    make = await new_row()

    class Failing(SlowSink):
        times = 0

        async def write(self, batch):
            self.times += 1
            if self.times == 1:
                raise database.Unavailable("gone")
            return await self.inner.write(batch)

    sink = Failing(sink())
    intake = Intake(sink)
    outcomes = await asyncio.gather(*(intake.submit(make()) for _ in range(9)), return_exceptions=True)
    assert all(isinstance(outcome, database.Unavailable) for outcome in outcomes)
    assert sink.times == 1
    assert (await intake.submit(make())).kind == "stored"
    await intake.close()
