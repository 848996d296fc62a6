"""The life of a record: how much of a period it was in force, and what it takes off.

All of it is arithmetic that a scheme prescribes, not estimation; how records of unequal weight become a rate is.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers

Days = NDArray[np.datetime64]


def share_in_force(document: Days, months: int, first: date, last: date) -> Floats:
    """The share of a period's days on which records were in force.

    A record is in force from the day of its document, for so many months; the day of the same number is the first on
    which it no longer is, or the day after the month's last where the month has no such day.

    Parameters
    ----------
    document
        (records,) days.
    months
        How long a record is in force, above 0.
    first, last
        Days of the period, both in it.

    Returns
    -------
    (records,) from 0 (over before the period, or dated after it) to 1 (in force all through).

    Raises
    ------
    ValueError
        For no month, a period that ends before it begins, or days that are not given.

    Examples
    --------
    >>> days = np.array(["2026-07-01", "2025-07-01", "2024-12-31"], "datetime64[D]")
    >>> year = date(2026, 1, 1), date(2026, 12, 31)
    >>> (share_in_force(days, 12, *year) * 365).tolist()
    [184.0, 181.0, 0.0]
    """
    days = np.asarray(document).astype("datetime64[D]")
    start, end = np.datetime64(first, "D"), np.datetime64(last, "D")
    if months < 1:
        raise ValueError(f"months is {months}; a record is in force for at least one")
    if end < start:
        raise ValueError(f"the period from {start} to {end} has no day; give first and last, first not after last")
    if np.any(np.isnat(days)):
        raise ValueError("document holds days that are not given; a record counts from its document")
    over = months_after(days, months)
    one = np.timedelta64(1, "D")
    held = np.minimum(over, end + one) - np.maximum(days, start)
    return np.asarray(np.maximum(held / one, 0.0) / ((end + one - start) / one), np.float64)


def months_after(day: Days, months: int) -> Days:
    """The day of the same number so many months later, or the first of the next month where there is none.

    Parameters
    ----------
    day
        (days,).
    months
        0 or more.

    Raises
    ------
    ValueError
        For negative months.

    Examples
    --------
    >>> months_after(np.array(["2025-12-31", "2026-01-15"], "datetime64[D]"), 2).tolist()
    [datetime.date(2026, 3, 1), datetime.date(2026, 3, 15)]
    """
    if months < 0:
        raise ValueError(f"months is {months}; give 0 or more")
    days = np.asarray(day).astype("datetime64[D]")
    month = days.astype("datetime64[M]")
    number = days - month.astype("datetime64[D]")
    later = month + np.timedelta64(months, "M")
    beyond = (later + np.timedelta64(1, "M")).astype("datetime64[D]")
    return np.asarray(np.minimum(later.astype("datetime64[D]") + number, beyond))


def even_counts(total: Floats, squares: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Counts and exposure that vary like events of one weight, from events of weights that chance gave them.

    When each event has a weight w by chance (the part of a period that was left when it came up), their sum has the
    mean rate x exposure and a variance that is phi = E w^2 / E w of it. Sum / phi over exposure / phi has the same rate
    and a Poisson variance.

    Parameters
    ----------
    total
        (units,) sums of the weights of each unit's events.
    squares
        (units,) sums of their squares.
    exposure
        (units,).

    Returns
    -------
    (units,) counts, no longer whole, and (units,) exposure. Without any event, or with weights of 1, what was given.

    Raises
    ------
    ValueError
        When shapes differ, a number is negative or not finite, or squares do not fit weights of at most 1.

    References
    ----------
    Moments of a compound Poisson sum; Fay, Feuer (1997), Statistics in Medicine 16, 791-801, scale weighted sums alike.

    Examples
    --------
    >>> counts, exposure = even_counts(np.array([1.0, 0.5]), np.array([0.5, 0.25]), np.array([10.0, 10.0]))
    >>> counts.tolist(), exposure.tolist()
    ([2.0, 1.0], [20.0, 20.0])
    """
    y, w2, t = (np.asarray(part, np.float64) for part in (total, squares, exposure))
    if y.ndim != 1 or not y.shape == w2.shape == t.shape:
        raise ValueError(f"total has shape {y.shape}, squares {w2.shape}, exposure {t.shape}; give one for every unit")
    for name, values in (("total", y), ("squares", w2), ("exposure", t)):
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise ValueError(f"{name} holds values that are negative or not finite")
    if np.any(w2 > y * (1.0 + 1e-9)):
        raise ValueError("squares exceed total; weights must lie between 0 and 1")
    phi = float(w2.sum() / y.sum()) if y.sum() > 0 else 1.0
    return y / phi, t / phi


def relative_exposure(exposure: Floats, group: Integers | NDArray[Any]) -> Floats:
    """The median exposure of a unit's group over its own: a large body is not punished for being large.

    Parameters
    ----------
    exposure
        (units,) NaN or 0 where there is none.
    group
        (units,) level.

    Returns
    -------
    (units,) 1 where a unit has no exposure.

    Raises
    ------
    ValueError
        When shapes differ or an exposure is negative or infinite.

    Examples
    --------
    >>> relative_exposure(np.array([100.0, 400.0, 100.0, np.nan]), np.zeros(4, int)).tolist()
    [1.0, 0.25, 1.0, 1.0]
    """
    size, groups = np.asarray(exposure, np.float64), np.asarray(group)
    if size.ndim != 1 or size.shape != groups.shape:
        raise ValueError(f"exposure has shape {size.shape}, group {groups.shape}; give one of each for every unit")
    if np.any(size < 0) or np.any(np.isinf(size)):
        raise ValueError("exposure holds negative or infinite values; give NaN where it is not known")
    relative = np.ones(len(size))
    known = np.isfinite(size) & (size > 0)
    for one in np.unique(groups[known]):
        at = known & (groups == one)
        relative[at] = np.median(size[at]) / size[at]
    return relative


def saturated(points: Floats, relative: Floats, limit: float = 15.0) -> Floats:
    """What is taken off for points: less for bodies larger than the median, and never more than the limit.

    limit (1 - exp(-points x min(1, relative) / limit)).

    Parameters
    ----------
    points
        (units,) sums of the points of each unit's records, by the weight of their state.
    relative
        (units,) median exposure over the unit's (`relative_exposure`).
    limit
        Which no sum of points reaches.

    Raises
    ------
    ValueError
        When shapes differ, a number is negative or not finite, or the limit is not above 0.

    Examples
    --------
    >>> saturated(np.array([0.0, 4.0, 8.0, 8.0]), np.array([1.0, 1.0, 3.0, 0.25])).round(2).tolist()
    [0.0, 3.51, 6.2, 1.87]
    """
    sums, size = np.asarray(points, np.float64), np.asarray(relative, np.float64)
    if sums.shape != size.shape:
        raise ValueError(f"points has shape {sums.shape}, relative {size.shape}; give one of each for every unit")
    for name, values in (("points", sums), ("relative", size)):
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise ValueError(f"{name} holds values that are negative or not finite")
    if not (np.isfinite(limit) and limit > 0):
        raise ValueError(f"limit is {limit}; give a number above 0")
    return np.asarray(limit * (1.0 - np.exp(-sums * np.minimum(1.0, size) / limit)), np.float64)
