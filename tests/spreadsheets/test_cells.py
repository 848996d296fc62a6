"""Cells as people write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.spreadsheets import cells
from evaluator.spreadsheets.cells import Number, Scale, Wrong, parse_code, parse_date, parse_number, parse_scale

CELLS = st.one_of(st.text(max_size=40), st.floats(), st.dates())


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12.0),
        ("  12.50 ", 12.5),
        ("-3", -3.0),
        ("−3", -3.0),
        ("１２３．５", 123.5),
        ("－７", -7.0),
        ("＋７", 7.0),
        ("1,234,567.8", 1234567.8),
        ("1，234", 1234.0),
        ("1 234", 1234.0),
        ("0.1", 0.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("2.5E-3", 0.0025),
        ("1.25e2", 125.0),
        ("'42", 42.0),
        ("85件", 85.0),
        ("85 人次", 85.0),
        ("1.2万", 12000.0),
        ("３万人", 30000.0),
        (85.25, 85.25),
        (-0.0, 0.0),
    ],
)
def test_numbers_are_read_as_they_are_meant(cell: str | float, value: float) -> None:
    assert parse_number(cell) == Number(value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.2万元", 12000.0),
        ("0.35亿元", 35_000_000.0),
        ("￥1,200", 1200.0),
        ("３００元", 300.0),
        ("5 万元人民币", 50_000.0),
    ],
)
def test_amounts_of_money_come_out_in_yuan(cell: str, value: float) -> None:
    parsed = parse_number(cell)
    assert isinstance(parsed, Number)
    assert parsed.value == value
    assert parsed.kind in ("money", "")  # a sign before the number says money by itself


@pytest.mark.parametrize(("cell", "value"), [("85%", 0.85), ("８５％", 0.85), ("0.5 %", 0.005), ("12‰", 0.012)])
def test_percentages_are_numbers_that_say_so(cell: str, value: float) -> None:
    assert parse_number(cell) == Number(value, "percent")


@pytest.mark.parametrize("cell", ["", " ", "-", "—", "——", "N/A", "n/a", "－", "/", "未报"])
def test_marks_for_nothing_are_blank(cell: str) -> None:
    assert parse_number(cell) is None


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("无", "may mean that there was none"),
        ("none", "may mean that there was none"),
        ("1,5", "comma"),
        ("1,23,456", "comma"),
        ("12,34.5", "comma"),
        ("3.70E+11", "shortened"),
        ("#DIV/0!", "error of the spreadsheet"),
        ("#ERROR", "error of the spreadsheet"),
        ("约85", "not a number"),
        ("八十五", "not a number"),
        ("85-90", "is a number followed by “-90”"),
        ("85左右", "is a number followed by “左右”"),
        ("1.2.3", "not a number"),
        ("TRUE", "not a number"),
        ("1e15", "shortened"),
        ("999999999999999999", "beyond"),
        ("9亿亿", "followed by"),
        (float("nan"), "not a number"),
        (float("inf"), "not a number"),
        (date(2025, 3, 1), "is a date"),
    ],
)
def test_what_is_no_number_or_could_be_two_is_refused_with_the_reason(cell: cells.Cell, why: str) -> None:
    parsed = parse_number(cell)
    assert isinstance(parsed, Wrong)
    assert why in parsed.reason % parsed.values
    assert parsed.right


def test_a_header_gives_the_unit_of_its_column() -> None:
    assert parse_scale("万元") == Scale(Decimal(10_000), "money", "万元")
    assert parse_scale("％") == Scale(Decimal("0.01"), "percent", "%")
    assert parse_scale("see note 1") is None
    assert parse_number("1.5", Scale(Decimal(10_000), "money", "万元")) == Number(15_000.0, "money")
    assert parse_number(85.0, Scale(Decimal("0.01"), "percent", "%")) == Number(0.85, "percent")


def test_a_cell_may_repeat_the_unit_of_its_header_but_not_have_another() -> None:
    scale = Scale(Decimal(10_000), "money", "万元")
    assert parse_number("3万元", scale) == Number(30_000.0, "money")
    other = parse_number("3亿元", scale)
    assert isinstance(other, Wrong)
    assert "a unit of its own" in other.reason


@pytest.mark.parametrize(
    "cell",
    [
        "2025-03-01", "2025/3/1", "2025.3.1", "2025年3月1日", "２０２５年３月１日", "2025 年 3 月 1 号", "20250301",
        "2025-03-01 12:30:00", "2025-03-01T00:00:00Z", 45717.0, "45717", 20250301.0, date(2025, 3, 1), "'2025-03-01",
    ],
)  # fmt: skip
def test_dates_in_every_common_form(cell: cells.Cell) -> None:
    assert parse_date(cell) == date(2025, 3, 1)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("3/1/2025", "could be several"),
        ("25-3-1", "could be several"),
        ("2025年3月", "lacks the day"),
        ("2025-02-30", "does not exist"),
        ("spring", "not a date"),
        (12.0, "not a date"),
        ("20251301", "does not exist"),
    ],
)
def test_dates_that_are_none_or_could_be_several_are_refused(cell: cells.Cell, why: str) -> None:
    parsed = parse_date(cell)
    assert isinstance(parsed, Wrong)
    assert why in parsed.reason


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (370102000000.0, "370102000000"), ("370102000000.0", "370102000000"), ("3.70102E+5", "370102"),
        ("３７０１０２", "370102"), ("'0102", "0102"), (" A-1 ", "A-1"), (37.0, "37"), ("—", None), ("", None),
    ],
)  # fmt: skip
def test_codes_are_recovered_where_nothing_is_lost(cell: cells.Cell, code: str | None) -> None:
    assert parse_code(cell) == code


@pytest.mark.parametrize("cell", ["3.70E+11", "3.7E11", "3.70102E+11", 0.5, 1e16, date(2025, 1, 1), "#REF!"])
def test_codes_that_lost_digits_are_refused(cell: cells.Cell) -> None:
    assert isinstance(parse_code(cell), Wrong)


@given(CELLS)
def test_any_cell_gets_an_answer(cell: cells.Cell) -> None:
    for parse in (parse_number, parse_date, parse_code):
        answer = parse(cell)
        if isinstance(answer, Wrong):
            assert answer.reason % answer.values if answer.values else answer.reason
            assert answer.right


@given(st.decimals(-(10**9), 10**9, places=4, allow_nan=False))
def test_a_number_survives_grouping_and_full_width_digits(value: Decimal) -> None:
    grouped = f"{value:,}"
    wide = "".join(chr(ord(c) + 0xFEE0) if c != " " else c for c in grouped)
    assert parse_number(grouped) == parse_number(wide) == Number(float(value))


@given(st.dates(date(1980, 1, 1), date(2100, 12, 30)))
def test_a_date_survives_every_form(day: date) -> None:
    serial = float((day - cells.SERIAL_DAY_0).days)
    forms = [day.isoformat(), f"{day:%Y}年{day.month}月{day.day}日", f"{day:%Y%m%d}", serial]
    assert {parse_date(form) for form in forms} == {day}


@given(st.integers(10**0, 10**12 - 1))
def test_a_code_that_became_a_number_is_the_same_code(number: int) -> None:
    assert parse_code(float(number)) == parse_code(f"{number}.0") == str(number)
