"""The mixed model equations of a crossed design and its residual likelihood (REML), with analytic derivatives.

The larger side is eliminated block by block, the smaller one is a dense Cholesky factor: one evaluation costs about the
cube of the smaller side. Where the eliminated side has no interaction, its cross-products are listed once by pairs of
levels of the dense side that it has scored, so that filling the dense block and taking the trace of its inverse are one
sparse product each.

Henderson (1975), Biometrics 31, 423-447; Bates, Maechler, Bolker, Walker (2015), Journal of Statistical Software 67(1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, sparse

from methods.assessors.scores import Scores
from methods.assessors.sides import Elimination, Side
from methods.inputs import Floats

MAX_DENSE = 12_000  # levels of the smaller side that a machine can carry as one dense matrix (1.2 GB)
MAX_PAIRS = 30_000_000  # listed pairs (12 bytes each); above, products of sparse matrices
CHUNK = 2_048
EXACT = 1e-12  # share of the scores' squares that counts as no residual


@dataclass(frozen=True, slots=True)
class Equations:
    """The equations before variances are known. P is eliminated, Q is dense. Scores are centred by their means."""

    P: Side
    Q: Side
    PQ: sparse.csr_array  # (levels of P, levels of Q) scores in common
    pairs: sparse.csr_array | None  # (levels of P, levels of Q squared) products of PQ, upper triangle by rows
    squares: sparse.csr_array | None  # (levels of P, levels of Q) squares of PQ
    PW: Floats  # (levels of P, means + 1) sums of the fixed columns and of y
    QW: Floats
    WW: Floats
    mean: np.ndarray  # (scores,) position of the fixed mean
    centre: Floats  # (means,) taken off the scores
    units_eliminated: bool  # P is the units' side

    @staticmethod
    def of(scores: Scores, units_eliminated: bool | None = None) -> Equations:
        """The equations of these scores; the larger side is eliminated unless said otherwise."""
        criteria, means = scores.criteria, scores.means
        if len(scores.score) <= means + 1:
            raise ValueError(f"{len(scores.score)} scores cannot carry {means} means; give more scores")
        sides = (
            Side.of(scores.unit, scores.criterion, criteria),
            Side.of(scores.assessor, scores.criterion, criteria),
        )
        if units_eliminated is None:
            units_eliminated = sides[0].levels >= sides[1].levels
        P, Q = sides if units_eliminated else sides[::-1]
        if Q.levels > MAX_DENSE:
            raise ValueError(
                f"the smaller side has {Q.levels} effects, more than {MAX_DENSE}; rate fewer units or criteria at once"
            )
        y = np.asarray(scores.score, np.float64)
        here = np.bincount(scores.mean, minlength=means).astype(np.float64)
        centre = np.bincount(scores.mean, y, means) / here
        y = y - centre[scores.mean]
        PQ = sparse.csr_array(P.incidence().T @ Q.incidence())
        PQ.sort_indices()
        sums = np.bincount(scores.mean, y, means)
        WW = np.zeros((means + 1, means + 1))
        WW[np.arange(means), np.arange(means)] = here
        WW[means, :means] = WW[:means, means] = sums
        WW[means, means] = y @ y
        return Equations(
            P,
            Q,
            PQ,
            None if len(P.parent) else _pairs(PQ),
            None if len(P.parent) else sparse.csr_array((PQ.data**2, PQ.indices, PQ.indptr), shape=PQ.shape),
            np.concatenate([P.sums_by(scores.mean, means), P.sums(y[:, None])], axis=1),
            np.concatenate([Q.sums_by(scores.mean, means), Q.sums(y[:, None])], axis=1),
            WW,
            scores.mean,
            centre,
            units_eliminated,
        )

    @property
    def n(self) -> int:
        return len(self.mean)

    @property
    def free(self) -> np.ndarray:
        """(4,) which of the variances can be told: P, P x criterion, Q, Q x criterion.

        Not one whose every level has one score (it is the residual), nor one that the fixed means hold altogether.
        """
        return np.concatenate([self._told(self.P, self.PW), self._told(self.Q, self.QW)])

    def _told(self, side: Side, sums: Floats) -> np.ndarray:
        here = np.diag(self.WW)[:-1]
        left = side.counts - np.sum(sums[:, :-1] ** 2 / here, axis=1)  # squares of its columns beside the means
        parts = (slice(0, side.mains), slice(side.mains, None))
        return np.array([side.counts[rows].max(initial=0.0) > 1 and left[rows].sum() > 1e-9 * self.n for rows in parts])

    def with_scores(self, score: Floats) -> Equations:
        """The same design with other scores."""
        means = len(self.centre)
        here = np.diag(self.WW)[:means]
        centre = np.bincount(self.mean, score, means) / here
        y = (score - centre[self.mean])[:, None]
        WW = self.WW.copy()
        WW[means, :means] = WW[:means, means] = np.bincount(self.mean, y[:, 0], means)
        WW[means, means] = y[:, 0] @ y[:, 0]
        PW = np.concatenate([self.PW[:, :means], self.P.sums(y)], axis=1)
        QW = np.concatenate([self.QW[:, :means], self.Q.sums(y)], axis=1)
        return replace(self, PW=PW, QW=QW, WW=WW, centre=centre)

    def solve(self, ratios: Floats) -> Solution:
        """Effects, likelihood and its derivatives at these ratios of a variance to the residual's: P, P x criterion, Q,
        Q x criterion."""
        cut = self.P.eliminate(ratios[:2])
        a, b = self.P.roots(ratios[:2]), self.Q.roots(ratios[2:])
        E = cut.forward_sparse(self.PQ, a, b)
        EW = cut.forward(self.PW * a[:, None])
        L = self._factor(ratios, E, b)
        LW = _lower(L, self.QW * b[:, None] - E.T @ EW)
        G = self.WW - EW.T @ EW - LW.T @ LW
        p = len(self.centre)
        R = linalg.cholesky(G[:p, :p], lower=True)
        h = linalg.solve_triangular(R, G[:p, p], lower=True)
        degrees = self.n - p
        rss = max(float(G[p, p] - h @ h), EXACT * float(self.WW[p, p]))  # all may agree
        residual = (rss or EXACT) / degrees
        deviance = (
            float(np.sum(np.log(cut.d)))
            + 2.0 * float(np.sum(np.log(np.diag(L))))
            + 2.0 * float(np.sum(np.log(np.diag(R))))
            + degrees * (1.0 + np.log(2.0 * np.pi * residual))
        )
        means = linalg.solve_triangular(R.T, h, lower=False)
        Gi = linalg.cho_solve((R, True), np.eye(p))
        back = linalg.lapack.dtrtrs(L, LW, lower=1, trans=1)[0]
        K = back[:, :p]
        q = back[:, p] - K @ means
        e = cut.backward((EW[:, p] - EW[:, :p] @ means - E @ q)[:, None])[:, 0]
        curvature = self._curvature(ratios, cut, (a, b), E, L, EW[:, :p], LW[:, :p], Gi, e, q, residual)
        S = linalg.lapack.dpotri(L, lower=1, overwrite_c=1)[0]
        H = None if self.pairs is not None else cut.backward_sparse(E)
        HX = cut.backward(EW[:, :p])
        found = Solution(
            self, ratios, deviance, residual, means, Gi, e, q, cut, S, K, E, H, HX, np.zeros(0), np.zeros(4), curvature
        )
        return found.with_gradient()

    def _factor(self, ratios: Floats, E: sparse.csr_array, b: Floats) -> Floats:
        """Lower Cholesky factor of the dense block, in column order."""
        q, mains = self.Q.levels, self.Q.mains
        if self.pairs is None:
            filled = -(E.T @ E).toarray()
        else:
            filled = (self.pairs.T @ (-ratios[0] / (1.0 + ratios[0] * self.P.counts))).reshape(q, q)
            _scale(filled, b)
        k = np.arange(q)
        filled[k, k] += 1.0 + b**2 * self.Q.counts
        if len(self.Q.parent):
            inner = mains + np.arange(len(self.Q.parent))
            filled[self.Q.parent, inner] += b[self.Q.parent] * b[inner] * self.Q.counts[mains:]
        L, failed = linalg.lapack.dpotrf(filled.T, lower=1, clean=0, overwrite_a=1)
        if failed:
            raise ValueError("the mixed model equations are singular; scores may be too large or too unequal")
        return np.asarray(L, np.float64)

    def _curvature(
        self,
        ratios: Floats,
        cut: Elimination,
        roots: tuple[Floats, Floats],
        E: sparse.csr_array,
        L: Floats,
        EX: Floats,
        LX: Floats,
        Gi: Floats,
        p: Floats,
        q: Floats,
        residual: float,
    ) -> Floats:
        """(4, 4) average information about the log ratios: the deviance's second derivatives, nearly.

        Gilmour, Thompson, Cullis (1995), Biometrics 51, 1440-1450; the residual variance is profiled out.
        """
        a, b = roots
        parts = [*self.P.fitted(p * a), *self.Q.fitted(q * b)]
        squares = [part @ part for part in (p[: self.P.mains], p[self.P.mains :], q[: self.Q.mains], q[self.Q.mains :])]
        there = [k for k in range(4) if ratios[k] > 0 and parts[k] is not None]
        curvature = np.zeros((4, 4))
        if not there:
            return curvature
        F = np.stack([np.asarray(parts[k], np.float64) for k in there], axis=1)
        EF = cut.forward(self.P.sums(F) * a[:, None])
        LF = _lower(L, self.Q.sums(F) * b[:, None] - E.T @ EF)
        XF = np.stack([np.bincount(self.mean, one, len(self.centre)) for one in F.T], axis=1)
        across = XF - EX.T @ EF - LX.T @ LF
        A = (F.T @ F - EF.T @ EF - LF.T @ LF - across.T @ Gi @ across) / residual
        alone = np.array([squares[k] for k in there]) / residual
        curvature[np.ix_(there, there)] = A - np.outer(alone, alone) / (self.n - len(self.centre))
        return curvature


@dataclass(frozen=True, slots=True)
class Solution:
    """The equations solved at some variance ratios. Covariances are up to the residual variance."""

    equations: Equations
    ratios: Floats  # (4,) P, P x criterion, Q, Q x criterion
    deviance: float
    residual: float  # variance
    means: Floats  # (means,) of the centred scores
    G: Floats  # (means, means) inverse information of the means
    p: Floats  # (levels of P,) spherical effects: times the root of their ratio they are effects
    q: Floats
    cut: Elimination
    S: Floats  # (levels of Q, levels of Q) inverse of the dense block; only the lower triangle is filled
    K: Floats  # (levels of Q, means) response of Q to the means
    E: sparse.csr_array  # (levels of P, levels of Q)
    H: sparse.csr_array | None  # (levels of P, levels of Q) response of P to Q; None without interactions
    HX: Floats  # (levels of P, means)
    reach: Floats  # (levels of P,) variance of P that comes from Q; empty where it has not been needed
    gradient: Floats  # (4,) derivatives of the deviance with respect to the logs of the ratios
    curvature: Floats  # (4, 4) average information

    def with_gradient(self) -> Solution:
        """d deviance / d log ratio = levels - trace of the inverse's block - b'b / residual, b spherical."""
        eq, S = self.equations, self.S
        gradient = np.zeros(4)
        diagonal = np.diag(S) + np.sum((self.K @ self.G) * self.K, axis=1)
        remaining = self.HX - self.response() @ self.K
        own = self.cut.inverse_diagonal() + np.sum((remaining @ self.G) * remaining, axis=1)
        mp, mq = eq.P.mains, eq.Q.mains
        reach = np.zeros(0)
        if eq.pairs is not None and eq.squares is not None:
            b = eq.Q.roots(self.ratios[2:])
            spread = S.T.copy() if len(eq.Q.parent) else S.T  # by rows, upper triangle
            if len(eq.Q.parent):
                _scale(spread, b)
            reach = 2.0 * (eq.pairs @ spread.ravel()) - eq.squares @ np.diag(spread)
            reach *= self.ratios[0] / self.cut.d**2 * (1.0 if len(eq.Q.parent) else self.ratios[2])
            gradient[0] = eq.P.levels - own.sum() - reach.sum() - self.p @ self.p / self.residual
        else:
            H = self.response()
            for k, rows in enumerate((slice(0, mp), slice(mp, None))):
                part = H[rows]
                product = (part.T @ part).tocoo()
                low, high = np.minimum(product.row, product.col), np.maximum(product.row, product.col)
                trace = own[rows].sum() + np.sum(product.data * S[high, low])
                gradient[k] = part.shape[0] - trace - np.sum(self.p[rows] ** 2) / self.residual
        for k, rows in enumerate((slice(0, mq), slice(mq, None))):
            gradient[2 + k] = len(diagonal[rows]) - diagonal[rows].sum() - np.sum(self.q[rows] ** 2) / self.residual
        return replace(self, reach=reach, gradient=gradient)

    def response(self) -> sparse.csr_array:
        """(levels of P, levels of Q) how P answers to Q."""
        return self.cut.backward_sparse(self.E) if self.H is None else self.H

    def symmetric(self) -> Floats:
        """`S` with both triangles."""
        low = np.tril(self.S)
        return np.asarray(low + np.tril(low, -1).T, np.float64)

    def variance_q(self) -> tuple[Floats, Floats]:
        """(levels of Q,) prediction error variances of spherical effects were the means known, and what these add."""
        return np.diag(self.S).copy(), np.asarray(np.sum((self.K @ self.G) * self.K, axis=1), np.float64)

    def variance_p(self) -> tuple[Floats, Floats]:
        """The same of P."""
        H = self.response()
        reach = self.reach if len(self.reach) else quadratic_forms(H, self.symmetric())
        left = self.HX - H @ self.K
        return self.cut.inverse_diagonal() + reach, np.asarray(np.sum((left @ self.G) * left, axis=1), np.float64)

    def leverage(self) -> Floats:
        """(scores,) share of a score in its own fitted value: variance of the fitted value over the residual's."""
        eq, p = self.equations, len(self.means)
        every = np.arange(eq.n)
        own, alone = eq.P.given_the_rest(self.ratios[:2], every)
        T = sparse.csr_array(eq.P.targets(every) @ sparse.diags_array(eq.P.roots(self.ratios[:2])))
        V = sparse.csr_array(eq.Q.targets(every) @ sparse.diags_array(eq.Q.roots(self.ratios[2:])))
        spread = sparse.csr_array(V - T @ self.response())
        left = np.eye(p)[eq.mean] - T @ self.HX - spread @ self.K
        found = own**2 + alone**2 + quadratic_forms(spread, self.symmetric())
        return np.asarray(found + np.sum((left @ self.G) * left, axis=1), np.float64)

    def fitted(self) -> Floats:
        """(scores,) means and effects together."""
        eq = self.equations
        found = (eq.centre + self.means)[eq.mean]
        for side, effects in (
            (eq.P, self.p * eq.P.roots(self.ratios[:2])),
            (eq.Q, self.q * eq.Q.roots(self.ratios[2:])),
        ):
            main, inner = side.fitted(effects)
            found = found + main if inner is None else found + main + inner
        return np.asarray(found, np.float64)


