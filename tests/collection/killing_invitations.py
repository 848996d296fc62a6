"""Draws a batch, or makes a reminder, again and again in processes that kill themselves at boundary 0, 1, 2 ...

    python -m tests.collection.killing_invitations DATABASE_URL DATA_DIR [FIRST STEP]

As tests/collection/killing.py, with a boundary at each folder and file that is made too. After each death the same
command is run again, and everything is counted: codes that are valid have their letters, and no letters have others.
"""

from __future__ import annotations

import csv
import importlib
import os
import shutil
import signal
import sys
from datetime import date
from pathlib import Path

from evaluator import database, pages
from evaluator.collection import batches, reminders
from evaluator.collection.admission import read_code
from evaluator.collection.campaigns import LiveCampaign, load_campaign
from evaluator.collection.frames import Carrier
from evaluator.collection.handing_over import UNFINISHED, FolderPlace
from evaluator.collection.keys import campaign_key, invitation_hash
from evaluator.collection.sampling import Wish
from evaluator.collection.tables import Admission, Batch, Invitation, SampleCell
from evaluator.ledger.keys import campaign_log
from evaluator.ledger.notes import unsigned_checkpoint
from evaluator.ledger.published import read_published
from evaluator.ledger.tables import Log
from evaluator.settings import Settings
from tests.collection.killing import ENOUGH, in_a_child

ALSO = ("mkdir", "open", "rmdir")
A_DAY = date(2026, 3, 2)
FRAME, SENT = 400, 120


class Scene:
    """A site that draws samples, and the folders of its sender."""

    def __init__(self, url: str, home: Path) -> None:
        self.settings, self.home = Settings(data_dir=home, database_url=url), home
        self.frame, self.turn = home / "frame.csv", 0
        if not self.frame.exists():
            self.frame.write_text(
                "unit,address,phone\n" + "".join(f"3701,{n} Road,1380000{n:04}\n" for n in range(FRAME))
            )
        database.connect(url)

    @property
    def answered_batch(self) -> Path:
        return self.home / "answered"

    @property
    def out(self) -> Path:
        return self.home / f"w{self.turn}"

    @property
    def unfinished(self) -> Path:
        return self.out.with_name(self.out.name + UNFINISHED)

    async def campaign(self) -> LiveCampaign:
        found = await load_campaign("spring")
        assert found is not None
        return found

    def hashes(self, folder: Path) -> set[str]:
        """Of the codes in a sender's folder."""
        key = campaign_key(self.settings, "spring")
        with (folder / "contacts.csv").open(encoding="utf-8-sig", newline="") as file:
            return {invitation_hash(key, str(read_code(row["code"]))) for row in csv.DictReader(file)}

    # --- a batch

    async def draw(self, out: Path, number: int, carrier: Carrier) -> None:
        await batches.invite(
            self.settings, await self.campaign(), self.frame, Wish(number, least=0), carrier=carrier, batch=out.name,
            place=FolderPlace(out), today=A_DAY,
        )  # fmt: skip

    async def invite(self) -> None:
        await self.draw(self.out, 1, "letter")

    async def invite_again(self) -> None:
        """What whoever was cut short does: the same command."""
        of_batch = Invitation.batch == self.out.name
        valid = {row["code_hash"] for row in await Invitation.select().where(of_batch)}
        if self.out.exists():
            assert self.hashes(self.out) == valid, "a finished folder holds codes that nobody knows"
            return
        if valid:
            assert self.hashes(self.unfinished) == valid, "nobody can be sent what is valid"
        await self.invite()
        assert not self.unfinished.exists()
        now = {row["code_hash"] for row in await Invitation.select().where(of_batch)}
        assert self.hashes(self.out) == now, "letters and database do not fit"
        assert not valid or now == valid, "a batch was drawn twice"
        assert (self.out / "batch.json").exists()
        assert len(list((self.out / "letters/3701").iterdir())) == 2
        total = await Invitation.count()
        assert sum(row["invited"] for row in await Batch.select()) == total
        assert sum(row["invited"] for row in await SampleCell.select()) == total
        published = read_published(self.settings, campaign_log("spring"))
        [log] = await Log.select(Log.size).where(Log.name == campaign_log("spring"))
        assert published is not None
        assert unsigned_checkpoint(published).size == log["size"]

    # --- a reminder

    async def answered(self) -> None:
        """A batch of which half answered, and none was reminded; drawn once."""
        if not self.answered_batch.exists():
            await self.draw(self.answered_batch, SENT, "sms")
            await self.use(SENT // 2)
        [batch] = await Batch.select().where(Batch.name == "answered")
        await Batch.update({Batch.reminders: 0, Batch.marks: batch["marks"].split()[0]}).where(Batch.name == "answered")
        shutil.rmtree(self.reminder, ignore_errors=True)

    async def use(self, number: int) -> None:
        there = {row["code_hash"] for row in await Admission.select()}
        codes = sorted(self.hashes(self.answered_batch) - there)[:number]
        campaign = (await self.campaign()).id
        await Admission.insert(*(Admission(code_hash=code, campaign=campaign) for code in codes))

    @property
    def reminder(self) -> Path:
        return self.home / "reminder"

    async def remind(self) -> None:
        campaign = await self.campaign()
        given, people = reminders.read_folder(self.answered_batch, campaign)
        await reminders.remind(self.settings, campaign, given, people, FolderPlace(self.reminder))

    async def remind_again(self) -> None:
        """Somebody answers meanwhile: a second list of the same number would show who."""
        unfinished = self.reminder.with_name("reminder" + UNFINISHED)
        [batch] = await Batch.select().where(Batch.name == "answered")
        listed = None
        if batch["reminders"]:
            listed = self.hashes(self.reminder if self.reminder.exists() else unfinished)
        else:
            assert not self.reminder.exists(), "a list is finished that nobody counted"
        if self.turn % 7 == 0 and await Admission.count() < SENT - 52:
            await self.use(1)
        if not self.reminder.exists():
            await self.remind()
        [batch] = await Batch.select().where(Batch.name == "answered")
        assert batch["reminders"] == 1
        assert not unfinished.exists()
        assert listed is None or self.hashes(self.reminder) == listed, "a list was made twice"


def main() -> None:
    importlib.import_module("evaluator.collection.quality_rules")  # here once, not in every child
    pages.environment().get_template("collection/letters/letters.html")
    scene = Scene(sys.argv[1], Path(sys.argv[2]))
    scenes = {
        "invite": (None, scene.invite, scene.invite_again),
        "remind": (scene.answered, scene.remind, scene.remind_again),
    }
    first, step = map(int, sys.argv[3:5] or ("0", "1"))
    for name, (before, work, after) in scenes.items():
        for scene.turn in range(first, ENOUGH, step):
            if before is not None and in_a_child(before):
                sys.exit(1)
            ended = in_a_child(work, scene.turn, ALSO)
            if ended not in (0, -signal.SIGKILL) or in_a_child(after):
                sys.exit(f"{name}, boundary {scene.turn}: exit code {ended}")
            if ended == 0:
                break
        print(f"{name}: {scene.turn} boundaries")


if __name__ == "__main__":
    os.umask(0o022)
    main()
