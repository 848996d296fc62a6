"""Numbers that are shown more than once: no two showings may differ by a few people."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Integers


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
