"""A batch of invitations: drawn from a frame, written for the sender, and kept as hashes and counts. All or nothing."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from evaluator.collection import sender_folder
from evaluator.collection.admission import new_code
from evaluator.collection.campaigns import LiveCampaign
from evaluator.collection.frames import Carrier, Contact, DesignCell, read_frame_file, take_contacts
from evaluator.collection.handing_over import Place, finished_again, handing_over, new_mark
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.letters import Invited
from evaluator.collection.manifest import changing, publish_log
from evaluator.collection.sampling import NONE_DRAWN, Before, Drawn, DrawnCell, Numbers, Wish, draw_wave
from evaluator.collection.sender_folder import About
from evaluator.collection.tables import Admission, Batch, Invitation, SampleCell
from evaluator.problems import Problem, wrong_field
from evaluator.settings import Settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
MOST_INVITED = 200_000  # in a batch: they are stored in one transaction, and answers wait for it meanwhile
SEEDS = 2**53
ROWS = 500  # in one statement
SHOWS = 10  # answers: fewer are never told from none


def _(message: str) -> str:
    return message


class Report(msgspec.Struct, frozen=True):
    """What a batch came to, without its people."""

    batch: str
    carrier: Carrier
    invited: int
    seed: int
    cells: tuple[DrawnCell, ...]
    short: tuple[tuple[str, int], ...]
    untouched: tuple[str, ...]  # units of the campaign of which the frame has no row
    resumed: bool = False  # a run that was cut short had drawn them; how is not known any more


async def invite(
    settings: Settings, campaign: LiveCampaign, frame_file: Path, wish: Wish, *,
    carrier: Carrier, batch: str, place: Place, today: date, seed: int | None = None,
    progress: Callable[[int], None] | None = None, most: int = MOST_INVITED,
) -> Report:  # fmt: skip
    """Draw people from a frame, make their codes, write the sender's files; or finish what a run cut short left.

    Parameters
    ----------
    frame_file : Path
        People, one a row (`frames.read_frame_file`). Nothing of them is stored.
    wish : Wish
        How many of which.
    place : Place
        Where the files are made.
    seed : int, optional
        Of the draw; one batch of a campaign fixes it for all. Random when left out.
    most : int
        People that are invited at once at most.

    Raises
    ------
    Refused
        The frame has bad rows.
    Problem
        The sample cannot be drawn as wished, the batch exists, the campaign is over.
    """
    left = await finished_again(place, campaign.id, campaign.code)
    if left is not None:
        await publish_log(settings, campaign.code)
        return Report(
            left.batch, left.carrier, left.invited, await _seed(campaign.id, None), (), (), (), resumed=True
        )  # fmt: skip
    await _refuse_wrong(campaign, batch, today)
    seed = await _seed(campaign.id, seed)
    key = campaign_key(settings, campaign.code)
    numbers = Numbers(key, seed)
    state = _state(frame_file)
    frame = await asyncio.to_thread(  # a server goes on serving meanwhile
        read_frame_file, frame_file, campaign.units.keys(), carrier, numbers.of_contact, clusters=bool(wish.clusters),
        progress=progress,
    )  # fmt: skip
    before = await _before(campaign.id)
    drawn = draw_wave(frame, before, wish, numbers)
    if len(drawn.rows) > most:
        raise Problem(
            422, _("Too many at once"), _("%(number)s people; invite at most %(most)s in one batch."),
            number=f"{len(drawn.rows):,}", most=f"{most:,}",
        )  # fmt: skip
    people = await asyncio.to_thread(
        lambda: list(take_contacts(frame_file, campaign.units.keys(), carrier, drawn.rows, progress))
    )
    if _state(frame_file) != state or len(people) != len(drawn.rows):
        raise Problem(409, _("The frame changed while it was read"), _("Nothing was stored. Run the command again."))
    invited = _with_codes(people, clusters=bool(wish.clusters))
    about = About(campaign.code, batch, carrier, len(invited), mark=new_mark())
    with handing_over(place) as handing:
        text = readme(campaign, batch, carrier)
        await asyncio.to_thread(sender_folder.fill, handing.files, settings, campaign, invited, about, text)
        await asyncio.to_thread(handing.settle)
        async with Batch._meta.db.transaction():
            async with changing(settings, campaign.id, today, _("A batch of invitations was drawn.")):
                if await _before(campaign.id) != before or await _seed(campaign.id, seed) != seed:
                    raise Problem(
                        409, _("Another batch was drawn meanwhile"), _("Nothing was stored. Run the command again.")
                    )
                await _keep(campaign.id, about, today, seed, drawn, invited, key)
            handing.commits()
    await publish_log(settings, campaign.code)
    there = {cell.cell.unit for cell in drawn.cells}
    return Report(
        batch, carrier, len(invited), seed, drawn.cells, drawn.short,
        tuple(unit for unit in campaign.units if unit not in there),
    )  # fmt: skip


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


async def _refuse_wrong(campaign: LiveCampaign, batch: str, today: date) -> None:
    wrong = []
    if not NAME.fullmatch(batch):
        message = _("“%(name)s”: a name has 1 to 32 letters, digits, dots and -")
        wrong.append(wrong_field("batch", message, name=batch[:40]))
    if today > campaign.closes:
        message = _("it closed on %(closes)s; nobody could answer any more")
        wrong.append(wrong_field("campaign", message, closes=campaign.closes))
    if wrong:
        raise Problem(422, _("The sample cannot be drawn"), _("Nothing was stored."), errors=wrong)
    if await Batch.exists().where((Batch.campaign == campaign.id) & (Batch.name == batch)):
        raise Problem(
            409, _("This batch exists already"), _("There is a batch “%(batch)s”; choose another name."), batch=batch
        )


async def _seed(campaign: int, wanted: int | None) -> int:
    """The seed of a campaign's draws: that of its first batch, for a second wave must number people as the first."""
    rows = await Batch.select(Batch.seed).where(Batch.campaign == campaign).order_by(Batch.id).limit(1)
    if not rows:
        return secrets.randbelow(SEEDS) if wanted is None else wanted
    if wanted is not None and wanted != rows[0]["seed"]:
        raise Problem(
            409, _("Another seed"),
            _("The batches of this campaign are drawn with the seed %(seed)d; leave --seed out."), seed=rows[0]["seed"],
        )  # fmt: skip
    return int(rows[0]["seed"])


