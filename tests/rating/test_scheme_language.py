"""The scheme language beyond what the province needs: schema, refusals, what a new version is said to change."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lakes import SCHEME

from evaluator.cli import group
from evaluator.language import current
from evaluator.rating.defects import InputError
from evaluator.rating.nodes import passed_on, shares, tree, within
from evaluator.rating.run import rate
from evaluator.rating.scheme import Scheme
from evaluator.rating.scheme_file import examine_scheme, load_scheme, parse_scheme
from evaluator.rating.scheme_form import json_schema, schema_text
from evaluator.rating.scheme_words import in_words
from evaluator.rating.shipped import shipped
from evaluator.rating.snapshot_writing import write_snapshot
from evaluator.rating.verify import verify

ROOT = Path(__file__).parents[2]
RIGHT = SCHEME.read_text(encoding="utf-8")
DEEP = """code: deep
levels: {U: Unit}
treatment: {method: winsorise}
normalisation: {method: min_max}
dimensions:
  top: {weight: 0.5}
  other: {weight: 0.5}
  low: {weight: 0.25, parent: top}
  lower: {weight: 0.75, parent: top, aggregation: geometric}
indicators:
  - {code: a, dim: low, source: metric}
  - {code: b, dim: lower, w: 0.4, source: metric, denominator: x_size}
  - {code: c, dim: lower, w: 0.6, source: ready, direction: -1}
  - {code: d, dim: other, source: ready, normalisation: goalposts, goal: [0, 10]}
