"""The four figures of forging: how many forged answers would move a unit's grade, through the whole scheme.

Unused codes answered, answers replaced, assessors bought; and the open link, which is never graded, so that no number
of its answers moves anything. Everything fitted stays as it is (`methods.forging`); what the index makes of the moved
indicators, and of those that more answers bring above the scheme's thresholds, is computed by the scheme itself. The
figure is the smallest number that lifts the index over the lower limit of the next better grade, before any cap and
whatever else holds a grade back between editions. It is published in bands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from evaluator.rating.case import Case, Taken, open_case
from evaluator.rating.estimates import Estimates
from evaluator.rating.published import Published
from evaluator.rating.recipe import after_deductions
from evaluator.rating.results import rounded
from evaluator.rating.scheme import Indicator, Scheme
from evaluator.rating.snapshot import Snapshot
from evaluator.rating.tabular import Table
from methods.forging.allocation import best_addition, best_replacement
from methods.forging.assessors import Assessed, after_buying
from methods.forging.bands import IMPOSSIBLE, band_of, smallest
from methods.forging.frozen import SmallArea
from methods.forging.respondents import Moved, Respondents, after_adding, after_replacing
from methods.index.tree import aggregate, standing
from methods.inputs import Floats, Integers
from methods.ranking.grades import band
from methods.small_areas.citizens import Citizens
from methods.small_areas.direct import LIMITS

COLUMNS = ("forged_codes", "forged_replaced", "forged_assessors", "forged_open")
UNLIMITED = 100_000  # codes, where no sample says how many were invited

Gain = Callable[[Moved, Moved], Floats]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The smallest number of each kind that lifts a unit to the next better grade; -1: none does; -2: not asked."""

    codes: Integers  # (units,)
    replaced: Integers  # (units,)
    assessors: Integers  # (units,)
    added: Floats  # (rows of respondents,) in which strata the codes are answered
    taken: Floats  # (rows of respondents,) in which strata answers are replaced
    respondents: Respondents | None
    like: Integers  # (rows of respondents,) one row of `Citizens.weighted` with the same strata; -1: nobody answered


def forged_columns(
    scheme: Scheme, snapshot: Snapshot, estimates: Estimates, units: Table, published: Published, taken: Taken,
    ratings: Table,
) -> Table:  # fmt: skip
    """The four columns of `ratings`: bands; blank for a unit without a grade, or with the best one."""
    found = forging_numbers(scheme, snapshot, estimates, units, published, taken, ratings)
    asked = found.codes > -2
    numbers = (found.codes, found.replaced, found.assessors, np.full(len(asked), -1))
    return {
        name: np.array([band_of(int(one)) if yes else "" for one, yes in zip(number, asked, strict=True)], object)
        for name, number in zip(COLUMNS, numbers, strict=True)
    }


def forging_numbers(
    scheme: Scheme, snapshot: Snapshot, estimates: Estimates, units: Table, published: Published, taken: Taken,
    ratings: Table,
) -> Numbers:  # fmt: skip
    """The numbers behind the bands. They are not published: they would be a manual."""
    case = open_case(scheme, units, published, taken)
    limits = case.recipe.bands
    index = np.where(case.enough, rounded(case.index), np.nan)
    grade = band(index, limits)
    asked = np.asarray((ratings["grade"] != "") & (grade > 0), bool)
    goal = np.where(asked, limits[np.maximum(grade - 1, 0)] if limits.size else np.inf, np.inf)
    count = len(asked)
    none = np.full(count, -1, np.int64)
    codes, replaced, who = none, none, None
    added, taken_from, like = np.zeros(0), np.zeros(0), none[:0]
    if estimates.citizens is not None:
        attack = _Attack(case, estimates.citizens, snapshot, goal)
        who, like = attack.who, attack.like
        codes, added = attack.codes()
        replaced, taken_from = attack.replaced()
    bought = _bought(case, snapshot, estimates, goal)
    return Numbers(*(np.where(asked, one, -2) for one in (codes, replaced, bought)), added, taken_from, who, like)


