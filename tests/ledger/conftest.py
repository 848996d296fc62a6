"""Settings over a fresh database, and logs to append to."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.settings import Settings


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """On both engines."""
    return Settings(data_dir=tmp_path, database_url=database_url, base_url="https://ratings.example.org")


@pytest.fixture
def sqlite_settings(sqlite_url: str, tmp_path: Path) -> Settings:
    """Where the engine makes no difference."""
    return Settings(data_dir=tmp_path, database_url=sqlite_url, base_url="https://ratings.example.org")
