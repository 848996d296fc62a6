"""What a snapshot takes of the assessments: scores under pseudonyms, without justifications and accounts."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.assessment.tables import Assessment

Period = tuple[date, date]
Table = dict[str, NDArray[Any]]  # text columns of dtype object, numbers float64


async def assessments_table(period: Period) -> Table:
    """Scores of the rounds that close within a period: unit, institute, assessor, criterion, score.

    A round that closes later belongs to a later snapshot, so that no score is rated twice. Where several rounds of the
    period have an assessor's score of a unit on a criterion, the last round's stands.
    """
    round_of = Assessment.criterion.round
    rows = (
        await Assessment.select(
            Assessment.unit,
            Assessment.assessor.institute.code,
            Assessment.assessor.pseudonym,
            Assessment.criterion.code,
            Assessment.score,
        )
        .where((round_of.closes >= period[0]) & (round_of.closes <= period[1]))
        .order_by(Assessment.unit)
        .order_by(round_of.closes)
        .order_by(Assessment.id)
    )
    names = ("unit", "assessor.institute.code", "assessor.pseudonym", "criterion.code")
    last = {tuple(str(row[name]) for name in names): float(row["score"]) for row in rows}
    columns = [np.array([key[n] for key in last], object) for n in range(4)]
    table: Table = dict(zip(("unit", "institute", "assessor", "criterion"), columns, strict=True))
    table["score"] = np.array(list(last.values()), np.float64)
    return table
