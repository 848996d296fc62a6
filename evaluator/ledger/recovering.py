"""A database that was restored from an older backup: which logs are behind, and the audit log read back from its files.

The site's audit log says what was done, and nothing else stands behind its entries: they can be put back. A campaign's
log cannot go on like that: the answers, withdrawals and used codes behind its entries are lost.
"""

from __future__ import annotations

import asyncio

from evaluator import database
from evaluator.ledger import notes
from evaluator.ledger.appending import LogBehind, check_not_behind
from evaluator.ledger.audit import record
from evaluator.ledger.checking import LogRefused, check_folder
from evaluator.ledger.files import publish
from evaluator.ledger.keys import AUDIT, LogKeyError, signer
from evaluator.ledger.merkle import EMPTY_ROOT, Frontier, leaf_hash
from evaluator.ledger.published import folder, read_entries, read_published
from evaluator.ledger.tables import Log, LogLeaf
from evaluator.settings import Settings

AT_ONCE = 500  # rows of one statement


async def recover_audit(settings: Settings) -> int:
    """Put back what the database lacks of the published audit log, and say so in it; how many entries that were.

    Raises
    ------
    LogBehind
        The files are not right, or the database is of another history: nothing was changed.
    """
    home, text = folder(settings, AUDIT), read_published(settings, AUDIT)
    if text is None:
        return 0
    try:
        await asyncio.to_thread(check_folder, home, signer(settings, AUDIT).verifier)
    except LogRefused as error:
        raise LogBehind(
            f"the published files of the log {AUDIT} are not right ({error}); put them back from a copy first"
        ) from None
    published = notes.unsigned_checkpoint(text)
    async with database.engine().transaction():
        await Log.raw(
            "INSERT INTO log (name, size, root, frontier, checkpoint) VALUES ({}, 0, {}, '', '') "
            "ON CONFLICT (name) DO NOTHING", AUDIT, EMPTY_ROOT.hex(),
        )  # fmt: skip
        await database.hold(Log, AUDIT)
        [row] = await Log.select(Log.size, Log.root).where(Log.name == AUDIT)
        if row["size"] >= published.size:
            check_not_behind(settings, AUDIT, row["size"], row["root"])
            return 0
        entries = await asyncio.to_thread(lambda: list(read_entries(home, published.size)))
        hashes = [leaf_hash(entry) for entry in entries]
        if Frontier().extended(hashes[: row["size"]]).root.hex() != row["root"]:
            raise LogBehind(
                f"the {row['size']} entries of the log {AUDIT} in the database are not the first ones of the published "
                "log: it belongs to another history. Nothing was changed"
            )
        lacking = range(row["size"], published.size)
        for start in range(0, len(lacking), AT_ONCE):
            await LogLeaf.insert(
                *(
                    LogLeaf(leaf_hash=hashes[at].hex(), log=AUDIT, position=at, entry=entries[at].decode())
                    for at in lacking[start : start + AT_ONCE]
                )
            )
        whole = Frontier().extended(hashes)
        await Log.update(
            {Log.size: whole.size, Log.root: whole.root.hex(), Log.frontier: whole.text(), Log.checkpoint: text}
        ).where(Log.name == AUDIT)
        await record(settings, "log.recovered", entries=len(lacking), by="command line")
    await publish(settings, AUDIT)
    return len(lacking)


async def publish_each(settings: Settings) -> dict[str, str]:
    """Bring the files of every log up to its table; of each why that cannot be, or "". Logs that the database does not
    know, though they were published, are among them."""
    kept = {row["name"] for row in await Log.select(Log.name)}
    home, found = settings.data_dir / "log", dict[str, str]()
    published = {path.parent.relative_to(home).as_posix() for path in home.glob("**/checkpoint")}
    for name in sorted(kept | published):
        try:
            if name not in kept:
                check_not_behind(settings, name, 0, EMPTY_ROOT.hex())
            await publish(settings, name)
            found[name] = ""
        except (LogBehind, LogKeyError) as error:
            found[name] = str(error)
    return found
