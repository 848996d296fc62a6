"""Files by their SHA-256, and a folder that is there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluator.rating.defects import InputError


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its name when the block ends well and vanishes when it does not.

    Raises InputError when `folder` exists, or its parent does not.
    """
    folder = folder.absolute()
    if folder.exists() or folder.is_symlink():
        raise InputError([f"{folder} exists; give a path that does not exist yet, nothing is overwritten"])
    if not folder.parent.is_dir():
        raise InputError([f"{folder.parent} is not a folder; make it first"])
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError([f"{folder.parent} cannot be written to ({error.strerror}); give another path"]) from error
    try:
        yield made
        made.chmod(0o755)
        for path in made.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        if folder.exists():  # somebody was faster; rename would replace an empty folder
            raise InputError([f"{folder} exists; give a path that does not exist yet, nothing is overwritten"])
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
