"""Durable responses a second of the real form, beside a route of the same server that does nothing.

    .venv/bin/python -m benchmarks.intake_load [--seconds 10] [--engine sqlite] [--engine postgres] [--workers 1]

Every connection posts whole valid forms by invitation, each with a code of its own: the stamp is checked, answers are
accepted, the code is used up, the answer is on disk and its promise signed before anything is said. Then what came is
sealed into the log. Exit code 1: what was acknowledged is not what is stored and sealed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.intake_site import CODE, UNIT, Client, engines, issue, load, prepare, request_bytes, serving, stored
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.sealing import seal
from evaluator.settings import Settings

ROUNDS = 5
Loaded = tuple[list[Client], float]  # and the seconds it took


def pressed(work: Coroutine[Any, Any, Loaded]) -> Loaded:
    """What a load came to; its loop takes as little as possible of the cores that the server shares with it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def processor_seconds(pid: int) -> float:
    """What a process and its workers have used of the processor, comparable beside other work too (Linux)."""
    used = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if pid in (int(stat.parent.name), int(fields[1])):
                used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


@dataclass
class Phase:
    """What came of one kind of request over all rounds."""

    pid: int
    seconds: float = 0.0
    processor: float = 0.0
    clients: list[Client] = field(default_factory=list)

    def run(self, work: Coroutine[Any, Any, Loaded]) -> None:
        before = processor_seconds(self.pid)
        clients, seconds = pressed(work)
        self.processor += processor_seconds(self.pid) - before
        self.seconds += seconds
        self.clients += clients

    def statuses(self) -> Counter[str]:
        return sum((Counter({k.decode(): n for k, n in one.statuses.items()}) for one in self.clients), Counter())


def _whole(campaign: LiveCampaign, most: int) -> Iterator[tuple[str, bytes]]:
    """The form by open link, then answers of a visit of its own, `most` times."""
    address = f"/rate/{CODE}/{UNIT}"
    form = f"GET {address}?step=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n".encode()
    answers = [request_bytes(f"{address}/send", campaign) for _ in range(most)]
    return itertools.chain.from_iterable((("", form), ("x", one)) for one in answers)


def measure(engine: str, site: Settings, seconds: float, connections: int, most: int, workers: int) -> bool:
    """Run both routes and say what came out; whether the count is right."""
    campaign = asyncio.run(prepare(site))
    codes = asyncio.run(issue(site, campaign, int(most * seconds)))
    forms = iter([(code, request_bytes("/code/send", campaign, code)) for code in codes])
    nothing = request_bytes("/noop", campaign)
    respondents_ready = _whole(campaign, int(most * seconds))
    with serving(site, workers) as server:
        pressed(load(server.port, itertools.repeat(("", nothing)), 1, connections))  # warm
        warm, _seconds = pressed(load(server.port, forms, 1, connections))
        idle, busy = Phase(server.process.pid), Phase(server.process.pid)
        for _ in range(ROUNDS):  # by turns: a machine that others share has faster and slower minutes
            idle.run(load(server.port, itertools.repeat(("", nothing)), seconds / ROUNDS, connections))
            busy.run(load(server.port, forms, seconds / ROUNDS, connections))
        whole, whole_seconds = pressed(load(server.port, respondents_ready, seconds, connections))
    acknowledged = sum(len(client.acknowledged) for client in busy.clients)
    statuses = busy.statuses()
    noops = idle.statuses()["303"] / idle.seconds
    cost = busy.processor / max(acknowledged, 1) * 1e6
    idle_cost = idle.processor / max(idle.statuses()["303"], 1) * 1e6
    durable = acknowledged / busy.seconds
    respondents = sum(len(client.acknowledged) for client in whole)
    every = acknowledged + respondents + sum(len(client.acknowledged) for client in warm)
    found, used_codes = asyncio.run(stored(site))
    began = time.perf_counter()
    sealed = asyncio.run(seal(site, CODE, everything=True)).number
    sealing = time.perf_counter() - began
    right = found == every == len(used_codes) == sealed and set(statuses) == {"303"}
    print(
        f"{engine:9s} {workers} process{'es' if workers > 1 else ''}  durable {durable:7,.0f}/s  "
        f"no-op {noops:7,.0f}/s  ratio {durable / noops:.2f}  "
        f"whole respondents (form and answer) {respondents / whole_seconds:,.0f}/s  "
        f"processor {cost:.0f} and {idle_cost:.0f} us  "
        f"slowest {max(client.slowest for client in busy.clients) * 1000:.0f} ms  acknowledged {every:,} "
        f"stored {found:,}  sealed {sealed:,} in {sealing:.1f} s, with that "
        f"{acknowledged / (busy.seconds + sealing * acknowledged / every):,.0f}/s  answers {dict(statuses)}  "
        f"{'right' if right else 'WRONG'}",
        flush=True,
    )
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    parser.add_argument("--workers", type=int, default=1, help="processes that serve; SQLite has one writer at a time")
    parser.add_argument("--codes", type=int, default=4000, help="codes a second that are ready")
    given = parser.parse_args()
    with engines(given.engine or ["sqlite", "postgres"]) as found:
        right = [
            measure(engine, site, given.seconds, given.connections, given.codes, given.workers)
            for engine, site in found.items()
        ]
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
