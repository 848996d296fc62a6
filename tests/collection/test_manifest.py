"""The manifest: logged before a campaign opens, equal to the database after every change, and checked."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from datetime import date
from pathlib import Path

import msgspec
import pytest
import yaml

from evaluator import database
from evaluator.collection import manifest, stages
from evaluator.collection.amending import Changes, amend
from evaluator.collection.campaigns import Label, load_campaign
from evaluator.collection.counts import import_frame, import_population
from evaluator.collection.rules import EPOCH, read_rules, shipped_rules
from evaluator.collection.sealing import LEAST
from evaluator.collection.tables import Campaign, CampaignUnit, Manifest, PopulationCell, SampleCell
from evaluator.collection.versions import keep_questionnaire, move_campaign
from evaluator.ledger.files import publish_all, read_published
from evaluator.ledger.keys import signer
from evaluator.ledger.notes import read_checkpoint
from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from tests.collection.conftest import CLOSES, OPENS, QUESTIONNAIRE

DAY = date(2026, 3, 12)
LOG = "campaign/spring"
ROOT = Path(__file__).parents[2] / "evaluator"
SECOND = QUESTIONNAIRE.replace('version: "1"', 'version: "2"')


async def manifest_leaves() -> list[dict[str, object]]:
    rows = await LogLeaf.select(LogLeaf.entry).where(LogLeaf.log == LOG).order_by(LogLeaf.position)
    return [json.loads(row["entry"]) for row in rows]


async def differences(settings) -> list[str]:
    found = await load_campaign("spring")
    return await manifest.differences(settings, found.id, "spring")


async def test_a_campaign_that_is_opened_at_once_has_its_manifest_in_the_log(
    database_url, settings, small_campaign
) -> None:
    await small_campaign(targets=400)
    found = await manifest.latest(1)
    said = json.loads(found.text)
    assert found.text == json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert found.digest == hashlib.sha256(found.text.encode()).hexdigest()
    assert said["questionnaire"] == {
        "identifier": "small@1", "sha256": hashlib.sha256(QUESTIONNAIRE.encode()).hexdigest(),
    }  # fmt: skip
    assert (said["opens"], said["closes"], said["epoch"]) == (OPENS.isoformat(), CLOSES.isoformat(), 50)
    assert said["units"] == [{"unit": unit, "target": 400} for unit in ("3701", "370102", "3702")]
    assert said["strata"] == [{"column": "s_age", "codes": ["young", "old", "skip"]}]
    assert said["flags"]["by_response"] == {"too_fast": {"duration_class": "under_25_seconds"}}
    assert said["flags"]["at_close"]["burst"]["p_below"] == 1e-6
    assert said["log"] == signer(settings, LOG).vkey
    [leaf] = await manifest_leaves()
    assert (leaf["kind"], leaf["campaign"], leaf["at"]) == ("manifest", "spring", 0)
    assert leaf["manifest"]["sha256"] == found.digest
    assert "replaces" not in leaf
    assert read_checkpoint(read_published(settings, LOG), signer(settings, LOG).vkey).size == 1
    assert await differences(settings) == []


async def test_a_draft_is_logged_when_it_is_opened(database_url, settings, small_campaign) -> None:
    await small_campaign(draft=True)
    campaign = await load_campaign("spring")
    await import_population(settings, campaign, b"unit,s_age,count\n37,young,5\n37,old,6\n")
    await amend(settings, "spring", Changes(targets={"3701": 90}), DAY, "")
    assert await manifest_leaves() == []
    assert await manifest.history(1) == []
    assert len(await differences(settings)) == 1
    await stages.do(settings, "spring", "open", date(2026, 2, 20))
    [leaf] = await manifest_leaves()
    found = await manifest.latest(1)
    assert leaf["manifest"]["sha256"] == found.digest
    assert found.day == date(2026, 2, 20)
    assert found.promise.population[1].count == 5
    assert {unit.unit: unit.target for unit in found.promise.units}["3701"] == 90
    assert await differences(settings) == []


async def change_moved(settings) -> None:
    number, _ = await keep_questionnaire(SECOND)
    await move_campaign(settings, "spring", number, DAY)


async def change_frame(settings) -> None:
    await import_frame(settings, await load_campaign("spring"), b"unit,frame_n,invited\n3701,10,1\n3702,20,2\n")


async def change_population(settings) -> None:
    await import_population(settings, await load_campaign("spring"), b"unit,s_age,count\n37,young,5\n37,old,6\n")


async def change_closed(settings) -> None:
    await stages.do(settings, "spring", "close", DAY)


def amended(day: date = DAY, **changes: object):
    async def change(settings) -> None:
        await amend(settings, "spring", Changes(**changes), day, "It was asked for.")

    return change


BEFORE = date(2026, 2, 1)
CHANGES = {
    "a newer version": (change_moved, {"questionnaire", "flags"}),
    "the frame": (change_frame, {"sample"}),
    "the population": (change_population, {"population"}),
    "closed early": (change_closed, {"closes", "closed_early"}),
    "the first day": (amended(BEFORE, opens=date(2026, 3, 5)), {"opens"}),
    "the last day": (amended(closes=date(2026, 4, 9)), {"closes"}),
    "targets": (amended(targets={"3701": 500, "3702": 7}), {"units"}),
    "a unit more": (amended(more_units=["370103"], targets={"370103": 3}), {"units"}),
    "a unit less": (amended(fewer_units=["3702"]), {"units"}),
    "rules": (amended(BEFORE, rules=read_rules("thresholds: {cell_min: 20}")), {"thresholds"}),
    "the title": (amended(title=Label("N-zh", "New")), {"title"}),
    "who is responsible": (amended(responsible=Label("N-zh", "New")), {"responsible"}),
    "whom to ask": (amended(contact="12345"), {"contact"}),
    "how long": (amended(kept_months=12), {"kept_months"}),
    "the open link": (amended(open_link=False), {"modes"}),
    "signing in": (amended(sign_in=True), {"modes"}),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_every_change_of_an_opened_campaign_logs_a_manifest_that_equals_the_database(
    database_url, settings, small_campaign, name
) -> None:
    await small_campaign()
    before = await manifest.latest(1)
    change, differs = CHANGES[name]
    await change(settings)
    first, second = await manifest.history(1)
    old, new = json.loads(first.text), json.loads(second.text)
    assert {key for key in new if new[key] != old[key]} <= differs
    assert second.text == await manifest.text_now(settings, 1) != first.text
    assert (second.digest, bool(second.reason)) == (hashlib.sha256(second.text.encode()).hexdigest(), True)
    leaves = await manifest_leaves()
    assert (leaves[1]["replaces"], leaves[1]["manifest"]["sha256"]) == (before.digest, second.digest)
    assert leaves[1]["reason"] == second.reason
    assert read_checkpoint(read_published(settings, LOG), signer(settings, LOG).vkey).size == 2
    assert await differences(settings) == []


async def test_what_changes_nothing_logs_nothing(database_url, settings, small_campaign) -> None:
    await small_campaign()
    await amend(settings, "spring", Changes(closes=CLOSES, contact="office@example.org"), DAY, "A mistake.")
    await stages.do(settings, "spring", "pause", DAY)
    await stages.do(settings, "spring", "resume", DAY)
    assert len(await manifest_leaves()) == 1
    assert await differences(settings) == []


async def test_a_change_and_its_manifest_are_one_transaction(
    database_url, settings, small_campaign, monkeypatch
) -> None:
    await small_campaign()

    async def full_disk(*_given: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(manifest, "append", full_disk)
    with pytest.raises(OSError, match="no space"):
        await change_frame(settings)
    assert await SampleCell.count() == 0
    assert len(await manifest.history(1)) == 1


SILENT = {
    "campaign": lambda: Campaign.update({Campaign.closes: date(2026, 5, 1)}, force=True),
    "campaign_unit": lambda: CampaignUnit.update({CampaignUnit.target: 3}, force=True),
    "population_cell": lambda: PopulationCell.insert(PopulationCell(campaign=1, unit="37", strata="{}", count=9)),
    "sample_cell": lambda: SampleCell.insert(SampleCell(campaign=1, unit="3701", frame_n=9, invited=1)),
    "manifest": lambda: Manifest.update({Manifest.text: "{}"}, force=True),
}


@pytest.mark.parametrize("table", SILENT)
async def test_a_change_behind_our_back_is_seen(database_url, settings, small_campaign, table) -> None:
    await small_campaign()
    await SILENT[table]()
    assert await differences(settings) != []


async def test_a_manifest_that_was_exchanged_with_its_digest_is_seen(database_url, settings, small_campaign) -> None:
    await small_campaign()
    await Campaign.update({Campaign.contact: "somebody else"}, force=True)
    text = await manifest.text_now(settings, 1)
    await Manifest.update({Manifest.text: text, Manifest.digest: manifest.digest_of(text)}, force=True)
    [line] = await differences(settings)
    assert "the log" in line


def test_tables_of_a_promise_are_written_behind_its_one_door_only() -> None:
    """Whoever writes to them goes through `changing`, logs the first manifest, or writes what no manifest says."""
    writes = re.compile(
        r"\b(?:Campaign|CampaignUnit|SampleCell|PopulationCell)(?:\.(?:update|insert|delete)\(|\([a-z*])"
        r"|(?:UPDATE|INSERT INTO|DELETE FROM) (?:campaign|campaign_unit|sample_cell|population_cell)\b"
    )
    found = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in ROOT.rglob("*.py")
        if "migrations" not in path.parts and path.name != "tables.py"
    }
    writers = {name for name, text in found.items() if writes.search(text)}
    assert {"collection/amending.py", "collection/counts.py", "collection/versions.py"} < writers
    passing = {name for name in writers if re.search(r"\bchanging\(|\blog_manifest\(", found[name])}
    assert writers - passing <= {
        "collection/undelivered.py",  # letters that came back
        "collection/closing.py",  # the stage when the last response is sealed
    }


def test_what_is_registered_is_what_is_done() -> None:
    assert EPOCH == LEAST
    scheme = yaml.safe_load((ROOT / "rating" / "schemes" / "sd-integrity.yaml").read_text(encoding="utf-8"))
    assert msgspec.to_builtins(shipped_rules().thresholds) == scheme["publication"]["citizen"]


async def test_two_changes_at_once_are_both_logged(database_url, settings, small_campaign) -> None:
    await small_campaign()
    await asyncio.gather(
        *(amend(settings, "spring", Changes(targets={"3701": n}), DAY, f"Number {n}.") for n in range(1, 6))
    )
    assert len(await manifest_leaves()) == 6
    assert await differences(settings) == []


def test_the_door_is_not_inside_another_transaction(sqlite_url, settings) -> None:
    async def inside() -> None:
        async with database.engine().transaction():
            await stages.do(settings, "spring", "open", DAY)

    with pytest.raises(RuntimeError):
        asyncio.run(inside())


async def test_no_reason_no_change(database_url, settings, small_campaign) -> None:
    await small_campaign()
    with pytest.raises(Problem) as refused:
        await amend(settings, "spring", Changes(closes=date(2026, 4, 9)), DAY, " ")
    assert [error.pointer for error in refused.value.errors] == ["reason"]
    assert len(await manifest_leaves()) == 1


async def test_a_campaign_from_before_there_were_manifests_gets_one_with_its_next_change(
    database_url, settings, small_campaign
) -> None:
    await small_campaign(draft=True)
    await Campaign.update({Campaign.stage: "ready", Campaign.rules: ""}, force=True)
    [line] = await differences(settings)
    assert "made before there were any" in line
    await amend(settings, "spring", Changes(closes=date(2026, 4, 9)), DAY, "It was asked for.")
    [leaf] = await manifest_leaves()
    assert ("replaces" in leaf, leaf["reason"]) == (False, "It was asked for.")
    assert await differences(settings) == []


async def test_a_change_holds_though_its_files_cannot_be_written_yet(
    database_url, settings, small_campaign, monkeypatch, caplog
) -> None:
    async def full_disk(*_given: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(manifest, "publish", full_disk)
    await small_campaign()
    await stages.do(settings, "spring", "close", DAY)
    assert caplog.text.count("no space left") == 3  # the campaign's log twice, the audit log once
    assert await differences(settings) == []
    monkeypatch.undo()
    await publish_all(settings)
    assert read_checkpoint(read_published(settings, LOG), signer(settings, LOG).vkey).size == 2
