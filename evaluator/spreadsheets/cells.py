"""Numbers, dates and codes as people write them in cells. What could mean two things is refused, and why."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from evaluator.spreadsheets.findings import Wrong
from evaluator.spreadsheets.reading import Cell

LARGEST = 1e15
SERIAL_DAY_0 = date(1899, 12, 30)  # spreadsheets count days from here (after their leap year 1900 that was none)
FIRST_SERIAL, LAST_SERIAL = 29221, 73415  # 1980-01-01 to 2100-12-30


@dataclass(frozen=True, slots=True)
class Number:
    """A number in its base unit: 1.2 x 10 000 yuan is 12 000."""

    value: float
    kind: str = ""  # "", "money" or "percent"


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit that a header gives for all cells below it."""

    factor: Decimal = Decimal(1)
    kind: str = ""
    text: str = ""


NO_SCALE = Scale()


def _(message: str) -> str:
    return message


@cache
def words() -> dict[str, Any]:
    """The vocabulary of cells, from the data file beside this module."""
    with (Path(__file__).parent / "words.yaml").open(encoding="utf-8") as file:
        return dict(yaml.safe_load(file))


@cache
def _marks() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    said = words()
    return frozenset(said["blank"]), frozenset(said["none"]), frozenset(said["totals"])


def plain(cell: Cell) -> str:
    """A cell's text with full-width forms made half-width and the minus sign made a hyphen."""
    if isinstance(cell, float):
        return str(int(cell)) if abs(cell) < 2**53 and cell.is_integer() else repr(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if cell.isascii():
        return cell.strip()
    text = unicodedata.normalize("NFKC", cell).replace("\u2212", "-").replace("\u200b", "").replace("\ufeff", "")
    return text.strip()


def is_blank(cell: Cell) -> bool:
    """Nothing, or one of the marks that people put for nothing."""
    return isinstance(cell, str) and (cell == "" or plain(cell).lower() in _marks()[0])


def is_total(cell: Cell) -> bool:
    """Whether a row's name says that it adds up others."""
    return isinstance(cell, str) and plain(cell).lower() in _marks()[2]


# --- numbers

_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[, \u00a0]\d{3})+(?:\.\d+)?")
_EXPONENT = re.compile(r"([+-]?\d(?:\.(\d*))?)e([+-]?\d{1,3})", re.IGNORECASE)
_LEADING = re.compile(r"[+-]?[\d.][\d., \u00a0]*(?:e[+-]?\d+)?", re.IGNORECASE)
_ERROR = re.compile(r"#(ERROR|DIV/0!|REF!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!)")

ASCII_DIGITS = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,12})?", re.ASCII)

NOT_A_NUMBER = Wrong(_("is not a number"), _("write digits, such as 1234.5"))
CELL_ERROR = Wrong(_("is an error of the spreadsheet program"), _("mend the formula, then save the file again"))
NONE_IS_AMBIGUOUS = Wrong(
    _("may mean that there was none, or that it is not known"),
    _("write 0 when there was none; leave the cell blank when it is not known"),
)
A_DATE = Wrong(
    _("is a date; the spreadsheet program may have taken a number for one"),
    _("write the number in a cell formatted as a number"),
)
COMMA = Wrong(
    _("has a comma that separates no thousands"),
    _("write a decimal point as “.”, and thousands as 1,234 or without comma"),
)
ROUNDED = Wrong(
    _("was shortened by the spreadsheet program, and digits may be lost"),
    _("format the column as a number without decimals, then save the file again"),
)
TOO_LARGE = Wrong(_("is beyond what can be meant"), _("give a number below 1,000,000,000,000,000"))


@cache
def _suffixes() -> dict[str, tuple[Decimal, str]]:
    """Every way to end a number: text -> factor, kind."""
    said = words()
    multipliers = {"": Decimal(1), **{text: Decimal(value) for text, value in said["multipliers"].items()}}
    found = {}
    for multiplier, factor in multipliers.items():
        found[multiplier] = (factor, "")
        for money in said["money"]:
            found[multiplier + money] = (factor, "money")
        for measure in said["measures"]:
            found[multiplier + measure] = (factor, "")
    for text in said["percent"]:
        found[text] = (Decimal("0.01"), "percent")
    for text in said["permille"]:
        found[text] = (Decimal("0.001"), "percent")
    del found[""]
    return found


def parse_scale(text: str) -> Scale | None:
    """The unit that a header's brackets hold; None when they hold something else."""
    text = plain(text).lower().replace(" ", "")
    meaning = _suffixes().get(text)
    return Scale(*meaning, text) if meaning else None


def parse_number(cell: Cell, scale: Scale = NO_SCALE) -> Number | Wrong | None:
    """A number, None for a blank cell, or why it is none.

    Examples
    --------
    >>> parse_number("85%"), parse_number("1,234.5"), parse_number("n/a")
    (Number(value=0.85, kind='percent'), Number(value=1234.5, kind=''), None)
    >>> parse_number("1,5").reason
    'has a comma that separates no thousands'
    """
    if isinstance(cell, float):
        return _scaled(Decimal(repr(cell)), scale) if cell == cell and abs(cell) != float("inf") else NOT_A_NUMBER
    if isinstance(cell, date):
        return A_DATE
    if ASCII_DIGITS.fullmatch(cell):
        return _scaled(Decimal(cell), scale)
    text = plain(cell)
    lower = text.lower()
    if lower in _marks()[0]:
        return None
    if lower in _marks()[1]:
        return NONE_IS_AMBIGUOUS
    if _ERROR.match(text):
        return CELL_ERROR
    text = text.removeprefix("'").removeprefix("\u00a5").strip()
    leading = _LEADING.match(text)
    if leading is None:
        return NOT_A_NUMBER
    digits = _digits(leading[0].strip(" \u00a0"))
    if isinstance(digits, Wrong):
        return digits
    rest = text[leading.end() :].strip().lower().replace(" ", "")
    if not rest:
        return _scaled(digits, scale)
    meaning = _suffixes().get(rest)
    if meaning is None:
        return Wrong(
            _("is a number followed by “%(rest)s”, which is not understood"),
            _("write the number alone"),
            {"rest": rest[:20]},
        )
    if scale.text and (scale.factor, scale.kind) != meaning:
        return Wrong(
            _("has a unit of its own, “%(unit)s”, under a header that says “%(header)s”"),
            _("give all numbers of the column in the header's unit, without writing it"),
            {"unit": rest[:20], "header": scale.text[:20]},
        )
    return _scaled(digits, Scale(*meaning, rest))


