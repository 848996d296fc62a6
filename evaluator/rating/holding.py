"""Whose answers an edition counts, where others of the same answers are out: a few more or fewer are not told apart."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from evaluator.rating.defects import InputError
from evaluator.rating.edition import Edition, Note, read_note
from evaluator.rating.scheme import Scheme
from evaluator.rating.snapshot import ALWAYS, Snapshot, examine, fingerprint
from evaluator.rating.tabular import Table
from methods.disclosure.holding import Apart, Held, Part, hold

Days = tuple[date, date] | None  # first and last; None: nobody says


@dataclass(frozen=True, slots=True)
class Count:
    """Responses that were counted, or are."""

    snapshot: Snapshot  # with them and the sample that belongs to them
    together: frozenset[str]  # units whose flagged responses are not told apart from the others


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted, and what was before."""

    now: Count
    earlier: tuple[Count, ...]  # the last one last
    against: tuple[str, ...]  # SHA-256 of the snapshots that it was held against
    units: int  # whose answers, or some of them, are those of an earlier count


def shared(scheme: Scheme, snapshot: Snapshot, edition: Edition) -> list[str]:
    """SHA-256 of the snapshots that an edition rests on, where it may have counted answers that are counted again.

    None where either asks no citizens, where their periods have no day in common, or their logs are different ones.
    """
    if snapshot.responses is None or not _asks(scheme) or not _asks(edition.scheme):
        return []
    if disjoint(_period(snapshot), snapshot.log_head, edition.note.period, edition.note.log_head):
        return []
    chain = _chain(edition.note)
    return chain[:-1] if chain[-1] == snapshot.sha256 else chain


def may_subtract(edition: Edition, other: Edition) -> bool:
    """Whether an edition may count some of the other's answers, and was not held against them."""
    ours, theirs = edition.note, other.note
    return (
        theirs.snapshot.sha256 not in (ours.snapshot.sha256, *ours.held_against)
        and _asks(edition.scheme)
        and _asks(other.scheme)
        and not (ours.simulated or theirs.simulated)
        and not disjoint(ours.period, ours.log_head, theirs.period, theirs.log_head)
    )


def beside(snapshot: Path, editions: Sequence[Path]) -> list[Path]:
    """Folders beside a snapshot's that are the snapshots which these editions rest on."""
    wanted = {sha256 for one in editions for sha256 in _chain(read_note(one))}
    if not wanted:
        return []
    folders = [folder for folder in sorted(snapshot.parent.iterdir()) if folder.is_dir() and folder != snapshot]
    return [folder for folder in folders if fingerprint(folder) in wanted]


def _chain(note: Note) -> list[str]:
    return [*note.held_against, note.snapshot.sha256]


def _period(snapshot: Snapshot) -> Days:
    return None if snapshot.period == ALWAYS else snapshot.period


def disjoint(period: Days, log_head: str | None, other_period: Days, other_head: str | None) -> bool:
    """Whether no answer of one period and its logs can be among those of the other."""
    if period and other_period and (other_period[1] < period[0] or period[1] < other_period[0]):
        return True
    ours, theirs = _origins(log_head), _origins(other_head)
    return bool(ours and theirs and not ours & theirs)


def _origins(log_head: str | None) -> set[str]:
    return {head.split(" ")[0] for head in (log_head or "").split("; ") if head}


def _asks(scheme: Scheme) -> bool:
    return any(one.source == "citizen" for one in scheme.indicators)


