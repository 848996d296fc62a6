"""Durable responses a second of the real form, beside a route of the same server that does nothing.

    .venv/bin/python -m benchmarks.intake_load [--seconds 30] [--engine sqlite] [--engine postgres]

Every connection posts whole valid forms by open link. Exit code 1: what was acknowledged is not what is stored.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys

from benchmarks.intake_site import engines, load, prepare, request_bytes, serving, stored


def measure(engine: str, url: str, seconds: float, connections: int) -> bool:
    """Run both routes and say what came out; whether the count is right."""
    campaign = asyncio.run(prepare(url))
    forms = request_bytes(f"/rate/{campaign.code}/37/send", campaign)
    nothing = request_bytes("/noop", campaign)
    with serving(url) as server:
        asyncio.run(load(server.port, itertools.repeat(("", nothing)), 1, connections))  # warm
        idle, idle_seconds = asyncio.run(load(server.port, itertools.repeat(("", nothing)), seconds, connections))
        clients, busy_seconds = asyncio.run(load(server.port, itertools.repeat(("x", forms)), seconds, connections))
    acknowledged = sum(len(client.acknowledged) for client in clients)
    statuses: dict[str, int] = {}
    for client in clients:
        for status, number in client.statuses.items():
            statuses[status.decode()] = statuses.get(status.decode(), 0) + number
    noops = sum(client.statuses.get(b"303", 0) for client in idle) / idle_seconds
    durable = acknowledged / busy_seconds
    found, _codes = asyncio.run(stored(url))
    right = found == acknowledged and set(statuses) == {"303"}
    print(
        f"{engine:9s} durable {durable:7,.0f}/s  no-op {noops:7,.0f}/s  ratio {durable / noops:.2f}  "
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
