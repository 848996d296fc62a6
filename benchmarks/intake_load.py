"""Durable responses a second of the real form, beside a route of the same server that does nothing.

    .venv/bin/python -m benchmarks.intake_load [--seconds 30] [--engine sqlite] [--engine postgres]

Every connection posts whole valid forms by open link. Exit code 1: what was acknowledged is not what is stored.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
from pathlib import Path

from benchmarks.intake_site import engines, load, prepare, request_bytes, serving, stored


def processor_seconds(pid: int) -> float:
    """What a process has used of the processor: comparable on a machine that others use too (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(engine: str, url: str, seconds: float, connections: int) -> bool:
    """Run both routes and say what came out; whether the count is right."""
    campaign = asyncio.run(prepare(url))
    forms = request_bytes(f"/rate/{campaign.code}/37/send", campaign)
    nothing = request_bytes("/noop", campaign)
    with serving(url) as server:
        asyncio.run(load(server.port, itertools.repeat(("", nothing)), 1, connections))  # warm
        used = [processor_seconds(server.process.pid)]
        idle, idle_seconds = asyncio.run(load(server.port, itertools.repeat(("", nothing)), seconds, connections))
        used.append(processor_seconds(server.process.pid))
        clients, busy_seconds = asyncio.run(load(server.port, itertools.repeat(("x", forms)), seconds, connections))
        used.append(processor_seconds(server.process.pid))
    acknowledged = sum(len(client.acknowledged) for client in clients)
    statuses: dict[str, int] = {}
    for client in clients:
        for status, number in client.statuses.items():
            statuses[status.decode()] = statuses.get(status.decode(), 0) + number
    idle_answers = sum(client.statuses.get(b"303", 0) for client in idle)
    noops = idle_answers / idle_seconds
    cost = (used[2] - used[1]) / max(acknowledged, 1) * 1e6
    idle_cost = (used[1] - used[0]) / max(idle_answers, 1) * 1e6
    durable = acknowledged / busy_seconds
    found, _codes = asyncio.run(stored(url))
    right = found == acknowledged and set(statuses) == {"303"}
    print(
        f"{engine:9s} durable {durable:7,.0f}/s  no-op {noops:7,.0f}/s  ratio {durable / noops:.2f}  "
        f"processor {cost:.0f} and {idle_cost:.0f} us  "
        f"slowest {max(client.slowest for client in clients) * 1000:.0f} ms  acknowledged {acknowledged:,} "
        f"stored {found:,}  answers {statuses}  {'right' if right else 'WRONG'}",
        flush=True,
    )
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    given = parser.parse_args()
    with engines(given.engine or ["sqlite", "postgres"]) as found:
        right = [measure(engine, url, given.seconds, given.connections) for engine, url in found.items()]
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
