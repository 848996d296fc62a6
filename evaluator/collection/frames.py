"""A sampling frame: people who can be invited, one a row, with how each is reached. Read, checked, never stored.

A file may have millions of rows, so it is read twice: once to check it and to give each row its random number, once to
take the rows that were drawn.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from evaluator.spreadsheets.cells import parse_code, plain
from evaluator.spreadsheets.findings import Finding, Refused, Wrong, finding
from evaluator.spreadsheets.reading import Cell, Row
from evaluator.spreadsheets.streaming import stream_rows
from evaluator.units.codes import canonical_code

Carrier = Literal["letter", "sms", "mail"]
REACHED_BY: Mapping[Carrier, str] = {"letter": "address", "sms": "phone", "mail": "email"}
TEXTS = {"key": 100, "name": 100, "address": 300, "email": 254}  # characters at most
COLUMNS = ("unit", "design_stratum", "psu", "calibration_area", "key", "name", "address", "phone", "email", "language")
LANGUAGES = {"": "", "zh": "zh-CN", "zh-cn": "zh-CN", "en": "en"}
MOST_FINDINGS = 1000  # then reading stops: whoever has a thousand mistakes has one
MOST_ROWS = 20_000_000
TOLD_EVERY = 10_000  # rows
MOST_CODES = 100_000  # remembered while a frame is read
FORMULA_STARTS = ("=", "+", "-", "@")
EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}")
PHONE = re.compile(r"1[3-9]\d{9}|00[1-9]\d{6,14}")


def _(message: str) -> str:
    return message


BLANK = Wrong(_("is blank"), _("write a value"))
NO_UNIT = Wrong(_("is no unit of this campaign"), _("take the row out, or add the unit to the campaign"))
LONG = Wrong(_("is too long"), _("write at most %(most)s characters"))
FORMULA = Wrong(_("begins like a formula"), _("begin with a letter or a digit"))
NO_TEXT = Wrong(_("holds characters that cannot be printed"), _("type it anew"))
NO_PHONE = Wrong(
    _("is no mobile number"), _("write 11 digits, or + and the country's code for a number outside the mainland")
)
NO_EMAIL = Wrong(_("is no mail address"), _("write it as name@host.cn"))
NO_LANGUAGE = Wrong(_("is no language of the letters"), _("write zh or en, or leave it blank for both"))
AGAIN = Wrong(_("is the same person as row %(row)s"), _("keep one row, or tell them apart in the column key"))
OTHER_AREA = Wrong(_("is another area than in row %(row)s"), _("give one area to a unit's stratum"))


class Contact(msgspec.Struct, frozen=True):
    """A row of a frame."""

    row: int
    unit: str
    design_stratum: str = ""
    psu: str = ""
    calibration_area: str = ""
    key: str = ""  # what tells this person from all others of the frame, where names and addresses do not
    name: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""  # blank: both

    def identity(self) -> list[str]:
        """What the person's random number depends on: the same in every file that has the same person for this unit."""
        given = [self.key] if self.key else [self.name, self.address, self.phone, self.email]
        return [self.unit, *("".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in given)]


class DesignCell(msgspec.Struct, frozen=True, order=True):
    """A design cell of a frame."""

    unit: str
    design_stratum: str
    psu: str


class Frame(msgspec.Struct, frozen=True):
    """A frame without its people: of each row only where it stands, its cell and its random number."""

    cells: tuple[DesignCell, ...]
    areas: tuple[str, ...]  # of each cell: the unit whose population it is calibrated to, or blank
    row: NDArray[np.int64]  # (rows,) as a spreadsheet counts
    cell: NDArray[np.int64]  # (rows,) position in `cells`
    number: NDArray[np.int64]  # (rows,) from 0, below 2**53


