"""An index is never shown as what its grade says it is not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from evaluator.publication import wording
from evaluator.publication.editions import Edition


@pytest.mark.parametrize(
    ("index", "decimals"),
    [
        (67.96, 2),  # B begins at 68: 68.0 would be a B
        (67.9996, 4),
        (67.94, 1),
        (68.0, 1),
        (68.04, 1),
        (79.999999, 6),
        (-0.04, 2),  # below the last limit, 0
        (12.3456, 1),
        (float("nan"), 1),
    ],
)
def test_rounding_carries_no_index_over_a_limit(edition: Edition, index: float, decimals: int) -> None:
    rating = replace(next(iter(edition.ratings.values())), index=index)
    assert edition.scheme.grades.bands == (("A", 80.0), ("B", 68.0), ("C", 55.0), ("D", 0.0))
    assert wording.decimals(rating, edition.scheme) == decimals
