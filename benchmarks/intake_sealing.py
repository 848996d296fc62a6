"""Sealing many responses at once, and what a response costs the writer when the table is small and when it is large.

    .venv/bin/python -m benchmarks.intake_sealing [--responses 1000000] [--units 1] [--open] [--floor]
        [--engine sqlite] [--engine postgres]

Rows are made from one accepted form, each with a salt and a code's hash of its own, and handed to the real writer and
the real sealing: leaves, rows, deletion, signed head, published files, order wiped. They are sealed when the campaign
is over; or with --open while people answer, one every tenth of a second, in smaller transactions on SQLite, and it is
said how long the slowest of them waited. --floor also copies the database and does no more with the copy than
INSERT .. SELECT and DELETE of the same rows in one transaction, with the site's usual connection. Exit code 1: a count
is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import secrets
import shutil
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg

from benchmarks.intake_site import CODE, UNIT, engines, prepare, whole_form
from evaluator.collection import bulk, sealing
from evaluator.collection.campaigns import LiveCampaign, right_now, today
from evaluator.collection.intake import Intake
from evaluator.collection.mixing import tidy
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.collection.sealing import MOVED, seal
from evaluator.collection.storing import sink_for
from evaluator.collection.tables import Campaign, Response
from evaluator.collection.writer_process import WriterProcess
from evaluator.database import PRAGMAS, DurableSQLiteEngine, engine
from evaluator.ledger.files import publish
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.acceptance import Accepted, accept

SMALL, SENT = 10_000, 4_000


@dataclass
class Watch:
    """Seconds of parts of the work: of the clock, and of this process's processor, which PostgreSQL's are not."""

    found: dict[str, tuple[float, float]] = field(default_factory=dict)

    def of(self, name: str, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The same work, with its time kept."""

        async def timed(*given: Any, **more: Any) -> Any:
            clock, used = time.perf_counter(), time.process_time()
            try:
                return await work(*given, **more)
            finally:
                self.found[name] = (time.perf_counter() - clock, time.process_time() - used)

        return timed


def rows(campaign: LiveCampaign, number: int, units: Sequence[str] = (UNIT,)) -> Iterator[ResponseRow]:
    taken = accept(campaign.questionnaire, whole_form(campaign.questionnaire))
    assert isinstance(taken, Accepted)
    for at in range(number):
        yield response_row(
            campaign.questionnaire, taken, questionnaire_version=campaign.version, campaign=campaign.id,
            campaign_code=CODE, unit=units[at % len(units)], mode="sign_in", day=campaign.opens, duration="longer",
            code_hash=secrets.token_hex(32),
        )  # fmt: skip


async def _fill(campaign: LiveCampaign, number: int, units: Sequence[str] = (UNIT,)) -> None:
    """Let so many wait, as an import does."""
    found = engine()
    if isinstance(found, DurableSQLiteEngine):
        await asyncio.to_thread(bulk._sqlite, found.path, rows(campaign, number, units), None)
    else:
        await bulk._postgres(found.config["dsn"], rows(campaign, number, units), None)


async def _write(site: Settings, campaign: LiveCampaign) -> float:
    """Microseconds a response through the writer, durable, sixty-four at a time."""
    made = list(rows(campaign, SENT))
    intake = Intake(sink_for(site))
    await asyncio.gather(*map(intake.submit, rows(campaign, 64)))
    began = time.perf_counter()
    for at in range(0, SENT, 64):
        await asyncio.gather(*map(intake.submit, made[at : at + 64]))
    cost = (time.perf_counter() - began) / SENT * 1e6
    await intake.close()
    return cost


async def _floor(url: str) -> float:
    """Seconds in which a copy of the database moves the same rows, and does nothing else."""
    move = f"INSERT INTO response ({MOVED}) SELECT {MOVED} FROM pending ORDER BY identifier"
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        shutil.copy(path, f"{path}.copy")
        os.sync()
        connection = sqlite3.connect(f"{path}.copy", isolation_level=None)
        connection.executescript(PRAGMAS)
        began = time.perf_counter()
        for statement in ("BEGIN IMMEDIATE", move, "DELETE FROM pending", "COMMIT"):
            connection.execute(statement)
        took = time.perf_counter() - began
        connection.close()
        os.unlink(f"{path}.copy")
        return took
    found = await asyncpg.connect(url.replace("/postgres?", "/template1?"))
    await found.execute("CREATE DATABASE floor TEMPLATE postgres")
    await found.execute("CHECKPOINT")
    connection = await asyncpg.connect(url.replace("/postgres?", "/floor?"))
    began = time.perf_counter()
    async with connection.transaction():
        await connection.execute(move)
        await connection.execute("DELETE FROM pending")
    took = time.perf_counter() - began
    await connection.close()
    await found.execute("DROP DATABASE floor")
    await found.close()
    return took


