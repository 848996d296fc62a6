"""Where everything in a chart stands: plain numbers that the macros draw. Lengths are in units of the picture."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from evaluator import pages

NARROW, WIDE = 340, 720  # widths of the two pictures: one for phones, one for desktops; CSS shows one of them
FONT, LINE = 14, 18
SHADES = 6  # colours of the ramp, from the best (dark) to the worst
LATIN = 0.58  # mean width of a Latin letter in em; a Chinese character is 1


@dataclass(frozen=True, slots=True)
class Row:
    """What a dot with its interval says."""

    name: str
    value: float
    low: float
    high: float
    text: str  # beside the dot: the figure, and the grade where there is one
    title: str  # for a pointer and a screen reader
    group: str = ""  # rows of one group stand on one background
    reference: float = math.nan  # a second mark, such as the level's median


@dataclass(frozen=True, slots=True)
class Mark:
    """A row in its place."""

    title: str
    lines: tuple[tuple[float, str], ...]  # baseline, text
    y: float
    dot: float | None
    low: float
    high: float
    text: str
    text_y: float
    reference: float | None


@dataclass(frozen=True, slots=True)
class Stripe:
    """The background of a group, and its name."""

    y: float
    height: float
    text: str
    shaded: bool


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: float
    left: float
    right: float
    top: float
    bottom: float
    narrow: bool
    name_x: float
    text_x: float
    ticks: tuple[tuple[float, str], ...]
    limits: tuple[tuple[float, str, float], ...]  # x of a band's lower limit, its letter, x of the letter
    marks: tuple[Mark, ...]
    stripes: tuple[Stripe, ...]


def text_width(text: str, size: float = FONT) -> float:
    """Width of a text: wide characters count 1 em, others 0.58."""
    wide = sum(unicodedata.east_asian_width(character) in "WFA" for character in text)
    return size * (wide + LATIN * (len(text) - wide))


def wrapped(text: str, width: float, lines: int = 2, size: float = FONT) -> tuple[str, ...]:
    """`text` in at most `lines` lines of `width`: Latin words stay whole, Chinese breaks anywhere, the rest is "…"."""
    pieces: list[str] = []
    for character in text:
        latin = unicodedata.east_asian_width(character) not in "WFA" and not character.isspace()
        before = pieces[-1][-1:] if pieces else ""
        joins = bool(before) and latin and not before.isspace() and unicodedata.east_asian_width(before) not in "WFA"
        if joins or (character.isspace() and pieces):
            pieces[-1] += character
        else:
            pieces.append(character)
    found: list[str] = [""]
    for piece in pieces:
        if found[-1] and text_width((found[-1] + piece).rstrip(), size) > width:
            if len(found) == lines:
                found[-1] = _shortened(found[-1] + piece, width, size)
                break
            found.append("")
        found[-1] += piece
    return tuple(_shortened(line.strip(), width, size) for line in found)


def _shortened(text: str, width: float, size: float) -> str:
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def axis(values: Sequence[float], low: float, high: float, most: int = 8) -> tuple[float, ...]:
    """Round ticks that hold all values, within `low` to `high` where these are known."""
    finite = [value for value in values if math.isfinite(value)] or [low, high]
    least, greatest = min(finite), max(finite)
    span = max(greatest - least, 1e-9)
    power = 10.0 ** math.floor(math.log10(span))
    ticks: tuple[float, ...] = ()
    for step in (power / 5, power / 2, power, power * 2, power * 5, power * 10):
        first, last = math.floor(least / step) * step, math.ceil(greatest / step) * step
        if last - first < step:
            last = first + step
        ticks = tuple(round(first + k * step, 9) for k in range(round((last - first) / step) + 1))
        if len(ticks) <= most:
            return ticks
    return ticks


def dots(
    rows: Sequence[Row],
    *,
    narrow: bool,
    bands: Sequence[tuple[str, float]] = (),
    scale: tuple[float, float] = (0.0, 100.0),
    decimals: int = 0,
) -> Chart:
    """A row a unit: its name, its interval as a line, its value as a dot.

    Wide pictures have the names on the left; narrow ones above each line, so that long Chinese names never overlap.
    `bands` are grades with their lower limits, best first; a limit inside the axis is drawn with its letter.
    """
    width = NARROW if narrow else WIDE
    text_room = max((text_width(row.text, 13) for row in rows), default=0.0)
    if narrow:
        left, right, name_x = 8.0, width - 8.0, 0.0
        name_width = width - text_room - 16
    else:
        longest = max((text_width(row.name) for row in rows), default=0.0)
        name_width = min(230.0, longest)
        left, right, name_x = name_width + 18, width - text_room - 14, name_width + 4
    limits_low = [row.low if math.isfinite(row.low) else row.value for row in rows]
    limits_high = [row.high if math.isfinite(row.high) else row.value for row in rows]
    ticks = axis([*limits_low, *limits_high, *(row.reference for row in rows)], *scale, most=6 if narrow else 9)
    low, high = ticks[0], ticks[-1]

    def x(value: float) -> float:
        return round(left + (value - low) / (high - low) * (right - left), 1)

    top = y = 26.0 if bands else 10.0
    marks: list[Mark] = []
    stripes: list[Stripe] = []
    group_start, group = y, rows[0].group if rows else ""
    for row in rows:
        if row.group != group:
            stripes.append(Stripe(group_start, y - group_start, group, len(stripes) % 2 == 0))
            group_start, group = y, row.group
        lines = wrapped(row.name, name_width)
        if narrow:
            height = LINE * len(lines) + 22
            baselines = tuple((round(y + 15 + LINE * k, 1), line) for k, line in enumerate(lines))
            middle, text_y = y + LINE * len(lines) + 10, y + 15
        else:
            height = max(26, LINE * len(lines) + 8)
            first = y + height / 2 - LINE * (len(lines) - 1) / 2 + 5
            baselines = tuple((round(first + LINE * k, 1), line) for k, line in enumerate(lines))
            middle, text_y = y + height / 2, y + height / 2 + 5
        known = math.isfinite(row.value)
        marks.append(
            Mark(
                title=row.title,
                lines=baselines,
                y=round(middle, 1),
                dot=x(row.value) if known else None,
                low=x(row.low) if math.isfinite(row.low) else 0.0,
                high=x(row.high) if math.isfinite(row.high) else 0.0,
                text=row.text,
                text_y=round(text_y, 1),
                reference=x(row.reference) if math.isfinite(row.reference) else None,
            )
        )
        y += height
    if rows:
        stripes.append(Stripe(group_start, y - group_start, group, len(stripes) % 2 == 0))
    edges = [high, *(limit for _, limit in bands)]
    letters: list[tuple[float, str, float]] = []
    for (letter, limit), above in zip(bands, edges, strict=False):
        bottom_of, top_of = max(limit, low), min(above, high)
        if top_of > bottom_of and x(top_of) - x(bottom_of) >= 12:
            letters.append((x(bottom_of), letter, (x(bottom_of) + x(top_of)) / 2))
    return Chart(
        width=width,
        height=round(y + (60 if narrow else 44), 1),
        left=left,
        right=right,
        top=top,
        bottom=round(y, 1),
        narrow=narrow,
        name_x=name_x,
        text_x=width,
        ticks=tuple((x(tick), pages.shown(tick, 0 if float(tick).is_integer() else 1)) for tick in ticks),
        limits=tuple(letters),
        marks=tuple(marks),
        stripes=tuple(stripes) if len(stripes) > 1 else (),
    )


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar."""

    x: float
    width: float
    text: str  # blank where it would not fit
    title: str
    shade: str  # class of its colour


def stacked(parts: Sequence[tuple[str, float, str, str]], width: int = WIDE, gap: float = 2.0) -> tuple[Segment, ...]:
    """Shares as pieces of one bar: name, share, its text and shade, in the given order. Less than 1 leaves it open."""
    found = []
    x = 0.0
    for name, share, shown, shade in parts:
        if not math.isfinite(share):
            continue
        length = share * width
        found.append(
            Segment(
                x=round(x, 1),
                width=round(max(length - gap, 0.5), 1),
                text=shown if length - gap > text_width(shown, 13) + 6 else "",
                title=f"{name}: {shown}",
                shade=shade,
            )
        )
        x += length
    return tuple(found)
