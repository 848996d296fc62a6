"""Outlines of units as paths of a picture: read once, projected once for every cut, kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

FILE = "outlines.geojson"
TALLEST = 1.4  # height of a picture against its width, at most
NEAREST = 0.4  # points nearer than this to the last one are left out

Ring = NDArray[np.float64]  # (points, 2)


@dataclass(frozen=True, slots=True)
class Shape:
    """A unit's outline in the picture."""

    code: str
    path: str
    x: float  # a place well inside its largest part
    y: float
    room: float  # how far that place is from the outline


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    shapes: tuple[Shape, ...]


def outline_file(data_dir: Path, identifier: str) -> Path | None:
    """The outlines of an edition: its own under outlines/, else the site's; None when there are none."""
    for path in (data_dir / "outlines" / f"{identifier}.geojson", data_dir / FILE):
        if path.is_file():
            return path
    return None


def state_of_outlines(data_dir: Path) -> tuple[tuple[str, int], ...]:
    """Another value as soon as a file of outlines comes, goes or changes."""
    paths = [data_dir / FILE, *sorted((data_dir / "outlines").glob("*.geojson"))]
    return tuple((path.name, path.stat().st_mtime_ns) for path in paths if path.is_file())


def codes_in(path: Path) -> frozenset[str]:
    """Codes of the units that have an outline."""
    return frozenset(_read(path, path.stat().st_mtime_ns))


def drawing(path: Path, codes: Sequence[str], width: int) -> Drawing:
    """The outlines of `codes`, those that are known, fitted into a picture of `width`."""
    return _drawn(path, path.stat().st_mtime_ns, tuple(codes), width)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> dict[str, tuple[Ring, ...]]:
    """Rings by code. GeoJSON polygons in degrees or on a plane; holes are rings as well."""
    document: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    found: dict[str, tuple[Ring, ...]] = {}
    for feature in document.get("features", ()):
        geometry, code = feature.get("geometry") or {}, str(feature.get("properties", {}).get("code", ""))
        parts = geometry.get("coordinates", ())
        if geometry.get("type") == "Polygon":
            parts = [parts]
        rings = tuple(
            np.array([point[:2] for point in ring], dtype=np.float64)
            for part in parts
            for ring in part
            if len(ring) > 3
        )
        if code and rings:
            found[code] = (*found.get(code, ()), *rings)
    return found


@lru_cache(maxsize=64)
def _drawn(path: Path, changed: int, codes: tuple[str, ...], width: int) -> Drawing:
    rings = _read(path, changed)
    known = [code for code in codes if code in rings]
    if not known:
        return Drawing(width, 0, ())
    points = np.concatenate([ring for code in known for ring in rings[code]])
    low, high = points.min(axis=0), points.max(axis=0)
    degrees = abs(points[:, 0]).max() <= 180 and abs(points[:, 1]).max() <= 90
    narrowing = math.cos(math.radians((low[1] + high[1]) / 2)) if degrees else 1.0
    span = np.maximum((high - low) * (narrowing, 1.0), 1e-9)
    inner = width - 4.0
    scale = min(inner / span[0], TALLEST * inner / span[1])
    margin = (width - span[0] * scale) / 2
    shapes = []
    for code in known:
        placed = [
            np.stack([(r[:, 0] - low[0]) * narrowing * scale + margin, (high[1] - r[:, 1]) * scale + 2], axis=1)
            for r in rings[code]
        ]
        largest = max(placed, key=lambda ring: abs(_area(ring)))
        x, y, room = _inside(largest)
        shapes.append(Shape(code, "".join(_path(ring) for ring in placed), round(x, 1), round(y, 1), round(room, 1)))
    return Drawing(width, math.ceil(span[1] * scale + 4), tuple(shapes))


def _area(ring: Ring) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _path(ring: Ring) -> str:
    kept: list[str] = []
    last = (math.inf, math.inf)
    for x, y in np.round(ring, 1).tolist():
        if abs(x - last[0]) + abs(y - last[1]) >= NEAREST:
            kept.append(f"{x:g} {y:g}")
            last = (x, y)
    return f"M{'L'.join(kept)}Z" if len(kept) > 2 else ""


def _inside(ring: Ring, grid: int = 18) -> tuple[float, float, float]:
    """The point of a grid that lies inside and farthest from the outline, and how far: where a name is put."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    steps = (np.arange(grid) + 0.5) / grid
    x, y = (v.ravel() for v in np.meshgrid(low[0] + steps * (high[0] - low[0]), low[1] + steps * (high[1] - low[1])))
    a, b = ring, np.roll(ring, -1, axis=0)
    crosses = (a[:, 1] > y[:, None]) != (b[:, 1] > y[:, None])
    rise = np.where(b[:, 1] == a[:, 1], 1.0, b[:, 1] - a[:, 1])
    at = a[:, 0] + (y[:, None] - a[:, 1]) / rise * (b[:, 0] - a[:, 0])
    inside = (crosses & (x[:, None] < at)).sum(axis=1) % 2 == 1
    if not inside.any():
        middle = ring.mean(axis=0)
        return float(middle[0]), float(middle[1]), 0.0
    x, y = x[inside], y[inside]
    edge = b - a
    length = np.maximum((edge**2).sum(axis=1), 1e-12)
    along = np.clip(((x[:, None] - a[:, 0]) * edge[:, 0] + (y[:, None] - a[:, 1]) * edge[:, 1]) / length, 0, 1)
    away = np.hypot(a[:, 0] + along * edge[:, 0] - x[:, None], a[:, 1] + along * edge[:, 1] - y[:, None]).min(axis=1)
    best = int(away.argmax())
    return float(x[best]), float(y[best]), float(away[best])
