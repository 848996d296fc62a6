"""What rated units answer to their page of an edition, before the public sees it and beside it afterwards."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from evaluator import database
from evaluator.accounts.tables import Account
from evaluator.ledger.audit import record
from evaluator.problems import FieldProblem, Problem
from evaluator.publication.lifecycle import held, reply_open
from evaluator.rating.tables import EditionReply
from evaluator.settings import Settings

LONGEST = 2000  # characters of a reply, and of what is answered


def _(message: str) -> str:
    return message


async def reply_of(edition: str, unit: str) -> EditionReply | None:
    """What a unit replied to an edition, if anything."""
    return await EditionReply.objects().get((EditionReply.edition == edition) & (EditionReply.unit == unit))


async def replies_to(edition: str) -> list[EditionReply]:
    """All replies to an edition, in the order of the units' codes."""
    return list(await EditionReply.objects().where(EditionReply.edition == edition).order_by(EditionReply.unit))


def plain_text(text: str, field: str) -> str:
    """A text as it is kept: line ends made one kind, no control characters.

    Raises
    ------
    Problem
        422, when it is too long.
    """
    clean = "".join(c for c in text.replace("\r\n", "\n").replace("\r", "\n") if c == "\n" or c.isprintable()).strip()
    if len(clean) > LONGEST:
        raise Problem(
            422, _("The text is too long"), _("Shorten it to %(most)d characters; it has %(count)d."),
            errors=(FieldProblem(field, ""),), most=LONGEST, count=len(clean),
        )  # fmt: skip
    return clean


async def write_reply(
    settings: Settings, edition: str, unit: str, text: str, account: Account, now: datetime
) -> EditionReply | None:
    """Keep a unit's reply in place of the one before; a blank text takes it back.

    Raises
    ------
    Problem
        404; 409 when the days are over or have not begun; 422 when the text is too long.
    """
    clean = plain_text(text, "text")
    async with database.engine().transaction():
        row = await held(edition)
        if not reply_open(row, now.date()):
            raise Problem(
                409, _("Replies are not taken now"),
                _("They are taken only while the edition is under reply, until the end of the last day."),
            )  # fmt: skip
        found = await reply_of(edition, unit)
        if not clean:
            if found is not None:
                await EditionReply.delete().where(EditionReply.id == found.id)
                await record(settings, "edition.reply_taken_back", edition=edition, unit=unit)
            return None
        if found is not None and found.text == clean:
            return found
        if found is None:
            found = EditionReply(
                edition=edition, unit=unit, text=clean, account=account.id, written_at=now, changed_at=now
            )
        else:
            found.text, found.account, found.written_at, found.changed_at = clean, account.id, now, now
            found.answer, found.corrected = "", False  # what was said to another text
        await found.save()
        digest = sha256(clean.encode()).hexdigest()
        await record(settings, "edition.replied", edition=edition, unit=unit, sha256=digest)
    return found


async def answer_reply(
    settings: Settings, edition: str, unit: str, text: str, corrected: bool, now: datetime
) -> EditionReply:
    """Say something to a reply, and whether it led to a correction.

    Raises
    ------
    Problem
        404 when the unit did not reply; 422 when the text is too long.
    """
    clean = plain_text(text, "answer")
    async with database.engine().transaction():
        found = await reply_of(edition, unit)
        if found is None:
            raise Problem(404, _("There is no such reply"), _("The unit has not replied to this edition."))
        found.answer, found.corrected, found.changed_at = clean, corrected, now
        await found.save()
        await record(settings, "edition.reply_answered", edition=edition, unit=unit, corrected=corrected)
    return found
