"""An edition of nearly the same answers as one that was shown is published only if it was held against it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evaluator.problems import Problem
from evaluator.publication.lifecycle import release
from evaluator.publication.publishing import publish
from evaluator.rating.edition import NOTE, SUMS, SnapshotNote, identifier, pretty, read_note, sums
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings

DAY = date(2027, 1, 15)
OLD, NEW = "0" * 64, "1" * 64  # SHA-256 of snapshots


@pytest.fixture
def made(small_folder: Path, tmp_path: Path) -> Any:
    """The small edition as if real people had answered, with changes to its edition.json."""

    def make(name: str, **changes: Any) -> Path:
        folder = Path(shutil.copytree(small_folder, tmp_path / name))
        note = msgspec.structs.replace(read_note(folder), simulated=False, data_status=None, **changes)
        (folder / NOTE).write_bytes(pretty(msgspec.structs.replace(note, identifier=identifier(note, folder))))
        (folder / SUMS).write_text(sums(folder), encoding="utf-8")
        return folder

    return make


async def test_what_could_be_subtracted_is_refused_and_a_draft_is_not_compared_with(
    settings: Settings, made: Any, database_url: str
) -> None:
    old = made("old", snapshot=SnapshotNote(OLD))
    name = read_note(old).identifier
    new = made("new", snapshot=SnapshotNote(NEW), supersedes=name, why="left out by rule 2")
    later = made("later", snapshot=SnapshotNote(NEW), seed=9, period=(date(2027, 1, 1), date(2027, 12, 31)))
    held = made(
        "held", snapshot=SnapshotNote(NEW), supersedes=name, why="left out by rule 2", seed=8, held_against=(OLD,)
    )
    draft = await publish(
        settings, made("draft", snapshot=SnapshotNote(NEW), seed=6), lambda folder: (), DAY, draft=True
    )
    await publish(settings, old, lambda folder: (), DAY)
    with pytest.raises(Problem, match=f"--against and the snapshot that {name} was computed from \\({OLD}\\)"):
        await publish(settings, new, lambda folder: (), DAY)
    with pytest.raises(Problem, match="--against"):
        await release(settings, draft.identifier, DAY)
    await publish(settings, later, lambda folder: (), DAY)  # nobody answered in both years
    await publish(settings, held, lambda folder: (), DAY)
    states = {row.identifier: row.state for row in await PublishedEdition.objects()}
    assert states == {
        draft.identifier: "draft",
        name: "superseded",
        read_note(later).identifier: "published",
        read_note(held).identifier: "published",
    }
