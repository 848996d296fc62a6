"""Scores of units by assessors: a crossed model by residual maximum likelihood (REML).

y = mu + u + (uc) + a + (ac) + e: unit, unit x criterion, assessor, assessor x criterion, residual. With one criterion
the interactions drop. Means `mu` (level x criterion) are fixed. An indicator is mu + u + (uc): what the unit would
score with an average assessor.

The larger side is eliminated block by block (a unit's block is an arrow: its criteria, then itself), the smaller side
is a dense Cholesky factor; one evaluation of the likelihood and its gradient costs about the cube of the smaller side.
Henderson (1975), Biometrics 31, 423-447; Bates, Maechler, Bolker, Walker (2015), Journal of Statistical Software 67(1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, sparse
from scipy.sparse.csgraph import connected_components

from methods.inputs import Floats, Integers

LOG_RATIO_LIMITS = (-18.0, 14.0)  # of a variance over the residual's; below: the variance is reported as 0
MAX_DENSE = 12_000  # levels of the smaller side that a machine can carry as one dense matrix (1.2 GB)
CHUNK = 2_048
EXACT = 1e-12  # share of the scores' squares that counts as no residual
GRADIENT = 1e-5  # of the deviance with respect to a log ratio, where fitting ends


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores in positions: who gave what on which criterion to whom."""

    unit: Integers  # (scores,)
    assessor: Integers  # (scores,)
    criterion: Integers  # (scores,)
    mean: Integers  # (scores,) which fixed mean the score is about: 0 .. means - 1, every one used
    score: Floats  # (scores,)


@dataclass(frozen=True, slots=True)
class Crossed:
    """A fitted model. Targets are the unit x criterion pairs that have a score, ordered by unit, then criterion."""

    reml: float  # the REML criterion, -2 log likelihood
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
    assessor_effect: Floats  # (assessors,)
    assessor_variance: Floats  # (assessors,) prediction error variance
    component: Integers  # (targets,) connected component of the unit-assessor graph; the largest, by units, is 0
    shared: Floats  # (targets, factors) loadings of factors common to units: assessors and means
    own: Floats  # (targets,) loading of the unit's own factor, common to its criteria
    independent: Floats  # (targets,) standard deviation of the rest
    direct: Floats  # (targets,) unshrunken: mean of the scores less their assessors' effects
    direct_shared: Floats  # (targets, factors)
    direct_independent: Floats  # (targets,) standard deviation of the rest

    @property
    def reliability(self) -> Floats:
        """(targets,) share of the variance between units that the estimate knows; 0 when there is none."""
        total = self.variance_unit + self.variance_unit_criterion
        known = 1.0 - self.variance / total if total > 0 else np.zeros(len(self.variance))
        return np.asarray(np.clip(known, 0.0, 1.0), np.float64)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two sides: a main effect and, where it can be told apart, its interaction with the criterion."""

    main: Integers  # (scores,)
    inner: Integers | None  # (scores,)
    parent: Integers  # (inner levels,) the main level of each interaction level
    Z: sparse.csr_array  # (scores, levels)
    counts: Floats  # (levels,)

    @property
    def mains(self) -> int:
        return self.Z.shape[1] - len(self.parent)

    def scaled(self, ratios: Floats) -> Floats:
        """(levels,) square roots of the variance ratios."""
        root = np.sqrt(ratios)
        return np.concatenate([np.full(self.mains, root[0]), np.full(len(self.parent), root[1])])


def _side(main: Integers, criterion: Integers, criteria: int, inner: bool) -> _Side:
    mains = int(main.max()) + 1
    rows = np.arange(len(main))
    parent = np.zeros(0, np.int64)
    levels = None
    columns = [main]
    if inner:
        pairs, levels = np.unique(main * criteria + criterion, return_inverse=True)
        parent = pairs // criteria
        columns.append(mains + levels)
    width = mains + len(parent)
    Z = sparse.csr_array(
        (np.ones(len(main) * len(columns)), (np.tile(rows, len(columns)), np.concatenate(columns))),
        shape=(len(main), width),
    )
    return _Side(main, levels, parent, Z, np.asarray(Z.sum(axis=0), np.float64).ravel())


@dataclass(frozen=True, slots=True)
class _Elimination:
    """The eliminated side at given variance ratios: C = T diag(d) T', T unit triangular."""

    d: Floats  # (levels,)
    pull: Floats  # (inner levels,) what a main level takes from each of its interaction levels
    parent: Integers
    mains: int

    def forward(self, M: Floats) -> Floats:
        """diag(d)^-1/2 T^-1 M of a dense M with a row a level."""
        top, low = M[: self.mains], M[self.mains :]
        return np.asarray(np.concatenate([top - self._gather() @ low, low]) / np.sqrt(self.d)[:, None], np.float64)

    def backward(self, M: Floats) -> Floats:
        """T'^-1 diag(d)^-1/2 M of a dense M."""
        M = M / np.sqrt(self.d)[:, None]
        top, low = M[: self.mains], M[self.mains :]
        return np.asarray(np.concatenate([top, low - self._gather().T @ top]), np.float64)

    def forward_sparse(self, M: sparse.csr_array) -> sparse.csr_array:
        """The same as `forward`, of a sparse M."""
        if len(self.parent):
            top, low = M[: self.mains], M[self.mains :]
            M = sparse.csr_array(sparse.vstack([top - self._gather() @ low, low]))
        return _scale_rows(M, 1.0 / np.sqrt(self.d))

    def backward_sparse(self, M: sparse.csr_array) -> sparse.csr_array:
        """The same as `backward`, of a sparse M."""
        M = _scale_rows(M, 1.0 / np.sqrt(self.d))
        if len(self.parent):
            top, low = M[: self.mains], M[self.mains :]
            M = sparse.csr_array(sparse.vstack([top, low - self._gather().T @ top]))
        return M

    def _gather(self) -> sparse.csr_array:
        inner = len(self.parent)
        return sparse.csr_array((self.pull, (self.parent, np.arange(inner))), shape=(self.mains, inner))

    def inverse_diagonal(self) -> Floats:
        """(levels,) diagonal of C^-1."""
        top = 1.0 / self.d[: self.mains]
        return np.concatenate([top, 1.0 / self.d[self.mains :] + self.pull**2 * top[self.parent]])


