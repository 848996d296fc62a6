"""From inputs and factors to the figures that are published: scores, ratings, sensitivity.

`compute` sees only what an edition publishes, so `rate` and `verify` run the same lines. The centre of everything is
the scheme at the point values; limits and probabilities come from joint draws. Ranks, tiers and grades compare units of
one level. Its result does not depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evaluator.rating.alternatives import alternatives
from evaluator.rating.recipe import Recipe, after_deductions, recipe
from evaluator.rating.scheme import Scheme
from evaluator.rating.tabular import Table
from methods import grades as grading
from methods import marginals
from methods.draws import Block, Group, check, in_order, lay_out, point_values, run
from methods.inputs import NO_FACTORS, Factors, Floats, Inputs, Integers
from methods.ranks import credible_ranks, rank_draws, rank_sets
from methods.tiers import pairwise_counts, tiers
from methods.tree import Standing, aggregate, normalise, standing

Booleans = NDArray[np.bool_]
Progress = Callable[[str, float], None]

DECIMALS = 6  # of every number that goes out
MOST_TIERED = 5000  # pairs grow with the square; a larger level has no tiers
UNSHRUNKEN = ("metric", "ready")  # sources whose numbers are taken as they are


class Measured(Protocol):
    """What `compute` needs of the estimates, fresh or read back from an edition."""

    @property
    def inputs(self) -> Mapping[str, Inputs]: ...  # by screening; main always
    @property
    def factors(self) -> Mapping[str, Factors]: ...  # by screening
    @property
    def state(self) -> NDArray[np.object_]: ...  # (units, indicators): ok, imputed, not_applicable, suppressed, missing


@dataclass(frozen=True, slots=True)
class Taken:
    """Facts beside the index, taken as they are."""

    deductions: Floats  # (units,) points, 0 or more
    vetoes: Sequence[tuple[str, ...]]  # (units,) codes of vetoes in force
    previous_grade: Sequence[str]  # (units,) grade of the edition before, blank: none


@dataclass(frozen=True, slots=True)
class Results:
    """Three tables of an edition, numbers rounded to six decimals."""

    scores: Table
    ratings: Table
    sensitivity: Table


def compute(
    scheme: Scheme,
    units: Table,
    estimates: Measured,
    taken: Taken,
    seed: int,
    draws: int,
    progress: Progress | None = None,
    *,
    threads: int | None = None,
) -> Results:
    """Scores, ratings and sensitivity of an edition.

    Parameters
    ----------
    units
        Table with at least `unit` and `level`; positions in `estimates` and `taken` are its rows.
    seed, draws
        Of the joint draws.
    progress
        Called with the stage (draws, ranks, tiers, sensitivity) and the share of it that is done.
    threads
        As many as there are processors if not given; the result is the same.

    Raises
    ------
    ValueError
        A level or a veto that the scheme does not have; inputs that do not fit their states or cannot be drawn.
    """
    threads = threads or len(os.sched_getaffinity(0))
    report: Progress = progress if progress is not None else lambda stage, share: None
    made = recipe(scheme)
    codes = units["unit"]
    level = made.level_of(units["level"])
    inputs, factors = estimates.inputs["main"], estimates.factors.get("main", NO_FACTORS)
    check(inputs, factors, codes.size, len(made.indicators))
    inputs, factors = in_order(inputs, factors)
    raw = point_values(inputs, codes.size, made.limits)
    applies, own, imputed = _states(made, codes, level, estimates.state, raw)
    has = standing(made.tree, level, applies, own, imputed, scheme.missing.dimension_min)
    scores = normalise(made.tree, raw)
    dimension_scores, plain = aggregate(made.tree, has, scores)
    index = after_deductions(made, plain, taken.deductions)
    few = has.own < scheme.missing.min_present
    light = has.index_present < scheme.missing.min_weight_present - 1e-9
    enough = ~few & ~light & ~np.isnan(index)

    level_units = np.bincount(level, minlength=len(made.levels))
    small = level_units < scheme.publication.min_level_units
    credible = level_units > scheme.ranks.credible_above
    drawn = _Drawn(made, has, level, taken.deductions, draws, direct=~small & ~credible, threads=threads)
    drawn.run(inputs, factors, seed, lambda share: report("draws", share))
    centre, sd, lower, upper = drawn.index_summary(scheme.uncertainty.interval)
    direct = after_deductions(
        made,
        aggregate(made.tree, has, normalise(made.tree, point_values(inputs, codes.size, made.limits, True)))[1],
        taken.deductions,
    )

    reliability = np.full(codes.size, np.nan)
    state = np.where(enough, "ok", "insufficient_evidence").astype(object)
    unreliable = np.zeros(codes.size, bool)
    for number in range(len(made.levels)):
        members = np.flatnonzero((level == number) & enough)
        if small[number]:
            state[members] = "too_few_units"
            continue
        used = np.flatnonzero((has.weight[members] > 0).any(axis=0))
        shrunken = any(scheme.indicators[i].source not in UNSHRUNKEN for i in used)
        reliability[members] = grading.reliability(centre[members], sd[members] ** 2, shrunken)
        unreliable[members] = reliability[members] < scheme.grades.min_reliability - 1e-9
    state[unreliable] = "insufficient_evidence"
    ok = state == "ok"
    index = np.where(enough, rounded(index), np.nan)

    ranks = np.full((4, codes.size), np.nan)
    tier = np.full(codes.size, np.nan)
    ranked = [np.flatnonzero((level == number) & ok) for number in range(len(made.levels))]
    for number, members in enumerate(ranked):
        share = _share(report, "ranks", number, len(ranked))
        if members.size == 0:
            continue
        if credible[number]:
            ranks[:2, members] = credible_ranks(rank_draws(drawn.index[members]), scheme.ranks.coverage)
        else:
            sets = rank_sets(
                direct[members], drawn.direct_of(members).T, scheme.ranks.coverage, threads=threads, progress=share
            )
            ranks[:, members] = sets.lower, sets.upper, sets.simultaneous_lower, sets.simultaneous_upper
        share(1.0)
    for number, members in enumerate(ranked):
        share = _share(report, "tiers", number, len(ranked))
        if 0 < members.size <= MOST_TIERED:
            counts = pairwise_counts(rank_draws(drawn.index[members]), threads=threads, progress=share)
            tier[members] = tiers(counts, centre[members], draws, scheme.grades.max_misordered).tier
        share(1.0)

    grade, probability, held = _grades(scheme, made, taken, index, drawn.index, ok)
    capped = grading.capped(grade, _caps(scheme, made, codes, taken))
    names = np.array([*made.grades, ""], dtype=object)  # -1 is the blank

    notes = _notes(
        {
            "too_few_indicators": few,
            "too_little_weight": light & ~few,
            "low_reliability": unreliable,
            "imputed_indicators": np.asarray((imputed & (has.weight > 0)).any(axis=1)),
            "missing_dimensions": ((has.dimension_weight == 0) & ~np.isnan(has.dimension_present)).any(axis=1) & enough,
            "credible_ranks": credible[level] & ok,
            "grade_held": held,
            "grade_capped": capped != grade,
        }
    )
    blank = np.full(codes.size, "", dtype=object)
    ratings: Table = {
        "unit": codes,
        "level": units["level"],
        "state": state,
        "index": index,
        "lower": np.where(enough, rounded(lower), np.nan),
        "upper": np.where(enough, rounded(upper), np.nan),
        "reliability": rounded(reliability),
        "rank_lower": ranks[0],
        "rank_upper": ranks[1],
        "simultaneous_lower": ranks[2],
        "simultaneous_upper": ranks[3],
        "tier": tier,
        "grade": names[grade],
        "grade_probability": rounded(probability),
        "previous_grade": np.array(list(taken.previous_grade), dtype=object),
        "deductions": rounded(taken.deductions),
        "vetoes": np.array([" ".join(v) for v in taken.vetoes], dtype=object),
        "capped_grade": names[capped],
        "forged_codes": blank,
        "forged_replaced": blank.copy(),
        "forged_assessors": blank.copy(),
        "forged_open": blank.copy(),
        "notes": notes,
    }

    table = _scores(
        scheme,
        made,
        codes,
        level,
        estimates.state,
        inputs,
        factors,
        has,
        raw,
        scores,
        dimension_scores,
        drawn.dimension_summary(scheme.uncertainty.interval),
        np.where(enough, np.stack([plain, index, sd, lower, upper]), np.nan),
        state,
    )
    found = alternatives(
        scheme,
        made,
        codes,
        level,
        estimates.inputs,
        has,
        taken.deductions,
        enough,
        ok,
        seed,
        lambda share: report("sensitivity", share),
    )
    return Results(table, ratings, {k: rounded(v) if v.dtype == np.float64 else v for k, v in found.items()})


def rounded(values: Floats) -> Floats:
    """To six decimals, without negative zeros."""
    return np.asarray(np.round(values, DECIMALS) + 0.0)


def _share(report: Progress, stage: str, part: int, parts: int) -> Callable[[float], None]:
    return lambda share: report(stage, (part + share) / parts)


def _states(
    made: Recipe, codes: NDArray[np.object_], level: Integers, state: NDArray[np.object_], raw: Floats
) -> tuple[Booleans, Booleans, Booleans]:
    """(units, indicators) each: the indicator applies, has a number of its own, has an imputed one."""
    at_level = made.applies[level]
    given = ~np.isnan(raw)
    own, imputed = at_level & (state == "ok"), at_level & (state == "imputed")
    wrong = np.argwhere(at_level & ((own | imputed) != given))
    if wrong.size:
        u, i = wrong[0]
        number = f"the number {raw[u, i]}" if given[u, i] else "no number"
        raise ValueError(
            f"inputs: unit {codes[u]}, indicator {made.indicators[i]} has state {state[u, i]!r} and {number}; "
            "ok and imputed have a number, other states have none"
        )
    return at_level & (state != "not_applicable"), own, imputed


class _Drawn:
    """Draws of dimensions and index, kept for all units; those of indicators pass through."""

    def __init__(
        self,
        made: Recipe,
        has: Standing,
        level: Integers,
        deductions: Floats,
        draws: int,
        *,
        direct: Booleans,
        threads: int,
    ) -> None:
        self.made, self.level, self.deductions, self.draws, self.threads = made, level, deductions, draws, threads
        self.index = np.full((level.size, draws), np.nan)  # after deductions
        self.groups: list[Group] = []
        self.has: list[Standing] = []
        self.scored: list[tuple[int, Integers]] = []  # a group's scored nodes: dimension by dimension
        self.dimensions: list[dict[int, NDArray[np.float32]]] = []  # single precision: 7 digits, half the memory
        self.direct: list[Floats | None] = []
        for number in range(len(made.levels)):
            members = np.flatnonzero(level == number)
            used = np.flatnonzero((has.weight[members] > 0).any(axis=0))
            if not (members.size and used.size):
                continue
            part = has.only(members, used)
            self.groups.append(Group(members, used, bool(direct[number])))
            self.has.append(part)
            scored = np.flatnonzero((part.weight > 0).any(axis=0))
            reached = np.unique(made.tree.dimension[used[scored]])
            self.dimensions.append({int(d): np.empty((members.size, draws), np.float32) for d in reached})
            self.direct.append(np.empty((members.size, draws)) if direct[number] else None)

    def run(self, inputs: Inputs, factors: Factors, seed: int, progress: Callable[[float], None]) -> None:
        trees = [self.made.tree.only(group.indicators) for group in self.groups]

        def consume(g: int, draws: slice, block: Block) -> None:
            group, has, tree = self.groups[g], self.has[g], trees[g]
            off = self.deductions[group.units]
            dimensions, index = aggregate(tree, has, normalise(tree, block.estimate))
            for d, kept in self.dimensions[g].items():
                kept[:, draws] = dimensions[..., d].T
            self.index[group.units, draws] = after_deductions(self.made, index, off).T
            kept_direct = self.direct[g]
            if block.direct is not None and kept_direct is not None:
                _, index = aggregate(tree, has, normalise(tree, block.direct))
                kept_direct[:, draws] = after_deductions(self.made, index, off).T

        run(
            lay_out(inputs, factors, self.groups, self.made.limits),
            seed,
            self.draws,
            consume,
            threads=self.threads,
            progress=progress,
        )

    def direct_of(self, members: Integers) -> Floats:
        """(members, draws) of the unshrunken index; members of one level, ascending."""
        for group, kept in zip(self.groups, self.direct, strict=True):
            if kept is not None and members.size and np.isin(members[0], group.units):
                return kept[np.searchsorted(group.units, members)]
        raise ValueError("these units were drawn without their unshrunken estimates")

    def index_summary(self, interval: float) -> tuple[Floats, Floats, Floats, Floats]:
        return _summary(self.index, interval, self.threads)

    def dimension_summary(self, interval: float) -> Floats:
        """(3, units, dimensions): standard deviation, lower and upper limit."""
        found = np.full((3, self.level.size, len(self.made.dimensions)), np.nan)
        for group, kept in zip(self.groups, self.dimensions, strict=True):
            for d, values in kept.items():
                found[:, group.units, d] = _summary(values, interval, self.threads)[1:]
        return found


def _summary(draws: NDArray[np.floating], interval: float, threads: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, standard deviation and central limits of each row; NaN rows stay NaN."""
    found = np.full((4, draws.shape[0]), np.nan)
    tails = ((1 - interval) / 2, (1 + interval) / 2)

    def work(first: int) -> None:
        rows = np.arange(first, min(first + 64, draws.shape[0]))
        part = draws[rows].astype(np.float64)
        there = ~np.isnan(part[:, 0])
        if there.any():
            part, rows = part[there], rows[there]
            found[0, rows], found[1, rows] = part.mean(axis=1), part.std(axis=1, ddof=1) if part.shape[1] > 1 else 0.0
            found[2:, rows] = np.quantile(part, tails, axis=1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(0, draws.shape[0], 64)))
    return found[0], found[1], found[2], found[3]


