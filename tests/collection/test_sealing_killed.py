"""kill -9 at every step of the writer and of sealing, on both engines: nothing lost, nothing twice, promises kept.

Sealing has a hundred boundaries and each takes three processes: a day's run crosses every third, the next day the next.
`python -m tests.collection.killing` crosses all.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.days import local_day

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("scene", "least", "step"), [("writer", 15, 1), ("sealing", 20, 6)])
async def test_killed_at_every_boundary_nothing_is_lost_and_nothing_is_there_twice(
    database_url, settings, small_campaign, tmp_path, scene: str, least: int, step: int
) -> None:
    await small_campaign()
    which = [str(local_day().toordinal() % step), str(step)]
    command = [sys.executable, "-m", "tests.collection.killing", database_url, str(tmp_path), scene, *which]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)  # noqa: ASYNC221
    assert done.returncode == 0, done.stderr[-3000:]
    found = re.search(r"(\d+) boundaries", done.stdout)
    assert found
    assert int(found[1]) >= least
