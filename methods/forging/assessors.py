"""What bought assessors do to a unit's estimates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Assessed:
    """Scores of assessors, and the variances of their model."""

    unit: Integers  # (scores,)
    assessor: Integers  # (scores,)
    criterion: Integers  # (scores,)
    score: Floats  # (scores,)
    unit_variance: float
    unit_criterion_variance: float
    assessor_variance: float
    assessor_criterion_variance: float
    residual_variance: float
    units: int
    criteria: int

    def __post_init__(self) -> None:
        for name in ("unit_variance", "unit_criterion_variance", "assessor_variance", "assessor_criterion_variance"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}; a variance is finite and 0 or more")
        if not (np.isfinite(self.residual_variance) and self.residual_variance > 0):
            raise ValueError(f"residual_variance is {self.residual_variance}; it must be positive")
        if not np.isfinite(self.score).all():
            raise ValueError("score must be finite; leave out scores that were not given")


def after_buying(assessed: Assessed, top: Floats, worth: Floats) -> Floats:
    """What a unit's estimates gain when the assessors that pay most give it the top score on every criterion.

    Bought assessors are those that assess the unit already: the scheme draws who assesses whom, and a stranger's score
    does not count. Their scores of other units stay, so that the model learns little of their new leniency.

    Parameters
    ----------
    top
        (criteria,) best score.
    worth
        (units, criteria) what a point is worth in the index; negative where less is better.

    Returns
    -------
    Floats
        (most + 1, units, criteria) gain with 0, 1 ... assessors bought; a unit that has fewer stays at its last.

    Notes
    -----
    The best linear prediction moves by Cov(target, y) V^-1 times the change of the scores, V being the covariance of
    the unit's own scores given the others: an assessor's effect is known from the other units as far as they go.

    Examples
    --------
    >>> one = np.zeros(4, int)
    >>> made = Assessed(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), one, np.array([4.0, 6.0, 5.0, 5.0]),
    ...     1.0, 0.0, 0.0, 0.0, 1.0, units=2, criteria=1)
    >>> after_buying(made, np.array([10.0]), np.ones((2, 1)))[:, 0, 0].round(3).tolist()   # (6 + 4) / 2 times 2/3
    [0.0, 2.0, 3.333]
    """
    order = np.lexsort((assessed.criterion, assessed.assessor, assessed.unit))
    unit, who, what, score = (getattr(assessed, name)[order] for name in ("unit", "assessor", "criterion", "score"))
    pairs, pair_of = np.unique(np.stack([unit, who]), axis=1, return_inverse=True)
    pair_of = pair_of.ravel()
    known = _known_assessors(assessed, pairs)
    most = int(np.bincount(pairs[0], minlength=assessed.units).max(initial=0))
    gains = np.zeros((most + 1, assessed.units, assessed.criteria))
    edge = np.searchsorted(unit, np.arange(assessed.units + 1))
    for u in range(assessed.units):
        rows = slice(edge[u], edge[u + 1])
        if rows.stop == rows.start:
            continue
        c, p = what[rows], pair_of[rows]
        same = c[:, None] == c[None, :]
        V = assessed.unit_variance + assessed.unit_criterion_variance * same
        V = V + np.where(p[:, None] == p[None, :], known[p][np.arange(len(p))[:, None], c[:, None], c[None, :]], 0.0)
        V[np.diag_indices(len(c))] += assessed.residual_variance
        target = assessed.unit_variance + assessed.unit_criterion_variance * (
            np.arange(assessed.criteria)[:, None] == c[None, :]
        )
        gain = np.linalg.solve(V, target.T).T  # (criteria, rows)
        seen = np.isin(np.arange(assessed.criteria), c)
        change = top[c] - score[rows]
        each = np.unique(p)
        by_pair = np.stack([np.where(seen, gain @ np.where(p == one, change, 0.0), 0.0) for one in each])
        ranked = by_pair[np.argsort(-(by_pair @ worth[u]), kind="stable")]
        through = np.cumsum(ranked, axis=0)
        gains[1 : len(each) + 1, u] = through
        gains[len(each) + 1 :, u] = through[-1]
    return gains


def _known_assessors(assessed: Assessed, pairs: Integers) -> Floats:
    """(pairs, criteria, criteria) covariance of an assessor's effects given the scores of all units but one."""
    C = assessed.criteria
    assessors = int(assessed.assessor.max(initial=-1)) + 1
    every = np.zeros((assessors, C))
    np.add.at(every, (assessed.assessor, assessed.criterion), 1.0)
    own = np.zeros((assessed.units, assessors, C)) if assessed.units * assessors * C <= 4_000_000 else None
    if own is not None:
        np.add.at(own, (assessed.unit, assessed.assessor, assessed.criterion), 1.0)
        others = every[pairs[1]] - own[pairs[0], pairs[1]]
    else:
        keys = pairs[0] * assessors + pairs[1]
        place = np.searchsorted(keys, assessed.unit * assessors + assessed.assessor)
        mine = np.zeros((len(keys), C))
        np.add.at(mine, (place, assessed.criterion), 1.0)
        others = every[pairs[1]] - mine
    # a score of another unit tells of the assessor as far as that unit is known: half of its own variance, roughly
    noise = assessed.residual_variance + 0.5 * (assessed.unit_variance + assessed.unit_criterion_variance)
    prior = assessed.assessor_variance + assessed.assessor_criterion_variance * np.eye(C)
    # (P^-1 + N / noise)^-1 without inverting P, which may be singular: P - P (P + noise / N)^-1 P over scored criteria
    weight = others / noise
    inner = np.eye(C) + weight[:, :, None] * prior[None, :, :]
    return np.asarray(prior[None] @ np.linalg.inv(inner), np.float64)
