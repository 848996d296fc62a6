"""Transformations that draw in a long tail: logarithms of the index builders, and Box and Cox's power.

All work over the first axis, units, and leave gaps out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import optimize

from methods.inputs import Floats

Transform = Literal["none", "log", "log_CT", "log_CT_orig", "log_GII", "box_cox"]


def log(values: Floats) -> Floats:
    """Natural logarithm, of positive values only.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        A value of 0 or less.

    Examples
    --------
    >>> log(np.array([1.0, np.e])).tolist()
    [0.0, 1.0]
    """
    if (values <= 0).any():
        raise ValueError(f"values holds {np.nanmin(values)}; a logarithm needs values above 0 (log_CT takes any)")
    return np.log(values)


def log_ct(values: Floats) -> Floats:
    """COINr's `log_CT`: log(x - min + 0.01 (max - min)), over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.

    Returns
    -------
    NDArray
        The same shape. Does not depend on units of measurement, but for a shift.

    Raises
    ------
    ValueError
        A constant line.

    Examples
    --------
    >>> log_ct(np.array([0.0, 50.0, 100.0])).round(4).tolist()
    [0.0, 3.9318, 4.6151]
    """
    low, high = _range(values)
    return np.log(values - low + 0.01 * (high - low))


def log_ct_orig(values: Floats) -> Floats:
    """The COIN Tool's logarithm, COINr's `log_CT_orig`: log(x - min + 1), over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.

    Returns
    -------
    NDArray
        The same shape. Depends on the unit of measurement: values far below 1 are hardly changed.

    Examples
    --------
    >>> log_ct_orig(np.array([3.0, 10.0])).round(4).tolist()
    [0.0, 2.0794]
    """
    low: Floats = np.fmin.reduce(values, axis=0)
    return np.log(values - low + 1)


def log_gii(values: Floats) -> Floats:
    """The Global Innovation Index's logarithm (2020): log((max - 1)(x - min)/(max - min) + 1), over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        A constant line, or a maximum of 1 or less, where the formula turns the order round.

    Examples
    --------
    >>> log_gii(np.array([0.0, 10.0, 100.0])).round(4).tolist()
    [0.0, 2.3888, 4.6052]
    """
    low, high = _range(values)
    if (high <= 1).any():
        raise ValueError(
            f"values has a maximum of {np.min(high)}; log_GII needs one above 1, below it turns the order round"
        )
    return np.log((high - 1) * (values - low) / (high - low) + 1)


def box_cox(values: Floats, power: float | None = None) -> Floats:
    """Box and Cox's (1964) power transformation after a shift to a least value of 1, over the first axis.

    Parameters
    ----------
    values
        (units, ...); NaN stays NaN and is left out.
    power
        ((x - min + 1)^power - 1) / power, the logarithm at 0, as COINr's `boxcox`. None: of each line the power between
        -5 and 5 that makes it most like a normal sample, by maximum likelihood.

    Returns
    -------
    NDArray
        The same shape.

    Raises
    ------
    ValueError
        A power that is not finite; a constant line where the power is to be estimated.

    Examples
    --------
    >>> box_cox(np.array([4.0, 5.0, 6.0]), 2.0).tolist()
    [0.0, 1.5, 4.0]
    """
    if power is not None and not np.isfinite(power):
        raise ValueError(f"power {power}; it must be finite, or None to be estimated")
    if power is None:
        _range(values)
        flat = values.reshape(values.shape[0], -1)
        columns = [box_cox(x, best_power(x)) for x in flat.T]
        return np.stack(columns, axis=-1).reshape(values.shape)
    shifted: Floats = values - np.fmin.reduce(values, axis=0) + 1
    return np.log(shifted) if power == 0 else (shifted**power - 1) / power


def best_power(values: Floats) -> float:
    """Box and Cox's power by maximum likelihood, after a shift to a least value of 1.

    Parameters
    ----------
    values
        (units,); NaN is left out.

    Returns
    -------
    float
        Between -5 and 5.

    Examples
    --------
    >>> x = np.exp(np.linspace(-2, 2, 41))
    >>> round(best_power(x - x.min() + 1), 2)
    -0.58
    """
    from scipy.stats import boxcox_llf  # slow to load, and few ask for it

    x = values[~np.isnan(values)]
    x = x - x.min() + 1
    found = optimize.minimize_scalar(lambda p: -boxcox_llf(p, x), bounds=(-5, 5), method="bounded")
    return float(found.x)


def _range(values: Floats) -> tuple[Floats, Floats]:
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    if (low == high).any():
        raise ValueError("values has a constant indicator; a logarithm over its range needs two different values")
    return low, high


TRANSFORMS: dict[str, Callable[[Floats], Floats]] = {
    "log": log,
    "log_CT": log_ct,
    "log_CT_orig": log_ct_orig,
    "log_GII": log_gii,
    "box_cox": box_cox,
}
