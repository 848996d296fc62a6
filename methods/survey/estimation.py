"""Means, totals, shares and ratios of a sample and its domains, with linearised variances.

From responses or from cells of equal responses: both give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from methods.inputs import Floats, Integers
from methods.survey.calibration import Calibration
from methods.survey.columns import coded, sums
from methods.survey.designs import Design
from methods.survey.linearisation import Residuals, linearised_variance


@dataclass(frozen=True, slots=True)
class Moments:
    """What a row's respondents answered: enough for means, totals and their variances."""

    n: Floats  # (rows, items) respondents with a value
    sum: Floats  # (rows, items)
    sumsq: Floats  # (rows, items)


@dataclass(frozen=True, slots=True)
class Estimates:
    """Estimates by domain and item. A domain in which nobody has a value has NaN, and n = 0."""

    estimate: Floats  # (domains, items)
    variance: Floats  # (domains, items) linearised
    n: Floats  # (domains, items) respondents with a value
    kish: Floats  # (domains, items) that number after the loss by unequal weights alone
    population: Floats  # (domains, items) sum of weights of respondents with a value
    simple_variance: Floats  # (domains, items) of the same estimate from n drawn with replacement and equal weights
    degrees_of_freedom: float  # sampled units less strata

    @property
    def standard_error(self) -> Floats:
        """(domains, items)"""
        return np.sqrt(self.variance)


def moments(values: ArrayLike) -> Moments:
    """Moments of single responses.

    Parameters
    ----------
    values : (rows,) or (rows, items)
        Numbers; NaN where a respondent did not answer.

    Returns
    -------
    Moments

    Raises
    ------
    ValueError
        When a value is infinite or the shape is another.

    Examples
    --------
    >>> moments([3.0, float("nan")]).n.tolist()
    [[1.0], [0.0]]
    """
    y = np.asarray(values, np.float64)
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2:
        raise ValueError(f"values: shape {y.shape}; (rows,) or (rows, items) is expected")
    if np.isinf(y).any():
        raise ValueError("values: an infinite number; finite ones are expected, NaN for no answer")
    answered = ~np.isnan(y)
    y = np.where(answered, y, 0.0)
    return Moments(answered.astype(np.float64), y, y * y)


