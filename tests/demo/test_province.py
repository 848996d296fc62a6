"""The invented province: its shape, its names, its codes, its outlines."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evaluator.demo.outlines import make_outlines, write_outlines
from evaluator.demo.province import Province, make_province
from evaluator.units.codes import canonical_code, code_problem


@pytest.fixture(scope="module")
def province() -> Province:
    return make_province(1)


def test_it_has_the_shape_of_the_real_tree(province: Province) -> None:
    assert Counter(province.level) == {"P": 1, "C": 16, "K": 151, "T": 1853, "D": 1002}
    assert sorted(Counter(province.parent[province.level == "K"]).values())[-1] == 13  # the most counties of a city
    departments = Counter(province.parent[province.level == "D"])
    assert set(departments.values()) == {6}
    assert set(province.level[list(departments)]) == {"C", "K"}
    assert (province.kind[province.level == "K"] == "zone").sum() == 15


def test_the_same_seed_gives_the_same_province_and_another_seed_another(province: Province) -> None:
    again, other = make_province(1), make_province(2)
    assert (again.name_zh == province.name_zh).all()
    assert (again.population == province.population).all()
    assert (other.name_zh != province.name_zh).mean() > 0.9


def test_no_two_areas_have_one_name_in_either_language(province: Province) -> None:
    areas = province.kind != "department"
    assert len(set(province.name_zh[areas])) == areas.sum()
    assert len(set(province.name_en[areas])) == areas.sum()


def test_every_code_is_one_that_units_may_have_and_that_no_place_has(province: Province) -> None:
    for code, kind in zip(province.code, province.kind, strict=True):
        assert code_problem(canonical_code(code), kind) is None
        assert canonical_code(code) == code
        assert code.startswith("90")
    assert len(set(province.code)) == len(province)


def test_parents_come_before_their_children_and_people_add_up(province: Province) -> None:
    assert (province.parent[1:] < np.arange(1, len(province))).all()
    for level, below in (("P", "C"), ("C", "K"), ("K", "T")):
        for unit in province.of_level(level):
            children = (province.parent == unit) & (province.level == below)
            assert province.population[unit] == province.population[children].sum()


def test_a_part_of_the_province_is_a_province_too() -> None:
    small = make_province(1, cities=2, townships=3)
    assert Counter(small.level) == {"P": 1, "C": 2, "K": 23, "T": 69, "D": 150}


def area(ring: list[list[float]]) -> float:
    x, y = np.array(ring).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def test_outlines_nest_without_gaps_or_overlaps(province: Province, tmp_path: Path) -> None:
    write_outlines(tmp_path / "outlines.geojson", province, make_outlines(1, province))
    document = json.loads((tmp_path / "outlines.geojson").read_text())
    size: dict[str, float] = {}
    level: dict[str, str] = {}
    for feature in document["features"]:
        rings = [ring for part in feature["geometry"]["coordinates"] for ring in part]
        assert all(ring[0] == ring[-1] for ring in rings)
        code = feature["properties"]["code"]
        size[code], level[code] = sum(area(ring) for ring in rings), feature["properties"]["level"]
    assert Counter(level.values()) == {"P": 1, "C": 16, "K": 151}
    assert min(size.values()) > 0
    parent = dict(zip(province.code, province.parent_code, strict=True))
    for above in [code for code in size if level[code] != "K"]:
        assert sum(size[code] for code in size if parent[code] == above) == pytest.approx(size[above])
