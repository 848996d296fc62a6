"""Counting again: a unit's responses move by nobody or by enough people."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pytest

from methods.disclosure.holding import Held, hold

CODES = ("yes", "part", "no")
Row = tuple[str, str, str, str, str]  # mode, unit, flags, answer, business


def written(path: Path, rows: list[Row]) -> Path:
    lines = ["mode,unit,flags,q_help,q_firm", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def counted(held: Held) -> list[Row]:
    with duckdb.connect() as connection:
        query = "SELECT mode, unit, flags, q_help, q_firm FROM read_parquet(?)"
        return [tuple(row) for row in connection.execute(query, [str(held.path)]).fetchall()]


def shown(held: Held, unit: str, firm: str) -> tuple[Counter[str], Counter[str]]:
    """What is published of a part of a unit: with flagged responses, and without."""
    rows = [row for row in counted(held) if row[0] == "invitation" and row[1] == unit and row[4] == firm]
    clean = [row for row in rows if not row[2] or (unit, "1" if firm == "yes" else "0") in held.together]
    return Counter(row[3] for row in rows), Counter(row[3] for row in clean)


def people(rng: np.random.Generator, number: int, unit: str) -> list[Row]:
    return [
        (
            "invitation",
            unit,
            "fast" if rng.uniform() < 0.3 else "",
            str(rng.choice(CODES)),
            "yes" if rng.uniform() < 0.3 else "no",
        )
        for _ in range(number)
    ]


def test_no_two_of_a_row_of_counts_differ_by_fewer_than_ten_people(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    units = ("a", "b", "c")
    rows = [row for unit in units for row in people(rng, 60, unit)]
    done: list[Held] = []
    changed = 0
    for number in range(5):
        new = written(tmp_path / f"{number}.csv", rows)
        done.append(hold(new, done, tmp_path / f"{number}.parquet", apart=[("q_firm", ("yes",))]))
        changed += number > 0 and len(done[-1].held) < 6
        gone = set(rng.choice(len(rows), rng.integers(1, 40), replace=False).tolist())
        rows = [row for at, row in enumerate(rows) if at not in gone]
        rows += [row for unit in units for row in people(rng, int(rng.integers(0, 12)), unit)]
        at = int(rng.integers(len(rows)))  # a flag that comes or goes later
        rows[at] = (*rows[at][:2], "" if rows[at][2] else "fast", *rows[at][3:])
    assert changed  # not everything is held for ever
    for unit in units:
        for firm in ("yes", "no"):
            counts = [one for held in done for one in shown(held, unit, firm)]
            for one in counts:
                for other in counts:
                    came, went = (one - other).total(), (other - one).total()
                    assert max(came, went) == 0 or max(came, went) >= 10


def test_enough_people_are_counted_anew_and_others_than_the_invited_always(tmp_path: Path) -> None:
    old = [("invitation", "a", "", "yes", "")] * 30 + [("open", "a", "", "yes", "")] * 5
    new = [("invitation", "a", "", "yes", "")] * 20 + [("open", "a", "", "no", "")] * 2
    first = hold(written(tmp_path / "old.csv", old), [], tmp_path / "first.parquet")
    assert sorted(counted(first)) == sorted(old)
    second = hold(written(tmp_path / "new.csv", new), [first], tmp_path / "second.parquet")
    assert not second.held
    assert sorted(counted(second)) == sorted(new)
    fewer = [*old[:28], ("open", "a", "", "no", "")]
    third = hold(written(tmp_path / "fewer.csv", fewer), [first], tmp_path / "third.parquet")
    assert third.held == {("a", "")}
    assert sorted(counted(third)) == sorted([*old[:30], ("open", "a", "", "no", "")])


def test_a_count_is_compared_with_all_before_and_not_only_the_last(tmp_path: Path) -> None:
    done: list[Held] = []
    for number, size in enumerate((50, 62, 53)):  # 12 more, then 9 fewer; 3 more than at first
        new = written(tmp_path / f"{number}.csv", [("invitation", "a", "", "yes", "")] * size)
        done.append(hold(new, done, tmp_path / f"{number}.parquet"))
    assert [len(counted(one)) for one in done] == [50, 62, 62]
    back = written(tmp_path / "back.csv", [("invitation", "a", "", "yes", "")] * 50)
    assert len(counted(hold(back, done, tmp_path / "back.parquet"))) == 50


def test_a_unit_that_lost_its_last_few_keeps_them_and_a_new_column_changes_nothing(tmp_path: Path) -> None:
    first = hold(written(tmp_path / "a.csv", [("invitation", "a", "", "yes", "")] * 4), [], tmp_path / "a.parquet")
    wider = tmp_path / "b.csv"
    wider.write_text("unit,q_help,q_other\nb,no,x\n", encoding="utf-8")
    found = hold(wider, [first], tmp_path / "b.parquet")
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT unit, q_help, q_other FROM read_parquet(?)", [str(found.path)]).fetchall()
    assert sorted(rows) == [("a", "yes", "")] * 4  # and one person of b is not counted until there are ten
    assert found.held == {("a", ""), ("b", "")}


def asked(path: Path, answers: dict[str, int], silent: int = 0) -> Path:
    """People of one unit, who gave these answers to a second question, or were not asked it."""
    rows = [f"a,yes,{answer}" for answer, n in answers.items() for _ in range(n)] + ["a,yes,"] * silent
    path.write_text("\n".join(["unit,q_all,q_some", *rows]) + "\n", encoding="utf-8")
    return path


def some(held: Held) -> list[str]:
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT q_some FROM read_parquet(?) ORDER BY ALL", [str(held.path)]).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("before", "after", "kept", "left"),
    [
        ((30, 20), (28, 10), True, 30),  # 12 went, of whom 2 had answered what most are asked
        ((15, 40), (13, 30), False, 0),  # what few are asked
        ((30, 20), (15, 20), False, 15),
        ((15, 40), (15, 30), False, 15),  # nobody of those went
    ],
)
def test_of_a_question_that_only_some_answered_nobody_or_enough_people_differ(
    tmp_path: Path, before: tuple[int, int], after: tuple[int, int], kept: bool, left: int
) -> None:
    scored = {"q_all": {"dk"}, "q_some": {"dk"}}
    first = hold(asked(tmp_path / "a.csv", {"no": before[0]}, before[1]), [], tmp_path / "a.parquet", scored=scored)
    new = asked(tmp_path / "b.csv", {"no": after[0]}, after[1])
    found = hold(new, [first], tmp_path / "b.parquet", scored=scored)
    assert bool(found.held) == kept
    assert some(found).count("no") == left


def test_an_answer_without_a_score_is_none(tmp_path: Path) -> None:
    scored = {"q_all": {"dk"}, "q_some": {"dk"}}
    old = asked(tmp_path / "a.csv", {"no": 20, "dk": 20}, 5)
    first = hold(old, [], tmp_path / "a.parquet", scored=scored)
    new = asked(tmp_path / "b.csv", {"no": 18, "dk": 10}, 5)  # twelve answers fewer, of which two have a score
    found = hold(new, [first], tmp_path / "b.parquet", scored=scored)
    assert found.held
    assert sorted(set(some(found))) == ["", "dk", "no"]
    assert not hold(new, [first], tmp_path / "c.parquet").held


@pytest.mark.parametrize("answer", ["1", "1.0"])
def test_numbers_of_a_parquet_are_the_answers_of_a_csv(tmp_path: Path, answer: str) -> None:
    with duckdb.connect() as connection:
        target = tmp_path / "typed.parquet"
        connection.execute(
            f"COPY (SELECT 'a' AS unit, 1.0::DOUBLE AS q_n FROM range(12)) TO '{target}' (FORMAT parquet)"
        )
    first = hold(target, [], tmp_path / "first.parquet")
    text = tmp_path / "text.csv"
    text.write_text("unit,q_n\n" + f"a,{answer}\n" * 11, encoding="utf-8")
    found = hold(text, [first], tmp_path / "second.parquet")
    assert bool(found.held) == (answer == "1")
