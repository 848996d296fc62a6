"""Inputs and factors: the one form in which every uncertain number enters an index.

A normal input is ``a + sum_f loading_f * z_f + b * e`` with independent standard normal ``z`` (shared factors) and
``e``; a beta input is ``Beta(a, b)``, a gamma input ``Gamma(shape=a, rate=b)``, a point input is ``a``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NORMAL, BETA, GAMMA, POINT = 0, 1, 2, 3
FAMILIES = ("normal", "beta", "gamma", "point")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What enters the index, one row a unit x indicator that applies and has a number. Blanks are NaN."""

    unit: Integers  # (rows,) position of the unit
    indicator: Integers  # (rows,) position of the indicator
    family: Integers  # (rows,) NORMAL, BETA, GAMMA or POINT
    a: Floats  # (rows,) estimate | alpha | shape | value
    b: Floats  # (rows,) independent standard deviation | beta | rate | 0
    direct: Floats  # (rows,) unshrunken estimate, NaN when withheld
    direct_sd: Floats  # (rows,) its independent standard deviation, NaN when withheld
    n: Floats  # (rows,) respondents, scores, cases or exposure, NaN when withheld


@dataclass(frozen=True, slots=True)
class Factors:
    """Loadings of shared standard normal factors on normal inputs, as triplets."""

    names: tuple[str, ...]  # factor f is called names[f]
    factor: Integers  # (loadings,) position in names
    unit: Integers  # (loadings,)
    indicator: Integers  # (loadings,)
    loading: Floats  # (loadings,) on the estimate
    direct_loading: Floats  # (loadings,) on the unshrunken estimate


_NONE = np.zeros(0, np.int64)
NO_FACTORS = Factors((), _NONE, _NONE, _NONE, np.zeros(0), np.zeros(0))