class _Attack:
    """Citizens' answers forged, for all units at once."""

    def __init__(self, case: Case, fit: Citizens, snapshot: Snapshot, goal: Floats) -> None:
        self.case, self.fit, self.goal = case, fit, goal
        self.who, self.spare, self.like = _respondents(fit, snapshot)
        self.model = _model(fit)
        place = {item: k for k, item in enumerate(fit.items)}
        used = [(j, one) for j, one in enumerate(case.scheme.indicators) if one.source == "citizen"]
        self.columns = [(j, place[str(one.item)]) for j, one in used if one.item in place]
        self.top = _top_scores(snapshot, fit.items, {str(one.item): one for _, one in used})
        at_level = case.recipe.applies[case.level]
        self.applies = at_level & (case.state != "not_applicable")
        self.own, self.imputed = at_level & (case.state == "ok"), at_level & (case.state == "imputed")
        self.before = self._used(after_adding(self.who, np.zeros(len(self.who.unit)), self.top))
        self.worth = self._worth()

    def codes(self) -> tuple[Integers, Floats]:
        limit = np.bincount(_unit_of(self.who, len(self.spare)), self.spare, self.who.units)
        most = np.where(np.isfinite(self.goal), np.minimum(limit, UNLIMITED), 0).astype(np.int64)
        by_frame = None if len(self.spare) == len(np.unique(self.who.unit)) else self.spare

        def allocate(number: Integers) -> Floats:
            return best_addition(self.who, number.astype(np.float64), self.worth, self.top, by_frame)

        found = smallest(lambda number: self._enough(after_adding(self.who, allocate(number), self.top)), most)
        return found, allocate(np.maximum(found, 0))

    def replaced(self) -> tuple[Integers, Floats]:
        there = np.bincount(self.who.unit, self.who.n, self.who.units)
        most = np.where(np.isfinite(self.goal), there, 0).astype(np.int64)

        def choose(number: Integers) -> Floats:
            return best_replacement(self.who, number.astype(np.float64), self.worth, self.top)

        found = smallest(lambda number: self._enough(after_replacing(self.who, choose(number), self.top)), most)
        return found, choose(np.maximum(found, 0))

    def _enough(self, moved: Moved) -> NDArray[np.bool_]:
        with np.errstate(invalid="ignore"):
            used = self._used(moved)
            return np.asarray(rounded(self._index(used, used)) >= self.goal, bool)

    def _index(self, told: Moved, moved: Moved, only: int | None = None) -> Floats:
        """(units,) index with the indicators published at `told` and the estimates (of one item) at `moved`."""
        case, tree = self.case, self.case.recipe.tree
        gain = self.model.gain(self.before, moved)
        low, high = np.where(np.isnan(case.recipe.limits), (-np.inf, np.inf), case.recipe.limits).T
        shown = self._shown(told)
        raw = case.raw.copy()
        own, imputed = self.own.copy(), self.imputed.copy()
        for j, k in self.columns:
            start = np.where(np.isnan(raw[:, j]), np.nan_to_num(self.fit.estimate[:, k]), raw[:, j])
            raw[:, j] = np.clip(start + (gain[:, k] if only in (None, k) else 0.0), low[j], high[j])
            new = shown[:, k] & self.applies[:, j]
            own[:, j] |= new
            imputed[:, j] &= ~new
        has = case.has
        if not np.array_equal(own, self.own):
            has = standing(tree, case.level, self.applies, own, imputed, case.scheme.missing.dimension_min)
        return after_deductions(case.recipe, aggregate(tree, has, case.scored(raw))[1], case.taken.deductions)

    def _shown(self, moved: Moved) -> NDArray[np.bool_]:
        """(units, items) the estimate is published, as `from_citizens` asks for."""
        limits, fit = self.case.scheme.publication, self.fit
        smooth = np.isfinite(fit.unit_variance)
        enough = self._reliability(moved) >= limits.citizen_min_reliability
        shown = np.where(smooth, enough, moved.n >= limits.cell_min)
        if limits.max_interval_width is not None:
            gone = np.nan_to_num(fit.unit_variance) * (self.model.shrinkage(moved) - self.model.shrinkage(self.before))
            left = np.where(smooth, np.maximum(fit.variance + gone, 0.0), self._noise(moved))
            half = ndtri(0.5 + self.case.scheme.uncertainty.interval / 2.0)
            shown &= 2.0 * half * np.sqrt(left) <= limits.max_interval_width
        return np.asarray(shown & (moved.effective > 0), bool)

    def _noise(self, moved: Moved) -> Floats:
        """(units, items) sampling variances."""
        noise = np.full(self.model.one.shape, np.inf)
        return np.divide(self.model.one, moved.effective, out=noise, where=moved.effective > 0)

    def _reliability(self, moved: Moved) -> Floats:
        """(units, items) of what sets direct estimates apart about the regression, the part that is true."""
        between = np.nan_to_num(self.fit.unit_variance) + np.nan_to_num(self.fit.area_variance)
        return np.asarray(between / np.maximum(between + self._noise(moved), 1e-300), np.float64)

    def _used(self, moved: Moved) -> Moved:
        """Without what so few said that their unit is predicted as if nobody had answered."""
        limits = self.case.scheme.publication
        unsure = np.isfinite(self.fit.unit_variance) & (moved.n < limits.cell_min)
        unsure &= self._reliability(moved) < limits.citizen_min_reliability
        return Moved(np.where(unsure, np.nan, moved.direct), np.where(unsure, 0.0, moved.effective), moved.n)

    def _worth(self) -> Floats:
        """(units, items) index points for a point of the direct estimate: the chord up to top answers of all."""
        start = np.where(np.isnan(self.before.direct), np.nan_to_num(self.model.synthetic), self.before.direct)
        many = np.maximum(2.0 * self.before.effective, 100.0)
        end = Moved(np.broadcast_to(self.top, start.shape), many, many)
        worth = np.zeros(start.shape)
        index = np.nan_to_num(self._index(end, self.before))
        for k in range(len(self.top)):
            rise = np.nan_to_num(self._index(end, end, k)) - index
            distance = self.top[k] - start[:, k]
            worth[:, k] = np.divide(rise, distance, out=np.zeros(len(rise)), where=np.abs(distance) > 1e-9)
        return worth


