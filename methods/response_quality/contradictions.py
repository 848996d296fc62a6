"""Answers that cannot both be true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Integers
from methods.response_quality.answers import checked_codes


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Answers to different items that cannot all be true of one respondent."""

    name: str
    answers: tuple[tuple[int, tuple[int, ...]], ...]  # (item, its codes): one of these codes on every one of the items


def contradictions(codes: ArrayLike, registered: Sequence[Contradiction]) -> Integers:
    """How many of the registered contradictions each response holds.

    Parameters
    ----------
    codes
        (responses, items). A missing answer contradicts nothing. The codes of a contradiction are those of the item as
        it is: reversed items are not turned round.
    registered
        At least two items each.

    Returns
    -------
    Integers
        (responses,).

    Raises
    ------
    ValueError
        When a contradiction names one item only, an item that is not there, or no code.

    Examples
    --------
    >>> never_yet_late = Contradiction("never_yet_late", ((0, (2,)), (1, (0, 1))))
    >>> contradictions([[2, 0], [2, -1], [0, 0]], [never_yet_late]).tolist()
    [1, 0, 0]
    """
    answers = checked_codes(codes)
    total = np.zeros(len(answers), np.int64)
    for one in registered:
        items = [item for item, _ in one.answers]
        if len(set(items)) < 2:
            raise ValueError(f"contradiction {one.name!r} must name at least two different items")
        holds = np.ones(len(answers), bool)
        for item, values in one.answers:
            if not 0 <= item < answers.shape[1]:
                raise ValueError(f"contradiction {one.name!r} names item {item}; there are {answers.shape[1]} items")
            if not values or min(values) < 0:
                raise ValueError(f"contradiction {one.name!r} needs codes of item {item}, each 0 or more")
            holds &= np.isin(answers[:, item], values)
        total += holds
    return total
