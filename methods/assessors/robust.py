"""Wild scores bounded: the crossed model with Huber's function of the residuals.

Scores are replaced by their fitted value plus a bounded residual, the model is fitted again, and so on until nothing
changes (Huber's modified residuals). At the fixed point the estimating equations are those of a bounded-influence fit,
and the residual variance of the modified scores is that of the robust estimator, so that standard errors follow from
the ordinary equations. A residual is judged by its own size, not that of the error: a score that its unit follows
closely leaves a small one (design adaptive scale).

Huber (1981), Robust Statistics, 7.8; Koller, Stahel (2011), Computational Statistics and Data Analysis 55, 2504-2515;
Koller (2016), Journal of Statistical Software 75(6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from methods.assessors.equations import Solution
from methods.assessors.reml import Search
from methods.inputs import Floats

ROUNDS = 500
ADAPTING = 10  # rounds in which leverages and the share of bounded scores are taken anew, if they change
SETTLED = 1e-6  # change of a modified score, in residual standard deviations
MOVED = 0.02  # relative change of a ratio, from which on leverages are taken anew
MEDIAN_SQUARE = 0.45494  # of a standard normal variable
PRIOR_SCORES = 10.0  # normal scores that the share of bounded scores is drawn to
LEVERAGES = np.linspace(0.0, 0.98, 25)
WIDE = 3.0  # a bound from which on so little is bounded that sizes are those of ordinary residuals


@dataclass(frozen=True, slots=True)
class Bounded:
    """Huber's function min(max(x, -c), c) and what it does to standard normal residuals."""

    c: float
    slope: float  # E psi'
    square: float  # E psi^2
    sizes: Floats  # (25,) of residuals, in standard deviations of the error, at LEVERAGES

    @staticmethod
    def of(c: float) -> Bounded:
        if not (np.isfinite(c) and c > 0):
            raise ValueError(f"robust is {c}; give a positive number of standard deviations, such as 1.345, or None")
        slope = float(2.0 * ndtr(c) - 1.0)
        square = float(slope - 2.0 * c * _density(c) + 2.0 * c**2 * ndtr(-c))
        return Bounded(c, slope, square, _sizes(c, slope, square))

    def size(self, leverage: Floats) -> Floats:
        """(scores,) by which to judge residuals at these leverages."""
        return np.asarray(np.interp(leverage, LEVERAGES, self.sizes), np.float64)


def _density(x: Floats | float) -> Floats:
    """Of the standard normal distribution."""
    return np.asarray(np.exp(-np.square(x) / 2.0) / np.sqrt(2.0 * np.pi))


def _sizes(c: float, slope: float, square: float) -> Floats:
    """Sizes tau at which bounded residuals have the squares that the equations expect, (1 - h) E psi^2.

    A residual at leverage h is e - h psi(e) / slope - what the other scores bring, of variance h (1 - h) E psi^2 /
    slope^2; e is standard normal.
    """
    if c >= WIDE:
        return np.sqrt(1.0 - LEVERAGES)
    nodes, weights = np.polynomial.legendre.leggauss(80)
    nodes, weights = 8.0 * nodes, 8.0 * weights * _density(8.0 * nodes)
    h = LEVERAGES[:, None, None]
    e = nodes[:, None]
    others = np.sqrt(h * (1.0 - h) * square) / slope
    residual = e - h * np.clip(e, -c, c) / slope - others * nodes
    both = weights[:, None] * weights
    low, high = np.full(len(LEVERAGES), 1e-3), np.full(len(LEVERAGES), 3.0)
    for _ in range(40):
        tau = 0.5 * (low + high)
        bounded = np.clip(residual, -c * tau[:, None, None], c * tau[:, None, None])
        short = np.sum(bounded**2 * both, axis=(1, 2)) < (1.0 - LEVERAGES) * square
        low, high = np.where(short, tau, low), np.where(short, high, tau)
    return np.asarray(0.5 * (low + high), np.float64)


@dataclass(frozen=True, slots=True)
class Robust:
    """A robust fit."""

    solved: Solution  # of the modified scores
    modified: Floats  # (scores,)
    kept: Floats  # (scores,) share of its residual that a score kept
    residual: float  # variance of the errors, wild ones apart


def pseudo_scores(search: Search, solved: Solution, score: Floats, bounded: Bounded) -> Robust:
    """The robust fit from the ordinary one.

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
    >>> robust = pseudo_scores(search, search.fit(), y, Bounded.of(1.345))
    >>> bool(robust.modified[8] < 9.0), int(np.argmin(robust.kept))
    (True, 8)
    """
    own, at = bounded.size(solved.leverage()), solved.ratios
    middle = float(np.median(((score - solved.fitted()) / own) ** 2)) / MEDIAN_SQUARE
    deviation = np.sqrt(middle or solved.residual)
    before, slope = np.asarray(score, np.float64), bounded.slope
    for k in range(ROUNDS):
        fitted = solved.fitted()
        if k < ADAPTING:
            if np.any(np.abs(solved.ratios - at) > MOVED * at):
                own, at = bounded.size(solved.leverage()), solved.ratios
            inside = np.count_nonzero(np.abs(score - fitted) < bounded.c * own * deviation)
            slope = (inside + PRIOR_SCORES * bounded.slope) / (len(score) + PRIOR_SCORES)
        standing = (score - fitted) / (own * deviation)
        modified = fitted + own * deviation * np.clip(standing, -bounded.c, bounded.c) / slope
        search.equations = search.equations.with_scores(modified)
        solved = search.fit(solved.ratios)
        deviation = np.sqrt(solved.residual * slope**2 / bounded.square)
        if np.max(np.abs(modified - before)) <= SETTLED * deviation:
            kept = np.minimum(1.0, bounded.c / np.maximum(np.abs(standing), 1e-300))
            return Robust(solved, modified, kept, float(deviation**2))
        before = modified
    raise ValueError("the robust fit does not settle; raise robust, or leave it out")
