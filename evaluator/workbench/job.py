"""One run, in a process of its own: it can use all the memory it wants, and be ended at any moment.

The worker writes what is to be done to its standard input as one line of JSON and keeps it open; the process ends when
it is closed, however the worker ended. What it says goes to standard output, a line of JSON each.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import msgspec

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as on the command line: sums add in one order

SHOWN = 20  # differences or defects that are kept
OFTEN = 0.2  # seconds between two words about progress


class Task(msgspec.Struct, frozen=True):
    """What is to be done. `out` is the folder to be made."""

    kind: str
    out: Path
    scheme: Path | None = None
    snapshot: Path | None = None
    previous: Path | None = None
    supersedes: Path | None = None
    why: str = ""
    draws: int = 0
    seed: int = 1
    campaigns: tuple[str, ...] = ()
    period: tuple[date, date] | None = None
    edition: Path | None = None
    decision: str = ""


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the process says: how far it is, and at the end what came of it."""

    step: str = ""
    share: float = 0.0
    memory: int = 0  # most bytes so far
    processor: float = 0.0  # seconds so far
    done: bool = False
    edition: str = ""  # identifier
    digest: str = ""
    failed: tuple[str, ...] = ()


Tell = Callable[[str, float], None]


def say(word: Word) -> None:
    """A line to the worker, with what was used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    kilo = 1 if sys.platform == "darwin" else 1024
    word = msgspec.structs.replace(word, memory=used.ru_maxrss * kilo, processor=used.ru_utime + used.ru_stime)
    try:
        sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
        sys.stdout.buffer.flush()
    except (BrokenPipeError, ValueError):
        pass  # nobody listens any more; the thread that waits for the worker ends this process


def teller() -> Tell:
    """Progress as words, not more often than anybody could read them."""
    last: tuple[str, float] = ("", 0.0)

    def tell(step: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if step != last[0] or now - last[1] >= OFTEN:
            last = (step, now)
            say(Word(step=step, share=min(max(share, 0.0), 1.0)))

    return tell


def do(task: Task, tell: Tell) -> Word:
    """Do it; gives the last word."""
    return {"rating": _rate, "snapshot": _snapshot, "publication": _publish}[task.kind](task, tell)


def _rate(task: Task, tell: Tell) -> Word:
    from evaluator.rating.edition import SUMS
    from evaluator.rating.folders import sha256_of
    from evaluator.rating.holding import beside
    from evaluator.rating.run import rate

    def further(step: str, share: float) -> None:
        if step == "sensitivity" and share >= 1.0:
            tell("write", 0.0)
        else:
            tell("tables" if step == "done" else step, share)

    assert task.scheme is not None
    assert task.snapshot is not None
    tell("read", 0.0)
    rated = rate(
        task.scheme, task.snapshot, task.out, task.previous, task.seed, task.draws or None, further,
        supersedes=task.supersedes, why=task.why or None,
        against=beside(task.snapshot, [one for one in (task.previous, task.supersedes) if one]),
    )  # fmt: skip
    return Word(step="done", share=1.0, done=True, edition=rated.note.identifier, digest=sha256_of(task.out / SUMS))


def _snapshot(task: Task, tell: Tell) -> Word:
    import asyncio

    from evaluator import database
    from evaluator.rating.snapshot import fingerprint
    from evaluator.rating.snapshot_make import make_snapshot
    from evaluator.settings import read_settings

    settings = read_settings()
    database.connect(settings.database)
    assert task.period is not None
    today = datetime.now(settings.zone).date()
    asyncio.run(make_snapshot(settings, task.out, task.campaigns, task.period, today, tell))
    return Word(step="done", share=1.0, done=True, digest=fingerprint(task.out))


def _publish(task: Task, tell: Tell) -> Word:
    import asyncio

    from evaluator import database
    from evaluator.publication.publishing import publish
    from evaluator.rating.decided import decided_edition
    from evaluator.rating.edition import SUMS
    from evaluator.rating.folders import sha256_of
    from evaluator.rating.verify import verify
    from evaluator.settings import read_settings

    settings = read_settings()
    database.connect(settings.database)
    assert task.edition is not None
    tell("decision", 0.0)
    note = decided_edition(task.edition, task.out, task.decision)
    today = datetime.now(settings.zone).date()
    asyncio.run(publish(settings, task.out, lambda folder: verify(folder, None, tell).differences, today, draft=True))
    return Word(step="done", share=1.0, done=True, edition=note.identifier, digest=sha256_of(task.out / SUMS))


def reasons(error: Exception) -> list[str]:
    """What went wrong, a line a defect, in words for the operator."""
    from evaluator.publication.publishing import NotVerified
    from evaluator.rating.defects import InputError

    if isinstance(error, InputError):
        found = list(error.defects)
    elif isinstance(error, NotVerified):
        found = ["the edition does not verify:", *error.differences]
    elif isinstance(error, MemoryError):
        found = ["there was not enough memory; use fewer draws, or a machine with more"]
    else:
        found = [str(error) or type(error).__name__]
    left = len(found) - SHOWN
    return found[:SHOWN] + ([f"and {left} more"] if left > 0 else [])


def _end_with_the_worker() -> None:
    """Wait until the worker is gone, then end: as Ctrl-C would, and for certain three seconds later."""
    while os.read(0, 4096):  # not the buffered reader: its lock would be held when Python ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(3)
    os._exit(143)


def main() -> None:
    """Do what standard input says."""
    from evaluator.problems import Problem
    from evaluator.rating.stopping import stoppable

    if hasattr(os, "nice"):
        os.nice(10)  # people who answer go first
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task, dec_hook=lambda kind, text: kind(text))
    threading.Thread(target=_end_with_the_worker, daemon=True).start()
    with stoppable(lambda: None):
        try:
            word = do(task, teller())
        except Exception as error:
            from evaluator.rating.defects import InputError

            if not isinstance(error, InputError | Problem | MemoryError):
                import traceback

                traceback.print_exc()  # for the log of the worker
            word = Word(failed=tuple(reasons(error)))
    say(word)


if __name__ == "__main__":
    main()
