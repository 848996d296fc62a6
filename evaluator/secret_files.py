"""Secrets in files of their own, outside the database and its backups: made once, whoever starts first, and flushed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def made_once(path: Path, secret: bytes) -> bytes:
    """What is in a file; `secret`, when there was no file. Of several processes at once the first one's is everybody's.

    It is on the disk when this returns: what is signed or hashed with it may be a moment later.
    """
    if path.exists():
        return path.read_bytes()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    candidate = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(candidate, path)  # fails when there is one: never replaces a secret
    except FileExistsError:
        pass
    finally:
        candidate.unlink()
    flush(path.parent)
    return path.read_bytes()


def flush(path: Path) -> None:
    """Return when a file, or what a folder says of its files, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
