"""Reading an edition: typed rows from Parquet or CSV, kept while nobody touches the files."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from evaluator.publication.editions import EditionDamaged, Rows, Score, open_edition, read_edition
from evaluator.rating.edition import SUMS
from evaluator.rating.folders import sha256_of
from tests.publication import small_edition as small


@pytest.fixture
def copy(small_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_folder, tmp_path / "copy"))


def test_csv_and_parquet_read_alike(small_folder: Path, copy: Path) -> None:
    for path in copy.glob("*.parquet"):
        path.unlink()
    parquet, csv = read_edition(small_folder, ""), read_edition(copy, "")
    assert csv.units == parquet.units
    assert csv.order == parquet.order
    assert repr(csv.ratings) == repr(parquet.ratings)  # NaN is not equal to itself
    for unit in parquet.units:
        for table in ("scores", "inputs", "distributions", "alternatives"):
            assert repr(getattr(csv, table).of(unit)) == repr(getattr(parquet, table).of(unit))


def test_an_untouched_edition_is_kept_in_memory_and_a_touched_one_is_checked_again(copy: Path) -> None:
    sums = sha256_of(copy / SUMS)
    first = open_edition(copy, sums)
    assert open_edition(copy, sums) is first
    (copy / "ratings.csv").touch()
    assert open_edition(copy, sums) is not first  # same bytes, read anew
    (copy / "ratings.csv").write_bytes(b"unit\n")
    with pytest.raises(EditionDamaged, match=r"ratings\.csv was changed"):
        open_edition(copy, sums)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda f: (f / "scores.parquet").unlink(), r"scores\.parquet is missing"),
        (lambda f: (f / SUMS).unlink(), "SHA256SUMS is missing"),
        (lambda f: (f / "more.csv").write_text(""), r"more\.csv does not belong"),
        (lambda f: ((f / "units.csv").write_bytes(b"unit\n"), small.seal(f)), "SHA256SUMS is not the one"),
        (shutil.rmtree, "is missing"),
    ],
)
def test_every_kind_of_damage_is_told(copy: Path, damage, told: str) -> None:
    sums = sha256_of(copy / SUMS)
    damage(copy)
    with pytest.raises(EditionDamaged, match=told):
        open_edition(copy, sums)


def test_rows_of_a_unit_are_found_also_where_they_do_not_stand_together() -> None:
    names = Score.__struct_fields__
    columns = {name: np.array([1.0, 2.0, 3.0]) for name in names}
    columns |= {"unit": np.array(["a", "b", "a"], object), "node": np.array(["x", "y", "z"], object)}
    rows = Rows(Score, columns)
    assert [row.node for row in rows.of("a")] == ["x", "z"]
    assert [row.node for row in rows.of("b")] == ["y"]
    assert rows.of("c") == ()
    assert len(rows) == 3
    assert len(Rows(Score, {name: np.zeros(0, object) for name in names}).of("a")) == 0


def test_the_tree_goes_up_and_down(edition) -> None:
    assert [unit.code for unit in edition.above("900101")] == [small.REGION, "9001"]
    assert set(edition.below("9001")) == {code for code in edition.units if code.startswith("9001") and code != "9001"}
    assert len(edition.below(small.REGION)) == 39
    assert edition.below("900101") == ()


def test_the_reliability_of_a_node_is_the_share_of_variance_that_is_no_noise(edition) -> None:
    scores = [s for code in edition.order["M"] for s in edition.scores.of(code) if s.node == "keep"]
    between = np.var([s.score for s in scores], ddof=1)
    noise = np.mean([s.standard_error**2 for s in scores])
    median, reliability = edition.nodes[("M", "keep")]
    assert reliability == pytest.approx(between / (between + noise))
    assert median == np.median([s.score for s in scores])


def test_units_without_a_tier_come_last(edition) -> None:
    assert edition.order["W"][-1] == small.SILENT
    assert math.isnan(edition.ratings[small.SILENT].tier)
    assert edition.ranked_at("W") == 28
    assert edition.ranked_at("R") == 0
