"""kill -9 under load, the writer first and then the server: no response that was acknowledged may be missing, none may
be there twice.

    .venv/bin/python -m benchmarks.intake_kill [--times 10] [--seconds 3] [--engine sqlite] [--engine postgres]

Every response has an invitation code of its own, so each can be found again by its code's hash. After the kill each
code that got no answer is tried again, as a person would. Exit code 1: something is missing or counted twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.intake_site import Server, engines, issue, load, prepare, request_bytes, serving, stored
from evaluator.collection.campaigns import LiveCampaign
from evaluator.settings import Settings


def _writer(server: int) -> int:
    """The process that stores for a server (Linux)."""
    [pid] = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return int(pid)


async def _killed(server: Server, requests: Iterator[tuple[str, bytes]], seconds: float) -> tuple[set[str], int]:
    """Load while the writer dies in the middle of it, and then the server; the codes that were acknowledged, and the
    second writer, which stores what it was sent before.
    """
    loading = asyncio.create_task(load(server.port, requests, seconds * 20))
    await asyncio.sleep(seconds / 2)
    os.kill(_writer(server.process.pid), signal.SIGKILL)
    await asyncio.sleep(seconds / 2)
    second = _writer(server.process.pid)
    os.kill(server.process.pid, signal.SIGKILL)
    clients, _seconds = await loading
    return {name for client in clients for name in client.acknowledged}, second


def once(
    engine: str, site: Settings, campaign: LiveCampaign, codes: list[str], seconds: float, before: int
) -> tuple[bool, int]:
    """One kill; whether all is right, and how many responses there are now."""
    sent: list[str] = []

    def requests() -> Iterator[tuple[str, bytes]]:
        for code in codes:
            sent.append(code)
            yield code, request_bytes("/code/send", campaign, code)

    with serving(site) as server:
        acknowledged, writer = asyncio.run(_killed(server, requests(), seconds))
    while Path(f"/proc/{writer}").exists():
        time.sleep(0.01)
    number, used = asyncio.run(stored(site))
    missing = acknowledged - used
    wrong = bool(missing) or number != len(used)
    # those without an answer try again: stored now, or found to be counted before, and in no case twice
    again = [code for code in sent if code not in acknowledged]
    with serving(site) as server:
        clients, _seconds = asyncio.run(
            load(server.port, iter([(c, request_bytes("/code/send", campaign, c)) for c in again]), 60, 8)
        )
    statuses = {status.decode() for client in clients for status in client.statuses}
    after, used_after = asyncio.run(stored(site))
    wrong |= after != len(used_after) or not set(sent) <= used_after or not statuses <= {"303", "409"}
    wrong |= after != before + len(sent)
    print(
        f"{engine:9s} sent {len(sent):,} acknowledged {len(acknowledged):,} stored {number - before:,} "
        f"acknowledged but missing {len(missing)} twice {number - len(used)}; tried again {len(again):,}, "
        f"then stored {after - before:,}  {'WRONG' if wrong else 'right'}",
        flush=True,
    )
    return not wrong, after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--codes", type=int, default=8000, help="codes a second that are ready")
    parser.add_argument("--engine", action="append", choices=["sqlite", "postgres"])
    given = parser.parse_args()
    right = True
    with engines(given.engine or ["sqlite", "postgres"]) as found:
        for engine, site in found.items():
            campaign = asyncio.run(prepare(site))
            before = 0
            for _ in range(given.times):
                codes = asyncio.run(issue(site, campaign, int(given.codes * given.seconds)))
                good, before = once(engine, site, campaign, codes, given.seconds, before)
                right &= good
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