def _scale_rows(M: sparse.csr_array, by: Floats) -> sparse.csr_array:
    return sparse.csr_array((M.data * np.repeat(by, np.diff(M.indptr)), M.indices, M.indptr), shape=M.shape)


def _scale_columns(M: sparse.csr_array, by: Floats) -> sparse.csr_array:
    return sparse.csr_array((M.data * by[M.indices], M.indices, M.indptr), shape=M.shape)


def _eliminate(side: _Side, ratios: Floats) -> _Elimination:
    n, m = side.counts, side.mains
    if len(side.parent) == 0:
        return _Elimination(1.0 + ratios[0] * n, np.zeros(0), side.parent, m)
    inner = 1.0 + ratios[1] * n[m:]
    across = np.sqrt(ratios[0] * ratios[1]) * n[m:]
    top = 1.0 + ratios[0] * n[:m] - np.bincount(side.parent, across**2 / inner, minlength=m)
    return _Elimination(np.concatenate([top, inner]), across / inner, side.parent, m)


@dataclass(frozen=True, slots=True)
class _Equations:
    """The mixed model equations, before variances are known. P is eliminated, Q is dense."""

    P: _Side
    Q: _Side
    PQ: sparse.csr_array  # (levels of P, levels of Q) scores in common
    QQ: sparse.csr_array
    PW: Floats  # (levels of P, means + 1) sums of the fixed columns and of y
    QW: Floats
    WW: Floats
    n: int


@dataclass(frozen=True, slots=True)
class _Solved:
    deviance: float
    residual: float  # variance
    means: Floats
    G: Floats  # (means, means) inverse information of the means, without the residual variance
    p: Floats  # spherical effects of P, times root ratio = effects
    q: Floats
    gradient: Floats  # with respect to the logs of the four ratios (P, P inner, Q, Q inner)
    elimination: _Elimination
    S: Floats  # (levels of Q, levels of Q) inverse of the dense block
    K: Floats  # (levels of Q, means) response of Q to the means
    H: sparse.csr_array  # (levels of P, levels of Q) response of P to Q
    HX: Floats  # (levels of P, means)


