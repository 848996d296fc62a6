"""Sealing: what waits goes into the log in groups that are large enough, once, whoever dies or comes in between."""

from __future__ import annotations

import asyncio
import random
import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from evaluator import cli, database
from evaluator.collection import epochs, promises, sealing
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.epochs import end_due, seal_due
from evaluator.collection.intake import Intake
from evaluator.collection.responses import ResponseRow, commitment, committed_content, response_leaf, response_row
from evaluator.collection.sealing import LEAST, Group, groups_of, seal
from evaluator.collection.slips import Slip, slip_text
from evaluator.collection.tables import Admission, Pending, Response, SealedGroup
from evaluator.collection.waiting import waiting
from evaluator.ledger.appending import LogBehind
from evaluator.ledger.files import publish, receipt_for
from evaluator.ledger.keys import campaign_log, origin, signer
from evaluator.ledger.leaves import read_entry
from evaluator.ledger.notes import NoteError
from evaluator.ledger.published import read_published
from evaluator.ledger.receipts import verify_receipt
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from questionnaires.acceptance import accept

DAY = date(2026, 3, 10)
LOG = campaign_log("spring")
TREE = {"p": None, "a": "p", "b": "p", "c": "p", "a1": "a", "a2": "a", "a3": "a", "b1": "b", "c1": "c"}
Add = Callable[..., Awaitable[list[ResponseRow]]]


@pytest.fixture
def add(small_campaign, database_url, sink) -> Add:
    """Sends responses of a unit through the writer; the rows."""
    ready = []

    async def more(number: int, unit: str = "3701", *, code: str = "spring", invited: bool = True) -> list[ResponseRow]:
        if code not in ready:
            await small_campaign(code)
            ready.append(code)
        campaign = await load_campaign(code)
        assert campaign is not None
        rows = [
            response_row(
                campaign.questionnaire, accept(campaign.questionnaire, {"contact": ["no"], "word": [str(k % 11)]}),
                questionnaire_version=campaign.version, campaign=campaign.id, campaign_code=code, unit=unit,
                mode="invitation" if invited else "open", day=DAY,
                code_hash=secrets.token_hex(32) if invited else None,
            )
            for k in range(number)
        ]  # fmt: skip
        intake = Intake(sink())
        assert {outcome.kind for outcome in await asyncio.gather(*map(intake.submit, rows))} <= {"stored"}
        await intake.close()
        return rows

    return more


def _promise(settings, leaf: str) -> str:
    """The signed note as somebody holds it."""
    promised = promises.Promised("spring", date(2026, 4, 1))
    mark, token = promises.hold(settings, promised, leaf)
    assert (mark, token) == promises.hold(settings, promised, leaf)  # the same however often it is asked for
    slip = Slip("spring", bytes.fromhex(leaf), promised.sealed_by, mark, token)
    return slip_text(slip, origin(settings, LOG))


async def _leaves() -> list[str]:
    """Hashes of the responses' leaves in the order of the log."""
    rows = await LogLeaf.select().where(LogLeaf.log == LOG).order_by(LogLeaf.position)
    return [row["leaf_hash"] for row in rows if read_entry(row["entry"])["kind"] == "response"]


def test_fewer_than_fifty_wait_until_the_close() -> None:
    assert groups_of({"a": 49, "b": 50}, TREE, everything=False) == [Group({"b": 50})]
    assert groups_of({"a": 49}, TREE, everything=False) == []


def test_rests_go_with_their_siblings_and_with_cousins_where_these_are_too_few() -> None:
    waiting = {"a1": 30, "a2": 25, "a3": 70, "b1": 10, "c1": 45, "b": 3}
    assert groups_of(waiting, TREE, everything=True) == [
        Group({"a3": 70}), Group({"a1": 30, "a2": 25}), Group({"b1": 10, "b": 3, "c1": 45}),
    ]  # fmt: skip


