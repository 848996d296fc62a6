"""Answers that came by an open link, set against a probability sample: to detect steering, never to grade.

Chen, Li, Wu (2020), Doubly robust inference with nonprobability survey samples, Journal of the American Statistical
Association 115, 2011-2021.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from methods.inputs import Floats
from methods.survey.calibration import inverse
from methods.survey.columns import checked
from methods.survey.designs import Design
from methods.survey.estimation import Moments, checked_moments
from methods.survey.linearisation import linearised_variance

STEPS = 100
SURE = 30.0  # log odds beyond which a propensity is 0 or 1


@dataclass(frozen=True, slots=True)
class OpenLink:
    """The open answers brought to the population, against the sample's own mean."""

    estimate: float  # doubly robust mean of the open answers
    standard_error: float
    sample: float  # mean of the probability sample
    sample_standard_error: float
    difference: float  # estimate less sample
    difference_standard_error: float
    z: float  # their ratio; far from 0, the open answers differ by more than auxiliaries and chance explain
    n_open: float  # open answers with a score
    n_sample: float  # sampled ones


def open_against_sample(
    open_n: ArrayLike,
    open_sum: ArrayLike,
    open_sumsq: ArrayLike,
    open_auxiliaries: ArrayLike,
    sample: Design,
    answers: Moments,
    auxiliaries: ArrayLike,
) -> OpenLink:
    """Doubly robust mean of open answers, and the steering signal z.

    Parameters
    ----------
    open_n, open_sum, open_sumsq : (open rows,)
        Open answers with a score in each row, their sum and sum of squares.
    open_auxiliaries : (open rows, p)
        What is asked of both groups (age, gender, ...) as numbers or indicators; a column of ones is added.
    sample
        The probability sample, by its design weights (calibrated ones if it is).
    answers
        What it answered to the same item: moments of one item.
    auxiliaries : (rows, p)
        The same auxiliaries for the sample.

    Returns
    -------
    OpenLink

    Raises
    ------
    ValueError
        When shapes do not fit, more answered openly than the sample's weights count in the population, a combination of
        auxiliaries that answered openly is not in the sample, or nobody answered.

    Notes
    -----
    Right when either the model of who takes the open link (logistic) or that of the answers (linear) is. Propensities
    solve sum_open x = sum_sample d pi x. The variance of the sample's part, and its covariance with the sample's mean,
    come from its design. z is not a proof of fraud: whoever takes an open link may differ in what was not asked. The
    words for it are "the open answers differ".

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> from methods.survey.estimation import moments
    >>> sample = simple([50.0] * 4, n=[1, 1, 1, 1])
    >>> found = open_against_sample([10, 10], [700, 900], [50000, 82000], [[0], [1]], sample,
    ...     moments([60.0, 70, 70, 80]), [[0], [0], [1], [1]])
    >>> round(found.estimate, 6), found.sample, round(found.z, 2)
    (80.0, 70.0, 2.17)
    """
    n = checked("open_n", open_n)
    y = checked("open_sum", open_sum, len(n), least=None)
    yy = checked("open_sumsq", open_sumsq, len(n))
    X, Z = _auxiliaries("open_auxiliaries", open_auxiliaries, n), _auxiliaries("auxiliaries", auxiliaries, sample.n)
    if X.shape[1] != Z.shape[1]:
        raise ValueError(
            f"auxiliaries: {Z.shape[1] - 1} columns, open_auxiliaries {X.shape[1] - 1}; the same are expected"
        )
    checked_moments("answers", answers, sample)
    if answers.n.shape[1] != 1:
        raise ValueError(f"answers: {answers.n.shape[1]} items; one is expected")
    d = sample.weight * sample.n
    theirs = float(np.sum(sample.weight * answers.n[:, 0]))
    if not n.sum() > 0 or not theirs > 0:
        raise ValueError("open_n, answers: nobody answered in one of the two groups; compare where both did")
    theta = _propensities(X.T @ n, Z, d, float(n.sum()))
    pi, pi_sample = expit(X @ theta), expit(Z @ theta)
    beta = inverse(X.T @ (n[:, None] * X)) @ (X.T @ y)
    m, m_sample = X @ beta, Z @ beta
    size = float(np.sum(n / pi))
    h = float(np.sum((y - n * m) / pi)) / size
    whole = float(d.sum())
    estimate = h + float(np.sum(d * m_sample)) / whole
    H = Z.T @ ((d * pi_sample * (1.0 - pi_sample))[:, None] * Z)
    residual = y - n * (m + h)
    b = inverse(H) @ (X.T @ ((1.0 - pi) / pi * residual))
    squares = yy - 2.0 * (m + h) * y + n * (m + h) ** 2
    xb = X @ b
    of_open = float(np.sum((1.0 - pi) * (squares / pi**2 - 2.0 * xb * residual / pi + n * xb**2))) / size**2
    t = pi_sample * (Z @ b) + m_sample
    deviation = (t - float(np.sum(d * t)) / whole) / whole
    own = float(np.sum(sample.weight * answers.sum[:, 0])) / theirs
    v = (answers.sum[:, 0] - answers.n[:, 0] * own) / theirs
    vv = (answers.sumsq[:, 0] - 2.0 * own * answers.sum[:, 0] + answers.n[:, 0] * own**2) / theirs**2
    u = np.column_stack([sample.n * deviation, v, sample.n * deviation - v])
    uu = np.column_stack(
        [sample.n * deviation**2, vv, sample.n * deviation**2 - 2.0 * deviation * v + vv],
    )
    variance = linearised_variance(sample, None, np.zeros(len(d), np.int64), 1, u, uu)[0]
    apart = float(np.sqrt(of_open + variance[2]))
    difference = estimate - own
    return OpenLink(
        estimate,
        float(np.sqrt(of_open + variance[0])),
        own,
        float(np.sqrt(variance[1])),
        difference,
        apart,
        difference / apart if apart > 0 else float(np.sign(difference)) * float("inf") if difference else 0.0,
        float(n.sum()),
        float(answers.n.sum()),
    )


