"""Bringing an edition in: one that verifies is copied whole into the data directory, listed, and never changed again.

What becomes of it then (under reply, published, withdrawn) is in `lifecycle`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from evaluator import database
from evaluator.publication.api_answers import split
from evaluator.publication.editions import EditionDamaged, check_sums
from evaluator.publication.lifecycle import begin, publish_log
from evaluator.publication.shelf import NOT_PUBLIC, folder_of
from evaluator.rating.defects import InputError
from evaluator.rating.edition import NOTE, SCHEME, SUMS, Note, read_note
from evaluator.rating.folders import new_folder, sha256_of
from evaluator.rating.registering import refuse_other_content
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LATEST = "latest"  # an address that leads to whichever is the latest

Verify = Callable[[Path], Sequence[str]]  # the differences, a line each; none: it verifies


class NotVerified(Exception):
    """The edition is not what its inputs and scheme give. `differences` says where."""

    def __init__(self, differences: Sequence[str]) -> None:
        super().__init__("\n".join(differences))
        self.differences = tuple(differences)


async def publish(
    settings: Settings, folder: Path, verify: Verify, today: date, *, draft: bool = False
) -> PublishedEdition:
    """Verify the edition in `folder`, copy it, list it. Doing so again with the same edition changes nothing.

    It is published at once; where its scheme gives the rated units days for a reply, it is put under reply; with
    `draft` it waits for the operator.

    Raises
    ------
    InputError
        It is no edition, has no period, or its identifier is published with other figures.
    NotVerified
        A checksum or a figure is wrong.
    """
    note = read_note(folder)
    _check_note(note, folder)
    sums = sha256_of(folder / SUMS) if (folder / SUMS).is_file() else ""
    try:
        check_sums(folder, sums)
    except EditionDamaged as error:
        raise NotVerified([str(error)]) from None
    before = await PublishedEdition.objects().get(PublishedEdition.identifier == note.identifier)
    target = folder_of(settings, note.identifier)
    if before is not None:
        if before.sums_sha256 != sums:
            raise InputError(
                [
                    (
                        f"{note.identifier} is published already, with other files; "
                        "a correction is a new edition that names the old one"
                    )
                ]
            )
        if before.files_removed:
            raise InputError([f"{note.identifier} was withdrawn and its files were removed; rate anew"])
        if intact(target, sums):
            return before
    if note.supersedes:
        await _check_superseded(note)
    if before is None:
        path = folder / SCHEME
        await refuse_other_content(settings, load_scheme(path), sha256_of(path), str(path))
    if differences := verify(folder):
        raise NotVerified(differences)
    _copy(folder, target, sums)
    if before is not None:
        return before
    assert note.period is not None  # _check_note has seen to it
    row = PublishedEdition(
        identifier=note.identifier,
        title_zh=note.title.zh or note.title.en,
        title_en=note.title.en or note.title.zh,
        period_from=note.period[0],
        period_to=note.period[1],
        published_on=today,
        sums_sha256=sums,
        supersedes=note.supersedes or "",
        simulated=note.simulated,
        state="draft",
        reply_days=load_scheme(target / SCHEME).publication.reply_days,
        why=(note.why or "")[:1000],
    )
    async with database.engine().transaction():
        await row.save()
        await begin(settings, row, today, draft=draft)
    await publish_log(settings)
    return row


def intact(folder: Path, sums: str) -> bool:
    """Whether a published folder is there and is what was published."""
    try:
        check_sums(folder, sums)
    except (EditionDamaged, OSError):
        return False
    return True


def _check_note(note: Note, folder: Path) -> None:
    if not IDENTIFIER.fullmatch(note.identifier) or split(note.identifier)[1] or note.identifier == LATEST:
        raise InputError(
            [
                (
                    f"{folder / NOTE}: the identifier {note.identifier!r} cannot be an address; "
                    f"use letters, digits, _ - . (64 at most), not {LATEST!r}, and no ending that asks for data"
                )
            ]
        )
    if note.period is None:
        raise InputError(
            [f"{folder / NOTE}: the edition has no period; give the snapshot one (from, to) and rate anew"]
        )


async def _check_superseded(note: Note) -> None:
    old = await PublishedEdition.objects().get(PublishedEdition.identifier == note.supersedes)
    if old is None or old.state in NOT_PUBLIC:
        raise InputError([f"the edition replaces {note.supersedes}, which is not published; publish that one first"])
    other = await PublishedEdition.objects().get(
        (PublishedEdition.supersedes == note.supersedes)
        & (PublishedEdition.identifier != note.identifier)
        & (PublishedEdition.state != "withdrawn")
    )
    if other is not None:
        raise InputError([f"{note.supersedes} is replaced by {other.identifier} already; replace that one"])


def _copy(folder: Path, target: Path, sums: str) -> None:
    """The folder appears whole under its name, or not at all; what a killed attempt left behind is replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        if intact(target, sums):
            return
        shutil.rmtree(target)
    with new_folder(target) as made:
        shutil.copytree(folder, made, dirs_exist_ok=True)
        check_sums(made, sums)