def test_a_last_rest_goes_with_the_smallest_other_group() -> None:
    assert groups_of({"a1": 60, "b1": 90, "c1": 3}, TREE, everything=True) == [
        Group({"b1": 90}), Group({"a1": 60, "c1": 3})
    ]  # fmt: skip
    assert groups_of({"c1": 3}, TREE, everything=True) == [Group({"c1": 3})]  # there is nobody else


@given(st.dictionaries(st.sampled_from(sorted(TREE)), st.integers(1, 120)))
def test_everything_is_sealed_once_and_in_groups_of_fifty_where_there_are_so_many(waiting: dict[str, int]) -> None:
    groups = groups_of(waiting, TREE, everything=True)
    together: dict[str, int] = {}
    for group in groups:
        assert not together.keys() & group.units.keys()
        together |= group.units
    assert together == waiting
    assert all(group.size >= min(LEAST, sum(waiting.values())) for group in groups)


async def test_what_is_sealed_is_in_the_log_and_nothing_leads_to_it_any_more(database_url, settings, add) -> None:
    rows = [*await add(60), *await add(20, "3702")]
    sealed = await seal(settings, "spring", everything=False)
    assert (sealed.number, sealed.groups) == (60, (Group({"3701": 60}),))
    assert await _leaves() == sorted(row.leaf_hash for row in rows if row.unit == "3701")
    kept = {row["identifier"]: row for row in await Response.select()}
    assert kept.keys() == {row.identifier for row in rows if row.unit == "3701"}
    for row in rows[:60]:
        found = kept[row.identifier]
        content = committed_content(
            "spring", found["unit"], found["mode"], DAY, found["design_stratum"], found["psu"], found["duration"],
            found["answers"], found["orders"], "small@1",
        )  # fmt: skip
        assert found["leaf_hash"] == row.leaf_hash
        assert commitment(bytes.fromhex(found["salt"]), content) == row.commitment
    waiting = await Pending.select()
    assert {row["identifier"] for row in waiting} == {row.identifier for row in rows if row.unit == "3702"}
    assert await Admission.count() == 80  # every code stays used
    again = await seal(settings, "spring", everything=False)
    assert again.number == 0
    last = await seal(settings, "spring", everything=True)
    assert last.groups == (Group({"3702": 20}),)
    assert await Pending.count() == 0
    assert [
        (row["unit"], row["responses"], row["group_size"])
        for row in await SealedGroup.select().order_by(SealedGroup.log_size)
    ] == [("3701", 60, 60), ("3702", 20, 20)]


async def test_a_promise_becomes_a_receipt(database_url, settings, add) -> None:
    rows = await add(70)
    campaign = await load_campaign("spring")
    assert campaign is not None
    vkey = signer(settings, LOG).vkey
    told = {row.leaf_hash: _promise(settings, row.leaf_hash) for row in rows}
    await seal(settings, "spring", everything=False)
    for row in rows:
        promise = promises.read_promise(told[row.leaf_hash], vkey)
        assert (promise.leaf_hash, promise.sealed_by) == (row.leaf_hash, campaign.closes + timedelta(1))
        assert row.salt not in told[row.leaf_hash]
        receipt = await receipt_for(settings, LOG, bytes.fromhex(promise.leaf_hash))
        assert receipt is not None
        assert row.commitment in verify_receipt(receipt, vkey).entry


async def test_a_promise_that_was_changed_is_refused(sqlite_url, settings, small_campaign) -> None:
    await small_campaign()
    campaign = await load_campaign("spring")
    assert campaign is not None
    vkey, text = signer(settings, LOG).vkey, _promise(settings, "ab" * 32)
    for changed in (
        text.replace("2026-04-01", "2026-04-02"), text.replace("promise/v1", "promise/v2"),
        text.replace("/log/campaign/spring\nq", "/log/campaign/autumn\nq"), text[:-5], text + "\n",
        signer(settings, LOG).sign("something else\n"),
    ):  # fmt: skip
        assert changed != text
        with pytest.raises(NoteError):
            promises.read_promise(changed, vkey)
    with pytest.raises(NoteError):  # of another campaign's log
        promises.read_promise(text, signer(settings, campaign_log("autumn")).vkey)


