"""Whether indicators belong together, and how much each really matters: correlations, Cronbach's alpha, importance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from methods.assessors.internal_consistency import alpha_if_dropped, alpha_of
from methods.index.hierarchy import Hierarchy
from methods.inputs import Floats

Kind = Literal["pearson", "spearman", "kendall"]
DEGREE = 3  # of the polynomial that a correlation ratio is told by


def correlation(values: Floats, kind: Kind = "pearson") -> Floats:
    """Correlations of all pairs of columns, each over the units that have both.

    Parameters
    ----------
    values
        (units, columns); NaN: missing.
    kind
        ``pearson``, ``spearman`` (of ranks, ties averaged) or ``kendall`` (tau-b).

    Returns
    -------
    NDArray
        (columns, columns) 1 on the diagonal; NaN where fewer than three units have both columns, or one of them does
        not vary among them.

    Raises
    ------
    ValueError
        Not two axes, infinite values, an unknown kind.

    Examples
    --------
    >>> correlation(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    _checked(values)
    if kind not in ("pearson", "spearman", "kendall"):
        raise ValueError(f"kind is {kind!r}; it must be pearson, spearman or kendall")
    columns = values.shape[1]
    found = np.full((columns, columns), np.nan)
    for i in range(columns):
        for j in range(i + 1):
            found[i, j] = found[j, i] = _pair(values[:, i], values[:, j], kind)
    return found


@dataclass(frozen=True, slots=True)
class Alpha:
    """Cronbach's alpha of a group of items."""

    alpha: float  # of the items as they are
    standardised: float  # of items brought to the same variance
    mean_correlation: float
    without: Floats  # (items,) alpha if the item is left out; NaN: fewer than two others


def cronbach(values: Floats) -> Alpha:
    """Cronbach's alpha: whether the sum of a group of items measures one thing.

    Parameters
    ----------
    values
        (units, items) the higher the better; covariances of each pair are over the units that have both.

    Returns
    -------
    Alpha
        items/(items - 1) (1 - sum of variances / variance of the sum).

    Raises
    ------
    ValueError
        Fewer than two items, an item that does not vary, two items that fewer than three units have both, items whose
        sum does not vary.

    Notes
    -----
    High alpha says that items agree, which formative indicators need not; low alpha, that their mean hides differences.
    It grows with the number of items.

    References
    ----------
    Cronbach, Psychometrika 16 (1951) 297.

    Examples
    --------
    >>> round(cronbach(np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 3.0]])).alpha, 4)
    0.7273
    """
    _checked(values)
    items = values.shape[1]
    if items < 2:
        raise ValueError(f"values has {items} items; alpha needs two at least")
    covariance = np.full((items, items), np.nan)
    for i in range(items):
        for j in range(items):
            both = ~np.isnan(values[:, i]) & ~np.isnan(values[:, j])
            if both.sum() >= 3:
                covariance[i, j] = np.cov(values[both, i], values[both, j])[0, 1]
    if np.isnan(covariance).any() or (np.diag(covariance) <= 0).any():
        raise ValueError("values: an item does not vary, or two items have fewer than three units in common")
    scale = np.sqrt(np.diag(covariance))
    matrix = covariance / np.outer(scale, scale)
    mean = (matrix.sum() - items) / (items * (items - 1))
    alpha = alpha_of(covariance)
    if np.isnan(alpha):
        raise ValueError("values: the items add up to the same sum for every unit; turn those that point the other way")
    return Alpha(alpha, alpha_of(matrix), float(mean), alpha_if_dropped(covariance))


def cronbach_by_group(over: Hierarchy, values: Floats) -> dict[str, Alpha]:
    """Cronbach's alpha of every group of a hierarchy that has two members or more.

    Parameters
    ----------
    over
        The hierarchy.
    values
        (units, nodes) scores of indicators and groups, in the order of the nodes.

    Returns
    -------
    dict
        By the group's name.

    Raises
    ------
    ValueError
        As in `cronbach`; values of another number of nodes.

    Examples
    --------
    >>> from methods.index.hierarchy import hierarchy
    >>> h = hierarchy(["a", "b", "all"], ["all", "all", None])
    >>> x = np.array([[1.0, 2.0, 1.5], [2.0, 3.0, 2.5], [3.0, 4.0, 3.5], [4.0, 3.0, 3.5]])
    >>> round(cronbach_by_group(h, x)["all"].alpha, 4)
    0.7273
    """
    if values.ndim != 2 or values.shape[1] != over.parent.size:
        raise ValueError(f"values has shape {values.shape}; it must be (units, {over.parent.size}), one column a node")
    groups = [g for g in range(over.indicators, over.parent.size) if over.members(g).size >= 2]
    return {over.called(g): cronbach(values[:, over.members(g)]) for g in groups}


def importance(
    values: Floats, index: Floats, measure: Literal["correlation", "correlation_ratio"] = "correlation_ratio"
) -> Floats:
    """How much each item really matters to an index, whatever its weight says.

    Parameters
    ----------
    values
        (units, items); NaN: missing.
    index
        (units,) what is made of them; NaN: none.
    measure
        ``correlation``: Pearson's. ``correlation_ratio``: the share of the index's variance that a cubic curve of the
        item explains (the first-order sensitivity index of Paruolo, Saisana, Saltelli 2013, with a polynomial in place
        of their kernel smoother).

    Returns
    -------
    NDArray
        (items,) NaN where an item does not vary or has fewer than three units.

    Raises
    ------
    ValueError
        Shapes that do not fit, infinite values, an unknown measure.

    Notes
    -----
    An index of correlated items leans on those that go with the others: equal weights are not equal importance.

    References
    ----------
    Paruolo, Saisana, Saltelli, Journal of the Royal Statistical Society A 176 (2013) 609.

    Examples
    --------
    >>> x = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    >>> [importance(x, x[:, 0] ** 2, how).round(10).tolist() for how in ("correlation", "correlation_ratio")]
    [[0.0], [1.0]]
    """
    _checked(values)
    if index.shape != values.shape[:1]:
        raise ValueError(f"index has shape {index.shape}; it must be {values.shape[:1]}, one a unit")
    if measure == "correlation":
        return np.array([_pair(x, index, "pearson") for x in values.T])
    if measure != "correlation_ratio":
        raise ValueError(f"measure is {measure!r}; it must be correlation or correlation_ratio")
    return np.array([_ratio(x, index) for x in values.T])


def _ratio(x: Floats, y: Floats) -> float:
    both = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[both], y[both]
    kinds = np.unique(x).size
    if x.size < 3 or kinds < 2 or np.ptp(y) == 0:
        return np.nan
    x = (x - x.mean()) / x.std()
    degree = min(DEGREE, kinds - 1)
    q, _ = np.linalg.qr(np.vander(x, degree + 1, increasing=True))
    centred = y - y.mean()
    return float(((q.T @ centred) ** 2).sum() / (centred**2).sum())


def _pair(x: Floats, y: Floats, kind: Kind) -> float:
    from scipy.stats import kendalltau, rankdata  # slow to load, and few ask for it

    both = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[both], y[both]
    if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    if kind == "kendall":
        return float(kendalltau(x, y).statistic)
    if kind == "spearman":
        x, y = (np.asarray(rankdata(part), np.float64) for part in (x, y))
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()), -1.0, 1.0))


def _checked(values: Floats) -> None:
    if values.ndim != 2:
        raise ValueError(f"values has shape {values.shape}; it must be (units, columns)")
    if np.isinf(values).any():
        raise ValueError("values has infinite numbers; they must be finite, or NaN where there is none")
