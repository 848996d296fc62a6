"""Snapshots: CSV and Parquet alike, by hand or written, and every defect explained with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lakes import SCHEME, by_hand, change_csv, lake_tables, texts, write_lakes

from evaluator.rating.defects import InputError
from evaluator.rating.doors import SIMULATED, SNAPSHOT
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import ALWAYS, examine, read_snapshot
from evaluator.rating.snapshot_writing import write_snapshot

Rows = list[dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return by_hand(tmp_path / "snapshot")


def defects(folder: Path, scheme: bool = True) -> list[str]:
    return examine(folder, load_scheme(SCHEME) if scheme else None)[1]


def set_cell(row: int, column: str, value: str) -> Callable[[Rows], None]:
    """Row as a spreadsheet counts: the header is row 1."""

    def change(rows: Rows) -> None:
        rows[row - 2][column] = value

    return change


def test_csv_and_parquet_give_the_same_tables(tmp_path: Path) -> None:
    csv, parquet = (read_snapshot(write_lakes(tmp_path / form, form)) for form in ("csv", "parquet"))
    assert set(csv.tables) == set(parquet.tables) == set(SNAPSHOT) - {"responses"}
    for name, table in csv.tables.items():
        assert list(table) == list(parquet.tables[name])
        for column, values in table.items():
            other = parquet.tables[name][column]
            assert values.dtype == other.dtype
            assert np.array_equal(values, other, equal_nan=values.dtype == np.float64), (name, column)
    assert csv.scoring == parquet.scoring


def test_a_snapshot_written_by_hand_without_snapshot_json_is_read(folder: Path) -> None:
    snapshot = read_snapshot(folder, load_scheme(SCHEME))
    assert snapshot.period == ALWAYS
    assert snapshot.responses == folder / "responses.csv"
    assert [item.item for item in snapshot.scoring["spring"]] == ["answered", "trust", "asked", "age", "staff"]


def test_only_units_are_needed(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("level,unit\nA,u1\nA,u2\n")
    snapshot = read_snapshot(tmp_path)
    assert list(snapshot.tables["units"]["unit"]) == ["u1", "u2"]
    assert list(snapshot.tables["units"]["parent"]) == ["", ""]
    assert np.isnan(snapshot.tables["units"]["population"]).all()
    assert (snapshot.responses, dict(snapshot.scoring)) == (None, {})


def test_a_byte_order_mark_quotes_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    text = 'unit,level,name_en\r\nu1,A,"Lake, ""Upper"" side"\r\n'
    (tmp_path / "units.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_snapshot(tmp_path).tables["units"]["name_en"][0] == 'Lake, "Upper" side'


def test_parquet_of_a_data_frame_with_numbers_for_codes_nan_and_timestamps_is_read(tmp_path: Path) -> None:
    duckdb.sql(
        "COPY (SELECT 3701 AS unit, 'A' AS level, CAST('nan' AS DOUBLE) AS population, "
        f"TIMESTAMP '2030-01-02 00:00:00' AS valid_from) TO '{tmp_path / 'units.parquet'}'"
    )
    units = read_snapshot(tmp_path).tables["units"]
    assert (units["unit"][0], units["valid_from"][0]) == ("3701", "2030-01-02")
    assert np.isnan(units["population"][0])


@pytest.mark.parametrize(
    ("table", "change", "place", "what"),
    [
        ("units", set_cell(3, "population", "85%"), "units row 3 column population", "'85%' is not a number"),
        ("units", set_cell(3, "population", "１２"), "units row 3 column population", "is not a number"),
        ("units", set_cell(3, "population", "nan"), "units row 3 column population", "is not a number"),
        ("units", set_cell(3, "population", "-1"), "units row 3 column population", "at least"),
        ("units", set_cell(4, "unit", "m00"), "units row 4 column unit", "already in row 3"),
        ("units", set_cell(3, "unit", ""), "units row 3 column unit", "must be filled"),
        ("units", set_cell(3, "unit", "m 00"), "units row 3 column unit", "a code has none"),
        ("units", set_cell(3, "unit", " m00"), "units row 3 column unit", "spaces around"),
        ("units", set_cell(3, "parent", "m0x"), "units row 3 column parent", "did you mean 'm09' or"),
        ("units", set_cell(2, "parent", "m03"), "units row 2 column parent", "r -> m03 -> r is a circle"),
        ("units", set_cell(2, "parent", "r"), "units row 2 column parent", "r -> r is a circle"),
        ("units", set_cell(3, "level", "Q"), "units row 3 column level", "no such level; known: M, O, R"),
        ("records", set_cell(3, "numerator", "99"), "records row 3 column numerator", "cannot exceed the whole"),
        ("records", set_cell(3, "numerator", "-2"), "records row 3 column numerator", "at least"),
        ("records", set_cell(3, "denominator", ""), "records row 3 column denominator", "a number is needed"),
        ("records", set_cell(3, "denominator", "0"), "records row 3 column", "0"),
        ("records", set_cell(3, "indicator", "payed"), "records row 3 column indicator", "did you mean 'paid'?"),
        ("records", set_cell(3, "indicator", "debt"), "records row 3 column indicator", "its source is 'metric'"),
        ("records", set_cell(3, "unit", "m0O"), "records row 3 column unit", "did you mean"),
        ("records", set_cell(3, "unit", "o01"), "records row 3 column indicator", "does not apply at level 'O'"),
        ("records", set_cell(4, "unit", "m00"), "records row 4 column unit", "already in row 3"),
        ("records", set_cell(14, "numerator", "3"), "records row 14 column numerator", "counts events"),
        ("assessments", set_cell(2, "score", "11"), "assessments row 2 column score", "between 0 and 10"),
        ("assessments", set_cell(2, "score", "1,5"), "assessments row 2 column score", "is not a number"),
        ("assessments", set_cell(3, "assessor", "x1"), "assessments row 3 column unit", "already in row 2"),
        ("assessments", set_cell(2, "criterion", "page"), "assessments row 2 column criterion", "mean 'pages'?"),
        ("events", set_cell(2, "class", "plane"), "events row 2 column class", "did you mean 'plain'?"),
        ("events", set_cell(2, "state", "finale"), "events row 2 column state", "did you mean 'final'?"),
        ("events", set_cell(2, "document_date", "2031-02-30"), "events row 2 column document_date", "YYYY-MM-DD"),
        ("events", set_cell(2, "document_date", "1.2.2031"), "events row 2 column document_date", "YYYY-MM-DD"),
        ("events", set_cell(2, "state_date", "2030-01-01"), "events row 2 column state_date", "before the document"),
        ("events", set_cell(3, "record", "e0"), "events row 3 column unit", "already in row 2"),
        ("sample", set_cell(2, "responded", "61"), "sample row 2 column responded", "more than invited 60"),
        ("sample", set_cell(2, "calibration_area", "m99"), "sample row 2 column calibration_area", "not in units"),
        ("population", set_cell(2, "count", "many"), "population row 2 column count", "is not a number"),
        ("population", set_cell(3, "s_age", "young"), "population row 3 column unit", "already in row 2"),
        ("indicators", set_cell(2, "value", ""), "indicators row 2 column value", "a number is needed"),
        ("indicators", set_cell(2, "standard_error", "-1"), "indicators row 2 column standard_error", "at least"),
        ("indicators", set_cell(2, "indicator", "paid"), "indicators row 2 column indicator", "its source is 'share'"),
    ],
)  # fmt: skip
def test_every_defect_of_a_cell_is_told(
    folder: Path, table: str, change: Callable[[Rows], None], place: str, what: str
) -> None:
    assert defects(folder) == []
    change_csv(folder / f"{table}.csv", change)
    told = defects(folder)
    assert any(d.startswith(place) and what in d for d in told), told


def test_all_defects_are_told_at_once(folder: Path) -> None:
    change_csv(folder / "units.csv", set_cell(3, "population", "?"))
    change_csv(folder / "records.csv", set_cell(3, "numerator", "99"))
    change_csv(folder / "records.csv", set_cell(5, "numerator", "99"))
    change_csv(folder / "events.csv", set_cell(2, "state", "done"))
    assert [d.split(":")[0] for d in defects(folder)] == [
        "units row 3 column population",
        "events row 2 column state",
        "records row 3 column numerator",
        "records row 5 column numerator",
    ]


def test_without_a_scheme_its_codes_are_not_judged(folder: Path) -> None:
    change_csv(folder / "records.csv", set_cell(3, "indicator", "payed"))
    assert defects(folder, scheme=False) == []


def test_an_unknown_column_is_refused_with_the_likely_one(folder: Path) -> None:
    text = (folder / "records.csv").read_text()
    (folder / "records.csv").write_text(text.replace("denominator", "denominater", 1))
    told = defects(folder)
    assert any("unknown column 'denominater'" in d and "did you mean 'denominator'?" in d for d in told)
    assert any("no column 'denominator'" in d for d in told)


def test_an_unknown_table_is_refused_with_the_likely_one(folder: Path) -> None:
    (folder / "records.csv").rename(folder / "recrods.csv")
    assert any("recrods.csv" in d and "did you mean 'records'?" in d for d in defects(folder))


def test_a_table_as_csv_and_parquet_at_once_is_refused(folder: Path) -> None:
    duckdb.sql(f"COPY (SELECT 'm00' AS unit, 'M' AS level) TO '{folder / 'units.parquet'}'")
    assert any("units.parquet and units.csv" in d for d in defects(folder))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"unit,level\n\xb0\xa1,A\n", "units.csv row 2: not UTF-8"),
        (b"unit,level\nu1\n", "units row 2: 1 cells; the header has 2"),
        (b"unit,level\nu1,A,x\n", "units row 2: 3 cells; the header has 2"),
        (b'unit,level\nu1,"A"x\n', "units row 2:"),
        (b"unit,level\nu1,A\n\nu2,A\n", "units row 3: a blank line"),
        (b"unit,level,level\nu1,A,A\n", "'level' twice"),
        (b"", "units.csv is empty"),
        (b"unit,level\n", "units has no rows"),
    ],
)
def test_a_broken_file_is_told_with_its_row(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "units.csv").write_bytes(content)
    told = examine(tmp_path)[1]
    assert any(what in d for d in told), told


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    (tmp_path / "units.parquet").write_bytes(b"PAR1 not really")
    assert any("units.parquet is not Parquet" in d for d in examine(tmp_path)[1])


def test_a_changed_file_does_not_agree_with_snapshot_json(tmp_path: Path) -> None:
    folder = write_lakes(tmp_path / "snapshot", "csv")
    assert defects(folder) == []
    change_csv(folder / "indicators.csv", set_cell(2, "value", "2.5"))
    assert any(d.startswith("indicators.csv is not the file snapshot.json speaks of") for d in defects(folder))


def test_a_file_missing_from_or_strange_to_snapshot_json_is_told(tmp_path: Path) -> None:
    folder = write_lakes(tmp_path / "snapshot", "csv")
    (folder / "indicators.csv").unlink()
    note = json.loads((folder / "snapshot.json").read_text())
    del note["files"]["events.csv"]
    (folder / "snapshot.json").write_text(json.dumps(note))
    told = defects(folder)
    assert any("indicators.csv is not there" in d for d in told)
    assert any("events.csv is not in the list" in d for d in told)


@pytest.mark.parametrize(
    ("note", "what"),
    [
        ('{"perod": []}', "perod"),
        ('{"format": 9}', "reads format 1"),
        ('{"period": ["2031-12-31", "2031-01-01"]}', "ends before it begins"),
        ("{", "snapshot.json"),
        ('{"period": ["2031-01-01", "2031-03-31"]}', "events row 7 column document_date"),
        ('{"campaigns": {"spring": "laks@1"}}', "did you mean 'lakes@1'?"),
    ],
)
def test_a_wrong_snapshot_json_is_told(folder: Path, note: str, what: str) -> None:
    (folder / "snapshot.json").write_text(note)
    change_csv(folder / "events.csv", set_cell(7, "document_date", "2031-05-05"))
    assert any(what in d for d in defects(folder))


def test_simulated_data_carry_their_mark_in_every_file_and_the_mark_alone_makes_them_simulated(tmp_path: Path) -> None:
    for form in ("csv", "parquet"):
        folder = write_lakes(tmp_path / form, form, simulated=True)
        for name in SNAPSHOT:
            path = folder / f"{name}.{form}"
            held = duckdb.sql(f"SELECT DISTINCT data_status FROM '{path}'").fetchall()
            assert held == [(SIMULATED,)], path.name
        (folder / "snapshot.json").unlink()
        assert read_snapshot(folder).simulated
        assert "data_status" not in read_snapshot(folder).tables["units"]


def test_nothing_is_written_over_and_nothing_is_left_half_done(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="exists"):
        write_snapshot(tmp_path / "there", lake_tables())
    with pytest.raises(InputError, match="did you mean 'units'"):
        write_snapshot(tmp_path / "new", {"unit": {"unit": texts(["a"])}})
    with pytest.raises(ValueError, match=r"zip\(\)"):
        write_snapshot(tmp_path / "new", {"units": {"unit": texts(["a"]), "level": texts([])}})
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12).map(str.strip)


@settings(max_examples=30, deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=5), numbers=st.data())
def test_whatever_is_written_comes_back_the_same_from_both_formats(names: list[str], numbers: st.DataObject) -> None:
    values = numbers.draw(st.lists(st.floats(0, 1e12), min_size=len(names), max_size=len(names)))
    table = {
        "unit": texts([f"u{number}" for number in range(len(names))]),
        "level": texts(["A"] * len(names)),
        "name_en": texts(names),
        "population": np.array(values),
    }
    with TemporaryDirectory() as place:
        for form in ("csv", "parquet"):
            write_snapshot(Path(place) / form, {"units": table}, form=form)  # type: ignore[arg-type]
            units = read_snapshot(Path(place) / form).tables["units"]
            assert list(units["name_en"]) == names
            assert np.array_equal(units["population"], table["population"])


def test_numbers_come_back_as_the_very_same_doubles(tmp_path: Path) -> None:
    values = np.array([1 / 3, 1e-17, 12345678.9, 1e15, 0.1 + 0.2])
    codes = texts([f"u{number}" for number in range(5)])
    for form in ("csv", "parquet"):
        tables = {"units": {"unit": codes, "level": texts(["A"] * 5), "population": values}}
        write_snapshot(tmp_path / form, tables, form=form)  # type: ignore[arg-type]
        assert np.array_equal(read_snapshot(tmp_path / form).tables["units"]["population"], values)
