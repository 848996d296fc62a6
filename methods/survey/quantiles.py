"""Medians and other quantiles of a sample and its domains, with Woodruff's intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from methods.inputs import Floats, Integers
from methods.survey.calibration import Calibration
from methods.survey.columns import coded, totals
from methods.survey.designs import Design
from methods.survey.estimation import Moments, means
from methods.survey.linearisation import Residuals


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles by domain and probability. A domain in which nobody has a value has NaN, and n = 0."""

    estimate: Floats  # (domains, probabilities)
    lower: Floats  # (domains, probabilities)
    upper: Floats  # (domains, probabilities)
    standard_error: Floats  # (domains, probabilities) width of the interval over twice its t value
    n: Floats  # (domains,) respondents with a value


def quantiles(
    design: Design,
    value: ArrayLike,
    probability: ArrayLike = (0.5,),
    domain: ArrayLike | None = None,
    domains: int | None = None,
    calibration: Calibration | None = None,
    residuals: Residuals = "design",
    level: float = 0.95,
) -> Quantiles:
    """The smallest value at which the weighted share of values as small or smaller reaches each probability.

    Parameters
    ----------
    design
        The sample.
    value : (rows,)
        Value of all respondents of a row; NaN where they have none. In cells, the value belongs to the key.
    probability : (probabilities,)
        Between 0 and 1; 0.5 is the median.
    domain, domains, calibration, residuals
        See `estimation.means`.
    level
        Confidence of the intervals.

    Returns
    -------
    Quantiles

    Raises
    ------
    ValueError
        When shapes do not fit, a value is infinite, a probability or the level does not lie between 0 and 1, or the
        design has no degrees of freedom or refuses a stratum with one sampled unit.

    Notes
    -----
    Woodruff: the interval of the share of values up to the estimate, by Student's t, read back as quantiles. An end
    below 0 or above 1 gives the smallest or largest value seen. It is not symmetric, and for few distinct values (a
    scale of five choices) it is wide or of no width: the distribution says more then.

    References
    ----------
    Woodruff (1952), Journal of the American Statistical Association 47, 635-646.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> quantiles(simple([1.0] * 5), [3.0, 1.0, 4.0, 1.0, 5.0]).estimate.tolist()
    [[3.0]]
    """
    y = np.asarray(value, np.float64)
    if y.shape != design.n.shape or np.isinf(y).any():
        raise ValueError(f"value: a finite number (or NaN) for each of {len(design.n)} rows is expected")
    p = np.atleast_1d(np.asarray(probability, np.float64))
    if p.ndim != 1 or not np.all((p > 0) & (p < 1)):
        raise ValueError(f"probability: {p.tolist()}; numbers between 0 and 1 are expected")
    if not 0 < level < 1:
        raise ValueError(f"level: {level}; a number between 0 and 1 is expected")
    if design.degrees_of_freedom <= 0:
        raise ValueError("design: it has no degrees of freedom (as many strata as sampled units)")
    rows = len(y)
    of_row = np.zeros(rows, np.int64) if domain is None else coded("domain", domain, rows, least=-1, size=domains)
    size = 1 if domain is None else int(of_row.max(initial=-1)) + 1 if domains is None else domains
    weight = design.weight if calibration is None else design.weight * calibration.factor
    known = ~np.isnan(y) & (of_row >= 0)
    curve = _Curve(y[known], of_row[known], (weight * design.n)[known], size)
    answered = np.where(known, design.n, 0.0)[:, None]
    t = stdtrit(design.degrees_of_freedom, 0.5 + level / 2.0)
    estimate, lower, upper = (np.full((size, len(p)), np.nan) for _ in range(3))
    n = np.zeros(size)
    for k, share in enumerate(p.tolist()):
        q = curve.at(np.full(size, share))
        below = answered * (np.where(known, y, np.inf) <= q[np.maximum(of_row, 0)])[:, None]
        found = means(design, Moments(answered, below, below), of_row, size, calibration, residuals)
        half = t * found.standard_error[:, 0]
        n = found.n[:, 0]
        estimate[:, k] = q
        lower[:, k] = curve.at(found.estimate[:, 0] - half)
        upper[:, k] = curve.at(found.estimate[:, 0] + half)
    return Quantiles(estimate, lower, upper, (upper - lower) / (2.0 * t), n)


class _Curve:
    """Weighted distributions of domains, to be read backwards."""

    def __init__(self, value: Floats, domain: Integers, weight: Floats, domains: int) -> None:
        self.parts: list[tuple[Floats, Floats]] = []
        order = np.lexsort((value, domain))
        first = np.searchsorted(domain[order], np.arange(domains + 1))
        for d in range(domains):
            mine = order[first[d] : first[d + 1]]
            values, position = np.unique(value[mine], return_inverse=True)
            share = np.cumsum(totals(position, weight[mine], len(values)))
            self.parts.append((values, share / share[-1] if len(share) and share[-1] > 0 else share))

    def at(self, share: Floats) -> Floats:
        """(domains,) smallest value with that share; NaN where nobody has a value or the share is unknown."""
        found = np.full(len(self.parts), np.nan)
        for d, (values, shares) in enumerate(self.parts):
            if len(values) and np.isfinite(share[d]):
                # sums of weights that should be equal differ in their last digits
                at = int(np.searchsorted(shares, share[d] - 1e-12))
                found[d] = values[min(at, len(values) - 1)]
        return found
