"""Editions: exactly the door's tables and columns, twice the same bytes, whole or not there at all."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
from lakes import RATED, SCHEME, by_hand, copied, lake_tables, write_lakes

from evaluator.rating.defects import InputError
from evaluator.rating.doors import EDITION, SIMULATED
from evaluator.rating.edition import published_files, read_edition
from evaluator.rating.estimates import estimate
from evaluator.rating.published import factors_table, inputs_table, read_back
from evaluator.rating.run import rate
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import read_snapshot
from evaluator.rating.verify import verify
from methods.inputs import Factors


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in published_files(folder)}


def test_it_holds_the_files_and_columns_of_the_door_and_nothing_else(lakes_edition: Path) -> None:
    tables = {f"{name}.{form}" for name in EDITION for form in ("csv", "parquet")}
    assert set(published_files(lakes_edition)) == tables | {"edition.json", "scheme.yaml", "datapackage.json"}
    for name, door in EDITION.items():
        columns = [column.name for column in door.columns]
        assert (lakes_edition / f"{name}.csv").read_text().splitlines()[0].split(",") == columns
        described = duckdb.sql(f"DESCRIBE SELECT * FROM '{lakes_edition / name}.parquet'").fetchall()
        assert [row[0] for row in described] == columns


def test_nothing_about_persons_and_no_covariate_leaves_the_house(lakes_edition: Path) -> None:
    everything = b"".join(bytes_of(lakes_edition).values())
    assert b"x_density" not in everything
    for assessor in (b"x1", b"x2", b"y1"):  # pseudonyms; CSV cells and names of factors
        assert assessor not in b"".join((lakes_edition / f"{name}.csv").read_bytes() for name in EDITION)


def test_csv_and_parquet_hold_the_same(lakes_edition: Path) -> None:
    for name, door in EDITION.items():
        with (lakes_edition / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            written = list(csv.reader(file))[1:]
        held = duckdb.sql(f"SELECT * FROM '{lakes_edition / name}.parquet'").fetchall()
        assert len(written) == len(held)
        assert held or name == "groups"  # the scheme of the lakes has none
        kinds = [column.kind for column in door.columns]
        for cells, values in zip(written, held, strict=True):
            for cell, value, kind in zip(cells, values, kinds, strict=True):
                if value is None:
                    assert cell == ""
                elif kind in ("number", "whole"):
                    assert float(cell) == value
                else:
                    assert cell == value


def test_numbers_have_at_most_six_decimals_and_no_exponent(lakes_edition: Path) -> None:
    for name, door in EDITION.items():
        with (lakes_edition / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for column in door.columns:
            if column.kind in ("number", "whole"):
                cells = [row[column.name] for row in rows if row[column.name]]
                assert all(len(cell.partition(".")[2]) <= 6 and "e" not in cell and cell != "-0" for cell in cells)


def test_the_scheme_is_copied_byte_for_byte(lakes_edition: Path) -> None:
    assert (lakes_edition / "scheme.yaml").read_bytes() == SCHEME.read_bytes()
    note = read_edition(lakes_edition).note
    assert note.scheme.sha256 == hashlib.sha256(SCHEME.read_bytes()).hexdigest()


def test_checksums_are_those_of_the_files(lakes_edition: Path) -> None:
    lines = (lakes_edition / "SHA256SUMS").read_text().splitlines()
    said = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    assert said == {name: hashlib.sha256(content).hexdigest() for name, content in bytes_of(lakes_edition).items()}


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path, lakes_snapshot: Path, lakes_edition: Path) -> None:
    again = rate(SCHEME, lakes_snapshot, tmp_path / "again").out
    assert bytes_of(again) == bytes_of(lakes_edition)
    assert (again / "SHA256SUMS").read_bytes() == (lakes_edition / "SHA256SUMS").read_bytes()


def test_a_snapshot_in_csv_gives_the_same_rating_to_the_last_byte(tmp_path: Path, lakes_edition: Path) -> None:
    edition = rate(SCHEME, write_lakes(tmp_path / "snapshot", "csv"), tmp_path / "edition").out
    ours, theirs = bytes_of(edition), bytes_of(lakes_edition)
    note, other = json.loads(ours.pop("edition.json")), json.loads(theirs.pop("edition.json"))
    assert ours == theirs
    assert note["snapshot"].pop("sha256") != other["snapshot"].pop("sha256")
    assert note == other


def test_a_snapshot_by_hand_without_snapshot_json_gives_the_same_figures(tmp_path: Path, lakes_edition: Path) -> None:
    edition = rate(SCHEME, by_hand(tmp_path / "snapshot"), tmp_path / "edition").out
    for name in EDITION:
        assert (edition / f"{name}.csv").read_bytes() == (lakes_edition / f"{name}.csv").read_bytes()
    assert read_edition(edition).note.period is None


def test_another_seed_changes_limits_but_no_index(tmp_path: Path, lakes_snapshot: Path, lakes_edition: Path) -> None:
    other = read_edition(rate(SCHEME, lakes_snapshot, tmp_path / "other", seed=2).out)
    first = read_edition(lakes_edition)
    assert np.array_equal(other.table("ratings")["index"], first.table("ratings")["index"], equal_nan=True)
    assert not np.array_equal(other.table("ratings")["lower"], first.table("ratings")["lower"], equal_nan=True)
    assert other.note.identifier != first.note.identifier


def test_codes_of_another_place_with_three_levels_and_five_indicators_are_rated(lakes_edition: Path) -> None:
    edition = read_edition(lakes_edition)
    ratings = edition.table("ratings")
    assert list(ratings["unit"]) == RATED
    level = ratings["level"]
    assert set(ratings["state"][level == "R"]) == {"too_few_units"}
    assert not np.isnan(ratings["index"]).any()
    assert not np.isnan(ratings["rank_lower"][level == "M"]).any()
    nodes = edition.table("scores")
    assert set(nodes["node"][nodes["unit"] == "o00"]) == {"index", "talk", "heard", "pages"}
    assert set(nodes["node"][nodes["unit"] == "r"]) == {"index", "talk", "walk", "pages", "paid", "broken", "debt"}


def test_vetoes_cap_deductions_deduct_and_repaired_records_do_neither(lakes_edition: Path) -> None:
    ratings = read_edition(lakes_edition).table("ratings")
    at = {unit: row for row, unit in enumerate(ratings["unit"])}
    assert ratings["vetoes"][at["m03"]] == "list"
    assert (ratings["grade"][at["m03"]], ratings["capped_grade"][at["m03"]]) == ("middle", "low")
    assert ratings["deductions"][at["m01"]] > 0
    assert ratings["deductions"][at["m04"]] == 0  # repaired
    scores = read_edition(lakes_edition).table("scores")
    row = np.flatnonzero((scores["unit"] == "m01") & (scores["node"] == "index"))[0]
    assert scores["raw"][row] - ratings["deductions"][at["m01"]] == pytest.approx(scores["score"][row], abs=2e-6)


def test_a_missing_number_is_imputed_and_said_so(lakes_edition: Path) -> None:
    inputs = read_edition(lakes_edition).table("inputs")
    row = np.flatnonzero((inputs["unit"] == "m09") & (inputs["indicator"] == "debt"))[0]  # the only one not reported
    assert inputs["state"][row] == "imputed"
    assert inputs["b"][row] > 0


def test_published_inputs_read_back_are_the_estimates(lakes_snapshot: Path) -> None:
    scheme = load_scheme(SCHEME)
    snapshot = read_snapshot(lakes_snapshot, scheme)
    estimates = estimate(scheme, snapshot)
    units = snapshot.tables["units"]
    back = read_back(scheme, units, inputs_table(scheme, units, estimates), factors_table(scheme, units, estimates))
    assert np.array_equal(back.state, estimates.state)
    assert set(back.inputs) == set(estimates.inputs)
    for screening, inputs in estimates.inputs.items():
        order = np.lexsort((inputs.indicator, inputs.unit))
        for name in inputs.__slots__:
            ours = getattr(inputs, name)[order]
            assert np.array_equal(getattr(back.inputs[screening], name), ours, equal_nan=ours.dtype == float), name
        factors, read = estimates.factors[screening], back.factors[screening]
        assert _triplets(factors) == _triplets(read)


def _triplets(factors: Factors) -> list[tuple[str, int, int, float, float]]:
    names = [factors.names[number] for number in factors.factor]
    columns = (factors.unit, factors.indicator, factors.loading, factors.direct_loading)
    return sorted(zip(names, *(column.tolist() for column in columns), strict=True))


def test_a_snapshot_of_nothing_but_units_is_rated_as_insufficient_evidence(tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "units.csv").write_text("unit,level\nr,R\nm1,M\n")
    edition = read_edition(rate(SCHEME, tmp_path / "snapshot", tmp_path / "edition").out)
    assert set(edition.table("ratings")["state"]) == {"insufficient_evidence"}
    assert set(edition.table("inputs")["state"]) == {"missing"}
    assert verify(edition.folder, tmp_path / "snapshot").differences == ()


def test_the_last_edition_gives_previous_grades(tmp_path: Path, lakes_snapshot: Path, lakes_edition: Path) -> None:
    again = read_edition(rate(SCHEME, lakes_snapshot, tmp_path / "next", previous=lakes_edition).out)
    before = read_edition(lakes_edition).table("ratings")
    assert list(again.table("ratings")["previous_grade"]) == list(before["grade"])
    assert verify(again.folder, lakes_snapshot).differences == ()


def test_a_correction_names_what_it_supersedes_and_why(
    tmp_path: Path, lakes_snapshot: Path, lakes_edition: Path
) -> None:
    rated = rate(SCHEME, lakes_snapshot, tmp_path / "new", supersedes=lakes_edition, why="a score was typed wrongly")
    assert rated.note.supersedes == read_edition(lakes_edition).note.identifier
    assert rated.note.why == "a score was typed wrongly"
    assert verify(rated.out).differences == ()
    with pytest.raises(InputError, match="both"):
        rate(SCHEME, lakes_snapshot, tmp_path / "other", supersedes=lakes_edition)


def test_the_decision_before_a_run_stands_in_the_edition_and_in_its_name(
    tmp_path: Path, lakes_snapshot: Path, lakes_edition: Path
) -> None:
    decision = "Weight of records raised to 0.4: sensitivity shows that no grade hangs on it. \u51b3\u5b9a"
    rated = rate(SCHEME, lakes_snapshot, tmp_path / "decided", decision=decision)
    assert read_edition(rated.out).note.decision == decision
    assert rated.note.identifier != read_edition(lakes_edition).note.identifier
    assert verify(rated.out).differences == ()
    note = (rated.out / "edition.json").read_text(encoding="utf-8")
    (rated.out / "edition.json").write_text(note.replace("0.4", "0.5"), encoding="utf-8")
    assert any("identifier" in line for line in verify(rated.out).differences)


def test_an_edition_is_never_written_over(tmp_path: Path, lakes_snapshot: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="exists"):
        rate(SCHEME, lakes_snapshot, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("step", ["records", "draws", "sensitivity"])
def test_an_interruption_leaves_nothing_behind(tmp_path: Path, lakes_snapshot: Path, step: str) -> None:
    def stop(name: str, share: float) -> None:
        if name == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rate(SCHEME, lakes_snapshot, tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_writing_leaves_nothing_behind(
    tmp_path: Path, lakes_snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        assert list(tmp_path.iterdir())  # the temporary folder is there by now
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evaluator.rating.edition.sums", full)
    with pytest.raises(OSError, match="No space"):
        rate(SCHEME, lakes_snapshot, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_simulated_data_carry_their_mark_inside_every_file(tmp_path: Path) -> None:
    edition = rate(SCHEME, write_lakes(tmp_path / "snapshot", simulated=True), tmp_path / "edition").out
    for name in EDITION:
        for form in ("csv", "parquet"):
            held = duckdb.sql(f"SELECT DISTINCT data_status FROM '{edition / name}.{form}'").fetchall()
            assert held == ([] if name == "groups" else [(SIMULATED,)]), (name, form)  # its scheme names no groups
        pairs = duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{edition / name}.parquet')").fetchall()
        assert (b"data_status", SIMULATED.encode()) in pairs
    note = json.loads((edition / "edition.json").read_text())
    assert (note["simulated"], note["data_status"]) == (True, SIMULATED)
    package = json.loads((edition / "datapackage.json").read_text())
    assert all(r["schema"]["fields"][-1]["name"] == "data_status" for r in package["resources"])
    assert list(read_edition(edition).table("ratings")) == [column.name for column in EDITION["ratings"].columns]
    assert verify(edition).differences == ()


def test_the_data_package_types_and_describes_every_column(lakes_edition: Path) -> None:
    package = json.loads((lakes_edition / "datapackage.json").read_text())
    resources = {resource["path"]: resource for resource in package["resources"]}
    assert set(resources) == {f"{name}.{form}" for name in EDITION for form in ("csv", "parquet")}
    for path, resource in resources.items():
        content = (lakes_edition / path).read_bytes()
        assert (resource["bytes"], resource["hash"]) == (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")
        fields = resource["schema"]["fields"]
        assert [field["name"] for field in fields] == [c.name for c in EDITION[path.split(".")[0]].columns]
        assert all(field["type"] in ("string", "number", "integer", "date") for field in fields)
        assert all(len(field["description"]) > 5 for field in fields)
    assert package["licenses"][0]["name"] == "CC-BY-4.0"


def test_what_the_data_package_promises_of_the_cells_is_true(lakes_edition: Path) -> None:
    for resource in json.loads((lakes_edition / "datapackage.json").read_text())["resources"]:
        if resource["format"] != "csv":
            continue
        with (lakes_edition / resource["path"]).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for field in resource["schema"]["fields"]:
            cells = [row[field["name"]] for row in rows]
            limits = field.get("constraints", {})
            assert all(cells) or not limits.get("required"), (resource["path"], field["name"])
            assert set(cells) - {""} <= set(limits.get("enum", cells)), (resource["path"], field["name"])
            assert all(float(cell) >= limits["minimum"] for cell in cells if cell and "minimum" in limits)
        key = resource["schema"].get("primaryKey")
        if key:
            assert len({tuple(row[name] for name in key) for row in rows}) == len(rows)


def test_a_copied_edition_opens_and_a_strange_folder_is_refused(tmp_path: Path, lakes_edition: Path) -> None:
    assert read_edition(copied(lakes_edition, tmp_path / "copy")).note.identifier.startswith("lakes-2031-")
    with pytest.raises(InputError, match="is no edition"):
        read_edition(tmp_path)


def test_units_keep_their_names(lakes_edition: Path) -> None:
    assert list(read_edition(lakes_edition).table("units")["name_en"]) == list(lake_tables()["units"]["name_en"])
