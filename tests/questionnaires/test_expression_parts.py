"""Patterns against Python's own, the calendar against `datetime`, and that nothing runs away."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import json
import pkgutil
import re
import time
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires import expressions
from questionnaires.evaluation import Answer, Context, calculation, condition, evaluate
from questionnaires.expression import MOST_CHARACTERS, ExpressionError, parse
from questionnaires.expressions.functions import formatted, round_to, token, uuid
from questionnaires.expressions.moments import Moment, civil, days, written
from questionnaires.expressions.patterns import Failure, matches, pattern
from questionnaires.trial import tried
from tests.questionnaires.expression_generator import hostile


def free(steps: int) -> None:
    """A budget without end."""


ATOMS = ("a", "b", "c", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", r"\bb", "^", "$", "(?=b)", "(?!a)", "1")
SIGNS = ("", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?", "??")


def _forms() -> st.SearchStrategy[str]:
    atom = st.tuples(st.sampled_from(ATOMS), st.sampled_from(SIGNS)).map(
        lambda pair: pair[0] + (pair[1] if pair[0][0] not in "^$(" and pair[0] != r"\bb" else "")
    )
    return st.recursive(
        st.lists(atom, max_size=4).map("".join),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
            st.tuples(inner, st.sampled_from(SIGNS)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        ),
        max_leaves=6,
    )


@settings(max_examples=250, deadline=None)
@given(_forms(), st.text("abc1 ", max_size=7))
def test_a_pattern_matches_what_python_matches(form: str, text: str) -> None:
    # `$` before a last line break, and what a lookahead repeats, are where engines part: none of them is generated.
    assert matches(form, text, free) is (re.fullmatch(form, text, re.ASCII) is not None)


@settings(max_examples=400, deadline=None)
@given(st.text(r"ab[]()*+?{}|\^$.-0123,<>!=:PpdwsuxLi&", max_size=25), st.text("ab[]0-", max_size=5))
def test_any_text_is_a_pattern_or_is_refused(form: str, text: str) -> None:
    with contextlib.suppress(Failure):
        assert matches(form, text, free) in (True, False)


@pytest.mark.parametrize(
    ("form", "text", "what"),
    [
        ("(", 1, "a ( that is not closed"),
        ("a)", 2, "a ) too many"),
        ("[a", 1, "a [ that is not closed"),
        ("[]", 1, "an empty class"),
        ("[b-a]", 5, "backwards"),
        ("[a[b]]", 3, "a class within a class"),
        ("[a&&b]", 3, "a class within a class"),
        ("*", 1, "nothing to repeat"),
        ("a**", 3, "nothing to repeat"),
        ("a{x}", 2, "no number of times"),
        ("a{3,2}", 2, "counts down"),
        ("a*+", 3, "possessive"),
        (r"(a)\1", 5, "back-reference"),
        ("(?<=a)b", 1, "this kind of group"),
        ("(?>a)", 1, "this kind of group"),
        (r"\q", 2, r"\q is not supported"),
        ("\\", 2, "nothing after the last"),
        (r"\p{Han}", 2, "is not supported"),
    ],
)
def test_what_a_pattern_cannot_say_is_refused_at_its_place(form: str, text: int, what: str) -> None:
    with pytest.raises(Failure) as refused:
        pattern(form)
    assert what in refused.value.what
    assert refused.value.values["place"] == str(text)


@pytest.mark.parametrize("form", ["((((a{99}){99}){99}){99})", "((){999}){999}", "(" * 60 + ")" * 60, "a" * 1001])
def test_a_pattern_has_a_greatest_size(form: str) -> None:
    with pytest.raises(Failure):
        pattern(form)


@given(st.dates())
def test_the_calendar_is_that_of_datetime(day: date) -> None:
    number = (day - date(1970, 1, 1)).days
    assert days(day.year, day.month, day.day) == number
    assert civil(number) == (day.year, day.month, day.day)
    assert Moment(number * 86_400_000, 0).text() == day.isoformat()
    assert formatted(day.isoformat(), "%W %a %b", 0) == f"{day.isocalendar().week} {day:%a %b}"


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES), st.integers(-840, 840))
def test_a_written_moment_is_that_of_datetime(moment: datetime, offset: int) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    there = moment.astimezone(timezone(timedelta(minutes=offset)))
    found = written(moment.isoformat(timespec="milliseconds"), offset)
    assert found is not None
    assert found.milliseconds == (there.replace(tzinfo=None) - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    assert written(found.text(), offset) == found


@given(st.integers(-(10**8), 10**8))
def test_every_day_within_reach_has_a_date(number: int) -> None:
    assert days(*civil(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-30, 30))
def test_rounding_moves_a_number_by_at_most_half_a_place(number: float, places: int) -> None:
    assert abs(round_to(number, places) - number) <= 0.5 * 10.0**-places * (1 + 1e-9) + abs(number) * 1e-15


def test_chance_is_even_and_depends_on_seed_and_place() -> None:
    context = [Context(seed=str(seed)) for seed in range(2000)]
    numbers = [evaluate(parse("random()"), {}, one) for one in context]
    assert len(set(numbers)) == 2000
    assert 0.48 < sum(float(number) for number in numbers) / 2000 < 0.52
    assert evaluate(parse("random() = random()"), {}, context[0]) is False
    assert evaluate(parse("random()"), {}, context[0]) == numbers[0]
    assert len({uuid(str(seed), 0) for seed in range(2000)}) == 2000
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid("s", 3))
    assert re.fullmatch(r"[0-9A-Z]{100}", token("s", 0, 100.0))


def test_a_condition_that_fails_does_not_hold_and_a_calculation_is_blank() -> None:
    failing = parse("date(${day}) > 0")
    assert condition(failing)({"day": "no date"}) is False
    assert condition(failing)({"day": "2026-11-25"}) is True
    assert calculation(failing)({"day": "no date"}) == ""
    assert calculation(parse("number(${x})"))({"x": "no number"}) == ""
    assert calculation(parse("${x} * 2"))({"x": 2}) == 4.0
    with pytest.raises(ExpressionError, match="at character 1: 'no date' is no date; write it as 2026-11-25"):
        evaluate(failing, {"day": "no date"})


def test_the_context_is_told_apart_from_the_answers() -> None:
    now = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)
    here = Context(now.astimezone(timezone(timedelta(hours=8))), current=7)
    assert here.offset == 480
    assert evaluate(parse("today()"), {}, here) == "2026-11-26"
    assert evaluate(parse("today()"), {}, Context(now)) == "2026-11-25"
    assert condition(parse(". = 7 and not(${a} = 7)"))({"a": 6}, here) is True
    assert condition(parse(". = 7"))({}) is False
    assert here.compact()["now"] == int(now.timestamp() * 1000)


LONG: dict[str, Answer] = {"a": "a" * 100_000, "b": "ab " * 30_000}
HEAVY = [
    "concat(" + ", ".join(["${a}"] * 400) + ")",
    "string-length(" + "translate(" * 100 + "${a}" + ", 'a', 'b')" * 100 + ")",
    "string-length(" + "normalize-space(" * 110 + "${b}" + ")" * 111,
    " + ".join(["string-length(${a})"] * 400),
    " or ".join(["regex(${a}, '(a|aa)*b')"] * 300),
    " or ".join(["contains(${a}, 'aaaaaaaaaaaaaaaaaaaaaaaab')"] * 190),
    " + ".join(["count-selected(${b})"] * 400),
    " or ".join(["selected(${b}, 'c')"] * 400),
    " or ".join(["digest(${a}, 'SHA-512') = ''"] * 300),
    "join(${a}, " + ", ".join(["''"] * 400) + ")",
    " + ".join(["round(9.5, 2)"] * 600),
    "regex(${a}, '(?=" + "(a*)*" * 10 + "b)a*')",
    "regex(${a}, '" + "(?=.*a)" * 40 + "a*')",
    "regex(${b}, '" + "(?!.*(?=.*x))" * 20 + ".*')",
    "-" * 100 + "1",
    "1" + "+1" * 4999,
]


@pytest.mark.parametrize("source", HEAVY, ids=lambda source: source[:30])
def test_no_expression_runs_away(source: str) -> None:
    assert len(source) <= MOST_CHARACTERS
    expression = parse(source)
    start = time.process_time()
    with contextlib.suppress(ExpressionError):
        assert isinstance(evaluate(expression, LONG, Context(seed="s")), str | float | bool)
    assert time.process_time() - start < 3  # half a million steps; a quarter of a second where nothing else runs


def test_what_no_author_would_write_is_refused_or_answered_at_once() -> None:
    random, slowest = Random(3), 0.0
    for source in (hostile(random) for _ in range(1500)):
        start = time.process_time()
        with contextlib.suppress(ExpressionError):
            evaluate(parse(source), LONG, Context(datetime.now(UTC), seed="s"))
        json.loads(tried(source))
        slowest = max(slowest, time.process_time() - start)
    assert slowest < 3


def test_five_hundred_expressions_take_a_few_milliseconds() -> None:
    sources = [f"${{q{i}}} = 'yes' and (selected(${{m}}, 'a') or ${{n}} + {i} > 300)" for i in range(250)]
    sources += [f"if(${{n}} > {i}, round(${{n}} div 3, 2), concat(${{t}}, ' ', {i}))" for i in range(250)]
    computed = [calculation(parse(source)) for source in sources]
    answers: dict[str, Answer] = {"m": ("a", "c"), "n": 120, "t": "words", **{f"q{i}": "yes" for i in range(250)}}
    best = min(_seconds(computed, answers) for _ in range(5))
    assert best < 0.03  # measured: 2 to 3 ms; the limit leaves room for a slow machine


def _seconds(computed: list[object], answers: dict[str, Answer]) -> float:
    start = time.process_time()
    for compute in computed:
        compute(answers, Context())  # type: ignore[operator]
    return time.process_time() - start


def test_the_examples_in_docstrings_hold() -> None:
    names = [f"questionnaires.expressions.{module.name}" for module in pkgutil.iter_modules(expressions.__path__)]
    results = [doctest.testmod(importlib.import_module(name)) for name in (*names, "questionnaires.trial")]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 12
