"""Post-stratification and raking: weights that add up to population margins, in many areas at once.

Deming, Stephan (1940), Annals of Mathematical Statistics 11, 427-444; Deville, Saerndal, Sautory (1993), Journal of the
American Statistical Association 88, 1013-1020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from methods.inputs import Floats, Integers
from methods.survey.auxiliaries import Indicators
from methods.survey.calibration import Calibration
from methods.survey.columns import coded, relabelled
from methods.survey.columns import totals as sums
from methods.survey.designs import Design
from methods.survey.margins import Margin, check_groups

TOLERANCE = 1e-10  # relative distance from a population count that counts as met
SWEEPS = 500  # over the margins
AGREE = 1e-6  # relative distance of two margins' totals that is rounding
EXTREME = 1e150


def post_stratify(design: Design, by: Margin, group: ArrayLike | None = None) -> Calibration:
    """Bring the weighted counts of cells to those of the population.

    Parameters
    ----------
    design
        The sample.
    by
        The margin; every respondent lies in one of its cells.
    group : (rows,), optional
        Calibration group (area) of each row; one group when left out.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        When a cell has a population but no respondents, or respondents but no population (named).

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> from methods.survey.margins import margin
    >>> half = margin("age", [0, 0, 0, 1], [200, 200])
    >>> post_stratify(simple([100.0] * 4), half).factor.round(4).tolist()
    [0.6667, 0.6667, 0.6667, 2.0]
    """
    return rake(design, [by], group)


def rake(
    design: Design,
    margins: Sequence[Margin],
    group: ArrayLike | None = None,
    *,
    totals: Literal["counts", "shares"] = "counts",
    skipped: Literal["refuse", "proportional"] = "refuse",
    limits: tuple[float, float] | None = None,
    unmet: Literal["refuse", "report"] = "refuse",
    tolerance: float = TOLERANCE,
    sweeps: int = SWEEPS,
) -> Calibration:
    """Fit several margins in turn until all hold, group by group.

    Parameters
    ----------
    design
        The sample.
    margins
        Population margins. One is post-stratification.
    group : (rows,), optional
        Calibration group (area) of each row; one group when left out.
    totals
        "counts": weights add up to the counts; margins of a group must then agree in their total. "shares": a group
        keeps its weighted total, and only the shares of cells are brought to those of the population.
    skipped
        What a respondent in no cell of a margin (-1) does: an error, or "proportional": who skipped is spread over the
        cells like the others of the group, so the known cells keep their joint weight and take the population's shares.
    limits
        Smallest and largest factor. Where they bind, the factors are the nearest to 1 (in the raking distance) that
        keep to limits and margins.
    unmet
        When a margin cannot be met: an error that names it, or "report": the nearest within the limits, with
        `deviation` saying how far each margin is off. Cells without respondents, or that the population does not
        count, are then left out of their margin.
    tolerance
        Relative distance from a population count that counts as met.
    sweeps
        At most so many turns over the margins.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        When margins disagree, a cell is empty, somebody skipped, or the margins are not met (named), unless allowed.

    Notes
    -----
    Factors depend on a respondent's cells alone, so the work goes over patterns of cells, however many rows there are.

    Examples
    --------
    >>> from methods.survey.designs import simple
    >>> from methods.survey.margins import margin
    >>> age, sex = margin("age", [0, 0, 1, 1], [60, 40]), margin("sex", [0, 1, 0, 1], [50, 50])
    >>> rake(simple([25.0] * 4), [age, sex]).factor.round(6).tolist()
    [1.2, 1.2, 0.8, 0.8]
    """
    rows = len(design.n)
    if not margins:
        raise ValueError("margins: none is given; at least one is expected")
    for one in margins:
        if len(one.cell) != rows:
            raise ValueError(f"margin {one.name!r}: cells of {len(one.cell)} rows for a design of {rows}")
    if limits is not None and not (np.isfinite(limits).all() and 0 <= limits[0] < 1 < limits[1]):
        raise ValueError(f"limits: {limits}; a number from 0 to 1 and one above 1 are expected")
    of_row = np.zeros(rows, np.int64) if group is None else coded("group", group, rows)
    groups = int(max([of_row.max(initial=-1), *(int(one.group.max(initial=-1)) for one in margins)])) + 1
    pattern, row = _patterns(of_row, groups, margins)
    weight = sums(pattern, design.weight * design.n, len(row))
    of_pattern = of_row[row]
    whole = sums(of_pattern, weight, groups)
    steps = [_step(one, one.cell[row], of_pattern, weight, groups, skipped, unmet) for one in margins]
    if totals == "counts":
        whole, constant = _population(margins, steps, of_pattern, groups, unmet)
        steps = [*constant, *steps]
    factor, deviation, turns = _fit(steps, weight, whole, limits, tolerance, sweeps, unmet == "report")
    off = np.array([_largest(values) for values in deviation])
    if unmet == "refuse" and np.max(off, initial=0.0) > tolerance:
        worst = int(off.argmax())
        cell = int(np.abs(deviation[worst]).argmax())
        within = "" if limits is None else f" within the limits {limits[0]:g} and {limits[1]:g}"
        raise ValueError(
            f"margin {steps[worst].name!r}: raking does not converge{within}; after {turns} sweeps its cell "
            f"{steps[worst].label(cell)} is off by {abs(deviation[worst][cell]):.2%}. Margins contradict each other in "
            "the cells that the sample fills: collapse cells, leave a margin out, or widen the limits"
        )
    first = np.searchsorted(of_pattern, np.arange(groups + 1))
    return Calibration(
        factor[pattern],
        pattern,
        first,
        tuple(_indicators(steps, slice(int(first[g]), int(first[g + 1])), g) for g in range(groups)),
        tuple(step.name for step in steps),
        off,
        turns,
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One margin over patterns."""

    name: str
    labels: tuple[str, ...]
    cell: Integers  # (patterns,) -1: skipped
    known: np.ndarray  # (patterns,) not skipped
    everybody: bool  # nobody skipped
    group: Integers  # (cells,)
    share: Floats  # (cells,) of the population of the group
    whole: np.ndarray  # (groups,) nobody of the group skipped

    def label(self, cell: int) -> str:
        return self.labels[cell] if self.labels else str(cell)

    def used(self, group: int) -> Integers:
        """Cells of a group."""
        return np.flatnonzero((self.group == group) & (self.share > 0))