def _grades(
    scheme: Scheme, made: Recipe, taken: Taken, index: Floats, draws: Floats, ok: Booleans
) -> tuple[Integers, Floats, Booleans]:
    """(units,) each: grade before any cap (-1: none), its probability, whether the last grade was held."""
    grade, probability = np.full(index.size, -1, np.int64), np.full(index.size, np.nan)
    held = np.zeros(index.size, bool)
    if made.grades and ok.any():
        position = {code: i for i, code in enumerate(made.grades)}
        previous = np.array([position.get(code, -1) for code in taken.previous_grade], dtype=np.int64)
        shares = grading.band_shares(draws[ok], made.bands)
        found = grading.assign(index[ok], shares, made.bands, previous[ok], scheme.grades.move_probability)
        grade[ok], probability[ok], held[ok] = found.grade, found.probability, found.held > 0
    return grade, probability, held


def _caps(scheme: Scheme, made: Recipe, codes: NDArray[np.object_], taken: Taken) -> Integers:
    """(units,) the best grade that the vetoes in force leave open; -1: all."""
    cap = {veto.code: made.grades.index(veto.cap) if veto.cap in made.grades else -1 for veto in scheme.vetoes}
    caps = np.full(codes.size, -1, np.int64)
    for u, vetoes in enumerate(taken.vetoes):
        for code in vetoes:
            if code not in cap:
                raise ValueError(
                    f"unit {codes[u]}: veto {code!r} is not in the scheme; it has {', '.join(cap) or 'none'}"
                )
            caps[u] = max(caps[u], cap[code])
    return caps


