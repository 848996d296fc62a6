"""Two editions of nearly the same answers, subtracted: nothing comes out about fewer than `cell_min` people."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pytest
from lakes import PERIOD, QUESTIONNAIRE, SCHEME, lake_tables

from evaluator.rating.defects import InputError
from evaluator.rating.doors import EDITION
from evaluator.rating.edition import SnapshotNote, read_edition
from evaluator.rating.estimates import estimate
from evaluator.rating.holding import beside, counted, disjoint, may_subtract
from evaluator.rating.run import rate
from evaluator.rating.scheme_file import load_scheme
from evaluator.rating.snapshot import LogHead, fingerprint, read_snapshot
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.tabular import Table
from evaluator.rating.verify import verify

LEAST = 10
SCORES = {"full": 100.0, "part": 50.0, "none": 0.0}
Shares = dict[tuple[str, str, str, str], float]


@pytest.fixture(scope="module")
def scheme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scheme") / "scheme.yaml"
    text = SCHEME.read_text(encoding="utf-8").replace("cell_min: 5", f"cell_min: {LEAST}").replace('"3"', '"3a"')
    text = text.replace("draws: 256", "draws: 16")  # and of other choices the screening only, to be quick
    sensitivity = text[text.index("sensitivity:") : text.index("publication:")]
    screening = "sensitivity:\n  screening: [main, half, without]\n"
    path.write_text(text.replace(sensitivity, screening), encoding="utf-8")
    return path


def tables() -> dict[str, Table]:
    """The invented place with answers of 60 people each, of whom many are flagged in one."""
    found, rng = lake_tables(), np.random.default_rng(3)
    old = found["responses"]
    size = len(old["unit"])
    twice = {name: np.concatenate([column, column]) for name, column in old.items()}
    twice["q_answered"][size:] = rng.permutation(old["q_answered"])
    twice["flags"][:] = ""
    mixed = np.flatnonzero(twice["unit"] == "m05")  # each answer by some who were flagged and some who were not
    twice["q_answered"][mixed] = np.resize(["full", "part", "full", "part", "full"], len(mixed))
    twice["flags"][mixed[: len(mixed) // 2]] = "too_fast"
    found["responses"] = twice
    found["sample"]["responded"] = np.full(len(found["sample"]["unit"]), 60.0)
    return found


def invited(responses: Table, unit: str) -> np.ndarray:
    """Places of the answers that count."""
    here = (responses["unit"] == unit) & (responses["mode"] == "invitation") & (responses["s_staff"] == "no")
    return np.flatnonzero(here)


def snapshot(folder: Path, found: dict[str, Table], gone: Sequence[int] = (), origin: str = "") -> Path:
    responses = found["responses"]
    kept = np.setdiff1d(np.arange(len(responses["unit"])), np.array(gone, np.int64))
    head = LogHead(origin, 1, "00", "", 1, "00")
    write_snapshot(
        folder,
        found | {"responses": {name: column[kept] for name, column in responses.items()}},
        questionnaires={"lakes@1": QUESTIONNAIRE.read_bytes()},
        campaigns={"spring": "lakes@1"},
        period=PERIOD,
        made_on=date(2032, 1, 5),
        source="invented",
        simulated=False,
        logs={"spring": head} if origin else {},
    )
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, scheme: Path) -> tuple[Path, Path]:
    """Snapshot and edition."""
    home = tmp_path_factory.mktemp("first")
    made = snapshot(home / "snapshot", tables())
    return made, rate(scheme, made, home / "edition").out


def shares(edition: Path) -> Shares:
    table = read_edition(edition).table("distributions")
    keys = zip(*(table[name].tolist() for name in ("unit", "item", "code", "with_flagged")), strict=True)
    return {key: value for key, value in zip(keys, table["share"].tolist(), strict=True) if np.isfinite(value)}


def answered(edition: Path, unit: str, indicator: str = "heard", screening: str = "main") -> tuple[float, float]:
    """Number and unshrunken mean."""
    table = read_edition(edition).table("inputs")
    (at,) = np.flatnonzero(
        (table["unit"] == unit) & (table["indicator"] == indicator) & (table["screening"] == screening)
    )
    return float(table["n"][at]), float(table["direct"][at])


def said_by_the_few(before: tuple[float, float], after: tuple[float, float]) -> float:
    """The attack: the sum of the scores of those who went."""
    return before[0] * before[1] - after[0] * after[1]


def figures(edition: Path) -> dict[str, bytes]:
    return {name: (edition / f"{name}.csv").read_bytes() for name in EDITION}


def test_without_the_rule_subtracting_gives_what_the_few_said(
    tmp_path: Path, scheme: Path, first: tuple[Path, Path]
) -> None:
    """What the other tests are about: so much comes out otherwise."""
    found = tables()
    for k in (1, 3):
        gone = invited(found["responses"], "m03")[:k]
        read = load_scheme(scheme)
        raw = estimate(read, read_snapshot(snapshot(tmp_path / f"{k}", found, gone.tolist()), read))
        at = np.flatnonzero((raw.inputs["main"].unit == 4) & (raw.inputs["main"].indicator == 0))[0]
        after = (float(raw.inputs["main"].n[at]), float(raw.inputs["main"].direct[at]))
        truth = sum(SCORES.get(one, 0.0) for one in found["responses"]["q_answered"][gone])
        number = sum(one in SCORES for one in found["responses"]["q_answered"][gone])
        assert answered(first[1], "m03")[0] - after[0] == number
        assert said_by_the_few(answered(first[1], "m03"), after) == pytest.approx(truth, abs=60)  # raked weights


@pytest.mark.parametrize("k", [1, 9])
def test_taking_one_to_nine_away_changes_no_figure_at_all(
    tmp_path: Path, scheme: Path, first: tuple[Path, Path], k: int
) -> None:
    found = tables()
    gone = [*invited(found["responses"], "m03")[:k].tolist(), *invited(found["responses"], "o01")[-k:].tolist()]
    revised = snapshot(tmp_path / "snapshot", found, gone)
    made = rate(
        scheme, revised, tmp_path / "edition", supersedes=first[1], why="left out by rule 2", against=[first[0]]
    )
    assert figures(made.out) == figures(first[1])
    assert made.note.held_units == 2
    assert list(made.note.held_against) == [read_edition(first[1]).note.snapshot.sha256]


def test_of_a_larger_revision_only_lists_of_enough_people_differ(
    tmp_path: Path, scheme: Path, first: tuple[Path, Path]
) -> None:
    """A unit loses 24 people, one loses 3, and one 14 who said much the same; then 2 more of the first go."""
    found = tables()
    responses = found["responses"]
    like = invited(responses, "o02")
    like = like[np.isin(responses["q_answered"][like], ["part", "none"])][:14]
    many = invited(responses, "m03")
    gone = [*many[:24].tolist(), *invited(responses, "m04")[:3].tolist(), *like.tolist()]
    snapshots = [first[0], snapshot(tmp_path / "s2", found, gone)]
    editions = [first[1]]
    made = rate(scheme, snapshots[1], tmp_path / "e2", supersedes=editions[0], why="rule 2", against=snapshots[:1])
    editions.append(made.out)
    assert made.note.held_units == 1
    snapshots.append(snapshot(tmp_path / "s3", found, [*gone, *many[24:26].tolist()]))
    made = rate(scheme, snapshots[2], tmp_path / "e3", supersedes=editions[1], why="rule 2", against=snapshots[:2])
    editions.append(made.out)
    assert made.note.held_units == 2
    assert answered(editions[0], "m04") == answered(editions[1], "m04") == answered(editions[2], "m04")
    assert answered(editions[0], "m03")[0] - answered(editions[1], "m03")[0] >= LEAST  # it was rated anew
    assert answered(editions[1], "m03")[0] == answered(editions[2], "m03")[0]
    _no_list_tells_of_a_few(editions, _numbers(snapshots, scheme))
    verdict = verify(editions[2], snapshots[2], None, None, [snapshots[1], snapshots[0]])
    assert not verdict.differences
    with pytest.raises(InputError, match="--against"):
        verify(editions[2], snapshots[2], None, None, [snapshots[1]])


def _no_list_tells_of_a_few(editions: list[Path], numbers: list[dict[tuple[str, str, str], int]]) -> None:
    """Whoever knows every number of people, and subtracts any two lists of a question, sees no small difference."""
    shown = [shares(edition) for edition in editions]
    seen = 0
    for one, n in zip(shown, numbers, strict=True):
        for other, m in zip(shown, numbers, strict=True):
            for (unit, item, code, kind), share in one.items():
                for second in ("yes", "no") if item != "asked" else ():
                    if (unit, item, code, second) in other:
                        now, then = n[unit, item, kind], m[unit, item, second]
                        away = round(abs(share * now - other[unit, item, code, second] * then))
                        assert away == 0 or away >= LEAST, (unit, item, code, kind, second)
                        seen += away >= LEAST
    assert seen  # there were differences to look at


def _numbers(snapshots: list[Path], scheme: Path) -> list[dict[tuple[str, str, str], int]]:
    """How many answered in each edition: unit, question, with flagged responses or without."""
    read = load_scheme(scheme)
    found = []
    for at, folder in enumerate(snapshots):
        with counted(read, read_snapshot(folder, read), snapshots[:at], _sha256(snapshots[:at])) as held:
            rows = read_rows(held.now.snapshot.responses)
        numbers: dict[tuple[str, str, str], int] = {}
        for row in rows:
            if row["mode"] == "invitation" and row["s_staff"] == "no":
                for item in ("answered", "trust"):
                    for kind in ("yes", "no") if not row["flags"] else ("yes",):
                        key = (row["unit"], item, kind)
                        numbers[key] = numbers.get(key, 0) + (row[f"q_{item}"] != "")
        found.append(numbers)
    return found


def _sha256(folders: list[Path]) -> list[str]:
    return [fingerprint(folder) for folder in folders]


def read_rows(path: Path | None) -> list[dict[str, str]]:
    with duckdb.connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)]) if path else None
        assert found is not None
        names = [str(column[0]) for column in found.description]
        return [dict(zip(names, (str(cell or "") for cell in row), strict=True)) for row in found.fetchall()]


def test_a_few_flagged_later_are_not_told_apart(tmp_path: Path, scheme: Path, first: tuple[Path, Path]) -> None:
    found = tables()
    unit = invited(found["responses"], "m05")
    clean = unit[found["responses"]["flags"][unit] == ""]
    found["responses"]["flags"][clean[:4]] = "too_fast"
    revised = snapshot(tmp_path / "snapshot", found)
    made = rate(scheme, revised, tmp_path / "edition", supersedes=first[1], why="a flag", against=[first[0]])
    assert ("m05", "answered", "full", "no") in shares(first[1])
    assert ("m05", "answered", "full", "no") not in shares(made.out)
    assert ("m05", "answered", "full", "yes") in shares(made.out)
    assert answered(made.out, "m05") == answered(first[1], "m05")


def test_an_edition_that_may_count_the_same_answers_takes_the_snapshot_of_the_other(
    tmp_path: Path, scheme: Path, first: tuple[Path, Path]
) -> None:
    found = tables()
    revised = snapshot(tmp_path / "snapshot", found, [0])
    sha256 = read_edition(first[1]).note.snapshot.sha256
    with pytest.raises(InputError, match=sha256):
        rate(scheme, revised, tmp_path / "edition", supersedes=first[1], why="rule 2")
    with pytest.raises(InputError, match=sha256):
        rate(scheme, revised, tmp_path / "edition", first[1])
    with pytest.raises(InputError, match="not a folder"):
        rate(scheme, revised, tmp_path / "edition", first[1], against=[tmp_path / "nowhere"])
    assert not (tmp_path / "edition").exists()
    again = rate(scheme, first[0], tmp_path / "again", first[1])  # the same answers: nothing to subtract
    assert again.note.held_against == ()


@pytest.mark.parametrize(
    ("period", "logs", "same"),
    [
        ((date(2032, 1, 1), date(2032, 12, 31)), None, False),
        ((date(2031, 12, 31), date(2032, 12, 31)), None, True),
        (None, None, True),
        (None, "other/log 7 00", False),
        (None, "other/log 7 00; a/log 9 11", True),
    ],
)
def test_whose_answers_may_be_the_same(
    first: tuple[Path, Path], period: tuple[date, date] | None, logs: str | None, same: bool
) -> None:
    note = msgspec.structs.replace(read_edition(first[1]).note, log_head="a/log 5 00")
    assert disjoint(note.period, note.log_head, period, logs) != same
    other = read_edition(first[1])
    theirs = msgspec.structs.replace(note, snapshot=SnapshotNote("00"), period=period, log_head=logs)
    assert may_subtract(replace(other, note=note), replace(other, note=theirs)) == same
    held = msgspec.structs.replace(note, held_against=("00",))
    assert not may_subtract(replace(other, note=held), replace(other, note=theirs))


def test_snapshots_are_found_beside_the_new_one(first: tuple[Path, Path], tmp_path: Path) -> None:
    home = tmp_path / "snapshots"
    home.mkdir()
    shutil.copytree(first[0], home / "autumn")
    (home / "stray").mkdir()
    made = snapshot(home / "winter", tables(), [0])
    assert beside(made, [first[1]]) == [home / "autumn"]
    assert beside(made, []) == []
