"""kill -9 at every step of drawing a batch and of making a reminder: no valid code without its letter, and no other.

A day's run crosses some of the boundaries, the next day the next; `python -m tests.collection.killing_invitations`
crosses all.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.days import local_day

ROOT = Path(__file__).parent.parent.parent


STEP = 20


async def test_killed_at_every_boundary_codes_that_are_valid_have_their_letters_and_no_others(
    database_url, settings, small_campaign, tmp_path
) -> None:
    await small_campaign()
    which = [str(local_day().toordinal() % STEP), str(STEP)]
    command = [sys.executable, "-m", "tests.collection.killing_invitations", database_url, str(tmp_path), *which]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)  # noqa: ASYNC221
    assert done.returncode == 0, done.stderr[-3000:]
    found = dict(re.findall(r"(\w+): (\d+) boundaries", done.stdout))
    assert int(found["invite"]) >= 60
    assert int(found["remind"]) >= 20
