"""Whether those who answered look like those invited: R-indicators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from methods.inputs import Floats
from methods.survey.calibration import inverse
from methods.survey.columns import checked, coded, totals

STEPS = 100
SURE = 15.0  # log odds beyond which a propensity is 0 or 1


@dataclass(frozen=True, slots=True)
class RIndicator:
    """How much response propensities vary: 1 when all are alike."""

    r: float  # 1 - 2 S, adjusted for the variation that estimated propensities have by chance
    unadjusted: float
    standard_error: float  # of `r`; NaN when the propensities do not vary at all
    propensity: Floats  # (rows,) estimated
    mean: float  # weighted response rate


def r_indicator(
    invited: ArrayLike, responded: ArrayLike, auxiliaries: ArrayLike, weight: ArrayLike = 1.0
) -> RIndicator:
    """R-indicator from a logistic model of response.

    Parameters
    ----------
    invited, responded : (rows,)
        Persons of equal auxiliaries, and how many of them answered.
    auxiliaries : (rows, p)
        What is known of those invited, whether they answered or not; a column of ones is added.
    weight : (rows,) or number
        Design weight of each person invited, so that weights times `invited` add up to the population.

    Returns
    -------
    RIndicator

    Raises
    ------
    ValueError
        When shapes do not fit, more answered than were invited, all or nobody answered, or a combination of auxiliaries
        tells response for sure (the model then has no solution).

    Notes
    -----
    S is the weighted standard deviation of the propensities. It says how far nonresponse *can* bias means of anything
    related to these auxiliaries, at most (1 - R) sd(y) / (2 mean): nothing of what they do not know. The
    adjustment and the standard error are those of Shlomo, Skinner, Schouten for simple random samples, with the
    coefficients' covariance under the weights; an adjusted S^2 below 0 counts as 0.

    References
    ----------
    Schouten, Cobben, Bethlehem (2009), Survey Methodology 35, 101-113; Shlomo, Skinner, Schouten (2012), Journal of
    Statistical Planning and Inference 142, 201-211.

    Examples
    --------
    >>> found = r_indicator([100, 100], [40, 60], [[0], [1]], weight=10.0)
    >>> round(found.unadjusted, 3), round(found.r, 3), round(found.standard_error, 3)
    (0.8, 0.825, 0.071)
    """
    n = checked("invited", invited)
    came = checked("responded", responded, len(n))
    if np.any(came > n):
        at = int(np.flatnonzero(came > n)[0])
        raise ValueError(f"responded: {came[at]:g} in row {at}, where {n[at]:g} were invited; it cannot be more")
    d = checked("weight", np.broadcast_to(np.asarray(weight, np.float64), n.shape), len(n))
    X = np.asarray(auxiliaries, np.float64)
    if X.ndim != 2 or len(X) != len(n) or not np.isfinite(X).all():
        raise ValueError(f"auxiliaries: finite numbers of shape (rows, p) with {len(n)} rows are expected")
    X = np.column_stack([np.ones(len(n)), X])
    people, persons = n * d, float(np.sum(n * d))
    if not 0 < float(np.sum(came * d)) < persons:
        raise ValueError("responded: all or nobody answered; propensities vary only where some did")
    p = _propensities(X, came * d, people)
    z = (p * (1.0 - p))[:, None] * X
    bread = inverse(z.T @ (people[:, None] * X))
    covariance = bread @ (z.T @ ((people * d)[:, None] * X)) @ bread
    mean = float(np.sum(people * p) / persons)
    away = p - mean
    squared = float(np.sum(people * away**2) / (persons - 1.0)) if persons > 1 else 0.0
    size = float(n.sum())
    chance = float(np.sum(people * np.sum((z @ covariance) * z, axis=1)) / persons)
    adjusted = max((1.0 + 1.0 / size - 1.0 / persons) * squared - chance, 0.0)
    centered = z - (people @ z) / persons
    A = (people * away) @ centered / persons
    B = centered.T @ (people[:, None] * centered) / persons
    product = B @ covariance
    sampling = float(np.sum(people * (away**2 - squared) ** 2) / persons / size)
    variance = 4.0 * float(A @ covariance @ A) + 2.0 * float(np.trace(product @ product)) + sampling
    error = float(np.sqrt(variance / squared)) if squared > 1e-16 else float("nan")  # 2 se(S) = se(S^2) / S
    return RIndicator(1.0 - 2.0 * float(np.sqrt(adjusted)), 1.0 - 2.0 * float(np.sqrt(squared)), error, p, mean)


def _propensities(X: Floats, came: Floats, people: Floats) -> Floats:
    """Weighted maximum likelihood of the logistic model, by Newton."""
    beta = np.zeros(X.shape[1])
    for _ in range(STEPS):
        p = expit(X @ beta)
        step = inverse(X.T @ ((people * p * (1.0 - p))[:, None] * X)) @ (X.T @ (came - people * p))
        beta = beta + step
        reach = np.max(np.abs(X @ beta)[people > 0], initial=0.0)
        if reach > SURE:
            break
        if np.max(np.abs(X @ step), initial=0.0) < 1e-12:
            return np.asarray(expit(X @ beta), np.float64)
    raise ValueError(
        "auxiliaries: some combination of them tells response for sure (all or nobody of a group answered); "
        "take groups together"
    )


def partial_r_indicators(
    propensity: ArrayLike, people: ArrayLike, category: ArrayLike, categories: int | None = None
) -> tuple[float, Floats]:
    """Which variable, and which of its categories, response differs by (unconditional partial R-indicators).

    Parameters
    ----------
    propensity : (rows,)
        Response propensities (`r_indicator`).
    people : (rows,)
        Persons each row stands for: invited times design weight.
    category : (rows,)
        Integer code of the variable's category.
    categories
        How many there are.

    Returns
    -------
    variable
        Standard deviation of propensities between categories; 0 when response does not differ by it.
    categories : (categories,)
        Parts of it with a sign: above 0 over-represented among respondents, below 0 under-represented.

    Raises
    ------
    ValueError
        When shapes do not fit or nobody is there.

    References
    ----------
    Schouten, Shlomo, Skinner (2011), Journal of Official Statistics 27, 231-253.

    Examples
    --------
    >>> whole, parts = partial_r_indicators([0.4, 0.6], [1000.0, 1000.0], [0, 1])
    >>> round(whole, 3), parts.round(4).tolist()
    (0.1, [-0.0707, 0.0707])
    """
    p = checked("propensity", propensity)
    size = checked("people", people, len(p))
    if not size.sum() > 0:
        raise ValueError("people: they add up to 0; somebody is expected")
    of_row = coded("category", category, len(p), size=categories)
    count = int(of_row.max(initial=-1)) + 1 if categories is None else categories
    whole = float(np.sum(p * size) / np.sum(size))
    share = totals(of_row, size, count) / np.sum(size)
    mean = np.divide(totals(of_row, size * p, count) / np.sum(size), share, out=np.full(count, whole), where=share > 0)
    parts = np.sqrt(share) * (mean - whole)
    return float(np.sqrt(np.sum(parts**2))), parts
