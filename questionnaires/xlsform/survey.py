"""The rows of the sheet survey, each with its type understood and its place among the groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyxform import aliases  # type: ignore[import-untyped]

from questionnaires.xlsform.headers import OWN, meaning
from questionnaires.xlsform.sheets import NAMES, ROWS, Sheet

CONTROLS = "|".join(sorted(aliases.control, key=len, reverse=True))
CONTROL = re.compile(rf"(begin|end)[ _]({CONTROLS})(?: (?:over )?(\S+))?\Z")
SELECTS = "|".join(sorted(map(re.escape, aliases.select), key=len, reverse=True))
SELECT = re.compile(rf"({SELECTS}) (\S+)( (?:or specify other|or_other|or other))?\Z")
YES = tuple(name for name, holds in aliases.yes_no.items() if holds)


class Columns:
    """The columns of a sheet by what they mean."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.headers: dict[str, list[str]] = {}
        for header in sheet.headers:
            if header:
                self.headers.setdefault(meaning(header), []).append(header)
        self.own = tuple(header for header in sheet.headers if header.lower().startswith(OWN))

    def cell(self, row: dict[str, str], name: str) -> str:
        """The first value of a row in the columns of this meaning; "" when there is none."""
        for header in self.headers.get(name, ()):
            if header in row:
                return row[header]
        return ""

    def place(self, number: int, name: str = "") -> tuple[int, int]:
        """A row's place in a column, for mistakes."""
        headers = self.headers.get(name, ())
        return NAMES.index(self.sheet.name) * ROWS + number, self.sheet.column(headers[0]) if headers else 1


@dataclass(slots=True)
class Row:
    """A row that says something."""

    number: int  # as a spreadsheet shows it
    cells: dict[str, str]
    type: str  # in the spelling of the file, with single spaces
    name: str
    control: str = ""  # begin, end, or "" for a question
    kind: str = ""  # of a group: group, repeat, loop
    list: str = ""  # of a select
    command: str = ""  # of a select: select one, select all that apply, rank, ...
    other: bool = False  # or_other
    path: tuple[str, ...] = field(default=())  # names of the groups around it, and its own
    around: tuple[str, ...] = field(default=())  # names of the groups around it


def rows_of(columns: Columns) -> Iterator[Row]:
    """The rows that have a type or a name, disabled ones left out; paths follow begin and end as far as they fit."""
    around: list[str] = []
    for number, cells in enumerate(columns.sheet.rows, 2):
        if not cells or columns.cell(cells, "disabled") in YES:
            continue
        written = " ".join(columns.cell(cells, "type").split())
        row = Row(number, cells, written, columns.cell(cells, "name"))
        control, select = CONTROL.match(written), SELECT.match(written)
        if control is not None:
            row.control, row.kind = control[1], aliases.control[control[2]]
        elif select is not None:
            row.command, row.list, row.other = aliases.select[select[1]], select[2], bool(select[3])
            if "from" in select[1] and "file" in select[1]:
                row.command = "from file"
        if written == "audit":
            row.name = row.name or "audit"
        elif written == "note" and not row.name:
            row.name = f"generated_note_name_{number}"
        if row.control == "end":
            row.path = tuple(around)
            del around[-1:]
        else:
            row.path = ("meta", row.name) if written == "audit" else (*around, row.name)
            row.around = tuple(around)
            if row.control == "begin":
                around.append(row.name)
        yield row
