"""The rules of a row: every defect told with row, column, value, reason and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.problems import Problem
from evaluator.records.kinds import Kind, RecordRow, Row
from evaluator.records.rows import read_rows
from evaluator.records.vocabulary import Vocabulary, read_vocabulary, scheme_files
from evaluator.spreadsheets.findings import Finding, Refused
from evaluator.spreadsheets.reading import read_sheets
from evaluator.units.lookup import UnitIndex
from tests.records.tiny_country import PERIOD, UNITS
from tests.spreadsheets.sheets import xlsx

HEADERS: dict[Kind, str] = {
    "records": "unit,indicator,numerator,denominator",
    "indicators": "unit,indicator,value,standard_error",
    "events": "unit,record,class,document_date,state,state_date",
}


@pytest.fixture
def read(units: UnitIndex, vocabulary: Vocabulary) -> Any:
    def reading(kind: Kind, content: bytes | str | Sequence[str]) -> tuple[list[Row], list[Finding]]:
        if not isinstance(content, bytes | str):
            content = "\n".join([HEADERS[kind], *content])
        content = content.encode() if isinstance(content, str) else content
        return read_rows(kind, read_sheets(content), units, vocabulary, PERIOD)

    return reading


def told(findings: list[Finding]) -> list[tuple[int, str, str, str]]:
    return [(f.row, f.column, f.value, f.why()) for f in findings]


def test_a_row_says_where_what_why_and_what_would_be_right(read: Any) -> None:
    _rows, (found,) = read("records", ["3701,paid,12,10"])
    assert found.line("a.csv") == (
        "a.csv:2 column numerator “12” is above the denominator 10; of a share, the part cannot exceed the whole; "
        "mend the two numbers; were they exchanged?"
    )


@pytest.mark.parametrize(
    ("row", "column", "why"),
    [
        ("3701,paid,85%,100", "numerator", "is a percentage where a count is wanted"),
        ("3701,paid,0.85,1", "numerator", "is not a whole number, and a share counts cases"),
        ("3701,paid,11,10", "numerator", "is above the denominator 10"),
        ("3701,paid,5,0", "denominator", "is 0 with a numerator of 5"),
        ("3701,complaints,5,0", "denominator", "is 0 with a numerator of 5"),
        ("3701,paid,5,", "denominator", "is blank"),
        ("3701,paid,-1,10", "numerator", "is below 0"),
        ("3701,paid,无,10", "numerator", "may mean that there was none"),
        ("3701,paid,3万元,50000", "numerator", "is an amount of money and its counterpart is not"),
        ("3701,finds,3,100", "numerator", "is given, but the scheme counts the events"),
        ("3701,payd,3,100", "indicator", "is no indicator of the scheme tiny 3"),
        ("3701,debt,3,100", "indicator", "is an indicator of source “metric”"),
        ("3701,asked,3,100", "indicator", "is an indicator of source “citizen”"),
        ("3701,,3,100", "indicator", "is blank"),
        ("3701-FGW,suits_lost,3,100", "indicator", "does not apply at level D"),
        ("3705,paid,3,100", "unit", "is no unit here"),
        (",paid,3,100", "unit", "is blank, so the row has no unit"),
        ("370199,paid,3,100", "unit", "had ceased to exist on 2020-12-31"),
        ("市中区,paid,3,100", "unit", "is the name of several units: 乙市市中区 (370103), 丙市市中区 (370402)"),
        ("合计,paid,3,100", "unit", "adds up other rows"),
        ("3.70E+11,paid,3,100", "unit", "is a code that the spreadsheet program shortened: it may be"),
    ],
)
def test_bad_records_are_told(read: Any, row: str, column: str, why: str) -> None:
    rows, findings = read("records", [row])
    assert rows == []
    assert [(f.row, f.column) for f in findings] == [(2, column)]
    assert why in findings[0].why()
    assert findings[0].what_would_be_right()


@pytest.mark.parametrize(
    ("row", "numerator", "denominator"),
    [
        ("3701,paid,8,10", 8, 10),
        ("3701,paid,８,１０", 8, 10),
        ('3701,paid,"1,200","1,500"', 1200, 1500),
        ("3701,paid,1.2万元,3万元", 12_000, 30_000),
        ("3701,paid,1.25万元,2.5万元", 12_500, 25_000),
        ("3701,paid,,10", None, 10),
        ("3701,paid,—,10", None, 10),
        ("3701,paid,0,0", 0, 0),
        ("3701,paid,,0", None, 0),
        ("3701,complaints,12,0.5", 12, 0.5),
        ("3701,finds,,100.5", None, 100.5),
        ("370100000000,按期支付率,8,10", 8, 10),
        ("370100000000.0,Paid in time,8,10", 8, 10),
        ("乙市,paid,8,10", 8, 10),
        ("甲省乙市,paid,8,10", 8, 10),
        ("beta,paid,8,10", 8, 10),
    ],
)
def test_good_records_are_read_as_they_are_meant(
    read: Any, row: str, numerator: float | None, denominator: float
) -> None:
    (found,), findings = read("records", [row])
    assert findings == []
    expected = "finds" if "finds" in row else "complaints" if "complaints" in row else "paid"
    assert found == RecordRow(2, "3701", expected, numerator, denominator)


def test_likely_units_and_indicators_are_named(read: Any) -> None:
    _rows, findings = read("records", ["解放路街到,paid,1,2", "370104,paid,1,2", "3701,paids,1,2", "3701,支付率,1,2"])
    rights = [f.what_would_be_right() for f in findings]
    assert rights[0] == "did you mean 历下区解放路街道 (370102001)?"
    assert "乙市市中区 (370103)" in rights[1]
    assert rights[2].startswith("did you mean paid (按期支付率)")
    assert "paid (按期支付率)" in rights[3]


def test_a_shortened_code_names_the_units_that_it_may_be(read: Any) -> None:
    _rows, (found,) = read("records", ["3.704E+11,paid,1,2"])
    assert "丙市 (3704), 丙市市中区 (370402)" in found.why()
    assert "(37)" not in found.why()


def test_a_code_with_all_its_digits_is_recovered_from_powers_of_ten(read: Any) -> None:
    rows, findings = read("records", ["3.70102001E+11,paid,1,2", "3.70102E+5,paid,1,2"])
    assert ([row.unit for row in rows], findings) == (["370102001", "370102"], [])


def test_two_rows_for_one_number_are_refused_also_under_different_names(read: Any) -> None:
    _rows, (found,) = read("records", ["3701,paid,1,2", "370100,按期支付率,1,3"])
    assert told([found]) == [(3, "indicator", "按期支付率", "3701 + paid is in row 2 already")]


def test_code_and_name_of_a_unit_must_agree(read: Any) -> None:
    header = "单位代码,单位名称,指标代码,指标名称,分子,分母\n"
    rows, findings = read("records", header + "3701,乙市,paid,按期支付率,1,2\n,丙市,paid,,1,2\n3701,丙市,paid,,1,2\n")
    assert [row.unit for row in rows] == ["3701", "3704"]
    assert [(f.row, f.column) for f in findings] == [(4, "单位名称")]
    assert "is 甲省丙市 (3704), but the code is that of 甲省乙市 (3701)" in findings[0].why()


def test_a_header_in_ten_thousand_yuan_scales_its_column(read: Any) -> None:
    (row,), findings = read("records", "单位,指标,分子（万元）,分母(万元)\n3701,paid,1.5,2\n")
    assert ((row.numerator, row.denominator), findings) == ((15_000, 20_000), [])
    _rows, findings = read("records", "单位,指标,分子（万元）,分母\n3701,paid,1.5,20000\n")
    assert "money" in findings[0].why()
    _rows, findings = read("records", "单位,指标,分子（%）,分母\n3701,paid,85,100\n")
    assert "percentage" in findings[0].why()


def test_real_xlsx_with_titles_merged_units_numbers_for_codes_and_percentages(read: Any) -> None:
    def more(book: Any, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 3, "2025年度统计表")
        sheet.merge_range(2, 0, 3, 0, 370100000000)
        sheet.write(4, 2, 1, book.add_format({"num_format": "0%"}))
        sheet.write_formula(5, 3, "=1/0", None, "#DIV/0!")

    rows = [
        [], ["单位代码", "指标", "分子", "分母"], [None, "paid", 8, 10], [None, "suits_lost", 1, 4],
        [370400000000, "paid", None, 20], ["370103", "paid", 1, None], [None, "paid", 1, 2],
    ]  # fmt: skip
    found, findings = read("records", xlsx(rows, more=more))
    assert [(r.unit, r.indicator) for r in found] == [("3701", "paid"), ("3701", "suits_lost")]
    assert [(f.row, f.column, f.value) for f in findings] == [
        (5, "分子", "100%"), (6, "分母", "#ERROR"), (7, "单位代码", ""),
    ]  # fmt: skip


def test_gb18030_and_utf8_with_bom_are_read_alike(read: Any) -> None:
    text = "单位,指标,分子,分母\n乙市,按期支付率,１２,２０\n"
    outcomes = [read("records", text.encode(encoding)) for encoding in ("gb18030", "utf-8-sig", "utf-8", "utf-16")]
    assert outcomes == [outcomes[0]] * 4
    assert outcomes[0][1] == []


@pytest.mark.parametrize(
    ("row", "column", "why"),
    [
        ("3701,debt,abc,", "value", "is not a number"),
        ("3701,debt,,0.1", "value", "is blank"),
        ("3701,debt,1,-0.1", "standard_error", "is below 0"),
        ("3701,debt,85%,0.1", "standard_error", "is in another unit"),
        ("3701,paid,1,", "indicator", "is an indicator of source “share”"),
        ("3701,debt,3.70E+11,", "value", "was shortened"),
    ],
)
def test_bad_ready_numbers_are_told(read: Any, row: str, column: str, why: str) -> None:
    rows, findings = read("indicators", [row])
    assert rows == []
    assert [(f.row, f.column) for f in findings] == [(2, column)]
    assert why in findings[0].why()


@pytest.mark.parametrize(
    ("row", "column", "why"),
    [
        ("3701,A,general,2024-12-31,final,2025-02-01", "document_date", "is out of the period from 2025-01-01"),
        ("3701,A,general,2025-02-01,final,2026-01-01", "state_date", "is out of the period"),
        ("3701,A,general,2025-02-01,final,2025-01-31", "state_date", "is before the document's date 2025-02-01"),
        ("3701,A,general,2025-02-30,final,2025-03-31", "document_date", "is a day that does not exist"),
        ("3701,A,generel,2025-02-01,final,2025-03-31", "class", "is not known here"),
        ("3701,A,general,2025-02-01,done,2025-03-31", "state", "is not known here"),
        ("3701,A,general,2025-02-01,final,", "state_date", "is blank"),
        ("3701,,general,2025-02-01,final,2025-02-01", "record", "is blank"),
        ("3701,2.02503E+12,general,2025-02-01,final,2025-02-01", "record", "shortened"),
        (f"3701,{'9' * 65},general,2025-02-01,final,2025-02-01", "record", "is longer than 64"),
    ],
)
def test_bad_events_are_told(read: Any, row: str, column: str, why: str) -> None:
    rows, findings = read("events", [row])
    assert rows == []
    assert [(f.row, f.column) for f in findings] == [(2, column)]
    assert why in findings[0].why()


def test_events_of_veto_classes_and_states_in_chinese_are_known(read: Any) -> None:
    (one, other), findings = read(
        "events", ["3701,A,defaulter,2025年2月1日,已生效,2025-02-02", "3701,B,serious,45689,已整改,2025/3/1"]
    )
    assert findings == []
    assert (one.record_class, one.state, other.state, other.document_date) == (
        "defaulter",
        "final",
        "rectified",
        date(2025, 2, 1),
    )


def test_one_number_for_two_events_is_refused(read: Any) -> None:
    row = "3701,A,general,2025-02-01,final,2025-02-01"
    _rows, findings = read("events", [row, row.replace("3701", "3704")])
    assert told(findings) == [(3, "record", "A", "A is in row 2 already")]


def test_all_defects_of_a_row_are_told_at_once(read: Any) -> None:
    _rows, findings = read("records", ["3705,payd,x,"])
    assert [f.column for f in findings] == ["unit", "indicator", "numerator", "denominator"]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["records", "indicators", "events"]),
    st.lists(st.lists(st.text(max_size=12), max_size=7), max_size=6),
    st.booleans(),
)
def test_any_rows_give_rows_or_findings(kind: Kind, rows: list[list[str]], with_header: bool) -> None:
    vocabulary = VOCABULARY
    lines = [",".join(row).replace("\n", " ").replace("\r", " ").replace('"', " ") for row in rows]
    content = "\n".join([HEADERS[kind], *lines] if with_header else lines).encode("utf-8", "replace")
    try:
        good, findings = read_rows(kind, read_sheets(content), UnitIndex(UNITS), vocabulary, PERIOD)
    except Refused as refused:
        good, findings = [], list(refused.findings)
    assert good or findings or not any(line.strip(" ,") for line in lines)
    for found in findings:
        assert found.why()
        assert found.what_would_be_right()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_findings(content: bytes) -> None:
    header = HEADERS["records"].encode() + b"\n"
    for whole in (content, header + content):
        try:
            _good, findings = read_rows("records", read_sheets(whole), UnitIndex(UNITS), VOCABULARY, PERIOD)
        except Refused as refused:
            assert len(refused.findings) > 0  # noqa: PT017
        else:
            assert all(found.row > 0 for found in findings)


def _vocabulary() -> Vocabulary:
    import tempfile

    from tests.records.tiny_country import SCHEME

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.yaml"
        path.write_text(SCHEME, encoding="utf-8")
        return read_vocabulary(path)


VOCABULARY = _vocabulary()


# --- the vocabulary


def test_codes_of_a_scheme_are_taken_as_written(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("code: s\nversion: 1.10\nindicators: [{code: no, source: share}, {code: 010, source: rate}]\n")
    vocabulary = read_vocabulary(path)
    assert (vocabulary.scheme, list(vocabulary.indicators)) == ("s 1.10", ["no", "010"])


def test_what_is_no_scheme_is_refused_and_not_offered(tmp_path: Path) -> None:
    (tmp_path / "schemes").mkdir()
    path = tmp_path / "schemes" / "broken.yaml"
    for text in ("indicators: 3", "[", "\x00"):
        path.write_text(text)
        with pytest.raises(Problem, match=r"broken\.yaml"):
            read_vocabulary(path)
    with pytest.raises(Problem):
        read_vocabulary(tmp_path / "nowhere.yaml")
    assert "broken" not in {one.name for one in scheme_files(tmp_path)}


def test_the_schemes_that_ship_are_offered_with_their_words(tmp_path: Path) -> None:
    shipped = scheme_files(tmp_path)
    words = {one.name: read_vocabulary(one.path) for one in shipped}
    assert all(vocabulary.indicators for vocabulary in words.values())
    of_records = [
        vocabulary for vocabulary in words.values() if any(t.counts_events for t in vocabulary.indicators.values())
    ]
    assert of_records
    for vocabulary in of_records:
        assert {term.source for term in vocabulary.indicators.values()} >= {"share", "citizen"}