def _notes(marks: Mapping[str, Booleans]) -> NDArray[np.object_]:
    """Codes of the marks that are set, joined by one space."""
    table = np.stack(list(marks.values()), axis=1)
    names = list(marks)
    return np.array([" ".join(names[i] for i in np.flatnonzero(row)) for row in table], dtype=object)


def _scores(
    scheme: Scheme,
    made: Recipe,
    codes: NDArray[np.object_],
    level: Integers,
    states: NDArray[np.object_],
    inputs: Inputs,
    factors: Factors,
    has: Standing,
    raw: Floats,
    scores: Floats,
    dimension_scores: Floats,
    dimension_summary: Floats,
    index: Floats,
    rating_state: NDArray[np.object_],
) -> Table:
    """A row for every node that the scheme has at a unit's level: the index, dimensions, indicators."""
    tree = made.tree
    shape = (codes.size, len(made.indicators))
    spread = np.full((3, *shape), np.nan)
    spread[:, inputs.unit, inputs.indicator] = _indicator_spread(made, inputs, factors, scheme.uncertainty.interval)
    at_level = made.applies[level]
    spread[:, ~((states == "ok") | (states == "imputed"))] = np.nan
    has_dimension = np.stack(
        [(at_level & (tree.dimension == d)).any(axis=1) for d in range(len(made.dimensions))], axis=1
    ) & (tree.dimension_weight[level] > 0)
    dimension_state = np.where(
        has.dimension_weight > 0, "ok", np.where(np.isnan(has.dimension_present), "not_applicable", "missing")
    ).astype(object)
    show = np.concatenate([np.ones((codes.size, 1), bool), has_dimension, at_level], axis=1)
    scored = has.dimension_weight > 0
    columns = {
        "raw": (index[0], np.full(dimension_scores.shape, np.nan), raw),
        "score": (index[1], np.where(scored, dimension_scores, np.nan), scores),
        "standard_error": (index[2], np.where(scored, dimension_summary[0], np.nan), spread[0]),
        "lower": (index[3], np.where(scored, dimension_summary[1], np.nan), spread[1]),
        "upper": (index[4], np.where(scored, dimension_summary[2], np.nan), spread[2]),
        "weight_present": (has.index_present, has.dimension_present, has.indicator_present),
    }
    nodes = np.array(["index", *made.dimensions, *made.indicators], dtype=object)
    table: Table = {
        "unit": np.broadcast_to(codes[:, None], show.shape)[show],
        "node": np.broadcast_to(nodes, show.shape)[show],
    }
    for name, (first, middle, last) in columns.items():
        table[name] = rounded(np.concatenate([first[:, None], middle, last], axis=1)[show])
    table["state"] = np.concatenate([rating_state[:, None], dimension_state, states], axis=1)[show]
    return table


