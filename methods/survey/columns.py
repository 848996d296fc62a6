"""Columns of numbers and codes as they come in: checked once, with errors that name them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from methods.inputs import Floats, Integers


def checked(name: str, values: ArrayLike, rows: int | None = None, least: float | None = 0.0) -> Floats:
    """One finite column as floats, or an error that names it.

    Examples
    --------
    >>> checked("weight", [1, 2])
    array([1., 2.])
    """
    column = np.asarray(values, np.float64)
    if column.ndim != 1:
        raise ValueError(f"{name}: one column is expected, not an array of shape {column.shape}")
    if rows is not None and len(column) != rows:
        raise ValueError(f"{name}: {len(column)} values for {rows} rows; give one for each row")
    wrong = ~np.isfinite(column)
    if least is not None:
        wrong |= column < least
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        bound = "" if least is None else f", {least:g} or more"
        raise ValueError(f"{name}: {column[at]:g} in row {at}; finite numbers are expected{bound}")
    return column


def coded(name: str, values: ArrayLike, rows: int, least: int = 0, size: int | None = None) -> Integers:
    """One column of integer codes from `least` to `size` - 1, or an error that names it.

    Examples
    --------
    >>> coded("stratum", [0, 1, 1], 3)
    array([0, 1, 1])
    """
    given = np.asarray(values)
    if given.shape != (rows,):
        raise ValueError(f"{name}: shape {given.shape} for {rows} rows; give one code for each row")
    if rows and not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"{name}: integer codes are expected, not {given.dtype} (see numpy.unique, return_inverse)")
    codes = given.astype(np.int64)
    if rows and codes.min() < least:
        raise ValueError(f"{name}: {codes.min()} in row {int(codes.argmin())}; codes begin at {least}")
    if rows and size is not None and codes.max() >= size:
        raise ValueError(f"{name}: {codes.max()} in row {int(codes.argmax())}; there are only {size}, from 0")
    return codes


def relabelled(key: Integers, size: int) -> tuple[Integers, Integers]:
    """The distinct values of `key` (from 0, below `size`) in order, and each row's position among them.

    Examples
    --------
    >>> relabelled(np.array([7, 2, 7]), 9)
    (array([2, 7]), array([1, 0, 1]))
    """
    if size > 4 * len(key) + 4096:
        values, position = np.unique(key, return_inverse=True)
        return values, position
    present = np.zeros(size, np.bool_)
    present[key] = True
    values = np.flatnonzero(present)
    place = np.empty(size, np.int32 if len(values) < 2**31 else np.int64)  # narrow: more of it stays in the cache
    place[values] = np.arange(len(values), dtype=place.dtype)
    return values, place[key].astype(np.int64)


def totals(index: Integers, weight: Floats, size: int) -> Floats:
    """(size,) sums of `weight` over rows with equal index.

    Examples
    --------
    >>> totals(np.array([0, 1, 0]), np.array([1.0, 2.0, 3.0]), 3).tolist()
    [4.0, 2.0, 0.0]
    """
    return np.asarray(np.bincount(index, weight, minlength=size), np.float64)


def sums(index: Integers, size: int, values: Floats, weight: Floats | None = None) -> Floats:
    """Sums of rows with equal index: (size, columns) from `values` (rows, columns), times `weight` (rows,).

    Examples
    --------
    >>> sums(np.array([0, 1, 0]), 2, np.array([[1.0], [2.0], [3.0]])).tolist()
    [[4.0], [2.0]]
    """
    rows, columns = values.shape
    if columns <= 4:
        total = np.empty((size, columns))
        for k in range(columns):
            column = values[:, k] if weight is None else values[:, k] * weight
            total[:, k] = np.bincount(index, column, minlength=size)
        return total
    data = np.ones(rows) if weight is None else weight
    scatter = sparse.csc_array((data, index, np.arange(rows + 1)), shape=(size, rows))
    return np.asarray(scatter @ values, np.float64)
