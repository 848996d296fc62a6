"""The `scores` table: every node of the tree of every unit."""

from __future__ import annotations

import numpy as np

from evaluator.rating.case import Case, Texts
from evaluator.rating.drawn import Summary
from evaluator.rating.tabular import Table
from methods.index.curves import Curve
from methods.index.tree import Booleans
from methods.inputs import Floats
from methods.uncertainty import marginals

INDEX = "index"  # what the root is called
QUANTILES = 50  # pairs of them, where a scale bends


def scores_table(case: Case, index: Summary, dimensions: Summary, state: Texts) -> Table:
    """A row for every node that the scheme has at a unit's level: the index, then dimensions, then indicators.

    `raw` is an indicator's value on its own scale, and the index before deductions. Limits of the index and of
    dimensions are those of their draws, limits of indicators those of the distribution that the draws come from.

    Parameters
    ----------
    state
        (units,) of the ratings; the index carries it.
    """
    made, has = case.recipe, case.has
    at_level = made.applies[case.level]
    spread = np.full((3, *at_level.shape), np.nan)
    spread[:, case.inputs.unit, case.inputs.indicator] = _indicator_spread(case)
    spread[:, ~at_level] = np.nan
    has_dimension = (at_level[:, None, :] & made.tree.under).any(axis=2) & (made.tree.dimension_weight[case.level] > 0)
    for group in reversed(made.tree.upwards):
        if made.tree.parents[group] >= 0:
            has_dimension[:, group] &= has_dimension[:, made.tree.parents[group]]
    scored = has.dimension_weight > 0
    dimension_state = np.where(scored, "ok", np.where(np.isnan(has.dimension_present), "not_applicable", "missing"))

    def only(values: Floats, where: Booleans) -> Floats:
        return np.where(where, values, np.nan)

    enough = case.enough
    columns = {
        "raw": (only(case.plain, enough), np.full(scored.shape, np.nan), case.raw),
        "score": (only(case.index, enough), only(case.dimensions, scored), case.scores),
        "standard_error": (only(index.sd, enough), only(dimensions.sd, scored), spread[0]),
        "lower": (only(index.lower, enough), only(dimensions.lower, scored), spread[1]),
        "upper": (only(index.upper, enough), only(dimensions.upper, scored), spread[2]),
        "weight_present": (has.index_present, has.dimension_present, has.indicator_present),
    }
    show = np.concatenate([np.ones((case.codes.size, 1), bool), has_dimension, at_level], axis=1)
    nodes = np.array([INDEX, *made.dimensions, *made.indicators], dtype=object)
    table: Table = {
        "unit": np.broadcast_to(case.codes[:, None], show.shape)[show],
        "node": np.broadcast_to(nodes, show.shape)[show],
    }
    for name, (root, middle, leaves) in columns.items():
        table[name] = np.concatenate([root[:, None], middle, leaves], axis=1)[show]
    table["state"] = np.concatenate([state[:, None], dimension_state.astype(object), case.state], axis=1)[show]
    return table


def _indicator_spread(case: Case) -> Floats:
    """(3, rows) standard deviation, lower and upper limit of each input's score, in closed form."""
    tree, inputs, j = case.recipe.tree, case.inputs, case.inputs.indicator
    sd = marginals.spread(inputs, case.factors)
    scale = np.where(np.isnan(case.recipe.limits), (-np.inf, np.inf), case.recipe.limits)[j]
    scale[np.isnan(sd)] = -np.inf, np.inf  # only normal draws are clipped to the scale
    low, high = scale.T
    ends = np.clip(np.stack(marginals.limits(inputs, sd, case.scheme.uncertainty.interval)), low, high)
    sheet = np.full((2, case.codes.size, tree.dimension.size), np.nan)
    sheet[:, inputs.unit, j] = ends
    score = case.scored(sheet)[:, inputs.unit, j]
    if case.curves:
        sds = _spread_on(case, sd, low, high)
    else:
        goal = ~np.isnan(tree.worst[j])
        if tree.clip:
            low = np.where(goal, np.maximum(low, np.minimum(tree.worst[j], tree.best[j])), low)
            high = np.where(goal, np.minimum(high, np.maximum(tree.worst[j], tree.best[j])), high)
        slope = np.where(goal, (tree.scale[1] - tree.scale[0]) / (tree.best[j] - tree.worst[j]), 1.0)
        sds = marginals.clipped_sd(inputs, sd, low, high) * np.abs(slope)
    return np.stack([sds, score.min(axis=0), score.max(axis=0)])


def _spread_on(case: Case, sd: Floats, low: Floats, high: Floats) -> Floats:
    """(rows,) standard deviation of each input's score on scales made from the data.

    Exact for straight lines; where a transformation or ranks bend the scale, from quantiles of the input.
    """
    inputs = case.inputs
    curves: list[Curve] = [case.curves[case.level[u]][k] for u, k in zip(inputs.unit, inputs.indicator, strict=True)]
    bent = np.array([one.knots is not None for one in curves], bool)
    worst, best = (np.array([getattr(one, name) for one in curves]) for name in ("worst", "best"))
    low = np.maximum(low, [one.low for one in curves])
    high = np.minimum(high, [one.high for one in curves])
    clip = np.array([one.clip for one in curves], bool) & ~np.isnan(worst)
    inside_low = np.where(clip & ~bent, np.maximum(low, np.minimum(worst, best)), low)
    inside_high = np.where(clip & ~bent, np.minimum(high, np.maximum(worst, best)), high)
    inside_high = np.maximum(inside_low, inside_high)  # all of it lies beyond an end
    width = np.array([one.scale[1] - one.scale[0] for one in curves])
    slope = np.where(np.isnan(worst), 1.0, width / np.where(np.isnan(worst), 1.0, best - worst))
    found = marginals.clipped_sd(inputs, sd, inside_low, inside_high) * np.abs(slope)
    if bent.any():
        points = [
            np.clip(end, low, high)
            for share in (np.arange(QUANTILES) + 0.5) / QUANTILES
            for end in marginals.limits(inputs, sd, float(share))
        ]
        sheet = np.full((len(points), case.codes.size, case.recipe.tree.dimension.size), np.nan)
        sheet[:, inputs.unit, inputs.indicator] = np.stack(points)
        scores = case.scored(sheet)[:, inputs.unit, inputs.indicator]
        found = np.where(bent, scores.std(axis=0), found)
    return found
