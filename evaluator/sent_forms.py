"""What comes in with a form that staff send: texts without what no text has, and files."""

from __future__ import annotations

import posixpath
from typing import Any, NamedTuple

from litestar.datastructures import UploadFile


class Upload(NamedTuple):
    """A file that was chosen."""

    content: bytes  # empty where none was chosen
    name: str  # its last part, whatever system the browser runs on


NOTHING = Upload(b"", "")


def text_in(form: Any, name: str, most: int) -> str:
    """A field's text without blanks around it and without NUL, cut at `most` characters; "" where there is none."""
    value = form.get(name, "")
    return value.replace("\x00", "").strip()[:most] if isinstance(value, str) else ""


async def upload_in(form: Any, name: str = "file") -> Upload:
    """The file of a field."""
    upload = form.get(name)
    if not isinstance(upload, UploadFile) or not upload.filename:
        return NOTHING
    return Upload(await upload.read(), posixpath.basename(upload.filename.replace("\\", "/")))
