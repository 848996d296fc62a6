"""Many lists at once: the answers to one question by code, with their sum known, for every unit.

A list is the simplest table, so the rule has a closed form and needs no linear programme: hidden parts that add up to s
can each be anything from 0 to s, and s must be at least the threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from methods.inputs import Floats


def hide_in_lists(counts: ArrayLike, threshold: int = 10) -> NDArray[np.bool_]:
    """Parts of each list that must not be shown.

    Parameters
    ----------
    counts : (lists, parts)
        How many gave each answer. The sum of each list counts as known.
    threshold
        Counts from 1 to below it are small.

    Returns
    -------
    (lists, parts) of bool
        True where a part must be hidden: small ones, then the next greater ones until the hidden parts add up to the
        threshold. A list with fewer than `threshold` in all, and one where all gave the same answer, is hidden whole:
        it tells what each of them answered.

    Examples
    --------
    >>> hide_in_lists([[3, 20, 31], [3, 8, 40], [0, 25, 30], [0, 0, 55]]).astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]]
    """
    whole = _counts("counts", counts)
    hidden = _prefix(whole, _small(whole, threshold), threshold)
    hidden[_unanimous(whole)] = True
    return hidden


def hide_in_nested_lists(
    counts: ArrayLike, part: ArrayLike, threshold: int = 10
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The same for lists that are shown twice: of everybody, and of a part (without flagged responses).

    The difference of the two is a third list, of those left out; none of the three may show a small count.

    Parameters
    ----------
    counts : (lists, codes)
        Of everybody.
    part : (lists, codes)
        Of the part, at most as many.
    threshold
        Counts from 1 to below it are small.

    Returns
    -------
    hidden : (lists, codes) of bool
        Codes that neither list may show: those of `hide_in_lists`, so that the list of everybody loses nothing by the
        other.
    withheld : (lists,) of bool
        Where the list of the part must not be shown at all, because it or its difference would tell a small count.

    Examples
    --------
    >>> hidden, withheld = hide_in_nested_lists([[50, 40, 30], [50, 40, 30]], [[38, 28, 17], [45, 40, 30]])
    >>> hidden.astype(int).tolist(), withheld.tolist()
    ([[0, 0, 0], [0, 0, 0]], [False, True])
    """
    whole, kept = _counts("counts", counts), _counts("part", part)
    if whole.shape != kept.shape or np.any(kept > whole):
        raise ValueError("part: as many lists and codes as in counts, and no more people, are expected")
    hidden = hide_in_lists(whole, threshold)
    withheld = (_unanimous(kept) | _unanimous(whole - kept)) & ~hidden.all(axis=1)
    for some in (kept, whole - kept):
        together = np.where(hidden, some, 0.0).sum(axis=1)
        for known in (some.sum(axis=1), together):
            withheld |= (known > 0) & (known < threshold)
        withheld |= (_small(some, threshold) & ~hidden).any(axis=1)
    return hidden, withheld


def _counts(name: str, values: ArrayLike) -> Floats:
    found = np.asarray(values, np.float64)
    if found.ndim != 2 or not np.isfinite(found).all() or np.any(found < 0):
        raise ValueError(f"{name}: counts of shape (lists, parts) are expected")
    return found


def _small(counts: Floats, threshold: int) -> NDArray[np.bool_]:
    return np.asarray((counts > 0) & (counts < threshold), bool)


def _unanimous(counts: Floats) -> NDArray[np.bool_]:
    total = counts.sum(axis=1)
    return np.asarray((total > 0) & (counts.max(axis=1, initial=0.0) == total), bool)


def _prefix(counts: Floats, small: NDArray[np.bool_], threshold: int) -> NDArray[np.bool_]:
    """Small parts first, then the others from the least up, as many as it takes; nothing where nothing is small."""
    lists, parts = counts.shape
    if not parts:
        return np.zeros((lists, 0), bool)
    order = np.lexsort((counts, counts <= 0, ~small), axis=1)
    added = np.cumsum(np.take_along_axis(counts, order, axis=1), axis=1)
    enough = (np.arange(1, parts + 1) >= small.sum(axis=1)[:, None]) & (added >= threshold)
    enough[:, -1] = True
    number = np.where(small.any(axis=1), enough.argmax(axis=1) + 1, 0)
    hidden = np.zeros((lists, parts), bool)
    np.put_along_axis(hidden, order, np.arange(parts) < number[:, None], axis=1)
    return hidden
