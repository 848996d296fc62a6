"""Flagged responses that are too few to be told apart from the others of their unit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from methods.survey.cells import Cells, Choices, Pairs, Reduced


def together(reduced: Reduced, threshold: int = 10, mode: str = "invitation") -> frozenset[str]:
    """Units in which fewer than `threshold` people are flagged, or fewer are not, and somebody is either.

    Estimates with and without flagged responses differ by what the flagged people said, however much they are
    shrunken. So the difference is made of `threshold` people of a unit, or of nobody: here they count together.

    Parameters
    ----------
    reduced
        Cells, pairs and choices, each with its flag class.
    threshold
        Least number of people, flagged or not, that may be told apart.
    mode
        The one that is counted.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from methods.survey.cells import ItemScoring, reduce_responses
    >>> polite = ItemScoring("polite", "single", scores={"yes": 100_000, "no": 0}, codes=("yes", "no"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "responses.csv"
    ...     _ = file.write_text("unit,flags,q_polite\\n" + "a,,yes\\n" * 12 + "a,fast,no\\n" * 3 + "b,,yes\\n" * 11)
    ...     together(reduce_responses(file, {"autumn": (polite,)}))
    frozenset({'a'})
    """
    cells = reduced.cells
    of_unit: dict[str, list[int]] = {}
    graded = cells.mode == mode
    for unit, flagged, n in zip(cells.unit[graded], cells.flagged[graded], cells.n[graded], strict=True):
        of_unit.setdefault(str(unit), [0, 0])[int(flagged)] += int(n)
    return frozenset(
        unit for unit, numbers in of_unit.items() if numbers[1] and any(0 < n < threshold for n in numbers)
    )


def counted_together(reduced: Reduced, units: Collection[str], mode: str = "invitation") -> Reduced:
    """The same responses, where nobody of these units is flagged.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from methods.survey.cells import ItemScoring, reduce_responses
    >>> polite = ItemScoring("polite", "single", scores={"yes": 100_000, "no": 0}, codes=("yes", "no"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "responses.csv"
    ...     _ = file.write_text("unit,flags,q_polite\\na,fast,no\\nb,fast,no\\n")
    ...     found = counted_together(reduce_responses(file, {"autumn": (polite,)}), {"a"})
    >>> found.cells.unit.tolist(), found.cells.flagged.tolist()
    (['a', 'b'], [False, True])
    """

    def flagged(part: Cells | Pairs | Choices) -> NDArray[np.bool_]:
        listed = np.array([str(one) in units for one in part.unit.tolist()], bool)
        return np.asarray(part.flagged & ~(listed & (part.mode == mode)), np.bool_)

    cells, pairs, choices = reduced.cells, reduced.pairs, reduced.choices
    return Reduced(
        replace(cells, flagged=flagged(cells)),
        replace(pairs, flagged=flagged(pairs)),
        replace(choices, flagged=flagged(choices)),
    )