def _solve(eq: _Equations, ratios: Floats) -> _Solved:
    cut = _eliminate(eq.P, ratios[:2])
    a, b = eq.P.scaled(ratios[:2]), eq.Q.scaled(ratios[2:])
    E = cut.forward_sparse(_scale_columns(_scale_rows(eq.PQ, a), b))
    EW = cut.forward(eq.PW * a[:, None])
    M = _scale_columns(_scale_rows(eq.QQ, b), b).toarray()
    M[np.diag_indices_from(M)] += 1.0
    M -= (E.T @ E).toarray()
    L = linalg.cholesky(M, lower=True, overwrite_a=True, check_finite=False)
    LB = linalg.solve_triangular(L, eq.QW * b[:, None] - E.T @ EW, lower=True, check_finite=False)
    G = eq.WW - EW.T @ EW - LB.T @ LB
    p = G.shape[0] - 1
    R = linalg.cholesky(G[:p, :p], lower=True)
    h = linalg.solve_triangular(R, G[:p, p], lower=True)
    rss = max(float(G[p, p] - h @ h), EXACT * float(eq.WW[p, p]) + EXACT)  # all may agree
    degrees = eq.n - p
    residual = rss / degrees
    deviance = (
        float(np.sum(np.log(cut.d)))
        + 2.0 * float(np.sum(np.log(np.diag(L))))
        + 2.0 * float(np.sum(np.log(np.diag(R))))
        + degrees * (1.0 + np.log(2.0 * np.pi * residual))
    )
    means = linalg.solve_triangular(R.T, h, lower=False)
    Gi = linalg.cho_solve((R, True), np.eye(p))
    K = linalg.solve_triangular(L.T, LB[:, :p], lower=False, check_finite=False)
    q = linalg.solve_triangular(L.T, LB[:, p], lower=False, check_finite=False) - K @ means
    S = linalg.lapack.dpotri(L, lower=1, overwrite_c=1)[0]
    S = np.tril(S) + np.tril(S, -1).T
    HX = cut.backward(EW[:, :p])
    H = cut.backward_sparse(E)
    e = cut.backward((EW[:, p] - EW[:, :p] @ means - E @ q)[:, None])[:, 0]
    # traces of the blocks of the inverse of all equations: d deviance / d log ratio = levels - trace - b'b / residual
    gradient = np.zeros(4)
    diagonal = np.diag(S) + np.sum((K @ Gi) * K, axis=1)
    mq, mp = eq.Q.mains, eq.P.mains
    remaining = HX - H @ K
    own = cut.inverse_diagonal() + np.sum((remaining @ Gi) * remaining, axis=1)
    for k, rows in enumerate((slice(0, mp), slice(mp, None))):
        part = H[rows]
        if part.shape[0]:
            product = (part.T @ part).tocoo()
            trace = own[rows].sum() + np.sum(product.data * S[product.row, product.col])
            gradient[k] = part.shape[0] - trace - np.sum(e[rows] ** 2) / residual
    for k, rows in enumerate((slice(0, mq), slice(mq, None))):
        gradient[2 + k] = len(diagonal[rows]) - diagonal[rows].sum() - np.sum(q[rows] ** 2) / residual
    return _Solved(deviance, residual, means, Gi, e, q, gradient, cut, S, K, H, HX)


def crossed(
    scores: Scores, max_factors: int = 32, kept: float = 0.95, progress: Callable[[int], None] | None = None
) -> Crossed:
    """Fit the model and give every scored unit x criterion its estimate and its uncertainty, alone and in common.

    The uncertainty of assessors and means is carried by `max_factors` leading factors at most, fewer when they hold the
    share `kept` of it; what they leave is counted as independent, so that no estimate becomes surer.

    Raises
    ------
    ValueError
        When nothing can be estimated: no score, no more scores than means, or both sides too large for a dense matrix.
    """
    if len(scores.score) == 0:
        raise ValueError("no scores; give at least two assessors of one unit")
    criteria = int(scores.criterion.max()) + 1
    several = len(np.unique(scores.criterion)) > 1
    means = int(scores.mean.max()) + 1
    n = len(scores.score)
    if n <= means + 1:
        raise ValueError(f"{n} scores cannot carry {means} means; give more scores")
    units = _side(
        scores.unit, scores.criterion, criteria, several and _repeats(scores.unit, scores.criterion, criteria)
    )
    assessors = _side(
        scores.assessor, scores.criterion, criteria, several and _repeats(scores.assessor, scores.criterion, criteria)
    )
    X = sparse.csr_array((np.ones(n), (np.arange(n), scores.mean)), shape=(n, means))
    units_eliminated = units.Z.shape[1] >= assessors.Z.shape[1]
    eq = _equations(units, assessors, X, scores.score, units_eliminated)
    ratios, solved = _fit(eq, progress)
    if not units_eliminated and assessors.Z.shape[1] <= MAX_DENSE // 3:
        # the joint uncertainty of units is that of assessors seen from units: solve once the other way round
        eq, ratios = _equations(units, assessors, X, scores.score, True), np.concatenate([ratios[2:], ratios[:2]])
        solved, units_eliminated = _solve(eq, ratios), True
    return _describe(scores, units, assessors, eq, ratios, solved, units_eliminated, max_factors, kept)


