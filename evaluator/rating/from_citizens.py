"""Citizens' responses: from cells to indicators with what a unit's items share, under the publication thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from evaluator.rating.distributions import flagged_answers
from evaluator.rating.rated import Rated, States
from evaluator.rating.rows import Block, Loadings, filled
from methods.inputs import NORMAL, Integers
from methods.small_areas.citizens import Citizens, citizens
from methods.small_areas.direct import GRADED, Areas, Screening
from methods.survey.cells import Booleans, Reduced


def areas(units: Rated, previous: Mapping[str, Mapping[str, float]] | None = None) -> Areas:
    """What the small area model may know of the units: log population, the covariates x_*, the edition before."""
    table = units.table("units") or {}
    with np.errstate(divide="ignore", invalid="ignore"):
        population = np.asarray(table.get("population", np.full(len(units.unit), np.nan)), np.float64)
        columns = [np.where(population > 0, np.log(population), np.nan)]
    columns.extend(np.asarray(table[name], np.float64) for name in sorted(table) if name.startswith("x_"))
    return Areas(
        units.unit,
        units.level,
        np.column_stack(columns),
        units.table("sample"),
        units.table("population"),
        table.get("parent"),
        previous
        and {
            item: np.array([of_unit.get(code, np.nan) for code in units.unit.tolist()], np.float64)
            for item, of_unit in previous.items()
        },
    )


@dataclass(frozen=True, slots=True)
class Sureness:
    """Which estimates of the citizens' indicators stand by themselves; all (units, columns)."""

    indicators: Integers  # (columns,) position in the scheme
    items: Integers  # (columns,) position in the fit
    there: Booleans  # it applies, and there is an estimate
    alone: Booleans  # nobody answered: the model's alone
    ok: Booleans  # sure enough to be published
    by_dimension: Booleans  # only together with others
    few: Booleans  # too few people to tell how many, or what they said


def sureness(units: Rated, fit: Citizens) -> Sureness:
    """Apply the scheme's thresholds of publication."""
    scheme, limits = units.scheme, units.scheme.publication
    place = {item: k for k, item in enumerate(fit.items)}
    columns = [(j, place[one.item]) for j, one in units.of_source("citizen") if one.item in place]
    indicators = np.array([j for j, _ in columns], np.int64)
    items = np.array([k for _, k in columns], np.int64)
    there = units.applies[:, indicators] & np.isfinite(fit.estimate[:, items])
    reliability, n = fit.reliability[:, items], fit.n[:, items]
    width = 2.0 * ndtri(0.5 + scheme.uncertainty.interval / 2.0) * np.sqrt(fit.variance[:, items])
    unsure = np.nan_to_num(reliability, nan=1.0) < limits.citizen_min_reliability
    unsure |= np.isnan(reliability) & (n < limits.cell_min)  # a bare mean of few is what they said
    if limits.max_interval_width is not None:
        unsure |= width > limits.max_interval_width
    alone = fit.synthetic[:, items]
    ok = there & ~alone & ~unsure
    # what is mostly the model's is shown by its dimension only: it counts there as a prediction does
    by_dimension = there & ~alone & unsure & ~np.isnan(reliability)
    return Sureness(indicators, items, there, alone, ok, by_dimension, (n < limits.cell_min) | ~ok)


