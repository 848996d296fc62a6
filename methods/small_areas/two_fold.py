"""Area-level model of two folds: units borrow from a regression and from their area, a random effect.

y_j = theta_j + e_j, Var(e_j) = D_j known; theta_j = x_j'b + u_a + v_j for unit j of area a, with Var(u) the variance
between areas and Var(v) that between units of an area. Torabi and Rao (2014), Journal of Multivariate Analysis 127,
36-55. Variances by residual likelihood, or by that likelihood adjusted as in Yoshimori and Lahiri (2014), same journal
124, 281-294: their factor for the units, and the same once more for the areas, so that neither variance is ever 0.

With s_j = Var(v) + D_j, w = 1/s and t_a = 1 / (1/Var(u) + sum_a w), the inverse of an area's covariance matrix is
W - t w w', so everything is a sum over the units of an area: the work grows with the number of units, not its cube.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, root

from methods.inputs import Floats, Integers
from methods.small_areas.fay_herriot import fay_herriot

LEAST_AREAS = 5  # areas below which their variance is not estimated but taken as 0
STARTS = (0.02, 0.3, 1.0)  # shares of the spread of y at which the search for each variance may start


@dataclass(frozen=True, slots=True)
class TwoFold:
    """A fitted model; per-unit arrays in the order of `y`, units without a direct estimate included."""

    theta: Floats  # (units,) empirical best linear unbiased predictor
    mse: Floats  # (units,) its mean squared error: g1 + g2 + 2 g3
    g1: Floats  # (units,) were regression and variances known: Var(v) B + B^2 t
    g3: Floats  # (units,) expected part due to estimating the variances, once
    synthetic: Floats  # (units,) x'b, without the area's effect
    shrinkage: Floats  # (units,) B_j = D_j / (Var(v) + D_j); 1 without a direct estimate
    area_effect: Floats  # (areas,) predicted u
    area_error: Floats  # (areas,) t, variance of u about its prediction, regression known
    unit_variance: float  # Var(v)
    area_variance: float  # Var(u); 0 where areas cannot be told from units
    variances_covariance: Floats  # (2, 2) asymptotic, of unit and area variance
    coefficients: Floats  # (p,)
    covariance: Floats  # (p, p) of the coefficients
    direction: Floats  # (units, p) derivative of the error of theta with respect to that of the coefficients
    slope: Floats  # (units, 2) derivative of theta with respect to unit and area variance


def two_fold(
    y: Floats,
    X: Floats,
    D: Floats,
    area: Integers,
    method: Literal["adjusted", "reml"] = "adjusted",
    variances: tuple[float, float] | None = None,
) -> TwoFold:
    """Predict the mean of every unit from its direct estimate, its area's and a regression.

    Parameters
    ----------
    y
        (units,) direct estimates; NaN where a unit has none.
    X
        (units, p) covariates, the intercept included, finite; of full column rank over the units with an estimate.
    D
        (units,) sampling variances, squared units of `y`, positive; ignored where `y` is NaN.
    area
        (units,) area of each unit: 0, 1, ...
    method
        "adjusted": both variances positive; "reml": a variance is 0 where the likelihood is highest there.
    variances
        Of units and areas, when they come from elsewhere and only predictions are wanted.

    Returns
    -------
    TwoFold
        The variance between areas is 0, and the model that of Fay and Herriot, when fewer than five areas have a
        direct estimate, or every area has one unit only: then nothing tells areas from units.

    Raises
    ------
    ValueError
        When shapes differ, a value is not finite, a sampling variance is not positive, an area is negative, the
        covariates are linearly dependent, or there are not more units with an estimate than covariates.

    References
    ----------
    Torabi, Rao (2014), equations of sections 2 and 3; Prasad, Rao (1990), JASA 85, 163-171, for g1, g2, g3 in general.

    Examples
    --------
    >>> area = np.repeat(np.arange(6), 3)
    >>> y = 60 + np.repeat([6.0, -5.0, 1.0, -8.0, 7.0, -1.0], 3) + np.tile([4.0, -6.0, 2.0], 6)
    >>> fit = two_fold(y, np.ones((18, 1)), np.full(18, 4.0), area, "reml")
    >>> round(fit.unit_variance, 6), round(fit.area_variance, 4)   # 28 within areas less 4; 35.2 less 28 / 3
    (24.0, 25.8667)
    >>> np.round(fit.area_effect[:2], 2)                           # 25.8667 / 35.2 of the areas' means
    array([ 4.41, -3.67])
    """
    y, X, D = (np.asarray(value, np.float64) for value in (y, X, D))
    area = np.asarray(area)
    seen = _checked(y, X, D, area)
    areas = int(area.max()) + 1
    order = np.flatnonzero(seen)[np.argsort(area[seen], kind="stable")]
    blocks = _Blocks(y[order], X[order], D[order], area[order])
    count = np.bincount(area[seen], minlength=areas)
    apart = int((count > 0).sum()) >= LEAST_AREAS and bool((count > 1).any())
    if variances is not None:
        unit_variance, area_variance = variances
        if not (np.isfinite(variances).all() and unit_variance > 0 and area_variance >= 0):
            raise ValueError(
                f"variances must be finite, that of units positive and that of areas at least 0: {variances}"
            )
        apart = apart and area_variance > 0
    elif apart:
        unit_variance, area_variance = _highest(blocks, method)
    else:
        unit_variance, area_variance = fay_herriot(y[seen], X[seen], D[seen], method).variance, 0.0
    return _predicted(blocks, y, X, D, area, areas, unit_variance, area_variance, apart)


def _checked(y: Floats, X: Floats, D: Floats, area: Integers) -> NDArray[np.bool_]:
    if y.ndim != 1 or X.ndim != 2 or not len(y) == len(X) == len(D) == len(area):
        raise ValueError(f"y, X, D and area must have a row for each unit; shapes {y.shape}, {X.shape}, {D.shape}")
    if np.isinf(y).any():
        raise ValueError("y must be finite, or NaN where a unit has no direct estimate")
    if not np.isfinite(X).all():
        raise ValueError("X must be finite; leave out covariates that are not known of every unit")
    if len(area) and (area.dtype.kind not in "iu" or area.min() < 0):
        raise ValueError("area must be integers from 0")
    seen = np.isfinite(y)
    if not (np.isfinite(D[seen]).all() and (D[seen] > 0).all()):
        raise ValueError("D must be positive and finite where there is a direct estimate")
    m, p = int(seen.sum()), X.shape[1]
    if m <= p:
        raise ValueError(f"{m} direct estimates cannot carry {p} coefficients; give fewer columns of X")
    if np.linalg.matrix_rank(X[seen]) < p:
        raise ValueError("the columns of X are linearly dependent; leave out those that repeat others")
    return seen


class _Blocks:
    """Units with a direct estimate, sorted by area, and sums over the areas."""

    def __init__(self, y: Floats, X: Floats, D: Floats, area: Integers) -> None:
        self.y, self.X, self.D = y, X, D
        self.start = np.flatnonzero(np.concatenate([[True], area[1:] != area[:-1]]))
        self.area = area[self.start]
        self.of = np.repeat(np.arange(len(self.start)), np.diff(np.append(self.start, len(area))))

    def total(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self.start, axis=0), np.float64)

    def times_inverse(self, values: Floats, w: Floats, t: Floats) -> Floats:
        """V^-1 times the columns of `values`."""
        weighted = values * w[:, None]
        return np.asarray(weighted - w[:, None] * (t[:, None] * self.total(weighted))[self.of], np.float64)

    def weights(self, unit_variance: float, area_variance: float) -> tuple[Floats, Floats, Floats]:
        """w, its sums and t; t / Var(u) = 1 / (1 + Var(u) sum w) is safe at 0."""
        w = 1.0 / (unit_variance + self.D)
        sums = self.total(w)
        return w, sums, area_variance / (1.0 + area_variance * sums)


def _likelihood(blocks: _Blocks, unit_variance: float, area_variance: float, adjusted: bool) -> tuple[float, Floats]:
    """The (adjusted) residual log likelihood and its derivatives by both variances."""
    w, sums, t = blocks.weights(unit_variance, area_variance)
    free = 1.0 / (1.0 + area_variance * sums)  # t / Var(u)
    Z = blocks.times_inverse(np.column_stack([blocks.X, blocks.y]), w, t)
    ZX, Zy = Z[:, :-1], Z[:, -1]
    information = blocks.X.T @ ZX
    Q = np.linalg.inv(information)
    r = Zy - ZX @ (Q @ (blocks.X.T @ Zy))  # V^-1 (y - Xb)
    q = blocks.total(w * w)
    value = 0.5 * (np.sum(np.log(w)) + np.sum(np.log(free)) - np.linalg.slogdet(information)[1] - blocks.y @ r)
    z = blocks.total(ZX)
    by_unit = 0.5 * (r @ r - (np.sum(w) - t @ q) + np.sum((ZX @ Q) * ZX))
    by_area = 0.5 * (np.sum(blocks.total(r) ** 2) - free @ sums + np.sum((z @ Q) * z))
    if adjusted:
        # arctan(sum over units of Var(v) w)^(1/units), and the same over areas, whose means have the variance 1 / sum w
        m, k = len(w), len(sums)
        units, areas = unit_variance * np.sum(w), np.sum(t * sums)
        value += np.log(np.arctan(units)) / m + np.log(np.arctan(areas)) / k
        by_unit += np.sum(blocks.D * w * w) / ((1.0 + units**2) * np.arctan(units) * m)
        outer = 1.0 / ((1.0 + areas**2) * np.arctan(areas) * k)
        by_area += outer * np.sum(sums * free**2)
        by_unit -= outer * np.sum(area_variance * free**2 * q)
    return float(value), np.array([by_unit, by_area])


def _highest(blocks: _Blocks, method: Literal["adjusted", "reml"]) -> tuple[float, float]:
    """Both variances where the likelihood is highest: searched from the best corner of a grid."""
    spread = max(float(np.var(blocks.y)), float(blocks.D.min()) * 1e-3)
    adjusted = method == "adjusted"
    least = 1e-9 * spread

    def depth(x: Floats) -> tuple[float, Floats]:
        if adjusted:  # on the logarithmic scale, where the likelihood falls to both sides
            variances = np.exp(x) * spread
            value, slope = _likelihood(blocks, float(variances[0]), float(variances[1]), True)
            return -value, -slope * variances
        value, slope = _likelihood(blocks, float(x[0]) * spread, float(x[1]) * spread, False)
        return -value, -slope * spread

    def rise(x: Floats) -> Floats:
        return depth(x)[1]

    starts = [(a, b) for a in STARTS for b in STARTS]
    values = [_likelihood(blocks, a * spread, b * spread, adjusted)[0] for a, b in starts]
    best = np.array(starts[int(np.argmax(values))])
    if adjusted:
        bounds = [(np.log(least / spread), np.log(100.0))] * 2
        best = np.log(best)
    else:
        bounds = [(0.0, 100.0)] * 2
    found = minimize(
        depth, best, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-6, "maxiter": 200}
    ).x
    if all(low < x < high for x, (low, high) in zip(found, bounds, strict=True)):
        polished = root(rise, found, method="hybr", tol=1e-12).x
        found = polished if np.max(np.abs(polished - found)) < 1e-2 else found
    unit, area = (np.exp(found) if adjusted else found) * spread
    return float(unit), float(area)


def _predicted(
    blocks: _Blocks,
    y: Floats,
    X: Floats,
    D: Floats,
    area: Integers,
    areas: int,
    unit_variance: float,
    area_variance: float,
    apart: bool,
) -> TwoFold:
    w, sums, t = blocks.weights(unit_variance, area_variance)
    ZX = blocks.times_inverse(blocks.X, w, t)
    Q = np.asarray(np.linalg.inv(blocks.X.T @ ZX), np.float64)
    b = Q @ (ZX.T @ blocks.y)

    def by_area(values: Floats, other: float = 0.0) -> Floats:
        full = np.full((areas, *values.shape[1:]), other)
        full[blocks.area] = values
        return full

    # per area; an area without a direct estimate keeps its whole variance
    t_all = by_area(t, area_variance)
    free = by_area(1.0 / (1.0 + area_variance * sums), 1.0)
    q, cubes = by_area(blocks.total(w**2)), by_area(blocks.total(w**3))
    residual = blocks.y - blocks.X @ b
    effect = t_all * by_area(blocks.total(w * residual))
    pull = t_all[:, None] * by_area(blocks.total(w[:, None] * blocks.X))
    m = blocks.times_inverse(residual[:, None], w, t)[:, 0]
    # per unit, with weight 0 where there is no direct estimate
    seen = np.isfinite(y)
    weight = np.zeros(len(y))
    weight[seen] = 1.0 / (unit_variance + D[seen])
    B = np.where(seen, np.where(seen, D, 1.0) * weight, 1.0)
    fitted = X @ b
    own = np.where(seen, y - fitted, 0.0)
    theta = fitted + (1.0 - B) * own + B * effect[area]
    direction = B[:, None] * (X - pull[area])
    g1 = unit_variance * B + B**2 * t_all[area]
    g2 = np.sum((direction @ Q) * direction, axis=1)
    inverse = _variances_covariance(q, cubes, t_all, free, by_area(sums), apart)
    slope_unit = weight * (own - effect[area]) - (t_all * by_area(blocks.total(w * m)))[area]
    slope_area = (free * by_area(blocks.total(m)))[area] * apart
    slope = B[:, None] * np.column_stack([slope_unit, slope_area])
    ta, qa = t_all[area], q[area]
    of_unit = weight - ta * weight**2 - 2.0 * ta * (weight**2 - ta * qa * weight)
    of_unit += ta**2 * (cubes[area] - ta * qa**2)
    of_both = free[area] ** 2 * (weight - ta * qa)
    of_area = free[area] ** 3 * by_area(sums)[area]
    g3 = B**2 * (of_unit * inverse[0, 0] + 2.0 * of_both * inverse[0, 1] + of_area * inverse[1, 1])
    return TwoFold(
        theta=theta,
        mse=g1 + g2 + 2.0 * g3,
        g1=g1,
        g3=g3,
        synthetic=fitted,
        shrinkage=B,
        area_effect=effect,
        area_error=t_all,
        unit_variance=unit_variance,
        area_variance=area_variance,
        variances_covariance=inverse,
        coefficients=b,
        covariance=Q,
        direction=direction,
        slope=slope,
    )


def _variances_covariance(q: Floats, cubes: Floats, t: Floats, free: Floats, sums: Floats, apart: bool) -> Floats:
    """Inverse of the expected information about both variances; nothing is said of an area variance taken as 0."""
    of_unit = 0.5 * np.sum(q - 2.0 * t * cubes + t**2 * q**2)
    if not apart:
        return np.array([[1.0 / of_unit, 0.0], [0.0, 0.0]])
    of_both = 0.5 * np.sum(free**2 * q)
    of_area = 0.5 * np.sum((free * sums) ** 2)
    return np.asarray(np.linalg.inv(np.array([[of_unit, of_both], [of_both, of_area]])), np.float64)
