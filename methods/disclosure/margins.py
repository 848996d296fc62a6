"""Rounded margins beside rounded parts: whether together they tell more than the parts alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def margins_tell_nothing(parts: ArrayLike, margins: ArrayLike, base: int = 10, margin_base: int = 100) -> bool:
    """Whether every part may still be anything that its own rounded count allows.

    Parts (units) and margins (strata) divide the same people in two ways. A reader who sees a part as f knows that it
    is from f to f + base - 1; a margin of F that it is from F to F + margin_base - 1; and that both add up to the same.

    Parameters
    ----------
    parts, margins
        Counts as they are shown: rounded down to multiples of `base` and of `margin_base`.
    base, margin_base
        Bases of rounding.

    Returns
    -------
    bool
        True when no part's range becomes narrower by the margins: the least total that the margins allow can be
        reached with any one part at its least, and the greatest with any one part at its greatest.

    Examples
    --------
    >>> margins_tell_nothing([0] * 40, [100, 100])
    True
    >>> margins_tell_nothing([10, 10], [0, 100])   # both must be nearly 20, and are not: the 100 would tell
    False
    """
    of, over = np.asarray(parts, np.int64), np.asarray(margins, np.int64)
    if not of.size or not over.size:
        return True
    least, most = int(over.sum()), int((over + margin_base - 1).sum())
    known = int(of.sum())
    return least <= known + (base - 1) * (of.size - 1) and most >= known + base - 1
