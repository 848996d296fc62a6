"""Mahalanobis distance of a response from the mean of all, over the items that it answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from methods.inputs import Floats, Integers
from methods.response_quality.answers import MISSING, checked_codes

CHUNK = 4096  # patterns of missing answers that are inverted together
LEAST = 1e-9  # smallest eigenvalue of the correlations that still counts as positive


@dataclass(frozen=True, slots=True)
class Distances:
    """Squared distances, and how surprising they are."""

    squared: Floats  # (responses,) NaN without an answer
    answered: Integers  # (responses,) items that entered
    p: Floats  # (responses,) chance of a greater distance if answers were normal: chi-squared, `answered` degrees
    mean: Floats  # (items,)
    covariance: Floats  # (items, items)


def mahalanobis(codes: ArrayLike, mean: Floats | None = None, covariance: Floats | None = None) -> Distances:
    """How far each response lies from the others, given how items go together.

    Flags unusual combinations of answers, and with them honest people who had an unusual experience: it looks at
    content. Codes are no normal variables; the p-value is a scale to register a threshold on, not a chance to be wrong.

    Parameters
    ----------
    codes
        (responses, items) ordered codes. Turning reversed items round changes nothing.
    mean, covariance
        (items,) and (items, items), given together: those of an earlier campaign, so that they are registered
        beforehand. By default from these responses, each covariance over those who answered both items.

    Returns
    -------
    Distances
        With missing answers, the distance within the items that were answered and their part of the covariance.
        (`careless::mahad` puts the mean in the place of a missing answer, which makes it look usual.)

    Raises
    ------
    ValueError
        When an item is the same for all, fewer than two responses answered a pair of items, or an item follows from
        others (the covariance is not positive definite).

    References
    ----------
    Mahalanobis (1936); for survey data Meade, Craig (2012), Psychological Methods 17, 437-455. Base R's
    `mahalanobis()` gives the same without missing answers.

    Examples
    --------
    >>> far = mahalanobis([[0, 0], [1, 1], [2, 1], [2, 3], [0, 3]])
    >>> int(far.squared.argmax())
    4
    """
    answers = checked_codes(codes)
    if (mean is None) != (covariance is None):
        raise ValueError("mean and covariance come together; give both or none")
    if mean is None or covariance is None:
        mean, covariance = _moments(answers)
    mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    items = answers.shape[1]
    if mean.shape != (items,) or covariance.shape != (items, items):
        raise ValueError(f"mean and covariance must be ({items},) and ({items}, {items})")
    _check(covariance)
    there = answers != MISSING
    packed = np.packbits(there, axis=1)
    _, first, pattern = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    pattern = pattern.ravel()
    order = np.argsort(pattern, kind="stable")
    starts = np.searchsorted(pattern[order], np.arange(len(first) + 1))
    squared = np.zeros(len(answers))
    for begin in range(0, len(first), CHUNK):
        end = min(begin + CHUNK, len(first))
        held = there[first[begin:end]]
        both = held[:, :, None] & held[:, None, :]
        inverse = np.linalg.inv(np.where(both, covariance, np.eye(items)))
        rows = order[starts[begin] : starts[end]]
        for part in np.array_split(rows, max(1, -(-len(rows) // 65536))):
            from_mean = np.where(there[part], answers[part] - mean, 0.0)
            of = pattern[part] - begin
            if len(np.unique(of)) == 1:
                squared[part] = np.sum((from_mean @ inverse[of[0]]) * from_mean, axis=1)
            else:
                squared[part] = _by_pattern(from_mean, of, inverse)
    answered = there.sum(axis=1)
    squared = np.where(answered > 0, np.maximum(squared, 0.0), np.nan)
    p = np.where(answered > 0, chdtrc(np.maximum(answered, 1), squared), np.nan)
    return Distances(squared, answered.astype(np.int64), p, mean, covariance)


def _by_pattern(from_mean: Floats, of: Integers, inverse: Floats) -> Floats:
    """(rows,) quadratic forms; rows lie ordered by pattern."""
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    sizes = np.diff(starts, append=len(of))
    found = np.empty(len(of))
    few = sizes < 32
    small = np.repeat(few, sizes)
    if small.any():
        found[small] = np.einsum("ri,rij,rj->r", from_mean[small], inverse[of[small]], from_mean[small], optimize=True)
    for start, size in zip(starts[~few].tolist(), sizes[~few].tolist(), strict=True):
        rows = slice(start, start + size)
        found[rows] = np.sum((from_mean[rows] @ inverse[of[start]]) * from_mean[rows], axis=1)
    return found


def _moments(answers: np.ndarray) -> tuple[Floats, Floats]:
    """Means, and covariances over the responses that answered both items (n - 1)."""
    there = (answers != MISSING).astype(np.float64)
    both = there.T @ there
    if (both < 2).any():
        a, b = np.argwhere(both < 2)[0]
        raise ValueError(f"codes: fewer than two responses answered both item {a} and item {b}; leave one of them out")
    mean = np.where(answers != MISSING, answers, 0).sum(axis=0) / np.diag(both)
    centred = np.where(answers != MISSING, answers - mean, 0.0)
    # each pair about the means of those who answered both
    of_a = (centred.T @ there) / both
    product = centred.T @ centred - both * of_a * of_a.T
    return mean, np.asarray(product / (both - 1.0), np.float64)


def _check(covariance: Floats) -> None:
    if not np.isfinite(covariance).all():
        raise ValueError("covariance holds a number that is not finite")
    variance = np.diag(covariance)
    flat = np.flatnonzero(variance <= 0)
    if flat.size:
        raise ValueError(f"item {flat[0]} has the same answer in all responses; leave it out of a distance")
    root = np.sqrt(variance)
    if np.linalg.eigvalsh(covariance / np.outer(root, root)).min() < LEAST:
        raise ValueError("covariance is not positive definite: an item follows from others; leave it out")
