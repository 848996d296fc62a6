"""The tiny country in a database and in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.records.vocabulary import Vocabulary, read_vocabulary
from evaluator.units.lookup import UnitIndex
from tests.records.tiny_country import SCHEME, UNITS, store_units


@pytest.fixture(scope="session")
def scheme_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scheme") / "tiny.yaml"
    path.write_text(SCHEME, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def vocabulary(scheme_file: Path) -> Vocabulary:
    return read_vocabulary(scheme_file)


@pytest.fixture
def units() -> UnitIndex:
    return UnitIndex(UNITS)


@pytest.fixture
async def stored_units(database_url: str) -> str:
    await store_units()
    return database_url
