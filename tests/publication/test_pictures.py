"""Where things stand in charts and maps, and how figures are worded."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator import language
from evaluator.publication import charts, outlines, wording
from evaluator.publication.charts import NARROW, WIDE, Row, axis, dots, stacked, text_width, wrapped

HAN = "\u5c9a"  # any Chinese character


def rows(count: int, name: str = "x") -> list[Row]:
    return [
        Row(f"{name}{k}", 50 + k, 45 + k, 55 + k, "50.0 B", f"{name}{k}: 50", f"tier {k // 2}") for k in range(count)
    ]


@given(st.text(alphabet=st.sampled_from("ab -" + HAN), max_size=80), st.integers(30, 300))
def test_wrapped_lines_fit_and_lose_nothing_but_what_is_marked(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert len(lines) <= 2
    assert all(text_width(line) <= width or len(line) <= 1 for line in lines)
    if not any("…" in line for line in lines):
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_latin_words_stay_whole_and_chinese_breaks_anywhere() -> None:
    assert wrapped("Wangchuan Subdistrict", 100) == ("Wangchuan", "Subdistrict")
    assert wrapped(HAN * 10, 14 * 6) == (HAN * 6, HAN * 4)
    assert wrapped(HAN * 30, 14 * 6) == (HAN * 6, HAN * 5 + "…")


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=20), st.integers(3, 9))
def test_ticks_hold_all_values_and_are_few(values: list[float], most: int) -> None:
    ticks = axis(values, 0, 100, most)
    assert ticks[0] <= min(values) + 1e-6
    assert ticks[-1] >= max(values) - 1e-6
    assert 2 <= len(ticks) <= most
    steps = {round(b - a, 9) for a, b in itertools.pairwise(ticks)}
    assert max(steps) - min(steps) < 1e-6


@pytest.mark.parametrize("narrow", [True, False])
def test_rows_do_not_overlap_and_stand_inside_the_picture(narrow: bool) -> None:
    chart = dots(rows(12, HAN * 20), narrow=narrow, bands=(("A", 60.0), ("B", 50.0), ("C", 0.0)))
    baselines = [y for mark in chart.marks for y, _line in mark.lines]
    assert all(b - a >= 17 for a, b in itertools.pairwise(baselines))
    for mark in chart.marks:
        assert mark.dot is not None
        assert 0 <= chart.left <= mark.low <= mark.dot <= mark.high <= chart.right <= chart.width
        assert chart.top < mark.y < chart.bottom < chart.height
    assert chart.width == (NARROW if narrow else WIDE)
    assert [letter for _x, letter, _middle in chart.limits] == ["A", "B", "C"]
    assert len(chart.stripes) == 6
    assert sum(s.height for s in chart.stripes) == pytest.approx(chart.bottom - chart.top)


def test_a_row_without_a_value_has_its_name_and_no_dot() -> None:
    chart = dots([Row("a", 50, 40, 60, "50", ""), Row("b", math.nan, math.nan, math.nan, "–", "")], narrow=False)
    assert chart.marks[1].dot is None
    assert chart.marks[1].lines[0][1] == "b"


def test_no_rows_make_an_empty_picture() -> None:
    assert dots([], narrow=True).marks == ()


def test_pieces_of_a_bar_follow_each_other_and_are_named_where_they_fit() -> None:
    pieces = stacked([("yes", 0.6, "60%", "0"), ("no", 0.39, "39%", "5"), ("dk", 0.01, "1%", "none")], width=720)
    assert [p.x for p in pieces] == [0.0, 432.0, 712.8]
    assert pieces[0].width == 430.0
    assert [p.text for p in pieces] == ["60%", "39%", ""]
    assert pieces[2].title == "dk: 1%"
    assert stacked([("gone", math.nan, "–", "0")]) == ()


@pytest.mark.parametrize(
    ("number", "english"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (21, "21st"), (112, "112th")],
)
def test_ranks_are_written_as_people_write_them(number: int, english: str) -> None:
    token = language.current.set("en")
    try:
        assert wording.ordinal(number) == english
    finally:
        language.current.reset(token)
    assert wording.ordinal(number) == str(number)


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0%"), (1.0, "100%"), (0.996, "> 99%"), (0.004, "< 1%"), (0.125, "13%"), (0.5, "50%"), (math.nan, "–")],
)
def test_a_share_is_never_rounded_to_certainty(share: float, said: str) -> None:
    assert wording.percent(share) == said


def square(code: str, x: float, y: float, size: float = 1.0, kind: str = "Polygon") -> dict[str, object]:
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    coordinates = [ring] if kind == "Polygon" else [[ring]]
    return {"type": "Feature", "properties": {"code": code}, "geometry": {"type": kind, "coordinates": coordinates}}


def written(path: Path, features: list[dict[str, object]]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_outlines_are_fitted_north_up(tmp_path: Path) -> None:
    path = written(tmp_path / "o.geojson", [square("south", 0, 0), square("north", 0, 1, kind="MultiPolygon")])
    drawn = outlines.drawing(path, ["south", "north", "unknown"], 100)
    places = {shape.code: shape for shape in drawn.shapes}
    assert set(places) == {"south", "north"}
    assert places["north"].y < places["south"].y < drawn.height
    assert outlines.codes_in(path) == {"south", "north"}


def test_degrees_are_narrowed_by_latitude_and_planes_are_not(tmp_path: Path) -> None:
    degrees = outlines.drawing(written(tmp_path / "d", [square("a", 100, 59.5)]), ["a"], 1000)
    plane = outlines.drawing(written(tmp_path / "p", [square("a", 5000, 5000, 100)]), ["a"], 1000)

    def extent(drawing: outlines.Drawing) -> float:
        numbers = [pair.split() for pair in drawing.shapes[0].path.strip("MZ").split("L")]
        xs, ys = [float(x) for x, _ in numbers], [float(y) for _, y in numbers]
        return (max(xs) - min(xs)) / (max(ys) - min(ys))

    assert extent(degrees) == pytest.approx(0.5, abs=0.01)  # cos 60 degrees
    assert extent(plane) == pytest.approx(1.0, abs=0.01)


def test_a_name_is_put_inside_a_crescent(tmp_path: Path) -> None:
    ring = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 8], [8, 8], [8, 2], [0, 2], [0, 0]]
    feature = {"type": "Feature", "properties": {"code": "c"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    shape = outlines.drawing(written(tmp_path / "c", [feature]), ["c"], 104).shapes[0]
    x, y = (shape.x - 2) / 10, 10 - (shape.y - 2) / 10  # back to the plane
    assert shape.room > 0
    assert x > 8 or y < 2 or y > 8


def test_names_on_a_map_do_not_touch(edition, tmp_path: Path) -> None:
    from evaluator.publication.maps import choropleth
    from tests.publication import small_edition as small

    codes = edition.order["W"]
    small.outlines(tmp_path / "o", list(codes))
    for width in (charts.NARROW, charts.WIDE):
        drawn = choropleth(edition, tmp_path / "o", codes, width)
        boxes = []
        for place in drawn.places:
            half = max(text_width(line, 12) for _y, line in place.lines) / 2
            boxes.append((place.x - half, place.lines[0][0] - 11, place.x + half, place.lines[-1][0] + 3))
        for number, a in enumerate(boxes):
            assert a[0] >= 0
            assert a[2] <= width
            for b in boxes[number + 1 :]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert len(drawn.areas) == len(codes)
