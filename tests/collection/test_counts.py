"""Frame and population counts: taken whole, or every bad row named."""

from __future__ import annotations

import pytest

from evaluator.collection.campaigns import load_campaign
from evaluator.collection.counts import (
    FrameRow,
    PopulationRow,
    import_frame,
    import_population,
    read_frame,
    read_population,
)
from evaluator.collection.tables import PopulationCell, SampleCell
from evaluator.spreadsheets.findings import Refused

ASKED, UNITS = ["3701", "3702"], ["37", "3701", "3702"]
STRATA = {"s_age": ["young", "old"], "s_gender": ["f", "m"]}


def test_a_frame_is_read_whatever_the_order_of_its_columns() -> None:
    content = "invited,unit,frame_n,design_stratum,calibration_area\n80,370100,1 000,town,37\n5,3702,\uff15\uff10,,\n"
    assert read_frame(content.encode("gb18030"), ASKED, UNITS) == [
        FrameRow("3701", "town", "", 1000, 80, "37"), FrameRow("3702", "", "", 50, 5, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("9999,10,1", "unit", "is no unit of this campaign"),
        (",10,1", "unit", "is blank"),
        ("37,10,1", "unit", "is no unit of this campaign"),
        ("3701,ten,1", "frame_n", "number"),
        ("3701,,1", "frame_n", "is blank"),
        ("3701,10.5,1", "frame_n", "is no whole number"),
        ("3701,-1,0", "frame_n", "is no whole number"),
        ("3701,50%,0", "frame_n", "is no whole number"),
        ("3701,10,11", "invited", "is more than the frame has"),
    ],
)
def test_a_bad_row_of_a_frame_is_named(line: str, column: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read_frame(f"unit,frame_n,invited\n3702,9,9\n{line}\n".encode(), ASKED, UNITS)
    [found] = refused.value.findings
    assert (found.row, found.column) == (3, column)
    assert words in found.why()
    assert found.what_would_be_right()


def test_all_bad_rows_are_named_at_once() -> None:
    with pytest.raises(Refused) as refused:
        read_frame(b"unit,frame_n,invited\n1,2,1\n3701,x,1\n3702,5,5\n3702,5,5\n", ASKED, UNITS)
    assert [(f.row, f.column) for f in refused.value.findings] == [(2, "unit"), (3, "frame_n"), (5, "unit")]
    assert "row 4" in refused.value.findings[2].why()


@pytest.mark.parametrize(
    ("header", "words"),
    [("unit,frame_n,invitd", "did you mean invited?"), ("unit,frame_n", "is missing"), ("unit,frame_n,invited,x", "x")],
)
def test_columns_go_by_name(header: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read_frame(f"{header}\n3701,1,1,1\n".encode(), ASKED, UNITS)
    assert words in " ".join(f.line("frame.csv") for f in refused.value.findings)


def test_population_is_read_with_blank_strata_left_out() -> None:
    content = b"unit,s_age,s_gender,count\n37,young,f,100\n37,old,,200\n3701,,,7\n"
    assert read_population(content, STRATA, UNITS) == [
        PopulationRow("37", {"s_age": "young", "s_gender": "f"}, 100), PopulationRow("37", {"s_age": "old"}, 200),
        PopulationRow("3701", {}, 7),
    ]  # fmt: skip


def test_population_of_an_unknown_stratum_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        read_population(b"unit,s_age,count\n37,yonug,1\n37,young,1\n37,young,1\n38,old,1\n", STRATA, UNITS)
    assert [(f.row, f.column) for f in refused.value.findings] == [(2, "s_age"), (4, "unit"), (5, "unit")]
    assert "young" in refused.value.findings[0].what_would_be_right()


async def test_an_import_replaces_the_one_before_and_a_bad_file_changes_nothing(
    database_url, settings, small_campaign
) -> None:
    await small_campaign()
    campaign = await load_campaign("spring")
    assert campaign is not None
    assert await import_frame(settings, campaign, b"unit,frame_n,invited\n3701,10,1\n3702,20,2\n") == 2
    assert await import_frame(settings, campaign, b"unit,frame_n,invited\n3701,30,3\n") == 1
    with pytest.raises(Refused):
        await import_frame(settings, campaign, b"unit,frame_n,invited\n3702,1,1\nxx,1,1\n")
    assert [(row["unit"], row["frame_n"]) for row in await SampleCell.select()] == [("3701", 30)]
    assert await import_population(settings, campaign, b"unit,s_age,count\n37,young,5\n37,old,6\n") == 2
    with pytest.raises(Refused):
        await import_population(settings, campaign, b"unit,s_age,count\n37,young,5\n37,young,6\n")
    kept = {(row["unit"], row["strata"], row["count"]) for row in await PopulationCell.select()}
    assert kept == {("37", '{"s_age":"young"}', 5), ("37", '{"s_age":"old"}', 6)}
