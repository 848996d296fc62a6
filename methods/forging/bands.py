"""The smallest number of forged answers, and the bands in which it is published: exact numbers would be a manual."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Integers

BANDS = ((10, "under_10"), (50, "10_to_50"), (200, "50_to_200"))  # below the number: the name
MORE, IMPOSSIBLE = "more", "impossible"
STEP = 1.5  # from one rung of the ladder to the next


def band_of(number: int) -> str:
    """The band in which a number of forged responses is published; negative: no number is enough.

    Examples
    --------
    >>> [band_of(number) for number in (1, 10, 50, 1000, -1)]
    ['under_10', '10_to_50', '50_to_200', 'more', 'impossible']
    """
    if number < 0:
        return IMPOSSIBLE
    return next((name for least, name in BANDS if number < least), MORE)


def smallest(passes: Callable[[Integers], NDArray[np.bool_]], most: Integers) -> Integers:
    """The smallest number that passes, for each unit: up a ladder of growing steps, then by halving.

    Parameters
    ----------
    passes
        Whether each unit's number is enough. Where more answers can make it fail again (they bring an indicator into
        the index that was withheld), the first step of the ladder that passes counts.
    most
        (units,) greatest number to try, 0 or more.

    Returns
    -------
    Integers
        (units,) from 0 to `most`; -1 where even `most` does not pass.

    Examples
    --------
    >>> smallest(lambda number: number >= np.array([3, 0, 9]), np.array([5, 5, 5])).tolist()
    [3, 0, -1]
    """
    most = np.asarray(most, np.int64)
    if (most < 0).any():
        raise ValueError("most is negative; it must be 0 or more")
    found = passes(np.zeros_like(most))
    nothing = found.copy()
    low, high = np.zeros_like(most), np.zeros_like(most)
    while (~found & (high < most)).any():
        above = np.minimum(np.maximum(high + 1, (high * STEP).astype(np.int64)), most)
        open_ = ~found & (high < most)
        low, high = np.where(open_, high, low), np.where(open_, above, high)
        found |= open_ & passes(high)
    while (found & ~nothing & (high - low > 1)).any():
        middle = np.where(found & ~nothing, (low + high) // 2, high)
        enough = passes(middle)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(nothing, 0, np.where(found, high, -1)).astype(np.int64)
