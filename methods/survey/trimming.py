"""Trimming: weights kept within limits, what is cut off going to the others."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers
from methods.survey.columns import checked, coded, totals

Spread = Literal["proportional", "equal"]
BISECTIONS = 60
SLACK = 1e-12


def trim(
    weight: ArrayLike,
    n: ArrayLike | None = None,
    lower: float = 0.0,
    upper: float = np.inf,
    group: ArrayLike | None = None,
    spread: Spread = "proportional",
) -> Floats:
    """Cut weights off at limits and give the difference to the other respondents of the group.

    Parameters
    ----------
    weight : (rows,)
        Weight of each respondent of a row.
    n : (rows,), optional
        Respondents of each row; 1 when left out.
    lower, upper
        Limits.
    group : (rows,), optional
        Groups that keep their weighted totals; one when left out.
    spread
        The others get it in proportion to their weights, or each the same (as `trimWeights` of R's survey).

    Returns
    -------
    (rows,)
        Trimmed weights, with the same total.

    Raises
    ------
    ValueError
        When the limits leave no weights with the same total, or shapes do not fit.

    Notes
    -----
    Trimming exchanges variance for bias: margins that were met are so no longer. `raking.rake` with `limits` keeps both
    where that is possible.

    References
    ----------
    Potter (1990), Proceedings of the Section on Survey Research Methods, American Statistical Association, 225-230.

    Examples
    --------
    >>> trim([1.0, 1.0, 2.0, 8.0], upper=6.0).round(6).tolist()
    [1.5, 1.5, 3.0, 6.0]
    """
    w = checked("weight", weight)
    count = np.ones(len(w)) if n is None else checked("n", n, len(w))
    of_row = np.zeros(len(w), np.int64) if group is None else coded("group", group, len(w))
    if spread not in get_args(Spread):
        raise ValueError(f"spread: {spread!r}; one of {', '.join(get_args(Spread))} is expected")
    if not 0 <= lower < upper:
        raise ValueError(f"lower: {lower:g} with upper {upper:g}; 0 <= lower < upper is expected")
    groups = int(of_row.max(initial=-1)) + 1
    whole, size = totals(of_row, w * count, groups), totals(of_row, count, groups)
    moved = _in_turn(w, count, of_row, whole, lower, upper, spread)
    stuck = np.abs(totals(of_row, moved * count, groups) - whole) > 1e-9 * np.maximum(whole, 1.0)
    if stuck.any():
        moved = np.where(stuck[of_row], _together(w, count, of_row, whole, lower, upper, spread), moved)
    off = np.abs(totals(of_row, moved * count, groups) - whole) > 1e-9 * np.maximum(whole, 1.0)
    if off.any():
        g = int(np.flatnonzero(off)[0])
        raise ValueError(
            f"lower, upper: weights between {lower:g} and {upper:g} cannot add up to {whole[g]:g} over the "
            f"{size[g]:g} respondents of group {g}; the mean weight must lie between them"
        )
    return moved


def _in_turn(
    w: Floats, n: Floats, group: Integers, whole: Floats, lower: float, upper: float, spread: Spread
) -> Floats:
    """Weights cut off at the limits, and the others moved by what was cut off, until these are within."""
    groups = len(whole)
    free = np.ones(len(w), np.bool_)
    while True:
        outside = free & ((w < lower * (1.0 - SLACK)) | (w > upper * (1.0 + SLACK)))
        if not outside.any():
            return w
        w = np.clip(w, lower, upper)
        free &= ~outside
        base = np.where(free, w if spread == "proportional" else 1.0, 0.0)
        rest, share = whole - totals(group, w * n, groups), totals(group, base * n, groups)
        w = w + base * np.divide(rest, share, out=np.zeros(groups), where=share > 0)[group]


def _together(
    w: Floats, n: Floats, group: Integers, whole: Floats, lower: float, upper: float, spread: Spread
) -> Floats:
    """Weights moved by a common factor (or amount) of their group and cut off, when nobody is left to move alone."""

    def move(by: Floats) -> Floats:
        moved = w * by[group] if spread == "proportional" else w + by[group]
        return np.asarray(np.clip(moved, lower, upper), np.float64)

    groups = len(whole)
    if not len(w):
        return w
    if spread == "proportional":
        least = w[w > 0].min(initial=np.inf)
        low, high = np.zeros(groups), np.full(groups, upper / least if np.isfinite(upper) and least > 0 else 1.0)
    else:
        low = np.full(groups, lower - w.max())
        high = np.full(groups, upper - w.min() if np.isfinite(upper) else 0.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        above = totals(group, move(middle) * n, groups) > whole
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    found = move(low)
    # the last step is exact: what is left goes to who is strictly within the limits
    free = (found > lower) & (found < upper)
    base = np.where(free, found if spread == "proportional" else 1.0, 0.0)
    rest, share = whole - totals(group, found * n, groups), totals(group, base * n, groups)
    added = base * np.divide(rest, share, out=np.zeros(groups), where=share > 0)[group]
    return np.asarray(found + added, np.float64)
