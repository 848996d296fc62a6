from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lakes import SCHEME, write_lakes

from evaluator.rating.run import rate


@pytest.fixture(scope="session")
def lakes_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented place as Parquet. Not to be changed: copy it."""
    return write_lakes(tmp_path_factory.mktemp("lakes") / "snapshot")


@pytest.fixture(scope="session")
def lakes_edition(tmp_path_factory: pytest.TempPathFactory, lakes_snapshot: Path) -> Path:
    """Its edition. Not to be changed: copy it."""
    return rate(SCHEME, lakes_snapshot, tmp_path_factory.mktemp("lakes") / "edition").out
