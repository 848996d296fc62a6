"""A small snapshot and its edition, made once; a data directory that has them; an operator at the site."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from evaluator.accounts.register import create_account
from evaluator.rating.edition import read_note
from evaluator.settings import Settings
from evaluator.units.tables import Unit
from evaluator.workbench import places, runs
from evaluator.workbench.tables import WorkbenchRun, WorkbenchScheme
from tests.publication import small_edition as small
from tests.visitor import Visitor as Nobody
from tests.wiring import site_over

HOME = "/staff/workbench"
DRAWS = 64
Serving = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `edition` and `edition-snapshot`. Not to be changed: copy it."""
    return small.build(tmp_path_factory.mktemp("made") / "edition").parent


@pytest.fixture(scope="session")
def second(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The edition of the same snapshot by a scheme with other weights."""
    from evaluator.rating.run import rate

    home = tmp_path_factory.mktemp("second")
    text = small.SCHEME.read_text(encoding="utf-8")
    text = text.replace("answer: {weight: 0.4", "answer: {weight: 0.7").replace('version: "1"', 'version: "2"')
    (home / "scheme.yaml").write_text(text, encoding="utf-8")
    return rate(home / "scheme.yaml", made / "edition-snapshot", home / "edition", None, small.SEED, small.DRAWS).out


@pytest.fixture
def settings(database_url: str, tmp_path: Path, made: Path) -> Settings:
    """A data directory with a snapshot called `autumn`, on either engine."""
    return with_snapshot(database_url, tmp_path, made)


@pytest.fixture
def light_settings(sqlite_url: str, tmp_path: Path, made: Path) -> Settings:
    """The same on SQLite only, where the engine makes no difference."""
    return with_snapshot(sqlite_url, tmp_path, made)


def with_snapshot(database_url: str, tmp_path: Path, made: Path) -> Settings:
    shutil.copytree(made / "edition-snapshot", tmp_path / "data" / "snapshots" / "autumn")
    return Settings(data_dir=tmp_path / "data", database_url=database_url)


async def kept_scheme(text: str | None = None) -> str:
    """A scheme in the table; its SHA-256."""
    content = text or small.SCHEME.read_text(encoding="utf-8")
    digest = sha256(content.encode()).hexdigest()
    if not await WorkbenchScheme.exists().where(WorkbenchScheme.sha256 == digest):
        await WorkbenchScheme.insert(
            WorkbenchScheme(
                sha256=digest, code="small", version="1", title_zh="S-zh", title_en="Small", content=content,
                file_name="scheme.yaml", brought_at=datetime.now(UTC),
            )
        )  # fmt: skip
    return digest


async def asked(settings: Settings, **fields: object) -> WorkbenchRun:
    """A rating that waits for a worker."""
    given = {"scheme": await kept_scheme(), "snapshot": "autumn", "draws": DRAWS, **fields}
    return await runs.ask(settings, "rating", "operator 1", **given)


async def finished(settings: Settings, folder: Path, identifier: str = "", **fields: object) -> WorkbenchRun:
    """A run that is done, without doing it: its edition is a copy of the one that the real `rate` wrote."""
    run = await asked(settings, **fields)
    shutil.copytree(folder, places.run_folder(settings, run.id))
    await WorkbenchRun.update(
        {
            WorkbenchRun.state: "done",
            WorkbenchRun.edition: read_note(folder).identifier,
            WorkbenchRun.started_at: run.asked_at,
            WorkbenchRun.ended_at: run.asked_at,
            WorkbenchRun.seconds: 61.5,
            WorkbenchRun.memory: 300_000_000,
        }
    ).where(WorkbenchRun.id == run.id)
    return await runs.find(run.id)


class Visitor(Nobody):
    """At the workbench of a site with these settings."""

    def __init__(self, client: httpx.AsyncClient, settings: Settings, secret: bytes) -> None:
        super().__init__(client, secret, HOME)
        self.settings = settings


async def _visitor(settings: Settings, serving: Serving) -> AsyncIterator[Visitor]:
    app = site_over(settings)
    await create_account("operator", "correct horse battery", "operator")
    await Unit.insert(Unit(code="90", kind="area", level="R", name_zh="Z-zh", name_en="Region"))
    for name, role in (("superior", "superior"), ("bound", "operator")):
        await create_account(name, "correct horse battery", role, unit="90")
    async with serving(app) as client:
        visitor = Visitor(client, settings, app.state.secret)
        await visitor.become("operator")
        yield visitor


@pytest.fixture
async def visitor(settings: Settings, serving: Serving) -> AsyncIterator[Visitor]:
    """An operator at the site, on both engines."""
    async for one in _visitor(settings, serving):
        yield one


@pytest.fixture
async def light(sqlite_url: str, tmp_path: Path, made: Path, serving: Serving) -> AsyncIterator[Visitor]:
    """The same on SQLite only, where the engine makes no difference."""
    async for one in _visitor(with_snapshot(sqlite_url, tmp_path, made), serving):
        yield one