async def _before(campaign: int) -> Mapping[DesignCell, Before]:
    """What earlier waves took. Raises Problem where people were invited whom nobody here knows."""
    rows = await SampleCell.select(
        SampleCell.unit, SampleCell.design_stratum, SampleCell.psu, SampleCell.invited, SampleCell.drawn_to
    ).where(SampleCell.campaign == campaign)
    found = {
        DesignCell(row["unit"], row["design_stratum"], row["psu"]): Before(row["invited"], row["drawn_to"])
        for row in rows
    }
    elsewhere = sorted({cell.unit for cell, b in found.items() if b.invited > 0 and b.drawn_to == NONE_DRAWN})
    if elsewhere:
        raise Problem(
            409, _("A sample was drawn elsewhere"),
            _("The counts of %(units)s came from a file (campaign frame), so nobody here knows who was invited; a "
              "second sample could take the same people."), units=", ".join(elsewhere[:5]),
        )  # fmt: skip
    return found


def _with_codes(people: Sequence[Contact], *, clusters: bool) -> list[Invited]:
    """A code for each. The codes' randomness is the system's, and has nothing to do with the draw's."""
    codes: set[str] = set()
    while len(codes) < len(people):
        codes.add(new_code())
    found = []
    for contact in people:
        kept = contact if clusters else msgspec.structs.replace(contact, psu="")
        found.append(Invited(kept, codes.pop()))
    return found


