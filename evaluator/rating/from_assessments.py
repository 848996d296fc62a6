"""Assessors' scores: from a table to adjusted indicators with what they share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.rated import Parameters, Rated, States, placed
from evaluator.rating.rows import Block, Loadings, filled
from methods.assessors.crossed import Crossed, crossed
from methods.assessors.joint import JointErrors, joint_errors
from methods.assessors.scores import Scores, what_is_confounded
from methods.inputs import NORMAL, Integers

NEGLIGIBLE = 1e-4  # a loading's share of a variance below which it is counted as independent


def from_assessments(units: Rated, state: States, models: Parameters) -> Iterable[tuple[Block, list[Loadings]]]:
    table = units.table("assessments")
    criteria = {j for j, _ in units.of_source("assessor")}
    if table is None or not criteria:
        return
    unit, indicator, known = placed(units, table, "criterion")
    used = np.isin(indicator, list(criteria)) & units.applies[unit, indicator] & np.isfinite(table["score"][known])
    unit, indicator, score = unit[used], indicator[used], table["score"][known][used].astype(np.float64)
    institute = table["institute"] if "institute" in table else np.full(len(table["unit"]), "", object)
    who = np.array(
        [f"{i}\x1f{a}" for i, a in zip(institute[known][used], table["assessor"][known][used], strict=True)], object
    )
    if len(score) == 0:
        return
    levels, level = np.unique(units.level.astype(str), return_inverse=True)
    mean_keys, mean = np.unique(level[unit] * state.shape[1] + indicator, return_inverse=True)
    if len(score) <= len(mean_keys) + 1:
        return
    rated, unit_at = np.unique(unit, return_inverse=True)
    codes, criterion_at = np.unique(indicator, return_inverse=True)
    assessor_at = np.unique(who.astype(str), return_inverse=True)[1]
    if what_is_confounded(unit_at, assessor_at) is not None:
        state[unit, indicator] = "suppressed"
        return
    scores = Scores(unit_at, assessor_at, criterion_at, mean, score)
    fit = crossed(scores)
    name = " ".join(units.scheme.indicators[j].code for j in codes.tolist())
    models.extend(
        _crossed_models(units, fit, name, [(levels[k // state.shape[1]], k % state.shape[1]) for k in mean_keys])
    )
    at, j = rated[fit.unit], codes[fit.criterion]
    limits = units.scheme.publication
    kept = (fit.assessors >= limits.min_assessors) & (fit.reliability >= limits.assessor_min_reliability)
    together = _comparable(fit.component, level[at], fit.unit)
    if not together.all():
        apart = len(np.unique(at[~together]))
        models.append((name, "", "units_not_comparable", float(apart)))
    kept &= together
    state[at, j] = np.where(kept, "ok", "suppressed")
    yield _assessed(units, fit, joint_errors(scores, fit), at, j, kept)


def _comparable(component: Integers, level: Integers, unit: Integers) -> NDArray[np.bool_]:
    """(targets,) whether a target lies in the component that holds most units of its level.

    Units whose assessors have nothing in common, directly or through others, cannot be told apart from their
    assessors: only the largest such group of a level is rated.
    """
    seen = np.unique(np.stack([level, component, unit]), axis=1)
    groups, size = np.unique(seen[:2], axis=1, return_counts=True)
    largest: dict[int, int] = {}
    for k in np.lexsort((groups[1], -size)).tolist():
        largest.setdefault(int(groups[0, k]), int(groups[1, k]))
    return np.array([largest[one] == c for one, c in zip(level.tolist(), component.tolist(), strict=True)], bool)


def _assessed(
    units: Rated, fit: Crossed, joint: JointErrors, at: Integers, j: Integers, kept: NDArray[np.bool_]
) -> tuple[Block, list[Loadings]]:
    shared, direct_shared = joint.shared[kept], joint.direct_shared[kept]
    variance = fit.variance[kept]
    direct_variance = np.sum(direct_shared**2, axis=1) + joint.direct_independent[kept] ** 2
    large = (shared**2 > NEGLIGIBLE * variance[:, None]) | (direct_shared**2 > NEGLIGIBLE * direct_variance[:, None])
    rest = np.sum(np.where(large, 0.0, shared**2), axis=1)
    direct_rest = np.sum(np.where(large, 0.0, direct_shared**2), axis=1)
    unit, indicator = at[kept], j[kept]
    # a factor of its own for a unit that has several criteria; else it is the independent part
    several = np.bincount(unit, minlength=len(units.unit))[unit] > 1
    own = joint.own[kept]
    b = np.sqrt(joint.independent[kept] ** 2 + rest + np.where(several, 0.0, own**2))
    row, factor = np.nonzero(large)
    loadings = [
        Loadings(
            np.array([f"assessors {k + 1}" for k in range(shared.shape[1])], object)[factor],
            unit[row],
            indicator[row],
            shared[row, factor],
            direct_shared[row, factor],
        ),
        Loadings(
            np.array([f"assessed {code}" for code in units.unit[unit[several]]], object),
            unit[several],
            indicator[several],
            own[several],
            np.zeros(int(several.sum())),
        ),
    ]
    block = Block(
        unit,
        indicator,
        filled(unit, NORMAL),
        fit.estimate[kept],
        b,
        variance,
        joint.direct[kept],
        np.sqrt(joint.direct_independent[kept] ** 2 + direct_rest),
        fit.n[kept].astype(np.float64),
    )
    return block, loadings


def _crossed_models(
    units: Rated, fit: Crossed, name: str, means: list[tuple[str, int]]
) -> Iterable[tuple[str, str, str, float]]:
    found = [("variance_unit", fit.variance_unit), ("variance_assessor", fit.variance_assessor)]
    if " " in name:
        found.append(("variance_unit_criterion", fit.variance_unit_criterion))
        found.append(("variance_assessor_criterion", fit.variance_assessor_criterion))
    found.append(("variance_residual", fit.variance_residual))
    found.append(("reml_criterion", fit.reml))
    for parameter, value in found:
        yield name, "", parameter, value
    for (level, j), value in zip(means, fit.means.tolist(), strict=True):
        yield units.scheme.indicators[j].code, level, "mean", value
