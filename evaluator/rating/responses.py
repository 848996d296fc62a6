"""Checking responses where they lie: DuckDB tells each distinct value of a column once, and Python judges the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb

from evaluator.rating.defects import InputError, likely
from evaluator.rating.doors import MARK_COLUMN, SIMULATED, SNAPSHOT
from evaluator.rating.questions import known_flags
from evaluator.rating.tabular import FIRST_ROW, Table, connect, header, parse_column, quoted, scan
from questionnaires.columns import column as column_of
from questionnaires.definition import Question, Questionnaire

Found = tuple[tuple[str, ...], int, int]  # values, responses that have them, first row


def campaigns_of(path: Path) -> tuple[list[str], list[str]]:
    """The campaigns in a file of responses, and the defects that keep them from being read."""
    try:
        names = header(path)
    except InputError as error:
        return [], list(error.defects)
    if "campaign" not in names:
        return [], []
    try:
        return [values[0] for values, _, _ in _distinct(path, names, [("campaign",)])[0] if values[0]], []
    except duckdb.Error as error:
        return [], [_unreadable(path, error)]


def check_responses(
    path: Path, tables: Mapping[str, Table], period: tuple[date, date], questionnaires: Mapping[str, Questionnaire]
) -> list[str]:
    """Every defect of the responses: each wrong value once, with its first row and how many responses have it."""
    try:
        names = header(path)
    except InputError as error:
        return list(error.defects)
    defects = _columns(names, questionnaires)
    asked = _asked(names, questionnaires)
    door = SNAPSHOT["responses"]
    plain = [name for name in dict.fromkeys(names) if door.column(name) and not name.startswith(("q_", "s_"))]
    if MARK_COLUMN.name in names:
        plain.append(MARK_COLUMN.name)
    answers = [name for name in dict.fromkeys(names) if name in asked]
    keyed = "campaign" in names
    sets: list[tuple[str, ...]] = [(name,) for name in plain if name != "weight"]
    sets += [("campaign", name) if keyed else (name,) for name in answers]
    try:
        found = dict(zip(sets, _distinct(path, names, sets), strict=True))
        if "weight" in names:
            defects += _weights(path, names)
        defects += _validity(path, names, tables["units"])
        if "sample" in tables and {"unit", "mode"} <= set(names):
            defects += _against_sample(path, names, tables["sample"])
    except duckdb.Error as error:
        return [*defects, _unreadable(path, error)]
    if "population" in tables:
        strata = [name for name in names if name.startswith("s_")]
        defects += [
            f"population has the column {name!r}, which no response has; {likely(name, strata)}"
            for name in tables["population"]
            if name.startswith("s_") and name not in strata
        ]
    units = set(tables["units"].get("unit", ()))
    for columns, groups in found.items():
        for values, count, row in groups:
            said = _verdict(columns, values, units, period, questionnaires, asked)
            if said:
                more = f" (and {count - 1} more)" if count > 1 else ""
                defects.append(f"responses row {row} column {columns[-1]}: {said}{more}")
    return defects


def _unreadable(path: Path, error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{path.name} cannot be read: {' '.join(lines[:3])}; mend that line"


def _columns(names: Sequence[str], questionnaires: Mapping[str, Questionnaire]) -> list[str]:
    door = SNAPSHOT["responses"]
    known = [column.name for column in door.columns]
    questions = sorted({column_of(q) for questionnaire in questionnaires.values() for q in questionnaire.questions})
    defects = []
    for name in names:
        if name.startswith("q_") and questionnaires and name not in questions:
            defects.append(f"responses has the column {name!r}, a question nobody asked; {likely(name, questions)}")
        elif door.column(name) is None and name != MARK_COLUMN.name:
            defects.append(f"responses has an unknown column {name!r}; {likely(name, known + questions, listed=30)}")
    defects += [
        f"responses has the column {name!r} twice; keep one"
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    defects += [
        f"responses has no column {column.name!r}; add it: {column.about}"
        for column in door.columns
        if column.required and column.name not in names
    ]
    return defects


def _asked(names: Sequence[str], questionnaires: Mapping[str, Questionnaire]) -> dict[str, dict[str, Question]]:
    """Column -> campaign -> the question whose answers it holds."""
    asked: dict[str, dict[str, Question]] = {}
    for campaign, questionnaire in questionnaires.items():
        for question in questionnaire.questions:
            if column_of(question) in names and question.type != "text":
                asked.setdefault(column_of(question), {})[campaign] = question
    return asked


def _source(path: Path, names: Sequence[str]) -> str:
    rows = f"row_number() OVER () + {FIRST_ROW - 1} AS row_in_file"
    return f"(SELECT *, {rows} FROM {scan(path, names)})"


def _text(name: str) -> str:
    return f"coalesce(CAST({quoted(name)} AS VARCHAR), '')"


def _distinct(path: Path, names: Sequence[str], sets: Sequence[tuple[str, ...]]) -> list[list[Found]]:
    """The distinct values of each set of columns, in one scan of the file."""
    columns = list(dict.fromkeys(name for columns in sets for name in columns))
    if not columns:
        return []
    position = {name: f"c{k}" for k, name in enumerate(columns)}
    texts = ", ".join(f"{_text(name)} AS {position[name]}" for name in columns)
    groups = ", ".join("(" + ", ".join(position[name] for name in columns) + ")" for columns in sets)
    every = ", ".join(position.values())
    with connect() as connection:
        rows = connection.execute(
            f"SELECT GROUPING({every}), {every}, count(*), min(row_in_file) FROM "
            f"(SELECT {texts}, row_in_file FROM {_source(path, names)}) GROUP BY GROUPING SETS ({groups})"
        ).fetchall()
    found: dict[int, list[Found]] = {}
    for grouping, *values, count, row in rows:
        # a bit of GROUPING is 1 where the column is not part of the set; the first column is the highest bit
        found.setdefault(int(grouping), []).append((tuple(values), int(count), int(row)))
    answer = []
    for wanted in sets:
        mask = sum(1 << (len(columns) - 1 - k) for k, name in enumerate(columns) if name not in wanted)
        picked = [
            (tuple(str(values[columns.index(name)]) for name in wanted), count, row)
            for values, count, row in found.get(mask, ())
        ]
        answer.append(sorted(picked, key=lambda group: group[2]))
    return answer


def _weights(path: Path, names: Sequence[str]) -> list[str]:
    weight = f"TRY_CAST({_text('weight')} AS DOUBLE)"
    wrong = f"({_text('weight')} <> '' AND ({weight} IS NULL OR NOT isfinite({weight}) OR {weight} < 0))"
    with connect() as connection:
        rows = connection.execute(
            f"SELECT {_text('weight')}, count(*), min(row_in_file) FROM {_source(path, names)} WHERE {wrong} "
            "GROUP BY 1 ORDER BY 3 LIMIT 1000"
        ).fetchall()
    return [
        f"responses row {row} column weight: {value!r}; write a number of at least 0"
        + (f" (and {n - 1} more)" if n > 1 else "")
        for value, n, row in rows
    ]


def _validity(path: Path, names: Sequence[str], units: Table) -> list[str]:
    """Responses on a unit that did not exist on their day."""
    if "day" not in names or "unit" not in names or "unit" not in units:
        return []
    limits = [
        (unit, begins or "0001-01-01", ends or "9999-12-31")
        for unit, begins, ends in zip(units["unit"], units["valid_from"], units["valid_to"], strict=True)
        if begins or ends
    ]
    if not limits:
        return []
    with connect() as connection:
        connection.execute("CREATE TEMP TABLE limits (code VARCHAR, begins VARCHAR, ends VARCHAR)")
        connection.executemany("INSERT INTO limits VALUES (?, ?, ?)", limits)
        rows = connection.execute(
            f"SELECT code, begins, ends, {_text('day')} AS said, count(*), min(row_in_file) "
            f"FROM {_source(path, names)} r JOIN limits ON code = {_text('unit')} "
            "WHERE said <> '' AND (said < begins OR said > ends) "
            "GROUP BY ALL ORDER BY 6"
        ).fetchall()
    return [
        f"responses row {row} column day: {day}, when unit {unit} did not exist (it did from {begins} to {ends}); "
        f"name the unit of that day" + (f" (and {n - 1} more)" if n > 1 else "")
        for unit, begins, ends, day, n, row in rows
    ]


def _against_sample(path: Path, names: Sequence[str], sample: Table) -> list[str]:
    """Invited responses of a cell that the sample does not have, or more of them than were invited."""
    invited = dict(
        zip(zip(sample["unit"], sample["design_stratum"], sample["psu"], strict=True), sample["invited"], strict=True)
    )
    known = {unit for unit, _, _ in invited}
    cell = [_text(name) if name in names else "''" for name in ("unit", "design_stratum", "psu")]
    with connect() as connection:
        rows = connection.execute(
            f"SELECT {', '.join(cell)}, count(*), min(row_in_file) FROM {_source(path, names)} "
            f"WHERE {_text('mode')} = 'invitation' GROUP BY ALL ORDER BY 5"
        ).fetchall()
    defects = []
    for *key, count, row in rows:
        place = f"responses row {row} column "
        more = f" (and {count - 1} more)" if count > 1 else ""
        most = invited.get(tuple(key))
        if most is None and key[0] in known:
            right = likely(key[1], sorted({stratum for unit, stratum, _ in invited if unit == key[0]}))
            defects.append(
                f"{place}design_stratum: {key[1]!r} with psu {key[2]!r} is no row of sample for unit {key[0]}; "
                f"{right}{more}"
            )
        elif most is not None and count > most:
            defects.append(
                f"{place}unit: {count} invited responses on {key[0]}, stratum {key[1]!r}, but the sample says that "
                f"{most:g} were invited; mend the sample"
            )
    return defects


def _verdict(
    columns: tuple[str, ...],
    values: tuple[str, ...],
    units: set[str],
    period: tuple[date, date],
    questionnaires: Mapping[str, Questionnaire],
    asked: Mapping[str, Mapping[str, Question]],
) -> str:
    name, value = columns[-1], values[-1]
    if name in asked:
        campaign = values[0] if len(values) == 2 else next(iter(asked[name]))
        if campaign not in questionnaires or value == "":
            return ""  # told once for the campaign; a blank is an answer that was not given
        question = asked[name].get(campaign)
        return (
            _answer(question, value)
            if question
            else f"{value!r}, but campaign {campaign!r} did not ask it; leave it blank"
        )
    if name == MARK_COLUMN.name:
        return "" if value == SIMULATED else f"{value!r}; simulated data say {SIMULATED!r}"
    column = SNAPSHOT["responses"].column(name)
    wrong = parse_column(column, [value])[1] if column else []
    if wrong:
        return wrong[0][1]
    if name == "unit" and value not in units:
        return f"{value!r}, it is not in units; {likely(value, sorted(units))}"
    if name == "day" and value and not period[0].isoformat() <= value <= period[1].isoformat():
        return f"{value} is outside the period {period[0]} to {period[1]}; leave the response out"
    if name == "flags" and value and questionnaires:
        known = sorted(set().union(*(known_flags(questionnaire) for questionnaire in questionnaires.values())))
        strange = [flag for flag in value.split(" ") if flag not in known]
        return f"{strange[0]!r} is no flag; {likely(strange[0], known)}" if strange else ""
    return ""


def _answer(question: Question, value: str) -> str:
    codes = [choice.code for choice in question.choices]
    if question.type in ("scale", "integer") and value not in codes:
        low, high = question.range or (0, 10**9)
        number = value.removesuffix(".0")  # a data frame writes whole numbers with blanks among them as 7.0
        if not number.lstrip("-").isdigit() or not low <= int(number) <= high:
            return f"{value!r} is no answer to {question.code!r}; write a whole number from {low} to {high}" + (
                f" or {', '.join(codes)}" if codes else ""
            )
        return ""
    chosen = value.split(" ") if question.type == "multiple" else [value]
    strange = [code for code in chosen if code not in codes] if question.type in ("single", "multiple") else []
    if strange:
        return f"{strange[0]!r} is no answer to {question.code!r}; {likely(strange[0], codes)}"
    if len(set(chosen)) < len(chosen):
        return f"{value!r} names a choice twice; name it once"
    alone = [code for code in chosen if code in question.exclusive]
    return f"{value!r}: {alone[0]!r} goes with no other choice; keep one" if alone and len(chosen) > 1 else ""
