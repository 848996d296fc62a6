"""Who and what has too little data: availability and zeros by unit and by indicator (COINr's `Screen`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.index.aggregation import TOLERANCE, Booleans
from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Availability:
    """What is there of a data set."""

    unit_missing: Integers  # (units,) applicable indicators without a number
    unit_available: Floats  # (units,) share of the applicable indicators with a number; NaN: none applies
    unit_nonzero: Floats  # (units,) share of the numbers that are not 0; NaN: no numbers
    indicator_missing: Integers  # (indicators,)
    indicator_available: Floats  # (indicators,)
    indicator_nonzero: Floats  # (indicators,)
    constant: Booleans  # (indicators,) one value, or none: says nothing about anybody


@dataclass(frozen=True, slots=True)
class Screened:
    """What is left, and why the rest fell out."""

    values: Floats  # (kept units, kept indicators)
    units: Integers  # positions of the units that stay
    indicators: Integers  # positions of the indicators that stay
    reasons: tuple[str, ...]  # one for each that falls out or is kept against the thresholds
    availability: Availability  # of the whole data set


def availability(values: Floats, applies: Booleans | None = None) -> Availability:
    """Count what is there.

    Parameters
    ----------
    values
        (units, indicators); NaN: no number.
    applies
        (units, indicators) default: all do. What does not apply is not counted.

    Returns
    -------
    Availability
        By unit and by indicator.

    Raises
    ------
    ValueError
        Not two axes, infinite values, or another shape of `applies`.

    Examples
    --------
    >>> found = availability(np.array([[0.0, 2.0, np.nan, 1.0], [3.0, 2.0, 5.0, np.nan]]))
    >>> found.unit_available.tolist(), found.unit_nonzero.round(3).tolist(), found.constant.tolist()
    ([0.75, 0.75], [0.667, 1.0], [False, True, True, True])
    """
    if values.ndim != 2:
        raise ValueError(f"values has shape {values.shape}; it must be (units, indicators)")
    if np.isinf(values).any():
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
    applies = np.ones(values.shape, bool) if applies is None else applies
    if applies.shape != values.shape:
        raise ValueError(f"applies has shape {applies.shape}; it must be {values.shape}")
    there = applies & ~np.isnan(values)
    zero = there & (values == 0)
    x = np.where(there, values, np.nan)
    some = there.any(axis=0)
    low = np.fmin.reduce(x, axis=0, initial=np.inf)
    high = np.fmax.reduce(x, axis=0, initial=-np.inf)
    counts = []
    for axis in (1, 0):
        n = there.sum(axis=axis)
        missing = (applies & ~there).sum(axis=axis).astype(np.int64)
        counts.append((missing, _share(n, applies.sum(axis=axis)), _share(n - zero.sum(axis=axis), n)))
    return Availability(*counts[0], *counts[1], constant=~some | (low == high))


def screen(
    values: Floats,
    least_available: float = 2 / 3,
    least_nonzero: float = 0.0,
    indicator_least_available: float = 0.0,
    indicator_least_nonzero: float = 0.0,
    applies: Booleans | None = None,
    keep: tuple[int, ...] = (),
    drop: tuple[int, ...] = (),
) -> Screened:
    """Leave out indicators, then units, that have too little data or too many zeros.

    Parameters
    ----------
    values
        (units, indicators); NaN: no number.
    least_available, least_nonzero
        Of a unit: share of the applicable indicators (that stayed) with a number, share of its numbers that are not 0.
        COINr's defaults are 0.66 and 0.05.
    indicator_least_available, indicator_least_nonzero
        The same of an indicator over all units.
    applies
        (units, indicators) default: all do.
    keep, drop
        Positions of units that stay or fall out whatever their data.

    Returns
    -------
    Screened
        What is left, with the positions in the data set that came in.

    Raises
    ------
    ValueError
        Thresholds outside 0 to 1, units that are both kept and dropped or do not exist, or nothing left.

    Examples
    --------
    >>> done = screen(np.array([[1.0, 2.0, 3.0], [4.0, np.nan, np.nan], [7.0, 8.0, np.nan]]), least_available=0.6)
    >>> done.units.tolist(), done.reasons
    ([0, 2], ('unit 1: 33 % of its indicators have a number, 60 % are needed',))
    """
    for name, share in (
        ("least_available", least_available),
        ("least_nonzero", least_nonzero),
        ("indicator_least_available", indicator_least_available),
        ("indicator_least_nonzero", indicator_least_nonzero),
    ):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share}; it must be a share, 0 to 1")
    wrong = sorted({u for u in (*keep, *drop) if not 0 <= u < values.shape[0]} | (set(keep) & set(drop)))
    if wrong:
        raise ValueError(f"keep, drop: unit {wrong[0]} does not exist or stands in both")
    found = availability(values, applies)
    applies = np.ones(values.shape, bool) if applies is None else applies
    reasons, kept_indicators = [], []
    for j in range(values.shape[1]):
        there = (found.indicator_available[j], found.indicator_nonzero[j])
        why = _why(*there, indicator_least_available, indicator_least_nonzero, "of the units have a number")
        reasons += [f"indicator {j}: {why}"] if why else []
        kept_indicators += [] if why else [j]
    indicators = np.array(kept_indicators, np.int64)
    if not indicators.size:
        raise ValueError("values: no indicator passes the thresholds; lower them")
    left = availability(values[:, indicators], applies[:, indicators])
    kept_units = []
    for u in range(values.shape[0]):
        there = (left.unit_available[u], left.unit_nonzero[u])
        why = _why(*there, least_available, least_nonzero, "of its indicators have a number")
        if u in drop:
            reasons.append(f"unit {u}: left out by name")
        elif u in keep or not why:
            kept_units.append(u)
            reasons += [f"unit {u}: kept by name, though {why}"] if why else []
        else:
            reasons.append(f"unit {u}: {why}")
    units = np.array(kept_units, np.int64)
    if not units.size:
        raise ValueError("values: no unit passes the thresholds; lower them")
    return Screened(values[np.ix_(units, indicators)], units, indicators, tuple(reasons), found)


def _share(part: Integers, whole: Integers) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return share


def _why(available: float, nonzero: float, least_available: float, least_nonzero: float, what: str) -> str:
    """Why something falls out; blank: it stays. With nothing that applies, or no numbers, a share of them is 0."""
    available, nonzero = float(np.nan_to_num(available)), float(np.nan_to_num(nonzero))
    if available < least_available - TOLERANCE:
        return f"{available:.0%} {what}, {least_available:.0%} are needed".replace("%", " %")
    if nonzero < least_nonzero - TOLERANCE:
        return f"{nonzero:.0%} of its numbers are not 0, {least_nonzero:.0%} are needed".replace("%", " %")
    return ""
