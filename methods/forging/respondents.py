"""What forged answers do to a unit's direct estimates: through design weights and calibration.

An attacker answers with the best codes on every item: unused codes are answered, or given answers are replaced. All
items of a response move together. The scheme and everything fitted (variances, regression, other units) stay as they
are, so that the estimate of one unit is a closed form of its own responses; that closed form is checked against rating
again (`benchmarks/forging.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats, Integers

SWEEPS = 6  # over the margins, after answers came in


@dataclass(frozen=True, slots=True)
class Respondents:
    """A unit's respondents of equal weight, a row each group of them.

    A row with n = 0 is a stratum that nobody claimed yet, with the weight that a response there would have.
    """

    unit: Integers  # (rows,) 0 .. units - 1
    frame: Integers  # (rows,) design cell that codes come from, in one unit; as responses rise, their weights fall
    cell: Integers  # (rows, margins) calibrated cell of the unit, numbered over all units; -1: not calibrated
    held: Floats  # (rows, margins) weight that calibration keeps for the cell, in all units that it holds; 0 for -1
    weight: Floats  # (rows,) calibrated weight of one respondent
    n: Floats  # (rows,) respondents
    item_n: Floats  # (rows, items) with a score
    item_sum: Floats  # (rows, items) sum of their scores
    units: int
    factor: Floats | None = None  # (rows,) calibration factor within `weight`; None: never at a limit
    limits: tuple[float, float] = (0.0, np.inf)  # of the factor
    falls: bool = True  # weights are frame / responded; else responses brought their own, which do not fall

    def __post_init__(self) -> None:
        rows = len(self.unit)
        for name in ("frame", "weight", "n"):
            if getattr(self, name).shape != (rows,):
                raise ValueError(f"{name} must have one value for each of the {rows} rows")
        if self.cell.ndim != 2 or len(self.cell) != rows or self.held.shape != self.cell.shape:
            raise ValueError(f"cell and held must both be ({rows}, margins)")
        if self.item_n.shape != self.item_sum.shape or self.item_n.ndim != 2 or len(self.item_n) != rows:
            raise ValueError(f"item_n and item_sum must both be ({rows}, items)")
        for name in ("weight", "held", "n", "item_n"):
            values = getattr(self, name)
            if not (np.isfinite(values) & (values >= 0)).all():
                raise ValueError(f"{name} must be finite and 0 or more")
        if not np.isfinite(self.item_sum).all():
            raise ValueError("item_sum must be finite; a stratum without scores has the sum 0")
        if (self.item_n > self.n[:, None] + 1e-9).any():
            raise ValueError("item_n is greater than n; no item has more scores than respondents")
        if rows and not 0 <= int(self.unit.min()) <= int(self.unit.max()) < self.units:
            raise ValueError(f"unit must be from 0 to {self.units - 1}")


@dataclass(frozen=True, slots=True)
class Moved:
    """Where an attack brings the direct estimates."""

    direct: Floats  # (units, items); NaN without a score
    effective: Floats  # (units, items) respondents after the loss by unequal weights (Kish)
    n: Floats  # (units, items) respondents with a score


def after_adding(who: Respondents, added: Floats, top: Floats) -> Moved:
    """Direct estimates after so many responses with the top score on every item were added to each row.

    Weights: the design cell's frame stands for one and all, so its weights fall to n / (n + F); calibration keeps the
    total of each cell, so that the cell's factors fall with what came in, within their limits. Respondents of other
    units keep their weights: what one unit's answers do to them is left out.

    Parameters
    ----------
    who
        The respondents that there are.
    added
        (rows,) forged responses, 0 or more, fractions allowed.
    top
        (items,) score of a forged answer.

    Examples
    --------
    >>> zero, n, cell = np.zeros(2, int), np.array([30.0, 10.0]), np.array([[0], [1]])
    >>> held, weight = np.full((2, 1), 30.0), np.array([1.0, 3.0])
    >>> who = Respondents(zero, zero, cell, held, weight, n, n[:, None], 60 * n[:, None], units=1)
    >>> float(after_adding(who, np.array([0.0, 10.0]), np.array([100.0])).direct[0, 0])   # post-stratified: 60 and 80
    70.0
    """
    added = np.asarray(added, np.float64)
    if added.shape != who.n.shape or not (np.isfinite(added) & (added >= 0)).all():
        raise ValueError(f"added must be {len(who.n)} finite numbers, 0 or more")
    fall = fallen(who, added)
    move = np.ones(len(who.unit))
    now = who.weight * fall * (who.n + added)
    margins = []
    for cell, held in zip(who.cell.T, who.held.T, strict=True):
        known = cell >= 0
        cells = int(cell.max(initial=-1)) + 1
        before = np.bincount(cell[known], (who.weight * who.n)[known], cells)
        whole = np.zeros(cells)
        whole[cell[known]] = held[known]
        margins.append((known, cell, np.maximum(whole - before, 0.0), np.maximum(whole, before)))
    for _ in range(SWEEPS if len(margins) > 1 else 1):
        for known, cell, others, whole in margins:
            own = np.bincount(cell[known], (now * move)[known], len(whole))
            with np.errstate(divide="ignore", invalid="ignore"):
                step = np.where(others + own > 0, whole / (others + own), 1.0)
            move[known] *= step[cell[known]]
    if who.factor is not None:
        move = np.clip(who.factor * move, *who.limits) / who.factor
    return _means(who, who.weight * fall * move, who.item_n + added[:, None], who.item_sum + added[:, None] * top)


def fallen(who: Respondents, added: Floats) -> Floats:
    """(rows,) what is left of a design weight when so many more of its design cell respond: n / (n + F).

    Examples
    --------
    >>> zero, n = np.zeros(2, int), np.array([30.0, 10.0])
    >>> none = np.zeros((2, 0))
    >>> who = Respondents(zero, zero, none.astype(int), none, np.ones(2), n, n[:, None], 60 * n[:, None], units=1)
    >>> fallen(who, np.array([40.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    if not who.falls:
        return np.ones(len(who.unit))
    frames = int(who.frame.max(initial=-1)) + 1
    n, come = np.bincount(who.frame, who.n, frames), np.bincount(who.frame, added, frames)
    # a design cell that nobody answered has no weights to fall from
    return np.asarray(np.divide(n, n + come, out=np.ones(frames), where=n > 0)[who.frame], np.float64)


def after_replacing(who: Respondents, replaced: Floats, top: Floats) -> Moved:
    """Direct estimates after so many of each row's respondents were replaced by ones with the top score on every item.

    Numbers and weights stay; those who are left keep their mean.

    Parameters
    ----------
    replaced
        (rows,) at most `who.n`.

    Examples
    --------
    >>> zero, none, n = np.zeros(1, int), np.zeros((1, 0)), np.array([10.0])
    >>> who = Respondents(zero, zero, none.astype(int), none, np.ones(1), n, n[:, None], 60 * n[:, None], units=1)
    >>> float(after_replacing(who, np.array([5.0]), np.array([100.0])).direct[0, 0])
    80.0
    """
    replaced = np.asarray(replaced, np.float64)
    if replaced.shape != who.n.shape or not (np.isfinite(replaced) & (replaced >= 0)).all():
        raise ValueError(f"replaced must be {len(who.n)} finite numbers, 0 or more")
    if (replaced > who.n + 1e-9).any():
        raise ValueError("replaced is greater than n; nobody can be replaced twice")
    share = np.divide(replaced, who.n, out=np.zeros_like(replaced), where=who.n > 0)
    left = (1.0 - share)[:, None]
    item_n = who.item_n * left + replaced[:, None]
    return _means(who, who.weight, item_n, who.item_sum * left + replaced[:, None] * top)


def _means(who: Respondents, weight: Floats, item_n: Floats, item_sum: Floats) -> Moved:
    items = item_n.shape[1]

    def over(values: Floats) -> Floats:
        return np.stack([np.bincount(who.unit, values[:, k], who.units) for k in range(items)], axis=1)

    if not items:
        return Moved(*(np.zeros((who.units, 0)) for _ in range(3)))
    w = weight[:, None]
    total = over(w * item_n)
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = np.where(total > 0, over(w * item_sum) / total, np.nan)
        effective = np.where(total > 0, total**2 / over(w * w * item_n), 0.0)
    return Moved(direct, effective, over(item_n))
