"""Forging figures of an edition, checked by forging that many answers in the snapshot and rating again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from lakes import PERIOD, QUESTIONNAIRE, SCHEME, lake_tables, texts

from evaluator.rating.case import Taken
from evaluator.rating.edition import read_edition, taken_from
from evaluator.rating.estimates import Estimates, estimate
from evaluator.rating.forging import COLUMNS, Numbers, forged_columns, forging_numbers
from evaluator.rating.published import read_back
from evaluator.rating.run import rate
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import Snapshot, read_snapshot
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import Table
from evaluator.rating.verify import verify
from methods.forging.bands import band_of
from methods.small_areas.direct import counted
from methods.survey.cells import reduce_responses

BEST = {"q_answered": "full", "q_trust": "10", "q_asked": "nothing"}
GRADES = ["high", "middle", "low"]


@dataclass(frozen=True)
class Place:
    """The invented place, opened, with the numbers behind its bands."""

    scheme: Scheme
    snapshot: Snapshot
    estimates: Estimates
    ratings: Table
    numbers: Numbers

    def unit(self, number: int) -> str:
        return str(self.ratings["unit"][number])


@pytest.fixture(scope="module")
def place(lakes_snapshot: Path, lakes_edition: Path) -> Place:
    scheme = load_scheme(SCHEME)
    snapshot = read_snapshot(lakes_snapshot, scheme)
    estimates = estimate(scheme, snapshot)
    edition = read_edition(lakes_edition)
    ratings = edition.table("ratings")
    return Place(scheme, snapshot, estimates, ratings, numbers_of(scheme, snapshot, estimates, edition.folder))


def numbers_of(scheme: Scheme, snapshot: Snapshot, estimates: Estimates, folder: Path) -> Numbers:
    edition = read_edition(folder)
    units = edition.table("units")
    published = read_back(scheme, units, edition.table("inputs"), edition.table("factors"))
    ratings = edition.table("ratings")
    return forging_numbers(scheme, snapshot, estimates, units, published, Taken(*taken_from(ratings)), ratings)


def whole(parts: np.ndarray) -> np.ndarray:
    """Fractions as whole numbers of the same sum, the largest remainders up."""
    found = np.floor(parts + 1e-9).astype(int)
    found[np.argsort(found - parts, kind="stable")[: round(float(parts.sum())) - found.sum()]] += 1
    return found


def write(folder: Path, tables: dict[str, Table]) -> Path:
    write_snapshot(
        folder, tables, questionnaires={"lakes@1": QUESTIONNAIRE.read_bytes()}, campaigns={"spring": "lakes@1"},
        period=PERIOD, source="invented",
    )  # fmt: skip
    return folder


def with_codes(tables: dict[str, Table], place: Place, unit: int, count: int) -> dict[str, Table]:
    """The tables after so many unused codes of a unit were answered with the best codes, where they pay."""
    who = place.numbers.respondents
    assert who is not None
    rows = np.flatnonzero(who.unit == unit)
    parts = place.numbers.added[rows]
    parts = parts if parts.any() else np.ones(len(rows))
    spread = whole(parts * count / parts.sum())
    code = place.unit(unit)
    given = place.estimates.citizens.weighted  # type: ignore[union-attr]
    ages = _ages(place)
    responses = dict(tables["responses"])
    age = [ages[int(place.numbers.like[row])] for row, times in zip(rows, spread, strict=True) for _ in range(times)]
    assert len(given.unit) == len(ages)
    new = {
        name: texts([""] * count) if column.dtype == object else np.full(count, np.nan)
        for name, column in responses.items()
    }
    new |= {name: texts([value] * count) for name, value in BEST.items()}
    new |= {"campaign": texts(["spring"] * count), "mode": texts(["invitation"] * count), "unit": texts([code] * count),
            "day": texts(["2031-04-09"] * count), "design_stratum": texts(["all"] * count), "s_age": texts(age),
            "s_staff": texts(["no"] * count)}  # fmt: skip
    sample = dict(tables["sample"])
    sample["responded"] = sample["responded"] + np.where(sample["unit"] == code, count, 0)
    return tables | {
        "responses": {name: np.concatenate([column, new[name]]) for name, column in responses.items()},
        "sample": sample,
    }


def _ages(place: Place) -> list[str]:
    """The age of each row of the weighted respondents."""
    assert place.snapshot.responses is not None
    cells = reduce_responses(place.snapshot.responses, place.snapshot.scoring).cells
    known = dict.fromkeys(place.ratings["unit"].tolist())
    used = counted(cells.unit, cells.mode, cells.flagged, known, "main")
    return cells.strata["s_age"][used].tolist()


def rerated(folder: Path, tables: dict[str, Table], unit: str) -> tuple[float, str]:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    edition = rate(SCHEME, write(folder / "snapshot", tables), folder / "edition").out
    ratings = read_edition(edition).table("ratings")
    at = ratings["unit"].tolist().index(unit)
    return float(ratings["index"][at]), str(ratings["grade"][at])


def test_the_predicted_number_of_unused_codes_moves_the_grade_and_three_fewer_do_not(
    place: Place, tmp_path: Path
) -> None:
    asked = np.flatnonzero((place.numbers.codes > 3) & (place.numbers.codes <= 30))
    assert len(asked) >= 4
    for unit in asked[:4].tolist():
        count, before = int(place.numbers.codes[unit]), str(place.ratings["grade"][unit])
        _, grade = rerated(tmp_path / "more", with_codes(lake_tables(), place, unit, count + 1), place.unit(unit))
        assert GRADES.index(grade) == GRADES.index(before) - 1
        _, grade = rerated(tmp_path / "less", with_codes(lake_tables(), place, unit, count - 3), place.unit(unit))
        assert grade == before


def test_where_codes_are_not_enough_answering_them_all_is_not(place: Place, tmp_path: Path) -> None:
    unit = int(np.flatnonzero(place.numbers.codes == -1)[0])
    sample = place.snapshot.tables["sample"]
    (row,) = np.flatnonzero(sample["unit"] == place.unit(unit))
    spare = int(sample["invited"][row] - sample["responded"][row])
    tables = with_codes(lake_tables(), place, unit, spare)
    assert rerated(tmp_path / "all", tables, place.unit(unit))[1] == place.ratings["grade"][unit]


def test_replaced_answers_move_the_index_as_predicted(place: Place, tmp_path: Path) -> None:
    """All answers of a unit replaced: no choice of whom is left, so the number is checked from above."""
    unit = int(np.flatnonzero(place.numbers.replaced > 0)[0])
    tables = lake_tables()
    responses = {name: column.copy() for name, column in tables["responses"].items()}
    theirs = np.flatnonzero((responses["unit"] == place.unit(unit)) & (responses["mode"] == "invitation"))
    count = int(place.numbers.replaced[unit])
    # those with the lowest answers: an attack that is at least as good
    order = theirs[
        np.argsort(
            [{"none": 0, "part": 1, "dk": 2, "full": 3}[a] for a in responses["q_answered"][theirs]], kind="stable"
        )
    ]
    for name, value in BEST.items():
        responses[name][order[: count + 2]] = value
    grade = rerated(tmp_path / "replaced", tables | {"responses": responses}, place.unit(unit))[1]
    assert GRADES.index(grade) < GRADES.index(str(place.ratings["grade"][unit]))


def test_buying_all_assessors_is_what_the_figure_says(place: Place, tmp_path: Path) -> None:
    for unit in np.flatnonzero(place.numbers.assessors > -2)[:3].tolist():
        tables = lake_tables()
        scores = dict(tables["assessments"])
        scores["score"] = np.where(scores["unit"] == place.unit(unit), 10.0, scores["score"])
        index, grade = rerated(tmp_path / "bought", tables | {"assessments": scores}, place.unit(unit))
        moved = GRADES.index(grade) < GRADES.index(str(place.ratings["grade"][unit]))
        limit = dict(place.scheme.grades.bands)[GRADES[GRADES.index(str(place.ratings["grade"][unit])) - 1]]
        assert moved == (place.numbers.assessors[unit] > 0) or abs(index - limit) < 0.5


def test_the_open_link_moves_nothing(place: Place, tmp_path: Path) -> None:
    tables = lake_tables()
    responses = dict(tables["responses"])
    some = np.flatnonzero(responses["unit"] == "m00").repeat(20)
    more = {name: column[some] for name, column in responses.items()}
    more |= {name: texts([value] * len(some)) for name, value in BEST.items()} | {"mode": texts(["open"] * len(some))}
    responses = {name: np.concatenate([column, more[name]]) for name, column in responses.items()}
    index, _ = rerated(tmp_path / "open", tables | {"responses": responses}, "m00")
    assert index == place.ratings["index"][place.ratings["unit"].tolist().index("m00")]
    assert set(place.ratings["forged_open"]) == {"", "impossible"}


def test_columns_hold_bands_and_are_blank_without_a_grade_or_with_the_best(place: Place) -> None:
    numbers = {"forged_codes": place.numbers.codes, "forged_replaced": place.numbers.replaced,
               "forged_assessors": place.numbers.assessors}  # fmt: skip
    for k, grade in enumerate(place.ratings["grade"]):
        for name in COLUMNS:
            said = place.ratings[name][k]
            if grade in ("", "high"):
                assert said == ""
            elif name in numbers:
                assert said == band_of(int(numbers[name][k]))
    assert len({*place.ratings["forged_codes"], *place.ratings["forged_replaced"]}) >= 3


def test_without_citizens_and_assessors_nothing_can_be_forged(place: Place, tmp_path: Path) -> None:
    tables = {
        name: table for name, table in lake_tables().items() if name not in ("responses", "assessments", "sample")
    }
    made = rate(SCHEME, write(tmp_path / "bare", tables), tmp_path / "bare-edition").out
    ratings = read_edition(made).table("ratings")
    graded = (ratings["grade"] != "") & (ratings["grade"] != "high")
    for name in COLUMNS:
        assert set(ratings[name][graded]) <= {"impossible"}


def test_a_changed_figure_is_found_with_the_snapshot_and_taken_as_published_without(
    lakes_edition: Path, lakes_snapshot: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "edition"
    shutil.copytree(lakes_edition, folder)
    path = folder / "ratings.csv"
    text = path.read_text(encoding="utf-8")
    assert "10_to_50" in text
    path.write_text(text.replace("10_to_50", "more", 1), encoding="utf-8")
    assert not any(line.startswith("ratings ") for line in verify(folder).differences)
    told = [line for line in verify(folder, lakes_snapshot).differences if line.startswith("ratings ")]
    assert len(told) == 1
    assert "more 10_to_50" in told[0]


def test_columns_are_those_of_the_numbers(place: Place, lakes_edition: Path) -> None:
    edition = read_edition(lakes_edition)
    units = edition.table("units")
    published = read_back(place.scheme, units, edition.table("inputs"), edition.table("factors"))
    taken = Taken(*taken_from(place.ratings))
    found = forged_columns(place.scheme, place.snapshot, place.estimates, units, published, taken, place.ratings)
    for name in COLUMNS:
        assert found[name].tolist() == place.ratings[name].tolist()
