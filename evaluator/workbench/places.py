"""Where the workbench's files lie, all under the data directory, under names that lead nowhere else."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec

from evaluator.rating.snapshot import NOTE, Note
from evaluator.settings import Settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z0-9_-]+)*")
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot's folder, as a list shows it."""

    name: str
    period: tuple[date, date] | None
    made_on: date | None
    source: str
    simulated: bool


def is_name(name: str) -> bool:
    """Whether a name is one of a folder right under another: no separators, no dots at its ends.

    >>> is_name("2026.1"), is_name("../etc"), is_name(".hidden"), is_name("a/b")
    (True, False, False, False)
    """
    return len(name) <= LONGEST and NAME.fullmatch(name) is not None


def snapshot_folder(settings: Settings, name: str) -> Path:
    """The folder of a snapshot; ValueError for what is no name."""
    return _under(settings.data_dir / "snapshots", name)


def run_folder(settings: Settings, run: str) -> Path:
    """The edition that a run made."""
    return _under(settings.data_dir / "runs", run)


def working_folder(settings: Settings, run: str, worker: str) -> Path:
    """Where a worker makes what a run gives, until it is whole."""
    return _under(settings.data_dir / "runs", run).with_name(f".{run}-{worker[:12]}")


def _under(folder: Path, name: str) -> Path:
    if not is_name(name):
        raise ValueError(f"{name!r} is no name of a folder")
    return folder / name


def tidy(settings: Settings, run: str) -> None:
    """Take away what workers left behind that were killed in the middle of a run."""
    for left in (settings.data_dir / "runs").glob(f".{run}-*"):
        shutil.rmtree(left, ignore_errors=True)


def snapshots(settings: Settings) -> list[Snapshot]:
    """The snapshots in the data directory, the latest first."""
    home = settings.data_dir / "snapshots"
    found = []
    for folder in sorted(home.iterdir()) if home.is_dir() else ():
        if is_name(folder.name) and folder.is_dir() and _holds_units(folder):
            note = _note(folder)
            found.append(Snapshot(folder.name, note.period, note.made_on, note.source, note.simulated))
    return sorted(found, key=lambda one: (one.made_on or date.min, one.name), reverse=True)


def _holds_units(folder: Path) -> bool:
    return any((folder / f"units{suffix}").is_file() for suffix in (".csv", ".parquet"))


def _note(folder: Path) -> Note:
    try:
        return msgspec.json.decode((folder / NOTE).read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Note()  # a hand-made one may have none; a wrong one is told of when it is rated
