"""How several scores become one: power means, the median, and Copeland's rule.

Scores come as one array ``(..., units)`` an item, so that point values, a block of draws and a column of alternatives
go through the same lines. Sums run over items in their order, one at a time: the result of a unit is the same to the
last bit however units and draws are cut into pieces. (Copeland's rule compares a unit with the others, so there the
units belong together.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats

Booleans = NDArray[np.bool_]
Rule = float | Literal["median", "copeland"]

TOLERANCE = 1e-9  # a share of 0.67 made of thirds must not fail a threshold of 0.67 by rounding
NAMED: dict[str, Rule] = {
    "arithmetic": 1.0,
    "geometric": 0.0,
    "harmonic": -1.0,
    "median": "median",
    "copeland": "copeland",
}


def rule(name: str | float) -> Rule:
    """A rule of aggregation by its name, or the exponent of a power mean.

    Parameters
    ----------
    name
        ``arithmetic`` (exponent 1), ``geometric`` (0), ``harmonic`` (-1), ``median``, ``copeland``, or any exponent
        (within 1e-6 of 0: geometric).

    Raises
    ------
    ValueError
        An unknown name, or an exponent that is not finite.

    Examples
    --------
    >>> rule("geometric"), rule(0.5), rule("median")
    (0.0, 0.5, 'median')
    """
    if isinstance(name, str):
        if name not in NAMED:
            raise ValueError(f"rule {name!r}; it must be {', '.join(NAMED)} or the exponent of a power mean")
        return NAMED[name]
    if not np.isfinite(name):
        raise ValueError(f"rule {name}; the exponent of a power mean must be finite")
    return float(name) if abs(name) > 1e-6 else 0.0  # so near 0 powers lose all digits


def raise_to(scores: Floats, exponent: float, floor: float) -> Floats:
    """What a power mean sums: scores, their logarithms (exponent 0) or powers.

    Exponents at or below 0 see scores of at least `floor`, others of at least 0; exponent 1 takes them as they are.

    Parameters
    ----------
    scores
        Any shape.
    exponent
        Of the power mean.
    floor
        Least score under exponents at or below 0; above 0.

    Returns
    -------
    NDArray
        The same shape; with exponent 1 the very same array.

    Examples
    --------
    >>> raise_to(np.array([0.0, 4.0]), 0.5, floor=1.0).tolist(), raise_to(np.array([0.0, 4.0]), -1.0, 1.0).tolist()
    ([0.0, 2.0], [1.0, 0.25])
    """
    if exponent == 1:
        return scores
    if exponent <= 0:
        scores = np.maximum(scores, floor)
        return np.log(scores) if exponent == 0 else scores**exponent
    scores = np.maximum(scores, 0.0)
    return np.sqrt(scores) if exponent == 0.5 else scores**exponent


def lower_from(mean: Floats, exponent: float) -> Floats:
    """The inverse of `raise_to`: a power mean from the mean of what was summed.

    Parameters
    ----------
    mean
        Any shape.
    exponent
        Of the power mean.

    Returns
    -------
    NDArray
        The same shape.

    Examples
    --------
    >>> lower_from(np.array([3.0]), 0.5).tolist()
    [9.0]
    """
    if exponent == 1:
        return mean
    if exponent == 0:
        return np.exp(mean)
    return mean * mean if exponent == 0.5 else mean ** (1 / exponent)


def power_mean(scores: Sequence[Floats], weight: Sequence[Floats], exponent: float, floor: float) -> Floats:
    """Weighted power mean of items: arithmetic (exponent 1), geometric (0), harmonic (-1) and all between and beyond.

    Parameters
    ----------
    scores
        One array (..., units) an item; what stands where its weight is 0 does not matter.
    weight
        One array that broadcasts to it an item; they sum to 1 where an item carries any.
    exponent
        The lower, the less a good item makes up for a bad one.
    floor
        Least score that exponents at or below 0 see: a geometric mean of a zero would be zero whatever the rest.

    Returns
    -------
    NDArray
        (..., units); NaN where no item carries weight.

    References
    ----------
    OECD, JRC, Handbook on Constructing Composite Indicators (2008), step 6.

    Examples
    --------
    >>> half = np.array([0.5])
    >>> power_mean([np.array([20.0]), np.array([80.0])], [half, half], 0.0, floor=1.0).round(10).tolist()
    [40.0]
    """
    total: Floats | None = None
    some: Floats | None = None
    term: Floats | None = None
    for x, w in zip(scores, weight, strict=True):
        carries = w > 0
        if not carries.all():
            if not carries.any():
                continue
            x = np.where(carries, x, 1.0)
        raised = raise_to(x, exponent, floor)
        if total is None or some is None:
            total, some = raised * w, w
            continue
        if term is None or term.shape != raised.shape:
            term = raised * w
        else:
            np.multiply(raised, w, out=term)
        total += term
        some = some + w
    if total is None or some is None:
        return _nothing(scores)
    if (some > 0).all():
        return lower_from(total, exponent)
    return np.where(some > 0, lower_from(np.where(some > 0, total, 1.0), exponent), np.nan)


def weighted_median(scores: Sequence[Floats], weight: Sequence[Floats]) -> Floats:
    """The score that half of the weight lies below: an index that one outlying item cannot move far.

    The least score whose cumulated weight passes one half; midway to the next where it equals one half. With equal
    weights this is the ordinary median.

    Parameters
    ----------
    scores
        One array (..., units) an item; what stands where its weight is 0 does not matter.
    weight
        One array that broadcasts to it an item.

    Returns
    -------
    NDArray
        (..., units); NaN where no item carries weight.

    Examples
    --------
    >>> one = np.array([1.0])
    >>> weighted_median([np.array([5.0]), np.array([1.0]), np.array([2.0])], [one, one, 2 * one]).tolist()
    [2.0]
    """
    if not scores:
        return _nothing(scores)
    x, w = (np.stack(np.broadcast_arrays(*part), axis=-1) for part in (scores, weight))
    x, w = np.broadcast_arrays(x, w)
    x = np.where(w > 0, x, np.inf)
    order = np.argsort(x, axis=-1, kind="stable")
    x, w = np.take_along_axis(x, order, axis=-1), np.take_along_axis(w, order, axis=-1)
    reached = np.cumsum(w, axis=-1)
    half = reached[..., -1:] / 2
    slack = TOLERANCE * half
    lower = np.argmax(reached >= half - slack, axis=-1)[..., None]
    upper = np.minimum(np.argmax(reached > half + slack, axis=-1)[..., None], x.shape[-1] - 1)
    low, high = np.take_along_axis(x, lower, axis=-1)[..., 0], np.take_along_axis(x, upper, axis=-1)[..., 0]
    some = reached[..., -1] > 0
    return np.where(some, low + (np.where(some, high, 0.0) - np.where(some, low, 0.0)) / 2, np.nan)


def outranking(values: Floats, weight: Floats) -> Floats:
    """How much of the weight says that one unit is above another; an item that finds them equal is split between them.

    Parameters
    ----------
    values
        (units, items) the higher the better; NaN: the item says nothing about the unit, and its weight is left out.
    weight
        (items,) 0 or more.

    Returns
    -------
    NDArray
        (units, units) share of weight for row above column; 0.5 on the diagonal; NaN where no item compares the two.

    Raises
    ------
    ValueError
        Weights that are negative, not finite, of another number than the items, or all 0.

    References
    ----------
    Munda, Social Multi-Criteria Evaluation (2008). COINr has 0 on the diagonal.

    Examples
    --------
    >>> outranking(np.array([[3.0, 1.0], [2.0, 1.0]]), np.array([1.0, 3.0])).tolist()
    [[0.5, 0.625], [0.375, 0.5]]
    """
    weight = _checked(weight, values.shape[-1])
    above, held = np.zeros((values.shape[0],) * 2), np.zeros((values.shape[0],) * 2)
    for j, w in enumerate(weight):
        x = values[:, j]
        both = ~np.isnan(x)[:, None] & ~np.isnan(x)
        above += w * (0.5 + 0.5 * np.sign(np.where(both, x[:, None] - x, 0.0))) * both
        held += w * both
    return np.divide(above, held, out=np.full_like(above, np.nan), where=held > 0)


def copeland(scores: Sequence[Floats], weight: Sequence[Floats]) -> Floats:
    """Copeland's score: how many units it beats less how many beat it, by weighted majority of the items.

    Only orders count, so nothing makes up for anything; the score depends on who else is compared.

    Parameters
    ----------
    scores
        One array (..., units) an item; what stands where its weight is 0 does not matter.
    weight
        One array that broadcasts to it an item. Two units are compared by the items that both have, with the mean of
        their weights; with the same weights for all units this is Copeland's rule as in COINr.

    Returns
    -------
    NDArray
        (..., units) from 1 - units to units - 1; NaN where no item carries weight.

    Notes
    -----
    Ties of the majority (within 1e-9 of the weight) count neither way. Time grows with the square of the units.

    References
    ----------
    Copeland, A reasonable social welfare function (1951); Saari, Merlin, Economic Theory 8 (1996) 51.

    Examples
    --------
    >>> third = np.full(3, 1 / 3)
    >>> copeland([np.array([3.0, 2, 1]), np.array([3.0, 1, 2]), np.array([1.0, 3, 2])], [third] * 3).tolist()
    [2.0, 0.0, -2.0]
    """
    if not scores:
        return _nothing(scores)
    shape = np.broadcast_shapes(*(np.shape(x) for x in scores), *(np.shape(w) for w in weight))
    x = [np.broadcast_to(one, shape) for one in scores]
    w = [np.broadcast_to(one, shape) for one in weight]
    has: Booleans = np.zeros(shape, bool)
    for one in w:
        has |= one > 0
    result = np.zeros(shape)
    for u in range(shape[-1]):
        margin, held = np.zeros(shape), np.zeros(shape)
        for item, own in zip(x, w, strict=True):
            both = np.where((own > 0) & (own[..., u, None] > 0), own + own[..., u, None], 0.0)
            with np.errstate(invalid="ignore"):
                margin += np.where(both > 0, np.sign(item[..., u, None] - item), 0.0) * both
            held += both
        result[..., u] = np.where(np.abs(margin) > TOLERANCE * held, np.sign(margin), 0.0).sum(axis=-1)
    return np.where(has, result, np.nan)


def combine(scores: Sequence[Floats], weight: Sequence[Floats], how: Rule, floor: float) -> Floats:
    """Several scores as one, by any rule.

    Parameters
    ----------
    scores
        One array (..., units) an item; what stands where its weight is 0 does not matter.
    weight
        One array that broadcasts to it an item; they sum to 1 where an item carries any.
    how
        As `rule` gives it.
    floor
        Least score that power means with exponents at or below 0 see.

    Returns
    -------
    NDArray
        (..., units); NaN where no item carries weight.

    Examples
    --------
    >>> half = np.array([0.5])
    >>> combine([np.array([20.0]), np.array([80.0])], [half, half], "median", floor=1.0).tolist()
    [50.0]
    """
    if how == "median":
        return weighted_median(scores, weight)
    if how == "copeland":
        return copeland(scores, weight)
    return power_mean(scores, weight, how, floor)


def last(columns: Sequence[Floats]) -> Floats:
    """Columns side by side on a new last axis, in the memory order that they have.

    Parameters
    ----------
    columns
        Arrays of one shape.

    Returns
    -------
    NDArray
        (..., columns).

    Examples
    --------
    >>> last([np.array([1.0, 2.0]), np.array([3.0, 4.0])]).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    if all(column.flags.f_contiguous for column in columns):
        return np.stack([column.T for column in columns]).T
    return np.stack(columns, axis=-1)


def _nothing(scores: Sequence[Floats]) -> Floats:
    shape = np.broadcast_shapes(*(np.shape(x) for x in scores)) if scores else ()
    return np.full(shape, np.nan)


def _checked(weight: Floats, items: int) -> Floats:
    if weight.shape != (items,):
        raise ValueError(f"weight has shape {weight.shape}; it must be ({items},), one an item")
    if not ((weight >= 0).all() and np.isfinite(weight).all() and weight.any()):
        raise ValueError("weight must be finite numbers of 0 or more, not all 0")
    return weight