async def test_a_withdrawn_response_keeps_its_promised_leaf_and_no_answer(database_url, settings, add) -> None:
    rows = await add(60)
    gone = rows[7]
    await Pending.update({Pending.withdrawn: True, Pending.answers: "", Pending.salt: "0" * 64}).where(
        Pending.identifier == gone.identifier
    )
    await seal(settings, "spring", everything=False)
    assert gone.leaf_hash in await _leaves()
    assert await Response.count() == 59
    assert not await Response.exists().where(Response.leaf_hash == gone.leaf_hash)


async def test_many_that_seal_at_once_seal_once(database_url, settings, add) -> None:
    rows = await add(120)
    done = await asyncio.gather(*(seal(settings, "spring", everything=True) for _ in range(6)))
    assert sorted(one.number for one in done) == [0] * 5 + [120]
    assert await _leaves() == sorted(row.leaf_hash for row in rows)


async def test_responses_come_and_are_withdrawn_while_others_are_sealed(database_url, settings, add, sink) -> None:
    first = await add(100)
    campaign = await load_campaign("spring")
    assert campaign is not None
    intake, sent = Intake(sink(), batch=8), []

    async def come() -> None:
        for _ in range(40):
            committed = secrets.token_hex(32)
            row = first[0]._replace(
                identifier=secrets.token_hex(16), code_hash=secrets.token_hex(32), commitment=committed,
                leaf_hash=response_leaf("spring", committed),
            )  # fmt: skip
            assert (await intake.submit(row)).kind == "stored"
            sent.append(row)

    async def withdraw() -> None:
        for row in first[:20]:
            await Pending.update({Pending.withdrawn: True}).where(Pending.identifier == row.identifier)

    async def epochs() -> None:
        for _ in range(4):
            await seal(settings, "spring", everything=True)
            await asyncio.sleep(0.01)

    await asyncio.gather(come(), come(), withdraw(), epochs())
    await intake.close()
    await seal(settings, "spring", everything=True)
    leaves = await _leaves()
    assert len(leaves) == len(set(leaves)) == 180
    assert set(leaves) == {row.leaf_hash for row in [*first, *sent]}
    assert await Pending.count() == 0


async def test_only_so_many_are_moved_at_a_time(database_url, settings, add, monkeypatch) -> None:
    monkeypatch.setattr(sealing, "MOST_QUIET", 70)
    monkeypatch.setattr(sealing, "MOST_MOVED", 70)
    for unit, number in (("3701", 60), ("370102", 55), ("3702", 7)):
        await add(number, unit)
    sealed = await seal(settings, "spring", everything=True)
    assert sealed.number == 122
    assert [group.units for group in sealed.groups] == [{"3701": 60}, {"370102": 55, "3702": 7}]
    starts = {row["log_size"] for row in await SealedGroup.select()}
    assert len(starts) == 2


async def test_a_server_seals_by_the_hour_and_at_the_close(database_url, settings, add) -> None:
    await add(60)
    await add(9, "3702")
    last_minute = datetime(2026, 3, 31, 16, 29, tzinfo=UTC)  # 00:29 in Shanghai, the day after the last
    assert await seal_due(settings, last_minute, hour=False) == {}
    assert (await seal_due(settings, last_minute, hour=True))["spring"].number == 60
    assert await seal_due(settings, last_minute + timedelta(minutes=1), hour=False) == {}
    assert (await seal_due(settings, last_minute + timedelta(minutes=3), hour=False))["spring"].number == 9
    assert await seal_due(settings, last_minute + timedelta(minutes=3), hour=True) == {}


