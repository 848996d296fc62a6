from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from litestar.testing import AsyncTestClient

from evaluator.app import Site
from evaluator.publication import rendered
from evaluator.publication.editions import Edition, read_edition
from evaluator.publication.publishing import publish
from evaluator.settings import Settings
from tests.publication import small_edition as small
from tests.wiring import site_over

PUBLISHED_ON = date(2027, 1, 15)


@pytest.fixture(autouse=True)
def ask_at_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests change by hand is seen at once; a site takes up to a second."""
    monkeypatch.setattr(rendered, "FRESH", 0.0)


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated edition's folder. Not to be changed: copy it."""
    return small.build(tmp_path_factory.mktemp("small") / "edition")


@pytest.fixture(scope="session")
def with_reply(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same by a scheme that gives the units 15 days for a reply. Not to be changed: copy it."""
    home = tmp_path_factory.mktemp("reply")
    text = small.SCHEME.read_text(encoding="utf-8").replace("decimals: 1", "decimals: 1\n  reply_days: 15")
    (home / "scheme.yaml").write_text(text, encoding="utf-8")
    return small.build(home / "edition", scheme=home / "scheme.yaml", draws=64)


@pytest.fixture(scope="session")
def revision(tmp_path_factory: pytest.TempPathFactory, small_folder: Path) -> Path:
    """What replaces the small edition. Not to be changed: copy it."""
    home = tmp_path_factory.mktemp("revision")
    return small.build(home / "edition", supersedes=small_folder, why="a record was wrong", seed=8, draws=64)


@pytest.fixture(scope="session")
def edition(small_folder: Path) -> Edition:
    return read_edition(small_folder, "")


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return Settings(data_dir=tmp_path / "data", database_url=sqlite_url)


@pytest.fixture
async def published(settings: Settings, small_folder: Path) -> str:
    """The identifier of the edition, published, with outlines of its municipalities."""
    row = await publish(settings, small_folder, lambda folder: (), PUBLISHED_ON)
    codes = small.units()["unit"].tolist()
    small.outlines(settings.data_dir / "outlines.geojson", [code for code in codes if len(code) == 4])
    return str(row.identifier)


@pytest.fixture
async def client(settings: Settings, published: str) -> AsyncIterator[AsyncTestClient[Site]]:
    """A visitor of the site with one edition."""
    async with AsyncTestClient(site_over(settings), base_url="http://testserver.local") as visitor:
        yield visitor
