"""Scores of units by assessors: a crossed model by residual maximum likelihood (REML).

y = mu + u + (uc) + a + (ac) + e: unit, unit x criterion, assessor, assessor x criterion, residual. With one criterion
the interactions drop. Means `mu` (level x criterion) are fixed. An indicator is mu + u + (uc): what the unit would
score with an average assessor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from methods.assessors.equations import Equations, Solution, quadratic_forms
from methods.assessors.reml import Search
from methods.assessors.robust import Bounded, pseudo_scores
from methods.assessors.scores import Scores, connected_groups, what_is_confounded
from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Crossed:
    """A fitted model. Targets are the unit x criterion pairs that have a score, ordered by unit, then criterion."""

    reml: float  # the REML criterion, -2 log likelihood; with `robust` of the modified scores
    variance_unit: float
    variance_unit_criterion: float  # 0 with one criterion, or with no second score on any pair
    variance_assessor: float
    variance_assessor_criterion: float
    variance_residual: float
    means: Floats  # (means,)
    means_covariance: Floats  # (means, means)
    unit: Integers  # (targets,)
    criterion: Integers  # (targets,)
    n: Integers  # (targets,) scores
    assessors: Integers  # (targets,) different assessors
    estimate: Floats  # (targets,) mu + u + (uc)
    variance: Floats  # (targets,) its prediction error variance
    unit_effect: Floats  # (units,) u
    unit_variance: Floats  # (units,) its prediction error variance
    unit_variance_given_means: Floats  # (units,) as if the means were known: lme4's `condVar`
    assessor_effect: Floats  # (assessors,) a: above 0 is mild, below harsh
    assessor_variance: Floats  # (assessors,) its prediction error variance
    assessor_variance_given_means: Floats  # (assessors,)
    component: Integers  # (targets,) group of units that assessors connect (`connected_groups`); only these compare
    weight: Floats  # (scores,) share of its residual that a score kept; 1 without `robust`
    scored: Floats  # (scores,) what was fitted: the scores, or with `robust` their modified values
    ratios: Floats  # (4,) variances over that of the residual of `scored`
    variance_scored: float  # residual variance of `scored`: `variance_residual`, or what bounding costs above it
    evaluations: int  # of the likelihood

    @property
    def reliability(self) -> Floats:
        """(targets,) share of the variance between units that the estimate knows; 0 when there is none."""
        total = self.variance_unit + self.variance_unit_criterion
        known = 1.0 - self.variance / total if total > 0 else np.zeros(len(self.variance))
        return np.asarray(np.clip(known, 0.0, 1.0), np.float64)


def crossed(scores: Scores, robust: float | None = None, progress: Callable[[int], None] | None = None) -> Crossed:
    """Fit the model: estimates and prediction error variances of every scored unit x criterion, unit and assessor.

    Parameters
    ----------
    scores
        (scores,) who gave what to whom.
    robust
        Residuals count up to this many residual standard deviations and no more (1.345: Huber's, 95 % efficient on
        normal scores), so that single wild scores move nothing much. Without it the model is the usual one.
    progress
        Called with 1 at each evaluation of the likelihood.

    Returns
    -------
    Variances, estimates and prediction error variances (those of lme4's `ranef(condVar = TRUE)` leave out that means
    are estimated; these do not). What two units share by a common assessor is in `joint_errors`.

    Raises
    ------
    ValueError
        When nothing can be estimated: no more scores than means, units that cannot be told from their assessors or from
        chance, both sides too large for a dense matrix, or `robust` not above 0.

    Notes
    -----
    With `robust`, scores are replaced by the fitted value and a bounded residual until nothing changes
    (`methods.assessors.robust`); the equations, and with them the standard errors, are those of the modified scores.
    Effects of units and assessors stay normal: an odd assessor is not bounded, only odd scores.

    References
    ----------
    Henderson (1975), Biometrics 31, 423-447. Bates, Maechler, Bolker, Walker (2015), Journal of Statistical Software
    67(1). Huber (1981), Robust Statistics, 7.8; Koller (2016), Journal of Statistical Software 75(6).

    Examples
    --------
    Two assessors, the second a point stricter; both saw unit 1.

    >>> scores = Scores(
    ...     unit=np.array([0, 1, 1, 2, 3, 3, 4]),
    ...     assessor=np.array([0, 0, 1, 1, 0, 1, 1]),
    ...     criterion=np.zeros(7, int),
    ...     mean=np.zeros(7, int),
    ...     score=np.array([8.0, 6.0, 5.1, 7.0, 3.0, 1.9, 4.0]),
    ... )
    >>> fit = crossed(scores)
    >>> fit.estimate.round(1)
    array([7.5, 5.5, 7.5, 2.5, 4.5])
    """
    confounded = what_is_confounded(scores.unit, scores.assessor)
    if confounded is not None:
        raise ValueError(confounded)
    search = Search(Equations.of(scores), progress)
    solved = search.fit()
    weight, scored = np.ones(len(scores.score)), np.asarray(scores.score, np.float64)
    residual = solved.residual
    if robust is not None:
        found = pseudo_scores(search, solved, scored, Bounded.of(robust))
        solved, scored, weight, residual = found.solved, found.modified, found.kept, found.residual
    return _described(scores, solved, scored, weight, residual, search.evaluations)


def _described(
    scores: Scores, solved: Solution, scored: Floats, weight: Floats, residual: float, evaluations: int
) -> Crossed:
    eq, s2, criteria = solved.equations, solved.residual, scores.criteria
    units, assessors = (eq.P, eq.Q) if eq.units_eliminated else (eq.Q, eq.P)
    turned = solved.ratios if eq.units_eliminated else np.roll(solved.ratios, 2)
    spherical = (solved.p, solved.q) if eq.units_eliminated else (solved.q, solved.p)
    errors = (solved.variance_p(), solved.variance_q())
    of_unit, of_assessor = errors if eq.units_eliminated else errors[::-1]
    unit_errors, assessor_errors = (
        [s2 * part[: side.mains] * ratio for part in one]
        for side, one, ratio in ((units, of_unit, turned[0]), (assessors, of_assessor, turned[2]))
    )
    unit_roots, assessor_roots = units.roots(turned[:2]), assessors.roots(turned[2:])
    unit_effects, assessor_effects = spherical[0] * unit_roots, spherical[1] * assessor_roots
    pairs, first, target, n = np.unique(
        scores.unit * criteria + scores.criterion, return_index=True, return_inverse=True, return_counts=True
    )
    mean = scores.mean[first]
    T = units.targets(first)
    TA = sparse.csr_array(T @ sparse.diags_array(unit_roots))
    X = np.zeros((len(pairs), len(solved.means)))
    X[np.arange(len(pairs)), mean] = 1.0
    S = solved.symmetric()
    if eq.units_eliminated:
        spread = sparse.csr_array(TA @ solved.response())
        left = X - TA @ solved.HX + spread @ solved.K
        own, alone = units.given_the_rest(turned[:2], first)
        given = quadratic_forms(spread, S) + own**2 + alone**2
    else:
        left = X - TA @ solved.K
        given = quadratic_forms(TA, S)
    variance = s2 * (given + np.sum((left @ solved.G) * left, axis=1))
    who = np.unique(target * (int(scores.assessor.max()) + 1) + scores.assessor) // (int(scores.assessor.max()) + 1)
    means = eq.centre + solved.means
    return Crossed(
        reml=solved.deviance,
        variance_unit=float(s2 * turned[0]),
        variance_unit_criterion=float(s2 * turned[1]),
        variance_assessor=float(s2 * turned[2]),
        variance_assessor_criterion=float(s2 * turned[3]),
        variance_residual=float(residual),
        means=means,
        means_covariance=s2 * solved.G,
        unit=pairs // criteria,
        criterion=pairs % criteria,
        n=n.astype(np.int64),
        assessors=np.bincount(who, minlength=len(pairs)).astype(np.int64),
        estimate=means[mean] + T @ unit_effects,
        variance=variance,
        unit_effect=unit_effects[: units.mains],
        unit_variance=unit_errors[0] + unit_errors[1],
        unit_variance_given_means=unit_errors[0],
        assessor_effect=assessor_effects[: assessors.mains],
        assessor_variance=assessor_errors[0] + assessor_errors[1],
        assessor_variance_given_means=assessor_errors[0],
        component=connected_groups(scores.unit, scores.assessor)[0][pairs // criteria],
        weight=weight,
        scored=scored,
        ratios=turned,
        variance_scored=float(s2),
        evaluations=evaluations,
    )
