"""Long commands that can be stopped: the work is left as an exception, which tidies up, and the exit code says how."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from methods.queries import interrupt_queries


@contextmanager
def stoppable(say: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM leave the block as KeyboardInterrupt; then `say` is called and the exit code is 130 or 143."""
    received: int = signal.SIGINT

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal received
        received = number
        interrupt_queries()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        say()
        sys.exit(128 + received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
