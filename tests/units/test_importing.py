"""Units from CSV: whole or nothing, on both engines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluator.ledger.tables import LogLeaf
from evaluator.problems import Problem
from evaluator.settings import Settings
from evaluator.units.cli import SHIPPED
from evaluator.units.importing import import_units, read_units
from evaluator.units.tables import Unit
from evaluator.units.tree import is_within, subtree

HEADER = "code,parent,level,kind,name_zh,name_en,population,credit_code,valid_from,valid_to,successor\n"
GOOD = (
    HEADER
    + "370102,3701,K,area,c,,,,,,\n"  # children may stand before parents
    + "37,,P,area,a,A,101527453,,,,\n"
    + "370100,370000,C,area,b,,9202432,,2019-01-01,,\n"
    + "3701-FGW,3701,D,department,d,,,,,,\n"
    + "3712,37,C,area,e,,,,,2018-12-31,3701\n"
)


def errors_of(content: str) -> list[str]:
    with pytest.raises(Problem) as caught:
        read_units(content.encode())
    return [f"{e.pointer}: {e.detail}" for e in caught.value.errors]


async def test_the_tree_is_stored_with_canonical_codes_parents_and_successors(database_url: str) -> None:
    assert await import_units(read_units(GOOD.encode("utf-8-sig"))) == 5
    assert await subtree("3701") == ["3701", "3701-FGW", "370102"]
    assert await is_within("370102", "37")
    assert not await is_within("37", "3701")
    assert not await is_within("nowhere", "37")
    old = await Unit.objects().get(Unit.code == "3712")
    assert old is not None
    assert (old.successor, str(old.valid_to)) == ("3701", "2018-12-31")


async def test_importing_again_brings_units_up_to_date(database_url: str) -> None:
    await import_units(read_units(GOOD.encode()))
    await import_units(read_units(GOOD.replace("area,b", "area,changed").encode()))
    unit = await Unit.objects().get(Unit.code == "3701")
    assert unit is not None
    assert unit.name_zh == "changed"
    assert await Unit.count() == 5


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("370103,3799,K,area,x,,,,,,", "“3799” is no unit"),
        ("370203,3701,K,area,x,,,,,,", "not the beginning of the code"),
        ("370102,3701,K,area,x,,,,,,", "stands twice"),
    ],
)
async def test_a_bad_tree_changes_nothing(database_url: str, row: str, said: str) -> None:
    with pytest.raises(Problem) as caught:
        await import_units(read_units((GOOD + row + "\n").encode()))
    assert any(said in f"{e.pointer} {e.detail}" for e in caught.value.errors)
    assert await Unit.count() == 0


async def test_a_circle_of_parents_is_refused_with_its_members(database_url: str) -> None:
    circle = HEADER + "3701-A,3701-B,D,department,a,,,,,,\n3701-B,3701-A,D,department,b,,,,,,\n"
    with pytest.raises(Problem) as caught:
        await import_units(read_units(circle.encode()))
    assert "3701-A" in caught.value.errors[-1].detail
    assert "circle" in caught.value.errors[-1].detail
    assert await Unit.count() == 0


async def test_the_real_province_ships_and_imports(database_url: str) -> None:
    assert await import_units(read_units((SHIPPED / "shandong.csv").read_bytes())) == 2021
    levels = await Unit.raw("SELECT level, count(*) AS n FROM unit GROUP BY level ORDER BY level")
    assert [(r["level"], r["n"]) for r in levels] == [("C", 16), ("K", 151), ("P", 1), ("T", 1853)]


def test_every_bad_row_is_named_with_its_column() -> None:
    bad = HEADER + (
        "370,,P,area,a,,,,,,\n"
        "38,,P,village,a,,,,,,\n"
        "39,,P,area,,,,,,,\n"
        "41,,P,area,a,,about 5,,,,\n"
        "42,,P,area,a,,,9144030071526726XA,,,\n"
        "43,,P,area,a,,,,2020-01-01,2019-01-01,\n"
        "44,,P,area,a,,,,1 May,,\n"
        "45,,P,area,a,,,,,,,,,\n"
    )
    said = errors_of(bad)
    assert [s.split(":")[0] for s in said] == [
        "row 2 column code", "row 3 column kind", "row 4 column name_zh", "row 5 column population",
        "row 6 column credit_code", "row 7 column valid_to", "row 8 column valid_from", "row 9",
    ]  # fmt: skip


def test_unknown_and_missing_columns_are_named() -> None:
    assert errors_of("code,name,level\n") == [
        (
            "column name: unknown; known columns: code, parent, level, name_zh, kind, name_en, population, "
            "credit_code, valid_from, valid_to, successor"
        ),
        "column parent: missing",
        "column name_zh: missing",
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"code\x00"])
def test_what_is_no_csv_is_refused(content: bytes) -> None:
    with pytest.raises(Problem):
        read_units(content)


async def test_the_audit_log_says_how_many_units_came_in_or_changed_and_by_whom(
    database_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=database_url)
    await import_units(read_units(GOOD.encode()), settings, "operator 1")
    await import_units(read_units(GOOD.encode()), settings, "operator 1")
    await import_units(read_units(GOOD.replace("area,b", "area,changed").encode()), settings, "command line")
    rows = await LogLeaf.select(LogLeaf.entry).order_by(LogLeaf.position)
    said = [{k: v for k, v in json.loads(row["entry"]).items() if k not in ("at", "kind", "what")} for row in rows]
    assert said == [
        {"by": "operator 1", "new": 5, "changed": 0, "units": ["37", "3701", "3701-FGW", "370102", "3712"]},
        {"by": "operator 1", "new": 0, "changed": 0, "units": []},
        {"by": "command line", "new": 0, "changed": 1, "units": ["3701"]},
    ]
    with pytest.raises(Problem):
        await import_units(read_units((GOOD + "99,98,P,area,x,,,,,,\n").encode()), settings, "operator 1")
    assert await LogLeaf.count() == 3
