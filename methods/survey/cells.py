"""Cells: the one scan that turns responses into integer sums, after which nothing depends on the number of responses.

Scores are carried in thousandths as 64-bit integers, because the sum of doubles depends on the order in which threads
add them; integer sums are the same on any machine with any number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers
from methods.queries import connected

Texts = NDArray[np.object_]
Booleans = NDArray[np.bool_]

THOUSANDTHS = 1000.0


@dataclass(frozen=True, slots=True)
class ItemScoring:
    """How the answers to one question become a score in thousandths (100 points are 100 000).

    An item of kind "none" has no score: it is here for its codes or because one of its choices sets a response apart.
    """

    item: str
    kind: Literal["single", "any", "linear", "none"] = "none"
    scores: Mapping[str, int | None] = field(default_factory=dict)  # single: code -> score, None = not scored
    hit: tuple[str, ...] = ()  # any: codes that hit
    score_hit: int = 0  # any: score when one of them is chosen
    score_missed: int = 0  # any: score when none is
    low: float = 0.0  # linear: lowest and highest answer
    high: float = 10.0
    score_low: int = 0  # linear: their scores
    score_high: int = 100_000
    missing: tuple[str, ...] = ()  # any, linear: codes that are an answer but not scored
    codes: tuple[str, ...] = ()  # every code in the order of the questionnaire, for distributions
    set_apart: tuple[str, ...] = ()  # codes whose choice leaves the response out of the citizens' mean
    column: str = ""  # column of the responses; blank: q_ITEM


@dataclass(frozen=True, slots=True)
class Chosen:
    """Responses that answered an item with one of these codes: a group of respondents by its own word."""

    item: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cells:
    """Responses of equal key: everything that a weight may depend on is in the key. Confidential."""

    items: tuple[str, ...]  # scored items, the columns of the three sums
    unit: Texts  # (cells,)
    mode: Texts  # (cells,)
    design_stratum: Texts  # (cells,) "" when none
    psu: Texts  # (cells,) "" when none
    weight: Floats  # (cells,) weight class: the response's own design weight, to a thousandth; NaN when it has none
    strata: Mapping[str, Texts]  # s_NAME -> (cells,); "" = skipped
    flagged: Booleans  # (cells,) flag class: any flag, or clean
    n: Integers  # (cells,) responses
    item_n: Integers  # (cells, items) responses with a score
    item_sum: Integers  # (cells, items) sum of scores, thousandths
    item_sumsq: Integers  # (cells, items) sum of squared scores, millionths


@dataclass(frozen=True, slots=True)
class Pairs:
    """Cross-products of two items over the responses that have a score on both, within a unit."""

    a: Integers  # (pairs,) position of the first item in the cells' items
    b: Integers  # (pairs,) position of the second, a <= b
    unit: Texts  # (groups,)
    mode: Texts  # (groups,)
    flagged: Booleans  # (groups,)
    n: Integers  # (groups, pairs)
    sum_a: Integers  # (groups, pairs) thousandths
    sum_b: Integers  # (groups, pairs) thousandths
    sum_ab: Integers  # (groups, pairs) millionths


@dataclass(frozen=True, slots=True)
class Choices:
    """How often each code was chosen; code "" counts who answered the item at all."""

    unit: Texts  # (rows,)
    mode: Texts  # (rows,)
    flagged: Booleans  # (rows,)
    item: Texts  # (rows,)
    code: Texts  # (rows,)
    n: Integers  # (rows,)


@dataclass(frozen=True, slots=True)
class Reduced:
    """What the responses reduce to."""

    cells: Cells
    pairs: Pairs
    choices: Choices

    def digest(self) -> str:
        """SHA-256 over every key and sum, in order: equal for equal responses, whatever the threads."""
        seen = hashlib.sha256()
        for part in (self.cells, self.pairs, self.choices):
            for name in part.__slots__:
                value = getattr(part, name)
                columns = value.items() if isinstance(value, Mapping) else [(name, value)]
                for key, column in columns:
                    seen.update(str(key).encode())
                    if isinstance(column, np.ndarray) and column.dtype != object:
                        seen.update(np.ascontiguousarray(column).tobytes())
                    else:
                        seen.update("\x1f".join(map(str, column)).encode())
        return seen.hexdigest()


def reduce_responses(
    responses: Path,
    scoring: Mapping[str, Sequence[ItemScoring]],
    threads: int | None = None,
    *,
    without: Sequence[Chosen] = (),
    only: Chosen | None = None,
) -> Reduced:
    """Reduce a file of responses to cells, pairs and choices.

    One statement reads, scores and codes the file (never loaded whole); the three sums are taken from its result.
    Responses with a choice that sets them apart (staff of the rated unit) are left out of everything.

    Parameters
    ----------
    responses
        `.parquet` or `.csv` with the columns of the snapshot's table; only `unit` must be there. No `mode` reads as
        invitation, no `weight` as blank.
    scoring
        Items by campaign. An item of the same code in several campaigns is one item, scored as each campaign says.
    threads
        For DuckDB; the result does not depend on it.
    without
        Groups of respondents that are left out: separate estimands.
    only
        One group that is kept, all others being left out. Nobody is in it where a campaign did not ask the item.

    Raises
    ------
    ValueError
        When the file is of neither kind or has no column `unit`.

    Examples
    --------
    >>> import tempfile
    >>> polite = ItemScoring("polite", "single", scores={"yes": 100_000, "no": 0}, codes=("yes", "no"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "responses.csv"
    ...     _ = file.write_text("unit,q_polite\\na,yes\\na,no\\nb,yes\\n")
    ...     cells = reduce_responses(file, {"autumn": (polite,)}).cells
    >>> cells.unit.tolist(), cells.n.tolist(), cells.item_sum.ravel().tolist()
    (['a', 'b'], [2, 1], [100000, 100000])
    """
    source = _source(responses)
    with connected(**({} if threads is None else {"threads": int(threads)})) as connection:
        present = {
            str(row[0]): str(row[1])
            for row in connection.execute(f"DESCRIBE SELECT * FROM {source}", [str(responses)]).fetchall()
        }
        if "unit" not in present:
            raise ValueError(f"{responses}: no column `unit`; responses need at least `unit` and the answers `q_*`")
        items = _items(scoring)
        scored = tuple(item for item in items if any(s.kind != "none" for s in _of(scoring, item).values()))
        strata = tuple(sorted(name for name in present if name.startswith("s_")))
        values: list[object] = []
        columns = [
            f"{_text(present, 'unit')} AS unit",
            f"{_text(present, 'mode', 'invitation')} AS mode",
            f"{_text(present, 'design_stratum')} AS design_stratum",
            f"{_text(present, 'psu')} AS psu",
            f"{_weight(present)} AS weight",
            f"({_text(present, 'flags')} <> '') AS flagged",
            *(f"{_text(present, name)} AS {_name(name)}" for name in strata),
        ]
        for k, item in enumerate(scored):
            columns.append(f"{_score(present, _of(scoring, item), values)} AS v{k}")
        for k, item in enumerate(items):
            columns.append(f"{_answer(present, _of(scoring, item), values)} AS r{k}")
        condition = _kept(present, scoring, without, only, values)
        connection.execute(
            f"CREATE TEMP TABLE scored AS SELECT {', '.join(columns)} FROM {source} WHERE {condition}",
            [*values[: _placeholders(columns)], str(responses), *values[_placeholders(columns) :]],
        )
        return Reduced(
            _cells(connection, scored, strata),
            _pairs(connection, len(scored)),
            _choices(connection, items, scoring),
        )


def _source(responses: Path) -> str:
    if responses.suffix == ".parquet":
        return "read_parquet(?)"
    if responses.suffix == ".csv":
        return "read_csv(?, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
    raise ValueError(f"{responses}: responses must be .parquet or .csv")


def _placeholders(columns: Sequence[str]) -> int:
    return sum(column.count("?") for column in columns)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(present: Mapping[str, str], name: str, blank: str = "") -> str:
    """SQL for a column as text without surrounding blanks; `blank` (never user text) where it is absent or empty."""
    if name not in present:
        return f"'{blank}'"
    text = f"CAST({_name(name)} AS VARCHAR)"
    if present[name] in ("DOUBLE", "FLOAT"):  # 7.0 is the answer 7
        text = rf"regexp_replace({text}, '\.0$', '')"
    return f"coalesce(nullif(trim({text}), ''), '{blank}')"


def _weight(present: Mapping[str, str]) -> str:
    if "weight" not in present:
        return "NULL::BIGINT"
    return 'CAST(round(TRY_CAST("weight" AS DOUBLE) * 1000) AS BIGINT)'


def _items(scoring: Mapping[str, Sequence[ItemScoring]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.item for campaign in sorted(scoring) for item in scoring[campaign]))


def _of(scoring: Mapping[str, Sequence[ItemScoring]], item: str) -> dict[str, ItemScoring]:
    return {campaign: one for campaign in sorted(scoring) for one in scoring[campaign] if one.item == item}


def _by_campaign(
    present: Mapping[str, str], parts: Mapping[str, tuple[str, list[object]]], values: list[object]
) -> str:
    """One expression for all campaigns where they agree, else a CASE over the campaign."""
    distinct = {(sql, tuple(map(str, given))) for sql, given in parts.values()}
    if len(distinct) == 1 or "campaign" not in present:
        sql, given = next(iter(parts.values()))
        values.extend(given)
        return sql
    whens = []
    for campaign, (sql, given) in parts.items():
        whens.append(f"WHEN ? THEN {sql}")
        values.extend([campaign, *given])
    return f"CASE CAST(campaign AS VARCHAR) {' '.join(whens)} END"


def _column(one: ItemScoring) -> str:
    return one.column or f"q_{one.item}"


def _score(present: Mapping[str, str], by_campaign: Mapping[str, ItemScoring], values: list[object]) -> str:
    return _by_campaign(present, {c: _score_of(present, one) for c, one in by_campaign.items()}, values)


def _score_of(present: Mapping[str, str], one: ItemScoring) -> tuple[str, list[object]]:
    answer = _text(present, _column(one))
    given: list[object] = []
    if one.kind == "single":
        scores = [(code, score) for code, score in one.scores.items() if score is not None]
        if not scores:
            return "NULL::BIGINT", given
        for code, score in scores:
            given.extend([code, int(score)])
        return f"CASE {answer} {' '.join('WHEN ? THEN CAST(? AS BIGINT)' for _ in scores)} END", given
    if one.kind == "any":
        chosen = f"string_split({answer}, ' ')"
        given.extend([list(one.hit), int(one.score_hit), list(one.missing), int(one.score_missed)])
        return (
            f"CASE WHEN {answer} = '' THEN NULL "
            f"WHEN list_has_any({chosen}, CAST(? AS VARCHAR[])) THEN CAST(? AS BIGINT) "
            f"WHEN list_has_any({chosen}, CAST(? AS VARCHAR[])) THEN NULL ELSE CAST(? AS BIGINT) END"
        ), given
    if one.kind == "linear":
        number = f"TRY_CAST({answer} AS DOUBLE)"
        slope = (one.score_high - one.score_low) / (one.high - one.low)
        given.extend([list(one.missing), float(one.low), float(one.high), int(one.score_low), float(one.low), slope])
        return (
            f"CASE WHEN list_contains(CAST(? AS VARCHAR[]), {answer}) THEN NULL WHEN {number} BETWEEN ? AND ? "
            f"THEN CAST(round(? + ({number} - ?) * ?) AS BIGINT) END"
        ), given
    return "NULL::BIGINT", given


def _answer(present: Mapping[str, str], by_campaign: Mapping[str, ItemScoring], values: list[object]) -> str:
    return _by_campaign(present, {c: (_text(present, _column(one)), []) for c, one in by_campaign.items()}, values)


def _kept(
    present: Mapping[str, str],
    scoring: Mapping[str, Sequence[ItemScoring]],
    without: Sequence[Chosen],
    only: Chosen | None,
    values: list[object],
) -> str:
    def chose(campaign: str, one: ItemScoring, codes: Sequence[str]) -> str:
        chosen = f"list_has_any(string_split({_text(present, _column(one))}, ' '), CAST(? AS VARCHAR[]))"
        values.append(list(codes))
        if "campaign" not in present:
            return chosen
        values.append(campaign)
        return f"({chosen} AND CAST(campaign AS VARCHAR) = ?)"

    asked = [(campaign, one) for campaign in sorted(scoring) for one in scoring[campaign] if _column(one) in present]
    conditions = ["true"]
    conditions += [f"NOT {chose(campaign, one, one.set_apart)}" for campaign, one in asked if one.set_apart]
    for group in without:
        conditions += [f"NOT {chose(campaign, one, group.codes)}" for campaign, one in asked if one.item == group.item]
    if only is not None:
        mine = [chose(campaign, one, only.codes) for campaign, one in asked if one.item == only.item]
        conditions.append(f"({' OR '.join(mine) or 'false'})")
    return " AND ".join(conditions)


def _fetch(connection: duckdb.DuckDBPyConnection, statement: str) -> dict[str, NDArray[Any]]:
    return dict(connection.execute(statement).fetchnumpy())


def _stack(found: Mapping[str, NDArray[Any]], names: Sequence[str], rows: int) -> Integers:
    if not names:
        return np.zeros((rows, 0), np.int64)
    return np.column_stack([np.asarray(found[name], np.int64) for name in names])


def _cells(connection: duckdb.DuckDBPyConnection, scored: Sequence[str], strata: Sequence[str]) -> Cells:
    keys = ["unit", "mode", "design_stratum", "psu", "weight", *map(_name, strata), "flagged"]
    sums = ["count(*) AS n"]
    for k in range(len(scored)):
        sums.append(f"count(v{k}) AS n{k}")
        sums.append(f"CAST(coalesce(sum(v{k}), 0) AS BIGINT) AS s{k}")
        sums.append(f"CAST(coalesce(sum(v{k} * v{k}), 0) AS BIGINT) AS t{k}")
    key = ", ".join(keys)
    found = _fetch(connection, f"SELECT {key}, {', '.join(sums)} FROM scored GROUP BY {key} ORDER BY {key}")
    rows = len(found["n"])
    text = {name: np.asarray(found[name], object) for name in ("unit", "mode", "design_stratum", "psu", *strata)}
    return Cells(
        tuple(scored),
        text["unit"],
        text["mode"],
        text["design_stratum"],
        text["psu"],
        np.ma.filled(np.ma.asarray(found["weight"]).astype(np.float64), np.nan) / THOUSANDTHS,
        {name: text[name] for name in strata},
        np.asarray(found["flagged"], np.bool_),
        np.asarray(found["n"], np.int64),
        _stack(found, [f"n{k}" for k in range(len(scored))], rows),
        _stack(found, [f"s{k}" for k in range(len(scored))], rows),
        _stack(found, [f"t{k}" for k in range(len(scored))], rows),
    )


def _pairs(connection: duckdb.DuckDBPyConnection, items: int) -> Pairs:
    a, b = np.triu_indices(items)
    sums = ["count(*) AS rows"]
    for j, (x, y) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        both = f"v{x} * v{y}"
        sums.append(f"count({both}) AS n{j}")
        sums.append(f"CAST(coalesce(sum(v{x}) FILTER (v{y} IS NOT NULL), 0) AS BIGINT) AS a{j}")
        sums.append(f"CAST(coalesce(sum(v{y}) FILTER (v{x} IS NOT NULL), 0) AS BIGINT) AS b{j}")
        sums.append(f"CAST(coalesce(sum({both}), 0) AS BIGINT) AS ab{j}")
    key = "unit, mode, flagged"
    found = _fetch(connection, f"SELECT {key}, {', '.join(sums)} FROM scored GROUP BY {key} ORDER BY {key}")
    rows = len(found["rows"])

    def stack(prefix: str) -> Integers:
        return _stack(found, [f"{prefix}{j}" for j in range(len(a))], rows)

    return Pairs(
        a.astype(np.int64),
        b.astype(np.int64),
        np.asarray(found["unit"], object),
        np.asarray(found["mode"], object),
        np.asarray(found["flagged"], np.bool_),
        stack("n"),
        stack("a"),
        stack("b"),
        stack("ab"),
    )


def _choices(
    connection: duckdb.DuckDBPyConnection, items: Sequence[str], scoring: Mapping[str, Sequence[ItemScoring]]
) -> Choices:
    parts = []
    for k, item in enumerate(items):
        if not any(one.codes for one in _of(scoring, item).values()):
            continue
        answered = f"SELECT unit, mode, flagged, r{k} AS answer FROM scored WHERE r{k} <> ''"
        parts.append(
            f"SELECT unit, mode, flagged, {k} AS item, '' AS code, count(*) AS n FROM ({answered}) GROUP BY ALL"
        )
        one_code = f"SELECT unit, mode, flagged, unnest(string_split(answer, ' ')) AS code FROM ({answered})"
        parts.append(f"SELECT unit, mode, flagged, {k} AS item, code, count(*) AS n FROM ({one_code}) GROUP BY ALL")
    if not parts:
        nothing = np.zeros(0, object)
        return Choices(nothing, nothing, np.zeros(0, np.bool_), nothing, nothing, np.zeros(0, np.int64))
    found = _fetch(connection, f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY unit, mode, flagged, item, code")
    return Choices(
        np.asarray(found["unit"], object),
        np.asarray(found["mode"], object),
        np.asarray(found["flagged"], np.bool_),
        np.asarray(items, object)[np.asarray(found["item"], np.int64)],
        np.asarray(found["code"], object),
        np.asarray(found["n"], np.int64),
    )
