"""Schemes to rate by: those that ship, and those that an operator brought, kept byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from evaluator import database
from evaluator.ledger.audit import record
from evaluator.rating.registering import checked
from evaluator.rating.scheme import Label, Scheme
from evaluator.rating.scheme_file import parse_scheme
from evaluator.rating.shipped import shipped as files
from evaluator.settings import Settings
from evaluator.workbench import runs
from evaluator.workbench.tables import WorkbenchScheme


@dataclass(frozen=True, slots=True)
class Offered:
    """A scheme that can be chosen."""

    sha256: str
    code: str
    version: str
    title: Label
    file_name: str
    shipped: bool


@cache
def shipped() -> dict[str, tuple[bytes, Scheme]]:
    """SHA-256 -> content and scheme of those that ship."""
    contents = [path.read_bytes() for path in files().values()]
    return {hashlib.sha256(one).hexdigest(): (one, parse_scheme(one.decode("utf-8-sig"))) for one in contents}


async def offered() -> list[Offered]:
    """All schemes that can be chosen: shipped ones, then those that were brought, the latest first."""
    found = {
        digest: Offered(digest, scheme.code, scheme.version, scheme.title, "", True)
        for digest, (_content, scheme) in shipped().items()
    }
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
    if row is not None:
        return row.content.encode()
    return shipped()[digest][0] if digest in shipped() else None


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
