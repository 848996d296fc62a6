"""Where a form's time goes: microseconds of the event loop's thread, without network and server, by turns.

    .venv/bin/python -m benchmarks.intake_in_process [--rounds 12]

The application is called as a server calls it, 64 requests at a time, on SQLite. Each line is the least of the rounds,
and their median: other programs on the machine make rounds longer, never shorter.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.intake_site import CODE, SECRET, UNIT, create_site, issue, prepare, request_bytes
from evaluator.app import Site
from evaluator.collection import slips
from evaluator.collection.first_screen import FirstScreens
from evaluator.collection.promises import Hold, Promised
from evaluator.collection.responses import ResponseRow
from evaluator.collection.storing import Outcome
from evaluator.settings import Settings

AT_ONCE, IN_A_ROUND = 64, 256
Asked = tuple[dict[str, Any], bytes]  # scope and body


def asked(raw: bytes) -> Asked:
    """A request as a server hands it to the application."""
    head, body = raw.split(b"\r\n\r\n", 1)
    first, *lines = head.split(b"\r\n")
    method, target, _version = first.split(b" ")
    path, _mark, query = target.partition(b"?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method.decode(), "scheme": "http",
        "path": path.decode(), "raw_path": path, "query_string": query, "root_path": "", "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5), "headers": [(k.lower(), v) for k, v in (line.split(b": ", 1) for line in lines)],
    }  # fmt: skip
    return scope, body


async def answered(app: Site, one: Asked, status: int) -> None:
    scope, body = one
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({**scope, "headers": [*scope["headers"]], "state": {}}, receive, send)
    if sent[0]["status"] != status:
        raise RuntimeError(f"{scope['path']} answered {sent[0]['status']} instead of {status}")


async def round_of(app: Site, some: Sequence[Asked], status: int) -> float:
    """Microseconds of this thread a request."""
    waiting = iter(some)

    async def client() -> None:
        for one in waiting:
            await answered(app, one, status)

    began = time.thread_time()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return (time.thread_time() - began) / len(some) * 1e6


class _Nothing:
    """Takes every row at once, and neither stores nor signs."""

    is_full = False

    async def submit(self, row: ResponseRow, promised: Promised, draft: str | None) -> Outcome:
        return Outcome("stored", row.leaf_hash, Hold(bytes(slips.SIGNATURE_BYTES), "0" * 24))


@contextmanager
def with_other(app: Site, others: Mapping[str, object]) -> Iterator[None]:
    """The application with other members of its state."""
    kept = {name: app.state[name] for name in others}
    app.state.update(others)
    try:
        yield
    finally:
        app.state.update(kept)


async def measure(settings: Settings, rounds: int) -> None:
    campaign = await prepare(settings)
    codes = await issue(settings, campaign, rounds * 2 * IN_A_ROUND)
    forms = iter([request_bytes("/code/send", campaign, code) for code in codes])
    get = f"GET /rate/{CODE}/{UNIT}?step=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n"
    plain, packed = asked(f"{get}\r\n".encode()), asked(f"{get}Accept-Encoding: gzip\r\n\r\n".encode())
    noop = asked(request_bytes("/noop", campaign))

    def sent() -> list[Asked]:
        return [asked(next(forms)) for _ in range(IN_A_ROUND)]

    lines: dict[str, tuple[Callable[[], list[Asked]], int, Mapping[str, object]]] = {
        "no-op": (lambda: [noop] * IN_A_ROUND, 303, {}),
        "first screen, rendered for others before": (lambda: [plain] * IN_A_ROUND, 200, {}),
        "the same, packed for who takes gzip": (lambda: [packed] * IN_A_ROUND, 200, {}),
        "first screen, rendered anew": (lambda: [plain] * IN_A_ROUND, 200, {"first_screens": FirstScreens(most=0)}),
        "form sent": (sent, 303, {}),
        "form sent, without the writer": (sent, 303, {"intake": _Nothing()}),
    }
    found: dict[str, list[float]] = {name: [] for name in lines}
    app = create_site()
    async with app.lifespan():
        await answered(app, plain, 200)  # reads the campaign
        for _ in range(rounds):
            for name, (made, status, others) in lines.items():
                some = made()
                with with_other(app, others):
                    found[name].append(await round_of(app, some, status))
    for name, times in found.items():
        print(f"{name:42s} {min(times):6.0f} us, median {statistics.median(times):6.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="intake-") as home:
        settings = Settings(data_dir=Path(home), database_url=f"sqlite:///{home}/load.sqlite", secret_key=SECRET)
        os.environ |= {
            "EVALUATOR_DATA_DIR": home, "EVALUATOR_DATABASE_URL": settings.database, "EVALUATOR_SECRET_KEY": SECRET,
        }  # fmt: skip
        asyncio.run(measure(settings, given.rounds))


if __name__ == "__main__":
    main()