aggregation: {across_dimensions: harmonic}
missing: {impute: {method: nearest, neighbours: 4}}
"""


def defects(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_scheme(text, "s.yaml")
    return list(caught.value.defects)


def test_a_tree_of_any_depth_is_read() -> None:
    scheme = parse_scheme(DEEP)
    assert [(d.code, d.parent, d.aggregation) for d in (*scheme.dimensions, *scheme.nodes)] == [
        ("top", "", None), ("other", "", None), ("low", "top", None), ("lower", "top", 0.0),
    ]  # fmt: skip
    assert [(i.code, i.dimension, i.parent) for i in scheme.indicators][1] == ("b", "top", "lower")
    assert shares(scheme, "U")["c"] == pytest.approx(0.5 * 0.75 * 0.6)
    assert sum(shares(scheme, "U")[code] for code in "abcd") == pytest.approx(1)
    assert within(scheme, "U")["lower"] == pytest.approx(0.75)
    top = tree(scheme)[0]
    assert passed_on(top, {"a", "b"}) == pytest.approx({"a": 0.25, "b": 0.75})
    assert passed_on(top, {"b", "c"}) == pytest.approx({"b": 0.4, "c": 0.6})
    assert msgspec.json.decode(msgspec.json.encode(scheme), type=Scheme) == scheme


@pytest.mark.parametrize(
    ("old", "new", "what", "right"),
    [
        ("parent: top}", "parent: tpo}", "unknown node 'tpo'", "did you mean 'top'?"),
        ("top: {weight: 0.5}", "top: {weight: 0.5, parent: low}", "belongs to itself: top in low in top", "index"),
        ("dim: low,", "dim: lower,", "dimension 'low' is empty", "dim: low"),
        ("dim: low,", "dim: lowest,", "unknown dimension 'lowest'", "did you mean"),
        ("dim: low,", "dim: index,", "right below the index", "a dimension of its own"),
        ("dim: low,", "dim: low, parent: top,", "says twice what it belongs to", "keep one"),
        ("code: a,", "code: low,", "has the code of a dimension", "another code"),
        ("w: 0.4", "w: -1", "is -1", "above 0"),
        ("w: 0.4", "w: 0", "is 0", "above 0"),
        ("w: 0.4", "w: 0.4, weight: 2", "has a weight twice", "keep one"),
        ("aggregation: geometric", "aggregation: geometrical", "is 'geometrical'", "arithmetic, geometric"),
        ("aggregation: geometric", "aggregation: {power: 2}", "unknown key 'power'", "power_mean"),
        ("method: min_max", "method: minmax", "is 'minmax'", "did you mean 'min_max'?"),
        ("method: min_max", "method: z_score", "exponent 0 of z-scores", "arithmetic or median"),
        ("method: min_max", "method: min_max, scale: [-1, 1]", "scores from -1 on", "begins at 0"),
        ("method: min_max", "method: min_max, scale: [1, 1]", "is [1.0, 1.0]", "[worst, best]"),
        ("method: min_max", "method: z_score, sd: 0", "is 0", "above 0"),
        ("goal: [0, 10]", "goal: [7, 7]", "equal ends", "which differ"),
        ("goal: [0, 10]", "goal: [0, 10], direction: -1", "runs the other way", "leave the direction out"),
        ("direction: -1", "direction: 2", "is '2'", "1"),
        ("direction: -1", "direction: -1, normalisation: none", "normalisation is none", "min_max"),
        ("direction: -1", "normalisation: target", "has no target", "target: value"),
        ("direction: -1", "target: 3", "normalisation is min_max", "normalisation: target"),
        ("goal: [0, 10]", "goal: [0, 10], treatment: log", "is transformed, but its goal", "treatment: none"),
        ("treatment: {method: winsorise}", "treatment: {method: winsorize}", "'winsorize'", "mean 'winsorise'?"),
        ("treatment: {method: winsorise}", "treatment: {max_points: 3}", "but its method is 'none'", "winsor"),
        ("treatment: {method: winsorise}", "treatment: {method: transform}", "which transformation", "log_ct"),
        ("treatment: {method: winsorise}", "treatment: logs", "is 'logs'", "did you mean 'log'"),
        ("denominator: x_size", "denominator: size", "is 'size'", "population or an x_ column"),
        ("source: metric, denominator: x_size", "source: share, denominator: x_size", "source is 'share'", "'metric'"),
        ("method: nearest", "method: nearst", "is 'nearst'", "did you mean 'nearest'?"),
        ("neighbours: 4", "neighbours: 1", "is 1", "between 2"),
        ("neighbours: 4", "by: region", "is 'region'", "x_ column"),
        ("method: nearest, neighbours: 4", "method: predictive, by: parent", "predictive by parent", "take groups"),
        ("method: nearest", "method: mean", "has neighbours but is mean", "nearest"),
        ("code: deep", "code: deep\nweights: equal", "has a weight, but the scheme says", "leave one"),
        ("code: deep", "code: deep\nweights: even", "is 'even'", "did you mean 'given'?"),
        ("source: ready, direction", "levels: [], source: ready, direction", "applies to no level", "leave it out"),
    ],
)  # fmt: skip
def test_every_mistake_of_the_tree_and_its_scales_is_told(old: str, new: str, what: str, right: str) -> None:
    text = DEEP.replace(old, new, 1)
    assert text != DEEP
    told = defects(text)
    assert any(re.match(r"s\.yaml:\d+ ", d) and what in d and right in d.split("; ", 1)[1] for d in told), told


def test_weights_that_do_not_sum_to_one_are_warned_of_unless_meant() -> None:
    assert examine_scheme(DEEP).warnings == ()
    text = DEEP.replace("w: 0.4", "w: 4").replace("other: {weight: 0.5}", "other: {weight: 1.5}")
    lines = [w.split(" ", 1)[0] for w in examine_scheme(text, "s.yaml").warnings]
    assert lines == ["s.yaml:6", "s.yaml:9"]
    assert "of the dimensions sum to 2;" in examine_scheme(text).warnings[0]
    assert "within dimension 'lower' sum to 4.6;" in examine_scheme(text).warnings[1]
    assert examine_scheme(text + "weights: relative\n").warnings == ()
    assert parse_scheme(text).indicators[1].weight == 4


def keys_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all entries of a file."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, below in entries for found in ((*path, key), *keys_of(below, (*path, key)))]


MUTABLE = [(text, path) for text in (RIGHT, DEEP) for path in keys_of(yaml.safe_load(text))]
ODD = st.sampled_from([None, "", "x y", -1, 0, 1e999, [], {}, [[]], {"a": {"b": 1}}, [1, 2], True, "1e5000", "\u0000a"])


@settings(max_examples=100, deadline=None)
@given(where=st.sampled_from(MUTABLE), how=st.sampled_from(["delete", "rename", "retype"]), odd=ODD)
def test_no_change_to_a_scheme_ends_in_a_traceback(where: tuple[str, tuple[Any, ...]], how: str, odd: Any) -> None:
    text, path = where
    content = yaml.safe_load(text)
    place = content
    for key in path[:-1]:
        place = place[key]
    if how == "retype":
        place[path[-1]] = odd
    else:
        old = place.pop(path[-1])
        if how == "rename" and isinstance(place, dict):
            place[f"{path[-1]}x"] = old
    changed = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    found: tuple[str, ...] = ()
    try:
        parse_scheme(changed, "s.yaml")
    except InputError as error:
        found = error.defects or ("nothing is told",)
    assert [told for told in found if not re.match(r"s\.yaml:\d+ .+; .+", told)] == []


# --- the JSON Schema


def problems(value: Any, schema: dict[str, Any], whole: dict[str, Any], path: str = "") -> list[str]:
    """What a JSON Schema finds wrong: the part of draft 2020-12 that this schema uses."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        found = [problems(value, one, whole, path) for one in schema["anyOf"]]
        return [] if any(not one for one in found) else [f"{path}: none fits: {found}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value!r} is none of {schema['enum']}"]
    kinds = {
        "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
        "number": (int, float),
    }  # fmt: skip
    kind = schema.get("type")
    if kind and (not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind in ("integer", "number"))):
        return [f"{path}: {value!r} is no {kind}"]
    wrong = []
    if kind == "object":
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        wrong += [f"{path}: no {key}" for key in schema.get("required", ()) if key not in value]
        for key, below in value.items():
            if key in known or isinstance(more, dict):
                wrong += problems(below, known.get(key, more), whole, f"{path}/{key}")
            elif more is False:
                wrong.append(f"{path}: unknown key {key}")
    if kind == "array":
        for at, below in enumerate(value):
            wrong += problems(below, schema.get("items", {}), whole, f"{path}/{at}")
    if kind == "string" and not re.search(schema.get("pattern", ""), value):
        wrong.append(f"{path}: {value!r} is not {schema['pattern']}")
    if kind in ("number", "integer"):
        low, above = schema.get("minimum", -1e300), schema.get("exclusiveMinimum", -1e300)
        if not (value >= low and value > above and value <= schema.get("maximum", 1e300)):
            wrong.append(f"{path}: {value} is out of bounds")
    return wrong


