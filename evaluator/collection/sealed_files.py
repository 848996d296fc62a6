"""Files for the sender that are made on the site: held sealed, until whoever made them has fetched them.

They are one ZIP, made in memory and encrypted under a key that comes from the operator's session. The server keeps only
a hash of the session's cookie, so that nobody else can read the files, and nobody at all once the session is over.
They are deleted when the operator says that they are saved, and after eight hours.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import io
import json
import os
import secrets
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from evaluator.collection.sender_folder import ABOUT, About, Files, write_csv
from evaluator.problems import Problem
from evaluator.secret_files import flush
from evaluator.settings import Settings

HELD_FOR = 8 * 3600  # seconds: as long as a session
NONCE = 12
EARLIEST = (1980, 1, 1, 0, 0, 0)  # of every file in the ZIP: its minute is nobody's business


def _(message: str) -> str:
    return message


class ZipFiles:
    """Files of a ZIP in memory."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(self.bytes, "w", zipfile.ZIP_DEFLATED)

    def text(self, name: str, text: str) -> None:
        self._zip.writestr(zipfile.ZipInfo(name, EARLIEST), text, zipfile.ZIP_DEFLATED)

    def rows(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        out = io.StringIO(newline="")
        write_csv(out, columns, rows)
        self.text(name, out.getvalue())

    def whole(self) -> bytes:
        self._zip.close()
        return self.bytes.getvalue()


class SealedPlace:
    """Files of one batch, or of its reminders, held for one session."""

    def __init__(self, settings: Settings, session: str, *what: str) -> None:
        self._key = hmac.digest(session.encode(), json.dumps(["files", *what]).encode(), hashlib.sha256)
        self._folder = settings.data_dir / "handing-over"
        self.path = self._folder / hmac.digest(self._key, b"name", hashlib.sha256).hex()
        self._files = ZipFiles()
        self._lock: int | None = None

    def read(self) -> bytes | None:
        """The ZIP; None when there is none."""
        try:
            sealed = self.path.read_bytes()
            return AESGCM(self._key).decrypt(sealed[:NONCE], sealed[NONCE:], None)
        except (OSError, InvalidTag, ValueError):
            return None

    def about(self) -> About | None:
        """What is held, whether it counts or not."""
        found = self.read()
        if found is None:
            return None
        with zipfile.ZipFile(io.BytesIO(found)) as packed:
            return msgspec.json.decode(packed.read(ABOUT), type=About)

    def left_over(self) -> About | None:
        self._hold()
        found = self.about()
        if found is None:
            self.release()
        return found

    def _hold(self) -> None:
        """Of two clicks on one button the second one does not take away what the first is making."""
        if self._lock is not None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(opened)
            raise Problem(
                409, _("This is being done already"),
                _("You sent it twice, and the first one is being worked on. Look at the list of batches in a moment."),
            ) from None  # fmt: skip
        self._lock = opened

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def begin(self) -> Files:
        sweep(self._folder)
        self._hold()
        self._files = ZipFiles()
        return self._files

    def settle(self) -> None:
        nonce = secrets.token_bytes(NONCE)
        new = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(nonce + AESGCM(self._key).encrypt(nonce, self._files.whole(), None))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)
        flush(self._folder)

    def finish(self) -> None:
        """Whether it counts is asked of the database by its mark."""
        self.release()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.release()


def sweep(folder: Path) -> None:
    """Delete what nobody can open any more."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < time.time() - HELD_FOR:
                path.unlink()
        except FileNotFoundError:
            continue


@contextmanager
def in_memory(content: bytes) -> Iterator[Path]:
    """A path to bytes that have no name on any disk; where the system cannot do that, of a file that is gone after."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as named:
            named.write(content)
            named.flush()
            yield Path(named.name)
        return
    descriptor = os.memfd_create("upload")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
