"""The two sides of a crossed design, and how one of them is eliminated from the mixed model equations.

A side is a main effect (unit, or assessor) and, where it can be told apart from the residual, its interaction with the
criterion. Effects are spherical: an effect is the root of its variance ratio times a variable of the residual's
variance, so that a variance of 0 is no special case.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from methods.inputs import Floats, Integers


def _scale_rows(M: sparse.csr_array, by: Floats) -> sparse.csr_array:
    return sparse.csr_array((M.data * np.repeat(by, np.diff(M.indptr)), M.indices, M.indptr), shape=M.shape)


def _scale_columns(M: sparse.csr_array, by: Floats) -> sparse.csr_array:
    return sparse.csr_array((M.data * by[M.indices], M.indices, M.indptr), shape=M.shape)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two sides. Levels are the main ones, then those of the interaction."""

    main: Integers  # (scores,)
    inner: Integers | None  # (scores,) position among the interaction levels
    parent: Integers  # (inner levels,) the main level of each interaction level
    mains: int
    counts: Floats  # (levels,) scores

    @staticmethod
    def of(main: Integers, criterion: Integers, criteria: int) -> Side:
        """With its interaction, if there are several criteria and some pair has a second score."""
        mains = int(main.max()) + 1
        counts = np.bincount(main, minlength=mains).astype(np.float64)
        nothing = np.zeros(0, np.int64)
        if criteria < 2 or criterion.min() == criterion.max():
            return Side(main, None, nothing, mains, counts)
        pairs, inner, repeats = np.unique(main * criteria + criterion, return_inverse=True, return_counts=True)
        if repeats.max() < 2:
            return Side(main, None, nothing, mains, counts)
        return Side(main, inner, pairs // criteria, mains, np.concatenate([counts, repeats.astype(np.float64)]))

    @property
    def levels(self) -> int:
        return len(self.counts)

    def roots(self, ratios: Floats) -> Floats:
        """(levels,) square roots of the variance ratios (main, interaction)."""
        root = np.sqrt(ratios)
        return np.concatenate([np.full(self.mains, root[0]), np.full(self.levels - self.mains, root[1])])

    def incidence(self) -> sparse.csr_array:
        """(scores, levels) ones where a score has a level."""
        return self.targets(np.arange(len(self.main)))

    def sums(self, values: Floats) -> Floats:
        """(levels, columns) sums over the scores of each level, of (scores, columns)."""
        found = [np.stack([np.bincount(self.main, one, self.mains) for one in values.T], axis=1)]
        if self.inner is not None:
            found.append(np.stack([np.bincount(self.inner, one, len(self.parent)) for one in values.T], axis=1))
        return np.concatenate(found)

    def sums_by(self, group: Integers, groups: int) -> Floats:
        """(levels, groups) scores of each level in each group."""
        found = [np.bincount(self.main * groups + group, minlength=self.mains * groups)]
        if self.inner is not None:
            found.append(np.bincount(self.inner * groups + group, minlength=len(self.parent) * groups))
        return np.concatenate(found).reshape(-1, groups).astype(np.float64)

    def fitted(self, effects: Floats) -> tuple[Floats, Floats | None]:
        """(scores,) the main effect's and the interaction's part of each score."""
        inner = None if self.inner is None else effects[self.mains :][self.inner]
        return effects[: self.mains][self.main], inner

    def targets(self, scores: Integers) -> sparse.csr_array:
        """(rows, levels) ones where each of these scores has its levels."""
        n = len(scores)
        columns = [self.main[scores]] if self.inner is None else [self.main[scores], self.mains + self.inner[scores]]
        width = len(columns)
        return sparse.csr_array(
            (np.ones(n * width), np.stack(columns, axis=1).ravel(), np.arange(0, n * width + 1, width)),
            shape=(n, self.levels),
        )

    def given_the_rest(self, ratios: Floats, scores: Integers) -> tuple[Floats, Floats]:
        """What the error of main and interaction would be if the other side and the means were known, for the levels of
        these scores: the part of the main level, common to its interaction levels, and a part of its own.

        A main level with its interaction levels is an arrow, so these are exactly one common factor and independent
        rests. Both are roots of variances, up to the residual's.
        """
        cut = self.eliminate(ratios)
        main = self.main[scores]
        depth = np.sqrt(cut.d[: self.mains])[main]
        if self.inner is None:
            return np.sqrt(ratios[0]) / depth, np.zeros(len(scores))
        inner = self.inner[scores]
        low = np.sqrt(ratios[1])
        own = (np.sqrt(ratios[0]) - low * cut.pull[inner]) / depth
        return own, low / np.sqrt(cut.d[self.mains :])[inner]

    def eliminate(self, ratios: Floats) -> Elimination:
        n, m = self.counts, self.mains
        if len(self.parent) == 0:
            return Elimination(1.0 + ratios[0] * n, np.zeros(0), self.parent, m)
        inner = 1.0 + ratios[1] * n[m:]
        across = np.sqrt(ratios[0] * ratios[1]) * n[m:]
        top = 1.0 + ratios[0] * n[:m] - np.bincount(self.parent, across**2 / inner, minlength=m)
        return Elimination(np.concatenate([top, inner]), across / inner, self.parent, m)


@dataclass(frozen=True, slots=True)
class Elimination:
    """A side's block at given variance ratios, C = T diag(d) T' with T unit triangular.

    A main level with its interaction levels is an arrow, so nothing fills in.
    """

    d: Floats  # (levels,)
    pull: Floats  # (inner levels,) what a main level takes from each of its interaction levels
    parent: Integers
    mains: int

    def forward(self, M: Floats) -> Floats:
        """diag(d)^-1/2 T^-1 M of a dense M with a row a level."""
        top, low = M[: self.mains], M[self.mains :]
        if len(low):
            M = np.concatenate([top - self._gather() @ low, low])
        return np.asarray(M / np.sqrt(self.d)[:, None], np.float64)

    def backward(self, M: Floats) -> Floats:
        """T'^-1 diag(d)^-1/2 M of a dense M."""
        M = M / np.sqrt(self.d)[:, None]
        top, low = M[: self.mains], M[self.mains :]
        return np.asarray(np.concatenate([top, low - self._gather().T @ top]), np.float64) if len(low) else M

    def forward_sparse(self, M: sparse.csr_array, rows: Floats, columns: Floats) -> sparse.csr_array:
        """As `forward`, of diag(rows) M diag(columns) with a sparse M."""
        M = _scale_columns(_scale_rows(M, rows if len(self.parent) else rows / np.sqrt(self.d)), columns)
        if len(self.parent):
            top, low = M[: self.mains], M[self.mains :]
            M = sparse.csr_array(sparse.vstack([top - self._gather() @ low, low]))
            M = _scale_rows(M, 1.0 / np.sqrt(self.d))
        return M

    def backward_sparse(self, M: sparse.csr_array) -> sparse.csr_array:
        """As `backward`, of a sparse M."""
        M = _scale_rows(M, 1.0 / np.sqrt(self.d))
        if len(self.parent):
            top, low = M[: self.mains], M[self.mains :]
            M = sparse.csr_array(sparse.vstack([top, low - self._gather().T @ top]))
        return M

    def inverse_diagonal(self) -> Floats:
        """(levels,) diagonal of C^-1."""
        top = 1.0 / self.d[: self.mains]
        return np.concatenate([top, 1.0 / self.d[self.mains :] + self.pull**2 * top[self.parent]])

    def _gather(self) -> sparse.csr_array:
        inner = len(self.parent)
        return sparse.csr_array((self.pull, (self.parent, np.arange(inner))), shape=(self.mains, inner))
