"""kill -9 while a process writes a log's files, at whatever moment it happens to be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

from evaluator.ledger.appending import append
from evaluator.ledger.checking import check_folder
from evaluator.ledger.files import publish, read_published
from evaluator.ledger.keys import signer
from evaluator.ledger.notes import read_checkpoint
from evaluator.ledger.published import folder, frontier
from evaluator.settings import Settings
from tests.ledger.entries import SPRING, responses

TIMES = 8
STEP = 1500  # leaves between two kills
PUBLISH = """
import asyncio, sys
from pathlib import Path
from evaluator import database
from evaluator.ledger.files import publish
from evaluator.settings import Settings
settings = Settings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2], base_url=sys.argv[3])
database.connect(settings.database)
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(publish(settings, sys.argv[4]))
"""


def kill_while_publishing(settings: Settings, after: float) -> bool:
    """Whether the process was still at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH, settings.data_dir, settings.database, settings.base_url, SPRING],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    ended = process.wait()
    process.stdout.close()
    process.stdin.close()
    return ended == -signal.SIGKILL


async def test_a_killed_process_leaves_a_head_that_holds_and_what_the_next_one_completes(
    sqlite_settings: Settings,
) -> None:
    settings, home = sqlite_settings, folder(sqlite_settings, SPRING)
    vkey, chance, killed, size = signer(settings, SPRING).vkey, random.Random(3), 0, 0
    for _ in range(TIMES):
        await append(settings, SPRING, responses(size, size + STEP))
        size += STEP
        killed += kill_while_publishing(settings, chance.uniform(0, 0.4))
        if text := read_published(settings, SPRING):
            head = read_checkpoint(text, vkey)
            assert frontier(home, head.size).root == head.root
        if chance.random() < 0.5:  # else the next one finds what two have left
            await publish(settings, SPRING)
            assert check_folder(home, vkey).size == size
    await publish(settings, SPRING)
    assert check_folder(home, vkey).size == size
    assert killed > 0
