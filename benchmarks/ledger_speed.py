"""A million responses in a log: append, write the files, prove, verify, check.

    .venv/bin/python -m benchmarks.ledger_speed [--leaves 1000000] [--engine sqlite] [--engine postgres]

Each step is one as the site does it: one transaction on the driver's own connection, as for sealing; every file; proofs
from the tiles on the disk. The commit is durable on both engines.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import secrets
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing

import asyncpg

from benchmarks.intake_site import engines
from evaluator import database
from evaluator.ledger.appending import Head, append_postgres, append_sqlite
from evaluator.ledger.checking import check_folder
from evaluator.ledger.files import publish
from evaluator.ledger.groups import group
from evaluator.ledger.keys import campaign_log, signer
from evaluator.ledger.leaves import entry
from evaluator.ledger.merkle import leaf_hash
from evaluator.ledger.published import folder, group_bits, inclusion, leaf_at, read_bundle
from evaluator.ledger.receipts import make_receipt, verify_receipt
from evaluator.settings import Settings

LOG = campaign_log("speed")
HOURLY = 5_000  # responses of a later epoch
TRIED = 500  # proofs that are timed


def responses(number: int) -> list[str]:
    """Entries as the sealing gives them: sorted by their leaf hash."""
    found = [entry("response", campaign="speed", commitment=secrets.token_hex(32)) for _ in range(number)]
    return sorted(found, key=lambda one: leaf_hash(one.encode()))


async def append(settings: Settings, entries: list[str]) -> Head:
    if settings.database.startswith("sqlite"):
        with closing(sqlite3.connect(settings.database.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.executescript(database.PRAGMAS)
            connection.execute("BEGIN IMMEDIATE")
            head = append_sqlite(connection, settings, LOG, entries)
            connection.execute("COMMIT")
            return head
    connection = await asyncpg.connect(settings.database)
    try:
        async with connection.transaction():
            return await append_postgres(connection, settings, LOG, entries)
    finally:
        await connection.close()


class Watch:
    """Seconds of the clock and of this process's processor: on a busy machine only the second are of the work."""

    def __init__(self) -> None:
        self.begun, self.used = time.perf_counter(), time.process_time()

    def say(self, what: str, more: str = "") -> None:
        clock, used = time.perf_counter() - self.begun, time.process_time() - self.used
        print(f"| {what} | {clock:.2f} s | {used:.2f} s | {more} |", flush=True)


def median(work: Callable[[int], object], places: list[int]) -> float:
    """Seconds of the processor for one, the median."""
    found = []
    for place in places:
        begun = time.process_time()
        work(place)
        found.append(time.process_time() - begun)
    return statistics.median(found)


async def measure(name: str, settings: Settings, leaves: int) -> None:
    database.connect(settings.database)
    await database.upgrade()
    print(f"\n{name}\n\n| step | clock | processor | |\n| --- | --- | --- | --- |")
    entries, later = responses(leaves), responses(HOURLY)
    watch = Watch()
    await append(settings, entries)
    watch.say(f"append {leaves:,} leaves in one transaction")
    watch = Watch()
    await publish(settings, LOG)
    files = [path for path in folder(settings, LOG).rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    watch.say("write its files", f"{len(files):,} files, {megabytes:.0f} MB")
    watch = Watch()
    head = await append(settings, later)
    watch.say(f"append {HOURLY:,} more")
    watch = Watch()
    await publish(settings, LOG)
    watch.say("write what changed")

    where, vkey = folder(settings, LOG), signer(settings, LOG).vkey
    places = random.sample(range(leaves), TRIED)
    proof = median(lambda place: inclusion(where, place, head.size), places)
    receipts = {
        place: make_receipt(
            read_bundle(where, place // 256, 256)[place % 256].decode(),
            place,
            inclusion(where, place, head.size),
            head.checkpoint,
        )
        for place in places
    }
    verify = median(lambda place: verify_receipt(receipts[place], vkey), places)
    size = statistics.mean(len(one.encode()) for one in receipts.values())
    bits = group_bits(head.size)
    digits = [f"{int.from_bytes(leaf_at(where, place, head.size), 'big'):0256b}"[:bits] for place in places[:100]]
    grouped = median(lambda place: group(where, head.checkpoint, digits[place]), list(range(100)))
    weight = statistics.mean(len(group(where, head.checkpoint, one) or b"") for one in digits[:20])
    print(f"| proof from the tiles on the disk | | {proof * 1e3:.2f} ms | median of {TRIED} |")
    print(f"| verification of a receipt | | {verify * 1e3:.2f} ms | {size:,.0f} bytes a receipt |")
    print(f"| proofs of a whole group | | {grouped * 1e3:.1f} ms | {weight / 1e3:.0f} kB |")
    watch = Watch()
    check_folder(where, vkey)
    watch.say("check the whole log from its files")
    print(f"\nmost memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    given = parser.parse_args()
    with engines(given.engine or ["sqlite", "postgres"]) as found:
        for name, settings in found.items():
            asyncio.run(measure(name, settings, given.leaves))


if __name__ == "__main__":
    main()