def _digits(text: str) -> Decimal | Wrong:
    if _PLAIN.fullmatch(text):
        plain_text = text
    elif _GROUPED.fullmatch(text):
        plain_text = re.sub("[, \u00a0]", "", text)
    elif found := _EXPONENT.fullmatch(text):
        if int(found[3]) > len(found[2] or ""):
            return ROUNDED
        plain_text = text
    else:
        return COMMA if "," in text else NOT_A_NUMBER
    try:
        return Decimal(plain_text)
    except InvalidOperation:
        return NOT_A_NUMBER


def _scaled(digits: Decimal, scale: Scale) -> Number | Wrong:
    value = float(digits * scale.factor)
    return TOO_LARGE if abs(value) >= LARGEST else Number(value, scale.kind)


# --- dates

_TIME = r"(?:[t ]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?z?)?"  # of no interest
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})" + _TIME, re.IGNORECASE | re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SHORT = re.compile(r"\d{1,2}-\d{1,2}-\d{2,4}|\d{2}-\d{1,2}-\d{1,2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{1,2}-?", re.ASCII)
NOT_A_DATE = Wrong(_("is not a date"), _("write it as 2026-01-31"))
AMBIGUOUS_DATE = Wrong(_("could be several dates"), _("write year, month and day, as 2026-01-31"))
NO_DAY = Wrong(_("lacks the day"), _("write year, month and day, as 2026-01-31"))


def parse_date(cell: Cell) -> date | Wrong | None:
    """A date, None for a blank cell, or why it is none.

    Examples
    --------
    >>> parse_date("2026/1/5"), parse_date("20260105"), parse_date(46027.0)
    (datetime.date(2026, 1, 5), datetime.date(2026, 1, 5), datetime.date(2026, 1, 5))
    >>> parse_date("1/5/2026").reason
    'could be several dates'
    """
    if isinstance(cell, date):
        return cell
    if is_blank(cell):
        return None
    text = plain(cell)
    if _ERROR.match(text):
        return CELL_ERROR
    if re.fullmatch(r"\d{5}(\.0*)?", text, re.ASCII) and FIRST_SERIAL <= int(float(text)) <= LAST_SERIAL:
        return SERIAL_DAY_0 + timedelta(days=int(float(text)))
    text = text.removeprefix("'")
    for sign, dash in words()["date_signs"].items():
        text = text.replace(sign, dash)
    text = re.sub(r"\s*-\s*", "-", text).strip()
    found = _DATE.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        if _SHORT.fullmatch(text):
            return AMBIGUOUS_DATE
        return NO_DAY if _MONTH.fullmatch(text) else NOT_A_DATE
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return Wrong(_("is a day that does not exist"), _("write it as 2026-01-31"))


# --- codes

_WHOLE_FLOAT = re.compile(r"(\d+)\.0*", re.ASCII)
_SCIENTIFIC = re.compile(r"(\d)(?:\.(\d*))?e\+?(\d{1,2})", re.IGNORECASE | re.ASCII)
SHORTENED_CODE = Wrong(
    _("is a code that the spreadsheet program shortened, and its last digits are lost"),
    _("format the column as text and enter the codes again"),
)

NO_CODE = Wrong(
    _("is a number with decimals or too many digits, not a code"),
    _("format the column as text and enter the codes again"),
)


def parse_code(cell: Cell) -> str | Wrong | None:
    """A code as text, None for a blank cell, or why it is none.

    What a spreadsheet program did to it is undone where nothing is lost.

    Examples
    --------
    >>> parse_code(370102000000.0), parse_code("370102000000.0"), parse_code("3.70102E+5"), parse_code("'0102")
    ('370102000000', '370102000000', '370102', '0102')
    >>> parse_code("3.70E+11").reason
    'is a code that the spreadsheet program shortened, and its last digits are lost'
    """
    if isinstance(cell, date):
        return A_DATE
    if isinstance(cell, float):
        if 0 <= cell < LARGEST and cell.is_integer():
            return str(int(cell))
        return NO_CODE
    text = plain(cell).removeprefix("'").strip()
    if is_blank(text):
        return None
    if _ERROR.match(text):
        return CELL_ERROR
    if found := _WHOLE_FLOAT.fullmatch(text):
        return found[1]
    if found := _SCIENTIFIC.fullmatch(text):
        decimals, exponent = found[2] or "", int(found[3])
        return found[1] + decimals if len(decimals) == exponent else SHORTENED_CODE
    return text


def scientific_pattern(cell: Cell) -> tuple[str, int] | None:
    """First digits and length of a code that was shortened to powers of ten; None when it was not.

    Examples
    --------
    >>> scientific_pattern("3.7010E+11")
    ('37010', 12)
    """
    found = _SCIENTIFIC.fullmatch(plain(cell)) if isinstance(cell, str) else None
    return (found[1] + (found[2] or ""), int(found[3]) + 1) if found else None
