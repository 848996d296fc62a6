"""Ratings as rows for programs and spreadsheets: CSV, JSON, XLSX, Parquet, each carrying the mark of simulated data."""

from __future__ import annotations

import io
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from evaluator import language, pages
from evaluator.language import gettext as _
from evaluator.publication.editions import Edition, Rating, Score
from evaluator.rating import tabular
from evaluator.rating.doors import EDITION, MARK_COLUMN, SIMULATED
from evaluator.rating.edition import NOTE, PACKAGE, SCHEME, SUMS

SHEET_ROWS = 1_000_000  # a sheet holds 1,048,576


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table on its way out."""

    name: str
    about: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[object]]


def stamp(edition: Edition) -> str:
    """The mark of simulated data; blank for real ones."""
    return (edition.note.data_status or SIMULATED) if edition.simulated else ""


def contents(sizes: Mapping[str, int]) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """What is in an edition's folder: in words, with the files and their sizes; tables first, in the door's order."""
    left = dict(sizes)
    found = []
    for name, door in EDITION.items():
        files = tuple(
            (f"{name}{end}", left.pop(f"{name}{end}")) for end in (".csv", ".parquet") if f"{name}{end}" in left
        )
        if files:
            found.append((_(door.about), files))
    others = {
        NOTE: _("what this edition is and how it came about"),
        SCHEME: _("the scheme as used"),
        PACKAGE: _("type and meaning of every column, for programs"),
        SUMS: _("checksums of all other files"),
    }
    found += [(words, ((name, left.pop(name)),)) for name, words in others.items() if name in left]
    found += [(name, ((name, size),)) for name, size in left.items()]
    return tuple(found)


RATING_FIELDS = tuple(name for name in Rating.__struct_fields__ if name not in ("unit", "level"))
RATING_COLUMNS = ("unit", "name_zh", "name_en", "parent", "level", *RATING_FIELDS)


def rating_columns(edition: Edition) -> dict[str, str]:
    """Columns of `rating_rows` and their kinds: the rating, then the score and limits of every dimension."""
    kinds = {column.name: column.kind for column in EDITION["ratings"].columns}
    parts = (f"{d.code}_{part}" for d in edition.scheme.dimensions for part in ("score", "lower", "upper"))
    return {**{name: kinds.get(name, "text") for name in RATING_COLUMNS}, **dict.fromkeys(parts, "number")}


def rating_rows(edition: Edition, codes: Iterable[str]) -> Iterable[list[object]]:
    """A row a unit: who it is, its rating, its dimensions."""
    for code in codes:
        unit, rating = edition.units[code], edition.ratings[code]
        scores = {score.node: score for score in edition.scores.of(code)}
        row: list[object] = [code, unit.name.zh, unit.name.en, unit.parent, rating.level]
        row += [getattr(rating, name) for name in RATING_FIELDS]
        for dimension in edition.scheme.dimensions:
            score = scores.get(dimension.code)
            row += [score.score, score.lower, score.upper] if score else [math.nan] * 3
        yield row


def csv_of(edition: Edition, columns: Iterable[str], rows: Iterable[Sequence[object]]) -> bytes:
    """CSV for spreadsheets: a byte order mark, no formulas, whole numbers without a point, the mark in a column."""
    mark = stamp(edition)
    head = [*columns, *([MARK_COLUMN.name] if mark else [])]
    return pages.csv_bytes(head, [[*map(plain, row), *([mark] if mark else [])] for row in rows])


def plain(value: object) -> object:
    """A value as CSV, JSON and XLSX take it: None for NaN, whole numbers as such, at most 6 decimals."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else round(value, 6)
    return value


