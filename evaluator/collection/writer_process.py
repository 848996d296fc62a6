"""The writer in a process of its own: storing and signing take no time of the process that answers people.

The server's process sends batches over a pair of sockets and gets back what became of each. It ends when the other end
does: what it was given by then is stored first. Signals that stop a server leave it alone, for the server stores what
waits before it ends. If it dies, nobody was told that the batch is stored; whoever tries again gets the same outcome.

    python -m evaluator.collection.writer_process    started by the server, its socket as standard input
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from evaluator import database
from evaluator.collection.storing import Given, Outcome, Sink, sink_for
from evaluator.settings import Settings

log = logging.getLogger("evaluator")

LENGTH = 4  # bytes before each message
STOPPED_BY = (signal.SIGINT, signal.SIGTERM)
KINDS = {kind.__name__: kind for kind in (
    database.DatabaseError, database.AlreadyExists, database.StillReferenced, database.RuleBroken, database.Unavailable,
)}  # fmt: skip


class Reply(msgspec.Struct, frozen=True):
    """What became of a batch, or why nothing is stored: an error by its kind and text."""

    outcomes: list[Outcome] = []
    kind: str = ""
    text: str = ""


_encode = msgspec.msgpack.Encoder(enc_hook=str).encode  # a path is a text on its way
_settings = msgspec.msgpack.Decoder(Settings, dec_hook=lambda kind, text: kind(text))
_batch = msgspec.msgpack.Decoder(list[Given])
_reply = msgspec.msgpack.Decoder(Reply)


def _framed(message: object) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(LENGTH) + body


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    """The next message; None at the end. Raises an IncompleteReadError when it ends within one."""
    try:
        length = await reader.readexactly(LENGTH)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    return await reader.readexactly(int.from_bytes(length))


# --- the server's end -------------------------------------------------------------------------------------------------


class WriterProcess:
    """A sink in another process, which is started anew when it died."""

    def __init__(self, settings: Settings) -> None:
        self._settings = msgspec.structs.replace(settings, secret_key="", oidc_client_secret="")  # it needs neither
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def start(self) -> None:
        """Start it; it is ready some tenths of a second later, and keeps what it is sent meanwhile."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", __name__]
            self._process = subprocess.Popen(command, stdin=theirs)  # noqa: ASYNC220, S603 our own Python; it takes no time
        self._streams = await asyncio.open_unix_connection(sock=ours)
        self._streams[1].write(_framed(self._settings))

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def write(self, batch: Sequence[Given]) -> list[Outcome]:
        """Store a batch and sign its promises there. Raises a DatabaseError when nothing is known to be stored."""
        if self._streams is None:
            await self.start()
        assert self._streams is not None
        reader, writer = self._streams
        try:
            writer.write(_framed(batch))
            await writer.drain()
            answer = await _read(reader)
            if answer is None:
                raise ConnectionResetError
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise database.Unavailable("the writer's process ended; the next answer starts it anew") from error
        reply = _reply.decode(answer)
        if reply.kind:
            raise KINDS.get(reply.kind, RuntimeError)(reply.text)
        return reply.outcomes

    async def close(self) -> None:
        """Let it end, and wait for that."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)
            self._process = None


# --- its own end ------------------------------------------------------------------------------------------------------


async def _answered(sink: Sink, batch: list[Given]) -> Reply:
    try:
        return Reply(await sink.write(batch))
    except Exception as error:
        if not isinstance(error, database.DatabaseError):  # nobody else sees where it happened
            log.error("the writer failed", exc_info=error)
        return Reply(kind=type(error).__name__, text=str(error))


async def _serve(end: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=end)
    first = await _read(reader)
    if first is None:
        return
    sink = sink_for(_settings.decode(first))
    try:
        while (message := await _read(reader)) is not None:
            writer.write(_framed(await _answered(sink, _batch.decode(message))))
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):  # the server died: what it had sent whole is stored
        pass
    finally:
        await sink.close()
        writer.close()


def main() -> None:
    for stopped_by in STOPPED_BY:
        signal.signal(stopped_by, signal.SIG_IGN)
    asyncio.run(_serve(socket.socket(fileno=sys.stdin.fileno())))


if __name__ == "__main__":
    main()
