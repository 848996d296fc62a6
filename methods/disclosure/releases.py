"""Numbers that are shown more than once: no two showings may differ by a few people."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers


def release(new: ArrayLike, released_before: ArrayLike, threshold: int = 10) -> Floats:
    """What to show of counts that were shown before.

    Parameters
    ----------
    new : (cells,)
        Counts as they are now.
    released_before : (cells,) or (releases, cells)
        What was shown before, the last release last; NaN where a cell was not shown.
    threshold
        Least difference that may be seen, and least count.

    Returns
    -------
    (cells,)
        The new count where it is 0 or at least `threshold`, and differs from everything that was shown of the cell by
        0 or at least `threshold`; else what was shown last (NaN when nothing was).

    Notes
    -----
    It looks at each cell alone. Sums of cells that are released at different times must be sums of what is shown, or
    the difference of a sum tells what its cells hide.

    Examples
    --------
    >>> release([57, 61, 9, 30, 0], [[50, 50, np.nan, 30, np.nan]]).tolist()
    [50.0, 61.0, nan, 30.0, 0.0]
    >>> release([52], [[40], [62]]).tolist()   # 12 more than once and 10 fewer than the last time
    [52.0]
    """
    now = np.asarray(new, np.float64)
    before = np.atleast_2d(np.asarray(released_before, np.float64))
    if now.ndim != 1 or before.shape[1] != len(now):
        raise ValueError(f"released_before: one number for each of {now.size} cells is expected, or rows of them")
    if np.isnan(now).any() or np.any(now < 0):
        raise ValueError("new: counts are expected")
    last = np.full(len(now), np.nan)
    for one in before:
        last = np.where(np.isnan(one), last, one)
    away = np.abs(now - before)
    allowed = (np.isnan(before) | (away == 0) | (away >= threshold)).all(axis=0) & ((now == 0) | (now >= threshold))
    return np.asarray(np.where(allowed, now, last), np.float64)


def rounded_down(counts: ArrayLike, base: int = 10) -> Integers:
    """Counts rounded down to a multiple of the base: any two showings differ by 0 or by at least the base.

    Nothing has to be remembered, and nothing else that is published makes the differences smaller. 0 says "fewer than
    the base". Show sums of rounded counts, not rounded sums beside them.

    Examples
    --------
    >>> rounded_down([0, 9, 10, 19, 57]).tolist()
    [0, 0, 10, 10, 50]
    """
    if base < 1:
        raise ValueError(f"base is {base}; it must be at least 1")
    found = np.asarray(counts)
    if not np.issubdtype(found.dtype, np.integer) or np.any(found < 0):
        if found.size:
            raise ValueError("counts: whole numbers from 0 are expected")
        found = found.astype(np.int64)
    return np.asarray(found // base * base, np.int64)
