"""Dates and times as milliseconds since 1970 on the clock of the place, in the proleptic Gregorian calendar.

Python's `datetime` ends at the years 1 and 9999 and differs from the browser's `Date`; the few lines of calendar here
are the same in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DAY = 86_400_000
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")

TIME = r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]*))?)?(?:(Z)|([+-])([0-9]{1,2})(?::?([0-9]{2}))?)?"
WRITTEN_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:T" + TIME + r")?\Z")
WRITTEN_TIME = re.compile(TIME + r"\Z")


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, or a date with a time; without a time it is midnight."""

    milliseconds: int  # since 1970-01-01T00:00 on the local clock
    offset: int  # minutes that the local clock is ahead of UTC

    @property
    def days(self) -> float:
        return self.milliseconds / DAY

    def text(self) -> str:
        """`2026-11-25`, and unless it is midnight `2026-11-25T09:30:00.000+08:00`."""
        day, rest = divmod(self.milliseconds, DAY)
        year, month, date = civil(day)
        written = f"{year_text(year)}-{month:02}-{date:02}"
        if not rest:
            return written
        sign, away = ("-" if self.offset < 0 else "+"), abs(self.offset)
        return f"{written}T{clock(rest)}{sign}{away // 60:02}:{away % 60:02}"


def year_text(year: int) -> str:
    return f"{'-' if year < 0 else ''}{abs(year):04}"


def clock(milliseconds: int) -> str:
    """A time of day as hh:mm:ss.mmm."""
    seconds, thousandths = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"


def civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970.

    >>> civil(0), civil(-1), civil(14127)
    ((1970, 1, 1), (1969, 12, 31), (2008, 9, 5))
    """
    era, of_era = divmod(day + 719468, 146097)  # eras of 400 years that begin with March
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * of_year + 2) // 153
    month = from_march + 3 if from_march < 10 else from_march - 9
    return year_of_era + era * 400 + (month <= 2), month, of_year - (153 * from_march + 2) // 5 + 1


def days(year: int, month: int, day: int) -> int:
    """The number of days since 1970 of a date.

    >>> days(2008, 9, 5)
    14127
    """
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + of_year - 719468


def written(text: str, offset: int) -> Moment | None:
    """The moment that a text spells: a date, perhaps with T and a time, perhaps with its distance from UTC.

    >>> written("2026-11-25T01:30:00Z", 480).text()
    '2026-11-25T09:30:00.000+08:00'
    >>> written("2026-02-30", 480) is None
    True
    """
    match = WRITTEN_DATE.match(text)
    if match is None:
        return None
    year, month, date = int(match[1]), int(match[2]), int(match[3])
    if not 1 <= month <= 12 or date < 1:
        return None
    day = days(year, month, date)
    if civil(day) != (year, month, date):
        return None
    time = 0 if match[4] is None else _time(match, 3, offset)
    return None if time is None else Moment(day * DAY + time, offset)


def time_of_day(text: str, offset: int) -> int | None:
    """Milliseconds since midnight, on the local clock, of a written time.

    >>> time_of_day("06:00:00.000-01:00", 480) / 3_600_000
    15.0
    """
    match = WRITTEN_TIME.match(text)
    time = None if match is None else _time(match, 0, offset)
    return None if time is None else time % DAY


def _time(match: re.Match[str], before: int, offset: int) -> int | None:
    """Milliseconds, moved to the local clock; may lie before or after the day."""
    hours, minutes, seconds, fraction, zulu, sign, away_hours, away_minutes = match.groups()[before:]
    hour, minute, second = int(hours), int(minutes), int(seconds or 0)
    if hour > 23 or minute > 59 or second > 59 or int(away_hours or 0) > 23 or int(away_minutes or 0) > 59:
        return None
    milliseconds = ((hour * 60 + minute) * 60 + second) * 1000 + int(((fraction or "") + "000")[:3])
    if zulu or sign:
        away = int(away_hours or 0) * 60 + int(away_minutes or 0)
        milliseconds += (offset - (-away if sign == "-" else away)) * 60_000
    return milliseconds
