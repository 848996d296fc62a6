"""A unit's own level as factors of all sources: over all of its numbers, and over those of a dimension."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluator.rating.rated import Parameters, Rated
from evaluator.rating.rows import Block, Loadings
from methods.inputs import BETA, GAMMA, NORMAL, POINT, Floats, Integers
from methods.uncertainty.common_level import Numbers, common_level

SHARED_NOISE = {"citizen": 0, "assessor": 1}  # sources whose numbers of a unit share sampling errors
OWN = ("own level ", "assessed ")  # factors of one source that say the same of its own numbers


def share_level(
    units: Rated, blocks: list[Block], loadings: list[Loadings], models: Parameters
) -> tuple[list[Block], list[Loadings]]:
    """Blocks and loadings with the unit's level as factors of all sources. The variance of no number changes.

    What the factors take comes from the independent part and from the factor that a source had for it; of that, what
    remains stays a factor of the source. A beta or gamma row has no independent part of its own: its draws are
    narrowed by what its factors add.
    """
    if not blocks:
        return blocks, loadings

    def whole(name: str) -> Floats:
        return np.concatenate([getattr(block, name) for block in blocks]).astype(np.float64)

    unit, indicator, family = (whole(name).astype(np.int64) for name in ("unit", "indicator", "family"))
    a, b, variance = whole("a"), whole("b"), whole("variance")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.select([family == BETA, family == GAMMA], [a / (a + b), a / b], a)
    use = np.flatnonzero((family != POINT) & np.isfinite(mean) & np.isfinite(variance) & (variance > 0))
    if not len(use):
        return blocks, loadings
    at, j = unit[use], indicator[use]
    levels, level = np.unique(units.level.astype(str), return_inverse=True)
    found = common_level(_numbers(units, at, j, mean[use], variance[use], level))
    for k, name in enumerate(levels.tolist()):
        if found.within[k] > 0:
            models.append(("", name, "correlation_across_dimensions", float(found.across[k])))
            models.append(("", name, "correlation_within_dimensions", float(found.within[k])))
    own = _own(loadings, units.applies.shape)
    room = np.where(family == NORMAL, b * b, variance)[use] + own[at, j]
    wanted = found.unit**2 + found.dimension**2
    fitting = np.sqrt(np.minimum(1.0, np.divide(room, wanted, out=np.ones_like(room), where=wanted > 0)))
    of_unit, of_dimension = found.unit * fitting, found.dimension * fitting
    taken = of_unit**2 + of_dimension**2
    of_source = np.sqrt(np.maximum(own[at, j] - taken, 0.0))
    names = units.unit[at].astype(str)
    dimension = np.array([one.dimension for one in units.scheme.indicators])[j]
    left = np.ones(units.applies.shape)
    left[at, j] = np.divide(of_source, np.sqrt(own[at, j]), out=np.ones_like(of_source), where=own[at, j] > 0)
    nothing = np.zeros(len(at))
    shared = [
        *(
            replace(one, loading=one.loading * left[one.unit, one.indicator]) if _is_own(one) else one
            for one in loadings
        ),
        Loadings(np.array([f"level {u}" for u in names], object), at, j, of_unit, nothing),
        Loadings(
            np.array([f"level {u} {d}" for u, d in zip(names, dimension, strict=True)], object),
            at,
            j,
            of_dimension,
            nothing,
        ),
    ]
    normal = family[use] == NORMAL
    b[use[normal]] = np.sqrt(np.maximum(room - taken - of_source**2, 0.0))[normal]
    ends = np.cumsum([len(block.unit) for block in blocks])
    return [replace(block, b=part) for block, part in zip(blocks, np.split(b, ends[:-1]), strict=True)], shared


def _numbers(units: Rated, at: Integers, j: Integers, mean: Floats, variance: Floats, level: Integers) -> Numbers:
    scheme = units.scheme
    place = {one.code: k for k, one in enumerate(scheme.dimensions)}
    dimension = np.array([place[one.dimension] for one in scheme.indicators])
    noise = np.array([SHARED_NOISE.get(one.source, -1) for one in scheme.indicators])
    sign = np.array(
        [
            float(one.direction) if not one.goal else -1.0 if one.goal[1] < one.goal[0] else 1.0
            for one in scheme.indicators
        ]
    )
    return Numbers(at, j, level[at].astype(np.int64), dimension[j], noise[j], sign[j], mean, variance)


def _is_own(one: Loadings) -> bool:
    """A source gives such a factor in rows of its own."""
    return len(one.name) > 0 and str(one.name[0]).startswith(OWN)


def _own(loadings: list[Loadings], shape: tuple[int, int]) -> Floats:
    """(units, indicators) variances that the sources' own factors of a unit's level carry."""
    own = np.zeros(shape)
    for one in loadings:
        if _is_own(one):
            np.add.at(own, (one.unit, one.indicator), one.loading**2)
    return own
