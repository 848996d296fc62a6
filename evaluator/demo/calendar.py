"""The days of a simulated year: a period of twelve months around today, and a campaign that is open today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

OPEN_FOR = 60  # days before today
STILL = 60  # days after today, so that a visitor can rate


@dataclass(frozen=True, slots=True)
class Calendar:
    """When things happen in a demo that is made `today`."""

    today: date
    begins: date  # of the period
    ends: date
    opens: date  # of the campaign
    closes: date
    campaign: str = "demo"

    @property
    def days_open(self) -> int:
        """How many days an answer can have been given on, today the last of them."""
        return (self.today - self.opens).days + 1


def calendar_of(today: date) -> Calendar:
    """The calendar of a demo made today.

    >>> calendar_of(date(2026, 11, 25)).begins, calendar_of(date(2026, 11, 25)).ends
    (datetime.date(2025, 12, 1), datetime.date(2026, 11, 30))
    """
    after = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    begins = date(after.year - 1, after.month, 1)
    return Calendar(
        today, begins, after - timedelta(1), max(begins, today - timedelta(OPEN_FOR)), today + timedelta(STILL)
    )
