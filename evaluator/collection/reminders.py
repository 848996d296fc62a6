"""Reminders to those who did not answer, of whom nobody learns for certain that they did not.

Each list is a randomised response (Warner 1965): an unused code is left out, and a used one taken in, with probability
0.1. Which codes are told wrong is a keyed hash of code and reminder, so that making a list again from other folders
tells nothing new; and each list of a batch is made once, for two lists with the same lies would show by their
differences who answered in between. A list multiplies the odds that somebody answered by at most 9 (epsilon = ln 9),
two lists by at most 81.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

import msgspec

from evaluator.collection import sender_folder
from evaluator.collection.batches import no_batch
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.handing_over import UNFINISHED, Place, finished_again, handing_over, new_mark
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.letters import Invited
from evaluator.collection.sender_folder import About
from evaluator.collection.tables import Admission, Batch, Invitation
from evaluator.problems import Problem
from evaluator.settings import Settings

LIE = 0.1
FEWEST = 50  # used, and unused, of a batch
MOST_REMINDERS = 2  # of a batch
ROWS = 500


def _(message: str) -> str:
    return message


class Reminded(msgspec.Struct, frozen=True):
    """A list, and which one of its batch it is."""

    about: About
    reminded: int


def told_wrong(key: bytes, code: str, reminder: int) -> bool:
    """Whether the list says of this code what is not so: one in ten, the same at every repetition."""
    digest = hmac.digest(key, f"reminder {reminder} {code}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") < LIE * 2**64


def on_list(key: bytes, code: str, reminder: int, *, used: bool) -> bool:
    """Whether a code gets a reminder."""
    return used == told_wrong(key, code, reminder)


def read_folder(folder: Path, campaign: LiveCampaign) -> tuple[About, list[Invited]]:
    """What a sender's folder of invitations holds.

    Raises
    ------
    Problem
        It holds reminders, is not finished, or is of another campaign.
    Refused
        With every row of its contacts that is not as it was written.
    """
    if folder.name.endswith(UNFINISHED):
        raise Problem(
            422, _("This folder is not finished"),
            _("A run of invite was cut short. Run it again with the same names, and give the folder it finishes."),
        )  # fmt: skip
    given = sender_folder.read_about(folder, campaign.code)
    if given.reminder:
        raise Problem(
            422, _("This folder holds reminders"), _("Give the folder with the invitations: a list is made from all.")
        )
    return given, sender_folder.read_invited(folder / sender_folder.CONTACTS, campaign.units.keys())


async def remind(
    settings: Settings, campaign: LiveCampaign, given: About, people: Sequence[Invited], place: Place
) -> Reminded:
    """Write a sender's files with reminders, from those with the invitations; or finish what a run cut short left.

    Parameters
    ----------
    given : About
        The batch.
    people : sequence of Invited
        Those who were invited, with their codes.
    place : Place
        Where the files are made.

    Raises
    ------
    Problem
        Fewer than 50 of the batch are used, or unused; it had its reminders; no such batch; none of its codes is given.
    """
    left = await finished_again(place, campaign.id, campaign.code)
    if left is not None:
        return Reminded(left, left.invited)
    key = campaign_key(settings, campaign.code)
    hashes = {invitation_hash(key, one.code): one for one in people}
    of_batch = await _codes(campaign.id, given.batch)
    if not of_batch:
        raise no_batch(given.batch)
    if not of_batch & hashes.keys():
        raise Problem(
            422, _("None of its codes is given"),
            _("No code in the file belongs to the batch “%(batch)s”. Give the file as it was written for this batch."),
            batch=given.batch,
        )  # fmt: skip
    used = await _used(campaign.id, given.batch)
    if min(len(used), len(of_batch) - len(used)) < FEWEST:
        raise Problem(
            409, _("Too few to hide among"),
            _("Reminders need at least %(fewest)d of a batch who answered and as many who did not."), fewest=FEWEST,
        )  # fmt: skip
    number = await _next_reminder(campaign.id, given.batch)
    chosen: list[Invited] = [
        one
        for hashed, one in hashes.items()
        if hashed in of_batch and on_list(key, one.code, number, used=hashed in used)
    ]
    about = About(campaign.code, given.batch, given.carrier, len(chosen), number, new_mark())
    with handing_over(place) as handing:
        await asyncio.to_thread(
            sender_folder.fill, handing.files, settings, campaign, chosen, about, readme(about)
        )  # a server goes on serving meanwhile
        await asyncio.to_thread(handing.settle)
        async with Batch._meta.db.transaction():  # last: writing takes long, and holds nothing up
            await _count(campaign.id, about)
            handing.commits()
    return Reminded(about, len(chosen))


async def _next_reminder(campaign: int, batch: str) -> int:
    """Which list of its batch is to be made."""
    [row] = await Batch.select(Batch.reminders).where((Batch.campaign == campaign) & (Batch.name == batch))
    if row["reminders"] >= MOST_REMINDERS:
        raise Problem(
            409, _("No more reminders"),
            _("The batch “%(batch)s” had its %(most)d reminders. Each one tells a little about who answered, so that "
              "there are no more."), batch=batch, most=MOST_REMINDERS,
        )  # fmt: skip
    return int(row["reminders"]) + 1


async def _count(campaign: int, about: About) -> None:
    """Count a list that was made. Of two that were made at once one is refused."""
    this, number = (Batch.campaign == campaign) & (Batch.name == about.batch), about.reminder
    [row] = await Batch.select(Batch.marks).where(this)
    done = await (
        Batch.update({Batch.reminders: number, Batch.marks: f"{row['marks']} {about.mark}".strip()})
        .where(this & (Batch.reminders == number - 1))
        .returning(Batch.id)
    )
    if not done:
        raise Problem(
            409, _("Another list was made meanwhile"),
            _("Nothing was stored. Two lists of the same number would show who answered in between."),
        )  # fmt: skip


async def _codes(campaign: int, batch: str) -> frozenset[str]:
    """Hashes of a batch's codes, those that came back not among them."""
    rows = await Invitation.raw("SELECT code_hash FROM invitation WHERE campaign = {} AND batch = {}", campaign, batch)
    return frozenset(row["code_hash"] for row in rows)


async def _used(campaign: int, batch: str) -> frozenset[str]:
    rows: Sequence[dict[str, str]] = await Admission.raw(
        "SELECT code_hash FROM admission WHERE code_hash IN "
        "(SELECT code_hash FROM invitation WHERE campaign = {} AND batch = {})",
        campaign, batch,
    )  # fmt: skip
    return frozenset(row["code_hash"] for row in rows)


def readme(about: About) -> str:
    return (
        f"Campaign {about.campaign}, batch {about.batch}, reminder {about.reminder}.\n\n"
        "Some who answered are on this list, and some who did not are missing: on purpose, so that nobody learns\n"
        "from it who answered. Send it as it is, and delete the folder when it is sent.\n"
    )
