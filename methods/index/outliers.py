"""Numbers that stand far from the others of their column, by a rule that the far ones themselves do not bend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.index.aggregation import Booleans
from methods.inputs import Floats

MOST = 3.5  # of a modified z-score; Iglewicz and Hoaglin's recommendation
_MAD, _MEAN_AD = 0.6744897501960817, 0.7978845608028654  # of a standard normal: median and mean absolute deviation
LEAST = 5  # values of which a median's neighbourhood can be told


@dataclass(frozen=True, slots=True)
class Outliers:
    """Columns looked at one by one."""

    z: Floats  # (units, columns) modified z-scores; NaN: no value, or too few to say
    outside: Booleans  # (units, columns) further from the median than the rule allows
    centre: Floats  # (columns,) medians
    spread: Floats  # (columns,) what one z-score is worth, in the column's own unit


def outliers(values: Floats, most: float = MOST) -> Outliers:
    """Modified z-scores: 0.6745 (x - median) / MAD, with MAD the median absolute deviation from the median.

    Parameters
    ----------
    values
        (units, columns); NaN: missing.
    most
        A value is outside when its z-score is beyond this, either way.

    Returns
    -------
    Outliers
        NaN where a column has fewer than five values or does not vary.

    Raises
    ------
    ValueError
        Not two axes, infinite values, a limit that is not above 0.

    Notes
    -----
    Mean and standard deviation would be pulled by the very values that are looked for. Where more than half of the
    values are equal, MAD is 0 and the mean absolute deviation takes its place (0.7979 (x - median) / mean AD).

    An outlier is a question, not a mistake: a skewed column (money, counts) has some by its nature.

    References
    ----------
    Iglewicz, Hoaglin, How to Detect and Handle Outliers, ASQC Basic References in Quality Control 16 (1993), ch. 3.

    Examples
    --------
    >>> found = outliers(np.array([[2.0], [3.0], [4.0], [5.0], [6.0], [40.0]]))
    >>> found.z[-1].round(2).tolist(), found.outside[:, 0].tolist()
    ([15.96], [False, False, False, False, False, True])
    """
    if values.ndim != 2 or np.isinf(values).any():
        raise ValueError("values must be finite or NaN, of shape (units, columns)")
    if not most > 0:
        raise ValueError(f"most is {most}; it must be above 0")
    columns = values.shape[1]
    z, centre, spread = np.full(values.shape, np.nan), np.full(columns, np.nan), np.full(columns, np.nan)
    for j in range(columns):
        there = ~np.isnan(values[:, j])
        x = values[there, j]
        if x.size < LEAST:
            continue
        centre[j] = np.median(x)
        away = np.abs(x - centre[j])
        mad = float(np.median(away))
        spread[j] = mad / _MAD if mad > 0 else float(away.mean()) / _MEAN_AD
        if spread[j] > 0:
            z[there, j] = (x - centre[j]) / spread[j]
    return Outliers(z, np.abs(z) > most, centre, spread)