def quadratic_forms(rows: sparse.csr_array, S: Floats) -> Floats:
    """r S r' of each row r, a chunk of rows at a time.

    Parameters
    ----------
    rows
        (rows, levels) sparse.
    S
        (levels, levels) symmetric, dense.

    Raises
    ------
    ValueError
        When the shapes do not fit.

    Examples
    --------
    >>> quadratic_forms(sparse.csr_array(np.array([[1.0, 2.0], [0.0, 1.0]])), np.eye(2))
    array([5., 1.])
    """
    if S.shape != (rows.shape[1], rows.shape[1]):
        raise ValueError(f"S has shape {S.shape}; rows of {rows.shape[1]} levels need a square matrix of that size")
    result = np.empty(rows.shape[0])
    for start in range(0, rows.shape[0], CHUNK):
        part = rows[start : start + CHUNK]
        result[start : start + CHUNK] = np.asarray(part.multiply(part @ S).sum(axis=1)).ravel()
    return result


def _pairs(PQ: sparse.csr_array) -> sparse.csr_array | None:
    """(levels of P, levels of Q squared) of each level of P the products of any two of its entries, each pair once."""
    count = np.diff(PQ.indptr).astype(np.int64)
    each = count * (count + 1) // 2
    if int(each.sum()) > MAX_PAIRS:
        return None
    place = np.arange(PQ.nnz) - np.repeat(PQ.indptr[:-1].astype(np.int64), count)  # of an entry in its row
    second = np.repeat(np.arange(PQ.nnz), place + 1)
    starts = np.concatenate([[0], np.cumsum(place + 1)])
    first = np.arange(len(second)) - np.repeat(starts[:-1] - (np.arange(PQ.nnz) - place), place + 1)
    q = PQ.shape[1]
    columns = PQ.indices.astype(np.int64)
    return sparse.csr_array(
        (PQ.data[first] * PQ.data[second], columns[first] * q + columns[second], np.concatenate([[0], each.cumsum()])),
        shape=(PQ.shape[0], q * q),
    )


def _scale(M: Floats, by: Floats) -> None:
    """diag(by) M diag(by), in place."""
    if np.all(by == by[0]):
        M *= by[0] ** 2
    else:
        M *= by[:, None]
        M *= by


def _lower(L: Floats, B: Floats) -> Floats:
    """L^-1 B; only the lower triangle of L is read."""
    return np.asarray(linalg.lapack.dtrtrs(L, B, lower=1)[0], np.float64)
