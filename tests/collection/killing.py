"""Runs the writer or a sealing again and again in processes that kill themselves (signal 9) at boundary 0, 1, 2 ...

    python -m tests.collection.killing DATABASE_URL DATA_DIR writer|sealing [FIRST STEP]

A boundary is before each statement that goes to the database and each change of a file, and for PostgreSQL also after
a statement was sent and before its answer came. Nothing of the product knows of it: the drivers' functions are replaced
here, in a process that was forked for it. After each death somebody tries again, as a person or the next server would,
and everything is counted. Prints the number of boundaries; exit code 1 and what is wrong otherwise.
"""

from __future__ import annotations

import asyncio
import functools
import os
import random
import secrets
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

from evaluator import database
from evaluator.collection import sealing
from evaluator.collection.campaigns import load_campaign
from evaluator.collection.intake import Intake
from evaluator.collection.mixing import tidy
from evaluator.collection.responses import ResponseRow, response_row
from evaluator.collection.storing import sink_for
from evaluator.collection.tables import Admission, Pending, Response
from evaluator.ledger.files import publish_all, receipt_for
from evaluator.ledger.keys import campaign_log
from evaluator.ledger.merkle import Tree
from evaluator.ledger.notes import unsigned_checkpoint
from evaluator.ledger.published import read_published
from evaluator.ledger.tables import LogLeaf
from evaluator.settings import Settings
from questionnaires.acceptance import accept

LOG = campaign_log("spring")
FEW = 6
ENOUGH = 1000  # boundaries that no scenario has


class Boundaries:
    """Counts them, and dies at one."""

    def __init__(self, last: int) -> None:
        self.last, self.passed = last, 0

    def cross(self) -> None:
        if self.passed == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1


def lay_mines(last: int, also: Sequence[str] = ()) -> None:
    """Make this process die at its boundary number `last`; `also` names more changes of files in `os`."""
    mines = Boundaries(last)

    class Mined(sqlite3.Connection):
        def execute(self, *given: Any) -> sqlite3.Cursor:
            mines.cross()
            return super().execute(*given)

        def executemany(self, *given: Any) -> sqlite3.Cursor:
            mines.cross()
            return super().executemany(*given)

    sqlite3.connect = functools.partial(sqlite3.connect, factory=Mined)  # type: ignore[assignment]

    def mined(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*given: Any, **more: Any) -> Any:
            mines.cross()
            going = asyncio.ensure_future(work(*given, **more))
            for _ in range(3):  # it is sent
                await asyncio.sleep(0)
            if not going.done():
                try:
                    mines.cross()
                except BaseException:
                    going.cancel()
                    raise
            return await going

        return run

    for name in ("execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table"):
        setattr(asyncpg.Connection, name, mined(getattr(asyncpg.Connection, name)))

    def file_change(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **more: Any) -> Any:
            mines.cross()
            return work(*given, **more)

        return run

    for name in ("replace", "rename", "link", "unlink", "fsync", *also):
        setattr(os, name, file_change(getattr(os, name)))


