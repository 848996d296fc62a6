"""From inputs and factors to the figures that are published: scores, ratings, sensitivity.

`compute` sees only what an edition publishes, so `rate` and `verify` run the same lines. The centre of everything is
the scheme at the point values; limits and probabilities come from joint draws. Ranks, tiers and grades compare units of
one level. Its result does not depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from evaluator.rating.alternatives import alternatives
from evaluator.rating.case import Case, Measured, Taken, Texts, open_case
from evaluator.rating.drawn import Drawn, Summary, draw, summarise, summarise_dimensions
from evaluator.rating.scheme import Scheme
from evaluator.rating.scores import scores_table
from evaluator.rating.tabular import Table
from methods.index.tree import Booleans
from methods.inputs import Floats, Integers
from methods.ranking import grades as grading
from methods.ranking.ranks import credible_ranks, rank_draws, rank_sets
from methods.ranking.tiers import pairwise_counts, tiers

__all__ = ["Measured", "Results", "Taken", "compute", "rounded"]

Progress = Callable[[str, float], None]

DECIMALS = 6  # of every number that goes out
MOST_TIERED = 5000  # pairs grow with the square; a larger level has no tiers
UNSHRUNKEN = ("metric", "ready")  # sources whose numbers are taken as they are


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
    threads = threads or _processors()
    report: Progress = progress if progress is not None else lambda stage, share: None
    case = open_case(scheme, units, estimates, taken)
    caps = _caps(case)
    drawn = draw(case, seed, draws, threads, lambda share: report("draws", share))
    index = summarise(drawn.index, scheme.uncertainty.interval, threads)
    state, reliability = _evidence(case, index)
    ok = np.asarray(state == "ok")
    ranks = _ranks(case, drawn, ok, threads, report)
    tier = _tiers(case, drawn, index, ok, threads, report)
    ratings = _ratings(case, drawn, index, caps, state, reliability, ranks, tier)
    scores = scores_table(case, index, summarise_dimensions(case, drawn, threads), state)
    found = alternatives(case, ok, seed, lambda share: report("sensitivity", share), threads)
    return Results(*(_out(table) for table in (scores, ratings, found)))


def rounded(values: Floats) -> Floats:
    """To six decimals, without negative zeros."""
    return np.asarray(np.round(values, DECIMALS) + 0.0)


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _out(table: Table) -> Table:
    return {name: rounded(column) if column.dtype == np.float64 else column for name, column in table.items()}


def _evidence(case: Case, index: Summary) -> tuple[Texts, Floats]:
    """(units,) each: the state of the rating, and the reliability of the index within its level."""
    reliability = np.full(case.codes.size, np.nan)
    state = np.where(case.enough, "ok", "insufficient_evidence").astype(object)
    for number in range(len(case.recipe.levels)):
        members = np.flatnonzero((case.level == number) & case.enough)
        if case.small[number]:
            state[members] = "too_few_units"
            continue
        used = np.flatnonzero((case.has.weight[members] > 0).any(axis=0))
        shrunken = any(case.scheme.indicators[i].source not in UNSHRUNKEN for i in used)
        reliability[members] = grading.reliability(index.mean[members], index.sd[members] ** 2, shrunken)
    reliability = rounded(reliability)
    state[reliability < case.scheme.grades.min_reliability] = "insufficient_evidence"
    return state, reliability


def _members(
    case: Case, ok: Booleans, stage: str, report: Progress
) -> list[tuple[int, Integers, Callable[[float], None]]]:
    """The ok units of each level, and where the progress of its part of a stage goes."""
    levels = len(case.recipe.levels)

    def part(number: int) -> Callable[[float], None]:
        return lambda share: report(stage, (number + share) / levels)

    return [(number, np.flatnonzero((case.level == number) & ok), part(number)) for number in range(levels)]


def _ranks(case: Case, drawn: Drawn, ok: Booleans, threads: int, report: Progress) -> Floats:
    """(4, units) lower and upper, simultaneous lower and upper; large levels have no simultaneous ones."""
    ranks = np.full((4, case.codes.size), np.nan)
    direct, coverage = case.direct_index, case.scheme.ranks.coverage
    for number, members, progress in _members(case, ok, "ranks", report):
        if members.size and case.credible[number]:
            ranks[:2, members] = credible_ranks(rank_draws(drawn.index[members]), coverage)
        elif members.size:
            errors = drawn.direct_of(members).T
            sets = rank_sets(direct[members], errors, coverage, threads=threads, progress=progress)
            ranks[:, members] = sets.lower, sets.upper, sets.simultaneous_lower, sets.simultaneous_upper
        progress(1.0)
    return ranks


def _tiers(case: Case, drawn: Drawn, index: Summary, ok: Booleans, threads: int, report: Progress) -> Floats:
    """(units,) tier within the level."""
    tier = np.full(case.codes.size, np.nan)
    for _, members, progress in _members(case, ok, "tiers", report):
        if 0 < members.size <= MOST_TIERED:
            counts = pairwise_counts(rank_draws(drawn.index[members]), threads=threads, progress=progress)
            draws, most = drawn.index.shape[1], case.scheme.grades.max_misordered
            tier[members] = tiers(counts, index.mean[members], draws, most).tier
        progress(1.0)
    return tier


def _caps(case: Case) -> Integers:
    """(units,) the best grade that the vetoes in force leave open; -1: all."""
    grades = case.recipe.grades
    cap = {veto.code: grades.index(veto.cap) if veto.cap in grades else -1 for veto in case.scheme.vetoes}
    caps = np.full(case.codes.size, -1, np.int64)
    for u, vetoes in enumerate(case.taken.vetoes):
        for code in vetoes:
            if code not in cap:
                raise ValueError(
                    f"unit {case.codes[u]}: veto {code!r} is not in the scheme; it has {', '.join(cap) or 'none'}"
                )
            caps[u] = max(caps[u], cap[code])
    return caps


def _grades(case: Case, drawn: Drawn, index: Floats, ok: Booleans) -> tuple[Integers, Floats, Booleans]:
    """(units,) each: grade before any cap (-1: none), its probability, whether the last grade was held."""
    made = case.recipe
    grade, probability = np.full(index.size, -1, np.int64), np.full(index.size, np.nan)
    held = np.zeros(index.size, bool)
    if made.grades and ok.any():
        position = {code: i for i, code in enumerate(made.grades)}
        previous = np.array([position.get(code, -1) for code in case.taken.previous_grade], dtype=np.int64)
        shares = grading.band_shares(drawn.index[ok], made.bands)
        found = grading.assign(index[ok], shares, made.bands, previous[ok], case.scheme.grades.move_probability)
        grade[ok], probability[ok], held[ok] = found.grade, found.probability, found.held > 0
    return grade, probability, held


def _ratings(
    case: Case,
    drawn: Drawn,
    summary: Summary,
    caps: Integers,
    state: Texts,
    reliability: Floats,
    ranks: Floats,
    tier: Floats,
) -> Table:
    ok, enough = np.asarray(state == "ok"), case.enough
    index = np.where(enough, rounded(case.index), np.nan)  # grades follow from what is published
    grade, probability, held = _grades(case, drawn, index, ok)
    capped = grading.capped(grade, caps)
    names = np.array([*case.recipe.grades, ""], dtype=object)  # -1 is the blank
    unscored = (case.has.dimension_weight == 0) & ~np.isnan(case.has.dimension_present)
    notes = _notes(
        {
            "too_few_indicators": case.few,
            "too_little_weight": case.light & ~case.few,
            "low_reliability": enough & ~case.small[case.level] & (state == "insufficient_evidence"),
            "imputed_indicators": np.asarray((case.imputed & (case.has.weight > 0)).any(axis=1)),
            "missing_dimensions": np.asarray(unscored.any(axis=1)) & enough,
            "too_many_for_tiers": ok & np.isnan(tier),
            "credible_ranks": case.credible[case.level] & ok,
            "grade_held": held,
            "grade_capped": capped != grade,
        }
    )

    def blank() -> Texts:
        return np.full(case.codes.size, "", dtype=object)

    return {
        "unit": case.codes,
        "level": np.array(case.recipe.levels, dtype=object)[case.level],
        "state": state,
        "index": index,
        "lower": np.where(enough, summary.lower, np.nan),
        "upper": np.where(enough, summary.upper, np.nan),
        "reliability": reliability,
        "rank_lower": ranks[0],
        "rank_upper": ranks[1],
        "simultaneous_lower": ranks[2],
        "simultaneous_upper": ranks[3],
        "tier": tier,
        "grade": names[grade],
        "grade_probability": probability,
        "previous_grade": np.array(list(case.taken.previous_grade), dtype=object),
        "deductions": case.taken.deductions,
        "vetoes": np.array([" ".join(codes) for codes in case.taken.vetoes], dtype=object),
        "capped_grade": names[capped],
        "forged_codes": blank(),
        "forged_replaced": blank(),
        "forged_assessors": blank(),
        "forged_open": blank(),
        "notes": notes,
    }


def _notes(marks: Mapping[str, Booleans]) -> Texts:
    """Codes of the marks that are set, joined by one space."""
    names = list(marks)
    table = np.stack(list(marks.values()), axis=1)
    return np.array([" ".join(names[i] for i in np.flatnonzero(row)) for row in table], dtype=object)
