"""Calibration: factors near 1 that bring weighted totals of auxiliaries to those of the population.

Deville, Saerndal (1992), Journal of the American Statistical Association 87, 376-382.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack

from methods.inputs import Floats, Integers
from methods.survey.auxiliaries import Auxiliaries, Numbers
from methods.survey.columns import checked
from methods.survey.designs import Design

Distance = Literal["linear", "raking", "logit"]
STEPS = 200  # of Newton's method
HALVINGS = 40  # of one step
DEPENDENT = 1e-11  # share of an auxiliary that others do not explain, below which they determine it


@dataclass(frozen=True, slots=True)
class Calibration:
    """Factors of a calibrated sample, and what they were calibrated to: the residuals of a variance need both."""

    factor: Floats  # (rows,) to multiply the design weight by
    pattern: Integers  # (rows,) rows of one pattern have equal auxiliaries; patterns go in the order of their groups
    first: Integers  # (groups + 1,) patterns of group g are first[g] .. first[g + 1] - 1
    auxiliaries: tuple[Auxiliaries, ...]  # of each group, for its patterns
    names: tuple[str, ...]  # margins or totals
    deviation: Floats  # (names,) largest relative distance from the population that is left
    iterations: int


def calibrate(
    design: Design,
    auxiliaries: ArrayLike,
    totals: ArrayLike,
    distance: Distance = "linear",
    bounds: tuple[float, float] | None = None,
    names: Sequence[str] = (),
    tolerance: float = 1e-10,
) -> Calibration:
    """Calibrate to totals of any auxiliaries (indicators of cells, numbers).

    Parameters
    ----------
    design
        The sample.
    auxiliaries : (rows, p)
        Value of each auxiliary for each respondent of a row; a column of ones for the size of the population.
    totals : (p,)
        Their totals over the population.
    distance
        "linear": generalised regression, factors 1 + u (may be negative without bounds); "raking": exp(u);
        "logit": between the bounds, which it needs.
    bounds
        Smallest and largest factor, around 1. Linear and raking factors are cut off there.
    names : (p,)
        What messages call the auxiliaries.
    tolerance
        Relative distance from a total that counts as met.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        When shapes do not fit, the bounds do not lie around 1, or the totals cannot be reached (the worst is named).

    References
    ----------
    Deville, Saerndal (1992), cases 1, 2, 6 and 7 of section 2.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> x = np.array([[1.0, 0], [1, 1], [1, 1], [1, 2]])
    >>> calibrate(simple([10.0] * 4), x, [40, 44]).factor.round(3).tolist()
    [0.8, 1.0, 1.0, 1.2]
    """
    X, T, called = _auxiliaries(design, auxiliaries, totals, names)
    if distance not in get_args(Distance):
        raise ValueError(f"distance: {distance!r}; one of {', '.join(get_args(Distance))} is expected")
    if bounds is not None and not (np.isfinite(bounds).all() and bounds[0] < 1 < bounds[1]):
        raise ValueError(f"bounds: {bounds}; a number below 1 and one above 1 are expected")
    if bounds is None and distance == "logit":
        raise ValueError("bounds: logit calibration needs the smallest and the largest factor, such as (0.3, 3)")
    d = design.weight * design.n
    scale = np.maximum(d @ np.abs(X), np.abs(T))
    scale = np.where(scale > 0, scale, 1.0)
    Z, goal = X / scale, T / scale
    factor_of, slope_of = _functions(distance, bounds)
    factor, steps = _newton(Z, goal, d, factor_of, slope_of, tolerance)
    left = np.abs(goal - (d * factor) @ Z)
    if len(left) and left.max() > 10 * tolerance:
        worst = int(left.argmax())
        within = "" if bounds is None else f" with factors within {bounds[0]:g} and {bounds[1]:g}"
        nearest = float(np.sum(d * factor * X[:, worst]))
        raise ValueError(
            f"totals: {called[worst]} = {T[worst]:g} cannot be reached{within} (tried: {nearest:g}); "
            "check it against the other totals, widen the bounds or leave an auxiliary out"
        )
    rows = len(d)
    return Calibration(factor, np.arange(rows), np.array([0, rows]), (Numbers(X),), called, left, steps)


def _auxiliaries(
    design: Design, auxiliaries: ArrayLike, totals: ArrayLike, names: Sequence[str]
) -> tuple[Floats, Floats, tuple[str, ...]]:
    X = np.asarray(auxiliaries, np.float64)
    if X.ndim != 2 or len(X) != len(design.n):
        raise ValueError(f"auxiliaries: shape {X.shape}; (rows, p) with {len(design.n)} rows is expected")
    if not np.isfinite(X).all():
        row, column = (int(v[0]) for v in np.nonzero(~np.isfinite(X)))
        raise ValueError(f"auxiliaries: {X[row, column]:g} in row {row}, column {column}; finite numbers are expected")
    T = checked("totals", totals, X.shape[1], least=None)
    if names and len(names) != len(T):
        raise ValueError(f"names: {len(names)} for {len(T)} totals; give one for each, or none")
    return X, T, tuple(names) or tuple(f"auxiliary {k}" for k in range(len(T)))


def _functions(
    distance: Distance, bounds: tuple[float, float] | None
) -> tuple[Callable[[Floats], Floats], Callable[[Floats, Floats], Floats]]:
    """The factor as a function of u, and its slope given u and the factor."""
    low, high = bounds if bounds is not None else (-np.inf, np.inf)
    if distance == "linear":
        return (
            lambda u: np.clip(1.0 + u, low, high),
            lambda u, factor: ((factor > low) & (factor < high)).astype(np.float64),
        )
    if distance == "raking":
        return (
            lambda u: np.clip(np.exp(np.minimum(u, 700.0)), low, high),
            lambda u, factor: np.where((factor > low) & (factor < high), factor, 0.0),
        )
    steep = (high - low) / ((1.0 - low) * (high - 1.0))

    def logit(u: Floats) -> Floats:
        odds = np.exp(np.clip(steep * u, -700.0, 700.0))
        return (low * (high - 1.0) + high * (1.0 - low) * odds) / (high - 1.0 + (1.0 - low) * odds)

    return logit, lambda u, factor: steep * (high - factor) * (factor - low) / (high - low)


def _newton(
    Z: Floats,
    goal: Floats,
    d: Floats,
    factor_of: Callable[[Floats], Floats],
    slope_of: Callable[[Floats, Floats], Floats],
    tolerance: float,
) -> tuple[Floats, int]:
    """Solve sum d F(z'l) z = goal by damped Newton steps."""
    u = np.zeros(len(d))
    factor = factor_of(u)
    miss = goal - (d * factor) @ Z
    steps = 0
    while steps < STEPS and np.max(np.abs(miss), initial=0.0) > 0.01 * tolerance:
        steps += 1
        step = inverse(Z.T @ ((d * slope_of(u, factor))[:, None] * Z)) @ miss
        move = Z @ step
        best = float(np.sum(miss**2))
        for _ in range(HALVINGS):
            tried = factor_of(u + move)
            tried_miss = goal - (d * tried) @ Z
            if np.sum(tried_miss**2) < best:
                break
            move = move / 2.0
        else:
            break
        u, factor, miss = u + move, tried, tried_miss
    return factor, steps


def inverse(gram: Floats) -> Floats:
    """Generalised inverse of a symmetric matrix of sums of products, by pivoted Cholesky.

    Auxiliaries that others determine are left out (their rows and columns are 0); fitted values do not depend on which.

    Parameters
    ----------
    gram : (p, p)
        X'WX with W >= 0.

    Returns
    -------
    (p, p)
        A matrix G with gram G gram = gram.

    Examples
    --------
    >>> inverse(np.array([[4.0, 0.0], [0.0, 0.0]])).tolist()
    [[0.25, 0.0], [0.0, 0.0]]
    """
    p = len(gram)
    found = np.zeros((p, p))
    diagonal = np.diag(gram)
    used = np.flatnonzero(diagonal > 0)
    if not len(used):
        return found
    root = 1.0 / np.sqrt(diagonal[used])
    factor, order, rank, _ = lapack.dpstrf(gram[np.ix_(used, used)] * np.outer(root, root), tol=DEPENDENT, lower=1)
    inverted, _ = lapack.dpotri(factor[:rank, :rank], lower=1)
    kept = order[:rank] - 1
    scaled = (np.tril(inverted) + np.tril(inverted, -1).T) * np.outer(root[kept], root[kept])
    found[np.ix_(used[kept], used[kept])] = scaled
    return found