def _patterns(group: Integers, groups: int, margins: Sequence[Margin]) -> tuple[Integers, Integers]:
    """(rows,) pattern of each row, ordered by group, and (patterns,) a row of each."""
    key, size = group, max(groups, 1)
    for one in margins:
        cells = len(one.count) + 1
        if size * cells >= 2**62:
            values, key = relabelled(key, size)
            size = len(values)
        key, size = key * cells + (one.cell + 1), size * cells
    values, pattern = relabelled(key, size)
    row = np.zeros(len(values), np.int64)
    row[pattern] = np.arange(len(group))
    return pattern, row


def _step(
    given: Margin,
    cell: Integers,
    group: Integers,
    weight: Floats,
    groups: int,
    skipped: Literal["refuse", "proportional"],
    unmet: Literal["refuse", "report"],
) -> _Step:
    """A margin over patterns, refused or mended where population and sample do not fit."""
    check_groups(given, cell, group)
    known = cell >= 0
    if skipped == "refuse" and not known.all():
        raise ValueError(
            f"margin {given.name!r}: some respondents are in none of its cells (-1); "
            'impute them, or choose skipped="proportional"'
        )
    cells = len(given.count)
    total = sums(cell[known], weight[known], cells)
    count = given.count
    empty, uncounted = (count > 0) & (total <= 0), (count <= 0) & (total > 0)
    if unmet == "refuse":
        for wrong, what in ((empty, "a population but no respondents"), (uncounted, "respondents but no population")):
            if wrong.any():
                name = given.label(int(np.flatnonzero(wrong)[0]))
                raise ValueError(f"margin {given.name!r}: cell {name} has {what}; collapse it with another")
    elif empty.any() or uncounted.any():
        count = np.where(empty, 0.0, count)
        cell = np.where(known & ~uncounted[np.maximum(cell, 0)], cell, -1)
        known = cell >= 0
    of_group = sums(given.group, count, groups)[given.group]
    share = np.divide(count, of_group, out=np.zeros(cells), where=of_group > 0)
    whole = np.bincount(group[~known], minlength=groups) == 0
    return _Step(given.name, given.labels, cell, known, bool(known.all()), given.group, share, whole)


