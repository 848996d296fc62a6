"""Sums of coded responses: against plain Python, the same by either way and whatever the threads."""

import numpy as np
import pytest

from methods.survey import scan
from methods.survey.scan import sum_responses

ROWS = 3000


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(1)
    lines = ["city,age,a,b,c"]
    for _ in range(ROWS):
        age = rng.integers(0, 4)
        values = ["" if rng.random() < 0.1 else str(rng.integers(low, 101)) for low in (-50, -50, 0)]
        lines.append(f"{rng.integers(0, 5)},{'' if age == 3 else age},{','.join(values)}")
    path = tmp_path / "responses.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def plainly(path):
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        city, age, *values = line.split(",")
        cell = found.setdefault((int(city), int(age or -1)), [0, *([0] * 9)])
        cell[0] += 1
        for k, v in enumerate(values):
            if v:
                cell[1 + k] += 1
                cell[4 + k] += int(v)
                cell[7 + k] += int(v) ** 2
    return found


@pytest.mark.parametrize("items", [["a"], ["a", "b", "c"]])
@pytest.mark.parametrize("threads", [1, 4])
def test_sums_are_those_of_plain_python(file, items, threads):
    found = sum_responses(file, ["city", "age"], items, threads)
    expected = plainly(file)
    seen = list(zip(found.keys["city"].tolist(), found.keys["age"].tolist(), strict=True))
    assert seen == sorted(expected)
    for row, cell in enumerate(seen):
        assert found.n[row] == expected[cell][0]
        for k, item in enumerate(items):
            at = "abc".index(item)
            sums = [int(v[row, k]) for v in (found.item_n, found.item_sum, found.item_sumsq)]
            assert sums == [expected[cell][1 + at], expected[cell][4 + at], expected[cell][7 + at]]


def test_both_ways_give_the_same(file, monkeypatch):
    columns = sum_responses(file, ["city", "age"], ["a", "b", "c"])
    monkeypatch.setattr(scan, "FEW", 99)
    group = sum_responses(file, ["city", "age"], ["a", "b", "c"])
    for name in ("n", "item_n", "item_sum", "item_sumsq"):
        assert getattr(columns, name).tolist() == getattr(group, name).tolist()
    assert {k: v.tolist() for k, v in columns.keys.items()} == {k: v.tolist() for k, v in group.keys.items()}


def test_moments_are_in_units_of_the_scale(file):
    found = sum_responses(file, ["city"], ["a"])
    one = found.moments(10.0)
    assert (one.sum * 10).tolist() == found.item_sum.tolist()
    assert one.sumsq * 100 == pytest.approx(found.item_sumsq)


@pytest.mark.parametrize(
    ("keys", "items", "message"),
    [
        (["city"], ["d"], "no column 'd'"),
        (["city", "word"], ["a"], "'word' is VARCHAR"),
        (["city"], ["half"], "'half' is DOUBLE"),
        ([], ["a"], "at least one"),
        (["below"], ["a"], "'below' holds -3"),
        (["below"], ["a", "city", "below"], "'below' holds -3"),
        (["city"], ["a", "city", "huge"], "'huge' holds"),
    ],
)
def test_what_cannot_be_summed_is_refused_by_name(tmp_path, keys, items, message):
    path = tmp_path / "responses.csv"
    path.write_text("city,word,half,below,a,huge\n1,x,0.5,-3,5,200000000\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        sum_responses(path, keys, items)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.parquet or \.csv"):
        sum_responses(tmp_path / "responses.xlsx", ["city"], ["a"])