def _passes(case: Case, raw: Floats, goal: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(rounded(case.index_at(raw)) >= goal, bool)


def _model(fit: Citizens) -> SmallArea:
    """The fitted model, frozen."""
    smooth = np.isfinite(fit.unit_variance)
    seen = smooth & (fit.effective > 0) & ~fit.synthetic
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(fit.effective > 0, fit.direct_variance * fit.effective, np.nan)
        w = np.where(seen, 1.0 / (fit.unit_variance + fit.direct_variance), 0.0)
    residual = np.where(w > 0, fit.direct - fit.regression, 0.0)
    share = np.where(w > 0, fit.benchmark_share, 0.0)
    B = np.where(w > 0, 1.0 - np.nan_to_num(fit.unit_variance) * w, 0.0)

    def others(values: Floats) -> Floats:
        total = np.zeros((int(fit.area.max(initial=-1)) + 1, values.shape[1]))
        np.add.at(total, fit.area, values)
        return np.asarray(total[fit.area] - values, np.float64)

    return SmallArea(
        one=_filled_by_area(one, fit.area),
        synthetic=np.where(smooth, fit.regression, np.nan_to_num(fit.direct)),
        unit_variance=np.where(smooth, fit.unit_variance, np.inf),
        area_variance=np.where(smooth, fit.area_variance, 0.0),
        others_weight=np.maximum(others(w), 0.0),
        others_pull=others(w * residual),
        share=share,
        others_share=np.maximum(others(share * B), 0.0),
    )


def _filled_by_area(one: Floats, area: Integers) -> Floats:
    """A respondent's worth of variance where nobody answered: the mean of the area, else of all."""
    known = np.isfinite(one)
    areas = int(area.max(initial=-1)) + 1
    found = one.copy()
    for k in range(one.shape[1]):
        total, count = (
            np.bincount(area, np.where(known[:, k], one[:, k], 0.0), areas),
            np.bincount(area, known[:, k], areas),
        )
        everywhere = total.sum() / count.sum() if count.sum() else 1.0
        mean = np.divide(total, count, out=np.full(areas, everywhere), where=count > 0)
        found[:, k] = np.where(known[:, k], one[:, k], mean[area])
    return found


def _respondents(fit: Citizens, snapshot: Snapshot) -> tuple[Respondents, Floats, Integers]:
    """Respondents by unit, design cell and calibrated cells, and the unused codes of each design cell.

    A unit that nobody answered for has one row without respondents.
    """
    given = fit.weighted
    units = len(fit.direct)
    kept = [one for one in given.margins if not _of_units(one.cell, given.unit)]
    margins = [one.cell for one in kept]
    keys = np.stack([given.unit, given.design_cell, *margins], axis=1)
    rows, like, row = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    row = row.ravel()
    count = len(rows)

    def over(values: Floats) -> Floats:
        return np.bincount(row, values, count)

    n = over(given.n)
    persons = over(given.n * given.weight * given.factor)
    weight = np.divide(persons, n, out=np.zeros(count), where=n > 0)
    factor = np.divide(persons, over(given.n * given.weight), out=np.ones(count), where=persons > 0)
    held = np.zeros((count, len(margins)))
    cells = np.full((count, len(margins)), -1, np.int64)
    standing = given.n * given.weight * given.factor
    for m, margin in enumerate(kept):
        known_row = margin.cell >= 0
        total = np.bincount(margin.cell[known_row], standing[known_row], len(margin.count))
        known = rows[:, 2 + m] >= 0
        held[known, m] = total[rows[known, 2 + m]]
        pairs = np.unique(rows[known][:, [0, 2 + m]], axis=0, return_inverse=True)[1]
        cells[known, m] = pairs.ravel()
    item_n = np.stack([over(column) for column in given.item_n.T], axis=1)
    item_sum = np.stack([over(column) for column in given.item_sum.T], axis=1)
    silent = np.setdiff1d(np.arange(units), rows[:, 0])
    unit = np.concatenate([rows[:, 0], silent])
    design_cell = np.concatenate([rows[:, 1], np.full(len(silent), -1)])
    frames, frame = np.unique(np.stack([unit, design_cell], axis=1), axis=0, return_inverse=True)

    def longer(values: NDArray[np.float64] | Integers, fill: float) -> NDArray[np.float64]:
        more = np.full((len(silent), *values.shape[1:]), fill, values.dtype)
        return np.concatenate([values, more])

    who = Respondents(
        unit=unit, frame=frame.ravel().astype(np.int64),
        cell=longer(cells, -1).astype(np.int64), held=longer(held, 0.0),
        weight=longer(weight, 1.0), n=longer(n, 0.0), item_n=longer(item_n, 0.0), item_sum=longer(item_sum, 0.0),
        units=units, factor=longer(factor, 1.0), limits=LIMITS, falls=not given.own.any(),
    )  # fmt: skip
    return who, _spare(frames, snapshot), longer(like, -1).astype(np.int64)


def _of_units(cell: Integers, unit: Integers) -> bool:
    """A margin that holds each unit's total: it moves all of a unit's weights alike, so no mean of the unit."""
    known = cell >= 0
    pairs = len(np.unique(np.stack([unit[known], cell[known]]), axis=1).T)
    return pairs == len(np.unique(cell[known])) == len(np.unique(unit[known]))


def _spare(frames: Integers, snapshot: Snapshot) -> Floats:
    """(frames,) codes sent and not used; those of a design cell that nobody answered count with the unit's first."""
    sample = snapshot.tables.get("sample")
    if sample is None:
        return np.full(len(frames), float(UNLIMITED))
    with np.errstate(invalid="ignore"):
        unused = np.nan_to_num(np.maximum(sample["invited"] - sample["responded"], 0.0))
    position = {code: k for k, code in enumerate(snapshot.tables["units"]["unit"].tolist())}
    unit = np.array([position.get(code, -1) for code in sample["unit"].tolist()], np.int64)
    spare = np.zeros(len(frames))
    of_cell = {(int(u), int(c)): k for k, (u, c) in enumerate(frames)}
    first: dict[int, int] = {}
    for k, (u, _) in enumerate(frames.tolist()):
        first.setdefault(u, k)
    for row, (u, free) in enumerate(zip(unit.tolist(), unused.tolist(), strict=True)):
        at = of_cell.get((u, row), first.get(u))
        if at is not None:
            spare[at] += free
    return spare


def _unit_of(who: Respondents, frames: int) -> Integers:
    unit = np.zeros(frames, np.int64)
    unit[who.frame] = who.unit
    return unit


def _top_scores(snapshot: Snapshot, items: tuple[str, ...], by_item: dict[str, Indicator]) -> Floats:
    """(items,) the best score that an answer can have, in the direction of the indicator's goal."""
    low, high = np.full(len(items), np.nan), np.full(len(items), np.nan)
    place = {item: k for k, item in enumerate(items)}
    for scoring in snapshot.scoring.values():
        for one in scoring:
            scores = {
                "single": [score for score in one.scores.values() if score is not None],
                "any": [one.score_hit, one.score_missed],
                "linear": [one.score_low, one.score_high],
                "none": [],
            }[one.kind]
            if one.item in place and scores:
                k = place[one.item]
                low[k], high[k] = np.fmin(low[k], min(scores) / 1e3), np.fmax(high[k], max(scores) / 1e3)
    falling = np.array([_falls(by_item.get(item)) for item in items], bool)
    return np.asarray(np.nan_to_num(np.where(falling, low, high)), np.float64)


def _falls(indicator: Indicator | None) -> bool:
    """Less is better."""
    if indicator is None or indicator.goal is None:
        return indicator is not None and indicator.direction < 0
    return indicator.goal[1] < indicator.goal[0]


def _bought(case: Case, snapshot: Snapshot, estimates: Estimates, goal: Floats) -> Integers:
    """(units,) fewest assessors of a unit whose best scores lift it over its goal; -1: not even all of them."""
    none = np.full(len(goal), -1, np.int64)
    made = _assessed(case, snapshot, estimates)
    if made is None:
        return none
    assessed, columns, top = made
    low, high = np.where(np.isnan(case.recipe.limits), (-np.inf, np.inf), case.recipe.limits).T
    index = np.nan_to_num(case.index)
    worth = np.zeros((len(goal), len(columns)))
    for c, j in enumerate(columns):
        raw = case.raw.copy()
        best = np.clip(top[c], low[j], high[j])
        distance = best - raw[:, j]
        raw[:, j] = np.where(np.isnan(raw[:, j]), np.nan, best)
        rise = np.nan_to_num(case.index_at(raw)) - index
        worth[:, c] = np.divide(rise, distance, out=np.zeros(len(rise)), where=np.abs(distance) > 1e-9)
    found = none
    for number, gain in reversed(list(enumerate(after_buying(assessed, top, worth)))):
        raw = case.raw.copy()
        for c, j in enumerate(columns):
            raw[:, j] = np.clip(raw[:, j] + gain[:, c], low[j], high[j])
        found = np.where(_passes(case, raw, goal), number, found)
    return found


def _assessed(case: Case, snapshot: Snapshot, estimates: Estimates) -> tuple[Assessed, list[int], Floats] | None:
    """Assessors' scores with the variances of their model, the indicators that they score, and the best scores."""
    table = snapshot.tables.get("assessments")
    variance = _variances(estimates)
    if table is None or not variance.get("variance_residual", 0.0) > 0:
        return None
    indicators = case.scheme.indicators
    columns = [j for j, one in enumerate(indicators) if one.source == "assessor"]
    place = {indicators[j].code: c for c, j in enumerate(columns)}
    position = {code: k for k, code in enumerate(case.codes.tolist())}
    unit = np.array([position.get(code, -1) for code in table["unit"].tolist()], np.int64)
    criterion = np.array([place.get(code, -1) for code in table["criterion"].tolist()], np.int64)
    score = np.asarray(table["score"], np.float64)
    used = (unit >= 0) & (criterion >= 0) & np.isfinite(score)
    used[used] &= case.recipe.applies[case.level[unit[used]], np.array(columns)[criterion[used]]]
    if not used.any():
        return None
    who = [f"{i}\x1f{a}" for i, a in zip(table["institute"].tolist(), table["assessor"].tolist(), strict=True)]
    assessor = np.unique(np.array(who, object)[used].astype(str), return_inverse=True)[1].ravel()
    top = np.array([_best_score(indicators[j], score[criterion == c]) for c, j in enumerate(columns)], np.float64)
    assessed = Assessed(
        unit[used], assessor, criterion[used], score[used],
        unit_variance=variance.get("variance_unit", 0.0),
        unit_criterion_variance=variance.get("variance_unit_criterion", 0.0),
        assessor_variance=variance.get("variance_assessor", 0.0),
        assessor_criterion_variance=variance.get("variance_assessor_criterion", 0.0),
        residual_variance=variance["variance_residual"],
        units=len(case.codes), criteria=len(columns),
    )  # fmt: skip
    return assessed, columns, top


def _variances(estimates: Estimates) -> dict[str, float]:
    models = estimates.models
    wanted = np.char.startswith(models["parameter"].astype(str), "variance_") & (models["level"] == "")
    return dict(zip(models["parameter"][wanted].tolist(), models["value"][wanted].tolist(), strict=True))


def _best_score(indicator: Indicator, given: Floats) -> float:
    """The end of the scale that the goal points to; without either, the best score that anybody got."""
    falls = _falls(indicator)
    if indicator.scale is not None:
        return float(min(indicator.scale) if falls else max(indicator.scale))
    if indicator.goal is not None:
        return float(indicator.goal[1])
    return float(given.max(initial=0.0))


__all__ = ["COLUMNS", "IMPOSSIBLE", "Numbers", "forged_columns", "forging_numbers"]
