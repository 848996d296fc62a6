"""What estimates have in common: errors of assessors and means, carried to every unit that they touch, as factors.

Two units seen by the same assessor err together by the assessor's error, so that their difference is surer than their
own intervals say; two units of different assessors err apart. Leading factors carry that, named after nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from methods.assessors.crossed import Crossed
from methods.assessors.equations import MAX_DENSE, Equations, Solution, quadratic_forms
from methods.assessors.scores import Scores
from methods.inputs import Floats, Integers

APART = 1e-7  # eigenvalues that differ by less, against the largest, count as equal: rounding turns their vectors
AS_LONG = 1e-6  # squared lengths that differ by less, against the longest, count as equal


@dataclass(frozen=True, slots=True)
class JointErrors:
    """Errors of the targets of a `Crossed`, in the form a + sum_f loading_f z_f + b e.

    Variances are those of the fit: shared, own and independent parts add up to the prediction error variance.
    """

    unit: Integers  # (targets,)
    criterion: Integers  # (targets,)
    component: Integers  # (targets,) only targets of one group can be compared
    estimate: Floats  # (targets,)
    shared: Floats  # (targets, factors) loadings of factors common to units: assessors and means
    own: Floats  # (targets,) loading of the unit's own factor, common to its criteria
    independent: Floats  # (targets,) standard deviation of the rest
    direct: Floats  # (targets,) unshrunken: mean of the scores less their assessors' effects
    direct_shared: Floats  # (targets, factors)
    direct_independent: Floats  # (targets,) standard deviation of the rest


@dataclass(frozen=True, slots=True)
class Difference:
    """The first target less the second."""

    estimate: float
    standard_error: float


def joint_errors(scores: Scores, fit: Crossed, max_factors: int = 32, kept: float = 0.95) -> JointErrors:
    """What the errors of all targets share, as factors.

    The uncertainty of assessors and means is carried by `max_factors` leading factors at most, fewer when they hold the
    share `kept` of it; what they leave is counted as independent, so that no estimate becomes surer.

    Parameters
    ----------
    scores
        Those of the fit.
    fit
        Their crossed model.
    max_factors
        At least 0.
    kept
        Share of the common variance, above 0 and at most 1.

    Raises
    ------
    ValueError
        When `scores` are not those of the fit, or a number is out of its range.

    Notes
    -----
    The equations are solved once more at the fitted variances with the units eliminated. With more than 4,000 effects
    of assessors that would be dear: then the units' side stays dense and the factors are those of the units' joint
    errors themselves, unshrunken values having none.

    Examples
    --------
    Units 0 and 1 were seen by both assessors, unit 2 by one: what a severe assessor takes from one, he takes from all.

    >>> from methods.assessors.crossed import crossed
    >>> from methods.assessors.scores import scores_of
    >>> y = [8.0, 6.9, 6.0, 5.1, 3.0, 1.9, 7.0, 6.2, 5.0]
    >>> scores, *_ = scores_of([0, 0, 1, 1, 3, 3, 4, 4, 2], [0, 1, 0, 1, 0, 1, 0, 1, 0], y)
    >>> joint = joint_errors(scores, crossed(scores))
    >>> bool(joint.shared[0] @ joint.shared[1] > 0)
    True
    """
    if len(scores.score) != len(fit.scored):
        raise ValueError(f"scores has {len(scores.score)} rows, the fit {len(fit.scored)}; give those of the fit")
    if max_factors < 0 or not 0.0 < kept <= 1.0:
        raise ValueError(f"max_factors is {max_factors}, kept {kept}; give 0 or more, and a share above 0 up to 1")
    criteria = scores.criteria
    pairs, first, target, n = np.unique(
        scores.unit * criteria + scores.criterion, return_index=True, return_inverse=True, return_counts=True
    )
    assessors_dense = _levels(scores) <= MAX_DENSE // 3
    eq = Equations.of(scores, units_eliminated=True if assessors_dense else None).with_scores(fit.scored)
    solved = eq.solve(fit.ratios if eq.units_eliminated else np.roll(fit.ratios, 2))
    units, assessors = (eq.P, eq.Q) if eq.units_eliminated else (eq.Q, eq.P)
    TA = sparse.csr_array(units.targets(first) @ sparse.diags_array(units.roots(fit.ratios[:2])))
    X = np.zeros((len(pairs), scores.means))
    X[np.arange(len(pairs)), scores.mean[first]] = 1.0
    mean_of = sparse.csr_array((1.0 / n[target], (target, np.arange(len(target)))), shape=(len(pairs), len(target)))
    roots = assessors.roots(fit.ratios[2:])
    to_direct = sparse.csr_array(mean_of @ assessors.incidence() @ sparse.diags_array(roots))
    spherical = solved.q if eq.units_eliminated else solved.p
    own, alone = units.given_the_rest(fit.ratios[:2], first)
    if eq.units_eliminated:
        spread = sparse.csr_array(TA @ solved.response())
        F, D = _loadings(solved, spread, X - TA @ solved.HX, to_direct)
        shared, direct_shared, left, direct_left = _leading(F, D, max_factors, kept)
    else:
        shared, left = _leading_common(fit, solved, TA, X, own, alone, max_factors, kept)
        direct_shared, direct_left = np.zeros_like(shared), _direct_variance(solved, to_direct)
    scale = np.sqrt(fit.variance_scored)
    return JointErrors(
        unit=fit.unit,
        criterion=fit.criterion,
        component=fit.component,
        estimate=fit.estimate,
        shared=scale * shared,
        own=scale * own,
        independent=scale * np.sqrt(alone**2 + left),
        direct=mean_of @ fit.scored - to_direct @ spherical,
        direct_shared=scale * direct_shared,
        direct_independent=scale * np.sqrt(1.0 / n + direct_left),
    )


def difference(joint: JointErrors, first: int, second: int) -> Difference:
    """The difference between two targets, with what they share taken out of its error.

    Parameters
    ----------
    joint
        The joint errors.
    first, second
        Positions of targets.

    Raises
    ------
    ValueError
        When no chain of assessors connects their units, a position is unknown, or both are one.

    Examples
    --------
    >>> from methods.assessors.crossed import crossed
    >>> from methods.assessors.scores import scores_of
    >>> scores, *_ = scores_of([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], [8.0, 6.9, 6.0, 5.1, 3.0, 1.9])
    >>> gap = difference(joint_errors(scores, crossed(scores)), 0, 2)
    >>> round(gap.estimate, 1), bool(gap.standard_error < 0.1)
    (5.0, True)
    >>> scores, *_ = scores_of([0, 0, 1, 1], [0, 1, 2, 3], [8.0, 6.9, 6.0, 5.1])
    >>> difference(joint_errors(scores, crossed(scores)), 0, 1)
    Traceback (most recent call last):
    ...
    ValueError: units 0 and 1 have no assessor in common, directly or through others: they cannot be compared
    """
    targets = len(joint.estimate)
    for name, position in (("first", first), ("second", second)):
        if not 0 <= position < targets:
            raise ValueError(f"{name} is {position}; there are {targets} targets, from 0")
    if first == second:
        raise ValueError(f"first and second are both {first}; give two targets")
    units = int(joint.unit[first]), int(joint.unit[second])
    if joint.component[first] != joint.component[second]:
        raise ValueError(
            f"units {units[0]} and {units[1]} have no assessor in common, directly or through others: "
            "they cannot be compared"
        )
    common = joint.shared[first] - joint.shared[second]
    own = joint.own[[first, second]]
    apart = float(own[0] - own[1]) ** 2 if units[0] == units[1] else float(own @ own)
    variance = float(common @ common) + apart + float(np.sum(joint.independent[[first, second]] ** 2))
    return Difference(float(joint.estimate[first] - joint.estimate[second]), float(np.sqrt(variance)))


def _levels(scores: Scores) -> int:
    """Effects of assessors, with their interactions."""
    return len(np.unique(scores.assessor)) + (
        len(np.unique(scores.assessor * scores.criteria + scores.criterion)) if scores.criteria > 1 else 0
    )


def _loadings(
    solved: Solution, spread: sparse.csr_array, fixed: Floats, to_direct: sparse.csr_array
) -> tuple[Floats, Floats]:
    """Errors of targets, and of unshrunken values, as linear maps of independent standard normal variables.

    Errors of (assessors, means) have the covariance [[S + K G K', -K G], [-G K', G]]: e_a = L z1 - K R z2, e_m = R z2.
    """
    q = len(solved.S)
    L = linalg.cholesky(solved.symmetric() + 1e-12 * np.eye(q), lower=True, check_finite=False)
    R = linalg.cholesky(solved.G, lower=True)
    F = np.concatenate([-(spread @ L), (fixed + spread @ solved.K) @ R], axis=1)
    D = np.concatenate([-(to_direct @ L), (to_direct @ solved.K) @ R], axis=1)
    return F, D


def _leading(F: Floats, D: Floats, most: int, kept: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Leading factors of F, the same turn of D, and the variances that they leave.

    A target's error is F z; the leading eigenvectors of F'F turn z so that the first few carry most.
    """
    gram = F.T @ F
    size, total = len(gram), float(np.trace(gram))
    take = min(most, size)
    if total <= 0 or take == 0:
        nothing = np.zeros((len(F), 0))
        return nothing, nothing, np.sum(F * F, axis=1), np.sum(D * D, axis=1)
    values, vectors = _spectrum(gram, take)
    V = vectors[:, : _enough(values, total, kept)]
    shared, direct = F @ V, D @ V
    left = np.maximum(np.sum(F * F, axis=1) - np.sum(shared**2, axis=1), 0.0)
    direct_left = np.maximum(np.sum(D * D, axis=1) - np.sum(direct**2, axis=1), 0.0)
    return shared, direct, left, direct_left


