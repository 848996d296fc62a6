"""Runs are done by one worker, in a process of its own, whole or not at all, whoever is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from evaluator.collection.campaigns import Label, create_campaign
from evaluator.publication.shelf import folder_of
from evaluator.rating.edition import SUMS, read_note
from evaluator.rating.folders import sha256_of
from evaluator.rating.snapshot import fingerprint
from evaluator.rating.tables import PublishedEdition
from evaluator.rating.verify import verify
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from evaluator.workbench import places, runs
from evaluator.workbench.job import Word
from evaluator.workbench.tables import WorkbenchRun
from evaluator.workbench.worker import work
from tests.publication import small_edition as small
from tests.workbench.conftest import asked, finished

PROCESSES = Path("/proc")
ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from evaluator.cli import main; sys.argv[0] = 'evaluator'; main()"


async def worked(settings: Settings) -> int:
    return await work(settings, asyncio.Event(), once=True)


def left_over(settings: Settings) -> list[str]:
    home = settings.data_dir / "runs"
    return sorted(path.name for path in home.iterdir()) if home.is_dir() else []


async def until(what, seconds: float = 30.0):
    """Wait until the coroutine function gives something."""
    for _ in range(int(seconds / 0.05)):
        if found := await what():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


async def test_a_rating_is_made_and_its_cost_is_kept(settings: Settings) -> None:
    run = await asked(settings)
    assert await worked(settings) == 1
    run = await runs.find(run.id)
    assert (run.state, run.failure) == ("done", "")
    folder = places.run_folder(settings, run.id)
    assert read_note(folder).identifier == run.edition
    assert read_note(folder).draws == 64
    assert run.digest == sha256_of(folder / SUMS)
    assert run.memory > 50_000_000
    assert run.processor > 0
    assert run.seconds > 0
    assert left_over(settings) == [run.id]
    assert (settings.data_dir / "runs").stat().st_mode & 0o077 == 0


async def test_what_is_wrong_is_told_in_the_words_of_the_rating(light_settings: Settings) -> None:
    settings = light_settings
    missing = await asked(settings, snapshot="no-such")
    assert await worked(settings) == 1
    missing = await runs.find(missing.id)
    assert missing.state == "failed"
    assert "no-such is not a folder; give the folder of a snapshot" in missing.failure
    assert left_over(settings) == []


async def test_two_workers_never_take_the_same_run(settings: Settings) -> None:
    for _ in range(6):
        await asked(settings)
    workers = [f"worker-{number}" for number in range(8)]
    taken = await asyncio.gather(*(runs.claim(worker) for worker in workers))
    got = [run.id for run in taken if run is not None]
    assert len(got) == len(set(got)) == 6
    assert await WorkbenchRun.count().where(WorkbenchRun.worker != "") == 6


async def test_only_the_worker_that_holds_a_run_says_how_it_went(settings: Settings) -> None:
    run = await asked(settings)
    held = await runs.claim("first")
    assert held is not None
    assert await runs.claim("second") is None
    await asyncio.sleep(0.01)
    again = await runs.claim("second", timedelta(0))  # the first one is taken for dead
    assert again is not None
    assert (again.id, again.attempts) == (run.id, 2)
    assert not await runs.beat(run.id, "first")
    assert not await runs.end(held, "first", "done", Word())
    assert await runs.beat(run.id, "second")
    assert (await runs.find(run.id)).state == "running"


async def test_a_run_that_ends_its_worker_again_and_again_is_given_up(settings: Settings) -> None:
    run = await asked(settings)
    for _ in range(runs.MOST_ATTEMPTS):
        await runs.claim("dies", timedelta(0))
        await asyncio.sleep(0.01)
    assert await work(settings, asyncio.Event(), once=True, lost_after=timedelta(0)) == 1
    run = await runs.find(run.id)
    assert run.state == "failed"
    assert "ended 3 times in the middle of this run" in run.failure


async def test_a_run_that_waits_is_cancelled_at_once(settings: Settings) -> None:
    run = await asked(settings)
    await runs.cancel(settings, run, "operator 1")
    assert (await runs.find(run.id)).state == "cancelled"
    assert await worked(settings) == 0


async def test_a_run_under_way_is_cancelled_within_two_seconds_and_leaves_nothing(light_settings: Settings) -> None:
    settings = light_settings
    run = await asked(settings, draws=400_000)
    stop = asyncio.Event()
    worker = asyncio.create_task(work(settings, stop))

    async def drawing() -> bool:
        return (await runs.find(run.id)).step == "draws"

    await until(drawing)
    before = time.monotonic()
    await runs.cancel(settings, run, "operator 1")

    async def ended() -> bool:
        return (await runs.find(run.id)).state == "cancelled"

    await until(ended)
    assert time.monotonic() - before < 3.0  # half a second to hear of it and 1.5 of grace; the machine may be busy
    stop.set()
    await worker
    assert left_over(settings) == []


def start_worker(settings: Settings, *options: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVALUATOR_")}
    environment |= {"EVALUATOR_DATA_DIR": str(settings.data_dir), "EVALUATOR_DATABASE_URL": settings.database_url}
    return subprocess.Popen([sys.executable, "-c", COMMAND, "workbench", "work", *options], env=environment, cwd=ROOT)


def children(process: int) -> list[int]:
    return [int(one.name) for one in PROCESSES.iterdir() if one.name.isdigit() and _parent(one) == process]


async def test_a_worker_that_is_killed_leaves_the_run_to_the_next_one(light_settings: Settings) -> None:
    settings = light_settings
    run = await asked(settings, draws=400_000)
    worker = start_worker(settings)

    async def under_way() -> bool:
        return (await runs.find(run.id)).step == "draws"

    await until(under_way)
    [job] = children(worker.pid)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert left_over(settings) != []  # what was half done, under a name that nobody reads

    async def gone() -> bool:
        return _state(PROCESSES / str(job)) == "Z"

    await until(gone, 10)  # its process does not go on alone
    assert (await runs.find(run.id)).state == "running"
    await WorkbenchRun.update({WorkbenchRun.draws: 32}).where(WorkbenchRun.id == run.id)
    await asyncio.sleep(0.1)
    assert await work(settings, asyncio.Event(), once=True, lost_after=timedelta(seconds=0.05)) == 1
    run = await runs.find(run.id)
    assert (run.state, run.attempts, run.failure) == ("done", 2, "")
    assert read_note(places.run_folder(settings, run.id)).draws == 32  # done anew, from the start
    assert left_over(settings) == [run.id]


async def test_a_worker_that_is_asked_to_end_gives_its_run_back(light_settings: Settings) -> None:
    settings = light_settings
    run = await asked(settings, draws=400_000)
    stop = asyncio.Event()
    worker = asyncio.create_task(work(settings, stop))

    async def begun() -> bool:
        return (await runs.find(run.id)).step != ""

    await until(begun)
    stop.set()
    await worker
    run = await runs.find(run.id)
    assert (run.state, run.worker) == ("waiting", "")
    assert left_over(settings) == []


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _state(process: Path) -> str:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


async def test_a_taken_run_carries_the_decision_and_is_published(settings: Settings, made: Path) -> None:
    run = await finished(settings, made / "edition")
    handing = await runs.ask(settings, "publication", "operator 1", source=run.id, decision="Taken, for its evidence.")
    assert await worked(settings) == 1
    handing = await runs.find(handing.id)
    assert (handing.state, handing.failure) == ("done", "")
    row = await PublishedEdition.objects().get(PublishedEdition.identifier == handing.edition)
    assert row is not None
    assert (row.sums_sha256, row.state) == (handing.digest, "draft")
    folder = folder_of(settings, handing.edition)
    note, before = read_note(folder), read_note(made / "edition")
    assert note.decision == "Taken, for its evidence."
    assert note.identifier == handing.edition != before.identifier
    assert verify(folder).differences == ()
    for name in ("ratings.csv", "scores.csv", "inputs.csv", "scheme.yaml"):
        assert (folder / name).read_bytes() == (made / "edition" / name).read_bytes()


async def test_an_edition_whose_figures_were_changed_is_not_published(light_settings: Settings, made: Path) -> None:
    run = await finished(light_settings, made / "edition")
    folder = places.run_folder(light_settings, run.id)
    ratings = (folder / "ratings.csv").read_text(encoding="utf-8")
    (folder / "ratings.csv").write_text(ratings.replace(",B,", ",A,", 1), encoding="utf-8")
    handing = await runs.ask(light_settings, "publication", "operator 1", source=run.id, decision="Taken at once.")
    assert await worked(light_settings) == 1
    handing = await runs.find(handing.id)
    assert handing.state == "failed"
    assert "the edition does not verify" in handing.failure
    assert "grade" in handing.failure
    assert not await PublishedEdition.exists()


async def test_a_snapshot_is_made_under_its_name_and_kept_on_a_second_try(settings: Settings) -> None:
    await Unit.insert(Unit(code="90", kind="area", level="R", name_zh="Z-zh", name_en="Region"))
    day = date(2026, 1, 1)
    text = small.SOURCE.joinpath("people@1.yaml").read_text(encoding="utf-8")
    await create_campaign(
        settings, "spring", questionnaire=text, units=["90"], opens=day, closes=date(2026, 3, 1),
        title=Label("T-zh", "Title"), responsible=Label("O-zh", "Office"), contact="office@example.org",
    )  # fmt: skip
    period = {"period_from": day, "period_to": date(2026, 12, 31)}
    run = await runs.ask(settings, "snapshot", "operator 1", snapshot="2026", campaigns="spring", **period)
    twin = await runs.ask(settings, "snapshot", "operator 1", snapshot="2026", campaigns="spring", **period)
    assert await worked(settings) == 2
    run, twin = await runs.find(run.id), await runs.find(twin.id)
    assert (run.state, run.failure) == ("done", "")
    assert fingerprint(places.snapshot_folder(settings, "2026")) == run.digest
    assert {one.name for one in places.snapshots(settings)} == {"2026", "autumn"}
    assert "there is a snapshot called 2026 already" in twin.failure
    # killed after the folder was in its place, before the table said so
    await WorkbenchRun.update({WorkbenchRun.state: "running", WorkbenchRun.heartbeat: runs.now() - timedelta(1)}).where(
        WorkbenchRun.id == run.id
    )
    assert await worked(settings) == 1
    assert (await runs.find(run.id)).state == "done"
    assert left_over(settings) == []


@pytest.mark.parametrize("name", ["..", "../x", "/etc", ".hidden", "a/b", "", "x" * 65, "a\x00b", "a b", "a..b"])
def test_no_name_leads_outside_the_data_directory(name: str) -> None:
    assert not places.is_name(name)
    with pytest.raises(ValueError, match="no name"):
        places.snapshot_folder(Settings(), name)