async def test_a_campaign_ends_when_everything_is_in_its_log(database_url, settings, add) -> None:
    await add(60)
    after = datetime(2026, 3, 31, 16, 33, tzinfo=UTC)
    assert await end_due(settings, after) == []  # something waits
    await seal_due(settings, after, hour=False)
    assert await end_due(settings, after - timedelta(minutes=5)) == []
    assert await end_due(settings, after) == ["spring"]
    assert await end_due(settings, after) == []
    last = await LogLeaf.select().where(LogLeaf.log == LOG).order_by(LogLeaf.position, ascending=False).first()
    assert read_entry(last["entry"])["kind"] == "closing"


async def test_a_server_that_starts_publishes_what_the_one_before_could_not(
    database_url, settings, add, monkeypatch
) -> None:
    await add(60)

    async def dead(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(sealing, "publish", dead)
    with pytest.raises(RuntimeError):
        await seal(settings, "spring", everything=False)
    monkeypatch.undo()
    before = read_published(settings, LOG)
    life = asyncio.create_task(epochs.seal_for_ever(settings))
    for _ in range(200):
        await asyncio.sleep(0.02)
        if read_published(settings, LOG) != before:
            break
    life.cancel()
    assert read_published(settings, LOG) != before
    assert read_published(settings, LOG) == await publish(settings, LOG)


async def test_what_waits_is_said_to_be_missing(database_url, settings, add) -> None:
    await add(60)
    await add(9, "3702", invited=False)
    await seal(settings, "spring", everything=False)
    assert (await Response.count(), await Pending.count()) == (60, 9)
    assert await waiting(["spring"]) == 9
    assert await waiting(["another"]) == 0


async def test_an_unknown_campaign_cannot_be_sealed(database_url, settings) -> None:
    with pytest.raises(Problem, match="no campaign “winter”"):
        await seal(settings, "winter", everything=True)


def test_the_command_seals_what_may_be_sealed(database_url, settings, add, monkeypatch, tmp_path) -> None:
    asyncio.run(add(60))
    asyncio.run(add(5, "3702"))
    monkeypatch.setenv("EVALUATOR_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EVALUATOR_DATABASE_URL", database_url)
    monkeypatch.setattr("evaluator.collection.campaigns.right_now", lambda: datetime(2026, 3, 15, tzinfo=UTC))
    said = CliRunner().invoke(cli.group, ["campaign", "seal", "spring"], catch_exceptions=False).output
    assert "60 responses sealed in 1 groups, the smallest of 60; 5 wait; the rest is sealed when" in said
    monkeypatch.setattr("evaluator.collection.campaigns.right_now", lambda: datetime(2026, 4, 2, tzinfo=UTC))
    said = CliRunner().invoke(cli.group, ["campaign", "seal", "spring"], catch_exceptions=False).output
    assert "5 responses sealed in 1 groups, the smallest of 5; 0 wait" in said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_database_older_than_its_published_log_seals_nothing(database_url, settings, add) -> None:
    """Restored from a backup: what waits stays, and no second history is signed."""
    await add(60)
    engine = database.engine()
    assert isinstance(engine, database.DurableSQLiteEngine)
    backup = sqlite3.connect(":memory:")
    with sqlite3.connect(engine.path) as live:
        live.backup(backup)
    await seal(settings, "spring", everything=True)
    with sqlite3.connect(engine.path) as live:
        backup.backup(live)
    with pytest.raises(LogBehind):
        await seal(settings, "spring", everything=True)
    assert (await Pending.count(), await Response.count()) == (60, 0)


async def test_codes_stay_used_while_the_order_they_came_in_is_wiped(database_url, settings, add, sink) -> None:
    rows = await add(200)
    intake = Intake(sink(), batch=5)
    others = [row._replace(identifier=secrets.token_hex(16), answers='{"contact":"yes"}') for row in rows]
    random.shuffle(others)
    again = asyncio.gather(*map(intake.submit, others))
    await seal(settings, "spring", everything=False)
    assert {outcome.kind for outcome in await again} == {"duplicate"}
    await intake.close()
    assert (await Response.count(), await Admission.count()) == (200, 200)
