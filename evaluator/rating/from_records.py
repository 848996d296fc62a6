"""Shares, rates, metrics and ready numbers: what comes in as a number already."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evaluator.rating.defects import InputError
from evaluator.rating.from_events import Counted, counted_events
from evaluator.rating.rated import Parameters, Rated, States, placed, raw_numbers
from evaluator.rating.rows import Block, filled
from evaluator.rating.scheme import Indicator
from methods.inputs import BETA, GAMMA, NORMAL, POINT, Floats, Integers
from methods.records.life import even_counts
from methods.records.posteriors import Posterior, rate_posterior, share_posterior, weighted_rate
from methods.records.priors import (
    JEFFREYS_RATE,
    JEFFREYS_SHARE,
    Prior,
    beta_binomial,
    fixed_prior,
    gamma_poisson,
)


def from_records(units: Rated, state: States, models: Parameters) -> Iterable[Block]:
    """Shares and rates, level by level.

    A denominator of 0: not applicable. A denominator without a numerator: due but not reported, the worst goalpost; but
    an indicator that record classes feed takes its numerator from the events, 0 without one.
    """
    table = units.table("records")
    wanted = units.of_source("share", "rate")
    if table is None or not wanted:
        return
    numerator, denominator = raw_numbers(units, table)
    for j, one in wanted:
        applies = units.applies[:, j]
        there = applies & np.isfinite(denominator[:, j])
        state[there & (denominator[:, j] == 0), j] = "not_applicable"
        due = there & (denominator[:, j] > 0)
        events = counted_events(units, one.code)
        counts = events if events is not None else {1.0: Counted(numerator[:, j], numerator[:, j])}
        silent = due & np.isnan(numerator[:, j]) if events is None else np.zeros(len(due), bool)
        if silent.any() and one.goal is not None:
            at = np.flatnonzero(silent)
            state[at, j] = "ok"
            worst = np.full(len(at), one.goal[0])
            nothing = np.full(len(at), np.nan)
            yield Block(
                at,
                filled(at, j),
                filled(at, POINT),
                worst,
                0.0 * worst,
                0.0 * worst,
                worst,
                0.0 * worst,
                nothing,
                False,
            )
        told = due & ~silent
        for level in units.scheme.levels:
            at = np.flatnonzero(told & (units.level == level))
            if len(at):
                state[at, j] = "ok"
                of_level = {w: Counted(y.total[at], y.squares[at]) for w, y in counts.items()}
                yield _counted(units, j, one, level, at, of_level, denominator[at, j], models)


def _counted(
    units: Rated,
    j: int,
    one: Indicator,
    level: str,
    at: Integers,
    counts: dict[float, Counted],
    size: Floats,
    models: Parameters,
) -> Block:
    """Posteriors of one share or rate at one level; `counts` by weight class."""
    share = one.source == "share"
    few = len(at) < units.scheme.publication.min_level_units
    weighted = len(counts) > 1 or set(counts) != {1.0}
    posteriors: list[Posterior] = []
    for weight, counted in counts.items():
        if share:
            y, exposure = np.minimum(counted.total, size), size
        else:
            y, exposure = even_counts(counted.total, counted.squares, size)
        prior = _prior(share, few, y, exposure)
        suffix = f"_weight_{weight:g}" if weighted else ""
        models.append((one.code, level, f"prior_a{suffix}", prior.a))
        models.append((one.code, level, f"prior_b{suffix}", prior.b))
        posteriors.append((share_posterior if share else rate_posterior)(prior, y, exposure))
    total = np.sum([w * y.total for w, y in counts.items()], axis=0)
    if share:
        post = (
            posteriors[0]
            if len(posteriors) == 1
            else share_posterior(fixed_prior(*JEFFREYS_SHARE), np.minimum(total, size), size)
        )
        mean = post.a / (post.a + post.b)
        variance = mean * (1.0 - mean) / (post.a + post.b + 1.0)
        smooth = (total + 0.5) / (size + 1.0)
        direct, direct_sd = total / size, np.sqrt(smooth * (1.0 - smooth) / size)
        return Block(at, filled(at, j), filled(at, BETA), post.a, post.b, variance, direct, direct_sd, size)
    weights = np.array(list(counts))
    post = posteriors[0] if not weighted else weighted_rate(weights, tuple(posteriors))
    rate = post.b / one.per  # on the scale of the goal: events per `per` of the exposure
    squares = np.sum([w**2 * y.squares for w, y in counts.items()], axis=0) + 0.5 * weights.max() ** 2
    direct, direct_sd = one.per * total / size, one.per * np.sqrt(squares) / size
    return Block(at, filled(at, j), filled(at, GAMMA), post.a, rate, post.a / rate**2, direct, direct_sd, size)


def _prior(share: bool, few: bool, y: Floats, size: Floats) -> Prior:
    if share:
        return fixed_prior(*JEFFREYS_SHARE) if few else beta_binomial(y, size)
    return fixed_prior(*JEFFREYS_RATE) if few else gamma_poisson(y, size)


def from_numbers(units: Rated, state: States) -> Iterable[Block]:
    """Metrics and ready numbers, as given: exact without a standard error, normal with one."""
    table = units.table("indicators")
    given = {j for j, _ in units.of_source("metric", "ready")}
    if table is None or not given:
        return
    unit, indicator, known = placed(units, table, "indicator")
    value = table["value"][known]
    error = np.nan_to_num(table["standard_error"][known]) if "standard_error" in table else np.zeros(len(value))
    value, error = _per_denominator(units, state, unit, indicator, value, error)
    used = np.isin(indicator, list(given)) & units.applies[unit, indicator] & np.isfinite(value)
    unit, indicator, value, error = unit[used], indicator[used], value[used], error[used]
    state[unit, indicator] = "ok"
    family = np.where(error > 0, NORMAL, POINT).astype(np.int64)
    nothing = np.full(len(value), np.nan)
    yield Block(unit, indicator, family, value, error, error**2, value, error, nothing, exact=True)


def _per_denominator(
    units: Rated, state: States, unit: Integers, indicator: Integers, value: Floats, error: Floats
) -> tuple[Floats, Floats]:
    """Numbers and their errors divided by the columns of `units` that the scheme names.

    A denominator of 0: not applicable. One that is not known: the number is missing.
    """
    columns = units.table("units") or {}
    for j, one in units.of_source("metric", "ready"):
        if one.denominator is None:
            continue
        if one.denominator not in columns:
            raise InputError([
                f"units has no column {one.denominator}, the denominator of indicator {one.code}; bring the column"
            ])  # fmt: skip
        rows = np.flatnonzero(indicator == j)
        by = np.asarray(columns[one.denominator], np.float64)[unit[rows]]
        if (by < 0).any():
            code = units.unit[unit[rows[by < 0]]][0]
            raise InputError([f"units column {one.denominator}: unit {code} has {by.min():g}; it must be 0 or more"])
        state[unit[rows[by == 0]], j] = "not_applicable"
        by = np.where(by > 0, by, np.nan)
        value[rows], error[rows] = value[rows] / by * one.per, error[rows] / by * one.per
    return value, error