@contextmanager
def counted(
    scheme: Scheme, snapshot: Snapshot, against: Sequence[Path], chain: Sequence[str], *, needed: bool = True
) -> Iterator[Counted]:
    """The snapshot with the responses that count, for the time of the block.

    Parameters
    ----------
    against
        Folders of snapshots that published editions were computed from.
    chain
        SHA-256 of those that an edition named rests on, the first one first; others that are given follow.
    needed
        Whether nothing may be computed while one of them is missing.

    Raises
    ------
    InputError
        A snapshot of the chain is not given, or one cannot be read.
    """
    given = {snapshot.sha256: snapshot} | {one.sha256: one for one in map(_read, against)}
    if needed and (missing := [one for one in chain if one not in given]):
        raise InputError([_needed(one) for one in missing])
    others = [
        sha256
        for sha256, one in given.items()
        if one is not snapshot and not disjoint(_period(snapshot), snapshot.log_head, _period(one), one.log_head)
    ]
    order = [one for one in dict.fromkeys([*chain, *others]) if one in given]
    if snapshot.responses is None or not _asks(scheme) or not order:
        yield Counted(Count(snapshot, frozenset()), (), (), 0)
        return
    with tempfile.TemporaryDirectory(prefix="evaluator-counted-") as place:
        done: list[tuple[Count, Held]] = []
        for number, one in enumerate([*(given[sha256] for sha256 in order), snapshot]):
            if one.responses is None:
                continue
            out = Path(place) / f"{number}.parquet"
            held = hold(
                one.responses,
                [before for _, before in done],
                out,
                scheme.publication.cell_min,
                _groups(scheme, [*given.values()]),
                _scored([*given.values()]),
            )
            tables, scoring = dict(one.tables), dict(one.scoring)
            if done:
                last = done[-1][0].snapshot
                scoring = {**last.scoring, **scoring}
                tables["sample"] = _sample(tables.get("sample"), last.tables.get("sample"), _ungrouped(held.held))
            counting = replace(one, responses=out, tables=tables, scoring=scoring)
            done.append((Count(counting, _ungrouped(held.together)), held))
        counts = [one for one, _ in done]
        rated = {str(unit) for unit in snapshot.tables["units"]["unit"]}
        units = len(rated & {unit for unit, _ in done[-1][1].held})
        yield Counted(counts[-1], tuple(counts[:-1]), tuple(order), units)


def _ungrouped(parts: frozenset[Part]) -> frozenset[str]:
    """Units of parts that nobody takes apart: what the unit itself is rated by."""
    return frozenset(unit for unit, part in parts if "1" not in part)


def _read(folder: Path) -> Snapshot:
    if not folder.is_dir():
        raise InputError([f"{folder} is not a folder; give the folder of a snapshot"])
    read, defects = examine(folder, None)
    if read is None or defects:
        raise InputError([f"{folder}: {defect}" for defect in defects])
    return read


def _needed(sha256: str) -> str:
    return (
        f"an edition that may have counted some of the same answers rests on the snapshot {sha256}; give its folder "
        "with --against, so that nobody can work out by subtraction what the few said who came or went"
    )


def _groups(scheme: Scheme, snapshots: Sequence[Snapshot]) -> list[Apart]:
    """Who is counted apart: what sets a response apart, then the scheme's groups."""
    items = list({one.item: one for of in snapshots for asked in of.scoring.values() for one in asked}.values())
    column = {one.item: one.column or f"q_{one.item}" for one in items}
    found = [(column[one.item], tuple(one.set_apart)) for one in sorted(items, key=_item) if one.set_apart]
    return found + [(column[one.item], tuple(one.choices)) for one in scheme.groups if one.item in column]


def _scored(snapshots: Sequence[Snapshot]) -> dict[str, set[str]]:
    """Columns of which means are made, and of each the codes without a score."""
    found: dict[str, set[str]] = {}
    for one in (one for of in snapshots for asked in of.scoring.values() for one in asked if one.kind != "none"):
        unscored = {code for code, score in one.scores.items() if score is None}
        found.setdefault(one.column or f"q_{one.item}", set()).update(unscored, one.missing)
    return found


def _item(one: object) -> str:
    return str(getattr(one, "item", ""))


def _sample(new: Table | None, old: Table | None, units: frozenset[str]) -> Table:
    """The rows of the sampling design, those of `units` as they were."""
    if new is None or old is None:
        return new or old or {}

    def of(table: Table, inside: bool) -> Table:
        rows = np.array([(str(unit) in units) == inside for unit in table["unit"]], bool)
        return {name: column[rows] for name, column in table.items()}

    kept, taken = of(new, False), of(old, True)
    names = [name for name in kept if name in taken]
    return {name: np.concatenate([kept[name], taken[name]]) for name in names}
