"""Where forged answers pay most.

The attacker is the best there is: knows the weights, the answers of every stratum and the index, and claims whatever
stratum pays most. So a figure says how little can be enough, not how much a clumsy attacker needs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from methods.forging.respondents import Moved, Respondents, after_adding, after_replacing, fallen
from methods.inputs import Floats, Integers

STEPS = 60  # halvings of a multiplier
ROUNDS = 3  # of an allocation towards the mean that it gives itself
FIXED = 1e6  # weights that do not give way: as if the calibrated cell were that many times the unit's own


def best_addition(who: Respondents, number: Floats, worth: Floats, top: Floats, most: Floats | None = None) -> Floats:
    """How an attacker spreads a number of forged responses over the strata that may be claimed.

    With post-stratified weights the gain is sum_h P_h F_h (s - m_h) / (n_h + F_h), greatest at
    F_h = max(0, kappa sqrt(P_h n_h (s - m_h)) - n_h). Where calibration holds a cell for several units together, what
    is held for the others resists: with O_h their weight in units of this one's, F_h = max(0, kappa sqrt(T_h q_h) -
    O_h - n_h) and q_h = (s - y) O_h + n_h (s - m_h), which is the former at O_h = 0, and all into the heaviest stratum
    when the cell is large. `y` is the mean that the attack reaches, found by repeating.

    Parameters
    ----------
    number
        (units,) forged responses of each unit.
    worth
        (units, items) what a point of an item's direct estimate is worth in the index; negative where less is better.
    top
        (items,) score of a forged answer, the best there is.
    most
        (frames,) codes that a design cell has; None: no limit.

    Returns
    -------
    Floats
        (rows,) fractions, which sum to `number` (to all that `most` leaves, where that is less).

    Examples
    --------
    >>> zero, cell, ten = np.zeros(2, int), np.array([[0], [1]]), np.full((2, 1), 10.0)
    >>> who = Respondents(zero, zero, cell, ten, np.ones(2), ten[:, 0], ten, np.array([[900.0], [500.0]]), units=1)
    >>> best_addition(who, np.array([10.0]), np.ones((1, 1)), np.array([100.0])).round(1).tolist()   # to the lower mean
    [0.0, 10.0]
    """
    number = np.asarray(number, np.float64)
    y = _reached(who, np.zeros(len(who.unit)), top, after_adding)
    own = np.bincount(who.unit, who.weight * who.n, who.units)
    mean_weight = own / np.maximum(np.bincount(who.unit, who.n, who.units), 1e-300)
    unit_weight = np.where(own > 0, mean_weight, 1.0)[who.unit]
    w = np.maximum(who.weight, 1e-12 * np.maximum(unit_weight, 1e-300))
    heaviest = np.zeros(who.units)
    np.maximum.at(heaviest, who.unit, who.weight)
    cap = FIXED * np.maximum(own, heaviest)[who.unit]
    # what several margins hold resists together
    with np.errstate(divide="ignore"):
        resists = np.where(who.cell >= 0, 1.0 / who.held, 0.0).sum(axis=1)
        held = np.clip(np.where(resists > 0, 1.0 / resists, np.inf), w * who.n, np.maximum(cap, w * who.n))
    everyone = np.bincount(who.unit, who.n, who.units)
    share = np.divide(who.n, everyone[who.unit], out=np.ones_like(who.n), where=everyone[who.unit] > 0)
    allocation = share * number[who.unit]
    totals = _answered(who)
    per = np.divide(worth, totals, out=np.zeros_like(worth), where=totals > 0)
    per = np.where(totals.sum(axis=1, keepdims=True) > 0, per, worth)  # nobody answered yet: every stratum is as good
    for _ in range(ROUNDS):
        # weights of the design cell fall as codes are used, and those of other units count for more
        others = (held - w * who.n) / (w * fallen(who, allocation))
        mean = np.where(np.isnan(y), 0.0, y)
        e = np.maximum(np.sum(per * (top - mean), axis=1), 0.0)[who.unit]
        a = np.sum(per[who.unit] * (who.item_sum - mean[who.unit] * who.item_n), axis=1)
        q = np.maximum(e * (others + who.n) - a, 0.0)
        allocation = _filled(who, number, np.sqrt(held * q), others + who.n, most)
        y = _reached(who, allocation, top, after_adding)
    return allocation


def _answered(who: Respondents) -> Floats:
    """(units, items) weight of the scores."""
    columns = [np.bincount(who.unit, who.weight * column, who.units) for column in who.item_n.T]
    return np.stack(columns, axis=1) if columns else np.zeros((who.units, 0))


def _reached(
    who: Respondents, moved: Floats, top: Floats, after: Callable[[Respondents, Floats, Floats], Moved]
) -> Floats:
    return after(who, moved, top).direct


def _filled(who: Respondents, number: Floats, slope: Floats, start: Floats, most: Floats | None) -> Floats:
    """(rows,) max(0, kappa slope - start) with kappa such that each unit's sum is its number."""
    frames = int(who.frame.max(initial=-1)) + 1
    limit = np.full(len(who.unit), np.inf)
    if most is not None:
        # a design cell that runs out of codes stops at a kappa of its own
        limit = _kappa(who.frame, frames, np.asarray(most, np.float64), slope, start, None)[who.frame]
        have = np.bincount(who.unit, minlength=who.units)
        room = np.zeros(who.units)
        np.add.at(room, _unit_of_frame(who, frames), np.asarray(most, np.float64))
        number = np.minimum(number, np.where(have > 0, room, 0.0))
    kappa = _kappa(who.unit, who.units, number, slope, start, limit)
    raw = np.maximum(np.minimum(kappa[who.unit], limit) * slope - start, 0.0)
    total = np.bincount(who.unit, raw, who.units)
    scale = np.divide(number, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(raw * scale[who.unit], np.float64)


def _unit_of_frame(who: Respondents, frames: int) -> Integers:
    unit = np.zeros(frames, np.int64)
    unit[who.frame] = who.unit
    return unit


def _kappa(of: Integers, groups: int, number: Floats, slope: Floats, start: Floats, limit: Floats | None) -> Floats:
    """(groups,) the multiplier at which a group's rows sum to its number, by halving on a logarithmic scale."""
    positive = slope > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(positive, start / slope, np.inf)
    low = np.full(groups, np.inf)
    np.minimum.at(low, of, first)
    steep = np.zeros(groups)
    np.maximum.at(steep, of, np.where(positive, slope, 0.0))
    usable = np.isfinite(low) & (steep > 0)
    low = np.where(usable, low, 0.0)
    # at the latest the steepest row alone holds the number, as long as no other limit stops it
    top = np.zeros(groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.maximum.at(top, of, np.where(positive, (start + number[of]) / slope, 0.0))
    high = np.where(usable, np.maximum(top, low), 0.0)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        at = middle[of] if limit is None else np.minimum(middle[of], limit)
        total = np.bincount(of, np.maximum(at * slope - start, 0.0), groups)
        over = total > number
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return high


def best_replacement(who: Respondents, number: Floats, worth: Floats, top: Floats) -> Floats:
    """Which respondents an attacker replaces: those of the rows where one counts most, until none is left.

    Returns
    -------
    Floats
        (rows,) at most `who.n`, and as many as `number` where a unit has so many.

    Examples
    --------
    >>> zero, cell, ten = np.zeros(2, int), np.array([[0], [1]]), np.full((2, 1), 10.0)
    >>> who = Respondents(zero, zero, cell, ten, np.ones(2), ten[:, 0], ten, np.array([[900.0], [500.0]]), units=1)
    >>> best_replacement(who, np.array([12.0]), np.ones((1, 1)), np.array([100.0])).tolist()
    [2.0, 10.0]
    """
    number = np.asarray(number, np.float64)
    totals = _answered(who)
    per = np.divide(worth, totals, out=np.zeros_like(worth), where=totals > 0)
    y = _reached(who, np.zeros(len(who.unit)), top, after_replacing)
    replaced = np.zeros(len(who.unit))
    for _ in range(ROUNDS):
        mean = np.where(np.isnan(y), 0.0, y)
        e = np.sum(per * (top - mean), axis=1)[who.unit]
        a = np.sum(per[who.unit] * (who.item_sum - mean[who.unit] * who.item_n), axis=1)
        gain = who.weight * (e - np.divide(a, who.n, out=np.zeros_like(a), where=who.n > 0))
        order = np.lexsort((-gain, who.unit))
        n = who.n[order]
        unit = who.unit[order]
        through = np.cumsum(n)
        before_unit = np.concatenate([[0.0], np.cumsum(np.bincount(unit, n, who.units))])[:-1]
        before = through - n - before_unit[unit]
        replaced = np.zeros(len(who.unit))
        replaced[order] = np.clip(number[unit] - before, 0.0, n)
        y = _reached(who, replaced, top, after_replacing)
    return replaced
