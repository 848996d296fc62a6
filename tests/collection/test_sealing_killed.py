"""kill -9 at every step of the writer and of sealing, on both engines: nothing lost, nothing twice, promises kept."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("scene", "least"), [("writer", 15), ("sealing", 40)])
async def test_killed_at_every_boundary_nothing_is_lost_and_nothing_is_there_twice(
    database_url, settings, small_campaign, tmp_path, scene: str, least: int
) -> None:
    await small_campaign()
    command = [sys.executable, "-m", "tests.collection.killing", database_url, str(tmp_path), scene]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)  # noqa: ASYNC221
    assert done.returncode == 0, done.stderr[-3000:]
    found = re.search(r"(\d+) boundaries", done.stdout)
    assert found
    assert int(found[1]) >= least
