"""Registering a scheme before the data come: its bytes are kept, and its SHA-256 goes into the audit log.

Once registered a scheme stays registered: whoever registers ten and publishes by one can be seen to have done so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

from evaluator import database
from evaluator.ledger import files
from evaluator.ledger.audit import record
from evaluator.ledger.keys import AUDIT
from evaluator.ledger.leaves import read_entry
from evaluator.ledger.merkle import leaf_hash
from evaluator.ledger.tables import LogLeaf
from evaluator.rating.beforehand import REGISTERED
from evaluator.rating.defects import InputError
from evaluator.rating.edition import SCHEME
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_diff import same_version
from evaluator.rating.scheme_file import load_scheme, parse_scheme
from evaluator.rating.tables import PublishedEdition, RegisteredScheme
from evaluator.settings import Settings

MOST_BYTES = 1_000_000
LONGEST = 1000  # characters of a reason
LONGEST_NAME = 64  # characters of a registered scheme's code and version
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered scheme, with what the log says of it."""

    row: RegisteredScheme
    position: int  # of the entry in the audit log, from 0
    why: str

    @property
    def name(self) -> str:
        """Code and version."""
        return f"{self.row.code} {self.row.version}"


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


async def register(
    settings: Settings, content: bytes, name: str, why: str, today: date, by: str
) -> tuple[Registration, bool]:
    """Keep a scheme's bytes and log their SHA-256; a file that is registered already stays as it is.

    Parameters
    ----------
    name
        Of the file, for messages.
    why
        The reason, for everybody to read.
    by
        Who does it: a role and a number, never a name.

    Returns
    -------
    Registration, bool
        And whether it is new.

    Raises
    ------
    InputError
        The scheme is wrong, there is no reason, or another content goes by its code and version.
    """
    scheme, why = checked(content, name), why.strip()[:LONGEST]
    if not why:
        raise InputError(["a reason is missing: say why this scheme is registered, for everybody to read"])
    for what, text in (("code", scheme.code), ("version", scheme.version)):
        if len(text) > LONGEST_NAME:
            raise InputError([f"{name}: the {what} has {len(text)} characters; a registered scheme's {LONGEST_NAME}"])
    digest = hashlib.sha256(content).hexdigest()
    async with database.engine().transaction():
        if await RegisteredScheme.exists().where(RegisteredScheme.sha256 == digest):
            return await registration_of(digest), False
        # the log first: it lets one in at a time, so that of two contents of one version the second sees the first
        head = await record(
            settings, REGISTERED, code=scheme.code, version=scheme.version, sha256=digest, day=today.isoformat(),
            why=why, by=by,
        )  # fmt: skip
        await refuse_other_content(settings, scheme, digest, name)
        [text] = head.appended
        row = RegisteredScheme(
            sha256=digest, code=scheme.code, version=scheme.version, content=content.decode(),
            title_zh=(scheme.title.zh or scheme.title.en)[:LONGEST_TITLE],
            title_en=(scheme.title.en or scheme.title.zh)[:LONGEST_TITLE], registered_on=today,
            leaf=leaf_hash(text.encode()).hex(),
        )  # fmt: skip
        await row.save()
    await files.publish(settings, AUDIT)
    return await registration_of(digest), True


async def refuse_other_content(settings: Settings, scheme: Scheme, digest: str, name: str) -> None:
    """Refuse a scheme whose code and version another content has, registered or of an edition.

    Raises
    ------
    InputError
        Says which one, and what to do.
    """
    who = f"{name} is {scheme.code} {scheme.version}"
    for row in await RegisteredScheme.select(RegisteredScheme.sha256, RegisteredScheme.registered_on).where(
        (RegisteredScheme.code == scheme.code)
        & (RegisteredScheme.version == scheme.version)
        & (RegisteredScheme.sha256 != digest)
    ):
        found = f"registered on {row['registered_on']} with other bytes (SHA-256 {row['sha256']})"
        raise InputError([f"{who}, which was {found}; take that file, or give this one another version"])
    for edition in await PublishedEdition.select(PublishedEdition.identifier):
        path = settings.data_dir / "editions" / edition["identifier"] / SCHEME
        if path.is_file() and same_version(load_scheme(path), scheme):
            rated = f"by which {edition['identifier']} was rated, with other content"
            raise InputError([f"{who}, {rated}; give it another version"])


async def registration_of(digest: str) -> Registration:
    """A registered scheme by the SHA-256 of its file; InputError when there is none."""
    found = await registrations(digest)
    if not found:
        raise InputError([f"no scheme of the SHA-256 {digest[:64]} is registered"])
    return found[0]


async def registrations(digest: str = "") -> list[Registration]:
    """All registered schemes, the latest first; or the one with this SHA-256."""
    query = RegisteredScheme.objects()
    rows = await (query.where(RegisteredScheme.sha256 == digest[:64]) if digest else query)
    leaves = {
        leaf["leaf_hash"]: leaf
        for leaf in await LogLeaf.select(LogLeaf.leaf_hash, LogLeaf.position, LogLeaf.entry).where(
            LogLeaf.leaf_hash.is_in([row.leaf for row in rows] or [""])
        )
    }
    found = [_read(row, leaves[row.leaf]) for row in rows if row.leaf in leaves]
    return sorted(found, key=lambda one: one.position, reverse=True)


def _read(row: RegisteredScheme, leaf: dict[str, Any]) -> Registration:
    return Registration(row, leaf["position"], str(read_entry(leaf["entry"]).get("why", "")))