async def _may_answer(yes: bool) -> None:
    days = (timedelta(-2), timedelta(30)) if yes else (timedelta(-60), timedelta(-30))
    opens, closes = (today(right_now(), Settings().zone) + one for one in days)
    await Campaign.update({Campaign.opens: opens, Campaign.closes: closes}).where(Campaign.code == CODE)


async def _answering(site: Settings, campaign: LiveCampaign, until: asyncio.Event, waits: list[float]) -> None:
    """Somebody answers every tenth of a second, by a writer as a server has it; how long each waits."""
    intake = Intake(WriterProcess(site))
    await intake.submit(*rows(campaign, 1))

    async def one(row: ResponseRow) -> None:
        began = time.perf_counter()
        await intake.submit(row)
        waits.append(time.perf_counter() - began)

    people = []
    while not until.is_set():
        people += [asyncio.create_task(one(row)) for row in rows(campaign, 1)]
        await asyncio.sleep(0.1)
    await asyncio.gather(*people)
    await intake.close()


async def measure(name: str, site: Settings, given: argparse.Namespace) -> bool:
    responses: int = given.responses
    campaign = await prepare(site)
    units = [UNIT]
    if given.units > 1:
        units = [f"{UNIT}{number:05d}" for number in range(given.units)]
        for unit in units:
            await Unit.insert(Unit(code=unit, level="P", name_zh="load", name_en="Load"))
    await _fill(campaign, SMALL)
    await seal(site, CODE, everything=True)
    small = await _write(site, campaign)
    await seal(site, CODE, everything=True)
    began = time.perf_counter()
    await _fill(campaign, responses, units)
    filled = time.perf_counter()
    floor = f"; no more than moved in {await _floor(site.database):.1f} s" if given.floor else ""
    await _may_answer(given.open)
    watch = Watch()
    sealing.publish, sealing.tidy = watch.of("files", publish), watch.of("wiping", tidy)
    over = asyncio.Event()
    waits: list[float] = []
    people = asyncio.create_task(_answering(site, campaign, over, waits)) if given.open else None
    done = await watch.of("sealed", seal)(site, CODE, everything=True)
    over.set()
    if people is not None:
        await people
    came = len(waits) + 1 if people is not None else 0
    await _may_answer(True)
    large = await _write(site, campaign)
    again = Watch()
    sealing.publish, sealing.tidy = again.of("files", publish), again.of("wiping", tidy)
    last = await again.of("sealed", seal)(site, CODE, everything=True)
    right = done.number >= responses and done.number + last.number == responses + came + SENT + 64
    right &= await Response.count() == SMALL + responses + 2 * (SENT + 64) + came
    slowest = f", {came:,} people answered meanwhile, the slowest in {max(waits):.1f} s" if waits else ""
    print(
        f"{name:9s} written {responses:,} of {given.units:,} units in {filled - began:.1f} s{floor}, "
        f"{_said(watch)}{slowest}; the writer with {SMALL:,} in the table {small:.0f} us a response, with "
        f"{responses + SMALL:,} {large:.0f} us; epoch of {last.number:,} then {_said(again)}; most memory "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB  {'right' if right else 'WRONG'}",
        flush=True,
    )
    return right


def _said(watch: Watch) -> str:
    parts = ", ".join(f"{name} {watch.found[name][0]:.1f}" for name in ("files", "wiping"))
    clock, used = watch.found["sealed"]
    return f"sealed in {clock:.1f} s ({parts}, processor {used:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--units", type=int, default=1)
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    given = parser.parse_args()
    with engines(given.engine or ["sqlite", "postgres"]) as found:
        right = [asyncio.run(measure(name, site, given)) for name, site in found.items()]
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