@pytest.mark.parametrize("path", [*shipped().values(), SCHEME, "DEEP"], ids=str)
def test_the_schema_takes_every_shipped_scheme(path: Path | str) -> None:
    text = DEEP if isinstance(path, str) else path.read_text(encoding="utf-8")
    schema = json_schema()
    assert problems(yaml.safe_load(text), schema, schema) == []
    if path in shipped().values():
        assert text.startswith("# yaml-language-server: $schema=../../../docs/scheme.schema.json\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [("dim: low", "dmi: low"), ("method: min_max", "method: minmax"), ("w: 0.4", "w: -1"), ("levels:", "lvels:")],
)
def test_the_schema_refuses_what_the_loader_refuses(old: str, new: str) -> None:
    schema = json_schema()
    assert problems(yaml.safe_load(DEEP.replace(old, new)), schema, schema) != []


def test_the_committed_schema_is_current_and_describes_its_parts() -> None:
    assert (ROOT / "docs/scheme.schema.json").read_text(encoding="utf-8") == schema_text(), "evaluator scheme schema"
    schema = json.loads(schema_text())
    assert schema["$schema"].endswith("2020-12/schema")
    assert "goalposts" in json.dumps(schema["$defs"]["Normalisation"]["properties"]["method"])
    assert schema["$defs"]["Grades"]["properties"]["min_reliability"]["default"] == 0.5
    assert schema["$defs"]["Indicator"]["properties"]["direction"]["description"]


# --- what a new version changes


def said(new: str, language: str = "en", old: str = RIGHT) -> list[str]:
    token = current.set(language)
    try:
        return in_words(parse_scheme(old), parse_scheme(new))
    finally:
        current.reset(token)


def newer(*changes: tuple[str, str]) -> str:
    text = RIGHT.replace('version: "3"', 'version: "4"')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize(
    ("change", "told", "who"),
    [
        (("w: 2,", "w: 3,"), "heard: from 66.7% to 75.0% of the index, at Office.", "Municipality, Office"),
        (("goal: [0.5, 1]", "goal: [0.6, 1]"), "scores 0 was 0.5 and is 0.6", "Region, Municipality"),
        (
            ("middle: 50", "middle: 45"),
            "Grade middle begins at 45, no longer at 50: units between them go up.",
            "Region",
        ),
        (("cap: low", "cap: middle"), "Veto list caps the grade at middle, no longer at low", "Region"),
        (("points: 4", "points: 6"), "a deduction of 4 points before saturation, now a deduction of 6", "Region"),
        (("cell_min: 5", "cell_min: 9"), "Respondents below which nothing is told: 5, now 9.", "Region"),
        (("{power_mean: 0.5}", "geometric"), "The mean across dimensions (exponent): 0.5, now 0.", "Region"),
        (("source: metric", "source: ready"), "debt is measured otherwise", "Region, Municipality"),
        (("levels: [M, O], tasks", "levels: [M], tasks"), "heard no longer applies at Office.", "Office"),
        (("draws: 256", "draws: 512"), "Number of draws: 256, now 512.", "Region"),
        (("saturating: 15", "saturating: 9"), "Points that can be taken off at most: 15, now 9.", "Region"),
        (("scale: [0, 10]", "scale: [0, 9]"), "scale [0, 10] → [0, 9]", "Region"),
        (("walk: {weight: 0.4,", "walk: {weight: 0.4, aggregation: median,"), "arithmetic mean, now median", "Region"),
    ],
)
def test_a_change_is_said_in_words_and_for_whom(change: tuple[str, str], told: str, who: str) -> None:
    lines = said(newer(change))
    assert any(told in line for line in lines[:-1]), lines
    assert lines[-1].startswith("Ratings can change at: ")
    assert who in lines[-1], lines[-1]
    chinese = said(newer(change), "zh-CN")
    assert len(chinese) == len(lines)
    assert all(re.search("[\u4e00-\u9fff]", line) for line in chinese)


