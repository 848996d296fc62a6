"""What a flag does to an estimate: with all responses, with flagged ones half-weighted, and without them.

A flag never deletes anything by itself. Flags that look at the content of answers select on the outcome: leaving out
straight-liners leaves out the satisfied. So the effect is shown, and what is done about it is registered by the scheme.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from methods.inputs import Floats, Integers


@dataclass(frozen=True, slots=True)
class Effects:
    """Weighted means by domain under each treatment of each flag, and their differences from the mean of all."""

    flagged: Integers  # (flags, domains, items) flagged responses with a score
    all: Floats  # (domains, items); NaN without a score
    half: Floats  # (flags, domains, items)
    without: Floats  # (flags, domains, items); NaN where every response is flagged
    half_difference: Floats  # (flags, domains, items) half - all
    half_error: Floats  # its standard error; NaN where it cannot be estimated (one response)
    without_difference: Floats
    without_error: Floats


def effects_of_flags(
    scores: ArrayLike,
    flagged: ArrayLike,
    weight: ArrayLike | None = None,
    domain: ArrayLike | None = None,
    domains: int | None = None,
) -> Effects:
    """Estimate the effect of each flag on weighted means.

    The samples are nested: whoever is left is in both. The standard error is that of the difference itself, linearised:
    each response's influence on one mean less its influence on the other. The two means' errors as if independent
    would be far too large.

    Parameters
    ----------
    scores
        (responses, items) or (responses,); NaN where there is no score.
    flagged
        (responses, flags) or (responses,) of booleans.
    weight
        (responses,) design weights, 0 or more; 1 by default. They are taken as they are: calibrating anew without the
        flagged is what `sensitivity` of a rating shows.
    domain
        (responses,) whole numbers from 0; one domain by default.
    domains
        How many there are; as many as `domain` names by default.

    Returns
    -------
    Effects
        Where nobody is flagged, differences and their errors are 0.

    Raises
    ------
    ValueError
        Shapes that do not fit, weights that are negative or not finite, infinite scores, domains outside.

    Notes
    -----
    With equal weights and a share f flagged, without - all = f (mean of the others - mean of the flagged).
    Responses are taken as drawn independently with replacement.

    Examples
    --------
    >>> found = effects_of_flags([0.0, 50.0, 100.0, 100.0], [False, False, True, True])
    >>> found.all.item(), found.half.round(2).item(), found.without.item()
    (62.5, 50.0, 25.0)
    >>> found.without_difference.item(), found.without_error.round(3).item()
    (-37.5, 23.936)
    """
    y, mark = _table(scores, np.float64, "scores"), _table(flagged, np.bool_, "flagged")
    rows, items = y.shape
    if len(mark) != rows:
        raise ValueError(f"flagged has {len(mark)} rows; scores has {rows}")
    if np.isinf(y).any():
        raise ValueError("scores holds an infinite number; NaN says that there is no score")
    w = np.ones(rows) if weight is None else np.asarray(weight, np.float64)
    if w.shape != (rows,) or not (np.isfinite(w) & (w >= 0)).all():
        raise ValueError(f"weight must be {rows} finite numbers, each 0 or more")
    of = np.zeros(rows, np.int64) if domain is None else np.asarray(domain)
    if of.shape != (rows,) or (rows and not np.issubdtype(of.dtype, np.integer)):
        raise ValueError(f"domain must be {rows} whole numbers")
    of = of.astype(np.int64)
    count = int(of.max(initial=-1)) + 1 if domains is None else domains
    if rows and (of.min() < 0 or of.max() >= count):
        raise ValueError(f"domain must be from 0 to {count - 1}")
    shape = (mark.shape[1], count, items)
    numbers = np.zeros(shape, np.int64)
    every = np.full((count, items), np.nan)
    estimates, differences, errors = (np.full((2, *shape), np.nan) for _ in range(3))
    for k in range(items):
        there = np.isfinite(y[:, k]) & (w > 0)
        score, own, at = y[there, k], w[there], of[there]
        n = np.bincount(at, minlength=count)
        every[:, k], influence = _mean(score, own, at, count)
        for f in range(mark.shape[1]):
            flag = mark[there, f]
            numbers[f, :, k] = np.bincount(at[flag], minlength=count)
            for t, factor in enumerate((0.5, 0.0)):
                mean, other = _mean(score, own * np.where(flag, factor, 1.0), at, count)
                z = other - influence
                square = np.bincount(at, z * z, count)
                with np.errstate(invalid="ignore", divide="ignore"):
                    # influences sum to 0 within a domain
                    error = np.where((n > 1) & np.isfinite(mean), np.sqrt(square * n / (n - 1.0)), np.nan)
                    apart = mean - every[:, k]
                none = (numbers[f, :, k] == 0) & (n > 0)
                estimates[t, f, :, k] = np.where(none, every[:, k], mean)
                differences[t, f, :, k] = np.where(none, 0.0, apart)
                errors[t, f, :, k] = np.where(none, 0.0, error)
    return Effects(numbers, every, estimates[0], estimates[1], differences[0], errors[0], differences[1], errors[1])


def _mean(y: Floats, w: Floats, at: Integers, domains: int) -> tuple[Floats, Floats]:
    """(domains,) weighted means, and (rows,) each row's influence on its domain's."""
    total = np.bincount(at, w, domains)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(at, w * y, domains) / total
        return mean, np.where(total[at] > 0, w * (y - mean[at]) / total[at], 0.0)


def _table(values: ArrayLike, kind: type, name: str) -> NDArray[Any]:
    found: NDArray[Any] = np.asarray(values, kind)
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2:
        raise ValueError(f"{name} has {found.ndim} dimensions; it must be (responses, ...) with one or two")
    return found
