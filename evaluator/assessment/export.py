"""What a snapshot takes of the assessments: scores under pseudonyms, without justifications and accounts."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.assessment.tables import Assessment, AssessmentRound

Period = tuple[date, date]
Table = dict[str, NDArray[Any]]  # text columns of dtype object, numbers float64


def _is_about(assessed: AssessmentRound, period: Period) -> bool:
    first, last = assessed.about_from or assessed.opens, assessed.about_to or assessed.opens
    return bool(period[0] <= first and last <= period[1])


async def assessments_table(period: Period) -> Table:
    """Scores of the rounds about a period: unit, institute, assessor, criterion, score.

    A round is about the time it says, and otherwise about the period in which it opens: of periods that follow each
    other, one takes it. Where several rounds have an assessor's score of a unit on a criterion, the last one's stands.
    """
    rounds = [round_.id for round_ in await AssessmentRound.objects() if _is_about(round_, period)]
    rows = (
        []
        if not rounds
        else await Assessment.select(
            Assessment.unit,
            Assessment.assessor.institute.code,
            Assessment.assessor.pseudonym,
            Assessment.criterion.code,
            Assessment.score,
        )
        .where(Assessment.criterion.round.is_in(rounds))
        .order_by(Assessment.unit)
        .order_by(Assessment.criterion.round.opens)
        .order_by(Assessment.id)
    )
    names = ("unit", "assessor.institute.code", "assessor.pseudonym", "criterion.code")
    last = {tuple(str(row[name]) for name in names): float(row["score"]) for row in rows}
    columns = [np.array([key[n] for key in last], object) for n in range(4)]
    table: Table = dict(zip(("unit", "institute", "assessor", "criterion"), columns, strict=True))
    table["score"] = np.array(list(last.values()), np.float64)
    return table
