"""The simulated province: invented names, the shape of a real tree, populations, codes that no place has."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any
from zlib import crc32

import numpy as np
import yaml
from numpy.typing import NDArray

PROVINCE = "90"  # GB/T 2260 gives 90 to nobody
TYPICAL = {"streets": 62_000, "towns": 47_000, "rural": 24_000, "zones": 9_000}  # inhabitants
FIRST_COUNTY = {"district": 2, "county": 21, "county_city": 81, "zone": 71}
FIRST_TOWNSHIP = {"streets": 1, "towns": 100, "rural": 200, "zones": 400}
NAMED_AS = {"streets": "street", "towns": "town", "rural": "rural", "zones": "park"}


@dataclass(frozen=True, slots=True)
class Province:
    """Units as columns, every parent before its children."""

    code: NDArray[np.object_]  # (units,)
    parent: NDArray[np.int64]  # (units,) position of the parent, -1 for the province
    level: NDArray[np.object_]  # (units,)
    kind: NDArray[np.object_]  # (units,) area, zone or department
    name_zh: NDArray[np.object_]
    name_en: NDArray[np.object_]
    population: NDArray[np.int64]  # (units,) of the area; a department's is that of the area it serves

    def __len__(self) -> int:
        return len(self.code)

    def of_level(self, level: str) -> NDArray[np.int64]:
        """Positions of the units of a level."""
        return np.flatnonzero(self.level == level)

    @property
    def parent_code(self) -> NDArray[np.object_]:
        """Code of the parent, "" for the province."""
        return np.array([self.code[p] if p >= 0 else "" for p in self.parent], object)

    @property
    def area(self) -> NDArray[np.int64]:
        """Position of the area whose people a unit serves: a department's is its government's."""
        return np.where(self.kind == "department", self.parent, np.arange(len(self)))


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A stream of its own for every purpose, so that a change in one part leaves the others as they were."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, crc32(purpose.encode())])))


@lru_cache
def data(name: str) -> Any:
    """A YAML file of this room."""
    return yaml.safe_load((files(__package__) / "data" / name).read_text(encoding="utf-8"))


def shape() -> list[tuple[int, str, dict[str, int]]]:
    """City, kind and townships by kind of every county, as many as a real province has."""
    text = (files(__package__) / "data" / "shape.csv").read_text(encoding="utf-8")
    return [
        (int(row["city"]), row["kind"], {kind: int(row[kind]) for kind in TYPICAL})
        for row in csv.DictReader(text.splitlines())
    ]


def make_province(seed: int, cities: int | None = None, townships: int | None = None) -> Province:
    """The province of a seed.

    Parameters
    ----------
    cities, townships
        For tests: only the first so many cities, and at most so many townships of a county.
    """
    words = data("names.yaml")
    rng = generator(seed, "province")
    rows = [row for row in shape() if cities is None or row[0] <= cities]
    names = _names(words, rng)
    code, parent, level, kind, zh, en, people = [], [], [], [], [], [], []

    def add(code_: str, parent_: int, level_: str, kind_: str, zh_: str, en_: str, people_: int = 0) -> int:
        for column, value in zip(
            (code, parent, level, kind, zh, en, people), (code_, parent_, level_, kind_, zh_, en_, people_), strict=True
        ):
            column.append(value)  # type: ignore[attr-defined]
        return len(code) - 1

    def named(kind_: str) -> tuple[str, str]:
        first, second = next(names)
        return words["kinds"][kind_]["zh"].format(name=first), words["kinds"][kind_]["en"].format(name=second)

    root = add(PROVINCE, -1, "P", "area", words["province"]["zh"], words["province"]["en"])
    city_of = {
        number: add(f"{PROVINCE}{number:02d}", root, "C", "area", *named("city"))
        for number in dict.fromkeys(row[0] for row in rows)
    }
    wealth = {number: float(rng.lognormal(0, 0.25)) for number in city_of}
    used: dict[tuple[int, str], int] = {}
    counties = []
    for number, kind_, below in rows:
        place = used[number, kind_] = used.get((number, kind_), FIRST_COUNTY[kind_] - 1) + 1
        at = add(f"{code[city_of[number]]}{place:02d}", city_of[number], "K", "zone" if kind_ == "zone" else "area",
                 *named(kind_))  # fmt: skip
        counties.append((at, number, below))
    for at, number, below in counties:
        left = math.inf if townships is None else townships
        for kind_, count in below.items():
            for place in range(min(count, int(min(left, count)))):
                inhabitants = int(TYPICAL[kind_] * wealth[number] * rng.lognormal(-0.1, 0.45))
                add(f"{code[at]}{FIRST_TOWNSHIP[kind_] + place:03d}", at, "T", "zone" if kind_ == "zones" else "area",
                    *named(NAMED_AS[kind_]), inhabitants)  # fmt: skip
            left -= min(count, left)
    for at in range(len(code) - 1, 0, -1):  # parents stand before their children
        people[parent[at]] += people[at]
    for at in [*city_of.values(), *(at for at, _, _ in counties)]:
        for bureau in words["departments"]:
            add(f"{code[at]}-{bureau['code']}", at, "D", "department",
                bureau["zh"].format(name=zh[at]), bureau["en"].format(name=en[at]), people[at])  # fmt: skip
    return Province(
        np.array(code, object), np.array(parent, np.int64), np.array(level, object), np.array(kind, object),
        np.array(zh, object), np.array(en, object), np.array(people, np.int64),
    )  # fmt: skip


def _names(words: Any, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Chinese and English names, no two alike in either."""
    pairs = [(a + b, p + q) for a, p in words["first"] for b, q in words["second"]]
    seen = set()
    for at in rng.permutation(len(pairs)):
        zh, en = pairs[at]
        if en not in seen:
            seen.add(en)
            yield zh, en
