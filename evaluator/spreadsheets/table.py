"""Columns by what their headers mean: names in two languages, units in brackets, title rows above, merged cells."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml

from evaluator.spreadsheets.cells import NO_SCALE, Scale, is_blank, parse_scale, plain
from evaluator.spreadsheets.findings import Finding, Refused, Wrong, finding
from evaluator.spreadsheets.reading import Cell, Row, Sheet

HEADER_WITHIN = 12  # rows from the top in which the header is looked for


def _(message: str) -> str:
    return message


class Headings(msgspec.Struct, frozen=True):
    """What a column may be called. The first name of each is the one that messages use."""

    columns: dict[str, tuple[str, ...]]
    ignored: tuple[str, ...] = ()


class Layout(msgspec.Struct, frozen=True):
    """The columns of a kind of file."""

    columns: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]  # of each group one column must be there
    filled_down: frozenset[str] = frozenset()  # where a merged cell speaks for all rows that it covers


@dataclass(frozen=True, slots=True)
class Heading:
    """A column that was found."""

    index: int
    text: str  # as the file calls it
    scale: Scale = NO_SCALE


@dataclass(frozen=True, slots=True)
class Line:
    """A row below the header, by column; "" for a column that the file lacks."""

    number: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet read by its header."""

    headings: Mapping[str, Heading]
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]  # of merged cells and of rows longer than the header

    def finding(self, line: Line, column: str, wrong: Wrong) -> Finding:
        """A finding in the words of the file: its own name of the column, the cell as it stands."""
        heading = self.headings.get(column)
        cell = line.cells.get(column, "")
        return finding(line.number, heading.text if heading else column, plain(cell), wrong)


def read_headings(path: Path) -> Headings:
    """Headings from a YAML data file."""
    with path.open(encoding="utf-8") as file:
        return msgspec.convert(yaml.safe_load(file), Headings)


_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")


def folded(text: str) -> str:
    """A header without brackets, spaces, underscores, marks of duty and case.

    Examples
    --------
    >>> folded("Document_Date *"), folded("Amount (yuan)")
    ('documentdate', 'amount')
    """
    return re.sub(r"[\s_*:.\-]+", "", _BRACKETS.sub("", plain(text))).lower()


def find_table(sheets: Sequence[Sheet], layout: Layout, headings: Headings) -> Table:
    """The one sheet that has the columns of `layout`.

    Raises
    ------
    Refused
        No sheet has them, several do, a column is unknown or there twice.
    """
    known = {folded(name): column for column, names in headings.columns.items() for name in names}
    matched = []
    for sheet in sheets:
        for row in sheet.rows[:HEADER_WITHIN]:
            found = {known.get(folded(cell)) for cell in row.cells if isinstance(cell, str) and cell}
            if all(any(column in found for column in group) for group in layout.needed):
                matched.append((sheet, row))
                break
    if len(matched) > 1:
        names = ", ".join(sheet.name for sheet, _row in matched)
        wrong = Wrong(_("has several sheets with these columns: %(sheets)s"), _("keep one of them"), {"sheets": names})
        raise Refused([finding(0, "", "", wrong)])
    if not matched:
        raise Refused(_lacking(sheets[0], layout, headings, known))
    return _table(*matched[0], layout, headings, known)


def _lacking(sheet: Sheet, layout: Layout, headings: Headings, known: Mapping[str, str]) -> list[Finding]:
    """The row most like a header, and which columns it lacks."""

    def likeness(row: Row) -> int:
        return sum(isinstance(cell, str) and folded(cell) in known for cell in row.cells)

    row = max(sheet.rows[:HEADER_WITHIN], key=likeness)
    have = {known.get(folded(cell)): cell for cell in row.cells if isinstance(cell, str)}
    strangers = [cell for cell in row.cells if isinstance(cell, str) and cell and folded(cell) not in known]
    findings = []
    for group in layout.needed:
        if any(column in have for column in group):
            continue
        names = [name for column in group for name in headings.columns[column]]
        near = difflib.get_close_matches(group[0], [folded(cell) for cell in strangers], 1, 0.6)
        near = [cell for cell in strangers if folded(cell) in near] or [
            cell for cell in strangers if difflib.get_close_matches(folded(cell), map(folded, names), 1, 0.6)
        ]
        values = {"names": ", ".join(dict.fromkeys(headings.columns[column][0] for column in group)), "also": names[-1]}
        reason = _("the column %(names)s (or %(also)s) is missing")
        if near:
            right = _("the header must have it; is it the one called “%(near)s”?")
            values["near"] = near[0][:40]
        else:
            right = _("the header must have it")
        findings.append(finding(row.number, "", "", Wrong(reason, right, values)))
    return findings


