"""Difference benchmarking: the weighted mean of a group's small area estimates is made its pooled direct estimate.

A model can be wrong about a whole group at once; the group's pooled direct estimate, from many respondents, is not. All
units of the group move by the same difference, so that their order stays. Rao and Molina (2015), Small Area
Estimation, section 6.4.6; Pfeffermann (2013), Statistical Science 28, 40-68, section 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from methods.inputs import Floats, Integers
from methods.small_areas.two_fold import TwoFold

ENOUGH = 200.0  # effective respondents that a pooled direct estimate needs


@dataclass(frozen=True, slots=True)
class Pools:
    """Units whose direct estimates are pooled together."""

    group: Integers  # (units,) 0, 1, ...; -1 for none
    ancestor: Integers  # (groups,) code of the ancestor that the group's units share; -1: the whole level
    generation: Integers  # (groups,) 0: all units of a parent; more: those left over below a grandparent and so on


@dataclass(frozen=True, slots=True)
class Benchmark:
    """By how much each unit moves."""

    difference: Floats  # (units,) to be added to the prediction; 0 without a benchmark
    variance: Floats  # (groups,) of the difference: what benchmarking adds to the mean squared error
    pooled: Floats  # (groups,) direct estimate; NaN where a group has none


def pooling_groups(above: Integers, effective: Floats, enough: float = ENOUGH) -> Pools:
    """Groups of units with enough respondents for a pooled direct estimate.

    Units of one parent are a group when they have enough; those of parents with too few are a group with the others
    of the same grandparent that are left, and so on; at last all that are left, wherever they are.

    Parameters
    ----------
    above
        (units, generations) codes of parent, grandparent and so on; -1 where there is none.
    effective
        (units,) respondents after the loss by unequal weights.
    enough
        How many a group needs.

    Raises
    ------
    ValueError
        When the lengths differ, or `effective` is negative or not finite.

    Examples
    --------
    >>> above = np.array([[1, 9], [2, 9], [3, 9], [3, 9]])               # counties 1, 2, 3 of city 9
    >>> pooling_groups(above, np.array([250.0, 120.0, 60.0, 30.0])).group   # 2 and 3 have enough together
    array([0, 1, 1, 1])
    """
    above, effective = np.asarray(above, np.int64), np.asarray(effective, np.float64)
    if above.ndim != 2 or len(above) != len(effective):
        raise ValueError(f"above must be (units, generations) for {len(effective)} units; its shape is {above.shape}")
    if not (np.isfinite(effective) & (effective >= 0)).all():
        raise ValueError("effective must be finite and at least 0")
    units, generations = above.shape
    everywhere = np.full((units, 1), -1, np.int64)
    group = np.full(units, -1, np.int64)
    pooled_by: list[int] = []
    steps: list[int] = []
    for step, codes in enumerate(np.concatenate([above, everywhere], axis=1).T):
        left = np.flatnonzero((group < 0) & ((codes >= 0) | (step == generations)))
        names, place = np.unique(codes[left], return_inverse=True)
        full = np.bincount(place, effective[left], minlength=len(names)) >= enough
        group[left] = np.where(full[place], len(steps) + np.cumsum(full)[place] - 1, -1)
        pooled_by.extend(names[full].tolist())
        steps.extend([step] * int(full.sum()))
    return Pools(group, np.array(pooled_by, np.int64), np.array(steps, np.int64))


def difference_benchmark(
    fit: TwoFold, y: Floats, X: Floats, D: Floats, area: Integers, group: Integers, weight: Floats
) -> Benchmark:
    """Differences between the pooled direct estimates of groups and their predictions, and the variance of these.

    The difference is a function h'(y - X b) of the residuals, b estimated, so that under the model it has the variance
    h'V h - h'X Q X'h and is uncorrelated with the errors of the predictions. A factor of the group with that
    variance, added to the errors of the predictions, therefore makes the group's mean exactly as uncertain as the
    pooled direct estimate is: draws are benchmarked, not only their centre.

    Parameters
    ----------
    fit
        The model that gave the predictions.
    y, X, D, area
        As in `two_fold`.
    group
        (units,) group of each unit, -1 for none.
    weight
        (units,) persons that a unit stands for among those who can answer, 0 without a direct estimate.

    Raises
    ------
    ValueError
        When a weight is negative or not finite, or the lengths differ.

    Examples
    --------
    >>> from methods.small_areas.two_fold import two_fold
    >>> y = np.array([60.0, 64.0, 71.0, 55.0, 68.0, 73.0])
    >>> X, D, area, weight = np.ones((6, 1)), np.full(6, 9.0), np.zeros(6, int), np.array([5.0, 1, 1, 1, 1, 1])
    >>> fit = two_fold(y, X, D, area)
    >>> moved = difference_benchmark(fit, y, X, D, area, area, weight)
    >>> round(float(weight @ (fit.theta + moved.difference)), 6), float(weight @ y)
    (631.0, 631.0)
    """
    weight, group = np.asarray(weight, np.float64), np.asarray(group)
    if not len(y) == len(group) == len(weight) == len(fit.theta):
        raise ValueError("y, group and weight must have a value for each unit of the fit")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError("weight must be finite and at least 0")
    groups = int(group.max(initial=-1)) + 1
    known = (group >= 0) & np.isfinite(y) & (weight > 0)
    g = group[known]
    total = np.bincount(g, weight[known], minlength=groups)
    share = weight[known] / total[g]
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = np.where(total > 0, np.bincount(g, share * y[known], minlength=groups), np.nan)
        move = np.where(total > 0, pooled - np.bincount(g, share * fit.theta[known], minlength=groups), 0.0)
    B = fit.shrinkage[known]
    own = np.bincount(g, share**2 * B * D[known], minlength=groups)
    # the part of an area's effect that its units in the group take
    areas = len(fit.area_error)
    taken = np.bincount(g * areas + area[known], share * B, minlength=groups * areas).reshape(groups, areas)
    direction = np.zeros((groups, X.shape[1]))
    np.add.at(direction, g, share[:, None] * fit.direction[known])
    variance = own - (taken**2) @ fit.area_error - np.sum((direction @ fit.covariance) * direction, axis=1)
    difference = np.where(group >= 0, move[np.maximum(group, 0)], 0.0) if groups else np.zeros(len(y))
    return Benchmark(difference, np.maximum(variance, 0.0), pooled)
