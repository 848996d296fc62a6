"""What changed since the edition before, under the same scheme: computed once from both, then kept beside them."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from evaluator.problems import Problem
from evaluator.publication import shelf
from evaluator.publication.editions import Edition, read_table
from evaluator.rating import tabular
from evaluator.rating.case import Measured
from evaluator.rating.changes import Side, changes
from evaluator.rating.published import read_back
from evaluator.rating.recipe import recipe
from evaluator.rating.scheme_diff import rates_alike
from evaluator.rating.tables import PublishedEdition
from evaluator.settings import Settings

log = logging.getLogger("evaluator")

DRAWS = 1000  # a standard error from so many is right to 2 %
KEPT = 4  # comparisons in memory at once
FORMAT = 1  # of what is kept; another number makes all of it anew


class Change(msgspec.Struct, frozen=True):
    """How a node of a unit moved: from `changes`, rounded as there."""

    node: str
    before: float
    after: float
    difference: float
    lower: float | None  # of the difference; None where it is not surely a change
    upper: float | None
    real: bool
    weight_compared: float  # share of the weight that both editions measured


class Since(msgspec.Struct, frozen=True):
    """All changes between two editions, by unit."""

    before: str  # the earlier edition's identifier
    rate: float  # share of the changes called real that are expected not to be
    of: dict[str, tuple[Change, ...]]

    def change(self, unit: str, node: str = "index") -> Change | None:
        return next((one for one in self.of.get(unit, ()) if one.node == node), None)


FALSE = 0.05


def earlier(edition: Edition, rows: Sequence[PublishedEdition]) -> PublishedEdition | None:
    """Of the editions given, the one that this one is compared with, if any has an earlier period.

    The one it was rated with as the edition before, or what replaced that; else the latest whose period ended before
    this one's began.
    """
    if edition.note.period is None:
        return None
    replaced = {row.supersedes: row for row in rows if row.supersedes}
    begins = edition.note.period[0]
    found = next((row for row in rows if row.identifier == edition.note.previous), None)
    if found is None:
        before = [row for row in rows if row.period_to < begins and row.identifier not in replaced]
        found = max(before, key=lambda row: (row.period_to, row.published_on, row.identifier), default=None)
    seen: set[str] = set()
    while found is not None and found.identifier in replaced and found.identifier not in seen:
        seen.add(found.identifier)
        found = replaced[found.identifier]
    return found


def compared_with(edition: Edition, rows: Sequence[PublishedEdition]) -> PublishedEdition | None:
    """What the public is shown the changes against: the edition that this one replaces, else the one before."""
    others = [row for row in rows if row.identifier != edition.identifier]
    replaced = next((row for row in others if row.identifier == edition.note.supersedes), None)
    return replaced or earlier(edition, [row for row in others if row.state != "withdrawn"])


async def prepare(settings: Settings, identifier: str) -> None:
    """Work out what an edition changed as soon as it is published: with thousands of units it takes ten seconds.

    What cannot be compared is left to the pages, which say why.
    """
    rows = [row for row in await shelf.published() if row.state != "withdrawn" and not row.files_removed]
    row = next((row for row in rows if row.identifier == identifier), None)
    if row is None:
        return
    others = [one for one in rows if one is not row]
    try:
        edition = await shelf.opened_row(settings, row)
        replaced = next((one for one in others if one.identifier == row.supersedes), None)
        for other in (replaced, earlier(edition, others)):
            if other is not None:
                before = await shelf.opened_row(settings, other)
                await asyncio.to_thread(since, settings.data_dir / "changes", before, edition)
    except Problem as error:
        log.warning("the changes of %s are not worked out beforehand: %s", identifier, error)


_kept: dict[tuple[str, str], Since] = {}
_computing = threading.Lock()


def since(folder: Path, before: Edition, after: Edition) -> Since | None:
    """The changes from `before` to `after`, from `folder` where they were computed before.

    None where their figures do not compare: rated by different schemes, or by one that makes a scale from each
    edition's data.
    """
    if not rates_alike(before.scheme, after.scheme) or not recipe(after.scheme).fixed:
        return None
    key = (before.sums, after.sums)
    with _computing:  # several visitors at once: one computes
        if key in _kept:
            return _kept[key]
        path = folder / f"{before.sums[:24]}-{after.sums[:24]}-{FORMAT}.json"
        found = _read(path)
        if found is None:
            found = compared(before, after)
            _write(path, found)
        while len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = found
        return found


def _read(path: Path) -> Since | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Since)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s is made anew: %s", path.name, error)
        return None


def _write(path: Path, found: Since) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=".json", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(found))
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def compared(before: Edition, after: Edition) -> Since:
    """The changes, computed from what both editions published."""
    table = changes(_side(before), _side(after), after.note.seed, DRAWS, FALSE)
    of: dict[str, list[Change]] = {}
    names = ("unit", "node", "before", "after", "difference", "lower", "upper", "changed", "weight_compared")
    for unit, *cells in zip(*(table[name].tolist() for name in names), strict=True) if table else ():
        node, was, now, difference, lower, upper, changed, weight = cells
        real = changed > 0
        limits = (lower, upper) if real and lower == lower and upper == upper else (None, None)
        of.setdefault(unit, []).append(Change(node, was, now, difference, *limits, real, weight))
    return Since(before.identifier, FALSE, {unit: tuple(rows) for unit, rows in of.items()})


def _side(edition: Edition) -> Side:
    with tabular.connect() as connection:
        units, ratings, inputs, factors = (
            read_table(
                connection, edition.folder, name, **({"screening": "main"} if name in ("inputs", "factors") else {})
            )
            for name in ("units", "ratings", "inputs", "factors")
        )
    taken_off = dict(zip(ratings["unit"].tolist(), ratings["deductions"].tolist(), strict=True))
    measured: Measured = read_back(edition.scheme, units, inputs, factors)
    deductions = np.nan_to_num(np.array([taken_off.get(code, 0.0) for code in units["unit"].tolist()], float))
    return Side(edition.scheme, units, measured, deductions)
