"""Schemes are read from YAML, and every mistake has its line and what would be right."""

from __future__ import annotations

import msgspec
import pytest
from lakes import SCHEME

from evaluator.rating.defects import InputError
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_diff import differences
from evaluator.rating.scheme_file import load_scheme, parse_scheme

RIGHT = SCHEME.read_text(encoding="utf-8")


def defects(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_scheme(text, "s.yaml")
    return list(caught.value.defects)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_scheme_needs_only_levels_dimensions_indicators_and_aggregation() -> None:
    scheme = parse_scheme(
        "levels: {country: Country}\n"
        "dimensions: {all: }\n"
        "indicators: [{code: AFDB, dim: all, source: ready}, {code: WB, dim: all, source: ready}]\n"
        "aggregation: {within_dimension: arithmetic, across_dimensions: arithmetic}\n"
        "normalisation: {method: none}\n"
        "missing: {min_present: 3, impute: none}\n"
    )
    assert [(i.code, i.weight, i.levels, i.goal) for i in scheme.indicators] == [
        ("AFDB", 1.0, ("country",), None),
        ("WB", 1.0, ("country",), None),
    ]
    assert (scheme.missing.min_present, scheme.missing.impute) == (3, "none")
    assert (scheme.grades.bands, scheme.vetoes, scheme.records.classes) == ((), (), ())


def test_a_record_class_may_count_by_the_days_on_which_its_records_are_in_force() -> None:
    text = RIGHT.replace("in_rating: broken", "in_rating: broken, counted: days_in_force, published_max_months: 12")
    assert [one.in_force_months for one in parse_scheme(text).records.classes if one.use == "indicator"] == [12]


def test_a_group_of_respondents_says_who_is_in_it() -> None:
    text = RIGHT + "groups: {firms: {item: role, choices: [firm, shop], name: {zh: 企业, en: Firms}}}\n"
    (group,) = parse_scheme(text).groups
    assert (group.code, group.item, group.choices, group.name.en) == ("firms", "role", ("firm", "shop"), "Firms")
    assert parse_scheme(RIGHT).groups == ()
    (told,) = defects(RIGHT + "groups: {firms: {item: role}}\n")
    assert "group 'firms' does not say who is in it" in told


def test_what_is_written_is_what_is_read() -> None:
    scheme = load_scheme(SCHEME)
    assert list(scheme.levels) == ["R", "M", "O"]
    assert [(d.code, d.weight) for d in scheme.dimensions] == [("talk", 0.6), ("walk", 0.4)]
    heard = scheme.indicators[0]
    assert (heard.item, heard.goal, heard.levels, heard.scale) == ("answered", (20.0, 90.0), ("M", "O"), (0.0, 100.0))
    assert scheme.indicators[1].levels == ("R", "M", "O")  # all, as the file names none
    assert (scheme.aggregation.within_dimension, scheme.aggregation.across_dimensions) == (1.0, 0.5)
    assert [(c.code, c.use, c.indicator, c.points, c.veto) for c in scheme.records.classes] == [
        ("slight", "none", None, 0.0, None),
        ("plain", "indicator", "broken", 0.0, None),
        ("grave", "deduction", None, 4.0, None),
        ("listed", "veto", None, 0.0, "list"),
    ]
    assert scheme.grades.bands == (("high", 70.0), ("middle", 50.0), ("low", 0.0))
    assert scheme.sensitivity.aggregation == (1.0, 0.0)
    assert scheme.sensitivity.goalposts_widened == (0.1,)
    assert scheme.sensitivity.screening == ("main", "half", "without")


def test_a_scheme_survives_json() -> None:
    scheme = load_scheme(SCHEME)
    assert msgspec.json.decode(msgspec.json.encode(scheme), type=Scheme) == scheme


def test_codes_that_yaml_takes_for_something_else_stay_as_written() -> None:
    text = RIGHT.replace('O: {zh: "机构", en: "Office"}', "no: Office").replace("{O: {talk: 1}}", "{no: {talk: 1}}")
    scheme = parse_scheme(text.replace("[M, O]", "[M, no]").replace('version: "3"', "version: 2026.10"))
    assert list(scheme.levels) == ["R", "M", "no"]
    assert scheme.version == "2026.10"


@pytest.mark.parametrize(
    ("old", "new", "what", "right"),
    [
        ("levels: {R", "lvels: {R", "unknown key 'lvels'", "did you mean 'levels'?"),
        ("item: answered, goal", "itme: answered, goal", "unknown key 'itme'", "did you mean 'item'?"),
        ("dim: talk, w: 1", "dim: tlak, w: 1", "unknown dimension 'tlak'", "did you mean 'talk'?"),
        ("code: paid", "code: pages", "indicator 'pages' is there twice", "another code"),
        ("walk: {weight: 0.4", "walk: {weight: -0.4", "'weight' of 'walk'", "above 0"),
        ("dim: walk, w: 1, source: share", "dim: walk, w: 0, source: share", "is 0", "above 0"),
        ("goal: [0.5, 1]", "goal: [1, 1]", "equal ends", "[value scoring 0, value scoring 100]"),
        ("goal: [0.5, 1]", "goal: [0.5]", "is not two numbers", "[from, to]"),
        ("goal: [0.5, 1], ", "", "indicator 'paid' has no goal", "normalisation: {method: none}"),
        ("levels: [M, O]", "levels: [M, N]", "unknown level 'N'", "known: R, M, O"),
        ("source: share", "source: shares", "'source' of indicator 'paid' is 'shares'", "did you mean 'share'?"),
        ("source: citizen, item: answered", "source: citizen", "indicator 'heard' has no item", "item: CODE"),
        ("source: share", "source: share, per: 100", "has 'per' but its source is 'share'", "belongs to source 'rate'"),
        ("tasks: [b]", "tasks: [c]", "unknown task 'c'", "known: a, b"),
        ("in_rating: broken", "in_rating: brocken", "unknown indicator 'brocken'", "did you mean 'broken'?"),
        ("in_rating: broken", "in_rating: pages", "whose source is 'assessor'", "a rate or a share"),
        ("in_rating: broken", "in_rating: broken, counted: days_in_force", "without an end", "published_max_months"),
        ("in_rating: broken", "in_rating: broken, counted: days_in_fore", "counted 'days_in_fore'", "'days_in_force'"),
        ("veto: list}", "veto: lst}", "unknown veto 'lst'", "did you mean 'list'?"),
        ("in_rating: deduction, points: 4", "in_rating: deduction", "without points", "points: ..."),
        ("middle: 50, low: 0", "middle: 80, low: 0", "grade 'middle' begins at 80", "from the best down"),
        ("{cap: low", "{cap: lo", "cap 'lo', which is no grade", "did you mean 'low'?"),
        ("{cap: low, while", "{while", "veto 'list' has no cap", "cap:"),
        ("final: 1,", "finl: 1,", "unknown state 'finl'", "did you mean 'final'?"),
        ("exposure: broken,", "exposure: paid,", "whose source is 'share'", "source 'rate'"),
        ("{O: {talk: 1}}", "{O: {walk: 1}}", "none of whose indicators applies there", "leave the weight out"),
        ("{O: {talk: 1}}", "{M: {talk: 1}}", "gives dimension 'walk' no weight", "weight the dimension"),
        ("arithmetic, across", "arithmetical, across", "is 'arithmetical'", "write arithmetic"),
        ("impute: predictive", "impute: means", "is 'means'", "write none, predictive, mean, median or nearest"),
        ("draws: 256", "draws: many", "is 'many'", "write a number"),
        ("interval: 0.9}", "interval: 90}", "is 90", "between 0.5 and 0.999"),
        ("widened by 10 %", "widened by ten", "widened by ten", "goalposts widened by 10 %"),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_its_line_and_what_would_be_right(old: str, new: str, what: str, right: str) -> None:
    text = RIGHT.replace(old, new, 1)
    assert text != RIGHT
    told = defects(text)
    place = f"s.yaml:{line_of(RIGHT, old)} "
    assert any(d.startswith(place) and what in d and right in d.split("; ", 1)[1] for d in told), told


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    told = defects(RIGHT.replace("w: 2", "w: x").replace("cap: low", "cap: E").replace("levels: {R", "lvels: {R"))
    lines = [int(d.split(":")[1].split(" ")[0]) for d in told]
    assert len(told) >= 3
    assert lines == sorted(lines)


@pytest.mark.parametrize("text", ["", "a: [", "- a\n- b\n", "levels: {A: a}\n", "\t\n", "a: *b\n", "? [a]\n: b\n"])
def test_what_is_no_scheme_is_refused_without_a_traceback(text: str) -> None:
    assert all(d.startswith("s.yaml:") for d in defects(text))


def test_a_key_given_twice_is_refused() -> None:
    assert any("'code' twice" in d for d in defects(RIGHT + "code: other\n"))


def test_a_difference_of_schemes_names_what_changed_and_nothing_else() -> None:
    old = load_scheme(SCHEME)
    new = parse_scheme(RIGHT.replace("w: 2", "w: 3").replace("middle: 50", "middle: 55"))
    assert differences(old, old) == []
    assert differences(old, new) == ["indicators.heard.weight 2.0 -> 3.0", "grades.bands.middle 50.0 -> 55.0"]