@pytest.mark.parametrize(
    "change",
    [('en: "Talk"', 'en: "Talking"'), ("tasks: [b]", "tasks: [a]"), ("cell_min: 5}", "cell_min: 5}, decimals: 2")],
)  # fmt: skip
def test_wording_and_what_pages_show_change_no_rating(change: tuple[str, str]) -> None:
    assert said(newer(change))[-1] == "No rating can change by this."


def test_nothing_is_said_of_nothing_and_one_version_with_two_contents_is_warned_of() -> None:
    assert said(RIGHT) == []
    assert "Both are version 3 of lakes" in said(RIGHT.replace("w: 2,", "w: 3,"))[0]


def test_every_difference_of_the_structure_is_said() -> None:
    """No setting may change without a word: each number and word of the two schemes, changed alone, is told."""
    silent = []
    for text in (RIGHT, DEEP):
        written, old = yaml.safe_load(text), msgspec.structs.replace(parse_scheme(text), version="0")
        for path in keys_of(written):
            content = copy.deepcopy(written)
            place = content
            for key in path[:-1]:
                place = place[key]
            if not isinstance(place[path[-1]], int | float) or isinstance(place[path[-1]], bool):
                continue
            place[path[-1]] = place[path[-1]] * 0.9 if isinstance(place[path[-1]], float) else place[path[-1]] + 1
            try:
                new = parse_scheme(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
            except InputError:
                continue
            if msgspec.structs.replace(new, version="0") != old and len(in_words(old, new)) < 2:
                silent.append(path)
    assert silent == []


# --- the example schemes on data


def test_the_rule_of_law_style_index_is_plain_means_of_plain_means(tmp_path: Path) -> None:
    scheme = load_scheme(shipped()["rule-of-law"])
    rng = np.random.default_rng(5)
    units = [f"c{number:02}" for number in range(12)]
    values = np.round(rng.uniform(0.2, 0.95, (len(units), len(scheme.indicators))), 3)
    codes = np.array([one.code for one in scheme.indicators], object)
    write_snapshot(
        tmp_path / "snapshot",
        {
            "units": {"unit": np.array(units, object), "level": np.full(len(units), "country", object)},
            "indicators": {
                "unit": np.repeat(np.array(units, object), codes.size),
                "indicator": np.tile(codes, len(units)),
                "value": values.ravel(),
                "standard_error": np.full(values.size, 0.02),
            },
        },
        form="csv",
    )
    done = rate(shipped()["rule-of-law"], tmp_path / "snapshot", tmp_path / "edition", draws=256)
    text = (done.out / "ratings.csv").read_text(encoding="utf-8").splitlines()
    at = text[0].split(",").index("index")
    factors = [[j for j, one in enumerate(scheme.indicators) if one.dimension == d.code] for d in scheme.dimensions]
    assert [len(f) for f in factors] == [6, 4, 4, 8, 3, 5, 7, 7]
    expected = np.mean([values[:, f].mean(axis=1) for f in factors], axis=0)
    np.testing.assert_allclose([float(line.split(",")[at]) for line in text[1:]], expected, atol=6e-7)
    assert verify(done.out).differences == ()


def test_one_version_with_two_contents_is_refused_where_an_edition_is_named(
    tmp_path: Path, lakes_snapshot: Path
) -> None:
    rated = rate(SCHEME, lakes_snapshot, tmp_path / "one", draws=16).out
    other = tmp_path / "other.yaml"
    other.write_text(RIGHT.replace("w: 2,", "w: 3,"), encoding="utf-8")
    words = ("rate", other, lakes_snapshot, "--out", tmp_path / "two", "--previous", rated)
    told = CliRunner().invoke(group, [str(word) for word in words])
    assert told.exit_code == 2
    assert "is lakes 3, by which lakes-2031-" in told.stderr
    assert "give it another version" in told.stderr


def test_numbers_that_make_no_scale_are_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "snapshot"
    folder.mkdir()
    (folder / "units.csv").write_text("unit,level\na,L\nb,L\n")
    (folder / "indicators.csv").write_text("unit,indicator,value\na,x,4\nb,x,4\n")
    text = (
        "levels: {L: L}\ndimensions: {d: }\nindicators: [{code: x, dim: d, source: ready}]\n"
        "aggregation: {within_dimension: arithmetic}\nnormalisation: {method: min_max}\n"
    )
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InputError, match="indicator x at level L makes no scale by min_max: all 2 numbers are 4"):
        rate(tmp_path / "s.yaml", folder, tmp_path / "edition", draws=16)
