"""The smallest number of forged answers, and the bands in which it is published: exact numbers would be a manual."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Integers

BANDS = ((10, "under_10"), (50, "10_to_50"), (200, "50_to_200"))  # below the number: the name
MORE, IMPOSSIBLE = "more", "impossible"


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
    """The smallest number that passes, for each unit, by halving.

    Parameters
    ----------
    passes
        Whether each unit's number is enough; once it is, more is too.
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
    nothing = passes(np.zeros_like(most))
    everything = passes(most)
    low, high = np.zeros_like(most), most.copy()
    open_ = everything & ~nothing
    while (open_ & (high - low > 1)).any():
        middle = np.where(open_, (low + high) // 2, high)
        enough = passes(middle)
        high = np.where(open_ & enough, middle, high)
        low = np.where(open_ & ~enough, middle, low)
    return np.where(nothing, 0, np.where(everything, high, -1)).astype(np.int64)
