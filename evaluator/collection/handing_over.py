"""How codes become valid and their files become the sender's: both or neither, whatever dies at whatever moment.

Files are written whole under a name that says that they are not finished, and are on the disk, before a transaction
makes their codes valid, or counts a reminder; it keeps the mark of the files with the batch. Then they get their name.
Whoever asks for the same again finds what a run that was cut short left: the mark tells whether it counts. If it does,
it is finished; if not, it is taken away.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click
import msgspec

from evaluator.collection.sender_folder import ABOUT, CONTACTS, README, About, Files, FolderFiles
from evaluator.collection.tables import Batch
from evaluator.problems import Problem
from evaluator.secret_files import flush

UNFINISHED = ".unfinished"
OURS = {README, CONTACTS, ABOUT, "letters", "sms.csv", "mail.csv"}


def _(message: str) -> str:
    return message


class Place(Protocol):
    """Where files are made for the sender."""

    def left_over(self) -> About | None:
        """What a run that was cut short left, if it is whole; of what is not whole nothing is left after this."""

    def begin(self) -> Files:
        """Begin files that are not finished."""

    def settle(self) -> None:
        """Return when the files are on the disk, still not finished."""

    def finish(self) -> None:
        """Give them their name: they count."""

    def discard(self) -> None:
        """Take away what is not finished."""

    def release(self) -> None:
        """Let others work on it: this run does nothing more."""


def new_mark() -> str:
    return secrets.token_hex(8)


async def counts(campaign: int, about: About) -> bool:
    """Whether the transaction that files were made for took place."""
    rows = await Batch.select(Batch.marks).where((Batch.campaign == campaign) & (Batch.name == about.batch))
    return bool(about.mark) and bool(rows) and about.mark in rows[0]["marks"].split()


async def finished_again(place: Place, campaign: int, code: str) -> About | None:
    """Finish what a run that was cut short left, if it counts, and take it away if not; what was finished."""
    about = place.left_over()
    if about is None:
        return None
    try:
        if about.campaign != code:
            raise Problem(
                422, _("Another campaign"), _("The folder belongs to “%(other)s”, not to “%(code)s”."),
                other=about.campaign[:64], code=code,
            )  # fmt: skip
        if await counts(campaign, about):
            place.finish()
            return about
        place.discard()
    finally:
        place.release()
    return None


class Handing:
    """Files that are being made, and whether it is still sure that they do not count."""

    def __init__(self, place: Place, files: Files) -> None:
        self._place, self.files = place, files
        self.sure = True

    def settle(self) -> None:
        self._place.settle()

    def commits(self) -> None:
        """From here on nothing but the commit can fail, and who fails there does not know whether it took place."""
        self.sure = False


@contextmanager
def handing_over(place: Place) -> Iterator[Handing]:
    """Make files; they are finished in the end, and taken away when something fails before the commit."""
    handing = Handing(place, place.begin())
    try:
        yield handing
    except BaseException as error:
        if handing.sure:
            place.discard()
        place.release()
        if not handing.sure and isinstance(error, Exception):
            raise Problem(
                503, _("The database did not answer in the end"),
                _("It is not known whether the codes are valid. Do the same again with the same names: what was "
                  "begun is finished then, or taken back."),
            ) from error  # fmt: skip
        raise
    place.finish()


class FolderPlace:
    """A new folder of the command line: `OUT.unfinished` until it counts."""

    def __init__(self, out: Path) -> None:
        self.out, self.unfinished = out, out.with_name(out.name + UNFINISHED)
        self._lock: int | None = None

    def left_over(self) -> About | None:
        if self.out.exists():
            raise click.UsageError(f"--out {self.out}: File exists; name a new folder in one that exists")
        if not self.unfinished.is_dir():
            return None
        self._hold()
        there = {path.name for path in self.unfinished.iterdir()}
        if there - OURS:
            raise click.UsageError(
                f"{self.unfinished}: holds {sorted(there - OURS)[0]}, which is not ours; move it away"
            )
        try:
            return msgspec.json.decode((self.unfinished / ABOUT).read_bytes(), type=About)
        except (OSError, msgspec.MsgspecError):
            self.discard()
            return None

    def _hold(self) -> None:
        """Nobody else finishes it or takes it away while this process lives."""
        opened = os.open(self.unfinished, os.O_RDONLY)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            raise Problem(
                409, _("Another run is writing this folder"),
                _("%(path)s is being written. Wait until that run is over."),
                path=str(self.unfinished),
            ) from None  # fmt: skip
        self._lock = opened

    def begin(self) -> Files:
        try:
            self.unfinished.mkdir(mode=0o700)
        except OSError as error:
            raise click.UsageError(
                f"--out {self.out}: {error.strerror}; name a new folder in one that exists"
            ) from None
        self._hold()
        return FolderFiles(self.unfinished)

    def settle(self) -> None:
        for folder, _folders, names in os.walk(self.unfinished, topdown=False):
            for name in names:
                flush(Path(folder) / name)
            flush(Path(folder))
        flush(self.out.parent)

    def finish(self) -> None:
        os.rename(self.unfinished, self.out)
        flush(self.out.parent)
        self.release()

    def discard(self) -> None:
        shutil.rmtree(self.unfinished, ignore_errors=True)
        self.release()

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
