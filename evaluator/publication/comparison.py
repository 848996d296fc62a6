"""Who is really better than whom among some units: their scores drawn jointly from what the edition publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from evaluator.publication.editions import Edition, read_table
from evaluator.rating import tabular
from evaluator.rating.case import Case, Taken, open_case
from evaluator.rating.drawn import draw
from evaluator.rating.published import read_back
from evaluator.rating.scores import INDEX
from methods.ranking.ranks import rank_draws
from methods.ranking.tiers import pairwise_counts

KEPT = 64  # comparisons in memory at once


def pairwise(edition: Edition, codes: Sequence[str]) -> NDArray[np.float64]:
    """Probability that one unit's index is above another's, given the scheme.

    What units share (an assessor, an institute, a county) is drawn once for both, so it does not blur their difference.

    Parameters
    ----------
    codes
        Units of one level, all of them ranked.

    Returns
    -------
    NDArray
        (units, units): [i, j] probability of i above j.
    """
    return _pairwise(edition.sums, tuple(codes), _Hidden(edition))


class _Hidden:
    """An argument that is no part of the cache's key: the sums say which edition it is."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=KEPT)
def _pairwise(sums: str, codes: tuple[str, ...], hidden: _Hidden) -> NDArray[np.float64]:
    index = _draws(hidden.edition, codes)[INDEX]
    return np.asarray(pairwise_counts(rank_draws(index)) / hidden.edition.note.draws)


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two units in one node: by how much the first is above the second, and how surely."""

    node: str  # "index", or a dimension
    first: str
    second: str
    value: float  # difference of the published scores
    lower: float  # of the joint draws: it leaves 0 out exactly where the difference is real
    upper: float
    above: float  # probability that the first is above the second

    def real(self, probability: float) -> int:
        """1: the first is really better; -1: the second is; 0: not told apart."""
        return int(self.above >= probability) - int(1 - self.above >= probability)


def differences(edition: Edition, codes: Sequence[str]) -> tuple[Difference, ...]:
    """All pairs of some units of one level, in the index and in every dimension that both have.

    Parameters
    ----------
    codes
        Units of one level that have an index.
    """
    return _differences(edition.sums, tuple(codes), _Hidden(edition))


@lru_cache(maxsize=KEPT)
def _differences(sums: str, codes: tuple[str, ...], hidden: _Hidden) -> tuple[Difference, ...]:
    edition = hidden.edition
    nodes = _draws(edition, codes)
    tails = (1 - edition.scheme.uncertainty.interval, edition.scheme.uncertainty.interval)
    published = {code: {score.node: score.score for score in edition.scores.of(code)} for code in codes}
    found = []
    for node, rows in nodes.items():
        for one, other in combinations(range(len(codes)), 2):
            gap = rows[one] - rows[other]
            if np.isnan(gap).any():
                continue
            scores = [published[codes[at]].get(node, np.nan) for at in (one, other)]
            above = float((gap > 0).mean() + (gap == 0).mean() / 2)
            low, high = np.quantile(gap, tails)
            found.append(
                Difference(node, codes[one], codes[other], scores[0] - scores[1], float(low), float(high), above)
            )
    return tuple(found)


def _draws(edition: Edition, codes: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """(units, draws) of the index and of each dimension, some units drawn jointly as the edition's were; NaN: none.

    Where a scheme makes its scales from the data, all units of the level are drawn, so that the scales are the same.
    """
    case = _case(edition, codes)
    if case.curves:
        levels = dict.fromkeys(edition.ratings[code].level for code in codes)
        case = _case(edition, tuple(code for level in levels for code in edition.order[level]))
    drawn = draw(case, edition.note.seed, edition.note.draws, 1, lambda share: None)
    place = {code: at for at, code in enumerate(case.codes.tolist())}
    rows = np.array([place[code] for code in codes])
    found: dict[str, NDArray[np.float64]] = {INDEX: drawn.index[rows]}
    tops = {dimension.code for dimension in edition.scheme.dimensions}
    for part in drawn.parts:
        for number, values in part.dimensions.items():
            name = case.recipe.dimensions[number]
            if name in tops:
                every = np.full(drawn.index.shape, np.nan)
                every[part.group.units] = values
                kept = found.setdefault(name, np.full((rows.size, drawn.index.shape[1]), np.nan))
                kept[np.isin(rows, part.group.units)] = every[rows[np.isin(rows, part.group.units)]]
    return found


def _case(edition: Edition, codes: tuple[str, ...]) -> Case:
    """What is known of some units, read back from what the edition published."""
    # no rank sets are wanted here, so no unshrunken estimates are drawn
    scheme = msgspec.structs.replace(
        edition.scheme, ranks=msgspec.structs.replace(edition.scheme.ranks, credible_above=0)
    )
    units = {
        "unit": np.array(codes, dtype=object),
        "level": np.array([edition.ratings[code].level for code in codes], dtype=object),
    }
    with tabular.connect() as connection:
        inputs, factors = (
            read_table(connection, edition.folder, name, units=codes, screening="main")
            for name in ("inputs", "factors")
        )
    taken = Taken(np.array([edition.ratings[code].deductions for code in codes]), [()] * len(codes), [""] * len(codes))
    return open_case(scheme, units, read_back(scheme, units, inputs, factors), taken)
