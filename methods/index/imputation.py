"""What nobody reported, predicted from the others, with the variance of the true value about the prediction.

A number put in without its variance makes an index surer than its data. The variance here is that of one unit's true
value: the spread of units about the prediction, and what estimating the prediction adds. Values must be missing at
random given what the prediction uses: a number that is withheld because it is bad is not, and belongs to the worst
goalpost instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from methods.index.aggregation import Booleans
from methods.inputs import Floats

Centre = Literal["mean", "median"]
LEAST = 2  # numbers that a spread can be told from


@dataclass(frozen=True, slots=True)
class Imputed:
    """A data set without gaps, as far as they could be filled."""

    values: Floats  # (..., units, indicators) NaN where nothing could be predicted
    variance: Floats  # the same shape: of the true value about an imputed one; 0 where the number is the unit's own
    imputed: Booleans  # the same shape


def impute_centre(values: Floats, centre: Centre = "mean", variance: Floats | None = None) -> Imputed:
    """Fill gaps by the mean or median of the indicator over all units (COINr's `i_mean`, `i_median`).

    Parameters
    ----------
    values
        (..., units, indicators); NaN: missing.
    centre
        ``mean`` or ``median``.
    variance
        The same shape or (units, indicators): what each number itself leaves unknown, as estimates do; default: none.

    Returns
    -------
    Imputed
        Indicators with fewer than two numbers stay as they are.

    Raises
    ------
    ValueError
        Infinite values, negative variances, shapes that do not fit.

    Notes
    -----
    With m numbers of variance s2 (total variance: their spread, and on average what each leaves unknown) the mean
    predicts a unit's true value with variance s2 (1 + 1/m); the median, as if normal, with s2 (1 + pi/2/m) and what a
    skewed population adds.

    Examples
    --------
    >>> done = impute_centre(np.array([[1.0], [2.0], [6.0], [np.nan]]))
    >>> done.values[3].tolist(), done.variance[3].round(4).tolist()
    ([3.0], [9.3333])
    """
    return impute_by_group(values, np.zeros(values.shape[-2:][0], np.int64), centre, variance)


def impute_by_group(
    values: Floats,
    group: NDArray[Any],
    centre: Centre = "mean",
    variance: Floats | None = None,
    otherwise: Literal["missing", "all"] = "missing",
) -> Imputed:
    """Fill gaps by the mean or median over the units of the same level or group (COINr's `i_mean_grp`).

    Parameters
    ----------
    values
        (..., units, indicators); NaN: missing.
    group
        (units,) any labels.
    centre
        ``mean`` or ``median``.
    variance
        The same shape or (units, indicators): what each number itself leaves unknown; default: none.
    otherwise
        Where a group has fewer than two numbers: stay ``missing``, or be filled from ``all`` units.

    Returns
    -------
    Imputed
        As in `impute_centre`, group by group.

    Raises
    ------
    ValueError
        Infinite values, negative variances, shapes that do not fit, an unknown `centre` or `otherwise`.

    Examples
    --------
    >>> values = np.array([[1.0], [3.0], [np.nan], [50.0], [np.nan]])
    >>> impute_by_group(values, np.array(["K", "K", "K", "T", "T"])).values[:, 0].tolist()
    [1.0, 3.0, 2.0, 50.0, nan]
    """
    unknown = _checked(values, variance)
    if group.shape != values.shape[-2:-1]:
        raise ValueError(f"group has shape {group.shape}; it must be {values.shape[-2:-1]}, one label a unit")
    if centre not in ("mean", "median") or otherwise not in ("missing", "all"):
        raise ValueError(f"centre {centre!r}, otherwise {otherwise!r}; they must be mean or median, missing or all")
    result, spread = values.copy(order="K"), np.zeros(values.shape)
    gaps = np.isnan(values)
    pieces = [group == label for label in np.unique(group)]
    pieces += [np.ones(group.size, bool)] if otherwise == "all" else []
    for members in pieces:
        part = values[..., members, :]
        known = None if unknown is None else unknown[..., members, :]
        middle, around = _predict(part, known, centre)
        fill = np.isnan(result[..., members, :]) & ~np.isnan(middle)
        result[..., members, :] = np.where(fill, middle, result[..., members, :])
        spread[..., members, :] = np.where(fill, around, spread[..., members, :])
    return Imputed(result, spread, gaps & ~np.isnan(result))


def impute_nearest(values: Floats, group: NDArray[Any], neighbours: int = 3, variance: Floats | None = None) -> Imputed:
    """Fill gaps by the mean of the most similar units of the same group (a hot deck).

    Units are as far apart as the root mean square of their differences, in standard deviations of the group, over the
    indicators that both have.

    Parameters
    ----------
    values
        (units, indicators); NaN: missing.
    group
        (units,) any labels.
    neighbours
        How many of those that have the number; all of them where there are fewer.
    variance
        (units, indicators): what each number itself leaves unknown; default: none.

    Returns
    -------
    Imputed
        Variance s2 (1 + 1/k), s2 the variance among the k neighbours and on average what their numbers leave unknown.
        Stays missing with fewer than two neighbours, or for a unit that has no indicator in common with two.

    Raises
    ------
    ValueError
        Fewer than two neighbours asked for, infinite values, shapes that do not fit.

    References
    ----------
    Andridge, Little, International Statistical Review 78 (2010) 40.

    Examples
    --------
    >>> x = np.array([[1.0, 10.0], [2.0, 20.0], [9.0, 90.0], [1.5, np.nan]])
    >>> done = impute_nearest(x, np.zeros(4), 2)
    >>> done.values[3].tolist(), done.variance[3].tolist()
    ([1.5, 15.0], [0.0, 75.0])
    """
    unknown = _checked(values, variance)
    if neighbours < LEAST:
        raise ValueError(
            f"neighbours is {neighbours}; at least {LEAST} are needed, or nothing tells how far off one is"
        )
    if values.ndim != 2 or group.shape != values.shape[:1]:
        raise ValueError(f"values has shape {values.shape}, group {group.shape}; one label a unit is needed")
    result, spread = values.copy(), np.zeros(values.shape)
    for label in np.unique(group):
        members = np.flatnonzero(group == label)
        part = values[members]
        here = ~np.isnan(part)
        count = here.sum(axis=0)
        mean = np.divide(np.where(here, part, 0.0).sum(axis=0), count, out=np.zeros(part.shape[1]), where=count > 0)
        squares = np.where(here, (part - mean) ** 2, 0.0).sum(axis=0)
        sd = np.sqrt(np.divide(squares, count - 1, out=np.zeros(part.shape[1]), where=count > 1))
        z = np.divide(part - mean, sd, out=np.zeros_like(part), where=here & (sd > 0))
        for row in np.flatnonzero(~here.all(axis=1)):
            common = here & here[row] & (sd > 0)
            shared = common.sum(axis=1)
            off = np.where(common, (z - z[row]) ** 2, 0.0).sum(axis=1)
            distance = np.divide(off, shared, out=np.full(off.shape, np.inf), where=shared > 0)
            order = np.argsort(distance, kind="stable")
            for j in np.flatnonzero(~here[row]):
                donors = [d for d in order if here[d, j] and np.isfinite(distance[d])][:neighbours]
                if len(donors) < LEAST:
                    continue
                given = part[donors, j]
                more = 0.0 if unknown is None else float(unknown[members[donors], j].mean())
                result[members[row], j] = given.mean()
                spread[members[row], j] = (given.var(ddof=1) + more) * (1 + 1 / len(donors))
    return Imputed(result, spread, np.isnan(values) & ~np.isnan(result))


def impute_regression(
    values: Floats, covariates: Floats, variance: Floats | None = None, group: NDArray[Any] | None = None
) -> Imputed:
    """Fill gaps by least squares on what is known of every unit.

    Parameters
    ----------
    values
        (units, indicators); NaN: missing.
    covariates
        (units, covariates) without gaps; an intercept is added.
    variance
        (units, indicators): what each number itself leaves unknown; default: none.
    group
        (units,) labels: a regression in each; default: one.

    Returns
    -------
    Imputed
        Variance s2 (1 + x'(X'X)^-1 x), s2 the residual variance and on average what the numbers leave unknown. Stays
        missing where an indicator has no more numbers than coefficients.

    Raises
    ------
    ValueError
        Covariates with gaps or that repeat each other, infinite values, shapes that do not fit.

    References
    ----------
    Little, Rubin, Statistical Analysis with Missing Data (2002), section 4.2.

    Examples
    --------
    >>> done = impute_regression(np.array([[2.0], [4.0], [6.1], [np.nan]]), np.array([[1.0], [2.0], [3.0], [4.0]]))
    >>> done.values[3].round(3).tolist(), done.variance[3].round(4).tolist()
    ([8.133], [0.0056])
    """
    unknown = _checked(values, variance)
    if values.ndim != 2 or covariates.ndim != 2 or covariates.shape[0] != values.shape[0]:
        raise ValueError(f"covariates has shape {covariates.shape}; it must be (units, covariates)")
    if not np.isfinite(covariates).all():
        raise ValueError("covariates has gaps or infinite numbers; a regression needs them of every unit")
    group = np.zeros(values.shape[0], np.int64) if group is None else group
    if group.shape != values.shape[:1]:
        raise ValueError(f"group has shape {group.shape}; it must be {values.shape[:1]}, one label a unit")
    X = np.column_stack([np.ones(values.shape[0]), covariates])
    result, spread = values.copy(), np.zeros(values.shape)
    for label in np.unique(group):
        for j in range(values.shape[1]):
            here = (group == label) & ~np.isnan(values[:, j])
            gap = (group == label) & np.isnan(values[:, j])
            left = int(here.sum()) - X.shape[1]
            if not gap.any() or left < 1:
                continue
            if np.linalg.matrix_rank(X[here]) < X.shape[1]:
                raise ValueError(
                    f"covariates repeat each other, or do not vary, among the units with indicator {j}; leave some out"
                )
            q, r = np.linalg.qr(X[here])
            beta = np.linalg.solve(r, q.T @ values[here, j])
            residual = values[here, j] - X[here] @ beta
            s2 = residual @ residual / left + (0.0 if unknown is None else unknown[here, j].mean())
            leverage = np.linalg.solve(r.T, X[gap].T)
            result[gap, j] = X[gap] @ beta
            spread[gap, j] = s2 * (1 + (leverage**2).sum(axis=0))
    return Imputed(result, spread, np.isnan(values) & ~np.isnan(result))


@dataclass(frozen=True, slots=True)
class Normal:
    """A multivariate normal distribution fitted to a data set with gaps."""

    mean: Floats  # (indicators,)
    covariance: Floats  # (indicators, indicators)
    iterations: int


def fit_normal(values: Floats, ridge: float = 0.0, tolerance: float = 1e-8, most: int = 10_000) -> Normal:
    """Mean and covariance of a multivariate normal by maximum likelihood, by the EM algorithm.

    Parameters
    ----------
    values
        (units, indicators); NaN: missing.
    ridge
        Pulls correlations towards zero, as this many more units with the observed variances and no correlation would
        (Schafer's ridge prior). Needed where indicators are many and units few.
    tolerance
        Largest change of a mean (in standard deviations) or of a covariance (in products of them) that ends it.
    most
        Iterations.

    Returns
    -------
    Normal
        The divisor of the covariance is the number of units (maximum likelihood), plus `ridge`.

    Raises
    ------
    ValueError
        An indicator with fewer than two different numbers; more indicators than the units can tell apart without
        `ridge`; no convergence.

    References
    ----------
    Little, Rubin, Statistical Analysis with Missing Data (2002), section 11.2; Schafer, Analysis of Incomplete
    Multivariate Data (1997), section 5.2.3.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [2.0, 4.1], [3.0, 5.9], [4.0, np.nan]])
    >>> fit_normal(x).mean.round(3).tolist()
    [2.5, 4.975]
    """
    _checked(values, None)
    if values.ndim != 2:
        raise ValueError(f"values has shape {values.shape}; it must be (units, indicators)")
    if not (ridge >= 0 and np.isfinite(ridge)):
        raise ValueError(f"ridge is {ridge}; it must be a finite number, 0 or more")
    values = values[~np.isnan(values).all(axis=1)]
    here = ~np.isnan(values)
    n = here.sum(axis=0)
    low = np.fmin.reduce(values, axis=0, initial=np.inf)
    high = np.fmax.reduce(values, axis=0, initial=-np.inf)
    flat = np.flatnonzero((n < LEAST) | (low >= high))
    if flat.size:
        raise ValueError(f"values: indicator {flat[0]} has fewer than two different numbers; leave it out")
    centre, scale = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    z = (values - centre) / scale
    units, p = z.shape
    mean, covariance = np.zeros(p), np.eye(p)
    patterns, which = np.unique(here, axis=0, return_inverse=True)
    which = which.ravel()
    for iteration in range(1, most + 1):
        total, products = np.zeros(p), np.zeros((p, p))
        for k, seen in enumerate(patterns):
            filled, left = _conditional(z[which == k], seen, mean, covariance)
            total += filled.sum(axis=0)
            products += filled.T @ filled + filled.shape[0] * left
        new_mean = total / units
        new = (products - units * np.outer(new_mean, new_mean) + ridge * np.eye(p)) / (units + ridge)
        change = max(np.abs(new_mean - mean).max(), np.abs(new - covariance).max())
        mean, covariance = new_mean, (new + new.T) / 2
        if np.linalg.eigvalsh(covariance)[0] < 1e-10:
            raise ValueError(
                f"values: {units} units cannot tell the correlations of {p} indicators; take fewer, or ridge > 0"
            )
        if change < tolerance:
            return Normal(centre + scale * mean, covariance * np.outer(scale, scale), iteration)
    raise ValueError(f"the EM algorithm changed by {change:.1g} after {most} iterations; take ridge > 0, or more")


def impute_normal(values: Floats, ridge: float = 0.0) -> Imputed:
    """Fill gaps by what the unit's other indicators say, under a multivariate normal fitted by EM (COINr's `i_EM`).

    Parameters
    ----------
    values
        (units, indicators); NaN: missing. Outliers treated and skewed indicators transformed before.
    ridge
        As in `fit_normal`.

    Returns
    -------
    Imputed
        The conditional mean and variance given the unit's numbers; a unit without any gets mean and variance of all.

    Raises
    ------
    ValueError
        As in `fit_normal`.

    Notes
    -----
    The variance leaves out that mean and covariance are estimated.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [2.0, 4.1], [3.0, 5.9], [4.0, np.nan]])
    >>> done = impute_normal(x)
    >>> done.values[3].round(3).tolist(), done.variance[3].round(4).tolist()
    ([4.0, 7.9], [0.0, 0.005])
    """
    fitted = fit_normal(values, ridge)
    result, spread = values.copy(), np.zeros(values.shape)
    here = ~np.isnan(values)
    scale = np.sqrt(np.diag(fitted.covariance))
    correlation = fitted.covariance / np.outer(scale, scale)
    z = (values - fitted.mean) / scale
    for seen in np.unique(here, axis=0):
        rows = (here == seen).all(axis=1)
        filled, left = _conditional(z[rows], seen, np.zeros(scale.size), correlation)
        result[rows] = np.where(seen, values[rows], fitted.mean + scale * filled)
        spread[rows] = np.diag(left) * scale**2
    return Imputed(result, spread, ~here)


def _conditional(z: Floats, seen: Booleans, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Rows of one pattern with their gaps filled, and the covariance that is left."""
    left = np.zeros_like(covariance)
    if seen.all():
        return z, left
    gone = ~seen
    if not seen.any():
        return np.broadcast_to(mean, z.shape), covariance
    slope = np.linalg.solve(covariance[np.ix_(seen, seen)], covariance[np.ix_(seen, gone)])  # (seen, gone)
    filled = z.copy()
    filled[:, gone] = mean[gone] + (z[:, seen] - mean[seen]) @ slope
    left[np.ix_(gone, gone)] = covariance[np.ix_(gone, gone)] - covariance[np.ix_(gone, seen)] @ slope
    return filled, left


