"""The queue before the writer: responses are stored in batches, and answered when they are on disk.

One writer a process of the server: `evaluator.collection.storing` in a thread, or in a process of its own
(`evaluator.collection.writer_process`).
"""

from __future__ import annotations

import asyncio
from collections import deque

from evaluator import database, problems
from evaluator.collection.promises import Promised
from evaluator.collection.responses import ResponseRow
from evaluator.collection.storing import Given, Outcome, Sink

Waiting = tuple[Given, "asyncio.Future[Outcome]"]


class Intake:
    """`submit` returns when its row is on disk, or says that this or another one is there under its code.

    Parameters
    ----------
    sink : Sink
    batch : int
        Rows in one transaction at most.
    depth : int
        Rows that may wait; one more is refused with 503 rather than kept waiting for ever.
    """

    def __init__(self, sink: Sink, *, batch: int = 256, depth: int = 4096) -> None:
        self._sink, self._batch, self._depth = sink, batch, depth
        self._waiting: deque[Waiting] = deque()
        self._something = asyncio.Event()  # waits, or nothing more will come
        self._closing = False
        self._task = asyncio.create_task(self._run())

    @property
    def is_full(self) -> bool:
        """Whether nothing more is taken at the moment, or for good."""
        return self._closing or len(self._waiting) >= self._depth

    async def submit(self, row: ResponseRow, promised: Promised | None = None, draft: str | None = None) -> Outcome:
        """Store a response, sign what is promised of it, and delete the draft of this name, if there is one.

        Raises
        ------
        Problem
            503 when too many wait or the process is closing.
        DatabaseError
            The database refused this row, or is not available.
        """
        if self.is_full:
            raise problems.too_busy()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((Given(row, promised, draft), future))
        self._something.set()
        return await future  # a client that goes away cancels this alone: its row waits and will be stored

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if self._waiting:
                await self._store(self._next())
            else:
                self._something.clear()
                await self._something.wait()

    def _next(self) -> list[Waiting]:
        """What waits, as much as one transaction takes; a second row of a code waits for the fate of the first."""
        batch: list[Waiting] = []
        codes: set[str] = set()
        held: list[Waiting] = []
        while self._waiting and len(batch) < self._batch:
            one = self._waiting.popleft()
            code = one[0].row.code_hash
            if code in codes:
                held.append(one)
                continue
            batch.append(one)
            if code is not None:
                codes.add(code)
        self._waiting.extendleft(reversed(held))
        return batch

    async def _store(self, batch: list[Waiting]) -> None:
        try:
            outcomes = await self._sink.write([given for given, _ in batch])
        except database.Unavailable as error:  # no row is to blame, and trying each would only take longer
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            middle = len(batch) // 2  # one bad row must not fail its neighbours
            await self._store(batch[:middle])
            await self._store(batch[middle:])
        else:
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)

    async def close(self) -> None:
        """Take nothing more, store what waits, and let the database go."""
        self._closing = True
        self._something.set()
        await self._task
        await self._sink.close()


def _fail(batch: list[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # nobody may be waiting any more; that is not worth a warning
