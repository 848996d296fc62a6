"""Public pages as they were rendered and packed, kept until anything that they show changes.

Editions never change, so one short text says whether a page is still true: which editions there are and in which state,
the last import of records, the campaigns, the questionnaires, the outlines. It is asked for at most once a second; when
it is another one, everything is thrown away. A page that is not marked by `keep` is never kept, nor one asked for with
a session's cookie: what an account sees stays its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from evaluator import database, language, pages, security
from evaluator.accounts.sessions import COOKIE
from evaluator.compression import takes_gzip
from evaluator.publication.editions import Edition, file_signature
from evaluator.whole_answers import Headers, gathered

FRESH = 1.0  # seconds for which the state of the site, and that an edition's files are untouched, is taken for granted
MOST = 64_000_000  # bytes in memory
LARGEST = 2_000_000  # bytes of a page
MARK = "evaluator.keep"

State = Callable[[], Awaitable[Hashable]]
Key = tuple[str, bytes, str, bool]  # path, query, language, packed
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A page as it was sent, and the files that it was made from."""

    headers: Headers
    body: bytes
    folder: Path | None
    signature: Signature


def keep(request: Request[Any, Any, Any], edition: Edition | None = None) -> None:
    """Say that the page being made shows public things only, and of which edition; accounts' pages are left alone."""
    if request.scope.get("state", {}).get("account") is None:
        request.scope[MARK] = edition or True  # type: ignore[literal-required]


@cache
def templates_version() -> str:
    """A digest of everything that words and forms pages: templates, translations, the style sheet and this program."""
    digest = hashlib.sha256()
    here = Path(__file__).parent.parent
    for folder, pattern in ((pages.TEMPLATES, "*.html"), (language.FOLDER, "*.po"), (here, "*.py")):
        for path in sorted(folder.rglob(pattern)):
            digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    digest.update(pages.stylesheet().encode())
    return digest.hexdigest()


class Rendered:
    """The memory of one process, and the layer that answers from it."""

    def __init__(self, state: State, when_changed: Callable[[], None] = lambda: None) -> None:
        self._state = state
        self._when_changed = when_changed  # called before anything is rendered anew
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._size = 0
        self._token = ""
        self._asked = 0.0
        self._looked: dict[Path, float] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def forget(self) -> None:
        """Let every page go, and ask anew before the next answer: something was just sent to this site."""
        self._token = ""
        self._kept.clear()
        self._size = 0

    async def _current(self) -> str:
        """The text that is another one as soon as any public page may read otherwise."""
        now = time.monotonic()
        if not self._token or now - self._asked >= FRESH:
            told = f"{templates_version()} {await self._state()!r}"
            token = hashlib.sha256(told.encode()).hexdigest()
            self._asked = now
            if token != self._token:
                self.forget()
                self._token = token
                self._when_changed()
        return self._token

    async def _untouched(self, kept: Kept) -> bool:
        """Whether an edition's files are as they were when the page was made; looked at once a second at most."""
        if kept.folder is None or time.monotonic() - self._looked.get(kept.folder, -FRESH) < FRESH:
            return True
        if await asyncio.to_thread(file_signature, kept.folder) != kept.signature:
            return False
        self._looked[kept.folder] = time.monotonic()
        return True

    def _put(self, key: Key, kept: Kept) -> None:
        if len(kept.body) > LARGEST or key in self._kept:
            return
        self._kept[key] = kept
        self._size += len(kept.body)
        while self._size > MOST:
            self._size -= len(self._kept.popitem(last=False)[1].body)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The layer over the one that packs pages."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "GET" or security.cookie(scope, COOKIE):
                await app(scope, receive, send)
                if scope["type"] == "http" and scope["method"] != "GET" and scope["path"].startswith("/staff"):
                    self.forget()  # so that who did something sees it done
                return
            if not is_public(scope["path"]):
                await app(scope, receive, send)
                return
            try:
                token = await self._current()
            except database.DatabaseError:  # the page itself will say so
                await app(scope, receive, send)
                return
            key = (scope["path"], scope["query_string"], language.current.get(), takes_gzip(scope))
            tag = b'W/"%s"' % hashlib.sha256(f"{token} {key[:3]!r}".encode()).hexdigest()[:32].encode()
            kept = self._kept.get(key)
            known = tag.decode() in security.header(scope, b"if-none-match")
            if kept is not None and await self._untouched(kept):
                self._kept.move_to_end(key)
                await _send(send, tag, known, kept.headers, kept.body)
                return
            if kept is not None:
                self._size -= len(self._kept.pop(key).body)
            await self._render(app, scope, receive, send, key, tag, token)

        return call

    async def _render(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, key: Key, tag: bytes, token: str
    ) -> None:
        """Let the page be made, and keep it where it says that it may be."""

        async def finish(start: Message, body: bytes) -> None:
            headers = [*start["headers"], (b"etag", tag)]  # type: ignore[typeddict-item]
            edition = scope[MARK]  # type: ignore[literal-required]
            made_from = (edition.folder, edition.signature) if isinstance(edition, Edition) else (None, ())
            if token == self._token:
                self._put(key, Kept(headers, body, *made_from))
            await _send(send, tag, tag.decode() in security.header(scope, b"if-none-match"), headers, body)

        await gathered(app, scope, receive, send, lambda start: MARK in scope and _plain(start), finish)


def _plain(message: Message) -> bool:
    """Whether an answer is a page, for everybody the same."""
    names = {name for name, _value in message["headers"]}  # type: ignore[typeddict-item]
    return message["status"] == 200 and not names & {b"set-cookie", b"etag"}  # type: ignore[typeddict-item]


async def _send(send: Send, tag: bytes, known: bool, headers: Headers, body: bytes) -> None:
    """The page, or that the browser has it already."""
    if known:
        status, headers, body = 304, [*UNCHANGED, (b"etag", tag)], b""
    else:
        status, headers = 200, [*headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


UNCHANGED: Headers = [(b"cache-control", b"no-cache"), (b"vary", b"Cookie, Accept-Language, Accept-Encoding")]


def is_public(path: str) -> bool:
    """Whether an address is one of the pages on ratings."""
    return path in ("/", "/find") or path.startswith(("/editions", "/questionnaires"))
