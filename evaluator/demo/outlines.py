"""Invented outlines: Voronoi cells of invented seats, joined into counties and cities so that borders nest exactly.

A coast of ghost points around a smooth line bounds the outer cells. The seats are cut by straight lines into as many
townships as each city and county has; a county is the union of its townships' cells, whose common edges cancel.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Voronoi

from evaluator.demo.province import Province, generator

Floats = NDArray[np.float64]
Ring = list[tuple[float, float]]

WIDTH, HEIGHT = 8.0, 5.0  # degrees around 0° N 0° E, where there is only sea
RELAXED = 3  # moves of each seat to the middle of its cell


def make_outlines(seed: int, province: Province) -> dict[str, list[Ring]]:
    """Closed rings of every area but the townships, by code; the outer ring of each part runs anticlockwise."""
    rng = generator(seed, "outlines")
    # an area without areas below it is a leaf and gets one cell
    areas = [unit for unit in range(len(province)) if province.kind[unit] != "department"]
    children: dict[int, list[int]] = defaultdict(list)
    for unit in areas[1:]:
        children[int(province.parent[unit])].append(unit)
    leaves = [unit for unit in areas if unit not in children]
    cells, edges = _cells(rng, max(len(leaves), 3))
    owner = np.full(len(cells), -1)
    _share_out(0, np.arange(len(cells)), cells, children, owner, _sizes(0, children, {}))
    above = {0: {0}}
    for unit in areas[1:]:
        above[unit] = {unit} | above[int(province.parent[unit])]
    drawn = [unit for unit in areas if province.level[unit] != "T"]
    border: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (left, right), (a, b) in edges.ridges:
        mine = above[int(owner[left])] if left < len(cells) else set()
        theirs = above[int(owner[right])] if right < len(cells) else set()
        for unit in mine ^ theirs:
            border[unit].append((a, b))
    return {province.code[unit]: _rings(border[unit], edges.vertices) for unit in drawn if border[unit]}


class _Edges:
    """What separates two seats: a segment between two vertices."""

    def __init__(self, voronoi: Voronoi) -> None:
        self.vertices: Floats = np.round(voronoi.vertices, 4)
        self.ridges = [
            ((int(left), int(right)), (int(a), int(b)))
            for (left, right), (a, b) in zip(voronoi.ridge_points, voronoi.ridge_vertices, strict=True)
            if a >= 0 and b >= 0
        ]


def _cells(rng: np.random.Generator, count: int) -> tuple[Floats, _Edges]:
    """Seats within a smooth coast, well spread, and the edges between their cells and the sea's."""
    wave = rng.normal(0, 0.1, (2, 5)) / np.arange(1, 6) ** 0.5

    def coast(angle: Floats) -> Floats:
        turns = np.arange(1, 6)[:, None] * angle
        return 1.0 + (wave[0][:, None] * np.cos(turns) + wave[1][:, None] * np.sin(turns)).sum(axis=0)

    def inside(point: Floats) -> NDArray[np.bool_]:
        return np.hypot(*point.T) < coast(np.arctan2(point[:, 1], point[:, 0]))

    def some(inner: bool, wanted: int) -> Floats:
        found = np.zeros((0, 2))
        while len(found) < wanted:
            point = rng.uniform(-1.6, 1.6, (4 * wanted, 2))
            found = np.concatenate([found, point[inside(point) == inner]])
        return found[:wanted]

    seats = some(True, count)
    sea = some(False, int(count * 1.6) + 60)
    frame = 4 * np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 24, endpoint=False)])
    for _ in range(RELAXED):
        voronoi = Voronoi(np.concatenate([seats, sea, frame]))
        moved = np.array([
            voronoi.vertices[voronoi.regions[voronoi.point_region[k]]].mean(axis=0) for k in range(count + len(sea))
        ])  # fmt: skip
        new_sea = np.where(inside(moved[count:])[:, None], sea, moved[count:])
        seats = np.where(inside(moved[:count])[:, None], moved[:count], seats)
        sea = np.clip(new_sea, -1.7, 1.7)
    stretch = np.array([WIDTH, HEIGHT]) / 2
    voronoi = Voronoi(np.concatenate([seats, sea, frame]) * stretch)
    return seats, _Edges(voronoi)


def _sizes(unit: int, children: dict[int, list[int]], found: dict[int, int]) -> dict[int, int]:
    """How many cells each area gets: its leaves."""
    for child in children.get(unit, ()):
        _sizes(child, children, found)
    found[unit] = sum(found[child] for child in children[unit]) if unit in children else 1
    return found


def _share_out(
    unit: int, mine: NDArray[np.int64], seats: Floats, children: dict[int, list[int]], owner: NDArray[np.int64],
    size: dict[int, int],
) -> None:  # fmt: skip
    """Give an area's cells to the areas below it, halving by straight lines."""
    owner[mine] = unit
    waiting = [(children.get(unit, []), mine)]
    while waiting:
        group, cells = waiting.pop()
        if len(group) == 1:
            _share_out(group[0], cells, seats, children, owner, size)
        if len(group) < 2:
            continue
        total = np.cumsum([size[child] for child in group])
        half = int(np.argmin(np.abs(total - total[-1] / 2))) + 1
        half = min(half, len(group) - 1)
        place = seats[cells] - seats[cells].mean(axis=0)
        spread = np.linalg.eigh(place.T @ place)[1][:, -1]  # across the longer side
        order = cells[np.argsort(place @ spread, kind="stable")]
        cut = int(total[half - 1])
        waiting += [(group[:half], order[:cut]), (group[half:], order[cut:])]


def _rings(border: list[tuple[int, int]], vertices: Floats) -> list[Ring]:
    """Segments joined end to end; the largest ring first."""
    following: dict[int, list[int]] = defaultdict(list)
    for a, b in border:
        following[a].append(b)
        following[b].append(a)
    rings = []
    while following:
        at = first = next(iter(following))
        ring = [first]
        while following.get(at):
            to = following[at].pop()
            following[to].remove(at)
            for end in (at, to):
                if not following[end]:
                    del following[end]
            ring.append(to)
            at = to
        if len(ring) > 3:
            rings.append([(float(vertices[k][0]), float(vertices[k][1])) for k in ring])
    rings = [ring if _area(ring) > 0 else ring[::-1] for ring in rings]
    return sorted(rings, key=_area, reverse=True)


def _area(ring: Ring) -> float:
    x, y = np.array(ring).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def write_outlines(path: Path, province: Province, outlines: dict[str, list[Ring]]) -> None:
    """A GeoJSON feature an area, with its `code` and `level`; the coordinates are of no place on earth."""
    level = dict(zip(province.code, province.level, strict=True))
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "level": level[code]},
            "geometry": {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]},
        }
        for code, rings in outlines.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":")))
