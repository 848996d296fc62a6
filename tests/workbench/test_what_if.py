"""What is foreseen under other weights is what a rating by them gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluator.workbench.opened import open_run
from evaluator.workbench.what_if import look_ahead


def test_the_foreseen_index_is_that_of_a_rating_by_the_new_weights(made: Path, second: Path) -> None:
    before, after = open_run(made / "edition", "one"), open_run(second, "two")
    index = dict(zip(after.units["unit"].tolist(), after.ratings["index"].tolist(), strict=True))
    for level in look_ahead(before, {"d:answer": 0.7}):
        assert np.allclose(level.after, [index[unit] for unit in level.unit], atol=1e-6)


def test_a_weight_in_proportion_moves_nobody(made: Path) -> None:
    run = open_run(made / "edition", "one")
    doubled = {f"d:{node.code}": 2 * node.weight for node in run.scheme.dimensions}
    for level in look_ahead(run, doubled):
        assert level.rank.expected == level.grade.expected == 0
        assert np.allclose(level.before, level.after)