def _auxiliaries(name: str, values: ArrayLike, n: Floats) -> Floats:
    X = np.asarray(values, np.float64)
    if X.ndim != 2 or len(X) != len(n) or not np.isfinite(X).all():
        raise ValueError(f"{name}: finite numbers of shape (rows, p) with {len(n)} rows are expected")
    return np.column_stack([np.ones(len(X)), X])


def _propensities(goal: Floats, Z: Floats, d: Floats, size: float) -> Floats:
    """Coefficients that solve sum_sample d pi x = sum_open x, by Newton (equations 4 and 5 of the paper)."""
    if size >= d.sum():
        raise ValueError(
            f"open_n: {size:g} answered openly, of a population of {d.sum():g} by the sample's weights; weights must "
            "count the population"
        )
    theta = np.zeros(Z.shape[1])
    theta[0] = float(np.log(size / (d.sum() - size)))
    for _ in range(STEPS):
        pi = expit(Z @ theta)
        left = goal - Z.T @ (d * pi)
        step = inverse(Z.T @ ((d * pi * (1.0 - pi))[:, None] * Z)) @ left
        theta = theta + step
        if np.max(np.abs(Z @ theta)) > SURE:
            break
        if np.max(np.abs(Z @ step)) < 1e-11 and np.max(np.abs(left)) < 1e-8 * size:
            return theta
    raise ValueError(
        "open_auxiliaries: a combination that answered openly is not in the sample, or too often for its weights; take "
        "categories together"
    )


def calibrated(sample: Design, factor: ArrayLike) -> Design:
    """A design whose weights are multiplied by the factors of a calibration, for `open_against_sample`.

    Parameters
    ----------
    sample
        The design.
    factor : (rows,)
        Factors.

    Returns
    -------
    Design

    Raises
    ------
    ValueError
        When a factor is missing, negative or not finite.

    Notes
    -----
    The variance then ignores that calibration narrows it: z is a little nearer to 0 than it might be.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> calibrated(simple([2.0, 2.0]), [1.5, 0.5]).weight.tolist()
    [3.0, 1.0]
    """
    return replace(sample, weight=sample.weight * checked("factor", factor, len(sample.weight)))
