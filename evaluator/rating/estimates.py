"""From a snapshot to inputs and factors: every uncertain number of a rating, in the one form that an index takes.

Six sources: citizens' responses, assessors' scores, shares and rates from records, metrics, ready numbers. Everything
that leaves here is rounded to six decimals, so that an edition read from its files is computed from the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluator.rating.common_level import share_level
from evaluator.rating.distributions import Said, distributions
from evaluator.rating.from_assessments import from_assessments
from evaluator.rating.from_citizens import citizen_models, from_citizens
from evaluator.rating.from_events import deductions_and_vetoes
from evaluator.rating.from_records import from_numbers, from_records
from evaluator.rating.groups import apart, groups
from evaluator.rating.holding import Count, Counted
from evaluator.rating.imputation import imputed_rows
from evaluator.rating.rated import Parameters, Progress, States, Table, rated
from evaluator.rating.rows import Block, Loadings, differs, join_factors, join_inputs, only, rounded
from evaluator.rating.scheme import Scheme
from evaluator.rating.snapshot import Snapshot
from methods.disclosure.flags import counted_together, together
from methods.inputs import Factors, Floats, Inputs
from methods.small_areas.citizens import Citizens
from methods.small_areas.direct import Screening
from methods.survey.cells import Reduced, reduce_responses


@dataclass(frozen=True, slots=True)
class Estimates:
    """Everything that `compute` needs beside the scheme, and what an edition says about how it came about."""

    inputs: dict[str, Inputs]  # by screening: main always; half and without only the rows that differ from main
    factors: dict[str, Factors]  # by screening: those of the rows in `inputs`
    state: States  # (units, indicators) ok, imputed, not_applicable, suppressed, missing
    models: Table  # indicator, level, parameter, value
    distributions: Table  # unit, item, code, share, lower, upper, state, with_flagged
    groups: Table  # of respondents, estimated apart: see `groups`
    deductions: Floats  # (units,) points, saturated
    vetoes: list[tuple[str, ...]]  # (units,) codes of vetoes, legally final facts only
    citizens: Citizens | None = None  # the fitted model under the main screening: what forged answers act upon


def estimate(
    scheme: Scheme,
    snapshot: Snapshot,
    progress: Progress | None = None,
    previous: Mapping[str, Mapping[str, float]] | None = None,
    held: Counted | None = None,
) -> Estimates:
    """Estimate every indicator of every unit to which it applies.

    Parameters
    ----------
    scheme
        Which indicators, at which levels, from which source, published under which thresholds.
    snapshot
        The frozen inputs; every table but `units` may be missing.
    progress
        Called with a step's name and the share done, 0 to 1.
    previous
        Item -> unit -> its estimate in the edition before, where that is a covariate: see `previous.before`.
    held
        What was counted of the same responses before: see `holding.counted`; `snapshot` is what counts now.

    Notes
    -----
    A cell is `suppressed` when its estimate is too unsure to be published, rests on too few assessors, or cannot be
    compared (its assessors and units hang together with no others of the level): it enters the index as missing does,
    and is not imputed. What nobody reported, answered or scored is `missing`, or `imputed` where the scheme says so:
    for citizens by the regression of the small area model, else by the mean of the level with the variance of a unit.
    """
    tell = progress or (lambda step, done: None)
    units = rated(scheme, snapshot)
    state = np.where(units.applies, "missing", "not_applicable").astype(object)
    models: Parameters = []
    blocks: list[Block] = []
    loadings: list[Loadings] = []
    tell("records", 0.0)
    blocks.extend(from_records(units, state, models))
    blocks.extend(from_numbers(units, state))
    tell("assessments", 0.1)
    for block, shared in from_assessments(units, state, models):
        blocks.append(block)
        loadings.extend(shared)
    tell("responses", 0.3)
    rest, rest_shared = list(blocks), list(loadings)
    screened: dict[str, tuple[list[Block], list[Loadings]]] = {}
    now, earlier = (held.now, held.earlier) if held else (Count(snapshot, frozenset()), ())
    reduced, fitted, before = None, None, list[_Reduced]()
    if snapshot.responses is not None and units.of_source("citizen"):
        reduced, *before = (_reduced(scheme, one) for one in (now, *earlier))
        for number, screening in enumerate(_screenings(scheme)):
            tell("citizens", 0.5 + 0.15 * number)
            block, shared, fit = from_citizens(
                units, reduced.counted, screening, state if screening == "main" else None, previous,
                [one.counted for one in before],
            )  # fmt: skip
            if screening == "main":
                fitted = fit
                blocks.append(block)
                loadings.extend(shared)
                models.extend(citizen_models(units, fit))
                ok = state[block.unit, block.indicator] != "missing"
                kept = (block.unit[ok], block.indicator[ok])
            else:
                screened[screening] = ([only(block, kept)], shared)
    tell("imputation", 0.95)
    if scheme.missing.impute != "none":
        blocks.extend(imputed_rows(units, state, blocks))
    for name, (other, shared) in screened.items():
        changed, together = share_level(units, [*rest, *other], [*rest_shared, *shared], [])
        screened[name] = (changed[len(rest) :], together)
    blocks, loadings = share_level(units, blocks, loadings, models)
    inputs = {"main": join_inputs(blocks)}
    factors = {"main": join_factors(loadings, inputs["main"])}
    for name, (other, shared) in screened.items():
        changed = join_inputs(other)
        if differs(changed, inputs["main"]):
            inputs[name], factors[name] = changed, join_factors(shared, changed)
    tell("groups", 0.96)
    apart_from_citizens = groups(units, [one.snapshot for one in earlier])
    tell("events", 0.98)
    deductions, vetoes = deductions_and_vetoes(units)
    result = Estimates(
        inputs=inputs,
        factors=factors,
        state=state,
        models=_models(models),
        distributions=distributions(units, reduced.said if reduced else None, [one.said for one in before]),
        groups=apart_from_citizens,
        deductions=rounded(deductions),
        vetoes=vetoes,
        citizens=fitted,
    )
    tell("done", 1.0)
    return result


@dataclass(frozen=True, slots=True)
class _Reduced:
    counted: Reduced
    together: frozenset[str]  # units whose flagged responses are not told apart

    @property
    def said(self) -> Said:
        return self.counted.choices, self.together


def _reduced(scheme: Scheme, count: Count) -> _Reduced:
    """Citizens' responses; a few flagged ones count as the others."""
    assert count.snapshot.responses is not None
    found = reduce_responses(count.snapshot.responses, count.snapshot.scoring, without=apart(scheme))
    few = count.together | together(found, scheme.publication.cell_min)
    return _Reduced(counted_together(found, few), few)


def _screenings(scheme: Scheme) -> list[Screening]:
    others: tuple[Screening, ...] = ("half", "without")
    return ["main", *(one for one in others if one in scheme.sensitivity.screening)]


def _models(rows: Parameters) -> Table:
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    text = {name: np.array(columns[k], object) for k, name in enumerate(("indicator", "level", "parameter"))}
    return {**text, "value": rounded(np.array(columns[3], np.float64))}
