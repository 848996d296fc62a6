"""Runs in the database: asked for, claimed by one worker, followed, ended. Every change goes through here."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

from evaluator import database
from evaluator.ledger.audit import record
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.workbench import places
from evaluator.workbench.job import Word
from evaluator.workbench.tables import WorkbenchRun

LOST_AFTER = timedelta(seconds=15)  # without a sign of life a worker is taken for dead
MOST_ATTEMPTS = 3
UNDER_WAY = ("waiting", "running")


def _(message: str) -> str:
    return message


def now() -> datetime:
    return datetime.now(UTC)


def new_identifier() -> str:
    return secrets.token_hex(5)


async def ask(
    settings: Settings, kind: str, by: str, said: dict[str, Any] | None = None, **fields: Any
) -> WorkbenchRun:
    """Keep a run for a worker to take, and log that it was asked for, with what is `said` of it."""
    run = WorkbenchRun(id=new_identifier(), kind=kind, state="waiting", asked_at=now(), **fields)
    async with database.engine().transaction():
        await run.save()
        await record(settings, f"workbench.{kind}_asked", by=by, run=run.id, **(said or {}))
    return run


async def find(identifier: str, kind: str = "") -> WorkbenchRun:
    """A run by its identifier; 404 when there is none."""
    row = await WorkbenchRun.objects().get(WorkbenchRun.id == identifier[:20]) if places.is_name(identifier) else None
    if row is None or (kind and row.kind != kind):
        raise Problem(404, _("There is no such run"), _("It may have been deleted. Go back to the list of runs."))
    return row


async def cancel(settings: Settings, run: WorkbenchRun, by: str) -> None:
    """Stop a run: at once when it waits; its worker ends it within a second or two when it is under way."""
    async with database.engine().transaction():
        await WorkbenchRun.update({WorkbenchRun.cancel: True}).where(
            (WorkbenchRun.id == run.id) & WorkbenchRun.state.is_in(list(UNDER_WAY))
        )
        await WorkbenchRun.update({WorkbenchRun.state: "cancelled", WorkbenchRun.ended_at: now()}).where(
            (WorkbenchRun.id == run.id) & (WorkbenchRun.state == "waiting")
        )
        await record(settings, "workbench.run_cancelled", by=by, run=run.id)


async def delete(settings: Settings, run: WorkbenchRun, by: str) -> None:
    """Take a run and what it made away; a snapshot that it made and an edition that was published stay."""
    if run.state in UNDER_WAY:
        raise Problem(409, _("This run is under way"), _("Cancel it first; then it can be deleted."))
    async with database.engine().transaction():
        await WorkbenchRun.delete().where((WorkbenchRun.id == run.id) & WorkbenchRun.state.not_in(list(UNDER_WAY)))
        await record(settings, "workbench.run_deleted", by=by, run=run.id)
    places.tidy(settings, run.id)
    shutil.rmtree(places.run_folder(settings, run.id), ignore_errors=True)


# --- for workers


async def claim(worker: str, lost_after: timedelta = LOST_AFTER) -> WorkbenchRun | None:
    """The oldest run that nobody does, made this worker's by one statement; None when there is none.

    One that a worker began and then showed no sign of life of is taken up again, from the start.
    """
    silent = now() - lost_after
    free = (WorkbenchRun.state == "waiting") | ((WorkbenchRun.state == "running") & (WorkbenchRun.heartbeat < silent))
    rows = await WorkbenchRun.select(WorkbenchRun.id).where(free).order_by(WorkbenchRun.asked_at)
    for row in rows:
        taken = (
            await WorkbenchRun.update(
                {
                    WorkbenchRun.state: "running",
                    WorkbenchRun.worker: worker,
                    WorkbenchRun.heartbeat: now(),
                    WorkbenchRun.started_at: now(),
                    WorkbenchRun.attempts: WorkbenchRun.attempts + 1,
                    WorkbenchRun.step: "",
                    WorkbenchRun.share: 0.0,
                }
            )
            .where((WorkbenchRun.id == row["id"]) & free)
            .returning(WorkbenchRun.id)
        )
        if taken:
            return await find(row["id"])
    return None


async def beat(run: str, worker: str, word: Word | None = None) -> bool:
    """A sign of life, with how far it is. False: the run is not this worker's any more, or is to be stopped."""
    news: dict[Any, Any] = {WorkbenchRun.heartbeat: now()}
    if word is not None:
        news |= {
            WorkbenchRun.step: word.step[:80],
            WorkbenchRun.share: word.share,
            WorkbenchRun.memory: word.memory,
            WorkbenchRun.processor: word.processor,
        }
    mine = (WorkbenchRun.id == run) & (WorkbenchRun.worker == worker) & (WorkbenchRun.state == "running")
    rows = await WorkbenchRun.update(news).where(mine).returning(WorkbenchRun.cancel)
    return bool(rows) and not rows[0]["cancel"]


async def remember(run: str, worker: str, digest: str) -> None:
    """What was made, before it is put in its place."""
    await WorkbenchRun.update({WorkbenchRun.digest: digest}).where(
        (WorkbenchRun.id == run) & (WorkbenchRun.worker == worker)
    )


async def end(run: WorkbenchRun, worker: str, state: str, word: Word) -> bool:
    """How it went; False when the run is not this worker's any more, and nothing is written then."""
    mine = (WorkbenchRun.id == run.id) & (WorkbenchRun.worker == worker) & (WorkbenchRun.state == "running")
    ended = now()
    rows = (
        await WorkbenchRun.update(
            {
                WorkbenchRun.state: state,
                WorkbenchRun.ended_at: ended,
                WorkbenchRun.seconds: (ended - run.started_at).total_seconds(),
                WorkbenchRun.step: "",
                WorkbenchRun.share: 1.0 if state == "done" else 0.0,
                WorkbenchRun.failure: "\n".join(word.failed),
                WorkbenchRun.edition: word.edition,
                WorkbenchRun.digest: word.digest,
                **({WorkbenchRun.memory: word.memory, WorkbenchRun.processor: word.processor} if word.memory else {}),
            }
        )
        .where(mine)
        .returning(WorkbenchRun.id)
    )
    return bool(rows)


async def give_back(run: str, worker: str) -> None:
    """The worker was asked to end: another one may take the run at once."""
    mine = (WorkbenchRun.id == run) & (WorkbenchRun.worker == worker) & (WorkbenchRun.state == "running")
    await WorkbenchRun.update(
        {WorkbenchRun.state: "waiting", WorkbenchRun.worker: "", WorkbenchRun.step: "", WorkbenchRun.share: 0.0}
    ).where(mine)
