"""What the tables of a snapshot say about each other and the scheme: unknown codes, double rows, circles, dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

import numpy as np

from evaluator.rating.defects import likely
from evaluator.rating.doors import SNAPSHOT
from evaluator.rating.scheme import Scheme
from evaluator.rating.tabular import FIRST_ROW, Table

Tables = Mapping[str, Table]
SUGGESTED = 100  # distinct unknown codes of a column for which the likely one is sought


def cross_check(tables: Tables, period: tuple[date, date], scheme: Scheme | None) -> list[str]:
    """Every defect that shows only when tables, period and scheme are read together."""
    defects: list[str] = []
    for name, table in tables.items():
        defects += _doubles(name, table)
    defects += _tree(tables["units"])
    units = set(tables["units"].get("unit", ()))
    for name, table in tables.items():
        if name != "units":
            defects += _unknown(name, "unit", table, units, "it is not in units")
    if "sample" in tables:
        defects += _sample(tables["sample"], units)
    if "events" in tables:
        defects += _events(tables["events"], tables["units"], period)
    if scheme is not None:
        defects += _against_scheme(tables, scheme)
    return defects


def _at(table: str, row: int, column: str) -> str:
    return f"{table} row {row + FIRST_ROW} column {column}"


def _doubles(name: str, table: Table) -> list[str]:
    key = [column for part in SNAPSHOT[name].key for column in _expanded(part, table) if column in table]
    seen: dict[tuple[str, ...], int] = {}
    defects = []
    for row, values in enumerate(zip(*(table[column] for column in key), strict=True)):
        if not values[0]:
            continue  # a blank unit was told already
        first = seen.setdefault(values, row)
        if first != row:
            said = ", ".join(f"{column} {value!r}" for column, value in zip(key, values, strict=True))
            defects.append(
                f"{_at(name, row, key[0])}: {said} is already in row {first + FIRST_ROW}; keep one of the two"
            )
    return defects


def _expanded(part: str, table: Table) -> list[str]:
    return [column for column in table if column.startswith(part[:-1])] if part.endswith("*") else [part]


def _unknown(name: str, column: str, table: Table, known: Iterable[str], why: str) -> list[str]:
    known = known if isinstance(known, set | dict) else set(known)
    defects = []
    right: dict[str, str] = {}
    for row, value in enumerate(table.get(column, ())):
        if value and value not in known:
            if value not in right:
                # comparing with thousands of codes takes milliseconds: enough examples are enough
                right[value] = likely(value, sorted(known)) if len(right) < SUGGESTED else "mend the code"
            defects.append(f"{_at(name, row, column)}: {value!r}, {why}; {right[value]}")
    return defects


def _tree(units: Table) -> list[str]:
    if "unit" not in units:
        return []
    codes = set(units["unit"])
    defects = _unknown("units", "parent", units, codes, "no unit has this code")
    defects += _unknown("units", "successor", units, codes, "no unit has this code")
    parent = dict(zip(units["unit"], units["parent"], strict=True))
    told: set[str] = set()
    for row, unit in enumerate(units["unit"]):
        path, above = [unit], parent[unit]
        while above and above in parent and above not in path:
            path.append(above)
            above = parent[above]
        if above == unit and unit not in told:
            told.update(path)
            circle = " -> ".join([*path, unit])
            defects.append(
                f"{_at('units', row, 'parent')}: {circle} is a circle; a unit stands below another, never below itself"
            )
    for row, (begins, ends) in enumerate(zip(units["valid_from"], units["valid_to"], strict=True)):
        if begins and ends and ends < begins:
            defects.append(f"{_at('units', row, 'valid_to')}: {ends} is before valid_from {begins}; exchange them")
    return defects


def _sample(sample: Table, units: set[str]) -> list[str]:
    defects = _unknown("sample", "calibration_area", sample, units, "it is not in units")
    for low, high in (("responded", "invited"), ("invited", "frame_n")):
        for row in np.flatnonzero(sample[low] > sample[high]):  # a blank is NaN and compares as false
            defects.append(
                f"{_at('sample', int(row), low)}: {sample[low][row]:g} is more than {high} {sample[high][row]:g}; "
                f"it must be at most that"
            )
    return defects


def _events(events: Table, units: Table, period: tuple[date, date]) -> list[str]:
    defects = []
    begins = dict(zip(units.get("unit", ()), units["valid_from"], strict=True))
    last = period[1].isoformat()
    rows = zip(events["unit"], events["document_date"], events["state_date"], strict=True)
    for row, (unit, document, since) in enumerate(rows):
        for column, day in (("document_date", document), ("state_date", since)):
            if day and day > last:
                defects.append(
                    f"{_at('events', row, column)}: {day} is after the period, which ends on {last}; leave it out"
                )
        if document and begins.get(unit) and document < begins[unit]:
            defects.append(
                f"{_at('events', row, 'document_date')}: {document} is before unit {unit} existed ({begins[unit]}); "
                "record it for the unit of that time"
            )
        if since and document and since < document:
            defects.append(
                f"{_at('events', row, 'state_date')}: {since} is before the document of {document}; mend the dates"
            )
    return defects


def _against_scheme(tables: Tables, scheme: Scheme) -> list[str]:
    units = tables["units"]
    defects = _unknown("units", "level", units, set(scheme.levels), "the scheme has no such level")
    sources = {indicator.code: indicator.source for indicator in scheme.indicators}
    level = dict(zip(units.get("unit", ()), units.get("level", ()), strict=False))
    for name, column, kinds in (
        ("records", "indicator", ("share", "rate")),
        ("assessments", "criterion", ("assessor",)),
        ("indicators", "indicator", ("metric", "ready")),
    ):
        if name not in tables:
            continue
        table = tables[name]
        right = {code for code, source in sources.items() if source in kinds}

        def why(code: str, kinds: Sequence[str] = kinds) -> str:
            if code in sources:
                return f"its source is {sources[code]!r} and this table holds {' and '.join(kinds)}"
            return "the scheme has no such indicator"

        defects += _unknown_codes(name, column, table, right, why)
        defects += _elsewhere(name, column, table, level, scheme)
    if "records" in tables:
        defects += _fractions(tables["records"], scheme)
    if "assessments" in tables:
        defects += _off_scale("assessments", "criterion", "score", tables["assessments"], scheme)
    if "indicators" in tables:
        defects += _off_scale("indicators", "indicator", "value", tables["indicators"], scheme)
    if "events" in tables:
        known = {record.code for record in scheme.records.classes} | {veto.code for veto in scheme.vetoes}
        defects += _unknown(
            "events", "class", tables["events"], known, "the scheme has no such class of records or veto"
        )
    return defects


def _unknown_codes(name: str, column: str, table: Table, known: set[str], why: Callable[[str], str]) -> list[str]:
    return [
        f"{_at(name, row, column)}: {code!r}, {why(code)}; {likely(code, sorted(known))}"
        for row, code in enumerate(table.get(column, ()))
        if code and code not in known
    ]


def _elsewhere(name: str, column: str, table: Table, level: Mapping[str, str], scheme: Scheme) -> list[str]:
    applies = {indicator.code: indicator.levels for indicator in scheme.indicators}
    return [
        f"{_at(name, row, column)}: {code!r} does not apply at level {level[unit]!r} of unit {unit}; "
        f"leave the row out (its levels: {', '.join(applies[code])})"
        for row, (unit, code) in enumerate(zip(table.get("unit", ()), table.get(column, ()), strict=False))
        if code in applies and level.get(unit) in scheme.levels and level[unit] not in applies[code]
    ]


def _fractions(records: Table, scheme: Scheme) -> list[str]:
    defects = []
    sources = {indicator.code: indicator.source for indicator in scheme.indicators}
    from_events = {record.indicator for record in scheme.records.classes if record.use == "indicator"}
    rows = zip(records["indicator"], records["numerator"].tolist(), records["denominator"].tolist(), strict=True)
    for row, (code, numerator, denominator) in enumerate(rows):
        if code in from_events and numerator == numerator:
            defects.append(f"{_at('records', row, 'numerator')}: {code!r} counts events; leave the numerator blank")
        elif sources.get(code) == "share" and numerator > denominator:
            defects.append(
                f"{_at('records', row, 'numerator')}: {numerator:g} is above the denominator {denominator:g}; "
                f"{code!r} is a share, the part cannot exceed the whole"
            )
        elif denominator == 0 and numerator > 0:
            defects.append(
                f"{_at('records', row, 'denominator')}: 0 with a numerator of {numerator:g}; give the exposure"
            )
    return defects


def _off_scale(name: str, column: str, values: str, table: Table, scheme: Scheme) -> list[str]:
    scales = {indicator.code: indicator.scale for indicator in scheme.indicators}
    defects = []
    for row, (code, value) in enumerate(zip(table.get(column, ()), table.get(values, ()), strict=False)):
        scale = scales.get(code)
        if scale and not np.isnan(value) and not scale[0] <= value <= scale[1]:
            defects.append(
                f"{_at(name, row, values)}: {value:g} is outside the scale of {code!r}; "
                f"it must be between {scale[0]:g} and {scale[1]:g}"
            )
    return defects