def means(
    design: Design,
    of: Moments,
    domain: ArrayLike | None = None,
    domains: int | None = None,
    calibration: Calibration | None = None,
    residuals: Residuals = "design",
) -> Estimates:
    """Weighted (Hajek) means.

    Parameters
    ----------
    design
        The sample.
    of
        What its respondents answered.
    domain : (rows,), optional
        Integer code of each row's domain, -1 for none; the whole sample when left out.
    domains
        How many domains there are; as many as `domain` names when left out.
    calibration
        Factors of the weights, when the sample was calibrated.
    residuals
        See `linearisation.linearised_variance`.

    Returns
    -------
    Estimates

    Raises
    ------
    ValueError
        When shapes do not fit, moments are impossible, or the design refuses a stratum with one sampled unit.

    Notes
    -----
    Variances come from sums of squares: a mean very large against the spread of the values costs digits, twice as many
    as the mean has more than the spread. Take a constant off such values first.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> found = means(simple([30.0] * 3, population=90), moments([1.0, 2.0, 6.0]))
    >>> found.estimate.tolist(), found.variance.round(6).tolist()
    ([[3.0]], [[2.255556]])
    """
    checked_moments("of", of, design)
    of_row, size = _domains(design, domain, domains)
    weight = _weights(design, calibration)
    population = _sums(of_row, size, of.n, weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = _sums(of_row, size, of.sum, weight) / population
    center, scale = _at(np.nan_to_num(estimate), of_row), _at(_inverse(population), of_row)
    # (sum - n c) scale and (sumsq - c (2 sum - n c)) scale^2, in two arrays of all rows
    u = of.n * center
    np.subtract(of.sum, u, out=u)
    uu = of.sum + u
    uu *= center
    np.subtract(of.sumsq, uu, out=uu)
    u *= scale
    uu *= scale
    uu *= scale
    return _estimates(design, of.n, of_row, size, calibration, residuals, estimate, population, u, uu)


def totals(
    design: Design,
    of: Moments,
    domain: ArrayLike | None = None,
    domains: int | None = None,
    calibration: Calibration | None = None,
    residuals: Residuals = "design",
) -> Estimates:
    """Weighted totals over respondents with a value.

    Parameters
    ----------
    design, of, domain, domains, calibration, residuals
        See `means`.

    Returns
    -------
    Estimates

    Raises
    ------
    ValueError
        As in `means`.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> totals(simple([30.0] * 3), moments([1.0, 2.0, 6.0])).estimate.tolist()
    [[270.0]]
    """
    checked_moments("of", of, design)
    of_row, size = _domains(design, domain, domains)
    weight = _weights(design, calibration)
    population = _sums(of_row, size, of.n, weight)
    estimate = np.where(population > 0, _sums(of_row, size, of.sum, weight), np.nan)
    return _estimates(design, of.n, of_row, size, calibration, residuals, estimate, population, of.sum, of.sumsq)


def shares(
    design: Design,
    counts: ArrayLike,
    domain: ArrayLike | None = None,
    domains: int | None = None,
    calibration: Calibration | None = None,
    residuals: Residuals = "design",
) -> Estimates:
    """Shares of categories, one column each.

    Parameters
    ----------
    design
        The sample.
    counts : (rows, categories)
        Respondents of each row in each category, each in at most one; a row's others did not answer.
    domain, domains, calibration, residuals
        See `means`.

    Returns
    -------
    Estimates
        Between 0 and 1. For intervals see `proportions.korn_graubard`.

    Raises
    ------
    ValueError
        When a row counts more in the categories than it has respondents, and as in `means`.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> shares(simple([1.0, 1.0], n=[30, 10]), [[30, 0], [4, 6]]).estimate.tolist()
    [[0.85, 0.15]]
    """
    y = np.asarray(counts, np.float64)
    if y.ndim != 2:
        raise ValueError(f"counts: shape {y.shape}; (rows, categories) is expected")
    answered = np.repeat(y.sum(axis=1)[:, None], y.shape[1], axis=1)
    return means(design, Moments(answered, y, y), domain, domains, calibration, residuals)


def ratios(
    design: Design,
    numerator: Moments,
    denominator: Moments,
    product: ArrayLike,
    domain: ArrayLike | None = None,
    domains: int | None = None,
    calibration: Calibration | None = None,
    residuals: Residuals = "design",
) -> Estimates:
    """Ratios of two totals over respondents who have both values.

    Parameters
    ----------
    design
        The sample.
    numerator, denominator
        Moments of the two, over those who have both (equal `n`).
    product : (rows,) or (rows, items)
        Sums of numerator times denominator.
    domain, domains, calibration, residuals
        See `means`.

    Returns
    -------
    Estimates

    Raises
    ------
    ValueError
        When a denominator's total is 0 in a domain with respondents, shapes do not fit, and as in `means`.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> y, x = moments([1.0, 2.0, 6.0]), moments([2.0, 4.0, 6.0])
    >>> ratios(simple([30.0] * 3), y, x, [2.0, 8.0, 36.0]).estimate.tolist()
    [[0.75]]
    """
    checked_moments("numerator", numerator, design)
    checked_moments("denominator", denominator, design)
    yx = np.asarray(product, np.float64)
    yx = yx[:, None] if yx.ndim == 1 else yx
    if not yx.shape == numerator.sum.shape == denominator.sum.shape or not np.isfinite(yx).all():
        raise ValueError(f"product: finite numbers of the shape {numerator.sum.shape} of both moments are expected")
    if not np.array_equal(numerator.n, denominator.n):
        raise ValueError("denominator: its n differs from the numerator's; count only respondents with both values")
    of_row, size = _domains(design, domain, domains)
    weight = _weights(design, calibration)
    population = _sums(of_row, size, numerator.n, weight)
    below = _sums(of_row, size, denominator.sum, weight)
    if np.any((below == 0) & (population > 0)):
        raise ValueError(
            f"denominator: its total is 0 in domain {int(np.nonzero((below == 0) & (population > 0))[0][0])}"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = _sums(of_row, size, numerator.sum, weight) / below
    R, scale = _at(np.nan_to_num(estimate), of_row), _at(_inverse(below), of_row)
    u = (numerator.sum - R * denominator.sum) * scale
    uu = (numerator.sumsq - 2.0 * R * yx + R**2 * denominator.sumsq) * scale**2
    return _estimates(design, numerator.n, of_row, size, calibration, residuals, estimate, population, u, uu)


def design_effect(of: Estimates, replacement: bool = False) -> Floats:
    """Variance against that of a simple random sample of as many respondents.

    Parameters
    ----------
    of
        Estimates.
    replacement
        Compare with drawing with replacement. Without, weights must add up to the population.

    Returns
    -------
    (domains, items)
        NaN where fewer than two respondents have a value, or all have the same.

    Raises
    ------
    ValueError
        When without replacement the weights of a domain add up to no more than its respondents.

    References
    ----------
    Kish (1965), Survey Sampling, section 8.2.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> found = means(simple([30.0] * 3, population=90), moments([1.0, 2.0, 6.0]))
    >>> design_effect(found).round(10).tolist()
    [[1.0]]
    """
    left = np.ones_like(of.variance)
    if not replacement:
        if np.any((of.n > 0) & (of.population <= of.n)):
            raise ValueError(
                "of: its weights add up to no more than its respondents, so they do not count a population; "
                "choose replacement=True"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            left = 1.0 - of.n / of.population
    known = (of.n >= 2) & (of.simple_variance > 0)
    return np.divide(of.variance, of.simple_variance * left, out=np.full_like(of.variance, np.nan), where=known)


def effective_n(of: Estimates) -> Floats:
    """Respondents of a simple random sample (with replacement) that would tell as much.

    Parameters
    ----------
    of
        Estimates.

    Returns
    -------
    (domains, items)
        n over the design effect; NaN where that is unknown.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> effective_n(means(simple([1.0, 1.0, 4.0]), moments([1.0, 2.0, 6.0]))).round(3).tolist()
    [[3.028]]
    """
    with np.errstate(divide="ignore"):
        return of.n / design_effect(of, replacement=True)


def limits(of: Estimates, level: float = 0.95) -> tuple[Floats, Floats]:
    """Confidence limits by Student's t with the design's degrees of freedom.

    Parameters
    ----------
    of
        Estimates.
    level
        Confidence, between 0 and 1.

    Returns
    -------
    lower, upper : (domains, items)

    Raises
    ------
    ValueError
        When the design has no degrees of freedom, or the level does not lie between 0 and 1.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> low, high = limits(means(simple([30.0] * 3), moments([1.0, 2.0, 6.0])))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([[-3.572]], [[9.572]])
    """
    if not 0 < level < 1:
        raise ValueError(f"level: {level}; a number between 0 and 1 is expected")
    if of.degrees_of_freedom <= 0:
        raise ValueError("of: its design has no degrees of freedom (as many strata as sampled units)")
    half = stdtrit(of.degrees_of_freedom, 0.5 + level / 2.0) * of.standard_error
    return of.estimate - half, of.estimate + half


def checked_moments(name: str, of: Moments, design: Design) -> None:
    """Refuse moments that are of other rows, not finite, or impossible.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> checked_moments("of", moments([1.0, 2.0]), simple([1.0, 1.0]))
    """
    shape = np.shape(of.n)
    if len(shape) != 2 or shape[0] != len(design.n) or np.shape(of.sum) != shape or np.shape(of.sumsq) != shape:
        raise ValueError(
            f"{name}: shapes {shape}, {np.shape(of.sum)}, {np.shape(of.sumsq)}; (rows, items) with {len(design.n)} "
            "rows is expected of each"
        )
    # sums of squares of finite numbers are finite: one pass each finds NaN and infinities
    if not np.isfinite([of.n.sum(), of.sum.sum(), of.sumsq.sum()]).all():
        raise ValueError(f"{name}: a sum is not finite; finite numbers are expected, n = 0 where nobody answered")
    if shape[0] and shape[1] and (of.n.min() < 0 or of.sumsq.min() < 0):
        raise ValueError(f"{name}: a negative n or sum of squares; 0 or more is expected")
    if np.any(of.n > design.n[:, None]):
        row = int(np.flatnonzero((of.n > design.n[:, None]).any(axis=1))[0])
        raise ValueError(
            f"{name}: {of.n[row].max():g} respondents with a value in row {row}, which has {design.n[row]:g}; "
            "at most as many are expected"
        )


def _weights(design: Design, calibration: Calibration | None) -> Floats:
    if calibration is None:
        return design.weight
    if len(calibration.factor) != len(design.weight):
        raise ValueError(
            f"calibration: of {len(calibration.factor)} rows for a design of {len(design.weight)}; it is another's"
        )
    return design.weight * calibration.factor


def _domains(design: Design, domain: ArrayLike | None, domains: int | None) -> tuple[Integers, int]:
    rows = len(design.n)
    if domain is None:
        return np.zeros(rows, np.int64), 1
    of_row = coded("domain", domain, rows, least=-1, size=domains)
    return of_row, int(of_row.max(initial=-1)) + 1 if domains is None else domains


def _sums(domain: Integers, domains: int, values: Floats, weight: Floats | None = None) -> Floats:
    if len(domain) and domain.min() < 0:
        return sums(domain + 1, domains + 1, values, weight)[1:]
    return sums(domain, domains, values, weight)


def _at(values: Floats, domain: Integers) -> Floats:
    """(rows, items) value of each row's domain; of one domain (1, items), which stretches."""
    return values if len(values) == 1 else values[domain]


def _inverse(values: Floats) -> Floats:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)


def _estimates(
    design: Design,
    answered: Floats,
    domain: Integers,
    domains: int,
    calibration: Calibration | None,
    residuals: Residuals,
    estimate: Floats,
    population: Floats,
    u: Floats,
    uu: Floats,
) -> Estimates:
    weight = _weights(design, calibration)
    n = _sums(domain, domains, answered)
    wide = _sums(domain, domains, answered, weight**2)
    variance = linearised_variance(design, calibration, domain, domains, u, uu, residuals)
    spread = _sums(domain, domains, uu, weight) * population - _sums(domain, domains, u, weight) ** 2
    known = (n > 0) & (population > 0)
    simple_variance = np.divide(np.maximum(spread, 0.0), n - 1.0, out=np.full_like(spread, np.nan), where=n > 1)
    kish = np.divide(population**2, wide, out=np.zeros_like(wide), where=wide > 0)
    return Estimates(
        np.where(known, estimate, np.nan),
        np.where(known, variance, np.nan),
        n,
        kish,
        population,
        simple_variance,
        design.degrees_of_freedom,
    )