def from_citizens(
    units: Rated,
    reduced: Reduced,
    screening: Screening,
    state: States | None,
    previous: Mapping[str, Mapping[str, float]] | None = None,
    earlier: Sequence[Reduced] = (),
) -> tuple[Block, list[Loadings], Citizens]:
    """Rows of a screening; under the main one (`state` given) the cells' states are set.

    `earlier` is what was counted in editions before: unshrunken means are blank where a few answers differ.
    """
    scheme, limits = units.scheme, units.scheme.publication
    fit = citizens(
        reduced.cells, reduced.pairs, areas(units, previous), screening,
        limits.min_level_units, limits.cell_min, limits.citizen_min_reliability,
    )  # fmt: skip
    sure = sureness(units, fit)
    indicators, items, there, ok = sure.indicators, sure.items, sure.there, sure.ok
    n = fit.n[:, items]
    imputed = (there & sure.alone | sure.by_dimension) & (scheme.missing.impute == "predictive")
    if state is not None:
        grid = state[:, indicators]
        grid[there & (n > 0) & ~ok] = "suppressed"
        grid[ok], grid[imputed] = "ok", "imputed"
        state[:, indicators] = grid
    row, column = np.nonzero(ok | imputed if state is not None else there)
    k = items[column]
    if state is None:  # the difference from the main screening would tell what a few flagged people said
        flagged = flagged_answers(units, reduced.choices, fit.items)[row, k]
        enough = (flagged == 0) | (flagged >= limits.cell_min)
        row, column, k = row[enough], column[enough], k[enough]
    few = sure.few[row, column] | few_came_or_went(units, fit, earlier)[row, k]
    block = Block(
        row,
        indicators[column],
        filled(row, NORMAL),
        fit.estimate[row, k],
        fit.independent[row, k],
        fit.variance[row, k],
        np.where(few, np.nan, fit.direct[row, k]),
        np.where(few, np.nan, fit.direct_independent[row, k]),
        np.where(few, np.nan, n[row, column]),
    )
    direct = np.where(few, 0.0, np.nan_to_num(fit.direct_respondents[row, k]))
    zero = np.zeros(len(row))
    loadings = [
        Loadings(_named("respondents", units, row), row, indicators[column], fit.respondents[row, k], direct),
        Loadings(_named("own level", units, row), row, indicators[column], fit.own[row, k], zero),
    ]
    listed = np.zeros(units.applies.shape, bool)
    listed[block.unit, block.indicator] = True
    for j, item in zip(indicators.tolist(), items.tolist(), strict=True):
        code = scheme.indicators[j].code
        for shared in fit.shared:
            if shared.item == item:
                use = listed[shared.unit, j]
                at = shared.unit[use]
                name = (
                    shared.name[use]
                    if shared.common
                    else np.array([f"{one} {code}" for one in shared.name[use]], object)
                )
                loadings.append(Loadings(name, at, filled(at, j), shared.loading[use], np.zeros(len(at))))
    return block, loadings, fit


def few_came_or_went(units: Rated, fit: Citizens, earlier: Sequence[Reduced]) -> Booleans:
    """Whether as many answered an item as in an edition before but for a few; (units, items).

    Of the unit itself nobody differs, or enough people do; of those who were asked an item it may be fewer.
    """
    least, found = units.scheme.publication.cell_min, np.zeros(fit.n.shape, bool)
    for one in earlier:
        cells = one.cells
        unit = np.array([units.position.get(code, -1) for code in cells.unit.tolist()], np.int64)
        for counts in (np.ones(len(unit), bool), ~cells.flagged):
            used = counts & (cells.mode == GRADED) & (unit >= 0)
            before = np.zeros((len(units.unit), len(cells.items)))
            np.add.at(before, unit[used], cells.item_n[used])
            for k, item in enumerate(fit.items):
                if item in cells.items:
                    differ = np.abs(fit.n[:, k] - before[:, cells.items.index(item)])
                    found[:, k] |= (differ > 0) & (differ < least)
    return found


def _named(kind: str, units: Rated, row: Integers) -> NDArray[np.object_]:
    return np.array([f"{kind} {code}" for code in units.unit[row]], object)


def citizen_models(units: Rated, fit: Citizens) -> Iterable[tuple[str, str, str, float]]:
    for _, one in units.of_source("citizen"):
        for parameter in fit.parameters:
            if fit.items[parameter.item] == one.item and (not one.levels or parameter.level in one.levels):
                yield one.code, parameter.level, parameter.name, parameter.value
