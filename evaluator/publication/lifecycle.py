"""The life of an edition: draft, under reply, published, superseded, withdrawn. Its files never change.

Each step is one transaction with its entry in the audit log, so that anybody can read when what was done and why.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from evaluator import database
from evaluator.ledger import files
from evaluator.ledger.audit import record
from evaluator.ledger.keys import AUDIT
from evaluator.ledger.leaves import read_entry
from evaluator.ledger.merkle import leaf_hash
from evaluator.problems import Problem
from evaluator.publication.shelf import folder_of
from evaluator.publication.subtracting import refuse_to_be_subtracted
from evaluator.rating.logged import PUBLISHED
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings

LONGEST = 1000  # characters of a reason


def _(message: str) -> str:
    return message


async def edition_row(identifier: str) -> PublishedEdition:
    """An edition that the site knows, in whatever state.

    Raises
    ------
    Problem
        404, when there is none.
    """
    row = await PublishedEdition.objects().get(PublishedEdition.identifier == identifier)
    if row is None:
        raise Problem(
            404, _("There is no such edition"), _("“%(edition)s” is none of those that this site holds."),
            edition=identifier[:80],
        )  # fmt: skip
    return row


async def held(identifier: str) -> PublishedEdition:
    """The same, kept from being changed by others until the transaction ends."""
    await database.hold(PublishedEdition, identifier)
    return await edition_row(identifier)


def reply_open(row: PublishedEdition, today: date) -> bool:
    """Whether units may write their replies: until the end of the last day."""
    return bool(row.state == "under_reply" and row.reply_until and today <= row.reply_until)


async def begin(settings: Settings, row: PublishedEdition, today: date, *, draft: bool) -> None:
    """What becomes of an edition that was just brought in; inside the caller's transaction."""
    if draft:
        await record(settings, "edition.drafted", edition=row.identifier, sums=row.sums_sha256)
    elif row.reply_days:
        await _open(settings, row, today)
    else:
        await _publish(settings, row, today, "")


async def open_reply(settings: Settings, identifier: str, today: date) -> PublishedEdition:
    """Show each rated unit its own page of a draft, for the days that the scheme gives.

    Raises
    ------
    Problem
        404, or 409 when it is no draft or its scheme gives no days.
    """
    async with database.engine().transaction():
        row = await held(identifier)
        if row.state != "draft":
            raise _refused(row, _("Only a draft can be put under reply; this edition is not one any more."))
        if not row.reply_days:
            raise _refused(row, _("Its scheme gives the units no days for a reply; publish it."))
        await _open(settings, row, today)
    await publish_log(settings)
    return row


async def release(settings: Settings, identifier: str, today: date, early_why: str = "") -> PublishedEdition:
    """Publish a draft, or what was under reply. What is published already stays as it is.

    Parameters
    ----------
    early_why
        Why the units' days are cut short; it is logged and shown. Needed before these days are over.

    Raises
    ------
    Problem
        404, or 409 when it may not be published (yet).
    """
    async with database.engine().transaction():
        row = await held(identifier)
        if row.state in ("published", "superseded"):
            return row
        if row.state == "withdrawn":
            raise _refused(row, _("It was withdrawn; what was withdrawn is not published again, rate anew."))
        over = row.reply_days == 0 or (row.state == "under_reply" and today > row.reply_until)
        why = early_why.strip()[:LONGEST]
        if not over and not why:
            if row.state == "draft":
                raise _refused(row, _("The rated units have not seen theirs. Open it for replies, or say why not."))
            raise _refused(
                row, _("The rated units may reply until %(day)s. Wait, or say why they shall not."),
                day=row.reply_until.isoformat(),
            )  # fmt: skip
        await _publish(settings, row, today, "" if over else why)
    await publish_log(settings)
    return row


async def withdraw(
    settings: Settings, identifier: str, why: str, today: date, *, remove_files: bool = False
) -> PublishedEdition:
    """Say that an edition no longer counts, and why. Its pages and files stay, unless they must not be seen.

    Raises
    ------
    Problem
        404, 422 without a reason, 409 when it was withdrawn already.
    """
    why = why.strip()[:LONGEST]
    if not why:
        raise Problem(422, _("A reason is needed"), _("Say why the edition is withdrawn; everybody can read it."))
    async with database.engine().transaction():
        row = await held(identifier)
        again = row.state == "withdrawn" and remove_files and not row.files_removed
        if row.state == "withdrawn" and not again:
            raise _refused(row, _("It was withdrawn already."))
        before = row.state
        row.state, row.withdrawn_on, row.withdrawn_why = "withdrawn", today, why
        row.files_removed = remove_files
        await row.save()
        await record(
            settings, "edition.withdrawn", edition=identifier, sums=row.sums_sha256, why=why, was=before,
            files="removed" if remove_files else "kept", day=today.isoformat(),
        )  # fmt: skip
    if remove_files:
        shutil.rmtree(folder_of(settings, identifier), ignore_errors=True)
        (settings.data_dir / "workbooks" / f"{identifier}.xlsx").unlink(missing_ok=True)
    await publish_log(settings)
    return row


async def _open(settings: Settings, row: PublishedEdition, today: date) -> None:
    await refuse_to_be_subtracted(settings, row)
    row.state, row.reply_until = "under_reply", today + timedelta(days=row.reply_days)
    await row.save()
    await record(
        settings, "edition.under_reply", edition=row.identifier, sums=row.sums_sha256, day=today.isoformat(),
        until=row.reply_until.isoformat(),
    )  # fmt: skip


async def _publish(settings: Settings, row: PublishedEdition, today: date, early_why: str) -> None:
    await refuse_to_be_subtracted(settings, row)
    if row.supersedes:
        taken = await PublishedEdition.objects().get(
            (PublishedEdition.supersedes == row.supersedes)
            & (PublishedEdition.identifier != row.identifier)
            & (PublishedEdition.state.is_in(["published", "superseded"]))
        )
        if taken is not None:
            raise _refused(row, _("What it replaces is replaced by %(other)s already."), other=taken.identifier)
        await PublishedEdition.update({PublishedEdition.state: "superseded"}).where(
            (PublishedEdition.identifier == row.supersedes) & (PublishedEdition.state == "published")
        )
    more = {"supersedes": row.supersedes or None, "day": today.isoformat()}
    if early_why:
        more["early"] = early_why
    head = await record(settings, PUBLISHED, edition=row.identifier, sums=row.sums_sha256, **more)
    row.state, row.published_on, row.early_why = "published", today, early_why
    row.leaf = leaf_of(head.appended)
    await row.save()


def leaf_of(appended: tuple[str, ...]) -> str:
    """The hash of the one entry that was appended."""
    [text] = appended
    assert read_entry(text)["kind"] == "audit"
    return leaf_hash(text.encode()).hex()


async def publish_log(settings: Settings) -> None:
    """Bring the audit log's files up to what was just appended, so that the proof is there at once."""
    await files.publish(settings, AUDIT)


def _refused(row: PublishedEdition, why: str, **values: object) -> Problem:
    return Problem(409, _("This cannot be done now"), why, edition=row.identifier, **values)
