"""An export for analysis on the command line: how far it is, and what it left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from evaluator.collection.analysis import Exported, export_campaign
from evaluator.collection.analysis_files import Form


def export(run: Callable[..., Exported], code: str, out: Path, form: Form, texts: bool) -> Iterator[str]:
    """Export a campaign; lines that say what was written."""
    err = click.get_text_stream("stderr")
    with click.progressbar(length=1, label="responses", file=err, hidden=not err.isatty()) as bar:

        def progress(done: int, whole: int) -> None:
            bar.length = max(whole, 1)
            bar.update(done - bar.pos)

        made = run(export_campaign(code, out, form, texts=texts, progress=progress))
    yield f"{made.responses:,} responses to {', '.join(made.versions)} in {out}: {', '.join(made.written)}"
    if made.waiting:
        yield f"{made.waiting:,} more wait to be sealed and are not among them; see evaluator campaign seal"
    for question, why in made.left_out:
        yield f"left out: {question}: {why}"
    if texts:
        yield "what people wrote in their own words is among them and can name people"
    yield "confidential: no name and no order of arrival is in it, but a day, a unit and answers can point to a person"
