"""Scores that the tests of the crossed model share, and Henderson's equations written out."""

from __future__ import annotations

import numpy as np

from methods.assessors.crossed import Crossed
from methods.assessors.scores import Scores

# lme4::Penicillin: diameters of 24 plates (rows) by 6 samples
PENICILLIN = np.array(
    [
        *(27, 23, 26, 23, 23, 21, 27, 23, 26, 23, 23, 21, 25, 21, 25, 24, 24, 20, 26, 23, 25, 23, 23, 20),
        *(25, 22, 26, 22, 23, 20, 24, 22, 25, 23, 22, 19, 24, 20, 23, 21, 22, 19, 26, 22, 26, 24, 24, 21),
        *(24, 21, 24, 22, 22, 20, 24, 21, 24, 23, 22, 19, 26, 23, 26, 24, 24, 21, 25, 22, 26, 24, 24, 20),
        *(26, 24, 26, 24, 25, 22, 26, 23, 26, 23, 23, 20, 26, 23, 25, 24, 24, 22, 25, 22, 25, 23, 23, 20),
        *(25, 21, 24, 23, 23, 20, 25, 22, 24, 23, 23, 19, 24, 21, 23, 21, 21, 19, 26, 23, 26, 24, 24, 21),
        *(25, 21, 24, 22, 22, 18, 25, 22, 25, 22, 22, 20, 24, 21, 24, 22, 24, 19, 24, 21, 24, 22, 21, 18),
    ],
    float,
)
# lme4::Dyestuff2: yields of 6 batches (rows) by 5 repetitions
DYESTUFF2 = np.array(
    [
        *(7.298, 3.846, 2.434, 9.566, 7.99, 5.22, 6.556, 0.608, 11.788, -0.892, 0.11, 10.386, 13.434, 5.51, 8.166),
        *(2.212, 4.852, 7.092, 9.288, 4.98, 0.282, 9.014, 4.458, 9.446, 7.198, 1.722, 4.782, 8.106, 0.758, 3.758),
    ]
)
# lme4::Dyestuff: yields of 6 batches (rows) by 5 repetitions
DYESTUFF = np.array(
    [
        *(1545, 1440, 1440, 1520, 1580, 1540, 1555, 1490, 1560, 1495, 1595, 1550, 1605, 1510, 1560),
        *(1445, 1440, 1595, 1465, 1545, 1595, 1630, 1515, 1635, 1625, 1520, 1455, 1450, 1480, 1445),
    ],
    float,
)
# 12 units, 5 assessors, 3 criteria, some scores missing: unit-assessor-criterion:score
SMALL = """
0-3-0:3.9 0-3-1:4.0 0-3-2:5.0 0-1-1:3.1 0-1-2:6.4 0-0-1:4.5 0-0-2:6.2 1-4-0:4.5 1-4-1:7.3 1-4-2:8.6 1-1-0:4.2 1-1-2:7.2
1-3-0:6.1 1-3-1:5.8 1-3-2:8.2 2-3-0:8.1 2-3-1:8.2 2-3-2:9.9 2-2-0:9.6 2-2-1:7.6 2-2-2:11.2 2-0-0:8.0 2-0-1:8.1
2-0-2:9.6 3-0-0:7.1 3-1-0:5.1 3-1-1:5.6 3-1-2:10.1 3-3-0:6.6 3-3-1:6.7 3-3-2:9.1 4-2-0:6.1 4-2-1:6.6 4-2-2:8.6
4-1-0:4.7 4-1-1:5.3 4-1-2:7.6 4-3-0:4.7 4-3-1:6.8 4-3-2:5.7 5-4-1:5.7 5-4-2:8.8 5-1-0:3.8 5-1-1:6.2 5-1-2:7.7
5-0-0:6.3 5-0-1:5.6 6-4-0:7.0 6-4-1:4.9 6-4-2:8.2 6-2-0:8.5 6-2-2:9.8 6-0-0:6.2 6-0-1:6.6 6-0-2:8.2 7-3-0:7.6 7-3-1:5.0
7-3-2:8.3 7-1-0:5.9 7-1-1:5.5 7-1-2:9.7 7-0-0:6.3 7-0-1:5.5 7-0-2:10.1 8-0-0:6.9 8-0-1:8.4 8-0-2:7.4 8-4-0:6.0 8-4-1:8.9
8-4-2:9.6 8-3-0:7.3 8-3-1:9.1 8-3-2:7.3 9-1-0:4.6 9-1-1:7.0 9-4-1:6.2 9-4-2:9.2 9-0-0:5.6 9-0-1:7.5 9-0-2:8.2 10-1-0:7.0
10-1-1:7.0 10-1-2:7.8 10-4-1:9.2 10-4-2:8.4 10-2-0:8.6 10-2-1:8.0 10-2-2:8.9 11-4-0:4.9 11-4-1:8.3 11-4-2:9.9 11-0-0:5.5
11-0-1:8.8 11-0-2:9.2 11-1-0:5.0 11-1-1:7.9 11-1-2:8.9
"""


