"""Answers taken whole by a layer around the application, to be sent on otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from litestar.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]


async def gathered(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    wanted: Callable[[Message], bool],
    finish: Callable[[Message, bytes], Awaitable[None]],
) -> None:
    """Let the application answer; an answer whose start is `wanted` goes to `finish` with its whole body, unsent.

    All others go on as they come, a part at a time.
    """
    start: Message | None = None
    parts: list[bytes] = []

    async def sending(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and wanted(message):
            start = message
            return
        if start is None or message["type"] != "http.response.body":
            await send(message)
            return
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            await finish(start, b"".join(parts))

    await app(scope, receive, sending)