def _predict(part: Floats, unknown: Floats | None, centre: Centre) -> tuple[Floats, Floats]:
    """(..., 1, indicators) prediction and its variance; NaN with fewer than two numbers."""
    there = ~np.isnan(part)
    n = there.sum(axis=-2, keepdims=True)
    enough = n >= LEAST
    total, squares, others = (np.zeros(n.shape) for _ in range(3))
    for u in range(part.shape[-2]):
        total[..., 0, :] += np.where(there[..., u, :], part[..., u, :], 0.0)
    mean = np.divide(total, n, out=np.full(n.shape, np.nan), where=enough)
    middle = mean
    if centre == "median":
        ordered = np.sort(part, axis=-2)  # gaps last
        low = np.take_along_axis(ordered, np.maximum(n - 1, 0) // 2, axis=-2)
        high = np.take_along_axis(ordered, n // 2, axis=-2) if part.shape[-2] > 1 else low
        middle = np.where(enough, low + (high - low) / 2, np.nan)
    about_mean = np.zeros(n.shape)
    for u in range(part.shape[-2]):
        x, here = part[..., u, :], there[..., u, :]
        about_mean[..., 0, :] += np.where(here, (x - mean[..., 0, :]) ** 2, 0.0)
        squares[..., 0, :] += np.where(here, (x - middle[..., 0, :]) ** 2, 0.0)
        if unknown is not None:
            others[..., 0, :] += np.where(here, unknown[..., u, :], 0.0)
    more = np.divide(others, n, out=np.zeros(n.shape), where=enough)
    s2 = np.divide(about_mean, n - 1, out=np.full(n.shape, np.nan), where=enough) + more
    if centre == "mean":
        return middle, s2 * (1 + 1 / np.maximum(n, 1))
    about = np.divide(squares, n - 1, out=np.full(n.shape, np.nan), where=enough) + more
    # of the distance between mean and median, what chance alone makes of it is in the variance of the median already
    chance = np.divide(np.pi / 2 - 1, n - 1, out=np.zeros(n.shape), where=enough)
    return middle, about + s2 * (np.pi / 2 / np.maximum(n, 1) - chance)


def _checked(values: Floats, variance: Floats | None) -> Floats | None:
    if values.ndim < 2:
        raise ValueError(f"values has shape {values.shape}; it must be (..., units, indicators)")
    if np.isinf(values).any():
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
    if variance is None:
        return None
    if variance.shape not in (values.shape, values.shape[-2:]):
        raise ValueError(f"variance has shape {variance.shape}; it must be {values.shape}, or one unit x indicator")
    variance = np.broadcast_to(variance, values.shape)
    if not (variance[~np.isnan(values)] >= 0).all() or np.isinf(variance).any():
        raise ValueError("variance is negative, infinite or missing beside a number; it must be 0 or more")
    return variance
