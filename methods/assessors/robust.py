"""Wild scores bounded: the crossed model with Huber's function of the residuals.

Scores are replaced by their fitted value plus a bounded residual, the model is fitted again, and so on until nothing
changes (Huber's modified residuals). At the fixed point the estimating equations are those of a bounded-influence fit,
and the residual variance of the modified scores is that of the robust estimator, so that standard errors follow from
the ordinary equations. A residual is judged by its own standard deviation: a score that its unit follows closely
leaves a small one (design adaptive scale).

Huber (1981), Robust Statistics, 7.8; Koller, Stahel (2011), Computational Statistics and Data Analysis 55, 2504-2515.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from methods.assessors.equations import Solution
from methods.assessors.reml import Search
from methods.inputs import Floats

ROUNDS = 100
SETTLED = 1e-7  # change of a modified score, in residual standard deviations
MOVED = 0.02  # relative change of a ratio, from which on leverages are computed anew
LEAST_OWN = 1e-3  # least standard deviation of a residual, in those of the error
MEDIAN_SQUARE = 0.45494  # of a standard normal variable


@dataclass(frozen=True, slots=True)
class Bounded:
    """Huber's function min(max(x, -c), c) and what it does to standard normal residuals."""

    c: float
    slope: float  # E psi'
    scale: float  # residual variance over that of modified scores: (E psi')^2 / E psi^2

    @staticmethod
    def of(c: float) -> Bounded:
        if not (np.isfinite(c) and c > 0):
            raise ValueError(f"robust is {c}; give a positive number of standard deviations, such as 1.345, or None")
        inside = float(2.0 * norm.cdf(c) - 1.0)
        square = float(inside - 2.0 * c * norm.pdf(c) + 2.0 * c**2 * norm.sf(c))
        return Bounded(c, inside, inside**2 / square)


def pseudo_scores(search: Search, solved: Solution, score: Floats, bounded: Bounded) -> tuple[Solution, Floats, Floats]:
    """The robust fit, the modified scores it rests on, and the share of its residual that each score kept.

    Parameters
    ----------
    search
        The search that gave `solved`; its equations are replaced.
    solved
        The ordinary fit.
    score
        (scores,) as given.
    bounded
        Where residuals are bounded.

    Raises
    ------
    ValueError
        When the scores do not settle.

    Examples
    --------
    >>> from methods.assessors.equations import Equations
    >>> from methods.assessors.scores import scores_of
    >>> y = np.array([5.0, 5.2, 4.9, 7.1, 6.9, 7.0, 3.1, 2.9, 9.0])
    >>> scores, *_ = scores_of(np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3), y)
    >>> search = Search(Equations.of(scores))
    >>> fit, modified, kept = pseudo_scores(search, search.fit(), y, Bounded.of(1.345))
    >>> bool(modified[8] < 9.0), int(np.argmin(kept))
    (True, 8)
    """
    own = np.sqrt(np.maximum(1.0 - solved.leverage(), LEAST_OWN**2))
    at = solved.ratios
    deviation = np.sqrt(float(np.median(((score - solved.fitted()) / own) ** 2)) / MEDIAN_SQUARE)
    deviation = deviation or np.sqrt(solved.residual)
    before = np.asarray(score, np.float64)
    for _ in range(ROUNDS):
        if np.any(np.abs(solved.ratios - at) > MOVED * at):
            own, at = np.sqrt(np.maximum(1.0 - solved.leverage(), LEAST_OWN**2)), solved.ratios
        fitted = solved.fitted()
        standing = (score - fitted) / (own * deviation)
        kept = np.clip(standing, -bounded.c, bounded.c)
        modified = fitted + own * deviation * kept / bounded.slope
        search.equations = search.equations.with_scores(modified)
        solved = search.fit(solved.ratios)
        deviation = np.sqrt(solved.residual * bounded.scale)
        if np.max(np.abs(modified - before)) <= SETTLED * deviation:
            share = np.where(np.abs(standing) > bounded.c, bounded.c / np.maximum(np.abs(standing), bounded.c), 1.0)
            return solved, modified, share
        before = modified
    raise ValueError("the robust fit does not settle; raise robust, or leave it out")
