"""What expressions mean: the tables of ODK XPath for blanks, NaN and booleans."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.evaluation import (
    Answer,
    Value,
    condition,
    evaluate,
    truth_of,
)
from questionnaires.expression import parse
from questionnaires.expressions.values import text_of
from questionnaires.expressions.values import truth_of as value_as_truth

ANSWERS: dict[str, Answer] = {
    "one": "once",
    "several": ("money", "ties"),
    "seven": 7,
    "zero": 0,
    "dk": "dk",
    "text": "two words",
    "digits": "12",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        # blanks
        ("${blank}", ""),
        ("${blank} = ''", True),
        ("${blank} != ''", False),
        ("${blank} = 0", False),
        ("${blank} <= 2", False),
        ("${blank} > 2", False),
        ("boolean(${blank})", False),
        ("not(${blank})", True),
        ("string-length(${blank})", 0.0),
        ("count-selected(${blank})", 0.0),
        ("selected(${blank}, 'once')", False),
        ("selected(${blank}, '')", True),
        ("coalesce(${blank}, 5)", 5.0),
        ("coalesce(number('x'), 5)", 5.0),
        ("coalesce(${seven}, 5)", 7.0),
        ("coalesce(false(), 5)", False),
        # answers
        ("${one} = 'once'", True),
        ("${seven} = 7", True),
        ("${seven} = '7'", True),
        ("${dk} <= 2", False),
        ("${dk} >= 8", False),
        ("${dk} = 'dk'", True),
        ("${seven} != 'dk'", True),
        ("${digits} + 1", 13.0),
        ("${several}", "money ties"),
        ("selected(${several}, 'ties')", True),
        ("selected(${several}, 'tie')", False),
        ("selected(${one}, 'once')", True),
        ("selected(${text}, 'words')", True),
        ("selected(${seven}, '7')", True),
        ("selected(${seven}, 7)", True),
        ("selected(concat('a ', 'b'), ' b ')", True),
        ("selected-at(${several}, 1)", "ties"),
        ("selected-at(${several}, 2)", ""),
        ("selected-at(${several}, -1)", ""),
        ("count-selected(${several})", 2.0),
        # booleans
        ("true() = 'x'", True),
        ("true() = ''", False),
        ("false() = 0", True),
        ("true() + true()", 2.0),
        ("${zero} or ${blank}", False),
        ("${zero} or 'x'", True),
        ("1 and 'x' and true()", True),
        ("if(${zero}, 'a', 'b')", "b"),
        ("if('0', 'a', 'b')", "a"),
        ("string(true())", "true"),
        ("number(false())", 0.0),
        ("boolean(number('x'))", False),
        # numbers
        ("2 + 3 * 4 - 1", 13.0),
        ("1 div 4", 0.25),
        ("1 div 0", math.inf),
        ("-1 div 0", -math.inf),
        ("1 div -0", -math.inf),
        ("5 mod 3", 2.0),
        ("-5 mod 3", -2.0),
        ("5 mod -3", 2.0),
        ("1.5 mod .5", 0.0),
        ("-${seven}", -7.0),
        ("int(-1.9)", -1.0),
        ("int('3.7')", 3.0),
        ("abs(-2)", 2.0),
        ("number(' 12.50 ')", 12.5),
        ("number('-.5')", -0.5),
        ("1 < 2 < 3", True),
        ("3 > 2 > 1", False),
        # texts
        ("'10' = '10.0'", False),
        ("'10' = 10.0", True),
        ("'b' > 'a'", False),
        ("concat('a', 1, true(), 0.5)", "a1true0.5"),
        ("string(1 div 3 > 0)", "true"),
        ("contains('abc', 'b')", True),
        ("contains('abc', '')", True),
        ("starts-with('abc', 'ab')", True),
        ("ends-with('abc', 'ab')", False),
        ("string-length('abc')", 3.0),
        ("string(100000000000000000000)", "100000000000000000000"),
        ("string(.0000001)", "0.0000001"),
        ("string(-0)", "0"),
        ("string(1 div 0)", "Infinity"),
        ("string(-1 div 0)", "-Infinity"),
        ("string(0 div 0)", "NaN"),
    ],
)
def test_an_expression_has_the_value_that_odk_gives(source: str, value: Value) -> None:
    found = evaluate(parse(source), ANSWERS)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "source",
    ["0 div 0", "5 mod 0", "number('')", "number('1e5')", "number('0x10')", "number('1_0')", "number('x')",
     "${one} + 1", "-${blank}", "(1 div 0) mod 2", "int('x')", "abs('x')", "1 div number('x')"],
)  # fmt: skip
def test_what_is_no_number_is_nan(source: str) -> None:
    found = evaluate(parse(source), ANSWERS)
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">="])
def test_nan_compares_with_nothing(operator: str) -> None:
    assert evaluate(parse(f"number('x') {operator} number('x')"), {}) is False
    assert evaluate(parse("number('x') != number('x')"), {}) is True


def test_only_the_branch_that_is_needed_is_evaluated() -> None:
    assert evaluate(parse("if(true(), 1, date('no date'))"), ANSWERS) == 1.0


answers = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.one_of(
        st.sampled_from(["x", "y", "7", "x y"]),
        st.integers(-3, 12),
        st.lists(st.sampled_from(["x", "y", "7"]), min_size=1, unique=True).map(tuple),
    ),
)


@given(answers, st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y", "7", "z"]))
def test_the_quick_way_of_selected_agrees_with_the_general_one(
    given_answers: dict[str, Answer], name: str, code: str
) -> None:
    quick = evaluate(parse(f"selected(${{{name}}}, '{code}')"), given_answers)
    general = evaluate(parse(f"selected(concat(${{{name}}}), concat('{code}'))"), given_answers)
    assert quick is general


SOURCES = ["${a}", "${a} = ${b}", "${a} or ${b} or ${c}", "${a} and ${b} and ${c}", "${a} < 3", "selected(${c}, 'x')",
           "not(${a})", "-${a}", "if(${a}, ${b}, ${c})", "coalesce(${a}, ${b})", "${a} and not(${b} != 7)"]  # fmt: skip


@settings(max_examples=200)
@given(answers, st.sampled_from(SOURCES))
def test_truth_is_the_value_as_a_boolean(given_answers: dict[str, Answer], source: str) -> None:
    expression = parse(source)
    truth = truth_of(expression.tree)(given_answers)
    assert truth is value_as_truth(evaluate(expression, given_answers))
    assert truth is condition(expression)(given_answers)


@given(st.floats())
def test_a_number_as_text_has_no_exponent_and_reads_back(number: float) -> None:
    text = text_of(number)
    assert "e" not in text.replace("-", "").removesuffix("Infinity").lower()
    if math.isfinite(number):
        assert float(text) == number
