"""Sealing more than one transaction takes: a unit that is too large in several, and several that seal at once."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from datetime import date, datetime
from pathlib import Path

import pytest

from evaluator.collection import sealing
from evaluator.collection.bulk import store_in_bulk
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.responses import response_row
from evaluator.collection.sealing import Group, seal
from evaluator.collection.tables import Campaign, Pending, Response, SealedGroup
from evaluator.ledger.appending import Responses
from evaluator.ledger.keys import campaign_log
from evaluator.ledger.leaves import EntryError, entry
from evaluator.ledger.tables import LogLeaf
from questionnaires.acceptance import Accepted, accept
from tests.days import local_day


@pytest.fixture
def wait(small_campaign, settings, monkeypatch):
    """Lets so many responses of each unit wait, as an import does before it seals; the hashes of their leaves."""

    async def fill(**units: int) -> list[str]:
        await small_campaign("spring")
        campaign = await load_campaign("spring")
        assert campaign is not None
        accepted = accept(campaign.questionnaire, {"contact": ["no"], "word": ["3"]})
        assert isinstance(accepted, Accepted)
        rows = [
            response_row(
                campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
                campaign_code="spring", unit=unit.strip("u"), mode="invitation", day=date(2026, 3, 10),
                code_hash=secrets.token_hex(32),
            )
            for unit, number in units.items()
            for _ in range(number)
        ]  # fmt: skip

        async def later(*_: object, **__: object) -> None:
            pass

        with monkeypatch.context() as patched:
            patched.setattr("evaluator.collection.bulk.seal", later)
            await store_in_bulk(settings, rows)
        return sorted(row.leaf_hash for row in rows)

    return fill


async def _leaves() -> list[str]:
    rows = await LogLeaf.select().where(LogLeaf.log == campaign_log("spring")).order_by(LogLeaf.position)
    return [row["leaf_hash"] for row in rows if '"kind":"response"' in row["entry"]]


async def test_a_unit_that_is_too_large_is_sealed_in_equal_parts_each_sorted(
    database_url, settings, wait, monkeypatch
) -> None:
    monkeypatch.setattr(sealing, "MOST_QUIET", 60)
    monkeypatch.setattr(sealing, "MOST_MOVED", 60)
    told = await wait(u3701=170, u3702=55)
    sealed = await seal(settings, "spring", everything=False)
    assert sorted(group.size for group in sealed.groups) == [55, 56, 57, 57]
    assert sealed.number == 225
    leaves = await _leaves()
    assert sorted(leaves) == told
    groups = await SealedGroup.select().order_by(SealedGroup.log_size)
    at = [group["log_size"] for group in groups]
    assert len(set(at)) == 4
    for begin, group in zip(at, groups, strict=True):
        part = leaves[begin - at[0] :][: group["responses"]]
        assert part == sorted(part)
        assert group["group_size"] == group["responses"] >= 50
    assert sorted(row["leaf_hash"] for row in await Response.select()) == told
    assert await Pending.count() == 0


async def test_many_that_seal_the_same_in_parts_seal_it_once(database_url, settings, wait, monkeypatch) -> None:
    monkeypatch.setattr(sealing, "MOST_QUIET", 60)
    monkeypatch.setattr(sealing, "MOST_MOVED", 60)
    told = await wait(u3701=120, u370102=55, u3702=120)
    done = await asyncio.gather(*(seal(settings, "spring", everything=True) for _ in range(4)))
    assert sum(one.number for one in done) == 295
    assert all(group.size >= 50 for one in done for group in one.groups)
    assert sorted(await _leaves()) == told
    assert sorted(row["leaf_hash"] for row in await Response.select()) == told


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_transaction_takes_less_while_somebody_may_answer(database_url, settings, wait, monkeypatch) -> None:
    """Where answers wait for the lock: on SQLite."""
    monkeypatch.setattr(sealing, "MOST", 60)
    await wait(u3701=120)
    await Campaign.update({Campaign.opens: local_day(), Campaign.closes: local_day()}, force=True)
    assert [group.size for group in (await seal(settings, "spring", everything=False)).groups] == [60, 60]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("minute", "sizes"), [(30, [60, 60]), (31, [120])])
async def test_and_more_as_soon_as_the_grace_after_the_last_day_is_over(
    database_url, settings, wait, monkeypatch, minute, sizes
) -> None:
    """When a server seals what is left of a campaign, nobody can be in the middle of its form."""
    monkeypatch.setattr(sealing, "MOST", 60)
    monkeypatch.setattr(sealing, "right_now", lambda: datetime(2026, 4, 1, 0, minute, tzinfo=settings.zone))
    await wait(u3701=120)
    await Campaign.update({Campaign.opens: date(2026, 3, 1), Campaign.closes: date(2026, 3, 31)}, force=True)
    assert [group.size for group in (await seal(settings, "spring", everything=False)).groups] == sizes


class WithAnother:
    """A connection; whenever it copies the log of changes to its place, another one writes meanwhile."""

    def __init__(self, one: sqlite3.Connection, other: sqlite3.Connection) -> None:
        self._one, self._other = one, other

    def execute(self, statement: str) -> sqlite3.Cursor:
        if "PASSIVE" not in statement:
            return self._one.execute(statement)
        self._other.execute("BEGIN IMMEDIATE")
        found = self._one.execute(statement)
        self._other.execute("INSERT INTO answer VALUES (1)")
        self._other.execute("COMMIT")
        return found


def test_the_log_of_changes_begins_anew_though_others_write(tmp_path: Path) -> None:
    """Or it would grow as long as somebody answers."""
    path, sizes = tmp_path / "one.sqlite", []
    with (
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as one,
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        for connection in (one, other):
            connection.executescript("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0")
        one.executescript("CREATE TABLE moved (text TEXT); CREATE TABLE answer (number INTEGER)")
        for _ in range(5):
            one.execute("INSERT INTO moved VALUES (?)", ["x" * 1_000_000])
            sealing._begin_anew(WithAnother(one, other))  # type: ignore[arg-type]
            sizes.append((tmp_path / "one.sqlite-wal").stat().st_size)
    assert 1_000_000 < sizes[0] <= max(sizes) < 1_100_000


def test_parts_are_equal_and_never_fewer_than_fifty() -> None:
    for number in (1, 50, 20_000, 20_001, 1_000_000):
        shares = sealing._shares(number, sealing.MOST)
        assert sum(shares) == number
        assert max(shares) <= sealing.MOST
        assert max(shares) - min(shares) <= 1
    assert sealing._portions([Group({"a": 60}), Group({"b": 55}), Group({"c": 5})], 70) == [
        (Group({"a": 60}),), (Group({"b": 55}), Group({"c": 5})),
    ]  # fmt: skip


def test_only_responses_of_the_campaign_are_hashed_before_the_lock() -> None:
    digest = "ab" * 32
    good = entry("response", campaign="spring", commitment=digest)
    assert len(Responses.of("spring", [good])) == 1
    for wrong in (entry("response", campaign="autumn", commitment=digest), entry("closing", campaign="spring"), ""):
        with pytest.raises(EntryError, match="no response of 'spring'"):
            Responses.of("spring", [good, wrong])
