"""The parser: what it takes, what it refuses and where, and that nothing makes it crash or hang."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from questionnaires.evaluation import Context, value_of
from questionnaires.expression import (
    FUNCTIONS,
    MOST_CHARACTERS,
    MOST_DEPTH,
    REFUSED,
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
        ("1 + ..", 4, "${code}"),
        ("./a", 0, "${a}"),
        ("//a", 0, "paths are not part"),
        ("/data/*", 0, "division is written div"),
        ("6 div 5/5", 7, "division is written div"),
        ("@a", 0, "attributes"),
        ("${a}/child::a", 4, "division is written div"),
        ("a | b", 0, "'a'"),
        ("'a' | 'b'", 4, "unions"),
        ("*", 0, "a value belongs here"),
        ("1 And 2", 2, "write: and"),
        ("1 order 2", 2, "an operator"),
        ("1 &lt; 2", 2, "write: <"),
        ("1 => 2", 2, "write: >="),
        ("1\u00a0+ 2", 1, "ordinary spaces"),
        ("1 ${a}", 2, "an operator"),
        ("1 'a'", 2, "an operator"),
        ("${a}[1]", 4, "predicates"),
        ("5 % 2", 2, "mod"),
        ("selectd(${a}, 'b')", 0, "selected()"),
        ("instance('a')/root", 0, "tables outside the form"),
        ("pulldata('a', 'b', 'c', 'd')", 0, "tables outside the form"),
        ("indexed-repeat(${a}, ${b})", 0, "pairs of a repeat and a number"),
        ("indexed-repeat(${a}, ${b}, 1, ${c})", 0, "pairs of a repeat and a number"),
        ("indexed-repeat('a', ${b}, 1)", 15, "indexed-repeat(${question}, ${repeat}, 1)"),
        ("indexed-repeat(${a}, 'b', 1)", 21, "indexed-repeat(${question}, ${repeat}, 1)"),
        ("indexed-repeat(${a}, ${b}, 1, 2, 3)", 30, "indexed-repeat(${question}, ${repeat}, 1)"),
        ("current()", 0, "current()/../code"),
        ("upper-case('a')", 0, "translate("),
        ("time()", 0, "'%H:%M'"),
        ("jr:choice-name(${a}, 'a')", 21, "as '${code}'"),
        ("sum(1)", 4, "write sum(${code})"),
        ("count('a')", 6, "write count(${code})"),
        ("position(1)", 9, "write position(${code})"),
        ("property('deviceid')", 9, "'unit'"),
        ("weighted-checklist(1, 2, 3)", 0, "pairs"),
        ("regex(${a}, '(')", 12, "a ( that is not closed"),
        ("digest(${a}, 'MD4')", 13, "SHA-512"),
        ("digest(${a}, 'MD5', 'octal')", 20, "base64, hex"),
        ("format-date(${a}, '%Q')", 18, "%Y"),
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
    assert FUNCTIONS.keys() & REFUSED.keys() == set()


def test_a_path_names_what_the_form_says() -> None:
    paths = {"/data/a": "a", "../b": "b", "current()/../c": "c", "d": "d"}
    parsed = parse("/data/a + ../b = current()/../c and d != .", paths.get)
    assert [name.code for name in parsed.names()] == ["a", "b", "c", "d"]
    assert parsed.reads_current()
    with pytest.raises(ExpressionError, match="/data/x names no question"):
        parse(" /data/x > 1", paths.get)


def test_the_question_of_a_choice_name_is_among_the_names() -> None:
    for source in ("jr:choice-name(${a}, '${a}')", "jr:choice-name( /data/a , ' /data/a ')"):
        tree = parse(source, {"/data/a": "a"}.get).tree
        assert tree == Call("jr:choice-name", (Name("a"), Name("a")))
        assert parse(render(tree)).tree == tree


@pytest.mark.parametrize(
    ("source", "reads"),
    [(".", True), ("once(1)", True), ("string-length()", True), ("string-length('a')", False), ("${a} > 1.5", False)],
)
def test_it_is_known_whether_the_current_answer_is_read(source: str, reads: bool) -> None:
    assert parse(source).reads_current() is reads


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
    *(
        ".",
        "..",
        "/a",
        "[",
        "]",
        "|",
        "$",
        "@",
        "::",
        ":a",
        "é",
        "&&",
        "//",
        "1e5",
        "1e-3",
        "%",
        "and",
        "or",
        "current()",
    ),
    *("'a|('", "'(a*)*b'", "'%Y'", "'MD5'", "'2026-02-29'", "'2026-11-25T09:30:00.5+08'"),
]
FRAGMENTS += ["\n", "\0", "\f", " or ", " and ", " div ", " mod ", "'\ud800'", *(f"{name}(" for name in FUNCTIONS)]


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join)))
@example("${a}" + "-" * 200 + "1")
def test_any_text_is_parsed_or_refused_at_a_place_within_it(source: str) -> None:
    try:
        tree = parse(source).tree
    except ExpressionError as error:
        refused = error
    else:
        with contextlib.suppress(ExpressionError):
            value_of(tree)({"a": "7"}, CONTEXT)
        assert parse(render(tree)).tree == tree
        return
    assert 0 <= refused.at <= len(source)
    assert str(refused)


CONTEXT = Context(datetime(2026, 11, 25, 9, 30, tzinfo=timezone(timedelta(hours=8))), "seed", ("x", "7"))


def _not_literal(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Arguments that are not refused at once, as a pattern or a format may be."""
    return inner.map(lambda tree: Name("a") if isinstance(tree, Text) else tree)


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
            if name in ("count", "count-non-empty", "sum", "jr:choice-name"):
                question: st.SearchStrategy[Node] = st.just(Name("a"))
                arguments = st.tuples(inner, question) if fewest == 2 else st.tuples(question)
                return st.builds(Call, st.just(name), arguments)
            if name == "indexed-repeat":
                return st.builds(Call, st.just(name), st.tuples(st.just(Name("a")), st.just(Name("b_1")), inner))
            if name in ("position", "property"):
                return st.just(Call(name, (Text("unit"),) if name == "property" else ()))
            some = st.lists(_not_literal(inner), min_size=fewest, max_size=min(most, 4))
            if name == "weighted-checklist":
                some = some.map(lambda arguments: arguments[: len(arguments) // 2 * 2])
            return st.builds(Call, st.just(name), some.map(tuple))

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
