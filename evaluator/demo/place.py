"""The folder of a demo: marked as one before anything else is put there, so that nothing real is ever wiped."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import msgspec

from evaluator.problems import Problem
from evaluator.settings import Settings

FOLDER = "demo"
MARK = "demo.json"
# everything that a demo, and the site that serves it, puts into its data directory
OURS = (
    "demo", "snapshots", "editions", "outlines", "outlines.geojson", "workbooks", "secret_key", "keys", "log",
    "evaluator.sqlite", "evaluator.sqlite-wal", "evaluator.sqlite-shm",
)  # fmt: skip
HARMLESS = {"secret_key"}  # what an empty site may have already


def _(message: str) -> str:
    return message


class Mark(msgspec.Struct, frozen=True):
    """What is known of a demo."""

    seed: int
    responses: int
    made_on: date
    edition: str = ""  # of a finished one; blank while it is being made


def folder(settings: Settings) -> Path:
    """Where the demo keeps what is its own."""
    return settings.data_dir / FOLDER


def read_mark(settings: Settings) -> Mark | None:
    """The mark of the demo that is there; None when there is none."""
    try:
        return msgspec.json.decode((folder(settings) / MARK).read_bytes(), type=Mark)
    except FileNotFoundError:
        return None


def write_mark(settings: Settings, mark: Mark) -> None:
    """Put the mark up, whole or not at all."""
    folder(settings).mkdir(parents=True, exist_ok=True)
    new = folder(settings) / f"{MARK}.new"
    new.write_bytes(msgspec.json.encode(mark))
    new.replace(folder(settings) / MARK)


def check(settings: Settings) -> None:
    """Refuse a place that holds something else than a demo.

    Raises
    ------
    Problem
        A database elsewhere is set, or the data directory holds files and no demo.
    """
    if settings.database_url:
        raise Problem(
            409, _("The demo keeps to its own database"),
            _("Take EVALUATOR_DATABASE_URL away: the demo makes an embedded database under EVALUATOR_DATA_DIR."),
        )  # fmt: skip
    if read_mark(settings) is not None or not settings.data_dir.exists():
        return
    theirs = sorted({path.name for path in settings.data_dir.iterdir()} - HARMLESS - {FOLDER})
    if theirs:
        raise Problem(
            409, _("This is not a demo's place"),
            _("%(folder)s holds %(files)s, which no demo put there. Choose another EVALUATOR_DATA_DIR."),
            folder=str(settings.data_dir), files=", ".join(theirs[:5]),
        )  # fmt: skip


def wipe(settings: Settings) -> None:
    """Take away a demo and nothing else; its mark goes last, so that an interrupted wipe is still a demo's place."""
    check(settings)
    if read_mark(settings) is None:
        return
    for name in OURS:
        path = settings.data_dir / name
        if name != FOLDER:
            _remove(path)
    for path in sorted(folder(settings).iterdir()):
        if path.name not in (MARK, "lock"):
            _remove(path)
    (folder(settings) / MARK).unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Only one process makes a demo in a place at a time.

    Raises
    ------
    Problem
        Another one is at it.
    """
    folder(settings).mkdir(parents=True, exist_ok=True)
    with (folder(settings) / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Problem(
                409, _("Another demo is being made here"),
                _("Wait until it is done, or choose another EVALUATOR_DATA_DIR."),
            ) from None  # fmt: skip
        yield