def in_a_child(work: Callable[[], Coroutine[Any, Any, None]], last: int | None = None, also: Sequence[str] = ()) -> int:
    """Run it in a process of its own; its exit code, -9 when it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if last is not None:
                lay_mines(last, also)
            asyncio.run(work())
            code = 0
        except BaseException as error:
            print(f"at boundary {last}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Scene:
    """A site, and what its people were told."""

    def __init__(self, url: str, home: Path) -> None:
        self.url, self.settings = url, Settings(data_dir=home, database_url=url)
        self.told = home / "told"  # leaf hashes that were promised, each written before the next is asked for
        self.sent = home / "sent"  # code hash and word of everybody who tried
        database.connect(url)

    async def row(self, code_hash: str, word: int, unit: str = "3701") -> ResponseRow:
        campaign = await load_campaign("spring")
        assert campaign is not None
        accepted = accept(campaign.questionnaire, {"contact": ["no"], "word": [str(word)]})
        return response_row(
            campaign.questionnaire, accepted, questionnaire_version=campaign.version, campaign=campaign.id,
            campaign_code="spring", unit=unit, mode="invitation", day=date(2026, 3, 10), code_hash=code_hash,
        )  # fmt: skip

    def note(self, path: Path, line: str) -> None:
        with path.open("a") as file:
            file.write(line + "\n")

    def noted(self, path: Path) -> list[str]:
        return path.read_text().split("\n")[:-1] if path.exists() else []

    # --- the writer

    async def send(self) -> None:
        """Five people, two of them at once, are told their promise when the writer says that it is on disk."""
        intake = Intake(sink_for(self.settings))
        people = [(secrets.token_hex(32), random.randrange(11)) for _ in range(5)]
        rows = [await self.row(*person) for person in people]
        for person in people:
            self.note(self.sent, f"{person[0]} {person[1]}")

        async def one(row: ResponseRow) -> None:
            outcome = await intake.submit(row)
            assert outcome.kind == "stored", outcome
            self.note(self.told, f"{row.code_hash} {outcome.leaf_hash}")

        for row in rows[:3]:
            await one(row)
        await asyncio.gather(*map(one, rows[3:]))
        await intake.close()

    async def send_again(self) -> None:
        """Everybody tries again with the same answers, then with others."""
        promised = dict(line.split() for line in self.noted(self.told))
        intake = Intake(sink_for(self.settings))
        for line in self.noted(self.sent)[-5:]:
            code, word = line.split()
            outcome = await intake.submit(await self.row(code, int(word)))
            if code in promised:
                assert (outcome.kind, outcome.leaf_hash) == ("same", promised[code]), "a promise was not kept"
            other = await intake.submit(await self.row(code, (int(word) + 1) % 11))
            assert other.kind == "duplicate"
        await intake.close()
        found = await Pending.select(Pending.code_hash, Pending.leaf_hash)
        codes = [row["code_hash"] for row in found]
        sent = [line.split()[0] for line in self.noted(self.sent)]
        assert sorted(codes) == sorted(sent), "something is lost or there twice"
        assert {row["code_hash"] for row in await Admission.select()} == set(sent)
        assert set(promised.items()) <= {(row["code_hash"], row["leaf_hash"]) for row in found}

    # --- sealing

    async def fill(self) -> None:
        """Two units of which each makes a transaction, and a third that is sealed with one of them."""
        intake = Intake(sink_for(self.settings))
        rows = [
            await self.row(secrets.token_hex(32), k % 11, unit)
            for unit, number in (("3701", FEW), ("370102", FEW), ("3702", 2))
            for k in range(number)
        ]
        for row, outcome in zip(rows, await asyncio.gather(*map(intake.submit, rows)), strict=True):
            self.note(self.told, f"{row.code_hash} {outcome.leaf_hash}")
        await intake.close()

    async def seal(self) -> None:
        sealing.LEAST, sealing.MOST_QUIET, sealing.MOST_MOVED = FEW, FEW + 2, FEW + 2  # as with fifties, and faster
        await sealing.seal(self.settings, "spring", everything=True)

    async def seal_again(self) -> None:
        """What the next server does at its start, and the next hour."""
        halfway = read_published(self.settings, LOG)
        await publish_all(self.settings)
        await tidy(database.engine())
        sealing.LEAST = FEW
        await sealing.seal(self.settings, "spring", everything=True)
        promised = dict(line.split() for line in self.noted(self.told))
        leaves = await LogLeaf.select().where(LogLeaf.log == LOG).order_by(LogLeaf.position)
        hashes = [row["leaf_hash"] for row in leaves if '"kind":"response"' in row["entry"]]
        assert sorted(hashes) == sorted(promised.values()), "a promise is not in the log, or twice"
        stored = [row["leaf_hash"] for row in await Response.select(Response.leaf_hash)]
        assert sorted(stored) == sorted(hashes), "an answer is lost or there twice"
        assert await Pending.count() == 0
        assert {row["code_hash"] for row in await Admission.select()} == set(promised)
        tree = Tree(bytes.fromhex(row["leaf_hash"]) for row in leaves)
        published = read_published(self.settings, LOG)
        assert published is not None
        for text in (halfway, published):
            if text:
                head = unsigned_checkpoint(text)
                assert tree.root(head.size) == head.root, "a head that was published does not fit any more"
        assert unsigned_checkpoint(published).size == len(leaves)
        for leaf in random.sample(hashes, 2):
            assert await receipt_for(self.settings, LOG, bytes.fromhex(leaf)) is not None


def main() -> None:
    scene = Scene(sys.argv[1], Path(sys.argv[2]))
    before, work, after = {
        "writer": (None, scene.send, scene.send_again),
        "sealing": (scene.fill, scene.seal, scene.seal_again),
    }[sys.argv[3]]
    first, step = map(int, sys.argv[4:6] or ("0", "1"))
    for last in range(first, ENOUGH, step):
        if before is not None and in_a_child(before):
            sys.exit(1)
        ended = in_a_child(work, last)
        if ended not in (0, -signal.SIGKILL) or in_a_child(after):
            print(f"boundary {last}: exit code {ended}", file=sys.stderr)
            sys.exit(1)
        if ended == 0:
            print(f"{last} boundaries")
            return
    sys.exit("there is no end of boundaries")


if __name__ == "__main__":
    main()