def _leading_common(
    fit: Crossed, solved: Solution, TA: sparse.csr_array, X: Floats, own: Floats, alone: Floats, most: int, kept: float
) -> tuple[Floats, Floats]:
    """Leading factors of the joint errors of targets less what is each unit's own, the units' side dense."""
    total = fit.variance / fit.variance_scored - own**2 - alone**2
    take = min(most, len(own))
    if len(own) > MAX_DENSE // 3 or take == 0:
        return np.zeros((len(own), 0)), np.maximum(total, 0.0)
    fixed = X - TA @ solved.K
    common = TA @ (TA @ solved.symmetric()).T + (fixed @ solved.G) @ fixed.T
    common -= np.where(fit.unit[:, None] == fit.unit, np.outer(own, own), 0.0)
    common[np.diag_indices_from(common)] -= alone**2
    values, vectors = _spectrum(common, take)
    values = np.maximum(values, 0.0)
    enough = _enough(values, float(np.trace(common)), kept)
    shared = vectors[:, :enough] * np.sqrt(values[:enough])
    return shared, np.maximum(total - np.sum(shared**2, axis=1), 0.0)


def _direct_variance(solved: Solution, rows: sparse.csr_array) -> Floats:
    """(rows,) variance that errors of the eliminated side bring to rows of sums over it."""
    ones = np.ones(rows.shape[1])
    alone = solved.cut.forward_sparse(sparse.csr_array(rows.T), ones, np.ones(rows.shape[0]))
    spread = sparse.csr_array(rows @ solved.response())
    left = rows @ solved.HX - spread @ solved.K
    found = np.asarray(alone.multiply(alone).sum(axis=0)).ravel() + quadratic_forms(spread, solved.symmetric())
    return np.asarray(found + np.sum((left @ solved.G) * left, axis=1), np.float64)


