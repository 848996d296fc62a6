"""What is held on a unit, and which file brought it."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from evaluator.records.tables import Event, IndicatorValue, Record

CSV_COLUMNS = (
    "kind", "unit", "indicator_or_class", "period_from", "period_to", "numerator", "denominator", "value",
    "standard_error", "record", "document_date", "state", "state_date", "source", "import", "imported_on",
)  # fmt: skip


class Origin(msgspec.Struct, frozen=True):
    """The import that brought a number."""

    number: int
    source: str
    day: date
    simulated: bool


class HeldNumber(msgspec.Struct, frozen=True):
    """A raw number, or a ready one (then `numerator` and `denominator` are blank)."""

    indicator: str
    first: date
    last: date
    origin: Origin
    numerator: float | None = None
    denominator: float | None = None
    value: float | None = None
    standard_error: float | None = None


class HeldEvent(msgspec.Struct, frozen=True):
    """A dishonesty record, or a fact that vetoes."""

    record: str
    record_class: str
    document_date: date
    state: str
    state_date: date
    origin: Origin


class Held(msgspec.Struct, frozen=True):
    """All that is held on a unit, the latest first."""

    unit: str
    raw: list[HeldNumber]
    ready: list[HeldNumber]
    events: list[HeldEvent]

    @property
    def simulated(self) -> bool:
        return any(one.origin.simulated for one in [*self.raw, *self.ready, *self.events])

    def rows(self) -> list[tuple[object, ...]]:
        """For `CSV_COLUMNS`."""

        def number(kind: str, one: HeldNumber) -> tuple[object, ...]:
            figures = (one.numerator, one.denominator, one.value, one.standard_error)
            return (kind, self.unit, one.indicator, one.first, one.last, *figures, "", "", "", "", *_said(one.origin))

        def event(one: HeldEvent) -> tuple[object, ...]:
            what = (one.record, one.document_date, one.state, one.state_date)
            return ("event", self.unit, one.record_class, *("",) * 6, *what, *_said(one.origin))

        return [
            *(number("record", one) for one in self.raw),
            *(number("indicator", one) for one in self.ready),
            *(event(one) for one in self.events),
        ]


def _said(origin: Origin) -> tuple[object, ...]:
    return (origin.source, origin.number, origin.day)


def _origin(row: dict[str, Any]) -> Origin:
    return Origin(
        row["brought_by"], row["brought_by.source"], row["brought_by.imported_on"], row["brought_by.simulated"]
    )


async def held_on(unit: str) -> Held:
    """Everything that was imported on a unit and not withdrawn."""
    raw = await (
        Record.select(*_columns(Record), Record.period_from, Record.period_to, Record.numerator, Record.denominator)
        .where(Record.unit == unit)
        .order_by(Record.period_to, ascending=False)
        .order_by(Record.indicator)
    )
    ready = await (
        IndicatorValue.select(
            *_columns(IndicatorValue), IndicatorValue.period_from, IndicatorValue.period_to, IndicatorValue.value,
            IndicatorValue.standard_error,
        )
        .where(IndicatorValue.unit == unit)
        .order_by(IndicatorValue.period_to, ascending=False)
        .order_by(IndicatorValue.indicator)
    )  # fmt: skip
    events = await (
        Event.select(
            Event.record, Event.record_class, Event.document_date, Event.state, Event.state_date, *_columns(Event)[1:]
        )
        .where(Event.unit == unit)
        .order_by(Event.document_date, ascending=False)
        .order_by(Event.record)
    )
    return Held(
        unit,
        [
            HeldNumber(
                r["indicator"], r["period_from"], r["period_to"], _origin(r),
                numerator=r["numerator"], denominator=r["denominator"],
            )
            for r in raw
        ],
        [
            HeldNumber(
                r["indicator"], r["period_from"], r["period_to"], _origin(r),
                value=r["value"], standard_error=r["standard_error"],
            )
            for r in ready
        ],
        [
            HeldEvent(r["record"], r["record_class"], r["document_date"], r["state"], r["state_date"], _origin(r))
            for r in events
        ],
    )  # fmt: skip


def _columns(table: Any) -> list[Any]:
    """The indicator, where there is one, and the import that brought a row."""
    indicator = table.record_class if table is Event else table.indicator
    brought = table.brought_by
    return [indicator, brought, brought.source, brought.imported_on, brought.simulated]
