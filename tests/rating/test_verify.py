"""Verifying says yes to what was published, and to rubbish no; test_tampering.py has the table of all changes."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lakes import SCHEME, change_csv, copied, lake_tables, write_lakes

from evaluator.rating import verify as verifying
from evaluator.rating.datapackage import datapackage
from evaluator.rating.defects import InputError
from evaluator.rating.doors import EDITION, door_of
from evaluator.rating.edition import identifier, pretty, read_edition, read_note, sums
from evaluator.rating.run import rate
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import write_parquet
from evaluator.rating.verify import verify

FILES = sorted([f"{name}.{form}" for name in EDITION for form in ("csv", "parquet")])
FILES += ["SHA256SUMS", "datapackage.json", "edition.json", "scheme.yaml"]
COMPUTED = ("scores", "ratings", "sensitivity")


@pytest.fixture
def edition(tmp_path: Path, lakes_edition: Path) -> Path:
    return copied(lakes_edition, tmp_path / "edition")


def parquet_from_csv(edition: Path, name: str) -> None:
    columns = {column.name: column.kind for column in EDITION[name].columns}
    (edition / f"{name}.parquet").unlink()
    write_parquet(edition / f"{name}.csv", edition / f"{name}.parquet", columns, {})


def cover(edition: Path) -> None:
    """Make identifier, data package and checksums fit the changed files, as a forger would."""
    opened = read_edition(edition)
    note = opened.note
    (edition / "edition.json").write_bytes(
        pretty(note.__class__(**_fields(note) | {"identifier": identifier(note, edition)}))
    )
    note = read_note(edition)
    doors = [door_of(name, note.simulated) for name in EDITION]
    package = datapackage(
        edition, doors, note.identifier, opened.scheme, note.title, note.data_status, note.snapshot.source
    )
    (edition / "datapackage.json").write_bytes(pretty(package))
    (edition / "SHA256SUMS").write_text(sums(edition))


def _fields(note: object) -> dict[str, object]:
    return {name: getattr(note, name) for name in note.__struct_fields__}  # type: ignore[attr-defined]


def test_what_was_published_holds(lakes_edition: Path) -> None:
    verdict = verify(lakes_edition)
    assert verdict.differences == ()
    assert verdict.figures > 1000
    assert verdict.identifier == read_edition(lakes_edition).note.identifier


def test_it_holds_with_its_snapshot_and_from_the_csv_of_the_same_data_but_for_its_name(
    tmp_path: Path, lakes_edition: Path, lakes_snapshot: Path
) -> None:
    assert verify(lakes_edition, lakes_snapshot).differences == ()
    other = verify(lakes_edition, write_lakes(tmp_path / "csv", "csv")).differences
    assert len(other) == 1
    assert other[0].startswith("edition.json snapshot.sha256 ")


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_of_any_file_is_found_and_the_file_named(
    edition: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: st.DataObject
) -> None:
    # recomputing is not what finds a byte; leaving it out makes many bytes affordable
    monkeypatch.setattr(verifying, "_recompute", lambda *_: ({}, []))
    path = edition / name
    content = path.read_bytes()
    position = data.draw(st.integers(0, len(content) - 1))
    change = data.draw(st.integers(1, 255))
    path.write_bytes(content[:position] + bytes([content[position] ^ change]) + content[position + 1 :])
    try:
        told = verify(edition).differences
        assert told
        assert any(line.startswith(name) for line in told) or name == "SHA256SUMS"
        assert name != "SHA256SUMS" or any("SHA256SUMS" in line or "SHA-256 differs" in line for line in told)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(edition: Path, name: str) -> None:
    (edition / name).unlink()
    told = verify(edition).differences
    assert any((line.startswith(name) and "missing" in line) or "no edition.json" in line for line in told), told


def test_a_strange_file_is_named(edition: Path) -> None:
    (edition / "more.csv").write_text("a\n")
    assert "more.csv is not in SHA256SUMS" in verify(edition).differences


def test_a_difference_says_table_unit_column_published_and_recomputed(edition: Path) -> None:
    with (edition / "ratings.csv").open(newline="") as file:
        index = list(csv.DictReader(file))[3]["index"]
    change_csv(edition / "ratings.csv", lambda rows: rows[3].update(index="99.5"))
    parquet_from_csv(edition, "ratings")
    cover(edition)
    assert verify(edition).differences == (f"ratings m02 index 99.5 {index}",)


def test_a_figure_changed_in_parquet_beyond_the_sixth_decimal_is_found(edition: Path) -> None:
    path = edition / "ratings.parquet"
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CASE WHEN unit = 'm03' THEN index + 1e-9 ELSE index END AS index) FROM '{path}') "
        f"TO '{edition}/new.parquet'"
    )
    (edition / "new.parquet").replace(path)
    cover(edition)
    told = verify(edition).differences
    assert len(told) == 1
    assert told[0].startswith("ratings.parquet m03 index CSV: ")


@pytest.mark.parametrize("name", ["inputs", "factors"])
def test_changed_inputs_no_longer_give_the_figures(edition: Path, name: str) -> None:
    column = {"inputs": "a", "factors": "loading"}[name]

    def change(rows: list[dict[str, str]]) -> None:
        row = next(row for row in rows if row["screening"] == "main" and row[column] not in ("", "0"))
        row[column] = str(float(row[column]) * 1.5)

    change_csv(edition / f"{name}.csv", change)
    parquet_from_csv(edition, name)
    cover(edition)
    assert any(line.startswith(COMPUTED) for line in verify(edition).differences)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_groups_follow_from_the_snapshot_alone(tmp_path: Path, lakes_snapshot: Path) -> None:
    scheme = tmp_path / "scheme.yaml"
    scheme.write_text(SCHEME.read_text() + "groups: {old: {item: age, choices: [old]}}\n")
    edition = rate(scheme, lakes_snapshot, tmp_path / "edition", draws=64).out
    assert verify(edition, lakes_snapshot).differences == ()
    change_csv(edition / "groups.csv", lambda rows: rows[0].update(estimate="50"))
    parquet_from_csv(edition, "groups")
    (edition / "SHA256SUMS").write_text(sums(edition))
    assert any(line.startswith("edition.json identifier ") for line in verify(edition).differences)
    told = verify(edition, lakes_snapshot).differences
    assert any(line.startswith("groups m00 old/heard/estimate 50 ") for line in told), told


def test_an_edition_before_that_is_a_covariate_is_asked_for_and_must_be_the_one_published(
    tmp_path: Path, lakes_snapshot: Path
) -> None:
    scheme = tmp_path / "scheme.yaml"
    scheme.write_text(SCHEME.read_text() + "citizens: {previous_edition: true}\n")
    before = rate(scheme, lakes_snapshot, tmp_path / "before", draws=16).out
    alone = rate(scheme, lakes_snapshot, tmp_path / "alone", draws=32).out
    after = rate(scheme, lakes_snapshot, tmp_path / "after", before, draws=32).out
    assert read_note(after).previous == read_note(before).identifier
    assert read_note(alone).previous is None
    names = {row["parameter"] for row in rows_of(after / "models.csv")}
    assert "coefficient_previous" in names
    assert "coefficient_previous" not in {row["parameter"] for row in rows_of(alone / "models.csv")}
    assert verify(after).differences == ()
    assert verify(after, lakes_snapshot, previous=before).differences == ()
    with pytest.raises(InputError, match=r"rest on the edition before, lakes-2031-.*--previous"):
        verify(after, lakes_snapshot)
    with pytest.raises(InputError, match=r"alone is lakes-2031-"):
        verify(after, lakes_snapshot, previous=alone)
    change_csv(before / "inputs.csv", lambda rows: rows[0].update(a="50"))
    with pytest.raises(InputError, match="its tables were changed"):
        verify(after, lakes_snapshot, previous=before)


def test_an_edition_by_another_scheme_moves_no_estimate(tmp_path: Path, lakes_snapshot: Path) -> None:
    scheme = tmp_path / "scheme.yaml"
    text = SCHEME.read_text().replace('version: "3"', 'version: "4"')
    scheme.write_text(text + "citizens: {previous_edition: true}\n")
    before = rate(SCHEME, lakes_snapshot, tmp_path / "before", draws=16).out
    after = rate(scheme, lakes_snapshot, tmp_path / "after", before, draws=16).out
    assert (after / "inputs.csv").read_bytes() == (before / "inputs.csv").read_bytes()


@pytest.mark.parametrize("name", ["units", "models", "distributions"])
def test_tables_that_are_not_recomputed_are_bound_by_the_identifier(edition: Path, name: str) -> None:
    column = {"units": "name_en", "models": "value", "distributions": "share"}[name]
    change_csv(edition / f"{name}.csv", lambda rows: rows[0].update({column: "0.25"}))
    parquet_from_csv(edition, name)
    (edition / "SHA256SUMS").write_text(sums(edition))
    told = verify(edition).differences
    assert any(line.startswith("edition.json identifier ") for line in told)
    assert any(line.startswith("datapackage.json ") for line in told)


def test_with_the_snapshot_they_are_recomputed_too(edition: Path, lakes_snapshot: Path) -> None:
    change_csv(edition / "models.csv", lambda rows: rows[0].update(value="0.123"))
    parquet_from_csv(edition, "models")
    cover(edition)
    assert verify(edition).differences == ()  # a forger who makes everything fit is found by an auditor
    told = verify(edition, lakes_snapshot).differences
    assert len(told) == 1
    assert told[0].startswith("models - ")
    assert " 0.123 " in told[0]


def test_deductions_and_vetoes_are_taken_as_published_and_recomputed_from_the_snapshot(
    edition: Path, lakes_snapshot: Path
) -> None:
    change_csv(edition / "ratings.csv", lambda rows: rows[4].update(vetoes=""))
    parquet_from_csv(edition, "ratings")
    cover(edition)
    # without the veto the cap is not due any more
    assert any(line.startswith("ratings m03 capped_grade ") for line in verify(edition).differences)
    assert "ratings m03 vetoes '' list" in verify(edition, lakes_snapshot).differences


def test_another_snapshot_does_not_give_the_edition(tmp_path: Path, lakes_edition: Path) -> None:
    tables = lake_tables()
    tables["indicators"]["value"] = tables["indicators"]["value"] + np.eye(1, 10)[0]
    folder = write_lakes(tmp_path / "same")
    (folder / "indicators.parquet").unlink()
    write_snapshot(tmp_path / "other", {name: tables[name] for name in ("units", "indicators")})
    (tmp_path / "other" / "indicators.parquet").replace(folder / "indicators.parquet")
    (folder / "snapshot.json").unlink()
    told = verify(lakes_edition, folder).differences
    assert any(line.startswith("edition.json snapshot.sha256 ") for line in told)
    assert any(line.startswith("inputs r debt/main/a ") for line in told)
    assert any(line.startswith("ratings r index ") for line in told)


def test_what_is_no_edition_or_no_snapshot_is_wrong_input(tmp_path: Path, lakes_edition: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError):
            verify(folder)
    with pytest.raises(InputError):
        verify(lakes_edition, tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scores.csv", b""),
        ("scores.csv", b"unit\n"),
        ("scores.csv", b"\xff\xfe"),
        (
            "inputs.csv",
            b"unit,indicator,screening,state,family,a,b,direct,direct_sd,n\nzz,heard,main,ok,point,1,0,,,\n",
        ),
        (
            "inputs.csv",
            b"unit,indicator,screening,state,family,a,b,direct,direct_sd,n\nm01,heard,main,ok,beta,-1,0,,,\n",
        ),
        ("scores.parquet", b"PAR1"),
        ("edition.json", b"[]"),
        ("edition.json", b"\xff"),
        ("scheme.yaml", b"levels: ["),
        ("SHA256SUMS", b"\xff\n"),
    ],
)
def test_rubbish_is_a_no_and_never_a_traceback(edition: Path, name: str, content: bytes) -> None:
    (edition / name).write_bytes(content)
    told = verify(edition).differences
    assert any(line.startswith(name) for line in told)