def objects(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> list[dict[str, object]]:
    """Rows as JSON objects."""
    return [dict(zip(columns, map(plain, row), strict=True)) for row in rows]


def about(edition: Edition) -> dict[str, Any]:
    """What every JSON answer says of its edition."""
    note = edition.note
    found: dict[str, Any] = {
        "edition": edition.identifier,
        "title": {"zh": note.title.zh, "en": note.title.en},
        "period": [day.isoformat() for day in note.period] if note.period else None,
        "scheme": {"code": note.scheme.code, "version": note.scheme.version},
        "licence": note.licence,
        "simulated": edition.simulated,
    }
    if edition.simulated:
        found[MARK_COLUMN.name] = stamp(edition)
    return found


def unit_document(edition: Edition, code: str) -> dict[str, Any]:
    """All an edition tells of a unit, as JSON."""
    unit = edition.units[code]
    return {
        **about(edition),
        "unit": {
            "code": code,
            "name": {"zh": unit.name.zh, "en": unit.name.en},
            "level": unit.level,
            "parent": unit.parent or None,
            "children": list(edition.children.get(code, ())),
        },
        "rating": _without_nan(edition.ratings[code]) if code in edition.ratings else None,
        "scores": [_without_nan(score) for score in edition.scores.of(code)],
        "inputs": [_without_nan(entry) for entry in edition.inputs.of(code)],
        "groups": [_without_nan(row) for row in edition.groups.of(code)],
        "distributions": [_without_nan(answer) for answer in edition.distributions.of(code)],
        "sensitivity": [_without_nan(row) for row in edition.alternatives.of(code)],
    }


def _without_nan(row: msgspec.Struct) -> dict[str, object]:
    return {name: plain(getattr(row, name)) for name in row.__struct_fields__ if name != "unit"}


SCORE_COLUMNS = ("unit", "name_zh", "name_en", *Score.__struct_fields__[1:])


def score_rows(edition: Edition, codes: Iterable[str]) -> Iterable[list[object]]:
    """A row a node of the tree of each unit."""
    for code in codes:
        name = edition.units[code].name
        for score in edition.scores.of(code):
            yield [code, name.zh, name.en, *(getattr(score, field) for field in Score.__struct_fields__[1:])]


def indicator_columns(edition: Edition) -> tuple[str, ...]:
    """Columns of `indicator_rows`: the unit, then score and limits of every indicator."""
    parts = (f"{i.code}_{part}" for i in edition.scheme.indicators for part in ("score", "lower", "upper"))
    return ("unit", "name_zh", "name_en", "level", *parts)


def indicator_rows(edition: Edition, codes: Iterable[str]) -> Iterable[list[object]]:
    """A row a unit: the scores of its indicators with their limits."""
    for code in codes:
        unit = edition.units[code]
        scores = {score.node: score for score in edition.scores.of(code)}
        row: list[object] = [code, unit.name.zh, unit.name.en, unit.level]
        for indicator in edition.scheme.indicators:
            score = scores.get(indicator.code)
            row += [score.score, score.lower, score.upper] if score else [math.nan] * 3
        yield row


def sheets(edition: Edition, codes: Sequence[str]) -> tuple[Sheet, ...]:
    """The sheets of a workbook on some units: what it is, what the columns mean, ratings, indicators."""
    note = edition.note
    facts = [
        (_("Edition"), edition.identifier),
        (_("Title"), f"{note.title.zh} / {note.title.en}"),
        (_("Period"), " – ".join(day.isoformat() for day in note.period) if note.period else ""),
        (_("Scheme"), f"{note.scheme.code} {note.scheme.version}"),
        (_("Scheme, SHA-256"), note.scheme.sha256),
        (_("Units"), len(codes)),
        (_("Licence"), note.licence),
        (
            _("What it holds"),
            _("Ratings with their uncertainty. An index without its interval says nothing: read both."),
        ),
        (_("How to check it"), _("Download the edition's folder and run: evaluator verify FOLDER")),
    ]
    if note.why:
        facts.append((_("Why it was revised"), note.why))
    meanings = [("ratings", column.name, _(column.about)) for column in EDITION["ratings"].columns]
    for sheet, members in (("ratings", edition.scheme.dimensions), ("indicators", edition.scheme.indicators)):
        meanings += [(sheet, f"{m.code}_score / _lower / _upper", f"{m.name.zh} / {m.name.en}") for m in members]
    return (
        Sheet("about", _("What this file is"), (_("What"), _("Value")), facts),
        Sheet("columns", _("What the columns mean"), (_("Table"), _("Column"), _("Meaning")), meanings),
        Sheet("ratings", _("Ratings"), tuple(rating_columns(edition)), rating_rows(edition, codes)),
        Sheet("indicators", _("Scores of the indicators"), indicator_columns(edition), indicator_rows(edition, codes)),
    )


def write_xlsx(target: Path | io.BytesIO, edition: Edition, made: Sequence[Sheet]) -> None:
    """A workbook, row by row: the first row of a sheet says what it is and carries the mark, the second has the names.

    Text is never taken for a formula, an address or a number.
    """
    import xlsxwriter  # slow to load, and few ask for it

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
        "tmpdir": str(target.parent) if isinstance(target, Path) else None,
    }
    mark = stamp(edition)
    with xlsxwriter.Workbook(target if isinstance(target, io.BytesIO) else str(target), options) as book:
        book.set_properties({"title": edition.note.title.en, "comments": mark or edition.identifier})
        bold, warning = book.add_format({"bold": True}), book.add_format({"bold": True, "bg_color": "#FFF2CC"})
        whole, decimal = book.add_format({"num_format": "#,##0"}), book.add_format({"num_format": "#,##0.00"})
        for sheet in made:
            page = book.add_worksheet(sheet.name)
            page.set_column(0, len(sheet.columns) - 1, 14 if len(sheet.columns) > 3 else 34)
            page.freeze_panes(2, 1)
            if mark:
                page.set_tab_color("#B58900")
                page.set_header(f"&C{mark}")
            page.write_string(
                0, 0, " · ".join(filter(None, (mark, sheet.about, edition.identifier))), warning if mark else bold
            )
            for column, name in enumerate(sheet.columns):
                page.write_string(1, column, name, bold)
            for number, row in enumerate(sheet.rows, start=2):
                if number >= SHEET_ROWS:
                    page.write_string(number, 0, _("More rows than a sheet holds: take the CSV or Parquet file."), bold)
                    break
                for column, value in enumerate(map(plain, row)):
                    if isinstance(value, int):
                        page.write_number(number, column, value, whole)
                    elif isinstance(value, float):
                        page.write_number(number, column, value, decimal)
                    elif value not in (None, ""):
                        page.write_string(number, column, str(value))