def grid(values: np.ndarray, rows: int, columns: int) -> Scores:
    unit, assessor = np.divmod(np.arange(rows * columns), columns)
    zero = np.zeros(rows * columns, np.int64)
    return Scores(unit, assessor, zero, zero, values)


def small() -> Scores:
    keys, scores = zip(*(pair.split(":") for pair in SMALL.split()), strict=True)
    unit, assessor, criterion = np.array([[int(part) for part in key.split("-")] for key in keys]).T
    return Scores(unit, assessor, criterion, criterion, np.array([float(score) for score in scores]))


def dense(scores: Scores, fit: Crossed) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Targets by Henderson's equations written out: estimates, errors' covariance, and both for the direct ones."""
    u, a, c = scores.unit, scores.assessor, scores.criterion
    K = int(c.max()) + 1
    blocks = [(u, fit.variance_unit), (u * K + c, fit.variance_unit_criterion), (a, fit.variance_assessor)]
    blocks.append((a * K + c, fit.variance_assessor_criterion))
    X = np.eye(int(scores.mean.max()) + 1)[scores.mean]
    Z = [np.eye(int(index.max()) + 1)[index] for index, _ in blocks]
    W = np.hstack([X, *Z])
    penalty = np.concatenate(
        [
            np.zeros(X.shape[1]),
            *(np.full(z.shape[1], fit.variance_residual / v) for z, (_, v) in zip(Z, blocks, strict=True)),
        ]
    )
    C = np.linalg.inv(W.T @ W + np.diag(penalty))
    solution = C @ (W.T @ scores.score)
    starts = np.cumsum([X.shape[1], *(z.shape[1] for z in Z)])
    T, back = np.zeros((len(fit.unit), W.shape[1])), np.zeros((len(fit.unit), len(u)))
    for k, (i, j) in enumerate(zip(fit.unit, fit.criterion, strict=True)):
        rows = np.flatnonzero((u == i) & (c == j))
        T[k, scores.mean[rows[0]]] = T[k, starts[0] + i] = T[k, starts[1] + i * K + j] = 1.0
        back[k, rows] = 1.0 / len(rows)
    A = W.copy()
    A[:, : starts[2]] = 0.0  # the assessors' part of each score
    direct = back @ (scores.score - A @ solution)
    direct_covariance = fit.variance_residual * ((back @ A) @ C @ (back @ A).T + back @ back.T)
    return T @ solution, fit.variance_residual * T @ C @ T.T, direct, direct_covariance


def one_side(values: np.ndarray, rows: int, columns: int) -> Scores:
    """Repetitions by one assessor: a one-way layout."""
    zero = np.zeros(rows * columns, np.int64)
    return Scores(np.repeat(np.arange(rows), columns), zero, zero, zero, values)
