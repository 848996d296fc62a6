"""What a snapshot takes of the records: raw numbers, ready numbers, events, with exactly the snapshot's columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.records.tables import Event, IndicatorValue, Record

Period = tuple[date, date]
Table = dict[str, NDArray[Any]]  # text columns of dtype object, "" for blank; numbers float64, NaN for blank


def _texts(values: Iterable[object]) -> NDArray[Any]:
    return np.array([str(value) for value in values], object)


def _numbers(values: Iterable[float | None]) -> NDArray[Any]:
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)


async def records_table(period: Period) -> Table:
    """Raw numbers of a period: unit, indicator, numerator, denominator.

    A unit that reported by quarters has their sum; where one part is due but not reported, the whole is. Numbers of a
    time that reaches outside the period are left out.
    """
    rows = (
        await Record.select(Record.unit, Record.indicator, Record.numerator, Record.denominator)
        .where((Record.period_from >= period[0]) & (Record.period_to <= period[1]))
        .order_by(Record.unit, Record.indicator, Record.period_from)
    )
    summed: dict[tuple[str, str], tuple[float | None, float]] = {}
    for row in rows:
        key, numerator = (row["unit"], row["indicator"]), row["numerator"]
        if key in summed:
            before, total = summed[key]
            numerator = None if before is None or numerator is None else before + numerator
            summed[key] = (numerator, total + row["denominator"])
        else:
            summed[key] = (numerator, row["denominator"])
    return {
        "unit": _texts(unit for unit, _indicator in summed),
        "indicator": _texts(indicator for _unit, indicator in summed),
        "numerator": _numbers(numerator for numerator, _denominator in summed.values()),
        "denominator": _numbers(denominator for _numerator, denominator in summed.values()),
    }


async def indicators_table(period: Period) -> Table:
    """Ready numbers of a period: unit, indicator, value, standard_error. Of several within the period, the last."""
    rows = (
        await IndicatorValue.select(
            IndicatorValue.unit, IndicatorValue.indicator, IndicatorValue.value, IndicatorValue.standard_error
        )
        .where((IndicatorValue.period_from >= period[0]) & (IndicatorValue.period_to <= period[1]))
        .order_by(IndicatorValue.unit, IndicatorValue.indicator, IndicatorValue.period_to)
    )
    last = {(row["unit"], row["indicator"]): row for row in rows}
    return {
        "unit": _texts(unit for unit, _indicator in last),
        "indicator": _texts(indicator for _unit, indicator in last),
        "value": _numbers(row["value"] for row in last.values()),
        "standard_error": _numbers(row["standard_error"] for row in last.values()),
    }


async def events_table(period: Period) -> Table:
    """Events known by the end of a period: unit, record, class, document_date, state, state_date.

    Older ones are in it, for their terms may reach into the period. A repaired one is not: it is no longer used. One
    whose state changed after the period is not either: what it was before is not held, so that it proves nothing.
    """
    rows = (
        await Event.select(
            Event.unit, Event.record, Event.record_class, Event.document_date, Event.state, Event.state_date
        )
        .where((Event.document_date <= period[1]) & (Event.state_date <= period[1]) & (Event.state != "repaired"))
        .order_by(Event.unit, Event.record)
    )
    names = {"unit": "unit", "record": "record", "class": "record_class", "document_date": "document_date"}
    names |= {"state": "state", "state_date": "state_date"}
    return {name: _texts(row[column] for row in rows) for name, column in names.items()}
