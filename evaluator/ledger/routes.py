"""The logs for anybody: an overview, and the plain files of each."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.params import FromPath

from evaluator import database, pages
from evaluator.ledger import notes
from evaluator.ledger.appending import LogBehind
from evaluator.ledger.files import publish_all
from evaluator.ledger.groups import group
from evaluator.ledger.keys import NAME, LogKeyError, signer
from evaluator.ledger.published import (
    GROUP_PATH,
    INDEX_PATH,
    TILE_PATH,
    WIDTH,
    DamagedFiles,
    folder,
    read_published,
)
from evaluator.ledger.tables import Log
from evaluator.problems import not_found
from evaluator.settings import Settings

Ask = Request[Any, Any, Any]
SCRIPT = Path(__file__).with_name("verify_receipt.py")
OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}  # anybody may watch a log
FOR_EVER = {**OPEN, "Cache-Control": "public, max-age=31536000, immutable"}
TEXT, BYTES = "text/plain", "application/octet-stream"
EVERY = 60  # seconds between two looks for what is not published yet

log = logging.getLogger("evaluator")


@dataclass(frozen=True, slots=True)
class Line:
    """A log as the overview shows it."""

    name: str
    campaign: str | None
    size: int
    root: str
    vkey: str
    published: bool


def _line(settings: Settings, name: str) -> Line:
    found = NAME.fullmatch(name)
    campaign, vkey = found and found[1], signer(settings, name).vkey
    try:
        head = notes.unsigned_checkpoint(read_published(settings, name) or "")
    except notes.NoteError:  # none, or a damaged one: the site's own log says so every minute
        return Line(name, campaign, 0, "", vkey, published=False)
    return Line(name, campaign, head.size, notes.encoded(head.root), vkey, published=True)


@get("/log")
async def overview(request: Ask) -> Response[str]:
    """Every log with its size, head and key, and how to check it."""
    settings = request.app.state.settings
    names = [row["name"] for row in await Log.select(Log.name).order_by(Log.name)]
    lines = await asyncio.to_thread(lambda: [_line(settings, name) for name in names])
    return pages.page(request, "ledger/logs.html", lines=lines)


@get("/log/verify_receipt.py", sync_to_thread=True)
def script(request: Ask) -> Response[bytes]:
    """The program that checks a receipt with nothing but Python."""
    return pages.data_response(request, SCRIPT.read_bytes(), "text/x-python", file_name=SCRIPT.name)


def _file(settings: Settings, name: str, path: str) -> tuple[bytes, str, dict[str, str]] | None:
    """Content, media type and headers of one of a log's files, or None."""
    home, again = folder(settings, name), {**OPEN, "Cache-Control": "no-cache"}
    tile = TILE_PATH.fullmatch(path)
    try:
        if tile:
            if tile[1] and int(tile[1]) >= WIDTH:
                return None
            return (home / path).read_bytes(), BYTES, FOR_EVER
        if path in ("checkpoint", "key") or INDEX_PATH.fullmatch(path):
            return (home / path).read_bytes(), TEXT, again
        if found := GROUP_PATH.fullmatch(path):
            checkpoint = read_published(settings, name)
            body = group(home, checkpoint, "" if found[1] == "all" else found[1]) if checkpoint else None
            return (body, "application/json", again) if body is not None else None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, DamagedFiles, notes.NoteError):
        pass
    return None


@get("/log/{path:path}")
async def file(request: Ask, path: FromPath[str]) -> Response[bytes]:
    """A file of a log: its head, its key, a tile, a bundle of entries, of the index; or the proofs of a group."""
    whole = path.strip("/")
    found = NAME.match(whole)  # greedy: of audit and campaign/CODE only one can stand at the beginning
    name = found[0] if found else ""
    rest = whole.removeprefix(name)
    if not name or not rest.startswith("/"):
        raise not_found(whole[:80])
    answer = await asyncio.to_thread(_file, request.app.state.settings, name, rest[1:])
    if answer is None:
        raise not_found(whole[:80])
    body, media_type, headers = answer
    return Response(body, media_type=media_type, headers=headers)


async def _publish(settings: Settings) -> None:
    try:
        await publish_all(settings)
    except (LogBehind, LogKeyError, DamagedFiles, notes.NoteError, OSError) as error:
        log.error("a log was not published: %s", error)  # an operator must look; the site goes on
    except database.DatabaseError as error:
        log.warning("logs could not be read: %s", error)


@contextlib.asynccontextmanager
async def publishing(app: Litestar) -> AsyncIterator[None]:
    """Complete what a process that was killed left, then publish what is new, now and then."""
    settings = app.state.settings

    async def now_and_then() -> None:
        while True:
            await _publish(settings)
            await asyncio.sleep(EVERY)

    task = asyncio.create_task(now_and_then())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


public: list[Any] = [overview, script, file]
lifespan: list[Any] = [publishing]
