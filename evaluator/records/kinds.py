"""The kinds of file that bring records: their columns, and a row of each as it comes in."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from evaluator.spreadsheets.table import Headings, Layout, folded, read_headings

Kind = Literal["records", "indicators", "events"]
Period = tuple[date, date]  # both inclusive

LAYOUTS: dict[Kind, Layout] = {
    "records": Layout(
        ("unit", "unit_name", "indicator", "indicator_name", "numerator", "denominator"),
        (("unit", "unit_name"), ("indicator", "indicator_name"), ("numerator",), ("denominator",)),
        frozenset({"unit", "unit_name", "indicator", "indicator_name"}),
    ),
    "indicators": Layout(
        ("unit", "unit_name", "indicator", "indicator_name", "value", "standard_error"),
        (("unit", "unit_name"), ("indicator", "indicator_name"), ("value",)),
        frozenset({"unit", "unit_name", "indicator", "indicator_name"}),
    ),
    "events": Layout(
        ("unit", "unit_name", "record", "class", "document_date", "state", "state_date"),
        (("unit", "unit_name"), ("record",), ("class",), ("document_date",), ("state",), ("state_date",)),
        frozenset({"unit", "unit_name", "class", "state"}),
    ),
}
SOURCES: dict[Kind, tuple[str, ...]] = {"records": ("share", "rate"), "indicators": ("metric", "ready"), "events": ()}


class RecordRow(msgspec.Struct, frozen=True):
    """A raw number."""

    line: int
    unit: str
    indicator: str
    numerator: float | None
    denominator: float


class ValueRow(msgspec.Struct, frozen=True):
    """A ready number."""

    line: int
    unit: str
    indicator: str
    value: float
    standard_error: float | None


class EventRow(msgspec.Struct, frozen=True):
    """A dishonesty record or a fact that vetoes."""

    line: int
    unit: str
    record: str
    record_class: str
    document_date: date
    state: str
    state_date: date


Row = RecordRow | ValueRow | EventRow


@cache
def headings() -> Headings:
    """What columns may be called."""
    return read_headings(Path(__file__).parent / "columns.yaml")


@cache
def states_by_name() -> dict[str, str]:
    """State of an event by everything it may be called, folded."""
    with (Path(__file__).parent / "states.yaml").open(encoding="utf-8") as file:
        said: dict[str, list[str]] = yaml.safe_load(file)
    return {folded(name): state for state, names in said.items() for name in names}