def _table(sheet: Sheet, header: Row, layout: Layout, headings: Headings, known: Mapping[str, str]) -> Table:
    ignored = {folded(name) for name in headings.ignored}
    found: dict[str, Heading] = {}
    findings: list[Finding] = []
    for index, cell in enumerate(header.cells):
        text = plain(cell)
        column = known.get(folded(text))
        if not text or (column is None and folded(text) in ignored):
            continue
        if column is None or column not in layout.columns:
            findings.append(finding(header.number, text, "", _unknown(text, layout, headings)))
        elif column in found:
            wrong = Wrong(
                _("means the same as the column “%(other)s”"), _("keep one of the two"), {"other": found[column].text}
            )
            findings.append(finding(header.number, text, "", wrong))
        else:
            scales = [parse_scale(one or two) for one, two in _BRACKETS.findall(text)]
            found[column] = Heading(index, text, next((scale for scale in scales if scale), NO_SCALE))
    if findings:
        raise Refused(findings)
    lines = []
    width = len(header.cells)
    column_at = {heading.index: column for column, heading in found.items()}
    for row in sheet.rows:
        if row.number <= header.number:
            continue
        if any(cell != "" for cell in row.cells[width:]):
            wrong = Wrong(
                _("has more cells than the header"),
                _("put quotes around a cell that holds a comma, or name the column"),
            )
            findings.append(finding(row.number, "", "", wrong))
            continue
        if all(is_blank(row.cells[index]) for index in column_at if index < len(row.cells)) and not any(
            (row.number, index) in sheet.merged for index in column_at
        ):
            continue
        cells = {column: row.cells[index] if index < len(row.cells) else "" for index, column in column_at.items()}
        lines.append(Line(row.number, cells))
    if sheet.merged:
        lines = _filled(sheet, lines, found, layout, findings)
    if not lines and not findings:
        wrong = Wrong(_("has a header and no row below it"), _("give a row for each unit"))
        raise Refused([finding(header.number, "", "", wrong)])
    return Table(found, tuple(lines), tuple(findings))


def _unknown(text: str, layout: Layout, headings: Headings) -> Wrong:
    names = {folded(name): name for column in layout.columns for name in headings.columns[column]}
    near = difflib.get_close_matches(folded(text), names, 3, 0.6)
    if near:
        likely = ", ".join(names[name] for name in near)
        return Wrong(_("is an unknown column"), _("did you mean %(likely)s?"), {"likely": likely})
    known = ", ".join(headings.columns[column][0] for column in layout.columns)
    return Wrong(_("is an unknown column"), _("take it out, or use one of: %(known)s"), {"known": known})


def _filled(
    sheet: Sheet, lines: Sequence[Line], found: Mapping[str, Heading], layout: Layout, findings: list[Finding]
) -> list[Line]:
    """Rows with what a merged cell above says; a number that is merged over several rows is refused."""
    values = {row.number: row.cells for row in sheet.rows}
    filled = []
    for line in lines:
        cells = dict(line.cells)
        for column, heading in found.items():
            first = sheet.merged.get((line.number, heading.index))
            if first is None:
                continue
            if column in layout.filled_down and first[1] == heading.index:
                above = values.get(first[0], ())
                cells[column] = above[first[1]] if first[1] < len(above) else ""
            elif first[0] != line.number or first[1] != heading.index:
                wrong = Wrong(
                    _("is a merged cell; it is not clear which rows its value is for"),
                    _("undo the merging and write the value of each row"),
                )
                findings.append(finding(line.number, heading.text, "", wrong))
        filled.append(Line(line.number, cells))
    return filled