class _Reader:
    """Rows by the names of their columns, and what is wrong with them."""

    def __init__(
        self, path: Path, asked: Collection[str], carrier: Carrier, progress: Callable[[int], None] | None = None
    ) -> None:
        self.rows = stream_rows(path)
        self.progress = progress or (lambda rows: None)
        self.asked, self.carrier = asked, carrier
        self.findings: list[Finding] = []
        self.codes: dict[Cell, str] = {"": ""}
        header = next(self.rows)
        self.columns = [plain(cell).lower() for cell in header.cells]
        for name in self.columns:
            if name and name not in COLUMNS:
                near = difflib.get_close_matches(name, COLUMNS, 1)
                right = _("did you mean %(near)s?") if near else _("the columns are: %(known)s")
                values = {"near": "".join(near), "known": ", ".join(COLUMNS)}
                self.wrong(header.number, name, "", Wrong(_("is no column of a frame"), right, values))
            elif name and self.columns.count(name) > 1:
                self.wrong(header.number, name, "", Wrong(_("is there twice"), _("keep one of the two")))
        for name in ("unit", REACHED_BY[carrier]):
            if name not in self.columns:
                wrong = Wrong(_("is missing"), _("the columns are: %(known)s"), {"known": ", ".join(COLUMNS)})
                self.wrong(header.number, name, "", wrong)
        if self.findings:
            raise Refused(self.findings)

    def wrong(self, at: int, column: str, value: Cell, why: Wrong, **values: str) -> None:
        self.findings.append(finding(at, column, value, Wrong(why.reason, why.right, {**why.values, **values})))
        if len(self.findings) >= MOST_FINDINGS:
            raise Refused(self.findings)

    def contacts(self, wanted: Collection[int] | None = None) -> Iterator[tuple[Row, Contact]]:
        """Every row without a defect, or of the wanted ones; the others are in `findings`."""
        for row in self.rows:
            if not row.number % TOLD_EVERY:
                self.progress(row.number)
            if wanted is not None and row.number not in wanted:
                continue
            before = len(self.findings)
            found = self._contact(row, dict(zip(self.columns, row.cells, strict=False)))
            if len(self.findings) == before:
                yield row, found

    def _contact(self, row: Row, cells: Mapping[str, Cell]) -> Contact:
        given = {column: self._code(row, cells, column) for column in ("unit", "design_stratum", "psu")}
        unit = canonical_code(given.pop("unit"))
        if unit and unit not in self.asked:
            self.wrong(row.number, "unit", cells["unit"], NO_UNIT)
        elif not unit and not (self.findings and self.findings[-1].row == row.number):
            self.wrong(row.number, "unit", "", BLANK)
        texts = {column: self._text(row, cells, column, most) for column, most in TEXTS.items()}
        phone = self._phone(row, cells)
        if texts["email"] and not EMAIL.fullmatch(texts["email"]):
            self.wrong(row.number, "email", texts["email"], NO_EMAIL)
        language = plain(cells.get("language", "")).lower()
        if language not in LANGUAGES:
            self.wrong(row.number, "language", language, NO_LANGUAGE)
        reached = REACHED_BY[self.carrier]
        if not plain(cells.get(reached, "")):
            self.wrong(row.number, reached, "", BLANK)
        area = canonical_code(self._code(row, cells, "calibration_area"))
        return Contact(
            row.number, unit, calibration_area=area, phone=phone, language=LANGUAGES.get(language, ""), **texts, **given
        )

    def _code(self, row: Row, cells: Mapping[str, Cell], column: str) -> str:
        cell = cells.get(column, "")
        if cell in self.codes:  # a frame has a few of them, over and over
            return self.codes[cell]
        code = parse_code(cell)
        if isinstance(code, Wrong):
            self.wrong(row.number, column, cell, code)
            return ""
        if code and len(code) > 64:
            self.wrong(row.number, column, cell, LONG, most="64")
        elif code and code.startswith(FORMULA_STARTS):
            self.wrong(row.number, column, cell, FORMULA)
        elif len(self.codes) < MOST_CODES:
            self.codes[cell] = code or ""
        return code or ""

    def _text(self, row: Row, cells: Mapping[str, Cell], column: str, most: int) -> str:
        """A text on one line. What a spreadsheet program would take for a formula comes back to somebody in a file."""
        cell = cells.get(column, "")
        if cell == "":
            return ""
        text = " ".join(plain(cell).split())
        if len(text) > most:
            self.wrong(row.number, column, text, LONG, most=str(most))
        elif text.startswith(FORMULA_STARTS):
            self.wrong(row.number, column, text, FORMULA)
        elif not text.isprintable():
            self.wrong(row.number, column, text, NO_TEXT)
        return text

    def _phone(self, row: Row, cells: Mapping[str, Cell]) -> str:
        """Digits as one dials them: 11 of a mobile in the mainland, else 00 and the country's code."""
        text = plain(cells.get("phone", ""))
        digits = re.sub(r"[\s().-]", "", text)
        digits = re.sub(r"^\+", "00", digits)
        digits = re.sub(r"^(?:00)?86(?=1[3-9]\d{9}$)", "", digits)
        if digits and not PHONE.fullmatch(digits):
            self.wrong(row.number, "phone", text, NO_PHONE)
        return digits


