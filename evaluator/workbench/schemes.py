"""Schemes to rate by: those that ship, and those that an operator brought, kept byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from evaluator import database
from evaluator.ledger.audit import record
from evaluator.rating.defects import InputError
from evaluator.rating.scheme import Label, Scheme
from evaluator.rating.scheme_file import parse_scheme
from evaluator.settings import Settings
from evaluator.workbench import runs
from evaluator.workbench.tables import WorkbenchScheme

SHIPPED = Path(__file__).parent.parent / "rating" / "schemes"
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Offered:
    """A scheme that can be chosen."""

    sha256: str
    code: str
    version: str
    title: Label
    file_name: str
    shipped: bool


@lru_cache(maxsize=64)
def _read(path: Path, _changed: float) -> tuple[bytes, Scheme] | None:
    content = path.read_bytes()
    try:
        return content, parse_scheme(content.decode("utf-8-sig"), path.name)
    except (InputError, UnicodeDecodeError):
        return None  # a file beside the schemes that is none


def shipped() -> dict[str, bytes]:
    """SHA-256 -> content of the schemes that ship."""
    found = (_read(path, path.stat().st_mtime) for path in sorted(SHIPPED.glob("*.yaml")))
    return {hashlib.sha256(one[0]).hexdigest(): one[0] for one in found if one}


async def offered() -> list[Offered]:
    """All schemes that can be chosen: shipped ones, then those that were brought, the latest first."""
    found = {}
    for digest, content in shipped().items():
        scheme = parse_scheme(content.decode("utf-8-sig"))
        found[digest] = Offered(digest, scheme.code, scheme.version, scheme.title, "", True)
    rows = await WorkbenchScheme.select(
        WorkbenchScheme.sha256, WorkbenchScheme.code, WorkbenchScheme.version, WorkbenchScheme.title_zh,
        WorkbenchScheme.title_en, WorkbenchScheme.file_name, WorkbenchScheme.shipped,
    ).order_by(WorkbenchScheme.brought_at, ascending=False)  # fmt: skip
    for row in rows:
        if row["sha256"] not in found:
            title = Label(row["title_zh"], row["title_en"])
            found[row["sha256"]] = Offered(
                row["sha256"], row["code"], row["version"], title, row["file_name"], row["shipped"]
            )
    return list(found.values())


async def content_of(digest: str) -> bytes | None:
    """A scheme's file; None when there is none of that SHA-256."""
    row = await WorkbenchScheme.objects().get(WorkbenchScheme.sha256 == digest[:64])
    return row.content.encode() if row is not None else shipped().get(digest)


def checked(content: bytes, name: str) -> Scheme:
    """The scheme in a file.

    Raises
    ------
    InputError
        With every mistake and its line.
    """
    if len(content) > MOST_BYTES:
        raise InputError([f"{name} has {len(content):,} bytes; a scheme has at most {MOST_BYTES:,}"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError([f"{name} is not UTF-8 (byte {error.start}); save it as UTF-8"]) from error
    try:
        return parse_scheme(text, name)
    except RecursionError as error:
        raise InputError([f"{name} is nested too deeply; a scheme is not"]) from error


async def keep(settings: Settings, content: bytes, name: str, account: int, by: str) -> str:
    """Keep a scheme that is right, and log that it was brought; gives its SHA-256. The same file is kept once."""
    scheme, digest = checked(content, name), hashlib.sha256(content).hexdigest()
    if await WorkbenchScheme.exists().where(WorkbenchScheme.sha256 == digest):
        return digest
    ships = digest in shipped()
    row = WorkbenchScheme(
        sha256=digest, code=scheme.code[:80], version=scheme.version[:80], title_zh=scheme.title.zh[:300],
        title_en=scheme.title.en[:300], content=content.decode(), file_name="" if ships else name[:80], shipped=ships,
        brought_by=account, brought_at=runs.now(),
    )  # fmt: skip
    async with database.engine().transaction():
        await row.save()
        await record(settings, "workbench.scheme_kept", by=by, scheme=f"{scheme.code} {scheme.version}", sha256=digest)
    return digest
