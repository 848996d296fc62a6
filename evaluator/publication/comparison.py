"""Who is really better than whom among some units: their indices drawn jointly from what the edition publishes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from evaluator.publication.editions import Edition, read_table
from evaluator.rating import tabular
from evaluator.rating.case import Taken, open_case
from evaluator.rating.drawn import draw
from evaluator.rating.published import read_back
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
    edition = hidden.edition
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
    case = open_case(scheme, units, read_back(scheme, units, inputs, factors), taken)
    draws = edition.note.draws
    drawn = draw(case, edition.note.seed, draws, 1, lambda share: None)
    return np.asarray(pairwise_counts(rank_draws(drawn.index)) / draws)
