"""Answers as a matrix of integer codes: what every figure of response quality starts from.

A row is a response, a column an item, a number the position of the chosen code in the order of the questionnaire, and
-1 an answer that is not there (skipped, or never asked).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Codes = NDArray[np.signedinteger[Any]]  # (responses, items)
MISSING = -1


def checked_codes(codes: ArrayLike, items: int = 1) -> Codes:
    """The matrix of codes, or an error that says what is wrong with it.

    Parameters
    ----------
    codes
        (responses, items) whole numbers from 0, or -1 where there is no answer.
    items
        Least number of columns.

    Raises
    ------
    ValueError
        When `codes` has another shape, holds something else than whole numbers, or a number below -1.

    Examples
    --------
    >>> checked_codes([[0, 2, -1]]).shape
    (1, 3)
    """
    found = np.asarray(codes)
    if found.ndim != 2:
        raise ValueError(f"codes has {found.ndim} dimensions; it must be (responses, items)")
    if found.shape[1] < items:
        raise ValueError(f"codes has {found.shape[1]} items; at least {items} are needed")
    if not np.issubdtype(found.dtype, np.integer):
        if found.size:
            raise ValueError(f"codes is of type {found.dtype}; it must be whole numbers, -1 where there is no answer")
        found = found.astype(np.int64)
    if np.issubdtype(found.dtype, np.unsignedinteger):
        found = found.astype(np.int64)
    if found.size and found.min() < MISSING:
        raise ValueError(f"codes holds {found.min()}; codes count from 0, and -1 is no answer")
    return found


def checked_items(items: Sequence[int], count: int, name: str = "items") -> NDArray[np.intp]:
    """Positions of columns, or an error that names the one that is not there.

    Examples
    --------
    >>> checked_items((0, 2), 3).tolist()
    [0, 2]
    """
    found = np.asarray(items)
    if found.ndim != 1 or not found.size or not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"{name} must be positions of items, at least one")
    outside = found[(found < 0) | (found >= count)]
    if outside.size:
        raise ValueError(f"{name} holds {outside[0]}; there are {count} items, counted from 0")
    if np.unique(found).size < found.size:
        raise ValueError(f"{name} names an item twice; name each once")
    return found.astype(np.intp)


def reverse(codes: ArrayLike, items: Sequence[int], highest: ArrayLike) -> Codes:
    """Turn reversed items round, so that a high code means the same everywhere. A missing answer stays missing.

    Longstring and IRV take answers as they were shown and must not be given this; even-odd consistency and the
    contradictions of scales need it.

    Parameters
    ----------
    codes
        (responses, items).
    items
        Columns to turn round.
    highest
        Greatest code, one number or one for each of `items`.

    Examples
    --------
    >>> reverse([[0, 4], [-1, 1]], items=[1], highest=4).tolist()
    [[0, 0], [-1, 3]]
    """
    found = checked_codes(codes).copy()
    at = checked_items(items, found.shape[1])
    top = np.broadcast_to(np.asarray(highest, np.int64), at.shape)
    for column, most in zip(at, top, strict=True):
        values = found[:, column]
        if values.size and values.max() > most:
            raise ValueError(f"highest is {most}, but item {column} holds the code {values.max()}")
        found[:, column] = np.where(values == MISSING, MISSING, most - values)
    return found


def encode(answers: Sequence[str | None] | NDArray[np.object_], codes: Sequence[str]) -> Codes:
    """One item's answers as positions in its list of codes; blanks and None are -1.

    Parameters
    ----------
    answers
        (responses,) texts.
    codes
        Every code that the item knows, in its order.

    Raises
    ------
    ValueError
        When an answer is not among `codes`.

    Examples
    --------
    >>> encode(["full", "", "none", None], ["full", "part", "none"]).tolist()
    [0, -1, 2, -1]
    """
    texts = np.array(["" if text is None else text for text in answers], dtype=object)
    if len(set(codes)) < len(codes):
        raise ValueError("codes names a code twice")
    position = {code: k for k, code in enumerate(codes)} | {"": MISSING}
    values, where = np.unique(texts.astype(str), return_inverse=True)
    strange = [value for value in values.tolist() if value not in position]
    if strange:
        raise ValueError(f"answers holds {strange[0]!r}, which is not among the codes {', '.join(codes)}")
    return np.array([position[value] for value in values.tolist()], np.int16)[where.ravel()]
