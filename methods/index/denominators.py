"""Indicators made comparable between large and small units: divided by population, area, output."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats

Zero = Literal["refuse", "missing"]


def divide(
    values: Floats,
    denominators: Floats,
    by: NDArray[np.int64],
    scale: float | Floats = 1.0,
    zero: Zero = "refuse",
) -> Floats:
    """Divide indicators by what they are counted against (COINr's `Denominate`).

    Parameters
    ----------
    values
        (..., units, indicators); NaN stays NaN.
    denominators
        (units, denominators) in their own units of measurement; NaN: not known.
    by
        (indicators,) column of `denominators`; -1: the indicator stays as it is.
    scale
        One for all or (indicators,): the result is multiplied by it, "per 10,000 people". Indicators that stay as they
        are stay so.
    zero
        ``refuse``: a denominator of 0 under a number is an error. ``missing``: nothing can be counted there, the result
        is NaN (not applicable).

    Returns
    -------
    NDArray
        The same shape and memory order. NaN where the number or its denominator is not known.

    Raises
    ------
    ValueError
        Negative or infinite denominators; zeros, unless they are allowed; shapes or columns that do not fit.

    Notes
    -----
    Counts of rare records are better taken as rates with exposure (`methods.records`): a quotient of small numbers is
    mostly noise.

    Examples
    --------
    >>> divide(np.array([[30.0, 5.0], [10.0, 7.0]]), np.array([[1500.0], [2000.0]]), np.array([0, -1]), 1000).tolist()
    [[20.0, 5.0], [5.0, 7.0]]
    """
    indicators = values.shape[-1]
    if denominators.ndim != 2 or values.ndim < 2 or denominators.shape[0] != values.shape[-2]:
        raise ValueError(f"denominators has shape {denominators.shape}; it must be (units, denominators)")
    if by.shape != (indicators,) or (by < -1).any() or (by >= denominators.shape[1]).any():
        raise ValueError(
            f"by must hold {indicators} columns of denominators, 0 to {denominators.shape[1] - 1}, or -1 for none"
        )
    if np.isinf(denominators).any() or (denominators < 0).any():
        raise ValueError("denominators holds negative or infinite numbers; they must be 0 or more, or NaN if not known")
    factor = np.broadcast_to(np.asarray(scale, np.float64), (indicators,))
    if not np.isfinite(factor).all() or (factor == 0).any():
        raise ValueError("scale must be finite and not 0")
    result = values.copy(order="K")
    for j in np.flatnonzero(by >= 0):
        column = denominators[:, by[j]]
        gone = (column == 0) & ~np.isnan(values[..., j])
        if zero == "refuse" and gone.any():
            unit = int(np.argwhere(gone)[0][-1])
            raise ValueError(
                f"denominators: unit {unit} has 0 under indicator {j}; give it another, or say zero='missing'"
            )
        np.divide(result[..., j], np.where(column == 0, np.nan, column), out=result[..., j])
        if factor[j] != 1:
            result[..., j] *= factor[j]
    return result
