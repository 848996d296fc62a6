"""The parser: what it takes, what it refuses and where, and that nothing makes it crash or hang."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from questionnaires.evaluation import value_of
from questionnaires.expression import (
    FUNCTIONS,
    MOST_CHARACTERS,
    MOST_DEPTH,
    NOT_YET,
    Call,
    Chain,
    ExpressionError,
    Name,
    Negate,
    Node,
    Number,
    Text,
    parse,
    render,
    walk,
)


@pytest.mark.parametrize(
    ("written", "grouped"),
    [
        ("1 or 2 and 3", "1 or (2 and 3)"),
        ("1 and 2 = 3", "1 and (2 = 3)"),
        ("1 = 2 < 3", "1 = (2 < 3)"),
        ("1 < 2 + 3", "1 < (2 + 3)"),
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 * 2 + 3", "(1 * 2) + 3"),
        ("-1 * 2", "-1 * 2"),
        ("1 - 2 - 3", "1 - 2 - 3"),
        ("1 - (2 - 3)", "1 - (2 - 3)"),
        ("6 div 2 mod 2", "6 div 2 mod 2"),
        ("- - ${a}", "--${a}"),
        ("not(1)and true()", "not(1) and true()"),
        ("1or 2", "1 or 2"),
        ("\"it's\" = 'x'", "\"it's\" = 'x'"),
        ("${a}!=.5", "${a} != 0.5"),
    ],
)
def test_operators_bind_as_in_xpath(written: str, grouped: str) -> None:
    assert render(parse(written).tree) == grouped


def test_a_run_of_one_level_is_flat_whatever_its_length() -> None:
    tree = parse(" or ".join(["${a}"] * 1200)).tree
    assert isinstance(tree, Chain)
    assert len(tree.rest) == 1199


def test_the_names_an_expression_reads_come_in_the_order_of_the_text() -> None:
    names = parse("if(${b} > -${a}, ${c} + ${b}, selected(${d}, 'x'))").names()
    assert [name.code for name in names] == ["b", "a", "c", "b", "d"]
    assert [name.at for name in names] == [3, 11, 17, 24, 39]


@pytest.mark.parametrize(
    ("written", "at", "right"),
    [
        ("", 0, "leave the key out"),
        ("   ", 0, "leave the key out"),
        ("(1", 2, "a ) or an operator"),
        ("1)", 1, "one ) too many"),
        ("1 2", 2, "an operator"),
        ("1, 2", 1, "only between the arguments"),
        ("contact", 0, "${contact}, a code or text 'contact'"),
        ("${a} == 1", 5, "one ="),
        ("${a} <> 1", 5, "!="),
        ("${a} && ${b}", 5, "write: and"),
        ("${a} || ${b}", 5, "write: or"),
        ("!${a}", 0, "not( ... )"),
        ("${a", 0, "closing brace"),
        ("$a", 0, "${code}"),
        ("${ a }", 0, "${a}"),
        ("${a b}", 0, "${code}"),
        ("${}", 0, "${code}"),
        ("'open", 0, "close it with '"),
        ("“x”", 0, "straight quotes"),
        ("/data/a", 0, "division is written div"),
        (". > 1", 0, "${code}"),
        ("${a}[1]", 4, "predicates"),
        ("5 % 2", 2, "mod"),
        ("selectd(${a}, 'b')", 0, "selected()"),
        ("today()", 0, "not supported here"),
        ("jr:choice-name(${a}, 'a')", 0, "not supported here"),
        ("selected(${a})", 0, "it takes 2"),
        ("true(1)", 0, "it takes 0"),
        ("not", 0, "not( ... )"),
        ("and 1", 0, "a value belongs before it"),
        ("1 or", 4, "a value belongs here"),
        ("concat(, 1)", 7, "a value belongs here"),
        ("concat(1, )", 10, "a value belongs here"),
        ("1 = = 2", 4, "a value belongs here"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_position_and_a_remedy(written: str, at: int, right: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse(written)
    assert refused.value.at == at
    assert right in str(refused.value)


def test_an_expression_has_a_greatest_length() -> None:
    parse("1" * MOST_CHARACTERS)
    with pytest.raises(ExpressionError, match=f"at most {MOST_CHARACTERS} are allowed"):
        parse("1" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize("opening", ["(", "-", "not(", "if(1, 2, ", "1 or 1 and 1 = 1 < 1 + 1 * ("])
def test_nesting_has_a_greatest_depth(opening: str) -> None:
    with pytest.raises(ExpressionError, match="nests too deep"):
        parse(opening * (MOST_CHARACTERS // len(opening)))


def test_the_deepest_allowed_nesting_can_be_evaluated() -> None:
    deepest = MOST_DEPTH - 1
    tree = parse("not(" * deepest + "true()" + ")" * deepest).tree
    assert value_of(tree)({}) is (deepest % 2 == 0)
    assert parse(render(tree)).tree == tree


def test_no_function_is_both_supported_and_not() -> None:
    assert FUNCTIONS.keys() & NOT_YET == set()


FRAGMENTS = [
    *(
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "'",
        '"',
        "${",
        "}",
        "${a}",
        "'x'",
        "1",
        ".5",
        " ",
    ),
    *(" or ", " and ", " div ", " mod ", *(f"{name}(" for name in FUNCTIONS), "\n", "\0", "é", "&&", "//", "1e5"),
]


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join)))
@example("${a}" + "-" * 200 + "1")
def test_any_text_is_parsed_or_refused_at_a_place_within_it(source: str) -> None:
    try:
        tree = parse(source).tree
    except ExpressionError as error:
        refused = error
    else:
        value_of(tree)({})
        assert parse(render(tree)).tree == tree
        return
    assert 0 <= refused.at <= len(source)
    assert str(refused)


def trees() -> st.SearchStrategy[Node]:
    leaves: st.SearchStrategy[Node] = st.one_of(
        st.floats(min_value=0, allow_nan=False).map(Number),
        st.text("abc '", max_size=4).map(Text),
        st.sampled_from(["a", "b_1"]).map(Name),
    )

    def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        def chain(operators: list[str]) -> st.SearchStrategy[Node]:
            rest = st.lists(st.tuples(st.sampled_from(operators), inner), min_size=1, max_size=3).map(tuple)
            return st.builds(Chain, inner, rest)

        def call(name: str) -> st.SearchStrategy[Node]:
            fewest, most = FUNCTIONS[name]
            some = st.lists(inner, min_size=fewest, max_size=min(most, 4)).map(tuple)
            return st.builds(Call, st.just(name), some)

        levels = [["or"], ["and"], ["=", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "div", "mod"]]
        return st.one_of(
            st.sampled_from(levels).flatmap(chain),
            st.sampled_from(sorted(FUNCTIONS)).flatmap(call),
            st.builds(Negate, inner),
        )

    return st.recursive(leaves, larger, max_leaves=12)


@settings(max_examples=200, deadline=None)
@given(trees())
def test_a_tree_is_written_so_that_it_reads_back_the_same(tree: Node) -> None:
    # A chain whose first operand is a chain of its own level is written with brackets that keep it apart.
    assert parse(render(tree)).tree == tree
    assert len(list(walk(tree))) >= 1