def _population(
    margins: Sequence[Margin], steps: Sequence[_Step], group: Integers, groups: int, unmet: str
) -> tuple[Floats, list[_Step]]:
    """(groups,) size of the population on which the margins agree, and a step to it where all margins were skipped."""
    sizes = [sums(one.group, one.count, groups) for one in margins]
    sampled = np.bincount(group, minlength=groups) > 0
    population = sizes[0]
    for one, size in zip(margins[1:], sizes[1:], strict=True):
        apart = sampled & (np.abs(size - population) > AGREE * np.maximum(size, population))
        if apart.any():
            g = int(np.flatnonzero(apart)[0])
            where = f" in group {g}" if groups > 1 else ""
            raise ValueError(
                f"margin {one.name!r}: its counts{where} add up to {size[g]:g}, those of margin {margins[0].name!r} to "
                f'{population[g]:g}; bring them to one population, or rake to totals="shares"'
            )
    fixed = np.zeros(groups, np.bool_)
    for step in steps:
        fixed |= step.whole
    if fixed[group].all():
        return population, []
    everybody = np.ones(len(group), np.bool_)
    ones, all_groups = np.ones(groups), np.arange(groups)
    return population, [_Step("total", (), group, everybody, True, all_groups, ones, ones > 0)]


def _largest(values: Floats) -> float:
    return float(np.max(np.abs(values), initial=0.0))


def _fit(
    steps: Sequence[_Step],
    weight: Floats,
    whole: Floats,
    limits: tuple[float, float] | None,
    tolerance: float,
    sweeps: int,
    settle: bool,
) -> tuple[Floats, list[Floats], int]:
    """Factors of patterns, relative deviations of each margin's cells, and sweeps.

    With limits the unlimited factors keep growing where a limit binds: coordinate ascent on the dual of the truncated
    raking problem.
    """
    factor = np.ones(len(weight))
    used = factor
    fixed = [np.where(step.whole[step.group], step.share * whole[step.group], np.nan) for step in steps]
    all_fixed = [not np.isnan(goal).any() for goal in fixed]
    turns = 0
    while turns < sweeps:
        turns += 1
        before = used
        worst = 0.0
        for k, step in enumerate(steps):
            ratio = _ratio(step, fixed[k], all_fixed[k], weight * used)
            worst = max(worst, _largest(ratio - 1.0))
            if step.everybody:
                factor = factor * ratio[step.cell]
            else:
                factor = factor * np.where(step.known, ratio[np.maximum(step.cell, 0)], 1.0) if len(ratio) else factor
            if limits is not None:
                factor = np.clip(factor, 1.0 / EXTREME, EXTREME)
            used = factor if limits is None else np.clip(factor, *limits)
        if worst <= tolerance or (settle and limits is not None and _largest(used - before) <= tolerance):
            break
    deviation = [
        _ratio(step, fixed[k], all_fixed[k], weight * used) - 1.0
        if len(steps) > 1 or worst > tolerance
        else np.zeros(1)
        for k, step in enumerate(steps)
    ]
    return used, deviation, turns


def _ratio(step: _Step, fixed: Floats, all_fixed: bool, weighted: Floats) -> Floats:
    """(cells,) population over sample."""
    cells = len(step.group)
    if step.everybody:
        total = sums(step.cell, weighted, cells)
    else:
        total = sums(step.cell[step.known], weighted[step.known], cells)
    goal = fixed
    if not all_fixed:
        together = sums(step.group, total, cells)[step.group]
        goal = np.where(np.isnan(fixed), step.share * together, fixed)
    good = (total > 0) & (goal > 0)
    return np.divide(goal, total, out=np.ones(cells), where=good)


def _indicators(steps: Sequence[_Step], patterns: slice, group: int) -> Indicators:
    """Cells of a group; centred on the population where answers were skipped."""
    parts: list[tuple[Integers, Integers, _Step]] = []
    width = 0
    for step in steps:
        cell = step.cell[patterns]
        used = step.used(group)
        if not len(cell) or not len(used) or not (cell >= 0).any():
            continue
        position = np.full(len(step.group) + 1, -1, np.int64)  # the last one is of who skipped
        position[used] = width + np.arange(len(used))
        parts.append((position[cell], used, step))
        width += len(used)
    cells = tuple(np.where(at >= 0, at, width) for at, _, _ in parts)
    if all(step.whole[group] for _, _, step in parts):
        return Indicators(cells, width, None)
    centered = np.eye(width)
    start = 0
    for _, used, step in parts:
        mine = slice(start, start + len(used))
        if not step.whole[group]:
            centered[mine, mine] -= step.share[used]
        start = mine.stop
    return Indicators(cells, width, centered)