async def _keep(
    campaign: int, about: About, today: date, seed: int, drawn: Drawn, invited: Sequence[Invited], key: bytes
) -> None:
    """The batch, its cells and the hashes of its codes: those in the order of the hashes, not of people."""
    await Batch(
        campaign=campaign, name=about.batch, carrier=about.carrier, day=today, invited=len(invited), seed=seed,
        reminders=0, marks=about.mark,
    ).save()  # fmt: skip
    for one in drawn.cells:
        where = (
            (SampleCell.campaign == campaign) & (SampleCell.unit == one.cell.unit)
            & (SampleCell.design_stratum == one.cell.design_stratum) & (SampleCell.psu == one.cell.psu)
        )  # fmt: skip
        changes = {SampleCell.frame_n: one.frame_n, SampleCell.drawn_to: one.drawn_to}
        if one.calibration_area:
            changes[SampleCell.calibration_area] = one.calibration_area
        if await SampleCell.exists().where(where):
            await SampleCell.update({**changes, SampleCell.invited: SampleCell.invited + one.taken}).where(where)
        else:
            await SampleCell.insert(
                SampleCell(
                    campaign=campaign, unit=one.cell.unit, design_stratum=one.cell.design_stratum, psu=one.cell.psu,
                    frame_n=one.frame_n, invited=one.taken, drawn_to=one.drawn_to, undelivered=0,
                    calibration_area=one.calibration_area,
                )
            )  # fmt: skip
    hashed = sorted((invitation_hash(key, one.code), one.contact) for one in invited)
    for at in range(0, len(hashed), ROWS):
        await Invitation.insert(
            *(
                Invitation(
                    code_hash=code_hash, campaign=campaign, unit=contact.unit, design_stratum=contact.design_stratum,
                    psu=contact.psu, batch=about.batch,
                )
                for code_hash, contact in hashed[at : at + ROWS]
            )
        )  # fmt: skip


async def take_back(settings: Settings, campaign: LiveCampaign, batch: str, today: date) -> int:
    """Make the codes of a batch void whose files were lost before anything was sent; how many there were.

    The people stay drawn: a later batch takes others, as random as these were.

    Raises
    ------
    Problem
        404 when there is no such batch; 409 when it was sent: it has reminders, some came back, or people answered.
    """
    this = (Batch.campaign == campaign.id) & (Batch.name == batch)
    of_batch = (Invitation.campaign == campaign.id) & (Invitation.batch == batch)
    reason = _("A batch of invitations was taken back: it was never sent.")
    async with changing(settings, campaign.id, today, reason):
        rows = await Batch.select().where(this)
        if not rows or not rows[0]["invited"]:
            raise no_batch(batch)
        gone = (
            await Invitation.delete()
            .where(of_batch)
            .returning(Invitation.unit, Invitation.design_stratum, Invitation.psu, Invitation.code_hash)
        )
        if rows[0]["reminders"] or len(gone) < rows[0]["invited"] or await _answered(gone):
            raise Problem(
                409, _("This batch was sent"),
                _("It has reminders, or some came back, or people answered with its codes. Nothing was changed."),
            )  # fmt: skip
        for cell, number in Counter((row["unit"], row["design_stratum"], row["psu"]) for row in gone).items():
            await SampleCell.update({SampleCell.invited: SampleCell.invited - number}).where(
                (SampleCell.campaign == campaign.id) & (SampleCell.unit == cell[0])
                & (SampleCell.design_stratum == cell[1]) & (SampleCell.psu == cell[2])
            )  # fmt: skip
        # it stays, with its seed: a later batch must number people as this one did
        await Batch.update({Batch.invited: 0, Batch.marks: ""}).where(this)
    return len(gone)


async def _answered(gone: Sequence[Mapping[str, str]]) -> bool:
    """Whether ten or more of some codes were used: that fewer were must not show."""
    used = 0
    for at in range(0, len(gone), ROWS):
        some = [row["code_hash"] for row in gone[at : at + ROWS]]
        used += await Admission.count().where(Admission.code_hash.is_in(some))
    return used >= SHOWS


def no_batch(batch: str) -> Problem:
    return Problem(
        404, _("No such batch"), _("There is no batch “%(batch)s” in this campaign."), batch=batch[:32]
    )  # fmt: skip


def readme(campaign: LiveCampaign, batch: str, carrier: Carrier) -> str:
    """What the sender must know, in English; the command says it too."""
    made = {
        "letter": "letters/UNIT/letters-a4.html and -a6.html: open in a browser and print; one letter a page.",
        "sms": "sms.csv: unit, phone, text, and how many parts the text takes.",
        "mail": "mail.csv: unit, address, name, subject, text.",
    }[carrier]
    return (
        f"Campaign {campaign.code}, batch {batch}.\n\n{made}\n"
        "contacts.csv: who got which code; needed for reminders and for counting what came back.\n\n"
        "Confidential: only here a person and a code stand side by side. Hand it to nobody but the sender,\n"
        "and delete the whole folder when the last reminder is sent and what came back is counted.\n"
        "If this folder's name ends in .unfinished, its codes may not be valid: do not send them, and run the command\n"
        "that made it again with the same names: it finishes the folder, or takes it away and begins anew.\n"
    )
