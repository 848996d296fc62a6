"""The worker: takes runs from the table one after the other and has each done in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from datetime import timedelta
from pathlib import Path

import msgspec

from evaluator.database import Unavailable
from evaluator.publication.shelf import folder_of
from evaluator.rating.snapshot import fingerprint
from evaluator.settings import PREFIX, Settings
from evaluator.workbench import places, runs
from evaluator.workbench.job import Task, Word
from evaluator.workbench.tables import WorkbenchRun, WorkbenchScheme

POLL = 1.0  # seconds between two looks at the table
BEAT = 0.5  # seconds between two signs of life, and two looks whether it is to be stopped
GRACE = 1.5  # seconds that a process has to end by itself; to publish takes longer to put down tidily
GRACE_PUBLISHING = 20.0


async def work(
    settings: Settings, stop: asyncio.Event, *, once: bool = False, lost_after: timedelta = runs.LOST_AFTER
) -> int:
    """Do runs until `stop` is set; with `once`, until none is left. Gives how many were ended."""
    worker, ended = secrets.token_hex(8), 0
    while not stop.is_set():
        try:
            run = await runs.claim(worker, lost_after)
            if run is not None:
                ended += await carry_out(settings, run, worker, stop)
                continue
        except Unavailable:
            pass  # the database is away; a run that is under way shows no sign of life and is taken up again
        if once:
            break
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL)
    return ended


async def carry_out(settings: Settings, run: WorkbenchRun, worker: str, stop: asyncio.Event) -> bool:
    """One run, from the start. Nothing of it is seen before it is whole."""
    await asyncio.to_thread(places.tidy, settings, run.id)
    if run.attempts > runs.MOST_ATTEMPTS:
        lost = f"the worker ended {runs.MOST_ATTEMPTS} times in the middle of this run; see its log, and start it anew"
        return await runs.end(run, worker, "failed", Word(failed=(lost,)))
    if run.digest and await asyncio.to_thread(_made_before, settings, run):
        return await runs.end(run, worker, "done", Word(digest=run.digest))
    folder = places.working_folder(settings, run.id, worker)
    await asyncio.to_thread(_fresh, folder)
    try:
        task = await _task(settings, run, folder)
        process = await _start(settings, task)
        try:
            last, stopped = await _follow(process, run, worker, stop)
        finally:
            await _put_down(process, GRACE_PUBLISHING if run.kind == "publication" else GRACE)
        if last.done and not stopped:
            return await _keep(settings, run, worker, task.out, last)
        if stop.is_set():
            await runs.give_back(run.id, worker)
            return False
        if stopped:
            return await runs.end(run, worker, "cancelled", msgspec.structs.replace(last, failed=()))
        if not last.failed:
            last = msgspec.structs.replace(last, failed=(_sudden(process.returncode or 0),))
        return await runs.end(run, worker, "failed", last)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _fresh(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o700)  # what was not published yet is for its owner
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _made_before(settings: Settings, run: WorkbenchRun) -> bool:
    """Whether this run's snapshot was put in its place, and the worker was killed before it could say so."""
    folder = places.snapshot_folder(settings, run.snapshot)
    return run.kind == "snapshot" and folder.is_dir() and fingerprint(folder) == run.digest


def _sudden(code: int) -> str:
    """A process that ended without a word."""
    if code == -signal.SIGKILL:
        return "the process was killed, most often because memory ran out; use fewer draws, or a machine with more"
    return f"the process ended with code {code}; the log of the worker says more"


async def _task(settings: Settings, run: WorkbenchRun, folder: Path) -> Task:
    out = folder / "made"
    if run.kind == "snapshot":
        assert run.period_from is not None
        assert run.period_to is not None
        return Task("snapshot", out, campaigns=tuple(run.campaigns.split()), period=(run.period_from, run.period_to))
    if run.kind == "publication":
        return Task("publication", out, edition=places.run_folder(settings, run.source), decision=run.decision)
    scheme = await WorkbenchScheme.objects().get(WorkbenchScheme.sha256 == run.scheme)
    assert scheme is not None  # a foreign key
    path = folder / "scheme.yaml"
    await asyncio.to_thread(path.write_bytes, scheme.content.encode())
    return Task(
        "rating",
        out,
        scheme=path,
        snapshot=places.snapshot_folder(settings, run.snapshot),
        previous=folder_of(settings, run.previous) if run.previous else None,
        supersedes=folder_of(settings, run.supersedes) if run.supersedes else None,
        why=run.why,
        draws=run.draws,
        seed=run.seed,
    )


def _environment(settings: Settings) -> dict[str, str]:
    """The worker's own, with the settings that it runs under."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for name in Settings.__struct_fields__:
        if value := str(getattr(settings, name)):
            ours[PREFIX + name.upper()] = value
    return ours


async def _start(settings: Settings, task: Task) -> Process:
    line = msgspec.json.encode(task, enc_hook=str) + b"\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evaluator.workbench.job", stdin=PIPE, stdout=PIPE, env=_environment(settings),
    )  # fmt: skip
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):  # gone already; its code says so
        process.stdin.write(line)
        await process.stdin.drain()
    return process


async def _follow(process: Process, run: WorkbenchRun, worker: str, stop: asyncio.Event) -> tuple[Word, bool]:
    """The last word of the process, and whether it is to be stopped before it is done."""
    last = Word()
    assert process.stdout is not None
    line = asyncio.ensure_future(process.stdout.readline())
    clock = asyncio.get_running_loop().time
    due = clock() + BEAT
    try:
        while True:
            await asyncio.wait({line}, timeout=max(due - clock(), 0.0))
            if line.done():
                if not line.result():
                    await process.wait()
                    return last, False
                with contextlib.suppress(msgspec.DecodeError):  # something a library printed
                    last = msgspec.json.decode(line.result(), type=Word)
                line = asyncio.ensure_future(process.stdout.readline())
            if stop.is_set():
                return last, True
            if clock() >= due:
                due = clock() + BEAT
                try:
                    going_on = await runs.beat(run.id, worker, last if last.step else None)
                except Unavailable:
                    continue  # locked for a moment; if it lasts, another worker takes the run and this one learns it
                if not going_on:
                    return last, True
    finally:
        line.cancel()


async def _put_down(process: Process, grace: float) -> None:
    """End a process that still runs: as Ctrl-C would, and for certain after the grace."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.stdin is not None:
        process.stdin.close()


async def _keep(settings: Settings, run: WorkbenchRun, worker: str, made: Path, last: Word) -> bool:
    """Put what was made where it belongs, then say that it is done; a kill in between does the run once more."""
    if run.kind == "rating":
        target = places.run_folder(settings, run.id)
        await asyncio.to_thread(_replace, made, target)
    elif run.kind == "snapshot":
        target = places.snapshot_folder(settings, run.snapshot)
        if target.exists():
            taken = f"there is a snapshot called {run.snapshot} already; give another name"
            return await runs.end(run, worker, "failed", Word(failed=(taken,)))
        await runs.remember(run.id, worker, last.digest)
        await asyncio.to_thread(_replace, made, target)
    return await runs.end(run, worker, "done", last)


def _replace(made: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)
