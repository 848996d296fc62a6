"""Telling people what the demo does: a line a step with its seconds, and a bar while it runs."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[float], None]  # share of the step that is done, 0 to 1


class Steps:
    """Prints to standard output; remembers the seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Advance]:
        """One step: `with steps.step("...") as advance: ... advance(0.5)`."""
        begun = time.perf_counter()
        columns = (
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        )  # fmt: skip
        if not self.console.is_terminal:
            self.console.print(f"{title} ...", soft_wrap=True)
        with Progress(
            *columns, console=self.console, transient=True, disable=not self.console.is_terminal, refresh_per_second=4
        ) as bar:
            task = bar.add_task(title, total=None)

            def advance(share: float) -> None:
                bar.update(task, total=1.0, completed=min(max(share, 0.0), 1.0))

            yield advance
        self.seconds[title] = time.perf_counter() - begun
        self.console.print(f"  {self.seconds[title]:6.1f} s  {title}", soft_wrap=True)

    def part(self, title: str, seconds: float) -> None:
        """What a part of the last step took."""
        self.console.print(f"    {seconds:6.1f} s  {title}", soft_wrap=True)

    def say(self, text: str = "") -> None:
        """A line of its own."""
        self.console.print(text, soft_wrap=True, markup=False)


def peak_memory() -> tuple[float, float]:
    """Most memory ever held at once, in MB: by this process, and by the largest of those it started and that ended."""
    unit = 1 / 1024 if sys.platform != "darwin" else 1 / 1024 / 1024
    own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own * unit, children * unit
