"""Sealing many responses at once, and what a response costs the writer when the table is small and when it is large.

    .venv/bin/python -m benchmarks.intake_sealing [--responses 1000000] [--engine sqlite] [--engine postgres]

Rows are made from one accepted form, each with a salt and a code's hash of its own, and handed to the real writer and
the real sealing: leaves, rows, deletion, signed head, published files, order wiped. Exit code 1: a count is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import date

from benchmarks.intake_site import CODE, UNIT, engines, prepare, whole_form
from evaluator.collection import bulk
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.intake import Intake
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.collection.sealing import seal
from evaluator.collection.storing import sink_for
from evaluator.collection.tables import Response
from evaluator.database import DurableSQLiteEngine, engine
from evaluator.settings import Settings
from questionnaires.acceptance import Accepted, accept

SMALL, SENT = 10_000, 4_000


def rows(campaign: LiveCampaign, number: int) -> Iterator[ResponseRow]:
    taken = accept(campaign.questionnaire, whole_form(campaign.questionnaire))
    assert isinstance(taken, Accepted)
    for _ in range(number):
        yield response_row(
            campaign.questionnaire, taken, questionnaire_version=campaign.version, campaign=campaign.id,
            campaign_code=CODE, unit=UNIT, mode="sign_in", day=date.today(), duration="longer",
            code_hash=secrets.token_hex(32),
        )  # fmt: skip


async def _fill(campaign: LiveCampaign, number: int) -> None:
    """Let so many wait, as an import does."""
    found = engine()
    if isinstance(found, DurableSQLiteEngine):
        await asyncio.to_thread(bulk._sqlite, found.path, rows(campaign, number), None)
    else:
        await bulk._postgres(found.config["dsn"], rows(campaign, number), None)


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


async def measure(name: str, site: Settings, responses: int) -> bool:
    campaign = await prepare(site)
    await _fill(campaign, SMALL)
    await seal(site, CODE, everything=True)
    small = await _write(site, campaign)
    await seal(site, CODE, everything=True)
    began = time.perf_counter()
    await _fill(campaign, responses)
    filled = time.perf_counter()
    done = await seal(site, CODE, everything=True)
    sealed = time.perf_counter()
    large = await _write(site, campaign)
    again = time.perf_counter()
    last = await seal(site, CODE, everything=True)
    right = done.number == responses and last.number == SENT + 64
    right &= await Response.count() == SMALL + responses + 2 * (SENT + 64)
    print(
        f"{name:9s} written {responses:,} in {filled - began:.1f} s, sealed in {sealed - filled:.1f} s; the writer "
        f"with {SMALL:,} in the table {small:.0f} us a response, with {responses + SMALL:,} {large:.0f} us; epoch of "
        f"{last.number:,} then {time.perf_counter() - again:.1f} s  {'right' if right else 'WRONG'}",
        flush=True,
    )
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    given = parser.parse_args()
    with engines(given.engine or ["sqlite", "postgres"]) as found:
        right = [asyncio.run(measure(name, site, given.responses)) for name, site in found.items()]
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
