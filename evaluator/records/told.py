"""What anybody may know of the records on a unit, as they stand today: how many of which class, and in which state."""

from __future__ import annotations

from collections import Counter
from datetime import date

import msgspec

from evaluator.records.tables import Event

# alleged ones are no findings; repaired and expired ones have left the public's sight for good
SHOWN = ("final", "contested", "rectified")


class Told(msgspec.Struct, frozen=True):
    """The records of one class in one state."""

    record_class: str
    state: str
    number: int
    latest: date  # when the latest came into this state


async def told_of(unit: str) -> tuple[Told, ...]:
    """Counts by class and state, findings that stand first. No case, no name and no document is in them."""
    rows = await Event.select(Event.record_class, Event.state, Event.state_date).where(
        (Event.unit == unit) & Event.state.is_in(list(SHOWN))
    )
    numbers = Counter((row["record_class"], row["state"]) for row in rows)
    latest: dict[tuple[str, str], date] = {}
    for row in rows:
        key = (row["record_class"], row["state"])
        latest[key] = max(latest.get(key, row["state_date"]), row["state_date"])
    found = [Told(*key, number, latest[key]) for key, number in numbers.items()]
    return tuple(sorted(found, key=lambda one: (SHOWN.index(one.state), one.record_class)))
