"""Units from CSV: the whole file is taken, or nothing and every bad row is named."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Mapping
from datetime import date
from graphlib import CycleError, TopologicalSorter

import msgspec

from evaluator import database
from evaluator.ledger.audit import record
from evaluator.problems import FieldProblem, Problem
from evaluator.settings import Settings
from evaluator.units.codes import canonical_code, code_problem, credit_code_problem
from evaluator.units.tables import KINDS, Unit

NEEDED = ("code", "parent", "level", "name_zh")
BATCH = 500
MOST_NAMED = 100  # units that an entry of the audit log names one by one


class UnitRow(msgspec.Struct, frozen=True):
    """A unit as a file or a form gives it, parsed."""

    code: str
    parent: str | None
    level: str
    name_zh: str
    kind: str = "area"  # area, zone or department
    name_en: str = ""
    population: int | None = None
    credit_code: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    successor: str | None = None


COLUMNS = UnitRow.__struct_fields__


def _(message: str) -> str:
    return message


def _refused(errors: list[FieldProblem]) -> Problem:
    return Problem(
        422, _("The units were not imported"), _("Problems found: %(count)d. Nothing was changed."),
        errors=errors, count=len(errors),
    )  # fmt: skip


def read_units(content: bytes) -> list[UnitRow]:
    """The rows of a CSV file in UTF-8 (with or without BOM), columns by name in any order.

    Raises
    ------
    Problem
        Naming every bad row with its column and what would be right.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused([FieldProblem("file", f"byte {error.start} is not UTF-8; save the file as CSV UTF-8")]) from None
    if "\x00" in text:
        raise _refused([FieldProblem("file", "holds NUL characters; it is not a CSV file")])
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = [name.strip() for name in reader.fieldnames or []]
    errors = [
        FieldProblem(f"column {name}", f"unknown; known columns: {', '.join(COLUMNS)}")
        for name in header
        if name not in COLUMNS
    ] + [FieldProblem(f"column {name}", "missing") for name in NEEDED if name not in header]
    if errors:
        raise _refused(errors)
    reader.fieldnames = header
    rows: list[UnitRow] = []
    for number, raw in enumerate(reader, 2):
        if None in raw:
            errors.append(FieldProblem(f"row {number}", f"has more cells than the header's {len(header)}"))
            continue
        row = _row(number, {k: (v or "").strip() for k, v in raw.items()}, errors)
        if row is not None:
            rows.append(row)
    if errors:
        raise _refused(errors)
    return rows


def _row(number: int, cells: Mapping[str, str], errors: list[FieldProblem]) -> UnitRow | None:
    before = len(errors)

    def wrong(column: str, why: str) -> None:
        errors.append(FieldProblem(f"row {number} column {column}", f"“{cells.get(column, '')}” {why}"))

    kind = cells.get("kind") or "area"
    code = canonical_code(cells["code"])
    if kind not in KINDS:
        wrong("kind", f"is none of {', '.join(KINDS)}")
    elif why := code_problem(code, kind):
        wrong("code", why)
    if not cells["name_zh"] or len(cells["name_zh"]) > 120:
        wrong("name_zh", "must have 1 to 120 characters")
    if not cells["level"] or len(cells["level"]) > 16:
        wrong("level", "must have 1 to 16 characters")
    population: int | None = None
    if text := cells.get("population"):
        if text.isascii() and text.isdigit() and len(text) < 11:
            population = int(text)
        else:
            wrong("population", "is not a whole number of people")
    credit = cells.get("credit_code") or None
    if credit and (why := credit_code_problem(credit)):
        wrong("credit_code", why)
    days: dict[str, date | None] = {"valid_from": None, "valid_to": None}
    for column in days:
        if text := cells.get(column):
            try:
                days[column] = date.fromisoformat(text)
            except ValueError:
                wrong(column, "is not a date; write 2026-01-31")
    start, end = days["valid_from"], days["valid_to"]
    if start and end and start > end:
        wrong("valid_to", f"is before valid_from {start}")
    if len(errors) > before:
        return None
    return UnitRow(
        code=code,
        parent=canonical_code(cells["parent"]) or None,
        level=cells["level"],
        name_zh=cells["name_zh"],
        kind=kind,
        name_en=cells.get("name_en", "")[:160],
        population=population,
        credit_code=credit,
        valid_from=start,
        valid_to=end,
        successor=canonical_code(cells.get("successor", "")) or None,
    )


