"""A rating that was taken: the same edition with the decision and its reason in it, as a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from evaluator.rating.datapackage import datapackage
from evaluator.rating.defects import InputError
from evaluator.rating.doors import EDITION, door_of
from evaluator.rating.edition import (
    NOTE,
    PACKAGE,
    SCHEME,
    SUMS,
    Note,
    identifier,
    pretty,
    published_files,
    read_note,
    sums,
)
from evaluator.rating.folders import new_folder
from evaluator.rating.scheme_file import load_scheme


def decided_edition(folder: Path, out: Path, decision: str) -> Note:
    """Write the edition of `folder` anew to `out`, with the decision in edition.json.

    Not a figure changes; the identifier does, since it covers the decision.

    Raises
    ------
    InputError
        `folder` is no edition, `out` exists, or there is no decision.
    """
    if not decision.strip():
        raise InputError(["the decision is empty; say what was decided and why"])
    before = read_note(folder)
    with new_folder(out) as made:
        for name in published_files(folder):
            if name not in (NOTE, PACKAGE, SUMS):
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / name, made / name)
        note = msgspec.structs.replace(before, decision=decision.strip(), identifier="")
        note = msgspec.structs.replace(note, identifier=identifier(note, made))
        (made / NOTE).write_bytes(pretty(note))
        doors = [door_of(name, note.simulated) for name in EDITION]
        described = datapackage(
            made, doors, note.identifier, load_scheme(made / SCHEME), note.title, note.data_status, note.snapshot.source
        )
        (made / PACKAGE).write_bytes(pretty(described))
        (made / SUMS).write_text(sums(made), encoding="utf-8")
    return note
