"""Responses that are counted more than once: from one count to the next a unit's move by nobody or by enough people.

Whoever has two editions subtracts them. Blank cells do not help there: every number that was estimated from the
responses, and every parameter that was fitted to them, moves by what the few said who came or went. So it is decided
before anything is computed whose responses are counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from methods.queries import connected

Apart = tuple[str, tuple[str, ...]]  # a column, and the codes whose choice makes a response another estimand's
Part = tuple[str, str]  # a unit, and for each `Apart` in order 1 or 0: whether it was chosen


@dataclass(frozen=True, slots=True)
class Held:
    """What is counted."""

    path: Path  # of the responses; a Parquet file of texts
    held: frozenset[Part]  # those that are counted as they were the last time
    together: frozenset[Part]  # those whose flagged responses are not told apart from the others


def hold(
    new: Path,
    before: Sequence[Held],
    out: Path,
    threshold: int = 10,
    apart: Sequence[Apart] = (),
    scored: Mapping[str, Collection[str]] = {},
    mode: str = "invitation",
) -> Held:
    """Write the responses to count: those of `new`, or of the last time where fewer than `threshold` differ.

    Parameters
    ----------
    new
        `.parquet` or `.csv` with the columns of the snapshot's table `responses`.
    before
        What was counted earlier, the last one last.
    out
        A `.parquet` to write; every column is text.
    threshold
        Least number of people of a unit by whom two counts may differ, 0 aside.
    apart
        Who is counted apart: each part of a unit's responses is looked at by itself.
    scored
        Columns of answers of which means are made, and of each the codes that have no score. Of them too nobody or
        enough people must differ: else a unit is held, or, where fewer than half of its people gave such an answer,
        that one answer is left out of all its responses.
    mode
        The one that is counted; responses of other modes are always the new ones.

    Returns
    -------
    Held
        Where they are, and which are those of the last time.

    Notes
    -----
    Responses have no names. Two counts are compared as multisets of answers (columns `q_*` that both have): who came
    and who went are at least as many as the greater of the two differences. The count of all and the count without
    flagged responses are shown, so each is compared with either of every earlier time. Where only the count without
    flagged ones would differ by a few, or a few are flagged, they are not told apart.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     old, new = Path(folder) / "old.csv", Path(folder) / "new.csv"
    ...     _ = old.write_text("unit,q_polite\\n" + "a,yes\\n" * 30 + "b,no\\n" * 30)
    ...     _ = new.write_text("unit,q_polite\\n" + "a,yes\\n" * 27 + "b,no\\n" * 15)
    ...     first = hold(old, [], Path(folder) / "first.parquet")
    ...     second = hold(new, [first], Path(folder) / "second.parquet")
    >>> second.held                                        # 15 of b went, and 3 of a
    frozenset({('a', '')})
    """
    last = len(before)
    with connected() as connection:
        columns = [_read(connection, k, path, apart) for k, path in enumerate([*(one.path for one in before), new])]
        for k, one in enumerate(before):
            _blank(connection, k, "flags", one.together, mode)
        few = f"BETWEEN 1 AND {threshold - 1}"
        together = _parts(
            connection,
            f"""SELECT unit, part FROM t{last} WHERE mode = ? GROUP BY unit, part
            HAVING count(*) FILTER (flags <> '') > 0
            AND (count(*) FILTER (flags = '') {few} OR count(*) FILTER (flags <> '') {few})""",
            [mode],
        )
        _blank(connection, last, "flags", together, mode)
        held: set[Part] = set()
        silent: dict[str, set[Part]] = {}
        for k in range(last):
            answers = sorted(name for name in set(columns[k]) & set(columns[last]) if name.startswith("q_"))
            _compare(connection, k, last, answers, few, mode)
            held |= _parts(connection, "SELECT unit, part FROM compared WHERE hold")
            together |= _parts(connection, "SELECT unit, part FROM compared WHERE clear")
            for name in sorted(set(scored) & set(columns[k]) & set(columns[last])):
                given = f"{_name(name)} <> '' AND {_name(name)} NOT IN (SELECT unnest(CAST(? AS VARCHAR[])))"
                _compare(connection, k, last, [name], few, mode, given, list(scored[name]))
                common = f"""SELECT unit, part FROM t{last} WHERE mode = ? GROUP BY unit, part
                    HAVING 2 * count(*) FILTER ({given}) >= count(*)"""
                often = _parts(connection, common, [mode, list(scored[name])])
                differ = _parts(connection, "SELECT unit, part FROM compared WHERE hold")
                held |= differ & often
                silent.setdefault(name, set()).update(differ - often)
                together |= _parts(connection, "SELECT unit, part FROM compared WHERE clear")
        if before:
            together = (together - held) | (before[-1].together & held)
        for name, parts in silent.items():
            _blank(connection, last, name, parts, mode)
        _write(connection, columns, last, held, mode, out)
    return Held(out, frozenset(held), frozenset(together))


def _read(connection: duckdb.DuckDBPyConnection, number: int, path: Path, apart: Sequence[Apart]) -> list[str]:
    """Table `t<number>` of texts, with `part`, and `flags_given` as they are; gives the columns of the file."""
    csv = "read_csv(?, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
    source = "read_parquet(?)" if path.suffix == ".parquet" else csv
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}", [str(path)]).fetchall()
    kinds = {str(row[0]): str(row[1]) for row in described}
    cells = []
    for name, kind in kinds.items():
        text = f"CAST({_name(name)} AS VARCHAR)"
        if kind in ("DOUBLE", "FLOAT"):
            text = rf"regexp_replace(nullif({text}, 'nan'), '\.0$', '')"
        cells.append(f"coalesce(trim({text}), '') AS {_name(name)}")
    added = [name for name in ("mode", "flags") if name not in kinds]
    cells += [f"'' AS {name}" for name in added]
    read = f"SELECT {', '.join(cells)} FROM {source}"
    parts: list[str] = ["''"]
    values: list[object] = []
    for column, codes in apart:
        if column in kinds:
            parts.append(f"if(list_has_any(string_split({_name(column)}, ' '), CAST(? AS VARCHAR[])), '1', '0')")
            values.append(list(codes))
        else:
            parts.append("'0'")
    connection.execute(
        f"""CREATE TEMP TABLE t{number} AS
        SELECT * REPLACE (coalesce(nullif(mode, ''), 'invitation') AS mode), {" || ".join(parts)} AS part,
            flags AS flags_given FROM ({read})""",
        [*values, str(path)],
    )
    return [*kinds, *added]


def _parts(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] = ()) -> set[Part]:
    return {(str(unit), str(part)) for unit, part in connection.execute(query, list(values)).fetchall()}


def _named(connection: duckdb.DuckDBPyConnection, parts: set[Part] | frozenset[Part]) -> None:
    """Table `named` of these parts of units."""
    connection.execute("CREATE OR REPLACE TEMP TABLE named (unit VARCHAR, part VARCHAR)")
    if parts:
        connection.executemany("INSERT INTO named VALUES (?, ?)", [list(one) for one in sorted(parts)])


def _blank(
    connection: duckdb.DuckDBPyConnection, number: int, name: str, parts: set[Part] | frozenset[Part], mode: str
) -> None:
    """Empty a column of these parts."""
    if parts:
        _named(connection, parts)
        named = "(unit, part) IN (SELECT (unit, part) FROM named)"
        connection.execute(f"UPDATE t{number} SET {_name(name)} = '' WHERE mode = ? AND {named}", [mode])


def _compare(
    connection: duckdb.DuckDBPyConnection,
    old: int,
    new: int,
    answers: Sequence[str],
    few: str,
    mode: str,
    given: str = "true",
    *values: object,
) -> None:
    """Table `compared`: of each part of a unit, whether it differs by a few from what was counted then."""
    key = " || '|' || ".join(f"replace(replace({_name(name)}, '~', '~0'), '|', '~1')" for name in answers) or "''"

    def counts(number: int) -> str:
        return (
            f"SELECT unit, part, md5({key}) AS answers, count(*) AS every, count(*) FILTER (flags = '') AS clean "
            f"FROM t{number} WHERE mode = ? AND {given} GROUP BY ALL"
        )

    def differ(now: str, then: str) -> str:
        here, there = f"coalesce(n.{now}, 0)", f"coalesce(o.{then}, 0)"
        return f"greatest(sum(greatest({here} - {there}, 0)), sum(greatest({there} - {here}, 0))) {few}"

    def apart(which: str) -> str:  # a few flagged ones are shown together with the others
        return f"NOT coalesce(sum({which}.every - {which}.clean), 0) {few}"

    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE compared AS
        SELECT coalesce(n.unit, o.unit) AS unit, coalesce(n.part, o.part) AS part,
            {differ("every", "every")} OR ({differ("every", "clean")} AND {apart("o")}) AS hold,
            ({differ("clean", "every")} OR ({differ("clean", "clean")} AND {apart("o")})) AND {apart("n")} AS clear
        FROM ({counts(new)}) n FULL JOIN ({counts(old)}) o
            ON n.unit = o.unit AND n.part = o.part AND n.answers = o.answers
        GROUP BY ALL""",
        [mode, *values, mode, *values],
    )


def _write(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Sequence[str]],
    last: int,
    held: set[Part],
    mode: str,
    out: Path,
) -> None:
    _named(connection, held)
    inside = "mode = ? AND (unit, part) IN (SELECT (unit, part) FROM named)"
    query, values = f"SELECT * FROM t{last} WHERE NOT ({inside})", [mode]
    if last:
        query += f" UNION ALL BY NAME SELECT * FROM t{last - 1} WHERE {inside}"
        values.append(mode)
    names = dict.fromkeys(name for of in columns[max(last - 1, 0) :][::-1] for name in of)
    cells = [f"coalesce({_name('flags_given' if name == 'flags' else name)}, '') AS {_name(name)}" for name in names]
    connection.execute(f"CREATE TEMP TABLE counted AS SELECT {', '.join(cells)} FROM ({query})", values)
    target = str(out).replace("'", "''")
    connection.execute(f"COPY (SELECT * FROM counted ORDER BY ALL) TO '{target}' (FORMAT parquet)")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