def check_tree(rows: Iterable[UnitRow], existing: Mapping[str, str | None]) -> list[UnitRow]:
    """The rows, parents before children, after checking them together with the units that exist (code -> parent).

    Raises
    ------
    Problem
        A code twice, a parent or successor that is nowhere, an area not under the area that its code says, a circle of
        parents.
    """
    rows = list(rows)
    by_code: dict[str, UnitRow] = {}
    errors: list[FieldProblem] = []
    for row in rows:
        if row.code in by_code:
            errors.append(FieldProblem(f"unit {row.code}", "stands twice in the file"))
        by_code[row.code] = row
    known = set(existing) | set(by_code)
    for row in rows:
        for column, other in (("parent", row.parent), ("successor", row.successor)):
            if other is not None and other not in known:
                near = difflib.get_close_matches(other, known, 3)
                hint = f"; likely: {', '.join(near)}" if near else ""
                errors.append(
                    FieldProblem(f"unit {row.code} column {column}", f"“{other}” is no unit here or in the file{hint}")
                )
        if row.kind == "area" and row.parent is not None and not row.code.startswith(row.parent):
            errors.append(
                FieldProblem(
                    f"unit {row.code} column parent",
                    f"“{row.parent}” is not the beginning of the code; areas nest by code",
                )
            )
        if row.successor == row.code:
            errors.append(FieldProblem(f"unit {row.code} column successor", "is the unit itself"))
    parents = {**existing, **{row.code: row.parent for row in rows}}
    try:
        order = list(
            TopologicalSorter({code: ([parent] if parent else []) for code, parent in parents.items()}).static_order()
        )
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        errors.append(FieldProblem("column parent", f"goes in a circle: {circle}"))
        order = []
    if errors:
        raise _refused(errors)
    return [by_code[code] for code in order if code in by_code]


async def import_units(rows: Iterable[UnitRow], settings: Settings | None = None, by: str = "") -> int:
    """Insert the units, or bring those that exist up to date, in one transaction. Gives the number of rows.

    With `settings` the audit log says so in the same transaction, and `by` whom: a role and a number.

    Raises
    ------
    Problem
        See `check_tree`; nothing was changed.
    """
    async with database.engine().transaction():
        existing = {unit["code"]: unit for unit in await Unit.select(*(getattr(Unit, name) for name in COLUMNS))}
        ordered = check_tree(rows, {code: unit["parent"] for code, unit in existing.items()})
        new = [row for row in ordered if row.code not in existing]
        for start in range(0, len(new), BATCH):
            # a successor may stand later in the file: set in a second pass
            await Unit.insert(
                *(Unit(**{**msgspec.structs.asdict(row), "successor": None}) for row in new[start : start + BATCH])
            )
        changed = [row for row in ordered if row.code in existing and not _same(row, existing[row.code])]
        for row in [*changed, *(row for row in new if row.successor)]:
            values = msgspec.structs.asdict(row)
            del values["code"]
            await Unit.update(values).where(Unit.code == row.code)
        if settings is not None:
            codes = sorted(row.code for row in [*new, *changed])
            some = {"units": codes} if len(codes) <= MOST_NAMED else {}
            await record(settings, "units.imported", by=by, new=len(new), changed=len(changed), **some)
    return len(ordered)


def _same(row: UnitRow, unit: Mapping[str, object]) -> bool:
    """Whether a unit is as its row says; SQLite has dates as texts."""
    return all(str(unit[name]) == str(value) for name, value in msgspec.structs.asdict(row).items())
