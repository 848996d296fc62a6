"""Events: what counts in an indicator, what is deducted, what vetoes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evaluator.rating.rated import Rated, raw_numbers
from methods.inputs import Floats
from methods.records.life import relative_exposure, saturated, share_in_force

FINAL_WEIGHT = {"final": 1.0}  # of the states of an event when the scheme names none


def _event_rows(units: Rated) -> Iterable[tuple[int, str, str, str, str]]:
    """Unit, class, date of the document, state, date of the state."""
    table = units.table("events")
    if table is None:
        return
    since = table["state_date"] if "state_date" in table else np.full(len(table["unit"]), "", object)
    rows = zip(table["unit"], table["class"], table["document_date"], table["state"], since, strict=True)
    for unit, kind, document, state, state_date in rows:
        at = units.position.get(unit)
        if at is not None:
            yield at, str(kind), str(document), str(state), str(state_date)


def _state_weights(units: Rated) -> dict[str, float]:
    return units.scheme.records.weight or FINAL_WEIGHT


@dataclass(frozen=True, slots=True)
class Counted:
    """Events of one weight of their state, by unit."""

    total: Floats  # (units,) each event counts 1, or the share of the period that it was in force
    squares: Floats  # (units,) the same squared


def counted_events(units: Rated, indicator: str) -> dict[float, Counted] | None:
    """Events of the classes that count in an indicator, by weight of their state; None when no class does.

    An event counts when its document is of the period; where its class counts by days in force, by the share of the
    period's days on which it was, whenever its document is of. A weight without any event is not fitted, save that the
    largest always is, so that units without events are seen.
    """
    classes = {
        one.code: one.in_force_months
        for one in units.scheme.records.classes
        if one.use == "indicator" and one.indicator == indicator
    }
    if not classes:
        return None
    first, last = units.snapshot.period
    weights = _state_weights(units)
    top = max([w for w in weights.values() if w > 0], default=1.0)
    counts = {top: Counted(np.zeros(len(units.unit)), np.zeros(len(units.unit)))}
    for at, kind, document, state, _ in _event_rows(units):
        weight = weights.get(state, 0.0)
        if kind not in classes or weight <= 0:
            continue
        months = classes[kind]
        if months is None:
            share = 1.0 if first.isoformat() <= document <= last.isoformat() else 0.0
        else:
            share = float(share_in_force(np.array([document], "datetime64[D]"), months, first, last)[0])
        if share > 0:
            counted = counts.setdefault(weight, Counted(np.zeros(len(units.unit)), np.zeros(len(units.unit))))
            counted.total[at] += share
            counted.squares[at] += share**2
    return dict(sorted(counts.items(), reverse=True))


def deductions_and_vetoes(units: Rated) -> tuple[Floats, list[tuple[str, ...]]]:
    """Saturated deductions and vetoes.

    A veto takes a legally final fact: an event in a state to which the scheme gives weight (final; rectified), whose
    document is not later than the period. One that is no longer final counts if it still was on a day of the period.
    """
    records = units.scheme.records
    points = {one.code: one.points for one in records.classes if one.use == "deduction"}
    vetoing = {one.code: one.veto for one in records.classes if one.use == "veto" and one.veto}
    vetoing |= {one.code: one.code for one in units.scheme.vetoes if one.code not in vetoing}
    first, last = (day.isoformat() for day in units.snapshot.period)
    weights = _state_weights(units)
    total = np.zeros(len(units.unit))
    found: list[set[str]] = [set() for _ in units.unit]
    for at, kind, document, state, since in _event_rows(units):
        weight = weights.get(state, 0.0)
        if weight <= 0 or document > last:
            continue
        if kind in points and document >= first:
            total[at] += points[kind] * weight
        if kind in vetoing and (state == "final" or not since or since >= first):
            found[at].add(vetoing[kind])
    order = {one.code: k for k, one in enumerate(units.scheme.vetoes)}
    codes = [tuple(sorted(one, key=lambda code: (order.get(code, len(order)), code))) for one in found]
    return saturated(total, relative_exposure(_exposure(units), units.level.astype(str)), records.saturating), codes


def _exposure(units: Rated) -> Floats:
    """(units,) the exposure that deductions are relative to; NaN where there is none."""
    table, code = units.table("records"), units.scheme.records.deduction_exposure
    if table is None or code is None or code not in units.indicator:
        return np.full(len(units.unit), np.nan)
    return raw_numbers(units, table)[1][:, units.indicator[code]]
