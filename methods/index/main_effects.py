"""Weights as they are written, and as they work: what an item's weight says against what the index owes to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from methods.index.correlations import importance
from methods.index.weights import given
from methods.inputs import Floats


@dataclass(frozen=True, slots=True)
class MainEffects:
    """Of each item."""

    nominal: Floats  # (items,) weights, made to sum to 1
    main_effect: Floats  # (items,) share of the index's variance that the item alone explains (correlation ratio)
    effective: Floats  # (items,) main effects, made to sum to 1: what the weights come to
    ratio: Floats  # (items,) effective / nominal; above 1: the item matters more than its weight says


def main_effects(values: Floats, index: Floats, weight: Sequence[float] | Floats) -> MainEffects:
    """Effective weights: first-order sensitivity indices of the index to its items, against their nominal weights.

    Parameters
    ----------
    values
        (units, items) scores; NaN: missing.
    index
        (units,) what is made of them; NaN: none.
    weight
        (items,) nominal weights, 0 or more, not all 0.

    Returns
    -------
    MainEffects
        NaN for an item that does not vary or has fewer than three units; the others' effective weights sum to 1, and
        are compared with nominal weights that are renormalised over them.

    Raises
    ------
    ValueError
        Shapes that do not fit, infinite values, weights that are none.

    Notes
    -----
    A weight is a rate of exchange between items, not their importance: the index leans on items that vary much and go
    with the others. Main effects of correlated items overlap, so they need not sum to the explained variance.

    References
    ----------
    Paruolo, Saisana, Saltelli, Journal of the Royal Statistical Society A 176 (2013) 609: S_i = V(E(y|x_i))/V(y), set
    against the ratio of the weights.

    Examples
    --------
    >>> x = np.array([[0.0, 0.0], [0.0, 10.0], [30.0, 0.0], [30.0, 10.0]])
    >>> found = main_effects(x, x.mean(axis=1), [1, 1])
    >>> found.effective.round(2).tolist(), found.ratio.round(2).tolist()
    ([0.9, 0.1], [1.8, 0.2])
    """
    nominal = given(weight)
    if nominal.shape != values.shape[1:]:
        raise ValueError(f"weight has shape {nominal.shape}; it must be {values.shape[1:]}, one an item")
    effect = importance(values, index)
    told = ~np.isnan(effect)
    blank = np.full(nominal.size, np.nan)
    if not nominal[told].any() or not effect[told].any():
        return MainEffects(nominal, effect, blank, blank)
    effective = np.where(told, effect / effect[told].sum(), np.nan)
    expected = nominal / nominal[told].sum()
    ratio = np.divide(effective, expected, out=blank.copy(), where=told & (nominal > 0))
    return MainEffects(nominal, effect, effective, ratio)
