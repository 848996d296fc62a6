"""Progress of long work on standard error: bars for people, a line a step where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn


@contextmanager
def bars() -> Iterator[Callable[[str, float], None]]:
    """A function (step, share done) that shows a bar a step."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, share: float) -> None:
            if step not in tasks:
                for earlier in tasks.values():  # steps follow each other
                    shown.update(earlier, completed=1.0)
                tasks[step] = shown.add_task(step, total=1.0)
            shown.update(tasks[step], completed=min(max(share, 0.0), 1.0))

        yield tell
        for task in tasks.values():
            shown.update(task, completed=1.0)
