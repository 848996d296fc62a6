"""Which unit a cell means."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.spreadsheets.findings import Wrong
from evaluator.units.lookup import KnownUnit, UnitIndex

UNITS = [
    KnownUnit("37", None, "P", "甲省", "Alpha"),
    KnownUnit("3701", "37", "C", "乙市", "Beta"),
    KnownUnit("3710", "37", "C", "丁市"),
    KnownUnit("370103", "3701", "K", "市中区", "Centre"),
    KnownUnit("371003", "3710", "K", "市中区", "Centre"),
    KnownUnit("370103001", "370103", "T", "大街街道"),
    KnownUnit("3701-FGW", "3701", "D", "发展改革委"),
]


@pytest.fixture
def index() -> UnitIndex:
    return UnitIndex(UNITS)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("37", "37"), ("370000", "37"), (370000000000.0, "37"), ("371000", "3710"), ("３７０１０３", "370103"),
        ("370103001000", "370103001"), ("3701-fgw", "3701-FGW"), ("乙市", "3701"), (" 乙 市 ", "3701"),
        ("beta", "3701"), ("丁市市中区", "371003"), ("甲省丁市市中区", "371003"), ("甲省乙市", "3701"),
        ("3.70103001E+11", "370103001"),
    ],
)  # fmt: skip
def test_a_unit_is_found_by_code_in_any_form_and_by_a_name_that_only_it_has(
    index: UnitIndex, cell: str | float, code: str
) -> None:
    assert index.find(cell) == code


@pytest.mark.parametrize(
    ("cell", "why", "right"),
    [
        ("市中区", "several units: 乙市市中区 (370103), 丁市市中区 (371003)", "write the code"),
        ("Centre", "several units", "write the code"),
        ("大街街到", "is no unit here", "did you mean 市中区大街街道 (370103001)?"),
        ("370104", "is no unit here", "did you mean 乙市市中区 (370103)?"),
        ("370130", "is no unit here", "乙市市中区 (370103)"),
        ("zzzzzz", "is no unit here", "add the unit there first"),
        ("3.7E+11", "it may be 甲省 (37)", "as text"),
        ("9.9E+11", "shortened", "as text"),
        ("", "is blank", "fill down"),
        ("总计", "adds up other rows", "take the row out"),
        (0.5, "decimals", "as text"),
        (date(2025, 3, 1), "is a date", "as text"),
    ],
)
def test_what_is_no_unit_is_told_with_the_likely_ones(
    index: UnitIndex, cell: str | float | date, why: str, right: str
) -> None:
    found = index.find(cell)
    assert isinstance(found, Wrong)
    assert why in found.reason % found.values
    assert right in found.right % found.values


def test_a_circle_of_parents_does_not_hang() -> None:
    index = UnitIndex([KnownUnit("1", "2", "K", "a"), KnownUnit("2", "1", "K", "b")])
    assert index.find("ba") == "1"


def test_many_unknown_units_do_not_take_for_ever(index: UnitIndex) -> None:
    answers = [index.find(f"x{n}") for n in range(150)]
    assert all(isinstance(answer, Wrong) for answer in answers)
    assert answers[149].right == "use the codes of the list of units"  # type: ignore[union-attr]


@given(st.one_of(st.text(max_size=30), st.floats(), st.dates()))
def test_any_cell_gets_an_answer(cell: str | float | date) -> None:
    found = UnitIndex(UNITS).find(cell)
    assert isinstance(found, str) or found.reason