def read_frame_file(
    path: Path, asked: Collection[str], carrier: Carrier, number_of: Callable[[Contact], int], *, clusters: bool,
    progress: Callable[[int], None] | None = None,
) -> Frame:  # fmt: skip
    """Check a frame and give each of its rows a random number.

    Parameters
    ----------
    path : Path
        CSV or XLSX with the columns unit and address, phone or email, and where there are any design_stratum, psu,
        calibration_area, key, name and language.
    asked : collection of str
        Units of the campaign.
    carrier : str
        How people are reached.
    number_of : callable
        The permanent random number of a person, from 0, below 2**64.
    clusters : bool
        Whether primary sampling units are drawn first; else the column psu plays no part.
    progress : callable, optional
        Told now and then how many rows were read.

    Raises
    ------
    Refused
        With every bad row, up to a thousand.
    """
    reader = _Reader(path, asked, carrier, progress)
    cells: dict[DesignCell, int] = {}
    areas: list[tuple[str, int]] = []
    rows, of_cell, numbers = array("q"), array("q"), array("Q")
    for row, contact in reader.contacts():
        if clusters and not contact.psu:
            reader.wrong(row.number, "psu", "", BLANK)
            continue
        key = DesignCell(contact.unit, contact.design_stratum, contact.psu if clusters else "")
        at = cells.setdefault(key, len(cells))
        if at == len(areas):
            areas.append((contact.calibration_area, row.number))
        elif areas[at][0] != contact.calibration_area:
            reader.wrong(row.number, "calibration_area", contact.calibration_area, OTHER_AREA, row=str(areas[at][1]))
        rows.append(row.number)
        of_cell.append(at)
        numbers.append(number_of(contact))
        if len(rows) > MOST_ROWS:
            many = Wrong(_("has more than %(most)s rows"), _("split the file"), {"most": f"{MOST_ROWS:,}"})
            raise Refused([finding(0, "", "", many)])
    number, row_of = np.array(numbers, np.uint64), np.array(rows, np.int64)
    _refuse_twice(reader, number, row_of)
    if reader.findings:
        raise Refused(reader.findings)
    if not len(rows):
        raise Refused([finding(0, "", "", Wrong(_("holds no row"), _("give a header and a row for each person")))])
    return Frame(
        tuple(cells), tuple(area for area, _row in areas), row_of, np.array(of_cell, np.int64),
        (number >> np.uint64(11)).astype(np.int64),
    )  # fmt: skip


def _refuse_twice(reader: _Reader, number: NDArray[np.uint64], row: NDArray[np.int64]) -> None:
    """The same person twice has the same number twice (others do once in ten million files)."""
    order = np.lexsort((row, number))
    same = np.flatnonzero(number[order][1:] == number[order][:-1])
    for at in same.tolist():
        first, again = int(row[order[at]]), int(row[order[at + 1]])
        column = REACHED_BY[reader.carrier]
        reader.wrong(again, column, "", AGAIN, row=str(first))


def take_contacts(
    path: Path, asked: Collection[str], carrier: Carrier, rows: NDArray[np.int64],
    progress: Callable[[int], None] | None = None,
) -> Iterator[Contact]:  # fmt: skip
    """The people in some rows of a frame that was checked before, in the order of the file."""
    for _row, contact in _Reader(path, asked, carrier, progress).contacts(frozenset(rows.tolist())):
        yield contact
