"""Groups of respondents that a scheme sets apart, such as businesses: estimands of their own, in no index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from evaluator.rating.doors import EDITION
from evaluator.rating.from_citizens import areas, few_came_or_went, sureness
from evaluator.rating.rated import Rated, Table
from evaluator.rating.rows import rounded
from evaluator.rating.scheme import Group, Scheme
from evaluator.rating.snapshot import Snapshot
from methods.small_areas.citizens import citizens
from methods.survey.cells import Chosen, reduce_responses

NUMBERS = ("estimate", "standard_error", "lower", "upper", "n")


def apart(scheme: Scheme) -> tuple[Chosen, ...]:
    """Who is left out of the citizens' numbers."""
    return tuple(_chosen(group) for group in scheme.groups)


def _chosen(group: Group) -> Chosen:
    return Chosen(group.item, group.choices)


def groups(units: Rated, earlier: Sequence[Snapshot] = ()) -> Table:
    """The table `groups`: a row for each unit that a group's members were invited and answered for.

    By the chain that makes the citizens' numbers, with the same thresholds of publication, but weighted by the design
    alone: the population's margins count people, not members of the group.
    """
    parts = [_group(units, group, earlier) for group in units.scheme.groups]
    kinds = {column.name: column.kind for column in EDITION["groups"].columns}
    return {
        name: np.concatenate([np.zeros(0, np.float64 if kind == "number" else object), *(one[name] for one in parts)])
        for name, kind in kinds.items()
    }


def _group(units: Rated, group: Group, earlier: Sequence[Snapshot]) -> Table:
    scheme, limits, responses = units.scheme, units.scheme.publication, units.snapshot.responses
    blank: Table = {name: np.zeros(0) for name in NUMBERS}
    blank |= {name: np.zeros(0, object) for name in ("unit", "group", "indicator", "state")}
    if responses is None or not units.of_source("citizen"):
        return blank
    reduced = reduce_responses(responses, units.snapshot.scoring, only=_chosen(group))
    before = [reduce_responses(one.responses, one.scoring, only=_chosen(group)) for one in earlier if one.responses]
    if not len(reduced.cells.n):
        return blank
    fit = citizens(
        reduced.cells, reduced.pairs, replace(areas(units), population=None), "main",
        limits.min_level_units, limits.cell_min, limits.citizen_min_reliability,
    )  # fmt: skip
    sure = sureness(units, fit)
    n = fit.n[:, sure.items]
    row, column = np.nonzero(sure.there & (n > 0))
    item = sure.items[column]
    ok = sure.ok[row, column]
    few = sure.few[row, column] | few_came_or_went(units, fit, before)[row, item]
    estimate, error = fit.estimate[row, item], np.sqrt(fit.variance[row, item])
    reach = float(ndtri(0.5 + scheme.uncertainty.interval / 2.0)) * error
    values = {
        "estimate": estimate,
        "standard_error": error,
        "lower": np.clip(estimate - reach, 0.0, 100.0),
        "upper": np.clip(estimate + reach, 0.0, 100.0),
    }
    codes = np.array([one.code for one in scheme.indicators], object)
    return {
        "unit": units.unit[row],
        "group": np.full(len(row), group.code, object),
        "indicator": codes[sure.indicators[column]],
        **{name: rounded(np.where(ok, value, np.nan)) for name, value in values.items()},
        "n": np.where(few, np.nan, n[row, column].astype(np.float64)),
        "state": np.where(ok, "ok", "suppressed").astype(object),
    }
