"""The scan: sums against plain Python, and the same digest whatever the threads and the file."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import numpy as np
import pytest

from methods.survey.cells import Chosen, ItemScoring, Reduced, reduce_responses

HELP = ItemScoring(
    "help", "single", scores={"yes": 100_000, "part": 33_333, "no": 0, "dk": None}, codes=("yes", "part", "no", "dk")
)
ASKED = ItemScoring(
    "asked",
    "any",
    hit=("money", "gift"),
    score_hit=0,
    score_missed=100_000,
    missing=("dk",),
    codes=("money", "gift", "none", "dk"),
)
TRUST = ItemScoring(
    "trust",
    "linear",
    low=0,
    high=10,
    score_low=0,
    score_high=100_000,
    missing=("dk",),
    codes=(*map(str, range(11)), "dk"),
)
ROLE = ItemScoring("role", codes=("resident", "staff"), set_apart=("staff",), column="s_role")
SCORING = {"autumn": (HELP, ASKED, TRUST, ROLE)}


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    names = list(rows[0])
    lines = [",".join(names), *(",".join(row[name] for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _row(**given: str) -> dict[str, str]:
    blank = dict.fromkeys(
        ("s_role", "s_age", "q_help", "q_asked", "q_trust", "flags", "weight", "design_stratum", "psu"), ""
    )
    return {"campaign": "autumn", "mode": "invitation", "unit": "u1"} | blank | given


def _scores(tmp_path: Path, **given: str) -> dict[str, tuple[int, int]]:
    cells = reduce_responses(_write(tmp_path / "responses.csv", [_row(**given)]), SCORING).cells
    return {item: (int(cells.item_n[0, k]), int(cells.item_sum[0, k])) for k, item in enumerate(cells.items)}


@pytest.mark.parametrize(
    ("item", "answer", "expected"),
    [
        ("help", "yes", (1, 100_000)),
        ("help", "part", (1, 33_333)),
        ("help", "no", (1, 0)),
        ("help", "dk", (0, 0)),
        ("help", "", (0, 0)),
        ("help", "unheard_of", (0, 0)),
        ("asked", "none", (1, 100_000)),
        ("asked", "gift", (1, 0)),
        ("asked", "money gift", (1, 0)),
        ("asked", "dk", (0, 0)),
        ("asked", "", (0, 0)),
        ("trust", "0", (1, 0)),
        ("trust", "7", (1, 70_000)),
        ("trust", "10", (1, 100_000)),
        ("trust", "dk", (0, 0)),
        ("trust", "11", (0, 0)),
        ("trust", "", (0, 0)),
    ],
)
def test_an_answer_is_scored_in_thousandths(tmp_path: Path, item: str, answer: str, expected: tuple[int, int]) -> None:
    assert _scores(tmp_path, **{f"q_{item}": answer})[item] == expected


def test_cells_hold_everything_a_weight_depends_on(tmp_path: Path) -> None:
    rows = [
        _row(q_help="yes"),
        _row(q_help="no"),
        _row(q_help="no", s_age="young"),
        _row(q_help="no", flags="too_fast prompted"),
    ]
    rows += [_row(q_help="no", mode="open"), _row(q_help="no", weight="2.5"), _row(q_help="no", psu="p1")]
    cells = reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING).cells
    assert sorted(cells.n.tolist()) == [1, 1, 1, 1, 1, 2]
    together = int(np.argmax(cells.n))
    assert cells.item_n[together, 0] == 2
    assert cells.item_sum[together, 0] == 100_000
    assert cells.item_sumsq[together, 0] == 100_000**2
    assert sorted(cells.strata) == ["s_age", "s_role"]
    assert cells.flagged.sum() == 1
    assert sorted(set(cells.weight[np.isfinite(cells.weight)])) == [2.5]


def test_staff_of_the_unit_are_left_out_of_everything(tmp_path: Path) -> None:
    rows = [_row(q_help="yes", s_role="staff"), _row(q_help="no", s_role="resident")]
    reduced = reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING)
    assert reduced.cells.n.tolist() == [1]
    assert set(reduced.choices.code.tolist()) == {"", "no", "resident"}
    assert reduced.pairs.n.max() == 1


def test_pairs_count_only_who_answered_both(tmp_path: Path) -> None:
    rows = [_row(q_help="yes", q_trust="8"), _row(q_help="no", q_trust="dk"), _row(q_help="part", q_trust="2")]
    pairs = reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING).pairs
    both = int(np.flatnonzero((pairs.a == 0) & (pairs.b == 2))[0])
    assert pairs.n[0, both] == 2
    assert pairs.sum_a[0, both] == 133_333
    assert pairs.sum_b[0, both] == 100_000
    assert pairs.sum_ab[0, both] == 100_000 * 80_000 + 33_333 * 20_000
    own = int(np.flatnonzero((pairs.a == 0) & (pairs.b == 0))[0])
    assert pairs.n[0, own] == 3


def test_choices_count_each_code_and_who_answered(tmp_path: Path) -> None:
    rows = [_row(q_asked="money gift"), _row(q_asked="money"), _row(q_asked="dk"), _row()]
    choices = reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING).choices
    counts = {
        code: int(n) for item, code, n in zip(choices.item, choices.code, choices.n, strict=True) if item == "asked"
    }
    assert counts == {"": 3, "money": 2, "gift": 1, "dk": 1}


def test_an_item_is_scored_as_its_campaign_says(tmp_path: Path) -> None:
    stricter = ItemScoring("help", "single", scores={"yes": 80_000, "no": 0}, codes=("yes", "no"))
    rows = [_row(q_help="yes"), _row(q_help="yes", campaign="spring")]
    cells = reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING | {"spring": (stricter,)}).cells
    assert cells.item_sum[:, cells.items.index("help")].sum() == 180_000


def test_a_code_with_a_quotation_mark_is_only_a_code(tmp_path: Path) -> None:
    odd = ItemScoring("help", "single", scores={"it's": 50_000}, codes=("it's",))
    cells = reduce_responses(_write(tmp_path / "responses.csv", [_row(q_help="it's")]), {"autumn": (odd,)}).cells
    assert cells.item_sum.tolist() == [[50_000]]


def _many(n: int = 4000) -> list[dict[str, str]]:
    deal = random.Random(5)
    return [
        _row(
            unit=f"u{deal.randrange(40)}",
            s_age=deal.choice(["", "young", "old"]),
            q_help=deal.choice(["yes", "part", "no", "dk", ""]),
            q_asked=deal.choice(["none", "money", "money gift", "dk", ""]),
            q_trust=deal.choice([*map(str, range(11)), "dk", ""]),
            flags=deal.choice(["", "", "", "too_fast"]),
        )
        for _ in range(n)
    ]


def test_threads_and_file_format_do_not_change_a_digit(tmp_path: Path) -> None:
    csv = _write(tmp_path / "responses.csv", _many())
    parquet = tmp_path / "responses.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{csv}', all_varchar = true)) TO '{parquet}' (ROW_GROUP_SIZE 500)"
        )
    digests = {reduce_responses(path, SCORING, threads).digest() for path in (csv, parquet) for threads in (1, 2, 4)}
    assert len(digests) == 1


def test_the_digest_sees_a_single_answer(tmp_path: Path) -> None:
    rows = _many(200)
    one = reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING).digest()
    rows[7]["q_trust"] = "3" if rows[7]["q_trust"] != "3" else "4"
    assert reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING).digest() != one


def test_sums_are_those_of_plain_python(tmp_path: Path) -> None:
    rows = _many(1500)
    reduced: Reduced = reduce_responses(_write(tmp_path / "responses.csv", rows), SCORING)
    trust = [int(row["q_trust"]) * 10_000 for row in rows if row["q_trust"] not in ("", "dk")]
    k = reduced.cells.items.index("trust")
    assert reduced.cells.item_n[:, k].sum() == len(trust)
    assert reduced.cells.item_sum[:, k].sum() == sum(trust)
    assert reduced.cells.item_sumsq[:, k].sum() == sum(score**2 for score in trust)
    assert reduced.cells.n.sum() == 1500


def test_whole_numbers_stored_as_doubles_are_the_same_codes(tmp_path: Path) -> None:
    path = tmp_path / "responses.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 'u1' AS unit, 7.0::DOUBLE AS q_trust) TO '{path}' (FORMAT parquet)")
    reduced = reduce_responses(path, SCORING)
    assert reduced.cells.item_sum[0, reduced.cells.items.index("trust")] == 70_000
    assert "7" in reduced.choices.code.tolist()


def test_a_file_without_units_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no column `unit`"):
        reduce_responses(_write(tmp_path / "responses.csv", [{"q_help": "yes"}]), SCORING)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.parquet or \.csv"):
        reduce_responses(tmp_path / "responses.xlsx", SCORING)


def test_groups_are_left_out_or_kept_by_their_own_word(tmp_path: Path) -> None:
    rows = [_row(s_role="resident"), _row(s_role="business", q_help="no"), _row(s_role="staff"), _row(s_role="")]
    rows += [_row(campaign="winter", s_role="business")]
    path = _write(tmp_path / "responses.csv", rows)
    role = ItemScoring("role", codes=("resident", "business", "staff"), set_apart=("staff",), column="s_role")
    scoring = {"autumn": (HELP, role), "winter": (HELP,)}  # winter did not ask: everybody counts
    firms = Chosen("role", ("business",))
    assert reduce_responses(path, scoring).cells.n.sum() == 4
    rest, only = reduce_responses(path, scoring, without=(firms,)), reduce_responses(path, scoring, only=firms)
    assert (rest.cells.n.sum(), only.cells.n.sum()) == (3, 1)
    assert (only.cells.item_n.tolist(), only.cells.item_sum.tolist()) == ([[1]], [[0]])
    assert only.choices.n.sum() > 0
    assert reduce_responses(path, scoring, only=Chosen("other", ("business",))).cells.n.sum() == 0
    assert reduce_responses(path, scoring, only=Chosen("role", ("staff",))).cells.n.sum() == 0  # set apart stays so
