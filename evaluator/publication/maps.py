"""A choropleth of a level: each unit's grade as a colour, a pattern and a letter, names where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.publication import charts, outlines, ranking, wording
from evaluator.publication.editions import Edition


@dataclass(frozen=True, slots=True)
class Area:
    path: str
    title: str
    shade: str  # class of its colour: 0 the best grade, "none" without one


@dataclass(frozen=True, slots=True)
class Place:
    """A name, or only a letter, inside an area."""

    x: float
    lines: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Map:
    width: int
    height: int
    areas: tuple[Area, ...]
    places: tuple[Place, ...]

    @property
    def shades(self) -> tuple[str, ...]:
        """The classes of colour that it has, each with a pattern of its own."""
        return tuple(sorted({area.shade for area in self.areas}))


def levels_drawn(edition: Edition, path: Path) -> tuple[str, ...]:
    """Levels of which at least two units have outlines."""
    known = outlines.codes_in(path)
    return tuple(level for level in edition.levels if sum(code in known for code in edition.order[level]) >= 2)


def shade_of(edition: Edition, grade: str) -> str:
    """The class of a grade's colour."""
    letters = [letter for letter, _limit in edition.scheme.grades.bands]
    return str(min(letters.index(grade), charts.SHADES - 1)) if grade in letters else "none"


def choropleth(edition: Edition, path: Path, codes: Sequence[str], width: int, *, names: bool = True) -> Map:
    """The map of some units, coloured by the grade before any cap."""
    drawn = outlines.drawing(path, codes, width)
    areas = []
    for shape in drawn.shapes:
        unit, rating = edition.units[shape.code], edition.ratings[shape.code]
        areas.append(Area(shape.path, ranking.said(edition, unit, rating), shade_of(edition, rating.grade)))
    places = _places(edition, drawn) if names else ()
    return Map(drawn.width, drawn.height, tuple(areas), places)


def _places(edition: Edition, drawn: outlines.Drawing) -> tuple[Place, ...]:
    """Labels, the roomiest area first: name and letter where they fit, the letter alone where only it does."""
    taken: list[tuple[float, float, float, float]] = []
    found = []
    for shape in sorted(drawn.shapes, key=lambda shape: -shape.room):
        letter = edition.ratings[shape.code].grade
        name = wording.unit_name(edition.units[shape.code])
        narrow = 3.2 * shape.room
        full = (*charts.wrapped(name, max(narrow, 44), 2, 12), *([letter] if letter else []))
        for lines in (full, (letter,) if letter else ()):
            if not lines or any(line.endswith("…") for line in lines):
                continue
            half = max(charts.text_width(line, 12) for line in lines) / 2
            high = 14 * len(lines) / 2
            if half > 1.7 * shape.room + 4 or high > shape.room + 4:
                continue
            box = (shape.x - half, shape.y - high, shape.x + half, shape.y + high)
            if box[0] < 0 or box[2] > drawn.width or any(_touch(box, other) for other in taken):
                continue
            taken.append(box)
            first = shape.y - high + 11
            found.append(Place(shape.x, tuple((round(first + 14 * k, 1), line) for k, line in enumerate(lines))))
            break
    return tuple(found)


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