def _indicator_spread(made: Recipe, inputs: Inputs, factors: Factors, interval: float) -> Floats:
    """(3, rows) standard deviation, lower and upper limit of each indicator's score, in closed form."""
    tree, j = made.tree, inputs.indicator
    sd = marginals.spread(inputs, factors)
    own = np.where(
        np.isnan(made.limits[j]), (-np.inf, np.inf), made.limits[j]
    )  # scale: normal inputs are clipped to it
    normal = ~np.isnan(sd)
    low, high = np.where(normal, own[:, 0], -np.inf), np.where(normal, own[:, 1], np.inf)
    ends = np.clip(np.stack(marginals.limits(inputs, sd, interval)), low, high)
    goal = ~np.isnan(tree.worst[j])
    foot, top = np.minimum(tree.worst[j], tree.best[j]), np.maximum(tree.worst[j], tree.best[j])
    if tree.clip:
        low, high = np.where(goal, np.maximum(low, foot), low), np.where(goal, np.minimum(high, top), high)
    slope = np.where(goal, (tree.scale[1] - tree.scale[0]) / (tree.best[j] - tree.worst[j]), 1.0)
    spread = marginals.clipped_sd(inputs, sd, low, high) * np.abs(slope)
    sheet = np.full((2, 1 + int(inputs.unit.max(initial=-1)), tree.dimension.size), np.nan)
    sheet[:, inputs.unit, j] = ends
    score = normalise(tree, sheet)[:, inputs.unit, j]
    return np.stack([spread, score.min(axis=0), score.max(axis=0)])
