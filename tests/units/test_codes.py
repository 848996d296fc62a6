"""Codes: GB/T 2260 forms and the check character of GB 32100."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.units.codes import (
    CREDIT_ALPHABET,
    canonical_code,
    code_problem,
    credit_check_character,
    credit_code_problem,
)


@pytest.mark.parametrize(
    ("given_code", "canonical"),
    [
        ("370000", "37"),
        ("370100", "3701"),
        ("371000", "3710"),  # a city whose own number ends in zero
        ("370102", "370102"),
        ("370102001000", "370102001"),
        ("370102000000", "370102"),
        ("370000000000", "37"),
        (" ３７０１０２ ", "370102"),
        ("3701-fgw", "3701-FGW"),
    ],
)
def test_6_and_12_digit_forms_become_the_canonical_one(given_code: str, canonical: str) -> None:
    assert canonical_code(given_code) == canonical


@given(st.text())
def test_canonical_is_stable(text: str) -> None:
    once = canonical_code(text)
    assert canonical_code(once) == once


@pytest.mark.parametrize("code", ["37", "3701", "370102", "370102001"])
def test_division_codes_are_accepted(code: str) -> None:
    assert code_problem(code, "area") is None


@pytest.mark.parametrize("code", ["3", "370", "37010", "07", "370102001001", "37A1", "", "3701-FGW"])
def test_other_codes_are_refused_for_areas(code: str) -> None:
    assert "GB/T 2260" in str(code_problem(code, "area"))


def test_departments_have_the_area_s_code_and_a_suffix() -> None:
    assert code_problem("3701-FGW", "department") is None
    assert code_problem("3701-", "department") is not None


# Published codes of two listed companies, as printed in their annual reports
@pytest.mark.parametrize("code", ["9144030071526726XG", "91330100799655058B"])
def test_published_credit_codes_check(code: str) -> None:
    assert credit_code_problem(code) is None


@given(st.text(CREDIT_ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(CREDIT_ALPHABET))
def test_every_single_substitution_in_a_credit_code_is_caught(first: str, where: int, other: str) -> None:
    code = first + credit_check_character(first)
    assert credit_code_problem(code) is None
    changed = code[:where] + other + code[where + 1 :]
    assert changed == code or credit_code_problem(changed) is not None


@given(st.text(string.printable, max_size=30))
def test_any_text_as_credit_code_gets_an_answer(text: str) -> None:
    problem = credit_code_problem(text)
    assert problem is None or len(problem) > 10
