"""Sheets of an XLSForm as rows of texts, and places in them as the lines that mistakes have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from questionnaires.mistakes import DefinitionError, Mistake
from questionnaires.reading import MOST_MISTAKES

NAMES = ("survey", "choices", "settings", "external_choices", "osm", "entities")
Place = tuple[int, int]  # line and column
ROWS = 1_000_000  # more than a sheet may have: a line is the sheet's number times this, and the row


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `rows[n]` is row n + 2: the first one has the headers."""

    name: str
    headers: tuple[str, ...]  # "" where a column has none
    rows: tuple[dict[str, str], ...]  # header: value, for what is not blank

    def column(self, header: str) -> int:
        """The column of a header, from 1."""
        return self.headers.index(header) + 1 if header in self.headers else 1

    def line(self, row: int) -> int:
        """A row of this sheet as a line."""
        return NAMES.index(self.name) * ROWS + row


@dataclass(frozen=True, slots=True)
class Workbook:
    """All sheets of a form that mean something."""

    sheets: tuple[Sheet, ...]
    names: tuple[str, ...] = ()  # of all sheets in the file

    def __getitem__(self, name: str) -> Sheet:
        return next((sheet for sheet in self.sheets if sheet.name == name), Sheet(name, (), ()))


class ImportRefusedError(DefinitionError):
    """An XLSForm that cannot be taken in. Of each mistake, `line` is a row and `where` names its sheet and column."""

    def __init__(self, file: str, mistakes: Iterable[Mistake]) -> None:
        mistakes = tuple(mistakes)
        super().__init__(file, mistakes)
        self.mistakes = mistakes  # sheet by sheet
        self.args = ("\n".join(self.lines()),)

    def lines(self) -> list[str]:
        """One line a mistake: `FILE: SHEET row ROW, COLUMN: what; what would be right`."""
        return [
            f"{self.file}: {mistake.where + ': ' if mistake.where else ''}{mistake.message()}"
            for mistake in self.mistakes
        ]


class Findings:
    """Collects what is to be told, each at a place: a line and a column."""

    def __init__(self) -> None:
        self.found: list[Mistake] = []

    @property
    def full(self) -> bool:
        """Whether no more is collected, so that nothing need be looked for."""
        return len(self.found) >= MOST_MISTAKES

    def __call__(self, place: Place, what: str, right: str = "", **values: str) -> None:
        if not self.full:
            self.found.append(Mistake(*place, "", what, right, tuple(values.items())))


def refused(file: str, what: str, right: str = "", **values: str) -> ImportRefusedError:
    """A refusal of the whole file."""
    return ImportRefusedError(file, [Mistake(1, 1, "", what, right, tuple(values.items()))])


def placed(mistakes: Iterable[Mistake], book: Workbook) -> list[Mistake]:
    """Mistakes whose lines are places of a workbook, with rows for people, in the order of the workbook."""
    found = []
    for mistake in sorted(dict.fromkeys(mistakes), key=lambda one: (one.line, one.column)):
        number, row = divmod(mistake.line, ROWS)
        if row == 0 or number >= len(NAMES):
            found.append(Mistake(1, 1, "", mistake.what, mistake.right, mistake.values))
            continue
        sheet = book[NAMES[number]]
        header = sheet.headers[mistake.column - 1] if 0 < mistake.column <= len(sheet.headers) else ""
        where = f"{sheet.name} row {row}" + (f", {header}" if header and mistake.column > 1 else "")
        found.append(Mistake(row, mistake.column, where, mistake.what, mistake.right, mistake.values))
    return list(dict.fromkeys(found))
