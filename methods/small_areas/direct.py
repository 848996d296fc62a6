"""Direct estimates of the citizens' chain: invited responses, weighted and calibrated to the population of their area.

Design weights are frame / responded; within a calibration area they are raked to the totals of its units and to the
strata that the population table counts, thin cells taken together with their neighbours, factors kept within limits; a
skipped answer keeps its share of the area. Each level is calibrated by itself: people asked about townships and about
their county are two samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from methods.inputs import Floats, Integers
from methods.survey.cells import Cells, Texts
from methods.survey.designs import clustered
from methods.survey.estimation import Moments, means
from methods.survey.margins import LEAST, Margin
from methods.survey.raking import rake

GRADED = "invitation"  # the only mode that is rated: open and sign-in answers are not a sample
SCREENINGS: Mapping[str, float] = {"main": 1.0, "half": 0.5, "without": 0.0}  # weight of a flagged response
LIMITS = (0.3, 3.0)  # of a calibration factor
SWEEPS = 50  # over the margins; what is not met then within the limits stays unmet

Screening = Literal["main", "half", "without"]


@dataclass(frozen=True, slots=True)
class Areas:
    """The rated units, and what is known of them beside the responses."""

    unit: Texts  # (units,) codes
    level: Texts  # (units,)
    covariates: Floats  # (units, k) NaN where unknown; the intercept is added
    sample: Mapping[str, NDArray[Any]] | None = None  # columns of the snapshot's table `sample`
    population: Mapping[str, NDArray[Any]] | None = None  # of its table `population`
    parent: Texts | None = None  # (units,) code of the unit above, "" for none; None: nobody knows of any
    previous: Mapping[str, Floats] | None = None  # item -> (units,) its estimate an edition ago; NaN: it had none


@dataclass(frozen=True, slots=True)
class Weighted:
    """Respondents with their weights: what direct estimates are means of."""

    unit: Integers  # (rows,)
    design_cell: Integers  # (rows,) row of the table `sample` whose frame they stand for; -1: not listed
    own: NDArray[np.bool_]  # (rows,) the responses brought their design weight
    weight: Floats  # (rows,) design weight of each respondent, flagged ones as the screening says
    factor: Floats  # (rows,) of calibration
    margins: tuple[Margin, ...]  # thin cells taken together
    n: Floats  # (rows,) respondents
    item_n: Floats  # (rows, items) with a score
    item_sum: Floats  # (rows, items)


@dataclass(frozen=True, slots=True)
class Direct:
    """Weighted means by unit and item; NaN without a score."""

    estimate: Floats  # (units, items)
    variance: Floats  # (units, items) linearised, calibration residuals; NaN with fewer than two scores
    n: Floats  # (units, items) respondents with a score
    effective: Floats  # (units, items) that number after the loss by unequal weights (Kish)
    population: Floats  # (units, items) persons that they stand for
    within: Floats  # (units, items) unweighted variance of a score; NaN with fewer than two
    correction: Floats  # (units,) n / (n - strata) over primary sampling units, which the variances hold already
    weighted: Weighted


def direct_estimates(cells: Cells, areas: Areas, screening: Screening = "main") -> Direct:
    """Hajek means of the units from calibrated weights.

    Parameters
    ----------
    cells
        Responses reduced; only those by invitation are used, and only of units in `areas`.
    areas
        Units, sample and population.
    screening
        What becomes of flagged responses: counted ("main"), counted half, or left out ("without").

    Raises
    ------
    ValueError
        When a frame or a population count is negative or not finite.

    Examples
    --------
    >>> words = lambda *values: np.array(values, object)
    >>> counts, sums = np.array([[3], [1]]), np.array([[150_000], [100_000]])
    >>> cells = Cells(
    ...     ("polite",), words("a", "a"), words("invitation", "invitation"), words("", ""), words("", ""),
    ...     np.full(2, np.nan), {}, np.array([False, True]), counts[:, 0], counts, sums, sums**2 // counts)
    >>> areas = Areas(words("a", "b"), words("T", "T"), np.zeros((2, 0)))
    >>> [float(direct_estimates(cells, areas, screening).estimate[0, 0]) for screening in ("main", "without")]
    [62.5, 50.0]
    """
    position = {unit: k for k, unit in enumerate(areas.unit.tolist())}
    used = counted(cells.unit, cells.mode, cells.flagged, position, screening)
    unit = np.array([position[code] for code in cells.unit[used].tolist()], np.int64)
    design_stratum, psu = cells.design_stratum[used].astype(str), cells.psu[used].astype(str)
    own, n = cells.weight[used], cells.n[used].astype(np.float64)
    design_cell, frame_weight = _design_weights(areas, unit, design_stratum, psu)
    weight = np.where(np.isfinite(own), own, frame_weight)
    weight = weight * np.where(cells.flagged[used], SCREENINGS[screening], 1.0)
    stratum = codes_of(unit, design_stratum)
    singly = psu == ""
    design = clustered(weight, np.where(singly, -1, codes_of(stratum, psu)), stratum, n, lonely="certainty")
    area = calibration_areas(areas)[unit]
    group = codes_of(area.astype(str), areas.level[unit].astype(str))
    margins = _margins(areas, {k: v[used] for k, v in cells.strata.items()}, unit, area, group, n)
    calibration = None
    if margins:
        calibration = rake(
            design,
            margins,
            group,
            totals="shares",
            skipped="proportional",
            limits=LIMITS,
            unmet="report",
            sweeps=SWEEPS,
        )
    item_n = cells.item_n[used].astype(np.float64)
    item_sum, item_sumsq = cells.item_sum[used] / 1e3, cells.item_sumsq[used] / 1e6
    units = len(areas.unit)
    found = means(design, Moments(item_n, item_sum, item_sumsq), unit, units, calibration)
    N, S, Q = (_by(unit, units, values) for values in (item_n, item_sum, item_sumsq))
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(N >= 2, np.maximum(Q - S * S / N, 0.0) / (N - 1.0), np.nan)
    first = np.unique(stratum, return_index=True)[1]
    sampled = np.bincount(unit[first], design.sampled[stratum[first]], minlength=units)
    strata = np.bincount(unit[first], minlength=units)
    return Direct(
        estimate=found.estimate,
        variance=np.where(N >= 2, found.variance, np.nan),
        n=N,
        effective=found.kish,
        population=found.population,
        within=within,
        correction=sampled / np.maximum(sampled - strata, 1.0),
        weighted=Weighted(
            unit,
            design_cell,
            np.isfinite(own),
            weight,
            np.ones(len(unit)) if calibration is None else calibration.factor,
            tuple(margins),
            n,
            item_n,
            item_sum,
        ),
    )


def counted(
    unit: Texts, mode: Texts, flagged: NDArray[np.bool_], known: Mapping[str, Any], screening: Screening
) -> NDArray[np.bool_]:
    """Which rows are of invited people, about one of the `known` units, and count under the screening.

    Examples
    --------
    >>> words = lambda *values: np.array(values, object)
    >>> mode = words("invitation", "open", "sign_in", "invitation")
    >>> counted(words("a", "a", "a", "b"), mode, np.zeros(4, bool), {"a": 0}, "main")
    array([ True, False, False, False])
    """
    if screening not in SCREENINGS:
        raise ValueError(f"screening: {screening!r}; one of {', '.join(SCREENINGS)} is expected")
    listed = np.array([code in known for code in unit.tolist()], bool)
    kept = ~flagged if SCREENINGS[screening] == 0 else np.ones(len(unit), bool)
    return np.asarray(listed & (mode == GRADED) & kept, bool)


def codes_of(*columns: NDArray[Any]) -> Integers:
    """Rows of several columns as one integer each.

    Examples
    --------
    >>> codes_of(np.array(["b", "a", "b"]), np.array([1, 1, 2]))
    array([1, 0, 2])
    """
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        code = np.unique(code * len(values) + place, return_inverse=True)[1].astype(np.int64)
    return code


def calibration_areas(areas: Areas) -> Texts:
    """(units,) the unit whose population counts a unit's sample is brought to: as the sample says, else itself.

    Examples
    --------
    >>> words = lambda *values: np.array(values, object)
    >>> sample = {"unit": words("a"), "calibration_area": words("county")}
    >>> calibration_areas(Areas(words("a", "b"), words("T", "T"), np.zeros((2, 0)), sample)).tolist()
    ['county', 'b']
    """
    area = areas.unit.copy()
    if areas.sample is not None and "calibration_area" in areas.sample:
        listed = zip(areas.sample["unit"].tolist(), areas.sample["calibration_area"].tolist(), strict=True)
        given = {code: to for code, to in listed if to}
        area = np.array([given.get(code, code) for code in area.tolist()], object)
    return area


def neighbours(group: Integers, respondents: Floats, least: float = LEAST) -> Integers:
    """Thin cells taken together with those beside them, so that ages next to each other stay together.

    Parameters
    ----------
    group
        (cells,) calibration group of each cell; the cells of a group follow each other in the order of their codes.
    respondents
        (cells,) how many there are.
    least
        Respondents that a cell needs; what is left at the end of a group joins the cell before it.

    Returns
    -------
    (cells,) number of the merged cell; -1 in a group with too few for two cells, which says nothing.

    Examples
    --------
    >>> neighbours(np.array([0, 0, 0, 0, 1, 1]), np.array([12.0, 11.0, 30.0, 5.0, 9.0, 30.0]))
    array([ 0,  0,  1,  1, -1, -1])
    """
    merged = np.full(len(group), -1, np.int64)
    number = 0
    for start, end in _runs(group):
        cells: list[list[int]] = []
        open_, size = [], 0.0
        for k in range(start, end):
            open_.append(k)
            size += float(respondents[k])
            if size >= least:
                cells.append(open_)
                open_, size = [], 0.0
        if open_ and cells:
            cells[-1].extend(open_)
        if len(cells) < 2:
            continue
        for members in cells:
            merged[members] = number
            number += 1
    return merged


def _runs(group: Integers) -> list[tuple[int, int]]:
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]])) if len(group) else np.zeros(0, np.int64)
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(group)], strict=True))


def _by(domain: Integers, domains: int, values: Floats) -> Floats:
    total = np.zeros((domains, values.shape[1]))
    np.add.at(total, domain, values)
    return total


def _design_weights(areas: Areas, unit: Integers, design_stratum: Texts, psu: Texts) -> tuple[Integers, Floats]:
    """Row of the sample and its frame / responded; the unit's own where the cell is not listed (-1), else 1."""
    cell, found = np.full(len(unit), -1, np.int64), np.ones(len(unit))
    if areas.sample is None:
        return cell, found
    sample = areas.sample
    frame, responded = np.asarray(sample["frame_n"], np.float64), np.asarray(sample["responded"], np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = frame / responded
    good = np.flatnonzero(np.isfinite(weight) & (weight > 0))
    keys = zip(*(np.asarray(sample[k], object)[good].tolist() for k in ("unit", "design_stratum", "psu")), strict=True)
    row_of = dict(zip(keys, good.tolist(), strict=True))
    sums: dict[str, tuple[float, float]] = {}
    for code, f, r in zip(np.asarray(sample["unit"], object)[good].tolist(), frame[good], responded[good], strict=True):
        before = sums.get(code, (0.0, 0.0))
        sums[code] = (before[0] + f, before[1] + r)
    codes = areas.unit[unit].tolist()
    for k, key in enumerate(zip(codes, design_stratum.tolist(), psu.tolist(), strict=True)):
        cell[k] = row_of.get(key, row_of.get((key[0], key[1], ""), -1))
        f, r = sums.get(key[0], (1.0, 1.0))
        found[k] = weight[cell[k]] if cell[k] >= 0 else f / r
    return cell, found


def _margins(
    areas: Areas, strata: Mapping[str, Texts], unit: Integers, area: Texts, group: Integers, n: Floats
) -> list[Margin]:
    """The units of an area by their size, and one margin for each set of strata that the population fills in."""
    population = areas.population
    if population is None or len(group) == 0:
        return []
    names = [name for name in population if name.startswith("s_")]
    filled = np.zeros((len(population["unit"]), len(names)), bool)
    for k, name in enumerate(names):
        filled[:, k] = np.asarray(population[name], object) != ""
    groups_of: dict[str, list[int]] = {}
    for code, g in sorted(set(zip(area.tolist(), group.tolist(), strict=True))):
        groups_of.setdefault(code, []).append(g)
    margins = []
    for pattern in np.unique(filled, axis=0):
        chosen = [name for name, one in zip(names, pattern.tolist(), strict=True) if one]
        if not chosen or any(name not in strata for name in chosen):
            continue
        index: dict[tuple[Any, ...], int] = {}
        of_group: list[int] = []
        count: list[float] = []
        for row in np.flatnonzero((filled == pattern).all(axis=1)).tolist():
            key = tuple(population[name][row] for name in chosen)
            persons_here = float(population["count"][row])
            for g in groups_of.get(str(population["unit"][row]), []):
                if index.setdefault((g, *key), len(count)) == len(count):
                    of_group.append(g)
                    count.append(0.0)
                count[index[(g, *key)]] += persons_here
        answers = zip(group.tolist(), *(strata[name].tolist() for name in chosen), strict=True)
        cell = np.array([index.get(key, -1) for key in answers], np.int64)
        of_cell, persons = np.array(of_group, np.int64), np.array(count, np.float64)
        order = np.array(sorted(range(len(index)), key=[*index].__getitem__), np.int64)
        respondents = np.asarray(np.bincount(cell[cell >= 0], n[cell >= 0], len(index)), np.float64)
        place = neighbours(of_cell[order], respondents[order])
        merged = np.full(len(index) + 1, -1, np.int64)
        merged[order] = place
        kept = merged[:-1] >= 0
        first = np.unique(merged[:-1][kept], return_index=True)[1]
        margins.append(
            Margin(
                " x ".join(chosen),
                merged[cell],
                np.asarray(np.bincount(merged[:-1][kept], persons[kept]), np.float64),
                of_cell[kept][first],
            )
        )
    return [*_unit_totals(areas, unit, group), *(one for one in margins if len(one.count))]


def _unit_totals(areas: Areas, unit: Integers, group: Integers) -> Sequence[Margin]:
    """Persons of the units that share a calibration area: as the population says, else as the frame does."""
    persons = np.full(len(areas.unit), np.nan)
    position = {code: k for k, code in enumerate(areas.unit.tolist())}
    if areas.sample is not None:
        frames: dict[str, float] = {}
        for code, frame in zip(areas.sample["unit"].tolist(), areas.sample["frame_n"].tolist(), strict=True):
            frames[code] = frames.get(code, 0.0) + float(frame)
        for code, frame in frames.items():
            if code in position:
                persons[position[code]] = frame
    population = areas.population or {}
    names = [name for name in population if name.startswith("s_")]
    for row, code in enumerate(population["unit"].tolist() if population else []):
        if code in position and all(population[name][row] == "" for name in names):
            persons[position[code]] = float(population["count"][row])
    used, first, cell = np.unique(unit, return_index=True, return_inverse=True)
    members = np.bincount(group[first], minlength=int(group.max()) + 1)
    # one unit alone is its area; units of unknown size leave their area without this margin
    unknown = np.bincount(group[first], ~(persons[used] > 0), minlength=len(members)) > 0
    kept = (members > 1)[group[first]] & ~unknown[group[first]]
    if not kept.any():
        return []
    place = np.where(kept, np.cumsum(kept) - 1, -1)
    return [Margin("unit", place[cell], persons[used][kept], group[first][kept])]