def kept_xlsx(folder: Path, edition: Edition) -> Path:
    """The workbook of a whole edition, made at first use and kept beside the editions, one a language."""
    path = folder / f"{edition.identifier}-{edition.sums[:16]}-{language.current.get()}.xlsx"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        codes = [code for level in edition.levels for code in edition.order[level]]
        handle, name = tempfile.mkstemp(suffix=".xlsx", dir=folder)
        os.close(handle)
        try:
            write_xlsx(Path(name), edition, sheets(edition, codes))
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    return path


def xlsx_of(edition: Edition, codes: Sequence[str]) -> bytes:
    """A workbook on some units."""
    out = io.BytesIO()
    write_xlsx(out, edition, sheets(edition, codes))
    return out.getvalue()


def table_xlsx(
    edition: Edition, name: str, title: str, columns: Mapping[str, str], rows: Iterable[Sequence[object]]
) -> bytes:
    """One table as a workbook, with a sheet that says what its columns mean."""
    known = {column.name: column.about for door in EDITION.values() for column in door.columns}
    meanings = [(name, column, _(known[column]) if column in known else "") for column in columns]
    out = io.BytesIO()
    write_xlsx(
        out,
        edition,
        (
            Sheet(name, title, tuple(columns), rows),
            Sheet("columns", _("What the columns mean"), (_("Table"), _("Column"), _("Meaning")), meanings),
        ),
    )
    return out.getvalue()


def parquet_of(edition: Edition, columns: Mapping[str, str], rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as Parquet; `columns` are names and kinds. The mark stands in a column and in the file's metadata."""
    mark = stamp(edition)
    held = [list(row) for row in rows]
    kinds = dict(columns)
    texts = {name: tabular.texts([row[at] for row in held], kind) for at, (name, kind) in enumerate(columns.items())}
    if mark:
        texts[MARK_COLUMN.name], kinds[MARK_COLUMN.name] = [mark] * len(held), "text"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
        source.write_bytes(tabular.csv_bytes(texts))
        tabular.write_parquet(source, target, kinds, {MARK_COLUMN.name: mark} if mark else {})
        return target.read_bytes()