def _repeats(main: Integers, criterion: Integers, criteria: int) -> bool:
    """Whether an interaction can be told from the residual: some pair has more than one score."""
    return bool(np.bincount(main * criteria + criterion).max() > 1)


def _equations(units: _Side, assessors: _Side, X: sparse.csr_array, y: Floats, units_eliminated: bool) -> _Equations:
    P, Q = (units, assessors) if units_eliminated else (assessors, units)
    if Q.Z.shape[1] > MAX_DENSE:
        raise ValueError(
            f"the smaller side has {Q.Z.shape[1]} effects, more than {MAX_DENSE}; rate fewer units or criteria at once"
        )
    W = sparse.hstack([X, sparse.csr_array(y[:, None])]).tocsr()
    return _Equations(
        P,
        Q,
        (P.Z.T @ Q.Z).tocsr(),
        (Q.Z.T @ Q.Z).tocsr(),
        (P.Z.T @ W).toarray(),
        (Q.Z.T @ W).toarray(),
        (W.T @ W).toarray(),
        len(y),
    )


def _fit(eq: _Equations, progress: Callable[[int], None] | None) -> tuple[Floats, _Solved]:
    """Minimise the deviance over the logs of the variance ratios; a ratio that vanishes becomes exactly 0."""
    free = np.array([True, len(eq.P.parent) > 0, True, len(eq.Q.parent) > 0])
    last: dict[bytes, _Solved] = {}

    def ratios_of(x: Floats) -> Floats:
        ratios = np.zeros(4)
        ratios[free] = np.exp(x)
        return ratios

    def target(x: Floats) -> tuple[float, Floats]:
        solved = _solve(eq, ratios_of(x))
        last.clear()
        last[x.tobytes()] = solved
        if progress is not None:
            progress(1)
        return solved.deviance, solved.gradient[free]

    found = optimize.minimize(
        target,
        np.full(int(free.sum()), np.log(0.3)),
        jac=True,
        method="L-BFGS-B",
        bounds=[LOG_RATIO_LIMITS] * int(free.sum()),
        options={"ftol": 1e-10, "gtol": 1e-3, "maxiter": 200, "maxls": 40},
    )
    x = _polished(np.asarray(found.x, np.float64), target)
    ratios = ratios_of(x)
    solved = last.get(x.tobytes()) or _solve(eq, ratios)
    for k in np.flatnonzero(free & (ratios < 1e-3)):
        without = ratios.copy()
        without[k] = 0.0
        tried = _solve(eq, without)
        if tried.deviance <= solved.deviance + 1e-7:
            ratios, solved = without, tried
    return ratios, solved


def _polished(x: Floats, target: Callable[[Floats], tuple[float, Floats]], step: float = 1e-4) -> Floats:
    """Newton steps on the gradient: where the likelihood is flat, a line search on its value stops too soon."""
    value, gradient = target(x)
    for _ in range(3):
        inner = np.flatnonzero(x > np.log(1e-3))
        if len(inner) == 0 or np.max(np.abs(gradient[inner])) < GRADIENT:
            break
        curvature = np.empty((len(inner), len(inner)))
        for row, k in enumerate(inner):
            moved = x.copy()
            moved[k] += step
            curvature[row] = (target(moved)[1] - gradient)[inner] / step
        curvature = 0.5 * (curvature + curvature.T)
        if np.linalg.eigvalsh(curvature)[0] <= 0:
            break
        better = x.copy()
        better[inner] -= np.clip(np.linalg.solve(curvature, gradient[inner]), -1.0, 1.0)
        tried, slope = target(better)
        if tried > value + 1e-6:  # the value itself is only known to about 1e-9
            break
        x, value, gradient = better, tried, slope
    return x


