"""Records that wait for rectification: what a superior orders and follows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import msgspec

from evaluator.records.tables import Event

WAITING = (
    "final",
    "contested",
)  # findings that stand or are objected to


class Outstanding(msgspec.Struct, frozen=True):
    """A record that is not rectified, as it stands now."""

    unit: str
    record: str
    record_class: str
    document_date: date
    state: str
    state_date: date
    simulated: bool

    def overdue(self, today: date, days: int) -> bool:
        """Whether a finding has stood for more days than these; one under objection has time."""
        return self.state == "final" and (today - self.state_date).days > days


async def outstanding(units: Collection[str]) -> dict[str, tuple[Outstanding, ...]]:
    """Records of these units that wait for rectification, those that have stood longest first."""
    wanted = set(units)
    rows = await (
        Event.select(
            Event.unit, Event.record, Event.record_class, Event.document_date, Event.state, Event.state_date,
            Event.brought_by.simulated,
        )
        .where(Event.state.is_in(list(WAITING)))
        .order_by(Event.state_date)
        .order_by(Event.record)
    )  # fmt: skip
    found: dict[str, list[Outstanding]] = {}
    for row in rows:
        if row["unit"] in wanted:
            found.setdefault(row["unit"], []).append(
                Outstanding(
                    row["unit"], row["record"], row["record_class"], row["document_date"], row["state"],
                    row["state_date"], bool(row["brought_by.simulated"]),
                )
            )  # fmt: skip
    return {unit: tuple(rows) for unit, rows in found.items()}
