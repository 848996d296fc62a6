"""Public pages, the style sheet and the scripts go compressed, so that a page is small on a slow network.

Staff's pages do not: they hold a token against forged forms, and what compresses beside chosen text can be guessed by
its length. Downloads do not either: their strong ETag names the very bytes.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from evaluator.security import header
from evaluator.whole_answers import gathered

SMALL = (b"text/html", b"text/css", b"text/javascript", b"application/javascript", b"application/x-javascript")
LEAST, MOST = 1000, 1_000_000  # bytes: below, nothing is gained; above, it is no page


def compressed(app: ASGIApp) -> ASGIApp:
    """A layer that compresses what is worth it, for whoever takes gzip."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/staff") or not takes_gzip(scope):
            await app(scope, receive, send)
            return

        async def finish(start: Message, body: bytes) -> None:
            headers = start["headers"]  # type: ignore[typeddict-item]
            for_ever = any(key == b"cache-control" and b"immutable" in value for key, value in headers)
            packed = _pack_once(body) if for_ever else _pack(body, 5)
            kept = [(key, value) for key, value in headers if key not in (b"content-length", b"etag", b"vary")]
            vary = b", ".join([*(value for key, value in headers if key == b"vary"), b"Accept-Encoding"])
            start["headers"] = [  # type: ignore[typeddict-unknown-key]
                *kept, (b"vary", vary), (b"content-encoding", b"gzip"), (b"content-length", str(len(packed)).encode()),
            ]  # fmt: skip
            await send(start)
            await send({"type": "http.response.body", "body": packed, "more_body": False})

        def wanted(start: Message) -> bool:
            return _worth_it(start["headers"])  # type: ignore[typeddict-item]

        await gathered(app, scope, receive, send, wanted, finish)

    return call


def takes_gzip(scope: Scope) -> bool:
    """Whether whoever asks reads gzip."""
    wanted = [part.replace(" ", "").lower() for part in header(scope, b"accept-encoding").split(",")]
    return any(part == "gzip" or (part.startswith("gzip;q=") and part.strip("0.") != "gzip;q=") for part in wanted)


def _worth_it(headers: list[tuple[bytes, bytes]]) -> bool:
    found = dict(headers)
    length = found.get(b"content-length", b"")
    return (
        found.get(b"content-type", b"").partition(b";")[0].strip() in SMALL
        and b"content-encoding" not in found
        and length.isdigit()
        and LEAST <= int(length) <= MOST
    )


def _pack(body: bytes, level: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)  # 31: as gzip
    return packer.compress(body) + packer.flush()


@lru_cache(maxsize=32)
def _pack_once(body: bytes) -> bytes:
    return _pack(body, 9)