def _describe(
    scores: Scores,
    units: _Side,
    assessors: _Side,
    eq: _Equations,
    ratios: Floats,
    solved: _Solved,
    units_eliminated: bool,
    max_factors: int,
    kept: float,
) -> Crossed:
    criteria = int(scores.criterion.max()) + 1
    pairs, first, target, n = np.unique(
        scores.unit * criteria + scores.criterion, return_index=True, return_inverse=True, return_counts=True
    )
    unit, criterion, mean = pairs // criteria, pairs % criteria, scores.mean[first]
    s2 = solved.residual
    by_unit, by_assessor = (ratios[:2], ratios[2:]) if units_eliminated else (ratios[2:], ratios[:2])
    effects_unit = (solved.p if units_eliminated else solved.q) * units.scaled(by_unit)
    effects_assessor = (solved.q if units_eliminated else solved.p) * assessors.scaled(by_assessor)
    # targets as sums of effects
    T = sparse.csr_array((np.ones(len(pairs)), (np.arange(len(pairs)), unit)), shape=(len(pairs), units.Z.shape[1]))
    if units.inner is not None:
        inner = np.zeros(len(pairs), np.int64)
        inner[target] = units.inner
        T = T + sparse.csr_array(
            (np.ones(len(pairs)), (np.arange(len(pairs)), units.mains + inner)), shape=(len(pairs), units.Z.shape[1])
        )
    X = np.zeros((len(pairs), len(solved.means)))
    X[np.arange(len(pairs)), mean] = 1.0
    estimate = solved.means[mean] + T @ effects_unit
    mean_of = sparse.csr_array((1.0 / n[target], (target, np.arange(len(target)))), shape=(len(pairs), len(target)))
    adjusted = scores.score - assessors.Z @ effects_assessor
    direct = mean_of @ adjusted
    TA = _scale_columns(T.tocsr(), units.scaled(by_unit))
    own, alone = _given_assessors(units, by_unit, unit, None if units.inner is None else inner, len(pairs))
    if units_eliminated:
        spread = (TA @ solved.H).tocsr()  # how a target answers to an error in the assessors
        fixed = X - TA @ solved.HX
        errors = _Errors(solved.S, solved.K, solved.G)
        reach = _scale_columns((mean_of @ assessors.Z).tocsr(), assessors.scaled(by_assessor))
        common = errors.variance(spread, fixed, -1.0)
        shared, direct_shared, left, direct_left = _factors(errors, spread, fixed, reach, max_factors, kept)
        variance = own**2 + alone**2 + common
        spread_assessors = np.diag(solved.S) + np.sum((solved.K @ solved.G) * solved.K, axis=1)
    else:
        variance = _dense_variance(TA, X, solved)
        shared = direct_shared = np.zeros((len(pairs), 0))
        left = np.maximum(variance - own**2 - alone**2, 0.0)
        direct_left = np.zeros(len(pairs))
        remaining = solved.HX - solved.H @ solved.K
        spread_assessors = (
            solved.elimination.inverse_diagonal()
            + _quadratic(solved.H, solved.S)
            + np.sum((remaining @ solved.G) * remaining, axis=1)
        )
    scale = np.sqrt(s2)
    component = _components(scores)[unit]
    given = np.zeros(len(pairs), np.int64)
    who = np.unique(np.stack([target, scores.assessor]), axis=1)[0]
    given[: int(who.max()) + 1] = np.bincount(who)
    return Crossed(
        reml=solved.deviance,
        variance_unit=float(s2 * by_unit[0]),
        variance_unit_criterion=float(s2 * by_unit[1]),
        variance_assessor=float(s2 * by_assessor[0]),
        variance_assessor_criterion=float(s2 * by_assessor[1]),
        variance_residual=float(s2),
        means=solved.means,
        means_covariance=s2 * solved.G,
        unit=unit,
        criterion=criterion,
        n=n.astype(np.int64),
        assessors=given,
        estimate=estimate,
        variance=s2 * variance,
        assessor_effect=effects_assessor[: assessors.mains],
        assessor_variance=(s2 * spread_assessors * assessors.scaled(by_assessor) ** 2)[: assessors.mains],
        component=component,
        shared=scale * shared,
        own=scale * own,
        independent=scale * np.sqrt(alone**2 + left),
        direct=direct,
        direct_shared=scale * direct_shared,
        direct_independent=scale * np.sqrt(1.0 / n + direct_left),
    )


