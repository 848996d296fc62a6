"""The rows of an import: checked against the units, the scheme's words and the period, every defect found at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from evaluator.records.kinds import (
    LAYOUTS,
    SOURCES,
    EventRow,
    Kind,
    Period,
    RecordRow,
    Row,
    ValueRow,
    headings,
    states_by_name,
)
from evaluator.records.vocabulary import Term, Vocabulary
from evaluator.spreadsheets.cells import (
    Cell,
    Number,
    is_blank,
    parse_code,
    parse_date,
    parse_number,
    plain,
)
from evaluator.spreadsheets.findings import Finding, Wrong
from evaluator.spreadsheets.reading import Sheet
from evaluator.spreadsheets.suggesting import Suggester
from evaluator.spreadsheets.table import Line, Table, find_table, folded
from evaluator.units.lookup import UnitIndex

T = TypeVar("T")
MOST_FINDINGS = 100_000  # such a file is another kind of file


def _(message: str) -> str:
    return message


BLANK = Wrong(_("is blank"), _("give a value in every row"))
TOO_MANY = Wrong(_("and all rows below were not looked at: there are too many problems"), _("mend these first"))
NEGATIVE = Wrong(_("is below 0"), _("a count or an exposure is 0 or more"))
PERCENTAGE = Wrong(
    _("is a percentage where a count is wanted"), _("give how many there were, and out of how many in the denominator")
)
FRACTION = Wrong(
    _("is not a whole number, and a share counts cases"),
    _("give how many there were; if this is a share already, give its two counts"),
)
ONE_IN_MONEY = Wrong(
    _("is an amount of money and its counterpart is not"), _("give both in the same unit, or both as counts")
)
ABOVE = Wrong(
    _("is above the denominator %(denominator)s; of a share, the part cannot exceed the whole"),
    _("mend the two numbers; were they exchanged?"),
)
ZERO = Wrong(
    _("is 0 with a numerator of %(numerator)s"),
    _("give how many were due; 0 with a numerator of 0 means that it does not apply"),
)
FROM_EVENTS = Wrong(
    _("is given, but the scheme counts the events themselves for this indicator"),
    _("leave the numerator blank and import the events"),
)


def read_rows(
    kind: Kind, sheets: Sequence[Sheet], units: UnitIndex, vocabulary: Vocabulary, period: Period
) -> tuple[list[Row], list[Finding]]:
    """Every good row and every defect of a file of a kind.

    Raises
    ------
    Refused
        The file has no such table.
    """
    table = find_table(sheets, LAYOUTS[kind], headings())
    reader = _Reader(kind, table, units, vocabulary, period)
    make: Callable[[Line], Row | None] = {
        "records": reader.record,
        "indicators": reader.value,
        "events": reader.event,
    }[kind]
    rows = []
    for line in table.lines:
        if len(reader.findings) > MOST_FINDINGS:
            reader.wrong(line, "", TOO_MANY)
            break
        if (row := make(line)) is not None:
            rows.append(row)
    keys = {"records": ("unit", "indicator"), "indicators": ("unit", "indicator"), "events": ("record",)}[kind]
    reader.findings += _doubles(table, rows, keys)
    return rows, reader.findings


def _doubles(table: Table, rows: Iterable[Row], keys: Sequence[str]) -> list[Finding]:
    first: dict[tuple[str, ...], int] = {}
    lines = {line.number: line for line in table.lines}
    findings = []
    for row in rows:
        earlier = first.setdefault(tuple(getattr(row, key) for key in keys), row.line)
        if earlier != row.line:
            wrong = Wrong(
                _("%(what)s is in row %(row)s already"), _("keep one of the two rows"),
                {"what": " + ".join(getattr(row, key) for key in keys), "row": str(earlier)},
            )  # fmt: skip
            column = keys[-1] if keys[-1] in table.headings else f"{keys[-1]}_name"
            findings.append(table.finding(lines[row.line], column, wrong))
    return findings


class _Reader:
    """Reads line after line; a method gives None after noting what is wrong."""

    def __init__(self, kind: Kind, table: Table, units: UnitIndex, vocabulary: Vocabulary, period: Period) -> None:
        self.kind, self.table, self.units, self.vocabulary, self.period = kind, table, units, vocabulary, period
        self.findings: list[Finding] = list(table.findings)
        self._told_headers: set[str] = set()
        self._terms = _by_name(vocabulary.indicators)
        self._usable = {name: term for name, term in self._terms.items() if term.source in SOURCES[kind]}
        usable = list(dict.fromkeys(one.code for one in self._usable.values()))
        self._listed = ", ".join(usable[:12]) + (" …" if len(usable) > 12 else "")
        self._classes = {folded(code): code for code in vocabulary.classes}
        self._suggester = Suggester()
        self._lookups: dict[tuple[str, Cell], object] = {}

    def wrong(self, line: Line, column: str, wrong: Wrong) -> None:
        self.findings.append(self.table.finding(line, column, wrong))

    # --- what all kinds have

    def unit(self, line: Line) -> str | None:
        """The unit by its code, its name, or both where they agree; it must have existed in the period."""
        found: dict[str, str] = {}
        for column in ("unit", "unit_name"):
            if column not in self.table.headings:
                continue
            answer = self.units.find(line.cells[column])
            if isinstance(answer, str):
                found[column] = answer
            elif column == "unit" or "unit" not in found:
                if column == "unit" and is_blank(line.cells[column]) and "unit_name" in self.table.headings:
                    continue  # the name may tell
                self.wrong(line, column, answer)
                return None
        if len(set(found.values())) == 2:
            self.wrong(line, "unit_name", Wrong(
                _("is %(name)s, but the code is that of %(code)s"), _("mend the code or the name"),
                {"name": self.units.called(found["unit_name"]), "code": self.units.called(found["unit"])},
            ))  # fmt: skip
            return None
        code = next(iter(found.values()))
        unit = self.units.units[code]
        column = "unit" if "unit" in self.table.headings else "unit_name"
        if unit.valid_to is not None and unit.valid_to < self.period[0]:
            self.wrong(line, column, Wrong(
                _("had ceased to exist on %(day)s, before the period"), _("use its successor, %(successor)s"),
                {"day": unit.valid_to.isoformat(), "successor": unit.successor or "–"},
            ))  # fmt: skip
            return None
        if unit.valid_from is not None and unit.valid_from > self.period[1]:
            self.wrong(line, column, Wrong(
                _("began to exist on %(day)s, after the period"), _("use the unit of that time"),
                {"day": unit.valid_from.isoformat()},
            ))  # fmt: skip
            return None
        return code

    def term(self, line: Line, unit: str | None) -> Term | None:
        """The indicator, of a source that this kind of file brings, applying at the unit's level."""
        column = next(
            c for c in ("indicator", "indicator_name") if c in self.table.headings
            and (c == "indicator_name" or "indicator_name" not in self.table.headings or not is_blank(line.cells[c]))
        )  # fmt: skip
        cell = line.cells[column]
        answer = self._cached(column, cell, self._term)
        if isinstance(answer, Wrong):
            self.wrong(line, column, answer)
            return None
        level = self.units.units[unit].level if unit is not None else ""
        if level and answer.levels and level not in answer.levels:
            self.wrong(line, column, Wrong(
                _("does not apply at level %(level)s of this unit"), _("leave the row out; its levels are %(levels)s"),
                {"level": level, "levels": ", ".join(answer.levels)},
            ))  # fmt: skip
            return None
        return answer

    def _term(self, cell: Cell) -> Term | Wrong:
        text = parse_code(cell)
        if text is None:
            return BLANK
        if isinstance(text, Wrong):
            return text
        known = self.vocabulary.indicators
        term = known.get(text) or self._terms.get(folded(text))
        if term is None:
            names = self._suggester.near(folded(text), self._usable)
            near = list(dict.fromkeys(self._usable[name].code for name in names))
            reason = _("is no indicator of the scheme %(scheme)s")
            if near:
                likely = ", ".join(f"{code} ({known[code].name_zh or known[code].name_en})" for code in near)
                values = {"scheme": self.vocabulary.scheme, "likely": likely}
                return Wrong(reason, _("did you mean %(likely)s?"), values)
            return Wrong(
                reason, _("known: %(known)s"), {"scheme": self.vocabulary.scheme, "known": self._listed or "–"}
            )  # fmt: skip
        if term.source not in SOURCES[self.kind]:
            return Wrong(
                _("is an indicator of source “%(source)s”, which this kind of file does not bring"),
                OTHER_DOORS.get(term.source, _("leave the row out")),
                {"source": term.source},
            )
        return term

    def _cached(self, column: str, cell: Cell, look_up: Callable[[Cell], T]) -> T:
        key = (column, cell)
        if key not in self._lookups:
            self._lookups[key] = look_up(cell)
        return self._lookups[key]  # type: ignore[return-value]

    def number(self, line: Line, column: str, *, least: float | None = 0.0) -> Number | Wrong | None:
        """A number or None; what is wrong is noted and given back, so that a caller can tell it from a blank."""
        heading = self.table.headings.get(column)
        if heading is None:
            return None
        number = parse_number(line.cells[column], heading.scale)
        if isinstance(number, Number) and least is not None and number.value < least:
            number = NEGATIVE
        if isinstance(number, Wrong):
            self.wrong(line, column, number)
        return number

    def date(self, line: Line, column: str) -> date | None:
        day = parse_date(line.cells[column])
        if day is None:
            self.wrong(line, column, BLANK)
            return None
        if isinstance(day, Wrong):
            self.wrong(line, column, day)
            return None
        first, last = self.period
        if not first <= day <= last:
            self.wrong(line, column, Wrong(
                _("is out of the period from %(first)s to %(last)s"),
                _("leave the row out, mend the date, or import the file for another period"),
                {"first": first.isoformat(), "last": last.isoformat()},
            ))  # fmt: skip
            return None
        return day

    # --- a row of each kind

    def record(self, line: Line) -> RecordRow | None:
        unit = self.unit(line)
        term = self.term(line, unit)
        numerator, denominator = self.number(line, "numerator"), self.number(line, "denominator")
        good = unit is not None and term is not None
        if denominator is None:
            self.wrong(line, "denominator", BLANK)
        if isinstance(numerator, Wrong) or not isinstance(denominator, Number):
            return None
        for column, number in (("numerator", numerator), ("denominator", denominator)):
            if number is not None and number.kind == "percent":
                self.wrong(line, column, PERCENTAGE)
                good = False
        if term is None or not good:
            return None
        if term.counts_events:
            if numerator is not None:
                self.wrong(line, "numerator", FROM_EVENTS)
                good = False
        elif term.source == "share":
            good = self._is_share(line, numerator, denominator)
        if good and denominator.value == 0 and numerator is not None and numerator.value > 0:
            self.wrong(line, "denominator", _with(ZERO, numerator=_shown(numerator)))
            good = False
        if not good:
            return None
        return RecordRow(line.number, unit or "", term.code, numerator.value if numerator else None, denominator.value)

    def _is_share(self, line: Line, numerator: Number | None, denominator: Number) -> bool:
        before = len(self.findings)
        for column, number in (("numerator", numerator), ("denominator", denominator)):
            if number is not None and number.kind != "money" and number.value != int(number.value):
                self.wrong(line, column, FRACTION)
        if numerator is not None and len(self.findings) == before:
            if numerator.kind != denominator.kind:
                self.wrong(line, "numerator" if numerator.kind == "money" else "denominator", ONE_IN_MONEY)
            elif denominator.value > 0 and numerator.value > denominator.value:
                self.wrong(line, "numerator", _with(ABOVE, denominator=_shown(denominator)))
        return len(self.findings) == before

    def value(self, line: Line) -> ValueRow | None:
        unit = self.unit(line)
        term = self.term(line, unit)
        number, error = self.number(line, "value", least=None), self.number(line, "standard_error")
        if number is None:
            self.wrong(line, "value", BLANK)
        if unit is None or term is None or not isinstance(number, Number) or isinstance(error, Wrong):
            return None
        if error is not None and error.kind != number.kind:
            self.wrong(line, "standard_error", Wrong(
                _("is in another unit than the value"), _("give value and standard error in the same unit")
            ))  # fmt: skip
            return None
        return ValueRow(line.number, unit, term.code, number.value, error.value if error else None)

    def event(self, line: Line) -> EventRow | None:
        unit, record = self.unit(line), self._record_number(line)
        record_class = self._word(line, "class", self._classes, self.vocabulary.classes)
        document_date = self.date(line, "document_date")
        state = self._word(line, "state", states_by_name(), tuple(dict.fromkeys(states_by_name().values())))
        state_date = self.date(line, "state_date")
        if document_date and state_date and state_date < document_date:
            self.wrong(line, "state_date", Wrong(
                _("is before the document's date %(day)s"), _("mend one of the two dates"),
                {"day": document_date.isoformat()},
            ))  # fmt: skip
            return None
        if None in (unit, record, record_class, document_date, state, state_date):
            return None
        return EventRow(line.number, unit, record, record_class, document_date, state, state_date)  # type: ignore[arg-type]

    def _record_number(self, line: Line) -> str | None:
        text = parse_code(line.cells["record"])
        if text is None or isinstance(text, Wrong):
            self.wrong(line, "record", text or BLANK)
            return None
        if len(text) > 64:
            self.wrong(line, "record", Wrong(_("is longer than 64 characters"), _("give the number of the document")))
            return None
        return text

    def _word(self, line: Line, column: str, meanings: Mapping[str, str], words: Sequence[str]) -> str | None:
        """A word of a closed list, by any of its names."""
        text = parse_code(line.cells[column])
        if text is None or isinstance(text, Wrong):
            self.wrong(line, column, text or BLANK)
            return None
        word = meanings.get(folded(text))
        if word is None:
            near = self._suggester.near(folded(text), meanings)
            likely = list(dict.fromkeys(meanings[name] for name in near)) or list(words)
            wrong = Wrong(_("is not known here"), _("use one of: %(words)s"), {"words": ", ".join(likely[:12])})
            self.wrong(line, column, wrong)
        return word


OTHER_DOORS = {
    "citizen": _("it comes from citizens' answers; leave the row out"),
    "assessor": _("it comes from assessors; import it as assessments"),
    "share": _("import it as records: numerator and denominator"),
    "rate": _("import it as records: numerator and denominator"),
    "metric": _("import it as indicators: value and standard error"),
    "ready": _("import it as indicators: value and standard error"),
}


def _by_name(indicators: Mapping[str, Term]) -> dict[str, Term]:
    """Indicators by everything that means one of them only."""
    found: dict[str, Term | None] = {}
    for term in indicators.values():
        for name in {folded(term.code), folded(term.name_zh), folded(term.name_en)} - {""}:
            found[name] = None if name in found else term
    return {name: term for name, term in found.items() if term is not None}


def _with(wrong: Wrong, **values: str) -> Wrong:
    return Wrong(wrong.reason, wrong.right, values)


def _shown(number: Number) -> str:
    return plain(number.value)