def _enough(values: Floats, total: float, kept: float) -> int:
    """How many of these eigenvalues, largest first, hold the share `kept` of their total."""
    return min(int(np.searchsorted(np.cumsum(values), kept * total)) + 1, len(values))


def _spectrum(matrix: Floats, take: int) -> tuple[Floats, Floats]:
    """The `take` largest eigenvalues of a symmetric matrix, largest first, with vectors that only it decides.

    Where every assessor scores every criterion, eigenvalues coincide, and any turn of their vectors is as right: which
    one comes out hangs on the processor and on how many threads add. `settled` chooses one of them.
    """
    size = len(matrix)
    more = min(take + 1, size)
    values, vectors = linalg.eigh(matrix, subset_by_index=[size - more, size - 1], check_finite=False)
    if more > take and values[1] - values[0] <= APART * values[-1]:  # the last one taken has others like it
        values, vectors = linalg.eigh(matrix, check_finite=False)
    values = values[::-1]
    return values[:take], settled(values, vectors[:, ::-1])[:, :take]


def settled(values: Floats, vectors: Floats) -> Floats:
    """Eigenvectors turned, among those of equal eigenvalues, to where one row after the other lies on one of them.

    Parameters
    ----------
    values : (k,)
        Eigenvalues, largest first.
    vectors : (n, k)
        Orthonormal eigenvectors.

    Returns
    -------
    array, (n, k)
        As before, but decided by the space that eigenvectors of equal eigenvalues span, not by the basis that came: of
        what is left of it the first row that is as long as the longest lies on the next vector, with a positive sign.

    Examples
    --------
    >>> turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, -1.0]])
    >>> (settled(np.array([2.0, 2.0, 1.0]), turn) + 0.0).round(9).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    found = np.empty_like(vectors)
    ends = np.flatnonzero(-np.diff(values) > APART * abs(values[0])) + 1
    for start, stop in zip([0, *ends.tolist()], [*ends.tolist(), len(values)], strict=True):
        left = vectors[:, start:stop]
        for k in range(start, stop):
            length = np.sum(left**2, axis=1)
            row = int(np.argmax(length >= (1.0 - AS_LONG) * length.max()))
            direction = left[row] / np.sqrt(length[row])
            found[:, k] = left @ direction
            left = left - np.outer(found[:, k], direction)
    return found