def _given_assessors(
    units: _Side, ratios: Floats, unit: Integers, inner: Integers | None, targets: int
) -> tuple[Floats, Floats]:
    """What a target's error would be if assessors and means were known: the unit's part and the rest.

    A unit's block is an arrow, so the errors of its criteria are exactly one common factor and independent rests.
    """
    cut = _eliminate(units, ratios)
    top = np.sqrt(ratios[0] / cut.d[: units.mains])[unit]
    if inner is None:
        return top, np.zeros(targets)
    low = np.sqrt(ratios[1])
    main = np.sqrt(ratios[0])
    own = (main - low * cut.pull[inner]) / np.sqrt(cut.d[: units.mains])[unit]
    return own, low / np.sqrt(cut.d[units.mains :])[inner]


@dataclass(frozen=True, slots=True)
class _Errors:
    """Errors of (assessors, means), up to the residual variance: covariance [[S + K G K', -K G], [-G K', G]]."""

    S: Floats
    K: Floats
    G: Floats

    def variance(self, on_assessors: sparse.csr_array, on_means: Floats, sign: float) -> Floats:
        """(rows,) variance of sign * on_assessors e_a + on_means e_m."""
        left = on_means - sign * (on_assessors @ self.K)
        return np.asarray(_quadratic(on_assessors, self.S) + np.sum((left @ self.G) * left, axis=1), np.float64)


def _quadratic(rows: sparse.csr_array, S: Floats) -> Floats:
    """(rows,) r S r' of each row, a chunk of rows at a time."""
    result = np.empty(rows.shape[0])
    for start in range(0, rows.shape[0], CHUNK):
        part = rows[start : start + CHUNK]
        result[start : start + CHUNK] = np.asarray(part.multiply(part @ S).sum(axis=1)).ravel()
    return result


def _factors(
    errors: _Errors, spread: sparse.csr_array, fixed: Floats, reach: sparse.csr_array, most: int, kept: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Leading factors of the errors that targets share, and the variance that they leave.

    With errors e = J z of the assessors and means, a target's error is F z, F = [-spread, fixed] J; the leading
    eigenvectors of F'F turn z so that the first few carry most.
    """
    q, p = errors.K.shape
    L = linalg.cholesky(errors.S + 1e-12 * np.eye(q), lower=True, check_finite=False)
    R = linalg.cholesky(errors.G, lower=True)
    # e_a = L z1 - K R z2, e_m = R z2
    F = np.concatenate([-(spread @ L), (fixed + spread @ errors.K) @ R], axis=1)
    D = np.concatenate([-(reach @ L), (reach @ errors.K) @ R], axis=1)
    gram = F.T @ F
    total = float(np.trace(gram))
    targets = F.shape[0]
    if total <= 0:
        return np.zeros((targets, 0)), np.zeros((targets, 0)), np.zeros(targets), np.sum(D * D, axis=1)
    size = q + p
    take = min(most, size)
    values, vectors = linalg.eigh(gram, subset_by_index=[size - take, size - 1], check_finite=False)
    values, vectors = values[::-1], vectors[:, ::-1]
    enough = int(np.searchsorted(np.cumsum(values), kept * total)) + 1
    V = vectors[:, : min(enough, take)]
    V = V * np.where(V[np.argmax(np.abs(V), axis=0), np.arange(V.shape[1])] < 0, -1.0, 1.0)
    shared, direct = F @ V, D @ V
    left = np.maximum(np.sum(F * F, axis=1) - np.sum(shared**2, axis=1), 0.0)
    direct_left = np.maximum(np.sum(D * D, axis=1) - np.sum(direct**2, axis=1), 0.0)
    return shared, direct, left, direct_left


def _dense_variance(TA: sparse.csr_array, X: Floats, solved: _Solved) -> Floats:
    """Prediction error variance of targets when units are the dense side."""
    left = X - TA @ solved.K
    return np.asarray(_quadratic(TA, solved.S) + np.sum((left @ solved.G) * left, axis=1), np.float64)


def _components(scores: Scores) -> Integers:
    """(units,) connected component of each unit in the graph of who scored whom; the largest, by units, is 0."""
    units, assessors = int(scores.unit.max()) + 1, int(scores.assessor.max()) + 1
    graph = sparse.coo_array(
        (np.ones(len(scores.unit)), (scores.unit, units + scores.assessor)),
        shape=(units + assessors, units + assessors),
    )
    found: NDArray[Any] = connected_components(graph, directed=False)[1][:units]
    labels, first, inverse, size = np.unique(found, return_index=True, return_inverse=True, return_counts=True)
    place = np.empty(len(labels), np.int64)
    place[np.lexsort((first, -size))] = np.arange(len(labels))
    return place[inverse]
